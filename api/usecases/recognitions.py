"""Recognitions: asked for by an institution, consented to by the patient, decided by the physician report by report."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import JsonValue

from api.auth import Login
from api.house import House
from api.schemas_medical import MatterDoneOut
from api.schemas_recognition import (
    DecisionIn,
    FindingOut,
    RecognitionConsentIn,
    RecognitionIn,
    RecognitionOut,
    RecognitionShort,
    ReportOut,
)
from api.usecases import treatments
from api.usecases.health import consent_out, may_read_health, own_person, verified_person
from api.usecases.health import withdraw as withdraw_consent
from api.usecases.matters import act_id, checked_number, do, found_matter, known_region, waits
from api.views import place_out
from domain import names
from domain.calendar import local_day
from domain.errors import Refusal
from domain.identifiers import is_case_number
from domain.medical import MatterKind, matter_number
from domain.medical.access import Basis, Consent, DataKind, Purpose
from domain.medical.recognition import (
    AcknowledgeAct,
    CancelAct,
    ConsentAct,
    DecideAct,
    Decision,
    RecognitionCourse,
    RecognitionStart,
    RecognitionView,
    ReportState,
    ReportView,
)
from domain.medical.recognition.course import PERSON
from domain.medical.recognition.reports import result_of
from domain.medical.recognition.rules import explain
from domain.messages import Actor, Role, Text
from domain.record import Event
from models import health_access
from models.cases import next_sequence
from models.database import Session
from models.insurance import read_message
from models.matters import Matter, add_part, insert_matter, list_matters, read_matter

TREATMENTS = {MatterKind.STAY.value, MatterKind.VISIT.value}
EMERGENCY = "emergency"  # the part of the form with the reason


async def ask(session: Session, house: House, actor: Actor, body: RecognitionIn) -> tuple[RecognitionOut, str, int]:
    """A new recognition for a patient of this institution; with the message that starts it."""
    number = checked_number(body.patient.certificate_no, "/patient/certificate_no")
    person = names.person_digest(number)
    for field, region in [("/insured", body.insured)] + [(f"/sources/{i}", r) for i, r in enumerate(body.sources)]:
        known_region(house, region, field)
    await _check_about(session, actor, person, body.about)
    emergency = body.emergency_reason.strip()
    if body.emergency_reason and not emergency:
        raise Refusal("reason_required", "/emergency_reason")
    now, listed = datetime.now(UTC), house.library.recognition
    wanted = tuple(dict.fromkeys(body.items))
    no = matter_number(MatterKind.RECOGNITION, actor.region, local_day(now), await next_sequence(session))
    start = RecognitionStart(
        no=no,
        institution=actor.department,
        institution_name=body.institution_name,
        place=actor.region,
        insured=body.insured,
        sources=tuple(dict.fromkeys(body.sources)),
        holder=names.holder_digest(no, number),
        psn=names.holder_digest(no, body.patient.psn_no),
        wanted=wanted,
        items=tuple(item for code in wanted if (item := listed.find(code)) is not None),
        list_version=listed.version,
        terms=listed.terms,
        asked_by=actor,
        about=body.about,
        emergency=bool(emergency),
    )
    form: dict[str, JsonValue] = {
        PERSON: {"psn_no": body.patient.psn_no},
        "certificate": {"certno": number},
        "insutype": body.insutype,
    }
    if emergency:
        form[EMERGENCY] = {"reason": emergency}
    course = RecognitionCourse(start, now)
    course.begin(now)
    message = await insert_matter(
        session,
        no=no,
        kind=MatterKind.RECOGNITION,
        status=course.status,
        owner=actor.subject,
        person=person,
        insured=body.insured,
        treatment=actor.region,
        institution=actor.department,
        parent=body.about,
        start=start.model_dump(mode="json"),
        form=form,
        view=course.view().model_dump(mode="json"),
        waiting=course.waiting(),
        event=Event(type="recognition:asked", at=now, actor=actor, data={"list": listed.version}),
    )
    if emergency:
        await health_access.note_read(
            session, actor, person, DataKind.RECOGNITION, no, Basis.EMERGENCY, now, reason=emergency
        )
    matter = await found_matter(session, no, MatterKind.RECOGNITION)
    return await _out(session, house, matter, reports=True), no, message


async def _check_about(session: Session, actor: Actor, person: str, about: str) -> None:
    if not about:
        return
    stay = await read_matter(session, about) if is_case_number(about) else None
    fits = stay is not None and stay.kind in {MatterKind.STAY, MatterKind.VISIT}
    if stay is None or not fits or (stay.institution, stay.person) != (actor.department, person):
        raise Refusal("about_unknown", "/about")


async def visible(session: Session, login: Login, no: str) -> Matter:
    """A recognition of this patient, or of this institution; Refusal(not_found) otherwise."""
    matter = await found_matter(session, no, MatterKind.RECOGNITION)
    actor = login.actor
    if actor.role is Role.INSTITUTION and matter.institution == actor.department:
        return matter
    if matter.person == own_person(login):
        return matter
    raise Refusal("not_found")


async def shown(session: Session, house: House, login: Login, no: str, *, emergency_reason: str = "") -> RecognitionOut:
    """One recognition. Its institution sees the reports only on a basis, and each look is logged."""
    matter = await visible(session, login, no)
    kept = matter.form.get(EMERGENCY) if matter.closed_at is None else None
    reason = emergency_reason or (str(kept["reason"]) if kept else "")
    try:
        await may_read_health(
            session,
            login.actor,
            matter.person,
            DataKind.RECOGNITION,
            matter,
            emergency_reason=reason,
            own=own_person(login),
            regions=tuple(matter.start["sources"]),
        )
    except Refusal as refusal:
        if refusal.code != "health_consent_required" or emergency_reason:
            raise
        return await _out(session, house, matter, reports=False)
    return await _out(session, house, matter, reports=True)


async def listed(session: Session, house: House, login: Login) -> Sequence[RecognitionShort]:
    """The patient's, or those of the institution, the newest first."""
    if login.actor.role is Role.INSTITUTION:
        rows = await list_matters(session, MatterKind.RECOGNITION, institution=login.actor.department, limit=200)
    else:
        rows = await list_matters(session, MatterKind.RECOGNITION, person=verified_person(login), limit=200)
    return [_short(house, row) for row in rows]


async def consent(house: House, login: Login, no: str, body: RecognitionConsentIn, key: str) -> MatterDoneOut:
    """The patient agrees or declines; declining what he has agreed to takes it back."""
    person = verified_person(login)
    async with house.database.begin() as session:
        matter = await visible(session, login, no)
        given = _consent_id(no)
        known = await health_access.read_consent(session, given)
        if body.granted and body.version != house.library.health_consents[Purpose.RECOGNITION].version:
            raise Refusal("consent_version", "/version")
        if body.granted and known is None and matter.closed_at is None:
            await health_access.grant(session, _consent(matter, given, person, body.version), login.actor.subject)
    if known is not None and known.withdrawn_at is not None and body.granted:
        raise Refusal("recognition_state")
    if known is not None and not body.granted:
        after = await withdraw_consent(house, login, given)
        at = after.withdrawn_at or datetime.now(UTC)
        return MatterDoneOut(no=no, status=await _status(house, no), at=at, pending=False)
    act = ConsentAct(
        id=act_id(login, matter, body, "consent", key),
        actor=login.actor,
        granted=body.granted,
        consent=given if body.granted else "",
    )
    try:
        return await do(house, matter, act)
    except Refusal:
        if body.granted and known is None:  # it has come too late: nothing is to be read by it
            async with house.database.begin() as session:
                await health_access.withdraw(session, given, datetime.now(UTC))
        raise


def _consent_id(no: str) -> str:
    return "hc" + hashlib.sha256(f"recognition {no}".encode()).hexdigest()[:30]


def _consent(matter: Matter, id_: str, person: str, version: str) -> Consent:
    places = (matter.insured, matter.treatment, *matter.start["sources"])
    return Consent(
        id=id_,
        person=person,
        purpose=Purpose.RECOGNITION,
        scope=(DataKind.RECOGNITION,),
        institutions=(matter.institution,),
        provinces=tuple(dict.fromkeys(place[:2] + "0000" for place in places)),
        matter=matter.no,
        text_version=version,
        granted_at=datetime.now(UTC),
    )


async def decide(house: House, login: Login, no: str, body: DecisionIn, key: str) -> MatterDoneOut:
    """The physician decides about one report. His words stay in the form; the workflow knows where."""
    said = body.words.strip()
    async with house.database.begin() as session:
        matter = await visible(session, login, no)
        if body.decision is Decision.RECOGNISE:
            await _not_charged(session, matter, body.report)
        decided = act_id(login, matter, body, "decide", key)
        part = f"words:{decided[:24]}" if said else ""
        if said:
            await add_part(session, no, part, {"text": said, "report": body.report})
    act = DecideAct(
        id=decided,
        actor=login.actor,
        report=body.report,
        decision=body.decision,
        reason=body.reason,
        words=part,
    )
    return await do(house, matter, act)


async def _not_charged(session: Session, matter: Matter, report: str) -> None:
    """What the stay or visit is charged for already is not recognised: the line is taken down first."""
    stay = await read_matter(session, matter.parent) if matter.parent else None
    found = next((r for r in RecognitionView.model_validate(matter.progress).reports if r.id == report), None)
    if stay is None or found is None or stay.kind not in TREATMENTS:
        return
    lines = {line.med_list_codg for line in treatments.charged_lines(stay)}
    if charged := sorted(lines & set(found.charges)):
        text = Text(zh=f"已收费项目：{charged[0]}", en=f"charged already: {charged[0]}")
        raise Refusal("charged_already", "/report", text)


async def acknowledge(house: House, login: Login, no: str, key: str) -> MatterDoneOut:
    """The patient has read why reports are not recognised."""
    async with house.database.begin() as session:
        matter = await visible(session, login, no)
    act = AcknowledgeAct(id=act_id(login, matter, None, "acknowledge", key), actor=login.actor)
    return await do(house, matter, act)


async def cancel(house: House, login: Login, no: str, key: str) -> MatterDoneOut:
    """The institution does not need it any more."""
    async with house.database.begin() as session:
        matter = await visible(session, login, no)
    return await do(house, matter, CancelAct(id=act_id(login, matter, None, "cancel", key), actor=login.actor))


async def _status(house: House, no: str) -> str:
    async with house.database.begin() as session:
        matter = await read_matter(session, no)
    return matter.status if matter else ""


def _short(house: House, matter: Matter) -> RecognitionShort:
    return RecognitionShort(
        no=matter.no,
        status=matter.status,
        institution=matter.institution,
        place=place_out(house, matter.treatment, matter.institution),
        waiting_on=waits(house, matter),
        created_at=matter.created_at,
        closed_at=matter.closed_at,
    )


async def _out(session: Session, house: House, matter: Matter, *, reports: bool) -> RecognitionOut:
    view = RecognitionView.model_validate(matter.progress)
    given = await health_access.read_consent(session, view.consent or _consent_id(matter.no))
    return RecognitionOut(
        **_short(house, matter).model_dump(),
        reason=view.reason,
        since=view.since,
        about=matter.start["about"],
        items=list(matter.start["wanted"]),
        list_version=view.list_version,
        sources=dict(view.sources),
        emergency=view.emergency,
        consent=consent_out(given) if given else None,
        consent_text=house.library.health_consents[Purpose.RECOGNITION].model_dump(exclude={"tag"}),
        reports=[_report(matter, report, await result_in(session, matter.no, report)) for report in view.reports]
        if reports
        else [],
        reports_hidden=bool(view.reports) and not reports,
    )


async def result_in(session: Session, no: str, report: ReportView) -> str:
    """The result of a report, out of the answer that brought it; empty where it is not to be seen (any more)."""
    if not report.same_person or report.state is ReportState.LAPSED:
        return ""
    message = await read_message(session, no, report.message)
    return result_of(message.output) if message is not None and message.output is not None else ""


def _report(matter: Matter, report: ReportView, result: str) -> ReportOut:
    entry, words = report.entry, matter.form.get(report.words) if report.words else None
    refused = report.state in {ReportState.BARRED, ReportState.RE_EXAMINED}
    barred = report.findings if report.state is ReportState.BARRED else ()
    return ReportOut(
        id=report.id,
        number=entry.rpt_no,
        item=entry.item_code,
        name=report.name,
        kind=report.kind or "",
        source=report.source,
        exam_time=entry.exam_time,
        institution=entry.fixmedins_code,
        institution_name=entry.fixmedins_name,
        mark={
            "scope": entry.hr_scope,
            "certificate": entry.qc_cert_no,
            "from": entry.qc_begndate,
            "until": entry.qc_enddate,
        },
        equipment=entry.equip,
        result=result,
        digest=report.digest,
        state=report.state,
        findings=[
            FindingOut(rule=f.rule, holds=f.holds, code=f.code or "", text=f.text, facts=dict(f.facts))
            for f in report.findings
        ],
        valid_until=report.valid_until,
        decided_at=report.decided_at,
        reason=report.reason or "",
        explanation=explain(barred, report.reason, str(words["text"]) if words else "") if refused else None,
        acknowledged_at=report.acknowledged_at,
        saved=report.saved,
    )
