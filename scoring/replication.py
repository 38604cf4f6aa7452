"""Replicate multipliers per PSU, and the variance of anything that can be estimated again from each replicate.

``v = scale sum_r rscale_r (theta_r - centre)^2``. A maker takes the PSU structure of a sample: `stratum` of each PSU
(psus,), PSUs `sampled` in each stratum (strata,), sampling `fraction` (strata,), 0 without a finite population
correction, and stratum `names` for messages. PSUs that were sampled but are not listed hold no respondents and count as
zero; a stratum taken whole (fraction 1) keeps multiplier 1 and adds no variance. Rules are those of R survey 4.5
(R/surveyrep.R `svrVar`, `jk1weights`, `jknweights`, `brrweights`, `svrepdesign`), read there, unless said otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.linalg import hadamard, lapack

from scoring.design import Floats, Integers
from scoring.errors import DesignError, EstimationError, RequestError

Kind = Literal[
    "JK1",
    "JK2",
    "JKn",
    "BRR",
    "Fay",
    "bootstrap",
    "subbootstrap",
    "mrbbootstrap",
    "rao-wu",
    "ACS",
    "successive-difference",
    "other",
]
FIXED = ("JK2", "BRR", "Fay", "ACS", "successive-difference")  # the kind alone says how replicates add up
PAIR = 2
SMALLEST = 0.01  # of the generalised bootstrap: the lowest multiplier after rescaling, as in R svrep
UNLIKE = 5.0  # combined and uncombined replicate weights differ by more, as R survey judges
RANK = 1e-5  # R survey `degf`


@dataclass(frozen=True, slots=True)
class Replicates:
    """Multipliers of base weights, and how the estimates of the replicates add up to a variance.

    Attributes
    ----------
    multipliers : ndarray of float, shape (units, R)
        Units are PSUs, or respondents where the replicate weights came from a file.
    scale : float
    rscales : ndarray of float, shape (R,)
    mse : bool
        Whether deviations are from the estimate of the full sample or from the mean of the replicates.
    kind : str
    df : float or None
        Of replicate weights from a file; None where PSUs are known, and with them PSUs - strata (at most R - 1).
    """

    multipliers: Floats
    scale: float
    rscales: Floats
    mse: bool
    kind: str
    df: float | None = None


def spread(full: Floats, values: Floats, replicates: Replicates) -> tuple[Floats, Integers]:
    """Variance of estimates, and the number of replicates that gave none; both of the shape of `full`.

    Parameters
    ----------
    full : ndarray of float, shape (...)
    values : ndarray of float, shape (R, ...)
        Estimates of each replicate. Each estimate drops the replicates in which it is missing; scales stay as they are
        (R `svrVar`). Missing where all are, or where the estimate itself is.
    """
    rscales = replicates.rscales.reshape(-1, *(1,) * full.ndim)
    found = np.isfinite(values)
    centred = found & (rscales > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(centred, values, 0.0).sum(axis=0) / centred.sum(axis=0)
    centre = full if replicates.mse else mean
    used = np.where(centred, values - np.where(np.isfinite(centre), centre, 0.0), 0.0)
    variance = replicates.scale * (rscales * used**2).sum(axis=0)
    known = np.isfinite(full) & (centred.any(axis=0) | ~(rscales > 0).any())
    return np.where(known, variance, np.nan), (~found).sum(axis=0)


def covariance(full: Floats, values: Floats, replicates: Replicates) -> Floats:
    """Covariance of m estimates, shape (m, m), from full (m,) and values (R, m); a replicate missing one is dropped."""
    found = np.isfinite(values).all(axis=1) & (replicates.rscales > 0)
    if not np.isfinite(full).all() or (not found.any() and (replicates.rscales > 0).any()):
        return np.full((full.size, full.size), np.nan)
    centre = full if replicates.mse or not found.any() else values[found].mean(axis=0)
    part = (values[found] - centre) * np.sqrt(replicates.rscales[found])[:, None]
    return np.asarray(replicates.scale * part.T @ part, dtype=np.float64)


def jackknife(
    stratum: Integers, sampled: Integers, fraction: Floats, names: Sequence[str], *, mse: bool = False
) -> Replicates:
    """Leave out one PSU at a time: its stratum's others get n_h / (n_h - 1), shape (psus, PSUs of open strata).

    rscale_r = (1 - f_h) (n_h - 1) / n_h; "JK1" where there is one stratum, else "JKn". R `jk1weights`, `jknweights`.
    Raises EstimationError where a stratum has one PSU.
    """
    whole = _all_psus(stratum, sampled, fraction, names)
    left_out = np.flatnonzero(fraction[whole] < 1)
    h = whole[left_out]
    n = sampled.astype(np.float64)
    multipliers = np.where(stratum[:, None] == h, (n / np.maximum(n - 1, 1))[h], 1.0)
    listed = left_out < stratum.size
    multipliers[left_out[listed], np.flatnonzero(listed)] = 0.0
    rscales = ((1 - fraction) * (n - 1) / n)[h]
    if sampled.size == 1 and h.size:
        return Replicates(multipliers, float(rscales[0]), np.ones(h.size), mse, "JK1")
    return Replicates(multipliers, 1.0, rscales, mse, "JKn")


def balanced(
    stratum: Integers,
    sampled: Integers,
    fraction: Floats,
    names: Sequence[str],
    *,
    fay: float = 0.0,
    mse: bool = False,
) -> Replicates:
    """Balanced half-samples of strata of two PSUs: multipliers 2 - fay and fay, shape (psus, R).

    R is the smallest power of two above the number of strata: rows of a Hadamard matrix without its constant row, so
    that half-samples are fully balanced and the variance of a total is the linearised one. scale = 1 / (R (1 - fay)^2).
    Raises EstimationError where a stratum has not two PSUs, RequestError where it has a finite population correction.
    """
    if not 0 <= fay < 1:
        raise RequestError(f"fay is {fay:g}; give a share of the weight that is kept, from 0 to below 1")
    whole = _all_psus(stratum, sampled, fraction, names)
    closed = fraction == 1
    wrong = np.flatnonzero(~closed & (sampled != PAIR))
    if wrong.size:
        raise EstimationError(
            f"stratum {names[wrong[0]]!r} has {sampled[wrong[0]]} PSUs, but balanced replicates need two in "
            "every stratum; collapse or split strata to pairs, or use the jackknife or a bootstrap"
        )
    corrected = np.flatnonzero(~closed & (fraction > 0))
    if corrected.size:
        raise RequestError(
            f"stratum {names[corrected[0]]!r} has a finite population correction, which balanced replicates cannot "
            "hold; leave the fpc out, or use the jackknife or a bootstrap"
        )
    count = 1 << int((~closed).sum()).bit_length()
    signs = np.zeros((sampled.size, count))
    signs[~closed] = hadamard(count)[1 : 1 + int((~closed).sum())]
    side = np.full(whole.size, -1.0)
    side[np.unique(whole, return_index=True)[1]] = 1.0
    multipliers = 1 + (1 - fay) * side[: stratum.size, None] * signs[stratum]
    return Replicates(multipliers, 1 / (count * (1 - fay) ** 2), np.ones(count), mse, "Fay" if fay else "BRR")


def rao_wu(
    stratum: Integers,
    sampled: Integers,
    fraction: Floats,
    names: Sequence[str],
    *,
    rng: np.random.Generator,
    count: int = 500,
    mse: bool = False,
) -> Replicates:
    """Rescaled bootstrap: n_h - 1 draws with replacement from the n_h PSUs of a stratum, shape (psus, count).

    ``1 - lambda_h + lambda_h k n_h / (n_h - 1)`` with k times drawn and ``lambda_h = sqrt(1 - f_h)``, never negative;
    scale = 1 / (count - 1) as R `subbootweights`, which knows no f. Rao and Wu (1988), JASA 83, 231-241, in the form
    of the R package surveysd (vignette "raowu"). Raises EstimationError where a stratum has one PSU.
    """
    _refuse_few(count)
    whole = _all_psus(stratum, sampled, fraction, names)
    multipliers = np.ones((whole.size, count))
    for h in np.flatnonzero(fraction < 1):
        n, shrink = int(sampled[h]), np.sqrt(1 - fraction[h])
        times = rng.multinomial(n - 1, np.full(n, 1 / n), size=count).T
        multipliers[whole == h] = 1 - shrink + shrink * n / (n - 1) * times
    return Replicates(multipliers[: stratum.size], 1 / (count - 1), np.ones(count), mse, "rao-wu")


def generalized(
    stratum: Integers,
    sampled: Integers,
    fraction: Floats,
    names: Sequence[str],
    *,
    rng: np.random.Generator,
    count: int = 500,
    mse: bool = True,
) -> Replicates:
    """Generalised bootstrap: positive multipliers of mean 1 with the covariance of the design, shape (psus, count).

    ``1 + e / tau``, e normal with covariance (1 - f_h) n_h / (n_h - 1) (I - 11'/n_h) in each stratum, the matrix of the
    variance of a total, and tau >= 1 the smallest number that leaves every multiplier at 0.01 or above; scale =
    tau^2 / count about the estimate of the full sample. Beaumont and Patak (2012), International Statistical Review 80,
    127-148; tau as in R svrep `make_gen_boot_factors`. Raises EstimationError where a stratum has one PSU.
    """
    _refuse_few(count)
    whole = _all_psus(stratum, sampled, fraction, names)
    drawn = rng.standard_normal((whole.size, count))
    sums = np.zeros((sampled.size, count))
    np.add.at(sums, whole, drawn)
    n = sampled.astype(np.float64)
    size = np.sqrt((1 - fraction) * n / np.maximum(n - 1, 1))
    deviation = ((drawn - (sums / n[:, None])[whole]) * size[whole][:, None])[: stratum.size]
    tau = max(1.0, -float(deviation.min(initial=0.0)) / (1 - SMALLEST))
    return Replicates(1 + deviation / tau, tau**2 / count, np.ones(count), mse, "generalized")


def from_weights(
    weight: Floats,
    replicate_weights: Floats,
    *,
    kind: str,
    scale: float | None = None,
    rscales: Floats | Sequence[float] | float | None = None,
    mse: bool = False,
    combined: bool = True,
    fay: float | None = None,
    names: Sequence[str] = (),
) -> Replicates:
    """Replicates from weights of a file, with the scales that R `svrepdesign` gives each kind.

    JK1 (R-1)/R; JK2 1; BRR 1/R; Fay 1/(R (1-fay)^2); bootstraps 1/(R-1); ACS and successive-difference 4/R; JKn needs
    `rscales`, other needs `scale`.

    Parameters
    ----------
    weight : ndarray of float, shape (n,)
    replicate_weights : ndarray of float, shape (n, R)
        Analysis weights if `combined`, else multipliers of `weight`.
    scale, rscales : float, and R floats or one
        Where the kind leaves them open; what contradicts the kind is an error.
    names : sequence of str, shape (R,), optional
        Column names for messages.

    Returns
    -------
    Replicates
        Multipliers of the n rows, and df = rank - 1.
    """
    _refuse_weights(weight, replicate_weights, names, combined=combined)
    count = replicate_weights.shape[1]
    found_scale, found_rscales = _scales(kind, count, scale, rscales, fay)
    multipliers = replicate_weights
    if combined:
        multipliers = np.divide(
            replicate_weights, weight[:, None], out=np.zeros(replicate_weights.shape), where=weight[:, None] > 0
        )
    df = degrees_of_freedom(replicate_weights if combined else replicate_weights * weight[:, None])
    return Replicates(multipliers, found_scale, found_rscales, mse, kind, df)


def degrees_of_freedom(replicate_weights: Floats) -> float:
    """Rank of the analysis weights (n, R) less 1, tolerance 1e-5 as R survey `degf`, from (R, R) cross products."""
    gram = replicate_weights.T @ replicate_weights
    size = np.sqrt(np.diag(gram))
    size[size == 0] = 1.0
    rank = lapack.dpstrf(gram / np.outer(size, size), tol=RANK**2)[2]
    return float(max(rank - 1, 0))


def _all_psus(stratum: Integers, sampled: Integers, fraction: Floats, names: Sequence[str]) -> Integers:
    """Stratum of every sampled PSU, those listed first; refuses strata of one PSU and structures that cannot be."""
    listed = np.bincount(stratum, minlength=sampled.size)
    if len({sampled.size, fraction.size, len(names), listed.size}) > 1 or (listed > sampled).any():
        raise RequestError("PSU structure contradicts itself: each stratum needs a name, a fraction and all its PSUs")
    alone = np.flatnonzero((sampled == 1) & (fraction < 1))
    if alone.size:
        raise EstimationError(
            f"stratum {names[alone[0]]!r} has one PSU, so no replicate can be made of it; "
            "merge it with a neighbour, or give it the sampling fraction 1 if it was taken whole"
        )
    return np.concatenate([stratum, np.repeat(np.arange(sampled.size), sampled - listed)]).astype(np.int64)


def _refuse_few(count: int) -> None:
    if count < PAIR:
        raise RequestError(f"{count} bootstrap replicates give no variance; ask for some hundred")


def _scales(
    kind: str, count: int, scale: float | None, rscales: Floats | Sequence[float] | float | None, fay: float | None
) -> tuple[float, Floats]:
    """Scale and rscales (R,) of a kind of replicate weights."""
    kind = {known.casefold(): known for known in get_args(Kind)}.get(kind.casefold(), kind)
    if kind not in get_args(Kind):
        raise RequestError(f"replicate kind is {kind!r}; it may be {', '.join(get_args(Kind))}")
    if kind == "Fay" and fay is None and scale is not None:
        kind = "other"  # the scale says what rho would
    if (fay is None) == (kind == "Fay") or not 0 <= (fay or 0.0) < 1:
        raise RequestError(
            f"kind {kind!r} with fay {fay}: 'Fay' needs the share of weight kept, 0 to below 1, others none"
        )
    usual = {"JK1": (count - 1) / count, "BRR": 1 / count, "Fay": 1 / (count * (1 - (fay or 0.0)) ** 2)}
    usual |= dict.fromkeys(("bootstrap", "subbootstrap", "mrbbootstrap", "rao-wu"), 1 / max(count - 1, 1))
    usual |= dict.fromkeys(("ACS", "successive-difference"), 4 / count) | {"JK2": 1.0, "JKn": 1.0}
    if (kind == "JKn" and rscales is None) or (kind == "other" and scale is None):
        missing = "rscales, (n_h - 1) / n_h of each replicate's stratum" if kind == "JKn" else "a scale"
        raise RequestError(f"replicate kind {kind!r} needs {missing}; look in the documentation of the weights")
    each = np.ones(count) if rscales is None else np.asarray(rscales, dtype=np.float64)
    if each.size not in (1, count):
        raise RequestError(f"{each.size} rscales for {count} replicate weights; give one each, or one for all")
    each = np.broadcast_to(each.ravel(), (count,)).copy()
    whole = usual[kind] if scale is None else float(scale)
    if not (np.isfinite(whole) and whole > 0 and np.isfinite(each).all() and (each >= 0).all()):
        raise RequestError("scale and rscales of replicates must be finite and not negative; mend them")
    if kind in FIXED and not np.allclose(whole * each, usual[kind], rtol=1e-9, atol=0):
        raise RequestError(
            f"replicate kind {kind!r} fixes scale at {usual[kind]:.8g} and rscales at 1; leave them out, "
            "or call it 'other'"
        )
    return whole, each


def _refuse_weights(weight: Floats, replicate_weights: Floats, names: Sequence[str], *, combined: bool) -> None:
    """Name the first row and column that cannot be true."""
    if replicate_weights.ndim != PAIR or len(replicate_weights) != len(weight) or replicate_weights.shape[1] < PAIR:
        raise DesignError(
            f"replicate weights of shape {replicate_weights.shape} do not fit {len(weight)} rows; "
            "give a column a replicate, two or more, and a row a respondent"
        )
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise DesignError(
            "weights beside the replicate weights are missing, negative or infinite; give every row a weight"
        )
    _refuse_cells(~np.isfinite(replicate_weights), names, "is missing or infinite; give 0 where the row is left out")
    _refuse_cells(replicate_weights < 0, names, "is negative; use weights that were bounded at 0")
    unknown = (replicate_weights > 0) & (weight == 0)[:, None]
    _refuse_cells(unknown if combined else np.zeros((1, 1), dtype=bool), names, "is above 0, but the row's weight is 0")
    mean = float(replicate_weights.mean())
    expected = float(weight.mean()) if combined else 1.0
    if not expected / UNLIKE <= mean <= expected * UNLIKE:
        raise DesignError(
            f"replicate weights average {mean:.6g}, but {expected:.6g} is expected of "
            f"{'analysis weights' if combined else 'multipliers'}; set combined to {not combined}, or mend the columns"
        )


def _refuse_cells(wrong: npt.NDArray[np.bool_], names: Sequence[str], fault: str) -> None:
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        name = repr(names[column]) if len(names) else f"column {column + 1}"
        raise DesignError(f"replicate weight {name} in data row {row + 1} {fault} ({int(wrong.sum())} such values)")
