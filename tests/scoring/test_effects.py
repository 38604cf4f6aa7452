"""Effects of interventions: by hand, beside scipy and statsmodels, by law, and whether intervals hold the truth."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from scoring.effects import Panel, changes, cr2, effect, panel, precise, shock_variance, welch
from scoring.errors import EstimationError, RequestError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
DEMO = Path(__file__).parents[2] / "data" / "demo"
ENDURANCE = os.environ.get("SARHAD_ENDURANCE") == "1"
SURVEYS = 40_000 if ENDURANCE else 8_000
law = settings(max_examples=10, deadline=None, derandomize=True, database=None)
NAN = np.nan


def of_posts(score: npt.ArrayLike, start: npt.ArrayLike, *, se: float = 2.0, df: float = 12.0) -> Panel:
    """A panel of posts p0, p1, ... by waves w0, w1, ..."""
    scores = np.asarray(score, dtype=np.float64)
    n, waves = scores.shape
    return Panel(
        tuple(f"p{i}" for i in range(n)), tuple(f"w{t}" for t in range(waves)), scores,
        np.full(scores.shape, se), np.full(scores.shape, df), np.asarray(start, dtype=np.int64),
    )  # fmt: skip


#: Changes of two treated posts 8 and 4, of three others 1, 3 and -1: means 6 and 1, variances 8 and 4.
HAND = of_posts([[50, 58], [40, 44], [60, 61], [45, 48], [52, 51]], [1, 1, 2, 2, 2])


def test_the_difference_in_mean_change_and_its_t_interval_by_hand() -> None:
    """se^2 = 8/2 + 4/3 = 16/3; df = (16/3)^2 / (4^2/1 + (4/3)^2/2) = 28.44 / 16.89 = 32/19."""
    found = effect(HAND)
    assert (found.since, found.wave, found.treated, found.untreated) == ("w0", "w1", 2, 3)
    assert found.estimate == 5
    assert found.se == pytest.approx(np.sqrt(16 / 3), rel=1e-12)
    assert found.df == pytest.approx(32 / 19, rel=1e-12)
    half = stats.t.ppf(0.975, 32 / 19) * np.sqrt(16 / 3)
    assert (found.low, found.high) == pytest.approx((5 - half, 5 + half), rel=1e-12)


def test_the_difference_in_mean_change_is_the_t_test_of_welch_in_scipy() -> None:
    rng = np.random.default_rng(3)
    score, treated = rng.normal(50, 6, (12, 2)), np.arange(12) < 4
    found = effect(of_posts(score, np.where(treated, 1, 2)), level=0.9)
    change = score[:, 1] - score[:, 0]
    theirs: Any = stats.ttest_ind(change[treated], change[~treated], equal_var=False)
    limits = theirs.confidence_interval(0.9)
    assert (found.estimate / found.se, found.p, found.df) == pytest.approx(
        (theirs.statistic, theirs.pvalue, theirs.df), rel=1e-12
    )
    assert (found.low, found.high) == pytest.approx((limits.low, limits.high), rel=1e-12)


def test_a_post_treated_before_or_without_a_score_is_not_compared() -> None:
    seen = of_posts([[50, 58], [40, 44], [60, 61], [45, 48], [52, 51], [10, 90], [NAN, 20]], [1, 1, 2, 2, 2, 0, 2])
    assert effect(seen) == effect(HAND)


def test_a_post_treated_after_the_second_wave_serves_as_a_control() -> None:
    score = np.column_stack([HAND.score, [90, 10, 20, 30, 40]])
    found = effect(of_posts(score, [1, 1, 2, 3, 3]), waves=("w0", "w1"))
    assert (found.estimate, found.se) == pytest.approx((5, np.sqrt(16 / 3)), rel=1e-12)


@pytest.mark.parametrize(("start", "what"), [([1, 2, 2, 2, 2], "1 treated"), ([1, 1, 1, 1, 2], "1 untreated")])
def test_one_post_of_a_kind_is_refused_with_what_may_be_said(start: list[int], what: str) -> None:
    with pytest.raises(EstimationError, match=f"{what} posts have both scores.*how each post changed"):
        effect(of_posts(HAND.score, start))


def test_no_treated_post_no_known_wave_and_no_known_method_are_refused() -> None:
    with pytest.raises(EstimationError, match="no post had the intervention"):
        effect(of_posts(HAND.score, [2] * 5))
    with pytest.raises(RequestError, match="no wave 'w9'; waves are w0, w1"):
        effect(HAND, waves=("w0", "w9"))
    with pytest.raises(RequestError, match="does not come before"):
        effect(HAND, waves=("w1", "w0"))
    with pytest.raises(RequestError, match="method is 'guess'"):
        effect(HAND, method="guess")  # type: ignore[arg-type]


# --- the sandwich ------------------------------------------------------------------------------------------------


def test_clusters_of_one_row_give_hc2_of_statsmodels() -> None:
    rng = np.random.default_rng(4)
    x, y = np.column_stack([np.ones(15), rng.normal(size=(15, 2))]), rng.normal(size=15)
    value, se, _ = cr2(x, y, np.arange(15), contrast=np.array([0.0, 1.0, 0.0]))
    theirs = sm.OLS(y, x).fit(cov_type="HC2")
    assert (value, se) == pytest.approx((theirs.params[1], theirs.bse[1]), rel=1e-12)


@pytest.mark.parametrize(("few", "many", "df"), [(3, 27, 2.467), (4, 8, 6.097), (15, 15, 28.0)])
def test_the_df_of_two_groups_are_those_of_imbens_and_kolesar(few: int, many: int, df: float) -> None:
    """(n0 + n1)^2 (n0 - 1)(n1 - 1) / (n1^2 (n1 - 1) + n0^2 (n0 - 1)); they print 2.5 for 3 and 27 posts."""
    treated = np.arange(few + many) < few
    x = np.column_stack([np.ones(treated.size), treated])
    y = np.random.default_rng(5).normal(size=treated.size)
    value, se, found = cr2(x, y, np.arange(treated.size), contrast=np.array([0.0, 1.0]))
    closed = (few + many) ** 2 * (few - 1) * (many - 1) / (few**2 * (few - 1) + many**2 * (many - 1))
    assert found == pytest.approx(closed, rel=1e-10)
    assert found == pytest.approx(df, abs=5e-4)
    assert (value, se) == pytest.approx([float(part) for part in welch(y, treated)[:2]], rel=1e-10)


@law
@given(seed=st.integers(0, 10_000), groups=st.integers(4, 8))
def test_the_sandwich_has_no_bias_where_errors_are_independent_and_alike(seed: int, groups: int) -> None:
    """V is a quadratic form y'Qy, so its expectation is tr Q, the sum of V over the unit vectors."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(groups), rng.integers(1, 5, groups))
    x = np.column_stack([np.ones(cluster.size), rng.normal(size=cluster.size)])
    slope = np.array([0.0, 1.0])
    expected = sum(cr2(x, row, cluster, contrast=slope)[1] ** 2 for row in np.eye(cluster.size))
    assert expected == pytest.approx(np.linalg.inv(x.T @ x)[1, 1], rel=1e-8)


@law
@given(seed=st.integers(0, 10_000))
def test_the_df_are_twice_the_squared_mean_of_the_variance_over_its_variance(seed: int) -> None:
    """Of a quadratic form y'Qy of standard normal values mean and variance are tr Q and 2 tr QQ."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(5), rng.integers(1, 4, 5))
    n = cluster.size
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    slope = np.array([0.0, 1.0])

    def form(y: Floats) -> float:
        return cr2(x, y, cluster, contrast=slope)[1] ** 2

    basis = np.eye(n)
    own = np.array([form(row) for row in basis])
    q = np.array([[(form(a + b) - form(a - b)) / 4 for b in basis] for a in basis])
    assert cr2(x, basis[0], cluster, contrast=slope)[2] == pytest.approx(own.sum() ** 2 / (q**2).sum(), rel=1e-7)


# --- weights by precision ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_the_variance_of_shocks_is_that_of_paule_and_mandel_in_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    variance = rng.uniform(1, 9, 14)
    change = rng.normal(0, np.sqrt(variance + 6))
    theirs = combine_effects(change, variance, method_re="iterated")
    assert shock_variance(change, variance, np.ones((14, 1))) == pytest.approx(theirs.tau2, abs=1e-4)


def test_changes_that_sampling_alone_explains_leave_no_variance_to_shocks() -> None:
    assert shock_variance(np.array([1.0, 1.2, 0.8, 1.1]), np.full(4, 9.0), np.ones((4, 1))) == 0


def test_weights_by_precision_by_hand() -> None:
    """Variances 1, 3 and 1, 1 with no shocks: weights 3/4, 1/4 and 1/2, 1/2; means 1 and 0.

    Residuals -0.5, 1.5 and -0.2, 0.2; se^2 = sum (w_i e_i)^2 / (1 - w_i), w the share of its group.
    """
    change, treated = np.array([0.5, 2.5, -0.2, 0.2]), np.array([True, True, False, False])
    value, se, _ = precise(change, np.array([1.0, 3.0, 1.0, 1.0]), treated)
    shares, residuals = np.array([0.75, 0.25, 0.5, 0.5]), np.array([-0.5, 1.5, -0.2, 0.2])
    assert value == pytest.approx(1, rel=1e-12)
    assert se == pytest.approx(np.sqrt(((shares * residuals) ** 2 / (1 - shares)).sum()), rel=1e-12)


def test_equal_errors_weigh_posts_alike() -> None:
    plain, weighted = effect(HAND), effect(HAND, method="precision")
    assert (weighted.estimate, weighted.se) == pytest.approx((plain.estimate, plain.se), rel=1e-10)


def test_a_post_with_a_wide_error_counts_less() -> None:
    """The second treated post, which rose by 4 and not by 8, is nearly unknown."""
    se = HAND.se.copy()
    se[1] = 40.0
    blurred = Panel(HAND.posts, HAND.waves, HAND.score, se, HAND.df, HAND.start)
    assert 6.5 < effect(blurred, method="precision").estimate < 7
    with pytest.raises(EstimationError, match='use method "posts"'):
        effect(Panel(HAND.posts, HAND.waves, HAND.score, se * NAN, HAND.df, HAND.start), method="precision")


# --- does it hold the truth --------------------------------------------------------------------------------------

TREATED = np.arange(12) < 4
PLANTED = 5.0


def surveyed(count: int, shock: float, seed: int) -> tuple[Floats, Floats]:
    """Changes of twelve posts, four of which rise by 5, and their true sampling errors, shape (count, 12).

    Errors of a score lie between 1.5 and 4 points, the same posts' in both waves, spread at random over posts.
    """
    rng = np.random.default_rng(seed)
    se = rng.permuted(np.tile(np.linspace(1.5, 4.0, 12), (count, 1)), axis=1) * np.sqrt(2)
    shocks = rng.normal(0, shock, (count, 12, 2)) @ np.array([-1.0, 1.0])
    return PLANTED * TREATED + rng.normal(0, se) + shocks, se


def held(value: Floats, se: Floats, df: Floats) -> Flags:
    return np.asarray(np.abs(value - PLANTED) <= stats.t.ppf(0.975, df) * se)


@pytest.mark.parametrize("shock", [0.0, 2.0, 3.0])
def test_a_planted_effect_is_found_and_covered_with_and_without_shocks(shock: float) -> None:
    """Not refuted, by a binomial test at 1 %, to hold the truth in 93 to 97 % of surveys."""
    change, _ = surveyed(SURVEYS, shock, seed=21)
    value, se, df = welch(change, TREATED)
    assert value.mean() == pytest.approx(PLANTED, abs=3 * value.std() / np.sqrt(SURVEYS))
    covered = int(held(value, se, df).sum())
    assert stats.binomtest(covered, SURVEYS, 0.93, alternative="less").pvalue > 0.01
    assert stats.binomtest(covered, SURVEYS, 0.97, alternative="greater").pvalue > 0.01


@pytest.mark.parametrize("shock", [0.0, 2.0, 3.0])
def test_weights_by_precision_cover_too(shock: float) -> None:
    count = SURVEYS // 16
    change, true = surveyed(count, shock, seed=22)
    estimated = true**2 * np.random.default_rng(23).chisquare(24, true.shape) / 24
    found = np.array([precise(y, v, TREATED) for y, v in zip(change, estimated, strict=True)]).T
    covered = int(held(*found).sum())
    assert stats.binomtest(covered, count, 0.93, alternative="less").pvalue > 0.01
    assert stats.binomtest(covered, count, 0.97, alternative="greater").pvalue > 0.01


def test_errors_of_sampling_alone_would_be_too_narrow_under_shocks() -> None:
    """Why posts are counted and not respondents: below 85 % of the surveys instead of 95."""
    change, true = surveyed(SURVEYS, 3.0, seed=24)
    value = change[:, TREATED].mean(axis=1) - change[:, ~TREATED].mean(axis=1)
    se = np.sqrt((true[:, TREATED] ** 2).sum(axis=1) / 16 + (true[:, ~TREATED] ** 2).sum(axis=1) / 64)
    assert held(value, se, np.full(SURVEYS, np.inf)).mean() < 0.85


# --- the table of interventions ----------------------------------------------------------------------------------

DAYS = {"2022": "2022-05-09", "2024": "2024-05-06", "2026": "2026-05-04"}
LAST = {"2022": "2022-05-29", "2024": "2024-05-26", "2026": "2026-05-24"}


def rows(posts: list[str], waves: list[str]) -> pd.DataFrame:
    """One row a post and wave, scores 0, 1, 2, ... in this order."""
    table = pd.DataFrame([(post, wave) for post in posts for wave in waves], columns=["post", "wave"])
    return table.assign(estimate=np.arange(len(table), dtype=float), se=2.0, df=12.0)


def of_dates(*dates: tuple[str, str], **columns: Any) -> pd.DataFrame:
    return pd.DataFrame(dates, columns=["post", "date"]).assign(**columns)


def test_the_training_table_of_the_demo_starts_four_posts_in_the_second_wave() -> None:
    table = pd.read_csv(DEMO / "interventions_four_posts.csv", dtype=str)
    posts = ["almond_gate", "heron_ferry", "quince_gate", "walnut_ford", "willow_bridge"]
    found = panel(rows(posts, list(DAYS)), table, waves=DAYS)
    assert found.posts == tuple(posts)
    assert found.start.tolist() == [3, 1, 1, 1, 1]
    assert found.span() == ("2022", "2026")
    assert found.score.tolist()[1] == [3, 4, 5]


@pytest.mark.parametrize(
    ("date", "start"),
    [("2022-05-01", 0), ("2022-05-09", 0), ("2022-05-10", 1), ("2024-05-06", 1), ("2024-05-07", 2), ("2026-06-01", 3)],
)
def test_a_wave_comes_after_an_intervention_if_it_began_that_day_or_later(date: str, start: int) -> None:
    assert panel(rows(["a", "b"], list(DAYS)), of_dates(("a", date)), waves=DAYS).start.tolist() == [start, 3]


def test_a_wave_in_whose_fieldwork_the_intervention_fell_is_not_used_for_that_post() -> None:
    found = panel(rows(["a", "b"], list(DAYS)), of_dates(("a", "2024-05-20")), waves=DAYS, until=LAST)
    assert found.start.tolist() == [2, 3]
    np.testing.assert_array_equal(found.score, [[0, NAN, 2], [3, 4, 5]])


def test_waves_may_be_named_in_place_of_dates_and_the_first_intervention_counts() -> None:
    table = pd.DataFrame({"post": ["a", "a"], "wave": ["2026", "2024"], "kind": "training"})
    assert panel(rows(["a", "b"], list(DAYS)), table, waves=list(DAYS)).start.tolist() == [1, 3]


def test_a_post_with_only_another_kind_is_put_aside() -> None:
    table = of_dates(("a", "2023-01-01"), ("b", "2023-01-01"), kind=["training", "scanner"])
    found = panel(rows(["a", "b", "c"], list(DAYS)), table, waves=DAYS, kind="training")
    assert (found.posts, found.aside, found.start.tolist()) == (("a", "c"), ("b",), [1, 3])
    assert found.score.tolist() == [[0, 1, 2], [6, 7, 8]]


def test_a_masked_score_is_missing_and_waves_stand_in_the_order_given() -> None:
    table = rows(["a", "b"], list(DAYS)).iloc[[5, 4, 3, 2, 0]]
    found = panel(table.assign(estimate=[5, NAN, 3, 2, 0]), of_dates(("a", "2023-01-01")), waves=DAYS)
    np.testing.assert_array_equal(found.score, [[0, NAN, 2], [3, NAN, 5]])
    np.testing.assert_array_equal(found.se, [[2, NAN, 2], [2, 2, 2]])
    assert changes(found, ("2022", "2026"))[0].tolist() == [2, 2]


BAD = {
    "lack a column": (rows(["a"], ["w"]), pd.DataFrame({"post": ["a"]}), {}),
    "scores have no column 'se'": (rows(["a"], ["w"]).drop(columns="se"), of_dates(("a", "2023-01-01")), {}),
    "a post stands twice": (rows(["a", "a"], ["w"]), of_dates(("a", "2023-01-01")), {}),
    "post 'x' of the interventions has no scores; posts are a": (
        rows(["a"], ["w"]), of_dates(("x", "2023-01-01")), {}),
    "several kinds \\(scanner, training\\); name the kind": (
        rows(["a"], ["w"]), of_dates(("a", "2023-01-01"), ("a", "2023-01-01"), kind=["training", "scanner"]), {}),
    "no intervention is of kind 'scanner'; kinds are training": (
        rows(["a"], ["w"]), of_dates(("a", "2023-01-01"), kind="training"), {"kind": "scanner"}),
    "'13/03/2023' is no date; write the year": (rows(["a"], ["w"]), of_dates(("a", "13/03/2023")), {}),
    "give the first day of each wave": (rows(["a"], ["w"]), of_dates(("a", "2023-01-01")), {"waves": ["w"]}),
    "wave 'v' of the interventions is not known": (
        rows(["a"], ["w"]), pd.DataFrame({"post": ["a"], "wave": ["v"]}), {}),
}  # fmt: skip


@pytest.mark.parametrize("message", BAD)
def test_tables_that_do_not_fit_are_refused_in_words(message: str) -> None:
    scores, table, options = BAD[message]
    with pytest.raises(RequestError, match=message):
        panel(scores, table, **{"waves": {"w": "2024-01-01"}, **options})
