"""The first tables.

Everything is written out and nothing imported from `schema`: a revision never changes after it has landed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of surveys, of answers, and of what is kept beside them."""
    _surveys()
    _waves()
    _submissions()
    _beside()


def _surveys() -> None:
    op.create_table(
        "survey",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_survey"),
    )
    op.create_table(
        "instrument_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("survey_id", sa.String(64), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_instrument_version"),
        sa.ForeignKeyConstraint(["survey_id"], ["survey.id"], name="fk_instrument_version_survey_id_survey"),
        sa.UniqueConstraint("survey_id", "digest", name="uq_instrument_version_survey_id_digest"),
    )
    op.create_table(
        "item",
        sa.Column("instrument_version_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(255), nullable=False),
        sa.Column("slot", sa.String(4), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("instrument_version_id", "code", name="pk_item"),
        sa.ForeignKeyConstraint(
            ["instrument_version_id"], ["instrument_version.id"], name="fk_item_instrument_version_id_instrument_version"
        ),
        sa.UniqueConstraint("instrument_version_id", "slot", name="uq_item_instrument_version_id_slot"),
    )


def _waves() -> None:
    op.create_table(
        "wave",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("survey_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_wave"),
        sa.ForeignKeyConstraint(["survey_id"], ["survey.id"], name="fk_wave_survey_id_survey"),
        sa.UniqueConstraint("survey_id", "name", name="uq_wave_survey_id_name"),
        sa.CheckConstraint("state IN ('draft', 'published')", name=op.f("ck_wave_state")),
    )
    op.create_table(
        "batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("wave_id", sa.Integer(), nullable=False),
        sa.Column("instrument_version_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("received_by", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("superseded_by", sa.Integer()),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batch"),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_batch_wave_id_wave"),
        sa.ForeignKeyConstraint(
            ["instrument_version_id"],
            ["instrument_version.id"],
            name="fk_batch_instrument_version_id_instrument_version",
        ),
        sa.ForeignKeyConstraint(["superseded_by"], ["batch.id"], name="fk_batch_superseded_by_batch"),
        sa.UniqueConstraint("wave_id", "sha256", name="uq_batch_wave_id_sha256"),
        sa.CheckConstraint("status IN ('active', 'superseded', 'undone')", name=op.f("ck_batch_status")),
    )


def _submissions() -> None:
    op.create_table(
        "submission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("superseded_by", sa.Integer()),
        sa.Column("uuid", sa.String(64), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("psu", sa.String(32), nullable=False),
        sa.Column("interviewer", sa.String(32), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("half_day", sa.String(2), nullable=False),
        sa.Column("minutes", sa.Double()),
        *(sa.Column(f"a{number:03d}", sa.SmallInteger()) for number in range(1, 401)),
        *(sa.Column(f"q{number:03d}", sa.Double()) for number in range(1, 41)),
        sa.PrimaryKeyConstraint("id", name="pk_submission"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_submission_batch_id_batch"),
        sa.ForeignKeyConstraint(["superseded_by"], ["batch.id"], name="fk_submission_superseded_by_batch"),
        sa.UniqueConstraint("batch_id", "uuid", name="uq_submission_batch_id_uuid"),
    )
    op.create_index("ix_submission_batch_id", "submission", ["batch_id"])


def _beside() -> None:
    op.create_table(
        "totals",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("survey_id", sa.String(64), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_totals"),
        sa.ForeignKeyConstraint(["survey_id"], ["survey.id"], name="fk_totals_survey_id_survey"),
    )
    op.create_index("ix_totals_survey_id", "totals", ["survey_id"])
    op.create_table(
        "raw_upload",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary()),
        sa.Column("payload", sa.LargeBinary()),
        sa.Column("erased_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("sha256", name="pk_raw_upload"),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_table(
        "secret",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("value", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secret"),
    )


def downgrade() -> None:
    """Take every table away, with all that is in it."""
    for table in (
        "secret", "event", "raw_upload", "totals", "submission", "batch", "wave", "item", "instrument_version", "survey"
    ):
        op.drop_table(table)
