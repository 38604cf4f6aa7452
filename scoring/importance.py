"""How much of the spread of an answer each of several things goes with: Shapley shares of R2 (LMG)."""

from math import factorial

import numpy as np

from scoring.design import Floats
from scoring.errors import EstimationError, RequestError

MOST = 14  # regressors: 2^14 subsets
ALIKE = 1e-10  # share of a variance that is left beside the others, below which two say the same


def subsets(covariances: Floats) -> Floats:
    """R2 of every subset of regressors, shape (2^p, R), bit j of the row for regressor j.

    Parameters
    ----------
    covariances : ndarray of float, shape (R, p + 1, p + 1)
        Of the regressors and, last, the answer; one matrix a replicate.

    Each subset is one sweep from a smaller one, so 2^p sweeps of ever smaller matrices serve all replicates at once.
    """
    p = covariances.shape[1] - 1
    if not 0 < p <= MOST:
        raise RequestError(f"{p} regressors: give 1 to {MOST}, dimensions rather than items")
    whole = covariances[:, -1, -1]
    if not (whole > 0).all():
        raise EstimationError("everybody gave the same answer, so that nothing can go with it; leave the outcome out")
    out = np.zeros((2**p, covariances.shape[0]))
    own = np.einsum("rii->ri", covariances)
    waiting = [(0, 0, covariances)]  # subset, first regressor that may join, what is left of the later ones
    while waiting:
        held, first, left = waiting.pop()
        for place in range(left.shape[1] - 1):
            pivot = left[:, place, place]
            if (pivot <= ALIKE * own[:, first + place]).any():
                raise EstimationError("two explaining variables say the same; leave one of them out")
            column = left[:, place + 1 :, place]
            rest = left[:, place + 1 :, place + 1 :] - column[:, :, None] * column[:, None, :] / pivot[:, None, None]
            joined = held | 1 << (first + place)
            out[joined] = 1 - rest[:, -1, -1] / whole
            if rest.shape[1] > 1:
                waiting.append((joined, first + place + 1, rest))
    return out


def shapley(covariances: Floats) -> Floats:
    """Mean gain of R2 over all orders in which regressors may enter, shape (R, p); rows sum to R2 of all.

    Lindeman, Merenda and Gold (1980), as in R relaimpo `calc.relimp(type = "lmg")` (Groemping 2006, Journal of
    Statistical Software 17); Shapley's value of a game whose worth is R2.
    """
    r2 = subsets(covariances)
    p = covariances.shape[1] - 1
    number = np.arange(2**p)
    size = np.array([int(each).bit_count() for each in number])
    share = np.array([factorial(k) * factorial(p - k - 1) / factorial(p) for k in range(p)])
    out = np.empty((covariances.shape[0], p))
    for place in range(p):
        without = number[number >> place & 1 == 0]
        out[:, place] = share[size[without]] @ (r2[without | 1 << place] - r2[without])
    return out
