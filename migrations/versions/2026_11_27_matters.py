"""matter, insurance_message; the audit trail and the outbox serve matters as well as cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261127_1"
down_revision = "20261126_1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "matter",
        sa.Column("no", sa.CHAR(length=28), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("insured", sa.String(), nullable=False),
        sa.Column("treatment", sa.String(), nullable=False),
        sa.Column("institution", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=False),
        sa.Column("start", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("form", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("waiting", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("waiting_who", sa.String(), nullable=False),
        sa.Column("waiting_region", sa.String(), nullable=False),
        sa.Column("waiting_department", sa.String(), nullable=False),
        sa.Column("next_wake", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("head", sa.CHAR(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("no"),
    )
    op.create_index("ix_matter_owner", "matter", ["owner", "kind", "created_at"])
    op.create_index("ix_matter_person", "matter", ["person", "kind", "created_at"])
    op.create_index("ix_matter_institution", "matter", ["institution", "kind", "created_at"])
    op.create_index("ix_matter_insured", "matter", ["insured", "kind", "created_at"])
    op.create_index("ix_matter_parent", "matter", ["parent"])
    op.create_index("ix_matter_waiting", "matter", ["waiting_who", "waiting_region", "waiting_department"])
    op.create_table(
        "insurance_message",
        sa.Column("msgid", sa.CHAR(length=30), nullable=False),
        sa.Column("matter_no", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("infno", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("insured", sa.String(), nullable=False),
        sa.Column("institution", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("output", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("context", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("msgid"),
        sa.UniqueConstraint("matter_no", "number"),
    )
    op.create_index(
        "ix_insurance_message_open",
        "insurance_message",
        ["place"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.execute("CREATE SEQUENCE msgid_sequence")
    for table in ("event", "outbox"):
        op.drop_constraint(f"{table}_case_no_fkey", table, type_="foreignkey")


def downgrade() -> None:
    op.execute("ALTER TABLE event DISABLE TRIGGER append_only")
    for table in ("event", "outbox"):
        op.execute(f"DELETE FROM {table} WHERE NOT EXISTS (SELECT 1 FROM cases WHERE no = {table}.case_no)")  # noqa: S608
        op.create_foreign_key(f"{table}_case_no_fkey", table, "cases", ["case_no"], ["no"])
    op.execute("ALTER TABLE event ENABLE TRIGGER append_only")
    op.execute("DROP SEQUENCE msgid_sequence")
    op.drop_table("insurance_message")
    op.drop_table("matter")
