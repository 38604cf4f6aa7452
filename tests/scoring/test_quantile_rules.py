"""Quantiles of weighted values: by hand, by law, and for equal weights against numpy."""

import math
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.design import Floats
from scoring.errors import RequestError
from scoring.quantile_rules import QuantileRule, cumulated, sorted_quantile, weighted_quantile

RULES = get_args(QuantileRule)
NUMPY = {
    "math": "inverted_cdf",
    "hf1": "inverted_cdf",
    "school": "averaged_inverted_cdf",
    "hf2": "averaged_inverted_cdf",
    "hf4": "interpolated_inverted_cdf",
    "hf5": "hazen",
    "hf6": "weibull",
    "hf7": "linear",
    "hf8": "median_unbiased",
    "hf9": "normal_unbiased",
}
X, W = np.array([10.0, 20.0, 30.0, 40.0]), np.array([1.0, 2.0, 1.0, 4.0])
quick = settings(max_examples=50, deadline=None, derandomize=True, database=None)


@st.composite
def samples(draw: st.DrawFn) -> tuple[Floats, Floats, Floats]:
    size = draw(st.integers(1, 12))
    few = st.lists(st.integers(-5, 5), min_size=size, max_size=size)
    weights = st.lists(st.integers(1, 9), min_size=size, max_size=size)
    shares = st.lists(st.integers(0, 64), min_size=1, max_size=5)
    return np.array(draw(few), float), np.array(draw(weights), float), np.array(draw(shares)) / 64


@pytest.mark.parametrize("rule", NUMPY)
@pytest.mark.parametrize("size", [1, 2, 7, 16, 61])
def test_equal_weights_give_what_numpy_gives(rule: Any, size: int) -> None:
    x = np.random.default_rng(size).normal(size=size)
    p = np.concatenate([np.arange(33) / 32, [0.011, 0.123, 0.987]])
    expected = np.quantile(x, p, method=NUMPY[rule])  # type: ignore[call-overload]  # a name drawn from a table
    np.testing.assert_allclose(weighted_quantile(x, np.full(size, 4.0), p, rule=rule), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("rule", "p", "expected"),
    [
        ("math", 0.3, 20.0),  # W / 8 is 1/8, 3/8, 1/2, 1
        ("math", 0.5, 30.0),
        ("math", 0.51, 40.0),
        ("school", 0.5, 35.0),
        ("school", 0.3, 20.0),
        ("hf3", 0.375, 20.0),  # the second
        ("hf3", 0.5, 40.0),  # the third is odd
        ("hf4", 0.25, 15.0),
        ("hf5", 5 / 32, 15.0),  # p is 1/16, 1/4, 7/16, 3/4
        ("hf6", 1 / 6, 15.0),  # p is 1/12, 1/4, 1/3, 2/3
        ("hf7", 1 / 8, 15.0),  # p is 0, 1/4, 3/4, 1
        ("hf8", 9 / 56, 15.0),  # p is 1/14, 1/4, 11/28, 5/7
        ("hf9", 23 / 144, 15.0),  # p is 5/72, 1/4, 29/72, 13/18
        ("shahvaish", 0.05, 10.0),  # p is 0.1, 0.2, 0.4, 0.5
        ("shahvaish", 0.3, 20.0),
        ("shahvaish", 0.45, 30.0),
    ],
)
def test_unequal_weights_by_hand(rule: Any, p: float, expected: float) -> None:
    assert weighted_quantile(X, W, p, rule=rule) == pytest.approx(expected, rel=1e-12)


def test_points_of_shah_and_vaish_may_fall() -> None:
    p = np.array([0.0, 0.06, 0.07, 1.0])  # of the points 1/15 and -2/3
    np.testing.assert_array_equal(weighted_quantile(X[:2], np.array([1.0, 9.0]), p, rule="shahvaish"), [20, 20, 10, 10])


def test_values_at_the_same_point_of_shah_and_vaish_are_averaged() -> None:
    assert weighted_quantile(X[:2], np.array([1.5, 4.5]), 0.5, rule="shahvaish") == 15.0  # both at 1/12


def test_hf3_counts_distinct_values() -> None:
    x = np.array([1.0, 2.0, 2.0, 3.0, 4.0])
    found = weighted_quantile(x, np.ones(5), np.array([0.2, 0.6, 0.8]), rule="hf3")
    np.testing.assert_array_equal(found, [2.0, 2.0, 4.0])


def test_equal_weights_meet_the_median_and_quartiles_exactly() -> None:
    found = weighted_quantile(np.arange(1.0, 201), np.full(200, 30.97), np.array([0.25, 0.5, 0.75]))
    np.testing.assert_array_equal(found, [50, 100, 150])


def test_a_share_that_doubles_cannot_hold_falls_as_in_r() -> None:
    found = weighted_quantile(np.arange(1.0, 201), np.full(200, 30.97), np.array([0.1, 0.9]))
    np.testing.assert_array_equal(found, [21, 181])


def test_sums_are_rounded_once() -> None:
    w = np.random.default_rng(7).uniform(0, 100, 400) / 3
    np.testing.assert_array_equal(cumulated(w), [math.fsum(w[: size + 1]) for size in range(400)])


@pytest.mark.parametrize("rule", RULES)
def test_values_without_weight_do_not_count(rule: Any) -> None:
    x, w = np.append(X, [-99.0, 25.0]), np.append(W, [0.0, 0.0])
    p = np.linspace(0, 1, 17)
    np.testing.assert_array_equal(weighted_quantile(x, w, p, rule=rule), weighted_quantile(X, W, p, rule=rule))


@pytest.mark.parametrize("rule", RULES)
def test_one_value_is_every_quantile(rule: Any) -> None:
    np.testing.assert_array_equal(
        weighted_quantile(np.array([7.0]), np.array([0.3]), np.array([0, 0.4, 1]), rule=rule), 7
    )


@pytest.mark.parametrize("rule", RULES)
def test_nothing_has_no_quantile(rule: Any) -> None:
    assert np.isnan(weighted_quantile(np.empty(0), np.empty(0), 0.5, rule=rule))
    assert np.isnan(weighted_quantile(X, np.zeros(4), 0.5, rule=rule))


def test_an_unknown_share_has_no_quantile_and_spoils_no_other() -> None:
    found = weighted_quantile(X, W, np.array([[0.3, np.nan], [np.nan, 1.0]]))
    np.testing.assert_array_equal(found, [[20.0, np.nan], [np.nan, 40.0]])


@pytest.mark.parametrize("rule", RULES)
def test_many_sets_of_weights_give_what_each_gives_alone(rule: Any) -> None:
    rng = np.random.default_rng(3)
    x, w = np.sort(rng.integers(0, 9, 30).astype(float)), rng.integers(0, 3, (5, 30)).astype(float)
    p = np.array([[0.1, 0.5], [0.75, 1.0]])
    expected = np.stack([weighted_quantile(x, row, p, rule=rule) for row in w])
    np.testing.assert_array_equal(sorted_quantile(x, w, p, rule=rule), expected)


@quick
@given(samples(), st.sampled_from(RULES))
def test_a_quantile_lies_among_the_values(sample: tuple[Floats, Floats, Floats], rule: Any) -> None:
    x, w, p = sample
    found = weighted_quantile(x, w, p, rule=rule)
    assert ((found >= x.min() - 1e-12) & (found <= x.max() + 1e-12)).all()


@quick
@given(samples(), st.sampled_from(RULES))
def test_a_larger_share_has_no_smaller_quantile(sample: tuple[Floats, Floats, Floats], rule: Any) -> None:
    x, w, p = sample
    w = np.ones_like(w) if rule == "shahvaish" else w  # its points need not ascend
    assert (np.diff(weighted_quantile(x, w, np.sort(p), rule=rule)) >= -1e-12).all()


@quick
@given(samples(), st.sampled_from([rule for rule in RULES if rule != "shahvaish"]))
def test_doubling_all_weights_changes_no_quantile(sample: tuple[Floats, Floats, Floats], rule: Any) -> None:
    x, w, p = sample
    np.testing.assert_array_equal(weighted_quantile(x, 2 * w, p, rule=rule), weighted_quantile(x, w, p, rule=rule))


@quick
@given(samples(), st.sampled_from(["school", "hf5"]))
def test_symmetric_rules_mirror(sample: tuple[Floats, Floats, Floats], rule: Any) -> None:
    x, _, p = sample
    w = np.full(x.size, 2.0)  # p W_n is exact in 64ths, and equal values cannot differ in weight
    inside = np.clip(p, 1 / 64, 63 / 64)
    np.testing.assert_allclose(
        weighted_quantile(-x, w, 1 - inside, rule=rule), -weighted_quantile(x, w, inside, rule=rule), atol=1e-12
    )


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(RequestError, match="quantile rule is 'hf10'; it may be math, school"):
        weighted_quantile(X, W, 0.5, rule="hf10")  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_a_share_beyond_the_ends_is_refused(p: float) -> None:
    with pytest.raises(RequestError, match="outside 0 to 1"):
        weighted_quantile(X, W, p)
