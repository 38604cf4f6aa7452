"""Taking back a file that was imported by mistake."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, func, or_, select, update

from surveys.errors import StoreError
from surveys.store import prints, records
from surveys.store.schema import batch, submission, tombstone, totals, wave


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back: the wave, its file, how many submissions no longer count, and what the log proves."""

    wave: str
    sha256: str
    submissions: int
    proof: prints.Prints


def undo(connection: Connection, survey_id: str, batch_id: int) -> Undone:
    """Let a file no longer count, and what it stood for count again; its rows stay.

    Raises
    ------
    StoreError
        If the file is not in this survey or undone already, its wave is not a draft, or a later file of the wave
        corrects or repeats answers: what that one leaves out because it was known would then count nowhere.
    """
    records.need_survey(connection, survey_id)
    row = connection.execute(
        select(batch.c.id, batch.c.wave_id, batch.c.sha256, batch.c.status, wave.c.name)
        .join(wave, wave.c.id == batch.c.wave_id)
        .where(wave.c.survey_id == survey_id, batch.c.id == batch_id)
    ).first()
    if row is None:
        known = ", ".join(str(entry.id) for entry in records.batches(connection, survey_id)) or "none yet"
        raise StoreError(f"survey {survey_id!r} has no file numbered {batch_id}; it has: {known}")
    if row.status == "undone":
        raise StoreError(f"file {batch_id} of survey {survey_id!r} is undone already")
    records.need_draft(connection, survey_id, row.name)
    _refuse_needed(connection, batch_id, row.wave_id)
    count = select(func.count()).where(submission.c.batch_id == batch_id, submission.c.superseded_by.is_(None))
    gone = connection.execute(count).scalar_one()
    again = _restore(connection, batch_id, row.wave_id)
    connection.execute(delete(totals).where(totals.c.survey_id == survey_id))
    proof = {
        **prints.of_batches(connection, [batch_id, *again]),
        prints.thing("replaced", batch_id): prints.of_replaced(()),
    }
    return Undone(row.name, row.sha256, gone, proof)


def _restore(connection: Connection, batch_id: int, wave_id: int) -> list[int]:
    """Let what a file stood for count again; gives the files that are active again.

    A file that several others replaced piece by piece names the last of them alone, and counts again with any piece.
    """
    for table in (submission, tombstone):
        connection.execute(update(table).where(table.c.superseded_by == batch_id).values(superseded_by=None))
    counts = exists().where(submission.c.batch_id == batch.c.id, submission.c.superseded_by.is_(None))
    again = connection.execute(
        update(batch)
        .where(batch.c.wave_id == wave_id, batch.c.status == "superseded")
        .where(or_(batch.c.superseded_by == batch_id, counts))
        .values(status="active", superseded_by=None)
        .returning(batch.c.id)
    )
    numbers = sorted(again.scalars())
    connection.execute(update(batch).where(batch.c.id == batch_id).values(status="undone", superseded_by=None))
    return numbers


def _refuse_needed(connection: Connection, batch_id: int, wave_id: int) -> None:
    stored = select(func.count()).where(submission.c.batch_id == batch.c.id).scalar_subquery()
    buried = select(func.count()).where(tombstone.c.batch_id == batch.c.id).scalar_subquery()
    corrects = select(submission.c.id).where(
        submission.c.batch_id == batch_id, submission.c.superseded_by == batch.c.id
    )
    later = connection.execute(
        select(batch.c.id, batch.c.filename)
        .where(batch.c.wave_id == wave_id, batch.c.id > batch_id, batch.c.status != "undone")
        .where((batch.c.n_rows > stored + buried) | corrects.exists())
        .order_by(batch.c.id)
    ).all()
    if later:
        raise StoreError(
            f"file {batch_id} cannot be undone while later files of its wave repeat or correct answers: "
            f"{', '.join(f'{row.id} ({row.filename})' for row in later)}; undo the last of them first"
        )
