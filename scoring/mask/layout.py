"""How one release is laid out: tables of figures, and what each cell is broken down into, level by level."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.design import Floats, Integers
from scoring.disclosure import Thresholds
from scoring.evidence import Groups, gather
from scoring.mask.certainty import Errors

Flags = npt.NDArray[np.bool_]
Facets = tuple[str, ...]
FULL = 100.0
DUST = 1e-9
PREFERRED = (0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0, 10.0)
COARSE_UNITS = (0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its cells, their interviews by PSU, and where its figures begin in the numbering of all."""

    facets: Facets
    labels: pd.DataFrame
    groups: Groups
    n: Integers
    people: Floats
    values: Floats
    half: Floats
    errors: Errors
    start: int

    def rows(self, cell: int) -> slice:
        """Pairs of one cell."""
        return slice(*np.searchsorted(self.groups.group, [cell, cell + 1]))


@dataclass(frozen=True, slots=True)
class Level:
    """Cells of one table that a cell is broken down into, each with the place of its own whole in the level above."""

    table: Table
    cells: Integers
    above: Integers


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One cell and what it is broken down into: a side by its posts, those perhaps by their user groups."""

    coarse: Table
    cell: int
    levels: tuple[Level, ...]

    @property
    def fine(self) -> Table:
        """Table of the first level."""
        return self.levels[0].table

    @property
    def parts(self) -> Integers:
        """Cells of the first level."""
        return self.levels[0].cells

    def taken(self, hidden: Sequence[Flags]) -> list[Flags]:
        """Of each level what a reader subtracts: shown pieces of which no whole is shown, shape (..., cells)."""
        out, open_ = [], np.ones_like(hidden[0])
        for level, gone in zip(self.levels, hidden, strict=True):
            within = open_ if level is self.levels[0] else open_[..., level.above]
            out.append(within & ~gone)
            open_ = within & gone
        return out

    def remaining(self, taken: Sequence[Flags]) -> list[Flags]:
        """Of each level what is left: pieces of which nothing is subtracted, and whose wholes are taken apart."""
        broken: list[Flags] = [np.zeros_like(taken[-1])]
        for level, part in zip(self.levels[:0:-1], taken[:0:-1], strict=True):
            above = np.zeros(taken[len(self.levels) - 1 - len(broken)].shape, dtype=bool)
            above[np.unique(level.above[part | broken[0]])] = True
            broken.insert(0, above)
        out, apart = [], np.ones(1, dtype=bool)
        for level, part, inside in zip(self.levels, taken, broken, strict=True):
            reached = apart[level.above]
            out.append(reached & ~part & ~inside)
            apart = reached & inside
        return out


def breakdowns(tables: Mapping[Facets, Table], pairs: Sequence[tuple[Facets, Facets]]) -> Iterator[Breakdown]:
    """Every cell by every way of breaking it down: `pairs` are tables and finer ones by one facet more."""
    wholes = {pair: _wholes(tables[pair[0]], tables[pair[1]]) for pair in pairs}
    for coarse, fine in pairs:
        for way in _ways(fine, pairs):
            steps = list(pairwise([coarse, *way]))
            for cell in range(len(tables[coarse].labels)):
                yield Breakdown(tables[coarse], cell, tuple(_levels(tables, wholes, steps, cell)))


def _ways(fine: Facets, pairs: Sequence[tuple[Facets, Facets]]) -> list[tuple[Facets, ...]]:
    """The finer table alone, and followed by each way of breaking it down further."""
    further = [way for coarse, finer in pairs if coarse == fine for way in _ways(finer, pairs)]
    return [(fine,), *((fine, *way) for way in further)]


def _wholes(coarse: Table, fine: Table) -> Integers:
    """Cell of the coarse table that each cell of the fine one is part of; -1 where it is of none."""
    keys = ["wave", *coarse.facets]
    place = coarse.labels[keys].assign(cell=np.arange(len(coarse.labels)))
    found = fine.labels[keys].merge(place, on=keys, how="left")["cell"]
    return found.fillna(-1).to_numpy(dtype=np.int64)


def _levels(
    tables: Mapping[Facets, Table],
    wholes: Mapping[tuple[Facets, Facets], Integers],
    steps: Sequence[tuple[Facets, Facets]],
    cell: int,
) -> Iterator[Level]:
    above = np.array([cell])
    for step in steps:
        place = np.searchsorted(above, wholes[step])
        place = np.where(place < above.size, place, 0)
        held = np.flatnonzero(above[place] == wholes[step]) if above.size else np.zeros(0, dtype=np.int64)
        yield Level(tables[step[1]], held, place[held])
        above = held


def half_unit(n: npt.NDArray[np.generic], rules: Thresholds, *, rare: Flags | None = None) -> Floats:
    """Half of the unit that a score is rounded to, in points.

    A tenth of a point, a whole point below `small_n` answers. A share with few answers of its rarer kind is rounded to
    the first of `COARSE_UNITS` of which half is one person: weights cannot sort its answers out then.
    """
    if not rules.rounded:
        return np.full(np.shape(n), 1e-9)
    people = np.asarray(n, dtype=np.float64)
    out = np.where(people < rules.small_n, 0.5, 0.05)
    if rare is None:
        return out
    wide = [people * unit / 2 / FULL >= 1.0 for unit in COARSE_UNITS]
    return np.where(rare, np.select(wide, [unit / 2 for unit in COARSE_UNITS], default=COARSE_UNITS[-1] / 2), out)


def shown_error(se: Floats, shifts: npt.NDArray[np.generic], rules: Thresholds) -> tuple[Floats, Floats]:
    """A standard error as it is shown, and what is shown next below: the exact one lies between them.

    Rounded up, so that no interval becomes narrower: to two digits, or where it rests on fewer than `sparse` shifts to
    the series 1, 1.25, 1.6 ... of preferred numbers (ISO 3, R 10), a tenth of a decade apart.
    """
    if not rules.rounded:
        return se, se
    with np.errstate(invalid="ignore", divide="ignore"):
        decade = 10.0 ** np.floor(np.log10(se) + DUST)
        unit = decade / 10
        fine = np.where(se > 0, np.round(np.ceil(np.round(se / unit, 6)) * unit, 12), se)
        place = np.clip(np.searchsorted(PREFERRED, np.nan_to_num(se / decade) - DUST), 1, len(PREFERRED) - 1)
        ladder = np.array(PREFERRED)
        coarse = np.where(se > 0, np.round(ladder[place] * decade, 12), se)
        below = np.where(se > 0, ladder[place - 1] * decade, se)
    few = np.asarray(shifts) < rules.sparse
    return np.where(few, coarse, fine), np.where(few, below, np.where(se > 0, fine - unit, se))


def facts(groups: Groups, steps: Floats) -> Mapping[str, npt.NDArray[np.generic]]:
    """What the rules look at, see `scoring.evidence`."""
    found = gather(groups, steps=steps)
    return {field.name: getattr(found, field.name) for field in fields(found)}


def still_open(groups: Groups, shown: Flags) -> Groups:
    """The same groups without the answers of figures that are hidden already: they need no second look."""
    return replace(groups, count=np.where(shown[groups.group], groups.count, 0))


def by_psu(groups: Groups) -> Groups:
    """Pairs sorted by PSU within each group."""
    order = np.lexsort((groups.psu, groups.group))
    parts = {name: getattr(groups, name)[order] for name in ("group", "psu", "count", "base", "total")}
    return replace(groups, **parts)
