"""How much would an index change, had it been made in another defensible way or asked of another sample?

Monte Carlo says how far scores and ranks move when all choices and the sample are drawn together; Sobol shares say
which group of choices moves them. Both work on published figures alone.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from scoring.design import Floats
from scoring.errors import RequestError
from scoring.robustness.alternatives import Alternatives, Simulation, simulation
from scoring.robustness.plans import Plan
from scoring.robustness.published import Published
from scoring.robustness.sobol import Progress, in_pieces, silent, sobol
from scoring.robustness.whatif import Line, lines_of, scored

Method = Literal["linear", "inverted_cdf"]
RUNS = 2000
FEWEST = 100  # runs below which a 5th percentile is a guess
DIGITS = 9  # scores that differ by less are tied
PLACES = 2  # by which a rank may move and is still called kept
PERCENTILES = {"_05": 0.05, "_50": 0.50, "_95": 0.95}
BANDS = ("below", "not_distinguishable", "above")


def uncertainty(
    published: Published,
    chosen: Plan,
    *,
    seed: int,
    alternatives: Alternatives | None = None,
    runs: int = RUNS,
    side: Published | None = None,
    level: float = 0.95,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Scores, ranks and bands of units over many ways to make the index, all choices and the sample drawn together.

    Parameters
    ----------
    published : Published
    chosen : Plan
        What is called nominal.
    seed : int
    alternatives : Alternatives, optional
    runs : int
        2,000 for a result to be shown; some hundreds for stability at once.
    side : Published, optional
        See `what_if`.
    level : float
        Of the nominal bands.
    progress : callable
        Told the share of the runs that is done.

    Returns
    -------
    DataFrame
        One row a unit and index: `score` and `rank` as published, each with its 5th, 50th and 95th percentile (`_05`,
        `_50`, `_95`) over the runs: no confidence interval. `band` as published and the shares of runs `below`,
        `not_distinguishable` and `above`: the unit lies off the average by more than the margin that its published
        band is called by, the average moved with the mean of the units. `stability` is the share of runs in the
        published band, `rank_kept` the share in which the rank moves by at most two places. NaN where an item of the
        index is hidden, or where no band is called.

    Raises
    ------
    RequestError
        Too few runs, or as `what_if`.

    References
    ----------
    OECD/JRC Handbook (2008), step 7; Saisana, Saltelli, Tarantola (2005), doi:10.1111/j.1467-985X.2005.00350.x.
    """
    if runs < FEWEST:
        raise RequestError(f"runs is {runs}; take at least {FEWEST}, {RUNS:,} for a result to be shown")
    made = simulation(published, chosen, alternatives or Alternatives())
    points = np.random.Generator(np.random.PCG64(seed)).random((runs, sum(made.groups.values())))
    scores = in_pieces(made.scores, points, progress)
    called = lines_of(scored(made.shown, chosen), chosen, made.indices, side=side, level=level)
    tables = [
        _outcome(made.nominal[:, column], scores[:, :, column], called[column]).assign(
            unit=published.units, measure=chosen.nodes[index]
        )
        for column, index in enumerate(made.indices)
    ]
    table = pd.concat(tables).sort_index(kind="stable").reset_index(drop=True)
    return table[["unit", "measure", *(name for name in table.columns if name not in ("unit", "measure"))]]


def _outcome(nominal: Floats, scores: Floats, line: Line) -> pd.DataFrame:
    """Percentiles, shares of bands and what is kept, of one index; a row a unit."""
    rank, ranks = ranked(nominal), ranked(scores)
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for name, own, drawn in (("score", nominal, scores), ("rank", rank, ranks)):
        columns[name] = own
        for ending, share in PERCENTILES.items():
            method: Method = "linear" if name == "score" else "inverted_cdf"  # a percentile of ranks is a rank
            columns[name + ending] = np.quantile(drawn, share, axis=0, method=method)
    shares = _in_bands(nominal, scores, line)
    columns |= {"band": line.band} | dict(zip(BANDS, shares, strict=True))
    own_band = np.array([[band == name for band in line.band] for name in BANDS])
    columns["stability"] = np.where(own_band.any(axis=0), (shares * own_band).sum(axis=0), np.nan)
    columns["rank_kept"] = np.where(np.isnan(nominal), np.nan, (np.abs(ranks - rank) <= PLACES).mean(axis=0))
    return pd.DataFrame(columns)


def _in_bands(nominal: Floats, scores: Floats, line: Line) -> Floats:
    """Share of runs below, about and above the average, shape (3, units)."""
    known = ~np.isnan(nominal)
    moved = (scores - nominal)[:, known].mean(axis=1, keepdims=True) if known.any() else 0.0
    off = np.round(scores - (line.average + moved), DIGITS)
    below, above = (off < -line.margin).mean(axis=0), (off > line.margin).mean(axis=0)
    judged = line.band != ""
    return np.where(judged, np.stack([below, 1 - below - above, above]), np.nan)


def ranked(scores: Floats) -> Floats:
    """1 + the number of units with a higher score, shape (..., units); NaN where there is no score."""
    known = ~np.isnan(scores).all(axis=tuple(range(scores.ndim - 1)))
    out = np.full(scores.shape, np.nan)
    out[..., known] = stats.rankdata(-np.round(scores[..., known], DIGITS), method="min", axis=-1)
    return out


def sensitivity(
    published: Published,
    chosen: Plan,
    *,
    seed: int,
    alternatives: Alternatives | None = None,
    n: int = 1024,
    level: float = 0.95,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Sobol shares of five groups of inputs (`alternatives.GROUPS`) in the variance of scores and ranks.

    Parameters
    ----------
    published, chosen, seed, alternatives, progress
        As in `uncertainty`. Shares hold for the declared alternatives and no others.
    n : int
        Runs of a sample, a power of 2; 7 n in all.
    level : float
        Of the bootstrap intervals.

    Returns
    -------
    DataFrame
        `measure`, `outcome`, `group`, and the columns of `sobol.sobol`. Outcomes: "rank_shift", the mean over the units
        of how many places a rank moves from the published one; "score", the scores of all units, their variances added.
        NaN where nothing moves.
    """
    made = simulation(published, chosen, alternatives or Alternatives())
    outcomes: dict[str, list[int]] = {}
    width = 1 + len(published.units)
    for number, index in enumerate(made.indices):
        known = 1 + np.flatnonzero(~np.isnan(made.nominal[:, number]))
        outcomes[f"{chosen.nodes[index]} rank_shift"] = [number * width] if known.size else []
        outcomes[f"{chosen.nodes[index]} score"] = [number * width + int(place) for place in known]

    def columns(points: Floats) -> Floats:
        return _columns(made, points)

    table = sobol(columns, made.groups, outcomes, seed=seed, n=n, level=level, progress=progress)
    named = table.pop("outcome").str.rpartition(" ")
    table.insert(0, "measure", named[0])
    table.insert(1, "outcome", named[2])
    return table


def _columns(made: Simulation, points: Floats) -> Floats:
    """For each index the mean shift of ranks and the score of each unit (0 where hidden), shape (runs, columns)."""
    scores, pieces = made.scores(points), []
    for number in range(len(made.indices)):
        own = scores[:, :, number]
        shift = np.abs(ranked(own) - ranked(made.nominal[:, number]))
        units = np.maximum((~np.isnan(shift)).sum(axis=1), 1)
        pieces += [np.nansum(shift, axis=1)[:, None] / units[:, None], np.nan_to_num(own)]
    return np.concatenate(pieces, axis=1)
