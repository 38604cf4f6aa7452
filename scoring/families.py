"""Contrasts that are judged together: intervals that cover at once, and signs that are certain at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from scoring.design import Floats, Integers
from scoring.errors import RequestError
from scoring.joint import Joint
from scoring.ranks import Draws

ROUGH = 1e-9  # share below which a variance is rounding, and by which a level times a count may miss a whole number
NUMBERS = 1_000_000  # held at a time: blocks of 8 MB

Flags = npt.NDArray[np.bool_]
Single = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Family:
    """Contrasts of scores that are judged together.

    Attributes
    ----------
    value, se : ndarray of float, shape (k,)
        Of each contrast; a contrast without variance has se 0 and is never told from 0.
    limit : ndarray of float, shape (k,)
        Bonferroni's two-sided limit of its t: the unit in which statistics of unlike df are compared.
    ratio : ndarray of float32, shape (k, count)
        The draws' studentised contrasts as multiples of `limit`.
    """

    value: Floats
    se: Floats
    limit: Floats
    ratio: Single


def pairs(joint: Joint, *, level: float = 0.95) -> tuple[Integers, Integers, Family]:
    """All differences i - j, i < j, in the order of `numpy.triu_indices`; holds 4 count m (m - 1) / 2 bytes."""
    m, draws = joint.values.size, joint.draws
    first, second = np.triu_indices(m, 1)
    v = draws.covariance
    squared = np.diag(v)[first] + np.diag(v)[second] - 2 * v[first, second]
    se = np.sqrt(np.where(squared > ROUGH * (np.diag(v)[first] + np.diag(v)[second]), squared, 0.0))
    contrasts = np.zeros((first.size, m))
    contrasts[np.arange(first.size), first], contrasts[np.arange(first.size), second] = 1.0, -1.0
    limit = _limits(draws, contrasts, level)
    ratio = _pair_statistics(draws, first, second, limit)
    ratio[se == 0] = 0.0
    return first, second, Family(joint.values[first] - joint.values[second], se, limit, ratio)


def family(joint: Joint, contrasts: npt.ArrayLike, *, level: float = 0.95) -> Family:
    """Any linear contrasts, shape (k, m)."""
    c = np.asarray(contrasts, dtype=np.float64)
    se = np.sqrt(joint.draws.variance(c))
    limit = _limits(joint.draws, c, level)
    statistics = np.concatenate(list(joint.draws.blocks(c))).T / limit[:, None]
    return Family(c @ joint.values, se, limit, np.where(se[:, None] > 0, statistics, 0.0).astype(np.float32))


def simultaneous(judged: Family, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Intervals of all contrasts of a family that cover together, ``value -+ q limit se``.

    q is the quantile of the draws' largest ratio (max-t, balanced where df differ): 1 would be Bonferroni's interval.
    A contrast without variance has NaN limits.
    """
    largest = np.maximum(judged.ratio.max(axis=0), -judged.ratio.min(axis=0))
    half = quantile(largest, level) * judged.limit * np.where(judged.se > 0, judged.se, np.nan)
    return judged.value - half, judged.value + half


def directions(judged: Family, *, level: float = 0.95) -> Integers:
    """Sign of each contrast that is certain together with all others, 0 where it is not; shape (k,).

    Stepdown over the 2 k hypotheses "not above 0" and "not below 0": those refuted leave the family, the critical value
    of the rest is smaller, until nothing more is refuted. The chance of any wrong sign is at most 1 - level.

    References
    ----------
    Romano and Wolf (2005), Econometrica 73, 1237-1282; as in Mogstad, Romano, Shaikh and Wilhelm, "Inference for
    ranks" (doi:10.1093/restud/rdad006) and R csranks (`csdiffmeans`, `stepdown = TRUE`).
    """
    observed = np.divide(judged.value, judged.se * judged.limit, out=np.zeros(judged.value.size), where=judged.se > 0)
    up, down = (np.zeros(observed.size, dtype=np.bool_) for _ in range(2))
    while observed.size:
        largest = np.maximum(_largest(judged.ratio, ~up, 1), _largest(judged.ratio, ~down, -1))
        critical = quantile(largest, level)
        more_up, more_down = (observed > critical) & ~up, (-observed > critical) & ~down
        if not (more_up.any() or more_down.any()):
            break
        up, down = up | more_up, down | more_down
    return up.astype(np.int64) - down.astype(np.int64)


def told_apart(judged: Family, m: int, *, level: float) -> Integers:
    """Signs of all pairs of m scores: 1 where score i is certainly above j, -1 where below, all together; (m, m)."""
    signs = np.zeros((m, m), dtype=np.int64)
    signs[np.triu_indices(m, 1)] = directions(judged, level=level)
    return signs - signs.T


def told_apart_alone(judged: Family, m: int, *, level: float) -> Integers:
    """The same, each score's comparisons together but not those of the others; row by row."""
    signs = np.zeros((m, m), dtype=np.int64)
    for place, (part, turned) in enumerate(own_pairs(judged, m)):
        signs[place, np.arange(m) != place] = directions(part, level=level) * turned
    return signs


def own_pairs(judged: Family, m: int) -> Iterator[tuple[Family, Integers]]:
    """Each score's differences to the others in their order, and 1 or -1 where it stands first or second in them."""
    number = np.zeros((m, m), dtype=np.int64)
    number[np.triu_indices(m, 1)] = np.arange(judged.value.size)
    number += number.T
    for place in range(m):
        others = np.flatnonzero(np.arange(m) != place)
        at = number[place, others]
        turned = np.where(others > place, 1, -1)
        yield Family(judged.value[at], judged.se[at], judged.limit[at], judged.ratio[at]), turned


def quantile(draws: npt.NDArray[np.floating], level: float) -> float:
    """The ceil(level (count + 1))-th smallest, which real data exceed with at most 1 - level, whatever the count."""
    if not 0 < level < 1:
        raise RequestError(f"level is {level}; give a share between 0 and 1 such as 0.95")
    place = int(np.ceil(level * (draws.size + 1) - ROUGH))
    if place > draws.size:
        raise RequestError(f"{draws.size} draws are too few for level {level}; take {level / (1 - level):.0f} or more")
    return float(np.partition(draws, place - 1)[place - 1])


def freedom(draws: Draws, contrasts: Floats) -> Floats:
    """Satterthwaite's df of each contrast, (k, m) -> (k,): ``(sum v)^2 / sum v^2 / df`` over what varies on its own."""
    source = np.where(draws.pooled, draws.block.max() + 1, draws.block)
    own = source[:, None] == np.unique(source)
    together = draws.covariance * (source[:, None] == source)
    share = ((contrasts @ together) * contrasts) @ own
    total = share.sum(axis=1)
    weighted = (share**2 / np.where(own, draws.df[:, None], np.inf).min(axis=0)).sum(axis=1)
    out = np.full(total.shape, np.inf)
    return np.asarray(np.divide(total**2, weighted, out=out, where=weighted > 0), dtype=np.float64)


def _limits(draws: Draws, contrasts: Floats, level: float) -> Floats:
    if not 0 < level < 1:
        raise RequestError(f"level is {level}; give a share between 0 and 1 such as 0.95")
    return np.asarray(stats.t.isf((1 - level) / 2 / max(len(contrasts), 1), freedom(draws, contrasts)))


def _largest(ratio: Single, among: Flags, sign: int) -> Single:
    """Largest signed ratio of each draw among some of the contrasts; of none minus infinity."""
    if not among.any():
        return np.full(ratio.shape[1], -np.inf, dtype=np.float32)
    part = ratio if among.all() else ratio[among]
    return np.asarray(part.max(axis=0) if sign > 0 else -part.min(axis=0), dtype=np.float32)


def _pair_statistics(draws: Draws, first: Integers, second: Integers, limit: Floats) -> Single:
    """Studentised differences as multiples of their limits, shape (pairs, count); some pairs at a time."""
    z, spread = (
        np.ascontiguousarray(each.T) for each in (draws.deviations, draws.factors * np.sqrt(np.diag(draws.covariance)))
    )
    squares, out = spread**2, np.empty((limit.size, z.shape[1]), dtype=np.float32)
    size = max(1, NUMBERS // (z.shape[1] * draws.directions.shape[1]))
    for start in range(0, limit.size, size):
        piece = slice(start, start + size)
        i, j = first[piece], second[piece]
        squared = squares[i] + squares[j]
        tied = np.flatnonzero(draws.block[i] == draws.block[j])
        if tied.size:
            i_tied, j_tied = i[tied], j[tied]
            cosine = np.einsum("brp,brp->pb", draws.directions[:, :, i_tied], draws.directions[:, :, j_tied])
            squared[tied] -= 2 * cosine * spread[i_tied] * spread[j_tied]
        with np.errstate(divide="ignore", invalid="ignore"):
            out[piece] = (z[i] - z[j]) / (np.sqrt(np.maximum(squared, 0)) * limit[piece, None])
    return out
