"""The back office: takes orders in, each key once, and writes effect, ledger row and outcome in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from provinces import evidence, magic, undoing
from provinces.clock import Clock
from provinces.operations import (
    CANCELLED,
    NOT_PAID,
    OFFERED,
    SLOW_FACTOR,
    SLOW_MARK,
    Issue,
    Operation,
    Refusal,
    mark,
    operation,
)
from provinces.store import Matter, Store
from provinces.words import KEYLESS, UNDOING, Action, Code, Order, Outcome, Problem, State

ASYNCHRONOUS_S = 0.3
_VERBS = {Action.APPLY: ("submit", 1), Action.CONSULT: ("consult", 1), Action.NOTIFY: ("notify", 1)}
Announce = Callable[[Matter, str], None]


@dataclass(frozen=True)
class Handled:
    """What became of an order. ``fresh``: it came for the first time. ``mark``: what its number asks for."""

    outcome: Outcome
    fresh: bool
    mark: str


class Office:
    """All departments of one province."""

    def __init__(
        self, region: str, store: Store, clock: Clock, pending_s: float, *, auto_pay: bool = True, seed: int = 0
    ) -> None:
        self.region = region
        self.store = store
        self.clock = clock
        self.address = ""  # where this program is reached, as its last caller knew it
        self._auto_pay = auto_pay
        self._seed = seed
        self._pending_s = pending_s
        self.wake: Callable[[], None] = lambda: None
        self.announce: Announce = lambda matter, what: None  # what: taken | wants | ended

    def handle(self, order: Order, *, asynchronous: bool = False) -> Handled:
        """Answers one order; raises Problem. ``asynchronous``: nothing is decided while the caller waits."""
        known_as = self._offered(order)
        chosen = mark(order.fields)
        if chosen == magic.DOWN:
            raise Problem(Code.MAINTENANCE, retry_after="2")
        if order.action in KEYLESS:
            return Handled(self._show(known_as, order), True, chosen)
        digest = _digest(order)
        with self.store.transaction():
            known = self.store.matter(order.key)
            if known is not None and known.state == "buried":
                matter = _matter(order, digest, self.clock.text())
                self.store.forget(order.key)
                self._refuse(matter, CANCELLED, state="cancelled")
                self.store.write_matter(matter)
                return Handled(matter.outcome(), True, chosen)
            if known is not None:
                if known.digest != digest:
                    raise Problem(Code.KEY_REUSED, "request_no_used_for_another_request")
                return Handled(known.outcome(), False, chosen)
            matter = _matter(order, digest, self.clock.text())
            self._take_in(known_as, matter, chosen, asynchronous)
            self.store.write_matter(matter)
            if matter.state == "in_progress":
                self.announce(matter, "taken")
                if matter.wants is not None:
                    self.announce(matter, "wants")
        if matter.state == "in_progress" or order.action is Action.SUPPLEMENT:
            self.wake()
        return Handled(matter.outcome(), True, chosen)

    def find(self, key: str) -> Outcome | None:
        """What is stored under a key. Changes nothing."""
        known = self.store.matter(key)
        return known.outcome() if known else None

    def find_number(self, number: str) -> Outcome | None:
        """What has this business number."""
        known = self.store.by_number(number)
        return known.outcome() if known else None

    def complete_due(self, now: float) -> None:
        """Completes what has come due; also what came due while the program was down."""
        for matter in self.store.due_matters(now):
            self.complete(matter.key)

    def complete(self, key: str) -> None:
        """Ends one matter in progress, unless something is still wanted of the caller."""
        with self.store.transaction():
            matter = self.store.matter(key)
            if matter is None or matter.state != "in_progress" or matter.wants is not None:
                return
            known_as = operation(matter.department, matter.service, Action(matter.action))
            if known_as is None:
                raise LookupError(f"{matter.department}/{matter.service} is not offered any more")
            matter.due_at = None
            self._decide(known_as, matter)
            self.store.write_matter(matter)
            self.announce(matter, "ended")
        self.wake()

    def bill(self, number: str) -> Matter | None:
        """What is to be paid under this number, paid or not."""
        matter = self.store.by_number(number)
        if matter is None or matter.action != Action.APPLY or matter.state == "cancelled":
            return None
        known_as = operation(matter.department, matter.service, Action.APPLY)
        return matter if known_as is not None and known_as.payable else None

    def pay(self, number: str, *, succeeded: bool) -> bool:
        """Somebody pays at the cashier's page, or tries to. False if there is nothing to pay any more."""
        bill = self.bill(number)
        if bill is None or bill.state != "in_progress":
            return False
        if not succeeded:
            with self.store.transaction():
                self._refuse(bill, NOT_PAID)
                self.store.write_matter(bill)
                self.announce(bill, "ended")
            self.wake()
            return True
        self.complete(bill.key)
        return True

    def _offered(self, order: Order) -> Operation:
        known_as = operation(order.department, order.service, order.action)
        if known_as is None:
            raise Problem(Code.NO_SUCH_SERVICE)
        if order.action not in OFFERED[known_as.kind]:
            raise Problem(Code.MALFORMED, "action_not_offered")
        if not order.key and order.action not in KEYLESS:
            raise Problem(Code.MALFORMED, "request_no_missing")
        if bool(order.original) != (order.action in UNDOING):
            raise Problem(Code.MALFORMED, "original_no_misplaced")
        return known_as

    def _take_in(self, known_as: Operation, matter: Matter, chosen: str, asynchronous: bool) -> None:
        """Decides at once, or writes down that it takes time."""
        effect = matter.action in _VERBS
        takes_time = effect and (known_as.pending or chosen in magic.TAKE_TIME)
        refusal = known_as.refusals.get(chosen)
        if not asynchronous and (not takes_time or (refusal is not None and not refusal.late)):
            matter.number = self._number()
            self._decide(known_as, matter)
            return
        if takes_time:
            wait = self._pending_s * (SLOW_FACTOR if chosen == SLOW_MARK else 1)
        else:
            wait = min(ASYNCHRONOUS_S, self._pending_s)
        paid_by_hand = known_as.payable and not self._auto_pay and effect
        matter.state, matter.number = "in_progress", self._number()
        matter.wants = undoing.WANTED if effect and chosen == magic.WANTS else None
        waits_for_somebody = paid_by_hand or matter.wants is not None
        matter.due_at = None if waits_for_somebody else self.clock.time() + wait
        matter.check_after = max(1, round(wait))
        if known_as.payable and effect:
            matter.result = {"payment_url": f"{self.address}pay/{matter.number}"}

    def _decide(self, known_as: Operation, matter: Matter) -> None:
        """How it ends; every way out writes its rows and sets the end."""
        action = Action(matter.action)
        refusal = known_as.refusals.get(mark(matter.fields)) if action in _VERBS else None
        if refusal is not None:
            self._refuse(matter, refusal)
        elif action in _VERBS:
            self._grant(known_as, matter)
        elif action is Action.RELEASE:
            self._release(known_as, matter)
        else:
            refused = undoing.undo(self.store, self.clock, known_as, matter, self._pending_s)
            if refused is not None:
                self._refuse(matter, refused)
            else:
                self._end(matter)

    def _grant(self, known_as: Operation, matter: Matter) -> None:
        serial = self.store.count(known_as.name)
        matter.result = known_as.result(Issue(self.region, matter.fields, serial, self.clock.today()))
        self._end(matter)
        verb, delta = _VERBS[Action(matter.action)]
        self.store.write_ledger(matter, "", verb, delta, matter.number, self.clock.text())
        if issued := matter.result.get("licence_identifier"):
            self.store.write_licence(issued, matter.key, "valid")

    def _release(self, known_as: Operation, matter: Matter) -> None:
        found = self._look_up(known_as, matter.fields.get("holder_id", ""))
        if isinstance(found, evidence.Missing):
            self._refuse(matter, found)
            return
        matter.result = found
        self._end(matter)
        self.store.write_ledger(matter, "", "fetch", 0, matter.number, self.clock.text())
        self._remember(found)

    def _show(self, known_as: Operation, order: Order) -> Outcome:
        asked = order.fields.get("licence_identifier", "")
        if order.action is Action.VERIFY:
            found = evidence.verify(self.region, asked, self.store.licence_status(asked))
        else:
            found = self._look_up(known_as, order.fields.get("holder_id", ""))
        if isinstance(found, evidence.Missing):
            return Outcome(order.key, "", State.REFUSED, reasons=(found.code,), text=found.text)
        if order.action is Action.PREVIEW and found["licence_status"] != "valid":
            with self.store.transaction():
                self._remember(found)
        return Outcome(order.key, "", State.DONE, found)

    def _look_up(self, known_as: Operation, holder_id: str) -> dict[str, str] | evidence.Missing:
        found = evidence.look_up(self.region, holder_id, from_anywhere=known_as.from_anywhere, seed=self._seed)
        if isinstance(found, evidence.Missing) or not known_as.register:
            return found
        return found | {"licence_name": known_as.register}

    def _remember(self, shown: dict[str, str]) -> None:
        self.store.write_licence(shown["licence_identifier"], "", shown["licence_status"])

    def _refuse(self, matter: Matter, why: Refusal | evidence.Missing, state: str = "refused") -> None:
        matter.result, matter.reasons, matter.text = {}, (why.code,), why.text
        self._end(matter, state)

    def _end(self, matter: Matter, state: str = "done") -> None:
        matter.state, matter.due_at, matter.wants, matter.check_after = state, None, None, 0
        matter.number = matter.number or self._number()
        matter.ended_at = self.clock.text()

    def _number(self) -> str:
        return f"{self.region[:2]}{self.clock.now():%Y%m%d}{self.store.count('business'):08d}"


def _matter(order: Order, digest: str, at: str) -> Matter:
    return Matter(
        key=order.key, label=order.label or order.key, face=order.face, digest=digest, department=order.department,
        service=order.service, action=order.action.value, original=order.original, case_no=order.case_no,
        leg=order.leg, step=order.step, fields=dict(order.fields), number="", state="", received_at=at,
    )  # fmt: skip


def _digest(order: Order) -> str:
    """What "the same content" means: everything the caller said, in whatever order its wire put it."""
    said = [order.action, order.department, order.service, order.original, order.case_no, order.leg, order.step]
    return hashlib.sha256(json.dumps([*said, order.fields], sort_keys=True).encode()).hexdigest()
