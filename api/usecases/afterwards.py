"""After the end of a case: rating it, following a bad rating up, taking a case up again.

No workflow runs any more, so the tasks that come of it are opened and decided here, in one transaction each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from api.access import acting_in, at_counter, is_own, visible_case
from api.house import House
from api.schemas import CommandOut, Decision
from api.schemas_people import RatingIn, RatingOut, RatingView, ReopenIn, TaskRef
from api.usecases import decisions
from api.usecases.submit import digest_of, first_view
from catalogue.forms import conditions
from domain import names
from domain.calendar import local_day
from domain.case import CaseStatus
from domain.errors import Refusal, Refusals
from domain.identifiers import case_number
from domain.messages import SYSTEM, Actor, Place, Role
from domain.plan import CasePlan, Limit, bind
from domain.process import Intake, clocks
from domain.process.state import PromiseStatus
from domain.record import Event, TaskKind, TaskState
from models import commands, ratings, tasks
from models.cases import Case, NewCase, insert_case, lock_case, next_sequence, note, read_application, read_plan
from models.cases import reopened_as as reopened_as_no
from models.commands import Command
from models.database import Session
from models.ratings import Rating
from models.tasks import Task

REOPENABLE = frozenset({CaseStatus.NOT_ACCEPTED, CaseStatus.DECIDED_REFUSED, CaseStatus.TERMINATED})
OWED = frozenset({PromiseStatus.OPEN, PromiseStatus.BROKEN})
OUTCOMES = {TaskKind.REOPEN: ("approve", "deny"), TaskKind.FOLLOW_UP: ("rectified", "explained", "excluded")}


# rating


async def rate(session: Session, house: House, actor: Actor, no: str, body: RatingIn) -> RatingView:
    """好差评: five levels, once a case, by the applicant's side; a bad one is followed up by a supervisor."""
    case = await visible_case(session, actor, no)
    if not is_own(case, actor):
        raise Refusal("not_found")
    if at_counter(case, actor):
        raise Refusal("forbidden")  # who serves at the counter does not rate himself
    case = await _locked(session, no)
    if case.closed_at is None:
        raise Refusal("not_closed")
    if await ratings.read_rating(session, no) is not None:
        raise Refusal("already_rated")
    known = {aspect.id for aspect in _aspects(house, case)}
    if faults := [Refusal("field_invalid", f"/aspects/{i}") for i, a in enumerate(body.aspects) if a not in known]:
        raise Refusals(faults)
    now, author = datetime.now(UTC), acting_in(case, actor)
    rating = Rating(
        case_no=no,
        stars=body.stars,
        aspects=list(body.aspects),
        text=body.text,
        by_subject=actor.subject,
        by_basis=author.basis or "",
        at=now,
    )
    lines = [Event(type="case:rated", at=now, actor=author, data={"stars": str(body.stars)})]
    if body.stars <= house.library.rating.bad_at_most:
        due = await _due(session, house, case, house.library.rating.follow_up, now)
        task = await _open(session, case, TaskKind.FOLLOW_UP, due, now)
        rating.follow_up = task.id
        lines.append(_opened(task, now))
    await ratings.insert_rating(session, rating)
    await note(session, case, lines)
    return await rating_view(session, house, actor, no)


async def rating_view(session: Session, house: House, actor: Actor, no: str) -> RatingView:
    """The rating of a case, and what can be said if there is none yet."""
    case = await visible_case(session, actor, no)
    rating = await ratings.read_rating(session, no)
    rules = house.library.rating
    titles = {aspect.id: aspect.title for aspect in (*rules.online, *rules.counter)}
    shown = None
    if rating is not None:
        shown = RatingOut(
            stars=rating.stars,
            level=rules.levels[rating.stars - 1],
            aspects=[titles[aspect] for aspect in rating.aspects if aspect in titles],
            text=rating.text,
            at=rating.at,
            follow_up=await _follow_up(session, rating),
        )
    return RatingView(
        rating=shown,
        possible=rating is None and case.closed_at is not None and is_own(case, actor) and not at_counter(case, actor),
        levels=list(rules.levels),
        aspects=[aspect.model_dump() for aspect in _aspects(house, case)],
    )


def _aspects(house: House, case: Case) -> tuple[Any, ...]:
    rules = house.library.rating
    return rules.counter if case.channel in {"hall", "kiosk", "virtual_window"} else rules.online


async def _follow_up(session: Session, rating: Rating) -> dict[str, Any] | None:
    task = await tasks.read_task(session, rating.follow_up) if rating.follow_up else None
    if task is None:
        return None
    return {"state": task.state, "outcome": task.outcome, "due_at": task.due_at, "closed_at": task.closed_at}


# taking up again


async def ask_to_reopen(session: Session, house: House, actor: Actor, no: str, body: ReopenIn) -> TaskRef:
    """Asked by the applicant's side or by the accepting authority, on a ground; a second person decides."""
    case = await visible_case(session, actor, no)
    if not is_own(case, actor) and not await _accepts(session, case, actor):
        raise Refusal("not_found")
    case = await _locked(session, no)
    if case.closed_at is None:
        raise Refusal("not_closed")
    if CaseStatus(case.status) not in REOPENABLE:
        raise Refusal("reopen_not_possible")
    asked = await tasks.tasks_of_case(session, no, TaskKind.REOPEN)
    if await reopened_as_no(session, no) or any(task.state == TaskState.OPEN for task in asked):
        raise Refusal("reopen_open")
    now, author = datetime.now(UTC), acting_in(case, actor)
    due = await _due(session, house, case, house.library.reopening, now)
    task = await _open(session, case, TaskKind.REOPEN, due, now, round_=len(asked))
    command = names.command_id(actor.subject, "reopen", task.id, "")
    await commands.insert_command(session, command, "reopen", no, task.id, author, body.model_dump(), now)
    await commands.effect(session, command, now)
    data = {"ground": body.ground, "command": command}
    await note(session, case, [Event(type="case:reopening:asked", at=now, actor=author, data=data), _opened(task, now)])
    return TaskRef(no=no, task=task.id, due_at=task.due_at)


async def _accepts(session: Session, case: Case, actor: Actor) -> bool:
    place = await _accepting(session, case)
    handles = actor.role in {Role.CASEWORKER, Role.SUPERVISOR}
    return handles and (actor.region, actor.department) == (place.region, place.department)


async def _accepting(session: Session, case: Case) -> Place:
    application = await read_application(session, case.no)
    if application is None:
        raise Refusal("internal")
    place = CasePlan.model_validate(application.case_plan).accepting
    return place.model_copy(update={"region": case.view().moved.get("", place.region)})


async def _taken_up(session: Session, house: House, actor: Actor, case: Case, now: datetime) -> str:
    """The application as it stood at the end, as a new case; returns its number. The old one stays as it ended."""
    application = await read_application(session, case.no)
    plan = await read_plan(session, case.plan_digest)
    if application is None or plan is None:
        raise Refusal("internal")
    form = application.current()
    case_plan = _where_it_lay(bind(plan, form, conditions(plan, form)), case.view().moved.get(""))
    place, day = case_plan.accepting, local_day(now)
    no = case_number(place.region, day, case.channel, plan.number_code, await next_sequence(session))
    documents = {name: list(group) for name, group in application.documents.items()}
    for material, files in _brought_since(case, await commands.read_commands(session, case.no)):
        documents.setdefault(material, []).extend(files)
    earlier = Intake.model_validate(application.intake)
    signed = set(case.view().signed)
    intake = Intake(
        promised=tuple(p.material for p in case.view().promises if p.status in OWED and not documents.get(p.material)),
        signers=earlier.signers if set(earlier.signers) - signed else (),
    )
    digest = digest_of(form, documents, case_plan.plan_digest)
    data = {"digest": digest, "service": plan.code, "version": plan.version, "channel": case.channel}
    event = Event(type="case:status:submitted", at=now, actor=actor, data=data | {"reopens": case.no})
    await insert_case(
        session,
        NewCase(
            no=no,
            plan=plan,
            case_plan=case_plan,
            owner=case.owner,
            channel=case.channel,
            subject=case.subject,
            form=form,
            documents=documents,
            digest=digest,
            view=first_view(case_plan, now),
            event=event,
            intake=intake,
            identity=case.identity,
            reopens=case.no,
            principal=case.principal,
            basis=case.basis,
        ),
    )
    return no


def _brought_since(case: Case, done: Sequence[Command]) -> Iterator[tuple[str, list[Any]]]:
    """What was handed in after the submission: promised, captured, or in answer to a notice; by material."""
    asked = {s.id: {item: about for item, about, _ in s.items} for s in case.view().supplements}
    for command in done:
        if command.kind in {"hand_in", "capture"}:
            yield command.target, command.body.get("files", [])
        elif command.kind == "reply_supplement":
            for item, answer in command.body["items"].items():
                kind, _, name = asked.get(command.target, {}).get(item, "").partition(":")
                if answer["files"]:
                    yield name if kind == "material" else "", answer["files"]


def _where_it_lay(plan: CasePlan, region: str | None) -> CasePlan:
    """The plan at the place that had taken the case over (移送), if one had."""
    if region is None:
        return plan
    old, new = plan.accepting, plan.accepting.model_copy(update={"region": region})
    return plan.model_copy(
        update={
            "accepting": new,
            "legs": tuple(leg.model_copy(update={"place": new}) if leg.place == old else leg for leg in plan.legs),
            "steps": tuple(s.model_copy(update={"place": new}) if s.place == old else s for s in plan.steps),
        }
    )


# their tasks


async def decide(
    session: Session, house: House, actor: Actor, task: Task, decision: Decision, if_match: int | None
) -> CommandOut:
    """A decision on one of these tasks; the same again gets the same answer."""
    command = decisions.order_id(actor, task.id, decision)
    case = await _locked(session, task.case_no)
    known = await commands.read_command(session, command)
    if known is not None and known.effective_at is not None:
        again = await reopened_as_no(session, case.no)
        return CommandOut(no=case.no, status=case.status, at=known.effective_at, reopened_as=again)
    locked = await tasks.read_task(session, task.id, lock=True)
    if locked is None:
        raise Refusal("not_found")
    decisions.check(actor, locked, decision, if_match)
    await may_decide(session, actor, case, locked)
    now = datetime.now(UTC)
    await commands.insert_command(session, command, "decide", case.no, task.id, actor, decision.model_dump(), now)
    await commands.effect(session, command, now)
    await tasks.close_task(session, task.id, decision.outcome, now)
    data = {"task": task.id, "outcome": decision.outcome, "command": command}
    lines = [Event(type=f"task:{task.kind}:decided", at=now, actor=actor, data=data)]
    new = ""
    if TaskKind(task.kind) is TaskKind.REOPEN and decision.outcome == "approve":
        new = await _taken_up(session, house, actor, case, now)
        lines.append(Event(type="case:reopened", at=now, actor=actor, data={"as": new}))
    await note(session, case, lines)
    return CommandOut(no=case.no, status=case.status, at=now, reopened_as=new)


async def may_decide(session: Session, actor: Actor, case: Case, task: Task) -> None:
    """Not by whom the case concerns, and not by who has asked for it."""
    if case.concerns(actor.subject):
        raise Refusal("own_case")
    asked = [c for c in await commands.read_commands(session, case.no) if c.target == task.id]
    if any(c.actor_subject == actor.subject for c in asked):
        raise Refusal("same_person")


async def _due(session: Session, house: House, case: Case, limit: Limit, now: datetime) -> datetime:
    calendar = await house.calendars.in_force(session, (await _accepting(session, case)).region)
    return clocks.end_of(calendar.due_in(local_day(now), limit.days, limit.unit).day)


async def _open(
    session: Session, case: Case, kind: TaskKind, due_at: datetime, now: datetime, *, round_: int = 0
) -> Task:
    place = await _accepting(session, case)
    task = Task(
        id=names.task_id(case.no, "", kind, round_),
        case_no=case.no,
        step="",
        kind=kind,
        role=Role.SUPERVISOR,
        region=place.region,
        department=place.department,
        state=TaskState.OPEN,
        outcomes=list(OUTCOMES[kind]),
        opened_at=now,
        due_at=due_at,
    )
    await tasks.insert_task(session, task)
    return task


def _opened(task: Task, now: datetime) -> Event:
    return Event(type=f"task:{task.kind}:opened", at=now, actor=SYSTEM, data={"task": task.id})


async def _locked(session: Session, no: str) -> Case:
    case = await lock_case(session, no)
    if case is None:
        raise Refusal("not_found")
    return case
