"""Any variables of a frame -> rows of the one contract, without a framework; and how figures become rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring import contract
from scoring.design import Floats, SurveyDesign, Units, units, weights
from scoring.errors import DesignError, EstimationError, RequestError
from scoring.estimates import (
    DfRule,
    Interval,
    Rules,
    ratios,
    simple_variance,
    totals,
)
from scoring.figures import figures
from scoring.totals import (
    CellTotals,
    Variables,
    cell_codes,
    column_names,
    refuse_names,
    sum_cells,
    to_pandas,
    with_interviewers,
)
from scoring.where import mask, names_in


@dataclass(frozen=True, slots=True)
class Column:
    """One variable to be estimated: which statistic of what, shape (rows,) each."""

    statistic: str  # mean, total, ratio or proportion
    measure: str
    category: str | None
    x: Floats
    d: Floats
    r: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a frame; see `estimate`."""

    mean: tuple[str, ...] = ()
    total: tuple[str, ...] = ()
    ratio: tuple[str, ...] = ()
    proportion: tuple[str, ...] = ()
    multiple: Mapping[str, Sequence[str]] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    where: str | None = None
    listwise: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Everything to be estimated."""
        return (*self.mean, *self.total, *self.ratio, *self.proportion)


def estimate(
    frame: Any,  # noqa: ANN401 - any frame narwhals knows
    design: SurveyDesign,
    *,
    mean: Sequence[str] = (),
    total: Sequence[str] = (),
    ratio: Sequence[str] = (),
    proportion: Sequence[str] = (),
    multiple: Mapping[str, Sequence[str]] | None = None,
    by: str | Sequence[str] | None = None,
    where: str | None = None,
    listwise: bool = False,
    df: DfRule = "design",
    interval: Interval | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate means, totals, ratios and proportions with design-based standard errors.

    The file is the caller's own: nothing is hidden. `tabulate` gives the same with the evidence that a mask needs.

    Parameters
    ----------
    frame : pandas or polars frame, DuckDB relation, or anything narwhals takes
        Columns are taken as they are: empty is missing, negative numbers are values.
    design : SurveyDesign
    mean, total, proportion : sequence of str
        Columns; a text column under `total` gives one row per level.
    ratio : sequence of str
        "a/b": the total of a over the total of b.
    multiple : mapping of str to sequence of str, optional
        Columns that hold several codes separated by spaces, with the codes of their form: under `proportion`
        each code is a share of those who answered the question.
    by : str or sequence of str, optional
        Domains. All PSUs of the design enter the variance of each domain.
    where : str, optional
        Subset by condition, in the small grammar of `scoring.where`; the others get weight zero and are not dropped.
    listwise : bool
        Use only respondents who answered every variable; otherwise each variable uses its own answers.
    df : {"design", "satterthwaite"}
    interval : {"t", "normal", "logit"}, optional
        By default t, and logit for proportions, with a one-sided bound at 0 and 1. Asked for by name, t and normal
        are what they are in R even there, of no width, and the row says `no_spread`.
    level : float

    Returns
    -------
    pandas.DataFrame
        Columns of the contract by these domains, with `statistic` and `category` beside `measure`.

    Raises
    ------
    DesignError, EstimationError
    """
    wanted = Wanted(
        mean=tuple(mean),
        total=tuple(total),
        ratio=tuple(ratio),
        proportion=tuple(proportion),
        multiple=multiple or {},
        by=(by,) if isinstance(by, str) else tuple(by or ()),
        where=where,
        listwise=listwise,
    )
    return tabulate(frame, design, wanted, rules=Rules(df, interval, level), evidence=False).table


def tabulate(
    frame: Any,  # noqa: ANN401 - any frame narwhals knows
    design: SurveyDesign,
    wanted: Wanted,
    *,
    rules: Rules,
    evidence: bool = True,
) -> contract.Scorecard:
    """Estimate as `estimate` does, as a scorecard with the evidence that `disclosure.protect` asks for.

    Without `evidence` the shares of the largest amounts are not looked for, which takes a sort of every column.
    """
    if not wanted.columns:
        raise RequestError("nothing to estimate: name at least one mean, total, ratio or proportion")
    facets = tuple(name for name in wanted.by if name != design.wave)
    refuse_names(facets, wave=design.wave)
    pairs = [split_ratio(text, column_names(frame)) for text in wanted.ratio]
    parts = (name for pair in pairs for name in pair)
    single = (*wanted.mean, *wanted.total, *wanted.proportion)
    condition = names_in(wanted.where) if wanted.where else ()
    data = to_pandas(frame, (*design.columns, *facets, *single, *parts, *condition))
    columns = [
        *(_mean(data, name) for name in wanted.mean),
        *(column for name in wanted.total for column in _total(data, name)),
        *(_ratio(data, *pair) for pair in pairs),
        *(column for name in wanted.proportion for column in _proportion(data, name, wanted.multiple.get(name))),
    ]
    if rules.interval == "logit" and any(column.statistic != "proportion" for column in columns):
        raise RequestError(
            "logit intervals are for proportions; ask for means, totals and ratios in a call of their own"
        )
    w = weights(data, design)
    if wanted.where:
        w = np.where(mask(data, wanted.where), w, 0.0)
    found = units(data, design)
    code = np.full(len(data), -1, dtype=np.int64)
    code[w > 0], labels = cell_codes(data[w > 0], ((design.wave,) if design.wave else ()) + facets)
    cells = sum_cells(found, (code, labels), w, _variables(columns, listwise=wanted.listwise, evidence=evidence))
    cells = with_interviewers(cells, code, data[design.interviewer] if design.interviewer else None)
    return _table(cells, columns, sample=(found, design), facets=facets, rules=rules)


def split_ratio(text: str, names: Sequence[str]) -> tuple[str, str]:
    """Split "a/b" where both sides are columns; names may hold a slash themselves."""
    places = [place for place, letter in enumerate(text) if letter == "/"]
    found = [(text[:at], text[at + 1 :]) for at in places if text[:at] in names and text[at + 1 :] in names]
    if len(found) != 1:
        raise DesignError(f"ratio {text!r} does not name two columns of the data; write numerator/denominator")
    return found[0]


def _numbers(data: pd.DataFrame, name: str) -> Floats:
    """A column as numbers, NaN where empty; text that is no number is an error."""
    column = data[name]
    dates = pd.api.types.is_datetime64_any_dtype(column)
    parsed = pd.to_numeric(column.astype(str) if dates else column, errors="coerce")
    numbers: Floats = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~np.isfinite(numbers) & column.notna().to_numpy())
    if wrong.size:
        raise EstimationError(
            f"column {name!r} holds text, dates or infinity in {wrong.size} rows, first in data row {wrong[0] + 1}; "
            "ask for its proportion, or mend those cells"
        )
    return numbers


def _mean(data: pd.DataFrame, name: str) -> Column:
    numbers = _numbers(data, name)
    r = ~np.isnan(numbers)
    return Column("mean", name, None, np.where(r, numbers, 0.0), r.astype(float), r)


def _ratio(data: pd.DataFrame, above: str, below: str) -> Column:
    numerator, denominator = _numbers(data, above), _numbers(data, below)
    r = ~np.isnan(numerator) & ~np.isnan(denominator)
    return Column("ratio", f"{above}/{below}", None, np.where(r, numerator, 0.0), np.where(r, denominator, 0.0), r)


def _is_text(column: "pd.Series[Any]") -> bool:
    return not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column))


def _total(data: pd.DataFrame, name: str) -> list[Column]:
    if _is_text(data[name]):
        return [replace(column, statistic="total") for column in _proportion(data, name, None)]
    return [replace(_mean(data, name), statistic="total")]


def _proportion(data: pd.DataFrame, name: str, codes: Sequence[str] | None) -> list[Column]:
    """One column per level; of a select-multiple, per code of its form."""
    column = data[name]
    r = column.notna().to_numpy(dtype=bool)
    if codes is None:
        text = as_text(column)
        levels = sorted(set(column[r].unique()), key=lambda value: (str(type(value)), value))
        ticked = {
            as_text(pd.Series([level])).iloc[0]: (text == as_text(pd.Series([level])).iloc[0]) for level in levels
        }
    else:
        padded = " " + as_text(column).astype(object).where(r, "").astype(str) + " "
        ticked = {code: padded.str.contains(f" {code} ", regex=False) for code in codes}
    ticked = ticked or {None: pd.Series(data=False, index=column.index)}  # nobody answered: a row that says so
    return [
        Column("proportion", name, level, (found.to_numpy(dtype=bool) & r).astype(float), r.astype(float), r)
        for level, found in ticked.items()
    ]


def as_text(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Values as a reader of the file knows them: 3, not 3.0."""
    if pd.api.types.is_float_dtype(column):
        return column.map(lambda value: f"{value:.15g}", na_action="ignore").astype(object)
    return column.astype(str).where(column.notna(), None)


def _variables(columns: Sequence[Column], *, listwise: bool, evidence: bool) -> Variables:
    x = np.array([column.x for column in columns]).T
    r = np.array([column.r for column in columns]).T
    counted = all(column.statistic != "ratio" for column in columns)
    d = None if counted else np.column_stack([column.d for column in columns])
    if listwise:
        everything = r.all(axis=1, keepdims=True)
        r = np.repeat(everything, r.shape[1], axis=1)
        x, d = x * everything, None if d is None else d * everything
    amounts = tuple(place for place, column in enumerate(columns) if evidence and column.category is None)
    return Variables(tuple(column.measure for column in columns), x, d, r, amounts)


def _table(
    cells: CellTotals,
    columns: Sequence[Column],
    *,
    sample: tuple[Units, SurveyDesign],
    facets: tuple[str, ...],
    rules: Rules,
) -> contract.Scorecard:
    statistic = np.array([column.statistic for column in columns])
    means, sums = ratios(cells, *sample), totals(cells, *sample)
    is_total: npt.NDArray[np.bool_] = np.asarray(statistic == "total")
    both = replace(
        means,
        values=np.where(is_total, sums.values, means.values),
        scores=np.where(is_total, sums.scores, np.nan_to_num(means.scores)),
    )
    rows = figures(
        both,
        simple=simple_variance(cells, kind=tuple(statistic)),
        n=cells.per_cell(cells.count),
        top=np.where(statistic == "proportion", 1.0, np.nan),
        rules=rules,
    )
    table = cells.labels.iloc[rows["cell"]].reset_index(drop=True)
    if sample[1].wave:
        table = table.rename(columns={sample[1].wave: "wave"})
    elif "wave" not in facets:
        table.insert(0, "wave", "")
    places = list(dict.fromkeys(["wave", *facets]))
    table[places] = table[places].apply(as_text)
    for name in ("measure", "statistic", "category"):
        table[name] = [getattr(columns[number], name) for number in rows["column"]]
    result = pd.concat([table, rows], axis=1)
    return contract.Scorecard(
        table=result[[*places, "measure", "statistic", "category", *contract.FIGURES[1:]]],
        evidence=_evidence(cells, statistic),
        facets=facets,
        provenance={"df": rules.df, "level": rules.level, "interval": rules.interval or "t, logit for proportions"},
    )


def _evidence(cells: CellTotals, statistic: npt.NDArray[np.str_]) -> pd.DataFrame:
    """What the mask asks, row by row as in the table."""
    n = cells.per_cell(cells.count)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(n > 0, cells.largest(cells.count) / n, 1.0)
    return pd.DataFrame(
        {
            "shifts": cells.per_cell((cells.count > 0).astype(np.int64)).ravel(),
            "shift_share": share.ravel(),
            "yes": cells.tally.ravel(),
            "leading": np.nan_to_num(cells.leading).ravel(),
            "interviewers": np.repeat(cells.interviewers, len(statistic)),
            "interviewer_share": np.repeat(cells.interviewer_share, len(statistic)),
            "sensitive": np.tile(statistic == "proportion", len(cells.labels)),  # a category of few is a few people
            "top": np.tile(np.where(statistic == "proportion", 1.0, np.nan), len(cells.labels)),
        }
    )
