"""Scores that are judged together: what chance alone does to all of them at once.

The one studentised parametric bootstrap (`scoring.ranks`) is fed in two ways: from shown figures of units that are
independent by design (posts are strata of their own), or from exact estimates with their unit scores. What is made of
the draws stands in `scoring.families` (what is told from what) and `scoring.standings` (ranks, bands, weakest part).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from scoring.design import Floats, Integers
from scoring.errors import EstimationError, RequestError
from scoring.estimates import Estimates, covariance, flattened, variance
from scoring.ranks import FEWEST, Draws, studentised
from scoring.strata import DfRule, scaled

COUNT = 2_000  # draws of a result to be shown
FEW_DF = 10.0  # below this a unit's own variance tells too little
CAUTION = 1.645  # standard errors by which variances are taken to differ more than they seem to
ROUGH = 1e-9  # share by which strata may miss the variance they add up to

Borrowing = Literal["smoothed", "pooled", "own"]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Joint:
    """Scores with draws of their errors.

    Attributes
    ----------
    values : ndarray of float, shape (m,)
    draws : Draws
        Deviations from the truth and redrawn covariances.
    borrowed : ndarray of bool, shape (m,)
        Scores whose variance rests on that of the others too, because their own has few df.
    """

    values: Floats
    draws: Draws
    borrowed: Flags


def from_figures(
    estimate: npt.ArrayLike,
    se: npt.ArrayLike,
    df: npt.ArrayLike,
    *,
    seed: int,
    count: int = COUNT,
    borrowing: Borrowing = "smoothed",
    units: npt.ArrayLike | None = None,
) -> Joint:
    """Scores of independent units from figures as they are shown.

    Parameters
    ----------
    estimate, se, df : array_like of float, shape (m,)
        A unit whose figure is masked has to be left out by the caller, who knows why it is.
    seed : int
    count : int
        Draws.
    borrowing : {"smoothed", "pooled", "own"}
        What stands for the variance of units with less than 10 df, where there are several: see `smoothed`; one
        variance for all of them; or their own, which needs no likeness but gives the widest intervals.
    units : array_like of float, shape (m,), optional
        PSUs of each score, by default df + 1: variances are compared per PSU.

    Returns
    -------
    Joint

    Raises
    ------
    EstimationError
        A figure is missing, or its se or df is not above 0; the message says where.
    RequestError
        Shapes disagree, or too few draws.
    """
    value, error, freedom = _figures(estimate, se, df)
    if count < FEWEST:
        raise RequestError(f"count is {count}; take at least {FEWEST} draws, {COUNT:,} for a result to be shown")
    n = freedom + 1 if units is None else np.asarray(units, dtype=np.float64)
    if n.shape != value.shape or not (np.isfinite(n) & (n > 0)).all():
        raise RequestError(f"units are the PSUs of each of the {value.size} scores, above 0; give one for each")
    order = np.lexsort((value, freedom, error))  # the order of the units must not matter
    spread, freedom, shared, borrowed = _borrow(error**2, freedom, n, borrowing)
    rng = np.random.Generator(np.random.PCG64(seed))
    return Joint(value, _independent(spread, freedom, shared, count, rng, order=order), borrowed)


def from_estimates(
    estimates: Estimates,
    places: Sequence[tuple[int, int]],
    *,
    seed: int,
    count: int = COUNT,
    borrowing: Borrowing = "smoothed",
    rule: DfRule = "satterthwaite",
) -> Joint:
    """Exact scores with all they have in common: several posts, or several parts of one post.

    Each stratum's share of the covariance is redrawn by its own df, ``sum_h W(V_h, df_h) / df_h``. Where strata cannot
    be parted (replicates, rules that let lonely PSUs look at other strata) the whole is redrawn by `rule`.

    Parameters
    ----------
    estimates : Estimates
    places : sequence of (cell, measure)
        The scores, in the order of the result.
    borrowing : {"smoothed", "pooled", "own"}
        Only of scores that are independent by design; scores of the same people keep their own variances.

    Returns
    -------
    Joint

    Raises
    ------
    EstimationError
        A score or its variance is missing or without df; the message says which place.
    """
    flat = flattened(estimates, places)
    spread = variance(flat)
    df = spread.df(rule)[0]
    whole = covariance(flat)
    value, error, freedom = _figures(flat.values[0], np.sqrt(np.diag(whole)), df)
    draws = studentised(whole, freedom, count=count, rng=np.random.Generator(np.random.PCG64(seed)))
    alone = np.unique(draws.block).size == value.size
    if alone and borrowing != "own" and ((freedom < FEW_DF).sum() > 1):
        return from_figures(value, error, freedom, seed=seed, count=count, borrowing=borrowing)
    parts = [] if flat.replicated is not None else _by_stratum(flat)
    if parts and np.allclose(sum(v for v, _ in parts), whole, rtol=ROUGH, atol=ROUGH * np.abs(whole).max()):
        draws = _redrawn(draws, parts, np.random.Generator(np.random.PCG64([seed, 1])))
    return Joint(value, draws, np.zeros(value.size, dtype=np.bool_))


def smoothed(spread: npt.ArrayLike, df: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Variances drawn towards what they have in common, as far as they surely look alike.

    ``(d0 v0 + d v) / (d0 + d)`` with ``d0 + d`` df, at most the sum of all df; v0 the mean weighted by df, d0 from the
    moments of log v. Of the variance of log v beyond chance not the estimate is taken but its upper 95 % limit: few
    variances look alike by chance, and then the estimate lets joint coverage fall to 87 to 93 %.

    Parameters
    ----------
    spread, df : array_like of float, shape (m,)
        Variances of one PSU, above 0, and their degrees of freedom.

    Returns
    -------
    spread, df : ndarray of float, shape (m,)

    References
    ----------
    Smyth (2004), "Linear models and empirical Bayes methods", 6.2, as in `fitFDist` and `squeezeVar` of R limma; there
    without the limit.
    """
    v, d = np.asarray(spread, dtype=np.float64), np.asarray(df, dtype=np.float64)
    if v.size < 2:  # noqa: PLR2004 - nothing to compare with
        return v, d
    e = np.log(v) - special.digamma(d / 2) + np.log(d / 2)
    seen, chance = e.var(ddof=1), special.polygamma(1, d / 2).mean()
    error = np.sqrt(special.polygamma(3, d / 2).mean() / v.size + 2 * max(seen, chance) ** 2 / (v.size - 1))
    beyond_chance = seen - chance + CAUTION * error
    common, total = np.average(v, weights=d), d.sum()
    if beyond_chance <= special.polygamma(1, total / 2):
        return np.full(v.size, common), np.full(v.size, total)
    prior = 2 * optimize.brentq(lambda half: float(special.polygamma(1, half)) - beyond_chance, 1e-6, total / 2)
    return (prior * common + d * v) / (prior + d), np.minimum(prior + d, total)


def _figures(estimate: npt.ArrayLike, se: npt.ArrayLike, df: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    value, error, freedom = (np.asarray(array, dtype=np.float64) for array in (estimate, se, df))
    if value.ndim != 1 or not value.size or value.shape != error.shape or value.shape != freedom.shape:
        raise RequestError(
            f"estimate, se and df have shapes {value.shape}, {error.shape} and {freedom.shape}; give one each a unit"
        )
    for noun, wrong in (
        ("estimate", ~np.isfinite(value)),
        ("standard error above 0", ~(np.isfinite(error) & (error > 0))),
        ("df above 0", ~(np.isfinite(freedom) & (freedom > 0))),
    ):
        if wrong.any():
            raise EstimationError(f"score {np.flatnonzero(wrong)[0]} has no {noun}; leave it out")
    return value, error, freedom


def _borrow(spread: Floats, df: Floats, units: Floats, borrowing: Borrowing) -> tuple[Floats, Floats, Flags, Flags]:
    """Variances, df, which of them are one and the same redraw, and which are borrowed."""
    if borrowing not in get_args(Borrowing):
        raise RequestError(f"borrowing is {borrowing!r}; it may be {', '.join(get_args(Borrowing))}")
    few = df < FEW_DF
    none = np.zeros(df.size, dtype=np.bool_)
    if borrowing == "own" or few.sum() < 2:  # noqa: PLR2004 - nobody to borrow from
        return spread, df, none, none
    per_psu, total = spread * units, df[few].sum()
    if borrowing == "pooled":
        common, freedom = np.full(df.size, np.average(per_psu[few], weights=df[few])), np.full(df.size, total)
    else:
        common, freedom = np.zeros(df.size), np.zeros(df.size)
        common[few], freedom[few] = smoothed(per_psu[few], df[few])
    one = few & (freedom == total) & (np.ptp(common[few]) == 0)
    return np.where(few, common / units, spread), np.where(few, freedom, df), one, few


def _independent(
    spread: Floats, df: Floats, shared: Flags, count: int, rng: np.random.Generator, *, order: Integers
) -> Draws:
    """Draws of independent scores, all at once: the same law as `studentised` of a diagonal covariance."""
    m = spread.size
    deviations, factors = np.empty((count, m)), np.empty((count, m))
    deviations[:, order] = rng.standard_normal((count, m))
    factors[:, order] = np.sqrt(rng.chisquare(df[order], (count, m)) / df[order])
    if shared.any():
        factors[:, shared] = factors[:, [order[shared[order]][0]]]
    return Draws(
        np.diag(spread), df, shared, np.arange(m), deviations * np.sqrt(spread), factors, np.ones((count, 1, m))
    )


def _by_stratum(flat: Estimates) -> list[tuple[Floats, Floats]]:
    """Covariance and df that each stratum adds; strata that add nothing are left out."""
    units = flat.sample.units
    stratum = units.stratum[units.psu[flat.unit]]
    mass = flat.mass + (flat.sample.loading is not None)
    parts = []
    for number in np.unique(stratum):
        own = stratum == number
        rows = scaled(flat.unit[own], flat.scores[own], mass[own], units, flat.sample.design)
        v = rows.T @ rows
        held = np.zeros((units.stratum.size, flat.values.shape[1]))
        np.add.at(held, units.psu[flat.unit[own]], flat.mass[own])
        if np.isfinite(v).all() and v.any():
            parts.append((v, np.maximum((held > 0).sum(axis=0) - 1.0, 1.0)))
    return parts


def _redrawn(draws: Draws, parts: Sequence[tuple[Floats, Floats]], rng: np.random.Generator) -> Draws:
    """The same deviations with covariances that are sums of redrawn strata."""
    count, m = draws.deviations.shape
    scale = np.sqrt(np.diag(draws.covariance))
    factors, directions = np.empty((count, m)), np.zeros((count, int(np.bincount(draws.block).max()), m))
    for number in range(draws.block.max() + 1):
        own = np.flatnonzero(draws.block == number)
        total = np.zeros((count, own.size, own.size))
        for v, df in parts:
            _add_redrawn(total, v[np.ix_(own, own)], df[own], rng)
        size = np.sqrt(np.einsum("bii->bi", total))
        factors[:, own] = size / scale[own]
        directions[:, : own.size, own] = _roots(total / (size[:, :, None] * size[:, None, :]))
    return replace(draws, factors=factors, directions=directions)


def _add_redrawn(total: Floats, v: Floats, df: Floats, rng: np.random.Generator) -> None:
    """Add draws of one stratum's covariance, ``W(v, df) / df``, to total of shape (count, m, m)."""
    touched = np.flatnonzero(np.diag(v) > 0)
    if touched.size == 1:
        at = touched[0]
        total[:, at, at] += v[at, at] * rng.chisquare(df[at], len(total)) / df[at]
    elif touched.size:
        drawn = studentised(v[np.ix_(touched, touched)], df[touched], count=len(total), rng=rng)
        rows = drawn.directions * (drawn.factors * np.sqrt(np.diag(drawn.covariance)))[:, None, :]
        together = drawn.block[:, None] == drawn.block
        total[:, touched[:, None], touched] += (np.swapaxes(rows, 1, 2) @ rows) * together


def _roots(correlation: Floats) -> Floats:
    """Symmetric roots of positive semi-definite matrices, shape (count, m, m)."""
    spectrum, vectors = np.linalg.eigh(correlation)
    return np.asarray((vectors * np.sqrt(np.maximum(spectrum, 0))[:, None, :]) @ np.swapaxes(vectors, 1, 2))
