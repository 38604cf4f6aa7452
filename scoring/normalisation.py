"""Items brought onto one scale before they are put together: 0-100, better upwards.

Those on a declared scale (`range`, `z`, `target`) do not depend on who else is compared, and are straight lines in the
answers; those over units (percentile rank, min-max, rank, Borda, distance to and fraction of the best) change when a
unit joins or leaves, and are for study only.
"""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import stats

from scoring.design import Floats
from scoring.errors import RequestError

Declared = Literal["range", "z", "target"]
OverUnits = Literal["percentile rank", "min-max", "rank", "borda", "distance to reference", "fraction of maximum"]
Ties = Literal["min", "max", "average"]
UNITS = -2  # the axis of units, before that of items
FULL = 100.0
CENTRE, SPREAD = 50.0, 20.0  # of a z-score on 0-100: two and a half standard deviations either way fill the scale


def line(
    how: Declared,
    *,
    direction: npt.ArrayLike = 1,
    low: npt.ArrayLike = np.nan,
    high: npt.ArrayLike = np.nan,
    mean: npt.ArrayLike = np.nan,
    sd: npt.ArrayLike = np.nan,
    target: npt.ArrayLike = np.nan,
    centre: float = CENTRE,
    spread: float = SPREAD,
) -> tuple[Floats, Floats]:
    """Slope and shift of a normalisation on a declared scale: ``x' = shift + slope x``.

    ``range``: 100 (x - low) / (high - low), mirrored where worse upwards. ``z``: centre + spread (x - mean) / sd on a
    frozen baseline. ``target``: 100 (x - worst) / (target - worst), worst being `low`, or `high` where worse upwards.

    Parameters
    ----------
    how : {"range", "z", "target"}
    direction : array_like of int, shape (items,) or ()
        1 where more is better, -1 where more is worse.
    low, high : array_like of float
        Ends of the scale.
    mean, sd : array_like of float
        Of the baseline, frozen so that years can be compared.
    target : array_like of float
        Value that earns 100.
    centre, spread : float
        What the baseline's mean, and one standard deviation, become. The Corruption Perceptions Index has 45 and 20.

    Returns
    -------
    tuple of ndarray of float, shape (items,) or ()

    Raises
    ------
    RequestError
        If what the rule needs is missing, or leaves no distance to divide by.
    """
    sign = np.asarray(direction, dtype=float)
    if not np.isin(sign, (-1.0, 1.0)).all():
        raise RequestError(f"direction is {direction!r}; give 1 where more is better, -1 where more is worse")
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    if how == "z":
        return _through(np.asarray(mean, dtype=float), centre, sign * spread, np.asarray(sd, dtype=float), "sd")
    if how not in get_args(Declared):
        raise RequestError(f"no line for {how!r}; lines are {', '.join(get_args(Declared))}")
    worst = np.where(sign > 0, low, high)
    if how == "range":
        return _through(worst, 0.0, sign * FULL, high - low, "high - low")
    return _through(worst, 0.0, sign * FULL, sign * (np.asarray(target, dtype=float) - worst), "target - worst")


def _through(point: Floats, height: float, rise: Floats, run: Floats, name: str) -> tuple[Floats, Floats]:
    """The line through (point, height) with slope rise / run."""
    if not (np.isfinite(point).all() and (np.asarray(run) > 0).all()):
        raise RequestError(f"{name} is missing or not above 0; declare the scale, baseline or target of every item")
    slope = np.asarray(rise / run)
    return slope, np.asarray(height - slope * point)


def declared(values: Floats, slope: Floats, shift: Floats, *, bounded: bool = True) -> Floats:
    """Values on a declared scale, see `line`; shape (..., items).

    `bounded` cuts at 0 and 100, as distance to target and z-scores need (the Corruption Perceptions Index does).
    """
    y = shift + slope * values
    return np.clip(y, 0.0, FULL) if bounded else y


def over_units(
    values: Floats,
    how: OverUnits,
    *,
    direction: npt.ArrayLike = 1,
    ties: Ties = "min",
    reference: int | None = None,
) -> Floats:
    """Values against those of the other units, shape (..., units, items).

    ``percentile rank``: 100 (rank - 1) / (n - 1); ``min-max``: 100 (x - least) / (greatest - least); ``rank``: 1 is
    the worst; ``borda``: rank - 1; ``distance to reference``: 100 (x - least) / (x_reference - least), by default of
    the best unit, then the same as min-max; ``fraction of maximum``: 100 x / greatest.

    Parameters
    ----------
    values : ndarray of float, shape (..., units, items)
        NaN where a unit has no figure: it gets none, and the others are compared without it.
    direction : array_like of int, shape (items,) or ()
        1 where more is better, -1 where more is worse: the values are turned first, as in COINr.
    ties : {"min", "max", "average"}
        Rank of units with equal values: COINr counts those below ("min"), the Worldwide Governance Indicators those
        not above ("max").
    reference : int, optional
        Position of the unit that others are measured against.

    Returns
    -------
    ndarray of float, shape (..., units, items)
        NaN for every unit where all of them are equal and the rule divides by their spread.

    Notes
    -----
    OECD/JRC Handbook (2008), step 5; names after COINr 1.1.14 `n_prank`, `n_minmax`, `n_rank`, `n_borda`,
    `n_dist2ref`, `n_dist2max`, `n_fracmax` (those that end at 1 there end at 100 here).
    """
    x = values * np.asarray(direction, dtype=float)
    if how in ("rank", "borda", "percentile rank"):
        return _ranked(x, how, ties)
    least, most = _end(x, np.fmin), _end(x, np.fmax)
    if reference is not None:
        most = x[..., [reference], :]
    with np.errstate(invalid="ignore", divide="ignore"):
        if how == "fraction of maximum":
            return np.asarray(FULL * x / most)
        if how in ("min-max", "distance to reference"):
            return np.asarray(FULL * (x - least) / (most - least))
    raise RequestError(f"unknown normalisation {how!r}; over units there are {', '.join(get_args(OverUnits))}")


def _end(x: Floats, pick: np.ufunc) -> Floats:
    return np.asarray(pick.reduce(x, axis=UNITS, keepdims=True))


def _ranked(x: Floats, how: str, ties: Ties) -> Floats:
    rank = np.asarray(stats.rankdata(x, method=ties, axis=UNITS, nan_policy="omit"))
    if how == "rank":
        return rank
    if how == "borda":
        return rank - 1
    others = (~np.isnan(x)).sum(axis=UNITS, keepdims=True) - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(FULL * (rank - 1) / others)
