"""What is asked of a frame -> the columns to be summed and the rows to be shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring import expressions, moments
from scoring.cells import Column, Values
from scoring.design import Floats
from scoring.errors import DesignError, EstimationError, RequestError
from scoring.quantile_rules import QuantileRule

SHARES = frozenset({"proportion", "top_two_box", "distribution"})  # statistics that run from 0 to 1
_SECOND_ORDER: Mapping[str, Callable[[moments.Array, Floats], moments.Array]] = {
    "variance": moments.variances,
    "covariance": moments.covariance_pairs,
    "correlation": moments.correlation_pairs,
    "alpha": moments.alpha,
    "components": moments.components,
}
_TWO = 2  # boxes at either end of a scale


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a frame; see `tables.estimate`."""

    mean: tuple[str, ...] = ()
    total: tuple[str, ...] = ()
    ratio: tuple[str, ...] = ()
    proportion: tuple[str, ...] = ()
    top_two_box: tuple[str, ...] = ()
    net_score: tuple[str, ...] = ()
    distribution: tuple[str, ...] = ()
    variance: tuple[str, ...] = ()
    covariance: tuple[str, ...] = ()
    correlation: tuple[str, ...] = ()
    alpha: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    quantile: tuple[str, ...] = ()
    quantile_rule: QuantileRule = "math"
    multiple: Mapping[str, Sequence[str]] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    where: str | None = None
    listwise: bool = False

    @property
    def statistics(self) -> Mapping[str, tuple[str, ...]]:
        """What is asked, by the name of the statistic."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name in STATISTICS}

    def needed(self, known: Sequence[str]) -> tuple[str, ...]:
        """Columns of the data that the request names, domains and conditions included."""
        conditions = expressions.names_in(self.where) if self.where else ()
        return tuple(dict.fromkeys([*self.numbers(known), *self.levels(known), *self.by, *conditions]))

    def numbers(self, known: Sequence[str]) -> tuple[str, ...]:
        """Columns that are taken as numbers where all their values are numbers."""
        asked = {name: texts for name, texts in self.statistics.items() if name != "proportion"}
        parts = [part for name, texts in asked.items() for text in texts for part in _parts(name, text, known)]
        return tuple(dict.fromkeys(name for part in parts for name in _columns_of(part, known)))

    def levels(self, known: Sequence[str]) -> tuple[str, ...]:
        """Columns whose levels are counted."""
        return tuple(dict.fromkeys(name for text in self.proportion for name in _columns_of(text, known)))


STATISTICS = frozenset(
    {
        "mean", "total", "ratio", "proportion", "top_two_box", "net_score", "distribution", "variance", "covariance",
        "correlation", "alpha", "components", "quantile",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a result table within a cell."""

    statistic: str
    measure: str
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Plain:
    """Rows that are a mean, ratio or total of one column each."""

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class SecondOrder:
    """Rows that are a function of the moments of several columns."""

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    function: Callable[[moments.Array, Floats], moments.Array]


@dataclass(frozen=True, slots=True)
class Quantile:
    """Quantiles of one variable: its values, NaN where missing, and the shares asked for."""

    rows: tuple[Row, ...]
    values: Floats
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything asked of a frame."""

    plain: Plain
    second: tuple[SecondOrder, ...]
    quantiles: tuple[Quantile, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns to be summed, the plain ones first."""
        return (*self.plain.columns, *(column for group in self.second for column in group.columns))

    @property
    def rows(self) -> tuple[Row, ...]:
        """Rows of the smooth statistics, in the order of their estimates."""
        return (*self.plain.rows, *(row for group in self.second for row in group.rows))


def plan(data: pd.DataFrame, wanted: Wanted, *, evidence: bool) -> Plan:
    """Turn a request into columns and rows; `evidence` keeps an eye on amounts that two respondents make up."""
    asked = wanted.statistics
    pairs = [
        (row, column)
        for name in ("mean", "total", "ratio", "proportion", "top_two_box", "net_score", "distribution")
        for text in asked[name]
        for row, column in _PLAIN[name](data, text, wanted)
    ]
    rows, columns = (tuple(part) for part in zip(*pairs, strict=True)) if pairs else ((), ())
    columns = tuple(_watched(column, row, evidence=evidence) for row, column in zip(rows, columns, strict=True))
    together = {name: [asked[name]] for name in _SECOND_ORDER if asked[name]}
    together |= {"variance": [(name,) for name in asked["variance"]]}
    second = [_second_order(data, name, group) for name, groups in together.items() for group in groups]
    quantiles = _quantiles(data, asked["quantile"])
    if wanted.listwise:
        complete = np.logical_and.reduce(
            [*(column.values()[2] for column in columns), *(column.values()[2] for g in second for column in g.columns),
             *(~np.isnan(part.values) for part in quantiles)]
        )  # fmt: skip
        columns = tuple(_among(column, complete) for column in columns)
        second = [SecondOrder(g.rows, tuple(_among(c, complete) for c in g.columns), g.function) for g in second]
        quantiles = [Quantile(q.rows, np.where(complete, q.values, np.nan), q.shares) for q in quantiles]
    return Plan(Plain(rows, columns), tuple(second), tuple(quantiles))


def _watched(column: Column, row: Row, *, evidence: bool) -> Column:
    return Column(column.name, column.values, amount=evidence and row.category is None and row.statistic not in SHARES)


def _among(column: Column, complete: npt.NDArray[np.bool_]) -> Column:
    def values() -> Values:
        x, d, r = column.values()
        return x * complete, None if d is None else d * complete, r & complete

    return Column(column.name, values, amount=column.amount)


def split_ratio(text: str, names: Sequence[str]) -> tuple[str, str]:
    """Numerator and denominator; a slash may be part of a column's name, so both sides must be columns."""
    places = [number for number, letter in enumerate(text) if letter == "/"]
    found = [(text[:at], text[at + 1 :]) for at in places if text[:at] in names and text[at + 1 :] in names]
    if len(found) != 1:
        raise DesignError(f"ratio {text!r} does not name two columns of the data; write numerator/denominator")
    return found[0]


def _parts(statistic: str, text: str, known: Sequence[str]) -> tuple[str, ...]:
    """Columns or expressions that a request names."""
    if statistic == "ratio":
        return split_ratio(text, known)
    if statistic in ("quantile", "distribution", "top_two_box", "net_score") and text not in known:
        name, _, _ = text.partition(":") if statistic in ("top_two_box", "net_score") else text.rpartition(":")
        return (name,)
    return (text,)


def _columns_of(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """The column itself, or those of an expression; what is neither is named by who looks for it."""
    if text in known or not any(sign in text for sign in "()+-*/<>=!`"):
        return (text,)
    return expressions.names_in(text, "expression")


def _series(data: pd.DataFrame, text: str) -> "pd.Series[Any]":
    return data[text] if text in data.columns else expressions.variable(data, text)


def _numbers(data: pd.DataFrame, text: str) -> Floats:
    """A column or expression as numbers, NaN where empty; text that is no number is an error."""
    column = _series(data, text)
    if column.dtype == np.float64 and not np.isinf(column.to_numpy()).any():  # the common case, without a copy
        return column.to_numpy()
    dates = pd.api.types.is_datetime64_any_dtype(column)
    parsed = pd.to_numeric(column.astype(str) if dates else column, errors="coerce")
    numbers: Floats = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~np.isfinite(numbers) & column.notna().to_numpy())
    if wrong.size:
        raise EstimationError(
            f"column {text!r} holds text, dates or infinity in {wrong.size} rows, first in data row {wrong[0] + 1}; "
            "ask for its proportion, or mend those cells"
        )
    return numbers


Pairs = list[tuple[Row, Column]]


def _counted(numbers: Floats) -> Values:
    r = ~np.isnan(numbers)
    return np.where(r, numbers, 0.0), None, r


def _mean(data: pd.DataFrame, text: str, _: Wanted) -> Pairs:
    numbers = _numbers(data, text)
    return [(Row("mean", text), Column(text, partial(_counted, numbers)))]


def _ratio(data: pd.DataFrame, text: str, _: Wanted) -> Pairs:
    numerator, denominator = (_numbers(data, name) for name in split_ratio(text, tuple(data.columns)))
    r = ~np.isnan(numerator) & ~np.isnan(denominator)
    values = np.where(r, numerator, 0.0), np.where(r, denominator, 0.0), r
    return [(Row("ratio", text), Column(text, lambda: values))]


def _total(data: pd.DataFrame, text: str, wanted: Wanted) -> Pairs:
    column = _series(data, text)
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return [(Row("total", row.measure), column) for row, column in _mean(data, text, wanted)]
    return [(Row("total", text, row.category), column) for row, column in _proportion(data, text, wanted)]


def _proportion(data: pd.DataFrame, text: str, wanted: Wanted) -> Pairs:
    """One column per level; of a select-multiple, per code of its form."""
    column = _series(data, text)
    r = column.notna().to_numpy(dtype=bool)
    if text not in wanted.multiple:
        words = as_text(column).to_numpy(dtype=object)
        levels = sorted(set(column[r].unique()), key=lambda value: (str(type(value)), value))
        named = [as_text(pd.Series([level])).iloc[0] for level in levels]
        ticked = {level: partial(_said, words == level, r) for level in named}
    else:
        padded = " " + as_text(column).astype(object).where(r, "").astype(str) + " "
        ticked = {
            code: partial(_said, padded.str.contains(f" {code} ", regex=False).to_numpy(dtype=bool), r)
            for code in wanted.multiple[text]
        }
    rows = [(Row("proportion", text, level), Column(text, said)) for level, said in ticked.items()]
    return rows or [(Row("proportion", text), Column(text, partial(_said, r, r)))]  # refused once it is counted


def _said(found: npt.NDArray[np.bool_], r: npt.NDArray[np.bool_]) -> Values:
    return (found & r).astype(float), None, r


def _boxes(data: pd.DataFrame, text: str) -> tuple[str, Floats, list[float]]:
    """A variable with the bounds of its boxes: named as "a:4", "a:2:4", or the two values at either end that occur."""
    name, *bounds = [text] if text in data.columns else text.split(":")
    numbers = _numbers(data, name)
    levels = np.unique(numbers[~np.isnan(numbers)])
    if bounds:
        return name, numbers, [_number(bound, text) for bound in bounds]
    if levels.size <= _TWO:
        raise RequestError(f"{name!r} holds {levels.size} different answers; say where its boxes begin, as in {name}:4")
    return name, numbers, [float(levels[_TWO - 1]), float(levels[-_TWO])]


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise RequestError(f"{whole!r}: {text!r} is no number; write as in a:4, a:2:4 or a:0.5") from None


def _top_two_box(data: pd.DataFrame, text: str, _: Wanted) -> Pairs:
    name, numbers, bounds = _boxes(data, text)
    r = ~np.isnan(numbers)
    return [(Row("top_two_box", text), Column(name, partial(_said, numbers >= bounds[-1], r)))]


def _net_score(data: pd.DataFrame, text: str, _: Wanted) -> Pairs:
    name, numbers, bounds = _boxes(data, text)
    if len(bounds) != _TWO:
        raise RequestError(f"net score {text!r}: give the lower and the upper bound, as in {name}:2:4")
    net = np.where(np.isnan(numbers), np.nan, (numbers >= bounds[1]) * 1.0 - (numbers <= bounds[0]) * 1.0)
    return [(Row("net_score", text), Column(name, partial(_counted, net)))]


def _distribution(data: pd.DataFrame, text: str, _: Wanted) -> Pairs:
    name, bound = text.rpartition(":")[::2]
    numbers, limit = _numbers(data, name), _number(bound, text)
    return [(Row("distribution", text), Column(name, partial(_said, numbers <= limit, ~np.isnan(numbers))))]


_PLAIN: Mapping[str, Callable[[pd.DataFrame, str, Wanted], Pairs]] = {
    "mean": _mean,
    "total": _total,
    "ratio": _ratio,
    "proportion": _proportion,
    "top_two_box": _top_two_box,
    "net_score": _net_score,
    "distribution": _distribution,
}


def _second_order(data: pd.DataFrame, statistic: str, names: Sequence[str]) -> SecondOrder:
    k = len(names)
    if k == 1 and statistic != "variance":
        raise RequestError(f"{statistic} of {names[0]!r} alone says nothing; name at least two variables")
    upper = zip(*(part.tolist() for part in np.triu_indices(k, statistic == "correlation")), strict=True)
    rows = {
        "variance": [Row("variance", name) for name in names],
        "alpha": [Row("alpha", "+".join(names))],
        "components": [
            *(Row("component", str(place + 1)) for place in range(k)),
            *(Row("loading", name, str(place + 1)) for place in range(k) for name in names),
        ],
    }.get(statistic) or [Row(statistic, f"{names[i]}:{names[j]}") for i, j in upper]
    columns = moments.columns(names, [_numbers(data, name) for name in names])
    return SecondOrder(tuple(rows), tuple(columns), _SECOND_ORDER[statistic])


def _quantiles(data: pd.DataFrame, asked: Sequence[str]) -> list[Quantile]:
    """Quantiles of each variable together, so that it is sorted once."""
    found: dict[str, list[tuple[str, float]]] = {}
    for text in asked:
        name, _, share = text.rpartition(":")
        value = _number(share, text)
        if not 0 <= value <= 1 or not name:
            raise RequestError(f"quantile {text!r}: write variable:share with a share from 0 to 1, as in wait:0.5")
        found.setdefault(name, []).append((text, value))
    return [
        Quantile(
            tuple(Row("quantile", text) for text, _ in pairs), _numbers(data, name), tuple(share for _, share in pairs)
        )
        for name, pairs in found.items()
    ]


def refuse_rule(rule: str) -> None:
    """Refuse a rule of quantiles that there is not."""
    if rule not in get_args(QuantileRule):
        raise RequestError(f"quantile rule is {rule!r}; it may be {', '.join(get_args(QuantileRule))}")


def as_text(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Values as a reader of the file knows them: 3, not 3.0."""
    if pd.api.types.is_float_dtype(column):
        return column.map(lambda value: f"{value:.15g}", na_action="ignore").astype(object)
    return column.astype(str).where(column.notna(), None)
