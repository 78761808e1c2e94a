"""From rows to answers: the projection with the texts of the pinned plan, days left and explanations computed now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from api.house import House
from api.schemas import (
    CaseOut,
    CaseShort,
    ClockOut,
    DeliveryOut,
    DuplicateOut,
    EventOut,
    EvidenceOut,
    LegOut,
    PlaceOut,
    ResultOut,
    StepOut,
    TaskOut,
    WaitingOut,
)
from domain import names
from domain.calendar import WorkCalendar, local_day
from domain.messages import Actor, Place, Role, Text
from domain.plan import CasePlan, Clock, Plan, StepKind
from domain.process import clocks
from domain.reasons import reason_text
from domain.record import CaseView, ClockView, EvidenceState, Waiting
from domain.regions import covers
from domain.waiting import WHY
from models.cases import Application, Case, Duplicate
from models.commands import Command
from models.effects import Effect
from models.events import EventRow
from models.evidence import Evidence
from models.licences import Licence
from models.tasks import Task

_UNSEEN = {EvidenceState.REQUESTED, EvidenceState.UNAVAILABLE, EvidenceState.CANCELLED}


def place_out(house: House, region: str, department: str) -> PlaceOut:
    """A place with the name of its region."""
    return PlaceOut(region=region, region_name=house.library.divisions.names.get(region), department=department)


def waiting_out(house: House, waiting: Waiting, effects: Mapping[str, Effect] | None = None) -> WaitingOut:
    """Who has the ball, in words; with the number of tries if a province does not answer."""
    why = WHY[waiting.why]
    effect = (effects or {}).get(waiting.step)
    tries = effect.attempts if effect is not None and effect.answer is None and effect.trouble else None
    return WaitingOut(
        who=waiting.who,
        region=waiting.region,
        region_name=house.library.divisions.names.get(waiting.region),
        department=waiting.department,
        why=waiting.why,
        text=why.text,
        what_unblocks=why.unblocks,
        step=waiting.step,
        since=waiting.since,
        until=waiting.until,
        attempts=tries,
    )


def case_short(house: House, case: Case) -> CaseShort:
    """One line of a list."""
    view = case.view()
    plan = house.library.services.get(case.service)
    return CaseShort(
        no=case.no,
        service=case.service,
        title=plan.title if plan else Text(zh=case.service, en=case.service),
        subject=case.subject,
        status=case.status,
        waiting_on=waiting_out(house, view.waiting[0]) if view.waiting else None,
        due_at=case.due_at,
        overdue=case.closed_at is None and case.due_at is not None and case.due_at <= datetime.now(UTC),
        created_at=case.created_at,
        closed_at=case.closed_at,
    )


def case_out(
    house: House,
    actor: Actor,
    case: Case,
    plan: Plan,
    application: Application,
    evidence: Sequence[Evidence],
    effects: Sequence[Effect],
    calendar: WorkCalendar,
    related: Related,
) -> CaseOut:
    """The whole case as this actor may see it; due dates explained by this calendar."""
    view = case.view()
    whole = sees_whole(actor, case, CasePlan.model_validate(application.case_plan))
    case_plan = CasePlan.model_validate(application.case_plan)
    by_step = {effect.step: effect for effect in effects}
    fields = visible_fields(actor, case, case_plan, application.current())
    return CaseOut(
        **case_short(house, case).model_dump(exclude={"title", "waiting_on"}),
        title=plan.title,
        waiting_on=waiting_out(house, view.waiting[0], by_step) if view.waiting else None,
        version=case.version,
        plan_digest=case.plan_digest,
        reason=case.reason,
        reason_text=reason_text(case.reason),
        waiting=[waiting_out(house, item, by_step) for item in view.waiting],
        legs=_legs(house, case_plan, view),
        clocks=[_clock(calendar, case_plan, item) for item in view.clocks],
        evidence=[_evidence(house, actor, case, case_plan, item) for item in evidence],
        documents=_documents(application, related.brought) if whole else {},
        form=fields or None,
        acting=case.basis,
        duplicates=[
            DuplicateOut(no=other.no, status=other.status, created_at=other.created_at) for other in related.duplicates
        ],
        reopens=case.reopens,
        reopened_as=related.reopened_as,
        keep_until=_keep_until(plan, case),
    )


@dataclass(frozen=True)
class Related:
    """Other cases that this one has to do with, and the orders that brought documents into it."""

    duplicates: Sequence[Duplicate]
    reopened_as: str
    brought: Sequence[Command]


def _documents(application: Application, commands: Sequence[Command]) -> dict[str, list[dict[str, Any]]]:
    """By material: what was handed in at first, and what was brought since (``since``)."""
    found = {name: [dict(item) for item in group] for name, group in application.documents.items()}
    for command in commands:
        since = command.effective_at.isoformat() if command.effective_at else ""
        files = [file | {"since": since} for file in command.body.get("files", [])]
        found.setdefault(command.target, []).extend(files)
    return found


def _keep_until(plan: Plan, case: Case) -> date | None:
    if plan.retention is None or plan.retention.years is None or case.closed_at is None:
        return None
    closed = local_day(case.closed_at)
    last_of_month = closed.month == 2 and closed.day == 29
    return closed.replace(year=closed.year + plan.retention.years, day=28 if last_of_month else closed.day)


def sees_whole(actor: Actor, case: Case, plan: CasePlan) -> bool:
    """The applicant's side, and the authority that accepts and decides, see the whole application."""
    if actor.role in {Role.CITIZEN, Role.AGENT} or case.concerns(actor.subject):
        return True
    accepting = plan.accepting.model_copy(update={"region": case.view().moved.get("", plan.accepting.region)})
    return actor.role in {Role.CASEWORKER, Role.SUPERVISOR} and _at(actor, accepting)


def visible_fields(actor: Actor, case: Case, plan: CasePlan, form: Mapping[str, Any]) -> dict[str, Any]:
    """The fields this actor needs: another authority only those that its own steps are sent (PIPL art. 6)."""
    if sees_whole(actor, case, plan):
        return dict(form)
    if actor.role not in {Role.CASEWORKER, Role.SUPERVISOR}:
        return {}
    sent = {
        source.removeprefix("form.") for step in plan.steps if _at(actor, step.place) for source in step.send.values()
    }
    return {name: value for name, value in form.items() if name in sent}


def _at(actor: Actor, place: Place) -> bool:
    if actor.department != place.department:
        return False
    return covers(actor.region, place.region) if actor.role is Role.SUPERVISOR else actor.region == place.region


def _legs(house: House, plan: CasePlan, view: CaseView) -> list[LegOut]:
    states = {state.id: state for state in view.steps}
    return [
        LegOut(
            id=leg.id,
            title=leg.title,
            place=place_out(house, leg.place.region, leg.place.department),
            steps=[
                StepOut(
                    id=step.id,
                    title=step.title,
                    kind=step.kind,
                    status=states[step.id].status,
                    since=states[step.id].since,
                    needs=list(step.needs),
                    reference=states[step.id].reference,
                    trouble=states[step.id].trouble,
                    reasons=list(states[step.id].reasons),
                )
                for step in plan.steps
                if step.leg == leg.id
            ],
        )
        for leg in plan.legs
    ]


def _clock(calendar: WorkCalendar, plan: CasePlan, view: ClockView) -> ClockOut:
    """A clock with its explanation; the legal limit explains itself before the promised one."""
    clock = next(c for c in plan.clocks if c.id == view.id)
    dues = [day for day in (view.legal_due, view.promised_due) if day is not None]
    left = None
    if dues and view.stopped_at is None:
        left = calendar.working_days_between(local_day(datetime.now(UTC)), min(dues))
    return ClockOut(
        id=view.id,
        title=clock.title,
        started_on=view.started_on,
        stopped_at=view.stopped_at,
        legal_due=view.legal_due,
        promised_due=view.promised_due,
        working_days_left=left,
        provisional=view.provisional,
        overdue=view.legal_overdue or view.promised_overdue,
        explanation=explain(calendar, plan, clock, view),
    )


def explain(calendar: WorkCalendar, plan: CasePlan, clock: Clock, view: ClockView) -> list[Text]:
    """Why a clock ends when it does."""
    lines: list[Text] = []
    for limit in (clock.legal, clock.promised):
        if limit is None:
            continue
        extra = clocks.granted_days(clock, view.extension) if limit is clock.legal else 0
        due = clocks.due(calendar, plan, view.started_on, limit, view.pauses, extra)
        lines += [Text(zh=f"{limit.basis.zh}：{x.zh}", en=f"{limit.basis.en}: {x.en}") for x in due.explanation]
        if extra and clock.extension is not None:
            basis = clock.extension.basis
            zh, en = f"经批准延长 {extra} 日（{basis.zh}）。", f"Extended by {extra} with approval ({basis.en})."
            lines.append(Text(zh=zh, en=en))
    return lines


def _evidence(house: House, actor: Actor, case: Case, plan: CasePlan, item: Evidence) -> EvidenceOut:
    """Evidence; its content only for the applicant, or for the place that decides once it may be used."""
    step = next(s for s in plan.steps if s.id == item.step)
    applicant = actor.role in {Role.CITIZEN, Role.AGENT} or case.concerns(actor.subject)
    sees = applicant or (item.state == EvidenceState.USED and sees_whole(actor, case, plan))
    shown = item.preview if sees and item.state not in _UNSEEN else None
    return EvidenceOut(
        id=item.id,
        step=item.step,
        title=step.title,
        purpose=step.purpose,
        place=place_out(house, item.region, item.department),
        state=item.state,
        preview=shown,
        document_id=item.document_id if item.state == EvidenceState.REPLACED else "",
    )


def event_out(row: EventRow) -> EventOut:
    """One line of the audit trail."""
    return EventOut(
        seq=row.seq,
        type=row.type,
        at=row.at,
        actor={"role": row.actor_role, "region": row.actor_region, "department": row.actor_department} | _for(row),
        leg=row.leg,
        step=row.step,
        data=row.data,
        hash=row.hash,
    )


def _for(row: EventRow) -> dict[str, str]:
    """For whom it was done; the person by a digest, since whoever reads the trail need not know his login."""
    if not row.actor_basis:
        return {}
    return {"basis": row.actor_basis, "principal": names.holder_digest(row.case_no, row.actor_principal)}


def result_out(house: House, licence: Licence) -> ResultOut:
    """A licence of a case."""
    return ResultOut(
        licence=licence.identifier,
        title=Text.model_validate(licence.title),
        issuer=place_out(house, licence.region, licence.department),
        issued_at=licence.issued_at,
        verify=house.verification_url(licence.identifier),
        qr=house.qr_url(licence.identifier),
        state=licence.state,
    )


def deliveries_out(house: House, case: Case, plan: CasePlan) -> list[DeliveryOut]:
    """What is mailed or handed over."""
    states = {state.id: state for state in case.view().steps}
    return [
        DeliveryOut(
            step=step.id,
            title=step.title,
            place=place_out(house, step.place.region, step.place.department),
            status=states[step.id].status,
            reference=states[step.id].reference,
            at=states[step.id].since,
        )
        for step in plan.steps
        if step.kind is StepKind.DELIVER
    ]


def task_out(house: House, actor: Actor, task: Task, case: Case | None, bound: CasePlan | None = None) -> TaskOut:
    """A task in a worklist; with the case's plan, also the checklist of its step."""
    plan = house.library.services.get(case.service) if case else None
    called = {task.step, task.step.removesuffix(f"-{task.region}")}  # a step of several places is named by its place
    titles = {step.id: step.title for step in plan.steps} | {f"fee-{f.id}": f.title for f in plan.fees} if plan else {}
    title = next((titles[name] for name in called if name in titles), None)
    claimed = "" if not task.claimed_by else "me" if task.claimed_by == actor.subject else "other"
    return TaskOut(
        id=task.id,
        case_no=task.case_no,
        service=case.service if case else "",
        subject=case.subject if case else "",
        step=task.step,
        title=title,
        kind=task.kind,
        role=task.role,
        place=place_out(house, task.region, task.department),
        state=task.state,
        outcomes=list(task.outcomes),
        opened_at=task.opened_at,
        due_at=task.due_at,
        overdue=task.closed_at is None and task.due_at is not None and task.due_at <= datetime.now(UTC),
        outcome=task.outcome,
        claimed=claimed,
        queue=task.queue,
        checklist=[
            item.model_dump() for s in (bound.steps if bound else ()) if s.id == task.step for item in s.checklist
        ],
        revision=task.revision,
    )
