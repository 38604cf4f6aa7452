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
    matrix : csr_array, shape (facts, unknowns)
    low, high : ndarray of float, shape (facts,)
    """

    truth: Floats
    most: Floats
    matrix: "sparse.csr_array[np.float64]"
    low: Floats
    high: Floats

    def misfit(self) -> float:
        """By how much the truth breaks a fact: 0, unless this program is wrong."""
        value = self.matrix @ self.truth
        return float(np.max(np.concatenate([self.low - value, value - self.high, [0.0]])))

    def fits(self, values: Floats) -> bool:
        """Whether other numbers fit as well as the truth."""
        value = self.matrix @ values
        inside = ((values >= 0) & (values <= self.most)).all()
        return bool(inside and (value >= self.low - SAFE).all() and (value <= self.high + SAFE).all())


def gathered(rows: Sequence[tuple[Floats, float, float]], truth: Floats, most: Floats) -> System:
    """A system of facts, each with its coefficients and its two limits."""
    matrix = sparse.csr_array(np.array([row[0] for row in rows]).reshape(len(rows), truth.size))
    limits = np.array([row[1:] for row in rows]).reshape(len(rows), 2)
    return System(truth, most, matrix, limits[:, 0], limits[:, 1])


def nearest(
    system: System, asked: Floats, *, at_least: float, fixed: npt.NDArray[np.bool_], effort: Effort
) -> Floats | None:
    """Numbers other than the truth by as little as can be, with ``asked @ x >= at_least``; None if there are none.

    Parameters
    ----------
    system : System
    asked : ndarray of float
    at_least : float
    fixed : ndarray of bool
        What the enemy remembers.
    effort : Effort
    """
    size = system.truth.size
    up = np.where(fixed, 0.0, system.most - system.truth)
    down = np.where(fixed, 0.0, system.truth)
    both = sparse.hstack([system.matrix, -system.matrix], format="csr")
    now = system.matrix @ system.truth
    line = np.concatenate([asked, -asked])[None, :]
    found = _solved(
        np.ones(2 * size),
        np.concatenate([up, down]),
        [
            optimize.LinearConstraint(both, system.low - now - SAFE / 2, system.high - now + SAFE / 2),
            optimize.LinearConstraint(line, at_least - float(asked @ system.truth), np.inf),
        ],
        effort,
    )
    return None if found is None else system.truth + found[:size] - found[size:]


def furthest(system: System, aim: Floats, *, fixed: npt.NDArray[np.bool_], effort: Effort) -> Floats | None:
    """Numbers that fit and make ``aim @ x`` large."""
    most = np.where(fixed, system.truth, system.most)
    least = np.where(fixed, system.truth, 0.0)
    rows = [optimize.LinearConstraint(system.matrix, system.low - SAFE / 2, system.high + SAFE / 2)]
    return _solved(-aim, most, rows, effort, least=least)


def _solved(
    cost: Floats,
    most: Floats,
    rows: list[optimize.LinearConstraint],
    effort: Effort,
    least: Floats | None = None,
) -> Floats | None:
    effort.programmes += 1
    found = optimize.milp(
        cost,
        integrality=np.ones(cost.size),
        bounds=optimize.Bounds(np.zeros(cost.size) if least is None else least, most),
        constraints=rows,
        options={"time_limit": effort.patience, "node_limit": effort.nodes, "mip_rel_gap": ANY},
    )
    if found.x is None:
        effort.given_up += int(found.status != 2)  # 2: it is known that nothing fits
        return None
    return np.round(np.asarray(found.x, dtype=np.float64))


def reach(weights: Floats, rows: list[optimize.LinearConstraint], fixed: Floats, effort: Effort) -> float:
    """Largest ``weights @ x`` of amounts x >= 0, with x as given where `fixed` is a number."""
    effort.programmes += 1
    known = np.isfinite(fixed)
    bounds = optimize.Bounds(np.where(known, fixed, 0.0), np.where(known, fixed, np.inf))
    found = optimize.milp(-weights, bounds=bounds, constraints=rows)
    return np.inf if found.status == 3 else float("nan") if found.fun is None else -float(found.fun)
