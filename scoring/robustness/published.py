"""What a release publishes of the items of an index, and the one matrix that lets it be built again from that alone.

A what-if, a Monte Carlo run and a rank asked of these figures can tell nothing that they do not tell themselves, and
cost the same for any number of respondents.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scoring.design import Floats
from scoring.errors import EstimationError, RequestError
from scoring.estimates import Estimates, covariance, flattened, variance

TOP = 100.0  # items run from 0 to 100, better upwards
STEP = 0.05  # correlations are shown to a twentieth
ROUGH = 1e-8  # by which a correlation matrix may miss symmetry, its diagonal or a positive spectrum


@dataclass(frozen=True, slots=True)
class Published:
    """Items of one side by unit, as a release shows them.

    Attributes
    ----------
    units : tuple of str, length u
        Posts, or other cells that are sampled independently of one another.
    items : tuple of str, length k
    estimate : ndarray of float, shape (u, k)
        Rounded scores, 0-100 and better upwards; NaN where the release hides them.
    se : ndarray of float, shape (u, k)
        Standard errors, rounded up; NaN where hidden or not known.
    df : ndarray of float, shape (u, k)
        Degrees of freedom of `se`, 0 or NaN where there are none.
    correlation : ndarray of float, shape (k, k)
        Of the items' sampling errors within a unit, alike for all units: see `pooled_correlation`.

    Raises
    ------
    RequestError
        Shapes disagree, a unit or item stands twice, a figure lies off its scale, or the correlation is none.
    """

    units: tuple[str, ...]
    items: tuple[str, ...]
    estimate: Floats
    se: Floats
    df: Floats
    correlation: Floats

    def __post_init__(self) -> None:
        shape = (len(self.units), len(self.items))
        for name in ("estimate", "se", "df"):
            given = getattr(self, name).shape
            if given != shape:
                raise RequestError(
                    f"{name} has shape {given}; give a row for each unit, a column for each item: {shape}"
                )
        for kind, names in (("unit", self.units), ("item", self.items)):
            twice = [name for place, name in enumerate(names) if name in names[:place]]
            if twice:
                raise RequestError(f"{kind} {twice[0]!r} stands twice; give each {kind} one place")
        self._refuse((self.estimate < 0) | (self.estimate > TOP), "estimate", "give scores from 0 to 100")
        self._refuse((self.se < 0) | np.isinf(self.se), "se", "give a standard error of 0 or more")
        self._refuse(self.df < 0, "df", "give 0 or more degrees of freedom")
        _refuse_correlation(self.correlation, len(self.items))

    def _refuse(self, wrong: npt.NDArray[np.bool_], name: str, remedy: str) -> None:
        if wrong.any():
            unit, item = np.argwhere(wrong)[0]
            value = getattr(self, name)[unit, item]
            raise RequestError(f"{name} of {self.items[item]!r} in {self.units[unit]!r} is {value:g}; {remedy}")


def _refuse_correlation(matrix: Floats, k: int) -> None:
    if matrix.shape != (k, k):
        raise RequestError(f"correlation has shape {matrix.shape}; give one row and one column for each of {k} items")
    if not np.isfinite(matrix).all() or (np.abs(matrix - matrix.T) > ROUGH).any():
        raise RequestError("correlation is not symmetric or lacks a figure; give that of `pooled_correlation`")
    if (np.abs(np.diag(matrix) - 1) > ROUGH).any() or np.linalg.eigvalsh(matrix)[0] < -ROUGH * k:
        raise RequestError("correlation has no unit diagonal or a negative eigenvalue; mend it with `nearest`")


def pooled_correlation(
    estimates: Estimates, *, cells: Sequence[int] | None = None, step: float = STEP, least: float = 0.0
) -> Floats:
    """One correlation matrix of the sampling errors of the items, pooled over the units of a side.

    ``R = sum_u f_u D_u^-1 C_u D_u^-1 / sum_u f_u``: C_u the design-based covariance of the items of unit u, D_u their
    standard errors, f_u the smaller df of the two items. Then each entry is rounded to `step`, and the whole taken to
    a correlation matrix again by `nearest`, since rounding can give it a negative eigenvalue.

    Parameters
    ----------
    estimates : Estimates
        Exact, with units as cells and the items as measures.
    cells : sequence of int, optional
        Units of the side; by default all.
    step : float
        What entries are rounded to, so that the matrix tells of no one unit.
    least : float
        Degrees of freedom that all units must have together.

    Returns
    -------
    ndarray of float, shape (k, k)
        0 between items that no unit has both of.

    Raises
    ------
    EstimationError
        No unit has degrees of freedom, or all have fewer than `least`.
    """
    spread = variance(estimates)
    freedom = np.where((spread.variance > 0) & ~np.isnan(estimates.values), spread.df("satterthwaite"), 0.0)
    if cells is not None:
        freedom[np.setdiff1d(np.arange(len(freedom)), cells)] = 0.0
    if not (freedom > 0).any() or freedom.max(axis=1).sum() < least:
        raise EstimationError(
            "too few units have two shifts, so that the errors of items have no correlation; pool more units"
        )
    k = freedom.shape[1]
    total, weight = np.zeros((k, k)), np.zeros((k, k))
    for unit in np.flatnonzero((freedom > 0).any(axis=1)):
        flat = flattened(estimates, [(int(unit), item) for item in range(k)])
        common = np.minimum.outer(freedom[unit], freedom[unit])
        total += common * _scaled(covariance(flat))
        weight += common
    pooled = np.divide(total, weight, out=np.zeros((k, k)), where=weight > 0)
    np.fill_diagonal(pooled, 1.0)
    return nearest(np.round(pooled / step) * step)


def _scaled(matrix: Floats) -> Floats:
    """Correlations of a covariance, 0 where there is no variance."""
    scale = np.sqrt(np.maximum(np.nan_to_num(np.diag(matrix)), 0.0))
    bound = np.outer(scale, scale)
    return np.asarray(np.divide(np.nan_to_num(matrix), bound, out=np.zeros(matrix.shape), where=bound > 0))


def nearest(matrix: Floats) -> Floats:
    """The matrix with negative eigenvalues set to 0 and its diagonal scaled back to 1; itself where it has none.

    Clipping as in Rousseeuw and Molenberghs (1993), Communications in Statistics 22, 965-984, their shrinking of
    eigenvalues; a correlation matrix stays one.
    """
    spectrum, vectors = np.linalg.eigh(matrix)
    if spectrum[0] >= -ROUGH:
        return matrix
    clipped = (vectors * np.maximum(spectrum, 0.0)) @ vectors.T
    return _symmetric(_scaled(clipped))


def _symmetric(matrix: Floats) -> Floats:
    both = (matrix + matrix.T) / 2
    np.fill_diagonal(both, 1.0)
    return np.asarray(both, dtype=np.float64)


def arranged(published: Published, items: Sequence[str]) -> Published:
    """The same figures with these items in this order; those that the release does not hold are hidden everywhere."""
    place = {code: column for column, code in enumerate(published.items)}
    here = [column for column, code in enumerate(items) if code in place]
    there = [place[items[column]] for column in here]
    shape = (len(published.units), len(items))
    estimate, se, df = (np.full(shape, np.nan) for _ in range(3))
    estimate[:, here], se[:, here], df[:, here] = (
        part[:, there] for part in (published.estimate, published.se, published.df)
    )
    correlation = np.eye(len(items))
    correlation[np.ix_(here, here)] = published.correlation[np.ix_(there, there)]
    return Published(published.units, tuple(items), estimate, se, df, correlation)
