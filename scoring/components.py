"""Several sources of the same thing put together: the unobserved components model, and the mean of sources.

For many units (countries, districts) that several sources speak of, each on its own scale. A few border posts are too
few: the model is refused there, and one survey of them needs no merging.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize

from scoring.design import Floats
from scoring.errors import EstimationError, RequestError

Z90 = 1.64  # of a 90 % interval, as the two institutes that publish by these methods write it
FEWEST_UNITS = 30
FEWEST_SOURCES = 3  # with two, one correlation would have to tell two error variances
FEWEST_SHARED = 15  # units that two sources, or a source and the others, have in common
LEAST_UNIQUE = 0.005  # of a source's variance: below, it would be taken for the truth itself
FULL = 100.0


@dataclass(frozen=True, slots=True)
class Components:
    """What the unobserved components model makes of the sources.

    Attributes
    ----------
    scores : DataFrame
        `score`, `se`, `low`, `high`, `sources` of each unit; mean 0 and standard deviation 1 over units.
    sources : DataFrame
        `alpha`, `beta`, `sigma`, `representative` of each source.
    """

    scores: pd.DataFrame
    sources: pd.DataFrame


def unobserved_components(
    values: pd.DataFrame, *, representative: Sequence[str] | None = None, z: float = Z90
) -> Components:
    """Fit ``y_jk = alpha_k + beta_k (g_j + e_jk)``, ``g ~ N(0, 1)``, ``e ~ N(0, sigma_k^2)``, and estimate each g.

    Parameters
    ----------
    values : DataFrame, units as the index, sources as the columns
        Better upwards; NaN where a source says nothing of a unit.
    representative : sequence of str, optional
        Sources that cover units of every kind; by default all. The others are fitted to what these say, so that a
        source for one region alone does not set the scale.
    z : float
        Half-width of the interval in standard errors.

    Returns
    -------
    Components

    Raises
    ------
    EstimationError
        If units, sources or the units that sources share are too few, or the sources do not measure one thing.

    Notes
    -----
    Kaufmann, Kraay and Mastruzzi (2010), World Bank Policy Research Working Paper 5430, and their replication code.
    The more precise a source, the more it weighs; a unit with few sources is drawn to the mean, and its se is wide.
    The se counts the parameters of the sources as known, and errors of different sources as independent.
    """
    chosen = list(values.columns if representative is None else representative)
    _refuse_too_few(values, chosen)
    fitted = _representative(values[chosen])
    first = merge(values[chosen], fitted)
    others = [name for name in values.columns if name not in chosen]
    rows = [_attached(values[name], first) for name in others]
    sources = pd.concat([fitted, pd.DataFrame(rows, index=others, columns=fitted.columns)]) if others else fitted
    sources = sources.loc[list(values.columns)].assign(representative=[name in chosen for name in values.columns])
    raw = merge(values, sources)
    return Components(
        scores=standardised(raw, mean=float(raw["score"].mean()), sd=float(raw["score"].std()), z=z), sources=sources
    )


def merge(values: pd.DataFrame, sources: pd.DataFrame) -> pd.DataFrame:
    """Scores of units from sources whose parameters are known.

    ``g_j = sum_k w_jk (y_jk - alpha_k) / beta_k`` with ``w_jk = sigma_k^-2 / (1 + sum sigma^-2)`` and
    ``se_j = (1 + sum sigma^-2)^(-1/2)``, sums over the sources that have the unit.

    Parameters
    ----------
    values : DataFrame, units x sources
    sources : DataFrame
        `alpha`, `beta`, `sigma` by source.

    Returns
    -------
    DataFrame
        `score`, `se`, `sources` of each unit; NaN and 0 where no source speaks of it.
    """
    known = sources.loc[list(values.columns)]
    alpha, beta, sigma = (known[name].to_numpy(dtype=float) for name in ("alpha", "beta", "sigma"))
    y = values.to_numpy(dtype=float)
    seen = ~np.isnan(y)
    precision = np.where(seen, sigma**-2.0, 0.0)
    total = 1 + precision.sum(axis=1)
    said = np.where(seen, (y - alpha) / beta, 0.0)
    count = seen.sum(axis=1)
    return pd.DataFrame(
        {
            "score": np.where(count > 0, (precision * said).sum(axis=1) / total, np.nan),
            "se": np.where(count > 0, total**-0.5, np.nan),
            "sources": count,
        },
        index=values.index,
    )


def standardised(raw: pd.DataFrame, *, mean: float, sd: float, z: float = Z90) -> pd.DataFrame:
    """Scores of `merge` on a scale of mean 0 and standard deviation 1, with limits ``score -/+ z se``."""
    score, se = (raw["score"] - mean) / sd, raw["se"] / sd
    return pd.DataFrame(
        {"score": score, "se": se, "low": score - z * se, "high": score + z * se, "sources": raw["sources"]}
    )


def source_average(
    values: pd.DataFrame, *, fewest: int = FEWEST_SOURCES, z: float = Z90, bounds: tuple[float, float] = (0.0, FULL)
) -> pd.DataFrame:
    """Mean of the sources of each unit, in the manner of the Corruption Perceptions Index since 2012.

    ``se = sd / sqrt(n)`` with the divisor n - 1; limits are ``score -/+ z se`` of the score as published, whole.

    Parameters
    ----------
    values : DataFrame, units x sources
        Already on one scale, see `normalisation.line` ("z" on the frozen baseline, centre 45, spread 20).
    fewest : int
        Sources below which a unit gets no score.

    Returns
    -------
    DataFrame
        `score` (whole), `mean`, `se`, `low`, `high` (whole, inside `bounds`), `sources`.

    Notes
    -----
    Transparency International, CPI 2012 technical methodology note. The interval tells how far sources differ, not
    how well each of them was sampled.
    """
    if fewest < 2:  # noqa: PLR2004 - a single value has no spread
        raise RequestError(f"fewest is {fewest}; one source alone has no standard error, ask for 2 or more")
    count = values.notna().sum(axis=1)
    enough = count >= fewest
    mean = values.mean(axis=1).where(enough)
    se = (values.std(axis=1, ddof=1) / np.sqrt(count)).where(enough)
    score = _whole(mean)
    low, high = (_whole(score + side * z * se).clip(*bounds) for side in (-1, 1))
    return pd.DataFrame({"score": score, "mean": mean, "se": se, "low": low, "high": high, "sources": count})


def pairwise_correlations(values: Floats) -> Floats:
    """Correlation of each two columns over the rows that have both, shape (k, k); NaN where fewer than two do."""
    k = values.shape[1]
    found = np.eye(k)
    for i, j in combinations(range(k), 2):
        both = values[~np.isnan(values[:, [i, j]]).any(axis=1)][:, [i, j]]
        x = both - both.mean(axis=0) if len(both) else both
        with np.errstate(invalid="ignore", divide="ignore"):
            found[i, j] = found[j, i] = (x[:, 0] @ x[:, 1]) / np.sqrt((x**2).sum(axis=0).prod())
    return found


def one_factor(correlations: Floats) -> Floats:
    """Loadings of the maximum likelihood one-factor model, shape (k,), turned so that they sum to 0 or more.

    Parameters
    ----------
    correlations : ndarray of float, shape (k, k)

    Raises
    ------
    EstimationError
        If the matrix is not positive definite, or the best fit leaves a variable no variance of its own.

    Notes
    -----
    Minimises ``sum_{j > 1} (t_j - log t_j)`` over the unique variances p, t being the eigenvalues, largest first, of
    the correlations divided by ``sqrt(p_i p_j)``; loadings are ``sqrt(p) v_1 sqrt(t_1 - 1)``. Joereskog (1967),
    Psychometrika 32; R `factanal` and Stata `factor, ml` do the same.
    """
    if np.linalg.eigvalsh(correlations)[0] <= 0:
        raise EstimationError(
            "the correlations of the sources contradict one another, being of different units; "
            "use only sources that share more units"
        )
    found = optimize.minimize(
        _discrepancy,
        np.full(len(correlations), 0.5),
        args=(correlations,),
        jac=True,
        method="L-BFGS-B",
        bounds=[(LEAST_UNIQUE, 1.0)] * len(correlations),
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 1000},
    )
    unique = np.asarray(found.x, dtype=float)
    if (unique <= LEAST_UNIQUE).any():
        raise EstimationError(
            f"source {int(unique.argmin()) + 1} would be taken for the truth itself (a Heywood case): the sources have "
            "too little in common; leave it out or take the mean of the sources"
        )
    loading = _loading(unique, *_spectrum(unique, correlations))
    return loading if loading.sum() >= 0 else -loading


def _spectrum(unique: Floats, correlations: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues, smallest first, and vectors of the correlations divided by the roots of the unique variances."""
    root = np.sqrt(unique)
    values, vectors = np.linalg.eigh(correlations / root / root[:, None])
    return np.asarray(values), np.asarray(vectors)


def _loading(unique: Floats, values: Floats, vectors: Floats) -> Floats:
    return np.asarray(np.sqrt(unique) * vectors[:, -1] * np.sqrt(max(values[-1] - 1, 0.0)))


def _discrepancy(unique: Floats, correlations: Floats) -> tuple[float, Floats]:
    """Likelihood discrepancy, up to a constant, and its derivative ``diag(LL' + p - R) / p^2``."""
    values, vectors = _spectrum(unique, correlations)
    loading = _loading(unique, values, vectors)
    rest = values[:-1]
    slope = (loading**2 + unique - np.diag(correlations)) / unique**2
    return float((rest - np.log(rest)).sum()), slope


def _refuse_too_few(values: pd.DataFrame, chosen: Sequence[str]) -> None:
    unknown = [name for name in chosen if name not in values.columns]
    if unknown:
        raise RequestError(f"source {unknown[0]!r} is not in the table; representative sources are columns of it")
    advice = "take the mean of the sources, or show each by itself"
    if len(chosen) < FEWEST_SOURCES:
        raise EstimationError(
            f"{len(chosen)} representative sources; the unobserved components model needs {FEWEST_SOURCES}: {advice}"
        )
    seen = values.notna()
    units = int((seen[list(chosen)].sum(axis=1) >= 1).sum())
    if units < FEWEST_UNITS:
        raise EstimationError(f"{units} units; the unobserved components model needs {FEWEST_UNITS}: {advice}")
    for one, other in combinations(chosen, 2):
        shared = int((seen[one] & seen[other]).sum())
        if shared < FEWEST_SHARED:
            raise EstimationError(
                f"sources {one!r} and {other!r} share {shared} units; their correlation needs {FEWEST_SHARED}: {advice}"
            )


def _representative(values: pd.DataFrame) -> pd.DataFrame:
    """``alpha`` the mean, ``beta`` loading times standard deviation, ``sigma = sqrt(1 / loading^2 - 1)``."""
    sd = values.std()
    if not (sd > 0).all():
        raise EstimationError(f"source {sd.idxmin()!r} says the same of every unit; leave it out")
    loading = one_factor(pairwise_correlations(values.to_numpy(dtype=float)))
    against = values.columns[loading <= 0]
    if len(against):
        raise EstimationError(f"source {against[0]!r} runs against the others; turn it, or leave it out")
    return pd.DataFrame(
        {"alpha": values.mean(), "beta": loading * sd, "sigma": np.sqrt(1 / loading**2 - 1)}, index=values.columns
    )


def _attached(values: "pd.Series[float]", scores: pd.DataFrame) -> tuple[float, float, float]:
    """Parameters of a source that is fitted to the scores of the representative ones.

    The slope of y on the estimated g is divided by the share of the estimates' variance that is not error, as the
    Worldwide Governance Indicators do.
    """
    both: npt.NDArray[np.bool_] = (values.notna() & scores["score"].notna()).to_numpy()
    if both.sum() < FEWEST_SHARED:
        raise EstimationError(
            f"source {values.name!r} shares {both.sum()} units with the representative sources; it needs "
            f"{FEWEST_SHARED}, or must be left out"
        )
    y, g, se = (part.to_numpy(dtype=float)[both] for part in (values, scores["score"], scores["se"]))
    spread = g.var(ddof=1)
    share = (spread - (se**2).mean()) / spread
    beta = np.cov(g, y)[0, 1] / spread / (share if share > 0 else 1.0)
    if not beta > 0:
        raise EstimationError(f"source {values.name!r} runs against the others; turn it, or leave it out")
    rest = y - beta * g
    return float(rest.mean()), float(beta), float(rest.std(ddof=1) / beta)


def _whole(values: "pd.Series[float]") -> "pd.Series[float]":
    """Rounded, halves upwards, as they are published."""
    return (values + 0.5) // 1
