"""Weights of parts: by hand, and the least variance and largest spread that they promise."""

import numpy as np
import pandas as pd
import pytest

from scoring import EstimationError, RequestError
from scoring.part_weights import budget, equal, inverse_variance, loadings, principal_component, shares

POINTS = pd.DataFrame(
    {"leadership": [50, 40, 60], "conduct": [30, 40, 20], "services": [20, 20, 20]}, index=["first", "second", "third"]
)


def test_equal_weights_sum_to_1() -> None:
    np.testing.assert_allclose(equal(4), 0.25)


def test_declared_weights_are_divided_by_their_sum() -> None:
    np.testing.assert_allclose(shares([1, 2, 5]), [1 / 8, 2 / 8, 5 / 8])


def test_a_budget_gives_mean_points_and_how_far_experts_differ() -> None:
    found = budget(POINTS)
    assert found.experts == 3
    np.testing.assert_allclose(found.weights, [0.5, 0.3, 0.2])
    np.testing.assert_allclose(found.spread, [0.1, 0.1, 0], atol=1e-15)


def test_a_single_expert_has_no_spread() -> None:
    assert budget(POINTS.iloc[:1]).spread.isna().all()


def test_points_may_be_out_of_another_total() -> None:
    np.testing.assert_allclose(budget(POINTS / 10, total=10).weights, [0.5, 0.3, 0.2])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([50, 30, 21], "'second': points sum to 101, not 100"),
        ([120, -20, 0], "'second': points are missing or below 0"),
        ([50, 50, np.nan], "'second': points are missing or below 0"),
    ],
)
def test_an_expert_who_did_not_give_away_the_total_is_named(row: list[float], words: str) -> None:
    points = POINTS.astype(float)
    points.loc["second"] = row
    with pytest.raises(RequestError, match=words):
        budget(points)


def test_a_table_without_experts_is_refused() -> None:
    with pytest.raises(RequestError, match="a row for each expert"):
        budget(POINTS.iloc[:0])


@pytest.mark.parametrize("weights", [[1, -1], [1, np.nan], [0, 0]])
def test_weights_that_weigh_nothing_are_refused(weights: list[float]) -> None:
    with pytest.raises(EstimationError, match=r"give (each|at least one) part"):
        shares(weights)


def test_two_standardised_parts_have_equal_loadings() -> None:
    """Of two parts with correlation r the components have variances 1 + r and 1 - r, whatever their units."""
    x = np.array([1.0, 2, 3, 4, 6])
    y = np.array([10.0, 30, 20, 50, 40])
    r = np.corrcoef(x, y)[0, 1]
    sdev, vectors = loadings(np.column_stack([x, y]))
    np.testing.assert_allclose(sdev**2, [1 + r, 1 - r], rtol=1e-12)
    np.testing.assert_allclose(principal_component(np.column_stack([x, y])), [0.5, 0.5], rtol=1e-12)
    np.testing.assert_allclose(np.abs(vectors), np.sqrt(0.5), rtol=1e-12)


def test_units_with_a_part_missing_do_not_enter_components() -> None:
    values = np.random.default_rng(4).normal(size=(9, 3)) + np.arange(9)[:, None]
    with_gap = np.vstack([values, [np.nan, 900, -900]])
    np.testing.assert_array_equal(principal_component(with_gap), principal_component(values))


def test_a_part_that_runs_against_the_others_gets_no_weight_below_0() -> None:
    x = np.arange(6.0)
    with pytest.raises(EstimationError, match="part 2 runs against the first component"):
        principal_component(np.column_stack([x, -x, x + np.tile([0, 1], 3)]))


def test_components_of_too_few_units_or_of_a_constant_are_refused() -> None:
    with pytest.raises(EstimationError, match="only 2 units have every part"):
        loadings(np.array([[1.0, 2], [2, 1], [np.nan, 3]]))
    with pytest.raises(EstimationError, match="part 2 is the same in every unit"):
        loadings(np.array([[1.0, 2], [2, 2], [3, 2]]))


def test_inverse_variance_weights_by_hand_and_none_give_less_variance() -> None:
    v = np.array([1.0, 2.0, 4.0])
    found = inverse_variance(v)
    np.testing.assert_allclose(found, [4 / 7, 2 / 7, 1 / 7])
    others = np.random.default_rng(8).dirichlet(np.ones(3), 200)
    assert (found**2 @ v <= others**2 @ v).all()


@pytest.mark.parametrize("variance", [0, -1, np.nan])
def test_a_part_without_a_variance_would_take_all_the_weight(variance: float) -> None:
    with pytest.raises(EstimationError, match="part 2 has variance"):
        inverse_variance([1, variance])
