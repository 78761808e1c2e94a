"""health_consent, health_read, health_notice: who may read health data, who has, what people are told of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261127_5"
down_revision = "20261127_2"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
CHANGED_ONCE = (("health_consent", "withdrawn_at"), ("health_notice", "seen_at"))


def upgrade() -> None:
    op.create_table(
        "health_consent",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "person", "subject", "purpose")),
        *(
            sa.Column(name, postgresql.ARRAY(sa.Text()), nullable=False)
            for name in ("scope", "institutions", "provinces")
        ),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("matter", "text_version")),
        sa.Column("granted_at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_health_consent_person", "health_consent", ["person", "granted_at"])
    op.create_table(
        "health_read",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("matter", sa.CHAR(length=28), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("what", "basis", "consent", "reason", "reader", "role", "region", "department")
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_health_read_person", "health_read", ["person", "id"])
    op.create_index("ix_health_read_matter", "health_read", ["matter"])
    op.create_table(
        "health_notice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("read", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_health_notice_person", "health_notice", ["person", "id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON health_read "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    for table, column in CHANGED_ONCE:
        op.execute(
            f"""
            CREATE FUNCTION {table}_once() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF OLD.{column} IS NOT NULL OR NEW.{column} IS NULL
                   OR to_jsonb(OLD) - '{column}' <> to_jsonb(NEW) - '{column}' THEN
                    RAISE EXCEPTION '{table}: only {column} is written, and once';
                END IF;
                RETURN NEW;
            END $$
            """
        )
        op.execute(f"CREATE TRIGGER once BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_once()")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table, _ in CHANGED_ONCE:
        op.drop_table(table)
        op.execute(f"DROP FUNCTION {table}_once()")
    op.drop_table("health_read")
