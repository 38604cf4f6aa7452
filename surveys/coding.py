"""Texts of one question -> coded answers, over distinct texts and not row by row."""

import math
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from surveys.questionnaire import MISSING_CODES, Choice, Question, Scale

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Texts = npt.NDArray[np.object_]
Cells = Sequence["pd.Series[str]"]
Params = Mapping[str, str | int | float]

BLANK: Final = MISSING_CODES["blank"]
NOT_APPLICABLE: Final = MISSING_CODES["not_applicable"]

TRUE: Final = frozenset({"1", "1.0", "true", "yes", "y", "t", "да", "ҳа", "بلی", "بله", "oui", "sí", "selected", "x"})
FALSE: Final = frozenset({"0", "0.0", "false", "no", "n", "f", "нет", "не", "نخیر", "نه", "خیر", "non", "not selected"})

EMPTY: Final = frozenset({"NA", "N/A", "n/a", "NaN", "NULL"})

_NUMBER_CODE = re.compile(r"-?\d{1,4}")  # what a message repeats of a file: no name and no phone fits
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with some rows of a question."""

    code: str
    rows: Flags
    params: Params
    fatal: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to one question: `texts[place]` are codes, `coded[place]` what is stored of them.

    `coded` is None where nothing is stored; `ticks` (rows, choices) is there for a select_multiple alone.
    """

    question: Question
    place: Places
    texts: Texts
    coded: Codes | Floats | None = None
    ticks: Codes | None = None
    flaws: tuple[Flaw, ...] = field(default=())

    @property
    def blank(self) -> Flags:
        """Rows without an answer."""
        return np.asarray(self.texts == "", dtype=np.bool_)[self.place]

    @property
    def text(self) -> Texts:
        """Codes as texts, row by row."""
        found: Texts = self.texts[self.place]
        return found

    def ticked(self, code: str) -> Flags:
        """Whether a code is among the answers."""
        return np.array([code in str(text).split() for text in self.texts], dtype=np.bool_)[self.place]

    def columns(self, *, routed_out: Flags) -> dict[str, Codes | Floats]:
        """What is stored, with "not applicable" where nobody was asked and nothing stands."""
        if self.ticks is not None and self.question.scale is not None:
            ticks = np.where((routed_out & self.blank)[:, None], np.int16(NOT_APPLICABLE), self.ticks)
            codes = [choice.code for choice in self.question.scale.choices]
            return {f"{self.question.name}/{code}": ticks[:, at] for at, code in enumerate(codes)}
        if self.coded is None:
            return {}
        values = self.coded[self.place]
        if values.dtype == np.int16:
            values = np.where(routed_out & self.blank, np.int16(NOT_APPLICABLE), values).astype(np.int16)
        return {self.question.name: values}


def distinct(cells: "pd.Series[str]", *, known: Container[str] = ()) -> tuple[Places, list[str]]:
    """Number the distinct texts of a column: place of each row, and the texts without space around them.

    What R and spreadsheets write for an empty cell is empty, unless it is one of the `known` codes.
    """
    place, found = pd.factorize(cells.to_numpy(dtype=object))
    texts = [str(text).strip() for text in found]
    return np.asarray(place, dtype=np.intp), ["" if t in EMPTY and t not in known else t for t in texts]


def coalesced(columns: Cells) -> tuple["pd.Series[str]", Flags]:
    """First answer of several columns that stand for one question, and rows where they disagree."""
    first = columns[0]
    clash = np.zeros(len(first), dtype=np.bool_)
    for other in columns[1:]:
        differ = (first.str.strip() != other.str.strip()) & (first != "") & (other != "")
        clash |= differ.to_numpy(dtype=np.bool_)
        first = first.where(first != "", other)
    return first, clash


def scores(scale: Scale) -> dict[str, int]:
    """Number that is stored for each code: its score, kind of missing, or position where the list has no scores.

    On a list with scores, a choice without one says nothing on the scale: not applicable.
    """
    scored = any(choice.score is not None for choice in scale.choices)
    return {choice.code: _score(choice, position, scored=scored) for position, choice in enumerate(scale.choices)}


def _score(choice: Choice, position: int, *, scored: bool) -> int:
    if choice.missing is not None:
        return MISSING_CODES[choice.missing]
    if not scored:
        return position
    return NOT_APPLICABLE if choice.score is None else choice.score


def select_one(question: Question, scale: Scale, cells: "pd.Series[str]") -> Answers:
    """Code a question with one answer, given as code or as label in any language."""
    known = _known(scale)
    place, texts = distinct(cells, known=known)
    codes = [known.get(text) or known.get(_fold(text), "") for text in texts]
    numbers = scores(scale)
    off = np.array([bool(text) and not code for text, code in zip(texts, codes, strict=True)], dtype=np.bool_)
    coded = np.array([numbers.get(code, BLANK) for code in codes], dtype=np.int16)
    flaws = _off_scale(scale, [text for text, wrong in zip(texts, off, strict=True) if wrong], off[place])
    kept = np.array([code or text for code, text in zip(codes, texts, strict=True)], dtype=object)
    return Answers(question, place, kept, coded, flaws=flaws)


def _known(scale: Scale) -> dict[str, str]:
    """Code by everything it may be called; codes win over labels, exact ones over folded ones."""
    known: dict[str, str] = {choice.code: choice.code for choice in scale.choices}
    for choice in scale.choices:
        known.setdefault(_fold(choice.code), choice.code)
        if choice.code.isdigit():
            known.setdefault(f"{choice.code}.0", choice.code)
    for choice in scale.choices:
        for label in choice.labels.values():
            known.setdefault(_fold(label), choice.code)
    known.pop("", None)
    return known


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def _off_scale(scale: Scale, wrong: Sequence[str], rows: Flags) -> tuple[Flaw, ...]:
    if not wrong:
        return ()
    allowed = ", ".join(choice.code for choice in scale.choices[:_SHOWN])
    more = ", ..." if len(scale.choices) > _SHOWN else ""
    params: Params = {"values": quoted(wrong), "allowed": allowed + more, "count": int(rows.sum())}
    return (Flaw("off-scale", rows, params, fatal=True),)


def quoted(texts: Iterable[str]) -> str:
    """What a message may repeat of a file: short numbers off their list, never a word that somebody gave."""
    shown = [text for text in texts if _NUMBER_CODE.fullmatch(text)][:_SHOWN]
    return ", ".join(f"'{text}'" for text in shown)


def number(question: Question, cells: "pd.Series[str]") -> Answers:
    """Read a question with a number for an answer; a comma before one or two digits is a decimal one."""
    place, texts = distinct(cells)
    values = np.array([_number(text) for text in texts], dtype=np.float64)
    filled = np.array([text != "" for text in texts], dtype=np.bool_)
    unreadable = filled & np.isnan(values)
    uneven = filled & ~unreadable & (values != np.floor(values)) & (question.kind == "integer")
    limits = {"minimum": question.minimum, "maximum": question.maximum}
    known = {name: limit for name, limit in limits.items() if limit is not None}
    outside = filled & ((values < known.get("minimum", -math.inf)) | (values > known.get("maximum", math.inf)))
    flaws = [
        Flaw(code, rows[place], {"count": int(rows[place].sum()), **params}, fatal=True)
        for code, rows, params in (
            ("not-a-number", unreadable, {}),
            ("not-whole", uneven, {}),
            ("out-of-bounds", outside, known),
        )
        if rows.any()
    ]
    return Answers(question, place, np.array(texts, dtype=object), values, flaws=tuple(flaws))


def _number(text: str) -> float:
    plain = re.sub(r"^(-?\d+),(\d{1,2})$", r"\1.\2", text)
    if not re.fullmatch(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?", plain):
        return math.nan
    value = float(plain)
    return value if math.isfinite(value) else math.nan


def text(question: Question, cells: "pd.Series[str]") -> Answers:
    """Read a question whose answer is used (routing, a shift's code) but never stored as it is."""
    place, texts = distinct(cells)
    return Answers(question, place, np.array(texts, dtype=object))


def select_multiple(
    question: Question, scale: Scale, joined: "pd.Series[str] | None", ticked: Mapping[str, "pd.Series[str]"]
) -> Answers:
    """Code a question with several answers: one column with spaces between codes, one column a choice, or both.

    Where both stand in the file the joined column is believed.
    """
    rows = len(joined) if joined is not None else len(next(iter(ticked.values())))
    size = len(scale.choices)
    matrix, answered, flaws = _split(scale, ticked, rows=rows)
    if joined is not None:
        known = _known(scale)
        place, texts = distinct(joined, known=known)
        longest = sorted(known, key=len, reverse=True)
        found = [_tokens(text, known, longest) for text in texts]
        own = np.array([[choice.code in codes for choice in scale.choices] for codes, _ in found], dtype=np.bool_)
        filled = np.array([text != "" for text in texts], dtype=np.bool_)[place]
        off = np.array([bool(rest) for _, rest in found], dtype=np.bool_)[place]
        flaws += list(_off_scale(scale, [rest for _, rest in found if rest], off))
        given = own.reshape(len(texts), size)[place]
        compared = np.array([choice.code in ticked for choice in scale.choices], dtype=np.bool_)
        clash = filled & answered & (given != matrix)[:, compared].any(axis=1)
        if clash.any():
            flaws.append(Flaw("ticks-disagree", clash, {"count": int(clash.sum())}, fatal=False))
        matrix = np.where(filled[:, None], given, matrix)
        answered |= filled
    return _multiple(question, scale, matrix, answered, tuple(flaws))


def _split(scale: Scale, ticked: Mapping[str, "pd.Series[str]"], *, rows: int) -> tuple[Flags, Flags, list[Flaw]]:
    """Ticks from one column a choice, rows where any of them is filled, and cells that are neither yes nor no."""
    matrix = np.zeros((rows, len(scale.choices)), dtype=np.bool_)
    answered = np.zeros(rows, dtype=np.bool_)
    flaws = []
    for at, choice in enumerate(scale.choices):
        if choice.code not in ticked:
            continue
        place, texts = distinct(ticked[choice.code])
        own = {choice.code, *map(_fold, choice.labels.values())}
        yes = np.array([_fold(text) in TRUE or _fold(text) in own for text in texts], dtype=np.bool_)
        empty = np.array([text == "" for text in texts], dtype=np.bool_)
        no = np.array([_fold(text) in FALSE for text in texts], dtype=np.bool_)
        matrix[:, at] = yes[place]
        answered |= ~empty[place]
        off = ~(yes | no | empty)
        if off.any():
            wrong = quoted(text for text, is_off in zip(texts, off, strict=True) if is_off)
            params: Params = {"choice": choice.code, "values": wrong, "count": int(off[place].sum())}
            flaws.append(Flaw("not-a-tick", off[place], params, fatal=True))
    return matrix, answered, flaws


def _tokens(text: str, known: Mapping[str, str], longest: Sequence[str]) -> tuple[set[str], str]:
    """Codes in a joined cell, and the first piece that is none; labels may hold spaces, so the longest wins."""
    plain = [known.get(token) for token in text.split()]
    if all(plain):
        return {code for code in plain if code}, ""
    rest, codes = _fold(text), set[str]()
    while rest:
        name = next((name for name in longest if rest == name or rest.startswith((f"{name} ", f"{name},"))), "")
        if not name:
            return codes, rest.split()[0]
        codes.add(known[name])
        rest = rest[len(name) :].lstrip(" ,;")
    return codes, ""


def _multiple(question: Question, scale: Scale, matrix: Flags, answered: Flags, flaws: tuple[Flaw, ...]) -> Answers:
    """Ticks as 1 and 0; where only "don't know" or the like is ticked, the other choices carry that kind of missing."""
    ticks = matrix.astype(np.int16)
    real = np.array([choice.missing is None for choice in scale.choices], dtype=np.bool_)
    alone = ~matrix[:, real].any(axis=1)
    for at, choice in enumerate(scale.choices):
        if choice.missing is not None:
            ticks[np.ix_(alone & matrix[:, at], real)] = MISSING_CODES[choice.missing]
    ticks[~answered] = BLANK
    patterns, place = np.unique(np.packbits(matrix, axis=1), axis=0, return_inverse=True)
    chosen = np.unpackbits(patterns, axis=1, count=len(scale.choices)) if len(scale.choices) else patterns
    codes = np.array([choice.code for choice in scale.choices], dtype=object)
    texts = np.array([" ".join(codes[row.astype(np.bool_)]) for row in chosen], dtype=object)
    return Answers(question, np.asarray(place, dtype=np.intp).ravel(), texts, ticks=ticks, flaws=flaws)
