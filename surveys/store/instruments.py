"""Questionnaires as they lie in the store: a document of JSON, and a slot for every column that is kept."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from surveys.errors import StoreError
from surveys.questionnaire import Choice, DesignColumns, Question, Questionnaire, Scale
from surveys.store.schema import CODED, NUMBERS

#: Columns of `Responses.frame` that have a place of their own and never a slot.
RESERVED: Final = ("uuid", "content", "psu", "interviewer", "day", "half_day", "minutes", "wave")

#: Kinds that lie in integer slots ("coded" for a column that the form does not name); the others are numbers.
CODED_KINDS: Final = frozenset({"select_one", "select_multiple", "coded"})


@dataclass(frozen=True, slots=True)
class Item:
    """One stored column: where it lies and, for a choice without scores, the codes that its positions mean."""

    code: str
    slot: str
    kind: str
    labels: tuple[str, ...] = ()

    @property
    def coded(self) -> bool:
        """Whether it lies in an integer slot."""
        return self.slot.startswith("a")


def items(questionnaire: Questionnaire) -> tuple[Item, ...]:
    """Give each column that may be stored its slot, in the order of the form.

    Personal questions, texts, dates and notes get none, nor do the interviewer and the PSU, whose codes are stored
    salted; a PSU that is a stratum or facet too (a post, say) is named openly in results and keeps its slot.

    Raises
    ------
    StoreError
        If the form has more columns than there are slots.
    """
    hidden = hidden_columns(questionnaire.design)
    columns: list[tuple[str, str, tuple[str, ...]]] = []
    for question in questionnaire.questions:
        if not question.personal and question.name not in hidden:
            columns.extend(_columns(question))
    return assign(columns, taken=(), form=questionnaire.id)


def assign(columns: Sequence[tuple[str, str, tuple[str, ...]]], *, taken: Sequence[str], form: str) -> tuple[Item, ...]:
    """Give columns (code, kind, labels) the next free slots; raises StoreError where there are not enough."""
    wide = sum(kind in CODED_KINDS for _, kind, _ in columns)
    coded = [slot for slot in CODED if slot not in taken]
    numbers = [slot for slot in NUMBERS if slot not in taken]
    if wide > len(coded) or len(columns) - wide > len(numbers):
        used = len(CODED) - len(coded) + wide
        raise StoreError(
            f"form {form!r} has {used} coded columns and {len(columns) + len(taken) - used} numbers; the store holds "
            f"{len(CODED)} coded ones (each choice of a select_multiple is one) and {len(NUMBERS)} numbers: "
            "divide the form, or leave questions out"
        )
    free = {True: iter(coded), False: iter(numbers)}
    return tuple(Item(code, next(free[kind in CODED_KINDS]), kind, labels) for code, kind, labels in columns)


def hidden_columns(design: DesignColumns) -> frozenset[str]:
    """Columns that never get a slot: those with a place of their own, and codes that are stored salted alone."""
    shown = {*design.strata, *(name for names in design.facets for name in names)}
    salted = {design.psu} - shown | {design.interviewer}
    return frozenset({*RESERVED, *(name for name in salted if name)})


def _columns(question: Question) -> list[tuple[str, str, tuple[str, ...]]]:
    choices = question.scale.choices if question.scale else ()
    if question.kind == "select_one":
        scored = any(choice.score is not None for choice in choices)
        return [(question.name, "select_one", () if scored else tuple(choice.code for choice in choices))]
    if question.kind == "select_multiple":
        return [(f"{question.name}/{choice.code}", "select_multiple", ()) for choice in choices]
    return [(question.name, question.kind, ())] if question.kind in {"integer", "decimal"} else []


def digest(document: str) -> str:
    """Digest of a questionnaire's document: the same form is the same version."""
    return hashlib.sha256(document.encode()).hexdigest()


def to_document(questionnaire: Questionnaire) -> str:
    """Write a questionnaire as JSON, the same text for equal questionnaires."""
    return json.dumps(
        {
            "id": questionnaire.id,
            "version": questionnaire.version,
            "title": questionnaire.title,
            "languages": questionnaire.languages,
            "questions": [_question(question) for question in questionnaire.questions],
            "design": {name: getattr(questionnaire.design, name) for name in DesignColumns.__slots__},
        },
        ensure_ascii=False,
        sort_keys=True,
    )


def _question(question: Question) -> Mapping[str, object]:
    plain = {name: getattr(question, name) for name in Question.__slots__ if name not in {"labels", "scale"}}
    return {**plain, "labels": dict(question.labels), "scale": question.scale and _scale(question.scale)}


def _scale(scale: Scale) -> Mapping[str, object]:
    return {
        "name": scale.name,
        "choices": [
            {"code": choice.code, "labels": dict(choice.labels), "score": choice.score, "missing": choice.missing}
            for choice in scale.choices
        ],
    }


def from_document(document: str) -> Questionnaire:
    """Read back what `to_document` wrote."""
    found: Mapping[str, Any] = json.loads(document)
    return Questionnaire(
        id=found["id"],
        version=found["version"],
        title=found["title"],
        languages=tuple(found["languages"]),
        questions=tuple(_read_question(question) for question in found["questions"]),
        design=_read_design(found["design"]),
    )


def _read_question(found: Mapping[str, Any]) -> Question:
    scale = found["scale"]
    choices = tuple(Choice(**choice) for choice in scale["choices"]) if scale else ()
    return Question(
        **{**found, "group": tuple(found["group"]), "scale": Scale(scale["name"], choices) if scale else None}
    )


def _read_design(found: Mapping[str, Any]) -> DesignColumns:
    facets: Sequence[Sequence[str]] = found["facets"]
    lists = {"strata": found["strata"], "neighbours": found.get("neighbours", ())}  # stored before there were any
    named = {name: tuple(names) for name, names in lists.items()}
    return DesignColumns(**{**found, **named, "facets": tuple(tuple(names) for names in facets)})
