"""Variance, covariance, correlation, alpha and components: by hand, as numpy has them, and against the jackknife."""

from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from scoring import EstimationError, RequestError, Resampling, SurveyDesign, estimate
from scoring.moments import alpha, components, covariances

NAMES = ["a", "b", "c"]
SECOND = ["variance", "covariance", "correlation", "alpha", "components"]
quick = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),  # to explain a fault of the engine takes minutes
)


def drawn(size: int, seed: int = 20) -> pd.DataFrame:
    """Three answers that hang together, unevenly."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=size)
    parts = {name: slope * common + rng.normal(size=size) for name, slope in zip(NAMES, (1.0, 0.7, 0.3), strict=True)}
    return pd.DataFrame(parts)


def figures(frame: pd.DataFrame, statistic: str, design: SurveyDesign | None = None, **options: Any) -> pd.DataFrame:
    return estimate(frame, design or SurveyDesign(), **{statistic: NAMES}, **options)


# By hand: of 1, 2, 4, 9 the mean is 4, deviations are -3, -2, 0, 5, the variance 38 / 3


def test_variance_and_its_error_are_those_worked_out_by_hand() -> None:
    # 4/3 (mean of squares - 16) moves with 4/3 ((x - 4)^2 - 9.5): 4/3 of -0.5, -5.5, -9.5, 15.5, squares 361;
    # of four people that is 4/3 sqrt(361 / 3 / 4)
    row = estimate(pd.DataFrame({"x": [1, 2, 4, 9]}), SurveyDesign(), variance=["x"]).iloc[0]
    assert row["estimate"] == pytest.approx(38 / 3, rel=1e-14)
    assert row["se"] == pytest.approx(4 / 3 * sqrt(361 / 12), rel=1e-13)
    assert (row["statistic"], row["measure"], row["n"], row["df"]) == ("variance", "x", 4, 3)


def test_weighted_variance_counts_people_not_weights() -> None:
    # weights 1, 1, 2: mean 3, mean of squares 10; three people: 3/2 (10 - 9)
    frame = pd.DataFrame({"x": [2, 2, 4], "w": [1.0, 1.0, 2.0]})
    row = estimate(frame, SurveyDesign(weight="w"), variance=["x"]).iloc[0]
    assert row["estimate"] == pytest.approx(3 / 2 * (10 - 9), rel=1e-14)


def test_alpha_of_two_answers_alike_is_one_and_of_opposites_far_below() -> None:
    frame = pd.DataFrame({"a": [1, 2, 4, 9], "b": [1, 2, 4, 9], "c": [9, 4, 2, 1]})
    assert estimate(frame, SurveyDesign(), alpha=["a", "b"])["estimate"].item() == pytest.approx(1, rel=1e-13)
    assert estimate(frame, SurveyDesign(), alpha=["a", "c"])["estimate"].item() < 0


def test_component_of_two_answers_is_their_sum_and_their_difference() -> None:
    # correlation r: eigenvalues 1 + r and 1 - r, loadings 1 / sqrt(2)
    frame = drawn(30)[["a", "b"]]
    r = np.corrcoef(frame["a"], frame["b"])[0, 1]
    table = estimate(frame, SurveyDesign(), components=["a", "b"])
    assert table["statistic"].tolist() == ["component"] * 2 + ["loading"] * 4
    assert table["estimate"].iloc[:2].tolist() == pytest.approx([sqrt(1 + r), sqrt(1 - r)])
    assert table["estimate"].iloc[2:].abs().tolist() == pytest.approx([sqrt(0.5)] * 4)


# As numpy has them


@quick
@given(st.integers(0, 1000), st.integers(4, 60))
def test_equal_weights_give_what_numpy_gives(seed: int, size: int) -> None:
    frame = drawn(size, seed)
    matrix, correlation = np.cov(frame.T), np.corrcoef(frame.T)
    upper = np.triu_indices(3)
    expected = {
        "variance": np.diag(matrix),
        "covariance": matrix[upper],
        "correlation": correlation[np.triu_indices(3, 1)],
        "alpha": [3 / 2 * (1 - np.trace(matrix) / matrix.sum())],
    }
    for statistic, values in expected.items():
        np.testing.assert_allclose(figures(frame, statistic)["estimate"], values, rtol=1e-10, atol=1e-12)


@quick
@given(st.integers(0, 1000))
def test_components_are_those_of_the_correlation_matrix(seed: int) -> None:
    frame = drawn(25, seed)
    table = figures(frame, "components")
    sdev = table["estimate"].iloc[:3].to_numpy()
    loadings = table["estimate"].iloc[3:].to_numpy().reshape(3, 3)
    assert (np.diff(sdev) <= 0).all()
    np.testing.assert_allclose(loadings @ loadings.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(loadings.T * sdev**2 @ loadings, np.corrcoef(frame.T), atol=1e-12)
    assert (loadings[range(3), np.abs(loadings).argmax(axis=1)] > 0).all()


def test_rows_are_named_by_their_variables() -> None:
    frame = drawn(10)
    assert figures(frame, "covariance")["measure"].tolist() == ["a:a", "a:b", "a:c", "b:b", "b:c", "c:c"]
    assert figures(frame, "correlation")["measure"].tolist() == ["a:b", "a:c", "b:c"]
    assert figures(frame, "alpha")["measure"].tolist() == ["a+b+c"]
    assert figures(frame, "components")["category"].tolist()[3:] == ["1"] * 3 + ["2"] * 3 + ["3"] * 3


# Weights, domains, missing answers


@pytest.mark.parametrize("statistic", SECOND)
def test_integer_weights_are_rows_given_so_many_times(statistic: str) -> None:
    frame = drawn(24).assign(psu=np.repeat(range(8), 3), w=np.arange(24) % 3 + 1.0)
    rows = frame.loc[frame.index.repeat(frame["w"].astype(int))].assign(w=1.0)
    design = SurveyDesign(weight="w", psu="psu")
    weighted, repeated = figures(frame, statistic, design), figures(rows, statistic, design)
    # variance and covariance divide by people - 1: 24 of one, 48 of the other
    factor = {"variance": 24 / 23 * 47 / 48, "covariance": 24 / 23 * 47 / 48}.get(statistic, 1.0)
    np.testing.assert_allclose(weighted["estimate"], factor * repeated["estimate"], rtol=1e-10)
    np.testing.assert_allclose(weighted["se"], factor * repeated["se"], rtol=1e-9)
    assert weighted["df"].tolist() == repeated["df"].tolist()


@pytest.mark.parametrize("statistic", SECOND)
def test_adding_a_constant_changes_nothing(statistic: str) -> None:
    frame = drawn(40)
    moved = frame.assign(a=frame["a"] + 1e6)
    columns = ["estimate", "se", "df", "low", "high", "n"]
    np.testing.assert_allclose(
        figures(moved, statistic)[columns], figures(frame, statistic)[columns], rtol=1e-6, atol=1e-8
    )


@pytest.mark.parametrize("statistic", ["correlation", "components"])
def test_unit_of_an_answer_changes_no_correlation(statistic: str) -> None:
    frame = drawn(40)
    scaled = frame.assign(a=frame["a"] * 60, b=frame["b"] / 7)
    columns = ["estimate", "se", "low", "high"]
    np.testing.assert_allclose(figures(scaled, statistic)[columns], figures(frame, statistic)[columns], rtol=1e-9)


@pytest.mark.parametrize("statistic", SECOND)
def test_domain_is_what_it_is_alone_in_its_stratum(statistic: str) -> None:
    # a stratum that is the domain: PSUs of others add nothing to it
    frame = drawn(40).assign(side=["l"] * 20 + ["r"] * 20)
    design = SurveyDesign(strata="side")
    inside = figures(frame, statistic, design, by="side").query("side == 'r'").drop(columns="side")
    alone = figures(frame[20:], statistic)
    pd.testing.assert_frame_equal(inside.reset_index(drop=True), alone, rtol=1e-9)


def test_only_who_answered_all_of_them_counts_together() -> None:
    frame = drawn(20).assign(
        a=lambda part: part["a"].mask(part.index < 3), b=lambda part: part["b"].mask(part.index > 16)
    )
    both = figures(frame, "covariance")
    each = figures(frame, "variance")
    np.testing.assert_allclose(both["estimate"], np.cov(frame.dropna().T)[np.triu_indices(3)], rtol=1e-10)
    assert both["n"].unique().tolist() == [14]
    assert each["n"].tolist() == [17, 17, 20]
    np.testing.assert_allclose(each["estimate"], frame.var(), rtol=1e-10)


def test_answers_all_alike_have_no_correlation() -> None:
    frame = drawn(10).assign(a=2.0)
    row = estimate(frame, SurveyDesign(), correlation=["a", "b"]).iloc[0]
    assert np.isnan(row["estimate"])
    assert row["status"] == "undefined"
    assert estimate(frame, SurveyDesign(), variance=["a"])["estimate"].tolist() == [0]


# Standard errors against the jackknife of one person at a time


@pytest.mark.parametrize("statistic", SECOND)
def test_standard_error_is_that_of_leaving_out_one_at_a_time(statistic: str) -> None:
    frame = drawn(500).assign(w=np.linspace(0.5, 2, 500))
    design = SurveyDesign(weight="w")
    linear = figures(frame, statistic, design)
    again = figures(frame, statistic, design, replicates=Resampling("jackknife"))
    np.testing.assert_allclose(linear["se"], again["se"], rtol=0.04)
    np.testing.assert_allclose(linear["estimate"], again["estimate"], rtol=1e-12)


@pytest.mark.parametrize("statistic", ["variance", "correlation", "alpha"])
def test_standard_error_by_domain_is_that_of_leaving_out_one_psu_at_a_time(statistic: str) -> None:
    frame = drawn(900).assign(psu=np.repeat(range(300), 3), side=np.tile(["l", "r", "r"], 300))
    design = SurveyDesign(psu="psu")
    linear = figures(frame, statistic, design, by="side")
    again = figures(frame, statistic, design, by="side", replicates=Resampling("jackknife"))
    np.testing.assert_allclose(linear["se"], again["se"], rtol=0.04)


# Faults


@pytest.mark.parametrize("statistic", ["covariance", "correlation", "alpha", "components"])
def test_one_variable_alone_is_refused(statistic: str) -> None:
    with pytest.raises(RequestError, match=f"{statistic} of 'a' alone says nothing; name at least two variables"):
        estimate(drawn(5), SurveyDesign(), **{statistic: ["a"]})


def test_variables_that_nobody_answered_together_are_refused() -> None:
    frame = pd.DataFrame({"a": [1, 2, None, None], "b": [None, None, 3, 4]})
    with pytest.raises(EstimationError, match="nobody answered all of a, b; choose variables that were asked together"):
        estimate(frame, SurveyDesign(), covariance=["a", "b"])


# The functions themselves


def test_functions_take_many_cells_at_once() -> None:
    means = np.array([[0.0, 0, 1, 0.5, 1], [1, 2, 3, 2.5, 5]])
    matrix = covariances(means, np.array([1.0, 2.0]))
    np.testing.assert_allclose(matrix, [[[1, 0.5], [0.5, 1]], [[4, 1], [1, 2]]])
    np.testing.assert_allclose(alpha(means, np.array([1.0, 2.0]))[:, 0], [2 * (1 - 2 / 3), 2 * (1 - 6 / 8)])
    np.testing.assert_allclose(components(means, np.ones(2))[0, :2], np.sqrt([1.5, 0.5]))
