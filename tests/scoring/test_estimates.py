"""Figures worked out by hand; the table stands in the fixture `hand`."""

from math import exp, log, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from scoring import SurveyDesign, estimate
from scoring.design import traffic_weights

T2 = 4.302652729911275  # 97.5 % quantile of t with 2 degrees of freedom, from any printed table


def one(frame: pd.DataFrame, design: SurveyDesign, **wanted: Any) -> dict[str, Any]:
    return estimate(frame, design, **wanted).iloc[-1].to_dict()


def test_mean_and_its_error_are_those_worked_out_by_hand(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    # mean 520 / 120; PSU scores differ by 80 / 120 in A and 160 / 120 in B: variance (6400 + 25600) / 14400 = 20 / 9
    row = one(hand, by_hand, mean=["x"])
    assert row["estimate"] == pytest.approx(13 / 3, rel=1e-14)
    assert row["se"] == pytest.approx(sqrt(20 / 9), rel=1e-14)
    assert (row["df"], row["n"], row["status"], row["reason"]) == (2, 8, "ok", "")
    assert (row["low"], row["high"]) == pytest.approx((13 / 3 - T2 * sqrt(20 / 9), 13 / 3 + T2 * sqrt(20 / 9)))


def test_total_and_its_error_are_those_worked_out_by_hand(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    row = one(hand, by_hand, total=["x"])
    assert row["estimate"] == 520
    assert row["se"] == pytest.approx(sqrt(80**2 + 160**2), rel=1e-14)


def test_ratio_and_its_error_are_those_worked_out_by_hand(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    # 520 / 220 = 26 / 11; scores x 220 are 140/11, 500/11 in A and -1200/11, 560/11 in B
    row = one(hand, by_hand, ratio=["x/d"])
    assert row["estimate"] == pytest.approx(26 / 11, rel=1e-14)
    assert row["se"] == pytest.approx(sqrt((360 / 11) ** 2 + 160**2) / 220, rel=1e-13)


def test_proportion_and_its_logit_interval_are_those_worked_out_by_hand(
    hand: pd.DataFrame, by_hand: SurveyDesign
) -> None:
    # 70 / 120; differences of scores 10 / 120 and 40 / 120; logit(7/12) = log(7/5), se / (p (1 - p)) on that scale
    row = one(hand, by_hand, proportion=["yes"])
    se = sqrt(10**2 + 40**2) / 120
    half = T2 * se / (7 / 12 * 5 / 12)
    assert (row["category"], row["estimate"]) == ("1", pytest.approx(7 / 12, rel=1e-14))
    assert row["se"] == pytest.approx(se, rel=1e-13)
    assert row["low"] == pytest.approx(1 / (1 + exp(-(log(7 / 5) - half))), rel=1e-9)
    assert row["high"] == pytest.approx(1 / (1 + exp(-(log(7 / 5) + half))), rel=1e-9)


def test_total_of_a_text_column_counts_people_by_level(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    table = estimate(hand.assign(word=hand["yes"].map({0: "no", 1: "yes"})), by_hand, total=["word"])
    assert dict(zip(table["category"], table["estimate"], strict=True)) == {"no": 50.0, "yes": 70.0}


def test_satterthwaite_weighs_strata_by_their_share_of_the_variance(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    # shares 1 : 4 with one degree of freedom each: (1 + 4)^2 / (1 + 16)
    assert one(hand, by_hand, mean=["x"], df="satterthwaite")["df"] == pytest.approx(25 / 17, rel=1e-14)


@pytest.mark.parametrize("column", ["psus", "drawn"])
def test_population_of_psus_or_fraction_shrink_the_variance(hand: pd.DataFrame, column: str) -> None:
    # 2 of 4 and 2 of 8 drawn leave 1/2 and 3/4 of the variance
    row = one(hand, SurveyDesign(weight="w", strata="stratum", psu="psu", fpc=column), total=["x"])
    assert row["se"] == pytest.approx(sqrt(0.5 * 80**2 + 0.75 * 160**2), rel=1e-14)


def test_domain_keeps_the_psus_that_hold_none_of_it(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    # x > 5 stands in PSUs 2 and 4 alone: totals 0, 140 and 0, 140; N 20 and 20; the mean 7 with no spread between them
    row = one(hand, by_hand, total=["x"], where="x > 5")
    assert (row["estimate"], row["n"]) == (280, 3)
    assert row["se"] == pytest.approx(sqrt(140**2 + 140**2), rel=1e-14)
    assert (row["df"], row["status"], row["reason"]) == (0, "undefined", "one_psu")
    assert np.isnan([row["low"], row["high"]]).all()


def test_simple_random_sample_has_a_design_effect_of_one() -> None:
    frame = pd.DataFrame({"x": [1, 2, 4, 9, 7], "w": 4.0, "population": 20})
    row = one(frame, SurveyDesign(weight="w", fpc="population"), mean=["x"])
    assert row["deff"] == pytest.approx(1, rel=1e-12)
    assert row["n_eff"] == pytest.approx(5 / (1 - 5 / 20), rel=1e-12)


def test_equal_answers_within_shifts_make_each_shift_one_person() -> None:
    # 4 shifts of 5 with the same answer each: as 4 answers; the n/(n-1) of 20 and of 4 remain
    frame = pd.DataFrame({"x": np.repeat([1, 2, 4, 9], 5), "psu": np.repeat(range(4), 5)})
    row = one(frame, SurveyDesign(psu="psu"), mean=["x"])
    assert row["n_eff"] == pytest.approx(4 * 15 / 19, rel=1e-12)


@pytest.mark.parametrize(("answer", "limits"), [(0, (0, 1 - 0.05 ** (1 / 20))), (1, (0.05 ** (1 / 20), 1))])
def test_everybody_alike_gives_a_one_sided_bound(answer: int, limits: tuple[float, float]) -> None:
    frame = pd.DataFrame({"x": [answer] * 20, "psu": np.repeat(range(4), 5)})
    row = one(frame, SurveyDesign(psu="psu"), proportion=["x"])
    assert (row["estimate"], row["se"], row["reason"], row["n_eff"]) == (1, 0, "bound", 20)
    assert (row["low"], row["high"]) == pytest.approx((0.05 ** (1 / 20), 1))
    flag = pd.DataFrame({"x": [answer] * 20 + [0, 1] * 20, "side": ["l"] * 20 + ["r"] * 40})
    table = estimate(flag, SurveyDesign(), proportion=["x"], by="side")
    sure = table[(table["side"] == "l") & (table["category"] == "1")].iloc[0]
    assert (sure["low"], sure["high"]) == pytest.approx(limits)
    assert sure["estimate"] == answer


def test_bound_widens_by_the_design_effect_of_the_other_cells() -> None:
    # right: 4 shifts all yes or all no, 5 each: deff (19/20) (20) / ... = n / n_eff as above
    psu = np.repeat(range(8), 5)
    frame = pd.DataFrame({"x": np.repeat([0, 0, 0, 0, 1, 0, 1, 0], 5), "psu": psu, "side": np.repeat(["l", "r"], 20)})
    table = estimate(frame, SurveyDesign(psu="psu"), proportion=["x"], by="side").set_index(["side", "category"])
    other = table.loc[("r", "1")]
    assert table.loc[("l", "1"), "n_eff"] == pytest.approx(20 / (other["n"] / other["n_eff"]))
    assert table.loc[("l", "1"), "high"] > 1 - 0.05 ** (1 / 20)


def test_lonely_strata_are_left_out_or_measured_from_the_mean_of_all(hand: pd.DataFrame) -> None:
    # without PSU 4: T = 60, 140, 80; removed: A alone; adjusted: mean of all PSU totals 280 / 3, B adds (80 - 280/3)^2
    frame = hand[hand["psu"] < 4]
    removed = one(frame, SurveyDesign(weight="w", strata="stratum", psu="psu", lonely="remove"), total=["x"])
    adjusted = one(frame, SurveyDesign(weight="w", strata="stratum", psu="psu", lonely="adjust"), total=["x"])
    assert removed["se"] == pytest.approx(80, rel=1e-14)
    assert adjusted["se"] == pytest.approx(sqrt(80**2 + (80 - 280 / 3) ** 2), rel=1e-13)


def test_traffic_is_shared_among_the_interviews_of_a_shift() -> None:
    frame = pd.DataFrame({"traffic": [30, 30, 30, 8, 8], "shift": list("aaabb"), "inverse": [1, 1, 1, 2, 2]})
    plain = traffic_weights(frame["traffic"], frame[["shift"]])
    full = traffic_weights(frame["traffic"], frame[["shift"]], frame["inverse"])
    assert plain.tolist() == [10, 10, 10, 4, 4]
    assert full.tolist() == [10, 10, 10, 8, 8]


def test_missing_answers_leave_their_own_variable_alone_unless_listwise(
    hand: pd.DataFrame, by_hand: SurveyDesign
) -> None:
    frame = hand.assign(x=hand["x"].where(hand["x"] > 1))
    each = estimate(frame, by_hand, mean=["x", "d"])
    together = estimate(frame, by_hand, mean=["x", "d"], listwise=True)
    assert each["n"].tolist() == [7, 8]
    assert together["n"].tolist() == [7, 7]
    assert together["estimate"].tolist() == [pytest.approx(5), pytest.approx(2)]


def test_several_ticked_codes_are_shares_of_who_answered() -> None:
    frame = pd.DataFrame({"m": ["1 2", "2", None, "12"]})
    table = estimate(frame, SurveyDesign(), proportion=["m"], multiple={"m": ["1", "2", "3"]})
    assert table["estimate"].tolist() == pytest.approx([1 / 3, 2 / 3, 0])


def test_codes_ticked_one_at_a_time_and_read_as_numbers_are_found() -> None:
    frame = pd.DataFrame({"m": [1.0, 2.0, np.nan, 2.0]})
    table = estimate(frame, SurveyDesign(), proportion=["m"], multiple={"m": ["1", "2"]})
    assert table["estimate"].tolist() == pytest.approx([1 / 3, 2 / 3])


def test_ratio_over_nothing_has_no_figure(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    row = one(hand.assign(none=0), by_hand, ratio=["x/none"])
    assert np.isnan([row["estimate"], row["se"], row["low"], row["high"]]).all()
    assert row["status"] == "undefined"


def test_condition_that_nobody_meets_gives_no_answers_and_no_warning(hand: pd.DataFrame, by_hand: SurveyDesign) -> None:
    row = one(hand, by_hand, mean=["x"], where="x > 99")
    assert (row["n"], row["status"], row["reason"]) == (0, "undefined", "no_answers")
    assert estimate(hand, by_hand, mean=["x"], where="x > 99", by="yes").empty


def test_limits_at_extreme_levels_stay_inside_the_scale_without_warning(
    hand: pd.DataFrame, by_hand: SurveyDesign
) -> None:
    table = estimate(hand, by_hand, proportion=["yes"], level=0.9999999)
    assert table["low"].between(0, 1).all()
    assert table["high"].between(0, 1).all()


def test_wave_among_strata_or_domains_is_the_wave_and_no_second_column(hand: pd.DataFrame) -> None:
    frame = hand.assign(year=np.tile([2022, 2024], 4))
    design = SurveyDesign(weight="w", strata=["year", "stratum"], psu="psu", wave="year")
    table = estimate(frame, design, mean=["x"], by=["year"])
    assert table["wave"].tolist() == ["2022", "2024"]
    assert table.columns.is_unique


def test_satterthwaite_interval_covers_the_mean_at_its_nominal_rate() -> None:
    """400 samples of four uneven strata, each a wave of one call; rejected only by a binomial test at 1 %."""
    rng = np.random.default_rng(20240917)
    psus, share, replications, interviews = (4, 5, 6, 9), (0.1, 0.2, 0.3, 0.4), 400, 6
    strata = np.repeat(range(4), psus)
    centre, spread = np.array([30.0, 45.0, 55.0, 70.0]), np.array([4.0, 12.0, 6.0, 8.0])
    wave, psu, _ = np.indices((replications, strata.size, interviews))
    level = centre[strata] + rng.normal(size=(replications, strata.size)) * spread[strata]
    x = level[:, :, None] + rng.normal(scale=15, size=wave.shape)
    weight = np.array(share)[strata[psu]] / (np.array(psus)[strata[psu]] * interviews)
    frame = pd.DataFrame(
        {"wave": wave.ravel(), "stratum": strata[psu].ravel(), "psu": psu.ravel(), "w": weight.ravel(), "x": x.ravel()}
    )
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", wave="wave")
    table = estimate(frame, design, mean=["x"], df="satterthwaite")
    covered = table["low"].le(centre @ share) & table["high"].ge(centre @ share)
    assert len(table) == replications
    assert binomtest(int(covered.sum()), replications, 0.95, alternative="less").pvalue > 0.01
