"""Parts of a framework: indices, dimensions, items, indicators, populations and bridges as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from scoring.aggregation import Aggregation
from scoring.normalisation import FULL, Declared, line

Direction = Literal["better", "worse", "ambiguous"]
Kind = Literal["reflective", "formative"]
Estimand = Literal["index_of_means", "mean_of_indices"]


@dataclass(frozen=True, slots=True)
class Item:
    """One question as the framework uses it, mapped to a score of which more is better.

    Attributes
    ----------
    code, title, parent : str
        `parent` is the dimension above.
    weight : float
    direction : {"better", "worse", "ambiguous"}
    range : (float, float)
        Lowest and highest answer of the question.
    normalisation : {"range", "z", "target"}
    baseline : (float, float), optional
        Mean and standard deviation of the answers of z, frozen in the file.
    target : float, optional
        The mean answer that counts as 100.
    positive : tuple of float
        Answers that count as 100, the others as 0: the item is the share of positive answers ("top boxes").
    description : str
    """

    code: str
    title: str
    parent: str
    weight: float
    direction: Direction
    range: tuple[float, float]
    description: str = ""
    normalisation: Declared = "range"
    baseline: tuple[float, float] | None = None
    target: float | None = None
    positive: tuple[float, ...] = ()

    @property
    def column(self) -> str:
        """What is summed over respondents: the answers themselves, or whether they are positive."""
        return f"{self.code}={'|'.join(f'{answer:g}' for answer in self.positive)}" if self.positive else self.code

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest value of what is summed."""
        return (0.0, 1.0) if self.positive else self.range

    @property
    def line(self) -> tuple[float, float]:
        """Slope and shift of the score of a mean answer, better upwards, see `lines`."""
        return next(iter(lines([self]).values()))


@dataclass(frozen=True, slots=True)
class Node:
    """An index (parent None) or a dimension: its parts, aggregated."""

    code: str
    title: str
    parent: str | None
    weight: float
    kind: Kind
    headline: bool
    only_by: tuple[tuple[str, ...], ...]
    arusha: tuple[int, ...]
    description: str = ""
    aggregation: Aggregation = "arithmetic"


@dataclass(frozen=True, slots=True)
class Indicator:
    """A figure beside the indices (experience, amounts): never part of one."""

    code: str
    title: str
    items: tuple[str, ...]
    statistic: Literal["share", "mean"]
    range: tuple[float, float]
    unit: str
    direction: Direction
    sensitive: bool
    headline: bool
    description: str = ""


@dataclass(frozen=True, slots=True)
class Population:
    """Those who were asked in a survey of their own (travellers, traders, officers), and their share in the whole."""

    code: str
    title: str
    weight: float


@dataclass(frozen=True, slots=True)
class Bridge:
    """Measures that may be joined with those of an earlier version although the version differs, and why."""

    since: str
    measures: tuple[str, ...]
    reason: str


def lines(items: Sequence[Item]) -> dict[str, tuple[float, float]]:
    """Slope and shift of the score of each item's mean answer, better upwards, by column; see `normalisation.line`."""
    found = {item.column: (FULL, 0.0) for item in items}  # shares of positive answers
    for how in get_args(Declared):
        own = [item for item in items if item.normalisation == how and not item.positive]
        if not own:
            continue
        low, high = np.array([item.range for item in own]).T
        mean, sd = np.array([item.baseline or (np.nan, np.nan) for item in own]).T
        target = np.array([np.nan if item.target is None else item.target for item in own])
        sign = np.array([1 if item.direction == "better" else -1 for item in own])
        slope, shift = line(how, direction=sign, low=low, high=high, mean=mean, sd=sd, target=target)
        straight = zip(slope.tolist(), shift.tolist(), strict=True)
        found |= {item.column: pair for item, pair in zip(own, straight, strict=True)}
    return found
