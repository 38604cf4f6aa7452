"""Small files that somebody writes by hand: their columns, and everything that is wrong with a cell, row by row."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.workflow.describing import SIDE
from surveys import looks

#: Name of each declaration -> the file that holds it.
FILES: Final[Mapping[str, str]] = {
    "commitments": "commitments.csv", "interventions": "interventions.csv", "targets": "targets.csv",
    "holders": "holders.csv", "powers": "powers.csv", "waves": "waves.toml",
}  # fmt: skip
#: Columns that must be filled in, and columns that may be.
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "commitments": ("code", "item", "office", "action", "due", "since", SIDE),
    "interventions": ("post", "date", "kind"),
    "targets": ("measure", SIDE, "target", "due"),
    "holders": (SIDE, "link", "holders"),
    "powers": ("item", "power"),
}
OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "commitments": ("evidence", "direction", "target"),
    "targets": ("reach", "baseline", "baseline_of", "source"),
    "holders": ("agency",),
}
CUT: Final = ("commitments", "targets")  # of one cell of the survey: other columns are its facets
VALUES: Final = ("target", "reach", "baseline", "baseline_of", "source", "holders", "power")  # no part of a row's name
LARGEST: Final = 200_000  # letters of a file: a list of decisions, not of answers
MOST: Final = 20  # faults that one message names

_NUMBER: Final = re.compile(r"-?\d{1,9}(\.\d{1,6})?", re.ASCII)
_COUNT: Final = re.compile(r"\d{1,6}", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_RANKS: Final = "mr|mrs|ms|miss|dr|prof|eng|lt|col|capt|maj|gen|sgt|brig|haji|mullah|г-н|г-жа|полк|майор|кап|ген"
_TITLED: Final = re.compile(
    rf"\b(?:(?:{_RANKS})\.|(?:mr|mrs|ms|miss|dr|prof|г-н|г-жа)\s(?=\S)"
    r"|(?:lieutenant|colonel|captain|sergeant|brigadier|полковник|капитан|лейтенант)\s(?=[^\W\d_]))",
    re.IGNORECASE,
)
_OFFICE: Final = re.compile(
    r"service|command|office|headquarter|director|department|ministry|agency|customs|guard|quarantine|board|council",
    re.IGNORECASE,
)
_ONE_PERSON: Final = re.compile(
    r"\bpost\b|shift|supervis|commander|chief|\bhead of\b|начальник|командир", re.IGNORECASE
)
_KEPT_OUT: Final = (looks.PHONE, looks.EMAIL, looks.NAME, looks.ACCOUNT, looks.DEVICE)
Fault = str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its number as a spreadsheet counts, and its filled cells by column."""

    file: str
    number: int
    cells: Mapping[str, str]

    def fault(self, column: str, text: str) -> Fault:
        """What is wrong, and where."""
        return f"{self.file}, row {self.number}, column {column}: {text}"


def number(text: str) -> str:
    """What is wrong with a number; "" where nothing is."""
    return "" if _NUMBER.fullmatch(text) else f"{text!r} is no number; write it as 45.5"


def share(text: str) -> str:
    """What is wrong with a share from 0 to 1."""
    return "" if _NUMBER.fullmatch(text) and 0 <= float(text) <= 1 else f"{text!r} is no share; give it from 0 to 1"


def count(text: str) -> str:
    """What is wrong with a count of people."""
    return "" if _COUNT.fullmatch(text) else f"{text!r} is no count of people; give a whole number from 0"


def day(text: str) -> str:
    """What is wrong with a day."""
    try:
        known = bool(_DAY.fullmatch(text)) and bool(date.fromisoformat(text))
    except ValueError:
        known = False
    return "" if known else f"{text!r} is no day; write it as 2026-05-04"


def one_of(*known: str) -> Callable[[str], str]:
    """What is wrong with a word that has to be one of a few."""
    return lambda text: "" if text in known else f"{text!r} is not known; it may be {' or '.join(known)}"


def words(text: str) -> str:
    """What is wrong with free words: a way to reach somebody, or somebody's title before a name."""
    parts = (text, re.sub(r"[()\[\],;]", " ", text))
    found = [kind for part in parts if (kind := looks.look(looks.plain(part)).kind) in _KEPT_OUT]
    if found:
        return f"it holds what looks like a {found[0]}; take it out"
    return "it names a person; name an office, never a person" if _TITLED.search(text) else ""


def office(text: str) -> str:
    """What is wrong with the name of an office."""
    parts = [part for part in re.split(r"[,;()/:]", text) if not _OFFICE.search(part)]
    named = any(looks.person(looks.plain(part)) for part in parts)
    return words(text) or ("it looks like a name; name an office, never a person" if named else "")


CHECKS: Final[Mapping[str, Mapping[str, Callable[[str], str]]]] = {
    "commitments": {
        "code": words, "office": office, "item": words, "action": words, "direction": one_of("better", "worse"),
        "target": number,
    },
    "interventions": {"date": day, "kind": words},
    "targets": {"target": number, "baseline": number, "reach": one_of("at_least", "at_most"), "source": words},
    "holders": {"holders": count},
    "powers": {"power": share},
}  # fmt: skip


def rows_of(name: str, text: str) -> tuple[list[Row], list[Fault]]:
    """Rows of a file and what is wrong with the file as a table; blank rows are left out and counted."""
    file = FILES[name]
    first = text.partition("\n")[0]
    separator = ";" if ";" in first and "," not in first else ","
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error:
        return [], [f"{file} cannot be read as CSV; save it again as CSV UTF-8"]
    header = [cell.strip() for cell in lines[0]] if lines else []
    if not any(header):
        return [], [f"{file} has no header; its first row names the columns {', '.join(NEEDED[name])}"]
    faults = [
        f"{file}, row 1: column {one} stands twice" for one, times in Counter(header).items() if one and times > 1
    ]
    if "" in header:
        faults.append(f"{file}, row 1: a column has no name; name it, or take it out")
    rows = []
    for at, line in enumerate(lines[1:], start=2):
        cells = [cell.strip() for cell in line]
        if len(cells) > len(header) and any(cells[len(header) :]):
            faults.append(
                f"{file}, row {at}: it has more cells than there are columns; put words with commas in quotes"
            )
        filled = {column: cell for column, cell in zip(header, cells, strict=False) if column and cell}
        if filled:
            rows.append(Row(file, at, filled))
    return rows, [*faults, *_unknown(name, header, file)]


def faults_of(name: str, rows: Iterable[Row]) -> Iterator[Fault]:
    """What is wrong with the cells of a file."""
    first: dict[tuple[tuple[str, str], ...], int] = {}
    for row in rows:
        for column in NEEDED[name]:
            if column not in row.cells:
                yield row.fault(column, "it is empty; fill it in")
        for column, cell in row.cells.items():
            told = "it holds a line break or a control character" if _CONTROL.search(cell) else ""
            told = told or CHECKS[name].get(column, _fine)(cell)
            if told:
                yield row.fault(column, told)
        if name == "commitments" and "post" in row.cells and _ONE_PERSON.search(row.cells.get("office", "")):
            yield row.fault("office", "the command of one post is one person; name the office above it")
        key = _key(name, row.cells)
        if key in first:
            yield row.fault(NEEDED[name][0], f"it says of the same thing what row {first[key]} says; keep one of them")
        first.setdefault(key, row.number)


def told(faults: list[Fault]) -> str:
    """Faults in one message."""
    more = f"\nand {len(faults) - MOST} more" if len(faults) > MOST else ""
    return "\n".join(faults[:MOST]) + more


def _fine(_: str) -> str:
    return ""


def _key(name: str, cells: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What no two rows of a file may share."""
    own = {"code"} if name == "commitments" else cells.keys() - set(VALUES)
    return tuple(sorted((column, cell) for column, cell in cells.items() if column in own))


def _unknown(name: str, header: list[str], file: str) -> Iterator[Fault]:
    known = (*NEEDED[name], *OPTIONAL.get(name, ()))
    for column in NEEDED[name]:
        if column not in header:
            yield f"{file}, row 1: column {column} is missing; add it"
    for column in header:
        if column and column not in known and not (name in CUT and re.fullmatch(r"[a-z][a-z_]{0,39}", column)):
            yield f"{file}, row 1: column {column[:40]!r} is not known; it may be {', '.join(known)}"
