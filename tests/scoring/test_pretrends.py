"""Placebos and bounds: by hand, beside R HonestDiD, by law, and whether intervals hold the truth."""

import os

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from scoring.effects import Panel, effect
from scoring.errors import EstimationError, RequestError
from scoring.pretrends import breakdown, event_times, placebo, relative_magnitudes, smoothness
from scoring.staggered import Linear, cohorts

Floats = npt.NDArray[np.float64]
ENDURANCE = os.environ.get("SARHAD_ENDURANCE") == "1"
SURVEYS = 5_000 if ENDURANCE else 400
NAN = np.nan


def of_posts(score: npt.ArrayLike, start: npt.ArrayLike) -> Panel:
    scores = np.asarray(score, dtype=np.float64)
    n, waves = scores.shape
    return Panel(
        tuple(f"p{i}" for i in range(n)), tuple(f"w{t}" for t in range(waves)), scores,
        np.full(scores.shape, 2.0), np.full(scores.shape, 12.0), np.asarray(start, dtype=np.int64),
    )  # fmt: skip


# --- beside R HonestDiD ------------------------------------------------------------------------------------------

#: Benzarti and Carloni (2019), as in the data set `BCdata_EventStudy` of R HonestDiD: effects at -5 to -2 and 0 to 3
#: with their covariance, and what R makes of them (recorded from R in the tests of its Julia twin).
TIMES = (-5, -4, -3, -2, 0, 1, 2, 3)
EFFECTS = np.array(
    [0.006696351804, 0.02934503369, -0.006472972222, 0.0730149895, 0.1959611177, 0.3120639026, 0.2395415455, 0.1260425]
)
LOWER = [
    8.428358124e-4,
    4.768686777e-4, 6.425420288e-4,
    2.618051076e-4, 3.987425007e-4, 5.229949602e-4,
    2.354220342e-4, 2.435515198e-4, 2.11768609e-4, 3.089595411e-4,
    1.676371467e-4, 2.201960306e-4, 1.840722252e-4, 1.197866077e-4, 3.59970436e-4,
    1.128707663e-4, 1.804591157e-4, 1.45852784e-4, 1.334081317e-4, 2.478818642e-4, 4.263949813e-4,
    1.992816215e-5, 3.84376508e-5, 7.005197403e-5, 1.016335009e-4, 1.749579242e-4, 2.171437809e-4, 4.886697861e-4,
    -1.368265366e-4, -2.960421989e-5, 5.952994979e-5, 1.079051726e-4, 1.654256921e-4, 2.892747871e-4, 3.805322049e-4,
    7.61739444e-4,
]  # fmt: skip
FIRST = (1.0, 0.0, 0.0, 0.0)
R_PLAIN = (0.15877494280765, 0.233147292681241)
R_SMOOTH = {0.1: (0.1194440001, 0.4185082143), 0.2: (0.01944400015, 0.5185082143)}  # its quantile is drawn, to 3e-4
R_RELATIVE = (0.07055244362, 0.3184394077)  # at M = 1, conditional


@pytest.fixture(scope="module")
def published() -> Linear:
    covariance = np.zeros((8, 8))
    covariance[np.tril_indices(8)] = LOWER
    return Linear(EFFECTS, (covariance + np.tril(covariance, -1).T)[None], np.array([np.inf]))


def test_with_no_violation_the_interval_is_the_plain_one_of_r(published: Linear) -> None:
    row = relative_magnitudes(TIMES, published, weights=FIRST, bounds=[0]).iloc[0]
    assert (row["low"], row["high"]) == pytest.approx(R_PLAIN, rel=1e-8)


@pytest.mark.parametrize("bound", R_SMOOTH)
def test_intervals_under_a_bend_are_those_of_r_where_it_takes_the_last_step(published: Linear, bound: float) -> None:
    row = smoothness(TIMES, published, weights=FIRST, bounds=[bound]).iloc[0]
    assert (row["low"], row["high"]) == pytest.approx(R_SMOOTH[bound], abs=1e-4)
    assert row["estimate"] == pytest.approx(sum(R_SMOOTH[bound]) / 2, rel=1e-8)


def test_intervals_by_relative_magnitudes_hold_those_of_r_and_are_little_wider(published: Linear) -> None:
    """A union of t limits in place of conditional tests: 9 % wider here."""
    row = relative_magnitudes(TIMES, published, weights=FIRST, bounds=[1]).iloc[0]
    assert row["low"] < R_RELATIVE[0]
    assert row["high"] > R_RELATIVE[1]
    assert row["high"] - row["low"] < 1.1 * (R_RELATIVE[1] - R_RELATIVE[0])


# --- by hand and by law ------------------------------------------------------------------------------------------

KNOWN = Linear(np.array([2.0, 10.0, 12.0]), np.diag([1.0, 4.0, 4.0])[None], np.array([np.inf]))
Z = stats.norm.ppf(0.975)


def test_relative_magnitudes_by_hand() -> None:
    """Effect 10 at time 0; the only earlier step is from 2 to 0, so at M = 1/2 it is off by 1 either way.

    The upper limit is the larger of 10 - (-2) / 2 + z sqrt(4 + 1/4) and 10 - 2 / 2 + the same.
    """
    row = relative_magnitudes((-2, 0, 1), KNOWN, weights=[1, 0], bounds=[0.5]).iloc[0]
    assert (row["low"], row["high"]) == pytest.approx((9 - Z * np.sqrt(4.25), 11 + Z * np.sqrt(4.25)), rel=1e-12)


def test_later_waves_may_stray_further() -> None:
    """The mean of times 0 and 1 is 11 with variance 2; steps from -1 on are 1 and 2, so c = 1.5, off by 3 at M = 1."""
    row = relative_magnitudes((-2, 0, 1), KNOWN, bounds=[1]).iloc[0]
    half = Z * np.sqrt(2 + 1.5**2)
    assert (row["low"], row["high"]) == pytest.approx((11 - 3 - half, 11 + 3 + half), rel=1e-12)


def test_a_straight_line_continued_by_hand() -> None:
    """From 2 at -2 to 0 at -1, hence -2 at 0 and -4 at 1 without an effect; 10 + 2 and 12 + 4, mean 14."""
    row = smoothness((-2, 0, 1), KNOWN, bounds=[0]).iloc[0]
    assert row["estimate"] == pytest.approx(14)
    assert row["high"] - 14 == pytest.approx(Z * np.sqrt(2 + 1.5**2), rel=1e-9)


def test_a_large_bend_adds_its_bias_and_a_one_sided_limit() -> None:
    """Off by M (1 + 3) / 2 = 2 M, which at M = 50 leaves chance one side only."""
    row = smoothness((-2, 0, 1), KNOWN, bounds=[50]).iloc[0]
    assert row["high"] - 14 == pytest.approx(100 + stats.norm.ppf(0.95) * np.sqrt(4.25), rel=1e-9)


def test_at_its_breakdown_an_interval_touches_zero() -> None:
    at = breakdown((-2, 0, 1), KNOWN, weights=[1, 0])
    row = relative_magnitudes((-2, 0, 1), KNOWN, weights=[1, 0], bounds=[at, at + 0.1]).iloc
    assert row[0]["low"] == pytest.approx(0, abs=1e-4)
    assert row[1]["low"] < 0
    turned = Linear(-KNOWN.values, KNOWN.parts, KNOWN.df)
    assert breakdown((-2, 0, 1), turned, weights=[1, 0]) == pytest.approx(at, abs=1e-5)


def test_an_effect_that_is_not_clear_has_no_breakdown_and_one_beyond_all_doubt_an_endless_one() -> None:
    small = Linear(np.array([2.0, 3.0]), np.diag([1.0, 4.0])[None], np.array([np.inf]))
    assert np.isnan(breakdown((-2, 0), small))
    sure = Linear(np.array([0.0, 1000.0]), np.diag([1e-6, 1.0])[None], np.array([np.inf]))
    assert breakdown((-2, 0), sure) == np.inf


def test_intervals_widen_with_what_is_allowed() -> None:
    for table in (
        relative_magnitudes((-2, 0, 1), KNOWN),
        smoothness((-2, 0, 1), KNOWN, bounds=[0, 0.5, 1, 2]),
    ):
        assert (table["low"].diff()[1:] < 0).all()
        assert (table["high"].diff()[1:] > 0).all()


@pytest.mark.parametrize("times", [(0, 1), (-2,), (-3, 0), (-2, -1, 0), (0, -2), (-2, 0, 2), ()])
def test_times_with_gaps_or_nothing_before_are_refused(times: tuple[int, ...]) -> None:
    size = len(times)
    with pytest.raises(RequestError, match="give successive ones without -1"):
        relative_magnitudes(times, Linear(np.zeros(size), np.eye(size)[None], np.ones(1)))


def test_negative_bounds_wrong_weights_and_steps_without_spread_are_refused() -> None:
    with pytest.raises(RequestError, match="bound is -1; give 0 or more"):
        relative_magnitudes((-2, 0, 1), KNOWN, bounds=[-1])
    with pytest.raises(RequestError, match="weights have to be 2 numbers"):
        smoothness((-2, 0, 1), KNOWN, weights=[1], bounds=[0])
    flat = Linear(KNOWN.values, np.zeros((1, 3, 3)), KNOWN.df)
    with pytest.raises(EstimationError, match="no spread between posts"):
        smoothness((-2, 0, 1), flat, bounds=[0])


# --- placebos ----------------------------------------------------------------------------------------------------


def test_a_placebo_is_the_t_test_of_welch_on_changes_before_the_start() -> None:
    rng = np.random.default_rng(41)
    score, treated = rng.normal(50, 5, (12, 5)), np.arange(12) < 4
    table = placebo(of_posts(score, np.where(treated, 3, 5)))
    assert table[["since", "wave"]].to_numpy().tolist() == [["w0", "w1"], ["w1", "w2"]]
    for place in (0, 1):
        change = score[:, place + 1] - score[:, place]
        theirs = stats.ttest_ind(change[treated], change[~treated], equal_var=False)
        assert table["p"].iloc[place] == pytest.approx(theirs.pvalue, rel=1e-10)
    assert table["p_adjusted"].tolist() == pytest.approx(
        [min(1, 2 * table["p"].min()) if p == table["p"].min() else max(p, min(1, 2 * table["p"].min()))
         for p in table["p"]], rel=1e-12
    )  # fmt: skip


def test_a_post_that_started_already_takes_no_part_in_a_later_placebo() -> None:
    """Starts in w2 and w3: from w1 to w2 only those of w3 are still to come."""
    score = np.zeros((8, 4))
    score[:2] = [0, 0, 90, 90]
    score[2:4] = [[0, 0, 1, 50], [0, 0, 3, 60]]
    table = placebo(of_posts(score, [2, 2, 3, 3, 4, 4, 4, 4]))
    assert table["treated"].tolist() == [4, 2]
    assert table["estimate"].tolist() == [0, 2]


def test_without_two_waves_before_the_start_there_is_no_placebo() -> None:
    assert placebo(of_posts(np.zeros((6, 3)), [1, 1, 3, 3, 3, 3])).empty


# --- does it hold the truth --------------------------------------------------------------------------------------

PLANTED = 5.0
TREATED = np.arange(12) < 4


def strayed(trend: list[float], seed: int) -> list[tuple[tuple[int, ...], Linear]]:
    """Surveys of twelve posts in four waves, four of which start in the third and differ in trend besides."""
    rng = np.random.default_rng(seed)
    moved = np.array(trend) + PLANTED * (np.arange(4) >= 2)
    scores = 50 + rng.normal(0, 3, (SURVEYS, 12, 4)) + np.outer(TREATED, moved)
    return [event_times(cohorts(of_posts(score, np.where(TREATED, 2, 4)))) for score in scores]


@pytest.mark.parametrize("step", [0.0, 6.0])
def test_relative_magnitudes_hold_the_effect_at_the_worst_trend_allowed(step: float) -> None:
    """The first step after the start as large as the one before it, and against the effect."""
    held = 0
    for times, events in strayed([0, step, 2 * step, 2 * step], seed=51):
        row = relative_magnitudes(times, events, weights=[1, 0], bounds=[1.0]).iloc[0]
        held += row["low"] <= PLANTED <= row["high"]
    assert stats.binomtest(held, SURVEYS, 0.95, alternative="less").pvalue > 0.01


@pytest.mark.parametrize(("trend", "bend"), [([0, 6, 12, 18], 0.0), ([0, 6, 16, 30], 4.0)])
def test_smoothness_holds_the_effect_at_a_line_and_at_the_worst_bend(trend: list[float], bend: float) -> None:
    """Not refuted to hold it in 95 % of surveys, where the interval without it holds it in fewer than half."""
    held, plain = 0, 0
    for times, events in strayed(trend, seed=52):
        row = smoothness(times, events, bounds=[bend]).iloc[0]
        naive = relative_magnitudes(times, events, bounds=[0]).iloc[0]
        held += row["low"] <= PLANTED <= row["high"]
        plain += naive["low"] <= PLANTED <= naive["high"]
    assert stats.binomtest(held, SURVEYS, 0.95, alternative="less").pvalue > 0.01
    assert plain < SURVEYS / 2


def test_bounds_of_one_cohort_start_from_the_t_interval_of_its_effect() -> None:
    rng = np.random.default_rng(53)
    seen = of_posts(rng.normal(50, 4, (12, 4)), np.where(TREATED, 2, 4))
    row = relative_magnitudes(*event_times(cohorts(seen)), weights=[1, 0], bounds=[0]).iloc[0]
    plain = effect(seen, waves=("w1", "w2"))
    assert (row["low"], row["high"]) == pytest.approx((plain.low, plain.high), rel=1e-10)
