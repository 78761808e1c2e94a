"""The first tables: cases, audit, tasks, evidence, effects, licences, documents, outbox, inbox, keys, seals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_1"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("event", "seal")


def upgrade() -> None:
    op.create_table(
        "calendar",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("year"),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_document_owner"), "document", ["owner"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client", "key"),
    )
    op.create_table(
        "inbox",
        sa.Column("region", sa.CHAR(length=6), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("region", "event_id"),
    )
    op.create_index("ix_inbox_verdict", "inbox", ["verdict", "received_at"], unique=False)
    op.create_table(
        "plan",
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index(op.f("ix_plan_code"), "plan", ["code"], unique=False)
    op.create_table(
        "seal",
        sa.Column("no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("below", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("hash", sa.CHAR(length=64), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("no"),
    )
    op.create_table(
        "cases",
        sa.Column("no", sa.CHAR(length=28), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("plan_digest", sa.CHAR(length=64), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("waiting_who", sa.String(), nullable=False),
        sa.Column("waiting_region", sa.String(), nullable=False),
        sa.Column("waiting_department", sa.String(), nullable=False),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("head", sa.CHAR(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_digest"],
            ["plan.digest"],
        ),
        sa.PrimaryKeyConstraint("no"),
    )
    op.create_index(
        "ix_cases_created", "cases", [sa.literal_column("created_at DESC"), sa.literal_column("no DESC")], unique=False
    )
    op.create_index("ix_cases_due", "cases", ["due_at"], unique=False, postgresql_where=sa.text("closed_at IS NULL"))
    op.create_index(
        "ix_cases_owner",
        "cases",
        ["owner", sa.literal_column("created_at DESC"), sa.literal_column("no DESC")],
        unique=False,
    )
    op.create_index(
        "ix_cases_service",
        "cases",
        ["service", sa.literal_column("created_at DESC"), sa.literal_column("no DESC")],
        unique=False,
    )
    op.create_index(
        "ix_cases_status",
        "cases",
        ["status", sa.literal_column("created_at DESC"), sa.literal_column("no DESC")],
        unique=False,
    )
    op.create_index(
        "ix_cases_waiting",
        "cases",
        ["waiting_who", "waiting_region", sa.literal_column("created_at DESC"), sa.literal_column("no DESC")],
        unique=False,
    )
    op.create_table(
        "application",
        sa.Column("case_no", sa.CHAR(length=28), nullable=False),
        sa.Column("form", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("documents", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("case_plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("intake", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("corrected", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("grams", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_no"],
            ["cases.no"],
        ),
        sa.PrimaryKeyConstraint("case_no"),
    )
    op.create_index("ix_application_grams", "application", ["grams"], unique=False, postgresql_using="gin")
    op.create_table(
        "batch",
        sa.Column("case_no", sa.CHAR(length=28), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_no"], ["cases.no"]),
        sa.PrimaryKeyConstraint("case_no", "number"),
    )
    op.create_table(
        "case_party",
        sa.Column("region", sa.CHAR(length=6), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case_no", sa.CHAR(length=28), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_no"],
            ["cases.no"],
        ),
        sa.PrimaryKeyConstraint("region", "department", "created_at", "case_no"),
    )
    op.create_index("ix_case_party_case", "case_party", ["case_no"], unique=False)
    op.create_table(
        "command",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("case_no", sa.CHAR(length=28), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("actor_subject", sa.String(), nullable=False),
        sa.Column("actor_role", sa.String(), nullable=False),
        sa.Column("actor_region", sa.String(), nullable=False),
        sa.Column("actor_department", sa.String(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_no"],
            ["cases.no"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_command_case_no"), "command", ["case_no"], unique=False)
    op.create_index(
        "ix_command_unsettled",
        "command",
        ["effective_at"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL AND effective_at IS NOT NULL"),
    )
    op.create_table(
        "effect",
        sa.Column("key", sa.CHAR(length=64), nullable=False),
        sa.Column("case_no", sa.CHAR(length=28), nullable=False),
        sa.Column("leg", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("original", sa.String(), nullable=False),
        sa.Column("sent", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("trouble_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_no"],
            ["cases.no"],
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_effect_case", "effect", ["case_no"], unique=False)
    op.create_index(
        "ix_effect_unanswered", "effect", ["region"], unique=False, postgresql_where=sa.text("answer IS NULL")
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_no", sa.CHAR(length=28), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_subject", sa.String(), nullable=False),
        sa.Column("actor_role", sa.String(), nullable=False),
        sa.Column("actor_region", sa.String(), nullable=False),
        sa.Column("actor_department", sa.String(), nullable=False),
        sa.Column("leg", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("hash", sa.CHAR(length=64), nullable=False),
        sa.Column(
            "txid", sa.BigInteger(), server_default=sa.text("(pg_current_xact_id()::text::bigint)"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["case_no"],
            ["cases.no"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_no", "seq"),
    )
    op.create_index(op.f("ix_event_txid"), "event", ["txid"], unique=False)
    op.create_table(
        "evidence",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_no", sa.CHAR(length=28), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("preview", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("command_id", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_no"],
            ["cases.no"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_evidence_case_no"), "evidence", ["case_no"], unique=False)
    op.create_table(
        "licence",
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("case_no", sa.CHAR(length=28), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("title", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("shows", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_no"],
            ["cases.no"],
        ),
        sa.PrimaryKeyConstraint("identifier"),
    )
    op.create_index(op.f("ix_licence_case_no"), "licence", ["case_no"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("case_no", sa.CHAR(length=28), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_no"],
            ["cases.no"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_outbox_case_no"), "outbox", ["case_no"], unique=False)
    op.create_index("ix_outbox_open", "outbox", ["due_at"], unique=False, postgresql_where=sa.text("done_at IS NULL"))
    op.create_table(
        "task",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_no", sa.CHAR(length=28), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcomes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("claimed_by", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_no"],
            ["cases.no"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_task_case", "task", ["case_no"], unique=False)
    op.create_index("ix_task_worklist", "task", ["region", "department", "state", "opened_at", "id"], unique=False)
    op.execute("CREATE SEQUENCE case_sequence")
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit trail is append-only: % on %', TG_OP, TG_TABLE_NAME;
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("DROP SEQUENCE case_sequence")
    op.drop_index("ix_task_worklist", table_name="task")
    op.drop_index("ix_task_case", table_name="task")
    op.drop_table("task")
    op.drop_index("ix_outbox_open", table_name="outbox", postgresql_where=sa.text("done_at IS NULL"))
    op.drop_index(op.f("ix_outbox_case_no"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_index(op.f("ix_licence_case_no"), table_name="licence")
    op.drop_table("licence")
    op.drop_index(op.f("ix_evidence_case_no"), table_name="evidence")
    op.drop_table("evidence")
    op.drop_index(op.f("ix_event_txid"), table_name="event")
    op.drop_table("event")
    op.drop_index("ix_effect_unanswered", table_name="effect", postgresql_where=sa.text("answer IS NULL"))
    op.drop_index("ix_effect_case", table_name="effect")
    op.drop_table("effect")
    op.drop_index("ix_command_unsettled", table_name="command")
    op.drop_index(op.f("ix_command_case_no"), table_name="command")
    op.drop_table("command")
    op.drop_index("ix_case_party_case", table_name="case_party")
    op.drop_table("case_party")
    op.drop_table("batch")
    op.drop_index("ix_application_grams", table_name="application", postgresql_using="gin")
    op.drop_table("application")
    op.drop_index("ix_cases_waiting", table_name="cases")
    op.drop_index("ix_cases_status", table_name="cases")
    op.drop_index("ix_cases_service", table_name="cases")
    op.drop_index("ix_cases_owner", table_name="cases")
    op.drop_index("ix_cases_due", table_name="cases", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index("ix_cases_created", table_name="cases")
    op.drop_table("cases")
    op.drop_table("seal")
    op.drop_index(op.f("ix_plan_code"), table_name="plan")
    op.drop_table("plan")
    op.drop_index("ix_inbox_verdict", table_name="inbox")
    op.drop_table("inbox")
    op.drop_table("idempotency")
    op.drop_index(op.f("ix_document_owner"), table_name="document")
    op.drop_table("document")
    op.drop_table("calendar")
