"""Quantiles of microdata by domain, with Woodruff, score or replicate intervals."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import stats

from scoring.cells import Column, Values
from scoring.design import Floats, Integers
from scoring.errors import RequestError
from scoring.estimates import Estimates, Sample, variance
from scoring.figures import Rules
from scoring.intervals import Interval, intervals
from scoring.quantile_rules import QuantileRule, sorted_quantile
from scoring.replication import spread
from scoring.variables import Quantile

QuantileInterval = Literal["t", "normal", "logit", "beta", "xlogit", "asin", "score", "replicate"]
Shares = Callable[[list[Column]], Estimates]  # means of columns by cell, with their scores
_OF_SHARE: tuple[Interval, ...] = ("t", "normal", "logit", "beta", "xlogit", "asin")


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Answers of one variable within each cell, smallest first."""

    x: Floats
    w: Floats
    row: Integers
    starts: Integers  # of each cell, and the end

    def of_cell(self, cell: int) -> slice:
        return slice(self.starts[cell], self.starts[cell + 1])


def quantile_figures(
    asked: Quantile,
    cells: tuple[Integers, int],
    w: Floats,
    shares: Shares,
    sample: Sample,
    *,
    rule: QuantileRule,
    interval: QuantileInterval,
    rules: Rules,
) -> pd.DataFrame:
    """Figures of the contract for the quantiles of one variable, one row per cell and share, with `cell` and `row`.

    The interval of the share of answers at or below the estimate is turned back into answers (Woodruff 1952; R survey
    `svyquantile`); a limit of the share outside 0 to 1 has no answer and is missing. The standard error is the width
    of the interval in units of twice its t quantile.

    Parameters
    ----------
    asked : Quantile
    cells : pair
        The cell of each row, -1 outside, and the number of cells.
    w : ndarray of float, shape (rows,)
    shares : callable
        Means of columns by cell.
    interval : {"t", "normal", "logit", "beta", "xlogit", "asin", "score", "replicate"}
        "score" inverts the test of the share (Francisco and Fuller 1991), "replicate" repeats the quantile.
    """
    if interval not in get_args(QuantileInterval):
        raise RequestError(f"quantile interval is {interval!r}; it may be {', '.join(get_args(QuantileInterval))}")
    code, size = cells
    given = _sorted(asked, code, size, w)
    p = np.array(asked.shares)
    q = np.array([sorted_quantile(given.x[part], given.w[part], p, rule=rule) for part in _parts(given)])
    at = _at_or_below(asked, code, q)
    found = shares(at)
    n = np.diff(given.starts)[:, None] * np.ones(p.size)
    df = np.where(np.isnan(q), 0.0, variance(found).df(rules.df))
    if interval == "replicate":
        low, high, se = _repeated(given, q, p, df, sample, rule=rule, rules=rules)
    else:
        if interval == "score":
            low, high = _inverted(given, asked, code, _critical(df, rules.level), shares)
        else:
            low, high = _turned_back(given, found, n, df, rule=rule, interval=interval, rules=rules)
        se = (high - low) / (2 * _critical(df, rules.level, normal=interval == "normal"))
    rows = _rows(q, se, df, low, high, n)
    return rows.assign(row=[asked.rows[place] for place in rows["column"]])


def _rows(q: Floats, se: Floats, df: Floats, low: Floats, high: Floats, n: Floats) -> pd.DataFrame:
    empty = np.isnan(q)
    reasons = {
        "no_answers": empty,
        "one_psu": df <= 0,
        "open_end": np.isnan(low) | np.isnan(high),
        "no_spread": low == high,
    }
    reason = np.select(list(reasons.values()), list(reasons), "")
    figures = {"estimate": q, "se": se, "df": df, "low": low, "high": high, "n": n.astype(np.int64)}
    rows = pd.DataFrame({name: values.ravel() for name, values in figures.items()})
    return rows.assign(
        n_eff=np.nan,
        deff=np.nan,
        status=np.where(empty | (df <= 0), "undefined", "ok").ravel(),
        reason=reason.ravel().astype(object),
        cell=np.repeat(np.arange(len(q)), q.shape[1]),
        column=np.tile(np.arange(q.shape[1]), len(q)),
    )


def _critical(df: Floats, level: float, *, normal: bool = False) -> Floats:
    t = stats.t.ppf((1 + level) / 2, np.where(df > 0, df, np.nan))
    return np.where(df > 0, stats.norm.ppf((1 + level) / 2), np.nan) if normal else np.asarray(t)


def _sorted(asked: Quantile, code: Integers, size: int, w: Floats) -> _Sorted:
    inside = np.flatnonzero((code >= 0) & (w != 0) & ~np.isnan(asked.values))
    row = inside[np.lexsort((asked.values[inside], code[inside]))]
    starts = np.searchsorted(code[row], np.arange(size + 1))
    return _Sorted(asked.values[row], w[row], row, starts)


def _parts(given: _Sorted) -> list[slice]:
    return [given.of_cell(cell) for cell in range(given.starts.size - 1)]


def _at_or_below(asked: Quantile, code: Integers, bounds: Floats) -> list[Column]:
    """One column a share: whether each answer is at or below the bound of its own cell, bounds (cells, shares)."""
    r = ~np.isnan(asked.values)

    def column(place: int) -> Column:
        def values() -> Values:
            below = np.zeros(r.size)
            inside = (code >= 0) & r
            below[inside] = asked.values[inside] <= bounds[code[inside], place]
            return below, None, r

        return Column(asked.rows[place].measure, values)

    return [column(place) for place in range(bounds.shape[1])]


def _turned_back(
    given: _Sorted,
    found: Estimates,
    n: Floats,
    df: Floats,
    *,
    rule: QuantileRule,
    interval: QuantileInterval,
    rules: Rules,
) -> tuple[Floats, Floats]:
    """Limits of the share turned back into answers."""
    kind = next(known for known in _OF_SHARE if known == interval)
    se = np.sqrt(variance(found).variance)
    limits = intervals(found.values, se, df, interval=kind, level=rules.level, n=n)
    inside = [np.where((limit >= 0) & (limit <= 1), limit, np.nan) for limit in limits]
    low, high = (
        np.array(
            [
                sorted_quantile(given.x[part], given.w[part], limit[cell], rule=rule)
                for cell, part in enumerate(_parts(given))
            ]
        )
        for limit in inside
    )
    return low, high


def _repeated(
    given: _Sorted, q: Floats, p: Floats, df: Floats, sample: Sample, *, rule: QuantileRule, rules: Rules
) -> tuple[Floats, Floats, Floats]:
    """The quantile of each replicate, and a symmetric t interval from their spread."""
    if sample.replicates is None:
        raise RequestError(
            "quantile interval 'replicate' needs replicates; give replicate weights, or another interval"
        )
    unit = sample.units.row_unit[given.row]
    again = [
        sorted_quantile(given.x[part], sample.replicates.multipliers[unit[part]].T * given.w[part], p, rule=rule)
        for part in _parts(given)
    ]
    se = np.sqrt(spread(q, np.stack(again, axis=1), sample.replicates)[0])
    half = _critical(df, rules.level) * se
    return q - half, q + half, se


def _inverted(
    given: _Sorted, asked: Quantile, code: Integers, critical: Floats, shares: Shares
) -> tuple[Floats, Floats]:
    """Answers between which the test of the share does not reject, found by bisection over the sorted answers."""
    p = np.array(asked.shares)
    limits = []
    for sign in (1.0, -1.0):
        below = np.repeat(given.starts[:-1, None], p.size, axis=1)
        above = np.repeat(np.maximum(given.starts[1:, None] - 1, 0), p.size, axis=1)
        while (below < above).any():
            middle = (below + above) // 2
            bounds = given.x[np.minimum(middle, max(given.x.size - 1, 0))]
            found = shares(_at_or_below(asked, code, bounds))
            se = np.sqrt(variance(found).variance)
            with np.errstate(invalid="ignore", divide="ignore"):
                still = (p - found.values) / se > sign * critical  # the share above is larger than it may be
            below, above = np.where(still & (below < above), middle + 1, below), np.where(still, above, middle)
        limits.append(np.where(np.isnan(critical), np.nan, given.x[np.minimum(below, max(given.x.size - 1, 0))]))
    return limits[0], limits[1]
