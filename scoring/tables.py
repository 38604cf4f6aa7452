"""Any variables of a frame -> rows of the one contract, without a framework; and how figures become rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring import contract
from scoring.design import Floats, SurveyDesign, Units, units, weights
from scoring.errors import DesignError, EstimationError
from scoring.estimates import (
    DUST,
    DfRule,
    Estimates,
    Interval,
    Rules,
    intervals,
    one_sided,
    ratios,
    simple_variance,
    totals,
    variance,
)
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
    return tabulate(
        frame,
        design,
        mean=mean,
        total=total,
        ratio=ratio,
        proportion=proportion,
        multiple=multiple,
        by=by,
        where=where,
        listwise=listwise,
        rules=Rules(df, interval, level),
        evidence=False,
    ).table


def tabulate(
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
    rules: Rules | None = None,
    evidence: bool = True,
) -> contract.Scorecard:
    """Estimate as `estimate` does, as a scorecard with the evidence that `disclosure.protect` asks for.

    Without `evidence` the shares of the largest amounts are not looked for, which takes a sort of every column.
    """
    rules = rules or Rules()
    if not (*mean, *total, *ratio, *proportion):
        raise EstimationError("nothing to estimate: name at least one mean, total, ratio or proportion")
    facets = tuple(name for name in ((by,) if isinstance(by, str) else by or ()) if name != design.wave)
    refuse_names(facets, wave=design.wave)
    pairs = [split_ratio(text, column_names(frame)) for text in ratio]
    wanted = (*design.columns, *facets, *mean, *total, *proportion, *(name for pair in pairs for name in pair))
    data = to_pandas(frame, (*wanted, *(names_in(where) if where else ())))
    columns = [
        *(_mean(data, name) for name in mean),
        *(column for name in total for column in _total(data, name)),
        *(_ratio(data, *pair) for pair in pairs),
        *(column for name in proportion for column in _proportion(data, name, (multiple or {}).get(name))),
    ]
    if rules.interval == "logit" and any(column.statistic != "proportion" for column in columns):
        raise EstimationError(
            "logit intervals are for proportions; ask for means, totals and ratios in a call of their own"
        )
    w = weights(data, design)
    if where:
        w = np.where(mask(data, where), w, 0.0)
    found = units(data, design)
    code = np.full(len(data), -1, dtype=np.int64)
    code[w > 0], labels = cell_codes(data[w > 0], ((design.wave,) if design.wave else ()) + facets)
    cells = sum_cells(found, (code, labels), w, _variables(columns, listwise=listwise, evidence=evidence))
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
            "sensitive": False,
            "top": np.tile(np.where(statistic == "proportion", 1.0, np.nan), len(cells.labels)),
        }
    )


def figures(
    estimates: Estimates, *, simple: tuple[Floats, Floats], n: npt.NDArray[Any], top: Floats, rules: Rules
) -> pd.DataFrame:
    """Figures of the contract, one row per cell and measure (measures fastest), with `cell` and `column`.

    Parameters
    ----------
    estimates : Estimates
    simple : pair of ndarray, shape (cells, m)
        Variance under simple random sampling, without and with replacement; NaN where unknown.
    n : ndarray, shape (cells, m)
        Unweighted answers.
    top : ndarray of float, shape (m,)
        End of a scale that starts at 0 (1 for proportions, 100 for indices), NaN where there is none. At either end
        of the scale the interval is a one-sided bound.
    rules : Rules
    """
    values, se, df = _settled(estimates, top=top, rules=rules)
    with np.errstate(invalid="ignore", divide="ignore"):
        deff = np.where(simple[0] > 0, se**2 / simple[0], np.nan)
        replaced = np.where(simple[1] > 0, se**2 / simple[1], np.nan)
        n_eff = np.where(se > 0, n / replaced, np.nan)
    flat = (se == 0) & np.isfinite(top) & (n > 0) & (df > 0)
    at_end = flat & ((values <= 0) | (values >= top))
    n_eff = np.where(at_end, n / np.maximum(1.0, _pooled_deff(replaced, n)), n_eff)
    low, high = _limits(values, se, df, top=top, rules=rules)
    shown = at_end & (rules.interval in (None, "logit"))  # whoever asks for t by name gets t, marked
    bound = top * one_sided(n_eff, level=rules.level)
    low = np.where(shown, np.where(values <= 0, 0.0, top - bound), low)
    high = np.where(shown, np.where(values <= 0, bound, top), high)
    unjudged = flat & ~shown & (rules.interval is None) & bool((estimates.units.fraction < 1).any())
    empty = np.isnan(values)
    reasons = {
        "part_missing": empty & (n > 0),
        "no_answers": empty,
        "one_psu": df <= 0,
        "bound": shown,
        "no_spread": flat & ~shown,
    }
    columns = {
        "estimate": values,
        "se": np.where(empty, np.nan, se),
        "df": df,
        "low": np.where(unjudged, np.nan, low),
        "high": np.where(unjudged, np.nan, high),
        "n": n,
        "n_eff": n_eff,
        "deff": deff,
        "status": np.where(empty | (df <= 0) | unjudged, "undefined", "ok"),
        "reason": np.select(list(reasons.values()), list(reasons), default="").astype(object),
    }
    rows = pd.DataFrame({name: np.ravel(array) for name, array in columns.items()})
    return rows.assign(
        cell=np.repeat(np.arange(len(values)), top.size), column=np.tile(np.arange(top.size), len(values))
    )


def _settled(estimates: Estimates, *, top: Floats, rules: Rules) -> tuple[Floats, Floats, Floats]:
    """Values, standard errors and df with the dust of rounding wiped off where everybody answered alike."""
    values, spread = estimates.values, variance(estimates)
    se = np.sqrt(spread.variance)
    se = np.where(se <= DUST * np.where(np.isfinite(top), top, np.abs(values)), 0.0, se)
    df = np.where(se == 0, spread.design_df, spread.df(rules.df))  # no variance has no shares by stratum
    for end in (np.zeros_like(top), top):
        values = np.where((se == 0) & (np.abs(values - end) <= DUST * top), end, values)
    return values, se, df


def _limits(values: Floats, se: Floats, df: Floats, *, top: Floats, rules: Rules) -> tuple[Floats, Floats]:
    """Logit where there is a scale and t where there is none, unless one kind is asked for."""
    if rules.interval is not None:
        return intervals(values, se, df, interval=rules.interval, level=rules.level, top=top)
    t = intervals(values, se, df, interval="t", level=rules.level)
    logit = intervals(values, se, df, interval="logit", level=rules.level, top=top)
    return np.where(np.isfinite(top), logit[0], t[0]), np.where(np.isfinite(top), logit[1], t[1])


def _pooled_deff(deff: Floats, n: npt.NDArray[Any]) -> Floats:
    """Design effect of each measure over the cells that have one, weighted by their answers; 1 where none has."""
    known = np.isfinite(deff)
    weight = (n * known).sum(axis=0)
    total = (np.where(known, deff, 0.0) * n).sum(axis=0)
    return np.where(weight > 0, total / np.maximum(weight, 1), 1.0)
