"""Which figures to hide besides those that the rules hide, so that none can be worked out: one integer programme.

Notation: h = 1 where a figure is hidden. A *line* is a total with the parts it is broken down into (a side and its
posts, a post and its user groups) and, where somebody belongs to none of them, a part that is never shown. What a
reader can work out of a line is the total less its shown parts; so that must never be one hidden figure alone, nor a
small group.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from scoring.design import Floats, Integers
from scoring.errors import EstimationError

Flags = npt.NDArray[np.bool_]
PATIENCE = 60.0  # seconds for one programme; its best answer so far is used then, and it is safe
GAP = 1e-3
ROUNDS = 8  # of cuts, before everything around a figure that stays in danger is hidden


@dataclass(frozen=True, slots=True)
class Line:
    """A total and its parts, as numbers of figures.

    Attributes
    ----------
    total : int
    parts : ndarray of int
    left_over : int
        People of the total who belong to none of the parts.
    """

    total: int
    parts: Integers
    left_over: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be solved.

    Attributes
    ----------
    n : ndarray of int, shape (figures,)
        People behind each figure.
    cost : ndarray of float, shape (figures,)
        What is lost where a figure is hidden.
    hidden : ndarray of bool, shape (figures,)
        Figures that are hidden anyway.
    lines : sequence of Line
    wholes : sequence of (int, ndarray of int)
        A composite figure and its parts: hidden where one of them is.
    fewest : int
        People that what remains of a total must hold.
    """

    n: Integers
    cost: Floats
    hidden: Flags
    lines: Sequence[Line]
    wholes: Sequence[tuple[int, Integers]]
    fewest: int


Rows = list[tuple[Integers, Floats, float]]  # figures, coefficients, lower limit
Check = Callable[[Flags], list[Integers]]


def solve(problem: Problem, check: Check) -> Flags:
    """Hide as little as possible so that every line is safe and `check` finds nothing.

    Parameters
    ----------
    problem : Problem
    check : callable
        Given a pattern, returns sets of figures; of each set one more must be hidden than the pattern hides. It sees
        what no linear rule can say (shifts, interviewers, yes and no of what remains). Called until it returns nothing.

    Raises
    ------
    EstimationError
        If the solver fails.

    Notes
    -----
    Complementary suppression as in Fischetti and Salazar-Gonzalez (2001), Management Science 47: a master problem, to
    which cuts are added for each pattern that an intruder would beat.
    """
    rows = _line_rows(problem) + _whole_rows(problem)
    hidden = _programme(problem, rows)
    for count in itertools.count(1):
        opened = [cut[~hidden[cut]] for cut in check(hidden)]
        opened = [cut for cut in opened if cut.size]
        if not opened:
            return hidden
        # a cut asks for one more whatever else is hidden then: a little more than needed, never less
        rows += [(cut, np.ones(cut.size), 1.0) for cut in opened]
        if count % ROUNDS == 0:  # patience is out: hide all that was asked about
            problem.hidden[np.concatenate(opened)] = True
        hidden = _programme(problem, rows)
    raise AssertionError


def _line_rows(problem: Problem) -> Rows:
    rows: Rows = []
    n, fewest = problem.n, problem.fewest
    for line in problem.lines:
        parts = line.parts[n[line.parts] > 0]
        for part in parts:  # a hidden part has a hidden companion, or its total is hidden
            others = parts[parts != part]
            if line.left_over == 0:
                rows.append((np.append(others, [line.total, part]), np.append(np.ones(others.size + 1), -1.0), 0.0))
            weights = np.minimum(n[parts], fewest).astype(np.float64)
            own = weights.copy()
            own[parts == part] -= fewest
            rows.append((np.append(parts, line.total), np.append(own, fewest), -min(line.left_over, fewest)))
        if line.left_over:
            weights = np.minimum(n[parts], fewest).astype(np.float64)
            need = fewest - min(line.left_over, fewest)
            rows.append((np.append(parts, line.total), np.append(weights, fewest), need))
        elif parts.size:  # a hidden total is not the sum of shown parts
            rows.append((np.append(parts, line.total), np.append(np.ones(parts.size), -1.0), 0.0))
    return rows


def _whole_rows(problem: Problem) -> Rows:
    return [(np.array([whole, part]), np.array([1.0, -1.0]), 0.0) for whole, parts in problem.wholes for part in parts]


def _programme(problem: Problem, rows: Rows) -> Flags:
    """Solve the programme, one component at a time: waves and sides share no line."""
    size = problem.n.size
    lengths = [row[0].size for row in rows]
    where = np.repeat(np.arange(len(rows)), lengths)
    figure = np.concatenate([row[0] for row in rows]) if rows else np.zeros(0, dtype=np.int64)
    values = np.concatenate([row[1] for row in rows]) if rows else np.zeros(0)
    matrix = sparse.csr_array((values, (where, figure)), shape=(len(rows), size))
    limits = np.array([row[2] for row in rows])
    hidden = problem.hidden.copy()
    graph = sparse.csr_array((np.ones(figure.size), (figure, size + where)), shape=(size + len(rows),) * 2)
    component = sparse.csgraph.connected_components(graph, directed=False)[1]
    broken = np.flatnonzero(matrix @ hidden.astype(np.float64) < limits - 1e-9)
    for number in np.unique(component[size + broken]):
        figures = np.flatnonzero(component[:size] == number)
        own = np.flatnonzero(component[size:] == number)
        hidden[figures] = _solved(problem.cost[figures], problem.hidden[figures], matrix[own][:, figures], limits[own])
    return hidden


def _solved(cost: Floats, hidden: Flags, matrix: "sparse.csr_array[np.float64]", limits: Floats) -> Flags:
    found = optimize.milp(
        cost,
        integrality=np.ones(cost.size, dtype=np.int64),
        bounds=optimize.Bounds(hidden.astype(np.float64), np.ones(cost.size)),
        constraints=optimize.LinearConstraint(matrix, lb=limits),
        options={"time_limit": PATIENCE, "mip_rel_gap": GAP},
    )
    if found.x is None:
        raise EstimationError(f"the mask could not be solved ({found.message}); publish fewer tables at once")
    return np.asarray(np.round(found.x) == 1)
