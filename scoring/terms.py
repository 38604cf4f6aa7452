"""Explaining terms by their names: numbers as they are, categories as indicators, products of both.

A *term* is a column, an expression over columns, or two or more of them joined by ":", whose product is meant. Text,
and what is named as categorical, counts as an indicator of every category but the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.design import Floats
from scoring.errors import EstimationError, RequestError
from scoring.expressions import variable

PAIR = 2


@dataclass(frozen=True, slots=True)
class Terms:
    """Explaining terms with the categories that occur.

    Attributes
    ----------
    terms : tuple of tuple of str
        Parts of each term.
    levels : mapping of part to tuple of str
        Of categories; numbers have none.
    """

    terms: tuple[tuple[str, ...], ...]
    levels: Mapping[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """Columns of each term."""
        return tuple(_products([self._columns_of(part) for part in term]) for term in self.terms)

    def places(self, term: int, *, first: int) -> npt.NDArray[np.int64]:
        """Places of the columns of a term among all, the first of which stands at `first`."""
        before = first + sum(len(names) for names in self.names[:term])
        return np.arange(before, before + len(self.names[term]))

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """Columns of all terms, shape (rows, p); NaN where an answer is missing."""
        parts = {part: self._numbers(frame, part) for term in self.terms for part in term}
        columns = [np.ones((len(frame), 0))]
        for term in self.terms:
            made = parts[term[0]]
            for part in term[1:]:
                made = (made[:, None, :] * parts[part][:, :, None]).reshape(len(frame), -1)
            columns.append(made)
        return np.hstack(columns)

    def _columns_of(self, part: str) -> list[str]:
        return [f"{part}={level}" for level in self.levels[part][1:]] if part in self.levels else [part]

    def _numbers(self, frame: pd.DataFrame, part: str) -> Floats:
        values = column(frame, part)
        if part not in self.levels:
            return numbers(values, part)[:, None]
        text = written(values)
        made = (text.to_numpy()[:, None] == np.array(self.levels[part][1:], dtype=object)).astype(np.float64)
        return np.asarray(np.where(text.notna().to_numpy()[:, None], made, np.nan))


def _products(parts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Names of the columns of a product: those of its first part run fastest."""
    made = list(parts[0])
    for part in parts[1:]:
        made = [f"{one}:{other}" for other in part for one in made]
    return tuple(made)


def column(frame: pd.DataFrame, text: str) -> "pd.Series[Any]":
    """A column of the frame, or an expression over its columns (`scoring.expressions`)."""
    return frame[text].reset_index(drop=True) if text in frame.columns else variable(frame, text)


def numbers(values: "pd.Series[Any]", name: str) -> Floats:
    """As numbers, whether a condition holds as 1 and 0; text is refused."""
    if values.dtype == object or pd.api.types.is_string_dtype(values):
        raise RequestError(f"{name!r} is text; name numbers, or a condition such as {name} == 'yes'")
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def written(values: "pd.Series[Any]") -> "pd.Series[str]":
    """Categories as a reader of the file knows them: 2, not 2.0; missing ones stay missing."""
    number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return values.map(lambda value: f"{value:.15g}" if number else str(value), na_action="ignore").astype(object)


def levels_of(values: "pd.Series[Any]", name: str) -> tuple[str, ...]:
    """Categories in their order, numbers by size."""
    text = written(values.dropna())
    found = sorted(text.unique(), key=lambda level: (pd.to_numeric(level, errors="coerce"), level))
    if pd.to_numeric(pd.Series(found, dtype=object), errors="coerce").isna().any():
        found = sorted(found)
    if len(found) < PAIR:
        raise EstimationError(f"{name!r} has one category here, so that nothing can differ by it; leave it out")
    return tuple(found)
