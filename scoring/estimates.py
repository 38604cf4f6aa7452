"""Totals -> estimates with joint covariance and degrees of freedom.

Every smooth statistic is written as a linearised score per sampling unit; `variance` is the one place where scores
become a variance, so means, ratios, totals, indices and contrasts cannot differ in how they treat the design.
Replicates, where there are any, travel along and take its place.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from scoring.cells import CellTotals
from scoring.design import Floats, Integers, SurveyDesign
from scoring.errors import RequestError
from scoring.replication import Replicates
from scoring.replication import covariance as replicate_covariance
from scoring.replication import spread as replicate_spread
from scoring.strata import Spread, gathered, parts_of, scaled
from scoring.units import Units, beside_one_another

DUST = 1e-12  # below this share of the scale a spread is rounding
TINY = 1e-300  # more than nothing
STEP = 1e-30  # of the complex-step derivative: no difference is formed, so nothing cancels
Nonlinear = Literal["delta", "replicate"]


@dataclass(frozen=True, slots=True)
class Sample:
    """What the estimates of one sample share.

    Attributes
    ----------
    units : Units
    design : SurveyDesign
    loading : ndarray of float, shape (units, p), or None
        Of a calibration: sum of `Calibrated.loading` in each unit.
    replicates : Replicates, optional
        One multiplier a unit and replicate, shared by all items, domains and waves.
    """

    units: Units
    design: SurveyDesign
    loading: Floats | None = None
    replicates: Replicates | None = None


@dataclass(frozen=True, slots=True)
class Estimates:
    """Point estimates with their sparse unit scores; the full covariance is never formed.

    Attributes
    ----------
    values : ndarray of float, shape (cells, m)
    scores : ndarray of float, shape (pairs, m)
        Linearised score u of each (unit, cell) pair: the estimate's variance is that of the total of u.
    mass : ndarray of float, shape (pairs, m)
        The unit's share of the weight of the cell, 0 where it holds no respondent of the domain.
    cell, unit : ndarray of int, shape (pairs,)
    sample : Sample
    replicated : ndarray of float, shape (R, cells, m), or None
        The same estimates from each replicate.
    """

    values: Floats
    scores: Floats
    mass: Floats
    cell: Integers
    unit: Integers
    sample: Sample
    replicated: Floats | None = None

    def take(self, columns: Sequence[int] | Integers) -> "Estimates":
        """Some of the measures, all cells."""
        return replace(
            self,
            values=self.values[:, columns],
            scores=self.scores[:, columns],
            mass=self.mass[:, columns],
            replicated=None if self.replicated is None else self.replicated[:, :, columns],
        )


def ratios(cells: CellTotals, sample: Sample) -> Estimates:
    """Means and ratios theta = T/N with scores u = (T_j - theta N_j)/N.

    Lumley (2010), Complex Surveys, appendix on linearisation; R survey `svymean`, `svyratio`.
    NaN where nobody answered.
    """
    base, total = cells.per_cell(cells.base), cells.per_cell(cells.total)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(base != 0, total / base, np.nan)  # a ratio over nothing is no figure
        scores = np.nan_to_num((cells.total - values[cells.cell] * cells.base) / base[cells.cell], copy=False)
        slopes = None
        if cells.regression is not None:
            of_base, of_total = np.split(cells.regression, 2, axis=2)
            slopes = (of_total - values[:, None, :] * of_base) / base[:, None, :]
        replicated = None
        if sample.replicates is not None:
            below = _replicate_totals(cells, cells.base, sample.replicates)
            replicated = _replicate_totals(cells, cells.total, sample.replicates)
            replicated /= np.where(below != 0, below, np.nan)
    return _estimates(cells, sample, values, scores, slopes, replicated)


def totals(cells: CellTotals, sample: Sample) -> Estimates:
    """Population totals sum w r x with scores T_j; R survey `svytotal`. NaN where nobody answered."""
    values = np.where(cells.per_cell(cells.count) > 0, cells.per_cell(cells.total), np.nan)
    slopes = None if cells.regression is None else np.split(cells.regression, 2, axis=2)[1]
    replicated = None if sample.replicates is None else _replicate_totals(cells, cells.total, sample.replicates)
    return _estimates(cells, sample, values, cells.total, slopes, replicated)


def _estimates(
    cells: CellTotals,
    sample: Sample,
    values: Floats,
    scores: Floats,
    slopes: Floats | None,
    replicated: Floats | None,
) -> Estimates:
    """Scores as they are, or with the part that calibration explains taken out of every unit of the sample."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mass = np.nan_to_num(np.abs(cells.base / cells.per_cell(cells.base)[cells.cell]))
    mass = np.where(cells.count > 0, np.maximum(mass, TINY), 0.0)  # somebody is there even where a ratio is over 0
    raw = Estimates(values, scores, mass, cells.cell, cells.unit, sample, replicated)
    if slopes is None or sample.loading is None:
        return raw
    size = len(sample.loading)
    place = raw.cell * size + raw.unit
    explained = np.einsum("up,cpm->cum", sample.loading, slopes).reshape(len(values) * size, values.shape[1])
    everywhere, mass = -explained, np.zeros(explained.shape)
    everywhere[place] += scores
    mass[place] = raw.mass
    cell, unit = np.divmod(np.arange(len(explained)), size)
    return replace(raw, scores=everywhere, mass=mass, cell=cell, unit=unit)


def _replicate_totals(cells: CellTotals, values: Floats, replicates: Replicates) -> Floats:
    """Totals of each cell under each replicate's multipliers, shape (R, cells, k)."""
    shape = (len(cells.labels), len(replicates.multipliers))
    out = np.empty((replicates.multipliers.shape[1], shape[0], values.shape[1]))
    for column, part in enumerate(values.T):
        out[:, :, column] = (sparse.csr_array((part, (cells.cell, cells.unit)), shape=shape) @ replicates.multipliers).T
    return out


def combine(estimates: Estimates, loadings: Floats) -> Estimates:
    """Linear combinations of the estimates of a cell (delta method), loadings of shape (m, parts).

    A combination is NaN in a cell where a part with a loading has no answers.
    """
    used = (loadings != 0).astype(np.float64)

    def combined(values: Floats) -> Floats:
        empty = np.isnan(values)
        if not empty.any():
            return np.asarray(values @ loadings.T)
        missing = empty.astype(np.float64) @ used.T > 0
        return np.where(missing, np.nan, np.nan_to_num(values) @ loadings.T)

    return replace(
        estimates,
        values=combined(estimates.values),
        scores=estimates.scores @ loadings.T,
        mass=estimates.mass @ np.abs(loadings).T,
        replicated=None if estimates.replicated is None else combined(estimates.replicated),
    )


def transform(
    estimates: Estimates,
    function: Callable[[npt.NDArray[np.complex128]], npt.NDArray[np.complex128]],
    *,
    jacobian: Callable[[Floats], Floats] | None = None,
    nonlinear: Nonlinear = "replicate",
) -> Estimates:
    """Smooth functions of the estimates of a cell, by the delta method.

    Parameters
    ----------
    function : callable
        Takes values of shape (..., m) and gives (..., out); analytic, since its derivative is taken by a complex step
        (Squire and Trapp 1998), exact to rounding.
    jacobian : callable, optional
        Gives derivatives of shape (cells, out, m), for a function that takes no complex numbers.
    nonlinear : {"replicate", "delta"}
        With replicates: the function of each replicate, or its linear part alone (R `svycontrast`).
    """
    values = _real(function(estimates.values.astype(np.complex128)))
    slopes = jacobian(estimates.values) if jacobian else derivative(function, estimates.values)
    mass = np.column_stack([(estimates.mass * used[estimates.cell]).max(axis=1) for used in _used(estimates, slopes)])
    scores = np.einsum("pom,pm->po", np.nan_to_num(slopes)[estimates.cell], np.nan_to_num(estimates.scores))
    replicated = None
    if estimates.replicated is not None and nonlinear == "replicate":
        replicated = _real(function(estimates.replicated.astype(np.complex128)))
    elif estimates.replicated is not None:
        replicated = values + np.einsum("com,rcm->rco", slopes, estimates.replicated - estimates.values)
    return replace(estimates, values=values, scores=scores, mass=mass, replicated=replicated)


def _real(values: npt.NDArray[np.complex128]) -> Floats:
    """Real values; missing where a function left the real numbers, as the logarithm of a negative one does."""
    return np.where(np.imag(values) == 0, np.real(values), np.nan)


def _used(estimates: Estimates, slopes: Floats) -> Iterator[npt.NDArray[np.bool_]]:
    """Of each function the estimates that it depends on, shape (cells, m); all where all rest on the same people."""
    alike = bool((estimates.mass == estimates.mass[:, :1]).all())
    for place in range(slopes.shape[1]):
        yield (slopes[:, place] != 0) | alike


def derivative(function: Callable[[npt.NDArray[np.complex128]], npt.NDArray[np.complex128]], values: Floats) -> Floats:
    """Derivatives of shape (cells, out, m), by a complex step."""
    columns = []
    for place in range(values.shape[1]):
        moved = values.astype(np.complex128)
        moved[:, place] += STEP * 1j
        columns.append(np.imag(function(moved)) / STEP)
    return np.stack(columns, axis=2)


def side_by_side(parts: Sequence[Estimates]) -> Estimates:
    """Measures of the same cells and pairs next to one another."""
    first = parts[0]
    several = [part.replicated for part in parts if part.replicated is not None]
    return replace(
        first,
        values=np.hstack([part.values for part in parts]),
        scores=np.hstack([part.scores for part in parts]),
        mass=np.hstack([part.mass for part in parts]),
        replicated=np.concatenate(several, axis=2) if several else None,
    )


def contrast(estimates: Estimates, cells: Integers, coefficients: Floats) -> Estimates:
    """Contrasts between cells, for every measure at once.

    Parameters
    ----------
    cells : ndarray of int, shape (contrasts, terms)
        Cells that enter each contrast.
    coefficients : ndarray of float, shape (terms,)

    Scores of one unit in several cells are added before they are squared, so that what the cells share is counted.
    """
    row, unit, scores, mass = [], [], [], []
    for number, terms in enumerate(cells):
        for cell, coefficient in zip(terms, coefficients, strict=True):
            pairs = np.flatnonzero(estimates.cell == cell)
            row.append(np.full(pairs.size, number))
            unit.append(estimates.unit[pairs])
            scores.append(coefficient * estimates.scores[pairs])
            mass.append(abs(coefficient) * estimates.mass[pairs])
    width = int(estimates.sample.units.psu.size)
    key, place = np.unique(np.concatenate(row) * width + np.concatenate(unit), return_inverse=True)
    summed = np.zeros((key.size, estimates.values.shape[1]))
    np.add.at(summed, place.ravel(), np.concatenate(scores))
    together = np.zeros(summed.shape)
    np.add.at(together, place.ravel(), np.concatenate(mass))

    def contrasted(values: Floats) -> Floats:
        return np.asarray(np.einsum("t,...ctm->...cm", coefficients, values[..., cells, :]))

    return replace(
        estimates,
        values=contrasted(estimates.values),
        scores=summed,
        mass=together,
        cell=key // width,
        unit=key % width,
        replicated=None if estimates.replicated is None else contrasted(estimates.replicated),
    )


def flattened(estimates: Estimates, places: Sequence[tuple[int, int]]) -> Estimates:
    """Chosen (cell, measure) estimates as the measures of one cell, so that they can be combined at will."""
    pairs = [np.flatnonzero(estimates.cell == cell) for cell, _ in places]
    unit = np.unique(np.concatenate([estimates.unit[each] for each in pairs]))
    scores, mass = np.zeros((unit.size, len(places))), np.zeros((unit.size, len(places)))
    for column, (each, (_, measure)) in enumerate(zip(pairs, places, strict=True)):
        at = np.searchsorted(unit, estimates.unit[each])
        scores[at, column] = estimates.scores[each, measure]
        mass[at, column] = estimates.mass[each, measure]
    cells, measures = (np.array(part, dtype=np.int64) for part in zip(*places, strict=True))
    return replace(
        estimates,
        values=estimates.values[cells, measures][None, :],
        scores=scores,
        mass=mass,
        cell=np.zeros(unit.size, dtype=np.int64),
        unit=unit,
        replicated=None if estimates.replicated is None else estimates.replicated[:, cells, measures][:, None, :],
    )


def joined(parts: Sequence[Estimates], shares: Sequence[float]) -> Estimates:
    """One population made of several with designs of their own: the same cells and measures, weighted by shares.

    The populations are sampled independently, so their units stand beside one another and variances add.

    Parameters
    ----------
    parts : sequence of Estimates
        One a population; cells and measures in the same order.
    shares : sequence of float
        Declared weight of each population.
    """
    shapes = {part.values.shape for part in parts}
    if len(shapes) != 1 or len(parts) != len(shares) or any(part.replicated is not None for part in parts):
        raise RequestError("populations are joined from the same cells and measures, one share each, no replicates")
    beside = beside_one_another([part.sample.units for part in parts])
    offsets = np.cumsum([0, *(part.sample.units.psu.size for part in parts[:-1])])
    order = np.argsort(np.concatenate([part.cell for part in parts]), kind="stable")
    return Estimates(
        values=np.sum([share * part.values for part, share in zip(parts, shares, strict=True)], axis=0),
        scores=np.concatenate([share * part.scores for part, share in zip(parts, shares, strict=True)])[order],
        mass=np.concatenate([share * part.mass for part, share in zip(parts, shares, strict=True)])[order],
        cell=np.concatenate([part.cell for part in parts])[order],
        unit=np.concatenate([part.unit + offset for part, offset in zip(parts, offsets, strict=True)])[order],
        sample=Sample(beside, parts[0].sample.design),
    )


def variance(estimates: Estimates) -> Spread:
    """Variance of each estimate from its unit scores, or from its replicates.

    ``sum_h (1 - f_h) n_h / (n_h - 1) sum_j (u_hj - ubar_h)^2``, over all n_h PSUs drawn in stratum h, those without
    a respondent of the domain included with score 0, and in two stages f_h times the same inside each PSU (Binder
    1983; Sarndal, Swensson, Wretman 1992, 4.3; R survey `svyrecvar`). Satterthwaite's df is
    ``(sum v_h)^2 / sum v_h^2 / (m_h - 1)`` with m_h the stratum's PSUs that hold respondents of the domain.

    Raises
    ------
    EstimationError
        A stratum has one PSU and the design says `lonely="fail"`; the message names it.
    """
    replicates = estimates.sample.replicates
    parts = parts_of(
        estimates.cell,
        estimates.unit,
        estimates.scores,
        estimates.mass,
        estimates.sample.units,
        estimates.sample.design,
        cells=len(estimates.values),
        calibrated=estimates.sample.loading is not None,
        replicated=replicates is not None,
    )
    if replicates is None or estimates.replicated is None:
        return gathered(parts, estimates.values.shape)
    found, failed = replicate_spread(estimates.values, estimates.replicated, replicates)
    straight = gathered(parts, estimates.values.shape)
    df = straight.design_df
    if replicates.df is not None:
        df = np.where(np.isnan(estimates.values), 0.0, replicates.df)
    failures = np.broadcast_to(failed, found.shape).astype(np.float64)
    return Spread(found, df, df, straight.weight_df, straight.evenness, failures)


def covariance(estimates: Estimates) -> Floats:
    """Covariance of all estimates, cells slowest, shape (cells m, cells m): for what needs it whole."""
    cells, m = estimates.values.shape
    flat = flattened(estimates, [(cell, measure) for cell in range(cells) for measure in range(m)])
    replicates = estimates.sample.replicates
    if replicates is not None and flat.replicated is not None:
        return replicate_covariance(flat.values[0], flat.replicated[:, 0], replicates)
    mass = flat.mass + (estimates.sample.loading is not None)
    rows = scaled(flat.unit, flat.scores, mass, estimates.sample.units, estimates.sample.design)
    return rows.T @ rows
