"""bill, bill_lock, bill_order, bill_event, bill_feed: our own record of fiscal e-bills."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261127_2"
down_revision = "20261127_3"
branch_labels = None
depends_on = None

LIVE = sa.text("state IN ('asked', 'open', 'suspended')")


def _json(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), nullable=null)


def _at(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _fen(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "bill",
        *_text("code", "number", "check_code"),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("region", sa.CHAR(length=6), nullable=False),
        *_text("kind"),
        _json("payer"),
        _json("payee"),
        _json("items"),
        *_fen("total", "fund_pay", "acct_pay", "cash_pay"),
        *_text("setl_id", "file_hash", "status"),
        sa.Column("version", sa.Integer(), nullable=False),
        *_fen("reimbursed"),
        sa.Column("red_waiting", sa.Boolean(), nullable=False),
        *_text("locked_for", "related_code", "related_number"),
        sa.Column("issued_here", sa.Boolean(), nullable=False),
        *_text("owner", "institution", "insured"),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("head", sa.CHAR(length=64), nullable=False),
        _at("created_at"),
        _at("updated_at"),
        sa.PrimaryKeyConstraint("code", "number"),
    )
    op.create_index("ix_bill_owner", "bill", ["owner"])
    op.create_index("ix_bill_institution", "bill", ["institution"])
    op.create_table(
        "bill_lock",
        sa.Column("order_key", sa.CHAR(length=64), nullable=False),
        sa.Column("lock_id", sa.String(), nullable=True),
        *_text("code", "number", "owner_unit", "purpose"),
        *_fen("amount"),
        *_text("claim", "region", "department", "state"),
        _at("asked_at"),
        _at("locked_at", null=True),
        _at("expires_at", null=True),
        _at("suspended_at", null=True),
        sa.Column("tx_no", sa.String(), nullable=True),
        sa.Column("reimb_amount", sa.BigInteger(), nullable=True),
        _at("reimb_time", null=True),
        sa.Column("refund_tx_no", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("order_key"),
        sa.ForeignKeyConstraint(["code", "number"], ["bill.code", "bill.number"]),
        sa.UniqueConstraint("lock_id"),
        sa.UniqueConstraint("tx_no"),
        sa.UniqueConstraint("refund_tx_no"),
    )
    op.create_index("uq_bill_lock_live", "bill_lock", ["code", "number"], unique=True, postgresql_where=LIVE)
    op.create_index("ix_bill_lock_bill", "bill_lock", ["code", "number"])
    op.create_table(
        "bill_order",
        sa.Column("key", sa.CHAR(length=64), nullable=False),
        *_text("kind", "code", "number"),
        _json("body"),
        _json("place"),
        _json("actor"),
        sa.Column("tries", sa.Integer(), nullable=False),
        _at("asked_at"),
        _json("outcome", null=True),
        _at("answered_at", null=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_bill_order_open", "bill_order", ["asked_at"], postgresql_where=sa.text("outcome IS NULL"))
    op.create_table(
        "bill_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_text("code", "number"),
        sa.Column("seq", sa.Integer(), nullable=False),
        *_text("type"),
        _at("at"),
        *_text("actor_subject", "actor_role", "actor_region", "actor_department"),
        _json("data"),
        sa.Column("hash", sa.CHAR(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["code", "number"], ["bill.code", "bill.number"]),
        sa.UniqueConstraint("code", "number", "seq"),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bill_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.create_table(
        "bill_feed",
        *_text("name"),
        *_fen("after"),
        _at("read_at"),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER append_only ON bill_event")
    for table in ("bill_feed", "bill_event", "bill_order", "bill_lock", "bill"):
        op.drop_table(table)
