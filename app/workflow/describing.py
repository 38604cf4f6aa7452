"""What is measured and how it may be cut, in the words of framework, lattice and questionnaire."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from app import settings
from app.workflow.document import Cut, Measure
from scoring import Framework
from scoring.mask.lattice import Lattice
from surveys.errors import StoreError
from surveys.questionnaire import Questionnaire

SIDE = "side"
BORDER = "border"
TITLES: Final = {"agency": "Service"}  # of facets that a form asks for in a whole sentence


@cache
def definition(instrument: str) -> str:
    """Text of the framework that answers to an instrument are scored with: the one that its lattice names."""
    return _framework_file(instrument).read_text(encoding="utf-8")


@cache
def framework(instrument: str) -> Framework:
    """The framework that answers to an instrument are scored with."""
    return Framework.from_toml(definition(instrument), name=_framework_file(instrument).name)


def lattice(questionnaire: Questionnaire) -> Lattice:
    """What may be published of answers to a form: no table by what this version of it does not ask."""
    plan, asked = _lattice(questionnaire.id), {question.name for question in questionnaire.questions}
    return replace(plan, tables=tuple(facets for facets in plan.tables if asked.issuperset(facets)))


@cache
def _lattice(instrument: str) -> Lattice:
    path = settings.LATTICES / f"{instrument}.toml"
    if not path.is_file():
        raise StoreError(
            f"there is no lattice for {instrument!r}: write {path.name} beside data/lattices/traveller.toml"
        )
    return Lattice.from_toml(path.read_text(encoding="utf-8"), name=path.name)


def _framework_file(instrument: str) -> Path:
    path = settings.FRAMEWORKS / f"{_lattice(instrument).framework or BORDER}.toml"
    if not path.is_file():
        raise StoreError(
            f"the lattice of {instrument!r} names framework {path.stem!r}, and there is no {path.name}; "
            "write it beside data/frameworks/border.toml"
        )
    return path


def measures(questionnaire: Questionnaire) -> tuple[Measure, ...]:
    """Everything that is scored, indices first, with the words of the questionnaire."""
    questions = {question.name: question for question in questionnaire.questions}
    plan = framework(questionnaire.id)

    def words(code: str) -> tuple[str, str]:
        question = questions.get(code.partition("/")[0])  # question/choice where several answers may be ticked
        return (next(iter(question.labels.values()), ""), question.actor) if question else ("", "")

    nodes = [
        Measure(
            node.code, node.title, "dimension" if node.parent else "index", node.parent, node.headline, "better",
            "points", node.description, "", "", node.arusha, node.only_by, node.weight,
        )
        for node in plan.nodes
    ]  # fmt: skip
    items = [
        Measure(
            item.code, item.title, "item", item.parent, False, item.direction, "points", item.description,
            *words(item.code), (), (), item.weight,
        )
        for item in plan.items
    ]  # fmt: skip
    beside = [
        Measure(
            part.code, part.title, "indicator", None, part.headline, part.direction, part.unit, part.description,
            *words(part.items[0]), (), (),
        )
        for part in plan.indicators
    ]  # fmt: skip
    return (*nodes, *items, *beside)


def cuts(questionnaire: Questionnaire) -> tuple[Cut, ...]:
    """Ways to look at one side: the tables of the lattice, with the words of the questionnaire."""
    labels = {
        question.name: {
            choice.code: next(iter(choice.labels.values()), choice.code) for choice in question.scale.choices
        }
        for question in questionnaire.questions
        if question.scale
    }
    titles = {
        question.name: next(iter(question.labels.values()), question.name) for question in questionnaire.questions
    } | TITLES
    tables = [facets for facets in lattice(questionnaire).tables if facets[:1] == (SIDE,)]
    return tuple(Cut(facets, titles.get(facets[-1], facets[-1]), labels.get(facets[-1], {})) for facets in tables)
