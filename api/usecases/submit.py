"""Submitting an application: checked whole, then committed whole - case, first event, start intent - or not at all."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue

from api.auth import need
from api.house import House
from api.schemas import DuplicateOut, Receipt, Submission
from catalogue.forms import check_eligibility, conditions, read_form
from domain import names
from domain.calendar import local_day
from domain.case import CaseStatus, StepStatus
from domain.errors import Refusal, Refusals
from domain.identifiers import case_number
from domain.messages import Acting, Actor, Role, Text
from domain.plan import CasePlan, Material, MaterialSource, Mode, Plan, Tolerance, bind, overlaid_material, overlays_of
from domain.process import Intake
from domain.record import CaseView, Event, StepView, Waiting, Who
from models.cases import NewCase, insert_case, next_sequence, open_with
from models.database import Session
from models.documents import Document, read_documents

PROOF = "acting:proof"  # no material is called so
_LOGIN = re.compile("[!-~]{1,200}")  # as the issuer spells the ids of logins


@dataclass(frozen=True)
class Checked:
    """An application that may be committed."""

    plan: Plan
    case_plan: CasePlan
    form: dict[str, JsonValue]


def check(house: House, service: str, form: Mapping[str, JsonValue]) -> Checked:
    """Form and eligibility; Refusals with every fault. Touches no database."""
    try:
        plan = house.library.service(service, local_day(datetime.now(UTC)))
    except Refusal as error:
        raise Refusal("not_found", "/service") from error
    clean = read_form(plan, form, house.library.divisions)
    if faults := check_eligibility(plan, clean):
        raise Refusals(faults)
    return Checked(plan=plan, case_plan=bind(plan, clean, conditions(plan, clean)), form=clean)


def wanted(checked: Checked) -> dict[str, Material]:
    """The uploads of this form as the provinces concerned want them; ``required`` says whether this form needs it."""
    plan, overlays = checked.plan, overlays_of(checked.plan, checked.form)
    holds = conditions(plan, checked.form)
    found = [overlaid_material(m, overlays) for m in plan.materials if m.source is MaterialSource.UPLOAD]
    return {
        m.id: m.model_copy(update={"required": m.required and (not m.required_when or holds[m.required_when])})
        for m in found
    }


async def check_documents(
    session: Session, actor: Actor, uploads: Mapping[str, Material], body: Submission
) -> dict[str, list[Document]]:
    """The documents by material; Refusals for what is unknown, missing or not the applicant's."""
    given = body.documents
    found = await read_documents(session, actor.subject, [i for ids in given.values() for i in ids])
    faults = [Refusal("material_unknown", f"/documents/{name[:60]}") for name in given if name not in uploads]
    for material in uploads.values():
        ids = given.get(material.id, [])
        promised = material.id in body.promised
        if promised and material.tolerance is Tolerance.CORE:
            faults.append(Refusal("material_core", f"/promised/{material.id}", material.title))
        elif material.required and not ids and not promised:
            faults.append(Refusal("material_missing", f"/documents/{material.id}", material.title))
        for i, document_id in enumerate(ids):
            if document_id not in found:
                faults.append(Refusal("document_unknown", f"/documents/{material.id}/{i}", material.title))
    faults += [Refusal("material_unknown", f"/promised/{name[:60]}") for name in body.promised if name not in uploads]
    if faults:
        raise Refusals(faults)
    return {name: [found[i] for i in dict.fromkeys(ids)] for name, ids in given.items()}


def _check_signers(actor: Actor, plan: Plan, body: Submission) -> tuple[str, ...]:
    """One login for each co-signer the service wants, all different, none of them the applicant or who acts for him."""
    given = body.cosigners
    applicants = {actor.subject, body.acting.principal if body.acting else ""}
    if len(given) != len(plan.cosigners) or len({*given} - applicants) != len(given):
        who_zh, who_en = "、".join(c.zh for c in plan.cosigners), ", ".join(c.en for c in plan.cosigners)
        raise Refusal("cosigners_wrong", "/cosigners", Text(zh=who_zh or "无", en=who_en or "none"))
    nobody = [Refusal("field_invalid", f"/cosigners/{i}") for i, who in enumerate(given) if not _LOGIN.fullmatch(who)]
    if nobody:  # no login is spelled so: the case would wait for ever
        raise Refusals(nobody)
    return tuple(given)


def may_apply(actor: Actor, plan: Plan, body: Submission) -> None:
    """Refusal unless this person may apply for this service: for himself, or on a basis that it knows for another."""
    acting = body.acting
    counter = acting is not None and acting.basis is Acting.CLERK
    need(actor, *((Role.CASEWORKER,) if counter else (Role(role) for role in plan.owner_roles)))
    if acting is None:
        return
    if acting.basis not in plan.acting:
        raise Refusal("acting_not_allowed", "/acting/basis")
    if acting.principal == actor.subject:
        raise Refusal("acting_for_oneself", "/acting/principal")
    if not acting.document and not counter:
        raise Refusal("field_missing", "/acting/document")


def _acting(actor: Actor, plan: Plan, checked: Checked, body: Submission) -> Actor:
    """The actor with whom he acts for: a login, or the digest of who the application is about."""
    if body.acting is None:
        return actor
    about = str(checked.form.get(plan.identity_field) or checked.form[plan.subject_field])
    principal = body.acting.principal or names.principal_digest(about)
    return actor.model_copy(update={"principal": principal, "basis": body.acting.basis})


async def _proof(session: Session, actor: Actor, body: Submission) -> dict[str, list[Document]]:
    """The mandate, kept with the documents of the application."""
    if body.acting is None or not body.acting.document:
        return {}
    found = await read_documents(session, actor.subject, [body.acting.document])
    if not found:
        raise Refusal("document_unknown", "/acting/document")
    return {PROOF: list(found.values())}


def _check_consent(house: House, plan: Plan, body: Submission) -> None:
    """Papers are collected for another place only with the applicant's consent to that (国办发〔2020〕35号)."""
    if not body.consent and plan.mode is Mode.COLLECT_AGENT:
        raise Refusal("consent_required", "/consent")
    if body.consent and body.consent != house.library.consent.version:
        raise Refusal("consent_version", "/consent")


async def check_intake(
    session: Session, house: House, actor: Actor, checked: Checked, body: Submission
) -> tuple[dict[str, list[Document]], Intake]:
    """What comes with the form: consent, documents, promises, signers; Refusals for what is wrong or missing."""
    _check_consent(house, checked.plan, body)
    documents = await check_documents(session, actor, wanted(checked), body)
    promised = tuple(name for name in dict.fromkeys(body.promised) if not documents.get(name))
    documents |= await _proof(session, actor, body)
    return documents, Intake(promised=promised, signers=_check_signers(actor, checked.plan, body))


async def submit(
    session: Session, house: House, actor: Actor, checked: Checked, body: Submission
) -> tuple[Receipt, Intake]:
    """Writes the case. The caller commits, then has the workflow started."""
    channel = body.channel
    documents, intake = await check_intake(session, house, actor, checked, body)
    identity = identity_of(checked.plan, checked.form)
    mine = await open_with(session, identity, of=actor.subject)
    for document in {d.digest for group in documents.values() for d in group}:
        if not await house.files.exists(document):
            raise Refusal("storage_down")  # never a receipt for a file that is not there
    now = datetime.now(UTC)
    place = checked.case_plan.accepting
    no = case_number(place.region, local_day(now), channel, checked.plan.number_code, await next_sequence(session))
    kept = {
        name: [
            {"id": d.id, "name": d.name, "digest": d.digest, "size": d.size, "media_type": d.media_type} for d in group
        ]
        for name, group in documents.items()
    }
    digest = digest_of(checked.form, kept, checked.case_plan.plan_digest)
    acting = _acting(actor, checked.plan, checked, body)
    event = Event(
        type="case:status:submitted",
        at=now,
        actor=acting,
        data={"digest": digest, "service": checked.plan.code, "version": checked.plan.version, "channel": channel}
        | ({"consent": body.consent} if body.consent else {}),
    )
    await insert_case(
        session,
        NewCase(
            no=no,
            plan=checked.plan,
            case_plan=checked.case_plan,
            owner=actor.subject,
            channel=channel,
            subject=str(checked.form[checked.plan.subject_field]),
            form=checked.form,
            documents=kept,
            digest=digest,
            view=first_view(checked.case_plan, now),
            event=event,
            intake=intake,
            identity=identity,
            principal=acting.principal,
            basis=acting.basis or "",
        ),
    )
    files = [{"material": name, "digest": d.digest} for name, group in documents.items() for d in group]
    receipt = Receipt(
        no=no,
        status=CaseStatus.SUBMITTED,
        created_at=now,
        digest=digest,
        files=files,
        duplicates=[DuplicateOut(no=c.no, status=c.status, created_at=c.created_at) for c in mine],
    )
    return receipt, intake


def identity_of(plan: Plan, form: Mapping[str, JsonValue]) -> str:
    """By what two applications of a service are known to be about the same; empty if the service does not say."""
    value = form.get(plan.identity_field) if plan.identity_field else None
    return names.identity_digest(plan.code, str(value)) if value is not None else ""


def first_view(plan: CasePlan, now: datetime) -> CaseView:
    """How a case looks before its workflow has begun."""
    waiting = Waiting(
        who=Who.SYSTEM, region=plan.accepting.region, department=plan.accepting.department, why="starting", since=now
    )
    steps = tuple(StepView(id=step.id, status=StepStatus.WAITING, since=now) for step in plan.steps)
    return CaseView(status=CaseStatus.SUBMITTED, waiting=(waiting,), steps=steps, clocks=(), due_at=None, next_wake=now)


def digest_of(form: Mapping[str, Any], documents: Mapping[str, Any], plan_digest: str) -> str:
    """What the receipt vouches for: form, files and the plan, canonically spelled."""
    content = {"form": form, "documents": documents, "plan": plan_digest}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
