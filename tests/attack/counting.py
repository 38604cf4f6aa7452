"""How many values can a hidden count have? The numbers of answers, and of yes or steps, behind every hidden figure."""

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from tests.attack.invented import STEPS
from tests.attack.knowledge import DUST, Cell, Found, Scene
from tests.attack.solving import Effort, Floats, System, furthest, gathered
from tests.attack.witnesses import fitting, moves, pairs

COUNTED = (*STEPS, "hours")
SENSITIVE = ("asked", "paid", "either")
MOST_HOURS = 1000.0  # of one person
MOST_PEOPLE = 14.0  # interviews of one sex that the enemy holds possible in one shift, if the truth is not more
ROUNDED_BY = 2.0
TRIES = 5  # random directions, in which every hidden count moves at once
STEPS_OF_TWO = ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0), (1.0, 1.0), (-1.0, -1.0), (2.0, 0.0), (-2.0, 0.0))


def cornered_counts(
    scene: Scene, effort: Effort, *, rng: np.random.Generator, measures: Collection[str] = COUNTED, fewest: int = 4
) -> list[Found]:
    """Hidden counts with fewer than `fewest` values: to anybody, or to somebody who remembers the busiest shift."""
    found: list[Found] = []
    for measure in measures:
        held = [cell for cell in scene.cells if measure in cell.rows]
        hidden = [cell for cell in held if not cell.shown(measure)]
        if hidden and len(hidden) < len(held):  # where nothing is shown nothing can be said
            found += _cornered(scene, measure, hidden, effort, rng=rng, fewest=fewest)
    return found


def counts(scene: Scene, measure: str) -> System:
    """Facts about answers n and yes y of every atom (n first) when neither is known.

    Of an item y counts steps of its scale above the lowest answer, of an amount it is the sum, and no whole number.
    """
    atoms = scene.weight.size
    amount = measure == "hours"
    most = np.tile(np.maximum(scene.n[measure], MOST_PEOPLE), 2)
    ceiling = MOST_HOURS if amount else float(STEPS[measure])
    most[atoms:] *= ceiling
    truth = np.concatenate([scene.n[measure], scene.amount if amount else scene.steps_up[measure]])
    rows = [row for cell in scene.cells for row in _of_cell(scene, cell, measure)]
    for atom in range(atoms):
        row = np.zeros(2 * atoms)
        row[[atom, atoms + atom]] = [ceiling, -1.0]
        rows.append((row, 0.0, np.inf))
    return gathered(rows, truth, most, whole=np.repeat([True, not amount], atoms))


def _of_cell(scene: Scene, cell: Cell, measure: str) -> Iterator[tuple[Floats, float, float]]:
    if measure not in cell.rows:
        return
    nothing = np.zeros(scene.weight.size)
    inside = cell.inside.astype(np.float64)
    row, rules = cell.rows[measure], scene.rules
    if cell.shown(measure):
        low, high = cell.limits(measure)
        steps = STEPS.get(measure)
        people = scene.weight * inside
        top = 1.0 if steps is None else 100.0 / steps
        doubt = ROUNDED_BY if rules.rounded else 0.0
        yield np.concatenate([inside, nothing]), row.n - doubt, row.n + doubt
        yield np.concatenate([-high / top * people, people]), -np.inf, DUST
        yield np.concatenate([-low / top * people, people]), -DUST, np.inf
        if steps is not None:
            away = float(max(rules.each, rules.sensitive_each if measure in SENSITIVE else 0))
            yield np.concatenate([nothing, inside]), away, np.inf
            yield np.concatenate([steps * inside, -inside]), away, np.inf
    elif row.status == "unreliable":
        few = rules.few_respondents
        yield np.concatenate([inside, nothing]), float(few), float(max(rules.few_answers - 1, few))


def _cornered(
    scene: Scene,
    measure: str,
    hidden: list[Cell],
    effort: Effort,
    *,
    rng: np.random.Generator,
    fewest: int,
) -> list[Found]:
    system = counts(scene, measure)
    if system.misfit() > DUST * 10:
        raise AssertionError(f"{scene.wave} {scene.side} {measure}: the truth does not fit")
    nothing = np.zeros(scene.weight.size)
    aims = [np.concatenate([cell.inside * 1.0, nothing]) for cell in hidden]
    if measure in STEPS:
        aims += [np.concatenate([nothing, cell.inside * 1.0]) for cell in hidden]
    aim = np.array(aims)
    names = [f"{what} of {' '.join(cell.names)}" for what in ("answers", "yes") for cell in hidden][: len(aims)]
    shift = _busiest(scene, measure, hidden)
    fixed = np.tile(scene.shift == shift, 2)
    before = effort.given_up
    values = _values(aim, system, fixed, effort, rng, fewest)
    if effort.given_up > before:  # not known is not learnt
        return []
    effort.hidden += len(aim)
    for seen in values:
        effort.saw(measure, len(seen))
    where = f"{scene.wave} {scene.side}"
    found = []
    for name, one, seen in zip(names, aim, values, strict=True):
        if len(seen) < fewest:
            without = _alone(one, seen, system, np.zeros_like(fixed), effort, fewest)
            attack = "counts" if len(without) < fewest else "counts remembered"
            found.append(Found(attack, where, measure, f"{name}: {sorted(seen)}, shift {shift} known"))
    return found


def _busiest(scene: Scene, measure: str, hidden: list[Cell]) -> int:
    """The shift with most answers in hidden cells: what its memory leaves open is least."""
    inside = np.logical_or.reduce([cell.inside for cell in hidden])
    size = np.bincount(scene.shift, weights=scene.n[measure] * inside)
    return int(np.argmax(size))


def _values(
    aim: Floats,
    system: System,
    fixed: npt.NDArray[np.bool_],
    effort: Effort,
    rng: np.random.Generator,
    fewest: int,
) -> list[set[int]]:
    """Values of each aim that were seen to fit: by small changes, by programmes for all, then for each alone."""
    seen = _near(aim, system, fixed) if system.whole.all() else [{round(value)} for value in aim @ system.truth]

    def look(direction: Floats) -> None:
        other = furthest(system, direction, fixed=fixed, effort=effort)
        if other is not None:
            for values, value in zip(seen, aim @ other, strict=True):
                values.add(round(value))

    for _ in range(TRIES):
        if min(map(len, seen)) >= fewest:
            return seen
        look(rng.normal(size=len(aim)) @ aim + rng.normal(size=system.truth.size))
    for place in np.flatnonzero([len(values) < fewest for values in seen]):
        seen[place] |= _alone(aim[place], seen[place], system, fixed, effort, fewest)
    return seen


def _near(aim: Floats, system: System, fixed: npt.NDArray[np.bool_]) -> list[set[int]]:
    """Values that one or two atoms can give each aim, whatever else stays."""
    atoms = system.truth.size // 2
    matrix = system.matrix.toarray()[:-atoms].reshape(-1, 2, atoms)  # the last facts are of one atom: always legal
    n, y = system.truth.reshape(2, atoms)
    ceiling = system.most[-1] / system.most[atoms - 1]
    free = ~fixed[:atoms]
    after = [(n + dn, y + dy) for dn, dy in STEPS_OF_TWO]
    legal = [
        free & (of_n >= 0) & (of_n <= system.most[:atoms]) & (of_y >= 0) & (of_y <= ceiling * of_n)
        for of_n, of_y in after
    ]
    found = moves(matrix, [np.array(step) for step in STEPS_OF_TWO], legal, np.arange(atoms))
    now = matrix.reshape(-1, 2 * atoms) @ system.truth
    low, high = system.low[:-atoms] - now, system.high[:-atoms] - now
    made = pairs(found, high - low)
    fits = fitting(made, low, high, np.zeros(low.size))
    shifted = np.einsum("mb,abm->am", found.step, aim.reshape(len(aim), 2, atoms)[:, :, found.atom])
    shifted = np.hstack([shifted, np.zeros((len(aim), 1))])  # the last: nobody
    truth = aim @ system.truth
    values = np.round(shifted[:, made.first[fits]] + shifted[:, made.second[fits]] + truth[:, None])
    return [{round(own), *map(round, np.unique(row))} for own, row in zip(truth, values, strict=True)]


def _alone(
    aim: Floats, seen: set[int], system: System, fixed: npt.NDArray[np.bool_], effort: Effort, fewest: int
) -> set[int]:
    """Values of one count that fit, each near the truth asked for by itself."""
    values = set(seen)
    truth = round(float(aim @ system.truth))
    for value in (truth + step for step in (*range(1 - fewest, 0), *range(1, fewest))):
        if len(values) < fewest and value not in values:
            exact = System(
                system.truth, system.most, system.whole, _with_row(system, aim), *_with_limits(system, value)
            )
            if furthest(exact, np.zeros(system.truth.size), fixed=fixed, effort=effort) is not None:
                values.add(value)
    return values


def _with_row(system: System, row: Floats) -> "sparse.csr_array[np.float64]":
    return sparse.vstack([system.matrix, sparse.csr_array(row[None, :])], format="csr")


def _with_limits(system: System, value: float) -> tuple[Floats, Floats]:
    return np.append(system.low, value - 0.01), np.append(system.high, value + 0.01)
