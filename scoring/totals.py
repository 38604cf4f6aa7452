"""Respondents -> Totals per primary sampling unit: the only pass over respondents, everything after it is small."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from scoring.contract import FIGURES
from scoring.design import Floats, Integers, SurveyDesign, Units, units, weights
from scoring.errors import DesignError, EstimationError, RequestError
from scoring.framework import Framework

MOST_FACETS = 3  # more than three facets together approach one person a cell
_TAKEN = frozenset({*FIGURES, "statistic", "category", "since", "p", "p_adjusted", "clear", "cell", "column", "_all"})


@dataclass(frozen=True, slots=True)
class Variables:
    """Columns to be summed, one per measure.

    Attributes
    ----------
    names : tuple of str, length k
    x : ndarray of float, shape (rows, k)
        Numerator of each respondent, 0 where not counted.
    d : ndarray of float, shape (rows, k), or None
        Denominator, 0 where not counted; None where it counts people, as in a mean.
    r : ndarray of bool, shape (rows, k)
        Answered and applicable.
    amounts : tuple of int
        Columns that are amounts, where two respondents might make up the whole.
    """

    names: tuple[str, ...]
    x: Floats
    d: Floats | None
    r: npt.NDArray[np.bool_]
    amounts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CellTotals:
    """Totals of one facet set over its non-empty (PSU, cell) pairs, sorted by cell.

    Attributes
    ----------
    facets : tuple of str
    labels : DataFrame, shape (cells, 1 + len(facets))
        Wave and facet values of each cell.
    cell, psu : ndarray of int, shape (pairs,)
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
    leading : ndarray of float, shape (cells, k)
        Share of the two largest contributions w x in T, of amounts; NaN for what is not an amount.
    interviewers : ndarray of int, shape (cells,)
        Distinct interviewers, -1 where the design names none.
    interviewer_share : ndarray of float, shape (cells,)
        Largest share of one interviewer, NaN where the design names none.
    """

    facets: tuple[str, ...]
    labels: pd.DataFrame
    cell: Integers
    psu: Integers
    base: Floats
    total: Floats
    count: Integers
    tally: Floats
    square: Floats
    weight: Floats
    leading: Floats
    interviewers: Integers
    interviewer_share: Floats

    def per_cell(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sum over the pairs of each cell, shape (cells, k)."""
        return np.asarray(self._adder() @ values)

    def largest(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Largest value over the pairs of each cell, 0 where there are none, shape (cells, k)."""
        out = np.zeros((len(self.labels), values.shape[1]), dtype=values.dtype)
        np.maximum.at(out, self.cell, values)
        return out

    def _adder(self) -> sparse.csr_array:
        ones = np.ones(self.cell.size, dtype=np.int64)
        return sparse.csr_array((ones, (self.cell, np.arange(ones.size))), shape=(len(self.labels), ones.size))


@dataclass(frozen=True, slots=True)
class Totals:
    """Everything the engine knows of the respondents: confidential working data, never exported.

    `sets` holds one `CellTotals` per facet set; the measures are raw answers of the framework's items, then its
    indicators, so that another framework over the same questions needs no new pass.
    """

    measures: tuple[str, ...]
    ranges: Mapping[str, tuple[float, float]]
    design: SurveyDesign
    units: Units
    sets: Mapping[tuple[str, ...], CellTotals]

    def by(self, facets: Sequence[str]) -> CellTotals:
        """Totals of one facet set; raises EstimationError where it was not declared."""
        found = self.sets.get(tuple(facets))
        if found is None:
            known = "; ".join(" ".join(names) or "(none)" for names in self.sets)
            raise RequestError(
                f"no totals by {' '.join(facets)!r}; declared facet sets are: {known}. Declare it and reduce again"
            )
        return found


def reduce(
    frame: Any,  # noqa: ANN401 - any frame narwhals knows
    framework: Framework,
    design: SurveyDesign,
    *,
    facets: Sequence[Sequence[str]] = (),
) -> Totals:
    """Reduce coded answers to totals per PSU.

    Parameters
    ----------
    frame : pandas or polars frame, DuckDB relation, or anything narwhals takes
        One row a respondent: answers >= 0 or a negative kind of missing, facets, design columns.
    framework : Framework
        Names the questions and their ranges.
    design : SurveyDesign
    facets : sequence of sequences of str
        Declared facet sets, at most three facets each; the empty set is always there.

    Raises
    ------
    DesignError, EstimationError
        Where a column is absent, PSUs do not nest, a weight is missing, or an answer is outside its range.
    """
    sets = tuple(dict.fromkeys([(), *(tuple(names) for names in facets)]))
    crowded = next((names for names in sets if len(names) > MOST_FACETS), None)
    if crowded:
        raise EstimationError(f"facet set {' '.join(crowded)!r} holds more than {MOST_FACETS} facets; declare fewer")
    for names in sets:
        refuse_names(names, wave=design.wave or "wave")
    facet_names = tuple(dict.fromkeys(name for names in sets for name in names))
    data = to_pandas(frame, (*design.columns, *facet_names, *framework.questions))
    variables = _framework_variables(data, framework)
    found = units(data, design)
    wave = (design.wave,) if design.wave else ()
    cells = {names: cell_codes(data, (*wave, *names)) for names in sets}
    w = weights(data, design)
    totals = _sum_sets(found, cells, w, variables)
    seen = data[design.interviewer] if design.interviewer else None
    counted = {names: np.where(w > 0, code, -1) for names, (code, _) in cells.items()}
    return Totals(
        measures=variables.names,
        ranges={item.code: item.range for item in framework.items},
        design=design,
        units=found,
        sets={names: with_interviewers(_named(totals[names], names, wave), counted[names], seen) for names in sets},
    )


def refuse_names(facets: Sequence[str], *, wave: str | None) -> None:
    """Refuse facets that a result table could not hold: its own columns, the wave, one name twice."""
    for name in facets:
        if name in _TAKEN or (wave and name in (wave, "wave")):
            raise EstimationError(f"facet {name!r} has the name of a column of every result; rename it in the data")
    if len(set(facets)) < len(facets):
        raise EstimationError(f"facets {' '.join(facets)!r} name one column twice; name each once")


def column_names(frame: Any) -> tuple[str, ...]:  # noqa: ANN401 - any frame narwhals knows
    """Column names of a frame of any kind."""
    return tuple(nw.from_native(frame).collect_schema().names())


def to_pandas(frame: Any, names: Sequence[str]) -> pd.DataFrame:  # noqa: ANN401 - any frame narwhals knows
    """Take the columns named, whatever holds them; a missing column is a DesignError."""
    wrapped = nw.from_native(frame)
    known = column_names(frame)
    absent = [name for name in names if name not in known]
    if absent:
        raise DesignError(f"column {absent[0]!r} is not in the data; check its spelling or leave it out")
    chosen = wrapped.select(*dict.fromkeys(names))
    if isinstance(chosen, nw.LazyFrame):
        chosen = chosen.collect()
    result: pd.DataFrame = chosen.to_pandas()
    if result.empty:
        raise EstimationError("there are no respondents in the data; choose other waves or another file")
    return result.reset_index(drop=True)


def cell_codes(data: pd.DataFrame, names: Sequence[str]) -> tuple[Integers, pd.DataFrame]:
    """Number the cells; rows with an empty facet are in none (-1)."""
    if not names:
        return np.zeros(len(data), dtype=np.int64), pd.DataFrame(index=[0])
    grouped = data.groupby(list(names), observed=True, dropna=True, sort=True)
    code: Integers = grouped.ngroup().fillna(-1).to_numpy().astype(np.int64)
    return code, grouped.size().reset_index()[list(names)]


def sum_cells(found: Units, cells: tuple[Integers, pd.DataFrame], w: Floats, variables: Variables) -> CellTotals:
    """Totals of one set of cells (see `CellTotals`); rows with cell -1 belong to the sample but to no cell."""
    return _sum_sets(found, {(): cells}, w, variables)[()]


def _sum_sets(
    found: Units,
    cells: Mapping[tuple[str, ...], tuple[Integers, pd.DataFrame]],
    w: Floats,
    variables: Variables,
) -> dict[tuple[str, ...], CellTotals]:
    """Read respondents once into the finest (PSU, all cells) groups, then add those up per facet set."""
    key = pd.DataFrame({"psu": found.row_psu, **{str(names): code for names, (code, _) in cells.items()}})
    grouped = key.groupby(list(key.columns), sort=False)
    atom: Integers = grouped.ngroup().to_numpy().astype(np.int64)
    atoms = key.drop_duplicates()  # in order of appearance, as ngroup counts with sort=False
    sums = _sum_atoms(atom, len(atoms), w, variables)
    psu = atoms["psu"].to_numpy()
    return {
        names: replace(
            _sum_pairs(psu, atoms[str(names)].to_numpy(), labels, sums),
            leading=_leading(code, len(labels), w, variables),
        )
        for names, (code, labels) in cells.items()
    }


def _leading(code: Integers, size: int, w: Floats, variables: Variables) -> Floats:
    """Share of the two largest contributions to each total of amounts (dominance rule), shape (cells, k)."""
    out = np.full((size, len(variables.names)), np.nan)
    amounts = list(variables.amounts)
    inside = np.flatnonzero(code >= 0) if amounts else np.empty(0, dtype=np.int64)
    order = inside[np.argsort(code[inside], kind="stable")]
    cells, starts = np.unique(code[order], return_index=True)
    for cell, rows in zip(cells, np.split(order, starts[1:]), strict=False):  # without cells there is one empty part
        given = w[rows, None] * variables.x[rows][:, amounts]
        largest = np.partition(given, -2, axis=0)[-2:] if rows.size > 1 else given
        with np.errstate(invalid="ignore"):
            out[cell, amounts] = largest.sum(axis=0) / given.sum(axis=0)
    return out


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over respondents of one group each, shape (groups, k)."""

    base: Floats
    total: Floats
    square: Floats
    weight: Floats
    count: Floats
    tally: Floats


def _sum_atoms(atom: Integers, size: int, w: Floats, variables: Variables) -> _Sums:
    """One pass over the respondents, a column of answers at a time: numpy's bincount over the groups."""
    k = len(variables.names)
    sums = _Sums(*(np.zeros((size, k)) for _ in range(6)))
    inside = (w > 0).astype(np.float64)  # a respondent of weight zero is outside the domain: not counted

    def add(values: npt.NDArray[Any]) -> Floats:
        return np.asarray(np.bincount(atom, weights=values, minlength=size), dtype=np.float64)

    for column in range(k):
        x, r = variables.x[:, column], variables.r[:, column]
        weighted = w * x
        sums.weight[:, column] = add(w * r)
        sums.base[:, column] = sums.weight[:, column] if variables.d is None else add(w * variables.d[:, column])
        sums.total[:, column] = add(weighted)
        sums.square[:, column] = add(weighted * x)
        sums.count[:, column] = add(inside * r)
        sums.tally[:, column] = add(inside * x)
    return sums


def _product(adder: sparse.csr_array, values: npt.NDArray[Any]) -> Floats:
    return np.asarray(adder @ values, dtype=np.float64)


def _sum_pairs(psu: Integers, cell: Integers, labels: pd.DataFrame, sums: _Sums) -> CellTotals:
    """Add groups up to (PSU, cell) pairs, sorted by cell."""
    inside = np.flatnonzero(cell >= 0)
    width = int(psu.max(initial=0)) + 1
    pairs, place = np.unique(cell[inside] * width + psu[inside], return_inverse=True)
    adder = sparse.csr_array((np.ones(inside.size), (place.ravel(), inside)), shape=(pairs.size, len(psu)))
    pair_cell = pairs // width
    to_cells = sparse.csr_array(
        (np.ones(pairs.size), (pair_cell, np.arange(pairs.size))), shape=(len(labels), pairs.size)
    )
    return CellTotals(
        facets=(),
        labels=labels,
        cell=pair_cell,
        psu=pairs % width,
        base=_product(adder, sums.base),
        total=_product(adder, sums.total),
        count=_product(adder, sums.count).astype(np.int64),
        tally=_product(to_cells, _product(adder, sums.tally)),
        square=_product(to_cells, _product(adder, sums.square)),
        weight=_product(to_cells, _product(adder, sums.weight)),
        leading=np.full((len(labels), sums.base.shape[1]), np.nan),
        interviewers=np.full(len(labels), -1, dtype=np.int64),
        interviewer_share=np.full(len(labels), np.nan),
    )


def _named(totals: CellTotals, facets: tuple[str, ...], wave: tuple[str, ...]) -> CellTotals:
    """Put wave and facets as the labels of the contract have them."""
    labels = totals.labels.copy()
    if wave:
        labels = labels.rename(columns={wave[0]: "wave"})
    else:
        labels.insert(0, "wave", "")
    return replace(totals, facets=facets, labels=labels.astype({"wave": str}))


def with_interviewers(totals: CellTotals, cell: Integers, interviewer: "pd.Series[Any] | None") -> CellTotals:
    """Count interviewers per cell and the largest share of one of them."""
    if interviewer is None:
        return totals
    inside = cell >= 0
    counts = pd.DataFrame({"cell": cell[inside], "who": interviewer[inside]}).value_counts().reset_index(name="n")
    per_cell = counts.groupby("cell")["n"].agg(["size", "max", "sum"]).reindex(range(len(totals.labels)))
    return replace(
        totals,
        interviewers=per_cell["size"].fillna(0).to_numpy(dtype=np.int64),
        interviewer_share=(per_cell["max"] / per_cell["sum"]).to_numpy(dtype=np.float64),
    )


def _framework_variables(data: pd.DataFrame, framework: Framework) -> Variables:
    """Raw answers of the items, then the indicators, as variables of means."""
    names = [item.code for item in framework.items]
    answers = _answers(data, names)
    for item, given in zip(framework.items, answers, strict=True):
        _check_range(item.code, given, item.range)
    beside = [
        _indicator(data, indicator.items, indicator.statistic, indicator.range) for indicator in framework.indicators
    ]
    x = _columns([*answers, *beside])
    r = x >= 0
    x[~r] = 0.0
    amounts = [len(names) + place for place, part in enumerate(framework.indicators) if part.statistic == "mean"]
    return Variables((*names, *(part.code for part in framework.indicators)), x, None, r, tuple(amounts))


def _columns(parts: Sequence[Floats]) -> Floats:
    """Put columns side by side, each in one piece of memory, as the pass over them reads it."""
    return np.array(parts).T


def _answers(data: pd.DataFrame, names: Sequence[str]) -> list[Floats]:
    """Coded answers of each question as numbers, NaN where empty; text is an error."""
    columns = [pd.to_numeric(data[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan) for name in names]
    for name, numbers in zip(names, columns, strict=True):
        if (np.isnan(numbers) & data[name].notna().to_numpy()).any():
            raise EstimationError(f"answers to {name!r} hold text; give the scores of its choices as numbers")
    return columns


def _check_range(code: str, answers: Floats, allowed: tuple[float, float]) -> None:
    outside = int((((answers < allowed[0]) & (answers >= 0)) | (answers > allowed[1])).sum())
    if outside:
        raise EstimationError(
            f"{outside} answers to {code!r} are outside the framework's range {allowed[0]:g}-{allowed[1]:g}; "
            "use the framework version that belongs to this instrument"
        )


def _indicator(data: pd.DataFrame, items: Sequence[str], statistic: str, scale: tuple[float, float]) -> Floats:
    """Values of an indicator, -1 where it does not apply; of several questions, whether any says yes."""
    given = np.array(_answers(data, items))
    answers = np.where(given >= 0, given, -np.inf).max(axis=0)
    if statistic == "mean":
        return np.where(np.isfinite(answers), answers, -1.0)
    _check_range(" or ".join(items), answers, scale)
    return np.where(np.isfinite(answers), (answers - scale[0]) / (scale[1] - scale[0]), -1.0)
