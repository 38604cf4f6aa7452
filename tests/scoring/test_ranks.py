"""The studentised bootstrap: by hand, by law, and whether its intervals cover."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scoring.errors import EstimationError, RequestError
from scoring.ranks import Draws, simultaneous, studentised

Floats = npt.NDArray[np.float64]
EXACT = 1e-7  # two ways to round, through the root of a matrix


def chance(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def pairwise(m: int) -> Floats:
    first, second = np.triu_indices(m, 1)
    return np.eye(m)[first] - np.eye(m)[second]


def alike(m: int, correlation: float) -> Floats:
    return np.full((m, m), correlation) + (1 - correlation) * np.eye(m)


def critical(draws: Draws, contrasts: Floats, level: float = 0.95) -> float:
    return simultaneous(np.zeros(draws.df.size), contrasts, draws, level=level)[2]


def coverage_is_refuted(hits: npt.NDArray[np.bool_], level: float = 0.95) -> bool:
    return bool(stats.binomtest(int(hits.sum()), hits.size, level, alternative="less").pvalue < 0.01)


# By hand


@pytest.mark.parametrize("df", [1.0, 3.0, 7.5, 40.0])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_one_score_has_the_quantile_of_t(df: float, level: float) -> None:
    draws = studentised([[4.0]], [df], count=40_000, rng=chance())
    share = 2 * stats.t.sf(critical(draws, np.ones((1, 1)), level), df)
    assert share == pytest.approx(1 - level, abs=4 * np.sqrt(level * (1 - level) / 40_000))


def test_interval_of_one_score_is_the_t_interval() -> None:
    draws = studentised([[4.0]], [5.0], count=40_000, rng=chance())
    low, high, _ = simultaneous([50.0], [[1.0]], draws)
    assert [low[0], high[0]] == pytest.approx(stats.t.interval(0.95, 5, 50, 2), abs=0.15)


@pytest.mark.parametrize(("m", "per_score"), [(3, 2.0), (6, 3.0), (12, 5.0)])
def test_pairs_with_one_pooled_variance_have_the_studentised_range(m: int, per_score: float) -> None:
    draws = studentised(
        np.eye(m), np.full(m, per_score), count=20_000, rng=chance(), pool_below=10, units=np.full(m, per_score + 1)
    )
    beyond = stats.studentized_range.sf(np.sqrt(2) * critical(draws, pairwise(m)), m, m * per_score)
    assert beyond == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 20_000))


def test_independent_pair_has_the_welch_denominator() -> None:
    draws = studentised(np.diag([1.0, 9.0]), [3.0, 6.0], count=500, rng=chance())
    expected = (draws.deviations @ [1.0, -1.0]) / np.sqrt(draws.factors**2 @ [1.0, 9.0])
    assert draws.statistics([[1.0, -1.0]])[:, 0] == pytest.approx(expected)


def test_independent_statistics_are_those_of_simulated_samples() -> None:
    sample = chance(8).normal(size=(20_000, 2, 4)) * np.array([1.0, 3.0])[None, :, None]
    mean, square = sample.mean(axis=2), sample.var(axis=2, ddof=1) / 4
    real = (mean[:, 0] - mean[:, 1]) / np.sqrt(square.sum(axis=1))
    draws = studentised(np.diag([0.25, 2.25]), [3.0, 3.0], count=20_000, rng=chance(9))
    assert stats.ks_2samp(draws.statistics([[1.0, -1.0]])[:, 0], real).pvalue > 0.01


@pytest.mark.parametrize(("m", "df"), [(4, 9.0), (4, 2.0)])
def test_a_contrast_of_correlated_scores_is_t_with_their_df(m: int, df: float) -> None:
    draws = studentised(alike(m, 0.9), np.full(m, df), count=20_000, rng=chance())
    assert stats.kstest(draws.statistics(pairwise(m)[:1])[:, 0], "t", (df,)).pvalue > 0.01


def test_equal_df_redraw_the_covariance_about_itself() -> None:
    v = np.array([[4.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    draws = studentised(v, np.full(3, 8.0), count=40_000, rng=chance())
    e, size = draws.directions, draws.factors * np.sqrt(np.diag(v))
    mean = np.einsum("bi,bj,bri,brj->ij", size, size, e, e) / len(size)
    assert mean[:2, :2] == pytest.approx(v[:2, :2], abs=0.05)
    assert mean[2, 2] == pytest.approx(2.0, abs=0.05)


def test_every_variance_keeps_its_own_df_inside_a_block() -> None:
    df = np.array([3.0, 8.4, 30.0])
    draws = studentised(alike(3, 0.6), df, count=20_000, rng=chance())
    found = [stats.kstest(draws.factors[:, i] ** 2 * df[i], "chi2", (df[i],)).pvalue for i in range(3)]
    assert min(found) > 0.01


def test_deviations_have_the_covariance_given() -> None:
    v = np.array([[4.0, 1.0, 0.0], [1.0, 1.0, -0.3], [0.0, -0.3, 2.0]])
    draws = studentised(v, np.full(3, 8.0), count=100_000, rng=chance())
    assert np.cov(draws.deviations.T) == pytest.approx(v, abs=0.06)


# Pooling


def test_pooled_variance_keeps_the_relative_precision_of_unequal_samples() -> None:
    draws = studentised(
        np.diag([1.0, 3.0, 5.0]), [3.0, 1.0, 40.0], count=100, rng=chance(), pool_below=10, units=[4.0, 2.0, 41.0]
    )
    per_psu = (3 * 1 * 4 + 1 * 3 * 2) / 4
    assert np.diag(draws.covariance) == pytest.approx([per_psu / 4, per_psu / 2, 5.0])
    assert draws.df.tolist() == [4.0, 4.0, 40.0]
    assert draws.pooled.tolist() == [True, True, False]


def test_pooled_scores_share_one_redraw() -> None:
    draws = studentised(np.eye(3), [3.0, 3.0, 40.0], count=100, rng=chance(), pool_below=10, units=[4.0, 4.0, 41.0])
    assert (draws.factors[:, 0] == draws.factors[:, 1]).all()
    assert (draws.factors[:, 0] != draws.factors[:, 2]).all()


def test_a_lone_score_with_few_df_keeps_its_variance_unmarked() -> None:
    draws = studentised(np.diag([2.0, 1.0]), [3.0, 40.0], count=100, rng=chance(), pool_below=10, units=[4.0, 41.0])
    assert [draws.df[0], draws.covariance[0, 0]] == [3.0, 2.0]
    assert not draws.pooled.any()


def test_nothing_is_pooled_unless_the_caller_asks() -> None:
    assert not studentised(np.eye(3), [1.0, 2.0, 3.0], count=100, rng=chance()).pooled.any()


# Laws


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(st.floats(1e-6, 1e6), st.floats(-0.2, 0.95))
def test_scaling_the_covariance_changes_no_statistic(factor: float, correlation: float) -> None:
    v, df = alike(5, correlation) * np.outer(range(1, 6), range(1, 6)), np.arange(3.0, 8.0)
    one, other = (studentised(v * times, df, count=100, rng=chance()) for times in (1.0, factor))
    assert other.statistics(pairwise(5)) == pytest.approx(one.statistics(pairwise(5)), rel=EXACT, abs=EXACT)


def test_intervals_scale_and_move_with_the_scores() -> None:
    values, v, df = np.array([40.0, 55.0, 61.0]), alike(3, 0.4), np.array([4.0, 6.0, 9.0])
    plain = simultaneous(values, pairwise(3), studentised(v, df, count=200, rng=chance()))
    moved = simultaneous(10 * values + 7, pairwise(3), studentised(100 * v, df, count=200, rng=chance()))
    assert np.array(moved[:2]) == pytest.approx(10 * np.array(plain[:2]), rel=EXACT)
    assert moved[2] == pytest.approx(plain[2], rel=EXACT)


def test_order_of_contrasts_permutes_the_intervals() -> None:
    draws = studentised(alike(4, 0.3), np.full(4, 6.0), count=200, rng=chance())
    values, order = np.array([1.0, 4.0, 2.0, 8.0]), [5, 0, 3, 1, 4, 2]
    plain, turned = (simultaneous(values, c, draws) for c in (pairwise(4), pairwise(4)[order]))
    assert np.array(turned[:2]) == pytest.approx(np.array(plain[:2])[:, order])
    assert turned[2] == pytest.approx(plain[2])


def test_relabelled_scores_have_the_relabelled_distribution() -> None:
    order, df = [3, 1, 4, 0, 2], np.array([3.0, 5.0, 8.0, 13.0, 40.0])
    v = np.diag(np.arange(1.0, 6.0))
    v[:2, :2] = [[1.0, 0.9], [0.9, 2.0]]
    plain = studentised(v, df, count=20_000, rng=chance(3))
    turned = studentised(v[np.ix_(order, order)], df[order], count=20_000, rng=chance(4))
    largest = [np.abs(d.statistics(pairwise(5))).max(axis=1) for d in (plain, turned)]
    first = [plain.statistics(np.eye(5)[:1])[:, 0], turned.statistics(np.eye(5)[3:4])[:, 0]]
    assert stats.ks_2samp(largest[0], largest[1]).pvalue > 0.01
    assert stats.ks_2samp(first[0], first[1]).pvalue > 0.01


def test_the_sign_of_a_contrast_does_not_matter() -> None:
    draws = studentised(alike(4, 0.3), np.full(4, 6.0), count=200, rng=chance())
    assert draws.statistics(-pairwise(4)) == pytest.approx(-draws.statistics(pairwise(4)))


def test_more_contrasts_never_narrow_the_intervals() -> None:
    draws = studentised(np.eye(6), np.full(6, 4.0), count=500, rng=chance())
    assert critical(draws, pairwise(6)) >= critical(draws, pairwise(6)[:5]) >= critical(draws, pairwise(6)[:1])


def test_one_seed_gives_one_set_of_draws() -> None:
    one, same, other = (studentised(alike(3, 0.5), np.full(3, 4.0), count=300, rng=chance(s)) for s in (5, 5, 6))
    assert (one.statistics(pairwise(3)) == same.statistics(pairwise(3))).all()
    assert (one.statistics(pairwise(3)) != other.statistics(pairwise(3))).all()


def test_blocks_of_draws_do_not_change_the_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = studentised(alike(5, 0.5), np.full(5, 4.0), count=300, rng=chance())
    whole = draws.statistics(pairwise(5))
    monkeypatch.setattr("scoring.ranks.NUMBERS", 350)
    assert len(list(draws.blocks(pairwise(5)))) > 10
    assert draws.statistics(pairwise(5)) == pytest.approx(whole)


# Singular covariances


def test_parts_of_a_whole_are_judged_and_their_sum_is_not() -> None:
    v = np.eye(3) - 1 / 3  # three shares that sum to one
    draws = studentised(v, np.full(3, 6.0), count=500, rng=chance())
    low, high, q = simultaneous([0.2, 0.3, 0.5], np.vstack([pairwise(3), np.ones(3)]), draws)
    assert (low[:3] < high[:3]).all()
    assert np.isnan([low[3], high[3]]).all()
    assert q == critical(draws, pairwise(3))


def test_fewer_psus_than_scores_work() -> None:
    x = chance(2).normal(size=(4, 9))
    draws = studentised(np.cov(x.T) / 4, np.full(9, 3.0), count=500, rng=chance())
    assert np.isfinite(draws.statistics(pairwise(9))).all()


def test_a_score_without_variance_is_a_fixed_mark() -> None:
    draws = studentised(np.diag([0.0, 1.0]), [5.0, 5.0], count=2000, rng=chance())
    assert (draws.deviations[:, 0] == 0).all()
    assert draws.statistics([[-1.0, 1.0]]) == pytest.approx(draws.statistics([[0.0, 1.0]]))


def test_no_variance_at_all_gives_no_interval() -> None:
    draws = studentised(np.zeros((2, 2)), [5.0, 5.0], count=100, rng=chance())
    assert np.isnan(np.hstack(simultaneous([1.0, 2.0], pairwise(2), draws))).all()


# Does it cover?


@pytest.mark.parametrize("psus", [4, 8, 16])
def test_joint_coverage_of_independent_posts_is_not_refuted(psus: int) -> None:
    rng, posts = chance(psus), 24
    hits = np.zeros(100, dtype=np.bool_)
    for sample in range(hits.size):
        x = rng.normal(size=(psus, posts)) * np.linspace(1, 3, posts)
        v = np.diag(x.var(axis=0, ddof=1) / psus)
        draws = studentised(v, np.full(posts, psus - 1.0), count=250, rng=rng)
        low, high, _ = simultaneous(x.mean(axis=0), pairwise(posts), draws)
        hits[sample] = ((low <= 0) & (high >= 0)).all()
    assert not coverage_is_refuted(hits)


@pytest.mark.parametrize("correlation", [0.5, 0.9])
def test_joint_coverage_of_items_asked_of_the_same_people_is_not_refuted(correlation: float) -> None:
    rng, mix = chance(7), np.linalg.cholesky(alike(5, correlation))
    hits = np.zeros(300, dtype=np.bool_)
    for sample in range(hits.size):
        x = rng.normal(size=(8, 5)) @ mix.T
        draws = studentised(np.cov(x.T) / 8, np.full(5, 7.0), count=250, rng=rng)
        low, high, _ = simultaneous(x.mean(axis=0), pairwise(5), draws)
        hits[sample] = ((low <= 0) & (high >= 0)).all()
    assert not coverage_is_refuted(hits)


def test_draws_without_redrawn_variances_would_be_refuted() -> None:
    rng, posts, psus = chance(4), 24, 4
    plain = critical(studentised(np.eye(posts), np.full(posts, 1e9), count=2000, rng=rng), pairwise(posts))
    x = rng.normal(size=(300, psus, posts))
    se = np.sqrt(x.var(axis=1, ddof=1) / psus @ np.abs(pairwise(posts)).T)
    hits = (np.abs(x.mean(axis=1) @ pairwise(posts).T) <= plain * se).all(axis=1)
    assert coverage_is_refuted(hits)


# What is refused


@pytest.mark.parametrize(
    ("covariance", "df", "words"),
    [
        (np.ones((2, 3)), [1.0, 1.0], "square"),
        (np.ones(2), [1.0, 1.0], "square"),
        (np.empty((0, 0)), [], "at least one score"),
        ([[1.0, 0.5], [0.2, 1.0]], [5.0, 5.0], "not symmetric: scores 0 and 1"),
        ([[1.0, 2.0], [2.0, 1.0]], [5.0, 5.0], "not positive semi-definite"),
        ([[1.0, 0.0], [0.0, -1.0]], [5.0, 5.0], "score 1 has a negative variance"),
        (np.eye(2), [5.0], "one for each of the 2 scores"),
    ],
)
def test_a_call_that_is_wrong_says_how(covariance: npt.ArrayLike, df: list[float], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        studentised(covariance, df, count=100, rng=chance())


@pytest.mark.parametrize("df", [0.0, -1.0, np.nan, np.inf])
def test_a_variance_without_df_is_named(df: float) -> None:
    with pytest.raises(EstimationError, match="score 2 has df"):
        studentised(np.eye(3), [4.0, 4.0, df], count=100, rng=chance())


@pytest.mark.parametrize(("place", "noun"), [((1, 1), "variance"), ((1, 2), "covariance")])
def test_a_missing_covariance_is_named(place: tuple[int, int], noun: str) -> None:
    v = np.eye(3)
    v[place] = np.nan
    with pytest.raises(EstimationError, match=f"score 1 has no finite {noun}"):
        studentised(v, np.full(3, 4.0), count=100, rng=chance())


def test_too_few_draws_are_refused() -> None:
    with pytest.raises(RequestError, match="at least 100"):
        studentised([[1.0]], [4.0], count=99, rng=chance())


def test_draws_too_few_for_the_level_are_refused_with_their_number() -> None:
    draws = studentised([[1.0]], [4.0], count=100, rng=chance())
    with pytest.raises(RequestError, match="take at least 999"):
        simultaneous([1.0], [[1.0]], draws, level=0.999)


@pytest.mark.parametrize("level", [0.0, 1.0, np.nan])
def test_a_level_outside_0_and_1_is_refused(level: float) -> None:
    draws = studentised([[1.0]], [4.0], count=100, rng=chance())
    with pytest.raises(RequestError, match="between 0 and 1"):
        simultaneous([1.0], [[1.0]], draws, level=level)


@pytest.mark.parametrize("contrasts", [[1.0, -1.0], [[1.0, -1.0, 0.0]], [[1.0, np.nan]]])
def test_contrasts_that_do_not_fit_are_refused(contrasts: npt.ArrayLike) -> None:
    draws = studentised(np.eye(2), [4.0, 4.0], count=100, rng=chance())
    with pytest.raises(RequestError, match="contrasts"):
        draws.statistics(contrasts)


def test_values_that_do_not_fit_are_refused() -> None:
    draws = studentised(np.eye(2), [4.0, 4.0], count=100, rng=chance())
    with pytest.raises(RequestError, match="2 scores"):
        simultaneous([1.0], pairwise(2), draws)
    with pytest.raises(EstimationError, match="score 1 has no finite value"):
        simultaneous([1.0, np.nan], pairwise(2), draws)


@pytest.mark.parametrize("units", [None, [4.0], [4.0, 0.0], [4.0, np.nan]])
def test_pooling_needs_the_psus_of_each_score(units: npt.ArrayLike | None) -> None:
    with pytest.raises(RequestError, match="units"):
        studentised(np.eye(2), [3.0, 3.0], count=100, rng=chance(), pool_below=10, units=units)


@pytest.mark.parametrize("pool_below", [0.0, -1.0, np.nan])
def test_a_bound_of_pooling_is_above_0(pool_below: float) -> None:
    with pytest.raises(RequestError, match="pool_below"):
        studentised(np.eye(2), [3.0, 3.0], count=100, rng=chance(), pool_below=pool_below, units=[4.0, 4.0])


def test_df_of_scores_that_hang_together_are_not_summed() -> None:
    with pytest.raises(EstimationError, match="scores 1 and 2 hang together"):
        studentised(
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.5, 1.0]],
            [3.0, 3.0, 3.0],
            count=100,
            rng=chance(),
            pool_below=10,
            units=[4.0, 4.0, 4.0],
        )
