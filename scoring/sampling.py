"""Samples worth trusting: outcomes of approaches, interviews needed, what a plan can detect, interviewer effects."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from scoring.design import FLOOR
from scoring.errors import RequestError

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.generic]

Outcome = Literal["complete", "partial", "refusal", "non_contact", "other", "unknown", "ineligible"]

#: What may become of somebody who was picked at a crossing, and where the Standard Definitions count it.
DISPOSITIONS: Final[Mapping[str, Outcome]] = {
    "complete": "complete",
    "stopped": "partial",  # by somebody else, before its end
    "partial": "partial",
    "refused": "refusal",
    "broken_off": "refusal",  # R is "refusals and break-offs"
    "not_reached": "non_contact",  # picked, and gone before a word was said
    "language": "other",
    "unsafe": "other",
    "no_woman_interviewer": "other",
    "other": "other",
    "unknown": "unknown",  # whether it is one of those to be asked
    "ineligible": "ineligible",
}


@dataclass(frozen=True, slots=True)
class Rates:
    """Outcome rates, each a share from 0 to 1; NaN where nobody is in the denominator."""

    rr1: float
    rr2: float
    coop1: float
    ref1: float
    con1: float


def outcome_rates(counts: Mapping[str, float]) -> Rates:
    """Response, cooperation, refusal and contact rates of a survey.

    With I complete interviews, P partial ones, R refusals and break-offs, NC non-contacts, O others who were
    eligible, and U of unknown eligibility (UH + UO)::

        RR1   = I / ((I + P) + (R + NC + O) + U)
        RR2   = (I + P) / ((I + P) + (R + NC + O) + U)
        COOP1 = I / ((I + P) + R + O)
        REF1  = R / ((I + P) + (R + NC + O) + U)
        CON1  = ((I + P) + R + O) / ((I + P) + (R + O + NC) + U)

    Source: The American Association for Public Opinion Research, Standard Definitions, 10th edition (2023).
    Those known to be ineligible are in none.

    Parameters
    ----------
    counts : mapping of disposition to people
        Names of `DISPOSITIONS`; one that is absent counts nobody.

    Raises
    ------
    RequestError
        If a disposition is unknown or a count is negative or missing.
    """
    unknown = [name for name in counts if name not in DISPOSITIONS]
    if unknown:
        raise RequestError(f"disposition {unknown[0]!r} is not known; there are: {', '.join(DISPOSITIONS)}")
    wrong = [name for name, count in counts.items() if not (math.isfinite(count) and count >= 0)]
    if wrong:
        raise RequestError(f"disposition {wrong[0]!r} has the count {counts[wrong[0]]}; give 0 or more people")
    total = dict.fromkeys(DISPOSITIONS.values(), 0.0)
    for name, count in counts.items():
        total[DISPOSITIONS[name]] += count
    done, partial, refusal = total["complete"], total["partial"], total["refusal"]
    spoken = done + partial + refusal + total["other"]
    picked = spoken + total["non_contact"] + total["unknown"]
    return Rates(
        rr1=_share(done, picked),
        rr2=_share(done + partial, picked),
        coop1=_share(done, spoken),
        ref1=_share(refusal, picked),
        con1=_share(spoken, picked),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def clustering(sizes: Iterable[float], icc: float) -> float:
    """Design effect of asking people in shifts: ``1 + (b - 1) icc`` with ``b = sum m^2 / sum m``.

    Parameters
    ----------
    sizes : iterable
        Interviews m of each shift; without any the effect is 1.
    icc : float
        How alike answers of one shift are, 0 to 1.

    Notes
    -----
    Kish (1965), Survey Sampling, 5.4; b is the mean interview's number of interviews in its shift, which for equal
    shifts is m.
    """
    _refuse_icc(icc)
    m = np.array(list(sizes), dtype=np.float64)
    return float(1 + (np.sum(m**2) / np.sum(m) - 1) * icc) if m.sum() > 0 else 1.0


def needed(
    margin: float, *, share: float = 0.5, deff: float = 1.0, population: float = math.inf, level: float = 0.95
) -> int:
    """Interviews after which a share is known to within a margin.

    The smallest n with ``z^2 (1 - n/N) deff S^2 / n <= margin^2``, where ``S^2 = N/(N-1) p (1-p)``: that is
    ``n = deff S^2 / (margin^2 / z^2 + deff S^2 / N)``. With deff 1 it is Cochran's ``n0 / (1 + (n0 - 1) / N)``,
    ``n0 = z^2 p (1-p) / margin^2`` (Cochran 1977, Sampling Techniques, 4.4).

    Parameters
    ----------
    margin : float
        Half the width of the interval, as a share: 0.1 for 10 points.
    share : float
        The share expected; one half asks for most.
    deff : float
        Design effect, of shifts and of unequal weights.
    population : float
        Crossings N of the stratum in the whole period, inf where they are not known.
    """
    if not 0 < margin < 1 or not 0 < share < 1 or not 0 < level < 1:
        raise RequestError(f"margin {margin}, share {share} and level {level} must lie between 0 and 1")
    if not deff > 0 or not population >= 1:
        raise RequestError(f"deff is {deff} and population {population}; give a deff above 0 and a population from 1")
    if population == 1:
        return 1
    z = stats.norm.ppf((1 + level) / 2)
    variance = deff * share * (1 - share) * (1.0 if math.isinf(population) else population / (population - 1))
    n = variance / ((margin / z) ** 2 + variance / population)
    return int(min(math.ceil(n - 1e-9), population))


@dataclass(frozen=True, slots=True)
class Costs:
    """What fieldwork costs, in one currency: `shift` for each shift, `interview` for each interview besides."""

    shift: float
    interview: float


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to do a wave.

    Attributes
    ----------
    shifts, interviews : int
        Shifts in the wave over all strata together, and interviews in each.
    power : float
        With what chance the change is found.
    se, df : float
        Standard error of the change, in its units, and degrees of freedom.
    cost : float
        Of one wave.
    """

    shifts: int
    interviews: int
    power: float
    se: float
    df: int
    cost: float


def power_of_change(
    change: float, *, sd: float, icc: float, shifts: int, interviews: int, strata: int = 1, alpha: float = 0.05
) -> tuple[float, float, int]:
    """Chance that a change between two waves of this size is found, its standard error and degrees of freedom.

    Both waves are asked in `shifts` fresh shifts of `interviews` each, spread evenly over equal strata. The change
    has ``se = sqrt(2 sd^2 (1 + (m - 1) icc) / (k m))`` and ``df = 2 (k - H)``, PSUs less strata over both waves, and
    is tested two-sided by t: the power is that of the non-central t with ``change / se``.

    Parameters
    ----------
    change, sd : float
        The change, and the spread of single answers inside a stratum, in the same units.
    icc : float
        How alike answers of one shift are, 0 to 1.
    shifts, strata : int
        Shifts k of one wave, and the strata H they lie in.
    """
    _refuse_icc(icc)
    if shifts <= strata or interviews < 1 or not sd > 0:
        raise RequestError(f"{shifts} shifts in {strata} strata of {interviews} interviews with sd {sd} test nothing")
    df = 2 * (shifts - strata)
    se = math.sqrt(2 * sd**2 * (1 + (interviews - 1) * icc) / (shifts * interviews))
    # a non-central t squared is a non-central F: scipy's t has no lower tail far out, and its F is wrong at 0
    bound = stats.t.ppf(1 - alpha / 2, df) ** 2
    power = float(stats.ncf.sf(bound, 1, df, (change / se) ** 2)) if change else alpha
    return power, se, df


def plans(
    change: float,
    *,
    sd: float,
    icc: float,
    costs: Costs,
    strata: int = 1,
    power: float = 0.8,
    alpha: float = 0.05,
    most_interviews: int = 12,
    most_shifts: int = 500,
) -> tuple[Plan, ...]:
    """Ways to find a change between two waves, the cheapest first: for each number of interviews the fewest shifts.

    Parameters
    ----------
    change, sd, icc, strata, alpha : float, float, float, int, float
        As `power_of_change` takes them.
    costs : Costs
    power : float
        With what chance the change is to be found.
    most_interviews : int
        Interviews that fit into a shift.
    most_shifts : int
        Shifts of one stratum that can be done in a wave; there are always 4 or more.

    Raises
    ------
    RequestError
        If no plan of that size finds the change.

    Notes
    -----
    Without rounding the cheapest number of interviews is ``sqrt(c_shift / c_interview * (1 - icc) / icc)``
    (Cochran 1977, 10.6): the more alike the answers of a shift, the fewer of them are worth their cost.
    """
    if not (0 < power < 1 and 0 < alpha < 1 and change and costs.shift >= 0 and costs.interview >= 0):
        raise RequestError("give a change other than 0, power and alpha between 0 and 1, and costs of 0 or more")

    def made(each: int, m: int) -> Plan:
        k = each * strata
        found, se, df = power_of_change(change, sd=sd, icc=icc, shifts=k, interviews=m, strata=strata, alpha=alpha)
        return Plan(k, m, found, se, df, k * (costs.shift + m * costs.interview))

    known = []
    for m in range(1, most_interviews + 1):
        few, many = FLOOR - 1, max(most_shifts, FLOOR)
        if made(many, m).power < power:
            continue
        while many - few > 1:  # power grows with the shifts
            middle = (few + many) // 2
            few, many = (few, middle) if made(middle, m).power >= power else (middle, many)
        known.append(made(many, m))
    if not known:
        raise RequestError(
            f"no plan up to {most_shifts} shifts a stratum of {most_interviews} interviews finds a change of {change} "
            f"with power {power}; look for a larger change, or allow more shifts"
        )
    return tuple(sorted(known, key=lambda plan: (plan.cost, plan.shifts)))


@dataclass(frozen=True, slots=True)
class InterviewerEffect:
    """How much answers depend on who asks; no interviewer is named.

    Attributes
    ----------
    icc, low, high : float
        Share of the variance inside strata that lies between interviewers, and its interval. The estimate may be
        below 0, which means none.
    p : float
        Of the F test that there is none.
    deff : float
        What it does to the variance of a mean: ``1 + (b - 1) icc`` with b the interviews of the mean interview's
        interviewer.
    interviewers, n : int
        Interviewers who can be told from another one of their stratum, and interviews.
    """

    icc: float
    low: float
    high: float
    p: float
    deff: float
    interviewers: int
    n: int


def interviewer_effect(
    values: Floats, interviewer: Labels, stratum: Labels, *, level: float = 0.95
) -> InterviewerEffect:
    """Intraclass correlation of an answer by interviewer within stratum: one-way analysis of variance.

    With ``n_hi`` answers of interviewer i in stratum h, ``MSB`` and ``MSW`` the mean squares between interviewers of
    a stratum and within them, and ``F = MSB / MSW``::

        n0  = sum_h (n_h - sum_i n_hi^2 / n_h) / sum_h (k_h - 1)
        icc = (F - 1) / (F - 1 + n0)

    and the limits likewise with F over its quantiles (Searle 1971, Linear Models; exact for equal n_hi, and near
    enough for unequal ones: Thomas and Hultquist 1978, Annals of Statistics 6, 582-587). The design effect is
    that of Kish (1962), Journal of the American Statistical Association 57, 92-115.

    Parameters
    ----------
    values : array, shape (n,)
        Answers, NaN where missing.
    interviewer, stratum : arrays, shape (n,)
        Codes; an answer without a code of its interviewer ("") is left out.

    Notes
    -----
    Interviewers of a stratum who work different shifts differ by these too: the share is theirs and the shifts'.
    """
    who = np.asarray(interviewer).astype(str)
    kept = np.isfinite(values) & (who != "")
    y, who, where = values[kept], who[kept], np.asarray(stratum)[kept]
    h, strata = _numbered(where)
    person, people = _numbered(who)
    pair, pairs = _numbered(h * max(people, 1) + person)
    n, sums = np.bincount(pair, minlength=pairs), np.bincount(pair, weights=y, minlength=pairs)
    of_stratum = np.zeros(pairs, dtype=np.intp)
    of_stratum[pair] = h
    n_h, sums_h = (np.bincount(h, weights=w, minlength=strata) for w in (np.ones(len(y)), y))
    means = sums / n
    between = float(np.sum(n * (means - (sums_h / n_h)[of_stratum]) ** 2))
    within = float(np.sum((y - means[pair]) ** 2))
    df = (pairs - strata, len(y) - pairs)
    b = np.sum(np.bincount(person) ** 2) / len(y) if len(y) else math.nan
    several = np.bincount(of_stratum, minlength=strata) > 1
    told = len(np.unique(person[several[h]])) if len(y) else 0
    if min(df) < 1 or within <= 0:
        return InterviewerEffect(math.nan, math.nan, math.nan, math.nan, math.nan, told, len(y))
    n0 = float(np.sum(n_h - np.bincount(of_stratum, weights=n**2, minlength=strata) / n_h)) / df[0]
    f = between / df[0] / (within / df[1])
    tail = (1 - level) / 2
    icc, low, high = (
        float((x - 1) / (x - 1 + n0)) for x in (f, f / stats.f.ppf(1 - tail, *df), f / stats.f.ppf(tail, *df))
    )
    p = float(stats.f.sf(f, *df))
    return InterviewerEffect(icc, low, high, p, float(1 + (b - 1) * max(icc, 0.0)), told, len(y))


def _numbered(codes: Labels) -> tuple[npt.NDArray[np.intp], int]:
    found, place = np.unique(codes, return_inverse=True)
    return place.astype(np.intp), len(found)


def _refuse_icc(icc: float) -> None:
    if not 0 <= icc <= 1:
        raise RequestError(f"icc is {icc}; it lies between 0 and 1")
