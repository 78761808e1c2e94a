"""province_control, province_watch, province_quarantine, result_file, result_difference; effect.unknown, confirmed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_1"
down_revision = "20261125_9"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "province_control",
        sa.Column("region", sa.CHAR(length=6), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("rate_per_s", sa.Float(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("applied", sa.Integer(), nullable=False),
        sa.Column("days_digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("region"),
    )
    op.create_table(
        "province_watch",
        sa.Column("region", sa.CHAR(length=6), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("took_ms", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("breaker", sa.String(), nullable=False),
        sa.Column("last_success", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("region", "worker", "at"),
    )
    op.create_table(
        "province_quarantine",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("region", sa.CHAR(length=6), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("came_by", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("fields", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "result_file",
        sa.Column("region", sa.CHAR(length=6), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("region", "day"),
    )
    op.create_table(
        "result_difference",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("region", sa.CHAR(length=6), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("business_number", sa.String(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("ours", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_result_difference_day", "result_difference", ["region", "day"])
    op.create_index("ix_province_quarantine_region", "province_quarantine", ["region", "at"])
    op.create_index("ix_province_quarantine_key", "province_quarantine", ["key"])
    op.create_index("ix_province_watch_at", "province_watch", ["at"])
    op.create_index("ix_effect_answered", "effect", ["answered_at"])
    op.create_index(
        "ix_effect_pending", "effect", ["region"], postgresql_where=sa.text("answer->>'status' = 'pending'")
    )
    op.add_column("effect", sa.Column("unknown", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE effect SET unknown = true WHERE answer IS NULL")
    # a worker of the version before still writes here while it is replaced: what it sends may have been done
    op.alter_column("effect", "unknown", server_default=sa.true())
    op.add_column("effect", sa.Column("confirmed", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_index("ix_effect_pending", "effect")
    op.drop_index("ix_effect_answered", "effect")
    op.drop_column("effect", "confirmed")
    op.drop_column("effect", "unknown")
    op.drop_table("province_quarantine")
    op.drop_table("result_difference")
    op.drop_table("result_file")
    op.drop_table("province_watch")
    op.drop_table("province_control")
