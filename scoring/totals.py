"""Respondents -> Totals per primary sampling unit: the only pass over respondents, everything after it is small."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import narwhals as nw
import numpy as np
import pandas as pd

from scoring.adding import added, together
from scoring.calibration import calibrate
from scoring.cells import BLOCK, CellTotals, Column, Values, cell_codes, sum_sets, with_interviewers
from scoring.construction import build
from scoring.contract import FIGURES
from scoring.design import Floats, Integers, SurveyDesign
from scoring.errors import DesignError, EstimationError, RequestError
from scoring.framework import Framework, Item
from scoring.margins import Calibration
from scoring.nodes import lines
from scoring.normalisation import declared
from scoring.units import Units, units, weights

KINDS = ("answered", "not_applicable", "dont_know", "refused", "blank")  # answers are >= 0, then -1 to -4
MOST_FACETS = 3  # more than three facets together approach one person a cell
_TAKEN = frozenset({*FIGURES, "statistic", "category", "since", "p", "p_adjusted", "clear", "cell", "column", "_all"})


@dataclass(frozen=True, slots=True)
class Totals:
    """Everything the engine knows of the respondents: confidential working data, never exported.

    `sets` holds one `CellTotals` per facet set; the measures are raw answers of the framework's items (or whether they
    are positive), then its indicators, so that another framework over the same questions needs no new pass; for a mean
    of indices the nodes of respondents come after them. `questions` names those whose missing answers were counted.
    """

    measures: tuple[str, ...]
    ranges: Mapping[str, tuple[float, float]]
    design: SurveyDesign
    units: Units
    sets: Mapping[tuple[str, ...], CellTotals]
    loading: Floats | None = None  # of a calibration: sum of `Calibrated.loading` in each unit, shape (units, p)
    questions: tuple[str, ...] = ()

    def __add__(self, other: "Totals") -> "Totals":
        """Totals of two batches of respondents, as if they had been reduced together."""
        if self.design != other.design or self.measures != other.measures or self.sets.keys() != other.sets.keys():
            raise RequestError("totals of another design, framework or other facets cannot be added; reduce them alike")
        if self.loading is not None or other.loading is not None:
            raise RequestError(
                "calibrated totals cannot be added: calibration needs all respondents; reduce them as one"
            )
        if self.design.weight is None and self.design.fpc:
            raise RequestError("weights made from the fpc need the whole sample; name a weight, or reduce it as one")
        apart = self.design.wave is not None and self.design.waves == "fresh"
        joined, places = together(self.units, other.units, nested=self.design.nest or apart)
        sets = {facets: added(cells, other.sets[facets], places) for facets, cells in self.sets.items()}
        return replace(self, units=joined, sets=sets)

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
    calibration: Calibration | None = None,
    missing: Literal["left_out", "counted"] = "left_out",
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
    calibration : Calibration, optional
        Margins that the weights are made to meet; standard errors know of it.
    missing : {"left_out", "counted"}
        Whether answers that are missing are counted by kind, for `coverage.coverage`.

    Returns
    -------
    Totals
        Batches of one sample may be reduced apart and added: ``reduce(a, ...) + reduce(b, ...)``.

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
    margins = calibration.columns if calibration else ()
    data = to_pandas(frame, (*design.columns, *facet_names, *framework.questions, *margins))
    columns = _framework_columns(data, framework)
    found = units(data, design, keyed=True)
    wave = (design.wave,) if design.wave else ()
    cells = {names: cell_codes(data, (*wave, *names)) for names in sets}
    w = weights(data, design, found)
    calibrated = calibrate(data, w, calibration) if calibration else None
    w = calibrated.weight if calibrated else w
    totals = sum_sets(found, cells, w, columns, calibrated=calibrated)
    seen = data[design.interviewer] if design.interviewer else None
    counted = {names: np.where(w != 0, code, -1) for names, (code, _) in cells.items()}
    questions = framework.questions if missing == "counted" else ()
    if questions:
        totals = {
            names: replace(totals[names], kinds=_kinds(data, questions, code, len(cells[names][1])))
            for names, code in counted.items()
        }
    return Totals(
        measures=tuple(column.name for column in columns),
        ranges={item.column: item.range for item in framework.items},
        questions=questions,
        design=design,
        units=replace(found, row_unit=found.row_unit[:0]),
        sets={names: with_interviewers(_named(totals[names], names, wave), counted[names], seen) for names in sets},
        loading=calibrated.per_unit(found.row_unit, found.psu.size) if calibrated else None,
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


def _named(totals: CellTotals, facets: tuple[str, ...], wave: tuple[str, ...]) -> CellTotals:
    """Put wave and facets as the labels of the contract have them."""
    labels = totals.labels.copy()
    if wave:
        labels = labels.rename(columns={wave[0]: "wave"})
    else:
        labels.insert(0, "wave", "")
    return replace(totals, facets=facets, labels=labels.astype({"wave": str}))


def _kinds(data: pd.DataFrame, questions: Sequence[str], cell: Integers, size: int) -> Integers:
    """Respondents of each cell by kind of answer, shape (cells, questions, 5)."""
    inside = cell >= 0
    columns = []
    for name in questions:
        given = np.nan_to_num(_answers(data, name)[inside], nan=-4.0)
        kind = np.clip(-given, 0, len(KINDS) - 1).astype(np.int64)
        columns.append(np.bincount(cell[inside] * len(KINDS) + kind, minlength=size * len(KINDS)))
    return np.stack([column.reshape(size, -1) for column in columns], axis=1)


def _framework_columns(data: pd.DataFrame, framework: Framework) -> list[Column]:
    """Raw answers of the items, then the indicators, as variables of means; then nodes of respondents, if asked for."""
    for item in framework.items:
        _check_range(item.code, _answers(data, item.code), item.range)
    items = [Column(item.column, partial(_scored, data, item)) for item in framework.items]
    beside = [
        Column(
            part.code, partial(_counted, data, part.items, part.statistic, part.range), amount=part.statistic == "mean"
        )
        for part in framework.indicators
    ]
    for part in beside:
        part.values()  # its faults are named before anything is summed
    names = framework.respondent_columns
    nodes = _of_respondents(data, framework) if names else np.zeros((0, 0))
    return [*items, *beside, *(Column(name, partial(_known, nodes[:, at])) for at, name in enumerate(names))]


def _scored(data: pd.DataFrame, item: Item) -> Values:
    """Answers of an item that count, or whether they are positive."""
    x, _, r = _counted(data, (item.code,), "mean", item.range)
    return (np.isin(x, item.positive) & r).astype(np.float64) if item.positive else x, None, r


def _of_respondents(data: pd.DataFrame, framework: Framework) -> Floats:
    """Every node of every respondent, NaN where too few of its parts were answered, shape (rows, nodes)."""
    tree, out = framework.arrays(), np.empty((len(data), len(framework.nodes)))
    slope, shift = (np.array(values) for values in zip(*lines(framework.items).values(), strict=True))
    for start in range(0, len(data), BLOCK):
        rows = data.iloc[start : start + BLOCK]
        scored = [_scored(rows, item) for item in framework.items]
        answers = np.column_stack([np.where(r, x, np.nan) for x, _, r in scored])
        out[start : start + BLOCK] = build(declared(answers, slope, shift), tree, coverage=framework.minimum_answered)
    return out


def _known(values: Floats) -> Values:
    r = ~np.isnan(values)
    return np.where(r, values, 0.0), None, r


def _counted(data: pd.DataFrame, items: Sequence[str], statistic: str, scale: tuple[float, float]) -> Values:
    """Answers of an item or an indicator that count; of several questions, whether any says yes."""
    given = _answers(data, items[0])
    for name in items[1:]:
        given = np.fmax(given, _answers(data, name))
    r = given >= 0
    if statistic == "share":
        _check_range(" or ".join(items), given, scale)
        given = (given - scale[0]) / (scale[1] - scale[0])
    return np.where(r, given, 0.0), None, r


def _answers(data: pd.DataFrame, name: str) -> Floats:
    """Coded answers of a question as numbers, NaN where empty; text is an error."""
    column = data[name]
    if column.dtype == np.float64:  # the common case, without a copy
        return column.to_numpy()
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if (np.isnan(numbers) & column.notna().to_numpy()).any():
        raise EstimationError(f"answers to {name!r} hold text; give the scores of its choices as numbers")
    return numbers


def _check_range(code: str, answers: Floats, allowed: tuple[float, float]) -> None:
    outside = int((((answers < allowed[0]) & (answers >= 0)) | (answers > allowed[1])).sum())
    if outside:
        raise EstimationError(
            f"{outside} answers to {code!r} are outside the framework's range {allowed[0]:g}-{allowed[1]:g}; "
            "use the framework version that belongs to this instrument"
        )
