"""Erasure of one submission: the data at once, and a tombstone under its seal so that its file still verifies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from surveys.errors import StoreError
from surveys.store import prints, records
from surveys.store.rows import Erased
from surveys.store.salt import salted
from surveys.store.schema import batch, raw_upload, submission, tombstone, totals, wave

#: Tables that hold what an erasure takes away.
TABLES: Final = ("submission", "raw_upload", "totals")


@dataclass(frozen=True, slots=True)
class Deletion:
    """What an erasure did; `code` is the salted uuid, by which the log knows it, and `proof` what the log proves."""

    erased: Erased
    code: str
    proof: prints.Prints


def code_of(salt: str, survey_id: str, uuid: str) -> str:
    """Name an erased submission without its uuid."""
    return salted(salt, "erased", survey_id, uuid)


def erased_codes(connection: Connection, salt: str, survey_id: str, uuids: Iterable[str]) -> frozenset[str]:
    """Those uuids of a file that were erased in this survey before."""
    gone = set(connection.execute(select(tombstone.c.uuid).where(tombstone.c.survey_id == survey_id)).scalars())
    return frozenset(uuid for uuid in uuids if code_of(salt, survey_id, uuid) in gone) if gone else frozenset()


def erase(connection: Connection, salt: str, survey_id: str, uuid: str, *, at: datetime) -> Deletion:
    """Delete every row of a submission, with the totals and raw files that hold its answers."""
    records.need_survey(connection, survey_id)
    found = _rows(connection, survey_id, uuid)
    if not found:
        raise StoreError(
            f"no submission of survey {survey_id!r} has this uuid; copy it whole from the team's own export "
            "(one that is erased already is not found again)"
        )
    code = code_of(salt, survey_id, uuid)
    _bury(connection, found, survey_id=survey_id, code=code, at=at)
    connection.execute(delete(totals).where(totals.c.survey_id == survey_id))
    uploads = _erase_raw(connection, found, at)
    # the wave where it counts; where none does (undone files), the last one
    current = next((row for row in found if row.status == "active" and row.superseded_by is None), found[-1])
    left = next(row.submissions for row in records.waves(connection, survey_id) if row.id == current.wave_id)
    erased = Erased(current.wave, len(found), uploads, left)
    return Deletion(erased, code, prints.of_erased(connection, survey_id, code))


def _rows(connection: Connection, survey_id: str, uuid: str) -> Sequence[Any]:
    names = ("id", "batch_id", "position", "seal", "superseded_by")
    return connection.execute(
        select(*(submission.c[name] for name in names), batch.c.status, batch.c.wave_id, wave.c.name.label("wave"))
        .join(batch, batch.c.id == submission.c.batch_id)
        .join(wave, wave.c.id == batch.c.wave_id)
        .where(wave.c.survey_id == survey_id, submission.c.uuid == uuid)
        .order_by(submission.c.id)
    ).all()


def _bury(connection: Connection, found: Sequence[Any], *, survey_id: str, code: str, at: datetime) -> None:
    connection.execute(
        insert(tombstone),
        [
            {
                "batch_id": row.batch_id,
                "position": row.position,
                "survey_id": survey_id,
                "uuid": code,
                "seal": bytes(row.seal),
                "superseded_by": row.superseded_by,
                "erased_at": at,
            }
            for row in found
        ],
    )
    connection.execute(delete(submission).where(submission.c.id.in_([row.id for row in found])))


def _erase_raw(connection: Connection, found: Sequence[Any], at: datetime) -> int:
    """Erase raw files that hold the submission, and those of its waves with rows that were known and not stored.

    A file that repeated known answers does not tell which ones, so it may hold this one.
    """
    stored = select(func.count()).where(submission.c.batch_id == batch.c.id).scalar_subquery()
    buried = select(func.count()).where(tombstone.c.batch_id == batch.c.id).scalar_subquery()
    files = select(batch.c.sha256).where(
        or_(
            batch.c.id.in_([row.batch_id for row in found]),
            batch.c.wave_id.in_([row.wave_id for row in found]) & (batch.c.n_rows > stored + buried),
        )
    )
    kept = raw_upload.c.sha256.in_(files), raw_upload.c.erased_at.is_(None)
    values = {"wrapped_key": None, "payload": None, "erased_at": at}
    return connection.execute(update(raw_upload).where(*kept).values(values)).rowcount
