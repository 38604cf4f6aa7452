"""A small grammar for conditions, for variables made of columns, and for contrasts of estimates.

::

    condition   = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation    = "not" negation | comparison
    comparison  = sum [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) sum | [ "not" ] "in" "(" value { "," value } ")" ]
    sum         = product { ( "+" | "-" ) product }
    product     = sign { ( "*" | "/" ) sign }
    sign        = "-" sign | power
    power       = atom [ "**" sign ]
    atom        = number | text | name | function "(" condition { "," condition } ")" | "(" condition ")"

A name is a word of letters, digits, "_" and "."; any other goes in back-ticks. Functions are log, exp, sqrt, asin,
missing (whether a cell is empty) and interaction (the values of several columns together). Nothing is evaluated as
code. In a condition a comparison with an empty cell is false; a variable with an empty part is empty.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.errors import EstimationError, RequestError

_TOKEN = re.compile(
    r"""\s*(?:(?P<tick>`[^`]+`)|(?P<text>"[^"]*"|'[^']*')|(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.])"""
    r"""|(?P<sign>==|!=|<=|>=|\*\*|<|>|=|\+|-|\*|/|\(|\)|\[|\]|,)|(?P<word>[^\W\d][\w.]*))"""
)
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {"log": np.log, "exp": np.exp, "sqrt": np.sqrt, "asin": np.arcsin}
_OF_CELLS = frozenset({"missing", "interaction"})
_WORDS = frozenset({"and", "or", "not", "in"})
_END = ("end", "")
_MOST_NESTED = 50  # descent is recursive: a text of brackets alone must not exhaust the stack
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Node:
    """One place of a parsed expression: what it does, on what, with which value."""

    kind: str  # number, text, name, call, sign, arithmetic, comparison, in, not, and, or
    value: Any = None
    parts: tuple["Node", ...] = ()


@dataclass(frozen=True, slots=True)
class _Cells:
    """Values of rows, whether each is known, and whether they are text."""

    values: npt.NDArray[Any]
    known: Mask

    @property
    def logical(self) -> bool:
        return self.values.dtype == bool


def mask(data: pd.DataFrame, text: str) -> Mask:
    """Rows for which the condition holds, shape (rows,); raises EstimationError naming the place of a fault."""
    found = _of_rows(_parsed(text, "where"), data, "where")
    if not found.logical:
        raise RequestError(f"where: {text!r} is no condition; compare it, as in x >= 2")
    return np.asarray(found.values, dtype=bool)


def variable(data: pd.DataFrame, text: str) -> "pd.Series[Any]":
    """A variable made of columns, empty where a part is: numbers, text (interaction), or whether a condition holds."""
    found = _of_rows(_parsed(text, "expression"), data, "expression")
    if found.logical:
        return pd.Series(found.values, dtype="boolean").where(found.known)
    if found.values.dtype == object:
        return pd.Series(found.values, dtype=object).where(found.known, None)
    return pd.Series(found.values, dtype=float).where(found.known)


def names_in(text: str, what: str = "where") -> tuple[str, ...]:
    """Columns that the expression names."""
    return tuple(dict.fromkeys(_names(_parsed(text, what))))


def formula(text: str) -> Callable[[Mapping[str, npt.NDArray[Any]]], npt.NDArray[Any]]:
    """An analytic function of named numbers, as a contrast needs it: arithmetic and functions, no comparisons."""
    parsed = _parsed(text, "contrast")
    return lambda named: np.asarray(_of_numbers(parsed, named))


def _names(node: Node) -> list[str]:
    own = [node.value] if node.kind == "name" else []
    return [*own, *(name for part in node.parts for name in _names(part))]


def _parsed(text: str, what: str) -> Node:
    reader = _Reader(text, what)
    node = reader.condition()
    if reader.peek() != _END:
        raise reader.fault("the end")
    return node


def _tokens(text: str, what: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise RequestError(f"{what}: cannot read {text[at:].strip()!r}; names with spaces go in back-ticks")
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

    def __init__(self, text: str, what: str) -> None:
        self._text, self._what = text, what
        self._tokens, self._at = _tokens(text, what), 0
        if sum(kind in ("(", "not", "-", "**") for kind, _ in self._tokens) > _MOST_NESTED:
            raise RequestError(f"{what}: more than {_MOST_NESTED} brackets, signs and 'not'; say it in fewer")

    def peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def take(self, *kinds: str) -> str:
        kind, value = self.peek()
        if kind not in kinds:
            raise self.fault(" or ".join(kinds))
        self._at += 1
        return value

    def fault(self, wanted: str) -> RequestError:
        found = self.peek()[1] or "the end"
        return RequestError(f"{self._what}: expected {wanted}, found {found!r} in {self._text!r}")

    def condition(self) -> Node:
        return self._chain("or", self.conjunction)

    def conjunction(self) -> Node:
        return self._chain("and", self.negation)

    def _chain(self, word: str, part: Callable[[], Node]) -> Node:
        node = part()
        while self.peek()[0] == word:
            self.take(word)
            node = Node(word, None, (node, part()))
        return node

    def negation(self) -> Node:
        if self.peek()[0] == "not":
            self.take("not")
            return Node("not", None, (self.negation(),))
        return self.comparison()

    def comparison(self) -> Node:
        node = self.sum()
        if self.peek()[0] in ("not", "in"):
            negated = self.peek()[0] == "not"
            if negated:
                self.take("not")
            self.take("in")
            found = Node("in", tuple(self._list()), (node,))
            return Node("not in", found.value, found.parts) if negated else found
        if self.peek()[0] in _COMPARISONS:
            sign = self.take(*_COMPARISONS)
            return Node("comparison", sign, (node, self.sum()))
        return node

    def sum(self) -> Node:
        return self._arithmetic(("+", "-"), self.product)

    def product(self) -> Node:
        return self._arithmetic(("*", "/"), self.sign)

    def _arithmetic(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        node = part()
        while self.peek()[0] in signs:
            sign = self.take(*signs)
            node = Node("arithmetic", sign, (node, part()))
        return node

    def sign(self) -> Node:
        if self.peek()[0] == "-":
            self.take("-")
            return Node("sign", "-", (self.sign(),))
        node = self.atom()
        if self.peek()[0] == "**":
            self.take("**")
            return Node("arithmetic", "**", (node, self.sign()))
        return node

    def atom(self) -> Node:
        kind, value = self.peek()
        if kind == "(":
            self.take("(")
            node = self.condition()
            self.take(")")
            return node
        if kind == "number":
            return Node("number", float(self.take("number")))
        if kind == "text":
            return Node("text", self.take("text")[1:-1])
        self.take("name")
        if self.peek()[0] != "(":
            return Node("name", value)
        if value not in _FUNCTIONS and value not in _OF_CELLS:
            raise self.fault(f"one of the functions {', '.join((*_FUNCTIONS, *sorted(_OF_CELLS)))} before '('")
        return Node("call", value, tuple(self._arguments()))

    def _arguments(self) -> list[Node]:
        self.take("(")
        parts = [self.condition()]
        while self.peek()[0] == ",":
            self.take(",")
            parts.append(self.condition())
        self.take(")")
        return parts

    def _list(self) -> list[float | str]:
        closing = {"(": ")", "[": "]"}[self.take("(", "[")]
        values = [self._value()]
        while self.peek()[0] == ",":
            self.take(",")
            values.append(self._value())
        self.take(closing)
        return values

    def _value(self) -> float | str:
        minus = self.peek()[0] == "-"
        if minus:
            self.take("-")
        kind, _ = self.peek()
        value = self.take("number") if minus else self.take("number", "text")
        return float(value) * (-1 if minus else 1) if kind == "number" else value[1:-1]


def _of_rows(node: Node, data: pd.DataFrame, what: str) -> _Cells:
    """Evaluate over the rows of a table."""
    if node.kind == "name":
        return _column(data, node.value, what)
    if node.kind in ("number", "text"):
        return _constant(node.value, len(data))
    return _of_parts(node, data, what)


def _of_parts(node: Node, data: pd.DataFrame, what: str) -> _Cells:
    parts = [_of_rows(part, data, what) for part in node.parts]
    known = np.logical_and.reduce([part.known for part in parts])
    if node.kind in ("in", "not in"):
        each = [_compared(parts[0], "==", _constant(value, len(data)), isinstance(value, str)) for value in node.value]
        inside = np.logical_or.reduce(each)
        return _Cells((~inside if node.kind == "not in" else inside) & known, known)
    if node.kind == "comparison":
        textual = any(part.kind == "text" for part in node.parts)
        return _Cells(_compared(parts[0], node.value, parts[1], textual), known)
    if node.kind in ("and", "or", "not"):
        return _Cells(_logical(node.kind, parts, what), known)
    if node.kind == "call" and node.value in _OF_CELLS:
        return _of_cells(node.value, parts)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.asarray(_number(node, [_as_numbers(part) for part in parts]), dtype=np.float64)
    return _Cells(values, known & np.isfinite(values))


def _constant(value: float | str, size: int) -> _Cells:
    values = np.full(size, value) if isinstance(value, float) else np.array([value] * size, dtype=object)
    return _Cells(values, np.ones(size, dtype=bool))


def _column(data: pd.DataFrame, name: str, what: str) -> _Cells:
    if name not in data.columns:
        raise EstimationError(f"{what}: {name!r} is not a column of the data")
    column = data[name]
    known = column.notna().to_numpy(dtype=bool)
    if pd.api.types.infer_dtype(column, skipna=True) == "boolean":
        return _Cells(column.astype(object).where(known, other=False).to_numpy().astype(np.float64), known)
    if pd.api.types.is_numeric_dtype(column):
        return _Cells(column.to_numpy(dtype=np.float64, na_value=np.nan), known)
    return _Cells(column.astype(object).where(known, "").astype(str).to_numpy(dtype=object), known)


def _as_numbers(part: _Cells) -> npt.NDArray[np.float64]:
    if part.values.dtype == object:
        return pd.to_numeric(pd.Series(part.values), errors="coerce").to_numpy(dtype=np.float64)
    return np.where(part.known, part.values.astype(np.float64), np.nan)


def _as_text(part: _Cells) -> npt.NDArray[Any]:
    """Text as it is, numbers as a reader of the file knows them: 3, not 3.0."""
    if part.values.dtype == object:
        return part.values
    return np.array([f"{value:.15g}" for value in part.values.astype(float)], dtype=object)


def _compared(left: _Cells, sign: str, right: _Cells, textual: bool) -> Mask:  # noqa: FBT001 - a kind, not a switch
    """Compare as text with a quoted text and between texts, as numbers otherwise; empty cells never match."""
    known = left.known & right.known
    if textual or left.values.dtype == right.values.dtype == object:
        found = _COMPARISONS[sign](_as_text(left), _as_text(right))
        return np.asarray(found, dtype=bool) & known
    numbers = _as_numbers(left), _as_numbers(right)
    return np.asarray(_COMPARISONS[sign](*numbers), dtype=bool) & known & ~np.isnan(numbers[0]) & ~np.isnan(numbers[1])


def _logical(kind: str, parts: Sequence[_Cells], what: str) -> Mask:
    if not all(part.logical for part in parts):
        raise RequestError(f"{what}: 'and', 'or' and 'not' stand between conditions; compare, as in x >= 2")
    if kind == "not":
        return ~parts[0].values
    return np.asarray((operator.and_ if kind == "and" else operator.or_)(parts[0].values, parts[1].values), dtype=bool)


def _of_cells(name: str, parts: Sequence[_Cells]) -> _Cells:
    known = np.logical_and.reduce([part.known for part in parts])
    if name == "missing":
        return _Cells(~known, np.ones(known.size, dtype=bool))
    texts = [_as_text(part) for part in parts]
    return _Cells(np.array([".".join(row) for row in zip(*texts, strict=True)], dtype=object), known)


def _number(node: Node, parts: Sequence[npt.NDArray[Any]]) -> Any:  # noqa: ANN401 - real or complex arrays
    if node.kind == "sign":
        return -parts[0]
    if node.kind == "arithmetic":
        return _ARITHMETIC[node.value](*parts)
    if len(parts) != 1:
        raise RequestError(f"expression: {node.value} takes one value, not {len(parts)}")
    return _FUNCTIONS[node.value](parts[0])


def _of_numbers(node: Node, named: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Evaluate over named estimates, real or complex."""
    if node.kind == "number":
        return np.asarray(node.value)
    if node.kind == "name":
        if node.value not in named:
            known = ", ".join(named)
            raise RequestError(f"contrast: there is no estimate {node.value!r}; there are {known}")
        return named[node.value]
    if node.kind not in ("sign", "arithmetic") and not (node.kind == "call" and node.value in _FUNCTIONS):
        raise RequestError(f"contrast: {node.kind} has no place in a contrast; use + - * / ** {' '.join(_FUNCTIONS)}")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(_number(node, [_of_numbers(part, named) for part in node.parts]))
