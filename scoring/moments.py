"""Statistics of second order from means of products: variance, covariance, correlation, alpha, principal components.

Every one is a smooth function of the means of x_i and x_i x_j over those who answered all of the variables, so its
standard error comes from the same unit scores as that of a mean (delta method).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from scoring.cells import Column, Values
from scoring.design import Floats
from scoring.errors import EstimationError

Array = npt.NDArray[Any]
DUST = 1e-12  # below this share of the second moment a variance is rounding


def columns(names: Sequence[str], given: Sequence[Floats]) -> list[Column]:
    """Columns whose means are the first and second moments, in the order of `covariances`.

    Parameters
    ----------
    given : sequence of ndarray of float, shape (rows,)
        Answers, NaN where missing: only rows with every answer are used (R survey `svyvar(na.rm=TRUE)`). They are
        centred before they are multiplied, which changes no statistic here and keeps the digits.
    """
    x = np.column_stack(given)
    r: npt.NDArray[np.bool_] = np.asarray(~np.isnan(x).any(axis=1))
    if not r.any():
        raise EstimationError(f"nobody answered all of {', '.join(names)}; choose variables that were asked together")
    centred = np.where(r[:, None], x - x[r].mean(axis=0), 0.0)
    first = [Column(name, partial(_moment, centred[:, [place]], r)) for place, name in enumerate(names)]
    above = zip(*(part.tolist() for part in np.triu_indices(len(names))), strict=True)
    return [
        *first,
        *(Column(f"{names[i]}:{names[j]}", partial(_moment, centred[:, [i, j]], r)) for i, j in above),
    ]


def _moment(parts: Floats, r: npt.NDArray[np.bool_]) -> Values:
    return parts.prod(axis=1), None, r


def covariances(means: Array, factor: Floats) -> Array:
    """Covariance matrices from means of x_i and, above the diagonal, x_i x_j.

    ``S_ij = n / (n - 1) (mean(x_i x_j) - mean(x_i) mean(x_j))``, Kish's divisor as R survey 4.5 `svyvar`.

    Parameters
    ----------
    means : ndarray, shape (..., k + k (k + 1) / 2)
    factor : ndarray of float, broadcast to means.shape[:-1]
        n / (n - 1).

    Returns
    -------
    ndarray, shape (..., k, k)
    """
    k = int((np.sqrt(9 + 8 * means.shape[-1]) - 3) / 2)
    first, products = means[..., :k], means[..., k:]
    matrix = np.empty((*means.shape[:-1], k, k), dtype=means.dtype)
    rows, across = np.triu_indices(k)
    matrix[..., rows, across] = products - first[..., rows] * first[..., across]
    matrix[..., across, rows] = matrix[..., rows, across]
    own = np.arange(k)
    second = products[..., np.flatnonzero(rows == across)]
    spread = matrix[..., own, own]
    matrix[..., own, own] = np.where(np.real(spread) <= DUST * np.real(second), 0.0, spread)  # equal answers
    return matrix * np.asarray(factor)[..., None, None]


def variances(means: Array, factor: Floats) -> Array:
    """Variances of each variable, shape (..., k)."""
    return np.diagonal(covariances(means, factor), axis1=-2, axis2=-1)


def covariance_pairs(means: Array, factor: Floats) -> Array:
    """Covariances on and above the diagonal, row by row, shape (..., k (k + 1) / 2)."""
    matrix = covariances(means, factor)
    return matrix[(..., *np.triu_indices(matrix.shape[-1]))]


def correlations(means: Array, factor: Floats) -> Array:
    """Correlation matrices, shape (..., k, k); NaN for a variable without spread."""
    matrix = covariances(means, factor)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.diagonal(matrix, axis1=-2, axis2=-1)
        spread = np.sqrt(np.where(np.real(own) > 0, own, np.nan))
        return np.asarray(matrix / spread[..., :, None] / spread[..., None, :])


def correlation_pairs(means: Array, factor: Floats) -> Array:
    """Correlations above the diagonal, row by row, shape (..., k (k - 1) / 2)."""
    matrix = correlations(means, factor)
    return matrix[(..., *np.triu_indices(matrix.shape[-1], 1))]


def alpha(means: Array, factor: Floats) -> Array:
    """Weighted Cronbach alpha ``k / (k - 1) (1 - sum_i S_ii / sum_ij S_ij)``, shape (..., 1); R `svycralpha`.

    Cronbach (1951), Psychometrika 16.
    """
    matrix = covariances(means, factor)
    k = matrix.shape[-1]
    total = matrix.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        total = np.where(np.real(total) > DUST * np.abs(matrix).sum(axis=(-2, -1)), total, np.nan)
        own = np.trace(matrix, axis1=-2, axis2=-1) / total
    return np.asarray(k / (k - 1) * (1 - own))[..., None]


def components(means: Array, factor: Floats) -> Array:
    """Principal components of the weighted correlation matrix: standard deviations, then loadings by component.

    Returns
    -------
    ndarray of float, shape (..., k + k k)
        Roots of the eigenvalues, largest first; then each component's loadings, of unit length, the largest positive.

    Notes
    -----
    R survey `svyprcomp(scale.=TRUE)` centres each x times the root of its weight at its plain mean; with equal weights
    both agree, with unequal ones its components change when a constant is added to an answer, and these do not.
    """
    sdev, loadings = _components(np.real(correlations(means, factor)))
    return np.concatenate([sdev, loadings.reshape(*sdev.shape[:-1], -1)], axis=-1)


def _components(matrix: Floats) -> tuple[Floats, Floats]:
    """Roots of eigenvalues (..., k) and eigenvectors as rows (..., k, k); NaN where a correlation is not known."""
    known: npt.NDArray[np.bool_] = np.asarray(np.isfinite(matrix).all(axis=(-2, -1)))
    values, vectors = np.linalg.eigh(np.where(known[..., None, None], matrix, np.eye(matrix.shape[-1])))
    rows = np.swapaxes(vectors, -2, -1)[..., ::-1, :]
    largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=-1)[..., None], axis=-1)
    sdev = np.sqrt(np.maximum(values[..., ::-1], 0.0))
    return np.where(known[..., None], sdev, np.nan), np.where(known[..., None, None], rows * np.sign(largest), np.nan)


def component_slopes(
    means: Floats, factor: Floats, derivative: Callable[[Callable[[Array], Array], Floats], Floats]
) -> Floats:
    """Derivatives of `components` by the means, shape (cells, k + k k, m).

    ``d lambda_i = v_i' dR v_i`` and ``d v_i = sum_l v_l (v_l' dR v_i) / (lambda_i - lambda_l)`` (Magnus 1985,
    Econometric Theory 1); NaN where two eigenvalues coincide.
    """
    sdev, rows = _components(np.real(correlations(means.astype(np.complex128), factor)))
    cells, k = sdev.shape

    def flat(values: Array) -> Array:
        return correlations(values, factor).reshape(*values.shape[:-1], -1)

    slopes = derivative(flat, means).reshape(cells, k, k, -1)
    rotated = np.einsum("cli,cijm,cnj->clnm", rows, slopes, rows)  # v_l' dR v_n
    with np.errstate(invalid="ignore", divide="ignore"):
        of_sdev = np.einsum("ciim->cim", rotated) / (2 * sdev[:, :, None])
        gaps = sdev[:, None, :] ** 2 - sdev[:, :, None] ** 2  # lambda_n - lambda_l at (l, n)
        gaps = np.where(np.eye(k, dtype=bool), np.inf, np.where(gaps == 0, np.nan, gaps))
        of_loadings = np.einsum("clnm,clj->cnjm", rotated / gaps[..., None], rows)
    return np.concatenate([of_sdev, of_loadings.reshape(cells, k * k, -1)], axis=1)
