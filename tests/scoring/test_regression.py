"""Regression by the design: statsmodels for the fit, the jackknife for errors, and the laws a model keeps.

R's figures are in `tests/reference` (svyglm, regTermTest, svypredmeans).
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from scoring import EstimationError, RequestError, SurveyDesign, estimate
from scoring.estimates import covariance
from scoring.regression import (
    design_based,
    fit,
    likelihood_ratio,
    predicted,
    residual_df,
    respondents,
    term_test,
)

DESIGN = SurveyDesign(weight="w", strata="h", psu="psu")


def drawn(family: str, seed: int = 1, size: int = 240) -> tuple[Any, Any, pd.DataFrame]:
    """Answers, x with a column of ones, and a frame of 24 PSUs in 3 strata."""
    rng = np.random.default_rng(seed)
    psu = np.arange(size) % 24
    x = np.column_stack([np.ones(size), rng.normal(size=size) + rng.normal(size=24)[psu], rng.random(size) < 0.4])
    line = x @ [0.3, 0.5, -0.4] + 0.3 * rng.normal(size=24)[psu]
    made = {
        "gaussian": lambda: line + rng.normal(size=size),
        "binomial": lambda: (rng.random(size) < 1 / (1 + np.exp(-line))).astype(float),
        "poisson": lambda: rng.poisson(np.exp(line)).astype(float),
    }
    frame = pd.DataFrame({"w": rng.uniform(0.5, 2, size), "h": psu % 3, "psu": psu})
    return made[family](), x, frame


THEIRS = {"gaussian": sm.families.Gaussian, "binomial": sm.families.Binomial, "poisson": sm.families.Poisson}


@pytest.mark.parametrize("family", THEIRS)
def test_coefficients_and_deviance_are_those_of_statsmodels(family: str) -> None:
    y, x, frame = drawn(family)
    w = frame["w"].to_numpy()
    theirs = sm.GLM(y, x, family=THEIRS[family](), freq_weights=w).fit(tol=1e-14, maxiter=100)
    found = fit(y, x, w, family=family)
    np.testing.assert_allclose(found.coefficients, theirs.params, rtol=1e-8)
    np.testing.assert_allclose(found.deviance, theirs.deviance, rtol=1e-10)
    np.testing.assert_allclose(found.naive, theirs.cov_params() / theirs.scale, rtol=1e-6)


@pytest.mark.parametrize("family", THEIRS)
def test_where_the_fit_stands_nothing_pulls(family: str) -> None:
    y, x, frame = drawn(family)
    assert np.abs(fit(y, x, frame["w"].to_numpy(), family=family).influence.sum(axis=0)).max() < 1e-10


@pytest.mark.parametrize("family", THEIRS)
def test_influence_is_what_a_little_more_weight_moves(family: str) -> None:
    y, x, frame = drawn(family)
    w = frame["w"].to_numpy()
    more = w.copy()
    more[7] *= 1 + 1e-6
    moved = (fit(y, x, more, family=family).coefficients - fit(y, x, w, family=family).coefficients) / 1e-6
    np.testing.assert_allclose(moved, fit(y, x, w, family=family).influence[7], rtol=1e-3, atol=1e-9)


def test_a_regression_on_groups_gives_their_means_and_the_errors_of_means() -> None:
    y, x, frame = drawn("gaussian")
    group = x[:, 2]
    both = np.column_stack([1 - group, group])
    base = respondents(frame, DESIGN)
    found = design_based(fit(y, both, base.weight), y, both, base)
    table = estimate(frame.assign(y=y, g=group.astype(int)), DESIGN, mean="y", by="g")
    np.testing.assert_allclose(found.values[0], table["estimate"], rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance(found))), table["se"], rtol=1e-12)


def test_errors_are_near_those_of_leaving_psus_out() -> None:
    y, x, frame = drawn("binomial", size=960)
    base = respondents(frame, DESIGN)
    found = design_based(fit(y, x, base.weight, family="binomial"), y, x, base)
    squares = np.zeros(3)
    for stratum in range(3):
        members = np.arange(24)[np.arange(24) % 3 == stratum]
        each = []
        for left in members:
            w = base.weight * np.where(frame["psu"] == left, 0, np.where(frame["h"] == stratum, 8 / 7, 1.0))
            each.append(fit(y, x, w, family="binomial").coefficients)
        squares += 7 / 8 * ((np.array(each) - np.mean(each, axis=0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance(found))), np.sqrt(squares), rtol=0.1)


def test_rows_of_weight_nought_do_not_count_even_with_empty_answers() -> None:
    y, x, frame = drawn("gaussian")
    base = respondents(frame, DESIGN)
    holed, spoilt = y.copy(), x.copy()
    holed[:10], spoilt[:10] = np.nan, np.nan
    used = base.only(~np.isnan(holed))
    found = fit(holed, spoilt, used.weight)
    np.testing.assert_allclose(found.coefficients, fit(y[10:], x[10:], base.weight[10:]).coefficients, rtol=1e-12)


def test_a_term_of_one_column_is_tested_by_the_square_of_its_t() -> None:
    y, x, frame = drawn("gaussian")
    base = respondents(frame, DESIGN)
    found = design_based(fit(y, x, base.weight), y, x, base)
    t = found.values[0, 1] / np.sqrt(covariance(found)[1, 1])
    tested = term_test(found, [1])
    assert tested.f == pytest.approx(t**2)
    assert tested.df == residual_df(found) == 24 - 3 + 1 - 3


def test_a_term_that_the_design_cannot_test_has_no_p() -> None:
    y, x, frame = drawn("gaussian")
    two = SurveyDesign(weight="w", psu="h")
    base = respondents(frame, two)
    found = design_based(fit(y, x, base.weight), y, x, base)
    assert np.isnan(term_test(found, [1, 2]).p)


def test_the_likelihood_ratio_of_independent_respondents_is_near_chi_square() -> None:
    y, x, frame = drawn("binomial", size=4000)
    alone = SurveyDesign()
    base = respondents(frame, alone)
    model = fit(y, x, base.weight, family="binomial")
    smaller = fit(y, x[:, :1], base.weight, family="binomial")
    found = likelihood_ratio(model, smaller, design_based(model, y, x, base), [1, 2])
    theirs = sm.GLM(y, x, family=sm.families.Binomial()).fit()
    alone_ = sm.GLM(y, x[:, :1], family=sm.families.Binomial()).fit()
    assert found.statistic == pytest.approx(alone_.deviance - theirs.deviance, rel=1e-8)
    np.testing.assert_allclose(found.effects, 1, atol=0.1)


def test_mean_prediction_as_things_are_is_the_mean_of_the_answers() -> None:
    y, x, frame = drawn("binomial")
    base = respondents(frame, DESIGN)
    found = predicted(fit(y, x, base.weight, family="binomial"), [x], base).together
    table = estimate(frame.assign(y=y), DESIGN, mean="y")
    assert found.values[0, 0] == pytest.approx(table["estimate"].iloc[0])
    assert np.sqrt(covariance(found)[0, 0]) == pytest.approx(table["se"].iloc[0], rel=1e-9)


def test_contradictions_are_refused_with_their_remedy() -> None:
    y, x, frame = drawn("binomial")
    w = frame["w"].to_numpy()
    with pytest.raises(RequestError, match="family is 'gamma'"):
        fit(y, x, w, family="gamma")
    with pytest.raises(EstimationError, match="say the same"):
        fit(y, np.column_stack([x, x[:, 1] * 2]), w)
    with pytest.raises(EstimationError, match="choose another family"):
        fit(y * 3, x, w, family="binomial")
    with pytest.raises(EstimationError, match="certainty"):
        fit(x[:, 2].astype(float), x, w, family="binomial")
    with pytest.raises(EstimationError, match="missing"):
        fit(np.where(np.arange(y.size) == 3, np.nan, y), x, w)
    with pytest.raises(EstimationError, match="nobody answered all"):
        respondents(frame, DESIGN).only(np.zeros(y.size, dtype=bool))
