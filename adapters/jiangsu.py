"""The dialect of 320000: signed XML both ways, always HTTP 200, results are asked for.

What an answer means beyond what its line and its HTTP status say (adapters.exchange):

    3001 3002 3404                            Misconfigured    signature, clock or key, no such service
    2409 3400, any other code, no signature or
    a wrong one, another message answered     ContractBroken   an integrator acts
    9001                                      Unavailable      nothing was done
    9999 3003                                 Ambiguous        unknown; a copy of the message has come before

Nothing of an answer is believed before its signature is; but one that says our signature is wrong may well be signed
with a secret we do not have, and it is the same people who act, so it is reported as what it says.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from adapters.answers import Trouble, build_answer, meaning, trouble
from adapters.envelope import Element, is_signed, leaf, read, sign, write
from adapters.errors import Ambiguous, ContractBroken, Misconfigured, Unavailable
from adapters.exchange import Exchange, pause
from adapters.fields import KEYED, MONEY, check_route, from_yuan_text, outgoing
from adapters.port import Adapter, AdapterSettings, Capabilities
from domain.effects import Answer, AnswerStatus, Expect, ProvinceCall, Verb
from domain.money import yuan

TRANSACTIONS = {
    Verb.SUBMIT: "SQ01",
    Verb.CONSULT: "YJ01",
    Verb.NOTIFY: "TB01",
    Verb.REVERSE: "ZX01",
    Verb.WITHDRAW: "CH01",
    Verb.SUPPLEMENT: "BZ01",
    Verb.OFFER: "ZZ01",
    Verb.FETCH: "ZZ02",
    Verb.VERIFY: "ZZ03",
}
BY_KEY, BY_NUMBER, HEALTH = "CX01", "CX02", "XT01"
STATUSES = {"0000": AnswerStatus.ACCEPTED, "1001": AnswerStatus.PENDING, "2001": AnswerStatus.REJECTED}
NEVER_SEEN, BAD_SIGNATURE, BUSY = "2404", "3001", "9001"
UNBOUND = (BAD_SIGNATURE, "3400")  # the province may not have read which message it is about
ERRORS: Mapping[str, Trouble] = {
    "2409": (ContractBroken, "key_used_otherwise"),
    BAD_SIGNATURE: (Misconfigured, "signature_wrong"),
    "3002": (Misconfigured, "clock_or_key"),
    "3003": (Ambiguous, "request_replayed"),
    "3400": (ContractBroken, "malformed"),
    "3404": (Misconfigured, "no_such_service"),
    BUSY: (Unavailable, "busy"),
    "9999": (Ambiguous, "internal_error"),
}
CHINA = timezone(timedelta(hours=8))


class Jiangsu(Adapter):
    """320000. Keeps connections, nothing else. Credentials: ``app_id``, ``secrets``."""

    capabilities = Capabilities(
        verbs=frozenset({*TRANSACTIONS, Verb.QUERY, Verb.FIND}), answers=frozenset({Expect.POLL})
    )

    def __init__(self, settings: AdapterSettings) -> None:
        super().__init__(settings)
        self._credentials = settings.credentials
        self._credentials.text("app_id"), self._credentials.secrets()  # a missing one stops the worker
        self._exchange = Exchange(settings)

    async def call(self, call: ProvinceCall) -> Answer:
        """Every verb but find; a query asks by the province's number, or by the key where there is none."""
        if call.verb is Verb.QUERY:
            return await self._query(call)
        transaction = TRANSACTIONS.get(call.verb)
        if transaction is None:
            raise Misconfigured("verb_not_supported", call.verb.value)
        check_route(call)
        key = call.key if call.verb in KEYED else ""
        heading = {
            "MsgNo": key,
            "Dept": call.department,
            "Service": call.operation,
            "Original": call.original,
            "CaseNo": call.case_no,
            "Leg": call.leg,
            "Step": call.step,
        }
        content = [leaf(name, text) for name, text in heading.items() if text]
        fields = [
            leaf("Field", sent, name=name, unit="yuan") if name.endswith(MONEY) else leaf("Field", sent, name=name)
            for name, sent in outgoing(call.payload, yuan).items()
        ]
        if fields:
            content.append(Element("Fields", children=fields))
        return self._answer(*await self._ask(transaction, content), key)

    async def find(self, call: ProvinceCall) -> Answer | None:
        """What the province holds under the call's key."""
        code, body = await self._ask(BY_KEY, [leaf("MsgNo", call.key)])
        return None if code == NEVER_SEEN else self._answer(code, body, call.key)

    async def health(self) -> None:
        """Returns when the province is up, is the right one, and takes our signature."""
        code, body = await self._ask(HEALTH, [])
        if code != "0000":
            raise trouble(ERRORS, code)
        self.is_at_home(body.value("Region"))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._exchange.aclose()

    async def _query(self, call: ProvinceCall) -> Answer:
        if not call.reference:
            return self._answer(*await self._ask(BY_KEY, [leaf("MsgNo", call.key)]), call.key)
        code, body = await self._ask(BY_NUMBER, [leaf("SerialNo", call.reference)])
        answer = self._answer(code, body, call.key or body.value("MsgNo"))
        if answer.reference != call.reference:
            raise ContractBroken("wrong_key_echoed")
        return answer

    async def _ask(self, transaction: str, content: list[Element]) -> tuple[str, Element]:
        """Code and body of the signed answer to this very message."""
        known = self._credentials.secrets()
        sent_at = datetime.fromtimestamp(self.settings.clock(), UTC).astimezone(CHINA)
        head = {
            "AppId": self._credentials.text("app_id"),
            "MsgId": secrets.token_hex(16),
            "SendTime": f"{sent_at:%Y%m%d%H%M%S}",
            "TransCode": transaction,
        }
        body = Element("Body", children=content)
        message = write(head | {"Sign": sign(known[0], head, body)}, body)
        headers = {"Accept": "text/xml", "Content-Type": "text/xml; charset=GB18030"}
        reply = (await self._exchange.send("POST", "/exchange", headers, message)).only(200)
        if reply.content_type not in ("text/xml", "application/xml"):
            raise Ambiguous("unreadable_answer", "content_type")
        if reply.charset not in ("", "gb18030"):
            raise Ambiguous("unreadable_answer", "charset")
        told, answered = read(reply.body)
        self._believe(head, known, told, answered)
        return told.get("RtnCode", ""), answered

    def _believe(
        self, asked: Mapping[str, str], known: tuple[bytes, ...], told: Mapping[str, str], body: Element
    ) -> None:
        signature = told.get("Sign", "")
        if not signature:
            raise ContractBroken("answer_not_signed")
        if not is_signed(known, told, body, signature):
            if told.get("RtnCode") == BAD_SIGNATURE:
                raise Misconfigured("signature_wrong", "or its answer is forged: that cannot be told apart")
            raise ContractBroken("forged_answer")
        if told.get("RtnCode") not in UNBOUND and any(
            told.get(name) != asked[name] for name in ("AppId", "MsgId", "TransCode")
        ):
            raise ContractBroken("forged_answer", "a true answer to another message")

    def _answer(self, code: str, body: Element, key: str) -> Answer:
        if code in ERRORS:
            raise trouble(ERRORS, code, pause(_number(body.value("RetryAfter"))))
        status = meaning(STATUSES, code)
        if body.value("MsgNo") != key:
            raise ContractBroken("wrong_key_echoed")
        reasons = body.child("Reasons")
        return build_answer(
            status,
            reference=body.value("SerialNo"),
            data=_fields(body.child("Fields")),
            reasons=[each.text for each in reasons.children] if reasons else [],
            text=_text(body.child("Text")),
            wants=_text(body.child("Wants")),
            check_after=_number(body.value("CheckAfter") or "0"),
            poll_after_s=self.settings.poll_after_s,
            now=self.settings.clock(),
        )


def _fields(fields: Element | None) -> dict[str, str]:
    """Result fields; what is money says so in its name and in its unit, or neither."""
    found: dict[str, str] = {}
    for each in fields.children if fields else []:
        name, unit = each.attributes.get("name", ""), each.attributes.get("unit")
        if each.name != "Field" or each.children or name in found or (unit == "yuan") != name.endswith(MONEY):
            raise Ambiguous("unreadable_answer", "data")
        found[name] = each.text if unit is None else from_yuan_text(each.text)
    return found


def _text(both: Element | None) -> dict[str, str] | None:
    return None if both is None else {"zh": both.value("Zh"), "en": both.value("En")}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
