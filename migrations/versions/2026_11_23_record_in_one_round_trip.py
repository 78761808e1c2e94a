"""record_batch: a batch of the workflow written by one call, chained under the lock of its case."""

from __future__ import annotations

from alembic import op

revision = "20261123_2"
down_revision = "20261123_1"
branch_labels = None
depends_on = None

RECORD_BATCH = """
CREATE FUNCTION record_batch(given jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
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
                           leg, step, data, hash)
        VALUES (this_case, locked.events, item->>'type', (item->>'at')::timestamptz, item->'actor'->>'subject',
                item->'actor'->>'role', item->'actor'->>'region', item->'actor'->>'department',
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
            WHERE NOT (c.item->>'reverted')::boolean), '{}')
        WHERE case_no = this_case;
    END IF;

    IF this_number = 1 THEN -- the workflow runs: this is the proof that its start has arrived
        UPDATE outbox SET done_at = now() WHERE case_no = this_case AND kind = 'start' AND done_at IS NULL;
    END IF;
    RETURN true;
END $$
"""


def upgrade() -> None:
    op.execute(RECORD_BATCH)


def downgrade() -> None:
    op.execute("DROP FUNCTION record_batch(jsonb)")
