"""Linear, logistic and Poisson regression of weighted answers, with standard errors by the design.

A model is fitted by weighted likelihood; what each respondent adds to the coefficients (the *influence*) is summed to
a score per sampling unit, and from there on a coefficient is an estimate like any other (`scoring.estimates`): strata,
PSUs, finite populations, calibration and replicates count as they do for a mean.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from scoring.calibration import Calibrated, calibrate
from scoring.design import Floats, Integers, SurveyDesign
from scoring.errors import EstimationError, RequestError
from scoring.estimates import Estimates, Sample, covariance, variance
from scoring.expressions import mask
from scoring.margins import Calibration
from scoring.ordinal import ALIKE, Wald
from scoring.quadratic import spread_of, tail
from scoring.resampling import Resampling, resampled
from scoring.units import units, weights

MOST_STEPS = 60
SETTLED = 1e-15  # share of the deviance below which a gain is rounding
FAR = 30.0  # log-odds beyond which an answer is foretold with certainty


@dataclass(frozen=True, slots=True)
class Family:
    """How the mean of the answers hangs on the linear predictor: canonical links, where slope and variance agree.

    Attributes
    ----------
    mean, link : callable
        From the linear predictor to the mean, and back.
    slope : callable
        Variance of an answer with this mean, which is also the slope of the mean.
    deviance : callable
        Of each answer from its mean.
    start : callable
        Means to begin with, of answers and weights.
    lowest, highest : float
        Answers that can occur.
    """

    mean: Callable[[Floats], Floats]
    link: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    deviance: Callable[[Floats, Floats], Floats]
    start: Callable[[Floats, Floats], Floats]
    lowest: float
    highest: float


def _off_share(y: Floats, mean: Floats) -> Floats:
    return np.asarray(2 * (special.rel_entr(y, mean) + special.rel_entr(1 - y, 1 - mean)))


FAMILIES: Mapping[str, Family] = {
    "gaussian": Family(
        mean=lambda line: line,
        link=lambda mean: mean,
        slope=np.ones_like,
        deviance=lambda y, mean: (y - mean) ** 2,
        start=lambda y, w: y + 0 * w,
        lowest=-np.inf,
        highest=np.inf,
    ),
    "binomial": Family(
        mean=special.expit,
        link=special.logit,
        slope=lambda mean: mean * (1 - mean),
        deviance=_off_share,
        start=lambda y, w: (w * y + 0.5) / (w + 1),
        lowest=0.0,
        highest=1.0,
    ),
    "poisson": Family(
        mean=np.exp,
        link=np.log,
        slope=lambda mean: mean,
        deviance=lambda y, mean: 2 * (special.rel_entr(y, mean) - (y - mean)),
        start=lambda y, w: y + 0.1 + 0 * w,
        lowest=0.0,
        highest=np.inf,
    ),
}


@dataclass(frozen=True, slots=True)
class Base:
    """The respondents that a model or a test rests on.

    Attributes
    ----------
    weight : ndarray of float, shape (rows,)
        0 outside the domain.
    sample : Sample
    calibrated : Calibrated, optional
        By which influence becomes the residual of its regression on the auxiliaries.
    """

    weight: Floats
    sample: Sample
    calibrated: Calibrated | None = None

    def only(self, usable: npt.NDArray[np.bool_]) -> "Base":
        """The same sample, a smaller domain: rows without an answer leave a model by weight 0."""
        if not (usable & (self.weight > 0)).any():
            raise EstimationError("nobody answered all questions of this model; leave out the one that few answered")
        return replace(self, weight=np.where(usable, self.weight, 0.0))


@dataclass(frozen=True, slots=True)
class Regression:
    """A fitted model ``link(E y) = offset + x coefficients``.

    Attributes
    ----------
    family : str
    coefficients : ndarray of float, shape (p,)
    influence : ndarray of float, shape (rows, p)
        What each respondent adds to the coefficients, weighted.
    naive : ndarray of float, shape (p, p)
        Inverse information: the covariance if respondents were independent and of the family's variance.
    mean : ndarray of float, shape (rows,)
        Fitted; NaN where the weight is 0.
    weight : ndarray of float, shape (rows,)
    deviance : float
        In units of the weights.
    """

    family: str
    coefficients: Floats
    influence: Floats
    naive: Floats
    mean: Floats
    weight: Floats
    deviance: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """Working likelihood ratio of two nested models: it is spread as a sum of chi-squares weighted by `effects`."""

    statistic: float
    effects: Floats
    df: float
    p: float


@dataclass(frozen=True, slots=True)
class Predicted:
    """Mean predictions of a population, each respondent's x changed in the same way.

    Attributes
    ----------
    people, coefficients : Estimates
        Two parts of the linearisation: who was met, and what was fitted to them. Values are the same means.
    """

    people: Estimates
    coefficients: Estimates

    @property
    def together(self) -> Estimates:
        """Scores of both parts added, so that what they share is counted."""
        return replace(self.people, scores=self.people.scores + self.coefficients.scores)


def respondents(
    frame: pd.DataFrame,
    design: SurveyDesign,
    *,
    where: str | None = None,
    calibration: Calibration | None = None,
    replicates: Resampling | None = None,
) -> Base:
    """Weights and sampling units of a frame, as `measure` takes them."""
    found = units(frame, design)
    w = weights(frame, design, found)
    calibrated = calibrate(frame, w, calibration) if calibration else None
    w = calibrated.weight if calibrated else w
    found, made = resampled(frame, w, found, replicates, calibrated, calibration)
    if where:
        w = np.where(mask(frame, where), w, 0.0)
    loading = calibrated.per_unit(found.row_unit, found.psu.size) if calibrated else None
    return Base(w, Sample(found, design, loading, made), calibrated)


def fit(
    answers: Floats,
    x: Floats,
    weight: Floats,
    *,
    family: str = "gaussian",
    offset: Floats | None = None,
    start: Floats | None = None,
    stop: float = 0.0,
) -> Regression:
    """Fit by iterated weighted least squares (McCullagh and Nelder 1989, 2.5; R `glm`).

    Parameters
    ----------
    answers : ndarray of float, shape (rows,)
        Of the binomial family 0 to 1, of the Poisson family 0 and above.
    x : ndarray of float, shape (rows, p)
        With a column of ones where there is an intercept.
    weight : ndarray of float, shape (rows,)
        0 leaves a respondent out.
    family : {"gaussian", "binomial", "poisson"}
    offset : ndarray of float, shape (rows,), optional
    start : ndarray of float, shape (p,), optional
        Coefficients to begin with.
    stop : float
        Gain, as a share of the deviance, below which to stop. By default when nothing is gained any more; R stops at
        1e-8 and keeps the weights of the step before, which moves standard errors by up to 3e-5.

    Raises
    ------
    RequestError
        The family is not known.
    EstimationError
        Answers do not fit the family, columns of x say the same, or x foretells an answer with certainty.
    """
    if family not in FAMILIES:
        raise RequestError(f"family is {family!r}; it may be {', '.join(FAMILIES)}")
    used = np.flatnonzero(weight > 0)
    y, part, w = answers[used], x[used], weight[used]
    _refuse(y, part, w, family)
    shift = np.zeros(used.size) if offset is None else offset[used]
    kind = FAMILIES[family]
    line = kind.link(kind.start(y, w)) if start is None else shift + part @ start
    mean = kind.mean(line)
    deviance = float((w * kind.deviance(y, mean)).sum())
    for _ in range(MOST_STEPS):
        working = w * kind.slope(mean)
        naive = np.asarray(np.linalg.inv(part.T @ (part * working[:, None])), dtype=np.float64)
        pulled = line - shift + (y - mean) / kind.slope(mean)
        coefficients = naive @ (part.T @ (working * pulled))
        line = shift + part @ coefficients
        mean = kind.mean(line)
        if family == "binomial" and np.abs(line).max() > FAR:
            break
        before, deviance = deviance, float((w * kind.deviance(y, mean)).sum())
        if abs(deviance - before) <= max(stop, SETTLED) * (abs(deviance) + 0.1):  # 0.1: R's, for a deviance of 0
            pull = working * (y - mean) / kind.slope(mean)
            influence, fitted = np.zeros(x.shape), np.full(weight.size, np.nan)
            influence[used], fitted[used] = (part * pull[:, None]) @ naive, mean
            return Regression(family, coefficients, influence, naive, fitted, np.maximum(weight, 0), deviance)
    raise EstimationError(
        "the explaining variables foretell an answer with certainty, so that their weight has no bound; merge groups"
    )


def _refuse(y: Floats, x: Floats, w: Floats, family: str) -> None:
    kind = FAMILIES[family]
    if not y.size or not np.isfinite(x).all() or not np.isfinite(y).all():
        raise EstimationError("a model takes no missing answers; give rows with one weight 0")
    if (y < kind.lowest).any() or (y > kind.highest).any():
        raise EstimationError(
            f"answers run from {y.min():g} to {y.max():g}, which is not {family}; choose another family"
        )
    gram = x.T @ (x * w[:, None])
    scale = np.sqrt(np.diag(gram))
    if not (scale > 0).all() or float(np.linalg.eigvalsh(gram / scale / scale[:, None])[0]) < ALIKE:
        raise EstimationError("two explaining variables say the same, or one does not vary; leave one of them out")


def estimated(values: Floats, influence: Floats, base: Base, *, replicated: Floats | None = None) -> Estimates:
    """Anything with an influence of each respondent as estimates of one cell, a score per sampling unit.

    Parameters
    ----------
    values : ndarray of float, shape (m,)
    influence : ndarray of float, shape (rows, m)
        0 where the weight is 0.
    replicated : ndarray of float, shape (R, m), optional
        The same values from each replicate; without it replicates are not used.

    The covariance of the result is Binder's sandwich (1983, International Statistical Review 51; R `svy.varcoef`).
    """
    found = base.sample.units
    size = found.psu.size
    rows = influence
    here = np.unique(found.row_unit[base.weight > 0])
    if base.calibrated is not None:
        rows = influence - base.calibrated.loading @ (base.calibrated.projector.T @ influence)
        here = np.arange(size)
    summed = np.zeros((size, values.size))
    for place, column in enumerate(rows.T):
        summed[:, place] = np.bincount(found.row_unit, weights=column, minlength=size)
    share = np.bincount(found.row_unit, weights=base.weight, minlength=size) / base.weight.sum()
    made = base.sample if replicated is not None else replace(base.sample, replicates=None)
    return Estimates(
        values=values[None, :],
        scores=summed[here],
        mass=np.repeat(share[here, None], values.size, axis=1),
        cell=np.zeros(here.size, dtype=np.int64),
        unit=here,
        sample=made,
        replicated=None if replicated is None else replicated[:, None, :],
    )


def design_based(
    model: Regression, answers: Floats, x: Floats, base: Base, *, offset: Floats | None = None, stop: float = 0.0
) -> Estimates:
    """Coefficients as estimates (R `svyglm`); with replicates the model is fitted to each again."""
    if base.sample.replicates is None:
        return estimated(model.coefficients, model.influence, base)
    multipliers = base.sample.replicates.multipliers[base.sample.units.row_unit]
    again = np.full((multipliers.shape[1], model.coefficients.size), np.nan)
    for place, column in enumerate(multipliers.T):
        w = base.weight * column
        with suppress(EstimationError):  # a replicate without a summit is missing, and counted as failed
            again[place] = fit(
                answers, x, w / w.sum(), family=model.family, offset=offset, start=model.coefficients, stop=stop
            ).coefficients
    return estimated(model.coefficients, model.influence, base, replicated=again)


def residual_df(estimates: Estimates) -> float:
    """Degrees of freedom of the design less those of the slopes (R `svyglm`): df + 1 - p."""
    return float(variance(estimates).design_df.min()) + 1 - len(estimates.values[0])


def term_test(estimates: Estimates, columns: Sequence[int] | Integers, *, df: float | None = None) -> Wald:
    """Wald test that these coefficients are all 0: ``F = b' V^-1 b / k`` on k and `df` (R `regTermTest`).

    Missing where the design has no df for it. By default `residual_df` of all coefficients.
    """
    left = residual_df(estimates) if df is None else df
    tested, k = estimates.take(columns), len(columns)
    value, matrix = tested.values[0], covariance(tested)
    if not left > 0 or np.linalg.matrix_rank(matrix, hermitian=True) < k:
        return Wald(np.nan, k, left, np.nan)
    f = float(value @ np.linalg.solve(matrix, value)) / k
    return Wald(f, k, left, float(stats.f.sf(f, k, left)))


def likelihood_ratio(model: Regression, smaller: Regression, estimates: Estimates, columns: Sequence[int]) -> Ratio:
    """Working likelihood ratio test that these coefficients are all 0 (Rao and Scott 1984; Lumley and Scott 2014).

    Parameters
    ----------
    model, smaller : Regression
        Fitted to the same respondents and weights, which average 1; `smaller` lacks the columns.
    estimates : Estimates
        Of `model`.
    """
    place = np.ix_(columns, columns)
    statistic = smaller.deviance - model.deviance
    effects = spread_of(model.naive[place], covariance(estimates)[place])
    df = residual_df(estimates)
    return Ratio(statistic, effects, df, tail(statistic, effects, df))


def predicted(model: Regression, worlds: Sequence[Floats], base: Base) -> Predicted:
    """Mean prediction of the population in several worlds, x of each of shape (rows, p) (R `svypredmeans`).

    Rows without a weight in `base` do not count. R adds the variances of the two parts as if they were independent;
    `Predicted.together` counts what they share.
    """
    w, total = base.weight, base.weight.sum()
    kind = FAMILIES[model.family]
    means, influence, slopes = [], [], []
    for x in worlds:
        mean = kind.mean(np.where(w[:, None] > 0, x, 0.0) @ model.coefficients)
        means.append(float((w * mean).sum() / total))
        influence.append(w * (mean - means[-1]) / total)
        slopes.append(((w * kind.slope(mean))[:, None] * np.where(w[:, None] > 0, x, 0.0)).sum(axis=0) / total)
    values = np.array(means)
    people = estimated(values, np.column_stack(influence), base)
    fitted = estimated(values, model.influence @ np.array(slopes).T, base)
    return Predicted(people, fitted)
