"""How parts hang together: each figure by hand, or as numpy has it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from scoring import EstimationError
from scoring.coherence import (
    between,
    between_posts,
    coherent,
    correlated,
    correlations,
    factor,
    inflation,
    influence,
    main_effects,
    pairwise,
    rest_correlations,
)
from scoring.moments import alpha
from scoring.robustness.published import Published


def drawn(size: int = 300, seed: int = 5) -> Any:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, 1)) * [1.0, 0.8, 0.5, 0.2] + rng.normal(size=(size, 4))


def test_covariances_of_complete_answers_are_those_of_numpy() -> None:
    scores = drawn()
    matrix, n = pairwise(scores, np.ones(300))
    assert matrix == pytest.approx(np.cov(scores.T), rel=1e-12)
    assert (n == 300).all()


def test_each_covariance_rests_on_those_who_answered_both() -> None:
    scores = drawn()
    scores[:100, 0] = np.nan
    scores[50:150, 1] = np.nan
    matrix, n = pairwise(scores, np.ones(300))
    assert n[0, 1] == 150
    assert matrix[0, 1] == pytest.approx(np.cov(scores[150:, :2].T)[0, 1], rel=1e-12)
    assert matrix[0, 0] == pytest.approx(scores[100:, 0].var(ddof=1), rel=1e-12)


def test_a_weighted_variance_counts_people_not_weights() -> None:
    # weights 1, 1, 2 of 2, 2, 4: mean 3, mean of squares 10; three people: 3/2 (10 - 9)
    assert pairwise(np.array([[2.0], [2.0], [4.0]]), np.array([1.0, 1.0, 2.0]))[0].item() == pytest.approx(1.5)


def test_sampling_error_is_taken_out_of_what_units_differ_by() -> None:
    # estimates of 4,000 units: truths with correlation 0.5, errors with correlation -0.6 and as much variance
    rng = np.random.default_rng(8)
    truth, error = np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([[1.0, -0.6], [-0.6, 1.0]])
    values = rng.multivariate_normal([0, 0], truth, 4000) + rng.multivariate_normal([0, 0], error, 4000)
    sampling = np.broadcast_to(error, (4000, 2, 2))
    same = np.zeros(4000, dtype=np.int64)
    assert abs(correlations(between(values, sampling * 0, same))[0, 1]) < 0.1
    assert correlations(between(values, sampling, same))[0, 1] == pytest.approx(0.5, abs=0.06)


def test_units_are_compared_within_their_wave() -> None:
    # within each wave 1, 2, 3 against 3, 2, 1; between the waves both rise by 10
    values = np.array([[1, 3], [2, 2], [3, 1], [11, 13], [12, 12], [13, 11]], dtype=float)
    found = between(values, np.zeros((6, 2, 2)), np.array([0, 0, 0, 1, 1, 1]))
    assert found == pytest.approx(np.array([[1.0, -1.0], [-1.0, 1.0]]))


def test_no_variance_has_no_correlation() -> None:
    assert np.isnan(correlations(np.array([[1.0, 0.2], [0.2, -0.1]]))[0]).tolist() == [False, True]


def test_a_mixture_of_other_parts_is_seen() -> None:
    scores = drawn()
    assert coherent(np.cov(scores.T))
    scores[:, 3] = scores[:, 0] + scores[:, 1]
    assert not coherent(np.cov(scores.T))


def test_correlation_with_the_rest_is_that_of_the_part_with_the_sum_of_the_others() -> None:
    scores, weights = drawn(), np.array([0.4, 0.3, 0.2, 0.1])
    found = rest_correlations(np.cov(scores.T), weights)
    for part in range(4):
        rest = np.delete(scores, part, axis=1) @ np.delete(weights, part)
        assert found[part] == pytest.approx(np.corrcoef(scores[:, part], rest)[0, 1], rel=1e-12)


def test_one_factor_is_found_again_and_omega_is_worked_out_by_hand() -> None:
    # standardised loadings 0.8, 0.6, 0.5, 0.4, standard deviations 1, 2, 1, 3, weights 1, 1, 2, 1:
    # w l = 0.8 + 1.2 + 1.0 + 1.2 = 4.2; w^2 u = 0.36 + 4 x 0.64 + 4 x 0.75 + 9 x 0.84 = 13.48
    loadings, sd = np.array([0.8, 0.6, 0.5, 0.4]), np.array([1.0, 2.0, 1.0, 3.0])
    matrix = np.outer(loadings, loadings)
    np.fill_diagonal(matrix, 1.0)
    found = factor(matrix * np.outer(sd, sd), np.array([1.0, 1.0, 2.0, 1.0]))
    assert found.loadings == pytest.approx(loadings, abs=1e-5)
    assert found.omega == pytest.approx(4.2**2 / (4.2**2 + 13.48), abs=1e-5)
    assert found.share == pytest.approx((0.64 + 0.36 + 0.25 + 0.16) / 4, abs=1e-5)
    assert found.residual == pytest.approx(0, abs=1e-5)


def test_omega_of_equal_loadings_is_alpha() -> None:
    matrix = np.full((4, 4), 0.3) + 0.7 * np.eye(4)
    means = np.concatenate([np.zeros(4), matrix[np.triu_indices(4)]])
    assert factor(matrix, np.ones(4)).omega == pytest.approx(alpha(means, np.array(1.0)).item(), abs=1e-6)


def test_two_pairs_that_share_nothing_leave_a_residual() -> None:
    matrix = np.kron(np.eye(2), np.array([[1.0, 0.4], [0.4, 1.0]])) + 0.1 * (1 - np.kron(np.eye(2), np.ones((2, 2))))
    assert factor(matrix, np.ones(4)).residual > 0.08


def test_a_part_that_one_factor_would_explain_wholly_is_refused() -> None:
    matrix = np.array([[1.0, 0.8, 0.8], [0.8, 1.0, 0.5], [0.8, 0.5, 1.0]])
    with pytest.raises(EstimationError, match="Heywood"):
        factor(matrix, np.ones(3))


def test_inflation_of_two_parts_is_that_of_their_correlation() -> None:
    assert inflation(np.array([[4.0, 1.2], [1.2, 1.0]])) == pytest.approx([1 / (1 - 0.36)] * 2)


def test_parts_that_share_nothing_influence_by_squared_weight_times_variance() -> None:
    # 0.5^2 x 4 = 1, 0.3^2 x 1 = 0.09, 0.2^2 x 9 = 0.36, together 1.45
    matrix, weights = np.diag([4.0, 1.0, 9.0]), np.array([0.5, 0.3, 0.2])
    assert influence(matrix, weights) == pytest.approx(np.array([1.0, 0.09, 0.36]) / 1.45)
    assert main_effects(matrix, weights) == pytest.approx(np.array([1.0, 0.09, 0.36]) / 1.45)


def test_influence_of_two_parts_is_the_mean_of_coming_first_and_coming_last() -> None:
    # weights 0.5, variances 1 and 4, covariance 1: variance of the sum 0.25 (1 + 4 + 2) = 1.75;
    # covariances with it 1 and 2.5: squared correlations 1 / 1.75 and 6.25 / 7
    found = influence(np.array([[1.0, 1.0], [1.0, 4.0]]), np.array([0.5, 0.5]))
    first, second = 1 / 1.75, 6.25 / 7
    assert found == pytest.approx([(first + 1 - second) / 2, (second + 1 - first) / 2])


def test_influence_sums_to_one_and_goes_along_when_parts_change_places() -> None:
    matrix, weights = np.cov(drawn().T), np.array([0.4, 0.3, 0.2, 0.1])
    shares, order = influence(matrix, weights), [2, 0, 3, 1]
    assert shares.sum() == pytest.approx(1, rel=1e-12)
    assert influence(matrix[np.ix_(order, order)], weights[order]) == pytest.approx(shares[order], rel=1e-10)


def posts(size: int, *, se: float, truth: float = 0.9, seed: int = 1) -> Published:
    """Two items whose true post scores correlate by `truth`, with errors that correlate by -0.5."""
    rng = np.random.default_rng(seed)
    true = rng.multivariate_normal([50, 50], 64 * np.array([[1, truth], [truth, 1]]), size)
    error = rng.multivariate_normal([0, 0], se**2 * np.array([[1, -0.5], [-0.5, 1]]), size)
    shape = (size, 2)
    names = tuple(f"post {place}" for place in range(size))
    correlation = np.array([[1.0, -0.5], [-0.5, 1.0]])
    given = np.clip(true + error, 0, 100)
    return Published(names, ("a", "b"), given, np.full(shape, se), np.full(shape, 9.0), correlation)


def test_what_a_release_shows_gives_the_correlation_of_posts_freed_of_error() -> None:
    row = between_posts(posts(1500, se=5.0)).iloc[0]
    assert (row["first"], row["second"], row["units"], row["reason"]) == ("a", "b", 1500, "")
    assert row["correlation"] == pytest.approx(0.9, abs=0.04)
    assert 0.8 < row["low"] < row["correlation"]


def test_without_errors_it_is_the_plain_correlation_and_the_limit_that_of_a_jackknife() -> None:
    shown = posts(12, se=0.0)
    row = between_posts(shown).iloc[0]
    assert row["correlation"] == pytest.approx(np.corrcoef(shown.estimate.T)[0, 1])
    left_out = [np.corrcoef(np.delete(shown.estimate, unit, axis=0).T)[0, 1] for unit in range(12)]
    se = np.sqrt(11 / 12 * ((left_out - np.mean(left_out)) ** 2).sum())
    assert row["low"] == pytest.approx(row["correlation"] - stats.t.ppf(0.975, 11) * se)


def test_hidden_figures_leave_their_post_out_and_fewer_than_five_posts_say_nothing() -> None:
    shown = posts(8, se=1.0)
    hidden = shown.estimate.copy()
    hidden[:3, 0] = np.nan
    assert between_posts(replace(shown, estimate=hidden))["units"].tolist() == [5]
    hidden[3, 1] = np.nan
    row = between_posts(replace(shown, estimate=hidden)).iloc[0]
    assert (row["units"], row["reason"]) == (4, "few_units")
    assert np.isnan(row["correlation"])


def test_posts_that_differ_less_than_their_errors_have_no_correlation() -> None:
    shown = posts(30, se=1.0)
    assert between_posts(replace(shown, se=shown.se * 20)).iloc[0]["reason"] == "no_spread"


def test_a_correlation_beyond_one_is_cut_and_said() -> None:
    # differences 6, 2, -2, -6 alike in both; errors of variance 9 that oppose one another
    values = 50 + np.array([[6, 6], [2, 2], [-2, -2], [-6, -6], [0, 0]], dtype=float)
    sampling = np.broadcast_to([[9.0, -4.5], [-4.5, 9.0]], (5, 2, 2))
    found = correlated(values, sampling, np.zeros(5, dtype=np.int64))
    assert (found["correlation"], found["reason"]) == (1.0, "beyond_one")
