"""Who was asked a question: the common `relevant` expressions of XLSForm, evaluated over whole columns.

::

    or -> and -> comparison -> sum -> product -> value
    value: ${question} | 'text' | number | function(...) | ( ... ) | - value

Values are arrays with one entry a row: flags, numbers or texts, compared as XPath 1.0 does. What is not understood
makes the whole expression unknown, never a guess.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

Flags = npt.NDArray[np.bool_]
Array = npt.NDArray[np.generic]

_TOKEN: Final = re.compile(
    r"\s*(?:\$\{\s*(?P<question>[^}]*?)\s*\}|(?P<text>'[^']*'|\"[^\"]*\")|(?P<number>\d+(?:\.\d+)?|\.\d+)|"
    r"(?P<name>[A-Za-z_][\w-]*)|(?P<sign><=|>=|!=|[=<>(),+*-]))"
)

_COMPARE: Final[Mapping[str, Callable[[Array, Array], Array]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_CALCULATE: Final[Mapping[str, Callable[[Array, Array], Array]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "div": operator.truediv,
    "mod": np.fmod,
}


class Given(Protocol):
    """Answers to one question, row by row."""

    @property
    def text(self) -> npt.NDArray[np.object_]:
        """Codes as texts, several with a space between them, "" where there is no answer."""

    def ticked(self, code: str) -> Flags:
        """Whether a code is among the answers."""


class _UnknownError(Exception):
    """Something that this evaluator does not know."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def names(expression: str) -> tuple[str, ...]:
    """Questions that an expression asks about."""
    return tuple(dict.fromkeys(re.findall(r"\$\{\s*([^}]*?)\s*\}", expression)))


def evaluate(expression: str, answers: Mapping[str, Given], *, rows: int) -> Flags | None:
    """Rows where an expression holds; None where it, or a question that it names, is not known.

    Parameters
    ----------
    expression : str
        What stands in the `relevant` column.
    answers : mapping
        Question -> its answers.
    rows : int
        Number of rows.
    """
    try:
        value = _Reader(_tokens(expression), answers).whole()
    except _UnknownError:
        return None
    return np.broadcast_to(_flags(value), (rows,))


def _tokens(expression: str) -> list[_Token]:
    tokens, at, text = [], 0, expression.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise _UnknownError(text[at:])
        tokens.append(_Token(found.lastgroup, found[found.lastgroup]))
        at = found.end()
    return tokens


class _Reader:
    """Reads tokens from the left; each method takes what its level of the grammar allows."""

    def __init__(self, tokens: list[_Token], answers: Mapping[str, Given]) -> None:
        self._tokens = tokens
        self._answers = answers
        self._at = 0

    def whole(self) -> Array:
        value = self._or()
        if self._at < len(self._tokens):
            raise _UnknownError(self._tokens[self._at].text)
        return value

    def _next(self, *texts: str) -> str:
        """Take the next token if it is one of these signs or words."""
        if self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.kind in {"sign", "name"} and token.text in texts:
                self._at += 1
                return token.text
        return ""

    def _or(self) -> Array:
        value = self._and()
        while self._next("or"):
            value = _flags(value) | _flags(self._and())
        return value

    def _and(self) -> Array:
        value = self._comparison()
        while self._next("and"):
            value = _flags(value) & _flags(self._comparison())
        return value

    def _comparison(self) -> Array:
        value = self._sum()
        while sign := self._next(*_COMPARE):
            value = _compare(sign, value, self._sum())
        return value

    def _sum(self) -> Array:
        value = self._product()
        while sign := self._next("+", "-"):
            value = _calculate(sign, value, self._product())
        return value

    def _product(self) -> Array:
        value = self._value()
        while sign := self._next("*", "div", "mod"):
            value = _calculate(sign, value, self._value())
        return value

    def _value(self) -> Array:
        if self._next("-"):
            return -_numbers(self._value())
        if self._next("("):
            value = self._or()
            self._close()
            return value
        if self._at >= len(self._tokens):
            raise _UnknownError("the end")
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "name":
            return self._call(token.text)
        return self._plain(token)

    def _plain(self, token: _Token) -> Array:
        if token.kind == "question":
            return self._given(token.text).text
        if token.kind == "number":
            return np.array(float(token.text))
        if token.kind == "text":
            return np.array(token.text[1:-1], dtype=object)
        raise _UnknownError(token.text)

    def _given(self, name: str) -> Given:
        if name not in self._answers:
            raise _UnknownError(name)
        return self._answers[name]

    def _close(self) -> None:
        if not self._next(")"):
            raise _UnknownError("a bracket that is not closed")

    def _call(self, name: str) -> Array:
        if not self._next("("):
            raise _UnknownError(name)
        if name == "selected":
            return self._selected()
        arguments = []
        if not self._next(")"):
            arguments.append(self._or())
            while self._next(","):
                arguments.append(self._or())
            self._close()
        function = _FUNCTIONS.get((name, len(arguments)))
        if function is None:
            raise _UnknownError(name)
        return function(*arguments)

    def _selected(self) -> Array:
        """selected(${question}, 'code'): read by itself, since it asks the ticks and not the text."""
        tokens = self._tokens[self._at : self._at + 4]
        if [token.kind for token in tokens] not in (
            ["question", "sign", "text", "sign"],
            ["question", "sign", "number", "sign"],
        ):
            raise _UnknownError("selected")
        self._at += 4
        return self._given(tokens[0].text).ticked(tokens[2].text.strip("'\""))


def _flags(value: Array) -> Flags:
    if value.dtype == np.bool_:
        return np.asarray(value, dtype=np.bool_)
    if value.dtype == object:
        return np.asarray(value != "", dtype=np.bool_)
    return np.asarray((value != 0) & ~np.isnan(value.astype(np.float64)), dtype=np.bool_)


def _numbers(value: Array) -> npt.NDArray[np.float64]:
    if value.dtype == object:
        flat = pd.to_numeric(pd.Series(value.ravel(), dtype=object), errors="coerce").to_numpy(dtype=np.float64)
        return np.asarray(flat, dtype=np.float64).reshape(value.shape)
    return value.astype(np.float64)


def _compare(sign: str, left: Array, right: Array) -> Flags:
    """Compare as XPath: as texts only where both are texts and order is not asked."""
    if sign in {"=", "!="} and left.dtype == object and right.dtype == object:
        return np.asarray(_COMPARE[sign](left, right), dtype=np.bool_)
    return np.asarray(_COMPARE[sign](_numbers(left), _numbers(right)), dtype=np.bool_)


def _calculate(sign: str, left: Array, right: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _CALCULATE[sign](_numbers(left), _numbers(right))


def _lengths(value: Array, measure: Callable[[str], int]) -> Array:
    if value.dtype != object:
        raise _UnknownError("length of a number")
    return np.array([measure(str(text)) for text in value.ravel()], dtype=np.float64).reshape(value.shape)


def _coalesce(first: Array, second: Array) -> Array:
    both = np.broadcast_arrays(_flags(first), first.astype(object), second.astype(object))
    found: Array = np.where(*both)
    return found


_FUNCTIONS: Final[Mapping[tuple[str, int], Callable[..., Array]]] = {
    ("not", 1): lambda value: ~_flags(value),
    ("true", 0): lambda: np.array(True),
    ("false", 0): lambda: np.array(False),
    ("boolean", 1): _flags,
    ("number", 1): _numbers,
    ("int", 1): lambda value: np.trunc(_numbers(value)),
    ("count-selected", 1): lambda value: _lengths(value, lambda text: len(text.split())),
    ("string-length", 1): lambda value: _lengths(value, len),
    ("coalesce", 2): _coalesce,
}
