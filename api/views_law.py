"""What the verbs of the law have led to, for reading: deadlines in words, consequences, supplements, custody, fees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from api.house import House
from api.schemas_law import (
    ConsequenceOut,
    Consequences,
    CorrectionOut,
    CustodyOut,
    DeadlineList,
    DeadlineOut,
    FeeOut,
    PauseOut,
    SupplementItemOut,
    SupplementOut,
)
from api.schemas_people import OpinionOut
from api.views import explain, place_out
from domain import names
from domain.calendar import WorkCalendar, local_day
from domain.case import WITHDRAWABLE, CaseStatus, StepStatus
from domain.effects import AnswerStatus, Verb
from domain.messages import Text
from domain.plan import CasePlan, CaseStep, Clock, Plan, StepKind
from domain.process import clocks
from domain.record import CaseView, ClockView
from models.cases import Case
from models.commands import Command
from models.effects import Effect

_ASKED = {StepStatus.CALLING, StepStatus.BLOCKED, StepStatus.PENDING, StepStatus.RESOLVE}


def deadlines_out(house: House, calendar: WorkCalendar, case: Case, plan: CasePlan) -> DeadlineList:
    """Every clock of the case, explained."""
    view, today = case.view(), local_day(datetime.now(UTC))
    defined = {clock.id: clock for clock in plan.clocks}
    return DeadlineList(
        no=case.no,
        expected_on=view.expected_on,
        expected_provisional=view.expected_provisional,
        deadlines=[_deadline(house, calendar, plan, view, defined[c.id], c, today) for c in view.clocks],
    )


def _deadline(
    house: House,
    calendar: WorkCalendar,
    plan: CasePlan,
    view: CaseView,
    clock: Clock,
    shown: ClockView,
    today: date,
) -> DeadlineOut:
    dues = [day for day in (shown.legal_due, shown.promised_due) if day is not None]
    step = next((s for s in plan.steps if f"{s.id}.done" == clock.stop), None)
    place = step.place if step else plan.accepting
    region = view.moved.get(step.id if step else "", place.region)
    return DeadlineOut(
        clock=clock.id,
        title=clock.title,
        place=place_out(house, region, place.department),
        started_on=shown.started_on,
        stopped_at=shown.stopped_at,
        legal_due=shown.legal_due,
        promised_due=shown.promised_due,
        provisional=shown.provisional,
        paused=shown.paused,
        light="" if shown.stopped_at else clocks.light(calendar, clock, dues, today),
        extension=shown.extension,
        pauses=[
            PauseOut(
                cause=p.cause, text=clocks.cause_text(plan, p.cause), first=p.first, planned=p.planned, last=p.last
            )
            for p in shown.pauses
        ],
        explanation=explain(calendar, plan, clock, shown),
    )


_WHAT = {
    "undone": Text(zh="已生效，将被撤销", en="in effect; it will be undone"),
    "stands": Text(zh="已生效，不能撤销", en="in effect; it cannot be undone"),
    "cancelled": Text(zh="已发出，将被取消", en="asked for; it will be cancelled"),
    "not_begun": Text(zh="尚未开始", en="not begun"),
}


def consequences_out(house: House, case: Case, plan: Plan, bound: CasePlan, effects: Sequence[Effect]) -> Consequences:
    """What withdrawing now would mean for every step that acts on a province."""
    view = case.view()
    states = {step.id: step for step in view.steps}
    lasting = {step.id: step.not_reversible for step in plan.steps if step.not_reversible}
    found = []
    for step in bound.steps:
        if not step.operation or step.kind is StepKind.EVIDENCE:
            continue
        status = states[step.id].status
        what = _consequence(step, status)
        text = _WHAT[what]
        if what == "stands" and (reason := lasting.get(step.id.partition("-")[0])):
            text = reason
        place = place_out(house, view.moved.get(step.id, step.place.region), step.place.department)
        found.append(ConsequenceOut(step=step.id, title=step.title, place=place, what=what, text=text))
    return Consequences(
        no=case.no,
        possible=case.closed_at is None and view.target is None and CaseStatus(case.status) in WITHDRAWABLE,
        consequences=found,
        proofs=[
            {
                "step": effect.step,
                "region": effect.region,
                "reference": str((effect.answer or {}).get("reference", "")),
                "at": effect.answered_at.isoformat() if effect.answered_at else "",
            }
            for effect in effects
            if effect.verb == Verb.REVERSE and (effect.answer or {}).get("status") == AnswerStatus.ACCEPTED
        ],
    )


def _consequence(step: CaseStep, status: StepStatus) -> str:
    if status is StepStatus.DONE:
        return "undone" if step.compensate_with else "stands"
    return "cancelled" if status in _ASKED else "not_begun"


def supplements_out(case: Case, plan: Plan, commands: Sequence[Command]) -> list[SupplementOut]:
    """The requests with their words and what was answered."""
    words = {command.id: command.body for command in commands}
    replies = [c for c in commands if c.kind == "reply_supplement"]
    titles = {f"material:{m.id}": m.title for m in plan.materials} | {
        f"form:{name}": Text(zh=str(f.get("title", name)), en=str(f.get("x-title-en", name)))
        for name, f in plan.form_fields().items()
    }
    found = []
    for shown in case.view().supplements:
        said = words.get(shown.command, {})
        answers: dict[str, Any] = {}
        for reply in replies:
            if reply.target == shown.id:
                answers |= reply.body["items"]
        items = []
        for item_id, about, kind in shown.items:
            kind_of, _, name = about.partition(":")
            told = said.get("items", {}).get(item_id, {})
            items.append(
                SupplementItemOut(
                    id=item_id,
                    material=name if kind_of == "material" else "",
                    field=name if kind_of == "form" else "",
                    title=titles.get(about, Text(zh=name, en=name)),
                    kind=kind,
                    reason=told.get("reason", ""),
                    example=told.get("example", ""),
                    answered=item_id in shown.answered,
                    answer=answers.get(item_id),
                )
            )
        found.append(
            SupplementOut(
                id=shown.id,
                status=shown.status,
                since=shown.since,
                due=shown.due,
                provisional=shown.provisional,
                about_new=said.get("about_new", ""),
                items=items,
            )
        )
    return found


def custody_out(case: Case, plan: Plan, commands: Sequence[Command]) -> list[CustodyOut]:
    """Every original with each link of its chain: who, when, the photo's digest."""
    titles = {m.id: m.title for m in plan.materials}
    return [
        CustodyOut(
            material=name,
            title=titles.get(name, Text(zh=name, en=name)),
            stage=stage,
            links=[
                {
                    "stage": c.body["stage"],
                    "at": c.effective_at,
                    "region": c.actor_region,
                    "department": c.actor_department,
                    "digest": c.body["digest"],
                    "tracking": c.body["tracking"],
                }
                for c in commands
                if c.kind == "original" and c.target == name
            ],
        )
        for name, stage in case.view().originals.items()
    ]


def corrections_out(case: Case, commands: Sequence[Command]) -> list[CorrectionOut]:
    """What was corrected on behalf of the applicant."""
    words: Mapping[str, Mapping[str, Any]] = {c.id: c.body for c in commands if c.kind == "correct"}
    return [
        CorrectionOut(
            id=c.id,
            at=c.at,
            reason=words[c.command]["reason"],
            fields=words[c.command]["fields"],
            objected=c.objected,
            reverted=c.reverted,
        )
        for c in case.view().corrections
        if c.command in words
    ]


def _address(effect: Effect) -> str:
    """Where to pay; only a web address is passed on, whatever a back office says."""
    address = str((effect.answer or {}).get("data", {}).get("payment_url", ""))
    return address if address.startswith(("https://", "http://")) and len(address) <= 500 else ""


def opinions_out(house: House, commands: Sequence[Command]) -> list[OpinionOut]:
    """Each question with its answer, if there is one."""
    answers = {c.target: c for c in commands if c.kind == "decide"}
    found = []
    for asked in commands:
        if asked.kind != "opinion":
            continue
        order = asked.body["order"]
        task = names.task_id(asked.case_no, names.opinion_about(asked.id), "opinion", 0)
        answer = answers.get(task)
        found.append(
            OpinionOut(
                asked_at=asked.effective_at,
                by=place_out(house, asked.actor_region, asked.actor_department),
                place=place_out(house, order["region"], order["department"]),
                question=asked.body["question"],
                outcome=answer.body["outcome"] if answer else "",
                answer=answer.body["reason"] if answer else "",
                answered_at=answer.effective_at if answer else None,
            )
        )
    return found


_FEE = {
    StepStatus.WAITING: "not_due",
    StepStatus.PENDING: "due",
    StepStatus.DONE: "paid",
    StepStatus.REVERSING: "refunding",
    StepStatus.REVERSED: "refunded",
    StepStatus.CANCELLED: "cancelled",
}


def fees_out(case: Case, plan: Plan, bound: CasePlan, effects: Sequence[Effect]) -> list[FeeOut]:
    """Orders, payments, refunds; where to pay what is due, as the payment platform has said."""
    states = {step.id: step for step in case.view().steps}
    paying = {e.step: _address(e) for e in effects if e.verb == Verb.SUBMIT and e.answer}
    found = []
    for fee in plan.fees:
        step = next((s for s in bound.steps if s.id == f"fee-{fee.id}"), None)
        if step is None:
            continue
        state = states[step.id]
        found.append(
            FeeOut(
                id=fee.id,
                title=fee.title,
                amount_fen=int(step.send["amount_fen"].removeprefix("=")),
                status=_FEE.get(state.status, "ordering"),
                reference=state.reference,
                pay_at=paying.get(step.id, "") if state.status is StepStatus.PENDING else "",
                basis=fee.basis,
                tag=fee.tag,
                refund_on=[ending.value for ending in fee.refund_on],
            )
        )
    return found
