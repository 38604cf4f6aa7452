"""What once went wrong at the edges of the engine."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring import (
    DesignError,
    EstimationError,
    Framework,
    RequestError,
    Resampling,
    SurveyDesign,
    contrasted,
    covariance_of,
    estimate,
    reduce,
    score,
)
from scoring.figures import Rules
from scoring.measured import Measured, measure
from scoring.resampling import make
from scoring.units import units
from scoring.variables import Wanted
from tests.strategies import ANSWERS, FRAMEWORK

SMALL = Framework.from_toml(FRAMEWORK)


def measured(frame: pd.DataFrame, design: SurveyDesign, **wanted: Any) -> Measured:
    return measure(frame, design, Wanted(**wanted), rules=Rules())


@pytest.fixture
def answers() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.integers(low, high + 1, 16) for name, (low, high) in ANSWERS.items()})
    return frame.assign(stratum=["A"] * 8 + ["B"] * 8, psu=np.repeat(range(8), 2), w=1.0, pop=[40] * 8 + [8] * 8)


# 1. A contrast outside the domain of its function: the real part of a complex number, with a standard error of 1e29


@pytest.mark.parametrize("text", ["log(x)", "sqrt(x)", "asin(x)", "x ** 0.5"])
def test_contrast_that_has_no_real_value_is_undefined(text: str) -> None:
    frame = pd.DataFrame({"x": [-1.0, -2, -3, -5]})
    row = estimate(frame, SurveyDesign(), mean=["x"], contrasts={"made": text}).iloc[-1]
    assert np.isnan(row["estimate"])
    assert row["status"] == "undefined"


# 2. df and n of a contrast depend on the other contrasts asked with it


def test_contrast_is_the_same_whatever_is_asked_beside_it(answers: pd.DataFrame) -> None:
    frame = answers.assign(wave=np.repeat([1, 2], 8))
    frame.loc[8:11, "hours"] = None
    found = measured(
        frame.assign(hours=frame["hours"].where(frame["hours"] >= 0)),
        SurveyDesign(psu="psu", wave="wave"),
        mean=("hours",),
    )
    alone = contrasted(found, {"a": "2 * `1`"}, rules=Rules()).iloc[0]
    beside = contrasted(found, {"a": "2 * `1`", "b": "2 * `2`"}, rules=Rules()).iloc[0]
    assert (beside["n"], beside["df"], beside["low"]) == (alone["n"], alone["df"], alone["low"])


# 3. Weights made from the fpc: batches know their own PSUs alone, and collapsing strata changes the weights


def test_weights_made_from_the_population_need_the_whole_sample(answers: pd.DataFrame) -> None:
    design = SurveyDesign(strata="stratum", psu="psu", fpc="pop")
    first, second = answers[answers["psu"].isin([0, 1, 2, 4])], answers[~answers["psu"].isin([0, 1, 2, 4])]
    with pytest.raises(RequestError, match="weights made from the fpc need the whole sample; name a weight"):
        reduce(first, SMALL, design) + reduce(second, SMALL, design)


def test_collapsing_strata_changes_no_estimate() -> None:
    frame = pd.DataFrame(
        {"x": [1.0, 2, 3, 4, 5, 6, 7], "stratum": list("AABBBBB"), "region": "r", "pop": [20] * 2 + [10] * 5}
    )
    plain = estimate(frame, SurveyDesign(strata="stratum", fpc="pop"), total=["x"])
    collapsed = estimate(frame, SurveyDesign(strata="stratum", fpc="pop", neighbours="region"), total=["x"])
    assert plain["estimate"].item() == pytest.approx(20 * 1.5 + 10 * 5)
    assert collapsed["estimate"].item() == pytest.approx(20 * 1.5 + 10 * 5)


# 4. Faults that one pass finds and added batches do not


def test_population_below_the_sample_of_both_batches_is_refused(answers: pd.DataFrame) -> None:
    frame = answers.assign(pop=3)
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="pop")
    first, second = frame[frame["psu"] % 4 < 2], frame[frame["psu"] % 4 >= 2]
    with pytest.raises(DesignError, match="fpc"):
        reduce(first, SMALL, design) + reduce(second, SMALL, design)


def test_psu_in_two_strata_of_two_batches_is_refused(answers: pd.DataFrame) -> None:
    frame = answers.assign(psu=[0, 0, 1, 1, 2, 2, 3, 3] * 2)
    design = SurveyDesign(weight="w", strata="stratum", psu="psu")
    with pytest.raises(DesignError, match="stands in stratum"):
        reduce(frame[:8], SMALL, design) + reduce(frame[8:], SMALL, design)


def test_psu_read_as_whole_and_as_decimal_number_is_one(answers: pd.DataFrame) -> None:
    design = SurveyDesign(weight="w", strata="stratum", psu="psu")
    first, second = answers[::2], answers[1::2].assign(psu=lambda part: part["psu"].astype(float))
    assert (reduce(first, SMALL, design) + reduce(second, SMALL, design)).units.sampled.tolist() == [4, 4]


def test_waves_stay_in_the_order_of_the_whole(answers: pd.DataFrame) -> None:
    frame = answers.assign(wave=[9] * 8 + [10] * 8)
    design = SurveyDesign(weight="w", psu="psu", wave="wave")
    added = reduce(frame[:8], SMALL, design) + reduce(frame[8:], SMALL, design)
    assert score(added, SMALL).table["wave"].unique().tolist() == ["9", "10"]


def test_message_about_a_psu_of_two_batches_can_be_read(answers: pd.DataFrame) -> None:
    frame = answers.assign(lane=range(16), inside=4)
    design = SurveyDesign(weight="w", psu=["psu", "lane"], fpc=["pop9", "inside"])
    frame = frame.assign(pop9=99)
    with pytest.raises(DesignError) as caught:
        reduce(frame[::2], SMALL, design) + reduce(frame[1::2].assign(inside=5), SMALL, design)
    assert "\\x1f" not in str(caught.value)
    assert "\x1f" not in str(caught.value)


# 5. Whether: booleans that are no numpy bool are text to a condition


@pytest.mark.parametrize("dtype", ["object", "bool[pyarrow]", "boolean"])
def test_condition_on_a_boolean_holds_for_every_kind_of_column(dtype: Any) -> None:
    frame = pd.DataFrame({"x": [1.0, 2, 3, 4], "met": pd.Series([True, False, True, None], dtype=dtype)})
    assert estimate(frame, SurveyDesign(), mean=["x"], where="met == 1")["n"].tolist() == [2]
    assert estimate(frame, SurveyDesign(), mean=["met * x"])["n"].tolist() == [3]


# 6. covariance_of does not refuse what estimate refuses


def test_covariance_refuses_one_second_stage_unit_as_the_standard_error_does() -> None:
    frame = pd.DataFrame(
        {"x": [1.0, 2, 3, 4, 5], "psu": [1, 1, 2, 2, 3], "lane": range(5), "many": 10, "inside": 5, "w": 1.0}
    )
    found = measured(frame, SurveyDesign(weight="w", psu=["psu", "lane"], fpc=["many", "inside"]), mean=("x",))
    with pytest.raises(EstimationError, match="second-stage unit"):
        covariance_of(found)


# 7. Second order: rounding shown as a figure, and warnings


def test_alpha_of_answers_whose_sum_is_constant_is_undefined() -> None:
    frame = pd.DataFrame({"a": [0.1, 0.2, 0.7, 0.3], "b": [0.7, 0.6, 0.1, 0.5], "w": [0.3, 1.1, 2.7, 0.9]})
    row = estimate(frame, SurveyDesign(weight="w"), alpha=["a", "b"]).iloc[0]
    assert np.isnan(row["estimate"]) or np.isinf(row["estimate"])
    assert row["status"] == "undefined"


def test_correlation_of_answers_alike_in_a_domain_warns_of_nothing() -> None:
    frame = pd.DataFrame(
        {
            "a": [1 / 3] * 3 + [0.1, 0.7, 0.3],
            "b": [1, 2, 3, 4, 5, 7.0],
            "w": [0.3, 1.1, 2.7, 0.9, 0.1, 0.7],
            "s": list("aaabbb"),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = estimate(frame, SurveyDesign(weight="w"), by="s", correlation=["a", "b"])
    assert table["status"].tolist() == ["undefined", "ok"]
    assert table["reason"].tolist() == ["not_defined", ""]


# 8. A quantile at the end of the answers has an interval of no width


@pytest.mark.parametrize(
    "frame", [pd.DataFrame({"x": range(1, 21)}), pd.DataFrame({"x": [3.0] * 20})], ids=["largest", "alike"]
)
def test_quantile_without_a_spread_says_so(frame: pd.DataFrame) -> None:
    row = estimate(frame, SurveyDesign(), quantile=["x:1"]).iloc[0]
    assert row["reason"] in ("no_spread", "open_end")


# 9. Two rows of one name


def test_boxes_with_two_bounds_can_be_told_apart() -> None:
    frame = pd.DataFrame({"x": [1, 2, 3, 4, 5]})
    found = measured(frame, SurveyDesign(), top_two_box=("x:4", "x:5"))
    assert covariance_of(found).columns.is_unique


def test_domains_joined_to_one_name_can_be_told_apart() -> None:
    frame = pd.DataFrame({"x": [1, 2, 3, 4], "a": ["1", "1", "1.2", "1.2"], "b": ["2.3", "2.3", "3", "3"]})
    assert covariance_of(measured(frame, SurveyDesign(), by=("a", "b"), mean=("x",))).shape == (2, 2)


# 10. mse of made generalised bootstraps is not heard


def test_centre_of_the_generalised_bootstrap_is_the_one_asked_for() -> None:
    found = units(pd.DataFrame({"psu": range(6)}), SurveyDesign(psu="psu"))
    made = make(found, Resampling("generalized", rng=np.random.default_rng(1), count=10, mse=False))
    assert made.mse is False
