"""Answers into the store: one transaction a file, known submissions recognised, nothing deleted."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress
from typing import NamedTuple

import numpy as np
import pandas as pd
from sqlalchemy import Connection, exists, insert, select, update

from surveys.checking import Responses
from surveys.errors import StoreError
from surveys.store import prints, sealing, seals
from surveys.store.bulk import CHUNK, chunks, insert_rows
from surveys.store.erasure import erased_codes
from surveys.store.instruments import RESERVED, Item
from surveys.store.keys import Keys
from surveys.store.rows import Saved
from surveys.store.salt import salted
from surveys.store.schema import batch, submission, totals
from surveys.store.versions import Version


@dataclass(frozen=True, slots=True)
class Upload:
    """Where answers come from: the file, its wave, and who brought it when."""

    survey_id: str
    wave: str
    sha256: str
    filename: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Prepared:
    """A frame as lists that the database takes, made before the transaction begins; `kinds` by stored column."""

    columns: Mapping[str, list[object]]
    kinds: Mapping[str, str]
    highest: Mapping[str, int]


class Known(NamedTuple):
    """A current submission of the wave: where it lies and what it says."""

    uuid: str
    content: str
    id: int
    batch_id: int
    position: int


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of the rows of a file: which are inserted, and which earlier submissions they stand for."""

    insert: Sequence[bool]
    replaced: Sequence[Known]
    same: int
    erased: int

    @property
    def new(self) -> int:
        """Submissions that were not known before."""
        return sum(self.insert) - len(self.replaced)


@dataclass(frozen=True, slots=True)
class Stored:
    """What an import did, and how the log proves it."""

    saved: Saved
    proof: prints.Prints


def prepare(responses: Responses, *, upload: Upload, salt: str) -> Prepared:
    """Turn coded answers into lists, with salted codes.

    Raises
    ------
    StoreError
        If a submission has no uuid or has the one of another, or a column is neither coded nor a number.
    """
    frame = responses.frame
    uuids = frame["uuid"]
    if bool((uuids == "").any()) or bool(uuids.duplicated().any()):
        raise StoreError("every submission needs a uuid of its own; check the file before it is stored")
    answers = [str(name) for name in frame.columns if name not in RESERVED]
    kinds = {name: _kind(name, frame[name]) for name in answers}
    columns: dict[str, list[object]] = {name: frame[name].tolist() for name in ("uuid", "day", "half_day")}
    columns["content"] = [salted(salt, "content", str(text)) for text in frame["content"]]
    for name in ("psu", "interviewer"):
        # the wave is in the hash: shifts nest in waves, and nobody is followed from one wave to the next
        codes: dict[Hashable, str] = {
            code: salted(salt, name, upload.survey_id, upload.wave, str(code)) for code in frame[name].unique()
        }
        columns[name] = [codes[code] for code in frame[name]]
    columns["minutes"] = _plain(frame["minutes"].astype(np.float64))
    for name in answers:
        columns[name] = _plain(frame[name])
    coded = [name for name in answers if kinds[name] == "coded" and len(frame)]
    return Prepared(columns, kinds, {name: int(frame[name].max()) for name in coded})


def store(
    connection: Connection, prepared: Prepared, *, upload: Upload, wave_id: int, version: Version, keys: Keys
) -> Stored:
    """Insert what is new or changed, mark what it stands for, and forget totals made of the earlier answers."""
    slots = _slots(version.items, prepared)
    gone = erased_codes(connection, keys.salt, upload.survey_id, map(str, prepared.columns["uuid"]))
    fate = _fate(_known(connection, wave_id), prepared.columns, gone)
    total = len(fate.insert)
    row = {
        "wave_id": wave_id,
        "instrument_version_id": version.id,
        "sha256": upload.sha256,
        "filename": upload.filename,
        "received_at": upload.at,
        "received_by": upload.who,
        "status": "active",
        "n_rows": total,
        "slots": sorted(slots.values()),
    }
    batch_id = connection.execute(insert(batch).values(row).returning(batch.c.id)).scalar_one()
    made = _insert(connection, prepared.columns, slots=slots, keep=fate.insert, batch_id=batch_id, key=keys.audit)
    sealing.close_batch(connection, keys.audit, batch_id, made)
    retired = _supersede(connection, fate.replaced, wave_id=wave_id, batch_id=batch_id)
    if fate.same + fate.erased < total:
        connection.execute(totals.delete().where(totals.c.survey_id == upload.survey_id))
    saved = Saved(
        "stored", batch_id, fate.new, len(fate.replaced), fate.same, upload.at, upload.who, erased=fate.erased
    )
    places = prints.of_replaced((known.batch_id, known.position) for known in fate.replaced)
    proof = {
        **prints.of_batches(connection, [batch_id, *retired]),
        **prints.of_forms(connection, [version.id]),
        prints.thing("replaced", batch_id): places,
    }
    return Stored(saved, proof)


def _kind(name: str, column: "pd.Series[float]") -> str:
    if column.dtype == np.int16:
        return "coded"
    if column.dtype == np.float64:
        return "number"
    raise StoreError(f"column {name!r} is {column.dtype}; the store keeps coded answers (int16) and numbers (float64)")


def _plain(column: "pd.Series[float]") -> list[object]:
    values = column.to_numpy()
    if values.dtype != np.float64:
        return list(values.tolist())
    objects = (values + 0.0).astype(object)  # no database keeps the sign of zero for sure, and seals are exact
    objects[np.isnan(values)] = None
    return list(objects.tolist())


def _slots(items: Mapping[str, Item], prepared: Prepared) -> dict[str, str]:
    """Slot by column, where the form and the frame agree on what the column holds."""
    slots = {}
    for name, kind in prepared.kinds.items():
        item = items.get(name)
        if item is None:  # an interviewer or PSU that is a question too: stored salted alone
            continue
        if item.coded != (kind == "coded"):
            raise StoreError(
                f"column {name!r} is a {item.kind} in the form and came as {kind}; check the form's version"
            )
        if item.labels and prepared.highest.get(name, -1) >= len(item.labels):
            raise StoreError(f"column {name!r} holds a position past the {len(item.labels)} choices of the form")
        slots[name] = item.slot
    return slots


def refuse_counted(connection: Connection, prepared: Prepared, *, waves: Sequence[int]) -> None:
    """Refuse submissions that stand in another wave: nobody is asked in two waves under one uuid."""
    found = connection.execute(
        select(submission.c.uuid)
        .join(batch, batch.c.id == submission.c.batch_id)
        .where(batch.c.wave_id.in_(waves), batch.c.status == "active")
    )
    again = len({row.uuid for row in found} & set(map(str, prepared.columns["uuid"])))
    if again:
        raise StoreError(
            f"{again} submissions of this file stand in another wave of the survey already; name that wave"
        )


def _known(connection: Connection, wave_id: int) -> dict[str, Known]:
    """Current submissions of a wave, by uuid."""
    columns = (submission.c[name] for name in Known._fields)
    found = connection.execute(
        select(*columns)
        .join(batch, batch.c.id == submission.c.batch_id)
        .where(batch.c.wave_id == wave_id, batch.c.status == "active", submission.c.superseded_by.is_(None))
    )
    return {row[0]: Known._make(row) for row in found}


def _fate(known: Mapping[str, Known], columns: Mapping[str, list[object]], gone: frozenset[str]) -> Fate:
    keep, replaced, same = [], [], 0
    for uuid, content in zip(columns["uuid"], columns["content"], strict=True):
        earlier = known.get(str(uuid))
        is_same = earlier is not None and earlier.content == content
        keep.append(not is_same and uuid not in gone)
        same += is_same
        if earlier is not None and not is_same:
            replaced.append(earlier)
    return Fate(keep, replaced, same, len(gone))


def _insert(
    connection: Connection,
    columns: Mapping[str, list[object]],
    *,
    slots: Mapping[str, str],
    keep: Sequence[bool],
    batch_id: int,
    key: bytes,
) -> list[bytes]:
    """Insert the rows, each with its position and its seal; gives the seals in their order."""
    ordered = sorted(slots, key=slots.__getitem__)
    rows = compress(zip(*(columns[name] for name in (*seals.OWN, *ordered)), strict=True), keep)
    made: list[bytes] = []

    def sealed() -> Iterator[tuple[object, ...]]:
        for position, row in enumerate(rows, start=1):
            made.append(seals.of_row(key, row))
            yield (batch_id, *row, position, made[-1])

    names = ("batch_id", *seals.OWN, *(slots[name] for name in ordered), "position", "seal")
    insert_rows(connection, submission, names, sealed())
    return made


def _supersede(connection: Connection, replaced: Sequence[Known], *, wave_id: int, batch_id: int) -> list[int]:
    """Mark earlier submissions, then the batches of this wave that have none left; gives these batches."""
    for numbers in chunks((known.id for known in replaced), CHUNK):
        connection.execute(update(submission).where(submission.c.id.in_(numbers)).values(superseded_by=batch_id))
    if not replaced:
        return []
    left = exists().where(submission.c.batch_id == batch.c.id, submission.c.superseded_by.is_(None))
    some = exists().where(submission.c.batch_id == batch.c.id)
    retired = connection.execute(
        update(batch)
        .where(batch.c.wave_id == wave_id, batch.c.id != batch_id, batch.c.status == "active", some, ~left)
        .values(status="superseded", superseded_by=batch_id)
        .returning(batch.c.id)
    )
    return sorted(retired.scalars())
