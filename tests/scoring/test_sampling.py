"""Outcome rates, interviews needed, plans and interviewer effects, by hand and against what others computed."""

import math
import os
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower

from scoring import RequestError
from scoring.sampling import (
    DISPOSITIONS,
    Costs,
    clustering,
    interviewer_effect,
    needed,
    outcome_rates,
    plans,
    power_of_change,
)

ENDURANCE = os.environ.get("SARHAD_ENDURANCE") == "1"
SURVEYS = 20_000 if ENDURANCE else 1_000
SAMPLES = 5_000 if ENDURANCE else 400

#: The example of the R package outcomerate (README), with the rates it prints to three digits.
MET = {"complete": 4, "partial": 2, "refused": 1, "not_reached": 1, "other": 1, "unknown": 2, "ineligible": 1}
PRINTED = {"rr1": 0.364, "rr2": 0.545, "coop1": 0.5, "ref1": 0.091, "con1": 0.727}


# Outcome rates


@pytest.mark.parametrize(("rate", "printed"), PRINTED.items())
def test_rates_are_those_that_another_package_prints(rate: str, printed: float) -> None:
    assert round(getattr(outcome_rates(MET), rate), 3) == printed


def test_rates_of_a_day_at_a_crossing_by_hand() -> None:
    met = {
        "complete": 60, "stopped": 3, "partial": 2, "refused": 12, "broken_off": 3, "not_reached": 8, "language": 4,
        "unsafe": 1, "no_woman_interviewer": 4, "other": 1, "unknown": 2, "ineligible": 30,
    }  # fmt: skip
    rates = outcome_rates(met)
    assert rates.rr1 == 60 / 100  # all but the 30 who are not to be asked
    assert rates.rr2 == 65 / 100
    assert rates.coop1 == 60 / 90  # all with whom a word was spoken
    assert rates.ref1 == 15 / 100
    assert rates.con1 == 90 / 100


def test_the_ineligible_change_no_rate() -> None:
    assert outcome_rates({**MET, "ineligible": 10_000}) == outcome_rates(MET)


def test_rates_without_anybody_are_missing() -> None:
    rates = outcome_rates({"ineligible": 3})
    assert all(math.isnan(rate) for rate in (rates.rr1, rates.rr2, rates.coop1, rates.ref1, rates.con1))


@pytest.mark.parametrize("counts", [{"gone": 1}, {"complete": -1}, {"refused": math.nan}, {"partial": math.inf}])
def test_what_counts_nobody_is_refused(counts: dict[str, float]) -> None:
    with pytest.raises(RequestError, match=r"disposition"):
        outcome_rates(counts)


def test_every_disposition_counts_somewhere() -> None:
    for name in DISPOSITIONS:
        rates = outcome_rates({"complete": 1, "ineligible": 1, name: 1})
        assert rates.rr1 in {1 / 2, 1.0}


# Interviews needed


@pytest.mark.parametrize(("population", "printed"), [(100, 80), (1_000, 278), (10_000, 370)])
def test_interviews_needed_are_those_of_the_table_of_krejcie_and_morgan(population: int, printed: int) -> None:
    """Krejcie and Morgan (1970), Determining sample size for research activities, table 1: 5 points, one half."""
    assert needed(0.05, population=population) == printed


def test_interviews_needed_of_a_large_population_are_the_385_of_every_textbook() -> None:
    assert needed(0.05) == 385


@pytest.mark.parametrize("deff", [1.0, 1.35, 4.0])
@pytest.mark.parametrize("population", [40, 500, math.inf])
def test_one_interview_fewer_than_needed_misses_the_margin(deff: float, population: float) -> None:
    margin, share = 0.12, 0.3
    variance = share * (1 - share) * (1 if math.isinf(population) else population / (population - 1))

    def half_width(n: int) -> float:
        return float(stats.norm.ppf(0.975) * math.sqrt((1 - n / population) * deff * variance / n))

    n = needed(margin, share=share, deff=deff, population=population)
    assert half_width(n) <= margin
    assert half_width(n - 1) > margin


def test_nobody_is_asked_for_more_than_there_are() -> None:
    assert needed(0.001, population=12, deff=3) == 12
    assert needed(0.1, population=1) == 1


def test_clustering_by_hand() -> None:
    assert clustering([8, 8, 8], 0.05) == pytest.approx(1 + 7 * 0.05)
    assert clustering([2, 6], 0.05) == pytest.approx(1 + (40 / 8 - 1) * 0.05)
    assert clustering([], 0.05) == 1.0


@pytest.mark.parametrize("wrong", [{"margin": 0.0}, {"share": 1.0}, {"deff": 0.0}, {"population": 0.5}, {"level": 1.0}])
def test_a_margin_that_means_nothing_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(RequestError):
        needed(**{"margin": 0.1, **wrong})


# Plans


def test_the_power_of_single_interviews_is_that_of_the_t_test() -> None:
    for size, effect in ((20, 0.9), (64, 0.5), (64, 0.1)):
        power, se, df = power_of_change(effect, sd=1.0, icc=0.0, shifts=size, interviews=1)
        assert power == pytest.approx(TTestIndPower().power(effect_size=effect, nobs1=size, alpha=0.05), abs=1e-9)
        assert (se, df) == (pytest.approx(math.sqrt(2 / size)), 2 * size - 2)


def test_64_in_each_group_find_half_a_standard_deviation_in_80_of_100() -> None:
    """Cohen (1988), Statistical power analysis, table 2.4.1."""
    assert power_of_change(0.5, sd=1.0, icc=0.0, shifts=64, interviews=1)[0] == pytest.approx(0.80, abs=0.005)


def test_the_error_of_a_change_by_hand() -> None:
    _, se, df = power_of_change(10, sd=50, icc=0.05, shifts=16, interviews=8, strata=4)
    assert se == pytest.approx(math.sqrt(2 * 2500 * 1.35 / 128))
    assert df == 24


def test_a_huge_change_is_always_found_and_none_as_often_as_allowed() -> None:
    assert power_of_change(1e6, sd=1, icc=0.1, shifts=5, interviews=2)[0] == 1.0
    assert power_of_change(0, sd=1, icc=0.1, shifts=9, interviews=2, alpha=0.03)[0] == pytest.approx(0.03)


@pytest.mark.parametrize("away", [0.3, 2.8, 10.0, 20.0, 40.0])
@pytest.mark.parametrize("shifts", [3, 9, 400])
def test_the_power_is_the_integral_over_what_the_spread_may_turn_out_to_be(away: float, shifts: int) -> None:
    """P(|T| > b), T = (Z + away) / sqrt(V / df), V chi-square: the mean over the middles of 20,000 equal shares."""
    df = 2 * shifts - 2
    chi = np.sqrt(stats.chi2.ppf((np.arange(20_000) + 0.5) / 20_000, df) / df) * stats.t.ppf(0.975, df)
    expected = float(np.mean(stats.norm.sf(chi - away) + stats.norm.cdf(-chi - away)))
    change = away * math.sqrt(2 / shifts)
    found = power_of_change(change, sd=1.0, icc=0.0, shifts=shifts, interviews=1)[0]
    assert found == pytest.approx(expected, abs=1e-4)


def surveys(rng: np.random.Generator, n: int, *, change: float, icc: float, shifts: int, each: int, strata: int) -> int:
    """How many of n pairs of waves find the change, by the design's own test on shift means."""
    k = shifts // strata
    means = rng.normal(0, math.sqrt(icc), (n, 2, strata, k))
    means += rng.normal(0, math.sqrt(1 - icc), (n, 2, strata, k, each)).mean(axis=-1)
    means[:, 1] += change
    moved = np.diff(means.mean(axis=(2, 3)), axis=1)[:, 0]
    se = np.sqrt(means.var(axis=3, ddof=1).sum(axis=(1, 2)) / k) / strata
    return int((np.abs(moved / se) > stats.t.ppf(0.975, 2 * (shifts - strata))).sum())


@pytest.mark.parametrize(
    ("change", "icc", "shifts", "each", "strata"), [(0.4, 0.05, 16, 8, 4), (0.9, 0.2, 8, 3, 1), (0.0, 0.1, 8, 5, 2)]
)
def test_so_many_surveys_find_the_change_as_the_power_says(
    change: float, icc: float, shifts: int, each: int, strata: int
) -> None:
    power, _, _ = power_of_change(change, sd=1, icc=icc, shifts=shifts, interviews=each, strata=strata)
    found = surveys(
        np.random.default_rng(7), SURVEYS, change=change, icc=icc, shifts=shifts, each=each, strata=strata
    )  # fmt: skip
    assert stats.binomtest(found, SURVEYS, power).pvalue > 0.01


def test_the_cheapest_plan_is_the_cheapest_of_all_that_find_the_change() -> None:
    given = {"sd": 50.0, "icc": 0.05, "strata": 2}
    costs = Costs(shift=60, interview=4)
    best = plans(10, **given, costs=costs, most_interviews=12)[0]
    enough = [
        (k * (60 + m * 4), k, m)
        for m in range(1, 13)
        for k in range(8, 120, 2)
        if power_of_change(10, sd=50, icc=0.05, shifts=k, interviews=m, strata=2)[0] >= 0.8
    ]
    assert (best.cost, best.shifts, best.interviews) == min(enough)
    assert best.power >= 0.8


def test_plans_come_cheapest_first_and_one_shift_a_stratum_fewer_is_not_enough() -> None:
    found = plans(10, sd=50, icc=0.05, costs=Costs(60, 4), strata=2, most_interviews=12)
    assert [plan.cost for plan in found] == sorted(plan.cost for plan in found)
    for plan in found:
        fewer = power_of_change(
            10, sd=50, icc=0.05, shifts=plan.shifts - 2, interviews=plan.interviews, strata=2
        )  # fmt: skip
        assert fewer[0] < 0.8
        assert plan.shifts % 2 == 0


def test_the_best_number_of_interviews_is_near_that_of_the_textbook() -> None:
    best = plans(2, sd=50, icc=0.04, costs=Costs(60, 10), most_interviews=30, most_shifts=5_000)[0]
    assert best.interviews == pytest.approx(math.sqrt(60 / 10 * 0.96 / 0.04), abs=1)


def test_a_change_that_no_plan_finds_is_said_so() -> None:
    with pytest.raises(RequestError, match="no plan up to 10 shifts"):
        plans(0.1, sd=50, icc=0.05, costs=Costs(60, 4), most_shifts=10)
    with pytest.raises(RequestError):
        plans(0, sd=50, icc=0.05, costs=Costs(60, 4))


@pytest.mark.parametrize("wrong", [{"shifts": 4}, {"interviews": 0}, {"sd": 0.0}, {"icc": 1.5}, {"icc": -0.1}])
def test_a_design_that_tests_nothing_is_refused(wrong: dict[str, Any]) -> None:
    given = {"sd": 50.0, "icc": 0.05, "shifts": 16, "interviews": 8, "strata": 4}
    with pytest.raises(RequestError):
        power_of_change(10, **{**given, **wrong})


# Interviewer effects

VALUES = np.array([1, 2, 3, 2, 3, 4, 6, 7, 8], dtype=float)
WHO = np.repeat(["a", "b", "c"], 3)
ONE = np.zeros(9)


def test_an_interviewer_effect_by_hand() -> None:
    """Means 2, 3, 7 around 4: MSB = 3 (4 + 1 + 9) / 2 = 21, MSW = 6 / 6 = 1; F quantiles from printed tables."""
    found = interviewer_effect(VALUES, WHO, ONE)
    assert found.icc == pytest.approx(20 / 23)
    assert found.low == pytest.approx((21 / 7.2599 - 1) / (21 / 7.2599 + 2), rel=1e-4)
    assert found.high == pytest.approx((21 * 39.331 - 1) / (21 * 39.331 + 2), rel=1e-5)
    assert found.deff == pytest.approx(1 + 2 * 20 / 23)
    assert (found.interviewers, found.n) == (3, 9)


def test_the_test_is_the_one_way_analysis_of_variance() -> None:
    rng = np.random.default_rng(3)
    sizes = [3, 9, 4, 6]
    who = np.repeat(np.arange(4), sizes).astype(str)
    y = rng.normal(size=22) + np.repeat([0, 1, 0.5, 2], sizes)
    expected = stats.f_oneway(*(y[who == one] for one in np.unique(who)))
    found = interviewer_effect(y, who, np.zeros(22))
    assert found.p == pytest.approx(expected.pvalue)
    n0 = np.mean(sizes) - sum((size - np.mean(sizes)) ** 2 for size in sizes) / (3 * 22)  # Donner 1979
    assert found.icc == pytest.approx((expected.statistic - 1) / (expected.statistic - 1 + n0))


def test_what_differs_between_strata_is_no_effect_of_interviewers() -> None:
    strata = np.repeat([0, 1], 9)
    y, who = np.tile(VALUES, 2), np.concatenate([WHO, np.char.add("x", WHO)])
    near, far = (interviewer_effect(y + step * strata, who, strata) for step in (0, 1_000))
    assert near.icc == pytest.approx(far.icc)
    assert near.icc == pytest.approx((21 - 1) / (21 - 1 + 3))  # mean squares and n0 as in each stratum alone


def test_answers_and_codes_that_are_missing_are_left_out() -> None:
    y = np.concatenate([VALUES, [np.nan, 99.0]])
    found = interviewer_effect(y, np.concatenate([WHO, ["a", ""]]), np.zeros(11))
    assert found == interviewer_effect(VALUES, WHO, ONE)


@pytest.mark.parametrize(
    ("y", "who"),
    [(VALUES, np.repeat("a", 9)), (np.ones(9), WHO), (np.full(9, np.nan), WHO), (VALUES, np.arange(9).astype(str))],
)
def test_an_effect_that_cannot_be_told_is_missing(y: Any, who: Any) -> None:
    found = interviewer_effect(y, who, ONE)
    assert math.isnan(found.icc)
    assert math.isnan(found.deff)


def test_the_interval_holds_the_true_effect_in_95_of_100_samples_of_unequal_sizes() -> None:
    rng = np.random.default_rng(11)
    sizes = np.array([5, 8, 12, 20, 6, 9, 15, 10])
    who = np.repeat(np.arange(8), sizes)
    strata = who // 4
    held = 0
    for _ in range(SAMPLES):
        y = rng.normal(0, math.sqrt(0.1), 8)[who] + rng.normal(0, math.sqrt(0.9), len(who)) + 5 * strata
        found = interviewer_effect(y, who.astype(str), strata)
        held += found.low <= 0.1 <= found.high
    assert stats.binomtest(held, SAMPLES, 0.95).pvalue > 0.01
