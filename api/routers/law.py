"""The verbs of the law over a case: supplement, extend, suspend, hand in, sign, object, transfer, correct."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from api.access import visible_case
from api.auth import Caller, need
from api.house import House, house
from api.idempotency import Answer, around_order, key_of
from api.schemas import CommandOut
from api.schemas_law import (
    Consequences,
    CorrectionIn,
    CorrectionList,
    CosignIn,
    CustodyList,
    DeadlineList,
    ExtensionIn,
    FeeList,
    HandInIn,
    ObjectionIn,
    OpinionIn,
    OriginalIn,
    ProcedureIn,
    ReasonIn,
    ReplyIn,
    SupplementIn,
    SupplementList,
    TransferIn,
)
from api.usecases import law
from api.views import sees_whole
from api.views_law import (
    consequences_out,
    corrections_out,
    custody_out,
    deadlines_out,
    fees_out,
    supplements_out,
)
from domain.errors import Refusal
from domain.messages import Actor, Role
from domain.plan import CasePlan, Plan
from models import commands
from models.cases import Case, read_application, read_plan
from models.commands import Command
from models.database import Session
from models.effects import effects_of

router = APIRouter(prefix="/v1/cases/{no}", tags=["law"])
HANDLERS = (Role.CASEWORKER, Role.SUPERVISOR)
Item = Annotated[str, Path(max_length=60, pattern=r"^[^\x00]*$")]
Do = Callable[[House, law.Caller], Awaitable[CommandOut]]


async def _order(request: Request, caller: Actor, no: str, do: Do) -> JSONResponse:
    """One order, once per key."""
    async with house(request).database.begin() as session:
        await visible_case(session, caller, no)  # before anything else: a stranger's case is not there

    async def work() -> Answer:
        return Answer.of(await do(house(request), law.Caller(actor=caller, no=no, key=key_of(request))))

    return await around_order(request, caller, work)


async def _read(session: Session, caller: Actor, no: str, *, whole: bool) -> tuple[Case, Plan, CasePlan, list[Command]]:
    """The case with what is needed to show it. ``whole``: only for who may see the whole application."""
    case = await visible_case(session, caller, no)
    plan, application = await read_plan(session, case.plan_digest), await read_application(session, no)
    if plan is None or application is None:
        raise Refusal("internal")
    bound = CasePlan.model_validate(application.case_plan)
    if whole and not sees_whole(caller, case, bound):
        raise Refusal("not_found")
    return case, plan, bound, list(await commands.read_commands(session, no))


@router.post("/supplements", response_model=CommandOut, operation_id="requestSupplement")
async def request_supplement(no: str, body: SupplementIn, request: Request, caller: Caller) -> JSONResponse:
    """补正告知: everything that is missing, at once, each item with its reason."""
    need(caller, *HANDLERS)
    return await _order(request, caller, no, lambda h, who: law.request_supplement(h, who, body))


@router.get("/supplements", operation_id="listSupplements")
async def get_supplements(no: str, request: Request, caller: Caller) -> SupplementList:
    """The notices of this case with their items and what was answered."""
    async with house(request).database.begin() as session:
        case, plan, _, done = await _read(session, caller, no, whole=True)
    return SupplementList(supplements=supplements_out(case, plan, done))


@router.post("/supplements/{supplement}/reply", response_model=CommandOut, operation_id="replySupplement")
async def reply(no: str, supplement: Item, body: ReplyIn, request: Request, caller: Caller) -> JSONResponse:
    """Answers some or all items of a notice."""
    return await _order(request, caller, no, lambda h, who: law.reply_supplement(h, who, supplement, body))


@router.post("/supplements/{supplement}/cancel", response_model=CommandOut, operation_id="cancelSupplement")
async def cancel(no: str, supplement: Item, body: ReasonIn, request: Request, caller: Caller) -> JSONResponse:
    """Takes a notice back; whoever gave it, or a supervisor."""
    need(caller, *HANDLERS)
    return await _order(request, caller, no, lambda h, who: law.cancel_supplement(h, who, supplement, body))


@router.post("/extension", response_model=CommandOut, operation_id="askExtension")
async def ask_extension(no: str, body: ExtensionIn, request: Request, caller: Caller) -> JSONResponse:
    """延期: asks another person to approve the one extension of a limit; the applicant is told the reason."""
    need(caller, Role.CASEWORKER)
    return await _order(request, caller, no, lambda h, who: law.ask_extension(h, who, body))


@router.post("/procedures", response_model=CommandOut, operation_id="beginProcedure")
async def begin_procedure(no: str, body: ProcedureIn, request: Request, caller: Caller) -> JSONResponse:
    """特别程序: clocks that name it stand still until it ends."""
    need(caller, Role.CASEWORKER)
    return await _order(request, caller, no, lambda h, who: law.begin_procedure(h, who, body))


@router.post("/procedures/{procedure}/end", response_model=CommandOut, operation_id="endProcedure")
async def end_procedure(no: str, procedure: Item, body: ReasonIn, request: Request, caller: Caller) -> JSONResponse:
    """The procedure is over."""
    need(caller, Role.CASEWORKER)
    return await _order(request, caller, no, lambda h, who: law.end_procedure(h, who, procedure, body))


@router.post("/promises/{material}", response_model=CommandOut, operation_id="handIn")
async def hand_in(no: str, material: Item, body: HandInIn, request: Request, caller: Caller) -> JSONResponse:
    """容缺: hands in what was promised."""
    return await _order(request, caller, no, lambda h, who: law.hand_in(h, who, material, body))


@router.post("/cosign", response_model=CommandOut, operation_id="cosign")
async def cosign(no: str, body: CosignIn, request: Request, caller: Caller) -> JSONResponse:
    """A co-signer confirms, or declines; the submission counts with the last confirmation."""
    return await _order(request, caller, no, lambda h, who: law.cosign(h, who, body))


@router.post("/objections", response_model=CommandOut, operation_id="objectToDisplay")
async def object_to_display(no: str, body: ObjectionIn, request: Request, caller: Caller) -> JSONResponse:
    """Objects to what is on public display."""
    return await _order(request, caller, no, lambda h, who: law.object_to_display(h, who, body))


@router.post("/originals", response_model=CommandOut, operation_id="moveOriginal")
async def move_original(no: str, body: OriginalIn, request: Request, caller: Caller) -> JSONResponse:
    """One link of the custody chain of a paper original."""
    need(caller, Role.CASEWORKER)
    return await _order(request, caller, no, lambda h, who: law.move_original(h, who, body))


@router.get("/originals", operation_id="listOriginals")
async def get_originals(no: str, request: Request, caller: Caller) -> CustodyList:
    """Where every paper original is, and who had it before."""
    async with house(request).database.begin() as session:
        case, plan, _, done = await _read(session, caller, no, whole=False)
    return CustodyList(originals=custody_out(case, plan, done))


@router.post("/transfer", response_model=CommandOut, operation_id="transferCase")
async def transfer(no: str, body: TransferIn, request: Request, caller: Caller) -> JSONResponse:
    """移送: asks the place that is competent to take the case over; a dispute goes to the coordinator."""
    need(caller, Role.CASEWORKER)
    return await _order(request, caller, no, lambda h, who: law.transfer(h, who, body))


@router.post("/opinions", response_model=CommandOut, operation_id="askOpinion")
async def ask_opinion(no: str, body: OpinionIn, request: Request, caller: Caller) -> JSONResponse:
    """征求意见: asks another body for its opinion."""
    need(caller, Role.CASEWORKER)
    return await _order(request, caller, no, lambda h, who: law.ask_opinion(h, who, body))


@router.post("/corrections", response_model=CommandOut, operation_id="correct")
async def correct(no: str, body: CorrectionIn, request: Request, caller: Caller) -> JSONResponse:
    """代为更正: mends fields for the applicant, who sees it and may object."""
    need(caller, Role.CASEWORKER)
    return await _order(request, caller, no, lambda h, who: law.correct(h, who, body))


@router.get("/corrections", operation_id="listCorrections")
async def get_corrections(no: str, request: Request, caller: Caller) -> CorrectionList:
    """What was corrected on behalf of the applicant, before and after."""
    async with house(request).database.begin() as session:
        case, _, _, done = await _read(session, caller, no, whole=True)
    return CorrectionList(corrections=corrections_out(case, done))


@router.post("/corrections/{correction}/objection", response_model=CommandOut, operation_id="objectToCorrection")
async def object_to_correction(
    no: str, correction: Item, body: ReasonIn, request: Request, caller: Caller
) -> JSONResponse:
    """The applicant does not agree with a correction; another person looks into it."""
    return await _order(request, caller, no, lambda h, who: law.object_to_correction(h, who, correction, body))


@router.get("/deadlines", operation_id="listDeadlines")
async def get_deadlines(no: str, request: Request, caller: Caller) -> DeadlineList:
    """Every clock with its light, its pauses and the explanation of its end."""
    async with house(request).database.begin() as session:
        case, _, bound, _ = await _read(session, caller, no, whole=False)
        calendar = await house(request).calendars.in_force(session, bound.accepting.region)
    return deadlines_out(house(request), calendar, case, bound)


@router.get("/consequences", operation_id="showConsequences")
async def get_consequences(no: str, request: Request, caller: Caller) -> Consequences:
    """What withdrawing now would undo, cancel or leave standing, place by place; afterwards the proofs."""
    async with house(request).database.begin() as session:
        case, plan, bound, _ = await _read(session, caller, no, whole=False)
        effects = await effects_of(session, no)
    return consequences_out(house(request), case, plan, bound, effects)


@router.get("/fees", operation_id="listFees")
async def get_fees(no: str, request: Request, caller: Caller) -> FeeList:
    """Fees of this case: ordered, paid, refunded."""
    async with house(request).database.begin() as session:
        case, plan, bound, _ = await _read(session, caller, no, whole=False)
        effects = await effects_of(session, no)
    return FeeList(fees=fees_out(case, plan, bound, effects))
