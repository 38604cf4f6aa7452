"""Quantiles of weighted values by named rules, those of R survey 4.5 `svyquantile(qrule=)`.

The rules follow Hyndman and Fan (1996), types 1 to 9, with cumulated weights W_k in place of counts k; Lumley's
vignette "Estimating quantiles" of R survey describes them, `qrule.R` there says what happens at ties. Two families:

* the distribution function read backwards ("math" = "hf1", "school" = "hf2", "hf3"), which differ only where p falls on
  one of its steps;
* interpolation between the points (p_k, x_k) ("hf4" to "hf9"), flat beyond the first and the last.

"shahvaish" stands alone: Shah and Vaish (2006), as R has it.
"""

from typing import Literal, get_args

import numpy as np

from scoring.design import Floats
from scoring.errors import RequestError

QuantileRule = Literal["math", "school", "shahvaish", "hf1", "hf2", "hf3", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9"]
PLACES = {
    "hf4": (1.0, 1.0),
    "hf5": (1 / 2, 1.0),
    "hf6": (1.0, 2.0),
    "hf7": (0.0, 0.0),
    "hf8": (2 / 3, 4 / 3),
    "hf9": (5 / 8, 5 / 4),
}
"""a and c of p_k = (W_{k-1} + a w_k) / (W_{n-1} + c w_n); with equal weights Hyndman and Fan's p_k of that type."""


def weighted_quantile(x: Floats, w: Floats, p: float | Floats, *, rule: QuantileRule = "math") -> Floats:
    """Quantiles of weighted values, NaN where nothing has weight or p is NaN.

    Parameters
    ----------
    x : ndarray of float, shape (n,)
        Values in any order, without NaN; the unit of x is the unit of the answer. Interpolation between equal values
        depends on their order when their weights differ: they count in the order given, as in R.
    w : ndarray of float, shape (n,)
        Weights, 0 or more; values of weight 0 do not count.
    p : float or ndarray of float
        Shares between 0 and 1, of any shape.
    rule : {"math", "school", "shahvaish", "hf1", ..., "hf9"}
        "math" and "hf1" are the smallest x with W(x) >= p; "school" and "hf2" average it with the next value where
        W(x) is p; "hf3" steps on unless x is an even one among the distinct values.

    Returns
    -------
    ndarray of float, of the shape of p

    Raises
    ------
    RequestError
        The rule is unknown, or p lies outside 0 to 1.

    See Also
    --------
    sorted_quantile : the same of sorted values, for many weights at once.

    Notes
    -----
    W_k is the double nearest to the sum, and whether p meets W_k / W_n is decided in floating point, so that ties fall
    as in R: of 200 equal weights 30.97 the quantile 0.5 is the 100th value, while 0.1 is the 21st.

    Below the first step of W R extrapolates ("hf4"), averages the first two values ("hf2") or takes the second ("hf3");
    here it is the smallest value, as for equal weights in Hyndman and Fan. For p = 1 and "hf4", where R has NaN, it is
    the largest. "shahvaish" adds weights to ranks and so depends on the unit of w, as in R.
    """
    order = np.argsort(x, kind="stable")
    return sorted_quantile(x[order], w[order], p, rule=rule)


def sorted_quantile(x: Floats, w: Floats, p: float | Floats, *, rule: QuantileRule = "math") -> Floats:
    """`weighted_quantile` of values that ascend, for one or many sets of weights.

    Parameters
    ----------
    x : ndarray of float, shape (n,)
        Ascending.
    w : ndarray of float, shape (n,) or (replicates, n)
        In the order of x.
    p, rule
        As for `weighted_quantile`.

    Returns
    -------
    ndarray of float, shape of p, or (replicates, *shape of p)
    """
    if rule not in get_args(QuantileRule):
        raise RequestError(f"quantile rule is {rule!r}; it may be {', '.join(get_args(QuantileRule))}")
    share = np.asarray(p, dtype=np.float64)
    if ((share < 0) | (share > 1)).any():
        raise RequestError("a quantile is asked for outside 0 to 1; give shares such as 0.5 for the median")
    rows, flat = np.atleast_2d(w), share.ravel()
    found = np.full((len(rows), flat.size), np.nan)
    for number, row in enumerate(rows):  # not at once: rows differ in what has no weight
        held = row > 0
        if held.any():
            found[number] = _quantile(x[held], row[held], flat, rule)
    return np.where(np.isnan(share), np.nan, found.reshape((*w.shape[:-1], *share.shape)))


def _quantile(x: Floats, w: Floats, p: Floats, rule: QuantileRule) -> Floats:
    if x.size == 1:
        return np.full(p.shape, x[0])
    if rule == "shahvaish":
        return _shah_vaish(x, w, p)
    upto = cumulated(w)
    if rule in PLACES:
        share, last = PLACES[rule]
        before = np.concatenate([[0.0], upto[:-1]])
        return np.interp(p, (before + share * w) / (before[-1] + last * w[-1]), x)
    if rule == "hf3":
        ends = np.flatnonzero(np.append(x[1:] != x[:-1], np.True_))
        x, upto = x[ends], upto[ends]
    return _stepped(x, upto, p, rule)


def _stepped(x: Floats, upto: Floats, p: Floats, rule: QuantileRule) -> Floats:
    """The distribution function with steps upto / upto[-1] at x, read backwards."""
    steps = np.searchsorted(upto, p * upto[-1], side="right")  # of them p has reached
    below, above = np.maximum(steps - 1, 0), np.minimum(steps, x.size - 1)
    met = (steps > 0) & (p <= upto[below] / upto[-1])
    if rule == "hf3":
        met &= steps % 2 == 0
    there: Floats = (x[below] + x[above]) / 2 if rule in ("school", "hf2") else x[below]
    return np.where(met, there, x[above])


def _shah_vaish(x: Floats, w: Floats, p: Floats) -> Floats:
    """The value at the last p_k = (S_k + 1/2 - w_k/2) / (n + 1) up to p, S_k cumulated weights of mean 1.

    p_k takes w_k as it is, not divided by its mean (R survey 4.5), so p_k may fall; values at one p_k are averaged.
    """
    places, which = np.unique((cumulated(w / w.mean()) + 0.5 - w / 2) / (x.size + 1), return_inverse=True)
    values: Floats = np.bincount(which, weights=x) / np.bincount(which)
    return values[np.maximum(np.searchsorted(places, p, side="right") - 1, 0)]


def cumulated(w: Floats) -> Floats:
    """Cumulated sums as if added without rounding, each then rounded once.

    What an addition loses is itself a double (Shewchuk 1997, theorem 7, after Knuth); the losses are summed and given
    back. R adds in extended precision to the same end, which not every machine has.
    """
    upto: Floats = np.cumsum(w)
    before = np.concatenate([np.zeros(1), upto[:-1]])
    added = upto - before
    lost: Floats = (before - (upto - added)) + (w - added)
    return upto + np.cumsum(lost)
