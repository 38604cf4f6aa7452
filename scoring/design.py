"""How the sample was drawn: weight, strata, primary sampling units, finite population correction, wave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.errors import DesignError

Lonely = Literal["fail", "remove", "adjust"]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def _names(value: str | Sequence[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


@dataclass(frozen=True, slots=True, init=False)
class SurveyDesign:
    """Names of the columns that describe the sample, and the rules of variance estimation.

    Parameters
    ----------
    weight : str, optional
        Column of analysis weights; without it every respondent counts once.
    strata, psu : str or sequence of str, optional
        Columns that together name a stratum and a primary sampling unit (first stage). Without `psu`
        every respondent is its own unit. With a `wave` both nest in the wave.
    fpc : str, optional
        Population number of PSUs in the stratum, or the sampling fraction where <= 1 (first stage).
    wave : str, optional
        Column of the wave.
    interviewer : str, optional
        Column of the interviewer, counted for the mask and used for nothing else.
    nest : bool
        The same PSU code in two strata means two units; otherwise that is an error.
    lonely : {"fail", "remove", "adjust"}
        What a stratum with one PSU adds to the variance: an error, nothing, or its squared distance from the
        mean over all strata, as in R survey 4.5 `survey.lonely.psu`.
    """

    weight: str | None
    strata: tuple[str, ...]
    psu: tuple[str, ...]
    fpc: str | None
    wave: str | None
    interviewer: str | None
    nest: bool
    lonely: Lonely

    def __init__(
        self,
        *,
        weight: str | None = None,
        strata: str | Sequence[str] | None = None,
        psu: str | Sequence[str] | None = None,
        fpc: str | None = None,
        wave: str | None = None,
        interviewer: str | None = None,
        nest: bool = False,
        lonely: Lonely = "fail",
    ) -> None:
        if lonely not in get_args(Lonely):
            raise DesignError(f"lonely is {lonely!r}; it may be {', '.join(get_args(Lonely))}")
        values = (weight, _names(strata), _names(psu), fpc, wave, interviewer, nest, lonely)
        for name, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, name, value)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the design names, once."""
        single = (self.weight, self.fpc, self.wave, self.interviewer)
        return tuple(dict.fromkeys([*self.strata, *self.psu, *(name for name in single if name)]))


@dataclass(frozen=True, slots=True)
class Units:
    """The primary sampling units of a sample, found once.

    Attributes
    ----------
    row_psu : ndarray of int, shape (rows,)
        The PSU of each respondent.
    stratum : ndarray of int, shape (psus,)
        The stratum of each PSU.
    sampled : ndarray of int, shape (strata,)
        PSUs drawn in each stratum.
    fraction : ndarray of float, shape (strata,)
        Sampling fraction of PSUs, 0 without a finite population correction.
    names : tuple of str, shape (strata,)
    """

    row_psu: Integers
    stratum: Integers
    sampled: Integers
    fraction: Floats
    names: tuple[str, ...]


def weights(frame: pd.DataFrame, design: SurveyDesign) -> Floats:
    """Analysis weights, shape (rows,); raises DesignError where one is missing or negative."""
    if design.weight is None:
        return np.ones(len(frame))
    found = pd.to_numeric(frame[design.weight], errors="coerce").to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~((found >= 0) & np.isfinite(found)))
    if bad.size:
        raise DesignError(
            f"weight {design.weight!r} is missing, negative or infinite in {bad.size} rows, "
            f"first in data row {bad[0] + 1}; give every row a weight (0 leaves it out)"
        )
    return found


def traffic_weights(
    traffic: "pd.Series[float]", psu: pd.DataFrame, inclusion: "pd.Series[float] | None" = None
) -> "pd.Series[float]":
    """Weight of each interview: crossings counted in its shift / interviews done in it x inverse inclusion probability.

    Parameters
    ----------
    traffic : Series, shape (rows,)
        Crossings counted in the shift of each interview.
    psu : DataFrame, shape (rows, k)
        Columns that together name the shift.
    inclusion : Series, shape (rows,), optional
        Inverse inclusion probability of the shift, 1 where absent.
    """
    done = psu.groupby(list(psu.columns), observed=True, dropna=False)[psu.columns[0]].transform("size")
    weight = traffic.astype(float) / done
    return weight if inclusion is None else weight * inclusion.astype(float)


def _codes(frame: pd.DataFrame, names: Sequence[str]) -> tuple[Integers, pd.DataFrame]:
    """Number the distinct rows of these columns; also the table of their values."""
    if not names:
        return np.zeros(len(frame), dtype=np.int64), pd.DataFrame(index=[0])
    each = list(dict.fromkeys(names))  # the wave may be named among the strata as well
    grouped = frame.groupby(each, observed=True, dropna=False, sort=True)
    code: Integers = grouped.ngroup().to_numpy().astype(np.int64)
    return code, grouped.size().reset_index()[each]


def units(frame: pd.DataFrame, design: SurveyDesign) -> Units:
    """Number strata and PSUs; check that PSUs nest and that the finite population correction can be true."""
    wave = (design.wave,) if design.wave else ()
    _refuse_empty(frame, (*wave, *design.strata, *design.psu))
    row_stratum, table = _codes(frame, (*wave, *design.strata))
    names = tuple(" / ".join(map(str, row)) for row in table.itertuples(index=False)) or ("all",)
    if not design.psu:
        row_psu = np.arange(len(frame), dtype=np.int64)
    else:
        nested = design.nest or bool(wave)
        row_psu, _ = _codes(frame.assign(_stratum=row_stratum), (*(("_stratum",) if nested else ()), *design.psu))
    stratum = np.zeros(int(row_psu.max(initial=-1)) + 1, dtype=np.int64)
    stratum[row_psu] = row_stratum
    astray = np.flatnonzero(stratum[row_psu] != row_stratum)
    if astray.size:
        row = frame.iloc[astray[0]]
        raise DesignError(
            f"PSU {' / '.join(str(row[name]) for name in design.psu)!r} stands in stratum "
            f"{names[row_stratum[astray[0]]]!r} and in {names[stratum[row_psu[astray[0]]]]!r}; "
            "nest PSUs in their strata (nest=True, --nest) or mend the codes"
        )
    sampled = np.bincount(stratum, minlength=len(names))
    return Units(row_psu, stratum, sampled, _fractions(frame, design, row_stratum, sampled, names), names)


def _refuse_empty(frame: pd.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        empty = int(frame[name].isna().sum())
        if empty:
            raise DesignError(
                f"{name!r} names the stratum or PSU and is empty in {empty} rows; fill it in, or drop them"
            )


def _fractions(
    frame: pd.DataFrame, design: SurveyDesign, row_stratum: Integers, sampled: Integers, names: tuple[str, ...]
) -> Floats:
    """Sampling fraction of PSUs per stratum."""
    if design.fpc is None:
        return np.zeros(len(sampled))
    given = pd.to_numeric(frame[design.fpc], errors="coerce").to_numpy(dtype=np.float64)
    population = np.full(len(sampled), np.nan)
    population[row_stratum] = given
    uneven = np.flatnonzero(~(given == population[row_stratum]))
    if uneven.size:
        name = names[row_stratum[uneven[0]]]
        raise DesignError(f"fpc {design.fpc!r} is missing or differs within stratum {name!r}; give one value a stratum")
    fraction: Floats = np.where(population <= 1, population, sampled / np.maximum(population, 1))
    over = np.flatnonzero((fraction > 1) | (population <= 0))
    if over.size:
        name = names[over[0]]
        raise DesignError(
            f"fpc {design.fpc!r} of stratum {name!r} is {population[over[0]]:g}, but it has {sampled[over[0]]} PSUs; "
            "give the number of PSUs in the population, or the fraction drawn"
        )
    return fraction
