"""How the sample was drawn: weight, strata, sampling units, finite population correction, waves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.errors import DesignError

Lonely = Literal["fail", "remove", "certainty", "adjust", "average"]
Waves = Literal["fresh", "common"]
MOST_STAGES = 2
FLOOR = 4  # PSUs of a stratum below which neighbours are taken together, where the design names neighbours
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
        Column of analysis weights. Without it they are made from `fpc` where that holds population sizes or
        fractions, and otherwise every respondent counts once.
    strata : str or sequence of str, optional
        Columns that together name a stratum (first stage).
    psu : str or sequence of str, optional
        Primary sampling unit and, as a second name, the unit drawn inside it. Without `psu` every respondent is
        its own unit. Second-stage units add to the variance only with a second `fpc` (R survey does the same).
    fpc : str or sequence of str, optional
        One column a stage: population number of units, or the sampling fraction where <= 1.
    wave : str, optional
        Column of the wave.
    waves : {"fresh", "common"}
        "fresh": strata and PSUs nest in the wave, so that waves are independent. "common": the same PSUs (posts,
        people of a panel) stand in several waves, and their covariance is counted.
    interviewer : str, optional
        Column of the interviewer, counted for the mask and used for nothing else.
    crossings : str, optional
        Each respondent's own crossings in the reference period. With it every figure is per person (weight divided
        by crossings), without it per crossing.
    most_crossings : float, optional
        Crossings above this count as this (top-coding).
    neighbours : str or sequence of str, optional
        Columns that name groups of neighbouring strata: strata with fewer than `floor` PSUs are taken together
        with neighbours, and the result says which.
    floor : int
    nest : bool
        The same PSU code in two strata means two units; otherwise that is an error.
    lonely : {"fail", "remove", "certainty", "adjust", "average"}
        What a stratum with one PSU adds to the variance: an error, nothing, nothing, its squared distance from the
        mean over all strata, or the average of the other strata, as in R survey 4.5 `survey.lonely.psu`.
    lonely_in_domains : bool
        Whether `adjust` and `average` also serve a stratum of which one PSU alone holds respondents of the domain
        (R `survey.adjust.domain.lonely`).
    """

    weight: str | None
    strata: tuple[str, ...]
    psu: tuple[str, ...]
    fpc: tuple[str, ...]
    wave: str | None
    waves: Waves
    interviewer: str | None
    crossings: str | None
    most_crossings: float | None
    neighbours: tuple[str, ...]
    floor: int
    nest: bool
    lonely: Lonely
    lonely_in_domains: bool

    def __init__(
        self,
        *,
        weight: str | None = None,
        strata: str | Sequence[str] | None = None,
        psu: str | Sequence[str] | None = None,
        fpc: str | Sequence[str] | None = None,
        wave: str | None = None,
        waves: Waves = "fresh",
        interviewer: str | None = None,
        crossings: str | None = None,
        most_crossings: float | None = None,
        neighbours: str | Sequence[str] | None = None,
        floor: int = FLOOR,
        nest: bool = False,
        lonely: Lonely = "fail",
        lonely_in_domains: bool = False,
    ) -> None:
        values = locals()
        for name in self.__slots__:
            value = values[name]
            object.__setattr__(self, name, _names(value) if name in _LISTS else value)
        self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        for name, value, allowed in (("lonely", self.lonely, Lonely), ("waves", self.waves, Waves)):
            if value not in get_args(allowed):
                raise DesignError(f"{name} is {value!r}; it may be {', '.join(get_args(allowed))}")
        if len(self.psu) > MOST_STAGES:
            raise DesignError(f"psu names {len(self.psu)} stages; give the PSU and at most one unit drawn inside it")
        if len(self.fpc) > max(len(self.psu), 1):
            raise DesignError("fpc names more stages than psu; give one fpc a stage, or name the unit of each stage")
        if self.waves == "common" and self.wave is None:
            raise DesignError("waves are 'common', but no wave is named; name the column of the wave")
        if self.most_crossings is not None and not self.most_crossings > 0:
            raise DesignError(f"most_crossings is {self.most_crossings}; give a number of crossings above 0")

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the design names, once."""
        single = (self.weight, self.wave, self.interviewer, self.crossings)
        listed = (*self.strata, *self.psu, *self.fpc, *self.neighbours)
        return tuple(dict.fromkeys([*listed, *(name for name in single if name)]))

    @property
    def numbers(self) -> tuple[str, ...]:
        """Columns that must hold numbers."""
        return tuple(name for name in (self.weight, self.crossings, *self.fpc) if name)

    @property
    def population(self) -> str:
        """Whom a figure speaks of: crossings, or the persons who cross."""
        return "crossings" if self.crossings is None else "persons"


_LISTS = frozenset({"strata", "psu", "fpc", "neighbours"})


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
