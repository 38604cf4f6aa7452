"""How closely can somebody's amount be bounded? A total less what is known of others is an upper bound of everyone."""

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from tests.attack.knowledge import Found, Scene
from tests.attack.solving import Effort, Floats, reach

CLOSE = 0.15
ZERO = 1e-6


def bounded_amounts(scene: Scene, effort: Effort) -> list[Found]:
    """People whose amount is bounded to within 15 % by somebody who remembers another shift; or is certainly 0."""
    shown = [cell for cell in scene.cells if cell.shown("hours")]
    if not shown:
        return []
    rows = np.array([np.where(cell.inside, scene.weight, 0.0) for cell in shown])
    base = np.array([scene.base(cell, "hours") for cell in shown])
    limits = np.array([cell.limits("hours") for cell in shown]) * base[:, None]
    rule = optimize.LinearConstraint(sparse.csr_array(rows), limits[:, 0] - ZERO, limits[:, 1] + ZERO)
    found = []
    for atom in np.flatnonzero((scene.n["hours"] > 0) & (rows > 0).any(axis=0)):
        effort.looked_at += 1
        for known in _worth_a_try(scene, rows, int(atom)):
            one = np.zeros(scene.weight.size)
            one[atom] = 1.0
            fixed = np.where(scene.shift == known, scene.amount, np.nan)
            fixed[scene.n["hours"] == 0] = 0.0
            most = reach(one, [rule], fixed, effort)
            if most < max((1 + CLOSE) * scene.greatest[atom], 1e-3):
                text = f"atom {atom} gave {scene.greatest[atom]:g}, known to be at most {most:.4g}, shift {known} known"
                found.append(Found("amount", f"{scene.wave} {scene.side}", "hours", text))
                break
    return found


def _worth_a_try(scene: Scene, rows: Floats, atom: int) -> list[int]:
    """Shifts whose memory could bound an atom: where those placed exactly alike do not leave enough room without it."""
    alike = (rows > 0).T
    same: npt.NDArray[np.bool_] = (alike == alike[atom]).all(axis=1) & (scene.shift != scene.shift[atom])
    spare = scene.weight * scene.amount * same / scene.weight[atom]
    need = max(CLOSE * scene.greatest[atom], 1e-3) - (scene.amount[atom] - scene.greatest[atom])
    by_shift = np.bincount(scene.shift, weights=spare, minlength=scene.shift.max() + 1)
    room = spare.sum() - by_shift
    return [int(shift) for shift in np.flatnonzero(room < need) if shift != scene.shift[atom]]
