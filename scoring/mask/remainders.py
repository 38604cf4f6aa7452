"""What a reader works out by subtraction: a total less its shown parts, and less shown parts of its hidden parts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from scoring.design import Floats, Integers
from scoring.disclosure import Thresholds, failing
from scoring.evidence import Groups, heights
from scoring.mask.certainty import given_away
from scoring.mask.layout import Breakdown, Flags, Table, facts, still_open

Unions = Mapping[int, tuple[int, ...]]  # an item or indicator, and the indicators of "any of" that it is one of
WHOLE = 0.5  # counts of people, made of weighted sums


class Remainders:
    """Every remainder of a release against the rules; what was judged once is remembered.

    Parameters
    ----------
    breakdowns : sequence of Breakdown
    shown : sequence of ndarray of int
        Of each breakdown the items and indicators that all of its tables show.
    width : tuple of int
        Measures of a table, and how many of them are composites, which stand first.
    steps, sensitive, unions, rules
        Of the items and indicators, and of the release.
    """

    def __init__(
        self,
        breakdowns: Sequence[Breakdown],
        shown: Sequence[Integers],
        width: tuple[int, int],
        *,
        steps: Floats,
        sensitive: Flags,
        unions: Unions,
        rules: Thresholds,
    ) -> None:
        self._breakdowns, self._shown, (self._width, self._nodes) = breakdowns, shown, width
        self._steps, self._sensitive, self._unions = steps, sensitive, unions
        # nobody reads a remainder as a figure, so it need not be reliable
        self._rules = replace(rules, few_answers=rules.few_respondents, sensitive_n=rules.few_respondents)
        self._judged: dict[tuple[int, bytes, int], bool] = {}

    def cuts(self, hidden: Flags) -> list[Integers]:
        """Sets of figures of which one more must be hidden than is."""
        return [cut for number in range(len(self._breakdowns)) for cut in self._of(number, hidden)]

    def _of(self, number: int, hidden: Flags) -> list[Integers]:
        one, columns = self._breakdowns[number], self._shown[number]
        if not one.parts.size or not columns.size:
            return []
        places = [self._figures(level.table, level.cells, columns) for level in one.levels]
        totals = self._figures(one.coarse, np.array([one.cell]), columns)[:, 0]
        taken = one.taken([hidden[place] for place in places])
        gone = sum(
            (level.table.n[level.cells][:, columns].T * part).sum(axis=1)
            for level, part in zip(one.levels, taken, strict=True)
        )
        reached = taken[-1].any(axis=1)  # else a breakdown of fewer levels says the same
        asked = ~hidden[totals] & (one.coarse.n[one.cell, columns] - gone > 0) & reached
        pattern = np.hstack(taken)
        cuts = []
        for row in self._bad(number, pattern, np.flatnonzero(asked)):
            figures = np.hstack([place[row] for place in places])[pattern[row]]
            cuts.append(np.append(figures, totals[row]))
        return cuts

    def _bad(self, number: int, pattern: Flags, asked: Integers) -> list[int]:
        """Which of some rows leave a remainder that the rules would hide."""
        one, columns = self._breakdowns[number], self._shown[number]
        found = []
        ends = np.cumsum([0, *(level.cells.size for level in one.levels)])
        for same in np.unique(pattern[asked], axis=0):
            rows = asked[(pattern[asked] == same).all(axis=1)]
            keys = {int(row): (number, same.tobytes(), int(columns[row])) for row in rows}
            fresh = [row for row, key in keys.items() if key not in self._judged]
            if fresh:
                bad = self._unsafe(one, [same[slice(*pair)] for pair in pairwise(ends)], columns[fresh])
                self._judged.update({keys[row]: bool(flag) for row, flag in zip(fresh, bad, strict=True)})
            found += [row for row, key in keys.items() if self._judged[key]]
        return found

    def _unsafe(self, one: Breakdown, taken: Sequence[Flags], columns: Integers) -> Flags:
        rest, half = remainder(one, taken, columns)
        steps, rules = self._steps[columns], self._rules
        bad = failing(facts(rest, steps), sensitive=self._sensitive[columns], rules=rules)[0] != ""
        if rules.certain:
            bad |= given_away(still_open(rest, ~bad[None, :]), steps=steps, half=half)[0]
        for place, column in enumerate(columns):
            if not bad[place] and int(column) in self._unions:
                whole = np.array([column, *self._unions[int(column)]])
                bad[place] = bounded(remainder(one, taken, whole)[0], rules)[0]
        return np.asarray(bad)

    def _figures(self, table: Table, cells: Integers, columns: Integers) -> Integers:
        """Numbers of figures, shape (columns, cells)."""
        return np.asarray(table.start + cells[None, :] * self._width + self._nodes + columns[:, None])


def bounded(groups: Groups, rules: Thresholds) -> Flags:
    """Whether a share is nearly one of the "any of" shares that it is part of, shape (groups,).

    The first column is the part. Where fewer than `each` said yes to another part alone, "any of" less the part tells
    that nobody else did.
    """
    yes = heights(groups, np.ones(groups.count.shape[1]))[0]
    sums = np.zeros((groups.size, yes.shape[1]))
    np.add.at(sums, groups.group, yes)
    beside = sums[:, 1:] - sums[:, :1]
    return np.asarray((beside < rules.each - WHOLE).any(axis=1) & bool(rules.each))


def remainder(one: Breakdown, taken: Sequence[Flags], columns: Integers) -> tuple[Groups, Floats]:
    """What is left of a total less its taken pieces, as one group, and how exactly a reader can know it (points)."""
    rows, whole = one.coarse.rows(one.cell), one.coarse.groups
    psu = whole.psu[rows]
    count, base, total = (part[rows][:, columns].copy() for part in (whole.count, whole.base, whole.total))
    seen = None if whole.seen is None else whole.seen[whole.seen["cell"] == one.cell].set_index("who")["n"]
    square = whole.square[one.cell, columns].copy()
    error = one.coarse.half[one.cell, columns] * base.sum(axis=0)
    for table, part in _pieces(one, taken):
        own, given = table.rows(part), table.groups
        place = np.searchsorted(psu, given.psu[own])
        for left, gone in ((count, given.count), (base, given.base), (total, given.total)):
            left[place] -= gone[own][:, columns]
        square -= given.square[part, columns]
        error += table.half[part, columns] * given.base[own][:, columns].sum(axis=0)
        if seen is not None and given.seen is not None:
            seen = seen.sub(given.seen[given.seen["cell"] == part].set_index("who")["n"], fill_value=0)
    base, total = np.where(count > 0, base, 0.0), np.where(count > 0, total, 0.0)
    largest = _largest(one, taken, columns, total)
    people = None if seen is None else pd.DataFrame({"cell": 0, "who": seen.index, "n": seen.to_numpy()})
    rest = Groups(
        np.zeros(psu.size, dtype=np.int64), psu, count, base, total, np.maximum(square, 0.0)[None], largest, people, 1
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return rest, np.nan_to_num(error / base.sum(axis=0))[None]


def _largest(one: Breakdown, taken: Sequence[Flags], columns: Integers, total: Floats) -> Floats:
    """Of amounts the two largest that may be in the remainder: of its pieces, and of whoever belongs to none."""
    left = _pieces(one, one.remaining(taken))
    known = [table.groups.largest[part, columns] for table, part in left]
    sums = [table.groups.total[table.rows(part)][:, columns].sum(axis=0) for table, part in left]
    nobody = total.sum(axis=0) - np.nansum([np.zeros(columns.size), *sums], axis=0)
    every = np.sort(np.column_stack([*known, nobody, np.zeros(columns.size)]), axis=1)
    amounts = np.isfinite(one.coarse.groups.largest[one.cell, columns])
    return np.asarray(np.where(amounts, every[:, :-3:-1], np.nan)[None])


def _pieces(one: Breakdown, chosen: Sequence[Flags]) -> list[tuple[Table, int]]:
    return [
        (level.table, int(cell)) for level, flags in zip(one.levels, chosen, strict=True) for cell in level.cells[flags]
    ]
