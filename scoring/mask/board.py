"""All figures of a release laid out at once: tables, the lines between them, and what the rules say of each."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scoring.cells import by_cell
from scoring.design import Floats, Integers
from scoring.disclosure import failing
from scoring.estimates import variance
from scoring.evidence import Groups
from scoring.framework import Framework, Indicator
from scoring.indices import Scores, assemble, groups_of, scale_steps
from scoring.mask.certainty import Errors, given_away
from scoring.mask.corners import Corners
from scoring.mask.freedom import Shares
from scoring.mask.lattice import Lattice
from scoring.mask.layout import (
    FULL,
    Breakdown,
    Flags,
    Table,
    breakdowns,
    by_psu,
    facts,
    half_unit,
    shown_error,
    still_open,
)
from scoring.mask.remainders import Remainders, Unions, bounded
from scoring.mask.suppression import Line, Problem, solve
from scoring.totals import Totals

COARSE = {1: 10.0, 2: 3.0}  # what a figure of a coarse table is worth beside one of a fine table
HEADLINE = 4.0


class Board:
    """Figures are numbered table by table, cell by cell, measure by measure: composites first, then their parts."""

    def __init__(self, totals: Totals, framework: Framework, lattice: Lattice) -> None:
        self.framework, self.rules = framework, lattice.rules
        self.steps = scale_steps(framework)
        self.sensitive = np.array([False] * len(framework.items) + [part.sensitive for part in framework.indicators])
        self.tables: list[Table] = []
        start = 0
        for facets in lattice.tables:
            scores = assemble(totals, framework, facets)
            self.tables.append(self._table(scores, facets, start))
            start += len(scores.cells.labels) * len(scores.measures)
        self.parts = scores.parts
        self.measures = scores.measures
        self.nodes = len(scores.measures) - self.steps.size
        self.size = start
        by_facets = {table.facets: table for table in self.tables}
        self.breakdowns = list(breakdowns(by_facets, lattice.breakdowns()))
        self.splits = [one for one in self.breakdowns if len(one.levels) == 1]

    def exists(self, table: Table) -> Flags:
        """Measures that may be shown by the facets of a table."""
        return np.array([self.framework.shown_by(code, table.facets) for code in self.measures])

    def figures(self, table: Table, cells: Integers, measure: int | np.signedinteger) -> Integers:
        """Numbers of one measure in some cells."""
        return table.start + cells * len(self.measures) + measure

    @cached_property
    def primary(self) -> npt.NDArray[np.object_]:
        """Reason of each figure that the rules hide by itself, "" of the others; a composite takes that of a part."""
        return np.concatenate([self._of_table(table) for table in self.tables])

    def _table(self, scores: Scores, facets: tuple[str, ...], start: int) -> Table:
        nodes = len(scores.measures) - scores.parts.shape[1]
        labels = scores.cells.labels.reset_index(drop=True)
        n, people = (scores.cells.per_cell(part) for part in (scores.cells.count, scores.cells.base))
        groups = by_psu(groups_of(scores))
        found = facts(groups, self.steps)
        rare = (self.steps == 1.0) & (np.fmin(found["above"], found["below"]) < self.rules.rare)
        half = half_unit(n, self.rules, rare=rare)
        errors = self._errors(scores, groups, found["shifts"])
        return Table(facets, labels, groups, n, people, scores.estimates.values[:, nodes:], half, errors, start)

    def _errors(self, scores: Scores, groups: Groups, shifts: npt.NDArray[np.generic]) -> Errors:
        """Standard errors of items and indicators, and how exactly they are shown."""
        measured = range(len(scores.measures) - scores.parts.shape[1], len(scores.measures))
        se = np.sqrt(variance(scores.estimates.take(list(measured))).variance)
        high, low = shown_error(se, shifts, self.rules)
        units = scores.estimates.sample.units
        drawn = units.sampled.astype(np.float64)
        scale = (1 - units.fraction) * drawn / np.maximum(drawn - 1, 1)
        return Errors(units.stratum[groups.psu], drawn, scale, se, low, high, self.rules.sparse)

    def half(self, table: Table) -> Floats:
        """Half of the unit that each measure of a table is rounded to, composites first."""
        nodes = half_unit(self._counts(table)[:, : self.nodes], self.rules)
        items = table.half[:, : len(self.framework.items)]
        passed = (items[:, None, :] * self.framework.loadings()).max(axis=2, initial=0.0)  # what a part is coarsened by
        return np.hstack([np.maximum(nodes, passed), table.half])

    def _of_table(self, table: Table) -> npt.NDArray[np.object_]:
        found = failing(facts(table.groups, self.steps), sensitive=self.sensitive, rules=self.rules)
        with np.errstate(invalid="ignore"):
            shown = np.round(table.values / (2 * table.half)) * 2 * table.half
        at_end = np.isfinite(self.steps) & ((shown <= 0) | (shown >= FULL)) & bool(self.rules.each)
        found = np.where((found == "") & (at_end | self._bounded(table)), "near_end", found)
        if self.rules.certain:
            away = given_away(
                still_open(table.groups, found == ""), steps=self.steps, half=table.half, errors=table.errors
            )
            found = np.where((found == "") & away, "given_away", found)
        of_nodes = np.full((len(table.labels), self.nodes), "", dtype=object)
        for node in range(self.nodes):
            for part in np.flatnonzero(self.parts[node]):
                of_nodes[:, node] = np.where(of_nodes[:, node] == "", found[:, part], of_nodes[:, node])
        return np.hstack([of_nodes, found]).ravel()

    def pattern(self, hidden: Flags) -> Flags:
        """Figures hidden in the end, given those that are hidden anyway."""
        missing = np.concatenate([np.tile(~self.exists(table), len(table.labels)) for table in self.tables])
        if not self.rules.complementary:
            return np.asarray(hidden | missing)
        problem = Problem(
            n=np.concatenate([self._counts(table).ravel() for table in self.tables]),
            cost=np.concatenate([self._cost(table) for table in self.tables]),
            hidden=hidden | missing,
            lines=self.lines(),
            wholes=self._wholes(),
            fewest=self.rules.few_respondents,
        )
        return solve(problem, self.in_danger)

    def _counts(self, table: Table) -> Integers:
        nodes = np.column_stack([table.n[:, part].min(axis=1) for part in self.parts[: self.nodes]] or [table.n[:, :0]])
        return np.hstack([nodes, table.n])

    def _cost(self, table: Table) -> Floats:
        headline = set(self.framework.headline)
        worth = np.array([HEADLINE if code in headline else 1.0 for code in self.measures])
        worth *= COARSE.get(len(table.facets), 1.0)
        return np.asarray((worth * np.log2(2 + self._counts(table))).ravel())

    def lines(self) -> list[Line]:
        """Every line of every item and indicator that both of its tables show."""
        return [self._line(split, int(column)) for split in self.splits for column in self._shown(split)]

    def _wholes(self) -> list[tuple[int, Integers]]:
        found = []
        for table in self.tables:
            exists = self.exists(table)
            for node in np.flatnonzero(exists[: self.nodes]):
                parts = np.flatnonzero(self.parts[node] & exists[self.nodes :]) + self.nodes
                for cell in range(len(table.labels)):
                    first = table.start + cell * len(self.measures)
                    found.append((int(first + node), first + parts))
        return found

    def in_danger(self, hidden: Flags) -> list[Integers]:
        """Sets of figures of which one more must be hidden: what remains of a total, and counts in a corner."""
        return self._remainders.cuts(hidden) or self._corners.cuts(hidden)

    @cached_property
    def _remainders(self) -> Remainders:
        return Remainders(
            self.breakdowns,
            [self._shown(one) for one in self.breakdowns],
            (len(self.measures), self.nodes),
            steps=self.steps,
            sensitive=self.sensitive,
            unions=self._unions,
            rules=self.rules,
        )

    @cached_property
    def _corners(self) -> Corners:
        wide, half = self._wide, self._wide["half"] / FULL
        shown = np.round(np.nan_to_num(wide["values"] / FULL) / (2 * half)) * 2 * half
        scales = np.isfinite(wide["steps"])
        lines = [line for line in self.lines() if scales[line.total] and line.parts.size]
        every = Shares(
            np.arange(self.size), wide["n"], wide["people"], shown, half, np.zeros(self.size, dtype=bool), lines,
            steps=wide["steps"], yes=wide["yes"], no=wide["no"],
        )  # fmt: skip
        return Corners(every, fewest=self.rules.freedom)

    @cached_property
    def _unions(self) -> Unions:
        """Of each indicator the "any of" indicators that it is one of, as columns of the totals."""
        items, parts = len(self.framework.items), self.framework.indicators
        return {
            items + place: tuple(items + whole for whole, other in enumerate(parts) if _part_of(part, other))
            for place, part in enumerate(parts)
            if any(_part_of(part, other) for other in parts)
        }

    def _bounded(self, table: Table) -> Flags:
        out = np.zeros((len(table.labels), self.steps.size), dtype=bool)
        for column, unions in self._unions.items():
            out[:, column] = bounded(_columns(table.groups, np.array([column, *unions])), self.rules)
        return out

    def _shown(self, one: Breakdown) -> Integers:
        """Items and indicators that all tables of a breakdown show."""
        every = [self.exists(table) for table in (one.coarse, *(level.table for level in one.levels))]
        return np.flatnonzero(np.logical_and.reduce(every)[self.nodes :])

    def _line(self, split: Breakdown, column: int) -> Line:
        left = int(split.coarse.n[split.cell, column] - split.fine.n[split.parts, column].sum())
        total = self.figures(split.coarse, np.array([split.cell]), self.nodes + column)[0]
        return Line(int(total), self.figures(split.fine, split.parts, self.nodes + column), left)

    @cached_property
    def _wide(self) -> Mapping[str, Floats]:
        """What is known of every figure; NaN for composites but their counts."""
        wide = {"n": np.concatenate([self._counts(table).ravel() for table in self.tables]).astype(np.float64)}
        every: dict[str, list[Floats]] = {name: [] for name in ("people", "values", "half", "steps", "yes", "no")}
        for table in self.tables:
            group, base, total = table.groups.group, table.groups.base, table.groups.total / FULL
            cells = len(table.labels)
            of_table = {
                "people": table.people,
                "values": table.values,
                "half": table.half,
                "steps": np.tile(self.steps, (cells, 1)),
                "yes": by_cell(np.maximum, group, total, cells),
                "no": by_cell(np.maximum, group, base - total, cells),
            }
            blank = np.full((cells, self.nodes), np.nan)
            for name, values in of_table.items():
                every[name].append(np.hstack([blank, values]).ravel())
        return wide | {name: np.concatenate(parts) for name, parts in every.items()}


def _part_of(part: Indicator, whole: Indicator) -> bool:
    """Whether an indicator of one question is counted in an "any of" indicator."""
    return part.statistic == "share" and len(part.items) == 1 < len(whole.items) and part.items[0] in whole.items


def _columns(groups: Groups, chosen: Integers) -> Groups:
    """The same groups with some columns alone."""
    return replace(groups, **{name: getattr(groups, name)[:, chosen] for name in ("count", "base", "total")})
