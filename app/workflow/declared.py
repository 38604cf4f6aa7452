"""What is declared beside the answers: what was agreed, done and aimed at, and how each wave was made.

Six small files that somebody writes and signs with the release that carries them: a release holds their text, so that
pages, commands and bundles read the same.
"""

import csv
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from app.workflow.describing import SIDE
from app.workflow.document import Release
from scoring.commitments import Commitment, read_commitments
from scoring.errors import RequestError
from scoring.verdicts import Reach
from surveys.errors import StoreError

#: Name of each declaration -> the file that holds it, and its columns that must be there.
FILES: Mapping[str, str] = {
    "commitments": "commitments.csv", "interventions": "interventions.csv", "targets": "targets.csv",
    "holders": "holders.csv", "powers": "powers.csv", "waves": "waves.toml",
}  # fmt: skip
NEEDED: Mapping[str, tuple[str, ...]] = {
    "interventions": ("post", "date", "kind"),
    "targets": ("measure", SIDE, "target", "due"),
    "holders": (SIDE, "link", "holders"),
    "powers": ("item", "power"),
}
LARGEST = 200_000  # letters of a file: a list of decisions, not of answers
Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """What a measure is to reach, and where it started.

    Attributes
    ----------
    measure : str
    where : mapping of facet to value
        The side, and what else was named.
    target : float
    due : str
        Wave or year.
    reach : {"at_least", "at_most"}
    baseline : float, optional
        Declared number; None: the figure of the wave `baseline_of`, if that is published.
    baseline_of : str
        Wave or year of the baseline.
    source : str
        Where a declared baseline comes from.
    """

    measure: str
    where: Mapping[str, str]
    target: float
    due: str
    reach: Reach = "at_least"
    baseline: float | None = None
    baseline_of: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """Everything declared with a release; empty where nobody declared it.

    Attributes
    ----------
    commitments : tuple of Commitment
    interventions : DataFrame
        `post`, `date`, `kind`.
    targets : tuple of Target
    holders : mapping of (side,) or (side, agency) to mapping of link to count
        People who hold each office of the chain.
    powers : mapping of item to float
        How far it is within the power of its office, 0 to 1; 1 where nothing is said.
    keys : mapping of wave to mapping
        What is declared of how a wave was made: see `scoring.comparability.read_key`.
    days : mapping of wave to (first, last)
        Days of fieldwork, ISO.
    years : mapping of wave to float
    bridges : mapping of (since, wave) to mapping of aspect to reason
    """

    commitments: tuple[Commitment, ...] = ()
    interventions: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(NEEDED["interventions"])))
    targets: tuple[Target, ...] = ()
    holders: Mapping[tuple[str, ...], Mapping[str, int]] = field(default_factory=dict)
    powers: Mapping[str, float] = field(default_factory=dict)
    keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    days: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    years: Mapping[str, float] = field(default_factory=dict)
    bridges: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)


def load(folder: Path) -> dict[str, str]:
    """Texts of the declarations in a folder; refuses an empty one.

    Raises
    ------
    StoreError
        None of the files is there, or one is too large or no UTF-8.
    """
    found = {}
    for name, file in FILES.items():
        path = folder / file
        if not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise StoreError(f"{file} is not UTF-8; save it again as CSV UTF-8") from error
        if len(text) > LARGEST:
            raise StoreError(f"{file} is longer than {LARGEST:,} letters; it holds a short table, no answers")
        found[name] = text
    if not found:
        raise StoreError(f"{folder.name} holds none of {', '.join(FILES.values())}")
    read(found)
    return found


def of(release: Release) -> Declared:
    """What is declared with a release."""
    return read(release.document.declared)


def read(texts: Texts) -> Declared:
    """Read declarations from their texts.

    Raises
    ------
    StoreError
        Everything that is wrong, file by file.
    """
    return _read(tuple(sorted(texts.items())))


@lru_cache(maxsize=32)
def _read(texts: tuple[tuple[str, str], ...]) -> Declared:
    given = dict(texts)
    rows = {name: _rows(name, text) for name, text in given.items() if name != "waves"}
    try:
        waves = tomllib.loads(given.get("waves", ""))
        commitments = read_commitments(rows.get("commitments", []))
    except (tomllib.TOMLDecodeError, RequestError) as error:
        raise StoreError(str(error)) from error
    return Declared(
        commitments=commitments,
        interventions=pd.DataFrame(rows.get("interventions", []), columns=list(NEEDED["interventions"])),
        targets=tuple(_target(row) for row in rows.get("targets", [])),
        holders=_holders(rows.get("holders", [])),
        powers={row["item"]: float(row["power"]) for row in rows.get("powers", [])},
        keys={wave: _key(given) for wave, given in waves.get("waves", {}).items()},
        days={
            wave: (str(given["first_day"]), str(given["last_day"]))
            for wave, given in waves.get("waves", {}).items()
            if "first_day" in given
        },
        years={wave: float(given["year"]) for wave, given in waves.get("waves", {}).items() if "year" in given},
        bridges=_bridges(waves.get("bridge", [])),
    )


def _rows(name: str, text: str) -> list[dict[str, str]]:
    rows = [
        {key: value.strip() for key, value in row.items() if key and value and value.strip()}
        for row in csv.DictReader(io.StringIO(text))
    ]
    for number, row in enumerate(rows, start=2):
        missing = [column for column in NEEDED.get(name, ()) if column not in row]
        if missing:
            raise StoreError(f"{FILES[name]}, row {number}: {', '.join(missing)} is missing; fill it in")
    return rows


_OF_A_TARGET = ("measure", "target", "due", "reach", "baseline", "baseline_of", "source")


def _target(row: Mapping[str, str]) -> Target:
    return Target(
        measure=row["measure"],
        where={name: value for name, value in row.items() if name not in _OF_A_TARGET},
        target=float(row["target"]),
        due=row["due"],
        reach="at_most" if row.get("reach") == "at_most" else "at_least",
        baseline=float(row["baseline"]) if "baseline" in row else None,
        baseline_of=row.get("baseline_of", ""),
        source=row.get("source", ""),
    )


def _holders(rows: list[dict[str, str]]) -> dict[tuple[str, ...], dict[str, int]]:
    found: dict[tuple[str, ...], dict[str, int]] = {}
    for row in rows:
        place = (row[SIDE], row["agency"]) if "agency" in row else (row[SIDE],)
        found.setdefault(place, {})[row["link"]] = int(row["holders"])
    return found


_OF_FIELDWORK = ("first_day", "last_day", "year")


def _key(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in _OF_FIELDWORK}


def _bridges(given: list[Mapping[str, str]]) -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for one in given:
        found.setdefault((one["since"], one["wave"]), {})[one["aspect"]] = one["reason"]
    return found
