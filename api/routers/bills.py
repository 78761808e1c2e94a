"""Fiscal e-bills 财政电子票据: issue, look, verify, lock, release, reimburse, red-letter."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from api.auth import Caller, LoggedIn, need
from api.house import house
from api.idempotency import Answer, around_order, key_of
from api.schemas_bills import (
    BillIn,
    BillOut,
    FeedbackIn,
    LockIn,
    LockOut,
    RedLetterIn,
    ReleaseIn,
    VerifyIn,
    VerifyOut,
)
from api.usecases import bills
from api.usecases.health import own_person
from domain.bills import BillRef
from domain.errors import Refusal
from domain.messages import Actor, Role
from models.database import Session

router = APIRouter(prefix="/v1/medical/bills", tags=["medical bills"])
Part = Annotated[str, Path(max_length=40, pattern="^[0-9A-Za-z]*$")]


def _need_desk(caller: Actor) -> None:
    """Refusal(forbidden) unless this is somebody at the health insurance."""
    if not bills.is_desk(caller):
        raise Refusal("forbidden")


def _need_issuer(caller: Actor) -> None:
    """An institution, or a desk that acts for one."""
    if caller.role is not Role.INSTITUTION:
        _need_desk(caller)


async def _out(session: Session, request: Request, caller: Actor, ref: BillRef) -> BillOut:
    bill = await bills.visible(session, house(request), caller, ref.code, ref.number)
    return await bills.shown(session, caller, bill)


async def _read(request: Request, caller: Actor, ref: BillRef, status: int = 200) -> Answer:
    async with house(request).database.begin() as session:
        out = await _out(session, request, caller, ref)
    location = {"Location": f"/v1/medical/bills/{ref.code}/{ref.number}"} if status == 201 else {}
    return Answer.of(out, status=status, headers=location)


@router.post("", status_code=201, response_model=BillOut, operation_id="issueBill")
async def issue(body: BillIn, request: Request, caller: Caller) -> JSONResponse:
    """Issues a bill at the national platform, which gives it its numbers and its check code."""
    _need_issuer(caller)

    async def work() -> Answer:
        ref = await bills.issue(house(request), caller, body, key_of(request))
        return await _read(request, caller, ref, 201)

    return await around_order(request, caller, work)


@router.get("/{code}/{number}", operation_id="getBill")
async def get_bill(code: Part, number: Part, request: Request, login: LoggedIn) -> BillOut:
    """One bill, for its payer, who issued it, the desk where the payer is insured, and whoever holds a lock on it."""
    h, own = house(request), own_person(login)
    async with h.database.begin() as session:
        bill = await bills.visible(session, h, login.actor, code, number, own)
        return await bills.shown(session, login.actor, bill, own)


@router.post("/{code}/{number}/verify", response_model=VerifyOut, operation_id="verifyBill")
async def verify(code: Part, number: Part, body: VerifyIn, request: Request, caller: Caller) -> JSONResponse:
    """Whether code, number and check code belong together; the verdict NOT_AUTHENTIC comes with 200."""

    async def work() -> Answer:
        return Answer.of(await bills.verify(house(request), body, code, number))

    return await around_order(request, caller, work)


@router.post("/{code}/{number}/lock", status_code=201, response_model=LockOut, operation_id="lockBill")
async def lock(code: Part, number: Part, body: LockIn, request: Request, caller: Caller) -> JSONResponse:
    """Locks a bill for a claim; of all who try at once exactly one succeeds, wherever they are."""
    _need_desk(caller)
    need(caller, Role.CASEWORKER)

    async def work() -> Answer:
        return Answer.of(await bills.lock(house(request), caller, code, number, body, key_of(request)), status=201)

    return await around_order(request, caller, work)


@router.post("/{code}/{number}/release", response_model=LockOut, operation_id="releaseBill")
async def release(code: Part, number: Part, body: ReleaseIn, request: Request, caller: Caller) -> JSONResponse:
    """Gives a lock of this desk up. A red letter that waits for it is written then."""
    _need_desk(caller)
    need(caller, Role.CASEWORKER)

    async def work() -> Answer:
        return Answer.of(await bills.release(house(request), caller, code, number, body, key_of(request)))

    return await around_order(request, caller, work)


@router.post("/{code}/{number}/reimbursements", response_model=LockOut, operation_id="reimburseBill")
async def reimburse(code: Part, number: Part, body: FeedbackIn, request: Request, caller: Caller) -> JSONResponse:
    """Reports what was paid under a lock of this desk, or that it came back; once per transaction number."""
    _need_desk(caller)
    need(caller, Role.CASEWORKER)

    async def work() -> Answer:
        return Answer.of(await bills.feed_back(house(request), caller, code, number, body, key_of(request)))

    return await around_order(request, caller, work)


@router.post("/{code}/{number}/red-letter", response_model=BillOut, operation_id="redLetterBill")
async def red_letter(code: Part, number: Part, body: RedLetterIn, request: Request, caller: Caller) -> JSONResponse:
    """Takes a bill back: at once (status red_lettered), or, while somebody holds it, later (red_waiting)."""
    _need_issuer(caller)

    async def work() -> Answer:
        ref = await bills.red_letter(house(request), caller, code, number, body, key_of(request))
        return await _read(request, caller, ref)

    return await around_order(request, caller, work)
