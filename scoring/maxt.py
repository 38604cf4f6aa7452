"""Families of claims: Holm's p-values, and max-t's with their intervals from draws of all errors at once."""

import numpy as np
import numpy.typing as npt

from scoring.design import Floats
from scoring.errors import RequestError
from scoring.estimates import Estimates
from scoring.families import Family, family, simultaneous
from scoring.joint import Joint, from_estimates, from_figures
from scoring.strata import DfRule

MOST = 200  # rows whose errors are drawn together: of people asked in the same shifts they take 1 GB
NORMAL = 1e9  # df of which a t is normal, for figures whose errors are known

Flags = npt.NDArray[np.bool_]


def of_estimates(moved: Estimates, known: Flags, *, seed: int | None, df: DfRule, level: float) -> Floats:
    """Adjusted p, low and high of exact contrasts with all that they have in common, shape (3, cells x m).

    Parameters
    ----------
    moved : Estimates
        Contrasts as estimates, values of shape (cells, m).
    known : ndarray of bool, shape (cells, m)
        Those that can be judged; the others are not of the family and NaN.
    seed : int
    df : {"satterthwaite", "design"}
    level : float

    Raises
    ------
    RequestError
        There is no seed, or more than 200 rows are to be drawn together.
    """
    places = [(int(cell), int(measure)) for cell, measure in np.argwhere(known)]
    if len(places) > MOST:
        raise RequestError(f"max-t draws at most {MOST} rows together, these are {len(places)}; ask fewer, or by Holm")
    if not places:
        return np.full((3, known.size), np.nan)
    return _spread(from_estimates(moved, places, seed=_seeded(seed), borrowing="own", rule=df), known.ravel(), level)


def of_figures(figures: Floats, known: Flags, *, seed: int | None, level: float) -> Floats:
    """The same of shown figures (estimate, se, df), shape (3, rows), drawn as independent of one another."""
    if not known.any():
        return np.full((3, known.size), np.nan)
    estimate, se, df = figures[:, known]
    joint = from_figures(estimate, se, np.minimum(df, NORMAL), seed=_seeded(seed), borrowing="own")
    return _spread(joint, known, level)


def _seeded(seed: int | None) -> int:
    if seed is None:
        raise RequestError("max-t rests on draws; give a seed, so that the same question gets the same answer")
    return seed


def _spread(joint: Joint, known: Flags, level: float) -> Floats:
    judged = family(joint, np.eye(joint.values.size), level=level)
    out = np.full((3, known.size), np.nan)
    out[:, known] = [adjusted_p(judged), *simultaneous(judged, level=level)]
    return out


def adjusted_p(judged: Family) -> Floats:
    """Stepdown p-values: the share of draws whose largest statistic, of this row and all below it, is as large.

    Westfall and Young (1993), "Resampling-based multiple testing", algorithm 2.8, with draws of `scoring.joint`. The
    sample itself counts as a draw, so that no p is 0.
    """
    observed = np.divide(np.abs(judged.value), judged.se * judged.limit, where=judged.se > 0, out=judged.value * 0)
    order = np.argsort(-observed, kind="stable")
    largest = np.maximum.accumulate(np.abs(judged.ratio[order])[::-1], axis=0)[::-1]
    reached = (largest >= observed[order, None]).sum(axis=1)
    out = np.empty(observed.size)
    out[order] = np.maximum.accumulate((1 + reached) / (1 + judged.ratio.shape[1]))
    return out


def stepdown(p: Floats) -> Floats:
    """Holm's p-values (1979, Scandinavian Journal of Statistics 6, 65-70), as statsmodels has them.

    Here because `multipletests` collects garbage at every call, a quarter of the time that a page has.
    """
    order = np.argsort(p)
    out = np.empty(p.size)
    out[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return out
