"""Stays and visits: opened and led by an institution, read by the patient, the agencies and nobody else.

The rules are domain.medical.treatment's. Here it is decided who may, what goes into the form (who the patient is, fee
lines, diagnoses: never to Temporal) and how it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from api.auth import Login
from api.house import House
from api.schemas_medical import MatterDoneOut
from api.schemas_treatments import (
    BillOut,
    CancelFeesIn,
    DischargeIn,
    FeeIn,
    FeesIn,
    ReasonIn,
    ReversalIn,
    SettleIn,
    SettlementOut,
    StayIn,
    TreatmentOut,
    TroubleOut,
    UploadOut,
    VisitIn,
)
from api.usecases.health import may_read_health, own_person
from api.usecases.matters import act_id, checked_number, do, found_matter, known_region, place, waits
from catalogue.medical import institutions, treatment_terms
from domain import names
from domain.calendar import SHANGHAI, local_day
from domain.errors import Refusal, Refusals
from domain.medical import MatterKind, matter_number
from domain.medical.access import INSURANCE, DataKind
from domain.medical.interface_words import fen
from domain.medical.recognition import FeeLine, double_charged
from domain.medical.treatment import Treatment
from domain.medical.treatment_words import (
    AddFees,
    AnyTreatmentAct,
    BillRef,
    Cancel,
    CancelFees,
    Discharge,
    PayInFull,
    Preview,
    Recheck,
    Settle,
    SettledOnce,
    StartTreatment,
    TreatmentView,
    Undo,
)
from domain.messages import Actor, Role
from domain.money import yuan
from domain.record import Event
from models.cases import next_sequence
from models.database import Session
from models.matters import Matter, add_part, children_of, drop_part, insert_matter, list_matters
from models.recognitions import recognised_in

WIRE_TIME = "%Y-%m-%d %H:%M:%S"
KINDS = {MatterKind.STAY: DataKind.STAY, MatterKind.VISIT: DataKind.VISIT}
TRAUMA = "22"


async def open_treatment(
    session: Session, house: House, actor: Actor, body: StayIn | VisitIn
) -> tuple[TreatmentOut, str, int]:
    """A new stay or visit; with its number and the message that starts its workflow."""
    kind = MatterKind.STAY if isinstance(body, StayIn) else MatterKind.VISIT
    number = checked_number(body.patient.id_number, "/patient/id_number")
    known_region(house, body.insured, "/insured")
    now = datetime.now(UTC)
    institution = institutions().get(actor.department)
    if institution is None or not institution.is_open(local_day(now)):
        raise Refusal("institution_unknown")
    if isinstance(body, StayIn) and body.med_type == TRAUMA and not body.no_third_party:
        raise Refusal("third_party_word_missing", "/no_third_party")
    if isinstance(body, VisitIn) and (body.med_type == "14") != bool(body.disease):
        raise Refusal("disease_wrong", "/disease")
    no = matter_number(kind, institution.region, local_day(now), await next_sequence(session))
    begin, terms = body.begin.astimezone(SHANGHAI), treatment_terms()
    start = StartTreatment(
        no=no,
        kind=kind,
        place=institution.region,
        insured=body.insured,
        insutype=body.insutype,
        med_type=body.med_type,
        institution=institution.code,
        institution_name=institution.name.zh,
        institution_uscc=institution.uscc,
        agency=terms.agency(body.insured),
        review_days=terms.review_days,
        emergency=body.emergency,
        disease=body.disease if isinstance(body, VisitIn) else "",
        times=terms.times,
        opened_by=actor,
    )
    form: dict[str, Any] = {
        "identity": {"mdtrt_cert_no": number, "psn_name": body.patient.name},
        "dates": {"mdtrt_date": f"{begin:%Y-%m-%d}"},
        "admission": {
            "begntime": f"{begin:{WIRE_TIME}}",
            "diag_code": body.diagnosis.code,
            "diag_name": body.diagnosis.name,
            ("adm_dept_name" if kind is MatterKind.STAY else "dept_name"): body.department,
        },
    }
    course = Treatment(start, now)
    course.begin(now)
    person = names.person_digest(number)
    message = await insert_matter(
        session,
        no=no,
        kind=kind,
        status=course.status,
        owner=person,
        person=person,
        insured=body.insured,
        treatment=institution.region,
        institution=institution.code,
        start=start.model_dump(mode="json"),
        form=form,
        view=course.view().model_dump(mode="json"),
        waiting=course.waiting(),
        event=Event(type=f"{kind}:received", at=now, actor=actor, data={"insured": body.insured}),
    )
    matter = await found_matter(session, no, kind)
    return await shown(session, house, matter), no, message


async def add_fees(house: House, login: Login, kind: MatterKind, no: str, body: FeesIn, key: str) -> MatterDoneOut:
    """Fee lines go up: kept in the form first, under a name that the same request makes again."""
    async with house.database.begin() as session:
        matter = await own_matter(session, login, kind, no, lock=True)
        _check_lines(body.lines)
        await _no_second_charge(session, matter, body.lines)
        act = act_id(login, matter, body, "add_fees", key)
        part = f"fees:{act}"
        serials = {line["feedetl_sn"] for p, lines in _live(matter).items() if p != part for line in lines}
        twice = [i for i, line in enumerate(body.lines) if line.serial in serials]
        if twice:
            raise Refusal("serial_used", f"/lines/{twice[0]}/serial")
        await add_part(session, no, part, {"feedetail": [_wire_line(line) for line in body.lines]})
        # what has to be named to take them down again
        await add_part(session, no, f"cancel:{part}", {"feedetl_sn": [line.serial for line in body.lines]})
    total = sum(line.amount for line in body.lines)
    fees = AddFees(id=act, actor=login.actor, part=part, lines=len(body.lines), total=total)
    try:
        return await do(house, matter, fees)
    except Refusal:  # they were not taken: their serials are free again
        async with house.database.begin() as session:
            await drop_part(session, no, part)
        raise


def _live(matter: Matter) -> dict[str, list[dict[str, Any]]]:
    """The uploads whose serials are in use: whatever was handed in and not refused or taken down, on its way or not."""
    view = TreatmentView.model_validate(matter.progress)
    gone = {u.part for u in view.uploads if u.status in {"refused", "cancelled"}}
    return {
        part: content["feedetail"]
        for part, content in matter.form.items()
        if part.startswith("fees:") and part not in gone
    }


def charged_lines(matter: Matter) -> list[FeeLine]:
    """The lines that stand on the bill, or are on their way there."""
    return [
        FeeLine(
            feedetl_sn=line["feedetl_sn"],
            med_list_codg=line["med_list_codg"],
            det_item_fee_sumamt=fen(line["det_item_fee_sumamt"]),
        )
        for lines in _live(matter).values()
        for line in lines
    ]


def _check_lines(lines: Sequence[FeeIn]) -> None:
    faults: list[Refusal] = []
    seen: set[str] = set()
    for i, line in enumerate(lines):
        if line.serial in seen:
            faults.append(Refusal("serial_used", f"/lines/{i}/serial"))
        seen.add(line.serial)
        if int((Decimal(line.count) * line.price).to_integral_value(ROUND_HALF_UP)) != line.amount:
            faults.append(Refusal("amount_wrong", f"/lines/{i}/amount"))
        if line.amount == 0:
            faults.append(Refusal("amount_wrong", f"/lines/{i}/amount"))
    if faults:
        raise Refusals(faults)


async def _no_second_charge(session: Session, matter: Matter, lines: Sequence[FeeIn]) -> None:
    """An examination that was recognised for this stay or visit is not charged for (domain note 4)."""
    recognised = await recognised_in(session, matter.no)
    fees = [FeeLine(feedetl_sn=line.serial, med_list_codg=line.item, det_item_fee_sumamt=line.amount) for line in lines]
    charged = double_charged(recognised, fees)
    if charged:
        where = next(i for i, line in enumerate(lines) if line.serial == charged[0].line)
        raise Refusal("recognised_item_charged", f"/lines/{where}/item", charged[0].text)


def _wire_line(line: FeeIn) -> dict[str, str]:
    return {
        "feedetl_sn": line.serial,
        "med_list_codg": line.item,
        "med_list_name": line.name,
        "fee_ocur_time": f"{line.at.astimezone(SHANGHAI):{WIRE_TIME}}",
        "cnt": line.count,
        "pric": yuan(line.price),
        "det_item_fee_sumamt": yuan(line.amount),
    }


async def discharge(house: House, login: Login, no: str, body: DischargeIn, key: str) -> MatterDoneOut:
    """The patient leaves; when and why stand in the form."""
    async with house.database.begin() as session:
        matter = await own_matter(session, login, MatterKind.STAY, no, lock=True)
        act = act_id(login, matter, body, "discharge", key)
        ends = f"{body.at.astimezone(SHANGHAI):{WIRE_TIME}}"
        if ends < matter.form["admission"]["begntime"]:
            raise Refusal("discharge_before_admission", "/at")
        content = {
            "endtime": ends,
            "dscg_diag_code": body.diagnosis.code,
            "dscg_diag_name": body.diagnosis.name,
        }
        part = f"discharge:{act}"
        await add_part(session, no, part, content)
    return await do(house, matter, Discharge(id=act, actor=login.actor, way=body.way, at=body.at, part=part))


Said = CancelFeesIn | SettleIn | ReasonIn | None


async def act(house: House, login: Login, kind: MatterKind, no: str, what: str, body: Said, key: str) -> MatterDoneOut:
    """Whatever needs no form: previews, settles, cancels, checks again, pays in full."""
    async with house.database.begin() as session:
        matter = await own_matter(session, login, kind, no)
        act = act_id(login, matter, body, what, key)
        if isinstance(body, ReasonIn):
            await add_part(session, no, _words(act), {"reason": body.reason})
    who = {"id": act, "actor": login.actor}
    made: AnyTreatmentAct
    match what, body:
        case "preview", _:
            made = Preview.model_validate(who)
        case "cancel", _:
            made = Cancel.model_validate(who)
        case "recheck", _:
            made = Recheck.model_validate(who)
        case "settle", SettleIn():
            made = Settle.model_validate(who | {"use_account": body.use_account})
        case "cancel_fees", CancelFeesIn():
            made = CancelFees.model_validate(who | {"part": body.upload})
        case "pay_in_full", ReasonIn():
            made = PayInFull.model_validate(who | {"part": _words(act)})
        case _:
            raise Refusal("internal")
    return await do(house, matter, made)


async def reverse(house: House, login: Login, body: ReversalIn, key: str) -> MatterDoneOut:
    """A settlement is undone: the one that is named, which has to be the one that stands."""
    async with house.database.begin() as session:
        matter = await own_treatment(session, login, body.no)
        view = TreatmentView.model_validate(matter.progress)
        if not any(s.setl_id == body.settlement and not s.undoes for s in view.settlements):
            raise Refusal("settlement_unknown", "/settlement")
        act = act_id(login, matter, body, "undo", key)
        await add_part(session, matter.no, _words(act), {"reason": body.reason})
    # whether it still stands the workflow says, which knows this very act if it has carried it out before
    return await do(house, matter, Undo(id=act, actor=login.actor, part=_words(act), settlement=body.settlement))


def _words(act: str) -> str:
    """The part of the form with somebody's own words about an act; they may say anything, and stay there."""
    return f"words:{act}"


# who sees what


async def own_matter(session: Session, login: Login, kind: MatterKind, no: str, *, lock: bool = False) -> Matter:
    """The stay or visit, for users of the institution that has it; Refusal(not_found) for anybody else."""
    matter = await found_matter(session, no, kind, lock=lock)
    if login.actor.role is not Role.INSTITUTION or matter.institution != login.actor.department:
        raise Refusal("not_found")
    return matter


async def own_treatment(session: Session, login: Login, no: str) -> Matter:
    """The same, of either kind."""
    for kind in KINDS:
        try:
            return await own_matter(session, login, kind, no)
        except Refusal:
            continue
    raise Refusal("not_found")


async def read(session: Session, house: House, login: Login, kind: MatterKind, no: str) -> TreatmentOut:
    """One stay or visit. Whoever is not the patient leaves a line in the list of those who have read."""
    matter = await found_matter(session, no, kind)
    await may_read_health(session, login.actor, matter.person, KINDS[kind], matter, own=own_person(login))
    return await shown(session, house, matter)


async def listed(
    session: Session, house: House, login: Login, kind: MatterKind, after: tuple[datetime, str] | None, limit: int
) -> list[TreatmentOut]:
    """Mine, or those of my institution; for the agency of an insured place those of its people. Newest first."""
    actor = login.actor
    if actor.role in {Role.CITIZEN, Role.AGENT}:
        person = own_person(login)
        rows = await list_matters(session, kind, person=person, after=after, limit=limit) if person else []
    elif actor.role is Role.INSTITUTION:
        rows = await list_matters(session, kind, institution=actor.department, after=after, limit=limit)
    elif actor.role in {Role.CASEWORKER, Role.SUPERVISOR} and actor.department in INSURANCE:
        rows = await list_matters(session, kind, insured=actor.region, after=after, limit=limit)
    else:
        raise Refusal("forbidden")
    own = own_person(login)
    for matter in rows:
        await may_read_health(session, actor, matter.person, KINDS[kind], matter, own=own)
    return [await shown(session, house, matter) for matter in rows]


async def shown(session: Session, house: House, matter: Matter) -> TreatmentOut:
    """As people read it."""
    start = StartTreatment.model_validate(matter.start)
    view = TreatmentView.model_validate(matter.progress)
    claims = [child.no for child in await children_of(session, matter.no) if child.kind == MatterKind.CLAIM]
    waiting = waits(house, matter)
    return TreatmentOut(
        no=matter.no,
        kind=start.kind.value,
        status=view.status.value,
        institution=start.institution,
        institution_name=start.institution_name,
        place=place(house, start.place),
        insured=place(house, start.insured),
        insutype=start.insutype,
        med_type=start.med_type,
        disease=start.disease,
        emergency=start.emergency,
        category=view.category,
        filing=view.filing,
        visit=view.visit,
        balance=view.balance,
        uploads=[
            UploadOut(upload=u.part, lines=u.lines, total=u.total, status=u.status, code=u.code) for u in view.uploads
        ],
        total=view.total,
        discharged_at=view.discharged_at,
        died=view.died,
        running=view.running,
        trouble=TroubleOut(**view.trouble.model_dump()) if view.trouble else None,
        preview=dict(view.preview) if view.preview is not None else None,
        settlements=[settlement_out(s, matter) for s in view.settlements],
        bill=_bill(view.self_paid_bill),
        claim=claims[0] if claims else "",
        waiting_on=[waiting] if waiting else [],
        created_at=matter.created_at,
        updated_at=matter.updated_at,
        closed_at=matter.closed_at,
    )


def settlement_out(done: SettledOnce, matter: Matter) -> SettlementOut:
    """One settlement or undoing; why it was undone in the words that were said, else as a code."""
    return SettlementOut(
        settlement=done.setl_id,
        at=done.at,
        amounts=dict(done.amounts),
        undone_by=done.undone_by,
        undoes=done.undoes,
        reason=str(matter.form[done.part]["reason"]) if done.part in matter.form else done.reason,
        bill=_bill(done.bill),
    )


def _bill(bill: BillRef | None) -> BillOut | None:
    return BillOut(**bill.model_dump()) if bill else None
