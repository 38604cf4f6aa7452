"""Totals per (unit, cell): the only pass over respondents, one column of answers at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from scoring.calibration import Calibrated
from scoring.design import Floats, Integers
from scoring.numbering import a_row, numbered, whole
from scoring.units import Units

Values = tuple[Floats, Floats | None, npt.NDArray[np.bool_]]
Weights = tuple[Floats, npt.NDArray[np.bool_]]  # and whether they are above zero
LEVELS = 16  # answers that are whole numbers below this are counted by value
BLOCK = 2**16  # respondents at a time: what is made of them stays in the cache of the processor


@dataclass(frozen=True, slots=True)
class Column:
    """One variable to be summed over respondents.

    Attributes
    ----------
    name : str
    values : callable
        Gives numerator x (0 where not counted), denominator d (None where it counts people, as in a mean) and r
        (answered and applicable), shape (rows,) each. Made when it is summed, so that one column at a time is held.
    amount : bool
        Whether two respondents might make up the whole.
    """

    name: str
    values: Callable[[], Values]
    amount: bool = False


@dataclass(frozen=True, slots=True)
class CellTotals:
    """Totals of one facet set over its non-empty (unit, cell) pairs, sorted by cell; a unit is mostly a PSU.

    Attributes
    ----------
    facets : tuple of str
    labels : DataFrame, shape (cells, 1 + len(facets))
        Wave and facet values of each cell.
    cell, unit : ndarray of int, shape (pairs,)
    base, total : ndarray of float, shape (pairs, k)
        N = sum w r d and T = sum w r x.
    count : ndarray of int, shape (pairs, k)
        Unweighted answers.
    tally : ndarray of float, shape (cells, k)
        Unweighted sum of x: of a share, the number who said yes.
    square : ndarray of float, shape (cells, k)
        Sum w r x^2, for design effects.
    weight : ndarray of float, shape (cells, k)
        Sum w r: people represented by those who answered.
    largest : ndarray of float, shape (cells, k, 2)
        The two largest contributions w x to T, of amounts; NaN for what is not an amount.
    seen : DataFrame with `cell`, `who`, `n`, or None
        Interviews of each interviewer in each cell; None where the design names no interviewer.
    regression : ndarray of float, shape (cells, p, 2k), optional
        Coefficients of base (first k) and total on the p auxiliaries of a calibration, see `Calibrated`.
    kinds : ndarray of int, shape (cells, questions, 5), optional
        Respondents who answered each question, were not asked it, did not know, refused, left it blank; unweighted.
    """

    facets: tuple[str, ...]
    labels: pd.DataFrame
    cell: Integers
    unit: Integers
    base: Floats
    total: Floats
    count: Integers
    tally: Floats
    square: Floats
    weight: Floats
    largest: Floats
    seen: pd.DataFrame | None = None
    regression: Floats | None = None
    kinds: Integers | None = None

    def per_cell(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sum over the pairs of each cell, which stand together, shape (cells, k)."""
        return by_cell(np.add, self.cell, values, len(self.labels))

    def per_psu(self, values: npt.NDArray[Any], found: Units) -> tuple[Integers, npt.NDArray[Any]]:
        """Sum over the units of each PSU: the cell of each (PSU, cell) pair, and the sums, shape (pairs, k)."""
        if found.psu.size == found.stratum.size:
            return self.cell, values
        width = found.stratum.size
        pairs, place = np.unique(self.cell * width + found.psu[self.unit], return_inverse=True)
        ones = np.ones(place.size, dtype=values.dtype)
        adder = sparse.csr_array((ones, (place.ravel(), np.arange(place.size))), shape=(pairs.size, place.size))
        return pairs // width, np.asarray(adder @ values)

    def shifts(self, found: Units) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """PSUs with answers in each cell, and the largest share of one of them, shape (cells, k)."""
        cell, counts = self.per_psu(self.count, found)
        number, largest = (np.zeros((len(self.labels), counts.shape[1]), dtype=np.int64) for _ in range(2))
        held, starts = np.unique(cell, return_index=True)  # pairs stand sorted by cell
        if held.size:
            number[held] = np.add.reduceat((counts > 0).astype(np.int64), starts, axis=0)
            largest[held] = np.maximum.reduceat(counts, starts, axis=0)
        n = self.per_cell(self.count)
        with np.errstate(invalid="ignore", divide="ignore"):
            return number, np.where(n > 0, largest / n, 1.0)

    @property
    def leading(self) -> Floats:
        """Share of the two largest contributions in the total of each cell, NaN for what is no amount."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.largest.sum(axis=2) / self.per_cell(self.total), dtype=np.float64)

    @property
    def interviewers(self) -> Integers:
        """Distinct interviewers of each cell, -1 where the design names none."""
        if self.seen is None:
            return np.full(len(self.labels), -1, dtype=np.int64)
        return np.bincount(self.seen["cell"], minlength=len(self.labels))

    @property
    def interviewer_share(self) -> Floats:
        """Largest share of one interviewer in each cell, NaN where the design names none."""
        if self.seen is None:
            return np.full(len(self.labels), np.nan)
        per_cell = self.seen.groupby("cell")["n"].agg(["max", "sum"]).reindex(range(len(self.labels)))
        return (per_cell["max"] / per_cell["sum"]).to_numpy(dtype=np.float64)


def by_cell(operation: np.ufunc, cell: Integers, values: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """Sum or largest of the values of each cell, 0 for a cell without any; cells ascend, shape (size, k)."""
    if not cell.size:
        return np.zeros((size, values.shape[1]), dtype=values.dtype)
    starts = np.searchsorted(cell, np.arange(size + 1))
    held = starts[1:] > starts[:-1]
    out = np.zeros((size, values.shape[1]), dtype=values.dtype)
    out[held] = operation.reduceat(values, starts[:-1][held], axis=0)
    return out


def cell_codes(data: pd.DataFrame, names: Sequence[str]) -> tuple[Integers, pd.DataFrame]:
    """Number the cells; rows with an empty facet are in none (-1)."""
    if not names:
        return np.zeros(len(data), dtype=np.int64), pd.DataFrame(index=[0])
    codes = [whole(data[name]) for name in names]
    known = [code for code in codes if code is not None]
    if len(known) == len(codes):
        code = numbered(known)
        return code, data.iloc[a_row(code)][list(names)].reset_index(drop=True)
    grouped = data.groupby(list(names), observed=True, dropna=True, sort=True)
    code = grouped.ngroup().fillna(-1).to_numpy().astype(np.int64)
    return code, grouped.size().reset_index()[list(names)]


def sum_sets(
    found: Units,
    cells: Mapping[tuple[str, ...], tuple[Integers, pd.DataFrame]],
    w: Floats,
    columns: Sequence[Column],
    *,
    calibrated: Calibrated | None = None,
) -> dict[tuple[str, ...], CellTotals]:
    """Read respondents once into the finest (unit, all cells) groups, then add those up per facet set.

    Rows with cell -1 belong to the sample but to no cell; rows of weight zero are outside the domain.
    """
    atom, row = _atoms(found.row_unit, [code for code, _ in cells.values()])
    sums = _Sums(*(np.zeros((row.size, len(columns))) for _ in range(6)))
    largest = {names: np.full((len(labels), len(columns), 2), np.nan) for names, (_, labels) in cells.items()}
    auxiliaries = 0 if calibrated is None else calibrated.aux.shape[1]
    regression = {names: np.zeros((len(labels), auxiliaries, 2 * len(columns))) for names, (_, labels) in cells.items()}
    inside = w != 0
    for place, column in enumerate(columns):
        values = column.values()
        if not sums.add_levels(place, atom, (w, inside), values):
            sums.add(place, atom, (w, inside), values)
        if not column.amount and calibrated is None:
            continue
        x, d, r = values
        weighted = (w * r if d is None else w * d, w * x)
        for names, (code, labels) in cells.items():
            if column.amount:
                largest[names][:, place] = _two_largest(code, len(labels), weighted[1])
            if calibrated is not None:
                each = [_regressed(code, len(labels), part, calibrated) for part in weighted]
                regression[names][:, :, [place, place + len(columns)]] = np.stack(each, axis=2)
    unit = found.row_unit[row]
    return {
        names: replace(
            _sum_pairs(unit, code[row], labels, sums),
            largest=largest[names],
            regression=regression[names] if calibrated else None,
        )
        for names, (code, labels) in cells.items()
    }


def _atoms(unit: Integers, codes: Sequence[Integers]) -> tuple[Integers, Integers]:
    """Finest groups of respondents, and a row of each; cells that are constant within units make no more of them."""
    row = a_row(unit)
    blocks = _blocks(unit.size)
    of_unit = [code[row] for code in codes]
    crossing = [
        code
        for code, known in zip(codes, of_unit, strict=True)
        if not all((known[unit[part]] == code[part]).all() for part in blocks)
    ]
    if not crossing:
        return unit, row
    atom = numbered([unit, *crossing])
    return atom, a_row(atom)


def _blocks(size: int, step: int = BLOCK) -> list[slice]:
    return [slice(start, start + step) for start in range(0, size, step)]


def _two_largest(code: Integers, size: int, given: Floats) -> Floats:
    """The two largest contributions to the total of each cell (dominance rule), shape (cells, 2)."""
    inside = np.flatnonzero(code >= 0)
    order = inside[np.lexsort((given[inside], code[inside]))]
    ends = np.searchsorted(code[order], np.arange(size), side="right")
    counts = np.diff(ends, prepend=0)
    if not order.size:
        return np.zeros((size, 2))
    return np.array([np.where(counts > back, given[order][np.maximum(ends - 1 - back, 0)], 0.0) for back in (0, 1)]).T


def _regressed(code: Integers, size: int, values: Floats, calibrated: Calibrated) -> Floats:
    """Coefficients of the weighted values of each cell on the auxiliaries, shape (cells, p)."""
    inside = np.flatnonzero((code >= 0) & (values != 0))
    cell, part = code[inside], values[inside]
    each = (np.bincount(cell, weights=part * column[inside], minlength=size) for column in calibrated.projector.T)
    return np.array(list(each)).reshape(-1, size).T


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over respondents of one group each, shape (groups, k)."""

    base: Floats
    total: Floats
    square: Floats
    weight: Floats
    count: Floats
    tally: Floats

    def add_levels(self, place: int, atom: Integers, given: Weights, values: Values) -> bool:
        """Sum a column of few whole answers by way of the weight on each of them; False where it is none."""
        (w, inside), (x, d, r) = given, values
        if d is not None or not (x.min(initial=0.0) >= 0 and x.max(initial=0.0) < LEVELS):
            return False
        top = int(x.max(initial=0.0))
        shape, known = (len(self.base), top + 2), np.arange(top + 1.0)
        size = shape[0] * shape[1]
        if size > x.size:
            return False
        weight, number = np.zeros(size), np.zeros(size, dtype=np.int64)
        for part in _blocks(x.size, max(BLOCK, 2 * size)):
            level = x[part].astype(np.int8)
            if not (level == x[part]).all():
                return False
            key = atom[part] * shape[1]
            key += np.maximum(level, (~(r[part] & inside[part])).view(np.int8) * np.int8(top + 1))
            weight += np.bincount(key, weights=w[part], minlength=size)
            number += np.bincount(key, minlength=size)
        weight, number = weight.reshape(shape)[:, :-1], number.reshape(shape)[:, :-1]
        self.base[:, place] = self.weight[:, place] = weight.sum(axis=1)
        self.total[:, place], self.square[:, place] = ((weight * power).sum(axis=1) for power in (known, known**2))
        self.count[:, place], self.tally[:, place] = number.sum(axis=1), (number * known).sum(axis=1)
        return True

    def add(self, place: int, atom: Integers, given: Weights, values: Values) -> None:
        """Sum any column by group: numpy's bincount, some milliseconds a million rows."""
        (w, inside), (x, d, r) = given, values

        def by_group(each: npt.NDArray[Any]) -> Floats:
            return np.asarray(np.bincount(atom, weights=each, minlength=len(self.base)), dtype=np.float64)

        total = w * x
        self.total[:, place] = by_group(total)
        self.square[:, place] = by_group(total * x)
        self.weight[:, place] = by_group(w * r)
        self.base[:, place] = self.weight[:, place] if d is None else by_group(w * d)
        self.count[:, place] = by_group(inside & r)
        self.tally[:, place] = by_group(inside * x)


def _product(adder: sparse.csr_array, values: npt.NDArray[Any]) -> Floats:
    return np.asarray(adder @ values, dtype=np.float64)


def _sum_pairs(unit: Integers, cell: Integers, labels: pd.DataFrame, sums: _Sums) -> CellTotals:
    """Add groups up to (unit, cell) pairs, sorted by cell."""
    inside = np.flatnonzero(cell >= 0)
    width = int(unit.max(initial=0)) + 1
    pairs, place = np.unique(cell[inside] * width + unit[inside], return_inverse=True)
    adder = sparse.csr_array((np.ones(inside.size), (place.ravel(), inside)), shape=(pairs.size, len(unit)))
    pair_cell = pairs // width
    to_cells = sparse.csr_array(
        (np.ones(pairs.size), (pair_cell, np.arange(pairs.size))), shape=(len(labels), pairs.size)
    )
    return CellTotals(
        facets=(),
        labels=labels,
        cell=pair_cell,
        unit=pairs % width,
        base=_product(adder, sums.base),
        total=_product(adder, sums.total),
        count=_product(adder, sums.count).astype(np.int64),
        tally=_product(to_cells, _product(adder, sums.tally)),
        square=_product(to_cells, _product(adder, sums.square)),
        weight=_product(to_cells, _product(adder, sums.weight)),
        largest=np.full((len(labels), sums.base.shape[1], 2), np.nan),
    )


def with_interviewers(totals: CellTotals, cell: Integers, interviewer: "pd.Series[Any] | None") -> CellTotals:
    """Count the interviews of each interviewer per cell."""
    if interviewer is None:
        return totals
    inside = cell >= 0
    pairs = pd.DataFrame({"cell": cell[inside], "who": interviewer[inside].astype(str).to_numpy()})
    return replace(totals, seen=pairs.value_counts(sort=False).reset_index(name="n"))
