"""Tables of the store: wide submissions with numbered slots, so that a new questionnaire is rows and never DDL."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

#: Coded answers a questionnaire may have: questions with one answer, and each choice of questions with many.
CODED_SLOTS: Final = 400
#: Amounts and numbers a questionnaire may have.
NUMBER_SLOTS: Final = 40

#: Names for every constraint: SQLite rebuilds a table to change it, and cannot drop what has no name.
NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING)


class Utc(TypeDecorator[datetime]):
    """A moment: aware in Python, stored in UTC without a zone, so that every database keeps the same text."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone, which would mean another hour on another machine."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time for the store needs a zone; give datetime.now(tz=UTC)")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        del dialect
        return None if value is None else value.replace(tzinfo=UTC)


def slots(letter: str, count: int) -> tuple[str, ...]:
    """Names of numbered slots: a001, a002, ..."""
    return tuple(f"{letter}{number:03d}" for number in range(1, count + 1))


CODED: Final = slots("a", CODED_SLOTS)
NUMBERS: Final = slots("q", NUMBER_SLOTS)

survey = Table(
    "survey",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("title", Text, nullable=False),
    Column("synthetic", Boolean, nullable=False),
    Column("team", Text, nullable=False),
)

instrument_version = Table(
    "instrument_version",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("survey_id", ForeignKey("survey.id"), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("survey_id", "digest"),
)

item = Table(
    "item",
    metadata,
    Column("instrument_version_id", ForeignKey("instrument_version.id"), primary_key=True),
    Column("code", String(255), primary_key=True),
    Column("slot", String(4), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("labels", JSON, nullable=False),  # codes of the choices in their order, [] where none is to be decoded
    UniqueConstraint("instrument_version_id", "slot"),
)

wave = Table(
    "wave",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("survey_id", ForeignKey("survey.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    UniqueConstraint("survey_id", "name"),
    CheckConstraint("state IN ('draft', 'published')", name="state"),
)

batch = Table(
    "batch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("wave_id", ForeignKey("wave.id"), nullable=False),
    Column("instrument_version_id", ForeignKey("instrument_version.id"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("filename", Text, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("received_by", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("superseded_by", ForeignKey("batch.id")),
    Column("n_rows", Integer, nullable=False),
    UniqueConstraint("wave_id", "sha256"),
    CheckConstraint("status IN ('active', 'superseded', 'undone')", name="status"),
)

submission = Table(
    "submission",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("batch_id", ForeignKey("batch.id"), nullable=False),
    Column("superseded_by", ForeignKey("batch.id")),
    Column("uuid", String(64), nullable=False),
    Column("content", String(64), nullable=False),
    Column("psu", String(32), nullable=False),
    Column("interviewer", String(32), nullable=False),
    Column("day", String(10), nullable=False),
    Column("half_day", String(2), nullable=False),
    Column("minutes", Double),
    *(Column(slot, SmallInteger) for slot in CODED),
    *(Column(slot, Double) for slot in NUMBERS),
    UniqueConstraint("batch_id", "uuid"),
)

totals = Table(
    "totals",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("survey_id", ForeignKey("survey.id"), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("made_at", Utc, nullable=False),
)

raw_upload = Table(
    "raw_upload",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("key_id", String(32), nullable=False),
    Column("wrapped_key", LargeBinary),
    Column("payload", LargeBinary),
    Column("erased_at", Utc),
)

event = Table(
    "event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", JSON, nullable=False),
)

secret = Table(
    "secret",
    metadata,
    Column("name", String(16), primary_key=True),  # "salt": made here; "check": proves that a given salt is the same
    Column("value", String(64), nullable=False),
)

Index(None, submission.c.batch_id)  # gives the rows of a batch in the order they were stored
Index(None, totals.c.survey_id)
