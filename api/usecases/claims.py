"""手工报销: claims that opened by themselves or are made with a bill in hand; asked for, decided, paid.

The rules are domain.medical.claim's. What the funds pay is computed by the pack of the insured place from the bill as
its caseworker classifies it; nobody types in an amount.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from api.access import APPLICANTS
from api.auth import Login, need
from api.house import House
from api.schemas_claims import BillInHand, ClaimDecisionIn, ClaimDocument, ClaimIn, ClaimOut, ClaimPaidIn, ClaimSubmitIn
from api.schemas_medical import MatterDoneOut
from api.schemas_treatments import BillOut, TroubleOut
from api.usecases import bills as ebills
from api.usecases.files import kept_files
from api.usecases.health import may_read_health, own_person, verified_person
from api.usecases.matters import act_id, digest_of_login, do, found_matter, known_region, place, waits
from catalogue.medical import institutions, treatment_terms
from catalogue.packs import load_packs, newest_in_force
from domain.bills import Purpose, Standing, check_lock
from domain.calendar import local_day
from domain.errors import Refusal, Refusals
from domain.medical import MatterKind, matter_number
from domain.medical.access import INSURANCE, DataKind
from domain.medical.claim import (
    DISCHARGE,
    AnyClaimAct,
    Claim,
    ClaimPaid,
    ClaimView,
    DecideClaim,
    StartClaim,
    SubmitClaim,
    WithdrawClaim,
)
from domain.medical.interface_words import fen
from domain.medical.treatment_words import BillRef
from domain.messages import Role, Text
from domain.money import yuan
from domain.record import Event
from domain.regions import covers
from domain.settlement import SettlementRefused, document, read_claim, settle
from models.bills import read_bill
from models.cases import next_sequence
from models.database import Session
from models.matters import Matter, add_part, insert_matter, list_matters

KIND = MatterKind.CLAIM
NOT_THAT_DAY = Text(zh="出院日期与医疗机构登记的不一致。", en="This is not the day of the discharge.")


async def open_claim(session: Session, house: House, login: Login, body: ClaimIn) -> tuple[ClaimOut, str, int]:
    """A claim with a bill in hand: of care that nobody here has seen."""
    person = verified_person(login)
    for field, region in (("/insured", body.insured), ("/treatment", body.treatment)):
        known_region(house, region, field)
    now = datetime.now(UTC)
    no = matter_number(KIND, body.insured, local_day(now), await next_sequence(session))
    terms = treatment_terms()
    start = StartClaim(
        no=no,
        insured=body.insured,
        insutype=body.insutype,
        med_type=body.med_type,
        treatment=body.treatment,
        institution=body.institution,
        total=body.total,
        bill=BillRef(code=body.bill.code, number=body.bill.number),
        agency=terms.agency(body.insured),
        review_days=terms.review_days,
        opened_by=login.actor,
    )
    course = Claim(start, now)
    message = await insert_matter(
        session,
        no=no,
        kind=KIND,
        status=course.status,
        owner=login.actor.subject,
        person=person,
        insured=body.insured,
        treatment=body.treatment,
        institution=body.institution,
        start=start.model_dump(mode="json"),
        form={"bill": body.bill.model_dump()},
        view=course.view().model_dump(mode="json"),
        waiting=course.waiting(),
        event=Event(type="claim:received", at=now, actor=login.actor, data={"insured": body.insured}),
    )
    return await shown(session, house, login, await found_matter(session, no, KIND)), no, message


async def submit(house: House, login: Login, no: str, body: ClaimSubmitIn, key: str) -> MatterDoneOut:
    """The patient asks for it: where the money goes, which documents, and the bill with its check code."""
    need(login.actor, *APPLICANTS)
    async with house.database.begin() as session:
        matter = await own_claim(session, login, no)
        files = await kept_files(
            session, login.actor, {f"/documents/{i}": document for i, document in enumerate(body.documents)}
        )
    view = ClaimView.model_validate(matter.progress)
    given, bill = body.bill or _in_hand(matter), view.bill
    if given is not None:
        bill = await _presented(house, login, matter, given, view.total)
    act = act_id(login, matter, body, "submit", key)
    part = f"submitted:{act}"
    async with house.database.begin() as session:
        await add_part(session, no, part, {"account": body.account, "files": list(files.values())})
    return await do(house, matter, SubmitClaim(id=act, actor=login.actor, part=part, bill=bill))


def _in_hand(matter: Matter) -> BillInHand | None:
    """The bill that a claim was opened with, which nobody has looked at yet."""
    return BillInHand.model_validate(matter.form["bill"]) if "bill" in matter.form else None


async def _presented(house: House, login: Login, matter: Matter, given: BillInHand, total: int) -> BillRef:
    """The bill is genuine, his own, and one of which so much can be reimbursed; Refusal otherwise."""
    try:
        ref = await ebills.take_in(house, login.actor, matter.insured, given.code, given.number, given.check_code)
    except Refusal as no:
        raise (Refusal("bill_not_authentic", "/bill") if no.code == "not_found" else no) from no
    async with house.database.begin() as session:
        bill = await read_bill(session, ref)
    if bill is None or ebills.payer_of(bill.payer) != matter.person:
        raise Refusal("bill_not_authentic", "/bill")
    check_lock(Standing(bill=bill.bill()), Purpose.MEDICAL_INSURANCE, total)
    return BillRef(code=ref.code, number=ref.number)


async def withdraw(house: House, login: Login, no: str, key: str) -> MatterDoneOut:
    """The patient takes it back; the bill's lock is given up."""
    need(login.actor, *APPLICANTS)
    async with house.database.begin() as session:
        matter = await own_claim(session, login, no)
    act = WithdrawClaim(id=act_id(login, matter, None, "withdraw", key), actor=login.actor)
    return await do(house, matter, act)


async def decide(house: House, login: Login, no: str, body: ClaimDecisionIn, key: str) -> MatterDoneOut:
    """The insured place decides. Approving, it classifies the bill; the amount follows from the pack in force."""
    async with house.database.begin() as session:
        matter = await office_claim(session, login, no)
    view = ClaimView.model_validate(matter.progress)
    act = act_id(login, matter, body, "decide", key)
    if body.outcome != "approve":
        made: AnyClaimAct = DecideClaim(
            id=act, actor=login.actor, outcome=body.outcome, reason=body.reason, part=f"decided:{act}"
        )
        content: dict[str, Any] = {"reason": body.reason, "text": body.text}
    else:
        result = computed(matter, view, body)
        amount = fen(result["fund_pay_sumamt"])
        if amount == 0:
            raise Refusal("nothing_payable", "/fees")
        content = {"computed": result, "text": body.text}
        made = DecideClaim(
            id=act, actor=login.actor, outcome="approve", amount=amount, reason=body.reason, part=f"decided:{act}"
        )
    async with house.database.begin() as session:
        await add_part(session, no, f"decided:{act}", content)
    return await do(house, matter, made)


def computed(matter: Matter, view: ClaimView, body: ClaimDecisionIn) -> dict[str, Any]:
    """What the funds pay of the bill; Refusals with every fault of the classification."""
    start = StartClaim.model_validate(matter.start)
    hospital = institutions().get(start.institution)
    fees = [fee.model_dump(by_alias=True, exclude_none=True) for fee in body.fees]
    if sum(fee.amount for fee in body.fees) != view.total:
        raise Refusal("bill_wrong_sum", "/fees")
    if DISCHARGE in matter.form and body.discharged.isoformat() != _day_left(matter):
        raise Refusal("claim_wrong", "/discharged", NOT_THAT_DAY)
    name = treatment_terms().pack(start.insured, start.insutype, start.med_type)
    packs = [pack for pack in load_packs() if pack.pack == name]
    try:
        pack = newest_in_force(packs, body.discharged)
        content = {
            "claim": matter.no,
            "pack": pack.pack,
            "category": body.category,
            "hospital_level": hospital.level if hospital else body.hospital_level,
            "retiree": body.retiree,
            "stay_of_year": body.stay_of_year,
            "discharge_date": body.discharged.isoformat(),
            "fees": [{k: _yuan(k, v) for k, v in fee.items()} for fee in fees],
            "year_to_date": body.year_to_date or None,
        }
        claim = read_claim(json.dumps({k: v for k, v in content.items() if v is not None}).encode())
        return document(settle(pack, claim))
    except SettlementRefused as refused:
        faults = [Refusal("claim_wrong", f.where, Text(zh=f.text.zh, en=f.text.en)) for f in refused.faults]
        raise Refusals(faults) from refused


def _day_left(matter: Matter) -> str:
    """The day of the discharge, as the institution has said it."""
    return str(matter.form[DISCHARGE]["endtime"])[:10]


def _yuan(name: str, value: Any) -> Any:
    return yuan(value) if name in {"amount", "over_limit"} else value


async def paid(house: House, login: Login, no: str, body: ClaimPaidIn, key: str) -> MatterDoneOut:
    """The money was sent; the platform of bills is told, and the claim is over."""
    async with house.database.begin() as session:
        matter = await office_claim(session, login, no)
    act = ClaimPaid(id=act_id(login, matter, body, "paid", key), actor=login.actor, tx_no=body.tx_no)
    return await do(house, matter, act)


async def own_claim(session: Session, login: Login, no: str) -> Matter:
    """The claim, for the person it is about or who has made it."""
    matter = await found_matter(session, no, KIND)
    if matter.owner != login.actor.subject and matter.person != own_person(login):
        raise Refusal("not_found")
    return matter


async def office_claim(session: Session, login: Login, no: str) -> Matter:
    """The claim, for a caseworker of the agency of the insured place; never one he has made, or one about himself."""
    actor = login.actor
    need(actor, Role.CASEWORKER)
    matter = await found_matter(session, no, KIND)
    if actor.department not in INSURANCE or not covers(actor.region, matter.insured):
        raise Refusal("not_found")
    if matter.owner == actor.subject or matter.person == (digest_of_login(login) or None):
        raise Refusal("own_case")
    return matter


async def read(session: Session, house: House, login: Login, no: str) -> ClaimOut:
    """One claim, for the patient and the agency; whoever else reads leaves a line."""
    matter = await found_matter(session, no, KIND)
    await may_read_health(session, login.actor, matter.person, DataKind.CLAIM, matter, own=own_person(login))
    return await shown(session, house, login, matter)


async def listed(session: Session, house: House, login: Login, statuses: tuple[str, ...]) -> list[ClaimOut]:
    """Mine; for the agency those of its people, the newest first."""
    actor = login.actor
    if actor.role in APPLICANTS:
        person = own_person(login)
        rows = await list_matters(session, KIND, person=person, statuses=statuses) if person else []
    elif actor.role in {Role.CASEWORKER, Role.SUPERVISOR} and actor.department in INSURANCE:
        rows = await list_matters(session, KIND, insured=actor.region, statuses=statuses)
    else:
        raise Refusal("forbidden")
    for matter in rows:
        await may_read_health(session, actor, matter.person, DataKind.CLAIM, matter, own=own_person(login))
    return [await shown(session, house, login, matter) for matter in rows]


def _sees_account(login: Login, matter: Matter) -> bool:
    """Whoever asks for the money and whoever sends it; others who may read the rest need not know."""
    actor = login.actor
    if actor.role in APPLICANTS:
        return matter.owner == actor.subject or matter.person == (own_person(login) or None)
    is_desk = actor.role in {Role.CASEWORKER, Role.SUPERVISOR} and actor.department in INSURANCE
    return is_desk and covers(actor.region, matter.insured)


async def shown(session: Session, house: House, login: Login, matter: Matter) -> ClaimOut:
    """As people read it, with the computation that the decision rests on, and where the money goes."""
    start, view = StartClaim.model_validate(matter.start), ClaimView.model_validate(matter.progress)
    decided = matter.form.get(view.decided, {})
    submitted = matter.form.get(view.submitted, {}) if _sees_account(login, matter) else {}
    waiting = waits(house, matter)
    return ClaimOut(
        no=matter.no,
        status=view.status.value,
        about=view.about,
        insured=place(house, start.insured),
        treatment=place(house, start.treatment),
        institution=start.institution,
        insutype=start.insutype,
        med_type=start.med_type,
        total=view.total,
        amount=view.amount,
        reason=view.reason,
        computed=decided.get("computed"),
        account=submitted.get("account", ""),
        documents=[ClaimDocument.model_validate(file) for file in submitted.get("files", ())],
        discharged=_day_left(matter) if DISCHARGE in matter.form else None,
        bill=BillOut(**view.bill.model_dump()) if view.bill else None,
        locked=bool(view.lock),
        running=view.running,
        trouble=TroubleOut(**view.trouble.model_dump()) if view.trouble else None,
        tx_no=view.tx_no,
        due=view.due,
        waiting_on=[waiting] if waiting else [],
        created_at=matter.created_at,
        updated_at=matter.updated_at,
        closed_at=matter.closed_at,
    )
