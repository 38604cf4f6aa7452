"""What an intruder can still say of hidden counts when he takes every table together: the least and largest value.

People n and yes y of every share, weighted, additive along every line, shown ones within their rounding, hidden ones
free. The range of each hidden y is that of a linear programme, counted in people of the mean weight of its cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from scoring.design import Floats, Integers
from scoring.suppression import Line

Flags = npt.NDArray[np.bool_]
DRAWS = 4  # random directions tried together before a figure is looked at alone
DUST = 1e-6
BASE = 2.0  # a count shown to base 5 is within 2 of the truth


@dataclass(frozen=True, slots=True)
class Shares:
    """Every share of every table that a line ties to a hidden one.

    Attributes
    ----------
    figures : ndarray of int
        Numbers of its figures.
    n, people, share : ndarray of float
        Answers, the people they stand for, and the share as shown (0-1), of every figure.
    half : ndarray of float
        Half of the unit that the share is rounded to.
    hidden : ndarray of bool
    lines : sequence of Line
        Over positions in `figures`.
    """

    figures: Integers
    n: Floats
    people: Floats
    share: Floats
    half: Floats
    hidden: Flags
    lines: Sequence[Line]


def cornered(shares: Shares, *, fewest: int) -> Integers:
    """Positions of hidden figures whose number of yes has fewer than `fewest` possible values."""
    size, lines = shares.hidden.size, len(shares.lines)
    wanted = np.flatnonzero(shares.hidden)
    if not wanted.size:
        return wanted
    width = 2 * (size + lines)  # n of figures and left over parts, then y of them
    rows = [
        optimize.LinearConstraint(_additive(shares, width), 0.0, 0.0),
        optimize.LinearConstraint(_within(shares, width), -np.inf, 0.0),
    ]
    bounds = optimize.Bounds(*_bounds(shares).T)
    least, most = np.full(size, np.inf), np.full(size, -np.inf)
    weight = np.where(shares.n > 0, shares.people / np.maximum(shares.n, 1.0), 1.0)

    def look(positions: Integers, signs: Floats) -> None:
        cost = np.zeros(width)
        cost[size + lines + positions] = signs
        found = optimize.milp(cost, bounds=bounds, constraints=rows)  # no whole numbers: a linear programme
        if found.x is not None:
            y = found.x[size + lines :][:size]
            np.minimum(least, y / weight, out=least)
            np.maximum(most, y / weight, out=most)

    chance = np.random.Generator(np.random.PCG64(size))
    for draw in range(DRAWS):
        signs = np.ones(wanted.size) if draw == 0 else chance.choice([-1.0, 1.0], wanted.size)
        look(wanted, signs)
        look(wanted, -signs)
    block = _blocks(shares)[wanted]
    left = ~(most[wanted] - least[wanted] >= fewest - 1)
    while left.any():  # one of each block at a time, in one programme: blocks share nothing
        places = np.flatnonzero(left)
        _, first = np.unique(block[places], return_index=True)
        now = places[first]
        look(wanted[now], np.ones(now.size))
        look(wanted[now], -np.ones(now.size))
        left[now] = False
        left &= ~(most[wanted] - least[wanted] >= fewest - 1)
    caught: Integers = wanted[~(most[wanted] - least[wanted] >= fewest - 1 - DUST)]
    return caught


def _blocks(shares: Shares) -> Integers:
    """Number of the connected set of figures that each belongs to."""
    total = np.concatenate([np.full(line.parts.size, line.total) for line in shares.lines])
    part = np.concatenate([line.parts for line in shares.lines])
    graph = sparse.csr_array((np.ones(part.size), (total, part)), shape=(shares.hidden.size,) * 2)
    return np.asarray(sparse.csgraph.connected_components(graph, directed=False)[1])


def _additive(shares: Shares, width: int) -> "sparse.csr_array[np.float64]":
    """Each total less its parts and what belongs to none is 0, for n and for y."""
    size = shares.hidden.size
    lines = len(shares.lines)
    rows, columns, values = [], [], []
    for row, line in enumerate(shares.lines):
        entries = np.concatenate([[line.total], line.parts, [size + row]])
        signs = np.concatenate([[1.0], -np.ones(line.parts.size + 1)])
        for block in (0, 1):
            rows.append(np.full(entries.size, row + block * lines))
            columns.append(entries + block * (size + lines))
            values.append(signs)
    empty: list[npt.NDArray[np.generic]] = [np.zeros(0)]
    where = np.concatenate(rows or empty).astype(np.int64), np.concatenate(columns or empty).astype(np.int64)
    return sparse.csr_array((np.concatenate(values or empty), where), shape=(2 * lines, width))


def _within(shares: Shares, width: int) -> "sparse.csr_array[np.float64]":
    """Y <= n everywhere; of shown figures y / n rounds to the share."""
    whole = width // 2
    every = np.arange(whole)
    shown = np.flatnonzero(~shares.hidden)
    high = shares.share[shown] + shares.half[shown]
    low = shares.share[shown] - shares.half[shown]
    blocks = [
        (every, -np.ones(whole), np.ones(whole)),
        (shown, -high, np.ones(shown.size)),
        (shown, low, -np.ones(shown.size)),
    ]
    rows, columns, values, start = [], [], [], 0
    for places, of_n, of_y in blocks:
        row = np.arange(start, start + places.size)
        rows += [row, row]
        columns += [places, places + whole]
        values += [of_n, of_y]
        start += places.size
    where = np.concatenate(rows), np.concatenate(columns)
    return sparse.csr_array((np.concatenate(values), where), shape=(start, width))


def _bounds(shares: Shares) -> Floats:
    size, lines = shares.hidden.size, len(shares.lines)
    people = shares.people
    with np.errstate(invalid="ignore", divide="ignore"):
        doubt = np.where(shares.n > 0, BASE / shares.n * people, 0.0)  # n is shown to base 5
    low = np.where(shares.hidden, 0.0, np.maximum(people - doubt, 0.0))
    ample = 2.0 * people.sum() + 1.0  # an end, so that no programme runs away
    high = np.where(shares.hidden, ample, np.minimum(people + doubt, ample))
    free = np.full(lines, ample)
    none = np.array([0.0 if line.left_over == 0 else ample for line in shares.lines])
    n = np.column_stack([np.append(low, np.zeros(lines)), np.append(high, none)])
    y = np.column_stack([np.zeros(size + lines), np.append(np.full(size, ample), free)])
    return np.vstack([n, y])
