"""The platform's wire: JSON with money as text of yuan, every request and every answer signed with HMAC-SM3.

request   X-Client, X-Timestamp (ms), X-Nonce, X-Signature over method, path, query, these and the body's digest
answer    X-Signature over the request's nonce, the status and the body's digest
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from provinces.ebills.desk import PURPOSES, Told, moment
from provinces.faces.base import KEY, malformed, text_of
from provinces.signing import hmac_sm3

UNIT = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{18}")
DIGITS = re.compile(r"[0-9]{1,20}")
LOCK = re.compile(r"[0-9a-f]{32}")
TX = re.compile(r"[A-Za-z0-9_-]{1,64}")
REGION = re.compile(r"[1-9][0-9]{5}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+\d\d:\d\d")
_YUAN = re.compile(r"(-?)(0|[1-9][0-9]{0,12})\.([0-9]{2})")
LONGEST_DAYS = 366


def request_signature(
    secret: str, method: str, path: str, query: str, client: str, at: str, nonce: str, body: bytes
) -> str:
    """Hex, lower case."""
    lines = "\n".join([method, path, query, client, at, nonce, hashlib.sha256(body).hexdigest()])
    return hmac_sm3(secret, lines).hex()


def answer_signature(secret: str, nonce: str, status: int, body: bytes) -> str:
    """Hex, lower case."""
    return hmac_sm3(secret, "\n".join([nonce, str(status), hashlib.sha256(body).hexdigest()])).hex()


def fen(value: object) -> int:
    """``"12.34"`` as 1234; raises Problem."""
    parts = _YUAN.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise malformed("money_misshapen")
    return int("".join(parts.groups()))


def yuan(amount: int) -> str:
    """1234 as ``"12.34"``."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def needed(body: Mapping[str, object], name: str, pattern: re.Pattern[str]) -> str:
    """A text of that shape that has to be there; raises Problem."""
    value = text_of(body, name, pattern)
    if not value:
        raise malformed(f"{name}_missing")
    return value


def key_of(body: Mapping[str, object]) -> str:
    """The caller's key of an order."""
    return needed(body, "requestNo", KEY)


def purpose_of(body: Mapping[str, object]) -> str:
    """YB, SB or DW."""
    value = text_of(body, "purpose")
    if value not in PURPOSES:
        raise malformed("purpose")
    return value


def days_of(body: Mapping[str, object]) -> int:
    """Whole days a lock is wanted for."""
    value = body.get("days")
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LONGEST_DAYS:
        raise malformed("days")
    return value


def content_of(value: object) -> Told:
    """The content of a bill to be issued: checked, added up, money in fen; raises Problem."""
    whole = _part(value)
    payer, payee, paid = _part(whole.get("payer")), _part(whole.get("payee")), _part(whole.get("insurance"))
    lines = whole.get("items")
    if not isinstance(lines, list) or not 1 <= len(lines) <= 1000:
        raise malformed("items")
    each = [fen(_part(line).get("amount")) for line in lines]
    items = [{"name": _words(_part(line), "name"), "amount": part} for line, part in zip(lines, each, strict=True)]
    kind = text_of(whole, "kind")
    if kind not in ("MZ", "ZY"):
        raise malformed("kind")
    shares = {name: fen(paid.get(name)) for name in ("fund", "account", "cash")}
    total = fen(whole.get("total"))
    if total <= 0 or min(*shares.values(), *each) < 0 or total != sum(shares.values()) or total != sum(each):
        raise malformed("sum")
    return {
        "region": needed(whole, "region", REGION),
        "kind": kind,
        "payer": {name: _words(payer, name) for name in ("name", "idType", "idNo")},
        "payee": {"uscc": needed(payee, "uscc", UNIT), "name": _words(payee, "name")},
        "total": total,
        "items": items,
        "insurance": shares | {"settled": text_of(paid, "settlementNo", TX)},
    }


def told(answer: Told) -> dict[str, Any]:
    """An answer as it is sent: money in yuan, times as text, lower camel case."""
    if "refused" in answer:
        return {"result": "REFUSED", "reason": answer["refused"], "purpose": answer.get("purpose", "")}
    out: dict[str, Any] = {"result": "DONE", "state": state_out(answer["state"])}
    if "bill" in answer:
        out["bill"] = bill_out(answer["bill"])
    if "lock" in answer:
        out["lock"] = lock_out(answer["lock"])
    return out


def state_out(state: Told) -> dict[str, Any]:
    """How a bill stands."""
    return {
        "billCode": state["code"], "billNumber": state["number"], "status": state["state"],
        "reimbursed": yuan(state["paid"]), "left": yuan(state["left"]), "lockPurpose": state["purpose"],
        "reversalWaiting": state["red_waiting"], "relatedCode": state["related_code"],
        "relatedNumber": state["related_number"], "version": state["version"],
    }  # fmt: skip


def bill_out(bill: Told) -> dict[str, Any]:
    """A whole bill."""
    content, paid = bill["content"], bill["content"]["insurance"]
    return {
        "billCode": bill["code"], "billNumber": bill["number"], "checkCode": bill["check_code"],
        "issueDate": bill["issued_on"], "fileDigest": bill["digest"], "status": bill["state"],
        "relatedCode": bill["related_code"], "relatedNumber": bill["related_number"],
        "region": content["region"], "kind": content["kind"], "payer": content["payer"], "payee": content["payee"],
        "total": yuan(content["total"]),
        "items": [{"name": item["name"], "amount": yuan(item["amount"])} for item in content["items"]],
        "insurance": {name: yuan(paid[name]) for name in ("fund", "account", "cash")}
        | {"settlementNo": paid["settled"]},
    }  # fmt: skip


def lock_out(lock: Told) -> dict[str, Any]:
    """A lock, for its owner."""
    return {
        "lockId": lock["lock_id"], "billCode": lock["code"], "billNumber": lock["number"], "unit": lock["unit"],
        "purpose": lock["purpose"], "amount": yuan(lock["amount"]), "claim": lock["claim"],
        "lockedAt": moment(lock["locked_at"]), "expiresAt": moment(lock["expires_at"]), "status": lock["state"],
    }  # fmt: skip


def event_out(event: Told) -> dict[str, Any]:
    """One entry of the feed."""
    out = {"no": event["no"], "at": moment(event["at"]), "kind": event["kind"], "lockId": event["lock_id"]}
    out["state"] = state_out(event["state"])
    return out | ({"bill": bill_out(event["bill"])} if "bill" in event else {})


def _part(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise malformed("wrong_types")
    return value


def _words(body: Mapping[str, object], name: str) -> str:
    value = text_of(body, name)
    if not value or not value.isprintable():
        raise malformed(f"{name}_missing")
    return value
