"""Drafts: kept as they are, told what is still missing, handed in once. A draft is never lost by being wrong."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from api.house import House
from api.problems import item_of
from api.schemas import SPELLED_NUL, Receipt, Submission
from api.schemas_people import DraftBody, DraftIn, DraftOut, DraftShort
from api.usecases import submit
from api.usecases.submit import Checked
from domain.calendar import local_day
from domain.errors import Refusal, Refusals
from domain.messages import Actor, Text
from domain.plan import Plan
from domain.process import Intake
from models import drafts
from models.database import Session
from models.drafts import Draft

KEPT_FOR = timedelta(days=90)
MOST = 50


async def create(session: Session, house: House, actor: Actor, body: DraftIn) -> DraftOut:
    """Keeps a new draft."""
    plan = _plan(house, body.service)
    if await drafts.count_drafts(session, actor.subject) >= MOST:
        raise Refusal("too_many_drafts")
    now = datetime.now(UTC)
    draft = Draft(
        id="f" + secrets.token_hex(13)[:25],
        owner=actor.subject,
        service=plan.code,
        body=_storable(DraftBody.model_validate(body.model_dump(exclude={"service"}))),
        created_at=now,
        updated_at=now,
        expires_at=now + KEPT_FOR,
    )
    await drafts.insert_draft(session, draft)
    return await shown(session, house, actor, draft)


async def save(
    session: Session, house: House, actor: Actor, draft_id: str, body: DraftBody, if_match: int | None
) -> DraftOut:
    """Puts what was filled in since in its place; refused if it was saved elsewhere since it was read."""
    draft = await own(session, actor, draft_id, if_match, lock=True)
    now = datetime.now(UTC)
    await drafts.save_draft(session, draft, _storable(body), now, now + KEPT_FOR)
    return await shown(session, house, actor, draft)


async def hand_in(
    session: Session, house: House, actor: Actor, draft_id: str
) -> tuple[Receipt, Checked | None, Intake]:
    """Submits the draft. Twice is once: the receipt of the first time; then there is nothing to start."""
    draft = await drafts.read_draft(session, actor.subject, draft_id, lock=True)
    if draft is None:
        raise Refusal("not_found")
    if draft.receipt is not None:
        return Receipt.model_validate(draft.receipt), None, Intake()
    body = _submission(draft)
    checked = submit.check(house, body.service, body.form)
    submit.may_apply(actor, checked.plan, body)
    receipt, intake = await submit.submit(session, house, actor, checked, body)
    await drafts.hand_in(session, draft, receipt.model_dump(mode="json"))
    return receipt, checked, intake


async def remove(session: Session, actor: Actor, draft_id: str, if_match: int | None) -> None:
    """Its owner does not want it any more."""
    await own(session, actor, draft_id, if_match, lock=True)
    await drafts.remove_draft(session, draft_id)


async def own(
    session: Session, actor: Actor, draft_id: str, if_match: int | None, *, lock: bool = False, change: bool = True
) -> Draft:
    """A draft of this person; ``change``: only if it can still be changed and is the one that was read."""
    draft = await drafts.read_draft(session, actor.subject, draft_id, lock=lock)
    if draft is None:
        raise Refusal("not_found")
    if change:
        if draft.receipt is not None:
            raise Refusal("draft_submitted")
        if if_match is None:
            raise Refusal("precondition_required", "/If-Match")
        if if_match != draft.revision:
            raise Refusal("version_conflict", "/If-Match")
    return draft


async def shown(session: Session, house: House, actor: Actor, draft: Draft) -> DraftOut:
    """The draft with everything that still keeps it from being handed in."""
    faults = [] if draft.receipt is not None else await _faults(session, house, actor, _submission(draft))
    return DraftOut(
        **short(house, draft).model_dump(),
        body=DraftBody.model_validate(draft.body),
        created_at=draft.created_at,
        errors=[item_of(fault) for fault in faults],
        case_no=str((draft.receipt or {}).get("no", "")),
    )


def short(house: House, draft: Draft) -> DraftShort:
    """One line of the list."""
    plan = house.library.services.get(draft.service)
    return DraftShort(
        id=draft.id,
        service=draft.service,
        title=plan.title if plan else Text(zh=draft.service, en=draft.service),
        revision=draft.revision,
        updated_at=draft.updated_at,
        expires_at=draft.expires_at,
    )


async def _faults(session: Session, house: House, actor: Actor, body: Submission) -> list[Refusal]:
    found: list[Refusal] = []
    checked: Checked | None = None
    try:
        checked = submit.check(house, body.service, body.form)
        submit.may_apply(actor, checked.plan, body)
    except Refusals as refusals:
        found += refusals.items
    except Refusal as refusal:
        found.append(refusal)
    if checked is not None:
        try:
            await submit.check_intake(session, house, actor, checked, body)
        except Refusals as refusals:
            found += refusals.items
        except Refusal as refusal:
            found.append(refusal)
    return found


def _submission(draft: Draft) -> Submission:
    return Submission.model_validate(draft.body | {"service": draft.service})


def _plan(house: House, service: str) -> Plan:
    try:
        return house.library.service(service, local_day(datetime.now(UTC)))
    except Refusal as error:
        raise Refusal("not_found", "/service") from error


def _storable(body: BaseModel) -> dict[str, Any]:
    """As it can be kept; what the database cannot hold is refused, and nothing else."""
    try:
        spelled = body.model_dump_json()
    except ValueError as error:
        raise Refusal("text_unreadable", "/form") from error
    if SPELLED_NUL.search(spelled):
        raise Refusal("text_unreadable", "/form")
    kept: dict[str, Any] = json.loads(spelled)
    return kept
