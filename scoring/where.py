"""A condition on rows in a small grammar: comparisons, in, and, or, not, brackets, back-ticked names.

::

    condition  = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation   = "not" negation | "(" condition ")" | comparison
    comparison = name ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) value | name [ "not" ] "in" "(" value { "," value } ")"

A name is a word of letters, digits, "_" and "."; any other goes in back-ticks. A value is a number or a quoted text.
Nothing is evaluated as code. A comparison with an empty cell is false.
"""

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.errors import EstimationError, RequestError

_TOKEN = re.compile(
    r"""\s*(?:(?P<tick>`[^`]+`)|(?P<text>"[^"]*"|'[^']*')|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.])"""
    r"""|(?P<sign>==|!=|<=|>=|<|>|=|\(|\)|\[|\]|,)|(?P<word>[^\W\d][\w.]*))"""
)
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS = frozenset({"and", "or", "not", "in"})
_END = ("end", "")
_MOST_NESTED = 50  # descent is recursive: a text of brackets alone must not exhaust the stack
Mask = npt.NDArray[np.bool_]


def mask(data: pd.DataFrame, text: str) -> Mask:
    """Rows for which the condition holds, shape (rows,); raises EstimationError naming the place of a fault."""
    reader = _Reader(text, data)
    found = reader.condition()
    if reader.peek() != _END:
        raise reader.fault("the end")
    return found


def names_in(text: str) -> tuple[str, ...]:
    """Columns that the condition names."""
    return tuple(dict.fromkeys(value for kind, value in _tokens(text) if kind == "name"))


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise RequestError(f"where: cannot read {text[at:].strip()!r}; names with spaces go in back-ticks")
        kind, value = found.lastgroup, found.group(found.lastgroup)
        at = found.end()
        if kind == "tick":
            tokens.append(("name", value[1:-1]))
        elif kind == "word":
            tokens.append((value.lower(), value) if value.lower() in _WORDS else ("name", value))
        else:
            tokens.append((value if kind == "sign" else kind, value))
    return tokens


class _Reader:
    """Recursive descent over the tokens; one method per line of the grammar."""

    def __init__(self, text: str, data: pd.DataFrame) -> None:
        self._text, self._data = text, data
        self._tokens, self._at = _tokens(text), 0
        if sum(kind in ("(", "not") for kind, _ in self._tokens) > _MOST_NESTED:
            raise RequestError(f"where: more than {_MOST_NESTED} brackets and 'not'; say it in fewer")

    def peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def take(self, *kinds: str) -> str:
        kind, value = self.peek()
        if kind not in kinds:
            raise self.fault(" or ".join(kinds))
        self._at += 1
        return value

    def fault(self, wanted: str) -> RequestError:
        return RequestError(f"where: expected {wanted}, found {self.peek()[1] or 'the end'!r} in {self._text!r}")

    def condition(self) -> Mask:
        found = self.conjunction()
        while self.peek()[0] == "or":
            self.take("or")
            found = found | self.conjunction()
        return found

    def conjunction(self) -> Mask:
        found = self.negation()
        while self.peek()[0] == "and":
            self.take("and")
            found = found & self.negation()
        return found

    def negation(self) -> Mask:
        if self.peek()[0] == "not":
            self.take("not")
            return ~self.negation()
        if self.peek()[0] == "(":
            self.take("(")
            found = self.condition()
            self.take(")")
            return found
        return self.comparison()

    def comparison(self) -> Mask:
        name = self.take("name")
        if name not in self._data.columns:
            raise EstimationError(f"where: {name!r} is not a column of the data")
        column = self._data[name]
        if self.peek()[0] in ("not", "in"):
            negated = self.peek()[0] == "not"
            if negated:
                self.take("not")
            self.take("in")
            return self._membership(column, self._list(), negated=negated)
        sign = self.take(*_SIGNS)
        return _compare(column, sign, self._value())

    def _membership(self, column: "pd.Series[Any]", values: Sequence[float | str], *, negated: bool) -> Mask:
        inside = np.zeros(len(column), dtype=bool)
        for value in values:
            inside |= _compare(column, "==", value)
        return ~inside & column.notna().to_numpy() if negated else inside

    def _list(self) -> list[float | str]:
        closing = {"(": ")", "[": "]"}[self.take("(", "[")]
        values = [self._value()]
        while self.peek()[0] == ",":
            self.take(",")
            values.append(self._value())
        self.take(closing)
        return values

    def _value(self) -> float | str:
        kind, _ = self.peek()
        value = self.take("number", "text")
        return float(value) if kind == "number" else value[1:-1]


def _compare(column: "pd.Series[Any]", sign: str, value: float | str) -> Mask:
    """Compare as numbers where the value is a number, as text otherwise; empty cells never match."""
    given = column.notna().to_numpy()
    if isinstance(value, float):
        left: Any = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        given = given & ~np.isnan(left)
    else:
        left = column.astype(object).where(given, "").astype(str).to_numpy(dtype=object)
    found: Mask = np.asarray(_SIGNS[sign](left, value), dtype=bool)
    return found & given
