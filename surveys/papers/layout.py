"""The order of a form on paper: numbers, who is asked what, and where an answer leads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

import numpy as np
import numpy.typing as npt

from surveys import routing
from surveys.mapping import design_names
from surveys.questionnaire import Question, Questionnaire

_NOBODY: Final = Question("", "note")


@dataclass(frozen=True, slots=True)
class Ask:
    """A condition that begins here, and the numbers of the first and last question that stand under it."""

    expression: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the form.

    Attributes
    ----------
    question : Question
    number : int
        From 1; 0 of a note.
    asks : tuple of Ask
        Conditions that begin with it.
    jumps : mapping of code to int
        Answers after which questions are skipped, with the number to go on with; 0 at the end.
    """

    question: Question
    number: int
    asks: tuple[Ask, ...] = ()
    jumps: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """One answer to one question, for `routing.evaluate`."""

    code: str

    @property
    def text(self) -> npt.NDArray[np.object_]:
        return np.array([self.code], dtype=np.object_)

    def ticked(self, code: str) -> npt.NDArray[np.bool_]:
        return np.array([self.code == code])


def parted(questionnaire: Questionnaire) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """The head of the sheet and what is asked below it.

    The head is what stands before the first note, where it holds columns of the design and asks everybody. Personal
    data and what the field tool fills in by itself are left out.
    """
    asked = tuple(one for one in questionnaire.questions if one.kind != "meta" and not one.personal)
    head = tuple(takewhile(lambda one: one.kind != "note", asked))
    design = design_names(questionnaire.design)
    fits = len(head) < len(asked) and not any(one.gate or one.relevant for one in head)
    if fits and any(one.name in design for one in head):
        return head, asked[len(head) :]
    return (), asked


def numbered(questions: Sequence[Question]) -> tuple[Item, ...]:
    """Questions in their order with numbers, conditions and jumps; notes between them without."""
    counted = [one for one in questions if one.kind != "note"]
    places = {one.name: at for at, one in enumerate(counted)}
    return tuple(
        Item(one, places[one.name] + 1, tuple(_asks(counted, places[one.name])), _jumps(counted, places[one.name]))
        if one.name in places
        else Item(one, 0)
        for one in questions
    )


def grids(items: Sequence[Item]) -> Iterator[tuple[Item, ...]]:
    """Runs of questions that may share one grid: one scale, one group, the same people, nothing that leads on."""
    run: list[Item] = []
    for item in items:
        if run and not _together(run[-1], item):
            yield tuple(run)
            run = []
        run.append(item)
    if run:
        yield tuple(run)


def _together(one: Item, two: Item) -> bool:
    first, second = one.question, two.question
    alike = (first.kind, first.scale, first.group, first.gate, first.relevant) == (
        second.kind, second.scale, second.group, second.gate, second.relevant,
    )  # fmt: skip
    return alike and second.kind == "select_one" and not (one.jumps or two.jumps or two.asks)


def _asks(counted: Sequence[Question], at: int) -> Iterator[Ask]:
    """Conditions of the groups around a question, then its own, where the question before was not under them."""
    question, before = counted[at], counted[at - 1] if at else _NOBODY
    fresh = _fresh(before.gate, question.gate)
    if fresh:
        under = sum(1 for _ in takewhile(lambda one: one.gate.startswith(question.gate), counted[at:]))
        yield Ask(fresh, at + 1, at + under)
    own = (question.gate, question.relevant)
    if question.relevant and own != (before.gate, before.relevant):
        under = sum(1 for _ in takewhile(lambda one: (one.gate, one.relevant) == own, counted[at:]))
        yield Ask(question.relevant, at + 1, at + under)


def _fresh(before: str, gate: str) -> str:
    """The part of a gate that was not in force before it."""
    if before.startswith(gate):
        return ""
    return gate.removeprefix(before).removeprefix(" and ") if before and gate.startswith(before) else gate


def _jumps(counted: Sequence[Question], at: int) -> dict[str, int]:
    question, later = counted[at], counted[at + 1 :]
    found: dict[str, int] = {}
    if question.kind != "select_one" or question.scale is None or not later:
        return found
    for choice in question.scale.choices:
        given = {question.name: _Answer(choice.code)}
        skipped = sum(1 for _ in takewhile(lambda one: _not_asked(one, given), later))  # noqa: B023 - used at once
        if skipped:
            found[choice.code] = at + skipped + 2 if skipped < len(later) else 0
    return found


def _not_asked(question: Question, given: Mapping[str, _Answer]) -> bool:
    """Whether this one answer alone says that a question is not asked."""
    for expression in filter(None, (question.gate, question.relevant)):
        holds = routing.evaluate(expression, given, rows=1)
        if holds is not None and not holds[0]:
            return True
    return False
