"""Would a shown figure, with the weights of the shifts, give away a shift in which everybody answered alike?

The enemy knows the weight of every shift, how many answered in each, and every answer of one whole shift. A figure
leaves him the answers whose weighted mean rounds to it. A shift in which nobody (or everybody) said yes is given away
where no other set of answers is left.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from scoring.design import Floats, Integers
from scoring.evidence import Groups, heights

NEAR = 4  # sums of answers are looked for on a grid; together they are off by a fourth of half a rounding unit at most
MOST = 10  # shifts among which answers are exchanged
FEW = 2  # answers that are changed at once, before all sums are looked through
DUST = 1e-9
HALF = 0.5


def given_away(groups: Groups, *, steps: Floats, half: Floats) -> npt.NDArray[np.bool_]:
    """Whether a figure gives a whole shift away, shape (groups, k); False for amounts and empty groups.

    Parameters
    ----------
    groups : Groups
    steps : ndarray of float, shape (k,)
    half : ndarray of float, shape (groups, k)
        Half of the unit that each shown figure is rounded to, in points.
    """
    above, below = heights(groups, steps)
    out = np.zeros((groups.size, steps.size), dtype=bool)
    starts = np.searchsorted(groups.group, np.arange(groups.size + 1))
    for group in range(groups.size):
        rows = slice(starts[group], starts[group + 1])
        base, count = groups.base[rows], groups.count[rows]
        bare = (count > 0) & ((above[rows] < HALF) | (below[rows] < HALF))
        for column in np.flatnonzero(np.isfinite(steps) & bare.any(axis=0)):
            held = count[:, column] > 0
            unit = 100.0 * base[held, column] / (count[held, column] * steps[column] * base[held, column].sum())
            caps = count[held, column] * steps[column]
            figure = float((unit * above[rows][held, column]).sum())
            for given in (above[rows][held, column], below[rows][held, column]):
                out[group, column] |= _betrayed(np.round(given), caps, unit, figure=figure, half=half[group, column])
                figure = 100.0 - figure
    return out


def _betrayed(given: Floats, caps: Floats, unit: Floats, *, figure: float, half: float) -> bool:
    """Whether some shift whose answers are all 0 could not have had another one, whichever other shift is known."""
    bare = np.flatnonzero(given == 0)
    if not bare.size or given.size == 1:
        return False
    shown = np.round(figure / (2 * half)) * 2 * half
    slack = np.array([shown - half - figure - DUST, shown + half - figure + DUST])
    some = np.argsort(-given, kind="stable")[:MOST]  # whoever could give an answer; ways among a few shifts are enough
    first, second, more = _moves(some.size)
    first, second = some[first], some[second]
    after = given[[first, second]] + more
    possible = ((after >= 0) & (after <= caps[[first, second]])).all(axis=0)
    moved = (unit[[first, second]] * more).sum(axis=0)
    order = np.flatnonzero(possible)[np.argsort(moved[possible], kind="stable")]
    sums = moved[order]
    for shift in bare:
        found = []
        for answers in range(1, min(int(caps[shift]), FEW) + 1):
            ends = np.searchsorted(sums, slack - answers * unit[shift])
            found.append(order[ends[0] : ends[1]])
        hits = np.concatenate(found)
        users = np.stack([np.where(more[row][hits] != 0, part[hits], -1) for row, part in enumerate((first, second))])
        users = users[:, (users != shift).all(axis=0)]
        for known in _in_all(users, given.size):
            if known != shift and _alone(int(shift), known, given, caps, unit, slack=slack):
                return True
    return False


@cache
def _moves(size: int) -> tuple[Integers, Integers, Integers]:
    """Every pair of shifts with every small change of their answers; one changed alone is a pair with no change."""
    first, second = np.triu_indices(size, k=1)
    steps = np.array([(a, b) for a in range(-FEW, FEW + 1) for b in range(-FEW, FEW + 1)]).T
    more = np.tile(steps, first.size)
    return np.repeat(first, steps.shape[1]), np.repeat(second, steps.shape[1]), more


def _in_all(users: Integers, size: int) -> list[int]:
    """Shifts that take part in every way found: known, they leave none."""
    ways = users.shape[1]
    if not ways:
        return list(range(size))
    counts = np.bincount(users[users >= 0], minlength=size)
    return [int(shift) for shift in np.flatnonzero(counts == ways)]


def _alone(bare: int, known: int, given: Floats, caps: Floats, unit: Floats, *, slack: Floats) -> bool:
    """Whether no answers of the shifts but the known one fit the figure with more than 0 in the bare shift."""
    free = np.array([shift for shift in range(given.size) if shift not in (bare, known)], dtype=np.int64)
    half = (slack[1] - slack[0]) / 2
    grain = 2 * half / NEAR / max(free.size, 1)
    safe = slack + np.array([half, -half]) / NEAR
    own = unit[bare] * np.arange(1, caps[bare] + 1)
    aims = (unit[free] * given[free]).sum() - own  # what the free shifts must come to, for each answer of the bare one
    ends = np.stack([np.ceil((aims + safe[0]) / grain), np.floor((aims + safe[1]) / grain)], axis=1).astype(np.int64)
    ends = ends[ends[:, 1] >= 0]
    if not ends.size:
        return True
    reached = _sums(unit[free] / grain, caps[free], top=int(ends.max()))
    return not any(reached >> max(low, 0) & (1 << (high - max(low, 0) + 1)) - 1 for low, high in ends.tolist())


def _sums(sizes: Floats, caps: Floats, *, top: int) -> int:
    """Sums, on a grid, of any number up to `caps` of each size: bit b is set where b can be reached."""
    reached, within = 1, (1 << (top + 1)) - 1
    for size, cap in zip(sizes.tolist(), caps.tolist(), strict=True):
        before = reached
        for number in range(1, min(int(cap), int(top / size) + 1) + 1):
            reached |= before << round(size * number)
        reached &= within
    return reached
