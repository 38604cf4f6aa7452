"""How much was answered: every kind of missing answer counted by itself, routing apart from refusal."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from scoring import EstimationError, Framework, RequestError, SurveyDesign, reduce
from scoring.coverage import coverage
from scoring.packing import from_bytes, to_bytes
from tests.strategies import ANSWERS, FRAMEWORK, surveys

SMALL = Framework.from_toml(FRAMEWORK)
DESIGN = SurveyDesign(weight="weight", strata="stratum", psu="shift", wave="wave", nest=True)


@pytest.fixture
def frame() -> pd.DataFrame:
    """Ten people: 2 each of every kind of answer to x; y asked of nobody; z left blank once, empty once."""
    size = 10
    return pd.DataFrame(
        {
            "side": ["left"] * 5 + ["right"] * 5,
            "x": [1, -1, -2, -3, -4] * 2,
            "y": -1,
            "z": [0, 1, 2, 0, 1, 2, 0, 1, -4, np.nan],
            "link": 1,
            "asked": 0,
            "hours": 0.5,
            "who": range(size),
        }
    )


def row(table: pd.DataFrame, measure: str) -> dict[str, object]:
    return table[table["measure"] == measure].iloc[0].to_dict()


def test_each_kind_of_missing_answer_is_counted_and_routing_is_not_among_the_asked(frame: pd.DataFrame) -> None:
    table = coverage(reduce(frame, SMALL, SurveyDesign(psu="who"), missing="counted"), SMALL)
    assert list(table) == [
        "wave", "measure", "asked", "answered", "not_applicable", "dont_know", "refused", "blank", "share",
    ]  # fmt: skip
    x, z = row(table, "x"), row(table, "z")
    assert [x[kind] for kind in ("answered", "not_applicable", "dont_know", "refused", "blank")] == [2] * 5
    assert (x["asked"], x["share"]) == (8, 0.25)
    assert (z["asked"], z["answered"], z["blank"]) == (10, 8, 2)


def test_what_nobody_was_asked_has_no_share(frame: pd.DataFrame) -> None:
    y = row(coverage(reduce(frame, SMALL, SurveyDesign(psu="who"), missing="counted"), SMALL), "y")
    assert (y["asked"], y["not_applicable"]) == (0, 10)
    assert np.isnan(y["share"])


def test_a_node_counts_the_answers_to_all_its_items(frame: pd.DataFrame) -> None:
    table = coverage(reduce(frame, SMALL, SurveyDesign(psu="who"), missing="counted"), SMALL)
    first, index = row(table, "first"), row(table, "index")
    assert (first["asked"], first["answered"], first["share"]) == (8, 2, 0.25)
    assert (index["asked"], index["answered"]) == (18, 10)


def test_counts_stand_cell_by_cell_and_leave_out_whom_the_design_leaves_out(frame: pd.DataFrame) -> None:
    design = SurveyDesign(psu="who", weight="w")
    totals = reduce(frame.assign(w=[0.0] + [1.0] * 9), SMALL, design, facets=[("side",)], missing="counted")
    table = coverage(totals, SMALL, by="side")
    assert table[table["measure"] == "x"]["answered"].tolist() == [0, 1]
    assert table[table["measure"] == "z"]["asked"].tolist() == [4, 5]


def test_totals_that_left_missing_answers_out_say_so(frame: pd.DataFrame) -> None:
    totals = reduce(frame, SMALL, SurveyDesign(psu="who"))
    with pytest.raises(RequestError, match="left missing answers out; reduce again with missing='counted'"):
        coverage(totals, SMALL)
    other = Framework.from_toml(FRAMEWORK.replace('code = "z"', 'code = "q"'))
    counted = reduce(frame, SMALL, SurveyDesign(psu="who"), missing="counted")
    with pytest.raises(EstimationError, match="count no answers to 'q'; reduce again"):
        coverage(counted, other)


@given(data=surveys(missing=0.5))
@settings(max_examples=8, deadline=None, derandomize=True, database=None)
def test_batches_counted_apart_and_totals_from_the_store_give_the_counts_of_one_pass(data: pd.DataFrame) -> None:
    half = np.arange(len(data)) < len(data) // 2
    whole = reduce(data, SMALL, DESIGN, facets=[("side",)], missing="counted")
    parts = [reduce(data[part], SMALL, DESIGN, facets=[("side",)], missing="counted") for part in (half, ~half)]
    for by in ((), ("side",)):
        table = coverage(whole, SMALL, by=by)
        pd.testing.assert_frame_equal(coverage(parts[0] + parts[1], SMALL, by=by), table)
        pd.testing.assert_frame_equal(coverage(from_bytes(to_bytes(whole)), SMALL, by=by), table)
    answered = [int((data[name] >= 0).sum()) for name in ANSWERS]
    totals = coverage(whole, SMALL)
    assert totals[totals["measure"].isin(ANSWERS)]["answered"].tolist() == answered
