"""Estimates of items -> estimates of nodes that are no straight combination of them, by the delta method."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scoring.construction import build, gradients
from scoring.design import Floats
from scoring.errors import EstimationError
from scoring.estimates import Estimates
from scoring.framework import Framework
from scoring.joint import from_estimates
from scoring.nodes import lines
from scoring.normalisation import FULL
from scoring.standings import least


@dataclass(frozen=True, slots=True)
class Minimum:
    """Figures of one node in one cell by the joint bootstrap."""

    cell: int
    node: int
    estimate: float
    low: float
    high: float


def composites(items: Estimates, framework: Framework) -> Estimates:
    """Every index and dimension of each cell.

    Parameters
    ----------
    items : Estimates
        Of the items of the framework, in its order, shape (cells, items).
    framework : Framework

    Returns
    -------
    Estimates, shape (cells, nodes)
        Scores ``sum_i g_i u_i`` with the gradient g at the values of the cell, so weights differ from cell to cell.
        Those of a node that rests on a minimum are NaN: it has no derivative where two parts tie, and a delta
        interval of the minimum of six equal parts covers 87 % where it says 95 %.
    """
    tree, coverage = framework.arrays(), framework.minimum_answered
    slopes = gradients(items.values, tree, coverage=coverage)
    scores, mass = (np.empty((len(items.scores), len(tree.parts))) for _ in range(2))
    nominal = framework.loadings()
    for node, smooth in enumerate(tree.smooth):
        own = slopes[:, node] if smooth else np.broadcast_to(nominal[node], slopes[:, node].shape)
        mass[:, node] = (items.mass * np.abs(own)[items.cell]).sum(axis=1)
        scores[:, node] = (items.scores * own[items.cell]).sum(axis=1) if smooth else np.nan
    replicated = items.replicated
    if replicated is not None:
        replicated = np.where(tree.smooth, build(replicated, tree, coverage=coverage), np.nan)
    return replace(
        items,
        values=build(items.values, tree, coverage=coverage),
        scores=scores,
        mass=mass,
        replicated=replicated,
    )


def minima(estimates: Estimates, framework: Framework, *, level: float, seed: int) -> list[Minimum]:
    """Minima with the interval of intersection bounds, cell by cell, where every part has a known spread.

    Parameters
    ----------
    estimates : Estimates
        Of nodes, then items, as in `Framework.tree`.
    framework : Framework
    level : float
    seed : int
        Of the draws.

    Returns
    -------
    list of Minimum
        Nodes whose parts are smooth, and nodes of one such part; the estimate is half-median-unbiased, and so may
        differ from the least part (Chernozhukov, Lee and Rosen 2013).
    """
    tree = framework.arrays()
    first, found = len(tree.parts), dict[tuple[int, int], Minimum]()
    for node in tree.order:
        columns = [part + first if part < tree.items else part - tree.items for part in tree.parts[node]]
        for cell in range(len(estimates.values)):
            if tree.smooth[node]:
                continue
            if len(columns) == 1 and (cell, columns[0]) in found:
                found[cell, node] = replace(found[cell, columns[0]], node=node)
            elif tree.aggregations[node] == "minimum" and all(c >= first or tree.smooth[c] for c in columns):
                found |= _drawn(estimates, (cell, node), columns, level=level, seed=seed)
    return list(found.values())


def _drawn(
    estimates: Estimates, place: tuple[int, int], columns: Sequence[int], *, level: float, seed: int
) -> dict[tuple[int, int], Minimum]:
    try:
        joint = from_estimates(estimates, [(place[0], column) for column in columns], seed=seed)
    except EstimationError:  # a part without a figure, a spread or a df: the node stays without an interval
        return {}
    made = least(joint, level=level)
    return {place: Minimum(*place, *np.clip([made.estimate, made.low, made.high], 0.0, FULL).tolist())}


def stretched(framework: Framework) -> tuple[Floats, Floats]:
    """Slope and shift from a score over the range of a question to that of its normalisation, shape (k,).

    Of items, then indicators, which stay as they are.
    """
    of_range = [replace(item, normalisation="range") for item in framework.items]
    plain, wanted = (np.array(list(lines(items).values())).T for items in (of_range, framework.items))
    slope = wanted[0] / plain[0]
    beside = len(framework.indicators)
    return np.append(slope, np.ones(beside)), np.append(wanted[1] - slope * plain[1], np.zeros(beside))


def normalised(scores: Estimates, framework: Framework) -> tuple[Estimates, Floats]:
    """Scores over the ranges of their questions as the framework normalises them, cut at 0 and 100.

    Parameters
    ----------
    scores : Estimates
        Of items, then indicators, shape (cells, k).
    framework : Framework

    Returns
    -------
    Estimates
        Standard errors are those before the cut, which is the safe side: a cut brings values together.
    beyond : ndarray of float, shape (cells, k)
        By how much each passed the end at which it was cut.
    """
    slope, shift = stretched(framework)
    is_item = np.arange(slope.size) < len(framework.items)
    ends = np.where(is_item, 0.0, -np.inf), np.where(is_item, FULL, np.inf)
    values = slope * scores.values + shift
    inside = np.clip(values, *ends)
    replicated = None if scores.replicated is None else np.clip(slope * scores.replicated + shift, *ends)
    made = replace(scores, values=inside, scores=slope * scores.scores, replicated=replicated)
    return made, np.nan_to_num(values - inside)


def smooth(framework: Framework) -> npt.NDArray[np.bool_]:
    """Whether each index and dimension has a standard error, shape (nodes,)."""
    if framework.estimand == "mean_of_indices":
        return np.ones(len(framework.nodes), dtype=bool)  # a mean of whatever respondents have
    return framework.arrays().smooth
