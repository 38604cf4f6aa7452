"""Regression of a column of a file on others, by their names: the door to `regression` and `ordinal`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from scoring import ordinal, regression
from scoring.design import Floats, SurveyDesign
from scoring.errors import RequestError
from scoring.estimates import Estimates, variance
from scoring.margins import Calibration
from scoring.ordinal import Wald
from scoring.regression import Base, respondents
from scoring.resampling import Resampling
from scoring.strata import DfRule
from scoring.terms import PAIR, Terms, column, levels_of, numbers

Family = Literal["gaussian", "binomial", "poisson", "ordinal"]
ODDS = ("binomial", "ordinal")  # families whose slopes are logarithms of odds


@dataclass(frozen=True, slots=True)
class Modelled:
    """A fitted model.

    Attributes
    ----------
    family : str
    coefficients : DataFrame
        `term`, `estimate`, `se`, `df`, `t`, `p`, `low`, `high`; of logistic and ordinal models `odds_ratio`,
        `odds_low`, `odds_high` of every slope.
    tests : DataFrame
        `test`, `f`, `k`, `df`, `p`: all slopes together, terms of several columns, and of an ordinal model whether
        odds are proportional (one slope for every threshold), together and term by term.
    predicted : DataFrame
        `term`, `value`, `estimate`, `se`, `df`, `low`, `high`: mean prediction if everybody had this value; shares of
        a logistic model run from 0 to 1.
    n, left_out : int
        Respondents in the model, and those without an answer to a part of it.
    """

    family: str
    coefficients: pd.DataFrame
    tests: pd.DataFrame
    predicted: pd.DataFrame
    n: int
    left_out: int


def model(
    frame: pd.DataFrame,
    design: SurveyDesign,
    outcome: str,
    on: Sequence[str],
    *,
    family: Family = "gaussian",
    categorical: Sequence[str] = (),
    predict: Sequence[tuple[str, Sequence[str]]] = (),
    where: str | None = None,
    calibration: Calibration | None = None,
    replicates: Resampling | None = None,
    df: DfRule = "design",
    level: float = 0.95,
) -> Modelled:
    """Regression of an outcome on terms, with standard errors by the design.

    Parameters
    ----------
    frame : DataFrame
    design : SurveyDesign
    outcome : str
        Column or expression; of an ordinal model numbers in the order of the answers.
    on : sequence of str
        Terms: columns or expressions, products joined by ":".
    family : {"gaussian", "binomial", "poisson", "ordinal"}
    categorical : sequence of str
        Parts that count as categories although they are numbers.
    predict : sequence of (part, values)
        Mean prediction of the population with each value, all else as it is; not of ordinal models.
    df : {"design", "satterthwaite"}
        PSUs less strata less slopes, as R `svyglm` has it; or of each coefficient and test its own, which protects
        where few PSUs hold much of a group.
    level : float

    Raises
    ------
    RequestError, EstimationError, DesignError
    """
    _refuse(family, on, predict, replicates)
    base = respondents(frame, design, where=where, calibration=calibration, replicates=replicates)
    y = numbers(column(frame, outcome), outcome)
    split = tuple(tuple(part.strip() for part in term.split(":")) for term in on)
    there = ~np.isnan(y) & np.logical_and.reduce([column(frame, part).notna() for term in split for part in term])
    used = base.only(np.asarray(there))
    inside = used.weight > 0
    terms = Terms(split, _levels(frame, split, categorical, inside))
    x = np.where(inside[:, None], terms.matrix(frame), 0.0)
    y = np.where(inside, y, 0.0)
    fitted = _ordinal if family == "ordinal" else _linear
    fit_ = fitted(y, x, used, family)
    first = 0 if family == "ordinal" else 1
    rule = _Rule(df, level, float(variance(fit_.found).design_df.min()) - x.shape[1])
    tests = [_test("all slopes", fit_.found, np.arange(first, first + x.shape[1]), rule)]
    for number, parts in enumerate(split):
        if len(terms.names[number]) > 1:
            tests.append(_test(":".join(parts), fit_.found, terms.places(number, first=first), rule))
    if family == "ordinal":
        tests += _proportional(y, x, used, terms, rule)
    return Modelled(
        family=family,
        coefficients=_coefficients(fit_, terms, rule, family),
        tests=pd.DataFrame(tests),
        predicted=_predicted(fit_, frame, terms, used, predict, rule),
        n=int(inside.sum()),
        left_out=int((base.weight > 0).sum() - inside.sum()),
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    """Degrees of freedom: `left` by the design."""

    df: DfRule
    level: float
    left: float


@dataclass(frozen=True, slots=True)
class _Fit:
    """Coefficients as estimates with their names; `model` of all families but the ordinal."""

    found: Estimates
    thresholds: tuple[str, ...]
    model: regression.Regression | None = None


def _refuse(
    family: str, on: Sequence[str], predict: Sequence[tuple[str, Sequence[str]]], replicates: Resampling | None
) -> None:
    if family not in get_args(Family):
        raise RequestError(f"family is {family!r}; it may be {', '.join(get_args(Family))}")
    if not on or len(set(on)) < len(on):
        raise RequestError("name at least one explaining variable, each once")
    if family == "ordinal" and predict:
        raise RequestError(
            "mean predictions are of linear, logistic and Poisson models; ask a logistic one for the share above an "
            "answer, as in --outcome 'q1 >= 4' --family binomial"
        )
    if family == "ordinal" and replicates is not None:
        raise RequestError("ordinal models take no replicate weights; name strata and PSUs")
    if predict and replicates is not None:
        raise RequestError("mean predictions take no replicate weights; name strata and PSUs")
    parts = {part.strip() for term in on for part in term.split(":")}
    strange = [part for part, _ in predict if part not in parts]
    if strange:
        raise RequestError(f"{strange[0]!r} is no explaining variable, so nothing is foretold by it; there are "
                           f"{', '.join(sorted(parts))}")  # fmt: skip


def _levels(
    frame: pd.DataFrame, terms: Sequence[Sequence[str]], categorical: Sequence[str], inside: npt.NDArray[np.bool_]
) -> dict[str, tuple[str, ...]]:
    """Categories of the respondents used, of every part that has some."""
    parts = dict.fromkeys(part for term in terms for part in term)
    strange = [name for name in categorical if name not in parts]
    if strange:
        raise RequestError(f"{strange[0]!r} is to be categorical and is no explaining variable; name it among them")
    found = {}
    for part in parts:
        values = column(frame, part)
        if part in categorical or values.dtype == object or pd.api.types.is_string_dtype(values):
            found[part] = levels_of(values[inside], part)
    return found


def _linear(y: Floats, x: Floats, base: Base, family: str) -> _Fit:
    both = np.column_stack([np.ones(len(x)), x])
    fitted = regression.fit(y, both, base.weight, family=family)
    return _Fit(regression.design_based(fitted, y, both, base), (), fitted)


def _ordinal(y: Floats, x: Floats, base: Base, family: str) -> _Fit:
    del family  # there is one
    fitted = ordinal.fit(y, x, base.weight)
    answers = np.unique(y[base.weight > 0])
    names = tuple(f"up to {answer:g}" for answer in answers[:-1])
    return _Fit(regression.estimated(fitted.coefficients, fitted.influence, base), names)


def _coefficients(fit_: _Fit, terms: Terms, rule: _Rule, family: str) -> pd.DataFrame:
    slopes = [name for names in terms.names for name in names]
    named = [*slopes, *fit_.thresholds] if fit_.thresholds else ["intercept", *slopes]
    table = figures(fit_.found, rule)
    table.insert(0, "term", named)
    if family in ODDS:
        slope = table["term"].isin(slopes)
        for name, of in (("odds_ratio", "estimate"), ("odds_low", "low"), ("odds_high", "high")):
            table[name] = np.exp(table[of]).where(slope)
    return table


def figures(estimates: Estimates, rule: _Rule) -> pd.DataFrame:
    """Estimates of one cell with symmetric t limits; no test where the design leaves no df."""
    spread = variance(estimates)
    value, se = estimates.values[0], np.sqrt(spread.variance[0])
    df = np.full(value.shape, rule.left) if rule.df == "design" else spread.df("satterthwaite")[0]
    known = (se > 0) & (df > 0)
    t = np.divide(value, se, out=np.full(value.shape, np.nan), where=known)
    half = stats.t.isf((1 - rule.level) / 2, np.where(known, df, np.nan)) * se
    return pd.DataFrame(
        {
            "estimate": value, "se": se, "df": df, "t": t, "p": 2 * stats.t.sf(np.abs(t), df),
            "low": value - half, "high": value + half,
        }
    )  # fmt: skip


def _test(name: str, found: Estimates, places: npt.NDArray[np.int64], rule: _Rule) -> dict[str, Any]:
    """Wald test on the design's df, or as Korn and Graubard have it on Satterthwaite's."""
    by_design = rule.df == "design"
    tested_ = regression.term_test(found, places, df=rule.left) if by_design else ordinal.wald(found, places)
    return _row(name, tested_)


def _row(name: str, found: Wald) -> dict[str, Any]:
    return {"test": name, "f": found.f, "k": found.k, "df": found.df, "p": found.p}


def _proportional(y: Floats, x: Floats, base: Base, terms: Terms, rule: _Rule) -> list[dict[str, Any]]:
    """Is a slope the same at every threshold? All together, then term by term."""
    apart = slopes_apart(y, x, base)
    if apart is None:
        return []
    size = apart.values.shape[1]
    own = [
        np.concatenate([terms.places(number, first=start) for start in range(0, size, x.shape[1])])
        for number in range(len(terms.terms))
    ]
    names = [":".join(parts) for parts in terms.terms]
    rows = [_row("proportional odds", ordinal.wald(apart, np.arange(size), df=rule.df))]
    if len(own) > 1:
        rows += [
            _row(f"proportional odds of {name}", ordinal.wald(apart, at, df=rule.df))
            for name, at in zip(names, own, strict=True)
        ]
    return rows


def slopes_apart(answers: Floats, x: Floats, base: Base) -> Estimates | None:
    """Slopes of a logit at each threshold but the first, less those at the first (Brant 1990, Biometrics 46).

    Shape (1, p (q - 1)), threshold by threshold; all 0 where odds are proportional. None where there is one threshold.
    """
    cuts = np.unique(answers[base.weight > 0])[1:]
    if cuts.size < PAIR:
        return None
    logits = [ordinal.fit((answers >= cut).astype(np.float64), x, base.weight) for cut in cuts]
    p = x.shape[1]
    values = np.concatenate([each.slopes - logits[0].slopes for each in logits[1:]])
    influence = np.column_stack([each.influence[:, :p] - logits[0].influence[:, :p] for each in logits[1:]])
    return regression.estimated(values, influence, base)


def _predicted(
    fit_: _Fit,
    frame: pd.DataFrame,
    terms: Terms,
    base: Base,
    predict: Sequence[tuple[str, Sequence[str]]],
    rule: _Rule,
) -> pd.DataFrame:
    """Mean predictions with each value of a part, all else as it is."""
    named = [(part, value) for part, values in predict for value in values]
    if not named or fit_.model is None:
        return pd.DataFrame()
    worlds = [_world(frame, terms, part, value) for part, value in named]
    inside = base.weight > 0
    made = [np.where(inside[:, None], np.column_stack([np.ones(len(x)), x]), 0.0) for x in worlds]
    table = figures(regression.predicted(fit_.model, made, base).together, rule).drop(columns=["t", "p"])
    table.insert(0, "value", [value for _, value in named])
    table.insert(0, "term", [part for part, _ in named])
    return table


def _world(frame: pd.DataFrame, terms: Terms, part: str, value: str) -> Floats:
    """Explaining columns of everybody with one part set."""
    if part in terms.levels:
        if value not in terms.levels[part]:
            raise RequestError(f"{part!r} has no category {value!r}; it has {', '.join(terms.levels[part])}")
        return terms.matrix(frame.assign(**{part: value}))
    try:
        return terms.matrix(frame.assign(**{part: float(value)}))
    except ValueError as error:
        raise RequestError(f"{part!r} is a number and {value!r} is none; write as in {part}:0,1") from error
