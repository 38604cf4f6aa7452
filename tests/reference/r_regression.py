"""R's ordinal and logistic regressions carried out by this engine: `svyolr`, and `svyglm` with two answers.

A logistic regression is the proportional-odds model of two answers, its intercept minus the threshold. Checked are
coefficients, their covariance, standard errors and residual df; t, p and intervals follow from these in both.

Ours stands where the gradient of the likelihood is 0 (`tests/scoring/test_ordinal.py`). R stops earlier in the cases
under ROUGH: `optim` at a relative gain of 1e-8 and with a Hessian of differences; `glm` at a relative gain of 1e-8,
with the weights of the step before. There we are held to a hundredth of a standard error and do not count the case.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring.estimates import Sample, covariance, variance
from scoring.expressions import variable
from scoring.ordinal import design_based, fit
from scoring.replication import covariance as replicate_covariance
from scoring.resampling import resampled
from scoring.units import units, weights
from tests.reference.r_language import Call, Name
from tests.reference.r_survey import Design, Session, levels, names_in, terms, text_of

ROUGH = {
    "olr": "R's optimiser stops before the summit: up to 0.7 % of a standard error away, its errors up to 6e-4",
    "olr_q1": "R's optimiser stops before the summit: 1.0008e-5 away where 1e-5 is asked",
    "glm_quasibin": "R's errors rest on the weights of its last step but one: up to 3e-5 away where 1e-9 is asked",
    "logit_top2": "R's errors rest on the weights of its last step but one: up to 2e-6 away where 1e-7 is asked",
    "clus_jk1_logit": "R's replicates stop at a gain of 1e-8: 1.01e-7 away where 1e-7 is asked",
}


def known(call: Any) -> bool:
    """Whether this is a regression that is translated here."""
    family = call.named.get("family") if isinstance(call, Call) else None
    return isinstance(call, Call) and (
        call.function == "svyolr" or (isinstance(family, Call) and family.function == "quasibinomial")
    )


def check(session: Session, call: Call, case: dict[str, Any]) -> None:
    """Hold our figures to R's."""
    value, design = case["value"], session.run(call.named["design"])
    answers, x = _answers(design.data, call.plain[0].plain[0]), _columns(design.data, call.plain[0])
    mine, matrix, df = _fitted(design, answers, x)
    if call.function == "svyglm":
        turn = np.eye(mine.size)[[-1, *range(mine.size - 1)]]
        turn[0] *= -1
        mine, matrix = turn @ mine, turn @ matrix @ turn.T
        assert df + 1 - len(value["coef"]) == value["df_residual"]
    error, theirs = np.sqrt(np.diag(matrix)), np.array(value["vcov"]["values"], dtype=float)
    if case["id"] in ROUGH:
        assert (np.abs(mine - value["coef"]) < 0.01 * error).all()
        np.testing.assert_allclose(error, value["se"], rtol=1e-3)
        pytest.skip(ROUGH[case["id"]])
    np.testing.assert_allclose(mine, value["coef"], rtol=case["tol"])
    np.testing.assert_allclose(error, value["se"], rtol=case["tol"])
    np.testing.assert_allclose(matrix, theirs, rtol=0, atol=3 * case["tol"] * np.outer(error, error).max())


def _fitted(design: Design, answers: Any, x: Any) -> tuple[Any, Any, float]:
    """Coefficients, their covariance and the design's df, by linearisation or from replicates."""
    found = units(design.data, design.design)
    usable = ~np.isnan(answers) & ~np.isnan(x).any(axis=1)
    given, explained = np.where(usable, answers, 0.0), np.where(usable[:, None], x, 0.0)
    w = np.where(usable, weights(design.data, design.design, found), 0.0)
    model = fit(given, explained, w)
    found, made = resampled(design.data, w, found, design.replicates)
    if made is None:
        estimates = design_based(model, Sample(found, design.design))
        return model.coefficients, covariance(estimates), float(variance(estimates).design_df.min())
    again = [fit(given, explained, w * column, smaller=None).coefficients for column in made.multipliers.T]
    return model.coefficients, replicate_covariance(model.coefficients, np.array(again), made), float(made.df or np.nan)


def _answers(data: pd.DataFrame, node: Call) -> Any:
    """`factor(q, ordered = TRUE)`, `cut(x, c(...), ordered_result = TRUE)` or `I(condition)` as numbers."""
    if node.function == "cut":
        return pd.cut(data[node.plain[0].text], node.plain[1].plain, labels=False).to_numpy(dtype=float)
    if node.function == "factor":
        return data[node.plain[0].text].to_numpy(dtype=float)
    said = variable(data, text_of(node.plain[0])).to_numpy(dtype=float)
    return np.where(data[names_in(node)].isna().any(axis=1), np.nan, said)


def _columns(data: pd.DataFrame, formula: Call) -> Any:
    """Numbers as they are, categories as indicators of all levels but the first."""
    columns = []
    for term in terms(formula):
        name = term.text if isinstance(term, Name) else term.plain[0].text
        if isinstance(term, Name) and pd.api.types.is_numeric_dtype(data[name]):
            columns.append(data[name].to_numpy(dtype=float))
            continue
        shown = data[name].map(lambda value: f"{value:g}" if isinstance(value, float) else str(value))
        columns += [(shown == level).to_numpy(dtype=float) for level in levels(data, Name(name))[1:]]
    return np.column_stack(columns)
