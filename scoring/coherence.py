"""How the parts of an index hang together: covariance, reliability, redundancy, influence. Pure arrays.

Covariances come from respondents (`pairwise`), or from estimates of units with their sampling errors taken out
(`between`); everything else is a function of a covariance matrix.
"""

from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
from scipy import stats

from scoring.components import one_factor
from scoring.design import Floats, Integers
from scoring.robustness.published import Published

FEW_UNITS = 5  # below this nothing is said of how units differ
MOST_PARTS = 12  # of which every subset is tried
SINGULAR = 1e-8  # smallest eigenvalue of correlations below which one part is a mixture of the others


@dataclass(frozen=True, slots=True)
class Factor:
    """The one-factor model of some parts.

    Attributes
    ----------
    loadings : ndarray of float, shape (k,)
        Correlation of each part with what all share.
    omega : float
        McDonald's omega of the weighted sum: ``(w'l)^2 / ((w'l)^2 + sum w^2 u)``, l and u in the units of the parts.
    share : float
        Share of the variance of all parts that is shared, ``mean l^2``.
    residual : float
        Standardised root mean square residual of the correlations that the factor leaves (SRMR).
    """

    loadings: Floats
    omega: float
    share: float
    residual: float


def pairwise(scores: Floats, weight: Floats) -> tuple[Floats, Integers]:
    """Weighted covariances of each two columns over those who have both, and how many do, shapes (k, k).

    Kish's divisor n / (n - 1) as in `moments.covariances`; NaN where fewer than two have both.
    """
    r = ~np.isnan(scores)
    centre = np.where(r, scores, 0.0).sum(axis=0) / np.maximum(r.sum(axis=0), 1)  # keeps the digits, changes nothing
    centred = np.where(r, scores - centre, 0.0)
    inside = (r & (weight > 0)[:, None]).astype(np.float64)
    n = (inside.T @ inside).round().astype(np.int64)
    weighted = inside * weight[:, None]
    base = weighted.T @ inside
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weighted * centred).T @ inside / base  # of the row's variable among those who have both
        product = (weighted * centred).T @ (inside * centred) / base
        return np.where(n > 1, n / (n - 1.0) * (product - mean * mean.T), np.nan), n


def between(values: Floats, sampling: Floats, group: Integers) -> Floats:
    """Covariance of the true values of units: that of their estimates less what sampling error adds, shape (k, k).

    Parameters
    ----------
    values : ndarray of float, shape (units, k)
    sampling : ndarray of float, shape (units, k, k)
        Covariance of the estimates of each unit.
    group : ndarray of int, shape (units,)
        Waves, say: units are compared within them.
    """
    _, place = np.unique(group, return_inverse=True)
    groups = place.max() + 1
    means = np.stack([values[place == one].mean(axis=0) for one in range(groups)])
    apart = values - means[place]
    return np.asarray(apart.T @ apart / (len(values) - groups) - sampling.mean(axis=0))


def surely(values: Floats, sampling: Floats, group: Integers) -> float:
    """Lower limit, at 97.5 %, of the size of the correlation of two columns of `between`.

    By leaving out each unit in turn, with n - 1 df (Efron 1982); NaN where the correlation hangs on one unit.
    """
    n = len(values)
    left = [np.delete(np.arange(n), unit) for unit in range(n)]
    each = np.array([correlations(between(values[rest], sampling[rest], group[rest]))[0, 1] for rest in left])
    whole = correlations(between(values, sampling, group))[0, 1]
    se = np.sqrt((n - 1) / n * ((each - each.mean()) ** 2).sum())
    return float(abs(whole) - stats.t.ppf(0.975, n - 1) * se)


def between_posts(published: Published) -> pd.DataFrame:
    """Correlations between units of what a release shows of each two items, freed of sampling error.

    ``cov_ij - mean_u se_ui se_uj R_ij`` over the units that show both with a standard error, at least five.

    Returns
    -------
    DataFrame
        `first`, `second`, `correlation`, its lower limit `low` by size (`surely`), `units`, `reason` as in
        `soundness.REASONS`.
    """
    shown = np.isfinite(published.estimate) & np.isfinite(published.se) & (published.df > 0)
    rows = []
    for first, second in combinations(range(len(published.items)), 2):
        pair, used = np.array([first, second]), np.flatnonzero(shown[:, first] & shown[:, second])
        row = {"first": published.items[first], "second": published.items[second], "units": used.size}
        values, se = published.estimate[np.ix_(used, pair)], published.se[np.ix_(used, pair)]
        sampling = se[:, :, None] * se[:, None, :] * published.correlation[np.ix_(pair, pair)]
        rows.append(row | correlated(values, sampling, np.zeros(used.size, dtype=np.int64)))
    return pd.DataFrame(rows, columns=["first", "second", "correlation", "low", "units", "reason"])


def correlated(values: Floats, sampling: Floats, group: Integers) -> dict[str, float | str]:
    """Correlation of two columns of units, its lower limit by size, and why there is none or how to read it."""
    empty = {"correlation": np.nan, "low": np.nan}
    if len(values) < FEW_UNITS:
        return empty | {"reason": "few_units"}
    r = correlations(between(values, sampling, group))[0, 1]
    if np.isnan(r):
        return empty | {"reason": "no_spread"}
    low = surely(values, sampling, group)
    return {"correlation": float(np.clip(r, -1, 1)), "low": low, "reason": "beyond_one" if abs(r) > 1 else ""}


def correlations(covariance: Floats) -> Floats:
    """Correlations, NaN where a variance is not above 0."""
    own = np.diag(covariance)
    root = np.sqrt(np.where(own > 0, own, np.nan))
    return np.asarray(covariance / root / root[:, None])


def coherent(covariance: Floats) -> bool:
    """Whether the matrix is that of parts none of which is a mixture of the others."""
    matrix = correlations(covariance)
    return bool(np.isfinite(matrix).all() and np.linalg.eigvalsh(matrix)[0] > SINGULAR)


def rest_correlations(covariance: Floats, weights: Floats) -> Floats:
    """Correlation of each part with the weighted sum of the others, shape (k,)."""
    joint = covariance * weights
    with_all = joint.sum(axis=1)
    own = np.diag(covariance)
    with_rest = with_all - weights * own
    rest = weights @ with_all - 2 * weights * with_all + weights**2 * own
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(with_rest / np.sqrt(own * np.where(rest > 0, rest, np.nan)))


def factor(covariance: Floats, weights: Floats) -> Factor:
    """Fit one factor by maximum likelihood (`components.one_factor`), for three parts or more.

    McDonald 1999, Test Theory; SRMR of Hu and Bentler 1999, Structural Equation Modeling 6.

    Raises
    ------
    EstimationError
        Where the factor would explain a part wholly (a Heywood case) or correlations contradict one another.
    """
    matrix = correlations(covariance)
    loadings = one_factor(matrix)
    scale = weights * np.sqrt(np.diag(covariance))
    common, alone = (scale @ loadings) ** 2, (scale**2 * (1 - loadings**2)).sum()
    left = (matrix - np.outer(loadings, loadings))[np.triu_indices(len(matrix), 1)]
    omega, share, residual = common / (common + alone), (loadings**2).mean(), np.sqrt((left**2).mean())
    return Factor(loadings, float(omega), float(share), float(residual))


def inflation(covariance: Floats) -> Floats:
    """Variance inflation factor of each part, ``1 / (1 - R2)`` of the part on the others, shape (k,)."""
    return np.diag(np.linalg.inv(correlations(covariance)))


def main_effects(covariance: Floats, weights: Floats) -> Floats:
    """Squared correlation of each part with the weighted sum (Paruolo, Saisana, Saltelli 2013, JRSS A 176)."""
    with_all = covariance @ weights
    return np.asarray(with_all**2 / np.diag(covariance) / (weights @ with_all))


def influence(covariance: Floats, weights: Floats) -> Floats:
    """Share of each part in the variance of the weighted sum, shape (k,); they sum to 1.

    The gain of R2 averaged over all orders in which parts may enter (Shapley; Lindeman, Merenda, Gold 1980; Gromping
    2007, American Statistician 61). For at most 12 parts.
    """
    k = len(weights)
    subset = np.arange(2**k)
    used = (subset[:, None] >> np.arange(k) & 1).astype(np.float64)
    matrices = covariance * used[:, :, None] * used[:, None, :] + np.eye(k) * (1 - used)[:, :, None]
    target = covariance @ weights
    given = target * used
    explained = (given * np.linalg.solve(matrices, given[:, :, None])[:, :, 0]).sum(axis=1) / (weights @ target)
    size = used.sum(axis=1).astype(np.int64)
    chance = np.array([factorial(s) * factorial(max(k - s - 1, 0)) / factorial(k) for s in range(k + 1)])
    shares = np.empty(k)
    for part in range(k):
        others = subset[used[:, part] == 0]
        shares[part] = chance[size[others]] @ (explained[others + 2**part] - explained[others])
    return shares
