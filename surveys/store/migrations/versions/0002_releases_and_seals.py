"""Releases, the chain of the log, seals of answers, and what an erasure leaves.

Seals and the chain need a key, so they are filled in by the first opening after this revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what a release needs; every answer that is there stays as it is."""
    _changed()
    _releases()
    _said_of_releases()
    _beside()


def _changed() -> None:
    with op.batch_alter_table("wave") as table:
        table.drop_constraint(op.f("ck_wave_state"), type_="check")
        table.create_check_constraint(op.f("ck_wave_state"), "state IN ('draft', 'in_review', 'published')")
    with op.batch_alter_table("batch") as table:
        table.drop_constraint("uq_batch_wave_id_sha256", type_="unique")
        table.add_column(sa.Column("slots", sa.JSON()))
        table.add_column(sa.Column("seal", sa.String(64)))
    op.create_index(
        "ix_batch_wave_id_sha256",
        "batch",
        ["wave_id", "sha256"],
        unique=True,
        sqlite_where=sa.text("status != 'undone'"),
        postgresql_where=sa.text("status != 'undone'"),
    )
    # one by one: SQLite adds a column in place, and would copy every answer in a batch
    op.add_column("submission", sa.Column("position", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("submission", sa.Column("seal", sa.LargeBinary()))
    op.add_column("event", sa.Column("mac", sa.String(64)))


def _releases() -> None:
    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("survey_id", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime()),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("mask", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("mask_digest", sa.String(64), nullable=False),
        sa.Column("signed_digest", sa.String(64), nullable=False),
        sa.Column("supersedes", sa.Integer()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("shared_with", sa.JSON(), nullable=False),
        sa.Column("comment_until", sa.Date()),
        sa.PrimaryKeyConstraint("id", name="pk_release"),
        sa.ForeignKeyConstraint(["survey_id"], ["survey.id"], name="fk_release_survey_id_survey"),
        sa.UniqueConstraint("survey_id", "number", name="uq_release_survey_id_number"),
        sa.CheckConstraint(
            "state IN ('in_review', 'signed', 'shared', 'published', 'superseded', 'withdrawn', 'refused')",
            name=op.f("ck_release_state"),
        ),
    )


def _said_of_releases() -> None:
    op.create_table(
        "release_wave",
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("wave_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("release_id", "wave_id", name="pk_release_wave"),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name="fk_release_wave_release_id_release"),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_release_wave_wave_id_wave"),
    )
    op.create_table(
        "signature",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("checklist", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signature"),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name="fk_signature_release_id_release"),
        sa.UniqueConstraint("release_id", "role", name="uq_signature_release_id_role"),
    )
    op.create_table(
        "comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_comment"),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name="fk_comment_release_id_release"),
    )
    op.create_index("ix_comment_release_id", "comment", ["release_id"])


def _beside() -> None:
    op.create_table(
        "tombstone",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("survey_id", sa.String(64), nullable=False),
        sa.Column("uuid", sa.String(32), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("superseded_by", sa.Integer()),
        sa.Column("erased_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "position", name="pk_tombstone"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_tombstone_batch_id_batch"),
        sa.ForeignKeyConstraint(["superseded_by"], ["batch.id"], name="fk_tombstone_superseded_by_batch"),
        sa.ForeignKeyConstraint(["survey_id"], ["survey.id"], name="fk_tombstone_survey_id_survey"),
    )
    op.create_index("ix_tombstone_survey_id", "tombstone", ["survey_id"])


def downgrade() -> None:
    """Take releases, seals and the chain away; answers stay.

    A file that was undone and came again stands twice in a wave, which the first revision refuses.
    """
    for name in ("tombstone", "comment", "signature", "release_wave", "release"):
        op.drop_table(name)
    with op.batch_alter_table("submission") as table:
        table.drop_column("seal")
        table.drop_column("position")
    with op.batch_alter_table("event") as table:
        table.drop_column("mac")
    op.drop_index("ix_batch_wave_id_sha256", "batch")
    with op.batch_alter_table("batch") as table:
        table.drop_column("seal")
        table.drop_column("slots")
        table.create_unique_constraint("uq_batch_wave_id_sha256", ["wave_id", "sha256"])
    with op.batch_alter_table("wave") as table:
        table.drop_constraint(op.f("ck_wave_state"), type_="check")
        table.create_check_constraint(op.f("ck_wave_state"), "state IN ('draft', 'published')")
