"""The client of the service platform 全国财政电子票据公共服务平台: signed JSON, one key per effect.

What an answer means beyond adapters.exchange (Unavailable: nothing was done; Ambiguous: find before any resend):

    200                            the outcome: done, or refused by a rule (a BillOutcome either way)
    400                            ContractBroken    malformed
    401                            Misconfigured     signature or clock
    404 to a question              nothing is known under this key or number
    409                            ContractBroken    the key was used for something else
    not signed by the platform     ContractBroken    whatever it says

Every effect has a key of ours, a payment its transaction number: the same again is the same effect, and gets the same
answer. After an unknown outcome ``find`` comes before any resend.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from itertools import pairwise
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from adapters.ebills import words
from adapters.errors import Ambiguous, ContractBroken, Misconfigured
from adapters.exchange import Exchange, Reply, json_bytes
from adapters.fields import KEY
from adapters.port import AdapterSettings
from domain.bills import BillEvent, BillOrder, BillOutcome, BillRef, BillState, EBill, OrderKind, Verdict
from domain.money import yuan

PATHS: Mapping[OrderKind, str] = {
    OrderKind.ISSUE: "/api/bills",
    OrderKind.LOCK: "/api/locks",
    OrderKind.RELEASE: "/api/releases",
    OrderKind.FEEDBACK: "/api/reimbursements",
    OrderKind.RED_LETTER: "/api/red-letters",
}
_DIGITS = re.compile(r"[0-9]{1,20}")
_TX = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Ebills:
    """Keeps connections, nothing else. Credentials: ``access_key``, ``secrets``."""

    def __init__(self, settings: AdapterSettings) -> None:
        self.settings = settings
        self._credentials = settings.credentials
        self._credentials.text("access_key"), self._credentials.secrets()  # a missing one stops the process
        self._exchange = Exchange(settings)

    async def send(self, order: BillOrder) -> BillOutcome:
        """Carries out one order. Repeating it is harmless: the key, or the transaction number, is the same effect."""
        reply = await self._ask("POST", PATHS[order.kind], body=json_bytes(_body(order)))
        if reply.status == 409:
            raise ContractBroken("key_used_otherwise")
        return self._outcome(order, reply.only(200).json_object())

    async def find(self, order: BillOrder) -> BillOutcome | None:
        """What the platform holds under the order's key (a payment's: its number), or None. Never an effect."""
        if order.feedback is not None:
            path = f"/api/reimbursements/{_plain(_TX, order.feedback.tx_no)}"
        else:
            path = f"/api/requests/{_plain(KEY, order.key)}"
        reply = await self._ask("GET", path)
        return None if reply.status == 404 else self._outcome(order, reply.only(200).json_object())

    async def state(self, ref: BillRef) -> BillState | None:
        """状态查询; None if there is no such bill."""
        path = f"/api/bills/{_plain(_DIGITS, ref.code)}/{_plain(_DIGITS, ref.number)}"
        reply = await self._ask("GET", path)
        if reply.status == 404:
            return None
        found = words.state(words.part(reply.only(200).json_object(), "state"))
        if found.ref != ref:
            raise ContractBroken("wrong_key_echoed")
        return found

    async def verify(self, ref: BillRef, check_code: str) -> tuple[Verdict, EBill | None, BillState | None]:
        """真伪鉴别: with the verdict AUTHENTIC the whole bill, for whoever knows its check code."""
        body = {"billCode": ref.code, "billNumber": ref.number, "checkCode": check_code}
        told = (await self._ask("POST", "/api/authenticity", body=json_bytes(body))).only(200).json_object()
        match told.get("verdict"):
            case "NOT_AUTHENTIC":
                return Verdict.NOT_AUTHENTIC, None, None
            case "AUTHENTIC":
                bill, state = words.bill(words.part(told, "bill")), words.state(words.part(told, "state"))
                if not bill.ref == state.ref == ref:
                    raise ContractBroken("wrong_key_echoed")
                return Verdict.AUTHENTIC, bill, state
            case str():
                raise ContractBroken("unknown_result_code")
        raise Ambiguous("unreadable_answer", "verdict")

    async def events(self, after: int) -> tuple[tuple[BillEvent, ...], bool]:
        """Our feed after a number, in order, and whether there is more. Asking again changes nothing there."""
        told = (await self._ask("GET", "/api/events", query=f"after={after:d}")).only(200).json_object()
        listed, more = told.get("events"), told.get("more")
        if not isinstance(listed, list) or not isinstance(more, bool):
            raise Ambiguous("unreadable_answer", "events")
        if not all(isinstance(each, Mapping) for each in listed):
            raise Ambiguous("unreadable_answer", "events")
        events = tuple(words.event(each) for each in listed)
        numbers = [after, *(event.no for event in events)]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            raise ContractBroken("feed_out_of_order")
        return events, more

    async def health(self) -> None:
        """Returns when the platform is up and takes our signature."""
        told = (await self._ask("GET", "/api/health")).only(200).json_object()
        if told.get("status") != "UP":
            raise Ambiguous("not_up")

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._exchange.aclose()

    async def _ask(self, method: str, path: str, query: str = "", body: bytes = b"") -> Reply:
        client, known = self._credentials.text("access_key"), self._credentials.secrets()
        at, nonce = str(int(self.settings.clock() * 1000)), secrets.token_hex(16)
        full = self._exchange.prefix + path
        signed = _hmac_sm3(known[0], method, full, query, client, at, nonce, hashlib.sha256(body).hexdigest())
        headers = {
            "Accept": "application/json",
            "X-Client": client,
            "X-Timestamp": at,
            "X-Nonce": nonce,
            "X-Signature": signed,
        }
        if body:
            headers["Content-Type"] = "application/json"
        reply = await self._exchange.send(method, path + (f"?{query}" if query else ""), headers, body)
        if reply.status == 401:
            raise Misconfigured("signature_wrong", "or the clock")
        sent = reply.headers.get("x-signature", "")
        said = (nonce, str(reply.status), hashlib.sha256(reply.body).hexdigest())
        if not any(hmac.compare_digest(_hmac_sm3(secret, *said), sent) for secret in known if sent.isascii()):
            if reply.status == 200 and "x-signature" not in reply.headers:
                raise Ambiguous("unreadable_answer", "not signed")
            raise ContractBroken("forged_answer")
        if reply.status == 400:
            raise ContractBroken("malformed")
        return reply

    def _outcome(self, order: BillOrder, told: Mapping[str, object]) -> BillOutcome:
        echoed = told.get("txNo") if order.feedback is not None else told.get("requestNo")
        if echoed != (order.feedback.tx_no if order.feedback is not None else order.key):
            raise ContractBroken("wrong_key_echoed")
        found = words.outcome(order.key, told)
        if found.state is not None and order.bill is not None and found.state.ref != order.bill:
            raise ContractBroken("wrong_key_echoed", "another bill")
        return found


def _body(order: BillOrder) -> dict[str, object]:
    """The order on the wire."""
    out: dict[str, object] = {"unit": order.unit}
    if order.kind is not OrderKind.FEEDBACK:
        out["requestNo"] = _plain(KEY, order.key)
    if order.bill is not None:
        out |= {"billCode": order.bill.code, "billNumber": order.bill.number}
    match order.kind:
        case OrderKind.ISSUE if order.content is not None:
            out["bill"] = words.content_out(order.content)
        case OrderKind.LOCK if order.purpose is not None and order.bill is not None:
            out |= {"purpose": words.code_of(words.PURPOSES, order.purpose), "amount": yuan(order.amount)}
            out |= {"days": order.days, "claim": order.claim}
        case OrderKind.RELEASE:
            out["lockId"] = order.lock_id
        case OrderKind.FEEDBACK if order.feedback is not None:
            paid = order.feedback
            out |= {"lockId": paid.lock_id, "txNo": paid.tx_no, "amount": yuan(paid.reimb_amount)}
            out |= {"time": paid.reimb_time.isoformat(timespec="milliseconds"), "refunds": paid.refunds}
        case OrderKind.RED_LETTER if order.bill is not None:
            out["reason"] = order.reason
        case _:
            raise ContractBroken("incomplete_order", order.kind)
    return out


def _plain(shape: re.Pattern[str], value: str) -> str:
    if not shape.fullmatch(value):
        raise Misconfigured("bad_route", "a key or number that is not plain")
    return quote(value, safe="")


def _hmac_sm3(secret: bytes, *lines: str) -> str:
    made = HMAC(secret, hashes.SM3())
    made.update("\n".join(lines).encode())
    return made.finalize().hex()
