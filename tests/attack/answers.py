"""Attack on answers: which shift must have answered all alike, given every figure, the weights and one whole shift?

The enemy knows how many people of each sex answered in every shift, so that only the answers are left to find.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tests.attack.invented import FRAMEWORK, STEPS
from tests.attack.knowledge import FAMILIES, Cell, Flags, Floats, Found, Scene, loadings
from tests.attack.solving import Effort
from tests.attack.systems import System, another, exchanges, outside
from tests.attack.witnesses import Moves, fitting, moves, pairs, spared

SENSITIVE = {part.code for part in FRAMEWORK.indicators if part.sensitive}
TOGETHER: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "asked": (("asked",), ("asked", "either")),
    "paid": (("paid",), ("paid", "either")),
    "either": (("asked", "either"), ("paid", "either"), ("either",)),
}


def certain(
    scene: Scene, effort: Effort, *, known: Sequence[int], families: Sequence[tuple[str, ...]] = FAMILIES
) -> list[Found]:
    """Every answer that is certain to somebody who remembers one of some shifts."""
    found = []
    for family in families:
        system = system_of(scene, family)
        if not system.is_true():
            raise AssertionError(f"the attack believes something false of {scene.side} {scene.wave} {family}")
        safe = _made_up(system, _exchanged(system), known)
        effort.looked_at += int((_ends(system) != 0).sum())
        for shift in known:
            for block, atom in _proved(system, safe, shift, effort):
                text = f"shift {scene.shift[atom]} (atom {atom}) to whoever remembers shift {shift}"
                found.append(Found("certain", f"{scene.wave} {scene.side}", family[block], text))
    return found


def system_of(scene: Scene, family: tuple[str, ...]) -> System:
    """All that is published about a family of measures, over the steps that each atom adds up to."""
    rows = [row for cell in scene.cells for row in _facts(scene, cell, family)]
    size = scene.weight.size
    bonds, bond_low, bond_high = np.zeros((0, len(family))), np.zeros((0, size)), np.zeros((0, size))
    if "either" in family:  # yes to any is at least yes to each, at most their sum; both needs somebody asked both
        bonds = np.array([[-1.0, 0, 1], [0, -1.0, 1], [1.0, 1, -1]])
        bond_low, bond_high = np.zeros((3, size)), np.full((3, size), np.inf)
        bond_high[2] = scene.overlap
    return System(
        blocks=family,
        shift=scene.shift,
        truth=np.array([scene.steps_up[measure] for measure in family]),
        ceiling=np.array([STEPS[measure] * scene.n[measure] for measure in family]),
        matrix=np.array([row for row, _, _ in rows]).reshape(-1, len(family), size),
        low=np.array([low for _, low, _ in rows]),
        high=np.array([high for _, _, high in rows]),
        bonds=bonds,
        bond_low=bond_low,
        bond_high=bond_high,
    )


def _facts(scene: Scene, cell: Cell, family: tuple[str, ...]) -> Iterator[tuple[Floats, float, float]]:
    """Rows of one cell: figures within their rounding, composites too, and what it means to pass the rules."""
    size = scene.weight.size
    for place, measure in enumerate(family):
        if cell.shown(measure):
            row = np.zeros((len(family), size))
            row[place, cell.inside] = _points(scene, cell, measure)
            yield row, *cell.limits(measure)
        if cell.shown(measure) or cell.few_answers(measure):
            row = np.zeros((len(family), size))
            row[place, cell.inside] = 1.0
            each = scene.rules.sensitive_each if measure in SENSITIVE else scene.rules.each
            each = max(each, scene.rules.each)
            yield row, each, STEPS[measure] * scene.n[measure][cell.inside].sum() - each
    for node, shares in loadings().items():
        if set(shares) == set(family) and cell.shown(node):
            row = np.zeros((len(family), size))
            for place, measure in enumerate(family):
                if shares[measure] != 0:
                    row[place, cell.inside] = shares[measure] * _points(scene, cell, measure)
            yield row, *cell.limits(node)


def _points(scene: Scene, cell: Cell, measure: str) -> Floats:
    """Points of the figure that one step more in each atom of a cell is worth."""
    return np.asarray(100.0 * scene.weight[cell.inside] / (STEPS[measure] * scene.base(cell, measure)))


def _ends(system: System) -> Floats:
    """1 where all in an atom gave the lowest answer, -1 where all gave the highest, 0 elsewhere."""
    held = system.ceiling > 0
    return np.where(held & (system.truth == 0), 1.0, 0.0) - np.where(held & (system.truth == system.ceiling), 1.0, 0.0)


def _exchanged(system: System) -> Flags:
    """Whether an exchange keeps an atom from being certain to somebody who remembers a shift: blocks, atoms, shifts."""
    ends = _ends(system)
    safe = np.zeros((*ends.shape, int(system.shift.max()) + 1), dtype=bool)
    for place, measure in enumerate(system.blocks):
        for sign in (1.0, -1.0):
            bare = np.flatnonzero(ends[place] == sign)
            for together in TOGETHER.get(measure, ((measure,),)):
                found = exchanges(system, bare, dict.fromkeys(together, sign))
                safe[place, bare] |= outside(system, bare, found)
    return safe


def _made_up(system: System, safe: Flags, known: Sequence[int]) -> Flags:
    """The same with two others that make up for the change, for atoms that no exchange clears of every memory."""
    safe = safe.copy()
    ends = _ends(system)
    now = np.einsum("rba,ba->r", system.matrix, system.truth)
    low, high = system.low - now, system.high - now
    for place, measure in enumerate(system.blocks):
        left = [_asked(safe[place, atom], known, own) for atom, own in enumerate(system.shift.tolist())]
        open_ = np.flatnonzero(np.array(left) & (ends[place] != 0))
        if not open_.size:
            continue
        found = _moves(system, TOGETHER.get(measure, ((measure,),)))
        used = found.effect.any(axis=1)
        made = pairs(replace(found, effect=found.effect[used]), (high - low)[used])
        aimed = found.step[:, place] * ends[place, found.atom] > 0
        for move in np.flatnonzero(aimed & np.isin(found.atom, open_)):
            atom = int(found.atom[move])
            if not _asked(safe[place, atom], known, system.shift[atom]):
                continue
            fits = fitting(made, low[used], high[used], found.effect[used, move])
            safe[place, atom] |= spared(made, fits, atom=atom, shift=system.shift)
    return safe


def _asked(safe: Flags, known: Sequence[int], own: int) -> bool:
    """Whether some memory that is tried, other than of the atom's own shift, is not answered yet."""
    return any(not safe[shift] for shift in known if shift != own)


def _moves(system: System, kinds: tuple[tuple[str, ...], ...]) -> Moves:
    steps = [
        np.array([size if block in kind else 0.0 for block in system.blocks])
        for kind in kinds
        for size in (1.0, -1.0, 2.0, -2.0)
    ]
    legal = [system.legal(system.truth + step[:, None]) for step in steps]
    return moves(system.matrix, steps, legal, system.shift)


def _proved(system: System, safe: Flags, known: int, effort: Effort) -> Iterator[tuple[int, int]]:
    """Atoms that are certain to whoever remembers a shift: no other truth moves any of them."""
    wanted = np.where(safe[:, :, known] | (system.shift == known), 0.0, _ends(system))
    before = effort.given_up
    while wanted.any():
        other = another(system, wanted, known=known, effort=effort)
        if other is None:
            if effort.given_up == before:  # what is not known is not learnt
                yield from zip(*np.nonzero(wanted), strict=True)
            return
        wanted = np.where(wanted * (other - system.truth) > 0, 0.0, wanted)
