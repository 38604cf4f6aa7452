"""What earlier waves say against an effect: placebos, and bounds where treated posts were on another path anyway."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import optimize, stats

from scoring.compare import adjusted
from scoring.design import Floats
from scoring.effects import FEWEST, Panel, welch
from scoring.errors import EstimationError, RequestError
from scoring.intervals import intervals
from scoring.staggered import Cohorts, Linear, aggregated

BOUNDS = (0.0, 0.5, 1.0, 1.5, 2.0)
FAR = 100.0  # times the largest earlier violation, beyond which a breakdown is not looked for


def placebo(panel: Panel, *, level: float = 0.95) -> pd.DataFrame:
    """Difference in mean change between posts to be treated later and never, between successive earlier waves.

    Parameters
    ----------
    panel : Panel
    level : float

    Returns
    -------
    DataFrame
        `since`, `wave`, `estimate`, `se`, `df` (Welch), `low`, `high`, `p`, `p_adjusted` (Holm), `treated`,
        `untreated`; one row for each two successive waves before a start with two posts of either kind, often none.
    """
    rows = []
    for place in range(1, len(panel.waves)):
        change = panel.score[:, place] - panel.score[:, place - 1]
        later = (panel.start > place) & panel.treated
        used = np.isfinite(change) & (later | (panel.start == len(panel.waves)))
        treated = later[used]
        if min(treated.sum(), (~treated).sum()) >= FEWEST:
            value, se, df = welch(change[used], treated)
            rows.append((*panel.waves[place - 1 : place + 1], value, se, df, treated.sum(), (~treated).sum()))
    table = pd.DataFrame(rows, columns=["since", "wave", "estimate", "se", "df", "treated", "untreated"])
    value, se, df = (table[name].to_numpy(dtype=np.float64) for name in ("estimate", "se", "df"))
    low, high = intervals(value, se, df, interval="t", level=level)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = np.asarray(2 * stats.t.sf(np.abs(value) / se, df), dtype=np.float64)
    return table.assign(low=low, high=high, p=p, p_adjusted=adjusted(p, adjust="holm"))


def event_times(found: Cohorts) -> tuple[tuple[int, ...], Linear]:
    """Effects by time since the intervention, as the bounds take them."""
    labels, events = aggregated(found, by="time")
    return tuple(int(time) for time in labels["time"]), events


def relative_magnitudes(
    times: Sequence[int],
    events: Linear,
    *,
    weights: Sequence[float] | None = None,
    bounds: Sequence[float] = BOUNDS,
    level: float = 0.95,
) -> pd.DataFrame:
    """Interval of an effect if treated posts may stray by up to M times the largest step they strayed by before.

    Steps are between successive waves: ``|d_{t+1} - d_t| <= M max_{s < -1} |d_{s+1} - d_s|`` for t >= -1, d the
    difference in trend, so that the effect ``l'tau`` is off by at most ``c M`` times that largest step, ``c = sum l_t
    (t + 1)``. Were it known which step is the largest, and its sign, ``l'b -/+ c M`` that step would be plain linear
    functions of the estimates with their own t limits; not knowing it, the widest of all these limits are taken.

    Parameters
    ----------
    times : sequence of int
        Times since the intervention: without gaps but for -1, the reference; at least one before it, one after.
    events : Linear
        Effects at these times.
    weights : sequence of float, optional
        l, of the times from 0; by default their mean. Not negative.
    bounds : sequence of float
        M, at least 0.
    level : float

    Returns
    -------
    DataFrame
        `bound`, `low`, `high`. At M = 0 it is the t interval.

    Notes
    -----
    The restriction is that of Rambachan and Roth (2023), Review of Economic Studies 90, 2555-2591, 2.4.1. Their
    interval inverts conditional tests, from normal estimates of known covariance, and is narrower; this one is the
    union of t limits, so it holds at least the level for every trend allowed, and for few posts too, whose covariance
    is estimated with few degrees of freedom.
    """
    weight, steps, _, reach = _arranged(times, weights)
    rows = []
    for bound in _refuse_negative(bounds):
        off = reach * bound * np.concatenate([steps, -steps])
        low, _ = _limits(events.of(weight - off), level)
        _, high = _limits(events.of(weight + off), level)
        rows.append((bound, low.min(), high.max()))
    return pd.DataFrame(rows, columns=["bound", "low", "high"])


def breakdown(
    times: Sequence[int], events: Linear, *, weights: Sequence[float] | None = None, level: float = 0.95
) -> float:
    """Largest M of `relative_magnitudes` whose interval leaves out 0; NaN where none does, inf beyond 100."""

    def nearest(bound: float) -> float:
        row = relative_magnitudes(times, events, weights=weights, bounds=[bound], level=level).iloc[0]
        return float(max(row["low"], -row["high"]))

    if not nearest(0.0) > 0:
        return float("nan")
    return float("inf") if nearest(FAR) > 0 else float(optimize.brentq(nearest, 0.0, FAR, xtol=1e-6))


def smoothness(
    times: Sequence[int],
    events: Linear,
    *,
    weights: Sequence[float] | None = None,
    bounds: Sequence[float],
    level: float = 0.95,
) -> pd.DataFrame:
    """Interval of an effect if the difference in trend goes on in a line, whose slope bends by at most M a wave.

    The last earlier step is continued, ``l'b - c (d_{-1} - d_{-2})``; the bend adds a bias of at most ``M sum l_t
    (t + 1)(t + 2) / 2``. Limits are the estimate -/+ h, with h such that a t value moved by the bias stays inside with
    probability `level`.

    Parameters
    ----------
    times, events, weights, level
        As in `relative_magnitudes`.
    bounds : sequence of float
        M, in points a wave a wave; 0 says that trends differ by a straight line.

    Returns
    -------
    DataFrame
        `bound`, `estimate`, `se`, `df`, `low`, `high`.

    Notes
    -----
    Rambachan and Roth (2023), 2.4.2 and 5, who choose the straight line with the shortest interval from all earlier
    waves, as R HonestDiD does; with few posts a choice by estimated errors would not keep the level, so it is fixed.
    Where their best is the last step, as in their example at M = 0.1, intervals are the same.
    """
    weight, _, last, reach = _arranged(times, weights)
    line = events.of((weight - reach * last)[None])
    (se,), (df,) = line.errors()
    value = float(line.values[0])
    if not se > 0:
        raise EstimationError("the earlier step has no spread between posts; there is no interval")
    kept = np.array([time for time in times if time >= 0])
    shares = weight[np.array(times) >= 0]
    rows = []
    for bound in _refuse_negative(bounds):
        bias = bound * float((shares * (kept + 1) * (kept + 2)).sum()) / 2
        half = se * _quantile(bias / se, float(df), level)
        rows.append((bound, value, se, df, value - half, value + half))
    return pd.DataFrame(rows, columns=["bound", "estimate", "se", "df", "low", "high"])


def _quantile(moved: float, df: float, level: float) -> float:
    """The h with ``P(|T + moved| <= h) = level``."""
    law = stats.norm if np.isinf(df) else stats.t(df)
    top = moved + float(law.isf((1 - level) / 2))
    return float(
        optimize.brentq(lambda h: law.cdf(h - moved) - law.cdf(-h - moved) - level, 0.0, top + 1.0, xtol=1e-12)
    )


def _arranged(times: Sequence[int], weights: Sequence[float] | None) -> tuple[Floats, Floats, Floats, float]:
    """Weights of the effect over all times, earlier steps as functions of the estimates, the last of them, and c."""
    order = list(times)
    before = [time for time in order if time < 0]
    after = [time for time in order if time >= 0]
    whole = list(range(min(order, default=0), max(order, default=0) + 1))
    if not before or not after or order != [time for time in whole if time != -1]:
        raise RequestError(f"times are {order}; give successive ones without -1, the reference, and at least -2 and 0")
    shares = np.full(len(after), 1 / len(after)) if weights is None else np.asarray(weights, dtype=np.float64)
    if shares.shape != (len(after),) or not (shares >= 0).all():
        raise RequestError(f"weights have to be {len(after)} numbers of 0 or more, one for each time from 0 on")
    levels = np.eye(len(order))[: len(before)]
    steps = np.diff(np.vstack([levels, np.zeros(len(order))]), axis=0)
    weight = np.concatenate([np.zeros(len(before)), shares])
    return weight, steps, steps[-1], float((shares * (np.array(after) + 1)).sum())


def _refuse_negative(bounds: Sequence[float]) -> Sequence[float]:
    wrong = [bound for bound in bounds if not (np.isfinite(bound) and bound >= 0)]
    if wrong:
        raise RequestError(f"bound is {wrong[0]:g}; give 0 or more")
    return bounds


def _limits(found: Linear, level: float) -> tuple[Floats, Floats]:
    se, df = found.errors()
    return intervals(found.values, se, df, interval="t", level=level)
