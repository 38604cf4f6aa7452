"""The sampling units of a sample, found once: strata, PSUs, units inside PSUs, fractions drawn, weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.design import MOST_STAGES, Floats, Integers, SurveyDesign
from scoring.errors import DesignError
from scoring.numbering import a_row, numbered, whole

PART = "\x1f"  # between the parts of a key: no code holds it


@dataclass(frozen=True, slots=True)
class Units:
    """Strata, PSUs and, in two stages, the units drawn inside PSUs.

    A *unit* is what totals are kept for: the PSU, or the second-stage unit where the design draws some of them.

    Attributes
    ----------
    row_unit : ndarray of int, shape (rows,)
        The unit of each respondent.
    psu : ndarray of int, shape (units,)
        The PSU of each unit.
    stratum : ndarray of int, shape (psus,)
    sampled : ndarray of int, shape (strata,)
        PSUs drawn in each stratum.
    fpc : ndarray of float, shape (strata,)
        What the design gives: PSUs in the population, or the fraction drawn where <= 1; infinite without either.
    drawn_inside : ndarray of int, shape (psus,)
        Units drawn in each PSU; 1 where the PSU is the unit.
    fpc_inside : ndarray of float, shape (psus,)
        The same for units inside each PSU; 1 where the PSU is the unit.
    names : tuple of str, shape (strata,)
    keys : tuple of str, shape (units,)
        What tells a unit of one batch from a unit of another; empty where nobody asked.
    collapsed : tuple of (str, str)
        Strata that were below the floor, and what they were taken into.
    """

    row_unit: Integers
    psu: Integers
    stratum: Integers
    sampled: Integers
    fpc: Floats
    drawn_inside: Integers
    fpc_inside: Floats
    names: tuple[str, ...]
    keys: tuple[str, ...] = ()
    collapsed: tuple[tuple[str, str], ...] = ()

    @property
    def fraction(self) -> Floats:
        """Sampling fraction of PSUs in each stratum, 0 without a finite population correction."""
        return np.where(self.fpc <= 1, self.fpc, self.sampled / self.fpc)

    @property
    def fraction_inside(self) -> Floats:
        """Sampling fraction of units inside each PSU."""
        return np.where(self.fpc_inside <= 1, self.fpc_inside, self.drawn_inside / self.fpc_inside)

    @property
    def two_stages(self) -> bool:
        """Whether units inside PSUs add to the variance."""
        return bool(((self.fraction_inside < 1) & (self.fraction[self.stratum] > 0)).any())

    @property
    def census(self) -> bool:
        """Whether every unit of the population was drawn, so that nothing is left to chance."""
        return bool((self.fraction >= 1).all() and (self.fraction_inside >= 1).all())


def units(frame: pd.DataFrame, design: SurveyDesign, *, keyed: bool = False) -> Units:
    """Number strata and units; check that PSUs nest and that the finite population correction can be true.

    With `keyed`, units carry keys by which batches can be added (`Totals`).
    """
    apart = (design.wave,) if design.wave and design.waves == "fresh" else ()
    _refuse_empty(frame, (*apart, *design.strata, *design.psu))
    row_stratum, names = _numbered(frame, (*apart, *design.strata))
    row_psu = _row_psu(frame, design, row_stratum, nested=design.nest or bool(apart))
    stratum = _spread(row_psu, row_stratum)
    _refuse_astray(frame, design, row_stratum, stratum[row_psu], names)
    sampled = np.bincount(stratum, minlength=len(names))
    row_unit, psu = _row_unit(frame, design, row_psu)
    inside = np.bincount(psu, minlength=stratum.size)
    first, *second = design.fpc or (None,)
    found = Units(
        row_unit=row_unit,
        psu=psu,
        stratum=stratum,
        sampled=sampled,
        fpc=_populations(frame, first, row_stratum, sampled, names),
        drawn_inside=inside,
        fpc_inside=_populations_inside(frame, design, second[0], row_psu) if second else np.ones(stratum.size),
        names=names,
        keys=_keys(frame, design, row_unit, row_stratum, names) if keyed else (),
    )
    if not design.neighbours:
        return found
    return _collapse(found, _neighbours(frame, design, apart, row_stratum), design.floor)


def weights(frame: pd.DataFrame, design: SurveyDesign, found: Units) -> Floats:
    """Analysis weights, shape (rows,).

    Raises
    ------
    DesignError
        Where a weight is missing, negative or infinite, or all are zero; names the first row.
    """
    if design.weight is not None:
        weight = pd.to_numeric(frame[design.weight], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        most = weight.max(initial=0.0)
        if not (weight.min(initial=0.0) >= 0 and most < np.inf):  # also where one is missing
            _refuse_weights((weight >= 0) & np.isfinite(weight), f"weight {design.weight!r}", "0 leaves it out")
        if most == 0:
            raise DesignError(f"weight {design.weight!r} is zero in all {weight.size} rows; give those who count one")
    elif design.fpc and (found.fraction > 0).all():
        if found.collapsed:  # strata taken together were drawn apart, each with its own fraction
            found = units(frame, replace(design, neighbours=()))
        row_psu = found.psu[found.row_unit]
        weight = 1 / (found.fraction[found.stratum[row_psu]] * found.fraction_inside[row_psu])
    else:
        weight = np.ones(len(frame))
    return weight if design.crossings is None else np.asarray(weight / _crossings(frame, design), dtype=np.float64)


def _crossings(frame: pd.DataFrame, design: SurveyDesign) -> Floats:
    """Own crossings of each respondent, top-coded."""
    given = pd.to_numeric(frame[design.crossings], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    what = f"crossings {design.crossings!r}"
    _refuse_weights((given > 0) & np.isfinite(given), what, "whoever was met crossed at least once")
    return np.asarray(np.minimum(given, np.inf if design.most_crossings is None else design.most_crossings))


def _refuse_weights(good: npt.NDArray[np.bool_], what: str, remedy: str) -> None:
    bad = np.flatnonzero(~good)
    if bad.size:
        kind = "missing, negative or infinite" if what.startswith("weight") else "missing, zero, negative or infinite"
        raise DesignError(
            f"{what} is {kind} in {bad.size} rows, first in data row {bad[0] + 1}; "
            f"give every row {'a weight' if what.startswith('weight') else 'a number'} ({remedy})"
        )


def _numbered(frame: pd.DataFrame, names: Sequence[str]) -> tuple[Integers, tuple[str, ...]]:
    """Number the distinct rows of these columns, and name them."""
    if not names:
        return np.zeros(len(frame), dtype=np.int64), ("all",)
    code = _codes(frame, names)
    each = list(dict.fromkeys(names))  # the wave may be named among the strata as well
    table = frame.iloc[a_row(code)][each].apply(_words)
    return code, tuple(" / ".join(row) for row in table.itertuples(index=False))


def _codes(frame: pd.DataFrame, names: Sequence[str]) -> Integers:
    each = list(dict.fromkeys(names))
    codes = [whole(frame[name]) for name in each]
    known = [code for code in codes if code is not None]
    if len(known) == len(codes):
        return numbered(known)
    grouped = frame.groupby(each, observed=True, dropna=False, sort=True)
    code: Integers = grouped.ngroup().to_numpy().astype(np.int64)
    return code


def _spread(place: Integers, values: Integers) -> Integers:
    """One value of each group, the last one met."""
    out = np.zeros(int(place.max(initial=-1)) + 1, dtype=np.int64)
    out[place] = values
    return out


def _row_psu(frame: pd.DataFrame, design: SurveyDesign, row_stratum: Integers, *, nested: bool) -> Integers:
    if not design.psu:
        return np.arange(len(frame), dtype=np.int64)
    if not nested:
        return _codes(frame, design.psu[:1])
    return _codes(pd.DataFrame({"stratum": row_stratum, "psu": frame[design.psu[0]].to_numpy()}), ("stratum", "psu"))


def _row_unit(frame: pd.DataFrame, design: SurveyDesign, row_psu: Integers) -> tuple[Integers, Integers]:
    """The unit that totals are kept for, and its PSU."""
    if len(design.fpc) < MOST_STAGES:
        return row_psu, np.arange(int(row_psu.max(initial=-1)) + 1, dtype=np.int64)
    codes = pd.DataFrame({"psu": row_psu, "unit": frame[design.psu[1]].to_numpy()})
    row_unit = _codes(codes, ("psu", "unit"))
    return row_unit, _spread(row_unit, row_psu)


def _keys(
    frame: pd.DataFrame, design: SurveyDesign, row_unit: Integers, row_stratum: Integers, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Stratum, PSU and unit of each unit in words; nothing where respondents are their own PSUs."""
    if not design.psu:
        return ()
    first = a_row(row_unit)
    columns = design.psu[: max(len(design.fpc), 1)]
    parts = [_words(frame[name].iloc[first]).to_numpy(dtype=object) for name in columns]
    strata = np.array(names, dtype=object)[row_stratum[first]]
    return tuple(PART.join(key) for key in zip(strata, *parts, strict=True))


def _words(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Codes in words, alike whether a batch was read with whole numbers or with fractions."""
    if pd.api.types.is_float_dtype(column):
        return column.map(lambda value: f"{value:.15g}").astype(object)
    return column.astype(str).astype(object)


def beside_one_another(several: Sequence[Units]) -> Units:
    """Units of independent samples in one numbering."""
    psus = np.cumsum([0, *(part.stratum.size for part in several[:-1])])
    strata = np.cumsum([0, *(part.sampled.size for part in several[:-1])])
    return Units(
        row_unit=np.empty(0, dtype=np.int64),
        psu=np.concatenate([part.psu + offset for part, offset in zip(several, psus, strict=True)]),
        stratum=np.concatenate([part.stratum + offset for part, offset in zip(several, strata, strict=True)]),
        sampled=np.concatenate([part.sampled for part in several]),
        fpc=np.concatenate([part.fpc for part in several]),
        drawn_inside=np.concatenate([part.drawn_inside for part in several]),
        fpc_inside=np.concatenate([part.fpc_inside for part in several]),
        names=tuple(name for part in several for name in part.names),
        collapsed=tuple(pair for part in several for pair in part.collapsed),
    )


def _refuse_astray(
    frame: pd.DataFrame, design: SurveyDesign, row_stratum: Integers, other: Integers, names: tuple[str, ...]
) -> None:
    astray = np.flatnonzero(other != row_stratum)
    if astray.size:
        raise DesignError(
            f"PSU {str(frame[design.psu[0]].iloc[astray[0]])!r} stands in stratum {names[row_stratum[astray[0]]]!r} "
            f"and in {names[other[astray[0]]]!r}; nest PSUs in their strata (nest=True, --nest) or mend the codes"
        )


def _refuse_empty(frame: pd.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        empty = int(frame[name].isna().sum())
        if empty:
            raise DesignError(
                f"{name!r} names the stratum or PSU and is empty in {empty} rows; fill it in, or drop them"
            )


def _populations(
    frame: pd.DataFrame,
    fpc: str | None,
    group: Integers,
    drawn: Integers,
    names: tuple[str, ...],
    *,
    what: str = "stratum",
) -> Floats:
    """What the design gives per stratum, or per PSU in the second stage: a population of units, or a fraction."""
    if fpc is None:
        return np.full(len(drawn), np.inf)
    given = pd.to_numeric(frame[fpc], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    population = np.full(len(drawn), np.nan)
    population[group] = given
    uneven = np.flatnonzero(~(given == population[group]))
    if uneven.size:
        name = names[group[uneven[0]]]
        raise DesignError(f"fpc {fpc!r} is missing or differs within {what} {name!r}; give one value a {what}")
    fraction: Floats = np.where(population <= 1, population, drawn / np.maximum(population, 1))
    over = np.flatnonzero((fraction > 1) | (population <= 0))
    if over.size:
        kind = "PSUs" if what == "stratum" else "units"
        raise DesignError(
            f"fpc {fpc!r} of {what} {names[over[0]]!r} is {population[over[0]]:g}, but it has {drawn[over[0]]} {kind}; "
            f"give the number of {kind} in the population, or the fraction drawn"
        )
    return population


def _populations_inside(frame: pd.DataFrame, design: SurveyDesign, fpc: str, row_psu: Integers) -> Floats:
    """What the design gives for the units inside each PSU."""
    row_unit, psu = _row_unit(frame, design, row_psu)
    first = a_row(row_psu)
    names = tuple(frame[design.psu[0]].iloc[first].astype(str))
    return _populations(frame, fpc, psu[row_unit], np.bincount(psu), names, what="PSU")


def _neighbours(frame: pd.DataFrame, design: SurveyDesign, apart: tuple[str, ...], row_stratum: Integers) -> Integers:
    """The group of neighbours of each stratum, never across waves."""
    _refuse_empty(frame, design.neighbours)
    group, _ = _numbered(frame, (*apart, *design.neighbours))
    of_stratum = _spread(row_stratum, group)
    uneven = np.flatnonzero(of_stratum[row_stratum] != group)
    if uneven.size:
        raise DesignError(
            f"neighbours {' x '.join(design.neighbours)!r} differ within a stratum, first in data row "
            f"{uneven[0] + 1}; give one group of neighbours a stratum"
        )
    return of_stratum


def _collapse(found: Units, neighbours: Integers, floor: int) -> Units:
    """Take each stratum below the floor together with the smallest of its neighbours, smallest first."""
    into = np.arange(found.sampled.size)
    size = found.sampled.astype(np.int64).copy()
    for group in np.unique(neighbours):
        left = [int(h) for h in np.flatnonzero(neighbours == group)]
        while len(left) > 1 and min(size[left]) < floor:
            small, other = sorted(left, key=lambda h: (size[h], h))[:2]
            into[into == small] = other
            size[other] += size[small]
            left.remove(small)
    kept, stratum = np.unique(into, return_inverse=True)
    with np.errstate(divide="ignore"):
        population = np.bincount(stratum, weights=found.sampled / found.fraction)  # infinite without a correction
    sampled = np.bincount(stratum, weights=found.sampled).astype(np.int64)
    names = [" + ".join(found.names[h] for h in np.flatnonzero(into == target)) for target in kept]
    return replace(
        found,
        stratum=stratum[found.stratum],
        sampled=sampled,
        fpc=np.where(population == sampled, 1.0, population),
        names=tuple(names),
        collapsed=tuple((found.names[h], found.names[into[h]]) for h in np.flatnonzero(into != np.arange(into.size))),
    )
