"""Facts as linear rows over whole numbers, and how to find another truth that fits every one of them.

A *witness* is a change of the truth that leaves every published figure as it was. Most are exchanges: one atom gains
what another loses; those are tried all at once. Where there is none, an integer programme looks for any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from tests.attack.solving import Effort

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
DUST = 1e-7


@dataclass(frozen=True, slots=True)
class System:
    """Unknown whole numbers, block by block, one of each block for each atom: ``low <= matrix @ truth <= high``.

    Attributes
    ----------
    blocks : tuple of str
    shift : ndarray of int, shape (atoms,)
    truth, ceiling : ndarray of float, shape (blocks, atoms)
        The ceiling is the most that an unknown can be; the least is 0.
    matrix : ndarray of float, shape (rows, blocks, atoms)
    low, high : ndarray of float, shape (rows,)
    bonds : ndarray of float, shape (bonds, blocks)
        Of every atom ``bond_low <= bonds @ its unknowns <= bond_high``.
    bond_low, bond_high : ndarray of float, shape (bonds, atoms)
    """

    blocks: tuple[str, ...]
    shift: Integers
    truth: Floats
    ceiling: Floats
    matrix: Floats
    low: Floats
    high: Floats
    bonds: Floats
    bond_low: Floats
    bond_high: Floats

    def is_true(self) -> bool:
        """Whether the truth fits what is believed of it: if not, the attack is wrong and proves nothing."""
        rows = np.einsum("rba,ba->r", self.matrix, self.truth)
        return bool(((rows >= self.low - DUST) & (rows <= self.high + DUST)).all() and self.legal(self.truth).all())

    def legal(self, values: Floats) -> Flags:
        """Atoms whose unknowns could be these by themselves."""
        held = self.bonds @ values
        inside = ((values >= 0) & (values <= self.ceiling)).all(axis=0)
        return np.asarray(inside & ((held >= self.bond_low) & (held <= self.bond_high)).all(axis=0))


def exchanges(system: System, gainers: Integers, gain: Mapping[str, float]) -> Flags:
    """Whether an atom may gain and another lose the same, every figure unmoved; shape (gainers, atoms + 1).

    The last column: nobody loses.
    """
    step = np.array([gain.get(block, 0.0) for block in system.blocks])
    column = np.einsum("b,rba->ra", step, system.matrix)
    used = np.flatnonzero((column != 0).any(axis=1))
    column = np.hstack([column[used], np.zeros((used.size, 1))])
    now = np.einsum("rba,ba->r", system.matrix[used], system.truth)
    least, most = system.low[used] - now - DUST, system.high[used] - now + DUST
    possible = np.outer(
        system.legal(system.truth + step[:, None])[gainers],
        np.append(system.legal(system.truth - step[:, None]), True),
    )
    first, second = np.nonzero(possible)
    moved = column[:, gainers[first]] - column[:, second]
    possible[first, second] = ((moved >= least[:, None]) & (moved <= most[:, None])).all(axis=0)
    possible[np.arange(gainers.size), gainers] = False
    return np.asarray(possible)


def outside(system: System, gainers: Integers, found: Flags) -> Flags:
    """Shifts that may be known without spoiling every exchange found, shape (gainers, shifts)."""
    shifts = int(system.shift.max()) + 1
    by_shift = np.zeros((gainers.size, shifts + 1), dtype=bool)
    shift = np.append(system.shift, shifts)
    for one in range(shifts + 1):
        by_shift[:, one] = found[:, shift == one].any(axis=1)
    own = system.shift[gainers]
    by_shift[np.arange(gainers.size), shifts] |= by_shift[np.arange(gainers.size), own]  # within one shift: nobody else
    by_shift[np.arange(gainers.size), own] = False
    number = by_shift.sum(axis=1)
    spared = number[:, None] - by_shift[:, :shifts] > 0
    spared[np.arange(gainers.size), own] = False
    return np.asarray(spared)


def another(system: System, wanted: Floats, *, known: int, effort: Effort) -> Floats | None:
    """A truth that fits every figure, leaves the known shift as it is, and moves as many unknowns as it can.

    Parameters
    ----------
    wanted : ndarray of float, shape (blocks, atoms)
        1 for each unknown that is to become larger, -1 smaller, 0 does not matter.

    Returns
    -------
    ndarray or None
        None where no truth moves any of them so.
    """
    size, free = system.truth.size, (system.ceiling.ravel() > 0) & ~np.tile(system.shift == known, len(system.blocks))
    up = np.where(free, (system.ceiling - system.truth).ravel(), 0.0)
    down = np.where(free, system.truth.ravel(), 0.0)
    goals = np.flatnonzero(wanted.ravel() * free)
    signs = wanted.ravel()[goals]
    facts = sparse.vstack([sparse.csr_array(system.matrix.reshape(-1, size)), _bonds(system)], format="csr")
    now = facts @ system.truth.ravel()
    low = np.concatenate([system.low - DUST, system.bond_low.ravel()]) - now
    high = np.concatenate([system.high + DUST, system.bond_high.ravel()]) - now
    place = np.arange(goals.size)
    moved = sparse.csr_array((signs, (place, goals)), shape=(goals.size, size))
    reached = sparse.hstack([moved, -moved, -sparse.eye_array(goals.size)], format="csr")  # as far as asked: one step
    empty = sparse.csr_array((facts.shape[0], goals.size))
    rows = sparse.vstack([sparse.hstack([facts, -facts, empty]), reached], format="csr")
    effort.programmes += 1
    found = optimize.milp(
        np.concatenate([np.zeros(2 * size), -np.ones(goals.size)]),
        integrality=np.concatenate([np.ones(2 * size), np.zeros(goals.size)]),
        bounds=optimize.Bounds(np.zeros(2 * size + goals.size), np.concatenate([up, down, np.ones(goals.size)])),
        constraints=optimize.LinearConstraint(
            rows, np.append(low, np.zeros(goals.size)), np.append(high, np.full(goals.size, np.inf))
        ),
        options={"time_limit": effort.patience, "node_limit": effort.nodes, "mip_rel_gap": GAP},
    )
    if found.x is None or found.fun > -HALF:
        effort.given_up += found.status != _SOLVED
        return None
    change = np.round(found.x[:size] - found.x[size : 2 * size]).reshape(system.truth.shape)
    return np.asarray(system.truth + change)


HALF, GAP, _SOLVED = 0.5, 0.3, 0


def _bonds(system: System) -> "sparse.csr_array[np.float64]":
    """Rows of the bonds of every atom, bond by bond."""
    return sparse.csr_array(sparse.kron(sparse.csr_array(system.bonds), sparse.eye_array(system.shift.size)))
