"""How many values can a hidden count have? The number of answers, and of yes, behind every hidden figure of a share."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from tests.attack.knowledge import DUST, Cell, Found, Scene
from tests.attack.solving import Effort, Floats, System, furthest, gathered

SHARES = ("asked", "paid", "either", "queued")
MOST_PEOPLE = 14.0  # interviews of one sex that the enemy holds possible in one shift, if the truth is not more
ROUNDED_BY = 2.0
TRIES = 10  # random directions, in which every hidden count moves at once


def cornered_counts(scene: Scene, effort: Effort, *, rng: np.random.Generator, fewest: int = 4) -> list[Found]:
    """Hidden counts with fewer than `fewest` values: to anybody, or to somebody who remembers the busiest shift."""
    found: list[Found] = []
    for measure in SHARES:
        hidden = [cell for cell in scene.cells if measure in cell.rows and not cell.shown(measure)]
        if not hidden or len(hidden) == len([cell for cell in scene.cells if measure in cell.rows]):
            continue  # nothing is shown: nothing can be said
        found += _cornered(scene, measure, hidden, effort, rng=rng, fewest=fewest)
    return found


def counts(scene: Scene, measure: str) -> System:
    """Facts about answers n and yes y of every atom (n first) when neither is known."""
    atoms = scene.weight.size
    truth = np.concatenate([scene.n[measure], scene.steps_up[measure]])
    most = np.tile(np.maximum(scene.n[measure], MOST_PEOPLE), 2)
    rows = [row for cell in scene.cells for row in _of_cell(scene, cell, measure)]
    for atom in range(atoms):
        row = np.zeros(2 * atoms)
        row[[atom, atoms + atom]] = [1.0, -1.0]
        rows.append((row, 0.0, np.inf))
    return gathered(rows, truth, most)


def _of_cell(scene: Scene, cell: Cell, measure: str) -> Iterator[tuple[Floats, float, float]]:
    if measure not in cell.rows:
        return
    nothing = np.zeros(scene.weight.size)
    inside = cell.inside.astype(np.float64)
    row = cell.rows[measure]
    if cell.shown(measure):
        low, high = cell.limits(measure)
        people = scene.weight * inside
        size = row.n
        doubt = ROUNDED_BY if scene.rules.rounded else 0.0
        yield np.concatenate([inside, nothing]), size - doubt, size + doubt
        yield np.concatenate([-high / 100.0 * people, people]), -np.inf, DUST
        yield np.concatenate([-low / 100.0 * people, people]), -DUST, np.inf
        away = float(scene.rules.each if measure == "queued" else scene.rules.sensitive_each)
        yield np.concatenate([nothing, inside]), away, np.inf
        yield np.concatenate([inside, -inside]), away, np.inf
    elif row.status == "unreliable":
        yield (
            np.concatenate([inside, nothing]),
            float(scene.rules.few_respondents),
            float(max(scene.rules.few_answers - 1, scene.rules.few_respondents)),
        )


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
    aims += [np.concatenate([nothing, cell.inside * 1.0]) for cell in hidden]
    aim = np.array(aims)
    names = [f"{what} of {' '.join(cell.names)}" for what in ("answers", "yes") for cell in hidden]
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
    """Values of each aim that were seen to fit: first of all at once, then of those with too few alone."""
    seen: list[set[int]] = [{round(value)} for value in aim @ system.truth]

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


def _alone(
    aim: Floats, seen: set[int], system: System, fixed: npt.NDArray[np.bool_], effort: Effort, fewest: int
) -> set[int]:
    """Values of one count that fit, each near the truth asked for by itself."""
    values = set(seen)
    truth = round(float(aim @ system.truth))
    for value in (truth + step for step in (*range(1 - fewest, 0), *range(1, fewest))):
        if len(values) < fewest and value not in values:
            exact = System(system.truth, system.most, _with_row(system, aim), *_with_limits(system, value))
            if furthest(exact, np.zeros(system.truth.size), fixed=fixed, effort=effort) is not None:
                values.add(value)
    return values


def _with_row(system: System, row: Floats) -> "sparse.csr_array[np.float64]":
    return sparse.vstack([system.matrix, sparse.csr_array(row[None, :])], format="csr")


def _with_limits(system: System, value: float) -> tuple[Floats, Floats]:
    return np.append(system.low, value - 0.01), np.append(system.high, value + 0.01)
