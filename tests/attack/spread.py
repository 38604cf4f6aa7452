"""Attack on standard errors: which answers by shift fit a figure and its standard error together?

A standard error is a formula of the sums by shift and the weights. Where few shifts answer, all sums are gone through.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.disclosure import Thresholds
from scoring.mask.layout import shown_error
from tests.attack.invented import STEPS
from tests.attack.knowledge import DUST, Cell, Floats, Found, Integers, Scene
from tests.attack.solving import Effort

MOST = 100_000  # sums that are gone through in one cell


@dataclass(frozen=True, slots=True)
class Shifts:
    """The shifts of a cell that answered a question; all arrays have shape (shifts,).

    Attributes
    ----------
    number : ndarray of int
    n, given, weight : ndarray of float
        Answers, steps above the lowest that they add up to, weight of each interview.
    stratum : ndarray of int
    drawn : ndarray of float
        Shifts of its stratum, those without an answer too.
    steps : int
        Of the scale.
    """

    number: Integers
    n: Floats
    given: Floats
    weight: Floats
    stratum: Integers
    drawn: Floats
    steps: int

    def figure(self, given: Floats) -> Floats:
        """The figure that sums by shift, shape (..., shifts), come to."""
        return np.asarray(100.0 * (given @ self.weight) / (self.steps * (self.weight @ self.n)))

    def places(self, part: "Shifts") -> Integers | None:
        """Where the shifts of a part stand among these; None where it holds others, or a shift in part."""
        place = np.minimum(np.searchsorted(self.number, part.number), self.number.size - 1)
        whole = (self.number[place] == part.number) & (self.n[place] == part.n)
        return place if whole.all() else None

    def error(self, given: Floats) -> Floats:
        """Root of the sum over strata of n / (n - 1) sum (z - mean z)^2, z = w (100 y / steps - figure n) / N."""
        figure = self.figure(given)[..., None]
        z = self.weight * (100.0 * given / self.steps - figure * self.n) / (self.weight @ self.n)
        variance = np.zeros(given.shape[:-1])
        for stratum in np.unique(self.stratum):
            own = self.stratum == stratum
            drawn = self.drawn[own][0]
            squares = (z[..., own] ** 2).sum(axis=-1) - z[..., own].sum(axis=-1) ** 2 / drawn
            variance += squares * drawn / (drawn - 1)
        return np.sqrt(np.maximum(variance, 0.0))


@dataclass(frozen=True, slots=True)
class Fact:
    """What is shown of a cell: between which limits its figure lies, and its standard error."""

    shifts: Shifts
    low: float
    high: float
    se: float


def told_by_errors(scene: Scene, effort: Effort, *, known: Collection[int]) -> list[Found]:
    """Shifts whose like answers are certain to whoever remembers another.

    By one figure and its standard error, and those of every figure that some of its shifts are the whole of.
    """
    found = []
    for measure in sorted({measure for cell in scene.cells for measure in cell.rows} & set(STEPS)):
        shown = [cell for cell in scene.cells if cell.shown(measure) and cell.rows[measure].se > 0]
        facts = [Fact(shifts_of(scene, cell, measure), *cell.limits(measure), cell.rows[measure].se) for cell in shown]
        for cell, fact in zip(shown, facts, strict=True):
            if shown_errors(fact.shifts, fact.shifts.given[None], scene.rules)[0] != fact.se:
                raise AssertionError(f"{cell.names} {measure}: the standard error is another than {fact.se}")
            for shift, memory in settled(fact, facts, scene.rules, effort, known=known):
                text = f"shift {shift} by {' '.join(cell.names)} to whoever remembers shift {memory}"
                found.append(Found("error", f"{scene.wave} {scene.side}", measure, text))
    return found


def shifts_of(scene: Scene, cell: Cell, measure: str) -> Shifts:
    """Shifts of a cell with answers to a question."""
    size = int(scene.shift.max()) + 1
    inside = cell.inside & (scene.n[measure] > 0)
    n, given = (
        np.bincount(scene.shift, weights=part[measure] * inside, minlength=size) for part in (scene.n, scene.steps_up)
    )
    first = np.unique(scene.shift, return_index=True)[1]
    held = np.flatnonzero(n > 0)
    drawn = np.bincount(scene.stratum[first]).astype(np.float64)
    stratum = scene.stratum[first][held]
    return Shifts(held, n[held], given[held], scene.weight[first][held], stratum, drawn[stratum], STEPS[measure])


def settled(
    fact: Fact, others: Sequence[Fact], rules: Thresholds, effort: Effort, *, known: Collection[int]
) -> list[tuple[int, int]]:
    """Pairs of a shift that is certain and a shift whose memory makes it so."""
    shifts = fact.shifts
    bare = np.flatnonzero((shifts.given == 0) | (shifts.given == shifts.steps * shifts.n))
    if not bare.size or bare.size == shifts.n.size:
        return []
    sums = fitting_sums(shifts, fact.low, fact.high)
    if sums is None:
        return []
    effort.looked_at += bare.size
    for one in (fact, *others):
        place = shifts.places(one.shifts)
        if place is not None:
            figure, error = one.shifts.figure(sums[:, place]), shown_errors(one.shifts, sums[:, place], rules)
            sums = sums[(error == one.se) & (figure >= one.low - DUST) & (figure <= one.high + DUST)]
    out = []
    for shift in bare:
        other = sums[sums[:, shift] != shifts.given[shift]]
        out += [
            (int(shifts.number[shift]), int(shifts.number[memory]))
            for memory in range(shifts.n.size)
            if memory != shift
            and int(shifts.number[memory]) in known
            and not (other[:, memory] == shifts.given[memory]).any()
        ]
    return out


def shown_errors(shifts: Shifts, given: Floats, rules: Thresholds) -> Floats:
    """Standard errors of sums by shift as they are shown."""
    return shown_error(shifts.error(given), np.full(len(given), shifts.n.size), rules)[0]


def fitting_sums(shifts: Shifts, low: float, high: float) -> Floats | None:
    """All sums by shift whose figure lies between two limits; None where there are too many to go through."""
    caps = (shifts.steps * shifts.n).astype(np.int64)
    last = int(np.argmax(caps))  # of it only those are tried that bring the figure between the limits
    others = np.delete(np.arange(caps.size), last)
    if np.prod(caps[others] + 1.0) > MOST:
        return None
    grid = np.indices(tuple(caps[others] + 1)).reshape(others.size, -1).T
    worth = 100.0 * shifts.weight / (shifts.steps * (shifts.weight @ shifts.n))
    base = grid @ worth[others]
    least = np.maximum(np.ceil((low - DUST - base) / worth[last]), 0.0)
    most = np.minimum(np.floor((high + DUST - base) / worth[last]), caps[last])
    number = np.maximum(most - least + 1, 0).astype(np.int64)
    rows = np.repeat(np.arange(len(grid)), number)
    within = np.arange(rows.size) - np.repeat(np.cumsum(number) - number, number)
    out = np.zeros((rows.size, caps.size))
    out[:, others] = grid[rows]
    out[:, last] = least[rows] + within
    return out
