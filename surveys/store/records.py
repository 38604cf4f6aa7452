"""Surveys, waves, batches, totals, raw uploads and the log: small rows beside the answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, func, insert, select, update

from surveys.errors import StoreError
from surveys.store import seals
from surveys.store.rows import BatchRow, State, SurveyRow, WaveRow
from surveys.store.schema import batch, raw_upload, submission, survey, totals, wave
from surveys.vault import Sealed


def put_survey(connection: Connection, row: SurveyRow) -> None:
    """Add a survey, or give a known one its title and team; invented answers never become real ones."""
    known = connection.execute(select(survey.c.synthetic).where(survey.c.id == row.id)).scalar_one_or_none()
    if known is not None and known != row.synthetic:
        kind = "synthetic" if known else "real"
        raise StoreError(f"survey {row.id!r} is {kind} and stays so; give the other one another id")
    values = {"title": row.title, "team": row.team}
    if known is None:
        connection.execute(insert(survey).values(id=row.id, synthetic=row.synthetic, **values))
    else:
        connection.execute(update(survey).where(survey.c.id == row.id).values(values))


def surveys(connection: Connection) -> tuple[SurveyRow, ...]:
    """Every survey, by id."""
    found = connection.execute(select(survey).order_by(survey.c.id))
    return tuple(SurveyRow(row.id, row.title, row.synthetic, row.team) for row in found)


def need_survey(connection: Connection, survey_id: str) -> None:
    """Refuse a survey that is not in the store."""
    if connection.execute(select(survey.c.id).where(survey.c.id == survey_id)).first() is None:
        names = ", ".join(row.id for row in surveys(connection)) or "none yet"
        raise StoreError(f"there is no survey {survey_id!r} in the store; it holds: {names}")


def put_wave(connection: Connection, survey_id: str, name: str) -> None:
    """Add a wave as a draft; a known one stays as it is."""
    need_survey(connection, survey_id)
    if not name.strip():
        raise StoreError("a wave needs a name, such as 2026")
    known = select(wave.c.id).where(wave.c.survey_id == survey_id, wave.c.name == name)
    if connection.execute(known).first() is None:
        connection.execute(insert(wave).values(survey_id=survey_id, name=name, state="draft"))


def waves(connection: Connection, survey_id: str) -> tuple[WaveRow, ...]:
    """Every wave of a survey by name, with its current submissions counted."""
    need_survey(connection, survey_id)
    found = connection.execute(
        select(wave.c.id, wave.c.name, wave.c.state, func.count(submission.c.id).label("submissions"))
        .select_from(wave)
        .outerjoin(batch, and_(batch.c.wave_id == wave.c.id, batch.c.status == "active"))
        .outerjoin(submission, and_(submission.c.batch_id == batch.c.id, submission.c.superseded_by.is_(None)))
        .where(wave.c.survey_id == survey_id)
        .group_by(wave.c.id, wave.c.name, wave.c.state)
        .order_by(wave.c.name)
    )
    return tuple(WaveRow(row.id, row.name, row.state, row.submissions) for row in found)


def wave_ids(connection: Connection, survey_id: str) -> Mapping[str, int]:
    """Ids of the waves of a survey, by name."""
    need_survey(connection, survey_id)
    found = connection.execute(
        select(wave.c.name, wave.c.id).where(wave.c.survey_id == survey_id).order_by(wave.c.name)
    )
    return {row.name: row.id for row in found}


def wave_id(connection: Connection, survey_id: str, name: str) -> int:
    """Id of one wave; refuses an unknown name."""
    known = wave_ids(connection, survey_id)
    if name not in known:
        raise StoreError(f"survey {survey_id!r} has no wave {name!r}; it has: {', '.join(known) or 'none yet'}")
    return known[name]


def set_state(connection: Connection, survey_id: str, name: str, state: State) -> None:
    """Give a wave its state."""
    number = wave_id(connection, survey_id, name)
    connection.execute(update(wave).where(wave.c.id == number).values(state=state))


def need_draft(connection: Connection, survey_id: str, name: str) -> None:
    """Refuse to change the answers of a wave that is in review or published."""
    state = connection.execute(
        select(wave.c.state).where(wave.c.survey_id == survey_id, wave.c.name == name)
    ).scalar_one()
    if state == "published":
        raise StoreError(
            f"wave {name!r} is published and takes no new file; withdraw its release first (`sarhad withdraw`), "
            "or name another wave"
        )
    if state != "draft":
        raise StoreError(
            f"wave {name!r} is in review and takes no new file; refuse its release first, or name another wave"
        )


def batches(connection: Connection, survey_id: str) -> tuple[BatchRow, ...]:
    """Every imported file of a survey, in the order they came."""
    need_survey(connection, survey_id)
    found = connection.execute(_batches().where(wave.c.survey_id == survey_id).order_by(batch.c.id))
    return tuple(_batch(row) for row in found.mappings())


def find_batch(connection: Connection, number: int, sha256: str) -> BatchRow | None:
    """Find the import of this very file into a wave; one that was undone is not there."""
    very = batch.c.wave_id == number, batch.c.sha256 == sha256, batch.c.status != "undone"
    found = connection.execute(_batches().where(*very)).mappings().first()
    return None if found is None else _batch(found)


def _batches() -> Select[tuple[Any, ...]]:
    return select(batch, wave.c.name.label("wave")).join(wave, wave.c.id == batch.c.wave_id)


def _batch(row: Mapping[Any, Any]) -> BatchRow:
    return BatchRow(**{name: row[name] for name in BatchRow.__slots__})


def totals_get(connection: Connection, key: bytes, digest: str) -> bytes | None:
    """Find totals by their digest; altered ones are not found, so that they are made again."""
    found = connection.execute(select(totals.c.payload).where(totals.c.digest == digest)).scalar_one_or_none()
    return None if found is None else seals.opened_totals(key, digest, bytes(found))


def totals_put(
    connection: Connection, key: bytes, digest: str, *, survey_id: str, payload: bytes, at: datetime
) -> None:
    """Keep totals under their digest, sealed, in place of any that are there."""
    need_survey(connection, survey_id)
    connection.execute(delete(totals).where(totals.c.digest == digest))
    whole = seals.of_totals(key, digest, payload) + payload
    connection.execute(insert(totals).values(digest=digest, survey_id=survey_id, payload=whole, made_at=at))


def keep_raw(connection: Connection, sealed: Sealed) -> bool:
    """Keep a sealed upload; says whether it was new. One that was erased stays erased."""
    known = select(raw_upload.c.sha256).where(raw_upload.c.sha256 == sealed.sha256)
    if connection.execute(known).first() is not None:
        return False
    values = {name: getattr(sealed, name) for name in Sealed.__slots__}
    connection.execute(insert(raw_upload).values(values))
    return True


def raw(connection: Connection, sha256: str) -> Sealed | None:
    """Find a sealed upload; None when it was never kept or is erased."""
    row = connection.execute(
        select(raw_upload).where(raw_upload.c.sha256 == sha256, raw_upload.c.erased_at.is_(None))
    ).first()
    return None if row is None else Sealed(row.sha256, row.key_id, bytes(row.wrapped_key), bytes(row.payload))


def erase_raw(connection: Connection, sha256: str, at: datetime) -> None:
    """Destroy the key and the payload of an upload and leave its digest."""
    values = {"wrapped_key": None, "payload": None, "erased_at": at}
    known = raw_upload.c.sha256 == sha256, raw_upload.c.erased_at.is_(None)
    if connection.execute(update(raw_upload).where(*known).values(values)).rowcount == 0:
        raise StoreError(f"no raw upload {sha256[:12]} is kept: it was never kept, or is erased already")
