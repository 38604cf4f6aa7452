"""What the enemy knows of one side in one wave: who answered in which shift, the weights, and every published figure.

An *atom* is the interviews of one shift and one sex: within it answers cannot be told apart. Unknown are the steps
above the lowest answer that each atom adds up to (of a share, its number of yes).
"""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.disclosure import Thresholds
from scoring.mask.board import half_unit
from scoring.mask.publication import Publication
from tests.attack.invented import FRAMEWORK, LATTICE, LOWEST, STEPS

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
FAMILIES = (("x", "y", "z"), ("asked", "paid", "either"), ("queued",))
DUST = 1e-7
Place = tuple[tuple[str, ...], tuple[str, ...]]  # facets of a table, and their values
NOT_STATED = "not stated"
UNASKED = "unasked"  # nobody answered: nothing to find
FINEST = 1e-6  # half a unit where nothing is rounded


@dataclass(frozen=True, slots=True)
class Found:
    """Something that the enemy learnt."""

    attack: str
    where: str
    measure: str
    learnt: str


class Figure(NamedTuple):
    """What one row of a table says."""

    estimate: float
    se: float
    n: float
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of one table, as it was published, the atoms that are in it, and half the unit of each figure."""

    facets: tuple[str, ...]
    names: tuple[str, ...]
    inside: Flags
    rows: Mapping[str, Figure]
    half: Mapping[str, float]

    def shown(self, measure: str) -> bool:
        """Whether the figure has a number."""
        return measure in self.rows and math.isfinite(self.rows[measure].estimate)

    def few_answers(self, measure: str) -> bool:
        """Whether it is said to have from 10 to 19 answers."""
        return measure in self.rows and self.rows[measure].status == "unreliable"

    def limits(self, measure: str) -> tuple[float, float]:
        """Least and largest value that the exact figure can have.

        Limits and changes are made of the figures as they are shown (test_shown.py): they say nothing more.
        """
        shown, half = self.rows[measure].estimate, self.half[measure]
        return shown - half, shown + half


@dataclass(frozen=True, slots=True)
class Scene:
    """One side in one wave: the truth, by atom, and the cells of every table.

    `amount` is the sum of the hours of an atom, `greatest` the largest of them; `overlap` is the number of people who
    answered both parts of "either".
    """

    wave: str
    side: str
    shift: Integers
    stratum: Integers
    stated: Flags  # atoms whose sex is known: the others are in no cell of their own
    weight: Floats
    n: Mapping[str, Floats]
    steps_up: Mapping[str, Floats]
    amount: Floats
    greatest: Floats
    overlap: Floats
    cells: Sequence[Cell]
    rules: Thresholds

    def base(self, cell: Cell, measure: str) -> float:
        """People that the answers of a cell stand for."""
        return float((self.weight * self.n[measure])[cell.inside].sum())


def scenes(
    frame: pd.DataFrame,
    publication: Publication,
    *,
    rules: Thresholds = LATTICE.rules,
    places: Collection[tuple[str, str]] | None = None,
) -> list[Scene]:
    """Every side in every wave of a survey, or those at some places."""
    rows = _rows(publication)
    return [
        _scene(part, rows[str(wave), str(side)], (str(wave), str(side)), rules)
        for (wave, side), part in frame.groupby(["wave", "side"])
        if places is None or (str(wave), str(side)) in places
    ]


def _rows(publication: Publication) -> Mapping[tuple[str, str], dict[Place, dict[str, Figure]]]:
    """Figures by wave and side, then by table and cell, then by measure."""
    found: dict[tuple[str, str], dict[Place, dict[str, Figure]]] = defaultdict(lambda: defaultdict(dict))
    for facets, table in publication.scores.items():
        names = table[["wave", *facets, "measure"]].astype(str).itertuples(index=False, name=None)
        figures = table[list(Figure._fields)].itertuples(index=False, name=None)
        for (wave, *cell, measure), figure in zip(names, figures, strict=True):
            if measure == UNASKED:
                continue
            found[wave, cell[facets.index("side")]][facets, tuple(cell)][measure] = Figure(*figure)
    return found


def steps_of(frame: pd.DataFrame, measure: str) -> Floats:
    """Steps above the worst answer of each person, NaN where there is none."""
    if measure == "either":
        both = frame[["asked", "paid"]].to_numpy()
        known = (both >= 0).any(axis=1)
        return np.where(known, (both == 1).any(axis=1), np.nan)
    answers = frame[measure].to_numpy(dtype=np.float64)
    up = answers - LOWEST[measure]
    return np.where(answers < 0, np.nan, STEPS[measure] - up if measure == "y" else up)


def _scene(
    part: pd.DataFrame, rows: Mapping[Place, Mapping[str, Figure]], place: tuple[str, str], rules: Thresholds
) -> Scene:
    part = part.assign(sex=part["sex"].fillna(NOT_STATED))
    atom = part.groupby(["shift", "sex"], sort=True).ngroup().to_numpy()
    first = part.iloc[np.unique(atom, return_index=True)[1]]
    size = len(first)
    n, up = {}, {}
    for measure in STEPS:
        steps = steps_of(part, measure)
        n[measure] = np.bincount(atom[np.isfinite(steps)], minlength=size).astype(np.float64)
        up[measure] = np.bincount(atom, weights=np.nan_to_num(steps), minlength=size)
    hours = part["hours"].to_numpy(dtype=np.float64)
    n["hours"] = np.bincount(atom[hours >= 0], minlength=size).astype(np.float64)
    greatest = np.zeros(size)
    np.maximum.at(greatest, atom, np.maximum(hours, 0.0))
    cells = []
    for (facets, names), figures in rows.items():
        inside = np.logical_and.reduce([(first[facet] == name) for facet, name in zip(facets, names, strict=True)])
        half = {measure: _half(measure, figure, inside, n, up, rules) for measure, figure in figures.items()}
        cells.append(Cell(facets, names, np.asarray(inside), figures, half))
    return Scene(
        *place,
        pd.factorize(first["shift"])[0].astype(np.int64),
        first.groupby(["post", "group"]).ngroup().to_numpy(dtype=np.int64),
        (first["sex"] != NOT_STATED).to_numpy(),
        first["weight"].to_numpy(dtype=np.float64),
        n,
        up,
        np.bincount(atom, weights=np.maximum(hours, 0.0), minlength=size),
        greatest,
        np.bincount(atom[(part[["asked", "paid"]] >= 0).all(axis=1)], minlength=size).astype(np.float64),
        cells,
        rules,
    )


def _half(
    measure: str, figure: Figure, inside: Flags, n: Mapping[str, Floats], up: Mapping[str, Floats], rules: Thresholds
) -> float:
    """Half of the unit that a figure was rounded to: the rule is public."""
    if not rules.rounded:
        return FINEST
    if measure == "hours":
        size = math.floor(math.log10(figure.estimate)) if figure.estimate > 0 else 0
        return float(0.5 * 10.0 ** (size + 1 - (2 if n["hours"][inside].sum() < rules.small_n else 3)))
    parts = [part for part, share in loadings().get(measure, {measure: 1.0}).items() if share != 0]
    people = min(n[part][inside].sum() for part in parts)
    rare = None
    if STEPS.get(measure) == 1:
        yes = up[measure][inside].sum()
        rare = np.array(min(yes, people - yes) < rules.rare)
    return float(half_unit(np.array(people), rules, rare=rare))


@cache
def loadings() -> dict[str, dict[str, float]]:
    """Share of each item in each composite."""
    items = [item.code for item in FRAMEWORK.items]
    return {
        node.code: dict(zip(items, row, strict=True))
        for node, row in zip(FRAMEWORK.nodes, FRAMEWORK.loadings().tolist(), strict=True)
    }
