"""What a figure lets one say: a change clear or not, no larger than so much, a target met; one code for each.

Word, colour and sentence of a page are made from these codes alone, so that they cannot contradict the test.
"""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from scoring.compare import Adjust, adjusted, apart, judgeable, p_values
from scoring.errors import RequestError
from scoring.intervals import intervals
from scoring.nodes import Direction

Reach = Literal["at_least", "at_most"]
Texts = npt.NDArray[np.object_]


def change_of_figures(
    first: npt.ArrayLike, second: npt.ArrayLike, *, level: float = 0.95, sampled: bool = True
) -> pd.DataFrame:
    """Change between figures of independent samples, or from a declared baseline: t and its two-sided p.

    Parameters
    ----------
    first, second : array_like of float, shape (m, 3)
        Estimate, standard error and df, inf where the error is known; a declared baseline is a number with se 0 and
        df inf.
    level : float
    sampled : bool
        Whether a standard error of 0 says that chance cannot be judged.

    Returns
    -------
    DataFrame
        `estimate`, `se`, `df`, `low`, `high`, `t`, `p`, `status`, `reason`, a row each; see `compare.apart`.
    """
    a, b = (np.atleast_2d(np.asarray(part, dtype=np.float64)) for part in (first, second))
    if a.shape != b.shape or a.shape[1] != 3:  # noqa: PLR2004 - estimate, se, df
        raise RequestError(f"figures have shapes {a.shape} and {b.shape}; give estimate, se and df of each, row by row")
    value = b[:, 0] - a[:, 0]
    se, df = apart(a[:, 1:].T, b[:, 1:].T)
    known, reason = judgeable(value, se, df, sampled=sampled)
    low, high = (np.where(known, limit, np.nan) for limit in intervals(value, se, df, interval="t", level=level))
    t = np.divide(value, se, out=np.full(value.shape, np.nan), where=known & (se > 0))
    return pd.DataFrame(
        {
            "estimate": value,
            "se": se,
            "df": df,
            "low": low,
            "high": high,
            "t": t,
            "p": p_values(value, se, np.where(known, df, np.nan)),
            "status": np.where(known, "ok", "undefined"),
            "reason": reason,
        }
    )


def equivalence(rows: pd.DataFrame, *, margin: float, adjust: Adjust = "none", level: float = 0.95) -> pd.DataFrame:
    """Whether changes are no larger than a margin d, by two one-sided tests, and the smallest d that could be claimed.

    ``p = max(P(T > (theta + d) / se), P(T > (d - theta) / se))``: rejected where the interval of level 1 - 2 alpha
    lies inside -d to d (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680). The smallest d
    is ``|theta| + t_{1 - alpha} se``: of this row alone, whatever the family.

    Parameters
    ----------
    rows : DataFrame
        Changes with `estimate`, `se`, `df`.
    margin : float
        d, above 0, in units of the estimates; stated before the figures are seen.
    adjust : str
        Over the family of all rows.
    level : float
        1 - alpha.

    Returns
    -------
    DataFrame
        `p_equivalent` (adjusted), `equivalent`, `claimable`, by the index of `rows`; NaN and False where chance cannot
        be judged.
    """
    if not (np.isfinite(margin) and margin > 0):
        raise RequestError(f"margin is {margin}; give the largest change that does not matter, above 0")
    value, se, df = rows[["estimate", "se", "df"]].to_numpy(dtype=np.float64).T
    known = np.isfinite(value) & (se > 0) & (df > 0)
    se, df = np.where(known, se, np.nan), np.where(known, df, np.nan)
    p = stats.t.sf((margin - np.abs(value)) / se, df)  # of the two the larger
    p = adjusted(np.where(known, p, np.nan), adjust=adjust)
    claimable = np.abs(value) + stats.t.ppf(level, df) * se
    made = {"p_equivalent": p, "equivalent": p < 1 - level, "claimable": claimable}
    return pd.DataFrame(made, index=rows.index)


def against_target(
    rows: pd.DataFrame, target: npt.ArrayLike, *, reach: Reach = "at_least", level: float = 0.95
) -> pd.DataFrame:
    """Whether a target is met: in how many of 100 redraws, and what the interval says.

    A redraw of the score is ``theta + t_df se``, for what runs from 0 to `top` on the logit scale, as its interval is.
    The share of redraws that meet the target is its exact limit, without draws. At the end of its interval a target is
    met in 2.5 or 97.5 of 100.

    Parameters
    ----------
    rows : DataFrame
        Scores with `estimate`, `se`, `df`, and `top`: the end of a scale from 0, NaN where there is none.
    target : array_like of float
        One for all rows, or one each.
    reach : {"at_least", "at_most"}
    level : float

    Returns
    -------
    DataFrame
        `target`, `met_in` (of 100), `low`, `high`, `verdict`: "met" (the whole interval meets it), "missed" (none of it
        does), "open", or "not_judged"; by the index of `rows`.
    """
    if reach not in get_args(Reach):
        raise RequestError(f"reach is {reach!r}; it may be {', '.join(get_args(Reach))}")
    value, se, df, top = rows[["estimate", "se", "df", "top"]].to_numpy(dtype=np.float64).T
    goal = np.broadcast_to(np.asarray(target, dtype=np.float64), value.shape)
    if not np.isfinite(goal).all():
        raise RequestError("a target is missing; give a number for every row")
    known = np.isfinite(value) & (se > 0) & (df > 0) & ~((value <= 0) | (value >= top))
    bounded = np.isfinite(top)
    straight, logit = (intervals(value, se, df, interval=kind, level=level, top=top) for kind in ("t", "logit"))
    low, high = (np.where(known, np.where(bounded, b, a), np.nan) for a, b in zip(straight, logit, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = value / top, np.clip(goal / top, 0.0, 1.0)
        on_logit = (np.log(p / (1 - p)) - np.log(q / (1 - q))) * p * (1 - p) * top / se
        distance = np.where(bounded, on_logit, (value - goal) / se)
    above = stats.t.cdf(distance, np.where(known, df, np.nan))
    met = above if reach == "at_least" else 1 - above
    tail = (1 - level) / 2
    verdict = np.select([~known, met >= 1 - tail, met <= tail], ["not_judged", "met", "missed"], default="open")
    made = {"target": goal, "met_in": 100 * met, "low": low, "high": high, "verdict": verdict.astype(object)}
    return pd.DataFrame(made, index=rows.index)


def verdict_of_change(rows: pd.DataFrame, directions: npt.ArrayLike) -> Texts:
    """One code a change: "better", "worse", "up", "down", "steady", "not_clear" or "not_judged".

    Parameters
    ----------
    rows : DataFrame
        With `estimate`, `clear`, `p`, and `equivalent` where equivalence was tested.
    directions : array_like of {"better", "worse", "ambiguous"}
        Whether more is better, row by row; what is ambiguous only goes up or down.

    Returns
    -------
    ndarray of str
        "steady" where it is equivalent: no larger than the stated margin, also where it is clear, since a clear change
        that small does not matter.
    """
    way = np.asarray(directions, dtype=object)
    unknown = [one for one in np.unique(way.astype(str)) if one not in get_args(Direction)]
    if unknown or way.shape != (len(rows),):
        raise RequestError(f"directions are better, worse or ambiguous, one for each of {len(rows)} rows")
    value = rows["estimate"].to_numpy(dtype=np.float64)
    clear = rows["clear"].to_numpy(dtype=np.bool_)
    steady = (
        rows["equivalent"].to_numpy(dtype=np.bool_) if "equivalent" in rows else np.zeros(len(rows), dtype=np.bool_)
    )
    good = np.where(way == "better", value > 0, value < 0)
    moved = np.select([way == "ambiguous", good], [np.where(value > 0, "up", "down"), "better"], default="worse")
    unjudged = ~np.isfinite(rows["p"].to_numpy(dtype=np.float64))
    return np.select([unjudged, steady, clear], ["not_judged", "steady", moved], default="not_clear").astype(object)
