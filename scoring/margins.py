"""What is known of the population, and what is asked of the weights: the request that `scoring.calibration` answers.

It is read from TOML by `from_table`::

    kind = "rake"                     # poststratify, rake, linear, raking, logit, sinh, trim
    bounds = [0.3, 3]                 # of calibrated / base weight: linear, raking, logit, sinh
    variance = "size"                 # column the model variance is proportional to: the same four
    per_unit = "district"             # one weight per value of this column: the same four
    trim = [20, 45]                   # weights after calibration; inf and -inf are numbers in TOML
    strict = true                     # trim again until no weight is outside
    tolerance = 1e-10                 # largest relative miss of a margin
    most_iterations = 500

    [[margin]]                        # one column, a total for each category
    columns = ["sex"]
    totals = {female = 3100, male = 3094}

    [[margin]]                        # crossed columns, a row for each combination
    columns = ["side", "sex"]
    rows = [{side = "north", sex = "male", total = 1500}, {side = "north", sex = "female", total = 1600}]

    [[margin]]                        # a numeric column and its total
    numeric = "crossings"
    total = 3914069

    [[margin]]                        # the size of the population
    total = 6194
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from scoring.design import Floats
from scoring.errors import DesignError, RequestError

Kind = Literal["poststratify", "rake", "linear", "raking", "logit", "sinh", "trim"]
DISTANCES = ("linear", "raking", "logit", "sinh")
AGREE = 1e-6  # relative difference of two margins' grand totals that is still rounding
UNBOUNDED = (-np.inf, np.inf)
OPTIONS = ("kind", "bounds", "variance", "per_unit", "trim", "strict", "tolerance", "most_iterations", "margin")
MARGIN_OPTIONS = ("columns", "totals", "rows", "numeric", "total")


@dataclass(frozen=True, slots=True, init=False)
class Margin:
    """What is known of the population along some columns.

    Parameters
    ----------
    columns : str or sequence of str
        Columns that are crossed; one numeric column; or none, for the size of the population.
    totals : mapping, DataFrame or float
        Population of each category (a tuple for crossed columns; a DataFrame holds the columns and `total`), or the
        total of the numeric column. Categories are compared as text, so that 1, 1.0 and "1" are the same.

    Attributes
    ----------
    columns : tuple of str
    categories : tuple of tuples of str
        Empty where the margin is one number.
    totals : tuple of float
    """

    columns: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    totals: tuple[float, ...]

    def __init__(self, columns: str | Sequence[str], totals: Mapping[Any, float] | pd.DataFrame | float) -> None:
        names = (columns,) if isinstance(columns, str) else tuple(columns)
        object.__setattr__(self, "columns", names)
        if isinstance(totals, pd.DataFrame):
            absent = [name for name in (*names, "total") if name not in totals]
            if absent:
                raise RequestError(f"the totals of margin {self.name!r} have no column {absent[0]!r}; add it")
            keys = [tuple(map(text, row)) for row in totals[list(names)].itertuples(index=False, name=None)]
            values = list(totals["total"])
        elif isinstance(totals, Mapping):
            keys = [tuple(map(text, key if isinstance(key, tuple) else (key,))) for key in totals]
            values = list(totals.values())
        else:
            keys, values = [], [totals]
        object.__setattr__(self, "categories", tuple(keys))
        object.__setattr__(self, "totals", tuple(_number(value, f"margin {self.name!r}") for value in values))
        self._refuse_shape(counted=isinstance(totals, Mapping | pd.DataFrame))
        self._refuse_totals()

    @property
    def name(self) -> str:
        """The margin as messages and tables name it."""
        return " x ".join(self.columns) or "population size"

    @property
    def labels(self) -> tuple[str, ...]:
        """Its categories as messages and tables name them, one for each total; empty for a single number."""
        return tuple(" / ".join(key) for key in self.categories) or ("",)

    def _refuse_shape(self, *, counted: bool) -> None:
        many = len(self.columns)
        if counted and not (many and self.categories):
            raise RequestError(f"margin {self.name!r} needs columns and a total for each of their categories")
        if not counted and many > 1:
            raise RequestError(f"margin {self.name!r} has one total for {many} columns; a number belongs to one column")
        wrong = next((key for key in self.categories if len(key) != many), None)
        if wrong is not None:
            raise RequestError(
                f"margin {self.name!r} crosses {many} columns, but category {wrong} has {len(wrong)} parts"
            )
        twice = [label for label in self.labels if self.labels.count(label) > 1] if counted else []
        if twice:
            raise RequestError(f"margin {self.name!r} names category {twice[0]!r} twice; name it once")

    def _refuse_totals(self) -> None:
        of_people = bool(self.categories) or not self.columns
        for label, total in zip(self.labels, self.totals, strict=True):
            if not np.isfinite(total) or (of_people and total <= 0):
                where = f"category {label!r} of margin {self.name!r}" if label else f"margin {self.name!r}"
                remedy = (
                    "a number above zero, or leave the category and its respondents out" if of_people else "a number"
                )
                raise RequestError(f"{where} has total {total:g}; give {remedy}")


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is asked of the weights.

    Attributes
    ----------
    kind : {"poststratify", "rake", "linear", "raking", "logit", "sinh", "trim"}
        One margin met exactly; several in turn (iterative proportional fitting); or the least change of weights in a
        distance of Deville and Sarndal (1992), see `scoring.calibration`. "trim" meets no margin.
    margins : tuple of Margin
    bounds : (float, float)
        Lowest and highest ratio of calibrated to base weight, around 1.
    variance : str, optional
        Column to which the variance of the working model is proportional (R `calibrate(variance=)`).
    per_unit : str, optional
        Column of which each value gets one weight: auxiliaries and weights are averaged (R `aggregate.stage`).
    trim : (float, float), optional
        Lowest and highest weight after calibration, repeated until none is outside if `strict`.
    tolerance : float
        Largest miss of a total, as a share of it.
    most_iterations : int
    """

    kind: Kind
    margins: tuple[Margin, ...] = ()
    bounds: tuple[float, float] = UNBOUNDED
    variance: str | None = None
    per_unit: str | None = None
    trim: tuple[float, float] | None = None
    strict: bool = False
    tolerance: float = 1e-10
    most_iterations: int = 500

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise RequestError(f"calibration kind is {self.kind!r}; it may be {', '.join(get_args(Kind))}")
        if not (self.tolerance > 0 and self.most_iterations > 0):
            raise RequestError("calibration: tolerance and most_iterations must be above zero")
        self._refuse_margins()
        self._refuse_limits()
        self._refuse_contradictions()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the calibration reads, once."""
        named = [name for margin in self.margins for name in margin.columns]
        return tuple(dict.fromkeys([*named, *(name for name in (self.variance, self.per_unit) if name)]))

    def _refuse_margins(self) -> None:
        if self.kind == "trim" and (self.margins or self.trim is None):
            raise RequestError("calibration 'trim' takes limits and no margins; give trim = [lower, upper] alone")
        if self.kind != "trim" and not self.margins:
            raise RequestError(f"calibration {self.kind!r} needs a margin; give its columns and totals")
        if self.kind == "poststratify" and len(self.margins) > 1:
            raise RequestError("calibration 'poststratify' takes one margin; cross its columns in it, or choose 'rake'")
        names = [margin.name for margin in self.margins]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise RequestError(f"calibration names margin {twice[0]!r} twice; name it once")
        number = next((margin.name for margin in self.margins if not margin.categories), None)
        if self.kind in ("poststratify", "rake") and number is not None:
            raise RequestError(
                f"calibration {self.kind!r} takes categories, not {number!r}; choose 'linear' or 'raking'"
            )

    def _refuse_limits(self) -> None:
        lower, upper = self.bounds
        if self.kind not in DISTANCES and (self.bounds != UNBOUNDED or self.variance or self.per_unit):
            raise RequestError(f"bounds, variance and per_unit belong to {', '.join(DISTANCES)}, not to {self.kind!r}")
        if not lower < 1 < upper:
            raise RequestError(f"calibration bounds are {lower:g} to {upper:g}; they must lie around 1")
        if self.kind == "logit" and not np.isfinite(self.bounds).all():
            raise RequestError("calibration 'logit' needs two finite bounds around 1, such as 0.3 and 3")
        if self.trim is not None and not self.trim[0] < self.trim[1]:
            raise RequestError(f"calibration trims to {self.trim[0]:g}-{self.trim[1]:g}; give the lower weight first")
        if self.strict and self.trim is None:
            raise RequestError("calibration: strict is about trimming; give trim = [lower, upper] as well")

    def _refuse_contradictions(self) -> None:
        counts = [(sum(each.totals), each.name) for each in self.margins if each.categories or not each.columns]
        low, high = min(counts, default=(0.0, "")), max(counts, default=(0.0, ""))
        if high[0] - low[0] > AGREE * high[0]:
            raise RequestError(
                f"margins contradict one another: {low[1]!r} adds up to {low[0]:.12g}, {high[1]!r} to {high[0]:.12g}; "
                "bring them to one population"
            )


def standardised(
    frame: pd.DataFrame,
    weight: Floats,
    *,
    by: str | Sequence[str],
    over: str | Sequence[str] = (),
    shares: Mapping[Any, float],
) -> Calibration:
    """Direct standardisation: each group of `over` gets the composition `shares` along `by` and keeps its weight.

    The post-stratification on by x over with totals ``share_b * sum_{i in group} w_i``, shares made to add up to 1
    (R survey `svystandardize`, R/stdize.R; where R passes over an empty combination, `calibrate` refuses it).

    Parameters
    ----------
    weight : ndarray of float, shape (rows,)
        Base weights, 0 outside the sample.
    by, over : str or sequence of str
        Columns of the composition, and of the groups; without `over` the sample is one group.
    shares : mapping
        Share or number of each category of `by` (a tuple for several columns) in the standard population.
    """
    standard = Margin(by, shares)
    groups = (over,) if isinstance(over, str) else tuple(over)
    inside = frame[weight > 0]
    refuse_absent(frame, groups)
    present = [((), float(weight.sum()))]
    if groups:
        sums = pd.Series(weight[weight > 0], index=inside.index).groupby(
            [inside[name] for name in groups], dropna=False
        )
        present = [(key if isinstance(key, tuple) else (key,), float(total)) for key, total in sums.sum().items()]
    whole = sum(standard.totals)
    totals = {
        (*category, *group): share / whole * total
        for group, total in present
        for category, share in zip(standard.categories, standard.totals, strict=True)
    }
    return Calibration("poststratify", (Margin((*standard.columns, *groups), totals),))


def from_table(table: Mapping[str, Any]) -> Calibration:
    """Calibration from plain tables as TOML gives them (the module says how); raises RequestError naming the key."""
    _refuse_unknown(table, OPTIONS, "calibration")
    if not isinstance(table.get("margin", []), list | tuple):
        raise RequestError("calibration: margin is a list of tables; write [[margin]]")
    read: dict[str, Callable[[object, str], object]] = {
        **dict.fromkeys(("kind", "variance", "per_unit"), _words),
        **dict.fromkeys(("bounds", "trim"), _pair),
        "strict": _truth,
        "tolerance": _number,
        "most_iterations": lambda value, where: int(_number(value, where)),
    }
    if "kind" not in table:
        raise RequestError(f"calibration has no kind; it may be {', '.join(get_args(Kind))}")
    given: dict[str, Any] = {
        name: take(table[name], f"calibration {name}") for name, take in read.items() if name in table
    }
    margins = tuple(_margin(entry, f"margin {place}") for place, entry in enumerate(table.get("margin", ()), start=1))
    return Calibration(margins=margins, **given)


def _margin(entry: Mapping[str, Any], where: str) -> Margin:
    if not isinstance(entry, Mapping):
        raise RequestError(f"calibration: {where} is {entry!r}; write it as a table, [[margin]]")
    _refuse_unknown(entry, MARGIN_OPTIONS, where)
    forms = [{"columns", "totals"}, {"columns", "rows"}, {"numeric", "total"}, {"total"}]
    if set(entry) not in forms:
        raise RequestError(f"calibration: {where} needs columns with totals or rows, or numeric with total, or a total")
    if "rows" not in entry:
        return Margin(entry.get("columns", entry.get("numeric", ())), entry.get("totals", entry.get("total")))
    if not all(isinstance(row, Mapping) for row in entry["rows"]):
        raise RequestError(f"calibration: {where} has rows that are no tables; write {{side = 'north', total = 1500}}")
    return Margin(entry["columns"], pd.DataFrame(entry["rows"]))


def refuse_absent(frame: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise DesignError naming the first of these columns that the data have not."""
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise DesignError(f"column {absent[0]!r} is not in the data; check its spelling or leave it out")


def text(value: object) -> str:
    """A category as text, the same for 1, 1.0 and "1"."""
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if whole else str(value)  # type: ignore[call-overload]  # whole says it is a float


def _refuse_unknown(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    unknown = [name for name in table if name not in known]
    if unknown:
        raise RequestError(f"{where} has no option {unknown[0]!r}; it may have {', '.join(known)}")


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise RequestError(f"{where} holds {value!r}; give a number")
    return float(value)


def _pair(value: object, where: str) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != len(UNBOUNDED):
        raise RequestError(f"{where} is {value!r}; give two numbers, [lower, upper]")
    lower, upper = (_number(part, where) for part in value)
    return lower, upper


def _words(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise RequestError(f"{where} is {value!r}; give a text")
    return value


def _truth(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise RequestError(f"{where} is {value!r}; give true or false")
    return value
