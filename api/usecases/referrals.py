"""转诊: made by a hospital, answered by another, seen by the patient. The rules are domain.medical.referral's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from api.auth import Login, need
from api.house import House
from api.schemas_medical import (
    CancelReferralIn,
    DayIn,
    DeclineIn,
    InstitutionShort,
    MatterDoneOut,
    OutcomeIn,
    ProposeIn,
    ReferralIn,
    ReferralOut,
)
from api.usecases.health import may_read_health, own_person
from api.usecases.matters import (
    act_id,
    checked_number,
    digest_of_login,
    do,
    found_matter,
    known_region,
    person_parts,
    place,
    waits,
)
from catalogue.medical import filing_book, institutions, referral_rules
from domain import names
from domain.calendar import local_day
from domain.errors import Refusal, Refusals
from domain.medical import MatterKind, matter_number
from domain.medical.access import DataKind
from domain.medical.filing_rules import pool_of
from domain.medical.referral import (
    AcceptReferral,
    AdmitReferral,
    AgreeReferral,
    AnyReferralAct,
    CancelReferral,
    DeclineReferral,
    NoShowReferral,
    OutcomeReferral,
    ProposeReferral,
    ReferralCourse,
    ReferralStart,
    ReferralTerms,
    ReferralView,
    ScheduleReferral,
)
from domain.medical.referral_rules import (
    Coded,
    ReferralRequest,
    ReferralRules,
    code_faults,
    faults_of,
    receiving_faults,
)
from domain.messages import Actor, Role, Text
from domain.record import Event
from models.cases import next_sequence
from models.database import Session
from models.filings import add_to_form
from models.matters import Matter, insert_matter

TIME = {
    "not_answered": Text(zh="逾期未答复", en="not answered in time"),
    "forgotten": Text(zh="有效期满未就诊", en="nobody came before it ended"),
    "not_reported": Text(zh="逾期未回告结果", en="the outcome was not reported in time"),
}


async def refer(session: Session, house: House, actor: Actor, body: ReferralIn) -> tuple[ReferralOut, str, int]:
    """A new referral by the institution of this user; with its number and outbox message."""
    need(actor, Role.INSTITUTION)
    number = checked_number(body.patient.id_number, "/patient/id_number")
    known_region(house, body.insured, "/insured")
    now = datetime.now(UTC)
    rules, today = referral_rules(), local_day(now)
    filing_rules = filing_book().rules(body.insured)
    first = body.first or today
    request = ReferralRequest(
        insured=body.insured,
        reason=body.reason,
        reason_text=body.reason_text,
        assessor_title=body.assessor_title,
        capability=body.capability,
        first=first,
    )
    listed = institutions()
    receiving = listed.get(body.institution)
    faults = faults_of(rules, request, listed.get(actor.department), receiving)
    if not today <= first <= filing_rules.ahead.after(today):
        faults.append(Refusal("filing_day", "/first"))
    if body.insutype not in filing_rules.insutypes:
        faults.append(Refusal("field_invalid", "/insutype"))
    if faults:
        raise Refusals(faults)
    no = matter_number(MatterKind.REFERRAL, actor.region, today, await next_sequence(session))
    start = ReferralStart(
        no=no,
        referring=actor.department,
        receiving=body.institution,
        insured=body.insured,
        first=first,
        last=rules.validity.after(first),
        asked_by=actor,
        filing=matter_number(MatterKind.FILING, body.insured, today, await next_sequence(session)),
        terms=ReferralTerms(
            answer_days=rules.answer.days, proposal_days=rules.proposal.days, forgotten_days=rules.forgotten.days
        ),
    )
    form = body.model_dump(mode="json", exclude={"patient", "diag_code", "diag_name", "condition"})
    form |= person_parts(body.patient, number) | {"diagnosis": _diagnosis(body)}
    course = ReferralCourse(start, now)
    message = await insert_matter(
        session,
        no=no,
        kind=MatterKind.REFERRAL,
        status=course.status,
        owner=actor.subject,
        person=names.person_digest(number),
        insured=body.insured,
        treatment=receiving.region if receiving else "",
        institution=actor.department,
        start=start.model_dump(mode="json"),
        form=form,
        view=course.view().model_dump(mode="json"),
        waiting=course.waiting(),
        event=Event(type="referral:submitted", at=now, actor=actor, data={"to": body.institution}),
    )
    return shown(house, await found_matter(session, no, MatterKind.REFERRAL)), no, message


def _diagnosis(body: ReferralIn) -> dict[str, str]:
    """As 2501 spells it."""
    return {"diag_code": body.diag_code, "diag_name": body.diag_name, "dise_cond_dscr": body.condition}


async def visible_referral(session: Session, login: Login, no: str, *, lock: bool = False) -> Matter:
    """A referral, for its institutions, the patient, and the office of the insured place; else Refusal(not_found).

    An institution that has declined, or was asked before another, no longer sees it.
    """
    matter = await found_matter(session, no, MatterKind.REFERRAL, lock=lock)
    actor, view = login.actor, ReferralView.model_validate(matter.progress)
    if actor.role is Role.INSTITUTION and actor.department in {view.referring, view.receiving}:
        return matter
    if actor.role is Role.CITIZEN and digest_of_login(login) == matter.person:
        return matter
    rules = filing_book().rules(matter.insured)
    if actor.role is Role.CASEWORKER and (actor.region, actor.department) == (rules.insured, rules.office.department):
        return matter
    raise Refusal("not_found")


async def read(session: Session, login: Login, matters: Sequence[Matter]) -> None:
    """Whoever is not the patient leaves a line in the list of those who have read."""
    for matter in matters:
        receiving = ReferralView.model_validate(matter.progress).receiving
        await may_read_health(
            session,
            login.actor,
            matter.person,
            DataKind.REFERRAL,
            matter,
            own=own_person(login),
            institutions=(receiving,),
        )


Bodies = DeclineIn | ProposeIn | DayIn | OutcomeIn | CancelReferralIn | None


async def act(house: House, login: Login, no: str, what: str, body: Bodies, key: str) -> MatterDoneOut:
    """Somebody does something in a referral. What he says in words stays in the record, and is shown once it was done:
    nobody's words stand where another's belong.
    """
    async with house.database.begin() as session:
        matter = await visible_referral(session, login, no, lock=True)
        doing, words = _act(login, matter, what, body, key)
        if words and matter.closed_at is None:
            await add_to_form(session, no, f"said:{doing.id}", words)
    done = await do(house, matter, doing)
    if words:
        async with house.database.begin() as session:
            await found_matter(session, no, MatterKind.REFERRAL, lock=True)
            await add_to_form(session, no, f"words:{doing.act}", words)
    return done


def _act(login: Login, matter: Matter, what: str, body: Bodies, key: str) -> tuple[AnyReferralAct, str]:
    rules, view = referral_rules(), ReferralView.model_validate(matter.progress)
    base: dict[str, Any] = {"id": act_id(login, matter, body, what, key), "actor": login.actor}
    if isinstance(body, DeclineIn):
        _coded(rules.declines, body.reason, body.reason_text)
        return DeclineReferral(**base, reason=body.reason), body.reason_text
    if isinstance(body, ProposeIn):
        _coded(rules.proposals, body.reason, body.reason_text)
        _proposed(rules, matter, view, body.institution)
        return ProposeReferral(**base, institution=body.institution, reason=body.reason), body.reason_text
    if isinstance(body, OutcomeIn):
        _coded(rules.outcomes, body.outcome, body.summary, "/outcome")
        _past(body)
        return OutcomeReferral(**base, outcome=body.outcome, day=body.day), body.summary
    if isinstance(body, CancelReferralIn):
        _coded(rules.cancellations, body.reason, body.reason_text)
        return CancelReferral(**base, reason=body.reason), body.reason_text
    if isinstance(body, DayIn) and what == "admit":
        _past(body)
        return AdmitReferral(**base, day=body.day), ""
    if isinstance(body, DayIn):
        return ScheduleReferral(**base, day=body.day), ""
    if what == "no_show":
        return NoShowReferral(**base), ""
    agrees = view.proposed and login.actor.department == view.referring
    return (AgreeReferral(**base) if agrees else AcceptReferral(**base)), ""


def _coded(known: Mapping[str, Coded], code: str, text: str, where: str = "/reason") -> None:
    if faults := code_faults(known, code, text, where):
        raise Refusals(faults)


def _past(body: DayIn | OutcomeIn) -> None:
    if body.day > local_day(datetime.now(UTC)):
        raise Refusal("referral_day", "/day")


def _proposed(rules: ReferralRules, matter: Matter, view: ReferralView, code: str) -> None:
    form = matter.form
    request = ReferralRequest(
        insured=matter.insured,
        reason=form["reason"],
        assessor_title=form["assessor_title"],
        capability=form["capability"],
        first=view.first,
    )
    if faults := receiving_faults(rules, request, institutions().get(code)):
        raise Refusals(faults)


def shown(house: House, matter: Matter) -> ReferralOut:
    """A referral in words."""
    view, form, rules = ReferralView.model_validate(matter.progress), matter.form, referral_rules()
    listed = institutions()
    codes = {**rules.declines, **rules.proposals, **rules.cancellations}
    return ReferralOut(
        no=matter.no,
        status=view.status,
        referring=_short(view.referring),
        receiving=_short(view.receiving),
        proposed=_short(view.proposed) if view.proposed else None,
        asked=[_short(code) for code in view.asked],
        insured=place(house, pool_of(matter.insured)),
        first=view.first,
        last=view.last,
        diag_code=form["diagnosis"]["diag_code"],
        diag_name=form["diagnosis"]["diag_name"],
        condition=form["diagnosis"]["dise_cond_dscr"],
        reason=rules.reasons[form["reason"]].title,
        reason_text=form["reason_text"],
        assessor=form["assessor"],
        assessor_title=rules.assessment.titles[form["assessor_title"]],
        capability=listed.capabilities[form["capability"]],
        patient_name=form["identity"]["psn_name"],
        appointment=view.appointment,
        admitted=view.admitted,
        discharged=view.discharged,
        outcome=view.outcome,
        outcome_text=_title(rules.outcomes, view.outcome),
        summary=form.get("words:outcome", ""),
        answer=view.reason,
        answer_text=_title(codes, view.reason),
        answer_words=_words(view, form),
        ended_by=view.ended_by,
        filing=view.filing,
        filing_refused=list(view.filing_refused),
        waiting_on=waits(house, matter),
        created_at=matter.created_at,
        closed_at=matter.closed_at,
    )


def _words(view: ReferralView, form: Mapping[str, Any]) -> str:
    act = {"declined": "decline", "cancelled": "cancel", "proposed": "propose"}.get(view.status, "")
    return str(form.get(f"words:{act}", ""))


def _title(codes: Mapping[str, Coded], code: str) -> Text | None:
    return codes[code].title if code in codes else TIME.get(code)


def _short(code: str) -> InstitutionShort:
    found = institutions().get(code)
    return InstitutionShort(code=code, name=found.name if found else None)
