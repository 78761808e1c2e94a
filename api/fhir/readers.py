"""Resource -> who reads it from the record. A kind that is not stored yet has no reader, and is not there (404)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from api.auth import Login
from api.fhir.coverage import InsuredRelation, coverage
from api.fhir.referral import ReferralFacts, ReferralState, service_request, task
from api.fhir.report import ReportFacts, diagnostic_report
from api.fhir.settlement import SettlementFacts, claim, claim_response
from api.fhir.words import Resource
from api.house import House
from api.usecases import referrals
from api.usecases.health import may_read_health, own_person
from api.usecases.recognitions import result_in, visible
from domain.calendar import SHANGHAI
from domain.errors import Refusal
from domain.identifiers import is_case_number
from domain.medical import MatterKind
from domain.medical.access import DataKind
from domain.medical.recognition import RecognitionView, ReportView
from domain.medical.recognition.course import PERSON
from domain.medical.referral import ReferralStatus, ReferralView
from domain.medical.treatment_words import TreatmentView
from models.database import Session
from models.matters import Matter, read_matter

REFERRALS: Mapping[ReferralStatus, ReferralState] = {
    ReferralStatus.REFERRED: ReferralState.REQUESTED,
    ReferralStatus.PROPOSED: ReferralState.REQUESTED,  # the referring side has not asked the other institution yet
    ReferralStatus.ACCEPTED: ReferralState.ACCEPTED,
    ReferralStatus.SCHEDULED: ReferralState.SCHEDULED,
    ReferralStatus.ADMITTED: ReferralState.ADMITTED,
    ReferralStatus.OUTCOME: ReferralState.COMPLETED,
    ReferralStatus.DECLINED: ReferralState.DECLINED,
    ReferralStatus.CANCELLED: ReferralState.CANCELLED,
    ReferralStatus.NO_SHOW: ReferralState.NO_SHOW,
}
TREATMENTS = frozenset({MatterKind.STAY, MatterKind.VISIT})
Reader = Callable[[Session, House, Login, str], Awaitable[Resource]]


async def _recognition(session: Session, login: Login, no: str) -> Matter:
    """A recognition that this login may read now; the reading is logged."""
    matter = await visible(session, login, no)
    await may_read_health(
        session,
        login.actor,
        matter.person,
        DataKind.RECOGNITION,
        matter,
        own=own_person(login),
        regions=tuple(matter.start["sources"]),
    )
    return matter


async def read_report(session: Session, house: House, login: Login, id_: str) -> Resource:
    """``{recognition}-{report}``, such as …-r1."""
    no, _, number = id_.rpartition("-")
    matter = await _recognition(session, login, no)
    view = RecognitionView.model_validate(matter.progress)
    for report in view.reports:
        if report.id == number and report.same_person:
            return diagnostic_report(_facts(matter, report, await result_in(session, matter.no, report)))
    raise Refusal("not_found")


def _facts(matter: Matter, report: ReportView, result: str) -> ReportFacts:
    entry = report.entry
    return ReportFacts(
        id=f"{matter.no}-{report.id}",
        number=entry.rpt_no,
        person=matter.person,
        item=entry.item_code,
        name=report.name,
        examined_at=_moment(entry.exam_time),
        institution=entry.fixmedins_code,
        institution_name=entry.fixmedins_name,
        result=result,
        scope=entry.hr_scope,
        certificate=entry.qc_cert_no,
        decision=report.state.value,
        reason=report.reason or "",
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        return None


async def _treatment(session: Session, login: Login, no: str) -> tuple[Matter, TreatmentView]:
    """A stay or visit that this login may read now; the reading is logged."""
    matter = await read_matter(session, no) if is_case_number(no) else None
    if matter is None or matter.kind not in TREATMENTS:
        raise Refusal("not_found")
    kind = DataKind(matter.kind)
    await may_read_health(session, login.actor, matter.person, kind, matter, own=own_person(login))
    return matter, TreatmentView.model_validate(matter.progress)


async def read_coverage(session: Session, house: House, login: Login, id_: str) -> Resource:
    """The insured relation that a recognition, a stay or a visit goes by; its id is the number of that matter."""
    matter = await read_matter(session, id_) if is_case_number(id_) else None
    if matter is not None and matter.kind in TREATMENTS:
        matter, view = await _treatment(session, login, id_)
        psn_no, insutype = view.person, str(matter.start["insutype"])
    else:
        matter = await _recognition(session, login, id_)
        psn_no, insutype = str(matter.form[PERSON]["psn_no"]), str(matter.form["insutype"])
    name = house.library.divisions.names.get(matter.insured)
    relation = InsuredRelation(
        id=matter.no,
        person=matter.person,
        psn_no=psn_no,
        insutype=insutype,
        insured=matter.insured,
        insured_name=name.zh if name else "",
    )
    return coverage(relation)


async def read_claim(session: Session, house: House, login: Login, id_: str) -> Resource:
    """``{stay or visit}-{setl_id}``."""
    return claim(await _settlement(session, login, id_))


async def read_claim_response(session: Session, house: House, login: Login, id_: str) -> Resource:
    """``{stay or visit}-{setl_id}``."""
    return claim_response(await _settlement(session, login, id_))


async def _settlement(session: Session, login: Login, id_: str) -> SettlementFacts:
    no, _, setl_id = id_.partition("-")
    matter, view = await _treatment(session, login, no)
    done = next((each for each in view.settlements if each.setl_id == setl_id), None)
    if done is None:
        raise Refusal("not_found")
    return SettlementFacts(
        id=id_,
        person=matter.person,
        coverage=matter.no,
        institution=matter.institution,
        institution_name=str(matter.start["institution_name"]),
        insured=matter.insured,
        at=done.at,
        amounts=done.amounts,
        original=f"{matter.no}-{done.undoes}" if done.undoes else "",
        inpatient=matter.kind == MatterKind.STAY,
    )


async def read_service_request(session: Session, house: House, login: Login, id_: str) -> Resource:
    """What a referral asks for; its id is the number of the referral."""
    return service_request(await _referral(session, house, login, id_))


async def read_task(session: Session, house: House, login: Login, id_: str) -> Resource:
    """Where a referral stands; its id is the number of the referral."""
    return task(await _referral(session, house, login, id_))


async def _referral(session: Session, house: House, login: Login, no: str) -> ReferralFacts:
    matter = await referrals.visible_referral(session, login, no)
    await referrals.read(session, login, [matter])
    view, out = ReferralView.model_validate(matter.progress), referrals.shown(house, matter)
    called = {code.code: code.name.zh if code.name else "" for code in (out.referring, out.receiving)}
    why = out.answer_text if view.status in {ReferralStatus.DECLINED, ReferralStatus.CANCELLED} else None
    return ReferralFacts(
        id=matter.no,
        person=matter.person,
        state=REFERRALS[view.status],
        diag_code=out.diag_code,
        diag_name=out.diag_name,
        reason=out.reason_text or out.reason.zh,
        from_institution=view.referring,
        from_name=called[view.referring],
        to_institution=view.receiving,
        to_name=called[view.receiving],
        asked_at=matter.created_at,
        begin=view.first,
        end=view.last,
        changed_at=matter.updated_at,
        business="admitted" if view.admitted else "filed" if view.filed else "",
        declined_because=" ".join(filter(None, (why.zh if why else "", out.answer_words))),
    )


READERS: Mapping[str, Reader] = {
    "Claim": read_claim,
    "ClaimResponse": read_claim_response,
    "Coverage": read_coverage,
    "DiagnosticReport": read_report,
    "ServiceRequest": read_service_request,
    "Task": read_task,
}
