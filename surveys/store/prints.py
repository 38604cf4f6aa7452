"""What the log proves of the tables beside it: one short text for each thing that is as it was written.

Every change writes the texts of what it changed into its own line of the log; read in order, the log then tells how
each thing must look now.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, select, true

from surveys.store.audit import canonical
from surveys.store.instruments import digest as document_digest
from surveys.store.schema import (
    batch,
    comment,
    instrument_version,
    item,
    release,
    release_wave,
    signature,
    submission,
    tombstone,
    wave,
)

#: A thing -> how it is; the thing is named by a JSON list of its kind and its keys.
Prints = Mapping[str, str]

_BYTES = ("document", "mask")


def thing(kind: str, *keys: str | int) -> str:
    """Name a thing in the log."""
    return canonical([kind, *keys])


def everything(connection: Connection) -> Prints:
    """How each thing is now, but for what each file replaced (see `replaced`)."""
    return {
        **of_waves(connection),
        **of_releases(connection),
        **of_signatures(connection),
        **of_comments(connection),
        **of_batches(connection),
        **of_forms(connection),
        **of_erased(connection),
    }


def of_waves(connection: Connection, numbers: Iterable[int] | None = None) -> Prints:
    """State of each wave, or of those with the ids given."""
    chosen = select(wave.c.survey_id, wave.c.name, wave.c.state).where(_among(wave.c.id, numbers))
    return {thing("wave", row.survey_id, row.name): row.state for row in connection.execute(chosen)}


def of_releases(connection: Connection, ids: Iterable[int] | None = None) -> Prints:
    """Every release, or those with the ids given: its row but for the two documents, whose digests are in it."""
    columns = [column for column in release.columns if column.name not in _BYTES]
    found = connection.execute(select(*columns).where(_among(release.c.id, ids))).mappings().all()
    waves = _waves_of(connection, [row["id"] for row in found])
    return {
        thing("release", row["survey_id"], row["number"]): _digest(
            [*(str(row[column.name]) for column in columns if column.name not in {"id", "shared_with"})],
            [row["shared_with"], waves.get(row["id"], [])],
        )
        for row in found
    }


def of_signatures(connection: Connection, ids: Iterable[int] | None = None) -> Prints:
    """Every signature, or those of the releases with the ids given."""
    chosen = (
        select(release.c.survey_id, release.c.number, *signature.columns)
        .join(release, release.c.id == signature.c.release_id)
        .where(_among(release.c.id, ids))
    )
    return {
        thing("signature", row.survey_id, row.number, row.role): _digest(
            [row.who, row.verified, str(row.at), row.checklist, row.digest]
        )
        for row in connection.execute(chosen)
    }


def of_comments(connection: Connection, ids: Iterable[int] | None = None) -> Prints:
    """Every comment, or those of the releases with the ids given."""
    chosen = (
        select(release.c.survey_id, release.c.number, *comment.columns)
        .join(release, release.c.id == comment.c.release_id)
        .where(_among(release.c.id, ids))
    )
    return {
        thing("comment", row.survey_id, row.number, row.id): _digest([row.agency, row.text, row.who, str(row.at)])
        for row in connection.execute(chosen)
    }


def of_batches(connection: Connection, ids: Iterable[int] | None = None) -> Prints:
    """Seal and standing of each file, or of those with the ids given."""
    chosen = select(batch.c.id, batch.c.seal, batch.c.status, batch.c.superseded_by).where(_among(batch.c.id, ids))
    found: dict[str, str] = {}
    for row in connection.execute(chosen):
        found[thing("batch", row.id)] = row.seal or ""
        found[thing("standing", row.id)] = f"{row.status} {row.superseded_by or ''}".strip()
    return found


def of_forms(connection: Connection, ids: Iterable[int] | None = None) -> Prints:
    """Every version of a form that answers are stored under: its document, and where each column lies."""
    asked = select(batch.c.instrument_version_id) if ids is None else list(ids)
    forms = select(instrument_version).where(instrument_version.c.id.in_(asked))
    found = {}
    for form in connection.execute(forms).all():
        items = connection.execute(
            select(item.c.code, item.c.slot, item.c.kind, item.c.labels)
            .where(item.c.instrument_version_id == form.id)
            .order_by(item.c.slot)
        )
        own = [form.survey_id, form.instrument, form.version, form.digest, document_digest(form.document)]
        found[thing("form", form.id)] = _digest(own, [list(row) for row in items])
    return found


def of_replaced(places: Iterable[Sequence[int]]) -> str:
    """Submissions that a file stands for, each by its batch and its position there."""
    return _digest(sorted([int(number), int(position)] for number, position in places))


def replaced(connection: Connection) -> Mapping[int, list[tuple[int, int]]]:
    """Places of all submissions that others stand for, by the batch that does; erased ones too."""
    found: dict[int, list[tuple[int, int]]] = {}
    for table in (submission, tombstone):
        rows = connection.execute(
            select(table.c.superseded_by, table.c.batch_id, table.c.position).where(table.c.superseded_by.is_not(None))
        )
        for by, number, position in rows:
            found.setdefault(by, []).append((number, position))
    return found


def of_erased(connection: Connection, survey_id: str | None = None, code: str | None = None) -> Prints:
    """Every erased submission, or one by its salted uuid: the places that it left."""
    chosen = select(tombstone).order_by(tombstone.c.batch_id, tombstone.c.position)
    if code is not None:
        chosen = chosen.where(tombstone.c.survey_id == survey_id, tombstone.c.uuid == code)
    places: dict[str, list[object]] = {}
    for row in connection.execute(chosen):
        place = [row.batch_id, row.position, bytes(row.seal).hex(), str(row.erased_at)]
        places.setdefault(thing("erased", row.survey_id, row.uuid), []).append(place)
    return {name: _digest(found) for name, found in places.items()}


def _waves_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    chosen = (
        select(release_wave.c.release_id, wave.c.name)
        .join(wave, wave.c.id == release_wave.c.wave_id)
        .where(release_wave.c.release_id.in_(list(ids)))
        .order_by(release_wave.c.release_id, release_wave.c.position)
    )
    found: dict[int, list[str]] = {}
    for row in connection.execute(chosen):
        found.setdefault(row.release_id, []).append(row.name)
    return found


def _among(column: "ColumnElement[int]", ids: Iterable[int] | None) -> ColumnElement[bool]:
    return true() if ids is None else column.in_(list(ids))


def _digest(*parts: object) -> str:
    return hashlib.sha256(canonical(parts).encode()).hexdigest()
