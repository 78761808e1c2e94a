"""The verbs of the law as people ask for them: authorised on the record, words stored, then sent to the case.

Whether the state of the case allows it is the workflow's to say (domain.process.law); here is checked what only the
database knows: whose case it is, whose documents, which materials and fields there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, JsonValue

from api.access import handled_case, own_case, signed_case, visible_case
from api.house import House
from api.schemas import CommandOut
from api.schemas_law import (
    CorrectionIn,
    CosignIn,
    ExtensionIn,
    HandInIn,
    ObjectionIn,
    OpinionIn,
    OriginalIn,
    ProcedureIn,
    ReasonIn,
    ReplyIn,
    SupplementIn,
    TransferIn,
)
from api.usecases import orders
from api.usecases.files import kept_files
from catalogue.forms import check_eligibility, conditions, read_form
from domain import names
from domain.errors import Refusal, Refusals
from domain.messages import Actor
from domain.plan import CasePlan, MaterialSource, Plan
from domain.process import (
    AnyOrder,
    AskExtensionCommand,
    BeginProcedureCommand,
    CancelSupplementCommand,
    CorrectCommand,
    CosignCommand,
    EndProcedureCommand,
    HandInCommand,
    ItemKind,
    ObjectCommand,
    ObjectCorrectionCommand,
    OpinionCommand,
    OriginalCommand,
    ReplySupplementCommand,
    RequestSupplementCommand,
    Stage,
    SupplementItem,
    TransferCommand,
)
from models.cases import Application, Case, read_application, read_plan
from models.database import Session


class Caller(BaseModel):
    """Who asks, about which case, under which idempotency key (empty: the content is the key)."""

    actor: Actor
    no: str
    key: str

    def order_id(self, verb: str, target: str, body: BaseModel | None = None) -> str:
        """The same request again is the same order."""
        return names.command_id(self.actor.subject, verb, target, self.key or (body.model_dump_json() if body else ""))


async def _plan(session: Session, case: Case) -> Plan:
    plan = await read_plan(session, case.plan_digest)
    if plan is None:
        raise Refusal("internal")
    return plan


async def _file(session: Session, case: Case) -> tuple[Plan, Application]:
    application = await read_application(session, case.no)
    if application is None:
        raise Refusal("internal")
    return await _plan(session, case), application


def _mended(
    house: House,
    plan: Plan,
    application: Application,
    fields: Mapping[str, JsonValue],
    pointers: Mapping[str, str],
) -> dict[str, dict[str, JsonValue]]:
    """Field -> before and after. The form has to pass as a whole, at the same places and with the same course.

    ``pointers``: where each field stands in the request; Refusals name these.
    """
    current = application.current()
    known = {name: value for name, value in current.items() if name in plan.form_fields()}  # it may have been moved
    try:
        clean = read_form(plan, known | dict(fields), house.library.divisions)
        if faults := check_eligibility(plan, clean):
            raise Refusals(faults)
    except Refusals as found:
        named = [(f, f.field.removeprefix("/form/").split("/")[0]) for f in found.items]
        raise Refusals([Refusal(f.code, pointers.get(name, f.field), f.detail) for f, name in named]) from found
    if places := {role.region_field for role in plan.roles.values()} & set(fields):
        raise Refusals([Refusal("place_not_correctable", pointers[name]) for name in sorted(places)])
    if conditions(plan, clean) != conditions(plan, current):
        raise Refusals([Refusal("course_not_correctable", pointers[name]) for name in sorted(fields)])
    return {name: {"before": current.get(name), "after": clean.get(name)} for name in sorted(fields)}


async def request_supplement(house: House, who: Caller, body: SupplementIn) -> CommandOut:
    """补正告知: one notice with everything, each item with its reason."""
    async with house.database.begin() as session:
        case = await handled_case(session, who.actor, who.no)
        plan = await _plan(session, case)
        materials, fields = {m.id for m in plan.materials}, plan.form_fields()
        faults = []
        for i, item in enumerate(body.items):
            if bool(item.material) == bool(item.field):
                faults.append(Refusal("field_invalid", f"/items/{i}"))
            elif item.material and item.material not in materials:
                faults.append(Refusal("material_unknown", f"/items/{i}/material"))
            elif item.field and item.field not in fields:
                faults.append(Refusal("field_unknown", f"/items/{i}/field"))
        if faults:
            raise Refusals(faults)
        items = tuple(
            SupplementItem(
                id=f"i{number}",
                about=f"material:{item.material}" if item.material else f"form:{item.field}",
                kind=ItemKind(item.kind),
            )
            for number, item in enumerate(body.items, 1)
        )
        order = RequestSupplementCommand(
            id=who.order_id("request_supplement", who.no, body),
            actor=who.actor,
            task=body.task,
            items=items,
            about_new=bool(body.about_new.strip()),
        )
        words = {f"i{n}": item.model_dump() for n, item in enumerate(body.items, 1)}
        stored = await orders.store(session, case, body.task, order, {"items": words, "about_new": body.about_new})
    return await orders.send(house, who.no, stored)


async def reply_supplement(house: House, who: Caller, supplement: str, body: ReplyIn) -> CommandOut:
    """Answers some or all items; what was handed in is kept with the answer."""
    async with house.database.begin() as session:
        case = await own_case(session, who.actor, who.no)
        ids = {f"/items/{name}/documents/{i}": d for name, r in body.items.items() for i, d in enumerate(r.documents)}
        kept = await kept_files(session, who.actor, ids)
        faults = [
            Refusal("field_missing", f"/items/{name}")
            for name, r in body.items.items()
            if not r.documents and r.value is None and not r.text.strip()
        ]
        if faults:
            raise Refusals(faults)
        asked = next((s for s in case.view().supplements if s.id == supplement), None)
        about = {about: item_id for item_id, about, _ in (asked.items if asked else ())}
        plan, application = await _file(session, case)
        pointers, new, current = {}, {}, application.current()
        for field in plan.form_fields():
            item = body.items.get(about.get(f"form:{field}", ""))
            if item is not None and item.value is not None and item.value != current.get(field):
                new[field], pointers[field] = item.value, f"/items/{about[f'form:{field}']}/value"
        mended = _mended(house, plan, application, new, pointers) if new else {}
        order = ReplySupplementCommand(
            id=who.order_id("reply_supplement", supplement, body),
            actor=who.actor,
            supplement=supplement,
            items=tuple(body.items),
            fields=tuple(mended),
        )
        words = {name: r.model_dump() | {"files": [kept[d] for d in r.documents]} for name, r in body.items.items()}
        stored = await orders.store(session, case, supplement, order, {"items": words, "fields": mended})
    return await orders.send(house, who.no, stored)


async def cancel_supplement(house: House, who: Caller, supplement: str, body: ReasonIn) -> CommandOut:
    """Takes a request back."""
    order = CancelSupplementCommand(
        id=who.order_id("cancel_supplement", supplement, body), actor=who.actor, supplement=supplement
    )
    return await _by_department(house, who, supplement, order, body.model_dump())


async def ask_extension(house: House, who: Caller, body: ExtensionIn) -> CommandOut:
    """Asks another person for more time."""
    order = AskExtensionCommand(id=who.order_id("ask_extension", who.no, body), actor=who.actor, clock=body.clock)
    return await _by_department(house, who, body.clock, order, body.model_dump())


async def begin_procedure(house: House, who: Caller, body: ProcedureIn) -> CommandOut:
    """A special procedure begins; the applicant is told how long it takes."""
    order = BeginProcedureCommand(
        id=who.order_id("begin_procedure", who.no, body),
        actor=who.actor,
        procedure=body.procedure,
        planned_days=body.planned_days,
    )
    return await _by_department(house, who, body.procedure, order, body.model_dump())


async def end_procedure(house: House, who: Caller, procedure: str, body: ReasonIn) -> CommandOut:
    """It is over; the clocks go on."""
    order = EndProcedureCommand(
        id=who.order_id("end_procedure", f"{who.no}/{procedure}", body), actor=who.actor, procedure=procedure
    )
    return await _by_department(house, who, procedure, order, body.model_dump())


async def transfer(house: House, who: Caller, body: TransferIn) -> CommandOut:
    """移送: asks another place to take the case over."""
    if body.region not in house.library.divisions.names:
        raise Refusal("region_unknown", "/region")
    order = TransferCommand(id=who.order_id("transfer", who.no, body), actor=who.actor, region=body.region)
    return await _by_department(house, who, body.region, order, body.model_dump())


async def ask_opinion(house: House, who: Caller, body: OpinionIn) -> CommandOut:
    """征求意见: asks another body."""
    if body.region not in house.library.divisions.names:
        raise Refusal("region_unknown", "/region")
    order = OpinionCommand(
        id=who.order_id("opinion", who.no, body), actor=who.actor, region=body.region, department=body.department
    )
    return await _by_department(house, who, body.department, order, body.model_dump())


async def move_original(house: House, who: Caller, body: OriginalIn) -> CommandOut:
    """One link of the custody chain, with the digest of a photo."""
    order = OriginalCommand(
        id=who.order_id("original", f"{who.no}/{body.material}", body),
        actor=who.actor,
        material=body.material,
        stage=Stage(body.stage),
    )
    async with house.database.begin() as session:
        case = await handled_case(session, who.actor, who.no, collects=True)
        kept = await kept_files(session, who.actor, {"/photo": body.photo})
        words = body.model_dump() | {"digest": kept[body.photo]["digest"]}
        stored = await orders.store(session, case, body.material, order, words)
    return await orders.send(house, who.no, stored)


async def correct(house: House, who: Caller, body: CorrectionIn) -> CommandOut:
    """代为更正: the corrected form has to pass as a whole; old and new values are on record."""
    async with house.database.begin() as session:
        case = await handled_case(session, who.actor, who.no)
        plan, application = await _file(session, case)
        pointers = {name: f"/fields/{name}" for name in body.fields}
        changed = _mended(house, plan, application, body.fields, pointers)
        order = CorrectCommand(
            id=who.order_id("correct", who.no, body), actor=who.actor, fields=tuple(sorted(body.fields))
        )
        stored = await orders.store(session, case, who.no, order, {"fields": changed, "reason": body.reason})
    return await orders.send(house, who.no, stored)


async def object_to_correction(house: House, who: Caller, correction: str, body: ReasonIn) -> CommandOut:
    """The applicant does not agree with it."""
    order = ObjectCorrectionCommand(
        id=who.order_id("object_correction", correction, body), actor=who.actor, correction=correction
    )
    return await _by_applicant(house, who, correction, order, body.model_dump())


async def hand_in(house: House, who: Caller, material: str, body: HandInIn) -> CommandOut:
    """What was promised is handed in."""
    async with house.database.begin() as session:
        case = await own_case(session, who.actor, who.no)
        plan, application = await _plan(session, case), await read_application(session, who.no)
        if application is None:
            raise Refusal("internal")
        uploads = {m.id for m in plan.materials if m.source is MaterialSource.UPLOAD}
        promised = {m.id for m in CasePlan.model_validate(application.case_plan).materials}  # under any version
        if material not in uploads | promised:
            raise Refusal("material_unknown", "/material")
        kept = await kept_files(session, who.actor, {f"/documents/{i}": d for i, d in enumerate(body.documents)})
        order = HandInCommand(
            id=who.order_id("hand_in", f"{who.no}/{material}", body), actor=who.actor, material=material
        )
        stored = await orders.store(session, case, material, order, {"files": [kept[d] for d in body.documents]})
    return await orders.send(house, who.no, stored)


async def cosign(house: House, who: Caller, body: CosignIn) -> CommandOut:
    """A co-signer confirms or declines."""
    order = CosignCommand(
        id=names.command_id(who.actor.subject, "cosign", who.no, ""), actor=who.actor, agree=body.agree
    )
    async with house.database.begin() as session:
        case = await signed_case(session, who.actor, who.no)
        stored = await orders.store(session, case, who.no, order, {"reason": body.reason})
    return await orders.send(house, who.no, stored)


async def object_to_display(house: House, who: Caller, body: ObjectionIn) -> CommandOut:
    """An objection to what is on public display; by anybody who may see the case, the applicant as well."""
    order = ObjectCommand(id=who.order_id("object", f"{who.no}/{body.step}", body), actor=who.actor, step=body.step)
    async with house.database.begin() as session:
        case = await visible_case(session, who.actor, who.no)
        stored = await orders.store(session, case, body.step, order, body.model_dump())
    return await orders.send(house, who.no, stored)


async def _by_department(
    house: House, who: Caller, target: str, order: AnyOrder, words: Mapping[str, Any]
) -> CommandOut:
    async with house.database.begin() as session:
        case = await handled_case(session, who.actor, who.no)
        stored = await orders.store(session, case, target, order, words)
    return await orders.send(house, who.no, stored)


async def _by_applicant(
    house: House, who: Caller, target: str, order: AnyOrder, words: Mapping[str, Any]
) -> CommandOut:
    async with house.database.begin() as session:
        case = await own_case(session, who.actor, who.no)
        stored = await orders.store(session, case, target, order, words)
    return await orders.send(house, who.no, stored)


def documents_of(words: Iterable[Mapping[str, Any]]) -> set[str]:
    """The ids of all documents that orders have brought into the case."""
    found: set[str] = set()
    for body in words:
        files = list(body.get("files", []))
        items = body.get("items", {})
        if isinstance(items, Mapping):
            files += [file for item in items.values() for file in item.get("files", [])]
        found |= {file["id"] for file in files}
        if "photo" in body:
            found.add(body["photo"])
    return found
