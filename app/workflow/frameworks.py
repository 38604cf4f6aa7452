"""A framework file held against itself, the instrument that asks its questions, and its own earlier versions."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scoring import Framework
from scoring.definition import faults
from scoring.faults import Fault
from scoring.nodes import Indicator, Item
from scoring.versions import history_faults
from surveys.questionnaire import Question, Questionnaire

NUMBERS = ("integer", "decimal")


@dataclass(frozen=True, slots=True)
class Told:
    """A fault and the file that it is in."""

    file: str
    fault: Fault

    def __str__(self) -> str:
        return f"{self.file}: {self.fault}"


@dataclass(frozen=True, slots=True)
class Examined:
    """What a framework file says; `framework` is None where it contradicts itself."""

    framework: Framework | None
    faults: tuple[Told, ...]


def examine(
    name: str, text: str, *, questionnaire: Questionnaire | None = None, earlier: Mapping[str, str] | None = None
) -> Examined:
    """Find every fault of a framework file.

    Parameters
    ----------
    name, text : str
        Of the file.
    questionnaire : Questionnaire, optional
        What was asked: every question must be there, with the same scale.
    earlier : mapping of name to text, optional
        Earlier files of the framework: a version is never used again for something else.
    """
    found = [Told(name, fault) for fault in faults(text)]
    framework = None if found else Framework.from_toml(text, name=name)
    if framework is not None and questionnaire is not None:
        found += [Told(name, fault) for fault in instrument_faults(framework, questionnaire)]
    before = []
    for other, content in (earlier or {}).items():
        broken = [Told(other, fault) for fault in faults(content)]
        found += broken
        before += [] if broken else [Framework.from_toml(content, name=other)]
    if framework is not None:
        found += [Told(name, fault) for fault in history_faults(framework, before)]
    return Examined(framework, tuple(found))


def instrument_faults(framework: Framework, questionnaire: Questionnaire) -> Iterator[Fault]:
    """Questions that the instrument does not ask, and scales that it has otherwise."""
    questions = {question.name: question for question in questionnaire.questions if question.kind != "note"}
    where = f"instrument {questionnaire.id} {questionnaire.version}"
    for item in framework.items:
        question = questions.get(item.code)
        if question is None:
            yield _unknown(f"item {item.code}", item.code, questions, where)
        else:
            yield from _item_faults(item, question, where)
    for indicator in framework.indicators:
        for code in indicator.items:
            yield from _indicator_faults(indicator, code, questions, where)


def _unknown(key: str, code: str, questions: Mapping[str, Question], where: str) -> Fault:
    near = difflib.get_close_matches(code, questions, n=3)
    like = f"; near it are {', '.join(near)}" if near else ""
    return Fault(key, f"{where} asks no question {code!r}", f"name one of its questions{like}")


def _item_faults(item: Item, question: Question, where: str) -> Iterator[Fault]:
    key = f"item {item.code}"
    scores = _scores(question)
    if scores is None:
        yield Fault(key, f"answers to it have no scores in {where} ({question.kind})", "name a question on a scale")
        return
    yield from _range_faults(key, item.range, scores, where)
    odd = [answer for answer in item.positive if question.kind not in NUMBERS and answer not in scores]
    if odd:
        remedy = f"list some of {', '.join(f'{score:g}' for score in sorted(set(scores)))}"
        yield Fault(key, f"positive holds {odd[0]:g}, which no answer scores in {where}", remedy)


def _indicator_faults(
    indicator: Indicator, code: str, questions: Mapping[str, Question], where: str
) -> Iterator[Fault]:
    key = f"indicator {indicator.code}"
    name, _, choice = code.partition("/")
    question = questions.get(name)
    if question is None:
        yield _unknown(key, name, questions, where)
    elif question.kind == "select_multiple" or choice:
        ticks = [one.code for one in question.scale.choices if one.missing is None] if question.scale else []
        if question.kind != "select_multiple" or choice not in ticks:
            remedy = f"write {name}/ and one of {', '.join(ticks)}" if ticks else f"write {name!r} alone"
            yield Fault(key, f"{where} has nothing to tick called {code!r}", remedy)
    elif (scores := _scores(question)) is None:
        yield Fault(key, f"answers to {code!r} have no scores in {where} ({question.kind})", "name another question")
    elif indicator.statistic == "share":
        yield from _range_faults(key, indicator.range, scores, where)


def _scores(question: Question) -> tuple[float, ...] | None:
    """Scores that answers may have, or their ends where any number may be given (NaN: no end); None for words."""
    if question.kind in NUMBERS:
        ends = (question.minimum, question.maximum)
        return tuple(float("nan") if end is None else float(end) for end in ends)
    if question.kind != "select_one" or question.scale is None:
        return None
    scores = tuple(float(choice.score) for choice in question.scale.choices if choice.score is not None)
    return scores or None


def _range_faults(key: str, given: tuple[float, float], scores: tuple[float, ...], where: str) -> Iterator[Fault]:
    low, high = min(scores), max(scores)
    if (given[0] != low and low == low) or (given[1] != high and high == high):  # noqa: PLR0124 - NaN: no end
        problem = f"range is {given[0]:g} to {given[1]:g}, but answers score {low:g} to {high:g} in {where}"
        yield Fault(key, problem, f"write range = [{low:g}, {high:g}]")
