"""Tables of the store: wide submissions with numbered slots, so that a new questionnaire is rows and never DDL."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
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
    CheckConstraint("state IN ('draft', 'in_review', 'published')", name="state"),
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
    Column("slots", JSON),  # the slots that its rows fill; every other one is empty
    Column("seal", String(64)),  # over what it is and over the seals of its rows in their order
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
    Column("position", Integer, nullable=False, server_default="0"),  # 1, 2, ... within its batch
    Column("seal", LargeBinary),  # over the values of the row, all but `superseded_by`
    UniqueConstraint("batch_id", "uuid"),
)

tombstone = Table(
    "tombstone",
    metadata,
    Column("batch_id", ForeignKey("batch.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("survey_id", ForeignKey("survey.id"), nullable=False),
    Column("uuid", String(32), nullable=False),  # salted
    Column("seal", LargeBinary, nullable=False),
    Column("superseded_by", ForeignKey("batch.id")),
    Column("erased_at", Utc, nullable=False),
)

release = Table(
    "release",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("survey_id", ForeignKey("survey.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("published_at", Utc),
    Column("document", LargeBinary, nullable=False),
    Column("mask", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("mask_digest", String(64), nullable=False),
    Column("signed_digest", String(64), nullable=False),  # of the document that was signed
    Column("supersedes", Integer),
    Column("reason", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("shared_with", JSON, nullable=False),
    Column("comment_until", Date),
    UniqueConstraint("survey_id", "number"),
    CheckConstraint(
        "state IN ('in_review', 'signed', 'shared', 'published', 'superseded', 'withdrawn', 'refused')", name="state"
    ),
)

release_wave = Table(
    "release_wave",
    metadata,
    Column("release_id", ForeignKey("release.id"), primary_key=True),
    Column("wave_id", ForeignKey("wave.id"), primary_key=True),
    Column("position", Integer, nullable=False),
)

signature = Table(
    "signature",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("release_id", ForeignKey("release.id"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("who", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("at", Utc, nullable=False),
    Column("checklist", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
    UniqueConstraint("release_id", "role"),
)

comment = Table(
    "comment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("release_id", ForeignKey("release.id"), nullable=False),
    Column("agency", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Utc, nullable=False),
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
    Column("mac", String(64)),  # None only between a migration and the end of the first opening
)

job = Table(
    "job",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("survey_id", String(64), nullable=False),  # not a key: the survey may come with the file
    Column("wave", String(64), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("place", String(64), nullable=False),  # where the file lies in the folder of waiting files
    Column("sealed", Boolean, nullable=False),
    Column("who", Text, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("lease_until", Utc),  # of a job that waits: when it may be begun again
    Column("worker", String(64), nullable=False),
    Column("problem", Text, nullable=False),
    Column("report", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    CheckConstraint("kind IN ('check', 'import')", name="kind"),
    CheckConstraint("stage IN ('read', 'check', 'store', 'score')", name="stage"),
    CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
)

secret = Table(
    "secret",
    metadata,
    # "salt" and "audit-key": made here; "check" and "audit-check": prove that a given one is the same; "head": binds
    # the end of the log
    Column("name", String(16), primary_key=True),
    Column("value", String(64), nullable=False),
)

Index(None, submission.c.batch_id)  # gives the rows of a batch in the order they were stored
Index(None, totals.c.survey_id)
Index(None, tombstone.c.survey_id)
Index(None, comment.c.release_id)
Index(None, job.c.state)
# a file counts once in a wave; one that was undone may come again
Index(
    None,
    batch.c.wave_id,
    batch.c.sha256,
    unique=True,
    sqlite_where=batch.c.status != "undone",
    postgresql_where=batch.c.status != "undone",
)
