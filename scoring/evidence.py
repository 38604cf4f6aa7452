"""What the mask asks of any group of interviews: how many, from how many, and what they leave certain."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.cells import by_cell
from scoring.design import Floats, Integers

Counts = npt.NDArray[Any]
DUST = 1e-9


@dataclass(frozen=True, slots=True)
class Groups:
    """Interviews of some groups, by PSU: the cells of a table, or what is left of a total less its shown parts.

    Attributes
    ----------
    group, psu : ndarray of int, shape (pairs,)
        Non-empty (group, PSU) pairs, sorted by group.
    count : ndarray of int, shape (pairs, k)
        Unweighted answers.
    base, total : ndarray of float, shape (pairs, k)
        N = sum w r and T = sum w r x, x on 0-100 or, of an amount, in its unit.
    square : ndarray of float, shape (groups, k)
        Sum w r x^2.
    largest : ndarray of float, shape (groups, k, 2)
        The two largest contributions w x of amounts; NaN for what is no amount.
    seen : DataFrame with `cell`, `who`, `n`, or None
        Interviews of each interviewer in each group; None where the design names none.
    size : int
        Groups.
    """

    group: Integers
    psu: Integers
    count: Counts
    base: Floats
    total: Floats
    square: Floats
    largest: Floats
    seen: pd.DataFrame | None
    size: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Facts about each group and column, shape (groups, k).

    Attributes
    ----------
    n, shifts : ndarray of int
    shift_share, interviewer_share : ndarray of float
        Largest share of one shift in the answers, of one interviewer in the interviews.
    interviewers : ndarray of int
        -1 where the design names none.
    above, below : ndarray of float
        How far the answers lie above the lowest and below the highest possible one, summed over people, in steps of
        the scale: of a share, the number of yes and of no. NaN for amounts.
    above_rest, below_rest : ndarray of float
        The same without the shift that contributes most: what is left to somebody who remembers that shift.
    spread : ndarray of float
        Sum of squared distances from the mean, in steps of the scale: 0 where all answered alike. NaN for amounts.
    variation : ndarray of float
        Standard deviation of an amount as a share of its mean; 0 where all gave the same, none included.
    leading : ndarray of float
        Share of the two largest contributions in an amount, NaN elsewhere.
    margin : ndarray of float
        By how much, as a share of it, the largest contribution to an amount stays uncertain to somebody who knows a
        whole other shift; NaN elsewhere.
    """

    n: Counts
    shifts: Counts
    shift_share: Floats
    interviewers: Counts
    interviewer_share: Floats
    above: Floats
    below: Floats
    above_rest: Floats
    below_rest: Floats
    spread: Floats
    variation: Floats
    leading: Floats
    margin: Floats

    def weakest(self, parts: Sequence[npt.NDArray[np.bool_]]) -> "Evidence":
        """Of each composite what its weakest part has, shape (groups, m)."""
        most = {"shift_share", "interviewer_share", "leading"}  # the more, the weaker
        return Evidence(
            **{
                field.name: np.column_stack(
                    [
                        (np.fmax if field.name in most else np.fmin).reduce(getattr(self, field.name)[:, part], axis=1)
                        for part in parts
                    ]
                )
                for field in fields(self)
            }
        )


def gather(groups: Groups, *, steps: Floats) -> Evidence:
    """Facts of each group and column.

    Parameters
    ----------
    groups : Groups
    steps : ndarray of float, shape (k,)
        Steps of each scale (1 for shares, 4 for answers from 1 to 5); NaN for amounts.
    """
    n = _sum(groups, groups.count)
    shifts = _sum(groups, (groups.count > 0).astype(np.int64))
    above, below = heights(groups, steps)
    sums = [_sum(groups, part) for part in (above, below)]
    peaks = [by_cell(np.maximum, groups.group, part, groups.size) for part in (above, below)]
    # an answer counts once however it was rounded: sums of weights are not whole, sums of answers are
    totals = [np.where(np.isfinite(steps), np.round(part, 6), np.nan) for part in sums]
    interviewers, share = _interviewers(groups)
    whole = _sum(groups, groups.total)
    peak = by_cell(np.maximum, groups.group, groups.total, groups.size)
    variance, mean = _moments(groups)
    known = np.isfinite(steps)
    with np.errstate(invalid="ignore", divide="ignore"):
        first = groups.largest[:, :, 0]
        return Evidence(
            n=n,
            shifts=shifts,
            shift_share=np.where(n > 0, by_cell(np.maximum, groups.group, groups.count, groups.size) / n, 1.0),
            interviewers=np.repeat(interviewers[:, None], n.shape[1], axis=1),
            interviewer_share=np.repeat(share[:, None], n.shape[1], axis=1),
            above=totals[0],
            below=totals[1],
            above_rest=np.round(totals[0] - peaks[0], 6),
            below_rest=np.round(totals[1] - peaks[1], 6),
            spread=np.where(known, np.round(n * variance * (steps / 100.0) ** 2, 6), np.nan),
            variation=np.where(known, np.nan, np.where(mean > 0, np.sqrt(variance) / mean, 0.0)),
            leading=np.nansum(groups.largest, axis=2) / np.where(np.isfinite(first), whole, np.nan),
            margin=np.where(first > 0, (whole - peak - first) / first, np.where(np.isfinite(first), 1.0, np.nan)),
        )


def heights(groups: Groups, steps: Floats) -> tuple[Floats, Floats]:
    """Steps above the lowest and below the highest answer of each (group, PSU) pair; 0 for amounts.

    Exact where the interviews of a shift share one weight, else the weighted mean times the number.
    """
    known = np.isfinite(steps)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where((groups.base > 0) & known, groups.total / groups.base / 100.0, 0.0)
    top = np.where(known, groups.count * np.nan_to_num(steps), 0.0)
    above = np.clip(share, 0.0, 1.0) * top
    return above, top - above


def _moments(groups: Groups) -> tuple[Floats, Floats]:
    """Weighted variance and mean of each group and column; dust is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        base = _sum(groups, groups.base)
        mean, square = _sum(groups, groups.total) / base, groups.square / base
        variance = square - mean**2
        return np.where(variance > DUST * square, variance, 0.0), mean


def _sum(groups: Groups, values: Counts) -> Counts:
    return by_cell(np.add, groups.group, values, groups.size)


def _interviewers(groups: Groups) -> tuple[Counts, Floats]:
    if groups.seen is None:
        return np.full(groups.size, -1), np.full(groups.size, np.nan)
    held = groups.seen[groups.seen["n"] > 0].groupby("cell")["n"].agg(["size", "max", "sum"])
    held = held.reindex(range(groups.size), fill_value=0)
    share = held["max"] / held["sum"].clip(lower=1)
    return held["size"].to_numpy(), share.to_numpy(dtype=np.float64)
