"""move_run, case_move: cases moved from one version of a definition to another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_9"
down_revision = "20261125_1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "move_run",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("from_version", sa.String(), nullable=False),
        sa.Column("to_version", sa.String(), nullable=False),
        sa.Column("to_digest", sa.String(), nullable=False),
        sa.Column("reverts", sa.String(), nullable=False),
        sa.Column("begun_by", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_move_run_service", "move_run", ["service", "begun_at"], unique=False)
    op.create_table(
        "case_move",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("case_no", sa.CHAR(length=28), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("before_digest", sa.CHAR(length=64), nullable=False),
        sa.Column("after_digest", sa.String(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_no"], ["cases.no"]),
        sa.ForeignKeyConstraint(["run"], ["move_run.id"]),
        sa.PrimaryKeyConstraint("run", "case_no"),
    )
    op.create_index("ix_case_move_case", "case_move", ["case_no"], unique=False)
    op.create_index(op.f("ix_case_move_order_id"), "case_move", ["order_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_case_move_order_id"), table_name="case_move")
    op.drop_index("ix_case_move_case", table_name="case_move")
    op.drop_table("case_move")
    op.drop_index("ix_move_run_service", table_name="move_run")
    op.drop_table("move_run")
