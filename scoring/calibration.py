"""Calibration: weights that meet known totals of the population, and what a standard error must know of it.

What may be asked is in `scoring.margins`; solvers and replicates work on the classes of `scoring.auxiliary`.
Sources: Deville and Sarndal (1992), JASA 87, 376-382; Deville, Sarndal and Sautory (1993), JASA 88, 1013-1020;
R survey `postStratify`, `rake`, `calibrate`, `trimWeights` (R/survey.R, R/grake.R, R/greg.R), whose figures are met.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import expit

from scoring.auxiliary import Auxiliary, auxiliary_of
from scoring.design import Floats, Integers
from scoring.errors import DesignError, EstimationError
from scoring.margins import Calibration

SINGULAR = 1e-11  # eigenvalues below this share of the largest belong to redundant auxiliaries
HALVINGS = 60
CLIMB = 0.1  # slope at the end of a step, as a share of the descent at its beginning, that is no overshoot
FLAT = 1e-6  # least slope of F in Newton's matrix
STUCK = 0.01  # change of all misses, as a share of the tolerance, that is no progress


@dataclass(frozen=True, slots=True)
class _Fit:
    """Ratio of calibrated to base weight of each class (C,), multipliers (p,), relative miss of each total (p,)."""

    g: Floats
    multiplier: Floats
    miss: Floats

    def failed(self, tolerance: float) -> bool:
        return not (np.abs(self.miss) <= tolerance).all()


@dataclass(frozen=True)
class Calibrated:
    """Calibrated weights and the calibration-aware linearisation.

    An influence value w_i u_i (w the final weight) becomes the residual of its regression on the auxiliaries::

        e_i = x_i - g_i d_i a_i' M^- sum_k (a_k q_k / g_k) x_k,   x_i = w_i u_i,   M = sum_k d_k q_k a_k a_k'

    with d the base weight, g the ratio before trimming, q = 1 / model variance and M^- a generalised inverse, so that
    redundant auxiliaries do no harm. ``e = x - loading @ (projector.T @ x)``; the variance of the estimate is that of
    the total of e (Deville and Sarndal 1992; R `svyrecvar`, R/multistage.R, which agrees for all kinds where base
    weights are equal; R `rake` leaves base weights out of the regression, R `calibrate` the model
    variance when it is not linear). A trimmed weight keeps the residual of before trimming, as in R `trimWeights`.

    Attributes
    ----------
    weight, g, base : ndarray of float, shape (rows,)
        Final weights; calibrated / base before trimming; base weights (averaged within a unit that gets one weight).
    auxiliary : Auxiliary
    fit : solution by class
    """

    weight: Floats
    g: Floats
    base: Floats
    auxiliary: Auxiliary
    fit: _Fit

    @cached_property
    def aux(self) -> Floats:
        """The auxiliaries a of each row, shape (rows, p)."""
        return np.asarray(self.auxiliary.table[self.auxiliary.group], dtype=np.float64)

    @cached_property
    def q(self) -> Floats:
        """1 / model variance of each row, shape (rows,)."""
        return np.asarray(self.auxiliary.q[self.auxiliary.group], dtype=np.float64)

    @cached_property
    def loading(self) -> Floats:
        """g_i d_i a_i, shape (rows, p)."""
        return self.aux * (self.g * self.base)[:, None]

    @cached_property
    def projector(self) -> Floats:
        """M^- a_i q_i / g_i, shape (rows, p)."""
        return np.asarray(self._solved[self.auxiliary.group], dtype=np.float64)

    @cached_property
    def _solved(self) -> Floats:
        """The projector of each class, shape (C, p); zero where g is 0, and with it every x."""
        table, q, g = self.auxiliary.table, self.auxiliary.q, self.fit.g
        inverse = _inverse(_cross(table, self.auxiliary.sums(self.base) * q))
        back = np.divide(q, g, out=np.zeros_like(g), where=g != 0)
        return (table * back[:, None]) @ inverse

    def residual(self, x: Floats) -> Floats:
        """Calibrated influence e of w-scaled influence values x, shape (rows,), without the (rows, p) arrays."""
        fitted = self.auxiliary.table @ (self._solved.T @ self.auxiliary.sums(x))
        return np.asarray(x - self.g * self.base * fitted[self.auxiliary.group], dtype=np.float64)

    def per_unit(self, unit: Integers, size: int) -> Floats:
        """Sum of the loading in each unit, shape (size, p); unit of each row, shape (rows,)."""
        out = np.zeros((size, self.auxiliary.table.shape[1]))
        for place, column in enumerate(self.loading.T):
            out[:, place] = np.bincount(unit, weights=column, minlength=size)
        return out


def calibrate(frame: pd.DataFrame, weight: Floats, calibration: Calibration) -> Calibrated:
    """Weights w_i = d_i F(q_i a_i' lambda) that meet the margins: ``sum_i w_i a_i = total``.

    Parameters
    ----------
    frame : DataFrame, rows in the order of `weight`
        Holds `calibration.columns`; a row of weight 0 may hold anything.
    weight : ndarray of float, shape (rows,)
        Base weights d, 0 outside the sample.

    Raises
    ------
    DesignError
        A column is absent or empty in the sample, or the sample holds a category the margin does not name.
    EstimationError
        Nobody in the sample belongs to a category, all weights are zero, or the margins cannot be met.
    """
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise DesignError("base weights of a calibration are missing, negative or infinite; give every row a weight")
    if not (weight > 0).any():
        raise EstimationError("all weights are zero, so there is nothing to calibrate; choose respondents with weights")
    auxiliary = auxiliary_of(frame, weight > 0, calibration)
    base = auxiliary.base(weight)
    mass = auxiliary.sums(base)
    fit = _solve(auxiliary, mass, calibration, None)
    if fit.failed(calibration.tolerance):
        worst = int(np.argmax(np.nan_to_num(np.abs(fit.miss), nan=np.inf)))
        margin, category = auxiliary.names[worst]
        where = f"margin {margin!r}, category {category!r}" if category else f"margin {margin!r}"
        raise EstimationError(
            f"calibration {calibration.kind!r} cannot meet {where}: "
            f"{(mass * fit.g) @ auxiliary.table[:, worst]:.8g} of {auxiliary.total[worst]:.8g} at bounds "
            f"{calibration.bounds[0]:g} to {calibration.bounds[1]:g}; widen them, merge categories, or mend the totals"
        )
    g = np.where(weight > 0, fit.g[auxiliary.group], 1.0)
    final = base * g
    if calibration.trim is not None:
        final = trimmed(final, calibration.trim, strict=calibration.strict, times=(weight > 0).astype(np.float64))
    return Calibrated(final, g, base, auxiliary, fit)


def recalibrate(calibrated: Calibrated, replicate_weight: Floats, calibration: Calibration) -> Floats:
    """Calibrate one replicate: its base weights, shape (rows,), to weights that meet the same margins, shape (rows,).

    Classes are those of the whole sample, and the solver starts from its solution. A replicate that cannot meet the
    margins (it may have lost a category) comes back as NaN, to be dropped and counted. Where weights are trimmed, the
    limits of a row are multiplied by its replicate / base weight: a unit drawn twice is two units under one limit.
    """
    auxiliary = calibrated.auxiliary
    base = auxiliary.base(replicate_weight)
    fit = _solve(auxiliary, auxiliary.sums(base), calibration, calibrated.fit)
    if fit.failed(calibration.tolerance):
        return np.full(base.shape, np.nan)
    final = base * fit.g[auxiliary.group]
    if calibration.trim is None:
        return final
    times = np.divide(base, calibrated.base, out=np.zeros_like(base), where=calibrated.base > 0)
    try:
        return trimmed(final, calibration.trim, strict=calibration.strict, times=times)
    except EstimationError:
        return np.full(base.shape, np.nan)


def trimmed(weight: Floats, limits: tuple[float, float], *, strict: bool, times: Floats | None = None) -> Floats:
    """Cut weights to the limits and give the excess in equal parts to those never outside; shape (rows,).

    `strict` repeats this until none is outside; a weight once cut takes no later excess. `times` multiplies limits and
    parts of each row and is 0 outside the sample; without it rows of weight 0 are outside. R survey `trimWeights`.
    """
    times = (weight != 0).astype(np.float64) if times is None else times
    never, w = times > 0, weight
    lower, upper = (np.multiply(limit, times, out=np.zeros_like(times), where=times > 0) for limit in limits)
    while (outside := (times > 0) & ((w < lower) | (w > upper))).any():
        never = never & ~outside
        if not never.any():
            raise EstimationError(
                f"no weight lies between the limits {limits[0]:g} and {limits[1]:g} to carry what is cut "
                f"from the others (mean weight {weight[times > 0].mean():.6g}); set the limits wider around the mean"
            )
        cut = np.where(outside, np.clip(w, lower, upper), w)
        w = np.where(never, cut + times * ((w - cut).sum() / times[never].sum()), cut)
        if not strict:
            break
    return w


def _solve(auxiliary: Auxiliary, mass: Floats, calibration: Calibration, start: _Fit | None) -> _Fit:
    """Meet the margins, from base weights summed by class (C,)."""
    many = len(mass)
    start = start or _Fit(np.ones(many), np.zeros(len(auxiliary.total)), auxiliary.total)
    proportional = calibration.kind in ("poststratify", "rake")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return (_proportional if proportional else _newton)(auxiliary, mass, calibration, start)


def _proportional(auxiliary: Auxiliary, mass: Floats, calibration: Calibration, start: _Fit) -> _Fit:
    """Iterative proportional fitting: each margin in turn is met by one factor a category (Deming and Stephan 1940)."""
    member = [np.argmax(auxiliary.table[:, part], axis=1) for part in auxiliary.margins]
    total = [auxiliary.total[part] for part in auxiliary.margins]
    g = start.g
    for _ in range(calibration.most_iterations):
        for place, wanted in zip(member, total, strict=True):
            g = g * (wanted / np.bincount(place, weights=mass * g, minlength=wanted.size))[place]
        fit = _Fit(g, start.multiplier, (mass * g) @ auxiliary.table / auxiliary.total - 1)
        if not fit.failed(calibration.tolerance) or np.isnan(fit.miss).any():
            break
    return fit


def _newton(auxiliary: Auxiliary, mass: Floats, calibration: Calibration, start: _Fit) -> _Fit:
    """Solve ``sum_c m_c F(q_c a_c' lambda) a_c = total`` for lambda, the minimum of a convex function, by Newton steps.

    A step is halved while the function climbs at its end; weights at a bound keep a little slope, to come back from it.
    """
    table, q, total = auxiliary.table, auxiliary.q, auxiliary.total
    scale = np.maximum(np.abs(total), mass @ np.abs(table))
    scale[scale == 0] = 1.0

    def at(multiplier: Floats) -> tuple[_Fit, Floats]:
        g, slope = _response(q * (table @ multiplier), calibration)
        return _Fit(g, multiplier, ((mass * g) @ table - total) / scale), slope

    fit, slope = at(start.multiplier)
    for _ in range(calibration.most_iterations):
        if not fit.failed(calibration.tolerance):
            break
        gradient = fit.miss * scale
        step = -_inverse(_cross(table, mass * q * np.maximum(slope, FLAT))) @ gradient
        for _ in range(HALVINGS):
            trial, slope = at(fit.multiplier + step)
            if (trial.miss * scale) @ step <= -CLIMB * (gradient @ step):
                break
            step = step / 2
        stuck = not (np.abs(trial.miss - fit.miss) > STUCK * calibration.tolerance).any()
        fit = trial
        if stuck:
            break
    return fit


def _response(u: Floats, calibration: Calibration) -> tuple[Floats, Floats]:
    """F(u), the ratio of calibrated to base weight, and F'(u); F(0) = F'(0) = 1."""
    lower, upper = calibration.bounds
    if calibration.kind == "logit":
        steep = (upper - lower) / ((1 - lower) * (upper - 1))
        share = expit(steep * u + np.log((1 - lower) / (upper - 1)))
        return lower + (upper - lower) * share, (upper - lower) * steep * share * (1 - share)
    if calibration.kind == "raking":
        g = slope = np.exp(u)
    elif calibration.kind == "sinh":
        arc = np.arcsinh(2 * u)
        root = np.sqrt(arc**2 + 4)
        g, slope = (arc + root) / 2, (1 + arc / root) / np.sqrt(1 + 4 * u**2)
    else:
        g, slope = 1 + u, np.ones_like(u)
    return np.clip(g, lower, upper), np.where((g > lower) & (g < upper), slope, 0.0)


def _cross(table: Floats, mass: Floats) -> Floats:
    """``sum_c m_c a_c a_c'``, shape (p, p)."""
    half = table * np.sqrt(mass)[:, None]  # X'X of one X costs half, and stays symmetric
    return np.asarray(half.T @ half, dtype=np.float64)


def _inverse(square: Floats) -> Floats:
    """Generalised inverse of a symmetric matrix, redundant columns set aside; shape (p, p)."""
    size = np.sqrt(np.diag(square))
    size[size == 0] = 1.0
    values, vectors = np.linalg.eigh(square / np.outer(size, size))
    kept = values > SINGULAR * values.max(initial=0.0)
    part = vectors[:, kept] / size[:, None]
    return np.asarray((part / values[kept]) @ part.T, dtype=np.float64)


def diagnostics(base: Floats, calibrated: Floats) -> pd.DataFrame:
    """What calibration did to the weights, one row; both of shape (rows,), rows of base weight 0 left out.

    Kish's design effect of unequal weights is ``1 + CV^2 = n sum w^2 / (sum w)^2``, and n_eff = n / deff.
    """
    d, w = base[base > 0], calibrated[base > 0]
    deff = w.size * (w**2).sum() / w.sum() ** 2
    row = {
        "n": w.size,
        "sum_before": d.sum(),
        "sum_after": w.sum(),
        "min": w.min(),
        "max": w.max(),
        "mean": w.mean(),
        "cv": np.sqrt(max(deff - 1, 0.0)),
        "deff": deff,
        "n_eff": w.size / deff,
        "g_min": (w / d).min(),
        "g_max": (w / d).max(),
        "negative": (w < 0).mean(),
    }
    return pd.DataFrame([row])


def margin_table(frame: pd.DataFrame, base: Floats, calibrated: Floats, calibration: Calibration) -> pd.DataFrame:
    """Each margin's totals: sample before, sample after, population; base and calibrated weights of shape (rows,)."""
    auxiliary = auxiliary_of(frame, base > 0, calibration)
    before, after = (auxiliary.sums(auxiliary.base(weight)) @ auxiliary.table for weight in (base, calibrated))
    table = pd.DataFrame(auxiliary.names, columns=["margin", "category"])
    return table.assign(before=before, after=after, population=auxiliary.total)
