"""The document of a release: every masked table and every word that stands beside it, as one frozen text.

Pages, commands, exports and bundles read this and nothing else: there is no other way from the answers to a reader.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from surveys.errors import StoreError

FORMAT = 1
LARGEST = 256 * 1024 * 1024  # unpacked: a document from a stranger may be a bomb
Facets = tuple[str, ...]
Tables = Mapping[Facets, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is scored, as the framework and the questionnaire describe it."""

    code: str
    title: str
    level: str  # index, dimension, item or indicator
    parent: str | None
    headline: bool
    direction: str
    unit: str
    description: str
    question: str
    actor: str
    arusha: tuple[int, ...]
    only_by: tuple[tuple[str, ...], ...]
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """A way to look at one side: a facet beside the side, with the labels of its values."""

    facets: Facets
    title: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Document:
    """What a release shows.

    Attributes
    ----------
    survey_id, title : str
    synthetic : bool
    waves : tuple of str
    note : mapping
        Data, instrument, framework, lattice, engine, design: what a reader must know beside a figure.
    measures : tuple of Measure
    cuts : tuple of Cut
    scores, moves : mapping of facets to DataFrame
        Masked and rounded, see `scoring.mask.publication`.
    loss : DataFrame
        How much the mask hides, by table.
    definition : str
        The framework, as TOML text.
    studies : mapping of str to DataFrame
        How sound the indices are and how their errors hang together, by side: see `app.workflow.studying`.
    declared : mapping of str to str
        Texts of what was declared beside the answers: see `app.workflow.declared`.
    audit_head : str
        Last line of the log when it was published.
    """

    survey_id: str
    title: str
    synthetic: bool
    waves: tuple[str, ...]
    note: Mapping[str, str]
    measures: tuple[Measure, ...]
    cuts: tuple[Cut, ...]
    scores: Tables
    moves: Tables
    loss: pd.DataFrame
    definition: str = ""
    studies: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    declared: Mapping[str, str] = field(default_factory=dict)
    audit_head: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """A document with its place in the life of the survey.

    Attributes
    ----------
    number, revision : int
    state : str
    notice : str
        What a reader of an old link is told first; "" for the release that stands.
    published_on : str
        Day of publication, "" before.
    signatures : tuple of mapping
        role, who, verified, at.
    comments : tuple of mapping
        agency, text, at: printed beside, dated.
    digest : str
        Of the document: the key of every cache.
    """

    document: Document
    number: int
    revision: int
    state: str
    digest: str
    published_on: str = ""
    notice: str = ""
    signatures: tuple[Mapping[str, Any], ...] = field(default=())
    comments: tuple[Mapping[str, Any], ...] = field(default=())


def pack(document: Document) -> bytes:
    """Write a document: the same bytes for the same content."""
    text = {
        "format": FORMAT,
        "survey": document.survey_id,
        "title": document.title,
        "synthetic": document.synthetic,
        "waves": document.waves,
        "note": dict(document.note),
        "measures": [asdict(measure) for measure in document.measures],
        "cuts": [{"facets": cut.facets, "title": cut.title, "values": dict(cut.values)} for cut in document.cuts],
        "scores": pack_tables(document.scores),
        "moves": pack_tables(document.moves),
        "loss": _columns(document.loss),
        "definition": document.definition,
        "studies": {name: _columns(table) for name, table in document.studies.items()},
        "declared": dict(document.declared),
        "audit_head": document.audit_head,
    }
    return squeeze(text)


def unpack(data: bytes) -> Document:
    """Read back what `pack` wrote.

    Raises
    ------
    StoreError
        If it is no document, or one of a newer program.
    """
    found = expand(data)
    if found.get("format") != FORMAT:
        raise StoreError("this release was written by a newer version of this program; install that version to read it")
    try:
        return Document(
            survey_id=found["survey"],
            title=found["title"],
            synthetic=found["synthetic"],
            waves=tuple(found["waves"]),
            note=found["note"],
            measures=tuple(_measure(one) for one in found["measures"]),
            cuts=tuple(Cut(tuple(one["facets"]), one["title"], one["values"]) for one in found["cuts"]),
            scores=unpack_tables(found["scores"]),
            moves=unpack_tables(found["moves"]),
            loss=_frame(found["loss"]),
            definition=found.get("definition", ""),  # releases of the first version have neither
            studies={name: _study(columns) for name, columns in found.get("studies", {}).items()},
            declared=found.get("declared", {}),
            audit_head=found["audit_head"],
        )
    except (KeyError, TypeError) as error:
        raise StoreError("this is no release: a part of it is missing; take the file from its source again") from error


def squeeze(text: Mapping[str, Any]) -> bytes:
    """Write JSON, compressed."""
    return zlib.compress(json.dumps(text, ensure_ascii=False, separators=(",", ":")).encode(), 6)


def expand(data: bytes) -> dict[str, Any]:
    """Read compressed JSON, up to a size."""
    try:
        reader = zlib.decompressobj()
        text = reader.decompress(data, LARGEST)
        if reader.unconsumed_tail:
            raise StoreError(f"this release is larger than {LARGEST // 2**20} MB unpacked and is not read")
        found = json.loads(text)
    except (zlib.error, ValueError) as error:
        raise StoreError("this is no release, or it was damaged on its way; take the file from its source") from error
    return found if isinstance(found, dict) else {}


def pack_tables(tables: Tables) -> dict[str, Any]:
    """Tables as plain lists, column by column."""
    return {" ".join(facets): _columns(table) for facets, table in tables.items()}


def unpack_tables(found: Mapping[str, Any]) -> dict[Facets, pd.DataFrame]:
    """Read back what `pack_tables` wrote."""
    return {tuple(name.split()): _frame(columns) for name, columns in found.items()}


def _columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    return {str(name): [_plain(value) for value in table[name].tolist()] for name in table.columns}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a cell
    if isinstance(value, float):
        return None if np.isnan(value) else value
    return value


def _frame(columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series(values, dtype=_kind(name)) for name, values in columns.items()})
    return frame.reset_index(drop=True)


def _study(columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    """A table whose columns are numbers or texts, as their values say; texts where there are none."""
    kinds = {
        name: "float64" if values and not any(isinstance(value, str) for value in values) else "str"
        for name, values in columns.items()
    }
    return pd.DataFrame({name: pd.Series(values, dtype=kinds[name]) for name, values in columns.items()})


_TEXTS = {"wave", "since", "measure", "status", "reason", "table", "psu"}
_FIGURES = {
    "estimate", "se", "df", "low", "high", "n", "n_eff", "deff", "p", "top", "low_80", "high_80", "low_50", "high_50",
    "share_by_rule", "share_beside", "above", "below", "interviews",
}  # fmt: skip
_COUNTS = {"ways", "figures", "by_rule", "beside", "shifts"}


def _kind(name: str) -> str:
    if name in _FIGURES:
        return "float64"
    return "int64" if name in _COUNTS else "str"


def _measure(found: Mapping[str, Any]) -> Measure:
    only_by = tuple(tuple(facets) for facets in found["only_by"])
    return Measure(**{**found, "arusha": tuple(found["arusha"]), "only_by": only_by})
