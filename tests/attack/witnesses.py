"""Witnesses that are cheap to find: one atom changes and up to two others make up for it, every figure unmoved.

What can be otherwise for somebody is not certain to him; only what no such change moves needs an integer programme.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
DUST = 1e-7
NOBODY = -1
MOST_MOVES = 400  # of which every pair is tried; more are thinned out evenly


@dataclass(frozen=True, slots=True)
class Moves:
    """Changes of one atom each, legal by themselves.

    Attributes
    ----------
    atom, shift : ndarray of int, shape (moves,)
    step : ndarray of float, shape (moves, blocks)
        How much each unknown of the atom changes.
    effect : ndarray of float, shape (facts, moves)
        By how much each fact changes.
    """

    atom: Integers
    shift: Integers
    step: Floats
    effect: Floats

    def take(self, places: Integers) -> "Moves":
        """Some of the moves."""
        return Moves(self.atom[places], self.shift[places], self.step[places], self.effect[:, places])


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two moves of two atoms, one, or none: `first` and `second` are numbers of moves, `NOBODY` none.

    Attributes
    ----------
    first, second : ndarray of int, shape (pairs,)
    atoms, shifts : ndarray of int, shape (2, pairs)
        Those that take part, `NOBODY` where there is none.
    effect : ndarray of float, shape (facts, pairs)
    narrowest : int
        The fact that leaves least room: pairs are sorted by what they do to it.
    """

    first: Integers
    second: Integers
    atoms: Integers
    shifts: Integers
    effect: Floats
    narrowest: int


def moves(matrix: Floats, steps: Sequence[Floats], legal: Sequence[Flags], shift: Integers) -> Moves:
    """Every legal move.

    Parameters
    ----------
    matrix : ndarray of float, shape (facts, blocks, atoms)
    steps : sequence of ndarray, shape (blocks,)
        Kinds of change.
    legal : sequence of ndarray of bool, shape (atoms,)
        Of each kind, the atoms that it may befall.
    shift : ndarray of int, shape (atoms,)
    """
    atoms = [np.flatnonzero(flags) for flags in legal]
    effects = [np.einsum("b,rba->ra", step, matrix[:, :, where]) for step, where in zip(steps, atoms, strict=True)]
    atom = np.concatenate(atoms)
    step = np.repeat(np.array(steps), [where.size for where in atoms], axis=0)
    return Moves(atom, shift[atom], step, np.hstack(effects))


def pairs(found: Moves, width: Floats) -> Pairs:
    """Every two moves of different atoms; `width` is the room of each fact, shape (facts,)."""
    if found.atom.size > MOST_MOVES:
        found = found.take(np.unique(np.linspace(0, found.atom.size - 1, MOST_MOVES).astype(np.int64)))
    atom, shift = (np.append(part, NOBODY) for part in (found.atom, found.shift))
    effect = np.hstack([found.effect, np.zeros((len(found.effect), 1))])
    first, second = np.triu_indices(atom.size)
    apart = (atom[first] != atom[second]) | (atom[first] == NOBODY)
    first, second = first[apart], second[apart]
    room = np.where(effect.any(axis=1), width, np.inf)
    narrowest = int(np.argmin(room)) if room.size else 0
    together = effect[:, first] + effect[:, second]
    order = np.argsort(together[narrowest], kind="stable") if room.size else np.arange(first.size)
    first, second = first[order], second[order]
    return Pairs(
        np.where(atom[first] == NOBODY, NOBODY, first),
        np.where(atom[second] == NOBODY, NOBODY, second),
        atom[[first, second]],
        shift[[first, second]],
        together[:, order],
        narrowest,
    )


def fitting(made: Pairs, low: Floats, high: Floats, beside: Floats) -> Integers:
    """Pairs that, with one change beside them, keep every fact within its room.

    Parameters
    ----------
    low, high : ndarray of float, shape (facts,)
        How far each fact may move.
    beside : ndarray of float, shape (facts,)
        What the other change does to each.
    """
    if not low.size:
        return np.arange(made.first.size)
    least, most = low - beside - DUST, high - beside + DUST
    ends = np.searchsorted(made.effect[made.narrowest], [least[made.narrowest], most[made.narrowest]])
    left = np.arange(ends[0], max(ends))
    for row in np.argsort(high - low, kind="stable"):
        if not left.size:
            break
        moved = made.effect[row, left]
        left = left[(moved >= least[row]) & (moved <= most[row])]
    return left


def spared(made: Pairs, fits: Integers, *, atom: int, shift: Integers) -> Flags:
    """Shifts, shape (shifts,), that may be remembered without spoiling every pair that makes up for an atom."""
    size = int(shift.max()) + 1
    own = int(shift[atom])
    fits = fits[(made.atoms[:, fits] != atom).all(axis=0)]
    one, two = made.shifts[:, fits]
    used = np.bincount(one[one != NOBODY], minlength=size) + np.bincount(
        two[(two != NOBODY) & (two != one)], minlength=size
    )
    free = fits.size - used > 0
    free[own] = False
    return free
