"""Ranks with their confidence sets, groups that cannot be told apart, bands, and the weakest of several parts.

A rank is a count of comparisons, so all of this rests on the signs of differences that are certain together
(`scoring.families`); no standard error of a rank is formed, because there is none.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from scoring.design import Floats, Integers
from scoring.errors import EstimationError, RequestError
from scoring.families import directions, family, freedom, own_pairs, pairs, quantile, told_apart, told_apart_alone
from scoring.groups import groups_of
from scoring.joint import COUNT, Borrowing, Flags, Joint, from_figures

Best = Literal["highest", "lowest"]
Kind = Literal["joint", "marginal"]
BANDS = np.array(["below", "not_distinguishable", "above"], dtype=object)
_COLUMNS = ("rank", "rank_low", "rank_high", "rank_alone_low", "rank_alone_high", "groups", "band", "borrowed")


@dataclass(frozen=True, slots=True)
class RankSets:
    """Ranks, 1 the best, and the ranks that cannot be excluded; shape (m,) each.

    `rank` is 1 + the number of better scores, so that equal scores share the best of their places. Sets hold every
    place that a score may take, ties broken either way.
    """

    rank: Integers
    low: Integers
    high: Integers


@dataclass(frozen=True, slots=True)
class Least:
    """The smallest of several true values: half-median-unbiased estimate and interval."""

    estimate: float
    low: float
    high: float


def rank_sets(joint: Joint, *, level: float = 0.95, kind: Kind = "joint", best: Best = "highest") -> RankSets:
    """Confidence sets of ranks: from 1 + those certainly better to m - those certainly worse.

    Parameters
    ----------
    joint : Joint
    level : float
    kind : {"joint", "marginal"}
        All sets hold the true rank together, or each alone with probability `level`.
    best : {"highest", "lowest"}

    Returns
    -------
    RankSets

    References
    ----------
    Mogstad, Romano, Shaikh and Wilhelm (2024), "Inference for ranks with applications to mobility across neighbourhoods
    and academic achievement across countries" (doi:10.1093/restud/rdad006), 3; R csranks. There from normal draws, here
    from studentised ones, balanced where df differ.
    """
    if kind not in ("joint", "marginal"):
        raise RequestError(f"kind is {kind!r}; it may be joint, marginal")
    told = told_apart if kind == "joint" else told_apart_alone
    return _sets(joint.values, told(pairs(joint, level=level)[2], joint.values.size, level=level), best)


def _sets(values: Floats, signs: Integers, best: Best) -> RankSets:
    better, value = signs * _orientation(best), values * _orientation(best)
    rank = 1 + (value > value[:, None]).sum(axis=1)
    return RankSets(rank, 1 + (better < 0).sum(axis=1), value.size - (better > 0).sum(axis=1))


def bands(
    joint: Joint,
    *,
    weights: npt.ArrayLike | None = None,
    average: tuple[float, float, float] | None = None,
    level: float = 0.95,
) -> npt.NDArray[np.object_]:
    """Each score against the average of its side: "below", "not_distinguishable" or "above", certain all together.

    Parameters
    ----------
    joint : Joint
        The units of one side; a weighted or plain mean is that of these units alone.
    weights : array_like of float, shape (m,), optional
        Share of the side's crossings: the average is the weighted mean, and what a unit has in common with it counts.
    average : (estimate, se, df), optional
        The side's own figure, where weights are not known. A mean has a covariance of 0 or more with each of its
        parts, so independence, which is assumed, errs on the safe side; limits are Holm's.
        Without both the average is the plain mean of the units.

    Returns
    -------
    ndarray of str, shape (m,)

    Raises
    ------
    RequestError
        Both are given, or weights do not fit.
    """
    if average is not None and weights is not None:
        raise RequestError("the side's average is given twice; give weights or average")
    if average is not None:
        return BANDS[1 + _against(joint, average, level)]
    m = joint.values.size
    w = np.ones(m) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != (m,) or not (np.isfinite(w) & (w >= 0)).all() or w.sum() <= 0:
        raise RequestError(f"weights have to be {m} numbers of 0 or more, not all 0; give each unit's crossings")
    judged = family(joint, np.eye(m) - w / w.sum(), level=level)
    return BANDS[1 + directions(judged, level=level)]


def weakest(joint: Joint, *, kind: Kind = "marginal", level: float = 0.95) -> Flags:
    """Parts that cannot be excluded as the smallest: the set holds the truly smallest one with probability `level`.

    A part is excluded where another is below it by more than the largest of its differences would be by chance, one
    sided: the confidence set of the rank m of Mogstad, Romano, Shaikh and Wilhelm, part by part. Of several equal
    smallest parts each is held with that probability; a joint set, of all differences at once, holds all of them with
    it, and is the one to take where no part may be wrongly excluded.
    """
    m = joint.values.size
    if m == 1:
        return np.ones(1, dtype=np.bool_)
    _, _, judged = pairs(joint, level=level)
    if kind == "joint":
        return np.asarray(~(told_apart(judged, m, level=level) > 0).any(axis=1))
    kept = np.ones(m, dtype=np.bool_)
    for place, (part, turned) in enumerate(own_pairs(judged, m)):
        excess = np.divide(part.value * turned, part.se * part.limit, out=np.zeros(m - 1), where=part.se > 0)
        critical = quantile((part.ratio * turned[:, None]).max(axis=0), level)
        kept[place] = excess.max() <= critical
    return kept


def least(joint: Joint, *, level: float = 0.95) -> Least:
    """The smallest of m true values, ``min theta``, which the smallest estimate undershoots.

    Upper limit and estimate are intersection bounds, ``min (theta_v + k_p s_v)`` over the parts near the smallest, k_p
    the p-quantile of their largest studentised error: p = 1 - (1 - level) / 2, and p = 1/2 for the estimate, which is
    too low in at most half of all samples. The lower limit is ``min (theta_v - t s_v)`` with the plain quantile of t,
    since the smallest part, whichever it is, lies above its own. One part near the smallest gets its t interval. The
    estimate is cut at the largest part, so that equal parts give themselves: with two equal true values it is then too
    low in 55 % of samples, with six in 51 %.

    Returns
    -------
    Least
        In units of the scores; low and high are not cut at the ends of a scale.

    References
    ----------
    Chernozhukov, Lee and Rosen (2013), "Intersection bounds: estimation and inference", Econometrica 81, 667-737,
    algorithm 1 with its adaptive inequality selection at 1 - 0.1 / log n (doi:10.3982/ECTA8718; the step of selection
    read in the Stata code of its users), n here the PSUs and at least 16.
    """
    judged = family(joint, np.eye(joint.values.size), level=level)
    df = freedom(joint.draws, np.eye(joint.values.size))
    half = np.asarray(stats.t.isf((1 - level) / 2, df))
    value, step = judged.value, judged.se * half
    error = judged.ratio.T * (judged.limit / half)
    error = np.concatenate([error, -error])  # the law is symmetric
    n = max(float(np.sum(joint.draws.df + 1)), 16.0)
    wide = quantile(error.max(axis=1), 1 - 0.1 / np.log(n))
    near = value <= (value + wide * step).min() + 2 * wide * step
    largest = error[:, near].max(axis=1)
    middle, upper = quantile(largest, 0.5), quantile(largest, (1 + level) / 2)
    if near.sum() == 1:
        middle, upper = 0.0, 1.0
    value, step, low = value[near], step[near], float((value - step).min())
    estimate = min(float((value + middle * step).min()), float(judged.value.max()))
    return Least(estimate, low, float((value + upper * step).min()))


def standings(
    figures: pd.DataFrame,
    *,
    seed: int,
    weights: str | None = None,
    average: tuple[float, float, float] | None = None,
    best: Best = "highest",
    borrowing: Borrowing = "smoothed",
    level: float = 0.95,
    count: int = COUNT,
) -> pd.DataFrame:
    """Rank, rank sets, groups and band of every unit of one side, from its shown figures.

    Parameters
    ----------
    figures : DataFrame
        One row a unit, with the contract's columns estimate, se and df; what is masked is NaN.
    weights : str, optional
        Column of crossings.
    average : (estimate, se, df), optional
        Of the side, see `bands`.

    Returns
    -------
    DataFrame
        The index of `figures`; columns rank, rank_low, rank_high (joint), rank_alone_low, rank_alone_high (marginal),
        groups (numbers of the sets it stands in, from 1 for the best), band, borrowed and reason: "" or
        "not_ranked", where estimate, se or df is missing or the latter two are 0; such units are not counted.
    """
    missing = [name for name in ("estimate", "se", "df", *([weights] if weights else [])) if name not in figures]
    if missing:
        raise RequestError(f"figures have no column {missing[0]!r}; give one row a unit with estimate, se and df")
    numbers = figures[["estimate", "se", "df"]].to_numpy(dtype=np.float64, na_value=np.nan)
    ranked = np.isfinite(numbers).all(axis=1) & (numbers[:, 1:] > 0).all(axis=1)
    found = np.full((len(figures), len(_COLUMNS)), None, dtype=object)
    if ranked.any():
        joint = from_figures(*numbers[ranked].T, seed=seed, count=count, borrowing=borrowing)
        shares = None if weights is None else figures[weights].to_numpy(dtype=np.float64)[ranked]
        _, _, judged = pairs(joint, level=level)
        signs = told_apart(judged, joint.values.size, level=level)
        together = _sets(joint.values, signs, best)
        alone = _sets(joint.values, told_apart_alone(judged, joint.values.size, level=level), best)
        sets = groups_of(joint.values, signs)[:: _orientation(best)]
        found[ranked, 0:5] = np.column_stack([together.rank, together.low, together.high, alone.low, alone.high])
        for i, row in enumerate(np.flatnonzero(ranked)):
            found[row, 5] = tuple(number for number, members in enumerate(sets, 1) if i in members)
        found[ranked, 6] = bands(joint, weights=shares, average=average, level=level)
        found[ranked, 7] = joint.borrowed
    return pd.DataFrame(found, index=figures.index, columns=list(_COLUMNS), dtype=object).assign(
        reason=np.where(ranked, "", "not_ranked")
    )


def _orientation(best: Best) -> int:
    if best not in get_args(Best):
        raise RequestError(f"best is {best!r}; it may be {', '.join(get_args(Best))}")
    return 1 if best == "highest" else -1


def _against(joint: Joint, average: tuple[float, float, float], level: float) -> Integers:
    """Signs of scores less an independent figure: Welch's t, and Holm over both directions of all."""
    value, se, df = average
    if not (np.isfinite(value) and np.isfinite(se) and se >= 0 and df > 0):
        raise EstimationError(f"the side's average is {value:g} with se {se:g} and df {df:g}; give weights instead")
    if not 0 < level < 1:
        raise RequestError(f"level is {level}; give a share between 0 and 1 such as 0.95")
    own = np.diag(joint.draws.covariance)
    spread = own + se**2
    difference = joint.values - value
    freedom_of = spread**2 / (own**2 / joint.draws.df + se**4 / df)
    p = np.asarray(stats.t.sf(np.abs(difference) / np.sqrt(spread), freedom_of))
    order = np.argsort(p, kind="stable")
    refuted = np.zeros(p.size, dtype=np.bool_)
    refuted[order] = np.logical_and.accumulate(p[order] <= (1 - level) / (2 * p.size - np.arange(p.size)))
    return np.where(refuted, np.sign(difference), 0.0).astype(np.int64)
