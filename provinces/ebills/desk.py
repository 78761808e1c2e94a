"""What the platform decides: numbers, locks, payments, red letters. Money in fen, times in seconds; words of its own.

States of a bill: NORMAL, LOCKED, PART, FULL, REVERSED (冲红), RED. Every order is one transaction, and expiry is part
of whatever comes next: a lock whose time is over holds nothing, whether anybody has swept it or not.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provinces.clock import Clock
from provinces.ebills.store import Bill, BillStore, Hold

NUMBERS = Path(__file__).parents[1] / "ebill_numbers.json"
PURPOSES = frozenset({"YB", "SB", "DW"})
"""医保, 商保, 单位."""
DAY_S = 86400.0
Told = dict[str, Any]


class Refused(Exception):
    """A rule says no. ``more``: what is told beside the code."""

    def __init__(self, code: str, **more: object) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


class KeyReused(Exception):
    """The key, or the number of a payment, was used for something else."""


class Desk:
    """The rules over the books."""

    def __init__(self, store: BillStore, clock: Clock, numbers: Mapping[str, Any] | None = None) -> None:
        self.store = store
        self._clock = clock
        self._numbers = numbers or json.loads(NUMBERS.read_text("utf-8"))
        with store.transaction():
            self._salt = store.setting("salt") or secrets.token_hex(16)
            store.set_setting("salt", self._salt)

    # orders: each under the caller's key, once

    def order(self, client: str, key: str, content: Mapping[str, Any], work: Callable[[], Told]) -> Told:
        """Does it and keeps the answer, or gives the answer that was kept; KeyReused for other content."""
        digest = digest_of(content)
        with self.store.transaction():
            known = self.store.request(client, key)
            if known is not None:
                if known[0] != digest:
                    raise KeyReused(key)
                return known[1]
            self._sweep()
            answer = self._attempt(work)
            self.store.add_request(client, key, digest, answer)
            return answer

    def issue(self, client: str, unit: str, content: Told) -> Told:
        """Numbers, check code and digest for a new bill."""
        bill = self._numbered(client, unit, content)
        self.store.add_bill(bill)
        return {"bill": face(bill), "state": self.state(bill)}

    def lock(
        self, client: str, unit: str, code: str, number: str, purpose: str, amount: int, days: int, claim: str
    ) -> Told:
        """Compare and set: exactly one of all who come gets it."""
        bill = self._bill(code, number)
        if bill.state in ("REVERSED", "RED"):
            raise Refused("REVERSED")
        if purpose == "YB" and bill.settled and bill.fund > 0:
            raise Refused("SETTLED_DIRECTLY")
        if amount <= 0 or not self.store.seize(code, number, amount):
            self._why_not(bill)
            raise Refused("AMOUNT_EXCEEDED")
        now = self._clock.time()
        hold = Hold(secrets.token_hex(16), code, number, client, unit, purpose, amount, claim, now,
                    now + days * DAY_S, "OPEN")  # fmt: skip
        self.store.add_hold(hold)
        self._announce("CHANGED", code, number)
        return {"lock": hold.__dict__.copy(), "state": self.state(self._bill(code, number))}

    def _why_not(self, bill: Bill) -> None:
        held = self.store.live(bill.code, bill.number)
        if held is not None:
            raise Refused("LOCK_CONFLICT", purpose=held.purpose)
        if bill.red_client:
            raise Refused("REVERSAL_WAITING")

    def release(self, client: str, unit: str, lock_id: str) -> Told:
        """The owner gives it up."""
        hold = self._hold(client, unit, lock_id)
        if hold.state not in ("OPEN", "SUSPENDED"):
            raise Refused("LOCK_OVER")
        self._let_go(hold, "RELEASED", "CHANGED")
        return self._after(hold)

    def pay(self, client: str, unit: str, lock_id: str, tx_no: str, paid_at: str, amount: int, refunds: str) -> Told:
        """A payment under a lock, or its refund; the transaction number is its key, for everybody."""
        content = {"lock": lock_id, "at": paid_at, "amount": amount, "refunds": refunds, "unit": unit}
        digest = digest_of(content)
        with self.store.transaction():
            known = self.store.payment(tx_no)
            if known is not None:
                if known["digest"] != digest or known["client"] != client:
                    return {"refused": "TX_REUSED"}
                told: Told = json.loads(known["answer"])
                return told
            self._sweep()
            answer = self._attempt(lambda: self._paid(client, unit, lock_id, amount, refunds))
            if "refused" not in answer:
                self.store.add_payment(tx_no, lock_id, client, digest, amount, refunds, answer)
            return answer

    def _paid(self, client: str, unit: str, lock_id: str, amount: int, refunds: str) -> Told:
        hold = self._hold(client, unit, lock_id)
        bill = self._bill(hold.code, hold.number)
        if refunds:
            paid = self.store.payment_of(lock_id)
            if hold.state != "SETTLED" or paid is None or paid["tx_no"] != refunds:
                raise Refused("LOCK_OVER")
            if amount != -paid["amount"]:
                raise Refused("AMOUNT_EXCEEDED")
            self.store.set_hold(lock_id, "REFUNDED")
        else:
            if hold.state not in ("OPEN", "SUSPENDED"):
                raise Refused("LOCK_OVER")
            if not 0 < amount <= hold.amount:
                raise Refused("AMOUNT_EXCEEDED")
            self.store.set_hold(lock_id, "SETTLED")
        self._settle(bill, bill.paid + amount, "CHANGED")
        return self._after(hold)

    def red_letter(self, client: str, unit: str, code: str, number: str) -> Told:
        """Takes a bill back, at once or as soon as it is free."""
        bill = self._bill(code, number)
        if bill.unit != unit or bill.client != client:
            raise Refused("NOT_YOURS")
        if bill.state in ("REVERSED", "RED"):
            raise Refused("REVERSED")
        if bill.red_client:
            raise Refused("REVERSAL_WAITING")
        held = self.store.live(code, number)
        if held is None and bill.paid:
            raise Refused("REIMBURSED")
        self.store.want_red(code, number, client)
        if held is not None:
            self.store.set_hold(held.lock_id, "SUSPENDED")
            self._tell(held.client, "RED_WAITING", self._bill(code, number), held.lock_id)
            return {"state": self.state(self._bill(code, number))}
        red = self._write_red(self._bill(code, number))
        return {"bill": face(red), "state": self.state(self._bill(code, number))}

    # questions

    def look(self, code: str, number: str) -> Told | None:
        """How a bill stands; None if there is none."""
        with self.store.transaction():
            self._sweep()
            bill = self.store.bill(code, number)
            return None if bill is None else self.state(bill)

    def is_authentic(self, code: str, number: str, check_code: str) -> tuple[bool, Told | None]:
        """Whether the three belong together, and then the bill, whole: who knows all three holds it in his hand. A bill
        that is not there looks like a wrong check code."""
        bill = self.store.bill(code, number)
        expected = bill.check_code if bill else "0" * int(self._numbers["check_length"])
        fits = secrets.compare_digest(expected.encode(), check_code.encode("utf-8", "replace"))
        state = self.look(code, number) if fits else None
        bill = self.store.bill(code, number)
        return (True, {"bill": face(bill), "state": state}) if bill is not None and state else (False, None)

    def events(self, client: str, after: int, most: int) -> list[Told]:
        """A client's feed after a number."""
        with self.store.transaction():
            self._sweep()
        return self.store.told(client, after, most)

    def state(self, bill: Bill) -> Told:
        """What anybody who may ask is told: the purpose of a lock, not its owner."""
        held = self.store.live(bill.code, bill.number)
        return {
            "code": bill.code, "number": bill.number, "state": bill.state, "paid": bill.paid,
            "left": 0 if bill.state in ("REVERSED", "RED") else bill.total - bill.fund - bill.paid,
            "purpose": held.purpose if held else "", "red_waiting": bool(bill.red_client),
            "related_code": bill.related_code, "related_number": bill.related_number, "version": bill.version,
        }  # fmt: skip

    # how it hangs together

    def _attempt(self, work: Callable[[], Told]) -> Told:
        """A refusal is an answer too. Nothing is written before the last rule has been asked."""
        try:
            return work()
        except Refused as refused:
            return {"refused": refused.code} | refused.more

    def _bill(self, code: str, number: str) -> Bill:
        bill = self.store.bill(code, number)
        if bill is None:
            raise Refused("NO_SUCH_BILL")
        return bill

    def _hold(self, client: str, unit: str, lock_id: str) -> Hold:
        hold = self.store.hold(lock_id)
        if hold is None or hold.client != client or hold.unit != unit:
            raise Refused("NO_SUCH_LOCK")
        return hold

    def _after(self, hold: Hold) -> Told:
        now = self.store.hold(hold.lock_id) or hold
        return {"lock": now.__dict__.copy(), "state": self.state(self._bill(hold.code, hold.number))}

    def _sweep(self) -> None:
        for hold in self.store.overdue(self._clock.time()):
            self._let_go(hold, "EXPIRED", "LOCK_EXPIRED")

    def _let_go(self, hold: Hold, state: str, kind: str) -> None:
        self.store.set_hold(hold.lock_id, state)
        bill = self._bill(hold.code, hold.number)
        self._settle(bill, bill.paid, kind, hold)

    def _settle(self, bill: Bill, paid: int, kind: str, hold: Hold | None = None) -> None:
        """The state that follows from locks and payments; and the red letter, if nothing is in its way now."""
        if self.store.live(bill.code, bill.number) is not None:
            state = "LOCKED"
        elif not paid:
            state = "NORMAL"
        else:
            state = "FULL" if paid == bill.total - bill.fund else "PART"
        self.store.settle(bill.code, bill.number, paid, state)
        if kind == "LOCK_EXPIRED" and hold is not None:
            self._tell(hold.client, kind, self._bill(bill.code, bill.number), hold.lock_id)
        else:
            self._announce(kind, bill.code, bill.number)
        now = self._bill(bill.code, bill.number)
        if now.red_client and now.state == "NORMAL":
            self._write_red(now)

    def _write_red(self, bill: Bill) -> Bill:
        red = self._numbered(bill.client, bill.unit, negated(bill.content))
        red = replace(red, state="RED", related_code=bill.code, related_number=bill.number)
        self.store.add_bill(red)
        self.store.take_back(bill.code, bill.number, red)
        self._announce("REVERSED", bill.code, bill.number, red)
        return red

    def _numbered(self, client: str, unit: str, content: Told) -> Bill:
        n, today = self._numbers, self._clock.today()
        head = int(n["code_length"]) - 6
        code = content["region"][:head] + n["medical_class"] + n["kinds"][content["kind"]] + f"{today:%y}"
        number = str(self.store.count(f"number:{code}")).zfill(int(n["number_length"]))
        check = hashlib.sha256(f"{self._salt}{code}{number}".encode()).hexdigest()[: int(n["check_length"])]
        digest = digest_of({"code": code, "number": number, "check": check, "content": content})
        paid = content["insurance"]
        return Bill(code, number, check, client, unit, today.isoformat(), content, digest, content["total"],
                    paid["fund"], 0, paid["settled"], "NORMAL")  # fmt: skip

    def _announce(self, kind: str, code: str, number: str, red: Bill | None = None) -> None:
        bill = self._bill(code, number)
        for client in sorted({bill.client} | self.store.holders(code, number)):
            self._tell(client, kind, bill, "", red)

    def _tell(self, client: str, kind: str, bill: Bill, lock_id: str = "", red: Bill | None = None) -> None:
        mine = red is not None and client == bill.client
        body: Told = {"kind": kind, "lock_id": lock_id, "state": self.state(bill)}
        if red is not None and mine:
            body["bill"] = face(red)
        self.store.tell(client, self._clock.time(), body)


def face(bill: Bill) -> Told:
    """A whole bill, for whoever issued it."""
    return {
        "code": bill.code, "number": bill.number, "check_code": bill.check_code, "issued_on": bill.issued_on,
        "digest": bill.digest, "state": bill.state, "content": bill.content,
        "related_code": bill.related_code, "related_number": bill.related_number,
    }  # fmt: skip


def negated(content: Told) -> Told:
    """The content of a red-letter bill."""
    paid = content["insurance"]
    return content | {
        "total": -content["total"],
        "items": [item | {"amount": -item["amount"]} for item in content["items"]],
        "insurance": paid | {name: -paid[name] for name in ("fund", "account", "cash")},
    }


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 over one spelling."""
    spelled = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(spelled.encode()).hexdigest()


def moment(seconds: float) -> str:
    """As times stand on the wire."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
