"""Means and the minimum of parts: hand calculations, scipy's means, and laws that hold for any parts."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from scoring import EstimationError, FrameworkError, RequestError
from scoring.aggregation import AGGREGATIONS, Aggregation, aggregate, gradient, known

Array = npt.NDArray[np.float64]
SMOOTH: tuple[Aggregation, ...] = ("arithmetic", "geometric", "harmonic")
CLOSE = 1e-9

quick = settings(max_examples=40, deadline=None, derandomize=True, database=None)
lengths = st.integers(1, 7)
scores = st.floats(0, 100)


@st.composite
def parts(draw: st.DrawFn, least: float = 0) -> tuple[Array, Array]:
    """Scores of a few parts, and their weights."""
    size = draw(lengths)
    return draw(arrays(float, size, elements=st.floats(least, 100))), draw(
        arrays(float, size, elements=st.floats(0.1, 9))
    )


def one(values: Array, weights: Array, how: Aggregation, **options: float) -> float:
    return float(aggregate(values, weights, how, **options))  # type: ignore[arg-type]


def test_two_parts_by_hand() -> None:
    """Of 0 and 100 with weights 3 and 1: 25; 100^(1/4) mapped back; 1 / (3/4 + 1/400) mapped back; 0."""
    values, weights = np.array([0.0, 100.0]), np.array([3.0, 1.0])
    assert one(values, weights, "arithmetic") == 25
    assert one(values, weights, "geometric") == pytest.approx((np.sqrt(10) - 1) / 0.99, rel=1e-14)
    assert one(values, weights, "harmonic") == pytest.approx((400 / 301 - 1) / 0.99, rel=1e-14)
    assert one(values, weights, "minimum") == 0


def test_unmapped_means_are_those_of_scipy() -> None:
    rng = np.random.default_rng(5)
    values, weights = rng.uniform(1, 100, (40, 6)), rng.uniform(0.1, 3, 6)
    wide = np.broadcast_to(weights, values.shape)
    mine = [aggregate(values, weights, how, mapped=False) for how in ("geometric", "harmonic")]
    np.testing.assert_allclose(mine[0], stats.gmean(values, axis=1, weights=wide), rtol=1e-13)
    np.testing.assert_allclose(mine[1], stats.hmean(values, axis=1, weights=wide), rtol=1e-13)


@quick
@given(parts())
def test_harmonic_is_at_most_geometric_and_that_at_most_arithmetic(given_: tuple[Array, Array]) -> None:
    least, harmonic, geometric, arithmetic = (
        one(*given_, how) for how in ("minimum", "harmonic", "geometric", "arithmetic")
    )  # type: ignore[arg-type]
    assert least <= harmonic <= geometric + CLOSE
    assert geometric <= arithmetic + CLOSE


@quick
@given(parts(), st.sampled_from(AGGREGATIONS))
def test_an_index_lies_between_its_parts(given_: tuple[Array, Array], how: Aggregation) -> None:
    values, weights = given_
    assert values.min() <= one(values, weights, how) <= values.max()


@quick
@given(scores, lengths, st.sampled_from(AGGREGATIONS))
def test_equal_parts_give_themselves_to_the_last_digit(score: float, size: int, how: Aggregation) -> None:
    weights = np.arange(1.0, size + 1)
    assert one(np.full(size, score), weights, how) == score


@pytest.mark.parametrize("how", AGGREGATIONS)
def test_parts_that_are_all_0_give_0(how: Aggregation) -> None:
    assert one(np.zeros(3), np.ones(3), how) == 0


@quick
@given(parts(), st.floats(0.01, 100), st.sampled_from(AGGREGATIONS))
def test_only_the_ratios_of_weights_count(given_: tuple[Array, Array], factor: float, how: Aggregation) -> None:
    values, weights = given_
    assert one(values, factor * weights, how) == pytest.approx(one(values, weights, how), abs=CLOSE)


@quick
@given(parts(), st.sampled_from(AGGREGATIONS))
def test_the_order_of_parts_does_not_matter(given_: tuple[Array, Array], how: Aggregation) -> None:
    values, weights = given_
    assert one(values[::-1], weights[::-1], how) == pytest.approx(one(values, weights, how), abs=CLOSE)


@quick
@given(parts(), st.floats(0, 30), st.sampled_from(AGGREGATIONS))
def test_a_better_part_never_makes_an_index_worse(given_: tuple[Array, Array], more: float, how: Aggregation) -> None:
    values, weights = given_
    better = values + np.where(np.arange(values.size) == 0, more, 0)
    assert one(better, weights, how) >= one(values, weights, how) - CLOSE


@quick
@given(parts(least=1), st.floats(0.1, 10), st.sampled_from(AGGREGATIONS))
def test_unmapped_means_take_the_unit_of_their_parts(
    given_: tuple[Array, Array], unit: float, how: Aggregation
) -> None:
    values, weights = given_
    mine, scaled = one(values, weights, how, mapped=False), one(unit * values, weights, how, mapped=False)
    assert scaled == pytest.approx(unit * mine, rel=1e-12)


@quick
@given(parts(least=1), st.sampled_from(SMOOTH), st.booleans())
def test_the_gradient_is_the_slope(given_: tuple[Array, Array], how: Aggregation, mapped: bool) -> None:  # noqa: FBT001
    values, weights = given_
    step = 1e-4 * np.eye(values.size)
    ahead, back = (aggregate(values + sign * step, weights, how, mapped=mapped) for sign in (1, -1))
    np.testing.assert_allclose(
        gradient(values, weights, how, mapped=mapped), (ahead - back) / 2e-4, rtol=2e-6, atol=1e-7
    )


@pytest.mark.parametrize("how", SMOOTH)
def test_equal_parts_have_their_weights_as_gradient(how: Aggregation) -> None:
    np.testing.assert_allclose(gradient(np.full(3, 40.0), np.array([1, 2, 5]), how), [1 / 8, 2 / 8, 5 / 8], rtol=1e-12)


@pytest.mark.parametrize("how", AGGREGATIONS)
def test_a_missing_part_leaves_no_figure_and_nothing_is_reweighted(how: Aggregation) -> None:
    found = aggregate(np.array([[50, np.nan], [50, 70.0]]), np.ones(2), how)
    assert np.isnan(found[0])
    assert found[1] >= 50


@pytest.mark.parametrize("how", AGGREGATIONS)
def test_a_declared_coverage_lets_the_others_stand_for_a_missing_part(how: Aggregation) -> None:
    values, weights = np.array([20, np.nan, 80.0]), np.array([1.0, 5.0, 2.0])
    without = one(values[[0, 2]], weights[[0, 2]], how)
    assert one(values, weights, how, coverage=0.6) == pytest.approx(without, rel=1e-14)
    assert np.isnan(one(values, weights, how, coverage=0.7))


@pytest.mark.parametrize("present", range(1, 10))
def test_exactly_the_declared_coverage_is_enough(present: int) -> None:
    """7 of 10 parts are a coverage of 0.7, though 0.7 times 10 is a little more than 7 in floating point."""
    values = np.where(np.arange(10) < present, 50.0, np.nan)
    assert one(values, np.ones(10), "arithmetic", coverage=present / 10) == 50


@pytest.mark.parametrize("how", AGGREGATIONS)
def test_no_coverage_makes_a_figure_of_nothing(how: Aggregation) -> None:
    assert np.isnan(one(np.full(2, np.nan), np.ones(2), how, coverage=0.0))


@pytest.mark.parametrize("how", AGGREGATIONS)
@pytest.mark.parametrize("left_out", [5.0, np.nan])
def test_a_part_of_weight_0_is_no_part(how: Aggregation, left_out: float) -> None:
    values, weights = np.array([left_out, 40.0, 60.0]), np.array([0.0, 1.0, 2.0])
    assert one(values, weights, how) == pytest.approx(one(values[1:], weights[1:], how), rel=1e-14)


@pytest.mark.parametrize("how", SMOOTH)
def test_gradients_are_0_where_there_is_no_figure(how: Aggregation) -> None:
    values = np.array([[np.nan, 50.0, 20.0], [np.nan, np.nan, np.nan]])
    assert (gradient(values, np.ones(3), how) == 0).all()
    partly = gradient(values, np.ones(3), how, coverage=0.5)
    assert partly[0, 0] == 0
    assert (partly[0, 1:] > 0).all()
    assert (partly[1] == 0).all()


@quick
@given(st.sampled_from(AGGREGATIONS), st.integers(0, 99))
def test_many_at_once_are_each_by_itself(how: Aggregation, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, weights = rng.uniform(0, 100, (3, 4, 5)), rng.uniform(0.5, 2, (3, 1, 5))
    values[1, 2, 3] = np.nan
    found = aggregate(values, weights, how, coverage=0.5)
    each = [[one(values[run, unit], weights[run, 0], how, coverage=0.5) for unit in range(4)] for run in range(3)]
    np.testing.assert_allclose(found, each, rtol=1e-13)


def test_a_minimum_has_no_gradient() -> None:
    with pytest.raises(RequestError, match="joint bootstrap"):
        gradient(np.ones(2), np.ones(2), "minimum")


def test_an_unknown_aggregation_names_those_there_are() -> None:
    with pytest.raises(FrameworkError, match="'median'; it may be arithmetic, geometric"):
        known("median")


@pytest.mark.parametrize(
    ("weights", "words"),
    [([1, -1], "below 0"), ([1, np.nan], "missing"), ([1, np.inf], "infinite"), ([0, 0], "all parts of a node")],
)
def test_weights_that_weigh_nothing_are_refused(weights: list[float], words: str) -> None:
    with pytest.raises(EstimationError, match=words):
        aggregate(np.ones(2), np.array(weights), "arithmetic")


@pytest.mark.parametrize("coverage", [-0.1, 1.1])
def test_a_coverage_is_a_share(coverage: float) -> None:
    with pytest.raises(RequestError, match="from 0 to 1"):
        aggregate(np.ones(2), np.ones(2), "arithmetic", coverage=coverage)


def test_values_without_a_logarithm_are_refused_with_the_remedy() -> None:
    with pytest.raises(EstimationError, match=r"geometric mean meets a part of -2, .* above -1.01; normalise"):
        aggregate(np.array([-2.0, 5.0]), np.ones(2), "geometric")
    with pytest.raises(EstimationError, match=r"harmonic mean meets a part of 0, .* above 0;"):
        aggregate(np.array([0.0, 5.0]), np.ones(2), "harmonic", mapped=False)
