"""One figure from several parts: arithmetic, geometric, harmonic mean and minimum, and their derivatives.

NaN is "no figure"; it never counts as 0, and nobody's weight passes to another part unless the caller says so.
"""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from scoring.design import Floats
from scoring.errors import EstimationError, FrameworkError, RequestError

Aggregation = Literal["arithmetic", "geometric", "harmonic", "minimum"]
AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)
LIFT, SLOPE = 1.0, 0.99  # 0-100 is mapped to 1-100 before a logarithm or a reciprocal is taken
ALL = 1.0  # share of the parts that must have a figure


def known(how: str) -> Aggregation:
    """The aggregation of this name."""
    for one in AGGREGATIONS:
        if how == one:
            return one
    raise FrameworkError(f"aggregation is {how!r}; it may be {', '.join(AGGREGATIONS)}")


def aggregate(
    values: Floats, weights: Floats, how: Aggregation, *, coverage: float = ALL, mapped: bool = True
) -> Floats:
    """One figure from several parts.

    ``arithmetic sum w x``, ``geometric prod x^w``, ``harmonic 1 / sum(w / x)`` with weights summing to 1, and the
    least part. Geometric and harmonic are taken of ``1 + 0.99 x`` and mapped back, so that zeros are allowed.

    Parameters
    ----------
    values : ndarray of float, shape (..., parts)
        On 0-100; NaN where a part has no figure.
    weights : ndarray of float, shape (..., parts)
        Broadcast to `values`; only their ratios count. A part of weight 0 is no part: it may be missing, and is not
        looked at for a minimum.
    how : {"arithmetic", "geometric", "harmonic", "minimum"}
    coverage : float
        Least share of the parts that must have a figure, by number. Below 1 the weights of those that have none pass
        to the others, as in COINr (`dat_thresh`); by default nothing is reweighted, and NaN comes out.
    mapped : bool
        False: geometric and harmonic of the values themselves, which must then be above 0 (COINr).

    Returns
    -------
    ndarray of float, shape (...)
        Between the least and the greatest part, to the last digit: equal parts give themselves.

    Raises
    ------
    EstimationError
        If a geometric or harmonic mean meets a value that has no logarithm, or no weight is above 0.

    Notes
    -----
    OECD/JRC, Handbook on Constructing Composite Indicators (2008), step 6.
    """
    w, enough = _shares(values, weights, coverage)
    least, most = _extremes(values, w)
    if known(how) == "minimum":
        return np.where(enough, least, np.nan)
    x = _lifted(values, w, how, mapped=mapped)
    if how == "arithmetic":
        y = _weighted(w, x)
    elif how == "geometric":
        y = _lowered(_geometric(w, x), mapped=mapped)
    else:
        y = _lowered(_harmonic(w, x), mapped=mapped)
    return np.where(enough, np.clip(y, least, most), np.nan)


def gradient(
    values: Floats, weights: Floats, how: Aggregation, *, coverage: float = ALL, mapped: bool = True
) -> Floats:
    """Derivative of `aggregate` by each part, for the delta method.

    ``w`` (arithmetic), ``w g / x`` (geometric g), ``w h^2 / x^2`` (harmonic h), at ``x`` mapped to 1-100: the two
    mappings cancel.

    Returns
    -------
    ndarray of float, shape (..., parts)
        Never NaN: 0 for a part without a figure, and for all parts where `aggregate` gives none.

    Raises
    ------
    RequestError
        Of a minimum, which has no derivative where two parts tie.
    """
    if known(how) == "minimum":
        raise RequestError("a minimum has no gradient; use the joint bootstrap for its interval")
    w, enough = _shares(values, weights, coverage)
    x = _lifted(values, w, how, mapped=mapped)
    if how == "geometric":
        w = w * (_geometric(w, x)[..., None] / x)
    elif how == "harmonic":
        w = w * (_harmonic(w, x)[..., None] / x) ** 2
    return np.where(enough[..., None], w, 0.0)


def _shares(values: Floats, weights: Floats, coverage: float) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Weights that sum to 1 over the parts with a figure (..., parts), and whether those are enough (...)."""
    if not 0 <= coverage <= 1:
        raise RequestError(f"coverage is {coverage}; give the share of parts that must have a figure, from 0 to 1")
    w = np.asarray(weights, dtype=float)
    if not (np.isfinite(w) & (w >= 0)).all():
        raise EstimationError("a weight is missing, infinite or below 0; give each part a weight of 0 or more")
    total = w.sum(axis=-1, keepdims=True)
    if not (total > 0).all():
        raise EstimationError("all parts of a node have weight 0; give at least one a weight above 0")
    missing = np.isnan(values)
    if not missing.any():
        return w / total, np.ones(np.broadcast_shapes(values.shape[:-1], w.shape[:-1]), dtype=bool)
    seen = (w > 0) & ~missing
    count = seen.sum(axis=-1)
    kept = np.where(seen, w, 0.0)
    total = kept.sum(axis=-1, keepdims=True)
    return kept / np.where(total > 0, total, 1.0), (count > 0) & (count / (w > 0).sum(axis=-1) >= coverage)


def _lifted(values: Floats, w: Floats, how: str, *, mapped: bool) -> Floats:
    """Values as the mean takes them; 1 where there is no part, so that nothing there matters."""
    x = LIFT + SLOPE * values if mapped and how != "arithmetic" else values
    if not (w > 0).all():
        x = np.where(w > 0, x, 1.0)
    if how != "arithmetic" and not (x > 0).all():
        value, limit = (x.min() - LIFT) / SLOPE if mapped else x.min(), -LIFT / SLOPE if mapped else 0.0
        raise EstimationError(
            f"a {how} mean meets a part of {value:.4g}, and must have all above {limit:.3g}; normalise to 0-100 first"
        )
    return x


def _weighted(w: Floats, x: Floats) -> Floats:
    return np.asarray(np.einsum("...p,...p->...", w, x))


def _geometric(w: Floats, x: Floats) -> Floats:
    return np.asarray(np.exp(_weighted(w, np.log(x))))


def _harmonic(w: Floats, x: Floats) -> Floats:
    """1 where there is no part at all, which the caller leaves aside."""
    total = _weighted(w, 1 / x)
    return np.asarray(1 / np.where(total > 0, total, 1.0))


def _lowered(y: Floats, *, mapped: bool) -> Floats:
    return (y - LIFT) / SLOPE if mapped else y


def _extremes(values: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Least and greatest of the parts that count; NaN where there is none."""
    inside = values if (w > 0).all() else np.where(w > 0, values, np.nan)
    return np.fmin.reduce(inside, axis=-1), np.fmax.reduce(inside, axis=-1)
