"""Would a shown figure, with the weights of the shifts, give away a shift in which everybody answered alike?

The enemy knows the weight of every shift, how many answered in each, and every answer of one whole shift. A figure
leaves him the answers whose weighted mean rounds to it, and of which the standard error does, for it is a formula of
the same answers. A shift in which nobody (or everybody) said yes is given away where no other set of answers is left.
"""

from collections.abc import Callable
from dataclasses import dataclass
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
WAYS = 60  # sets of answers that are looked at first
SETS = 50_000  # sets of answers that are all tried, where there are no more
DRAWN = 5_000  # drawn where there are: where none of them fits, it is taken that none does
MOVED = 4  # shifts changed together at random
Flags = npt.NDArray[np.bool_]
Agrees = Callable[[Floats], Flags]  # whether sets of answers, shape (sets, shifts), fit the standard error


@dataclass(frozen=True, slots=True)
class Errors:
    """Standard errors of shown figures, as a reader can work them out of the answers.

    Attributes
    ----------
    stratum : ndarray of int, shape (pairs,)
    drawn, scale : ndarray of float, shape (strata,)
        PSUs drawn, and (1 - f) n / (n - 1).
    exact, low, high : ndarray of float, shape (groups, k)
        The standard error in points, and the limits between which one lies that is shown like it.
    sparse : int
        Shifts from which on it is not asked.
    """

    stratum: Integers
    drawn: Floats
    scale: Floats
    exact: Floats
    low: Floats
    high: Floats
    sparse: int


def given_away(groups: Groups, *, steps: Floats, half: Floats, errors: Errors | None = None) -> Flags:
    """Whether a figure gives a whole shift away, shape (groups, k); False for amounts and empty groups.

    Parameters
    ----------
    groups : Groups
    steps : ndarray of float, shape (k,)
    half : ndarray of float, shape (groups, k)
        Half of the unit that each shown figure is rounded to, in points.
    errors : Errors, optional
        Where standard errors are shown too.
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
            pairs = np.arange(rows.start, rows.stop)[held]
            for given in (above[pairs, column], below[pairs, column]):
                agrees = None if errors is None else _formula(errors, (group, column), pairs, given, caps, unit)
                out[group, column] |= _betrayed(np.round(given), caps, unit, half=half[group, column], agrees=agrees)
    return out


def _formula(
    errors: Errors, figure: tuple[int, np.signedinteger], pairs: Integers, given: Floats, caps: Floats, unit: Floats
) -> Agrees | None:
    """The standard error of a mean over strata, as a test of answers.

    None over many shifts, of which it tells nothing of one, and where the design has another formula.
    """
    strata, place = np.unique(errors.stratum[pairs], return_inverse=True)
    member = np.eye(strata.size)[place]
    drawn, scale = errors.drawn[strata], errors.scale[strata]

    def variance(answers: Floats) -> Floats:
        scores = unit * (answers - (answers @ unit)[:, None] * caps / 100.0)
        return np.asarray(((scores**2 @ member - (scores @ member) ** 2 / drawn) * scale).sum(axis=1))

    exact, low, high = (values[figure] for values in (errors.exact, errors.low, errors.high))
    if pairs.size >= errors.sparse or not np.isclose(variance(given[None])[0], exact**2, rtol=1e-6, atol=DUST):
        return None

    def agrees(answers: Floats) -> Flags:
        found = variance(answers)
        return np.asarray((found >= low**2 - DUST) & (found <= high**2 + DUST))

    return agrees


def _betrayed(given: Floats, caps: Floats, unit: Floats, *, half: float, agrees: Agrees | None) -> bool:
    """Whether some shift whose answers are all 0 could not have had another one, whichever other shift is known."""
    bare = np.flatnonzero(given == 0)
    if not bare.size or given.size == 1:
        return False
    figure = float((unit * given).sum())
    shown = np.round(figure / (2 * half)) * 2 * half
    slack = np.array([shown - half - figure - DUST, shown + half - figure + DUST])
    exchanges = _exchanges(given, caps, unit)
    ways = [_ways(shift, exchanges, given, caps, unit, slack=slack) for shift in bare.tolist()]
    if agrees is None:
        return any(
            _alone(shift, known, given, caps, unit, slack=slack)
            for shift, sets in zip(bare.tolist(), ways, strict=True)
            for known in _in_all(sets != given, shift)
        )
    fits = np.split(agrees(np.concatenate(ways)), np.cumsum([len(sets) for sets in ways[:-1]]))
    for shift, sets, fit in zip(bare.tolist(), ways, fits, strict=True):
        open_ = _in_all(sets[fit] != given, shift)
        if open_:
            others = _fitting(_other_sets(shift, given, caps), shift, given, unit, slack=slack)
            if set(open_) & set(_in_all(others[agrees(others)] != given, shift)):
                return True
    return False


def _exchanges(given: Floats, caps: Floats, unit: Floats) -> tuple[Integers, Floats, Floats]:
    """Small changes of the answers of two shifts, sorted: which two, by how much, what they move the figure by."""
    some = np.argsort(-given, kind="stable")[:MOST]  # whoever could give an answer; ways among a few shifts are enough
    first, second, more = _moves(some.size)
    pair = some[np.stack([first, second])]
    after = given[pair] + more
    possible = ((after >= 0) & (after <= caps[pair])).all(axis=0)
    moved = (unit[pair] * more).sum(axis=0)
    order = np.flatnonzero(possible)[np.argsort(moved[possible], kind="stable")]
    return pair[:, order], more[:, order].astype(np.float64), moved[order]


def _ways(
    bare: int, exchanges: tuple[Integers, Floats, Floats], given: Floats, caps: Floats, unit: Floats, *, slack: Floats
) -> Floats:
    """Sets of answers, shape (sets, shifts), in which the bare shift gave one or two and two others make up for it."""
    pair, more, moved = exchanges
    found = [np.zeros((0, given.size))]
    for answers in range(1, min(int(caps[bare]), FEW) + 1):
        start, end = np.searchsorted(moved, slack - answers * unit[bare])
        hits = np.unique(np.linspace(start, end - 1, min(WAYS, end - start)).astype(np.int64))
        users = np.where(more[:, hits] != 0, pair[:, hits], -1)
        hits = hits[(users != bare).all(axis=0)]
        sets = np.tile(given, (hits.size, 1))
        sets[:, bare] += answers
        for row in (0, 1):
            sets[np.arange(hits.size), pair[row, hits]] += more[row, hits]
        found.append(sets)
    return np.concatenate(found)


def _in_all(changed: Flags, bare: int) -> list[int]:
    """Shifts, but the bare one, that take part in every way found: known, they leave none."""
    return [int(shift) for shift in np.flatnonzero(changed.all(axis=0)) if shift != bare]


def _other_sets(bare: int, given: Floats, caps: Floats) -> Floats:
    """Every set of answers where they are few, else sets near the given ones: drawn, but always the same."""
    sizes = caps.astype(np.int64) + 1
    if np.prod(sizes.astype(np.float64)) <= SETS:
        return np.stack([part.ravel() for part in np.indices(sizes.tolist())], axis=1).astype(np.float64)
    chance = np.random.Generator(np.random.PCG64(given.size))
    out, rows = np.tile(given, (DRAWN, 1)), np.arange(DRAWN)
    for _ in range(MOVED):
        out[rows, chance.integers(0, given.size, DRAWN)] += chance.integers(-FEW, FEW + 1, DRAWN)
    out[:, bare] = chance.integers(1, FEW + 1, DRAWN)
    return np.clip(out, 0.0, caps)


def _fitting(sets: Floats, bare: int, given: Floats, unit: Floats, *, slack: Floats) -> Floats:
    """Those in which the bare shift gave some answer, and the figure rounds as it does."""
    moved = sets @ unit - float((given * unit).sum())
    return np.asarray(sets[(sets[:, bare] > 0) & (moved >= slack[0]) & (moved <= slack[1])])


@cache
def _moves(size: int) -> tuple[Integers, Integers, Integers]:
    """Every pair of shifts with every small change of their answers; one changed alone is a pair with no change."""
    first, second = np.triu_indices(size, k=1)
    steps = np.array([(a, b) for a in range(-FEW, FEW + 1) for b in range(-FEW, FEW + 1)]).T
    more = np.tile(steps, first.size)
    return np.repeat(first, steps.shape[1]), np.repeat(second, steps.shape[1]), more


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
