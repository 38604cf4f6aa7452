"""How much of the variance of an outcome does each group of inputs make? Sobol shares by groups, first-order and total.

A group is a set of inputs that change together, such as all weights of an index or all sampling errors of a survey.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import qmc

from scoring.design import Floats
from scoring.errors import RequestError

PIECE = 256  # runs between two reports of progress
RESAMPLES = 1000
DUST = 1e-12  # share of an outcome below which its deviation is rounding
WIDE = 64  # inputs of a group above which the points of a sequence hang together and shares are off
Function = Callable[[Floats], Floats]
Progress = Callable[[float], None]


def silent(_: float) -> None:
    """No report of progress."""


def sobol(
    function: Function,
    groups: Mapping[str, int],
    outcomes: Mapping[str, Sequence[int]],
    *,
    seed: int,
    n: int = 1024,
    level: float = 0.95,
    progress: Progress = silent,
) -> pd.DataFrame:
    """First-order and total shares of variance by group, from N (d + 2) runs of a function on the unit cube.

    With A and B two independent samples, and AB_i the sample A with the inputs of group i taken from B::

        first  S_i = mean f_B (f_ABi - f_A) / V          (Saltelli et al. 2010, table 2 b)
        total  T_i = mean (f_A - f_ABi)^2 / (2 V)        (Jansen 1999; there table 2 f)

    each f less the mean of A and B, V the mean square of those. An outcome of several columns adds their partial
    variances before it divides (Gamboa, Janon, Klein and Lagnoux 2014).

    Parameters
    ----------
    function : callable
        Takes points of shape (runs, inputs), uniform on 0-1 and independent, and gives shape (runs, columns).
    groups : mapping of str to int
        Number of inputs of each group, in the order in which `function` takes them.
    outcomes : mapping of str to sequence of int
        Columns of the function that make each outcome.
    seed : int
        Of the scrambled Sobol sequence, of groups with more than 64 inputs, and of the resampling.
    n : int
        Runs of a sample, a power of 2.
    level : float
        Of the bootstrap intervals. Points of the sequence are resampled as if they were independent: they are spread
        more evenly, so the intervals are rather too wide.
    progress : callable
        Told the share of the runs that is done.

    Returns
    -------
    DataFrame
        `outcome`, `group`, and `first`, `total` with `_low` and `_high`: shares, NaN where an outcome does not vary.
        Estimates of shares near 0 may be below it.

    Raises
    ------
    RequestError
        n is no power of 2, or the level is no share.

    References
    ----------
    Saltelli, Annoni, Azzini, Campolongo, Ratto, Tarantola (2010), doi:10.1016/j.cpc.2009.09.018. Of an index:
    Saisana, Saltelli, Tarantola (2005), doi:10.1111/j.1467-985X.2005.00350.x.
    """
    if n < 2 or n & (n - 1):  # noqa: PLR2004 - a power of 2
        raise RequestError(f"n is {n}; give a power of 2 such as 1024: the points are evenly spread only then")
    if not 0 < level < 1:
        raise RequestError(f"level is {level}; give a share between 0 and 1 such as 0.95")
    rng = np.random.Generator(np.random.PCG64(seed))
    first, second = _pair(list(groups.values()), n, rng)
    samples = [first, second, *_mixed(first, second, tuple(groups.values()))]
    made = _evaluated(function, samples, progress)
    parts = _contributions(made, list(outcomes.values()))
    return _table(parts, groups, outcomes, level=level, rng=rng)


def _pair(sizes: Sequence[int], n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Two independent samples of the unit cube: evenly spread in narrow groups, plainly random in wide ones."""
    even = np.repeat([size <= WIDE for size in sizes], sizes)
    first, second = rng.random((2, n, even.size))
    if even.any():
        first[:, even], second[:, even] = np.split(qmc.Sobol(2 * int(even.sum()), rng=rng).random(n), 2, axis=1)
    return first, second


def _mixed(first: Floats, second: Floats, sizes: Sequence[int]) -> list[Floats]:
    """The first sample with one group after another taken from the second."""
    ends = np.cumsum([0, *sizes])
    out = []
    for start, end in itertools.pairwise(ends):
        mixed = first.copy()
        mixed[:, start:end] = second[:, start:end]
        out.append(mixed)
    return out


def _evaluated(function: Function, samples: Sequence[Floats], progress: Progress) -> Floats:
    """Values of all samples, shape (samples, runs, columns)."""
    points = np.concatenate(samples)
    made = in_pieces(function, points, progress)
    return made.reshape(len(samples), -1, made.shape[-1])


def in_pieces(function: Function, points: Floats, progress: Progress = silent) -> Floats:
    """The function of many points, some at a time, so that memory is bounded and progress is told."""
    pieces = []
    for start in range(0, len(points), PIECE):
        pieces.append(function(points[start : start + PIECE]))
        progress(min(1.0, (start + PIECE) / len(points)))
    return np.concatenate(pieces)


def _contributions(made: Floats, outcomes: Sequence[Sequence[int]]) -> Floats:
    """What each run adds to the whole variance and to those of the groups, shape (runs, 1 + 2 d, outcomes)."""
    centred = made - made[:2].mean(axis=(0, 1))
    centred = np.where(np.abs(centred) > DUST * np.abs(made).max(axis=(0, 1)), centred, 0.0)
    a, b, mixed = centred[0], centred[1], centred[2:]
    rows = [(a**2 + b**2)[None] / 2, b * (mixed - a), (a - mixed) ** 2 / 2]
    each = np.concatenate(rows).swapaxes(0, 1)
    return np.stack([each[..., list(columns)].sum(axis=-1) for columns in outcomes], axis=-1)


def _table(
    parts: Floats,
    groups: Mapping[str, int],
    outcomes: Mapping[str, Sequence[int]],
    *,
    level: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Shares and their percentile bootstrap intervals, an outcome after another."""
    runs, rows, columns = parts.shape
    drawn = rng.multinomial(runs, np.full(runs, 1 / runs), size=RESAMPLES) / runs
    redrawn = _shares((drawn @ parts.reshape(runs, -1)).reshape(-1, rows, columns))
    tail = (1 - level) / 2
    figures = {"": _shares(parts.mean(axis=0)), "_low": np.quantile(redrawn, tail, axis=0),
               "_high": np.quantile(redrawn, 1 - tail, axis=0)}  # fmt: skip
    d = len(groups)
    table = pd.DataFrame({"outcome": np.repeat(list(outcomes), d), "group": list(groups) * columns})
    for name, rows_of in (("first", slice(0, d)), ("total", slice(d, 2 * d))):
        for end, values in figures.items():
            table[f"{name}{end}"] = values[rows_of].T.ravel()
    return table


def _shares(means: Floats) -> Floats:
    """Partial variances over the whole one, shape (..., 2 d, outcomes); NaN where nothing varies."""
    whole = means[..., :1, :]
    parts = means[..., 1:, :]
    return np.asarray(np.divide(parts, whole, out=np.full(parts.shape, np.nan), where=whole > 0))
