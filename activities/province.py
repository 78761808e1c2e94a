"""Calling a province: intent committed before the effect, found by key before any resend, receipt committed after.

    try_province    one quick try beside the workflow; says ``deferred`` when no slot is free or the province fails
    call_province   from the province's own queue; trouble is raised so that Temporal tries again with growing pauses,
                    unless this is the first try, whose end is told to the workflow

Both run the same ``_attempt``. An activity may run twice with no fault at all; the lease on the intent and the key
at the receiver make that harmless.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from adapters.errors import Ambiguous, ContractBroken, ProvinceError, Unavailable
from adapters.port import ProvinceAdapter
from domain import names
from domain.effects import Answer, AnswerStatus, ProvinceCall, Verb
from domain.process import CallOutcome, OutcomeStatus
from domain.start import CallProvince
from models import effects, licences
from models.database import Database

FIRST_TRY_S, QUEUED_TRY_S = 2.5, 12.0  # for the whole exchange; below the activities' own limits in workflows.calls
LEASE = timedelta(seconds=15)  # longer than any try may send
FAILING_AFTER = 3
COOL_DOWN_S = 5.0


class Provinces(Protocol):
    """Where adapters are found (adapters.registry)."""

    def for_place(self, code: str) -> ProvinceAdapter: ...


@dataclass
class Desk:
    """This process's view of one province: how many calls are in flight, and whether it has been failing lately."""

    slots: int
    failures: int = 0
    closed_until: float = 0.0
    in_flight: int = field(default=0)

    def may_try(self) -> bool:
        """A slot is free and the province has not been failing."""
        return self.in_flight < self.slots and time.monotonic() >= self.closed_until

    def ended(self, *, well: bool) -> None:
        """Three failures in a row keep quick tries away for a few seconds."""
        self.failures = 0 if well else self.failures + 1
        if self.failures >= FAILING_AFTER:
            self.closed_until = time.monotonic() + COOL_DOWN_S


class ProvinceActivities:
    def __init__(self, database: Database, provinces: Provinces, slots: int) -> None:
        self._database = database
        self._provinces = provinces
        self._slots = slots
        self._desks: dict[str, Desk] = {}

    @activity.defn(name=names.PROVINCE_ATTEMPT_ACTIVITY)
    async def try_province(self, request: CallProvince) -> CallOutcome:
        """One quick try; never waits for a slot."""
        desk = self._desk(request.call.place.province)
        if not desk.may_try():
            return CallOutcome(status=OutcomeStatus.DEFERRED, code="no_slot")
        return await self._run(desk, request, FIRST_TRY_S)

    @activity.defn(name=names.PROVINCE_ACTIVITY)
    async def call_province(self, request: CallProvince) -> CallOutcome:
        """From the queue. A patient call raises what can be tried again; a first try returns it."""
        desk = self._desk(request.call.place.province)
        outcome = await self._run(desk, request, QUEUED_TRY_S)
        if request.call.patient and outcome.status in {OutcomeStatus.UNAVAILABLE, OutcomeStatus.UNKNOWN}:
            retry_after = outcome.poll_after_s if outcome.code == "retry_after" else 0
            raise ApplicationError(
                outcome.code,
                type=outcome.status.value,
                next_retry_delay=timedelta(seconds=retry_after) if retry_after else None,
                category=ApplicationErrorCategory.BENIGN,
            )
        return outcome

    def _desk(self, province: str) -> Desk:
        return self._desks.setdefault(province, Desk(slots=self._slots))

    async def _run(self, desk: Desk, request: CallProvince, seconds: float) -> CallOutcome:
        desk.in_flight += 1
        try:
            outcome = await self._attempt(request, seconds)
        except asyncio.CancelledError:
            desk.ended(well=False)
            raise
        finally:
            desk.in_flight -= 1
        troubled = outcome.status in {OutcomeStatus.UNAVAILABLE, OutcomeStatus.UNKNOWN}
        desk.ended(well=not troubled or outcome.code == "another_run_is_sending")
        return outcome

    async def _attempt(self, request: CallProvince, seconds: float) -> CallOutcome:
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
        )
        if prepared is None:
            raise ApplicationError("case without application", type="NoApplication", non_retryable=True)
        if call.verb is Verb.FETCH and not prepared.consented:
            # a register releases evidence only on the applicant's recorded consent to this very item
            return CallOutcome(status=OutcomeStatus.UNUSABLE, code="no_consent")
        known = prepared.answer
        if known is not None and known.status is AnswerStatus.PENDING:
            known = None
        if known is not None and not call.again:
            return await self._outcome(request, known)
        if prepared.leased:
            return CallOutcome(status=OutcomeStatus.UNKNOWN, code="another_run_is_sending")
        wire = _wire(request, _payload(call.send, prepared))
        try:
            adapter = self._provinces.for_place(call.place.region)
            async with asyncio.timeout(seconds):
                answer = await self._ask(adapter, wire, find_first=not prepared.fresh)
            if answer is not None and not effects.can_keep(answer):
                raise ContractBroken("unstorable_text")  # tried again it would be no other
            if answer is not None and known is not None and answer.status is not known.status:
                raise ContractBroken("contradiction")  # what it said first stands until people have looked
        except TimeoutError:
            await self._trouble(intent, "timeout")
            return CallOutcome(status=OutcomeStatus.UNKNOWN, code="timeout")
        except ProvinceError as error:
            await self._trouble(intent, error.code)
            return _trouble_outcome(error)
        if answer is None:
            return CallOutcome(status=OutcomeStatus.NOT_FOUND, code="not_found")
        if item and answer.status is AnswerStatus.ACCEPTED:
            await effects.receipt_of_evidence(self._database, call.key, item, answer)
        elif call.key:
            await effects.receipt(self._database, call.key, answer, corrected=call.again)
        return await self._outcome(request, answer)

    async def _outcome(self, request: CallProvince, answer: Answer) -> CallOutcome:
        """What the process needs of an answer; the data itself stays in the database."""
        licence = answer.data.get("licence_identifier", "")
        return CallOutcome(
            status=OutcomeStatus.ANSWERED,
            answer=answer.status,
            reference=answer.reference,
            reasons=answer.reasons,
            poll_after_s=answer.poll_after_s,
            licence=licence,
            licence_taken=await licences.is_taken(self._database, licence, request.case_no),
        )

    async def _ask(self, adapter: ProvinceAdapter, wire: ProvinceCall, *, find_first: bool) -> Answer | None:
        """Sends, unless an earlier run may have sent already and the province knows the key."""
        if wire.verb is Verb.FIND:
            return await adapter.find(wire)
        if find_first and (known := await adapter.find(wire)) is not None:
            return known
        return await adapter.call(wire)

    async def _trouble(self, intent: effects.Intent, code: str) -> None:
        if intent.key:
            await effects.trouble(self._database, intent.key, code)


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


def _trouble_outcome(error: ProvinceError) -> CallOutcome:
    """The error tree of the port as the process sees it."""
    if isinstance(error, Unavailable):
        pause = round(error.retry_after or 0)
        return CallOutcome(
            status=OutcomeStatus.UNAVAILABLE, code="retry_after" if pause else error.code, poll_after_s=pause
        )
    if isinstance(error, Ambiguous):
        return CallOutcome(status=OutcomeStatus.UNKNOWN, code=error.code)
    return CallOutcome(status=OutcomeStatus.UNUSABLE, code=error.code)


def _payload(send: Mapping[str, str], prepared: effects.Prepared) -> dict[str, str]:
    """The fields the definition sends: ``form.x``, ``step.y.reference`` or a fixed ``=text``. Nothing else goes out."""
    payload: dict[str, str] = {}
    for name, source in send.items():
        kind, _, rest = source.partition(".")
        if source.startswith("="):
            payload[name] = source[1:]
        elif kind == "form" and prepared.form.get(rest) is not None:
            payload[name] = str(prepared.form[rest])
        elif kind == "step":
            payload[name] = prepared.references.get(rest.removesuffix(".reference"), "")
    return payload


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


def _wire(request: CallProvince, payload: Mapping[str, str]) -> ProvinceCall:
    call = request.call
    return ProvinceCall(
        verb=call.verb,
        region=call.place.region,
        department=call.place.department,
        operation=call.operation,
        key=call.key,
        original=call.original,
        case_no=request.case_no,
        leg=request.leg,
        step=call.step,
        payload=payload,
    )
