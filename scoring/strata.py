"""Unit scores -> what each stratum adds to a variance, in one or two stages, with every rule for lonely PSUs."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from scoring.design import Floats, Integers, SurveyDesign
from scoring.errors import EstimationError, RequestError
from scoring.units import Units

DfRule = Literal["design", "satterthwaite"]
WHOLE = 1e-7  # a stratum of which less than this share was left out is taken whole (R survey has the same bound)


@dataclass(frozen=True, slots=True)
class Parts:
    """What each (cell, stratum) group adds.

    Attributes
    ----------
    cell, stratum : ndarray of int, shape (groups,)
    between : ndarray of float, shape (groups, m)
        From PSU to PSU; NaN where the design averages over the other strata.
    inside : ndarray of float, shape (groups, m)
        From unit to unit inside PSUs.
    members : ndarray of float, shape (groups, m)
        PSUs that hold respondents of the domain.
    mass, squares : ndarray of float, shape (groups, m)
        Sums over PSUs of their share of the cell's weight, and of its square.
    standing : ndarray of float, shape (groups, m)
        PSUs that take part in the variance: with calibration all of the sample, else the members.
    """

    cell: Integers
    stratum: Integers
    between: Floats
    inside: Floats
    members: Floats
    mass: Floats
    squares: Floats
    standing: Floats


@dataclass(frozen=True, slots=True)
class Spread:
    """Variance and degrees of freedom of each estimate, shape (cells, m).

    `weight_df` is Satterthwaite's df if every PSU varied alike: it knows the weights alone and so, unlike the other,
    is not large by chance where a heavy stratum varied little. `evenness` is 1 / (1 + CV^2) of the weights of PSUs
    within strata: 1 where they weigh alike. `failed` counts replicates without an estimate.
    """

    variance: Floats
    design_df: Floats
    satterthwaite_df: Floats
    weight_df: Floats
    evenness: Floats
    failed: Floats

    def df(self, rule: DfRule) -> Floats:
        """Degrees of freedom by this rule, 0 where the design gives none."""
        if rule not in get_args(DfRule):
            raise RequestError(f"df rule is {rule!r}; it may be {', '.join(get_args(DfRule))}")
        if rule == "design":
            return self.design_df
        return np.where(self.design_df > 0, self.satterthwaite_df, 0.0)


def gathered(parts: Parts, shape: tuple[int, ...]) -> Spread:
    """Add strata up to cells; strata of unknown variance count as the average of the others."""

    def by_cell(values: Floats) -> Floats:
        out = np.zeros(shape)
        np.add.at(out, parts.cell, values)
        return out

    members = parts.members
    known, standing = ~np.isnan(parts.between), (parts.standing > 0).astype(np.float64)
    between = np.where(known, parts.between, 0.0)
    part = between + parts.inside
    with np.errstate(invalid="ignore", divide="ignore"):
        others = by_cell(standing) / by_cell(standing * known)
        stretch = np.where(by_cell(standing * ~known) > 0, others, 1.0)
        total = by_cell(between) * stretch + by_cell(parts.inside)
        satterthwaite, alike = (
            by_cell(v) ** 2 / by_cell(v**2 / np.maximum(members - 1, 1)) for v in (part, parts.squares)
        )
        mean = parts.mass**2 / np.maximum(members, 1)
        cv = by_cell((parts.squares - mean) * members / np.maximum(members - 1, 1)) / by_cell(mean)
    df = by_cell(members) - by_cell((members > 0).astype(np.float64))
    return Spread(
        total, df, np.where(total > 0, satterthwaite, df), np.minimum(alike, df), 1 / (1 + cv), np.zeros(shape)
    )


def parts_of(
    cell: Integers,
    unit: Integers,
    scores: Floats,
    mass: Floats,
    units: Units,
    design: SurveyDesign,
    *,
    cells: int,
    calibrated: bool = False,
    replicated: bool = False,
) -> Parts:
    """What each stratum adds to the variance of each estimate, shapes as in `estimates.Estimates`.

    Second-stage units that are alone in their PSU add nothing, or are an error under `fail` (R survey 4.5).
    """
    pair_cell, psu, summed, held = _per_psu(cell, unit, scores, mass, units)
    strata = units.sampled.size
    key = pair_cell * strata + units.stratum[psu]
    order = np.argsort(key, kind="stable")
    key, summed, held = key[order], summed[order], held[order]
    groups, starts = np.unique(key, return_index=True)
    group_cell, stratum = groups // strata, groups % strata
    if not groups.size:
        return Parts(group_cell, stratum, *(np.zeros((0, scores.shape[1])) for _ in range(6)))
    if not replicated:
        _refuse_lonely(units, design, stratum)
    members = np.add.reduceat((held > 0).astype(np.float64), starts, axis=0)
    here = np.diff(np.append(starts, key.size))[:, None]
    standing = here + np.zeros(members.shape) if calibrated else members
    centre = _centres(summed, standing, starts, group_cell, units.sampled[stratum], design, cells=cells)
    place = np.searchsorted(groups, key)
    absent = units.sampled[stratum][:, None] - here
    squares = np.add.reduceat((summed - centre[place]) ** 2, starts, axis=0) + absent * centre**2
    inside = _inside(cell, unit, scores, units, design, groups) if units.two_stages else np.zeros(members.shape)
    between = squares * _scales(standing, units, design, stratum)
    mass, shares = (np.add.reduceat(share, starts, axis=0) for share in (held, held**2))
    return Parts(group_cell, stratum, between, inside, members, mass, shares, standing)


def _per_psu(
    cell: Integers, unit: Integers, scores: Floats, mass: Floats, units: Units
) -> tuple[Integers, Integers, Floats, Floats]:
    """Sum units up to PSUs; nothing to do where the PSU is the unit."""
    if units.psu.size == units.stratum.size:
        return cell, units.psu[unit], scores, mass
    width = units.stratum.size
    pairs, place = np.unique(cell * width + units.psu[unit], return_inverse=True)
    summed = np.zeros((pairs.size, scores.shape[1]))
    np.add.at(summed, place.ravel(), scores)
    held = np.zeros(summed.shape)
    np.add.at(held, place.ravel(), mass)
    return pairs // width, pairs % width, summed, held


def _centres(
    summed: Floats,
    members: Floats,
    starts: Integers,
    cell: Integers,
    sampled: Integers,
    design: SurveyDesign,
    *,
    cells: int,
) -> Floats:
    """Mean score of each stratum; of a lonely PSU under `adjust` the mean over all PSUs of the cell's strata."""
    drawn = sampled[:, None].astype(np.float64)
    sums = np.add.reduceat(summed, starts, axis=0)
    if design.lonely != "adjust":
        return sums / drawn
    total, number = np.zeros((cells, sums.shape[1])), np.zeros((cells, sums.shape[1]))
    np.add.at(total, cell, sums)
    np.add.at(number, cell, drawn * (members > 0))
    overall = (total / np.maximum(number, 1))[cell]
    lonely = drawn == 1
    centre = np.where(lonely, overall, sums / drawn)
    if design.lonely_in_domains:
        centre = np.where((members == 1) & ~lonely, overall, centre)
    return centre


def _scales(members: Floats, units: Units, design: SurveyDesign, stratum: Integers) -> Floats:
    """(1 - f_h) n_h / (n_h - 1); of a lonely PSU what the design's rule says, NaN for the average of the others."""
    drawn = units.sampled[stratum].astype(np.float64)
    open_share = 1 - units.fraction[stratum]
    open_share = np.where(open_share < WHOLE, 0.0, open_share)
    usual = (open_share * drawn / np.maximum(drawn - 1, 1))[:, None] + np.zeros(members.shape)
    lonely = ((drawn == 1) & (open_share > 0))[:, None] & (members > 0)
    alone = np.zeros(members.shape)
    if design.lonely == "adjust":
        alone = open_share[:, None] + alone
    elif design.lonely == "average":
        alone = np.full(members.shape, np.nan)
    scales = np.where(lonely, alone, np.where((drawn == 1)[:, None], 0.0, usual))
    if design.lonely_in_domains and design.lonely == "average":
        scales = np.where((members == 1) & (drawn > 1)[:, None], np.nan, scales)
    return np.asarray(scales, dtype=np.float64)


def _inside(
    cell: Integers, unit: Integers, scores: Floats, units: Units, design: SurveyDesign, groups: Integers
) -> Floats:
    """f_h times (1 - f_j) m_j / (m_j - 1) sum_i (u_i - ubar_j)^2 over the PSUs of each (cell, stratum) group."""
    strata, width = units.sampled.size, units.stratum.size
    key = cell * width + units.psu[unit]
    order = np.argsort(key, kind="stable")
    pairs, starts = np.unique(key[order], return_index=True)
    psu = pairs % width
    drawn = units.drawn_inside[psu][:, None].astype(np.float64)
    mean = np.add.reduceat(scores[order], starts, axis=0) / drawn
    place = np.searchsorted(pairs, key[order])
    here = np.diff(np.append(starts, key.size))[:, None]
    squares = np.add.reduceat((scores[order] - mean[place]) ** 2, starts, axis=0) + (drawn - here) * mean**2
    _refuse_lonely_inside(units, design, psu)
    share = units.fraction[units.stratum[psu]] * (1 - units.fraction_inside[psu])
    part = squares * (share[:, None] * drawn / np.maximum(drawn - 1, 1))
    out = np.zeros((groups.size, scores.shape[1]))
    np.add.at(out, np.searchsorted(groups, pairs // width * strata + units.stratum[psu]), part)
    return out


def _refuse_lonely_inside(units: Units, design: SurveyDesign, psu: Integers) -> None:
    alone = (units.drawn_inside[psu] == 1) & (units.fraction_inside[psu] < 1) & (units.fraction[units.stratum[psu]] > 0)
    if design.lonely == "fail" and alone.any():
        name = units.names[units.stratum[psu[np.flatnonzero(alone)[0]]]]
        raise EstimationError(
            f"a PSU of stratum {name!r} holds one second-stage unit, so the variance inside it cannot be estimated; "
            "leave the second fpc out, or choose another rule for lonely PSUs"
        )


def _refuse_lonely(units: Units, design: SurveyDesign, stratum: Integers) -> None:
    if design.lonely != "fail":
        return
    alone = stratum[(units.sampled[stratum] == 1) & (units.fraction[stratum] < 1)]
    if alone.size:
        raise EstimationError(
            f"stratum {units.names[alone[0]]!r} has one PSU, so its variance cannot be estimated; "
            "merge it with a neighbour, or choose lonely 'adjust' or 'remove'"
        )


def scaled(unit: Integers, scores: Floats, mass: Floats, units: Units, design: SurveyDesign) -> Floats:
    """Rows whose cross product is the covariance of the totals of the scores, shape (rows, q).

    Each PSU's centred score times the root of its stratum's scale and, in two stages, each unit's below it.

    Parameters
    ----------
    unit : ndarray of int, shape (pairs,)
        Each unit once.
    scores, mass : ndarray of float, shape (pairs, q)
        With calibration every unit has mass.
    """
    _, psu, summed, held = _per_psu(unit * 0, unit, scores, mass, units)
    order = np.argsort(units.stratum[psu], kind="stable")
    stratum, psu, summed, held = units.stratum[psu[order]], psu[order], summed[order], held[order]
    groups, starts = np.unique(stratum, return_index=True)
    _refuse_lonely(units, design, groups)
    members = np.add.reduceat((held > 0).astype(np.float64), starts, axis=0)
    centre = _centres(summed, members, starts, groups * 0, units.sampled[groups], design, cells=1)
    scales = _scales(members, units, design, groups)
    unknown = np.isnan(scales)
    known_share = (~unknown & (members > 0)).sum(axis=0) / np.maximum((members > 0).sum(axis=0), 1)
    stretch = np.where(known_share > 0, 1 / np.sqrt(np.where(known_share > 0, known_share, 1.0)), np.nan)
    place = np.searchsorted(groups, stratum)
    roots = np.sqrt(np.nan_to_num(scales)) * np.where(unknown.any(axis=0), stretch, 1.0)
    absent = units.sampled[groups][:, None] - np.diff(np.append(starts, stratum.size))[:, None]
    rows = [(summed - centre[place]) * roots[place], np.sqrt(absent) * centre * roots]
    if not units.two_stages:
        return np.vstack(rows)
    _refuse_lonely_inside(units, design, np.unique(units.psu[unit]))
    return np.vstack([*rows, _scaled_inside(unit, scores, units)])


def _scaled_inside(unit: Integers, scores: Floats, units: Units) -> Floats:
    """The same for the units inside each PSU; units without respondents count with a score of 0."""
    sums = np.zeros((units.stratum.size, scores.shape[1]))
    np.add.at(sums, units.psu[unit], scores)
    drawn = units.drawn_inside.astype(np.float64)
    share = units.fraction[units.stratum] * (1 - units.fraction_inside) * drawn / np.maximum(drawn - 1, 1)
    mean, root = sums / drawn[:, None], np.sqrt(share)[:, None]
    absent = drawn - np.bincount(units.psu[unit], minlength=drawn.size)
    return np.vstack([(scores - mean[units.psu[unit]]) * root[units.psu[unit]], np.sqrt(absent)[:, None] * mean * root])
