"""Weights of the parts of a node: equal, declared, allocated by experts, or read off the data for study.

A weight is what a part is meant to count, not how much it moves the index: see `scoring.soundness` for that.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.design import Floats
from scoring.errors import EstimationError, RequestError

TOTAL = 100.0  # points that each expert has to give away
ROUNDING = 1e-6  # of the total, by which an expert's points may miss it


@dataclass(frozen=True, slots=True)
class Budget:
    """Weights from a budget allocation.

    Attributes
    ----------
    weights : Series of float, by part
        Mean share of the points, summing to 1.
    spread : Series of float, by part
        Standard deviation of that share between experts (n - 1); NaN of a single expert.
    experts : int
    """

    weights: pd.Series
    spread: pd.Series
    experts: int


def equal(parts: int) -> Floats:
    """Equal weights that sum to 1, shape (parts,)."""
    return shares(np.ones(parts))


def shares(weights: npt.ArrayLike) -> Floats:
    """Declared weights divided by their sum, shape (parts,).

    Raises
    ------
    EstimationError
        If a weight is missing, infinite or below 0, or all are 0.
    """
    w = np.asarray(weights, dtype=float)
    wrong = np.flatnonzero(~np.isfinite(w) | (w < 0))
    if wrong.size:
        raise EstimationError(f"part {wrong[0] + 1} has weight {w[wrong[0]]:g}; give each part a weight of 0 or more")
    if not w.sum() > 0:
        raise EstimationError("the weights sum to 0; give at least one part a weight above 0")
    return np.asarray(w / w.sum())


def budget(points: pd.DataFrame, *, total: float = TOTAL) -> Budget:
    """Weights from points that experts gave away.

    Parameters
    ----------
    points : DataFrame, experts as the index, parts as the columns
    total : float
        What each expert had to give away.

    Raises
    ------
    RequestError
        If there is no expert, an expert's points are missing, below 0 or do not sum to `total`.

    Notes
    -----
    OECD/JRC Handbook (2008), step 6, "Budget allocation process".
    """
    if points.empty:
        raise RequestError("the table of points is empty; give a row for each expert, a column for each part")
    given = points.to_numpy(dtype=float)
    for expert, row in zip(points.index, given, strict=True):
        if not (np.isfinite(row) & (row >= 0)).all():
            raise RequestError(f"expert {expert!r}: points are missing or below 0; give 0 where a part gets none")
        if abs(row.sum() - total) > ROUNDING * total:
            raise RequestError(f"expert {expert!r}: points sum to {row.sum():g}, not {total:g}; ask the expert again")
    share = points.astype(float) / total
    return Budget(weights=share.mean(), spread=share.std(ddof=1), experts=len(points))


def loadings(values: Floats) -> tuple[Floats, Floats]:
    """Standard deviations (k,) and loadings (k, k), a component a column, of the correlation matrix of the parts.

    Parameters
    ----------
    values : ndarray of float, shape (units, k)
        Units with a part missing are left out, as in R `prcomp(scale. = TRUE, na.action = na.omit)`.

    Returns
    -------
    tuple of ndarray
        Largest component first; each turned so that its loadings sum to 0 or more, and of unit length.

    Raises
    ------
    EstimationError
        If fewer than three units have all parts, or a part is the same in all of them.
    """
    whole = values[~np.isnan(values).any(axis=1)]
    if len(whole) < 3:  # noqa: PLR2004 - two units always lie on a line
        raise EstimationError(f"only {len(whole)} units have every part; components need at least 3")
    if (np.ptp(whole, axis=0) == 0).any():
        part = int(np.argmin(np.ptp(whole, axis=0)))
        raise EstimationError(f"part {part + 1} is the same in every unit and has no correlation; leave it out")
    roots, vectors = np.linalg.eigh(np.atleast_2d(np.corrcoef(whole, rowvar=False)))
    turned = vectors * np.where(vectors.sum(axis=0) < 0, -1.0, 1.0)
    return np.sqrt(np.maximum(roots[::-1], 0.0)), np.asarray(turned[:, ::-1])


def principal_component(values: Floats) -> Floats:
    """Weights in proportion to the loadings on the first principal component, for study; shape (parts,).

    Raises
    ------
    EstimationError
        Also if a part loads against the others: a weight below 0 would reward what is worse.
    """
    first = loadings(values)[1][:, 0]
    against = np.flatnonzero(first < 0)
    if against.size:
        raise EstimationError(
            f"part {against[0] + 1} runs against the first component (loading {first[against[0]]:.2f}); "
            "turn it, leave it out, or weigh the parts otherwise"
        )
    return shares(first)


def inverse_variance(variances: npt.ArrayLike) -> Floats:
    """Weights ``(1 / v) / sum(1 / v)``: the least variance of a mean of independent parts, for study; shape (parts,).

    Raises
    ------
    EstimationError
        If a variance is missing or not above 0: a part without spread would take all the weight.
    """
    v = np.asarray(variances, dtype=float)
    wrong = np.flatnonzero(~(np.isfinite(v) & (v > 0)))
    if wrong.size:
        raise EstimationError(f"part {wrong[0] + 1} has variance {v[wrong[0]]:g}; leave it out, or weigh otherwise")
    return shares(1 / v)
