"""What a clerk has before him who keys a request into a department's own system, and what a province wants."""

from __future__ import annotations

from api.house import House
from api.schemas import RekeyOut
from domain.effects import Answer, Verb
from domain.messages import Text
from domain.plan import CasePlan
from domain.process.hands import NOTHING_TO_UNDO
from domain.record import TaskKind, TaskState
from domain.sending import payload
from models.cases import Application
from models.database import Session
from models.effects import Effect, effects_of
from models.tasks import Task


async def shown(
    session: Session, house: House, task: Task, application: Application
) -> tuple[RekeyOut | None, Text | None]:
    """For an open task of these kinds: the data to key in, or the province's own words about what it wants."""
    if task.state != TaskState.OPEN or task.kind not in {TaskKind.REKEY, TaskKind.SUPPLY}:
        return None, None
    effects = await effects_of(session, task.case_no)
    adapter = house.provinces.for_place(task.region, task.department)
    submitted = [e for e in effects if e.step == task.step and e.verb == Verb.SUBMIT]
    if task.kind == TaskKind.SUPPLY:
        answer = _answer(submitted[-1]) if submitted else None
        return None, answer.wants if answer else None
    plan = CasePlan.model_validate(application.case_plan)
    step = next(s for s in plan.steps if s.id == task.step)
    if NOTHING_TO_UNDO in task.outcomes:
        numbers = [answer.reference for effect in submitted if (answer := _answer(effect)) and answer.reference]
        undoes = numbers[-1] if numbers else ""
        keys = [e.key for e in effects if e.step == task.step and e.verb == Verb.REVERSE]
        remark = adapter.business_number(task.case_no, keys[-1]) if keys else ""
        beside = adapter.business_number(task.case_no, submitted[-1].key) if submitted else ""
        reversal = RekeyOut(
            operation=step.compensate_with, reverses=True, undoes=undoes, undoes_remark=beside, remark=remark, fields={}
        )
        return reversal, None
    references = {e.step: a.reference for e in effects if e.verb == Verb.SUBMIT and (a := _answer(e))}
    fields = payload(step.send, application.form | application.corrected, references)
    remark = adapter.business_number(task.case_no, submitted[-1].key) if submitted else ""
    return RekeyOut(operation=step.operation, reverses=False, remark=remark, fields=fields), None


def _answer(effect: Effect) -> Answer | None:
    return Answer.model_validate(effect.answer) if effect.answer else None
