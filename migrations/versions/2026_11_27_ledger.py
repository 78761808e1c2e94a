"""settlement, ledger_*, clearing_*, book_line, reconciliation_*, settlement_doubt: books that balance and stay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261127_3"
down_revision = "20261127_1"
branch_labels = None
depends_on = None

APPEND_ONLY = ("settlement", "ledger_entry", "ledger_posting", "clearing_act", "reconciliation_event")
KEPT = ("clearing_item", "clearing_statement", "clearing_period", "reconciliation_difference")
FUNCTIONS = """
CREATE FUNCTION refuse_book_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the books are append-only: % on %', TG_OP, TG_TABLE_NAME;
END $$;
CREATE FUNCTION check_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry_id bigint := to_jsonb(NEW)->>(CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN 'id' ELSE 'entry' END);
    total numeric; between_provinces numeric; lines integer;
BEGIN
    SELECT sum(amount), sum(amount) FILTER (WHERE account IN ('advance', 'payable')), count(*)
        INTO total, between_provinces, lines FROM ledger_posting WHERE entry = entry_id;
    IF lines = 0 OR total <> 0 OR coalesce(between_provinces, 0) <> 0 THEN
        RAISE EXCEPTION 'entry % does not balance: % postings, % fen, % fen between provinces',
            entry_id, lines, total, between_provinces;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION check_settlement_entered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_entry WHERE setl_id = NEW.setl_id) THEN
        RAISE EXCEPTION 'settlement % has no entry', NEW.setl_id;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION keep_cleared_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.setl_id, NEW.payer, NEW.payee, NEW.day, NEW.amount)
        IS DISTINCT FROM (OLD.setl_id, OLD.payer, OLD.payee, OLD.day, OLD.amount)
    OR EXISTS (SELECT 1 FROM clearing_period WHERE month = OLD.month AND state IN ('cleared', 'paid')) THEN
        RAISE EXCEPTION 'item % stands in a cleared month, or would change in what it is', OLD.setl_id;
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION keep_cleared_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the statement % % of % is cleared', OLD.payer, OLD.payee, OLD.month;
END $$;
"""
TRIGGERS = """
CREATE CONSTRAINT TRIGGER balances AFTER INSERT ON ledger_entry DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_entry_balances();
CREATE CONSTRAINT TRIGGER balances AFTER INSERT ON ledger_posting DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_entry_balances();
CREATE CONSTRAINT TRIGGER entered AFTER INSERT ON settlement DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_settlement_entered();
CREATE TRIGGER cleared_stays BEFORE UPDATE ON clearing_item FOR EACH ROW WHEN (OLD.month IS NOT NULL
    OR (NEW.setl_id, NEW.payer, NEW.payee, NEW.day, NEW.amount)
        IS DISTINCT FROM (OLD.setl_id, OLD.payer, OLD.payee, OLD.day, OLD.amount))
    EXECUTE FUNCTION keep_cleared_item();
CREATE TRIGGER cleared_stays BEFORE UPDATE ON clearing_statement FOR EACH ROW WHEN (OLD.cleared AND
    (NEW.items, NEW.proposed, NEW.disputed_items, NEW.disputed, NEW.answer, NEW.cleared, NEW.amount)
        IS DISTINCT FROM
    (OLD.items, OLD.proposed, OLD.disputed_items, OLD.disputed, OLD.answer, OLD.cleared, OLD.amount))
    EXECUTE FUNCTION keep_cleared_statement();
"""
ADDS_UP = """
ALTER TABLE settlement
    ADD CONSTRAINT bill_by_class CHECK (
        medfee_sumamt = fulamt_ownpay_amt + overlmt_selfpay + preselfpay_amt + inscp_scp_amt),
    ADD CONSTRAINT bill_by_payer CHECK (medfee_sumamt = fund_pay_sumamt + psn_part_amt + hosp_part_amt),
    ADD CONSTRAINT funds CHECK (
        fund_pay_sumamt = hifp_pay + hifob_pay + hifmi_pay + hifes_pay + cvlserv_pay + maf_pay + oth_pay),
    ADD CONSTRAINT person CHECK (psn_part_amt = acct_pay + acct_mulaid_pay + psn_cash_pay)
"""


def _each(script: str) -> list[str]:
    """The driver takes one statement at a time."""
    parts = script.replace("\nCREATE", "\n\0CREATE").split("\0")
    return [part.strip().removesuffix(";") for part in parts if part.strip()]


def upgrade() -> None:
    op.create_table(
        "book_line",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("book", sa.String(), nullable=False),
        sa.Column("no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("setl_id", sa.String(), nullable=False),
        sa.Column("msgid", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("medfee_sumamt", sa.BigInteger(), nullable=False),
        sa.Column("fund_pay_sumamt", sa.BigInteger(), nullable=False),
        sa.Column("acct_pay", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "book", "no"),
    )
    op.create_index("ix_book_line_setl", "book_line", ["day", "book", "setl_id"], unique=False)
    op.create_table(
        "clearing_period",
        sa.Column("month", sa.CHAR(length=7), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("proposed_on", sa.Date(), nullable=True),
        sa.Column("confirm_by", sa.Date(), nullable=True),
        sa.Column("cleared_on", sa.Date(), nullable=True),
        sa.Column("pay_by", sa.Date(), nullable=True),
        sa.Column("pay_by_provisional", sa.Boolean(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "reconciliation_difference",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("book", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("setl_id", sa.String(), nullable=False),
        sa.Column("msgid", sa.String(), nullable=False),
        sa.Column("ours", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("theirs", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("claimed_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("day", "book", "kind", "setl_id"),
    )
    op.create_index(
        "ix_reconciliation_difference_work", "reconciliation_difference", ["region", "state", "day"], unique=False
    )
    op.create_table(
        "reconciliation_run",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("book", sa.String(), nullable=False),
        sa.Column("read", sa.Boolean(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("agreed", sa.Integer(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("in_doubt", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", "book"),
    )
    op.create_table(
        "settlement",
        sa.Column("setl_id", sa.String(), nullable=False),
        sa.Column("msgid", sa.String(), nullable=False),
        sa.Column("stay", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("insured", sa.CHAR(length=6), nullable=False),
        sa.Column("treatment", sa.CHAR(length=6), nullable=False),
        sa.Column("payer", sa.CHAR(length=6), nullable=False),
        sa.Column("payee", sa.CHAR(length=6), nullable=False),
        sa.Column("institution", sa.String(), nullable=False),
        sa.Column("med_type", sa.String(), nullable=False),
        sa.Column("clr_type", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("payable", sa.BigInteger(), nullable=False),
        sa.Column("medfee_sumamt", sa.BigInteger(), nullable=False),
        sa.Column("fulamt_ownpay_amt", sa.BigInteger(), nullable=False),
        sa.Column("overlmt_selfpay", sa.BigInteger(), nullable=False),
        sa.Column("preselfpay_amt", sa.BigInteger(), nullable=False),
        sa.Column("inscp_scp_amt", sa.BigInteger(), nullable=False),
        sa.Column("act_pay_dedc", sa.BigInteger(), nullable=False),
        sa.Column("hifp_pay", sa.BigInteger(), nullable=False),
        sa.Column("hifob_pay", sa.BigInteger(), nullable=False),
        sa.Column("hifmi_pay", sa.BigInteger(), nullable=False),
        sa.Column("hifes_pay", sa.BigInteger(), nullable=False),
        sa.Column("cvlserv_pay", sa.BigInteger(), nullable=False),
        sa.Column("maf_pay", sa.BigInteger(), nullable=False),
        sa.Column("oth_pay", sa.BigInteger(), nullable=False),
        sa.Column("fund_pay_sumamt", sa.BigInteger(), nullable=False),
        sa.Column("psn_part_amt", sa.BigInteger(), nullable=False),
        sa.Column("acct_pay", sa.BigInteger(), nullable=False),
        sa.Column("acct_mulaid_pay", sa.BigInteger(), nullable=False),
        sa.Column("psn_cash_pay", sa.BigInteger(), nullable=False),
        sa.Column("hosp_part_amt", sa.BigInteger(), nullable=False),
        sa.Column("original", sa.String(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["original"],
            ["settlement.setl_id"],
        ),
        sa.PrimaryKeyConstraint("setl_id"),
        sa.UniqueConstraint("msgid"),
    )
    op.create_index("ix_settlement_day", "settlement", ["day"], unique=False)
    op.create_index("ix_settlement_stay", "settlement", ["stay"], unique=False)
    op.create_index(
        "ux_settlement_original",
        "settlement",
        ["original"],
        unique=True,
        postgresql_where=sa.text("original IS NOT NULL"),
    )
    op.create_table(
        "settlement_doubt",
        sa.Column("msgid", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("msgid"),
    )
    op.create_table(
        "clearing_act",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("month", sa.CHAR(length=7), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payer", sa.String(), nullable=False),
        sa.Column("actor_subject", sa.String(), nullable=False),
        sa.Column("actor_role", sa.String(), nullable=False),
        sa.Column("actor_region", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("setl_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["month"],
            ["clearing_period.month"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_clearing_act_month", "clearing_act", ["month"], unique=False)
    op.create_index("ux_clearing_act_command", "clearing_act", ["command"], unique=True)
    op.create_table(
        "clearing_item",
        sa.Column("setl_id", sa.String(), nullable=False),
        sa.Column("payer", sa.CHAR(length=6), nullable=False),
        sa.Column("payee", sa.CHAR(length=6), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.CHAR(length=7), nullable=True),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column("carried", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["setl_id"],
            ["settlement.setl_id"],
        ),
        sa.PrimaryKeyConstraint("setl_id"),
    )
    op.create_index(
        "ix_clearing_item_due", "clearing_item", ["day"], unique=False, postgresql_where=sa.text("month IS NULL")
    )
    op.create_index("ix_clearing_item_month", "clearing_item", ["month", "payer", "payee"], unique=False)
    op.create_table(
        "clearing_statement",
        sa.Column("month", sa.CHAR(length=7), nullable=False),
        sa.Column("payer", sa.CHAR(length=6), nullable=False),
        sa.Column("payee", sa.CHAR(length=6), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("proposed", sa.BigInteger(), nullable=False),
        sa.Column("disputed_items", sa.Integer(), nullable=False),
        sa.Column("disputed", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("cleared", sa.Boolean(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["month"],
            ["clearing_period.month"],
        ),
        sa.PrimaryKeyConstraint("month", "payer", "payee"),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("setl_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("stay", sa.String(), nullable=False),
        sa.Column("payer", sa.CHAR(length=6), nullable=False),
        sa.Column("payee", sa.CHAR(length=6), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["setl_id"],
            ["settlement.setl_id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("setl_id"),
    )
    op.create_index("ix_ledger_entry_day", "ledger_entry", ["day"], unique=False)
    op.create_table(
        "reconciliation_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("difference", sa.String(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("actor_subject", sa.String(), nullable=False),
        sa.Column("actor_role", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["difference"],
            ["reconciliation_difference.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_reconciliation_event_difference", "reconciliation_event", ["difference"], unique=False)
    op.create_table(
        "ledger_posting",
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("province", sa.CHAR(length=6), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry"],
            ["ledger_entry.id"],
        ),
        sa.PrimaryKeyConstraint("entry", "line"),
    )
    op.execute(ADDS_UP)
    for statement in _each(FUNCTIONS) + _each(TRIGGERS):
        op.execute(statement)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_book_change()"
        )
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_book_change()"
        )


def downgrade() -> None:
    op.drop_table("ledger_posting")
    op.drop_index("ix_reconciliation_event_difference", table_name="reconciliation_event")
    op.drop_table("reconciliation_event")
    op.drop_index("ix_ledger_entry_day", table_name="ledger_entry")
    op.drop_table("ledger_entry")
    op.drop_table("clearing_statement")
    op.drop_index("ix_clearing_item_month", table_name="clearing_item")
    op.drop_index("ix_clearing_item_due", table_name="clearing_item", postgresql_where=sa.text("month IS NULL"))
    op.drop_table("clearing_item")
    op.drop_index("ux_clearing_act_command", table_name="clearing_act")
    op.drop_index("ix_clearing_act_month", table_name="clearing_act")
    op.drop_table("clearing_act")
    op.drop_table("settlement_doubt")
    op.drop_index("ux_settlement_original", table_name="settlement", postgresql_where=sa.text("original IS NOT NULL"))
    op.drop_index("ix_settlement_stay", table_name="settlement")
    op.drop_index("ix_settlement_day", table_name="settlement")
    op.drop_table("settlement")
    op.drop_table("reconciliation_run")
    op.drop_index("ix_reconciliation_difference_work", table_name="reconciliation_difference")
    op.drop_table("reconciliation_difference")
    op.drop_table("clearing_period")
    op.drop_index("ix_book_line_setl", table_name="book_line")
    op.drop_table("book_line")
    for function in (
        "refuse_book_change", "check_entry_balances", "check_settlement_entered", "keep_cleared_item",
        "keep_cleared_statement",
    ):  # fmt: skip
        op.execute(f"DROP FUNCTION {function}()")
