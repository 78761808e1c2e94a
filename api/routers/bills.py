"""Fiscal e-bills 财政电子票据: issue, look, verify, lock, release, reimburse, red-letter."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from api.auth import Caller, LoggedIn, need
from api.house import house
from api.idempotency import Answer, around_order, key_of
from api.routers.cases import read_cursor, write_cursor
from api.schemas_bills import (
    BillIn,
    BillList,
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
from domain.errors import Refusal
from domain.messages import Actor, Role

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


@router.post("", status_code=201, response_model=BillOut, operation_id="issueBill")
async def issue(body: BillIn, request: Request, caller: Caller) -> JSONResponse:
    """Issues a bill at the national platform, which gives it its numbers and its check code."""
    _need_issuer(caller)

    async def work() -> Answer:
        ref = await bills.issue(house(request), caller, body, key_of(request))
        async with house(request).database.begin() as session:
            out = await bills.issued(session, house(request), caller, ref)
        return Answer.of(out, status=201, headers={"Location": f"/v1/medical/bills/{ref.code}/{ref.number}"})

    return await around_order(request, caller, work)


@router.get("", operation_id="listBills")
async def get_bills(
    request: Request,
    login: LoggedIn,
    cursor: Annotated[str, Query(max_length=400)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> BillList:
    """Mine: those issued to my login, and those of the number that it has verified; newest first."""
    need(login.actor, Role.CITIZEN, Role.AGENT)
    after = read_cursor(cursor) if cursor else None
    async with house(request).database.begin() as session:
        found = await bills.mine(session, login, after, limit + 1)
    last = found[limit - 1][0] if len(found) > limit else None
    more = write_cursor(last.created_at, f"{last.code}-{last.number}") if last else None
    return BillList(bills=[out for _, out in found[:limit]], next=more)


@router.get("/{code}/{number}", operation_id="getBill")
async def get_bill(code: Part, number: Part, request: Request, login: LoggedIn) -> BillOut:
    """One bill, for its payer, who issued it, the desk where the payer is insured, and whoever holds a lock on it."""
    async with house(request).database.begin() as session:
        return await bills.read(session, house(request), login, code, number)


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
async def red_letter(code: Part, number: Part, body: RedLetterIn, request: Request, login: LoggedIn) -> JSONResponse:
    """Takes a bill back: at once (status red_lettered), or, while somebody holds it, later (red_waiting)."""
    _need_issuer(login.actor)

    async def work() -> Answer:
        ref = await bills.red_letter(house(request), login.actor, code, number, body, key_of(request))
        async with house(request).database.begin() as session:
            return Answer.of(await bills.read(session, house(request), login, ref.code, ref.number))

    return await around_order(request, login.actor, work)
