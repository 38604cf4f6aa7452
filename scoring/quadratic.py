"""Sums of squares under a design: how far they are stretched, and how likely such a sum is by chance."""

import numpy as np
from scipy import optimize, stats

from scoring.design import Floats

EQUAL = 1e-9  # share of the largest effect below which two are the same
NEAR_MEAN = 1e-4  # of the saddlepoint: nearer than this to the mean its formula is 0 / 0


def spread_of(naive: Floats, true: Floats) -> Floats:
    """Generalised design effects: eigenvalues of naive^-1 true, descending."""
    root = np.linalg.inv(np.linalg.cholesky(naive))
    return np.asarray(np.linalg.eigvalsh(root @ true @ root.T)[::-1])


def tail(x: float, effects: Floats, df: float = np.inf) -> float:
    """Chance that ``sum effects_i chi2_1 / (chi2_df / df)`` exceeds x, by the saddlepoint.

    The event is that the quadratic form ``sum effects_i Z_i^2 - (x / df) chi2_df`` is above 0. Kuonen (1999),
    Biometrika 86, 929-935; within 15 % of the exact chance. R `pFsum(method = "saddlepoint")` averages the saddlepoint
    of the numerator over the denominator instead, which is up to 20 % from it.
    """
    if x <= 0 or not np.isfinite(x):
        return 1.0 if x <= 0 else float("nan")
    if np.ptp(effects) <= EQUAL * effects.max():
        k = effects.size
        scaled = x / (k * float(effects[0]))
        return float(stats.f.sf(scaled, k, df) if np.isfinite(df) else stats.chi2.sf(scaled * k, k))
    values, counts = effects, np.ones(effects.size)
    level = x
    if np.isfinite(df):
        values, counts, level = np.append(effects, -x / df), np.append(counts, df), 0.0
    values, level = values / effects.max(), level / float(effects.max())
    if abs((counts * values).sum() - level) < NEAR_MEAN:  # between its neighbours, where the formula is 0 / 0
        return 0.5 * sum(tail(x * (1 + step), effects, df) for step in (-0.01, 0.01))
    return saddlepoint(level, values, counts)


def saddlepoint(level: float, values: Floats, counts: Floats) -> float:
    """P(sum values_i chi2_counts_i > level), Lugannani and Rice's formula with Barndorff-Nielsen's exponent."""

    def slope(z: float) -> float:
        return float((counts * values / (1 - 2 * z * values)).sum() - level)

    top = 0.5 / values.max() * (1 - 1e-9)
    lowest = values.min()
    bottom = 0.5 / lowest * (1 - 1e-9) if lowest < 0 else -float(counts.sum()) / (2 * level)
    z = float(optimize.brentq(slope, bottom, top, xtol=1e-14))
    generating = -0.5 * float((counts * np.log1p(-2 * z * values)).sum())
    w = np.sign(z) * np.sqrt(2 * (z * level - generating))
    v = z * np.sqrt(2 * float((counts * values**2 / (1 - 2 * z * values) ** 2).sum()))
    return float(stats.norm.sf(w + np.log(v / w) / w))
