"""What may be said of an intervention: randomisation by hand and beside scipy, every code, and how often it errs."""

import os
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from scoring.claims import Claim, claim, post_changes, randomised
from scoring.effects import Panel
from scoring.errors import EstimationError, RequestError

Floats = npt.NDArray[np.float64]
ENDURANCE = os.environ.get("SARHAD_ENDURANCE") == "1"
SURVEYS = 2_000 if ENDURANCE else 300
TREATED = np.arange(12) < 4
NAN = np.nan


def of_posts(score: npt.ArrayLike, start: npt.ArrayLike, *, aside: tuple[str, ...] = ()) -> Panel:
    scores = np.asarray(score, dtype=np.float64)
    n, waves = scores.shape
    return Panel(
        tuple(f"p{i}" for i in range(n)), tuple(f"w{t}" for t in range(waves)), scores, np.full(scores.shape, 2.0),
        np.full(scores.shape, 12.0), np.asarray(start, dtype=np.int64), aside,
    )  # fmt: skip


def changed(change: list[float], start: list[int]) -> Panel:
    """Two waves: 50, and 50 and the change."""
    return of_posts(np.column_stack([np.full(len(change), 50.0), 50 + np.array(change)]), start)


def codes(found: Claim) -> list[str]:
    return [finding.code for finding in found.findings]


# --- randomisation -----------------------------------------------------------------------------------------------


def test_all_choices_of_two_of_four_posts_by_hand() -> None:
    """Changes 9, 5, 1, 2 of which 9 and 5 were treated: difference 5.5.

    The six choices give +-5.5, +-1.5, +-2.5: two of six are as large as the actual one, and no choice is rarer.
    """
    found = randomised(changed([9, 5, 1, 2], [1, 1, 2, 2]), seed=1)
    assert (found.p, found.smallest, found.assignments, found.exact) == (2 / 6, 2 / 6, 6, True)


def test_a_choice_that_is_not_the_most_extreme_by_hand() -> None:
    """With 9 and 2 treated the difference is 2.5: four of six are as large."""
    assert randomised(changed([9, 5, 1, 2], [1, 2, 2, 1]), seed=1).p == 4 / 6


def test_changes_that_are_all_alike_give_certainty_of_nothing() -> None:
    found = randomised(changed([3, 3, 3, 3], [1, 1, 2, 2]), seed=1)
    assert (found.p, found.smallest) == (1, 1)


def test_one_treated_post_of_five_can_reach_a_fifth_at_best() -> None:
    found = randomised(changed([9, 0, 1, 2, 3], [1, 2, 2, 2, 2]), seed=1)
    assert (found.p, found.smallest) == (0.2, 0.2)


def test_choices_within_sides_keep_the_number_treated_on_each() -> None:
    """One of two posts on each side: 9 or 5, and 1 or 2. Differences +-2.5 (9, 2) and +-1.5 (9, 1)."""
    found = randomised(changed([9, 5, 1, 2], [1, 2, 2, 1]), seed=1, within=["left", "left", "right", "right"])
    assert (found.p, found.smallest, found.assignments) == (2 / 4, 2 / 4, 4)


@pytest.mark.parametrize("seed", range(3))
def test_the_chance_is_that_of_the_exact_permutation_test_in_scipy(seed: int) -> None:
    change = np.random.default_rng(seed).normal(0, 4, 12) + 4 * TREATED

    def statistic(a: Floats, b: Floats, axis: int) -> Any:
        return np.abs(a.mean(axis=axis) - b.mean(axis=axis))

    theirs = stats.permutation_test(
        (change[TREATED], change[~TREATED]), statistic, n_resamples=np.inf, alternative="greater", vectorized=True
    )
    found = randomised(changed(list(change), list(np.where(TREATED, 1, 2))), seed=1)
    assert (found.p, found.assignments) == (pytest.approx(theirs.pvalue, rel=1e-12), 495)
    assert found.smallest == pytest.approx(1 / 495)


@pytest.mark.parametrize("within", [None, ["left", "right"] * 6])
def test_drawn_choices_come_near_all_of_them_and_repeat_by_seed(within: list[str] | None) -> None:
    change = np.random.default_rng(8).normal(0, 4, 12) + 4 * TREATED
    seen = changed(list(change), list(np.where(TREATED, 1, 2)))
    exact = randomised(seen, seed=1, within=within)
    drawn = [randomised(seen, seed=seed, within=within, most=exact.assignments - 1) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1]
    assert not drawn[0].exact
    assert drawn[0].smallest == 1 / (exact.assignments - 1)
    many = np.mean([
        randomised(seen, seed=seed, within=within, most=exact.assignments - 1).p for seed in range(100)
    ])  # fmt: skip
    assert many == pytest.approx(exact.p, abs=0.01)


def test_sides_are_given_for_every_post() -> None:
    with pytest.raises(RequestError, match="within has 2 sides; give one for each of the 4 posts"):
        randomised(changed([9, 5, 1, 2], [1, 1, 2, 2]), seed=1, within=["left", "right"])


def test_posts_all_treated_have_no_other_choice() -> None:
    with pytest.raises(EstimationError, match="all treated or all untreated"):
        randomised(changed([1, 2, 3], [1, 1, 1]), seed=1)


# --- changes of single posts -------------------------------------------------------------------------------------


def test_the_change_of_a_post_alone_by_hand() -> None:
    """Errors 3 and 4 with 10 and 20 df: se 5, df = 25^2 / (9^2 / 10 + 16^2 / 20)."""
    seen = Panel(("a",), ("w0", "w1"), np.array([[50.0, 62.0]]), np.array([[3.0, 4.0]]), np.array([[10.0, 20.0]]),
                 np.array([1]))  # fmt: skip
    row = post_changes(seen).iloc[0]
    df = 625 / (8.1 + 12.8)
    assert (row["estimate"], row["se"], row["df"]) == pytest.approx((12, 5, df), rel=1e-12)
    assert row["low"] == pytest.approx(12 - 5 * stats.t.ppf(0.975, df), rel=1e-12)
    assert row["p"] == pytest.approx(2 * stats.t.sf(2.4, df), rel=1e-12)
    assert row["clear"]


def test_a_post_of_one_shift_has_a_change_and_no_limits() -> None:
    seen = Panel(("a", "b"), ("w0", "w1"), np.array([[50.0, 62.0], [50, 70]]), np.full((2, 2), 2.0),
                 np.array([[0.0, 12.0], [12, 12]]), np.array([1, 2]))  # fmt: skip
    table = post_changes(seen)
    assert table["estimate"].tolist() == [12, 20]
    assert table["p"].isna().tolist() == [True, False]
    assert table["clear"].tolist() == [False, True]


# --- claims ------------------------------------------------------------------------------------------------------


def grown(effect: float, seed: int, *, waves: int = 4, trend: float = 0.0, shock: float = 3.0) -> Panel:
    """Twelve posts, four of which rise by the effect in the last two waves, and by the trend in every wave."""
    rng = np.random.default_rng(seed)
    moved = effect * (np.arange(waves) >= waves - 2) + trend * np.arange(waves)
    score = 50 + rng.normal(0, 5, (12, 1)) + rng.normal(0, shock, (12, waves)) + np.outer(TREATED, moved)
    return of_posts(score, np.where(TREATED, waves - 2, waves))


def test_a_large_effect_is_claimed_in_its_direction() -> None:
    up, down = claim(grown(15, 61), seed=1), claim(grown(-15, 61), seed=1)
    assert (up.verdict, down.verdict) == ("higher", "lower")
    assert up.effect is not None
    assert up.effect.low > 0
    assert up.findings == ()


def test_one_treated_post_makes_no_claim_on_the_training_only_on_its_own_change() -> None:
    """However large the change and however narrow its interval."""
    found = claim(changed([60, 0, 1, -1, 2, 0], [1, 2, 2, 2, 2, 2]), seed=1)
    assert (found.verdict, found.effect, found.randomised) == ("none", None, None)
    assert codes(found) == ["one_treated"]
    params = found.findings[0].params
    assert (params["post"], params["estimate"]) == ("p0", 60)
    assert params["low"] > 0
    assert found.changes["clear"].tolist() == [True] + [False] * 5


@pytest.mark.parametrize(
    ("start", "code", "params"),
    [
        ([2, 2, 2, 2], "none_treated", {"untreated": 4}),
        ([1, 1, 1, 1], "all_treated", {"treated": 4}),
        ([1, 1, 1, 2], "one_untreated", {"post": "p3", "treated": 3}),
    ],
)
def test_too_few_posts_of_a_kind_leave_nothing_to_claim(start: list[int], code: str, params: dict[str, Any]) -> None:
    found = claim(changed([20, 22, 21, 1], start), seed=1)
    assert (found.verdict, found.effect) == ("none", None)
    assert (codes(found), dict(found.findings[0].params)) == ([code], params)


def test_few_posts_and_a_test_that_could_find_nothing_are_said() -> None:
    """Two of four posts: no choice has less than 2 in 6."""
    found = claim(changed([20, 22, 1, 0], [1, 1, 2, 2]), seed=1)
    assert found.verdict == "higher"
    assert codes(found) == ["few_posts", "no_earlier_waves", "coarse"]
    assert found.findings[2].params == {"smallest": 2 / 6, "assignments": 6}


def test_a_t_test_that_the_randomisation_test_does_not_bear_out_is_said() -> None:
    """Treated 6, 6.2, 5.8, of the others one 7, the rest near 0: the t test gives p = 0.03.

    As large as the actual choice are the four of three of the posts from 5.8 up, and the four of three of the rest.
    """
    found = claim(changed([6, 6.2, 5.8, 7, 0, 0, 0.5, 0], [1] * 3 + [2] * 5), seed=1)
    assert found.verdict == "higher"
    assert codes(found) == ["few_posts", "no_earlier_waves", "randomisation_unclear"]
    assert found.findings[2].params == {"p": 8 / 56, "assignments": 56}


def test_posts_without_a_score_treated_before_and_of_another_kind_are_named() -> None:
    score = [[50, 60], [50, 61], [50, NAN], [50, 51], [50, 52], [NAN, 52], [50, 90]]
    found = claim(of_posts(score, [1, 1, 1, 2, 2, 2, 0], aside=("scanner_post",)), seed=1)
    named = {finding.code: finding.params for finding in found.findings}
    assert named["hidden_scores"] == {"posts": ("p2", "p5"), "treated": ("p2",)}
    assert named["treated_before"] == {"posts": ("p6",)}
    assert named["other_kind"] == {"posts": ("scanner_post",)}


def test_starts_in_different_waves_are_said() -> None:
    score = np.random.default_rng(62).normal(50, 3, (12, 4))
    found = claim(of_posts(score, [1, 1, 2, 2] + [4] * 8), seed=1)
    assert {finding.code: finding.params for finding in found.findings}["staggered"] == {"waves": ("w1", "w2")}


def test_a_differing_pretrend_is_flagged_and_the_effect_doubted() -> None:
    """Treated posts gain 8 points a wave before and after, and nothing by the training."""
    found = claim(grown(0, 63, trend=8), seed=1)
    assert found.verdict == "doubted"
    assert set(codes(found)) == {"pretrend_differs"}
    params = found.findings[0].params
    assert params["low"] < 8 < params["high"]
    assert params["p_adjusted"] < 0.1


def test_a_pretrend_that_may_be_as_large_as_the_effect_is_left_open() -> None:
    found = claim(grown(0, 65), seed=1)
    assert found.verdict == "not_clear"
    assert codes(found) == ["pretrend_open"]


def test_without_earlier_waves_it_is_said_that_paths_are_not_known() -> None:
    found = claim(grown(15, 65, waves=3), seed=1)
    assert found.verdict == "higher"
    assert codes(found) == ["no_earlier_waves"]


# --- how often it errs -------------------------------------------------------------------------------------------


def verdicts(effect: float, trend: float, seed: int) -> list[Claim]:
    return [claim(grown(effect, seed + number, trend=trend), seed=1) for number in range(SURVEYS)]


def test_a_training_without_effect_is_claimed_to_have_one_at_most_as_often_as_the_test_admits() -> None:
    claimed = sum(found.verdict in ("higher", "lower") for found in verdicts(0, 0, 1_000))
    assert stats.binomtest(claimed, SURVEYS, 0.05, alternative="greater").pvalue > 0.01


def test_equal_paths_are_flagged_at_most_as_often_as_stated_and_differing_ones_nearly_always() -> None:
    """At a difference of 10 points a wave, with shocks and sampling of 3 points."""
    flagged = [sum("pretrend_differs" in codes(found) for found in verdicts(0, trend, 2_000)) for trend in (0, 10)]
    assert stats.binomtest(flagged[0], SURVEYS, 0.1, alternative="greater").pvalue > 0.01
    assert flagged[1] > 0.9 * SURVEYS
