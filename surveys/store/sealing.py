"""Seals put on answers when they are stored, and made again to see whether they still stand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from surveys.store import seals
from surveys.store.bulk import CHUNK
from surveys.store.schema import CODED, NUMBERS, batch, instrument_version, item, submission, survey, tombstone, wave


@dataclass(frozen=True, slots=True)
class Kept:
    """One place in a file as it stands: the seal that is kept, and the one that its values give (None if erased)."""

    position: int
    kept: bytes
    made: bytes | None


def close_batch(connection: Connection, key: bytes, batch_id: int, made: Sequence[bytes]) -> None:
    """Seal a file over its rows."""
    seal = seals.of_batch(key, what(connection, batch_id), made)
    connection.execute(update(batch).where(batch.c.id == batch_id).values(seal=seal))


def what(connection: Connection, batch_id: int) -> list[object]:
    """What a file is, for its seal: all that is said of it but its standing, which changes."""
    row = connection.execute(
        select(batch, wave.c.survey_id, wave.c.name, survey.c.synthetic, instrument_version.c.digest)
        .join(wave, wave.c.id == batch.c.wave_id)
        .join(survey, survey.c.id == wave.c.survey_id)
        .join(instrument_version, instrument_version.c.id == batch.c.instrument_version_id)
        .where(batch.c.id == batch_id)
    ).one()
    own = [row.survey_id, row.synthetic, row.name, row.sha256, row.filename, str(row.received_at), row.received_by]
    return [*own, row.n_rows, row.digest, row.slots]


def rows(connection: Connection, key: bytes, batch_id: int, slots: Sequence[str]) -> Iterator[Kept]:
    """Every place of a file in its order, its seal made again from what is stored; erased ones among them."""
    erased = connection.execute(
        select(tombstone.c.position, tombstone.c.seal).where(tombstone.c.batch_id == batch_id)
    ).all()
    found = [Kept(row.position, bytes(row.seal), None) for row in erased]
    for position, seal, *values in _values(connection, batch_id, slots):
        found.append(Kept(position, bytes(seal or b""), seals.of_row(key, values)))
    return iter(sorted(found, key=lambda kept: kept.position))


def strayed(connection: Connection, batch_id: int, slots: Sequence[str]) -> list[int]:
    """Positions of rows that hold a value in a slot that their file does not fill."""
    others = [submission.c[slot].is_not(None) for slot in (*CODED, *NUMBERS) if slot not in set(slots)]
    if not others:
        return []
    chosen = select(submission.c.position).where(submission.c.batch_id == batch_id, or_(*others))
    return sorted(connection.execute(chosen).scalars())


def seal_earlier(connection: Connection, key: bytes) -> int:
    """Seal the files that were stored before there were seals; says how many there were."""
    found = connection.execute(
        select(batch.c.id, batch.c.instrument_version_id).where(batch.c.seal.is_(None)).order_by(batch.c.id)
    ).all()
    for row in found:
        slots = sorted(_slots_of(connection, row.instrument_version_id))
        connection.execute(update(batch).where(batch.c.id == row.id).values(slots=slots))
        close_batch(connection, key, row.id, _seal_rows(connection, key, row.id, slots))
    return len(found)


def _slots_of(connection: Connection, version_id: int) -> Sequence[str]:
    return connection.execute(select(item.c.slot).where(item.c.instrument_version_id == version_id)).scalars().all()


def _seal_rows(connection: Connection, key: bytes, batch_id: int, slots: Sequence[str]) -> list[bytes]:
    columns = [submission.c.id, *(submission.c[name] for name in (*seals.OWN, *slots))]
    found = connection.execute(select(*columns).where(submission.c.batch_id == batch_id).order_by(submission.c.id))
    marks = [
        {"number": number, "place": place, "made": seals.of_row(key, values)}
        for place, (number, *values) in enumerate(found, start=1)
    ]
    mark = update(submission).where(submission.c.id == bindparam("number"))
    if marks:
        connection.execute(mark.values(position=bindparam("place"), seal=bindparam("made")), marks)
    return [bytes(entry["made"]) for entry in marks]


def _values(connection: Connection, batch_id: int, slots: Sequence[str]) -> Iterator[Any]:
    names = ("position", "seal", *seals.OWN, *slots)
    chosen = (
        select(*(submission.c[name] for name in names))
        .where(submission.c.batch_id == batch_id)
        .order_by(submission.c.position, submission.c.id)
    )
    for part in connection.execute(chosen).partitions(CHUNK):
        yield from part
