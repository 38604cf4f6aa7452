"""All figures of a release laid out at once: tables, the lines between them, and what the rules say of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from scoring.certainty import given_away
from scoring.design import Floats, Integers
from scoring.disclosure import Thresholds, failing
from scoring.evidence import Groups, gather
from scoring.framework import Framework
from scoring.freedom import BASE, Shares, cornered
from scoring.indices import Scores, assemble, groups_of, scale_steps
from scoring.lattice import Lattice
from scoring.suppression import Line, Problem, solve
from scoring.totals import Totals

Flags = npt.NDArray[np.bool_]
COARSE = {1: 10.0, 2: 3.0}  # what a figure of a coarse table is worth beside one of a fine table
HEADLINE = 4.0
FULL = 100.0
COARSE_UNITS = (0.5, 1.0, 2.0, 5.0, 10.0)
SPARE = 5.0  # a range of n this wide keeps at least four whole values, whatever its ends


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its cells, their interviews by PSU, and where its figures begin in the numbering of all."""

    facets: tuple[str, ...]
    labels: pd.DataFrame
    groups: Groups
    n: Integers
    people: Floats
    values: Floats
    half: Floats
    start: int

    def rows(self, cell: int) -> slice:
        """Pairs of one cell."""
        return slice(*np.searchsorted(self.groups.group, [cell, cell + 1]))


@dataclass(frozen=True, slots=True)
class Split:
    """One cell and the cells that it is broken down into by one facet more."""

    coarse: Table
    cell: int
    fine: Table
    parts: Integers


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
        self._cleared: set[tuple[int, bytes]] = set()
        self._judged: dict[tuple[int, bytes, int], bool] = {}
        self.splits = [
            split for coarse, fine in lattice.breakdowns() for split in _splits(by_facets[coarse], by_facets[fine])
        ]

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
        groups = _by_psu(groups_of(scores))
        facts = _facts(groups, self.steps)
        rare = (self.steps == 1.0) & (np.fmin(facts["above"], facts["below"]) < self.rules.rare)
        half = half_unit(n, self.rules, rare=rare)
        return Table(facets, labels, groups, n, people, scores.estimates.values[:, nodes:], half, start)

    def half(self, table: Table) -> Floats:
        """Half of the unit that each measure of a table is rounded to, composites first."""
        nodes = self._counts(table)[:, : self.nodes]
        return np.hstack([half_unit(nodes, self.rules), table.half])

    def _of_table(self, table: Table) -> npt.NDArray[np.object_]:
        found = failing(_facts(table.groups, self.steps), sensitive=self.sensitive, rules=self.rules)
        with np.errstate(invalid="ignore"):
            shown = np.round(table.values / (2 * table.half)) * 2 * table.half
        at_end = np.isfinite(self.steps) & ((shown <= 0) | (shown >= FULL)) & bool(self.rules.each)
        found = np.where((found == "") & at_end, "near_end", found)
        if self.rules.certain:
            away = given_away(_open(table.groups, found == ""), steps=self.steps, half=table.half)
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

    def telling(self, why: npt.NDArray[np.object_]) -> Flags:
        """Figures whose "too few answers" (10 to 19) would, with the rest of a line, tell a number of answers.

        Of each line n of the total is known within 2, of shown parts too, of unreliable ones between two limits.
        """
        low, high = float(self.rules.few_respondents), float(self.rules.few_answers - 1)
        n, thin, open_ = self._wide["n"], why == "few_answers", why == ""
        least = np.where(thin, low, np.where(open_, np.maximum(n - BASE, 0.0), 0.0))
        most = np.where(thin, high, np.where(open_, n + BASE, np.inf))
        told = np.zeros(self.size, dtype=bool)
        for line in self.lines():
            parts, total = line.parts, line.total
            if not (thin[parts].any() or thin[total]):
                continue
            others = np.where(line.left_over, np.inf, 0.0)
            room = most[total] - (least[parts].sum() - least[parts])
            beside = np.array([most[np.delete(parts, place)].sum() for place in range(parts.size)]) + others
            ends = np.minimum(most[parts], room) - np.maximum(least[parts], least[total] - beside)
            of_total = min(most[total], most[parts].sum() + others) - max(least[total], least[parts].sum())
            if (
                (ends[thin[parts]] < SPARE).any()
                or (thin[total] and of_total < SPARE)
                or (ends[~open_[parts]] < SPARE).any()
            ):
                told[parts[thin[parts]]] = True
                told[total] |= thin[total]
        wide = told.reshape(-1, len(self.measures))  # a composite that rests on such a part tells as much
        for node in range(self.nodes):
            wide[:, node] = wide[:, self.nodes :][:, self.parts[node]].any(axis=1)
        return np.asarray(wide.ravel() & thin)

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
        return [
            self._line(split, int(column))
            for split in self.splits
            for column in np.flatnonzero((self.exists(split.coarse) & self.exists(split.fine))[self.nodes :])
        ]

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
        found = [cut for number, split in enumerate(self.splits) for cut in self._remainders(number, split, hidden)]
        return found or self._corners(hidden)

    def _remainders(self, number: int, split: Split, hidden: Flags) -> list[Integers]:
        columns = np.flatnonzero((self.exists(split.coarse) & self.exists(split.fine))[self.nodes :])
        if not split.parts.size or not columns.size:
            return []
        places = np.array([self.figures(split.fine, split.parts, self.nodes + column) for column in columns])
        totals = np.array([self.figures(split.coarse, np.array([split.cell]), self.nodes + c)[0] for c in columns])
        of_parts = hidden[places]
        remains = split.coarse.n[split.cell, columns] - (split.fine.n[split.parts][:, columns].T * ~of_parts).sum(
            axis=1
        )
        asked = ~hidden[totals] & (remains > 0)
        cuts = []
        for pattern in np.unique(of_parts[asked], axis=0):
            same = np.flatnonzero(asked & (of_parts == pattern).all(axis=1))
            fresh = [row for row in same if (number, pattern.tobytes(), int(columns[row])) not in self._judged]
            if fresh:
                bad = self._unsafe(split, ~pattern, columns[fresh])
                keys = [(number, pattern.tobytes(), int(columns[row])) for row in fresh]
                self._judged.update(zip(keys, bad.tolist(), strict=True))
            cuts += [
                np.append(places[row], totals[row])
                for row in same
                if self._judged[number, pattern.tobytes(), int(columns[row])]
            ]
        return cuts

    def _unsafe(self, split: Split, shown: Flags, columns: Integers) -> Flags:
        rest, half = remainder(split, shown, columns)
        steps, rules = self.steps[columns], _of_rest(self.rules)
        bad = failing(_facts(rest, steps), sensitive=self.sensitive[columns], rules=rules)[0] != ""
        if self.rules.certain:
            bad |= given_away(_open(rest, ~bad[None, :]), steps=steps, half=half)[0]
        return np.asarray(bad)

    def _corners(self, hidden: Flags) -> list[Integers]:
        lines = self._share_lines(hidden)
        if not lines:
            return []
        figures = np.unique(np.concatenate([np.append(line.parts, line.total) for line in lines]))
        place = [
            Line(int(np.searchsorted(figures, line.total)), np.searchsorted(figures, line.parts), line.left_over)
            for line in lines
        ]
        n, people, values, half = (self._wide[name][figures] for name in ("n", "people", "values", "half"))
        half = half / 100.0
        shown = np.round(np.nan_to_num(values / 100.0) / (2 * half)) * 2 * half
        shares = Shares(figures, n, people, shown, half, hidden[figures], place)
        cuts = []
        for one in cornered(shares, fewest=self.rules.freedom):
            near = [np.append(line.parts, line.total) for line in place if one == line.total or one in line.parts]
            around = figures[np.unique(np.concatenate(near))]
            wide = np.flatnonzero(self._block == self._block[figures[one]])
            cuts.append(wide if hidden[around].all() else around)
        self._clear(lines, hidden, cuts)
        return cuts

    def _clear(self, lines: Sequence[Line], hidden: Flags, cuts: Sequence[Integers]) -> None:
        """Remember the blocks in which nothing was found, as they are hidden now."""
        caught = np.unique(self._block[np.concatenate(cuts)]) if cuts else np.zeros(0, dtype=np.int64)
        for block in {int(self._block[line.total]) for line in lines} - set(caught.tolist()):
            self._cleared.add((block, hidden[self._block == block].tobytes()))

    def _share_lines(self, hidden: Flags) -> list[Line]:
        """Lines of shares, of every block of lines that holds a hidden figure."""
        alive = {
            block
            for block in np.unique(self._block[hidden]).tolist()
            if (block, hidden[self._block == block].tobytes()) not in self._cleared
        }
        return [line for line in self._of_shares if int(self._block[line.total]) in alive]

    @cached_property
    def _of_shares(self) -> list[Line]:
        return [
            self._line(split, int(column))
            for split in self.splits
            for column in np.flatnonzero((self.exists(split.coarse) & self.exists(split.fine))[self.nodes :])
            if self.steps[column] == 1.0 and split.parts.size
        ]

    @cached_property
    def _block(self) -> Integers:
        """Number of the connected set of shares that each figure belongs to."""
        if not self._of_shares:
            return np.zeros(self.size, dtype=np.int64)
        total = np.concatenate([np.full(line.parts.size, line.total) for line in self._of_shares])
        part = np.concatenate([line.parts for line in self._of_shares])
        graph = sparse.csr_array((np.ones(part.size), (total, part)), shape=(self.size,) * 2)
        return np.asarray(sparse.csgraph.connected_components(graph, directed=False)[1])

    def _line(self, split: Split, column: int) -> Line:
        left = int(split.coarse.n[split.cell, column] - split.fine.n[split.parts, column].sum())
        total = self.figures(split.coarse, np.array([split.cell]), self.nodes + column)[0]
        return Line(int(total), self.figures(split.fine, split.parts, self.nodes + column), left)

    @cached_property
    def _wide(self) -> Mapping[str, Floats]:
        """Counts, people represented and scores of every figure; NaN for composites but their counts."""
        counts = np.concatenate([self._counts(table).ravel() for table in self.tables]).astype(np.float64)
        blank = [np.full((len(table.labels), self.nodes), np.nan) for table in self.tables]
        wide = {"n": counts}
        for name in ("people", "values", "half"):
            parts = [getattr(table, name) for table in self.tables]
            wide[name] = np.concatenate([np.hstack(pair).ravel() for pair in zip(blank, parts, strict=True)])
        return wide


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


def remainder(split: Split, shown: Flags, columns: Integers) -> tuple[Groups, Floats]:
    """What is left of a total less its shown parts, as one group, and how exactly a reader can know it (points)."""
    rows, whole = split.coarse.rows(split.cell), split.coarse.groups
    psu = whole.psu[rows]
    count, base, total = (part[rows][:, columns].copy() for part in (whole.count, whole.base, whole.total))
    seen = None if whole.seen is None else whole.seen[whole.seen["cell"] == split.cell].set_index("who")["n"]
    square = whole.square[split.cell, columns].copy()
    error = split.coarse.half[split.cell, columns] * base.sum(axis=0)
    for part in split.parts[shown]:
        own, given = split.fine.rows(part), split.fine.groups
        place = np.searchsorted(psu, given.psu[own])
        for left, taken in ((count, given.count), (base, given.base), (total, given.total)):
            left[place] -= taken[own][:, columns]
        square -= given.square[part, columns]
        error += split.fine.half[part, columns] * given.base[own][:, columns].sum(axis=0)
        if seen is not None and given.seen is not None:
            seen = seen.sub(given.seen[given.seen["cell"] == part].set_index("who")["n"], fill_value=0)
    base, total = np.where(count > 0, base, 0.0), np.where(count > 0, total, 0.0)
    hidden = split.fine.groups.largest[split.parts[~shown]][:, columns]
    inside = [
        total.sum(axis=0) - np.nansum([_sum_of(split.fine, part, columns) for part in split.parts[~shown]], axis=0)
    ]
    biggest = np.sort(np.concatenate([hidden.transpose(1, 0, 2).reshape(columns.size, -1), np.array(inside).T], axis=1))
    largest = np.where(np.isfinite(whole.largest[split.cell, columns]), biggest[:, :-3:-1], np.nan)[None]
    people = None if seen is None else pd.DataFrame({"cell": 0, "who": seen.index, "n": seen.to_numpy()})
    rest = Groups(
        np.zeros(psu.size, dtype=np.int64), psu, count, base, total, np.maximum(square, 0.0)[None], largest, people, 1
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return rest, np.nan_to_num(error / base.sum(axis=0))[None]


def _sum_of(table: Table, cell: int, columns: Integers) -> Floats:
    return np.asarray(table.groups.total[table.rows(cell)][:, columns].sum(axis=0))


def _of_rest(rules: Thresholds) -> Thresholds:
    """Rules for what remains of a total: nobody reads it as a figure, so it need not be reliable."""
    return replace(rules, few_answers=rules.few_respondents, sensitive_n=rules.few_respondents)


def _facts(groups: Groups, steps: Floats) -> Mapping[str, npt.NDArray[np.generic]]:
    facts = gather(groups, steps=steps)
    return {field.name: getattr(facts, field.name) for field in fields(facts)}


def _open(groups: Groups, shown: Flags) -> Groups:
    """The same groups without the answers of figures that are hidden already: they need no second look."""
    return replace(groups, count=np.where(shown[groups.group], groups.count, 0))


def _by_psu(groups: Groups) -> Groups:
    """Pairs sorted by PSU within each group."""
    order = np.lexsort((groups.psu, groups.group))
    parts = {name: getattr(groups, name)[order] for name in ("group", "psu", "count", "base", "total")}
    return replace(groups, **parts)


def _splits(coarse: Table, fine: Table) -> list[Split]:
    keys = ["wave", *coarse.facets]
    cells = coarse.labels[keys].assign(cell=np.arange(len(coarse.labels)))
    found = fine.labels[keys].assign(part=np.arange(len(fine.labels))).merge(cells, on=keys)
    parts = {cell: np.sort(part.to_numpy()) for cell, part in found.groupby("cell")["part"]}
    none = np.zeros(0, dtype=np.int64)
    return [Split(coarse, cell, fine, parts.get(cell, none)) for cell in range(len(coarse.labels))]
