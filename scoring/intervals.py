"""Confidence limits of estimates, and of proportions in particular: the kinds of R survey 4.5 `svyciprop(method=)`.

Every kind but "t" and "normal" works on the share value / top and never leaves 0 to top.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import stats

from scoring.design import Floats
from scoring.errors import RequestError

Interval = Literal["t", "normal", "logit", "beta", "xlogit", "wilson", "asin", "likelihood"]
ROUNDS = 100  # of Newton's method, which needs about 6
NEAR = 1e-14  # on the logit scale


@dataclass(frozen=True, slots=True)
class _Share:
    """A proportion p with what its limits need; t is the quantile at (1 + level) / 2."""

    p: Floats
    se: Floats
    logit_se: Floats
    t: Floats
    n: Floats
    level: float

    @property
    def effective(self) -> Floats:
        """Size of the simple random sample that would have this standard error."""
        return self.p * (1 - self.p) / self.se**2


def intervals(
    values: Floats,
    se: Floats,
    df: Floats,
    *,
    interval: Interval,
    level: float = 0.95,
    top: float | Floats = 1.0,
    n: Floats | None = None,
    logit_se: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Two-sided confidence limits, NaN where df is 0; arrays of any shapes that broadcast.

    With p = values / top, v = (se / top)^2 and t the quantile of Student's distribution with df degrees of freedom
    (the normal one where df is inf):

    ========== =====================================================================================================
    t          values +/- t se; R's "mean"
    normal     values +/- z se
    logit      expit(logit p +/- t s), s = `logit_se` or else sqrt(v) / (p (1 - p))
    xlogit     the same with s = sqrt(v) / (p (1 - p)) always
    asin       sin^2(arcsin sqrt p +/- t sqrt(v) / (2 sqrt(p (1 - p)))), the angle kept between 0 and pi/2
    wilson     Wilson's score interval (1927) with n_eff = p (1 - p) / v for n and t for z
    beta       Clopper and Pearson's (1934) with n_eff = p (1 - p) / v (t_{n-1} / t)^2 (Korn and Graubard 1998)
    likelihood all q with 2 [p log(p/q) + (1-p) log((1-p)/(1-q))] <= t^2 v / (p (1-p)) n / (n - 1)
    ========== =====================================================================================================

    Sources: R survey `svyciprop` and `confint.svyglm`; its figures settle what "wilson" and "likelihood" leave open.
    The likelihood is that of a quasibinomial model with an intercept alone, scaled by lambda (Rao and Scott 1984),
    the design variance of the logit over the naive one; n / (n - 1) is the model's dispersion. Here the equation
    itself is solved; R draws straight lines between some 30 points of the profile and is off by up to 3e-5 of a limit.

    Parameters
    ----------
    values, se, df : ndarray of float
    interval : {"t", "normal", "logit", "beta", "xlogit", "wilson", "asin", "likelihood"}
    level : float
        Confidence, 0.95 by default.
    top : float or ndarray of float
        Largest possible value of the scale, 1 for proportions, 100 for indices.
    n : ndarray of float, optional
        Unweighted answers; "beta" and "likelihood" need them.
    logit_se : ndarray of float, optional
        Standard error of logit p itself, where replicates give one; used by "logit" only.

    Returns
    -------
    low, high : ndarray of float, in units of values
        A value at 0 or `top` gets NaN from every kind but t and normal, since p (1 - p) / v is 0 / 0 there; see
        `one_sided`. Inside, a standard error of 0 gives the value twice.

    Raises
    ------
    RequestError
        The kind is unknown, the level is no share, or n is missing where it is needed.
    """
    if interval not in get_args(Interval):
        raise RequestError(f"interval is {interval!r}; it may be {', '.join(get_args(Interval))}")
    if not 0 < level < 1:
        raise RequestError(f"level is {level}; give a share between 0 and 1 such as 0.95")
    if n is None and interval in ("beta", "likelihood"):
        raise RequestError(f"{interval} intervals need n, the unweighted answers behind each value")
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        known_df = np.where(df > 0, np.inf if interval == "normal" else df, np.nan)
        t = np.asarray(stats.t.ppf((1 + level) / 2, known_df))
        if interval in ("t", "normal"):
            return values - t * se, values + t * se
        p, spread = values / top, se / top
        of_logit = spread / (p * (1 - p))
        if logit_se is not None and interval == "logit":
            of_logit = logit_se
        share = _Share(p, spread, of_logit, t, np.asarray(np.nan if n is None else n, dtype=np.float64), level)
        low, high = KINDS[interval](share)
        known = (p > 0) & (p < 1) & ~np.isnan(t)
        still = known & (spread == 0) & (share.logit_se == 0)
    low, high = (np.where(still, values, np.where(known, top * limit, np.nan)) for limit in (low, high))
    return low, high


def one_sided(n_eff: Floats, *, level: float = 0.95) -> Floats:
    """Largest share compatible with no case among n_eff: 1 - (1 - level)^(1 / n_eff).

    The exact binomial bound (Clopper and Pearson 1934) with the effective n in place of n; "0 +/- 0" is never shown.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n_eff > 0, 1 - (1 - level) ** (1 / n_eff), np.nan)


def _logit(share: _Share) -> tuple[Floats, Floats]:
    centre, half = np.log(share.p / (1 - share.p)), share.t * share.logit_se
    return 1 / (1 + np.exp(half - centre)), 1 / (1 + np.exp(-half - centre))


def _asin(share: _Share) -> tuple[Floats, Floats]:
    angle = np.arcsin(np.sqrt(share.p))
    half = share.t * share.se / (2 * np.sqrt(share.p * (1 - share.p)))
    return np.sin(np.maximum(angle - half, 0)) ** 2, np.sin(np.minimum(angle + half, np.pi / 2)) ** 2


def _wilson(share: _Share) -> tuple[Floats, Floats]:
    weight = share.t**2 / share.effective
    centre = (share.p + weight / 2) / (1 + weight)
    half = np.sqrt(weight * (share.p * (1 - share.p) + weight / 4)) / (1 + weight)
    return np.maximum(centre - half, 0), np.minimum(centre + half, 1)  # rounding may pass an end


def _beta(share: _Share) -> tuple[Floats, Floats]:
    tail = (1 - share.level) / 2
    n = share.effective * (stats.t.ppf(tail, share.n - 1) / share.t) ** 2
    cases, others = n * share.p, n * (1 - share.p)
    low, high = stats.beta.ppf(tail, cases, others + 1), stats.beta.ppf(1 - tail, cases + 1, others)
    return np.asarray(low), np.asarray(high)


def _likelihood(share: _Share) -> tuple[Floats, Floats]:
    allowed = share.t**2 / share.effective * share.n / (share.n - 1)
    return _profiled(share.p, allowed), 1 - _profiled(1 - share.p, allowed)


def _profiled(p: Floats, allowed: Floats) -> Floats:
    """The share q < p whose deviance from p, per unit of weight, is what is allowed, by Newton's method.

    With d = logit q - logit p <= 0 the deviance is 2 (log(1 + p (e^d - 1)) - p d): convex, with slope 2 (q - p), so
    every step ends at the root or beyond and the steps shrink.
    """
    d = -np.sqrt(allowed / (p * (1 - p)))
    for _ in range(ROUNDS):
        q = p * np.exp(d) / (1 + p * np.expm1(d))
        excess = 2 * (np.log1p(p * np.expm1(d)) - p * d) - allowed
        step = np.where(q < p, excess / (2 * (q - p)), 0.0)
        d = d - step
        if not (np.abs(step) > NEAR * (1 - d)).any():
            break
    return p * np.exp(d) / (1 + p * np.expm1(d))


KINDS: dict[str, Callable[[_Share], tuple[Floats, Floats]]] = {
    "logit": _logit,
    "xlogit": _logit,
    "asin": _asin,
    "wilson": _wilson,
    "beta": _beta,
    "likelihood": _likelihood,
}
