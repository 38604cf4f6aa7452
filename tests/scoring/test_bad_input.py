"""Data and requests that cannot be right: each is an error that says where the fault is and how to mend it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring import (
    Calibration,
    DesignError,
    EstimationError,
    Framework,
    Margin,
    RequestError,
    Resampling,
    ScoringError,
    SurveyDesign,
    estimate,
    reduce,
    score,
)
from tests.strategies import ANSWERS

STRATIFIED = SurveyDesign(weight="w", strata="stratum", psu="psu")


@pytest.fixture
def border() -> pd.DataFrame:
    """Two strata of three shifts of two interviews, one a lane."""
    return pd.DataFrame(
        {
            "stratum": ["north"] * 6 + ["south"] * 6,
            "psu": list("aabbccddeeff"),
            "lane": [1, 2] * 6,
            "w": 1.0,
            "x": [1, 2, 3, 4, 5, 6] * 2,
            "sex": ["female", "male"] * 6,
            "many": 9,
            "inside": 4,
            **dict.fromkeys(["y", "z", "link", "asked", "hours"], 1),
        }
    )


def changed(frame: pd.DataFrame, name: str, row: int, value: object) -> pd.DataFrame:
    """One cell of one column, by its place."""
    return frame.assign(**{name: frame[name].astype(object).where(np.arange(len(frame)) != row, value)})


# Weights


def test_weights_that_are_all_zero_are_refused(border: pd.DataFrame, small: Framework) -> None:
    words = "weight 'w' is zero in all 12 rows; give those who count one"
    with pytest.raises(DesignError, match=words):
        estimate(border.assign(w=0), STRATIFIED, mean=["x"])
    with pytest.raises(DesignError, match=words):
        reduce(border.assign(w=0, x=1), small, STRATIFIED)


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf, -np.inf, None, "heavy", pd.NA])
def test_weight_that_cannot_be_is_named_with_its_row(border: pd.DataFrame, weight: object) -> None:
    with pytest.raises(
        DesignError,
        match=r"weight 'w' is missing, negative or infinite in 1 rows, first in data row 8; give every row a weight",
    ):
        estimate(changed(border, "w", 7, weight), STRATIFIED, mean=["x"])


@pytest.mark.parametrize("crossings", [0, -2, np.nan, np.inf, None, "often"])
def test_crossings_that_cannot_be_are_named_with_their_row(border: pd.DataFrame, crossings: object) -> None:
    frame = changed(border.assign(times=2), "times", 3, crossings)
    words = (
        r"crossings 'times' is missing, zero, negative or infinite in 1 rows, first in data row 4; give every row a "
        r"number \(whoever was met crossed at least once\)"
    )
    with pytest.raises(DesignError, match=words):
        estimate(frame, SurveyDesign(weight="w", crossings="times"), mean=["x"])


@pytest.mark.parametrize("most", [0, -1, float("nan")])
def test_top_code_of_crossings_lies_above_0(most: float) -> None:
    with pytest.raises(DesignError, match=r"most_crossings is .*; give a number of crossings above 0"):
        SurveyDesign(crossings="times", most_crossings=most)


# Strata and PSUs


def test_psu_in_two_strata_is_named_with_both(border: pd.DataFrame, small: Framework) -> None:
    frame = border.assign(psu=list("aabbccddeeaa"))
    words = r"PSU 'a' stands in stratum 'north' and in 'south'; nest PSUs in their strata \(nest=True"
    with pytest.raises(DesignError, match=words):
        estimate(frame, STRATIFIED, mean=["x"])
    with pytest.raises(DesignError, match=words):
        reduce(frame.assign(x=1), small, STRATIFIED)


@pytest.mark.parametrize("name", ["stratum", "psu", "wave"])
def test_empty_stratum_psu_or_wave_is_named_and_counted(border: pd.DataFrame, name: str) -> None:
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", wave="wave")
    with pytest.raises(DesignError, match=f"'{name}' names the stratum or PSU and is empty in 1 rows; fill it in"):
        estimate(changed(border.assign(wave="2024"), name, 0, None), design, mean=["x"])


def test_one_psu_in_all_is_refused_unless_a_rule_is_chosen(border: pd.DataFrame) -> None:
    with pytest.raises(EstimationError, match=r"stratum 'all' has one PSU, so its variance cannot be estimated; merge"):
        estimate(border.assign(psu="a"), SurveyDesign(psu="psu"), mean=["x"])


def test_one_respondent_is_refused(border: pd.DataFrame) -> None:
    with pytest.raises(EstimationError, match="stratum 'all' has one PSU"):
        estimate(border.iloc[:1], SurveyDesign(), mean=["x"])


def test_stratum_of_one_psu_is_named_by_the_scores(border: pd.DataFrame, small: Framework) -> None:
    totals = reduce(border.iloc[:8].assign(x=1), small, STRATIFIED)
    with pytest.raises(EstimationError, match=r"stratum 'south' has one PSU.*'adjust' or 'remove'"):
        score(totals, small)


def test_lonely_rule_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(DesignError, match="lonely is 'ignore'; it may be fail, remove, certainty, adjust, average"):
        SurveyDesign(lonely="ignore")


def test_three_stages_are_refused() -> None:
    with pytest.raises(DesignError, match="psu names 3 stages; give the PSU and at most one unit drawn inside it"):
        SurveyDesign(psu=["post", "shift", "lane"])


@pytest.mark.parametrize("names", [{"psu": "psu", "fpc": ["a", "b"]}, {"fpc": ["a", "b"]}])
def test_more_populations_than_stages_are_refused(names: dict[str, Any]) -> None:
    with pytest.raises(DesignError, match="fpc names more stages than psu; give one fpc a stage"):
        SurveyDesign(**names)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"waves": "common"}, "waves are 'common', but no wave is named; name the column of the wave"),
        ({"waves": "same", "wave": "wave"}, "waves is 'same'; it may be fresh, common"),
    ],
)
def test_waves_that_contradict_the_design_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(DesignError, match=words):
        SurveyDesign(**options)


# Finite populations


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (2, "fpc 'many' of stratum 'south' is 2, but it has 3 PSUs; give the number of PSUs in the population"),
        (0, "fpc 'many' of stratum 'south' is 0"),
        (-4, "fpc 'many' of stratum 'south' is -4"),
        (np.nan, "fpc 'many' is missing or differs within stratum 'south'; give one value a stratum"),
    ],
)
def test_population_of_psus_below_the_sample_names_its_stratum(border: pd.DataFrame, value: float, words: str) -> None:
    frame = border.assign(many=np.where(border["stratum"] == "south", value, 9))
    with pytest.raises(DesignError, match=words):
        estimate(frame, SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="many"), mean=["x"])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1.5, "fpc 'inside' of PSU 'e' is 1.5, but it has 2 units; give the number of units in the population"),
        (0, "fpc 'inside' of PSU 'e' is 0"),
        (np.nan, "fpc 'inside' is missing or differs within PSU 'e'; give one value a PSU"),
    ],
)
def test_population_inside_below_the_sample_names_its_psu(border: pd.DataFrame, value: float, words: str) -> None:
    frame = border.assign(inside=np.where(border["psu"] == "e", value, 4))
    design = SurveyDesign(weight="w", strata="stratum", psu=["psu", "lane"], fpc=["many", "inside"])
    with pytest.raises(DesignError, match=words):
        estimate(frame, design, mean=["x"])


def test_population_that_differs_within_a_psu_names_it(border: pd.DataFrame) -> None:
    design = SurveyDesign(weight="w", strata="stratum", psu=["psu", "lane"], fpc=["many", "inside"])
    with pytest.raises(DesignError, match="fpc 'inside' is missing or differs within PSU 'a'"):
        estimate(changed(border, "inside", 0, 5), design, mean=["x"])


def test_one_unit_inside_a_psu_names_its_stratum(border: pd.DataFrame) -> None:
    design = SurveyDesign(weight="w", strata="stratum", psu=["psu", "lane"], fpc=["many", "inside"])
    words = "a PSU of stratum 'south' holds one second-stage unit.*leave the second fpc out, or choose another rule"
    with pytest.raises(EstimationError, match=words):
        estimate(border.drop(index=11), design, mean=["x"])


# Answers


@pytest.mark.parametrize("statistic", ["mean", "total", "proportion", "variance", "distribution", "quantile", "ratio"])
def test_variable_that_nobody_answered_is_refused(border: pd.DataFrame, statistic: str) -> None:
    text = {"distribution": "empty:1", "quantile": "empty:0.5", "ratio": "empty/x"}.get(statistic, "empty")
    with pytest.raises(EstimationError, match=r"nobody answered .*'?empty.*; c"):
        estimate(border.assign(empty=np.nan), STRATIFIED, **{statistic: text})


def test_variable_that_one_domain_answered_is_a_row_that_says_so_elsewhere(border: pd.DataFrame) -> None:
    frame = border.assign(x=border["x"].where(border["stratum"] == "north"))
    table = estimate(frame, STRATIFIED, mean=["x"], by="stratum")
    assert table["reason"].tolist() == ["", "no_answers"]


# Margins


@pytest.mark.parametrize(
    ("margins", "words"),
    [
        (
            (Margin("sex", {"female": 60, "male": 40}), Margin("stratum", {"north": 60, "south": 50})),
            "margins contradict one another: 'sex' adds up to 100, 'stratum' to 110; bring them to one population",
        ),
        (
            (Margin("sex", {"female": 60, "male": 40}), Margin((), 120)),
            "margins contradict one another: 'sex' adds up to 100, 'population size' to 120",
        ),
    ],
)
def test_margins_of_different_populations_are_refused_before_any_data(margins: Any, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        Calibration("linear", margins)


def test_margin_without_respondents_names_its_category(border: pd.DataFrame) -> None:
    calibration = Calibration("rake", (Margin("sex", {"female": 50, "male": 40, "other": 10}),))
    words = "nobody in the sample belongs to category 'other' of margin 'sex'; merge it with a neighbour"
    with pytest.raises(EstimationError, match=words):
        estimate(border, STRATIFIED, mean=["x"], calibration=calibration)


def test_respondents_without_a_margin_name_their_category(border: pd.DataFrame) -> None:
    calibration = Calibration("rake", (Margin("sex", {"female": 50}),))
    words = "margin 'sex' has no total for 'male', to which 6 respondents belong; give its total, or mend the codes"
    with pytest.raises(DesignError, match=words):
        estimate(border, STRATIFIED, mean=["x"], calibration=calibration)


@pytest.mark.parametrize(
    "calibration",
    [
        # all women in the north, all men in the south: 60 and 40 cannot be 50 and 50
        Calibration("rake", (Margin("group", {"f": 60, "m": 40}), Margin("stratum", {"north": 50, "south": 50}))),
        Calibration("logit", (Margin("stratum", {"north": 1000, "south": 1}),), bounds=(0.5, 2)),
        Calibration("linear", (Margin("stratum", {"north": 20, "south": 6}),), bounds=(0.9, 1.5)),
    ],
    ids=["rake", "logit", "linear"],
)
def test_margins_that_cannot_be_met_are_named_with_what_was_reached(
    border: pd.DataFrame, small: Framework, calibration: Calibration
) -> None:
    frame = border.assign(group=border["stratum"].map({"north": "f", "south": "m"}))
    words = r"cannot meet margin '(group|stratum)', category '.*': .* of .*; widen them, merge categories, or mend"
    with pytest.raises(EstimationError, match=words):
        estimate(frame, STRATIFIED, mean=["x"], calibration=calibration)
    with pytest.raises(EstimationError, match=words):
        reduce(frame.assign(x=1), small, STRATIFIED, calibration=calibration)


def test_margin_that_no_replicate_can_meet_is_refused(border: pd.DataFrame) -> None:
    # each shift is a category of its own: without it nobody belongs to it
    calibration = Calibration("poststratify", (Margin("psu", dict.fromkeys("abcdef", 10)),))
    with pytest.raises(EstimationError, match="no replicate can meet the margins; merge categories, or use linearised"):
        estimate(border, STRATIFIED, mean=["x"], calibration=calibration, replicates=Resampling("jackknife"))


# Replicates


def repeated(frame: pd.DataFrame, **cells: object) -> pd.DataFrame:
    """Two replicate weights, with what is wrong in row 6."""
    both = frame.assign(rep1=frame["w"] * 1.2, rep2=frame["w"] * 0.8)
    for name, value in cells.items():
        both = changed(both, name, 5, value)
    return both


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (
            {"rep2": None},
            "replicate weight 'rep2' is missing or no number in 1 rows, first in data row 6; give every row",
        ),
        ({"rep2": "many"}, "replicate weight 'rep2' is missing or no number in 1 rows, first in data row 6"),
        (
            {"rep1": np.inf},
            "replicate weight 'rep1' in data row 6 is missing or infinite; give 0 where the row is left",
        ),
        ({"rep1": -0.1}, "replicate weight 'rep1' in data row 6 is negative; use weights that were bounded at 0"),
        ({"w": 0}, "replicate weight 'rep1' in data row 6 is above 0, but the row's weight is 0"),
    ],
)
def test_replicate_weight_that_cannot_be_is_named_with_its_row(
    border: pd.DataFrame, cells: dict[str, object], words: str
) -> None:
    replicates = Resampling("bootstrap", columns=("rep1", "rep2"))
    with pytest.raises(DesignError, match=words):
        estimate(repeated(border, **cells), SurveyDesign(weight="w"), mean=["x"], replicates=replicates)


def test_column_of_replicate_weights_that_is_not_there_is_named(border: pd.DataFrame) -> None:
    with pytest.raises(DesignError, match="column 'rep3' is not in the data"):
        estimate(
            repeated(border),
            SurveyDesign(weight="w"),
            mean=["x"],
            replicates=Resampling("bootstrap", columns=("rep1", "rep3")),
        )


def test_jackknife_names_the_stratum_of_one_psu(border: pd.DataFrame) -> None:
    with pytest.raises(EstimationError, match="stratum 'south' has one PSU, so no replicate can be made of it; merge"):
        estimate(border.iloc[:8], STRATIFIED, mean=["x"], replicates=Resampling("jackknife"))


# Requests


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"median": "x"}, "there is no statistic 'median'; there are alpha, components, correlation"),
        ({"quantile": "x"}, "'x': 'x' is no number; write as in a:4"),
        ({"quantile": "x:half"}, "'x:half': 'half' is no number; write as in a:4, a:2:4 or a:0.5"),
        ({"quantile": "x:50"}, "quantile 'x:50': write variable:share with a share from 0 to 1, as in wait:0.5"),
        ({"quantile": "nobody:0.5"}, "column 'nobody' is not in the data; check its spelling"),
        ({"mean": "median(x)"}, "expression: expected one of the functions log, exp, sqrt, asin"),
        ({"mean": "x", "where": "lower(sex) == 'male'"}, "where: expected one of the functions"),
        ({"mean": "x", "by": "sexx"}, "column 'sexx' is not in the data; check its spelling"),
        ({"mean": "x", "contrasts": {"gap": "x - median(x)"}}, "contrast: expected one of the functions"),
        ({"mean": "x", "df": "kish"}, "df rule is 'kish'; it may be design, satterthwaite"),
        ({"mean": "x", "deff": "both"}, "deff is 'both'; it may be without, with"),
        ({"proportion": "sex", "interval": "exact"}, "interval is 'exact'; it may be t, normal, logit, beta"),
        ({}, "nothing to estimate: name at least one mean"),
    ],
)
def test_request_that_cannot_be_is_told_in_words(border: pd.DataFrame, request_: dict[str, Any], words: str) -> None:
    with pytest.raises(ScoringError, match=words):
        estimate(border, STRATIFIED, **request_)


def test_every_measure_of_the_framework_is_read_before_anything_is_summed(
    border: pd.DataFrame, small: Framework
) -> None:
    with pytest.raises(DesignError, match=f"column '{next(iter(ANSWERS))}' is not in the data"):
        reduce(border.drop(columns=["x", "y"]), small, STRATIFIED)
