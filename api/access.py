"""Who may see which case. What is not yours looks like what is not there."""

from __future__ import annotations

from domain.errors import Refusal
from domain.identifiers import is_case_number
from domain.messages import Acting, Actor, Role
from domain.regions import covers
from models.cases import Case, read_case
from models.database import Session
from models.listing import Scope, takes_part
from models.tasks import Task, read_task

APPLICANTS = (Role.CITIZEN, Role.AGENT)
UPLOADERS = (*APPLICANTS, Role.CASEWORKER)  # a clerk photographs originals and scans at the counter


def scope_of(actor: Actor) -> Scope:
    """The cases an actor's lists are made of; Refusal(forbidden) for roles that handle no cases."""
    if actor.role in APPLICANTS:
        return Scope(owner=actor.subject)
    if actor.role in {Role.CASEWORKER, Role.SUPERVISOR}:
        return Scope(region=actor.region, department=actor.department, exact=actor.role is Role.CASEWORKER)
    if actor.role in {Role.COORDINATOR, Role.AUDITOR}:
        return Scope(everything=True)
    raise Refusal("forbidden")


async def visible_case(session: Session, actor: Actor, no: str) -> Case:
    """The case, if this actor may see it; Refusal(not_found) otherwise, whatever the reason."""
    if not is_case_number(no):
        raise Refusal("not_found")
    case = await read_case(session, no)
    if case is None:
        raise Refusal("not_found")
    try:
        scope = scope_of(actor)
    except Refusal:
        raise Refusal("not_found") from None
    own = actor.role in UPLOADERS and actor.subject in {case.owner, case.principal}
    if scope.everything or own or (scope.owner and case.concerns(scope.owner)):
        return case
    if scope.region and await takes_part(session, no, scope):
        return case
    raise Refusal("not_found")


async def own_case(session: Session, actor: Actor, no: str) -> Case:
    """The case, if it is this actor's: he has filed it, or it was filed for him."""
    case = await visible_case(session, actor, no)
    if not is_own(case, actor):
        raise Refusal("not_found")
    return case


def is_own(case: Case, actor: Actor) -> bool:
    """Whether this person stands on the applicant's side of the case."""
    return actor.subject in {case.owner, case.principal}


def acting_in(case: Case, actor: Actor) -> Actor:
    """The actor with whom he acts for in this case, and by what right, if it is not for himself."""
    if not case.basis or actor.subject != case.owner:
        return actor
    return actor.model_copy(update={"principal": case.principal, "basis": Acting(case.basis)})


async def signed_case(session: Session, actor: Actor, no: str) -> Case:
    """The case, if this actor is one of its co-signers."""
    case = await read_case(session, no) if is_case_number(no) else None
    if case is None or actor.subject not in case.view().signers:
        raise Refusal("not_found")
    return case


def at_counter(case: Case, actor: Actor) -> bool:
    """Whether this clerk has filed the case at his counter, for whoever stood before it."""
    return case.basis == Acting.CLERK and actor.subject == case.owner


async def handled_case(session: Session, actor: Actor, no: str, *, collects: bool = False) -> Case:
    """The case, if this actor's department takes part in it; Refusal(own_case) if it is his own.

    collects: it is about papers that a counter takes in, which the clerk does who has filed the case there.
    """
    if actor.role not in {Role.CASEWORKER, Role.SUPERVISOR}:
        raise Refusal("not_found")
    case = await visible_case(session, actor, no)
    if case.concerns(actor.subject) and not (collects and at_counter(case, actor)):
        raise Refusal("own_case")
    return case


async def visible_task(session: Session, actor: Actor, task_id: str, *, lock: bool = False) -> Task:
    """The task, if it lies in this actor's worklist."""
    task = await read_task(session, task_id, lock=lock) if task_id.isalnum() and len(task_id) == 26 else None
    if task is None or not _in_worklist(actor, task):
        raise Refusal("not_found")
    return task


def _in_worklist(actor: Actor, task: Task) -> bool:
    if actor.role is Role.CASEWORKER:
        return task.role == Role.CASEWORKER and (task.region, task.department) == (actor.region, actor.department)
    if actor.role is Role.SUPERVISOR:
        return task.department == actor.department and covers(actor.region, task.region)
    return actor.role is Role.COORDINATOR and task.role == Role.COORDINATOR  # disputes between places
