"""Scores and changes of a framework, worked out by hand."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest

from scoring import EstimationError, Framework, SurveyDesign, change, reduce, score
from scoring.compare import adjusted
from scoring.contract import FIGURES
from scoring.estimates import contrast, variance
from scoring.indices import assemble

TWO = """
id = "two"
version = "3"
title = "Two items"

[[index]]
code = "index"
title = "Index"

[[dimension]]
code = "part"
title = "Part"
index = "index"

[[item]]
code = "x"
title = "Better upwards"
dimension = "part"
direction = "better"
range = [1, 5]

[[item]]
code = "y"
title = "Worse upwards"
dimension = "part"
direction = "worse"
range = [1, 5]
weight = 3
"""
DESIGN = SurveyDesign(weight="w", strata="stratum", psu="psu")
T2 = 4.302652729911275


@pytest.fixture
def two() -> Framework:
    return Framework.from_toml(TWO)


@pytest.fixture
def answers() -> pd.DataFrame:
    """One answer a PSU, weight 1: x on 0-100 is 0, 50 | 25, 25; y, turned, is 100, 50 | 75, 75."""
    return pd.DataFrame({"stratum": list("AABB"), "psu": [1, 2, 3, 4], "w": 1.0, "x": [1, 3, 2, 2], "y": [1, 3, 2, 2]})


def row(table: pd.DataFrame, measure: str) -> dict[str, float]:
    return table[table["measure"] == measure].iloc[0].to_dict()


def test_index_is_the_weighted_mean_of_its_parts_with_their_covariance(two: Framework, answers: pd.DataFrame) -> None:
    # x: mean 25, scores differ by 50 / 4 in A: se 12.5. y: mean 75, the same. Together x + y = 100 for everybody,
    # so the index is (x + 3 y) / 4 = 62.5 and its score differs by (50 - 3 50) / 4 / 4 in A: se 6.25, not 9.9
    table = score(reduce(answers, two, DESIGN), two).table
    assert (row(table, "x")["estimate"], row(table, "y")["estimate"]) == (25, 75)
    assert (row(table, "x")["se"], row(table, "y")["se"]) == pytest.approx((12.5, 12.5))
    assert (row(table, "index")["estimate"], row(table, "index")["se"]) == pytest.approx((62.5, 6.25))
    assert row(table, "part")["estimate"] == pytest.approx(62.5)


def test_index_uses_the_answers_there_are_and_counts_the_fewest(two: Framework, answers: pd.DataFrame) -> None:
    # y refused in PSU 1: its mean is (50 + 75 + 75) / 3; the index of means (25 + 3 200/3) / 4
    table = score(reduce(answers.assign(y=[-3, 3, 2, 2]), two, DESIGN), two).table
    assert row(table, "index")["estimate"] == pytest.approx((25 + 200) / 4)
    assert (row(table, "x")["n"], row(table, "y")["n"], row(table, "index")["n"]) == (4, 3, 3)


@pytest.mark.parametrize("kind", [-1, -2, -3, -4])
def test_index_is_missing_where_a_part_has_no_answers(two: Framework, answers: pd.DataFrame, kind: int) -> None:
    table = score(reduce(answers.assign(y=kind), two, DESIGN), two).table
    index, part = row(table, "index"), row(table, "y")
    assert np.isnan([index["estimate"], index["se"], index["low"], index["high"]]).all()
    assert (part["status"], part["reason"], index["status"]) == ("undefined", "no_answers", "undefined")


def test_share_of_any_of_several_questions_counts_one_yes(answers: pd.DataFrame) -> None:
    text = TWO + (
        '[[indicator]]\ncode="any"\ntitle="Any"\nstatistic="share"\nany_of=["a", "b"]\ndirection="worse"\n'
        '[[indicator]]\ncode="hours"\ntitle="Hours"\nstatistic="mean"\nitem="h"\ndirection="worse"\n'
    )
    frame = answers.assign(a=[1, 0, -1, -1], b=[0, -2, 1, -1], h=[2, 4, 8, -4])
    framework = Framework.from_toml(text)
    table = score(reduce(frame, framework, DESIGN), framework).table
    assert (row(table, "any")["estimate"], row(table, "any")["n"]) == (pytest.approx(200 / 3), 3)
    assert (row(table, "hours")["estimate"], row(table, "hours")["n"]) == (pytest.approx(14 / 3), 3)


def test_columns_of_a_scorecard_are_those_of_the_contract(two: Framework, answers: pd.DataFrame) -> None:
    frame = answers.assign(side="left", wave="2024")
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", wave="wave")
    totals = reduce(frame, two, design, facets=[("side",)])
    assert list(score(totals, two, by="side").table) == ["wave", "side", *FIGURES]
    assert score(totals, two).provenance["framework"] == "two 3"
    assert score(totals, two, provenance={"data": "abc"}).provenance["data"] == "abc"


def test_other_weights_of_the_index_need_no_new_pass(two: Framework, answers: pd.DataFrame) -> None:
    totals = reduce(answers, two, DESIGN)
    even = Framework.from_toml(TWO.replace("weight = 3", "weight = 1"))
    assert row(score(totals, even).table, "index")["estimate"] == pytest.approx(50)


def test_framework_of_other_ranges_or_questions_is_refused(two: Framework, answers: pd.DataFrame) -> None:
    totals = reduce(answers, two, DESIGN)
    with pytest.raises(EstimationError, match=r"'x' has another range.*reduce again"):
        score(totals, Framework.from_toml(TWO.replace("range = [1, 5]", "range = [1, 6]", 1)))
    with pytest.raises(EstimationError, match=r"hold no 'q'.*reduce again"):
        score(totals, Framework.from_toml(TWO.replace('code = "x"', 'code = "q"')))


def two_waves(answers: pd.DataFrame) -> pd.DataFrame:
    """2024 beside 2022: x moves by +25, +25 | +50, 0 points in PSUs 1, 2 | 3, 4; y stays."""
    later = answers.assign(x=[2, 4, 4, 2])
    return pd.concat([answers.assign(year="2022"), later.assign(year="2024")], ignore_index=True)


def test_change_of_fresh_shifts_adds_the_variances_of_both_waves(two: Framework, answers: pd.DataFrame) -> None:
    # 2022: A differs by 50 / 4: 12.5^2. 2024: 25, 75 | 75, 25: 12.5^2 twice. Change 25, variance 3 12.5^2
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", wave="year")
    totals = reduce(two_waves(answers), two, design)
    table = change(totals, two, measure=["x", "index"], waves=("2022", "2024"), adjust="none").table
    moved = row(table, "x")
    assert (moved["wave"], moved["since"]) == ("2024", "2022")
    assert (moved["estimate"], moved["se"]) == pytest.approx((25, 12.5 * sqrt(3)))
    assert moved["df"] == pytest.approx(3)  # three equal shares of one degree of freedom each
    assert moved["high"] - moved["estimate"] == pytest.approx(3.182446305284263 * 12.5 * sqrt(3))  # t 3
    assert row(table, "index")["estimate"] == pytest.approx(25 / 4)


def test_change_within_the_same_units_carries_their_covariance(two: Framework, answers: pd.DataFrame) -> None:
    # the same PSUs in both years: only what differs between their moves counts: A 0, B 50 / 4
    totals = reduce(two_waves(answers), two, DESIGN, facets=[("year",)])
    scores = assemble(totals, two, ("year",))
    moved = contrast(scores.estimates, np.array([[0, 1]]), np.array([-1.0, 1.0]))
    place = scores.measures.index("x")
    assert moved.values[0, place] == pytest.approx(25)
    assert np.sqrt(variance(moved).variance[0, place]) == pytest.approx(12.5)


def test_change_of_answers_all_alike_is_not_called_clear(two: Framework, answers: pd.DataFrame) -> None:
    frame = two_waves(answers).assign(x=lambda part: part["year"].map({"2022": 1, "2024": 5}))
    totals = reduce(frame, two, SurveyDesign(weight="w", strata="stratum", psu="psu", wave="year"))
    moved = row(change(totals, two, measure="x", waves=("2022", "2024")).table, "x")
    assert (moved["estimate"], moved["status"], moved["reason"]) == (100, "undefined", "no_spread")
    assert np.isnan([moved["low"], moved["high"], moved["p"]]).all()
    assert not moved["clear"]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("holm", [0.007, 0.072, 0.15, 0.16, 0.16, 0.4, 0.8, np.nan]),
        ("benjamini-hochberg", [0.007, 0.042, 0.0686, 0.0686, 0.0686, 0.7 / 3, 0.8, np.nan]),
        ("none", [0.001, 0.012, 0.03, 0.04, 0.049, 0.2, 0.8, np.nan]),
    ],
)
def test_adjusted_p_values_are_those_of_r(method: str, expected: list[float]) -> None:
    p = np.array([0.001, 0.012, 0.03, 0.04, 0.049, 0.2, 0.8, np.nan])
    np.testing.assert_allclose(adjusted(p, adjust=method), expected, rtol=1e-12)


def test_wave_that_is_not_there_is_named(two: Framework, answers: pd.DataFrame) -> None:
    totals = reduce(two_waves(answers), two, SurveyDesign(weight="w", psu="psu", wave="year"))
    with pytest.raises(EstimationError, match="no wave '2030'; waves are 2022, 2024"):
        change(totals, two, measure="x", waves=("2022", "2030"))


def test_cells_that_share_no_wave_are_refused_in_words(two: Framework, answers: pd.DataFrame) -> None:
    frame = two_waves(answers).assign(post=lambda part: part["year"].map({"2022": "old", "2024": "new"}))
    totals = reduce(frame, two, SurveyDesign(weight="w", psu="psu", wave="year"), facets=[("post",)])
    with pytest.raises(EstimationError, match="no cell of post stands in both 2022 and 2024"):
        change(totals, two, measure="x", waves=("2022", "2024"), by="post")


def test_measure_nobody_scores_and_unknown_adjustment_are_refused(two: Framework, answers: pd.DataFrame) -> None:
    totals = reduce(two_waves(answers), two, SurveyDesign(weight="w", psu="psu", wave="year"))
    with pytest.raises(EstimationError, match="'fame' is not scored by the whole sample"):
        change(totals, two, measure="fame", waves=("2022", "2024"))
    with pytest.raises(EstimationError, match="adjust is 'tukey'; it may be none, bonferroni, holm"):
        change(totals, two, measure="x", waves=("2022", "2024"), adjust="tukey")


def test_chain_is_shown_by_side_and_by_nothing_else(small: Framework) -> None:
    size = 32
    frame = pd.DataFrame({name: [1] * size for name in ("x", "y", "z", "link", "asked", "hours")}).assign(
        side=["left", "right"] * 16, post=list("aabb") * 8, wave=["2022"] * 16 + ["2024"] * 16, psu=range(size)
    )
    totals = reduce(frame, small, SurveyDesign(psu="psu", wave="wave"), facets=[("side",), ("post",), ("side", "post")])
    chain = {"chain", "links", "link"}
    assert chain <= set(score(totals, small, by="side").table["measure"])
    for by in ("post", ("side", "post"), None):
        assert not chain & set(score(totals, small, by=by).table["measure"])
    for code in sorted(chain):
        with pytest.raises(EstimationError, match=f"'{code}' is not scored by post"):
            change(totals, small, measure=code, waves=("2022", "2024"), by="post")


def test_respondents_of_weight_zero_are_nobody(two: Framework, answers: pd.DataFrame) -> None:
    frame = pd.concat([answers, answers.assign(w=0.0, x=5, y=5)], ignore_index=True).assign(who=["a"] * 4 + ["b"] * 4)
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", interviewer="who")
    card = score(reduce(frame, two, design), two)
    assert row(card.table, "x")["estimate"] == 25
    assert card.table["n"].eq(4).all()
    assert card.evidence["interviewers"].eq(1).all()
