"""Confidence limits: by hand and by law; R's own figures stand in the reference suite."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scoring.design import Floats
from scoring.errors import RequestError
from scoring.intervals import Interval, intervals, one_sided

ALL = get_args(Interval)
BOUNDED = [kind for kind in ALL if kind not in ("t", "normal")]
quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
proportions = st.floats(0.001, 0.999)
errors = st.floats(0.0005, 0.2)
freedoms = st.one_of(st.floats(1, 400), st.just(np.inf))
Drawn = tuple[float, float, float]
drawn = st.tuples(proportions, errors, freedoms)


def limits(p: Any, se: Any, df: Any, kind: Any, **options: Any) -> Floats:
    arrays = (np.asarray(value, dtype=np.float64) for value in (p, se, df))
    return np.array(intervals(*arrays, interval=kind, **{"n": np.array(50.0), **options}))


def test_t_and_normal_are_symmetric() -> None:
    np.testing.assert_allclose(limits(0.3, 0.1, 5, "t"), [0.3 - 0.2570582, 0.3 + 0.2570582], atol=1e-7)
    np.testing.assert_allclose(limits(0.3, 0.1, 5, "normal"), [0.3 - 0.1959964, 0.3 + 0.1959964], atol=1e-7)


def test_infinite_df_are_the_normal_distribution() -> None:
    np.testing.assert_allclose(limits(0.3, 0.1, np.inf, "t"), limits(0.3, 0.1, 9, "normal"), rtol=1e-14)


def test_logit_of_a_half_by_hand() -> None:
    half = 1.959963984540054 * 0.05 / 0.25
    expected = 1 / (1 + np.exp([half, -half]))
    np.testing.assert_allclose(limits(0.5, 0.05, np.inf, "logit"), expected, rtol=1e-12)
    np.testing.assert_array_equal(limits(0.5, 0.05, np.inf, "xlogit"), limits(0.5, 0.05, np.inf, "logit"))


def test_a_standard_error_of_the_logit_serves_logit_alone() -> None:
    given_half = limits(0.5, 0.05, 9, "logit", logit_se=np.array(0.4))
    np.testing.assert_allclose(given_half, limits(0.5, 0.1, 9, "logit"), rtol=1e-14)
    np.testing.assert_array_equal(
        limits(0.5, 0.05, 9, "xlogit", logit_se=np.array(0.4)), limits(0.5, 0.05, 9, "xlogit")
    )


def test_asin_of_a_half_by_hand() -> None:
    half = 1.959963984540054 * 0.05 / (2 * 0.5)
    expected = np.sin(np.pi / 4 + np.array([-half, half])) ** 2
    np.testing.assert_allclose(limits(0.5, 0.05, np.inf, "asin"), expected, rtol=1e-12)


def test_asin_stops_at_the_end_of_the_scale() -> None:
    low, high = limits(0.01, 0.02, 5, "asin")
    assert low == 0
    assert high > 0.01


def test_wilson_by_hand() -> None:
    z2 = 1.959963984540054**2  # 20 of 100, a standard error of 0.04
    half = np.sqrt(z2 * (0.16 / 100 + z2 / 40000))
    expected = (0.2 + z2 / 200 + np.array([-half, half])) / (1 + z2 / 100)
    np.testing.assert_allclose(limits(0.2, 0.04, np.inf, "wilson"), expected, rtol=1e-12)


def test_beta_of_a_simple_sample_is_clopper_and_pearson() -> None:
    expected = stats.binomtest(20, 100).proportion_ci(method="exact")
    np.testing.assert_allclose(limits(0.2, 0.04, 99, "beta", n=np.array(100)), expected, rtol=1e-9)


def test_beta_of_few_df_is_of_a_smaller_sample() -> None:
    share = (stats.t.ppf(0.975, 99) / stats.t.ppf(0.975, 4)) ** 2 * 100
    expected = [
        stats.beta.ppf(0.025, 0.2 * share, 0.8 * share + 1),
        stats.beta.ppf(0.975, 0.2 * share + 1, 0.8 * share),
    ]
    np.testing.assert_allclose(limits(0.2, 0.04, 4, "beta", n=np.array(100)), expected, rtol=1e-12)


@quick
@given(drawn)
def test_likelihood_limits_lie_where_the_deviance_is_what_is_allowed(one: Drawn) -> None:
    p, se, df = one
    q = limits(p, se, df, "likelihood")
    allowed = stats.t.ppf(0.975, df) ** 2 * se**2 / (p * (1 - p)) * 50 / 49
    inside = (q > 1e-9) & (q < 1 - 1e-9)  # nearer to an end a double of q no longer tells
    with np.errstate(divide="ignore", invalid="ignore"):
        deviance = 2 * (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))
    np.testing.assert_allclose(np.where(inside, deviance, allowed), allowed, rtol=1e-6)


@quick
@given(drawn, st.sampled_from(BOUNDED))
def test_limits_lie_on_the_scale_around_the_value(one: Drawn, kind: Any) -> None:
    low, high = limits(*one, kind)
    assert 0 <= low <= one[0] <= high <= 1


@quick
@given(drawn, st.sampled_from(ALL))
def test_more_confidence_is_wider(one: Drawn, kind: Any) -> None:
    narrow, wide = limits(*one, kind, level=0.8), limits(*one, kind, level=0.95)
    assert wide[0] <= narrow[0] + 1e-12
    assert wide[1] >= narrow[1] - 1e-12


@quick
@given(drawn, st.sampled_from(ALL))
def test_the_mirrored_proportion_has_mirrored_limits(one: Drawn, kind: Any) -> None:
    p, se, df = one
    np.testing.assert_allclose(limits(1 - p, se, df, kind), 1 - limits(p, se, df, kind)[::-1], atol=1e-9)


@quick
@given(drawn, st.sampled_from(ALL))
def test_a_scale_to_100_gives_100_times_the_limits(one: Drawn, kind: Any) -> None:
    p, se, df = one
    np.testing.assert_allclose(
        limits(100 * p, 100 * se, df, kind, top=100.0), 100 * limits(*one, kind), rtol=1e-7, atol=1e-9
    )


@pytest.mark.parametrize("kind", ALL)
def test_arrays_give_what_each_value_gives_alone(kind: Any) -> None:
    p, se = np.array([[0.1], [0.6]]), np.array([0.02, 0.05, 0.09])
    together = limits(p, se, 12, kind)
    alone = [[limits(one, error, 12, kind) for error in se] for one in p.ravel()]
    assert together.shape == (2, 2, 3)
    np.testing.assert_allclose(together, np.moveaxis(np.array(alone), 2, 0), rtol=1e-12)


@pytest.mark.parametrize("kind", ALL)
def test_without_df_there_are_no_limits(kind: Any) -> None:
    assert np.isnan(limits([0.3, 0.3], [0.1, 0.0], 0, kind)).all()


@pytest.mark.parametrize("kind", ALL)
def test_without_spread_the_limits_are_the_value(kind: Any) -> None:
    np.testing.assert_array_equal(limits(0.3, 0.0, 5, kind), [0.3, 0.3])


@pytest.mark.parametrize("kind", BOUNDED)
def test_at_the_ends_there_are_no_limits(kind: Any) -> None:
    assert np.isnan(limits([0.0, 100.0], [0.0, 0.0], 5, kind, top=100.0)).all()


@pytest.mark.parametrize("kind", ALL)
def test_no_value_has_no_limits(kind: Any) -> None:
    assert np.isnan(limits(np.nan, np.nan, 5, kind)).all()


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(RequestError, match="interval is 'exact'; it may be t, normal, logit"):
        limits(0.3, 0.1, 5, "exact")


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_that_is_no_share_is_refused(level: float) -> None:
    with pytest.raises(RequestError, match="give a share between 0 and 1"):
        limits(0.3, 0.1, 5, "t", level=level)


@pytest.mark.parametrize("kind", ["beta", "likelihood"])
def test_kinds_that_count_answers_ask_for_them(kind: Any) -> None:
    with pytest.raises(RequestError, match=f"{kind} intervals need n"):
        limits(0.3, 0.1, 5, kind, n=None)


def test_the_bound_of_no_case_among_some_by_hand() -> None:
    np.testing.assert_allclose(one_sided(np.array([1.0, 2.0, 59.0])), [0.95, 1 - np.sqrt(0.05), 0.0495], rtol=1e-3)
    assert np.isnan(one_sided(np.array(0.0)))
