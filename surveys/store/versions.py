"""Versions of a survey's questionnaire in the database."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from surveys.errors import StoreError
from surveys.questionnaire import Questionnaire
from surveys.store.instruments import Item, assign, digest, from_document, hidden_columns, items, to_document
from surveys.store.schema import instrument_version, item


@dataclass(frozen=True, slots=True)
class Version:
    """One stored version of a questionnaire, with the slots of its columns."""

    id: int
    items: Mapping[str, Item]


def register(connection: Connection, survey_id: str, questionnaire: Questionnaire) -> Version:
    """Find this very questionnaire in the survey, or add it as a version with its slots."""
    document = to_document(questionnaire)
    found = connection.execute(
        select(instrument_version.c.id, instrument_version.c.instrument, instrument_version.c.digest)
        .where(instrument_version.c.survey_id == survey_id)
        .order_by(instrument_version.c.id)
    ).all()
    for row in found:
        if row.digest == digest(document):
            return version(connection, row.id)
    if found and found[0].instrument != questionnaire.id:
        raise StoreError(
            f"survey {survey_id!r} is asked with form {found[0].instrument!r}, not {questionnaire.id!r}; "
            "store these answers in a survey of their own"
        )
    values = {
        "survey_id": survey_id,
        "instrument": questionnaire.id,
        "version": questionnaire.version,
        "digest": digest(document),
        "document": document,
    }
    number = connection.execute(insert(instrument_version).values(values).returning(instrument_version.c.id))
    made = Version(number.scalar_one(), {})
    return _add(connection, made, items(questionnaire))


def extend(connection: Connection, known: Version, questionnaire: Questionnaire, kinds: Mapping[str, str]) -> Version:
    """Give slots to stored columns that the form does not name, such as a weight that only the file carries."""
    hidden = hidden_columns(questionnaire.design)
    extra = [
        (name, "coded" if kind == "coded" else "decimal", ())
        for name, kind in kinds.items()
        if name not in known.items and name not in hidden
    ]
    taken = [entry.slot for entry in known.items.values()]
    return _add(connection, known, assign(extra, taken=taken, form=questionnaire.id))


def version(connection: Connection, version_id: int) -> Version:
    """Read the slots of a version."""
    found = connection.execute(select(item).where(item.c.instrument_version_id == version_id).order_by(item.c.slot))
    return Version(version_id, {row.code: Item(row.code, row.slot, row.kind, tuple(row.labels)) for row in found})


def versions(connection: Connection, survey_id: str) -> tuple[Version, ...]:
    """Every version of a survey, oldest first."""
    found = connection.execute(
        select(instrument_version.c.id)
        .where(instrument_version.c.survey_id == survey_id)
        .order_by(instrument_version.c.id)
    ).scalars()
    return tuple(version(connection, number) for number in found.all())


def newest(connection: Connection, survey_id: str) -> Questionnaire:
    """Read the questionnaire that was added last."""
    document = connection.execute(
        select(instrument_version.c.document)
        .where(instrument_version.c.survey_id == survey_id)
        .order_by(instrument_version.c.id.desc())
        .limit(1)
    ).scalar_one()
    return from_document(document)


def _add(connection: Connection, known: Version, added: tuple[Item, ...]) -> Version:
    if not added:
        return known
    connection.execute(
        insert(item),
        [
            {
                "instrument_version_id": known.id,
                "code": entry.code,
                "slot": entry.slot,
                "kind": entry.kind,
                "labels": list(entry.labels),
            }
            for entry in added
        ],
    )
    return Version(known.id, {**known.items, **{entry.code: entry for entry in added}})
