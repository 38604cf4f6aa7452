"""What an intruder can still say of hidden counts when he takes every table together: the least and largest value.

People n and yes y of every share, weighted, additive along every line, shown ones within their rounding, hidden ones
free. The range of each hidden y is that of a linear programme, cut at what he remembers of one shift, and counted in
people of the mean weight of its cell; of an item y counts the steps of its scale above the lowest answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from scoring.design import Floats, Integers
from scoring.mask.suppression import Line

Flags = npt.NDArray[np.bool_]
DRAWS = 4  # random directions tried together before a figure is looked at alone
DUST = 1e-6
BASE = 2.0  # a count shown to base 5 is within 2 of the truth


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares, and items as shares of the way up their scale, of tables that lines tie together.

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
    steps : ndarray of float
        Steps of the scale: 1 of a share.
    yes, no : ndarray of float
        People (of an item, parts of people) above the lowest and below the highest answer in the shift that has most of
        them: what is remembered of a hidden figure at most, so that no fewer are held possible.
    """

    figures: Integers
    n: Floats
    people: Floats
    share: Floats
    half: Floats
    hidden: Flags
    lines: Sequence[Line]
    steps: Floats
    yes: Floats
    no: Floats

    def of(self, figures: Integers, hidden: Flags, lines: Sequence[Line]) -> "Shares":
        """Some of the figures, some of them hidden, with the lines over their positions."""
        names = ("figures", "n", "people", "share", "half", "steps", "yes", "no")
        return Shares(**{name: getattr(self, name)[figures] for name in names}, hidden=hidden[figures], lines=lines)


def cornered(shares: Shares, *, fewest: int) -> Integers:
    """Positions of hidden figures whose number of yes, or of steps, has fewer than `fewest` possible values."""
    wanted = np.flatnonzero(shares.hidden)
    if not wanted.size:
        return wanted
    reach = _Reach(shares)
    chance = np.random.Generator(np.random.PCG64(shares.hidden.size))
    for draw in range(DRAWS):
        signs = np.ones(wanted.size) if draw == 0 else chance.choice([-1.0, 1.0], wanted.size)
        reach.look(wanted, signs)
        reach.look(wanted, -signs)
    block = _blocks(shares)
    open_ = wanted[reach.width[wanted] < fewest - 1]
    caught: list[int] = []
    while open_.size:  # one of each block at a time, in one programme: blocks share nothing
        inside = np.isin(block, block[open_])
        if inside.sum() <= reach.size / 2:
            reach = reach.within(inside)
        _, first = np.unique(block[open_], return_index=True)
        now = open_[first]
        reach.look(now, np.ones(now.size))
        reach.look(now, -np.ones(now.size))
        caught += now[reach.width[now] < fewest - 1 - DUST].tolist()
        left = np.setdiff1d(open_, now)
        open_ = left[reach.width[left] < fewest - 1]
    return np.array(sorted({*caught, *_forced(shares, block)}), dtype=np.int64)


def _forced(shares: Shares, block: Integers) -> list[int]:
    """Hidden figures of people who all answered alike, to whoever knows by the roster how many they are.

    No step away from the end is left to them: then each answer is known, however many there are.
    """
    low, high = shares.share <= shares.half, shares.share >= 1 - shares.half
    open_ = np.flatnonzero(shares.hidden & (shares.n > 0) & (low | high))
    if not open_.size:
        return []
    inside = np.isin(block, block[open_])
    reach = _Reach(shares, roster=True).within(inside)
    forced = []
    while open_.size:
        _, first = np.unique(block[open_], return_index=True)
        now = open_[first]
        reach.look(now, np.where(low[now], -1.0, 1.0))
        room = np.where(low[now], reach.most[now], reach.top[now] - reach.least[now])
        forced += now[room < 1 - DUST].tolist()
        open_ = np.setdiff1d(open_, now)
    return forced


class _Reach:
    """The least and the largest y found of each figure, in steps of the scale of one person of mean weight."""

    def __init__(self, shares: Shares, places: Integers | None = None, *, roster: bool = False) -> None:
        self._shares, self._roster = shares, roster
        self.size, self._lines = shares.hidden.size, len(shares.lines)
        self._places = np.arange(self.size) if places is None else places  # in what the caller numbers
        columns = 2 * (self.size + self._lines)  # n of figures and left over parts, then y of them
        self._rows = [
            optimize.LinearConstraint(_additive(shares, columns), 0.0, 0.0),
            optimize.LinearConstraint(_within(shares, columns), -np.inf, 0.0),
        ]
        self._bounds = optimize.Bounds(*_bounds(shares, roster=roster).T)
        self._weight = np.where(shares.n > 0, shares.people / np.maximum(shares.n, 1.0), 1.0) / shares.steps
        size = int(self._places.max(initial=-1)) + 1
        self.least, self.most, self.top = np.full(size, np.inf), np.full(size, -np.inf), np.zeros(size)
        self.top[self._places] = shares.people / self._weight

    @property
    def width(self) -> Floats:
        """How far apart the two are, by the numbers of the caller."""
        return np.asarray(self.most - self.least)

    def look(self, figures: Integers, signs: Floats) -> None:
        """Move some figures up or down, as far as they go together."""
        cost = np.zeros(2 * (self.size + self._lines))
        cost[self.size + self._lines + np.searchsorted(self._places, figures)] = signs
        found = optimize.milp(cost, bounds=self._bounds, constraints=self._rows)  # no whole numbers: linear
        if found.x is not None:
            y = np.maximum(found.x[self.size + self._lines :][: self.size], self._shares.yes) / self._weight
            self.least[self._places] = np.minimum(self.least[self._places], y)
            self.most[self._places] = np.maximum(self.most[self._places], y)

    def within(self, inside: Flags) -> "_Reach":
        """The same of some blocks alone; what was found of them stands."""
        places = np.flatnonzero(inside)
        mine = np.searchsorted(self._places, places)
        old = self._shares
        lines = [
            Line(int(np.searchsorted(mine, line.total)), np.searchsorted(mine, line.parts), line.left_over)
            for line in old.lines
            if inside[self._places[line.total]]
        ]
        out = _Reach(old.of(mine, old.hidden, lines), places, roster=self._roster)
        out.least[places], out.most[places] = self.least[places], self.most[places]
        return out


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


def _bounds(shares: Shares, *, roster: bool) -> Floats:
    """Limits of n, then of y; by the roster people are known as they are, and what one shift said of hidden figures."""
    people, lines = shares.people, len(shares.lines)
    with np.errstate(invalid="ignore", divide="ignore"):
        doubt = np.where(shares.n > 0, BASE / shares.n * people, 0.0)  # n is shown to base 5
    low = np.where(shares.hidden, 0.0, np.maximum(people - doubt, 0.0))
    ample = 2.0 * people.sum() + 1.0  # an end, so that no programme runs away
    high = np.where(shares.hidden, ample, np.minimum(people + doubt, ample))
    if roster:
        low = high = people
    free = np.full(lines, ample)
    none = np.array([0.0 if line.left_over == 0 else ample for line in shares.lines])
    n = np.column_stack([np.append(low, np.zeros(lines)), np.append(high, none)])
    held = shares.hidden & roster
    known = np.column_stack([np.where(held, shares.yes, 0.0), np.where(held, people - shares.no, ample)])
    y = np.vstack([known, np.column_stack([np.zeros(lines), free])])
    return np.vstack([n, y])
