"""The few words that a paper form adds to those of its questionnaire.

They stand in English on an English form. On every other the same is said by signs alone: words that nobody has reviewed
and translated back do not go into the field.
"""

from dataclasses import dataclass, replace
from typing import Final

from surveys.papers.conditions import Phrases

#: Codes of languages that are written from right to left, and names of those that forms often give without a code.
_RTL_CODES: Final = frozenset({"ar", "ckb", "dv", "fa", "fas", "he", "ks", "pbt", "prs", "ps", "pus", "sd", "ug", "ur"})
_RTL_NAMES: Final = ("arabic", "dari", "farsi", "hebrew", "pashto", "persian", "urdu", "uyghur")
_LTR: Final = "\u2066{}\u2069"  # keeps a range or a comparison from being turned round in a line of the other direction
_RTL_SCRIPT: Final = ("\u0590", "\u08ff")  # Hebrew to Arabic Extended-A


@dataclass(frozen=True, slots=True)
class Words:
    """Templates; `span`, `next` and `place` are numbers of questions."""

    phrases: Phrases
    one: str
    two: str
    more: str
    ask: str
    otherwise: str
    otherwise_end: str
    jump: str
    jump_end: str
    note_if: str
    several: str
    between: str
    at_least: str
    at_most: str
    place: str


ENGLISH: Final = Words(
    phrases=Phrases(
        is_="the answer to {place} is {label}",
        is_not="the answer to {place} is not {label}",
        marked="{label} is marked at {place}",
        not_marked="{label} is not marked at {place}",
        any_of="{label} is the answer to any of {places}",
        run="{first} to {last}",
        empty="{place} is left empty",
        answered="{place} is answered",
        compared={
            "<": "the answer to {place} is less than {value}",
            "<=": "the answer to {place} is {value} or less",
            ">": "the answer to {place} is more than {value}",
            ">=": "the answer to {place} is {value} or more",
        },
        negated="it is not so that {text}",
        holds="this holds: {text}",
        joints={"and": " and ", "or": " or "},
    ),
    one="{first}",
    two="{first} and {last}",
    more="{first} to {last}",
    ask="Ask {span} only if {condition}.",
    otherwise=" If not, go to {next}.",
    otherwise_end=" If not, go to the end.",
    jump="go to {next}",
    jump_end="go to the end",
    note_if="If {condition}:",
    several="Mark every one that applies.",
    between="{low} to {high}",
    at_least="{low} or more",
    at_most="{high} or less",
    place="“{label}”",
)

SIGNS: Final = Words(
    phrases=Phrases(
        is_="{place} = {label}",
        is_not="{place} ≠ {label}",
        marked="{place} ☒ {label}",
        not_marked="{place} ☐ {label}",
        any_of="{places} = {label}",
        run=_LTR.format("{first}–{last}"),
        empty="{place} = ∅",
        answered="{place} ≠ ∅",
        compared={sign: _LTR.format(f"{{place}} {sign} {{value}}") for sign in ("<", "<=", ">", ">=")},
        negated="≠ ({text})",
        holds="{text}",
        joints={"and": " + ", "or": " / "},
    ),
    one="{first}",
    two="{first}, {last}",
    more=_LTR.format("{first}–{last}"),
    ask="{condition} ⇒ {span}.",
    otherwise=" ≠ ⇒ {next}.",
    otherwise_end=" ≠ ⇒ ■.",
    jump="⇒ {next}",
    jump_end="⇒ ■",
    note_if="{condition}:",
    several="",
    between="{low}–{high}",
    at_least="≥ {low}",
    at_most="≤ {high}",
    place="“{label}”",
)

_LEFTWARDS: Final = replace(
    SIGNS,
    ask="{condition} ⇐ {span}.",
    otherwise=" ≠ ⇐ {next}.",
    otherwise_end=" ≠ ⇐ ■.",
    jump="⇐ {next}",
    jump_end="⇐ ■",
)


def words_of(language: str, *, leftwards: bool) -> Words:
    """Words for a form in this language, as its header names it: "English (en)"; arrows point where one reads on."""
    if code_of(language) == "en" or language.casefold().startswith(("english", "default")):
        return ENGLISH
    return _LEFTWARDS if leftwards else SIGNS


def code_of(language: str) -> str:
    """The code in the brackets of "Dari (prs)"; "" where there is none."""
    name, _, code = language.rpartition("(")
    return code.rstrip(") ").strip().casefold() if name else ""


def right_to_left(language: str, sample: str) -> bool:
    """Whether a language is written from right to left: by its code, its name, or the letters of a text in it."""
    code = code_of(language).partition("-")[0]
    if code:
        return code in _RTL_CODES
    if any(name in language.casefold() for name in _RTL_NAMES):
        return True
    letters = [letter for letter in sample if letter.isalpha()]
    return sum(_RTL_SCRIPT[0] <= letter <= _RTL_SCRIPT[1] for letter in letters) * 2 > len(letters)
