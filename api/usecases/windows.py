"""Sessions at the virtual window: asked for, queued, acted in. The rules are domain.window's; here is who and what."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import TypeAdapter

from api.access import acting_in, at_counter, is_own, visible_case
from api.gateway import NotRunning
from api.house import House
from api.schemas_windows import ActIn, CaptureIn, CloseIn, HandOverIn, WindowDoneOut, WindowIn, WindowOut
from api.usecases import orders
from api.usecases.files import kept_files
from api.views import place_out
from domain import names
from domain.case import StepStatus
from domain.errors import Refusal
from domain.messages import Actor, Place, Role, Text
from domain.plan import CasePlan, CaseStep, MaterialSource, StepKind
from domain.process import CaptureCommand
from domain.window import AnyAct, WindowStart, WindowView
from domain.window import Session as Course
from models import outbox, windows
from models.cases import Case, lock_case, read_application, read_case, read_plan
from models.database import Session
from models.outbox import OutboxKind
from models.windows import WindowSession

_ACT: TypeAdapter[AnyAct] = TypeAdapter(AnyAct)
REASONS = {
    "nobody_came": Text(zh="排队超时，无人接入", en="nobody came in time"),
    "applicant_did_not_come": Text(zh="申请人未接入", en="the applicant did not come"),
    "hard_stop": Text(zh="超过会话最长时间", en="the longest time for a session was over"),
    "connection_lost": Text(zh="连接中断未恢复", en="a lost connection did not come back"),
    "identity_failed": Text(zh="身份核验未通过", en="the identity could not be verified"),
}


async def ask(session: Session, house: House, actor: Actor, body: WindowIn) -> tuple[WindowOut, WindowStart, int]:
    """A new session for a case: by the applicant, or by a clerk of the hall for him; with its start message."""
    case = await visible_case(session, actor, body.case_no)
    locked = await lock_case(session, case.no)
    if locked is None or locked.closed_at is not None:
        raise Refusal("case_closed")
    application = await read_application(session, case.no)
    if application is None:
        raise Refusal("internal")
    bound = CasePlan.model_validate(application.case_plan)
    step = _step(bound, locked.view().moved, locked)
    if step is None and body.hall is None:
        raise Refusal("no_window_step", "/hall")
    handling = _handling(bound, locked)
    hall = Place.model_validate(body.hall.model_dump()) if body.hall else (step.place if step else handling)
    if body.hall and body.hall.region not in house.library.divisions.names:
        raise Refusal("region_unknown", "/hall/region")
    at_hall = actor.role is Role.CASEWORKER and (actor.region, actor.department) == (hall.region, hall.department)
    if not is_own(locked, actor) and not at_hall:
        raise Refusal("not_found")
    if step is not None and step.place not in {hall, handling}:
        raise Refusal("window_elsewhere", "/hall")  # its clerk would sit at neither side, and nobody could complete it
    if await windows.open_window_of(session, case.no) is not None:
        raise Refusal("window_open")
    now = datetime.now(UTC)
    start = WindowStart(
        id="w" + secrets.token_hex(13)[:25],
        case_no=case.no,
        hall=hall,
        handling=handling,
        asked_by=acting_in(locked, actor),
        consent_version=house.library.consent.version,
        times=house.library.window_times,
        step=step.id if step else "",
        decides=step.place if step else None,
        mandatory=tuple(item.id for item in step.checklist if item.mandatory) if step else (),
    )
    view = Course(start, now).view()
    await windows.insert_window(session, start, locked.principal or locked.owner, view, now)
    message = await outbox.post(session, OutboxKind.WINDOW, case.no, {"window": start.id}, now)
    window = await windows.read_window(session, start.id)
    if window is None:
        raise Refusal("internal")
    return await shown(session, house, actor, window), start, message


def _handling(plan: CasePlan, case: Case) -> Place:
    """业务属地: who decides; where acceptance is delegated that is not who accepts."""
    moved = case.view().moved
    for step in plan.steps:
        if step.kind is StepKind.DECIDE:
            return step.place.model_copy(update={"region": moved.get(step.id, step.place.region)})
    return plan.accepting.model_copy(update={"region": moved.get("", plan.accepting.region)})


def _step(plan: CasePlan, moved: Mapping[str, str], case: Case) -> CaseStep | None:
    """The window step that is open, where it lies now."""
    open_ones = {s.id for s in case.view().steps if s.status is StepStatus.TASK}
    for step in plan.steps:
        if step.kind is StepKind.WINDOW and step.id in open_ones:
            region = moved.get(step.id, step.place.region)
            return step.model_copy(update={"place": step.place.model_copy(update={"region": region})})
    return None


async def act(house: House, actor: Actor, window_id: str, body: ActIn, key: str) -> WindowDoneOut:
    """Something is done in a session; answered when it is on record. The same key again is the same act."""
    async with house.database.begin() as session:
        window = await visible(session, actor, window_id)
        case = await read_case(session, window.case_no)
        if case is None:
            raise Refusal("internal")
        _not_his_own(case, actor, window, body)
        author = acting_in(case, actor)
        spelled = body.model_dump(mode="json")
        content = "\x1f".join(f"{k}={v}" for k, v in sorted(spelled.items()))
        # without a key the content is one: a second time is another act only where the state has moved on
        act_id = names.command_id(actor.subject, f"window:{body.act}", window_id, key or f"{window.recorded} {content}")
        capture = None
        if isinstance(body, CaptureIn):
            file = (await kept_files(session, actor, {"/document": body.document}))[body.document]
            await _known_material(session, case, body.material)
            spelled |= {"digest": file["digest"]}
            command = CaptureCommand(
                id=act_id, actor=author, material=body.material, digest=file["digest"], session=window_id
            )
            capture = await orders.store(session, case, body.material, command, {"files": [file]})
        if isinstance(body, CloseIn):
            spelled["ticked"] = spelled.pop("checklist")
    try:
        done = await house.gateway.act(window_id, _ACT.validate_python(spelled | {"id": act_id, "actor": author}))
    except NotRunning as error:
        if window.closed_at is not None:
            raise Refusal("window_closed") from error
        raise  # its workflow has not been started yet
    if capture is not None:
        await orders.send(house, window.case_no, capture)
    return WindowDoneOut(id=window_id, status=done.status, at=done.at)


async def _known_material(session: Session, case: Case, material: str) -> None:
    plan = await read_plan(session, case.plan_digest)
    uploads = {m.id for m in plan.materials if m.source is MaterialSource.UPLOAD} if plan else set()
    if material and material not in uploads:
        raise Refusal("material_unknown", "/material")


def _not_his_own(case: Case, actor: Actor, window: WindowSession, body: ActIn) -> None:
    """No clerk stands in office where it is his own case. Who has filed it at his counter may still sit beside the
    applicant, as long as nothing in the session is for his place to decide.
    """
    if isinstance(body, HandOverIn) and case.concerns(body.to):
        raise Refusal("own_case", "/to")
    if actor.role is not Role.CASEWORKER or not case.concerns(actor.subject):
        return
    decide = {(window.handling_region, window.handling_department)}
    if (decides := WindowStart.model_validate(window.start).decides) is not None:
        decide.add((decides.region, decides.department))
    if not at_counter(case, actor) or (actor.region, actor.department) in decide:
        raise Refusal("own_case")


async def visible(session: Session, actor: Actor, window_id: str) -> WindowSession:
    """A session, for the applicant's side and for the clerks of both halls; Refusal(not_found) for anybody else."""
    window = await windows.read_window(session, window_id)
    if window is None:
        raise Refusal("not_found")
    here = {
        (window.hall_region, window.hall_department),
        (window.handling_region, window.handling_department),
    }
    if actor.role in {Role.CASEWORKER, Role.SUPERVISOR} and (actor.region, actor.department) in here:
        return window
    case = await read_case(session, window.case_no)
    if case is None or not is_own(case, actor):
        raise Refusal("not_found")
    return window


async def shown(session: Session, house: House, actor: Actor, window: WindowSession) -> WindowOut:
    """A session as this person may see it: clerks are not named."""
    view: WindowView = window.view()
    start = WindowStart.model_validate(window.start)
    queued = window.status == "queued"
    return WindowOut(
        id=window.id,
        case_no=window.case_no,
        status=view.status,
        since=view.since,
        outcome=view.outcome or "",
        reason=view.reason,
        reason_text=REASONS.get(view.reason),
        hall=place_out(house, window.hall_region, window.hall_department),
        handling=place_out(house, window.handling_region, window.handling_department),
        step=start.step,
        waits_for=view.waits_for or "",
        until=view.until,
        position=await windows.position(session, window) if queued else None,
        call_back_offered=view.call_back_offered,
        call_back=view.call_back,
        call_back_at=view.call_back_at,
        consent=house.library.consent.model_dump(exclude={"tag"}),
        consented_at=view.consented_at,
        counters=dict(view.counters),
        clerks={side: "me" if who == actor.subject else "other" for side, who in view.clerks.items()},
        joined=list(view.joined),
        identity=[check.model_dump(mode="json") for check in view.identity],
        captured=[item.model_dump(mode="json") for item in view.captured],
        to_sign=view.to_sign,
        signed=view.signed,
        losses=[loss.model_dump(mode="json") for loss in view.losses],
        recording=view.recording.model_dump() if view.recording else None,
        created_at=window.created_at,
        closed_at=window.closed_at,
    )
