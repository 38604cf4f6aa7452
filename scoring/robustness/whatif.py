"""What an index would be with other weights, other aggregations or fewer items, from published figures alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from scoring.construction import build, gradients
from scoring.design import Floats
from scoring.errors import RequestError
from scoring.intervals import intervals
from scoring.joint import COUNT, Joint, from_figures
from scoring.ranks import FEWEST as FEWEST_DRAWS
from scoring.ranks import studentised
from scoring.robustness.plans import Plan, held
from scoring.robustness.published import TOP, Published, arranged
from scoring.standings import bands, least

Flags = npt.NDArray[np.bool_]
FEWEST = 2  # units that have a mean to be compared with
_COLUMNS = ("estimate", "se", "df", "low", "high", "band", "status", "reason")


@dataclass(frozen=True, slots=True)
class Parts:
    """Items and nodes of a plan, in its order, with the errors of published figures carried up.

    Attributes
    ----------
    value, se, df : ndarray of float, shape (units, parts)
        NaN where an item under it is hidden; `se` NaN over a minimum too.
    slopes : ndarray of float, shape (units, parts, items)
        Derivatives by the items.
    """

    value: Floats
    se: Floats
    df: Floats
    slopes: Floats

    def at(self, places: Sequence[int]) -> tuple[Floats, Floats, Floats]:
        """Value, se and df of some parts, shape (units, places) each."""
        return self.value[:, places], self.se[:, places], self.df[:, places]


def scored(shown: Published, chosen: Plan) -> Parts:
    """Estimate, standard error and df of all items and nodes; `shown` holds the items of the plan in its order."""
    k = len(chosen.items)
    value = np.concatenate([shown.estimate, build(shown.estimate, chosen.tree)], axis=1)
    own = np.broadcast_to(np.eye(k), (len(shown.units), k, k))
    slopes = np.concatenate([own, gradients(shown.estimate, chosen.tree)], axis=1)
    used = np.concatenate([np.eye(k, dtype=bool), chosen.used]) & ~np.isnan(value)[:, :, None]
    moved = np.where(used, slopes * shown.se[:, None, :], 0.0)
    with np.errstate(invalid="ignore"):
        se = np.sqrt(np.maximum(np.einsum("upi,ij,upj->up", moved, shown.correlation, moved), 0.0))
    df = _freedom(np.where(np.abs(moved).sum(axis=2, keepdims=True) == 0, used, np.abs(moved)), shown.df)
    empty = np.isnan(value)
    return Parts(value, np.where(empty, np.nan, se), np.where(empty, np.nan, df), slopes)


def _freedom(share: Floats, df: Floats) -> Floats:
    """Degrees of freedom of parts, (units, parts); share: what each item adds to an error, (units, parts, items).

    The mean of the items' df on the scale of 1 / df, or Satterthwaite's of independent items where that is less.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.nan_to_num(df)[:, None, :]
        each, apart = (np.where(share != 0, share**power / known, 0.0).sum(axis=2) for power in (1, 4))
        return np.asarray(np.minimum(share.sum(axis=2) / each, (share**2).sum(axis=2) ** 2 / apart))


def what_if(
    published: Published,
    chosen: Plan,
    *,
    measures: Sequence[str] | None = None,
    side: Published | None = None,
    level: float = 0.95,
    band_level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Score, interval and band of each unit, had the index been made as chosen.

    With g the derivatives of a node by its items, D the published standard errors and R the published correlation,
    ``SE^2 = g' D R D g`` (delta method). Its df are ``1 / sum_k a_k / df_k``, a_k the share of item k in
    ``sum |g_k| SE_k``, or those of Satterthwaite for independent items where these are less: items are answered in the
    same shifts, so a combination has the df of its parts and not their sum. Limits are
    on the logit scale. Where a node takes the minimum of smooth parts, it has the estimate and the limits of
    `standings.least`.

    Parameters
    ----------
    published : Published
        Of one side.
    chosen : Plan
    measures : sequence of str, optional
        Indices and dimensions; by default the indices of which the release holds an item.
    side : Published, optional
        The same items over the whole side, one unit: its score is what bands are called against. Its covariance with
        the units is not published and counted as 0, which makes bands cautious. By default the mean of the units.
    level, band_level : float
    seed : int
        Of the draws behind bands and minima.

    Returns
    -------
    DataFrame
        `unit`, `measure`, `estimate`, `se`, `df`, `low`, `high`, `band`, `status`, `reason`; measures fastest. `band`
        is "above", "below" or "not_distinguishable", certain of all units at once, "" where none can be called.
        Reasons: `hidden_part` (an item it rests on is not shown there: no figure at all), `one_psu`, `no_spread`,
        `near_end`, `rough` (a minimum lies deeper, or a part of one has no spread: estimate without limits).

    Raises
    ------
    RequestError
        The release holds none of the items, a measure is unknown, or `side` is not one unit.
    """
    places = chosen.places(held(published, chosen) if measures is None else measures)
    shown = arranged(published, chosen.items)
    parts = scored(shown, chosen)
    figures = _figures(shown, chosen, places, parts, level=level, seed=seed)
    figures["band"] = np.column_stack(
        [line.band for line in lines_of(parts, chosen, places, side=side, level=band_level)]
    )
    names = np.array(chosen.nodes)[places]
    table = pd.DataFrame({"unit": np.repeat(shown.units, names.size), "measure": np.tile(names, len(shown.units))})
    return table.assign(**{name: figures[name].ravel() for name in _COLUMNS})


def _figures(
    shown: Published, chosen: Plan, places: Sequence[int], parts: Parts, *, level: float, seed: int
) -> dict[str, npt.NDArray[Any]]:
    """Estimates with their errors and limits, shape (units, measures)."""
    value, se, df = parts.at([len(chosen.items) + place for place in places])
    low, high = intervals(value, se, df, interval="logit", level=level, top=TOP)
    rough = ~chosen.tree.smooth[places]
    df[:, rough] = np.nan
    for column in map(int, np.flatnonzero(rough)):
        value[:, column], low[:, column], high[:, column] = _least(shown, chosen, places[column], parts, level, seed)
    reasons = {
        "hidden_part": np.isnan(value),
        "rough": rough & np.isnan(low),
        "one_psu": ~rough & (~(df > 0) | np.isnan(se)),
        "no_spread": ~rough & (se == 0),
        "near_end": ~rough & ((value <= 0) | (value >= TOP)),
    }
    reason = np.select(list(reasons.values()), list(reasons), default="").astype(object)
    for limit in (low, high):
        limit[reason != ""] = np.nan
    status = np.select([reason == "hidden_part", reason != ""], ["suppressed", "undefined"], default="ok")
    return {"estimate": value, "se": se, "df": df, "low": low, "high": high, "status": status, "reason": reason}


def _least(shown: Published, chosen: Plan, node: int, parts: Parts, level: float, seed: int) -> Floats:
    """Minimum of smooth parts, half-median-unbiased, and its limits, shape (3, units).

    Where a part is rough itself, or the node is a mean above a minimum, the plain value without limits.
    """
    tree = chosen.tree
    value = parts.value[:, tree.items + node]
    out = np.stack([value, np.full(value.size, np.nan), np.full(value.size, np.nan)])
    below = [part for part in tree.parts[node] if tree.weights[part] > 0]
    judged = ~np.isnan(value) & (parts.se[:, below] > 0).all(axis=1) & (parts.df[:, below] > 0).all(axis=1)
    if tree.aggregations[node] != "minimum":
        return out
    for unit in np.flatnonzero(judged):
        moved = parts.slopes[unit, below] * np.nan_to_num(shown.se[unit])
        spread = moved @ shown.correlation @ moved.T
        rng = np.random.Generator(np.random.PCG64([seed, int(unit)]))
        draws = studentised((spread + spread.T) / 2, parts.df[unit, below], count=COUNT, rng=rng)
        joint = Joint(parts.value[unit, below], draws, np.zeros(len(below), dtype=np.bool_))
        made = least(joint, level=level)
        out[:, unit] = np.clip([made.estimate, made.low, made.high], 0.0, TOP)
    return out


@dataclass(frozen=True, slots=True)
class Line:
    """What the bands of one measure are called by.

    Attributes
    ----------
    average : float
        Of the side; NaN where there is none.
    margin : ndarray of float, shape (units,)
        Distance from the average beyond which a unit is above or below it; NaN where it is not judged.
    band : ndarray of str, shape (units,)
        "" where it is not judged.
    """

    average: float
    margin: Floats
    band: npt.NDArray[np.object_]


def lines_of(parts: Parts, chosen: Plan, places: Sequence[int], *, side: Published | None, level: float) -> list[Line]:
    """By what the bands of each of these nodes are called."""
    at = [len(chosen.items) + place for place in places]
    columns = [tuple(figure[:, column] for figure in parts.at(at)) for column in range(len(at))]
    if side is None:
        averages = [_mean(*column) for column in columns]
    elif len(side.units) == 1:
        whole = scored(arranged(side, chosen.items), chosen).at(at)
        averages = list(zip(*(figure[0] for figure in whole), strict=True))
    else:
        raise RequestError(f"the side has {len(side.units)} units; give its items as those of one unit")
    return [_line(*column, average=average, level=level) for column, average in zip(columns, averages, strict=True)]


def _line(value: Floats, se: Floats, df: Floats, *, average: tuple[float, float, float], level: float) -> Line:
    """Bands by Holm's procedure, and the distance that its last step asks for: the same bands, as a margin."""
    band, margin = np.full(value.size, "", dtype=object), np.full(value.size, np.nan)
    own = _judged(value, se, df)
    middle, error, freedom = average
    if not (own.any() and np.isfinite(middle) and np.isfinite(error) and freedom > 0):
        return Line(float(middle), margin, band)
    joint = from_figures(value[own], se[own], df[own], seed=0, count=FEWEST_DRAWS)  # no draw is looked at
    band[own] = bands(joint, average=average, level=level)
    spread = np.diag(joint.draws.covariance)
    left = 2 * own.sum() - (band[own] != "not_distinguishable").sum()
    welch = (spread + error**2) ** 2 / (spread**2 / joint.draws.df + error**4 / freedom)
    margin[own] = stats.t.isf((1 - level) / left, welch) * np.sqrt(spread + error**2)
    return Line(float(middle), margin, band)


def _mean(value: Floats, se: Floats, df: Floats) -> tuple[float, float, float]:
    """Mean of the units that can be judged, its standard error and Satterthwaite's df; NaN of fewer than two."""
    own = _judged(value, se, df)
    if own.sum() < FEWEST:
        return np.nan, np.nan, np.nan
    spread = se[own] ** 2 / own.sum() ** 2
    whole = float(spread.sum())
    return float(value[own].mean()), whole**0.5, float(whole**2 / (spread**2 / df[own]).sum())


def _judged(value: Floats, se: Floats, df: Floats) -> Flags:
    return np.isfinite(value) & (se > 0) & (df > 0)
