"""Whole-number programmes of the enemy: answers that fit all that he knows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

Floats = npt.NDArray[np.float64]
PATIENCE = 10.0  # seconds for one programme; who needs longer is counted, not guessed
NODES = 200  # likewise branches: the same on every computer
ANY = 1.0  # a gap that is wide enough: any answers that fit will do
SAFE = 1e-6


@dataclass(slots=True)
class Effort:
    """How much was solved, and how often the solver gave up before it knew."""

    patience: float = PATIENCE
    nodes: int = NODES
    programmes: int = 0
    given_up: int = 0
    looked_at: int = 0
    hidden: int = 0
    least_values: dict[str, int] = field(default_factory=dict)

    def saw(self, what: str, values: int) -> None:
        """Keep the least number of values seen."""
        self.least_values[what] = min(values, self.least_values.get(what, values))


@dataclass(frozen=True, slots=True)
class System:
    """Unknown whole numbers, what they must satisfy, and what they are.

    Attributes
    ----------
    truth : ndarray of float, shape (unknowns,)
    most : ndarray of float, shape (unknowns,)
        Largest value of each; the least is 0.
    whole : ndarray of bool, shape (unknowns,)
        Which of them are whole numbers.
    matrix : csr_array, shape (facts, unknowns)
    low, high : ndarray of float, shape (facts,)
    """

    truth: Floats
    most: Floats
    whole: npt.NDArray[np.bool_]
    matrix: "sparse.csr_array[np.float64]"
    low: Floats
    high: Floats

    def misfit(self) -> float:
        """By how much the truth breaks a fact: 0, unless this program is wrong."""
        value = self.matrix @ self.truth
        return float(np.max(np.concatenate([self.low - value, value - self.high, [0.0]])))


def gathered(
    rows: Sequence[tuple[Floats, float, float]], truth: Floats, most: Floats, *, whole: npt.NDArray[np.bool_]
) -> System:
    """A system of facts, each with its coefficients and its two limits."""
    matrix = sparse.csr_array(np.array([row[0] for row in rows]).reshape(len(rows), truth.size))
    limits = np.array([row[1:] for row in rows]).reshape(len(rows), 2)
    return System(truth, most, whole, matrix, limits[:, 0], limits[:, 1])


def furthest(system: System, aim: Floats, *, fixed: npt.NDArray[np.bool_], effort: Effort) -> Floats | None:
    """Numbers that fit and make ``aim @ x`` large; None where the solver finds none."""
    effort.programmes += 1
    found = optimize.milp(
        -aim,
        integrality=system.whole.astype(np.int64),
        bounds=optimize.Bounds(np.where(fixed, system.truth, 0.0), np.where(fixed, system.truth, system.most)),
        constraints=optimize.LinearConstraint(system.matrix, system.low - SAFE / 2, system.high + SAFE / 2),
        options={"time_limit": effort.patience, "node_limit": effort.nodes, "mip_rel_gap": ANY},
    )
    if found.x is None:
        effort.given_up += int(found.status != 2)  # 2: it is known that nothing fits
        return None
    values = np.asarray(found.x, dtype=np.float64)
    return np.where(system.whole, np.round(values), values)


def reach(weights: Floats, rows: list[optimize.LinearConstraint], fixed: Floats, effort: Effort) -> float:
    """Largest ``weights @ x`` of amounts x >= 0, with x as given where `fixed` is a number."""
    effort.programmes += 1
    known = np.isfinite(fixed)
    bounds = optimize.Bounds(np.where(known, fixed, 0.0), np.where(known, fixed, np.inf))
    found = optimize.milp(-weights, bounds=bounds, constraints=rows)
    return np.inf if found.status == 3 else float("nan") if found.fun is None else -float(found.fun)
