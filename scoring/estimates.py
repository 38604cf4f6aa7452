"""Totals -> estimates with joint covariance, degrees of freedom and intervals.

Every smooth statistic is written as a linearised score per PSU; `variance` is the one place where scores become
a variance, so means, ratios, totals, indices and contrasts cannot differ in how they treat the design.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import stats

from scoring.design import Floats, Integers, SurveyDesign, Units
from scoring.errors import EstimationError, RequestError
from scoring.totals import CellTotals

DfRule = Literal["design", "satterthwaite"]
Interval = Literal["t", "normal", "logit"]
DUST = 1e-12  # below this share of the scale a spread is rounding


@dataclass(frozen=True, slots=True)
class Rules:
    """How intervals are made: rule for df, kind (None: logit on a scale that ends, t elsewhere), confidence level."""

    df: DfRule = "design"
    interval: Interval | None = None
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Estimates:
    """Point estimates with their sparse PSU scores; the full covariance is never formed.

    Attributes
    ----------
    values : ndarray of float, shape (cells, m)
    scores : ndarray of float, shape (pairs, m)
        Linearised score u of each (PSU, cell) pair: the estimate's variance is that of the total of u.
    present : ndarray of bool, shape (pairs, m)
        Whether the PSU holds a respondent of the domain.
    cell, psu : ndarray of int, shape (pairs,)
    units : Units
    design : SurveyDesign
    """

    values: Floats
    scores: Floats
    present: npt.NDArray[np.bool_]
    cell: Integers
    psu: Integers
    units: Units
    design: SurveyDesign

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Estimates":
        """Some of the measures, all cells."""
        return replace(
            self, values=self.values[:, chosen], scores=self.scores[:, chosen], present=self.present[:, chosen]
        )


@dataclass(frozen=True, slots=True)
class Spread:
    """Variance and degrees of freedom of each estimate, shape (cells, m)."""

    variance: Floats
    design_df: Floats
    satterthwaite_df: Floats

    def df(self, rule: DfRule) -> Floats:
        """Degrees of freedom by this rule, 0 where the design gives none."""
        if rule not in get_args(DfRule):
            raise RequestError(f"df rule is {rule!r}; it may be {', '.join(get_args(DfRule))}")
        if rule == "design":
            return self.design_df
        return np.where(self.design_df > 0, self.satterthwaite_df, 0.0)


def ratios(cells: CellTotals, units: Units, design: SurveyDesign) -> Estimates:
    """Means and ratios theta = T/N with scores u = (T_j - theta N_j)/N.

    Lumley (2010), Complex Surveys, appendix on linearisation; R survey `svymean`, `svyratio`.
    NaN where nobody answered.
    """
    base, total = cells.per_cell(cells.base), cells.per_cell(cells.total)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(base != 0, total / base, np.nan)  # a ratio over nothing is no figure
        scores = (cells.total - values[cells.cell] * cells.base) / base[cells.cell]
    return Estimates(values, scores, cells.count > 0, cells.cell, cells.psu, units, design)


def totals(cells: CellTotals, units: Units, design: SurveyDesign) -> Estimates:
    """Population totals sum w r x with scores T_j; R survey `svytotal`. NaN where nobody answered."""
    values = np.where(cells.per_cell(cells.count) > 0, cells.per_cell(cells.total), np.nan)
    return Estimates(values, cells.total, cells.count > 0, cells.cell, cells.psu, units, design)


def combine(estimates: Estimates, loadings: Floats) -> Estimates:
    """Linear combinations of the estimates of a cell (delta method), loadings of shape (m, parts).

    A combination is NaN in a cell where a part with a loading has no answers.
    """
    used = loadings != 0
    missing = np.isnan(estimates.values) @ used.T
    values = np.where(missing, np.nan, np.nan_to_num(estimates.values) @ loadings.T)
    scores = np.nan_to_num(estimates.scores) @ loadings.T
    present = (estimates.present.astype(np.float64) @ used.T) > 0
    return Estimates(values, scores, present, estimates.cell, estimates.psu, estimates.units, estimates.design)


def contrast(estimates: Estimates, cells: npt.NDArray[np.int64], coefficients: Floats) -> Estimates:
    """Contrasts between cells, for every measure at once.

    Parameters
    ----------
    cells : ndarray of int, shape (contrasts, terms)
        Cells that enter each contrast.
    coefficients : ndarray of float, shape (terms,)

    Scores of one PSU in several cells are added before they are squared, so that what the cells share is counted.
    """
    row, psu, scores, present = [], [], [], []
    for number, terms in enumerate(cells):
        for cell, coefficient in zip(terms, coefficients, strict=True):
            pairs = np.flatnonzero(estimates.cell == cell)
            row.append(np.full(pairs.size, number))
            psu.append(estimates.psu[pairs])
            scores.append(coefficient * estimates.scores[pairs])
            present.append(estimates.present[pairs])
    width = int(estimates.units.stratum.size)
    key, place = np.unique(np.concatenate(row) * width + np.concatenate(psu), return_inverse=True)
    summed = np.zeros((key.size, estimates.values.shape[1]))
    np.add.at(summed, place.ravel(), np.concatenate(scores))
    together = np.zeros(summed.shape, dtype=bool)
    np.logical_or.at(together, place.ravel(), np.concatenate(present))
    values = np.einsum("t,ctm->cm", coefficients, estimates.values[cells])
    return Estimates(values, summed, together, key // width, key % width, estimates.units, estimates.design)


def variance(estimates: Estimates) -> Spread:
    """Variance of each estimate from its PSU scores.

    ``sum_h (1 - f_h) n_h / (n_h - 1) sum_j (u_hj - ubar_h)^2``, over all n_h PSUs drawn in stratum h, those without
    a respondent of the domain included with score 0 (Binder 1983; R survey `svyrecvar`). Satterthwaite's df is
    ``(sum v_h)^2 / sum v_h^2 / (m_h - 1)`` with m_h the stratum's PSUs that hold respondents of the domain.

    Raises
    ------
    EstimationError
        A stratum has one PSU and the design says `lonely="fail"`; the message names it.
    """
    units = estimates.units
    strata = units.sampled.size
    stratum = units.stratum[estimates.psu]
    order = np.argsort(estimates.cell * strata + stratum, kind="stable")
    key = (estimates.cell * strata + stratum)[order]
    groups, starts = np.unique(key, return_index=True)
    cell, h = groups // strata, groups % strata
    scores = estimates.scores[order]
    drawn = units.sampled[h][:, None].astype(np.float64)
    _refuse_lonely(estimates, h)

    summed = np.add.reduceat(scores, starts, axis=0)
    drawn_in_cell = _sum_by(cell, drawn, (len(estimates.values), 1))
    overall = _sum_by(cell, summed, estimates.values.shape) / np.maximum(drawn_in_cell, 1)
    mean = np.where(drawn > 1, summed / drawn, overall[cell])  # "adjust": a lonely PSU's distance from the mean of all
    place = np.searchsorted(groups, key)
    here = np.diff(np.append(starts, key.size))[:, None]
    squares = np.add.reduceat((scores - mean[place]) ** 2, starts, axis=0) + (drawn - here) * mean**2
    part = squares * _scale(estimates, h)[:, None]

    members = np.add.reduceat(estimates.present[order].astype(np.float64), starts, axis=0)
    return _gather(cell, part, members, shape=estimates.values.shape)


def _gather(cell: Integers, part: Floats, members: Floats, *, shape: tuple[int, ...]) -> Spread:
    """Add strata up to cells."""
    total = _sum_by(cell, part, shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        satterthwaite = total**2 / _sum_by(cell, part**2 / np.maximum(members - 1, 1), shape)
    df = _sum_by(cell, members, shape) - _sum_by(cell, (members > 0).astype(np.float64), shape)
    return Spread(total, df, np.where(total > 0, satterthwaite, df))


def _sum_by(cell: Integers, values: Floats, shape: tuple[int, ...]) -> Floats:
    out = np.zeros(shape)
    np.add.at(out, cell, values)
    return out


def _scale(estimates: Estimates, h: Integers) -> Floats:
    """(1 - f_h) n_h / (n_h - 1); of a lonely PSU what the design's rule says."""
    drawn = estimates.units.sampled[h].astype(np.float64)
    open_share = 1 - estimates.units.fraction[h]
    lonely = open_share if estimates.design.lonely == "adjust" else np.zeros_like(drawn)
    return np.where(drawn > 1, open_share * drawn / np.maximum(drawn - 1, 1), lonely)


def _refuse_lonely(estimates: Estimates, h: Integers) -> None:
    if estimates.design.lonely != "fail":
        return
    units = estimates.units
    alone = h[(units.sampled[h] == 1) & (units.fraction[h] < 1)]
    if alone.size:
        raise EstimationError(
            f"stratum {units.names[alone[0]]!r} has one PSU, so its variance cannot be estimated; "
            "merge it with a neighbour, or choose lonely 'adjust' or 'remove'"
        )


def intervals(
    values: Floats, se: Floats, df: Floats, *, interval: Interval, level: float = 0.95, top: float | Floats = 1.0
) -> tuple[Floats, Floats]:
    """Two-sided confidence limits, NaN where df is 0.

    Parameters
    ----------
    interval : {"t", "normal", "logit"}
        "logit" is symmetric on the logit scale of value / top (R survey `svyciprop(method="logit")`); a value at
        0 or `top` gets NaN here, see `one_sided`.
    level : float
        Confidence, 0.95 by default.
    top : float
        Largest possible value of the scale, 1 for proportions, 100 for indices.
    """
    if interval not in get_args(Interval):
        raise RequestError(f"interval is {interval!r}; it may be {', '.join(get_args(Interval))}")
    if not 0 < level < 1:
        raise RequestError(f"level is {level}; give a share between 0 and 1 such as 0.95")
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        t = stats.t.ppf((1 + level) / 2, np.where(df > 0, df, np.nan))
        if interval == "normal":
            t = np.where(df > 0, stats.norm.ppf((1 + level) / 2), np.nan)
        if interval != "logit":
            return values - t * se, values + t * se
        share = values / top
        centre = np.log(share / (1 - share))
        half = t * (se / top) / (share * (1 - share))
        inside = (share > 0) & (share < 1)
        low, high = (top / (1 + np.exp(-(centre + sign * half))) for sign in (-1, 1))
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def one_sided(n_eff: Floats, *, level: float = 0.95) -> Floats:
    """Largest share compatible with no case among n_eff: 1 - (1 - level)^(1 / n_eff).

    The exact binomial bound (Clopper and Pearson 1934) with the effective n in place of n; "0 +/- 0" is never shown.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n_eff > 0, 1 - (1 - level) ** (1 / n_eff), np.nan)


def simple_variance(cells: CellTotals, *, kind: Sequence[str]) -> tuple[Floats, Floats]:
    """Variance of the same estimate under simple random sampling, without and with replacement, shape (cells, k).

    ``S^2 (N - n) / (N n)`` and ``S^2 / n`` with S^2 the weighted variance times n / (n - 1); times N^2 for a total
    (R survey `svymean(deff=TRUE)` and `deff="replace"`). Not defined for ratios (NaN).
    """
    n = cells.per_cell(cells.count).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = cells.per_cell(cells.total) / cells.weight
        spread = cells.square / cells.weight - mean**2
        spread = np.where(spread < cells.square / cells.weight * DUST, 0.0, spread)  # rounding of equal answers
        replaced = spread / (n - 1)  # 0 / 0, and so unknown, of one answer
        drawn = np.where(cells.weight >= n, replaced * (cells.weight - n) / cells.weight, np.nan)
    total = np.array([name == "total" for name in kind])
    factor = np.where(total[None, :], cells.weight**2, 1.0)
    factor = np.where(np.array([name == "ratio" for name in kind])[None, :], np.nan, factor)
    return drawn * factor, replaced * factor
