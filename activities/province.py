"""Calling a province: intent committed before the effect, found by key before any resend, receipt committed after.

    try_province    one quick try beside the workflow; says ``deferred`` when no slot is free, the province fails, or
                    an operator has put the brake on or set a rate: those are kept by the queue
    call_province   from the province's own queue; trouble is raised so that Temporal tries again with growing pauses,
                    unless this is the first try, whose end is told to the workflow

Both run the same ``_attempt``. An activity may run twice with no fault at all; the lease on the intent and the key
at the receiver make that harmless. Where the receiver keeps no keys, nothing is sent again before what was sent can no
longer be under way (``settle_s``); where it cannot be searched either, a clerk has to say whether it was done.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.answers import foreign, keyed_in, outcome_of, trouble_outcome
from activities.desk import Desk, Desks
from adapters.addresses import leads_astray
from adapters.errors import Ambiguous, ContractBroken, Misconfigured, ProvinceError, Rejected, Unavailable
from adapters.port import Capabilities, FindBy, ProvinceAdapter
from domain import names
from domain.effects import Answer, AnswerStatus, Expect, ProvinceCall, Verb
from domain.process import Call, CallOutcome, OutcomeStatus
from domain.process.answers import PROVINCE_FAILED, WRONG_PERSON
from domain.process.hands import CONFIRM
from domain.sending import payload
from domain.start import CallProvince
from models import effects, licences, provinces
from models.database import Database

FIRST_TRY_S, QUEUED_TRY_S = 2.5, 12.0  # for the whole exchange; below the activities' own limits in workflows.calls
LEASE = timedelta(seconds=15)  # longer than any try may send
HELD_PAUSE_S = 5
EFFECTS = {Verb.SUBMIT, Verb.REVERSE, Verb.SUPPLEMENT}
_NOTHING_DONE = (Unavailable, Misconfigured)
log = logging.getLogger(__name__)
TROUBLED = {OutcomeStatus.UNAVAILABLE, OutcomeStatus.UNKNOWN}


class Provinces(Protocol):
    """Where adapters are found (adapters.registry)."""

    def for_place(self, code: str, department: str = "") -> ProvinceAdapter: ...

    def rate(self, region: str) -> float | None: ...

    def allows_private(self, region: str) -> bool: ...


class ProvinceActivities:
    def __init__(self, database: Database, provinces: Provinces, slots: int) -> None:
        self._database = database
        self._provinces = provinces
        self.desks = Desks(slots)

    @activity.defn(name=names.PROVINCE_ATTEMPT_ACTIVITY)
    async def try_province(self, request: CallProvince) -> CallOutcome:
        """One quick try; never waits for a slot."""
        province = request.call.place.province
        desk = self.desks.of(province)
        if not desk.has_room() and not request.call.decision:
            return CallOutcome(status=OutcomeStatus.DEFERRED, code="no_slot")
        if self._provinces.rate(province) is not None and not request.call.decision:
            return CallOutcome(status=OutcomeStatus.DEFERRED, code="rate")
        return await self._attempt(desk, request, FIRST_TRY_S, beside=True)

    @activity.defn(name=names.PROVINCE_ACTIVITY)
    async def call_province(self, request: CallProvince) -> CallOutcome:
        """From the queue. A patient call raises what can be tried again; a first try returns it."""
        desk = self.desks.of(request.call.place.province)
        if (pause := desk.breaker.wait_s()) > 0:
            outcome = CallOutcome(status=OutcomeStatus.UNAVAILABLE, code="breaker", poll_after_s=math.ceil(pause))
        else:
            outcome = await self._attempt(desk, request, QUEUED_TRY_S)
        troubled = outcome.status in TROUBLED or outcome.status is OutcomeStatus.DEFERRED
        if request.call.patient and troubled and not outcome.failed:
            raise ApplicationError(
                outcome.code,
                type=outcome.status.value,
                next_retry_delay=timedelta(seconds=outcome.poll_after_s) if outcome.code in _WITH_PAUSE else None,
                category=ApplicationErrorCategory.BENIGN,
            )
        return outcome

    async def _attempt(self, desk: Desk, request: CallProvince, seconds: float, *, beside: bool = False) -> CallOutcome:
        call = request.call
        intent = _intent(request)
        item = _evidence(request)
        prepared = await effects.prepare(
            self._database,
            intent,
            LEASE,
            refers=any(source.startswith("step.") for source in call.send.values()),
            command=call.command,
            evidence=item.id if item and call.verb is Verb.FETCH else "",
            about=call.key,
            beside=beside,
            decision=call.decision,
            again=call.again,
        )
        if prepared is None:
            raise ApplicationError("case without application", type="NoApplication", non_retryable=True)
        if call.verb is Verb.FETCH and not prepared.consented:
            # a register releases evidence only on the applicant's recorded consent to this very item
            return CallOutcome(status=OutcomeStatus.UNUSABLE, code="no_consent")
        known = prepared.answer
        pending = known if known is not None and known.status is AnswerStatus.PENDING else None
        if prepared.decision is not None and call.verb is Verb.FIND:
            told = keyed_in(prepared.decision)
            if known is None or known.status in {AnswerStatus.PENDING, told.status}:
                return await self._keyed_in(request, told)  # the same end may be told better: a number was mistyped
        if known is not None and _stands(call, known):
            return await self._outcome(request, known)
        if prepared.held:
            return CallOutcome(status=OutcomeStatus.DEFERRED, code="held", poll_after_s=HELD_PAUSE_S)
        if prepared.leased:
            return CallOutcome(status=OutcomeStatus.UNKNOWN, code="another_run_is_sending")
        nothing_there = prepared.fresh or prepared.decision is not None
        try:
            adapter = self._provinces.for_place(call.place.region, call.place.department)
            can = adapter.capabilities
            perhaps_done = not nothing_there and (prepared.unknown or known is not None)
            if perhaps_done and can.find is FindBy.NOTHING and call.verb in EFFECTS:
                await self._trouble(intent, CONFIRM, unknown=True)
                return CallOutcome(status=OutcomeStatus.UNUSABLE, code=CONFIRM)
            wire = _wire(request, payload(call.send, prepared.form, prepared.references), prepared, pending)
            with desk.call(counted=can.answers != {Expect.CLERK}) as exchange:
                try:
                    async with asyncio.timeout(seconds):
                        found = None
                        if not nothing_there and wire.verb is not Verb.FIND:
                            found = await _looked_for(adapter, wire)
                            if found is None and (left := _settling_s(can, prepared)) > 0:
                                return await self._put_off(intent, left, prepared.quiet_s)
                            if found is not None and found.status is AnswerStatus.FAILED and found.retryable:
                                found = None  # the province itself says that nothing was done
                            nothing_there = True
                        answer = found or await _ask(adapter, wire)
                except (Unavailable, Ambiguous, TimeoutError):
                    exchange.failed = True
                    raise
            if _nothing_to_undo(answer) and (left := _original_settling_s(can, prepared)) > 0:
                return await self._put_off(intent, left, prepared.quiet_s)
            self._check(answer, known, wire)
        except TimeoutError:
            await self._trouble(intent, "timeout", unknown=True)
            return CallOutcome(status=OutcomeStatus.UNKNOWN, code="timeout")
        except _WrongPerson as wrong:
            await self._put_aside(request, wrong.answer)
            await self._trouble(intent, wrong.code, unknown=True)
            return trouble_outcome(wrong)
        except ProvinceError as error:
            await self._trouble(intent, error.code, unknown=not nothing_there or not isinstance(error, _NOTHING_DONE))
            return trouble_outcome(error)
        return await self._keep(request, intent, item, answer)

    def _check(self, answer: Answer | None, known: Answer | None, wire: ProvinceCall) -> None:
        """What even a well-formed answer must not be."""
        if answer is None:
            return
        if not effects.can_keep(answer):
            raise ContractBroken("unstorable_text")  # tried again it would be no other
        if foreign(answer, wire.payload):
            raise _WrongPerson(answer)
        if leads_astray(answer.data, private=self._provinces.allows_private(wire.region)):
            raise ContractBroken("foreign_address")
        ended = known is not None and known.status is not AnswerStatus.PENDING
        by_hand = answer.expect is Expect.CLERK  # whoever keyed in a wrong number is asked again, which is no other end
        if ended and known is not None and answer.status is not known.status and not by_hand:
            raise ContractBroken("contradiction")  # what it said first stands until people have looked

    async def _keep(
        self, request: CallProvince, intent: effects.Intent, item: effects.Found | None, answer: Answer | None
    ) -> CallOutcome:
        """Makes the receipt and tells the process."""
        call = request.call
        if answer is None:
            return CallOutcome(status=OutcomeStatus.NOT_FOUND, code="not_found")
        if answer.status is AnswerStatus.FAILED:
            await self._trouble(intent, PROVINCE_FAILED, unknown=False)
            status = OutcomeStatus.UNAVAILABLE if answer.retryable else OutcomeStatus.UNUSABLE
            return CallOutcome(status=status, code=PROVINCE_FAILED, failed=answer.retryable and call.verb is Verb.FIND)
        if item and answer.status is AnswerStatus.ACCEPTED:
            await effects.receipt_of_evidence(self._database, call.key, item, answer)
        elif call.key:
            await effects.receipt(self._database, call.key, answer, corrected=call.again)
        return await self._outcome(request, answer)

    async def _keyed_in(self, request: CallProvince, answer: Answer) -> CallOutcome:
        """A clerk stands in for the province: his decision is the answer."""
        await effects.receipt(self._database, request.call.key, answer, corrected=True)
        return await self._outcome(request, answer)

    async def _outcome(self, request: CallProvince, answer: Answer) -> CallOutcome:
        licence = answer.data.get("licence_identifier", "")
        taken = await licences.is_taken(self._database, licence, request.case_no)
        return outcome_of(answer, licence_taken=taken, now=datetime.now(UTC))

    async def _put_off(self, intent: effects.Intent, left_s: float, quiet_s: float) -> CallOutcome:
        """What was sent may still be under way at a receiver without keys: nothing more is sent before it cannot be."""
        await self._trouble(intent, "settling", unknown=True, quiet_s=quiet_s)
        return CallOutcome(status=OutcomeStatus.UNKNOWN, code="settling", poll_after_s=math.ceil(left_s))

    async def _trouble(self, intent: effects.Intent, code: str, *, unknown: bool, quiet_s: float = 0.0) -> None:
        if intent.key:
            await effects.trouble(self._database, intent.key, code, unknown=unknown, quiet_s=quiet_s)

    async def _put_aside(self, request: CallProvince, answer: Answer) -> None:
        digest = hashlib.sha256(answer.model_dump_json().encode()).hexdigest()
        row = provinces.Quarantine(
            region=request.call.place.province,
            case_no=request.case_no,
            step=request.call.step,
            key=request.call.key,
            came_by="answer",
            code=_WrongPerson.CODE,
            digest=digest,
            fields=sorted(answer.data),
            at=datetime.now(UTC),
        )
        await provinces.put_aside(self._database, row)


_WITH_PAUSE = {"retry_after", "breaker", "held", "settling"}


class _WrongPerson(ContractBroken):
    """The answer is about somebody else."""

    CODE = WRONG_PERSON

    def __init__(self, answer: Answer) -> None:
        super().__init__(self.CODE)
        self.answer = answer


def _settling_s(can: Capabilities, prepared: effects.Prepared) -> float:
    """How long what was sent last may still be under way at a receiver that keeps no keys."""
    sent = prepared.unknown or prepared.answer is not None
    return can.settle_s - prepared.quiet_s if sent and not can.keys else 0.0


def _original_settling_s(can: Capabilities, prepared: effects.Prepared) -> float:
    """How long what is to be undone may still be under way there."""
    return 0.0 if prepared.original_quiet_s is None else can.settle_s - prepared.original_quiet_s


def _stands(call: Call, known: Answer) -> bool:
    """Whether what is on record is the answer to this call, and the province need not be asked."""
    if known.status is AnswerStatus.PENDING:  # another run of this call has been told so; its end is asked for
        return call.verb is not Verb.FIND and not call.again
    return not call.again or bool(call.decision)  # an end that came meanwhile goes before a clerk's word


def _nothing_to_undo(answer: Answer | None) -> bool:
    return answer is not None and answer.data.get("outcome") == "nothing_to_reverse"


async def _looked_for(adapter: ProvinceAdapter, wire: ProvinceCall) -> Answer | None:
    """What the province holds of an earlier try."""
    if adapter.capabilities.find is FindBy.NOTHING:
        return None
    return await _said(adapter.find(wire))


async def _ask(adapter: ProvinceAdapter, wire: ProvinceCall) -> Answer | None:
    """One question."""
    if wire.verb is Verb.OFFER and Verb.OFFER not in adapter.capabilities.verbs:
        # there is no register to look into from here: the applicant hands in a document of his own
        return Answer(status=AnswerStatus.REJECTED, reasons=("no_register",))
    if wire.verb is not Verb.FIND:
        return await _said(adapter.call(wire))
    if wire.reference and Verb.QUERY in adapter.capabilities.verbs:
        return await _said(adapter.call(wire.model_copy(update={"verb": Verb.QUERY})))
    return await _said(adapter.find(wire))


async def _said(asked: Awaitable[Answer | None]) -> Answer | None:
    """What an adapter has answered; an exception ``Rejected`` is an answer like any other."""
    try:
        answer = await asked
    except Rejected as refused:
        return Answer(
            status=AnswerStatus.REJECTED, reasons=refused.reasons, text=refused.text, reference=refused.reference
        )
    except (ProvinceError, TimeoutError):
        raise
    except Exception as bug:  # noqa: BLE001 - somebody else's code: the case gets a person, no endless retry
        log.error("an adapter broke: %s", type(bug).__name__)  # no more: its words may be personal
        raise ContractBroken("adapter_broke", type(bug).__name__) from None
    if answer is not None and not isinstance(answer, Answer):
        raise ContractBroken("adapter_broke", "no answer")
    return answer


def _evidence(request: CallProvince) -> effects.Found | None:
    """The evidence a call is about: a look, a release, or the search for the end of a release (it has a consent)."""
    call = request.call
    released = call.verb is Verb.FETCH or (call.verb is Verb.FIND and bool(call.command))
    if not released and call.verb is not Verb.OFFER:
        return None
    return effects.Found(
        id=names.evidence_id(request.case_no, call.step),
        case_no=request.case_no,
        step=call.step,
        region=call.place.region,
        department=call.place.department,
        released=released,
    )


def _intent(request: CallProvince) -> effects.Intent:
    """What is about to be sent; without a key where nothing changes at the province, or an earlier key is asked for."""
    call = request.call
    return effects.Intent(
        key="" if call.verb in {Verb.OFFER, Verb.FIND} else call.key,
        case_no=request.case_no,
        leg=request.leg,
        step=call.step,
        verb=call.verb,
        region=call.place.region,
        department=call.place.department,
        operation=call.operation,
        original=call.original,
        sent=tuple(sorted(call.send)),
    )


def _wire(
    request: CallProvince, sent: Mapping[str, str], prepared: effects.Prepared, pending: Answer | None
) -> ProvinceCall:
    call = request.call
    return ProvinceCall(
        verb=call.said_as or call.verb,
        region=call.place.region,
        department=call.place.department,
        operation=call.operation,
        key=call.key,
        original=call.original,
        case_no=request.case_no,
        leg=request.leg,
        step=call.step,
        payload=sent,
        reference=pending.reference if pending else "",
        original_reference=prepared.original.reference if prepared.original else "",
    )
