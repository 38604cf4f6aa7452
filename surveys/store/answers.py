"""Answers out of the store: one bulk read of the columns asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, Select, func, select

from surveys.errors import StoreError
from surveys.questionnaire import MISSING_CODES
from surveys.store.instruments import Item
from surveys.store.schema import batch, submission
from surveys.store.versions import Version, versions

#: Columns beside the answers that may be asked for by name.
CIRCUMSTANCES: Final = ("day", "half_day", "minutes")

#: Rows that are turned into arrays at a time.
CHUNK: Final = 4_000

_BLANK: Final = MISSING_CODES["blank"]
_NOT_APPLICABLE: Final = MISSING_CODES["not_applicable"]


Values = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One column asked for: `labels` are the codes of its choices over all versions, () where it is not decoded."""

    name: str
    coded: bool
    labels: tuple[str, ...]


def read(connection: Connection, survey_id: str, *, waves: Mapping[int, str], columns: Sequence[str]) -> pd.DataFrame:
    """Current submissions of some waves (id -> name) of one survey, with the columns asked for."""
    known = versions(connection, survey_id)
    asked = tuple(dict.fromkeys(columns))
    wanted = tuple(_wanted(name, known) for name in asked if name not in CIRCUMSTANCES)
    texts = tuple(name for name in asked if name in CIRCUMSTANCES)
    parts = [_read_version(connection, version, waves=waves, wanted=wanted, texts=texts) for version in known]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    frame = {
        "wave": pd.Series(joined["wave"]).astype("str"),
        **{name: pd.Series(joined[name]).astype("str") for name in ("psu", "interviewer")},
        **{column.name: _decoded(joined[column.name], column) for column in wanted},
        **{name: pd.Series(joined[name], dtype=_text_type(name)) for name in texts},
    }
    return pd.DataFrame(frame)[["wave", "psu", "interviewer", *asked]]


def _wanted(name: str, known: Sequence[Version]) -> Wanted:
    found = [version.items[name] for version in known if name in version.items]
    if not found:
        raise StoreError(f"no form of this survey has a stored column {name!r}; see the names in its questionnaire")
    if len({(entry.coded, bool(entry.labels)) for entry in found}) > 1:
        raise StoreError(f"column {name!r} is not of one kind in the versions of this form; ask for one wave at a time")
    labels = tuple(dict.fromkeys(label for entry in found for label in entry.labels))
    return Wanted(name, found[0].coded, labels)


def _read_version(
    connection: Connection,
    version: Version,
    *,
    waves: Mapping[int, str],
    wanted: Sequence[Wanted],
    texts: Sequence[str],
) -> dict[str, Values]:
    present = [column for column in wanted if column.name in version.items]
    names = ("wave", "psu", "interviewer", *texts, *(column.name for column in present))
    types = [np.dtype(object), *(_text_type(name) for name in ("psu", "interviewer", *texts))]
    types += [np.dtype(np.int16 if column.coded else np.float64) for column in present]
    of_batch = _batches(connection, version, waves)
    statement = _statement(of_batch, texts=texts, columns=[version.items[column.name] for column in present])
    pieces: list[list[Values]] = [[np.empty(0, dtype=kind)] for kind in types]
    for rows in connection.execute(statement).partitions(CHUNK):
        for piece, values, kind in zip(pieces, zip(*rows, strict=True), types, strict=True):
            piece.append(np.array(values, dtype=kind))
    found = {name: np.concatenate(piece) for name, piece in zip(names, pieces, strict=True)}
    found["wave"] = np.array([of_batch[number] for number in found["wave"]], dtype=object)
    for column in present:
        if column.labels:
            found[column.name] = _aligned(found[column.name], version.items[column.name], column)
    absent = {column.name: _absent(column, len(found["wave"])) for column in wanted if column.name not in found}
    return {**found, **absent}


def _batches(connection: Connection, version: Version, waves: Mapping[int, str]) -> dict[int, str]:
    """Active batches of some waves that were asked with one version of the form: id -> name of the wave."""
    found = connection.execute(
        select(batch.c.id, batch.c.wave_id).where(
            batch.c.wave_id.in_(list(waves)), batch.c.instrument_version_id == version.id, batch.c.status == "active"
        )
    )
    return {row.id: waves[row.wave_id] for row in found}


def _statement(batches: Iterable[int], *, texts: Sequence[str], columns: Sequence[Item]) -> Select[tuple[object, ...]]:
    # an empty slot under a coded question: the file had no such column, so nobody answered it
    values = [
        func.coalesce(submission.c[entry.slot], _BLANK) if entry.coded else submission.c[entry.slot]
        for entry in columns
    ]
    own = [submission.c[name] for name in ("psu", "interviewer", *texts)]
    return (
        select(submission.c.batch_id, *own, *values)
        .where(submission.c.batch_id.in_(list(batches)), submission.c.superseded_by.is_(None))
        .order_by(submission.c.batch_id, submission.c.id)
    )


def _text_type(name: str) -> np.dtype[np.generic]:
    return np.dtype(np.float64 if name == "minutes" else object)


def _absent(column: Wanted, rows: int) -> Values:
    """What stands where a version of the form does not ask the question at all."""
    return np.full(rows, _NOT_APPLICABLE, dtype=np.int16) if column.coded else np.full(rows, np.nan)


def _aligned(values: Values, entry: Item, column: Wanted) -> Values:
    """Positions in the choices of one version -> positions in the choices of all; missing ones stay below zero."""
    place = {label: position for position, label in enumerate(column.labels)}
    table = np.array([place[label] for label in entry.labels], dtype=np.int16)
    positions = values.astype(np.int16)
    return np.where(positions >= 0, table[np.maximum(positions, 0)], positions)


def _decoded(values: Values, column: Wanted) -> "Values | pd.Categorical[str]":
    if not column.labels:
        return values
    positions = np.maximum(values.astype(np.int16), np.int16(-1))
    return pd.Categorical.from_codes(positions, categories=pd.Index(column.labels))
