"""Who acts for whom, drafts, messages and notes, ratings, sessions at the virtual window."""

from __future__ import annotations

from importlib import import_module

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_1"
down_revision = "20261123_2"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)
CASE = sa.CHAR(length=28)
ADDED = {"cases": ("principal", "basis", "identity", "reopens")} | dict.fromkeys(
    ("event", "command"), ("actor_principal", "actor_basis")
)
# the function of 20261123_2, with two more columns of an event
RECORD_BATCH = """
CREATE OR REPLACE FUNCTION record_batch(given jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    this_case CONSTANT text := given->>'case_no';
    this_number CONSTANT integer := (given->>'number')::integer;
    at CONSTANT timestamptz := (given->>'at')::timestamptz;
    view CONSTANT jsonb := given->'view';
    locked cases%ROWTYPE;
    first integer;
    item jsonb;
BEGIN
    SELECT * INTO locked FROM cases WHERE no = this_case FOR NO KEY UPDATE;
    IF NOT FOUND OR locked.recorded < this_number - 1 THEN
        RAISE EXCEPTION 'batch % is out of order', this_number USING ERRCODE = 'TB001';
    ELSIF locked.recorded >= this_number THEN
        IF EXISTS (SELECT 1 FROM batch b WHERE b.case_no = this_case AND b.number = this_number
                   AND b.digest <> given->>'digest') THEN
            RAISE EXCEPTION 'another batch % was written', this_number USING ERRCODE = 'TB002';
        END IF;
        RETURN false;
    END IF;

    first := locked.events;
    FOR item IN SELECT value FROM jsonb_array_elements(given->'events') LOOP
        locked.events := locked.events + 1;
        locked.head := encode(sha256(convert_to(locked.head || locked.events || (item->>'body_hash'), 'UTF8')), 'hex');
        INSERT INTO event (case_no, seq, type, at, actor_subject, actor_role, actor_region, actor_department,
                           actor_principal, actor_basis, leg, step, data, hash)
        VALUES (this_case, locked.events, item->>'type', (item->>'at')::timestamptz, item->'actor'->>'subject',
                item->'actor'->>'role', item->'actor'->>'region', item->'actor'->>'department',
                coalesce(item->'actor'->>'principal', ''), coalesce(item->'actor'->>'basis', ''),
                item->>'leg', item->>'step', item->'data', locked.head);
    END LOOP;

    INSERT INTO batch (case_no, number, digest, epoch, first, last)
    VALUES (this_case, this_number, given->>'digest', (given->>'epoch')::bigint, first + 1, locked.events);

    UPDATE cases SET status = view->>'status', reason = view->>'reason', progress = view,
        waiting_who = given->'waiting'->>'who', waiting_region = given->'waiting'->>'region',
        waiting_department = given->'waiting'->>'department', due_at = (view->>'due_at')::timestamptz,
        closed_at = (view->>'closed_at')::timestamptz, recorded = this_number, events = locked.events,
        head = locked.head, updated_at = at
    WHERE no = this_case;

    INSERT INTO task (id, case_no, step, kind, role, region, department, state, outcomes, opened_at, due_at,
                      outcome, claimed_by, queue, revision)
    SELECT t->>'id', this_case, t->>'step', t->>'kind', t->>'role', t->'place'->>'region', t->'place'->>'department',
           'open', ARRAY(SELECT jsonb_array_elements_text(t->'outcomes')), (t->>'opened_at')::timestamptz,
           (t->>'due_at')::timestamptz, '', '', t->>'queue', 1
    FROM jsonb_array_elements(given->'tasks') AS t WHERE t->>'state' = 'open'
    ON CONFLICT DO NOTHING;

    INSERT INTO case_party (region, department, created_at, case_no) -- whoever has a task in it takes part
    SELECT DISTINCT t->'place'->>'region', t->'place'->>'department', locked.created_at, this_case
    FROM jsonb_array_elements(given->'tasks') AS t WHERE t->>'state' = 'open'
    ON CONFLICT DO NOTHING;

    -- a task opened and closed within one batch stands above by now
    UPDATE task SET state = t->>'state', outcome = t->>'outcome', closed_at = at, revision = revision + 1
    FROM jsonb_array_elements(given->'tasks') AS t WHERE task.id = t->>'id' AND t->>'state' <> 'open';

    INSERT INTO evidence (id, case_no, step, region, department, state, document_id, command_id, updated_at)
    SELECT e->>'id', this_case, e->>'step', e->'place'->>'region', e->'place'->>'department', e->>'state',
           coalesce((SELECT body->>'document_id' FROM command
                     WHERE id = e->>'command' AND e->>'state' = 'replaced'), ''),
           e->>'command', at
    FROM jsonb_array_elements(given->'evidence') AS e
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, command_id = excluded.command_id,
        document_id = excluded.document_id, updated_at = at
    WHERE evidence.state <> excluded.state OR evidence.command_id <> excluded.command_id;

    UPDATE command SET effective_at = at
    WHERE id IN (SELECT jsonb_array_elements_text(given->'commands'));

    IF view->'corrections' <> '[]' THEN
        UPDATE application SET corrected = coalesce((
            SELECT jsonb_object_agg(field.key, field.value->'after' ORDER BY c.n)
            FROM jsonb_array_elements(view->'corrections') WITH ORDINALITY AS c(item, n)
            JOIN command ON command.id = c.item->>'command', jsonb_each(command.body->'fields') AS field
            WHERE NOT (c.item->>'reverted')::boolean AND c.item->'fields' ? field.key), '{}')
        WHERE case_no = this_case;
    END IF;

    IF this_number = 1 THEN -- the workflow runs: this is the proof that its start has arrived
        UPDATE outbox SET done_at = now() WHERE case_no = this_case AND kind = 'start' AND done_at IS NULL;
    END IF;
    RETURN true;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, columns in ADDED.items():
        for column in columns:
            op.add_column(table, sa.Column(column, sa.String(), nullable=False, server_default=""))
            op.alter_column(table, column, server_default=None)
    newest = [sa.text("created_at DESC"), sa.text("no DESC")]
    op.create_index("ix_cases_principal", "cases", ["principal", *newest])
    op.create_index("ix_cases_identity", "cases", ["identity"], postgresql_where=sa.text("closed_at IS NULL"))
    op.create_index("ix_cases_reopens", "cases", ["reopens"])
    op.create_table(
        "draft",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("receipt", JSON, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_draft_owner"), "draft", ["owner"])
    op.create_table(
        "letter",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_no", CASE, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("by_subject", "by_role", "by_basis", "from_region", "from_department")
        ),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("to_region", "to_department", "text")),
        sa.Column("files", JSON, nullable=False),
        sa.Column("read_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_no"], ["cases.no"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_letter_case", "letter", ["case_no", "at"])
    op.create_table(
        "note",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_no", CASE, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("author", "region", "department", "text")),
        sa.ForeignKeyConstraint(["case_no"], ["cases.no"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_note_case", "note", ["case_no", "region", "department", "at"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON note "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.create_table(
        "rating",
        sa.Column("case_no", CASE, nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("aspects", JSON, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("by_subject", sa.String(), nullable=False),
        sa.Column("by_basis", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("follow_up", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["case_no"], ["cases.no"]),
        sa.PrimaryKeyConstraint("case_no"),
    )
    op.create_table(
        "window_session",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_no", CASE, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("owner", "status", "outcome")),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("hall_region", "hall_department", "handling_region", "handling_department")
        ),
        sa.Column("start", JSON, nullable=False),
        sa.Column("progress", JSON, nullable=False),
        sa.Column("recorded", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_no"], ["cases.no"]),
        sa.PrimaryKeyConstraint("id"),
    )
    for name, side in (("ix_window_queue", "handling"), ("ix_window_hall", "hall")):
        op.create_index(name, "window_session", [f"{side}_region", f"{side}_department", "status", "created_at"])
    op.create_index("ix_window_case", "window_session", ["case_no"])
    op.execute(RECORD_BATCH)


def downgrade() -> None:
    op.execute("DROP FUNCTION record_batch(jsonb)")
    op.execute(import_module("migrations.versions.2026_11_23_record_in_one_round_trip").RECORD_BATCH)
    for table in ("window_session", "rating", "note", "letter", "draft"):
        op.drop_table(table)
    for index in ("ix_cases_principal", "ix_cases_identity", "ix_cases_reopens"):
        op.drop_index(index, table_name="cases")
    for table, columns in ADDED.items():
        for column in columns:
            op.drop_column(table, column)
