"""Any variables of a frame, estimated from one pass over the respondents: points, scores and replicates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.calibration import Calibrated, calibrate
from scoring.cells import CellTotals, Column, cell_codes, sum_sets, with_interviewers
from scoring.design import Floats, Integers, SurveyDesign
from scoring.errors import EstimationError, RequestError
from scoring.estimates import Estimates, Sample, derivative, ratios, side_by_side, totals, transform
from scoring.expressions import mask
from scoring.figures import Rules
from scoring.margins import Calibration
from scoring.moments import component_slopes, components
from scoring.quantiles import QuantileInterval, quantile_figures
from scoring.resampling import Resampling, resampled
from scoring.totals import column_names, refuse_names, to_pandas
from scoring.units import units, weights
from scoring.variables import SHARES, Plan, Row, SecondOrder, Wanted, as_text, plan, refuse_rule


@dataclass(frozen=True, slots=True)
class Measured:
    """What was asked of a frame, estimated: points and scores, ready for tables, covariances and contrasts.

    Attributes
    ----------
    estimates : Estimates
        Smooth statistics; values of shape (cells, rows).
    rows : tuple of Row
        What each column of `estimates` is.
    cells : CellTotals
        Of the first `len(plain)` columns those that were asked for, then moments.
    first : ndarray of int, shape (rows,)
        The column of `cells` that each row rests on.
    labels : DataFrame, shape (cells, facets)
    quantiles : DataFrame
        Figures of quantiles, with `cell` and `row` (a Row).
    facets : tuple of str
    """

    estimates: Estimates
    rows: tuple[Row, ...]
    cells: CellTotals
    first: Integers
    labels: pd.DataFrame
    quantiles: pd.DataFrame
    facets: tuple[str, ...]


def measure(
    frame: Any,  # noqa: ANN401 - any frame narwhals knows
    design: SurveyDesign,
    wanted: Wanted,
    *,
    rules: Rules,
    calibration: Calibration | None = None,
    replicates: Resampling | None = None,
    quantile_interval: QuantileInterval = "t",
    evidence: bool = False,
) -> Measured:
    """Estimate what is wanted, from one pass over the respondents (and one more for each variable with quantiles)."""
    if not any(wanted.statistics.values()):
        raise RequestError("nothing to estimate: name at least one mean, total, ratio or proportion")
    refuse_rule(wanted.quantile_rule)
    facets = tuple(name for name in wanted.by if name != design.wave)
    refuse_names(facets, wave=design.wave)
    known = column_names(frame)
    beside = (*(calibration.columns if calibration else ()), *(replicates.columns if replicates else ()))
    data = to_pandas(frame, (*design.columns, *facets, *wanted.needed(known), *beside))
    asked = plan(data, wanted, evidence=evidence)
    _refuse_interval(asked.rows, rules)
    found = units(data, design)
    w = weights(data, design, found)
    calibrated = calibrate(data, w, calibration) if calibration else None
    w = calibrated.weight if calibrated else w
    found, made = resampled(data, w, found, replicates, calibrated, calibration)
    if wanted.where:
        w = np.where(mask(data, wanted.where), w, 0.0)
    loading = calibrated.per_unit(found.row_unit, found.psu.size) if calibrated else None
    sample = Sample(found, design, loading, made)
    code, labels = _cells(data, w, ((design.wave,) if design.wave else ()) + facets)
    cells = _summed((code, labels), w, asked.columns, sample, calibrated)
    _refuse_unanswered(asked, cells, len(data))
    cells = with_interviewers(cells, code, data[design.interviewer] if design.interviewer else None)
    estimates, first = _estimated(cells, sample, asked)
    shares = partial(_shares, (code, labels), w, sample, calibrated)
    several = [
        quantile_figures(
            part, (code, len(labels)), w, shares, sample,
            rule=wanted.quantile_rule, interval=quantile_interval, rules=rules,
        )
        for part in asked.quantiles
    ]  # fmt: skip
    quantiles = pd.concat(several, ignore_index=True) if several else pd.DataFrame()
    return Measured(estimates, asked.rows, cells, first, _labels(labels, design, facets), quantiles, facets)


def _cells(data: pd.DataFrame, w: Floats, names: tuple[str, ...]) -> tuple[Integers, pd.DataFrame]:
    """Number the cells of those inside the domain; the others are in none (-1)."""
    inside = w != 0
    if inside.all():
        return cell_codes(data, names)
    code = np.full(len(data), -1, dtype=np.int64)
    code[inside], labels = cell_codes(data[inside], names)
    return code, labels


def _refuse_unanswered(asked: Plan, cells: CellTotals, size: int) -> None:
    """Refuse a variable that nobody in the whole data answered; nobody in a domain is a row that says so."""
    silent = np.flatnonzero(cells.count.sum(axis=0) == 0)
    names = [asked.columns[place].name for place in silent if not asked.columns[place].values()[2].any()]
    names += [part.rows[0].measure for part in asked.quantiles if np.isnan(part.values).all()]
    if names:
        raise EstimationError(
            f"nobody answered {names[0]!r}: its {size} cells are empty; check the column, or leave it out"
        )


def _summed(
    cells: tuple[Integers, pd.DataFrame],
    w: Floats,
    columns: Sequence[Column],
    sample: Sample,
    calibrated: Calibrated | None,
) -> CellTotals:
    return sum_sets(sample.units, {(): cells}, w, columns, calibrated=calibrated)[()]


def _shares(
    cells: tuple[Integers, pd.DataFrame],
    w: Floats,
    sample: Sample,
    calibrated: Calibrated | None,
    columns: list[Column],
) -> Estimates:
    return ratios(_summed(cells, w, columns, sample, calibrated), sample)


def _refuse_interval(rows: Sequence[Row], rules: Rules) -> None:
    if rules.interval not in (None, "t", "normal") and any(row.statistic not in SHARES for row in rows):
        raise RequestError(
            f"{rules.interval} intervals are for proportions; ask for means, totals and ratios in a call of their own"
        )


def _labels(labels: pd.DataFrame, design: SurveyDesign, facets: tuple[str, ...]) -> pd.DataFrame:
    """Domains of each cell as text, the wave first."""
    table = labels.reset_index(drop=True)
    if design.wave:
        table = table.rename(columns={design.wave: "wave"})
    elif "wave" not in facets:
        table.insert(0, "wave", "")
    places = list(dict.fromkeys(["wave", *facets]))
    return table[places].apply(as_text)


def _estimated(cells: CellTotals, sample: Sample, asked: Plan) -> tuple[Estimates, Integers]:
    """Estimates of all rows, and the column of the totals that each rests on."""
    means = ratios(cells, sample)
    plain = len(asked.plain.columns)
    is_total: npt.NDArray[np.bool_] = np.array([row.statistic == "total" for row in asked.plain.rows], dtype=bool)
    both = means.take(np.arange(plain))
    if is_total.any():
        both = _some_of_each(both, totals(cells, sample).take(np.arange(plain)), is_total)
    parts, first, at = [both], [np.arange(plain)], plain
    n = cells.per_cell(cells.count)
    for group in asked.second:
        columns = np.arange(at, at + len(group.columns))
        parts.append(_second_order(means.take(columns), group, n[:, at]))
        first.append(np.full(len(group.rows), at))
        at += len(group.columns)
    return side_by_side(parts), np.concatenate(first)


def _some_of_each(first: Estimates, second: Estimates, chosen: npt.NDArray[np.bool_]) -> Estimates:
    """The second where chosen, the first elsewhere."""
    replicated = None
    if first.replicated is not None and second.replicated is not None:
        replicated = np.where(chosen, second.replicated, first.replicated)
    return replace(
        first,
        values=np.where(chosen, second.values, first.values),
        scores=np.where(chosen, second.scores, np.nan_to_num(first.scores)),
        replicated=replicated,
    )


def _second_order(means: Estimates, group: SecondOrder, n: npt.NDArray[np.int64]) -> Estimates:
    factor = np.where(n > 1, n / np.maximum(n - 1, 1), np.nan)

    def function(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return group.function(values, factor)

    def slopes(values: Floats) -> Floats:
        return component_slopes(values, factor, derivative)

    return transform(means, function, jacobian=slopes if group.function is components else None)
