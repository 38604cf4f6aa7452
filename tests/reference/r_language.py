"""Reads the R calls of the reference figures: enough of the language for one call after another."""

import re
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?)|(?P<text>"[^"]*"|'[^']*')|(?P<tick>`[^`]*`)"""
    r"""|(?P<name>[A-Za-z.][\w.]*)|(?P<sign><-|%in%|==|!=|<=|>=|\[\[|\]\]|[-+*/^:<>=&|~!$(){}\[\],;\n]))"""
)
BINARY = [
    ("<-",),
    ("~",),
    ("|",),
    ("&",),
    ("==", "!=", "<", ">", "<=", ">="),
    ("+", "-"),
    ("*", "/"),
    ("%in%",),
    (":",),
]


@dataclass(frozen=True)
class Call:
    """`f(a, b = c)`, an operator or a block; names of arguments are "" where there is none."""

    function: Any
    parts: tuple[tuple[str, Any], ...] = ()

    @property
    def plain(self) -> list[Any]:
        return [part for name, part in self.parts if not name]

    @property
    def named(self) -> dict[str, Any]:
        return {name: part for name, part in self.parts if name}


@dataclass(frozen=True)
class Name:
    """A variable."""

    text: str


def parse(text: str) -> Any:
    """Calls, names, numbers and texts of one expression."""
    reader = _Reader(list(_TOKEN.finditer(text.strip())))
    found = reader.expression(0)
    assert reader.peek() is None, f"cannot read {text!r} behind token {reader.at}"
    return found


class _Reader:
    def __init__(self, tokens: list[re.Match[str]]) -> None:
        self.tokens, self.at = [(t.lastgroup, t.group(t.lastgroup)) for t in tokens if t.lastgroup], 0

    def peek(self) -> str | None:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else None

    def take(self, wanted: str) -> None:
        assert self.peek() == wanted, (wanted, self.peek(), self.tokens[self.at - 3 : self.at + 3])
        self.at += 1

    def expression(self, level: int) -> Any:
        if level == len(BINARY):
            return self.unary()
        if BINARY[level] == ("~",) and self.peek() == "~":
            self.at += 1
            return Call("~", (("", self.expression(level + 1)),))
        left = self.expression(level + 1)
        while self.peek() in BINARY[level] and self.tokens[self.at][0] == "sign":
            sign = self.peek()
            self.at += 1
            left = Call(sign, (("", left), ("", self.expression(level + 1))))
        return left

    def unary(self) -> Any:
        if self.peek() in ("-", "!"):
            sign = self.peek()
            self.at += 1
            return Call(sign, (("", self.unary()),))
        node = self.atom()
        while self.peek() in ("(", "[", "[[", "$", "^"):
            sign = self.peek()
            self.at += 1
            if sign == "(":
                node = Call(node.text if isinstance(node, Name) else node, self.arguments(")"))
            elif sign == "$":
                node = Call("$", (("", node), ("", Name(self.tokens[self.at][1]))))
                self.at += 1
            elif sign == "^":
                node = Call("^", (("", node), ("", self.unary())))
            else:
                node = Call(sign, (("", node), *self.arguments({"[": "]", "[[": "]]"}[str(sign)])))
        return node

    def arguments(self, closing: str) -> tuple[tuple[str, Any], ...]:
        parts = []
        while self.peek() != closing:
            if self.peek() == ",":
                parts.append(("", None))
                self.take(",")
                continue
            kind, text = self.tokens[self.at]
            name = ""
            if kind in ("name", "tick") and self.tokens[self.at + 1][1] == "=":
                name, self.at = text.strip("`"), self.at + 2
            parts.append((name, self.expression(0)))
            if self.peek() == ",":
                self.take(",")
        self.take(closing)
        return tuple(parts)

    def atom(self) -> Any:
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return float(text)
        if kind == "text":
            return text[1:-1]
        if kind in ("name", "tick"):
            return {"TRUE": True, "FALSE": False, "NULL": None, "NA": float("nan"), "Inf": float("inf")}.get(
                text, Name(text.strip("`"))
            )
        if text == "(":
            node = self.expression(0)
            self.take(")")
            return Call("(", (("", node),))
        assert text == "{", (text, self.tokens[self.at : self.at + 4])
        lines = []
        while self.peek() != "}":
            lines.append(("", self.expression(0)))
        self.take("}")
        return Call("{", tuple(lines))
