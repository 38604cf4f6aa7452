"""What is declared beside the answers: what was agreed, done and aimed at, and how each wave was made.

Six small files that somebody writes and signs with the release that carries them: a release holds their text, so that
pages, commands and bundles read the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from app import settings
from app.workflow import fitting
from app.workflow.declaring import FILES, LARGEST, NEEDED, OPTIONAL, Row, faults_of, rows_of, told
from app.workflow.declaring_waves import days_of, key_of, waves_of
from app.workflow.describing import SIDE
from app.workflow.document import Document, Release
from scoring.commitments import Commitment, read_commitments
from scoring.verdicts import Reach
from surveys.errors import StoreError

__all__ = [
    "FILES",
    "LARGEST",
    "NEEDED",
    "Declared",
    "Target",
    "as_rows",
    "decoded",
    "load",
    "of",
    "read",
    "refuse_unfit",
    "shown",
    "templates",
]
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
    """Texts of the declarations in a folder.

    Raises
    ------
    StoreError
        None of the files is there, or anything in them is wrong.
    """
    return decoded({file: (folder / file).read_bytes() for file in FILES.values() if (folder / file).is_file()})


def decoded(files: Mapping[str, bytes]) -> dict[str, str]:
    """Texts of the declarations from the bytes of files, by their names.

    Raises
    ------
    StoreError
        It is none of the files, it is no UTF-8, or anything in it is wrong.
    """
    names = {file: name for name, file in FILES.items()}
    unknown = sorted(files.keys() - names.keys())
    if unknown or not files:
        found = f"{unknown[0]!r} is none of the files" if unknown else "none of the files is there"
        raise StoreError(f"{found} that may be declared; they are {', '.join(FILES.values())}")
    texts = {}
    for file, data in files.items():
        try:
            texts[names[file]] = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise StoreError(f"{file} is not UTF-8; save it again as CSV UTF-8") from error
    read(texts)
    return texts


def of(release: Release) -> Declared:
    """What is declared with a release."""
    return read(release.document.declared)


def shown(release: Release) -> dict[str, str]:
    """Texts of what is declared with a release, by the names of their files: who signs reads them."""
    held = release.document.declared
    return {file: held[name] for name, file in FILES.items() if name in held}


def as_rows(file: str, text: str) -> pd.DataFrame:
    """A file of rows as a table; without rows for one that has none."""
    name = next((name for name, known in FILES.items() if known == file and name != "waves"), "")
    return pd.DataFrame([row.cells for row in rows_of(name, text)[0]] if name else []).fillna("")


def templates() -> dict[str, str]:
    """Files to begin with: those of the demo, every word of them invented."""
    folder = settings.DEMO / "declared"
    return {file: (folder / file).read_text(encoding="utf-8") for file in FILES.values()}


def read(texts: Texts) -> Declared:
    """Read declarations from their texts.

    Raises
    ------
    StoreError
        Everything that is wrong, in one message: file, row, column and what to do.
    """
    return _read(tuple(sorted(texts.items())))


def refuse_unfit(texts: Texts, *, document: Document) -> None:
    """Refuse declarations of what a survey does not have.

    Parameters
    ----------
    texts : mapping of name to text
        Already read without a fault, see `read`.
    document : Document
        The release that is to carry them, with all its waves: what is due may be due in a later one.

    Raises
    ------
    StoreError
        Everything that does not fit, in one message: file, row, column and what there is.
    """
    declared = read(texts)
    tables = {name: rows_of(name, text)[0] for name, text in texts.items() if name != "waves"}
    faults = list(fitting.faults(tables, document))
    made = {*declared.keys, *(wave for pair in declared.bridges for wave in pair)}
    faults += list(fitting.faults_of_waves(made, document))
    if faults:
        raise StoreError(told(faults))


@lru_cache(maxsize=32)
def _read(texts: tuple[tuple[str, str], ...]) -> Declared:
    """Read what has no fault; texts of files that are not known are left as they are, for later versions."""
    given = {name: text for name, text in texts if name in FILES}
    long = [FILES[name] for name, text in given.items() if len(text) > LARGEST]
    if long:
        raise StoreError(f"{long[0]} is longer than {LARGEST:,} letters; it holds a short table, no answers")
    waves, faults = waves_of(given.pop("waves", ""))
    tables = {}
    for name, text in given.items():
        tables[name], wrong = rows_of(name, text)
        faults += wrong or list(faults_of(name, tables[name]))
    if faults:
        raise StoreError(told(faults))
    made: Mapping[str, Mapping[str, Any]] = waves.get("waves", {})
    return Declared(
        commitments=read_commitments([row.cells for row in tables.get("commitments", ())]),
        interventions=_interventions(tables.get("interventions", ())),
        targets=tuple(_target(row.cells) for row in tables.get("targets", ())),
        holders=_holders(tables.get("holders", ())),
        powers={row.cells["item"]: float(row.cells["power"]) for row in tables.get("powers", ())},
        keys={wave: key_of(given) for wave, given in made.items()},
        days={wave: days_of(given) for wave, given in made.items() if "first_day" in given},
        years={wave: float(given["year"]) for wave, given in made.items() if "year" in given},
        bridges=_bridges(waves.get("bridge", [])),
    )


def _interventions(rows: Sequence[Row]) -> pd.DataFrame:
    return pd.DataFrame([row.cells for row in rows], columns=list(NEEDED["interventions"]), dtype="str")


def _target(cells: Mapping[str, str]) -> Target:
    own = (*NEEDED["targets"], *OPTIONAL["targets"])
    return Target(
        measure=cells["measure"],
        where={name: value for name, value in cells.items() if name == SIDE or name not in own},
        target=float(cells["target"]),
        due=cells["due"],
        reach="at_most" if cells.get("reach") == "at_most" else "at_least",
        baseline=float(cells["baseline"]) if "baseline" in cells else None,
        baseline_of=cells.get("baseline_of", ""),
        source=cells.get("source", ""),
    )


def _holders(rows: Sequence[Row]) -> dict[tuple[str, ...], dict[str, int]]:
    found: dict[tuple[str, ...], dict[str, int]] = {}
    for row in rows:
        place = tuple(row.cells[name] for name in (SIDE, "agency") if name in row.cells)
        found.setdefault(place, {})[row.cells["link"]] = int(row.cells["holders"])
    return found


def _bridges(given: Sequence[Mapping[str, str]]) -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for one in given:
        found.setdefault((one["since"], one["wave"]), {})[one["aspect"]] = one["reason"]
    return found
