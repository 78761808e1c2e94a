"""Effects at provinces: the intent is committed before anything is sent, the receipt when the answer is known.

A run that finds an intent without a receipt does not know what happened and finds by key before it sends.
The lease keeps two runs of one effect from sending at the same time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import JsonValue
from sqlalchemy import CHAR, Column, ForeignKey, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.effects import Answer, AnswerStatus, ProvinceCall, Verb
from domain.messages import Message
from models.columns import digest_column, json_column, moment, text_array
from models.database import Database, Session


class Effect(SQLModel, table=True):
    """One keyed call to a province. ``answer`` is its receipt; ``sent`` are the names of the fields that went out.

    unknown: something was sent and nobody knows whether it was done. confirmed: the decision of the clerk on whose word
    it was sent last; it says nothing of that try.
    """

    __tablename__ = "effect"
    __table_args__ = (
        Index("ix_effect_case", "case_no"),
        Index("ix_effect_unanswered", "region", postgresql_where=text("answer IS NULL")),
        Index("ix_effect_answered", "answered_at"),
        Index("ix_effect_pending", "region", postgresql_where=text("answer->>'status' = 'pending'")),
    )

    key: str = digest_column(primary_key=True)
    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), nullable=False))
    leg: str
    step: str
    verb: str
    region: str
    department: str
    operation: str
    original: str = ""
    sent: list[str] = text_array()
    intended_at: datetime = moment()
    leased_until: datetime = moment()
    attempts: int = 1
    unknown: bool = False
    confirmed: str = ""
    trouble: str = ""
    trouble_at: datetime | None = moment(null=True)
    answer: dict[str, Any] | None = json_column(null=True)
    answered_at: datetime | None = moment(null=True)


class Intent(Message):
    """What is about to be sent."""

    key: str
    case_no: str
    leg: str
    step: str
    verb: str
    region: str
    department: str
    operation: str
    original: str
    sent: tuple[str, ...]


class Prepared(Message):
    """How an effect stands when a run takes it up, and what it may send.

    fresh: nobody has sent it. answer: the receipt. leased: somebody else may be sending it right now.
    consented: the applicant's recorded acceptance is there (always False when none was asked about).
    held: an operator has put the brake on, or has set a rate that only the queue can keep: nothing may be sent here.
    unknown: an earlier try may have been done. quiet_s: how long ago the last try ended.
    original, original_quiet_s: the receipt of the effect to undo, or how long ago it was sent last if that is unknown.
    decision: what the clerk wrote down who stands in for the province; None if it was sent on his word already.
    """

    fresh: bool = False
    answer: Answer | None = None
    leased: bool = False
    form: Mapping[str, JsonValue]
    references: Mapping[str, str]
    consented: bool
    held: bool = False
    unknown: bool = False
    quiet_s: float = 0.0
    original: Answer | None = None
    original_quiet_s: float | None = None
    decision: Mapping[str, JsonValue] | None = None


_PREPARE = text(
    """
    WITH consent AS (
        SELECT 1 FROM command WHERE id = :command AND case_no = :case_no AND kind = 'evidence'
        AND target = :evidence AND body @> '{"accept": true}'
    ), brake AS (
        SELECT 1 FROM province_control
        WHERE region = left(:region, 2) || '0000' AND (held OR (rate_per_s IS NOT NULL AND CAST(:beside AS boolean)))
    ), inserted AS (
        INSERT INTO effect (key, case_no, leg, step, verb, region, department, operation, original, sent,
                            intended_at, leased_until, attempts, trouble, unknown, confirmed)
        SELECT :key, :case_no, :leg, :step, :verb, :region, :department, :operation, :original,
               CAST(:sent AS text[]), clock_timestamp(), clock_timestamp() + CAST(:lease AS interval), 1, '', true, ''
        FROM application a WHERE a.case_no = :case_no AND CAST(:keyed AS boolean)
        AND (:evidence = '' OR EXISTS (SELECT 1 FROM consent)) AND NOT EXISTS (SELECT 1 FROM brake)
        ON CONFLICT DO NOTHING RETURNING 1
    ), taken AS (
        UPDATE effect SET leased_until = clock_timestamp() + CAST(:lease AS interval), attempts = attempts + 1,
                          confirmed = CASE WHEN CAST(:decision AS text) = '' THEN confirmed ELSE :decision END
        WHERE CAST(:keyed AS boolean) AND key = :key AND leased_until <= clock_timestamp()
        AND (answer IS NULL OR (CAST(:again AS boolean) AND answer->>'status' = 'pending'))
        AND NOT EXISTS (SELECT 1 FROM brake)
        RETURNING 1
    ), mine AS (
        SELECT answer, unknown, confirmed, CAST(extract(epoch FROM clock_timestamp() - leased_until) AS float8) AS quiet
        FROM effect WHERE key = :about
    ), undone AS (
        SELECT answer, CASE WHEN unknown AND answer IS NULL
                            THEN CAST(extract(epoch FROM clock_timestamp() - leased_until) AS float8) END AS quiet
        FROM effect WHERE :original <> '' AND key = :original
    )
    SELECT a.form || a.corrected, EXISTS (SELECT 1 FROM inserted), EXISTS (SELECT 1 FROM taken),
           (SELECT answer FROM mine),
           (SELECT jsonb_object_agg(step, answer->>'reference') FROM effect
            WHERE CAST(:refers AS boolean) AND case_no = :case_no AND verb = 'submit' AND answer IS NOT NULL),
           EXISTS (SELECT 1 FROM consent), EXISTS (SELECT 1 FROM brake),
           coalesce((SELECT unknown FROM mine), false), coalesce((SELECT quiet FROM mine), 0),
           (SELECT answer FROM undone), (SELECT quiet FROM undone),
           (SELECT body FROM command WHERE :decision <> '' AND id = :decision AND case_no = :case_no
            AND NOT EXISTS (SELECT 1 FROM mine WHERE confirmed = :decision))
    FROM application a WHERE a.case_no = :case_no
    """
)


async def prepare(
    database: Database,
    intent: Intent,
    lease: timedelta,
    *,
    refers: bool = False,
    command: str = "",
    evidence: str = "",
    about: str = "",
    beside: bool = False,
    decision: str = "",
    again: bool = False,
) -> Prepared | None:
    """Commits to sending and reads what may be sent, in one statement; None if there is no such case.

    Exactly one run gets ``fresh`` for a key; a later one takes over an expired lease. An intent without key is
    only read for. ``evidence``: the item whose recorded consent (``command``) the effect depends on. ``about``: the
    key that is asked about, where nothing is intended under it. ``beside``: a quick try beside the workflow, which no
    rate of the province's queue can hold back. ``decision``: a clerk's. ``again``: it may be sent although it was
    said to be pending.
    """
    rows = await database.once(
        _PREPARE,
        intent.model_dump()
        | {"sent": list(intent.sent), "keyed": bool(intent.key), "lease": lease}
        | {"refers": refers, "command": command, "evidence": evidence, "beside": beside, "decision": decision}
        | {"again": again}
        | {"about": intent.key or about},
    )
    if not rows:
        return None
    row = tuple(rows[0])
    form, inserted, taken, answer, references, consented = row[:6]
    held, unknown, quiet, original, original_quiet, decided = row[6:]
    known = Answer.model_validate(answer) if answer else None
    blocked = bool(evidence) and not consented
    open_ = known is None or (again and known.status is AnswerStatus.PENDING)
    return Prepared(
        fresh=inserted or not intent.key,
        answer=known,
        leased=bool(intent.key) and not blocked and not held and not inserted and not taken and open_,
        form=form,
        references=references or {},
        consented=consented,
        held=held,
        unknown=unknown,
        quiet_s=quiet,
        original=Answer.model_validate(original) if original else None,
        original_quiet_s=original_quiet,
        decision=decided,
    )


_RECEIPT = """
    UPDATE effect SET answer = CAST(:answer AS jsonb), answered_at = clock_timestamp(), trouble = '', unknown = false,
                      leased_until = least(leased_until, clock_timestamp())
    WHERE key = :key AND (answer IS NULL OR answer->>'status' = 'pending'
                          OR (CAST(:corrected AS boolean) AND answer->>'status' = CAST(:status AS text)))
"""


def can_keep(message: Message) -> bool:
    """Whether the database can hold every text in it: no zero byte, no half of a surrogate pair."""
    try:
        return "\\u0000" not in message.model_dump_json()
    except ValueError:
        return False


async def receipt(session: Session | Database, key: str, answer: Answer, *, corrected: bool = False) -> None:
    """The answer is known. A pending answer is a receipt too; its end replaces it, and nothing replaces an end.

    corrected: the province was asked again because its answer could not be used; the same end may be told better.
    """
    parameters = {"key": key, "answer": answer.model_dump_json(), "status": answer.status, "corrected": corrected}
    if isinstance(session, Database):
        await session.once(text(_RECEIPT), parameters)
    else:
        await session.execute(text(_RECEIPT), parameters)


_FOUND = text(
    f"""
    WITH kept AS ({_RECEIPT})
    INSERT INTO evidence (id, case_no, step, region, department, state, preview, content,
                          document_id, command_id, updated_at)
    VALUES (:id, :case_no, :step, :region, :department, 'requested', CAST(:preview AS jsonb), CAST(:content AS jsonb),
            '', '', clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET preview = CASE WHEN evidence.state = 'requested' -- what was shown stays as shown
                                       THEN coalesce(excluded.preview, evidence.preview) ELSE evidence.preview END,
                                   content = coalesce(excluded.content, evidence.content),
                                   updated_at = excluded.updated_at
    """  # noqa: S608
)


class Found(Message):
    """Where evidence belongs. ``released``: it is the evidence itself, not only what was shown before consent."""

    id: str
    case_no: str
    step: str
    region: str
    department: str
    released: bool


async def receipt_of_evidence(session: Session | Database, key: str, found: Found, answer: Answer) -> None:
    """The receipt (a look before consent has no key) and what the register showed or released, in one statement."""
    content = json.dumps(dict(answer.data), ensure_ascii=False)
    parameters = found.model_dump(exclude={"released"}) | {
        "key": key,
        "answer": answer.model_dump_json(),
        "status": answer.status,
        "corrected": False,
        "preview": None if found.released else content,
        "content": content if found.released else None,
    }
    if isinstance(session, Database):
        await session.once(_FOUND, parameters)
    else:
        await session.execute(_FOUND, parameters)


_TROUBLE = text(
    """
    UPDATE effect SET trouble = :code, trouble_at = clock_timestamp(),
                      leased_until = clock_timestamp() - make_interval(secs => CAST(:quiet_s AS float8)),
                      unknown = CAST(:unknown AS boolean)
    WHERE key = :key AND (answer IS NULL OR answer->>'status' = 'pending')
    """
)


async def trouble(database: Database, key: str, code: str, *, unknown: bool, quiet_s: float = 0.0) -> None:
    """A try failed; the lease is given up so that the next try need not wait for it.

    ``unknown``: it may have acted. ``quiet_s``: how long ago something was sent, if not just now.
    """
    await database.once(_TROUBLE, {"key": key, "code": code, "unknown": unknown, "quiet_s": quiet_s})


async def read_effect(session: AsyncSession, key: str, *, lock: bool = False) -> Effect | None:
    """One effect by its key."""
    return await session.get(Effect, key, with_for_update=True if lock else None)


class Matter(Protocol):
    """What was sent to a province, as this module or another has read it."""

    @property
    def key(self) -> str: ...
    @property
    def original(self) -> str: ...
    @property
    def case_no(self) -> str: ...
    @property
    def leg(self) -> str: ...
    @property
    def step(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def department(self) -> str: ...
    @property
    def operation(self) -> str: ...


def question_about(sent: Matter) -> ProvinceCall:
    """Asks a province what has become of something that was sent to it."""
    return ProvinceCall(
        verb=Verb.FIND,
        region=sent.region,
        department=sent.department,
        operation=sent.operation,
        key=sent.key,
        original=sent.original,
        case_no=sent.case_no,
        leg=sent.leg,
        step=sent.step,
    )


async def effects_of(session: AsyncSession, case_no: str) -> Sequence[Effect]:
    """All effects of a case, in the order they were intended."""
    result = await session.execute(
        select(Effect).where(col(Effect.case_no) == case_no).order_by(col(Effect.intended_at))
    )
    return result.scalars().all()
