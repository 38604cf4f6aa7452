"""Interventions that start in different waves: a panel worked by hand, laws, and whether intervals hold the truth."""

import os
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from scoring.effects import Panel, cr2, effect
from scoring.errors import EstimationError, RequestError
from scoring.staggered import By, Cohorts, aggregated, cohorts, effects_by, two_way

Floats = npt.NDArray[np.float64]
ENDURANCE = os.environ.get("SARHAD_ENDURANCE") == "1"
SURVEYS = 5_000 if ENDURANCE else 300
NAN = np.nan


def of_posts(score: npt.ArrayLike, start: npt.ArrayLike) -> Panel:
    scores = np.asarray(score, dtype=np.float64)
    n, waves = scores.shape
    return Panel(
        tuple(f"p{i}" for i in range(n)), tuple(f"w{t}" for t in range(waves)), scores,
        np.full(scores.shape, 2.0), np.full(scores.shape, 12.0), np.asarray(start, dtype=np.int64),
    )  # fmt: skip


#: Two posts start in w1, two in w2, two never.
#:
#: ========  ==================  =====================================================
#: since w0  w1, w2, w3          since w1     w0, w2, w3
#: p0, p1    6 4 | 8 8 | 10 8    means 5, 8, 9
#: p2, p3    3 3                 -3 -3 | 5 1 | 8 2        means -3, 3, 5
#: p4, p5    1 3 | 2 4 | 3 7     -1 -3 | 1 1 | 2 4        means 2, 3, 5 and -2, 1, 3
#: ========  ==================  =====================================================
HAND = of_posts(
    [[10, 16, 18, 20], [20, 24, 28, 28], [30, 33, 38, 41], [40, 43, 44, 45], [50, 51, 52, 53], [60, 63, 64, 67]],
    [1, 1, 2, 2, 4, 4],
)


def test_effects_by_cohort_and_wave_by_hand() -> None:
    """In w1 the controls of the first cohort are p2 to p5, 3 3 1 3, mean 2.5; afterwards p4 and p5 alone."""
    found = cohorts(HAND)
    assert found.cells["cohort"].tolist() == ["w1"] * 3 + ["w2"] * 3
    assert found.cells["wave"].tolist() == ["w1", "w2", "w3", "w0", "w2", "w3"]
    assert found.cells["time"].tolist() == [0, 1, 2, -2, 0, 1]
    assert found.cells["untreated"].tolist() == [4, 2, 2, 2, 2, 2]
    np.testing.assert_allclose(found.found.values, [5 - 2.5, 8 - 3, 9 - 5, -3 + 2, 3 - 1, 5 - 3], atol=1e-12)


def test_never_treated_controls_by_hand() -> None:
    found = cohorts(HAND, controls="never")
    np.testing.assert_allclose(found.found.values, [5 - 2, 5, 4, -1, 2, 2], atol=1e-12)


def test_errors_by_cohort_and_wave_by_hand() -> None:
    """(w1, w1): 6 and 4 have variance 2, over 2 posts 1; p4 and p5, 1 and 3, the same, but half the controls: 1/4.

    df = 1.25^2 / (1^2 + 0.25^2). (w1, w2): 8 and 8 have none; 2 and 4 give 1. (w2, w2): 5 and 1 give 8 / 2.
    """
    se, df = cohorts(HAND).found.errors()
    np.testing.assert_allclose(se[[0, 1, 4]], np.sqrt([1.25, 1, 4]), rtol=1e-12)
    np.testing.assert_allclose(df[[0, 1, 4]], [1.25**2 / 1.0625, 1, 1], rtol=1e-12)


@pytest.mark.parametrize(
    ("by", "labels", "values"),
    [
        ("time", [-2, 0, 1, 2], [-1, 2.25, 3.5, 4]),
        ("cohort", ["w1", "w2"], [11.5 / 3, 2]),
        ("wave", ["w1", "w2", "w3"], [2.5, 3.5, 3]),
    ],
)
def test_averages_over_cohorts_and_waves_by_hand(by: By, labels: list[Any], values: list[float]) -> None:
    table = effects_by(HAND, by=by)
    assert table[by].tolist() == labels
    np.testing.assert_allclose(table["estimate"], values, atol=1e-12)


def test_the_overall_effect_by_hand() -> None:
    table = effects_by(HAND, by="overall")
    np.testing.assert_allclose(table["estimate"], [(2.5 + 5 + 4 + 2 + 2) / 5], atol=1e-12)


def test_cohorts_count_by_their_posts() -> None:
    """A third post of the second cohort, alike to the mean of the two, moves averages only."""
    score = np.vstack([HAND.score, [35, 38, 41, 43]])
    found = effects_by(of_posts(score, [*HAND.start, 2]), by="time", controls="never")
    np.testing.assert_allclose(found["estimate"], [-1, (2 * 3 + 3 * 2) / 5, (2 * 5 + 3 * 2) / 5, 4], atol=1e-12)


@pytest.mark.parametrize("by", ["cell", "time", "cohort", "wave", "overall"])
def test_errors_are_those_of_the_influence_functions(by: By) -> None:
    """Estimates are linear in scores: a unit added to one score moves each by its derivative."""
    rng = np.random.default_rng(9)
    score, start = rng.normal(50, 5, (11, 5)), np.array([1, 1, 1, 2, 2, 4, 4, 5, 5, 5, 5])
    base = effects_by(of_posts(score, start), by=by)
    slopes = np.zeros((len(base), *score.shape))
    for place in np.ndindex(score.shape):
        moved = score.copy()
        moved[place] += 1
        slopes[:, *place] = effects_by(of_posts(moved, start), by=by)["estimate"] - base["estimate"]
    variance = np.zeros(len(base))
    for group in np.unique(start):
        own = start == group
        deviation = score[own] - score[own].mean(axis=0)
        influence = (slopes[:, own] * deviation).sum(axis=2)
        variance += (influence**2).sum(axis=1) * own.sum() / (own.sum() - 1)
    np.testing.assert_allclose(base["se"], np.sqrt(variance), rtol=1e-9)


def test_one_cohort_gives_the_t_of_welch_at_every_time() -> None:
    rng = np.random.default_rng(10)
    seen = of_posts(rng.normal(50, 5, (12, 4)), np.where(np.arange(12) < 4, 2, 4))
    table = effects_by(seen, by="time").set_index("time")
    for time, wave in ((0, "w2"), (1, "w3")):
        plain = effect(seen, waves=("w1", wave))
        assert table.loc[time, ["estimate", "se", "df", "low", "high", "p"]].tolist() == pytest.approx(
            [plain.estimate, plain.se, plain.df, plain.low, plain.high, plain.p], rel=1e-10
        )


GROWING = np.array([[0, 4, 8, 12, 16]] * 3 + [[0, 0, 0, 4, 8]] * 3 + [[0] * 5] * 2, dtype=float)
GROWN = of_posts(GROWING + np.arange(8)[:, None] + np.array([0, 3, 1, 5, 2]), [1] * 3 + [3] * 3 + [5] * 2)


def test_growing_effects_are_found_exactly_where_nothing_else_moves() -> None:
    table = effects_by(GROWN, by="time").set_index("time")["estimate"]
    np.testing.assert_allclose(table, [0, 0, 4, 8, 12, 16], atol=1e-12)


def test_two_way_effects_miss_the_mean_effect_where_effects_grow() -> None:
    """The mean over treated cells is (4 + 8 + 12 + 16 + 4 + 8) / 6; treated posts that still rise serve as controls."""
    overall = effects_by(GROWN, by="overall")["estimate"].iloc[0]
    assert overall == pytest.approx(52 / 6, rel=1e-12)
    assert two_way(GROWN).estimate < overall - 1


# --- two-way effects ---------------------------------------------------------------------------------------------


def test_two_way_effects_over_two_waves_are_the_difference_in_mean_change() -> None:
    rng = np.random.default_rng(11)
    seen = of_posts(rng.normal(50, 5, (12, 2)), np.where(np.arange(12) < 4, 1, 2))
    ours, plain = two_way(seen), effect(seen)
    assert (ours.estimate, ours.se) == pytest.approx((plain.estimate, plain.se), rel=1e-10)
    assert ours.df == pytest.approx(3024 / 496, rel=1e-10)  # 12^2 3 7 / (4^2 3 + 8^2 7), Imbens and Kolesar


def test_post_effects_taken_out_beforehand_are_those_of_a_column_for_each_post() -> None:
    """With scores missing here and there and starts in different waves."""
    rng = np.random.default_rng(12)
    score, start = rng.normal(50, 5, (9, 4)), np.array([1, 1, 2, 2, 3, 4, 4, 4, 4])
    score[[0, 4, 7], [3, 1, 2]] = NAN
    post, wave = np.nonzero(np.isfinite(score))
    x = np.column_stack([np.eye(9)[post], np.eye(4)[wave][:, 1:], wave >= start[post]])
    ours = two_way(of_posts(score, start), waves=("w0", "w3"))
    kept = np.isin(post, np.flatnonzero(np.isfinite(score[:, [0, 3]]).all(axis=1)))
    used = [column for column in range(x.shape[1]) if x[kept][:, column].any()]
    theirs = cr2(x[kept][:, used], score[post, wave][kept], post[kept], contrast=np.eye(len(used))[-1])
    assert (ours.estimate, ours.se, ours.df) == pytest.approx(theirs, rel=1e-8)


# --- posts that cannot be compared -------------------------------------------------------------------------------


def test_posts_treated_before_and_posts_with_a_missing_score_are_left_out_and_named() -> None:
    score = np.vstack([HAND.score, [1, 2, 3, 99], [9, NAN, 9, 9]])
    found = cohorts(of_posts(score, [*HAND.start, 0, 1]))
    assert found.left_out == ("p6", "p7")
    np.testing.assert_array_equal(found.found.values, cohorts(HAND).found.values)


def test_a_wave_in_which_all_are_treated_tells_of_no_effect() -> None:
    found = cohorts(of_posts(HAND.score[:4], HAND.start[:4]))
    assert found.cells["wave"].tolist() == ["w1"]
    np.testing.assert_allclose(found.found.values, [5 - 3])


def test_nothing_to_compare_with_and_single_posts_are_refused() -> None:
    with pytest.raises(EstimationError, match="no cohort has posts to be compared with"):
        cohorts(of_posts(HAND.score[:2], [1, 1]))
    with pytest.raises(EstimationError, match="every cohort is a single post"):
        cohorts(of_posts(HAND.score[:3], [1, 2, 4]))
    with pytest.raises(RequestError, match="controls is 'all'; it may be not_yet, never"):
        cohorts(HAND, controls="all")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="by is 'post'"):
        aggregated(cohorts(HAND), by="post")  # type: ignore[arg-type]


def test_a_cohort_of_one_post_has_the_spread_within_the_others() -> None:
    """p0 alone starts in w1; in w2 it changed by 8, never treated p4 and p5 by 2 and 4.

    Within the other cohorts changes are 8 4 and 2 4: variance (8 + 2) / 2 with 2 df; so se^2 = 5 + 1.
    """
    rows = [0, 2, 3, 4, 5]
    found = cohorts(of_posts(HAND.score[rows], HAND.start[rows]))
    assert found.borrowed == ("w1",)
    se, df = (part[1] for part in found.found.errors())
    assert (se, df) == pytest.approx((np.sqrt(6), 36 / (25 / 2 + 1)), rel=1e-12)


# --- does it hold the truth --------------------------------------------------------------------------------------


def covered(start: list[int], by: By, seed: int) -> tuple[int, int]:
    """Intervals of a growing effect that hold the truth, and all; shocks of 2, errors of sampling of 2 points."""
    starts = np.array(start)
    since = np.arange(5) - starts[:, None]
    truth = of_posts(np.where(since >= 0, 2.0 * (since + 1), 0.0), starts)
    expected = effects_by_true(truth, by)
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(SURVEYS):
        table = effects_by(of_posts(truth.score + rng.normal(0, np.sqrt(8), truth.score.shape), starts), by=by)
        held += int(((table["low"] <= expected) & (expected <= table["high"])).sum())
    return held, SURVEYS * expected.size


def effects_by_true(truth: Panel, by: By) -> Floats:
    found: Cohorts = cohorts(truth)
    return aggregated(found, by=by)[1].values


@pytest.mark.parametrize("start", [[1] * 3 + [3] * 3 + [5] * 6, [1] * 4 + [2] + [5] * 7])
def test_the_overall_effect_is_covered_with_cohorts_of_few_posts(start: list[int]) -> None:
    """Not refuted, by a binomial test at 1 %, to hold the truth in 93 to 97 % of surveys."""
    held, count = covered(start, "overall", seed=31)
    assert stats.binomtest(held, count, 0.93, alternative="less").pvalue > 0.01
    assert stats.binomtest(held, count, 0.97, alternative="greater").pvalue > 0.01
