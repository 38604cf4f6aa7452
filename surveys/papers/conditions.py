"""Who is asked a question, in words: the `relevant` expressions of a form as an interviewer reads them on paper.

::

    or -> and -> part
    part: ${question} = 'code' | selected(${question}, 'code') | ${question} < number | not(...) | ( ... )

What is not understood is shown as it stands in the form, with the numbers of its questions: never left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"\s*(?:\$\{\s*(?P<question>[^}]*?)\s*\}|(?P<value>'[^']*'|\"[^\"]*\"|-?\d+(?:\.\d+)?)|"
    r"(?P<word>and|or|not|selected)\b|(?P<sign><=|>=|!=|[=<>(),]))"
)
ISOLATES: Final = "\u2068\u2069"
PAIR: Final = 2
_NAME: Final = re.compile(r"\$\{\s*([^}]*?)\s*\}")
_MIRRORED: Final[Mapping[str, str]] = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


class _UnknownError(Exception):
    """Something that this reader does not know."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that must hold: `sign` is =, !=, <, <=, >, >=, "marked" or "not marked"."""

    question: str
    sign: str
    value: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts of which all ("and") or any ("or") must hold, or none ("not")."""

    word: str
    parts: "tuple[Node, ...]"


Node = Part | Joined


@dataclass(frozen=True, slots=True)
class Phrases:
    """How a condition is said; `place` is the number of a question, `label` the answer as it is read out."""

    is_: str
    is_not: str
    marked: str
    not_marked: str
    any_of: str
    run: str
    empty: str
    answered: str
    compared: Mapping[str, str]
    negated: str
    holds: str
    joints: Mapping[str, str]

    def said(self, expression: str, places: Mapping[str, str], labels: Mapping[tuple[str, str], str]) -> str:
        """A condition in words.

        Parameters
        ----------
        expression : str
            What stands in the `relevant` column.
        places : mapping of name to str
            Number of each question on the paper.
        labels : mapping of (name, code) to str
            Answers as they are read out.
        """
        node = parse(expression)
        if node is None:
            shown = _NAME.sub(lambda found: places.get(found[1], found[1]), expression)
            return self.holds.format(text=shown)
        return self._node(node, places, labels, outer="")

    def _node(self, node: Node, places: Mapping[str, str], labels: Mapping[tuple[str, str], str], *, outer: str) -> str:
        if isinstance(node, Part):
            return self._part(node, places, labels)
        if node.word == "not":
            return self.negated.format(text=self._node(node.parts[0], places, labels, outer=""))
        alike = self._alike(node, places, labels)
        if alike:
            return alike
        text = self.joints[node.word].join(self._node(part, places, labels, outer=node.word) for part in node.parts)
        return f"({text})" if outer else text

    def _part(self, part: Part, places: Mapping[str, str], labels: Mapping[tuple[str, str], str]) -> str:
        place = places.get(part.question, part.question)
        label = labels.get((part.question, part.value), part.value)
        if not part.value:
            return (self.empty if part.sign == "=" else self.answered).format(place=place)
        templates = {"=": self.is_, "!=": self.is_not, "marked": self.marked, "not marked": self.not_marked}
        template = templates.get(part.sign) or self.compared[part.sign]
        return template.format(place=place, label=label, value=part.value)

    def _alike(self, node: Joined, places: Mapping[str, str], labels: Mapping[tuple[str, str], str]) -> str:
        """The same answer to any of several questions, said once."""
        parts = [part for part in node.parts if isinstance(part, Part) and part.sign in {"=", "marked"} and part.value]
        said = {labels.get((part.question, part.value), part.value) for part in parts}
        if node.word != "or" or len(parts) < len(node.parts) or len(said) > 1:
            return ""
        found = [places.get(part.question, part.question) for part in parts]
        numbers = [int(place.strip(ISOLATES)) for place in found if place.strip(ISOLATES).isdigit()]
        in_a_row = len(numbers) == len(found) > PAIR and numbers == list(range(numbers[0], numbers[0] + len(found)))
        listed = self.run.format(first=found[0], last=found[-1]) if in_a_row else ", ".join(found)
        return self.any_of.format(label=said.pop(), places=listed)


def parse(expression: str) -> Node | None:
    """Read an expression; None where it holds anything that is not in the grammar above."""
    try:
        return _Reader(expression).whole()
    except _UnknownError:
        return None


class _Reader:
    """Reads tokens from the left; each method takes what its level of the grammar allows."""

    def __init__(self, expression: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._at = at = 0
        text = expression.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise _UnknownError(text[at:])
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()

    def whole(self) -> Node:
        node = self._joined("or")
        if self._at < len(self._tokens):
            raise _UnknownError
        return node

    def _next(self, text: str) -> bool:
        here = self._at < len(self._tokens) and self._tokens[self._at] in {("word", text), ("sign", text)}
        self._at += here
        return here

    def _take(self, kind: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != kind:
            raise _UnknownError
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _must(self, text: str) -> None:
        if not self._next(text):
            raise _UnknownError

    def _joined(self, word: str) -> Node:
        parts = [self._joined("and") if word == "or" else self._part()]
        while self._next(word):
            parts.append(self._joined("and") if word == "or" else self._part())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _part(self) -> Node:
        if self._next("("):
            inside = self._joined("or")
            self._must(")")
            return inside
        if self._next("not"):
            return self._negated()
        if self._next("selected"):
            return self._selected()
        return self._comparison()

    def _negated(self) -> Node:
        self._must("(")
        inside = self._joined("or")
        self._must(")")
        if isinstance(inside, Part) and inside.sign == "marked":
            return Part(inside.question, "not marked", inside.value)
        return Joined("not", (inside,))

    def _selected(self) -> Part:
        self._must("(")
        question = self._take("question")
        self._must(",")
        code = self._take("value").strip("'\"")
        self._must(")")
        return Part(question, "marked", code)

    def _comparison(self) -> Part:
        """A question beside a value, in either order."""
        turned = self._tokens[self._at : self._at + 1] and self._tokens[self._at][0] == "value"
        first = self._take("value" if turned else "question")
        sign = self._take("sign")
        second = self._take("question" if turned else "value")
        if sign not in {"=", "!=", *_MIRRORED}:
            raise _UnknownError
        if turned:
            return Part(second, _MIRRORED.get(sign, sign), first.strip("'\""))
        return Part(first, sign, second.strip("'\""))
