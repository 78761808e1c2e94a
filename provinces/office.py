"""The back office: takes requests in, each key once, and writes effect, ledger row and answer in one transaction."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from provinces import evidence
from provinces.faults import Switchboard
from provinces.operations import BY_ROUTE, NOT_PAID, SLOW_FACTOR, SLOW_MARK, Issue, Kind, Operation, Refusal, mark
from provinces.store import Callback, Request, Store, utc_now

DONE, REFUSED, IN_PROGRESS, UNKNOWN = "00", "01", "02", "03"
APPLY, UNDO, PREVIEW, RELEASE = "apply", "undo", "preview", "release"
_ACTIONS = {Kind.EFFECT: (APPLY,), Kind.REVERSAL: (UNDO,), Kind.EVIDENCE: (PREVIEW, RELEASE)}
_VERBS = {APPLY: "submit", UNDO: "reverse", RELEASE: "fetch"}
_CANCELLED = Refusal("cancelled", "该业务已撤销。", "This request was cancelled.")
_CHINA = timezone(timedelta(hours=8))


class BadRequest(Exception):
    """A request that cannot be answered in business terms. ``status``: HTTP status, ``code``: for the log."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Order:
    """The body of a gateway request, checked."""

    request_no: str
    action: str
    original: str
    case_no: str
    leg: str
    step: str
    items: dict[str, str] = field(default_factory=dict)


def answer(request_no: str, code: str, **fields: object) -> dict[str, object]:
    """An answer in the words of the gateway."""
    empty: dict[str, object] = {"businessNo": "", "resultItems": {}, "reasons": [], "message": None, "checkAfter": 0}
    return {"requestNo": request_no, "resultCode": code} | empty | fields


def refused(request_no: str, why: Refusal | evidence.Missing) -> dict[str, object]:
    """A refusal with its reason in both languages."""
    return answer(request_no, REFUSED, reasons=[why.code], message={"zh": why.zh, "en": why.en})


class Office:
    """All departments of one province."""

    def __init__(
        self,
        region: str,
        store: Store,
        faults: Switchboard,
        pending_s: float,
        has_callback: bool,
        auto_pay: bool = True,
    ) -> None:
        self.region = region
        self.address = ""  # where this program is reached, as its last caller knew it
        self._auto_pay = auto_pay
        self.store = store
        self._faults = faults
        self._pending_s = pending_s
        self._has_callback = has_callback
        self.wake: Callable[[], None] = lambda: None

    def handle(self, department: str, service: str, body: object) -> dict[str, object]:
        """Answers one gateway request; raises BadRequest (404 route, 400 body, 409 key used for something else)."""
        operation = BY_ROUTE.get((department, service))
        if operation is None:
            raise BadRequest(404, "no_such_service")
        order = self._order(operation, body)
        if order.action == PREVIEW:
            return self._show(operation, order)
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self.store.transaction():
            known = self.store.request(order.request_no)
            if known is not None:
                if known.digest and known.digest != digest:
                    raise BadRequest(409, "request_no_used_for_another_request")
                return known.answer
            request = Request(
                order.request_no, digest, department, service, _VERBS[order.action], order.original, order.case_no,
                order.leg, order.step, order.items, "done", {}, utc_now(),
            )  # fmt: skip
            if operation.kind is Kind.EFFECT:
                self._apply(operation, request)
            elif operation.kind is Kind.REVERSAL:
                self._undo(operation, request)
            else:
                self._release(operation, request)
            self.store.write_request(request)
        if request.due_at is not None:
            self.wake()
        return request.answer

    def find(self, body: object) -> dict[str, object]:
        """What is stored under a request number; code 03 if nothing. Changes nothing."""
        request_no = body.get("requestNo") if isinstance(body, dict) else None
        if not isinstance(request_no, str) or not request_no:
            raise BadRequest(400, "request_no_missing")
        known = self.store.request(request_no)
        return known.answer if known else answer(request_no, UNKNOWN)

    def complete_due(self, now: float) -> None:
        """Completes what has come due; also what came due while the program was down."""
        for request in self.store.due_requests(now):
            self.complete(request.request_no)

    def complete(self, request_no: str) -> Callback | None:
        """Ends one request in progress; returns the event that tells of it, if one is to be sent."""
        with self.store.transaction():
            request = self.store.request(request_no)
            if request is None or request.state != "in_progress":
                return None
            operation = BY_ROUTE[request.department, request.operation]
            refusal = operation.refusals.get(mark(request.items))
            if refusal is not None:
                request.state, request.answer = "refused", refused(request_no, refusal)
            else:
                self._grant(operation, request)
            request.due_at = None
            self.store.write_request(request)
            event = self._announce(request)
        self.wake()
        return event

    def bill(self, business_no: str) -> Request | None:
        """What is to be paid under this number, paid or not."""
        request = self.store.by_business_no(business_no)
        payable = request is not None and BY_ROUTE[request.department, request.operation].payable
        return request if payable else None

    def pay(self, business_no: str, *, succeeded: bool) -> bool:
        """Somebody pays at the cashier's page, or tries to. False if there is nothing to pay any more."""
        bill = self.bill(business_no)
        if bill is None or bill.state != "in_progress":
            return False
        if not succeeded:
            with self.store.transaction():
                bill.state, bill.due_at, bill.answer = "refused", None, refused(bill.request_no, NOT_PAID)
                self.store.write_request(bill)
                self._announce(bill)
            self.wake()
            return True
        self.complete(bill.request_no)
        return True

    def _order(self, operation: Operation, body: object) -> Order:
        if not isinstance(body, dict):
            raise BadRequest(400, "body_is_no_object")
        names = ("requestNo", "action", "originalNo", "caseNo", "legNo", "stepNo")
        texts = [body.get(name, "") for name in names]
        items = body.get("items", {})
        if not all(isinstance(text, str) for text in texts) or not isinstance(items, dict):
            raise BadRequest(400, "wrong_types")
        if not all(isinstance(value, str) for value in items.values()):
            raise BadRequest(400, "wrong_types")
        if body.get("regionCode") != self.region or body.get("serviceCode") != operation.name:
            raise BadRequest(400, "not_for_this_service")
        order = Order(texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], items)
        if order.action not in _ACTIONS[operation.kind]:
            raise BadRequest(400, "action_not_offered")
        if not order.request_no and order.action != PREVIEW:
            raise BadRequest(400, "request_no_missing")
        if bool(order.original) != (order.action == UNDO):
            raise BadRequest(400, "original_no_misplaced")
        return order

    def _show(self, operation: Operation, order: Order) -> dict[str, object]:
        found = self._look_up(operation, order.items)
        if isinstance(found, evidence.Missing):
            return refused(order.request_no, found)
        return answer(order.request_no, DONE, resultItems=found)

    def _release(self, operation: Operation, request: Request) -> None:
        found = self._look_up(operation, request.items)
        if isinstance(found, evidence.Missing):
            request.state, request.answer = "refused", refused(request.request_no, found)
            return
        reference = self._business_no()
        request.answer = answer(request.request_no, DONE, businessNo=reference, resultItems=found)
        self.store.write_ledger(request, 0, reference)

    def _look_up(self, operation: Operation, items: dict[str, str]) -> dict[str, str] | evidence.Missing:
        return evidence.look_up(self.region, items.get("holder_id", ""), from_anywhere=operation.from_anywhere)

    def _apply(self, operation: Operation, request: Request) -> None:
        chosen = mark(request.items)
        refusal = operation.refusals.get(chosen)
        if refusal is not None and not refusal.late:
            request.state, request.answer = "refused", refused(request.request_no, refusal)
        elif operation.pending:
            wait = self._pending_s * (SLOW_FACTOR if chosen == SLOW_MARK else 1)
            paid_by_hand = operation.payable and not self._auto_pay
            request.state, request.due_at = "in_progress", None if paid_by_hand else time.time() + wait
            reference = self._business_no()
            request.answer = answer(
                request.request_no,
                IN_PROGRESS,
                businessNo=reference,
                checkAfter=max(1, round(wait)),
                resultItems={"payment_url": f"{self.address}pay/{reference}"} if operation.payable else {},
            )
        else:
            self._grant(operation, request)

    def _grant(self, operation: Operation, request: Request) -> None:
        reference = str(request.answer.get("businessNo") or self._business_no())
        serial = self.store.count(operation.name)
        issue = Issue(self.region, request.items, serial, datetime.now(_CHINA).date())
        request.state = "done"
        request.answer = answer(request.request_no, DONE, businessNo=reference, resultItems=operation.result(issue))
        self.store.write_ledger(request, +1, reference)

    def _undo(self, operation: Operation, request: Request) -> None:
        original = self.store.request(request.original)
        outcome = "reversed"
        if original is None:
            outcome = "nothing_to_reverse"
            self._bury(request)
        elif (original.department, original.operation) not in (("", ""), (operation.department, operation.reverses)):
            why = Refusal("wrong_original", "原业务与撤销事项不符。", "The original is of another service.")
            request.state, request.answer = "refused", refused(request.request_no, why)
            return
        elif original.state == "done":
            reference = str(original.answer["businessNo"])
            self.store.write_ledger(request, -1, reference)
            original.state = "undone"
            self.store.write_request(original)
        elif original.state == "in_progress":
            outcome = "cancelled"
            self.store.write_ledger(request, 0, str(original.answer["businessNo"]))
            original.state, original.due_at = "cancelled", None
            original.answer = refused(original.request_no, _CANCELLED)
            self.store.write_request(original)
        else:
            outcome = "nothing_to_reverse" if original.state in ("refused", "buried") else "already_reversed"
        reference = "" if original is None else str(original.answer["businessNo"])
        request.answer = answer(request.request_no, DONE, businessNo=reference, resultItems={"outcome": outcome})

    def _bury(self, request: Request) -> None:
        """A tombstone: a delayed original must not take effect after its reversal."""
        stone = Request(
            request.original, "", "", "", "submit", "", request.case_no, request.leg, request.step, {}, "buried",
            refused(request.original, _CANCELLED), utc_now(),
        )  # fmt: skip
        self.store.write_request(stone)

    def _business_no(self) -> str:
        return f"{self.region[:2]}{datetime.now(UTC):%Y%m%d}{self.store.count('business'):08d}"

    def _announce(self, request: Request) -> Callback | None:
        """Writes the event about a completed request, with whatever the switchboard does to it."""
        if not self._has_callback:
            return None
        faults = {fault.kind: fault for fault in self._faults.pick_all("callback", request.operation)}
        event = self._event(request.request_no, request.answer)
        if "callback_lost" in faults:
            event.state = "lost"
        if "callback_duplicate" in faults:
            event.copies = 2
        if "callback_late" in faults:
            event.due_at += faults["callback_late"].seconds
        self.store.write_callback(event)
        if "callback_forged" in faults:
            lie = refused(request.request_no, Refusal("forged", "伪造。", "Forged."))
            forged = self._event(request.request_no, lie)
            forged.forged = True
            self.store.write_callback(forged)
        if "callback_unknown" in faults:
            nobody = uuid.uuid4().hex * 2
            self.store.write_callback(self._event(nobody, request.answer | {"requestNo": nobody}))
        return event

    def _event(self, request_no: str, told: dict[str, object]) -> Callback:
        event_no = uuid.uuid4().hex
        body = {"eventNo": event_no, "regionCode": self.region} | told
        return Callback(event_no, request_no, json.dumps(body, ensure_ascii=False), "waiting", time.time())
