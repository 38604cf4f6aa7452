"""What was asked: questions, their choices and the design columns a form declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Missing = Literal["not_applicable", "dont_know", "refused", "blank"]

#: How a missing answer of each kind is coded beside answers, which are all >= 0.
MISSING_CODES: Mapping[Missing, int] = {
    "not_applicable": -1,
    "dont_know": -2,
    "refused": -3,
    "blank": -4,
}

Kind = Literal["select_one", "select_multiple", "integer", "decimal", "text", "date", "time", "meta", "note"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that can be ticked: its code, its labels by language, its score or kind of missing."""

    code: str
    labels: Mapping[str, str]
    score: int | None = None
    missing: Missing | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """A list of choices under one name."""

    name: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One row of the survey sheet that collects something.

    `relevant` is its own condition, `gate` that of the groups around it: it is asked where both hold.
    """

    name: str
    kind: Kind
    labels: Mapping[str, str] = field(default_factory=dict)
    scale: Scale | None = None
    group: tuple[str, ...] = ()
    relevant: str = ""
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    personal: bool = False
    actor: str = ""
    action: str = ""
    gate: str = ""


@dataclass(frozen=True, slots=True)
class DesignColumns:
    """The design that the settings sheet declares, as names of questions or columns.

    `weight` is read as it is; without it the weight of an interview is made from `traffic` (crossings
    counted in the shift) and the interviews done in the shift, times `inclusion` (inverse inclusion probability
    of the shift) where that is declared. `neighbours` names some of the strata's questions: strata that share their
    answers are neighbours, and those with too few shifts are taken together.
    """

    weight: str | None = None
    strata: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    psu: str | None = None
    fpc: str | None = None
    traffic: str | None = None
    inclusion: str | None = None
    interviewer: str | None = None
    facets: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """One version of a form."""

    id: str
    version: str
    title: str
    languages: tuple[str, ...]
    questions: tuple[Question, ...]
    design: DesignColumns = field(default_factory=DesignColumns)
