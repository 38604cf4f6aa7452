"""The proportional-odds model: by hand, against statsmodels, and what each respondent adds to it."""

from math import log
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.miscmodels.ordinal_model import OrderedModel

from scoring import EstimationError, SurveyDesign
from scoring.estimates import Sample, covariance, variance
from scoring.ordinal import design_based, fit, wald
from scoring.units import units


def drawn(size: int = 400, seed: int = 3) -> tuple[Any, Any, Any]:
    """Answers from 1 to 4 to which x adds 0.8 and z takes 0.5, with weights."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.normal(size=size), rng.random(size) < 0.4]).astype(float)
    latent = x @ [0.8, -0.5] + rng.logistic(size=size)
    return 1.0 + (latent[:, None] > [-1.0, 0.2, 1.5]).sum(axis=1), x, rng.uniform(0.5, 2.0, size)


def sample(frame: pd.DataFrame, **design: Any) -> Sample:
    made = SurveyDesign(**design)
    return Sample(units(frame, made), made)


def test_two_answers_and_two_groups_give_the_log_odds_ratio_of_the_table() -> None:
    # 10 of 40 say yes in one group, 30 of 50 in the other
    answers = np.repeat([0.0, 1.0, 0.0, 1.0], [30, 10, 20, 30])
    group = np.repeat([[0.0], [1.0]], [40, 50], axis=0)
    found = fit(answers, group, np.ones(90))
    assert found.slopes == pytest.approx([log(30 / 20) - log(10 / 30)], rel=1e-9)
    assert found.thresholds == pytest.approx([log(30 / 10)], rel=1e-9)
    variance_of_log_odds = 1 / 30 + 1 / 10 + 1 / 20 + 1 / 30  # Woolf's formula
    assert (found.influence[:, 0] ** 2).sum() == pytest.approx(variance_of_log_odds, rel=1e-9)


def test_coefficients_are_those_of_statsmodels() -> None:
    answers, x, _ = drawn()
    theirs = OrderedModel(answers, x, distr="logit").fit(method="newton", disp=False, maxiter=100)
    found = fit(answers, x, np.ones(len(answers)))
    cuts = theirs.model.transform_threshold_params(theirs.params)[1:-1]
    assert found.coefficients == pytest.approx([*theirs.params[:2], *cuts], rel=1e-6)
    assert found.deviance == pytest.approx(-2 * theirs.llf, rel=1e-10)
    assert found.null_deviance == pytest.approx(-2 * theirs.llnull, rel=1e-6)
    assert found.mcfadden == pytest.approx(theirs.prsquared, rel=1e-5)
    gained = 1 - np.exp((found.deviance - found.null_deviance) / 400)
    assert found.nagelkerke == pytest.approx(gained / (1 - np.exp(-found.null_deviance / 400)), rel=1e-9)


def test_the_gradient_of_the_likelihood_is_nought_where_the_fit_stands() -> None:
    found = fit(*drawn())
    assert np.abs(found.influence.sum(axis=0)).max() < 1e-9


def test_a_respondents_influence_is_what_a_little_more_of_its_weight_moves() -> None:
    answers, x, weight = drawn()
    found = fit(answers, x, weight)
    for one in (0, 57, 311):
        heavier, lighter = weight.copy(), weight.copy()
        heavier[one] *= 1 + 1e-4
        lighter[one] *= 1 - 1e-4
        moved = (fit(answers, x, heavier).coefficients - fit(answers, x, lighter).coefficients) / 2e-4
        assert found.influence[one] == pytest.approx(moved, rel=1e-4, abs=1e-7)


def test_a_weight_of_two_counts_as_two_respondents_and_scale_does_not_matter() -> None:
    answers, x, _ = drawn(120)
    weight = np.tile([1.0, 2.0], 60)
    twice = np.repeat(np.arange(120), weight.astype(int))
    found = fit(answers, x, weight)
    assert found.coefficients == pytest.approx(fit(answers[twice], x[twice], np.ones(180)).coefficients, rel=1e-7)
    assert fit(answers, x, 7 * weight).coefficients == pytest.approx(found.coefficients, rel=1e-9)


def test_rows_without_weight_change_nothing() -> None:
    answers, x, weight = drawn()
    weight[::3] = 0
    inside = weight > 0
    whole, part = fit(answers, x, weight), fit(answers[inside], x[inside], weight[inside])
    assert whole.coefficients == pytest.approx(part.coefficients, rel=1e-12)
    assert (whole.influence[~inside] == 0).all()
    assert whole.n == inside.sum()


def test_starting_from_the_smaller_model_leads_to_the_same_place() -> None:
    answers, x, weight = drawn()
    smaller = fit(answers, x[:, :1], weight)
    led = fit(answers, x, weight, smaller=smaller)
    assert led.coefficients == pytest.approx(fit(answers, x, weight).coefficients, rel=1e-8)


@pytest.mark.parametrize(
    ("answers", "x", "said"),
    [
        (np.ones(40), np.arange(40.0)[:, None], "same answer"),
        (np.repeat([0.0, 1.0, 2.0], 20), np.repeat([[0.0], [1.0], [2.0]], 20, axis=0), "with certainty"),
        (np.tile([0.0, 1.0, 1.0], 20), np.tile([[0.0], [1.0], [1.0]], (20, 1)), "with certainty"),
        (np.tile([0.0, 1.0, 2.0], 20), np.ones((60, 2)) * np.arange(60.0)[:, None], "say the same"),
        (np.tile([0.0, 1.0, 2.0], 20), np.zeros((60, 1)), "does not vary"),
    ],
)
def test_what_has_no_solution_is_refused_in_words(answers: Any, x: Any, said: str) -> None:
    with pytest.raises(EstimationError, match=said):
        fit(answers, x, np.ones(len(answers)))


def test_the_test_of_one_coefficient_is_its_t_test() -> None:
    answers, x, weight = drawn()
    frame = pd.DataFrame({"psu": np.arange(400) // 10, "stratum": np.arange(400) // 100})
    found = design_based(fit(answers, x, weight), sample(frame, psu="psu", strata="stratum"))
    se, df = np.sqrt(covariance(found)[0, 0]), variance(found).satterthwaite_df[0, 0]
    test = wald(found, np.array([0]))
    assert test.f == pytest.approx((found.values[0, 0] / se) ** 2, rel=1e-9)
    assert test.df == pytest.approx(df, rel=1e-12)
    assert wald(found, np.array([0]), df="design").df == 36


def test_more_coefficients_than_degrees_of_freedom_are_not_tested() -> None:
    answers, x, weight = drawn()
    found = design_based(fit(answers, x, weight), sample(pd.DataFrame({"psu": np.arange(400) // 200}), psu="psu"))
    assert np.isnan(wald(found, np.array([0, 1])).p)
