"""Strata of one PSU, waves with the same or fresh PSUs, and populations with designs of their own, by hand."""

from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring import EstimationError, RequestError, Resampling, SurveyDesign, contrasted, covariance_of, estimate
from scoring.estimates import covariance, joined, variance
from scoring.figures import Rules
from scoring.measured import Measured, measure
from scoring.tables import tabulate
from scoring.variables import Wanted

RULES = ["remove", "certainty", "adjust", "average"]


def strata(lonely: str, *, in_domains: bool = False) -> SurveyDesign:
    return SurveyDesign(weight="w", strata="stratum", psu="psu", lonely=lonely, lonely_in_domains=in_domains)


def variance_of(frame: pd.DataFrame, design: SurveyDesign, **wanted: Any) -> float:
    return float(estimate(frame, design, **wanted)["se"].iloc[-1] ** 2)


def measured(frame: pd.DataFrame, design: SurveyDesign, by: tuple[str, ...] = (), **wanted: Any) -> Measured:
    return measure(frame, design, Wanted(by=by, **wanted), rules=Rules())


# Strata of one PSU. Without PSU 4 of `hand` weighted totals of x are 60, 140 in A and 80 in B alone: A adds 80^2.


def test_stratum_of_one_psu_is_an_error_that_names_it(hand: pd.DataFrame) -> None:
    with pytest.raises(EstimationError, match=r"stratum 'B' has one PSU.*merge it with a neighbour"):
        estimate(hand[hand["psu"] < 4], strata("fail"), total=["x"])


@pytest.mark.parametrize(
    ("lonely", "of_b"),
    [("remove", 0.0), ("certainty", 0.0), ("adjust", (80 - 280 / 3) ** 2), ("average", 80.0**2)],
    ids=RULES,
)
def test_stratum_of_one_psu_adds_what_the_rule_says(hand: pd.DataFrame, lonely: str, of_b: float) -> None:
    found = variance_of(hand[hand["psu"] < 4], strata(lonely), total=["x"])
    assert found == pytest.approx(80**2 + of_b, rel=1e-13)


@pytest.mark.parametrize("lonely", RULES)
def test_stratum_of_one_psu_brings_no_degree_of_freedom(hand: pd.DataFrame, lonely: str) -> None:
    assert estimate(hand[hand["psu"] < 4], strata(lonely), total=["x"])["df"].tolist() == [1]


@pytest.mark.parametrize("lonely", RULES)
def test_one_psu_alone_shows_its_estimate_without_an_interval(hand: pd.DataFrame, lonely: str) -> None:
    row = estimate(hand[hand["psu"] == 1], strata(lonely), mean=["x"]).iloc[0]
    assert (row["estimate"], row["df"], row["status"], row["reason"]) == (3, 0, "undefined", "one_psu")
    assert row[["low", "high"]].isna().all()


def test_stratum_taken_whole_may_have_one_psu(hand: pd.DataFrame) -> None:
    # A has both of 4 PSUs twice over, B was taken whole: 1/2 80^2 and nothing
    frame = hand[hand["psu"] < 4].assign(psus=[4] * 4 + [1] * 2)
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="psus")
    assert variance_of(frame, design, total=["x"]) == pytest.approx(0.5 * 80**2, rel=1e-13)


# One PSU of the domain in a stratum: without PSU 3 totals are 60, 140 in A and 0, 240 in B


@pytest.mark.parametrize("lonely", ["fail", *RULES])
def test_stratum_of_two_with_one_in_the_domain_is_measured_from_its_own_mean(hand: pd.DataFrame, lonely: str) -> None:
    found = variance_of(hand, strata(lonely), total=["x"], where="psu != 3")
    assert found == pytest.approx(80**2 + 240**2, rel=1e-13)


@pytest.mark.parametrize(
    ("lonely", "of_b"),
    # adjust: about the mean 440 / 4 of all PSUs, 2 [(240 - 110)^2 + (0 - 110)^2]; average: as much as A
    [("remove", 240.0**2), ("certainty", 240.0**2), ("adjust", 58000.0), ("average", 80.0**2)],
    ids=RULES,
)
def test_stratum_with_one_psu_of_the_domain_follows_the_rule_if_asked(
    hand: pd.DataFrame, lonely: str, of_b: float
) -> None:
    found = variance_of(hand, strata(lonely, in_domains=True), total=["x"], where="psu != 3")
    assert found == pytest.approx(80**2 + of_b, rel=1e-13)


@pytest.mark.parametrize("in_domains", [False, True])
@pytest.mark.parametrize("lonely", RULES)
def test_covariance_follows_the_same_rule_as_the_standard_error(
    hand: pd.DataFrame, lonely: str, *, in_domains: bool
) -> None:
    frame = pd.concat([hand, hand.iloc[:3].assign(stratum="C", psu=5)], ignore_index=True)
    frame["side"] = ["l", "r", "l", "r", "l", "l", "r", "r", "l", "r", "r"]
    found = measured(frame, strata(lonely, in_domains=in_domains), by=("side",), mean=("x",), total=("x", "d"))
    spread = variance(found.estimates).variance.ravel()
    np.testing.assert_allclose(np.diag(covariance_of(found)), spread, rtol=1e-12)


# Waves. Three posts, one interview a wave: x is 1, 2, 6 and then 3, 2, 10. Scores times 3 are -2, -1, 3 and -2, -3, 5.


@pytest.fixture
def waves() -> pd.DataFrame:
    return pd.DataFrame({"wave": [1, 1, 1, 2, 2, 2], "post": list("abc") * 2, "x": [1, 2, 6, 3, 2, 10]})


def test_covariance_between_waves_with_the_same_posts_is_that_worked_out_by_hand(waves: pd.DataFrame) -> None:
    # 3/2 (4 + 1 + 9) / 9, 3/2 (4 + 9 + 25) / 9 and between them 3/2 (4 + 3 + 15) / 9
    found = covariance_of(measured(waves, SurveyDesign(psu="post", wave="wave", waves="common"), mean=("x",)))
    assert found.index.tolist() == ["1", "2"]
    np.testing.assert_allclose(found, [[7 / 3, 11 / 3], [11 / 3, 19 / 3]], rtol=1e-13)


def test_waves_with_fresh_posts_are_independent(waves: pd.DataFrame) -> None:
    found = covariance_of(measured(waves, SurveyDesign(psu="post", wave="wave"), mean=("x",)))
    np.testing.assert_allclose(found, [[7 / 3, 0], [0, 19 / 3]], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("kind", "of_change", "df"), [("common", 7 / 3 + 19 / 3 - 22 / 3, 2), ("fresh", 7 / 3 + 19 / 3, 4)]
)
def test_change_carries_what_the_waves_share(waves: pd.DataFrame, kind: str, of_change: float, df: float) -> None:
    design = SurveyDesign(psu="post", wave="wave", waves=kind)
    row = contrasted(measured(waves, design, mean=("x",)), {"change": "`2` - `1`"}, rules=Rules()).iloc[0]
    assert (row["measure"], row["statistic"], row["estimate"], row["df"]) == ("change", "contrast", 2, df)
    assert row["se"] == pytest.approx(sqrt(of_change), rel=1e-13)


def test_common_posts_of_one_wave_alone_count_as_drawn_in_both() -> None:
    # post c was not met in wave 2: its score there is 0; totals 3, 2, 0 about 5/3, 3/2 (16 + 1 + 25) / 9
    frame = pd.DataFrame({"wave": [1, 1, 1, 2, 2], "post": list("abcab"), "x": [1, 2, 6, 3, 2]})
    table = estimate(frame, SurveyDesign(psu="post", wave="wave", waves="common"), total=["x"])
    assert table["se"].iloc[1] ** 2 == pytest.approx(7, rel=1e-13)


# Populations joined by declared shares


def test_joined_populations_add_their_variances_by_the_square_of_their_shares(hand: pd.DataFrame) -> None:
    officers = pd.DataFrame({"x": [1, 2, 4, 9]})  # mean 4, variance (9 + 4 + 0 + 25) / 3 / 4
    parts = [measured(hand, strata("fail"), mean=("x",)), measured(officers, SurveyDesign(), mean=("x",))]
    whole = joined([part.estimates for part in parts], [0.75, 0.25])
    found = variance(whole)
    assert whole.values.item() == pytest.approx(0.75 * 13 / 3 + 0.25 * 4, rel=1e-14)
    assert found.variance.item() == pytest.approx(0.75**2 * 20 / 9 + 0.25**2 * 38 / 12, rel=1e-13)
    assert found.design_df.item() == 2 + 3
    assert covariance(whole).item() == pytest.approx(found.variance.item(), rel=1e-13)


def test_joined_populations_pool_their_degrees_of_freedom_by_strata(hand: pd.DataFrame) -> None:
    # parts of the variance: 0.25 (4/9, 16/9) with 1 df each, 0.25 (38/12) with 3
    officers = pd.DataFrame({"x": [1, 2, 4, 9]})
    parts = [measured(hand, strata("fail"), mean=("x",)), measured(officers, SurveyDesign(), mean=("x",))]
    found = variance(joined([part.estimates for part in parts], [0.5, 0.5]))
    shares = np.array([4 / 9, 16 / 9, 38 / 12])
    assert found.satterthwaite_df.item() == pytest.approx(shares.sum() ** 2 / (shares**2 / [1, 1, 3]).sum(), rel=1e-12)


def test_joined_cells_stay_apart(hand: pd.DataFrame) -> None:
    frame = hand.assign(side=list("lr") * 4)
    parts = [measured(frame, strata("fail"), by=("side",), mean=("x",)).estimates for _ in range(2)]
    whole = joined(parts, [0.5, 0.5])
    np.testing.assert_allclose(whole.values, parts[0].values, rtol=1e-14)
    np.testing.assert_allclose(variance(whole).variance, variance(parts[0]).variance / 2, rtol=1e-13)


def test_populations_of_other_cells_or_with_replicates_are_not_joined(hand: pd.DataFrame) -> None:
    frame = hand.assign(side=list("lr") * 4)
    whole = measured(frame, strata("fail"), mean=("x",)).estimates
    sides = measured(frame, strata("fail"), by=("side",), mean=("x",)).estimates
    again = measure(
        frame, strata("fail"), Wanted(mean=("x",)), rules=Rules(), replicates=Resampling("jackknife")
    ).estimates
    for parts, shares in (([whole, sides], [0.5, 0.5]), ([whole, whole], [1.0]), ([whole, again], [0.5, 0.5])):
        with pytest.raises(RequestError, match="populations are joined from the same cells and measures"):
            joined(parts, shares)


# Domains


def test_weight_zero_says_the_same_as_a_condition(hand: pd.DataFrame) -> None:
    wanted = {"mean": ["x", "yes"], "total": ["d"], "ratio": ["x/d"], "proportion": ["yes"], "quantile": ["x:0.5"]}
    condition = estimate(hand, strata("fail"), where="x > 2 and psu != 3", by="d", **wanted)
    kept = (hand["x"] > 2) & (hand["psu"] != 3)
    zero = estimate(hand.assign(w=hand["w"].where(kept, 0.0)), strata("fail"), by="d", **wanted)
    pd.testing.assert_frame_equal(condition, zero)


def test_dropping_rows_is_another_design_than_leaving_them_out(hand: pd.DataFrame) -> None:
    # without PSU 3 the design has a stratum of one PSU; as a condition it keeps the two that were drawn
    with pytest.raises(EstimationError, match="stratum 'B' has one PSU"):
        estimate(hand[hand["psu"] != 3], strata("fail"), total=["x"])
    assert np.isfinite(variance_of(hand, strata("fail"), total=["x"], where="psu != 3"))


def test_provenance_names_the_rule_for_lonely_strata(hand: pd.DataFrame) -> None:
    card = tabulate(hand, strata("average"), Wanted(mean=("x",)), rules=Rules())
    assert card.provenance["lonely"] == "average"


def test_domains_of_several_columns_are_those_of_one_that_crosses_them(hand: pd.DataFrame) -> None:
    frame = hand.assign(side=list("llrrllrr"), sex=list("fmfmfmmf"))
    frame["both"] = frame["side"] + "." + frame["sex"]
    wanted = {"mean": ["x"], "total": ["d"], "proportion": ["yes"]}
    several = estimate(frame, strata("fail"), by=["side", "sex"], **wanted)
    crossed = estimate(frame, strata("fail"), by="both", **wanted)
    pd.testing.assert_frame_equal(several.drop(columns=["side", "sex"]), crossed.drop(columns="both"))
    assert (several["side"] + "." + several["sex"]).tolist() == crossed["both"].tolist()


@pytest.mark.parametrize("statistic", ["proportion", "total"])
def test_interaction_has_the_figures_of_the_crossed_column(hand: pd.DataFrame, statistic: str) -> None:
    frame = hand.assign(side=list("llrrllrr"), sex=list("fmfmfmmf"))
    frame["both"] = frame["side"] + "." + frame["sex"]
    made = estimate(frame, strata("fail"), by="d", **{statistic: "interaction(side, sex)"})
    column = estimate(frame, strata("fail"), by="d", **{statistic: "both"})
    pd.testing.assert_frame_equal(made.drop(columns="measure"), column.drop(columns="measure"))
