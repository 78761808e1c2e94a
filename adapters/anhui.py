"""The dialect of 340000: JSON with pinyin names, HMAC-SHA256, no keys, a nightly file.

What an answer means beyond what its line and its HTTP status say (adapters.exchange):

    401 auth_missing, auth_wrong, auth_stale,
    404 no_such_service                                   Misconfigured    an operator acts
    401 auth_replayed                                     Ambiguous        a copy of the request has come before
    400 malformed, 404 no_such_matter, unknown state,
    another business number, two matters under one        ContractBroken   an integrator acts
    500 internal                                          Ambiguous

Whoever asks twice has it done twice. A business number of ours, made from case and key, is kept with every matter; it
is searched for before anything is sent again, and two matters under one number are an error for people. A reversal that
comes twice is none: what is undone stays undone.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from json import dumps
from urllib.parse import quote

from adapters.answers import Trouble, build_answer, meaning, trouble
from adapters.errors import Ambiguous, ContractBroken, Misconfigured
from adapters.exchange import Exchange, Reply, json_bytes
from adapters.fields import ABOUT_EARLIER, KEYED, check_route, from_yuan_number, incoming, outgoing, short_number
from adapters.port import Adapter, AdapterSettings, Capabilities, FindBy, ResultsFile
from adapters.results import LARGEST_FILE, read_results
from domain.effects import Answer, AnswerStatus, Expect, ProvinceCall, Verb
from domain.money import yuan

KINDS = {
    Verb.SUBMIT: "sq",
    Verb.CONSULT: "zx",
    Verb.NOTIFY: "tz",
    Verb.OFFER: "zzyl",
    Verb.FETCH: "zzsf",
    Verb.VERIFY: "zzhy",
}
ABOUT = {Verb.REVERSE: "/chexiao", Verb.WITHDRAW: "/chehui", Verb.SUPPLEMENT: "/buzheng"}
STATES = {"bj": AnswerStatus.ACCEPTED, "by": AnswerStatus.REJECTED, "zb": AnswerStatus.PENDING}
CANCELLED = "cancelled"
LONGEST_SETTLE_S = 3600
ERRORS: Mapping[str, Trouble] = {
    "auth_missing": (Misconfigured, "signature_wrong"),
    "auth_wrong": (Misconfigured, "signature_wrong"),
    "auth_stale": (Misconfigured, "clock_or_key"),
    "auth_replayed": (Ambiguous, "request_replayed"),
    "malformed": (ContractBroken, "malformed"),
    "no_such_service": (Misconfigured, "no_such_service"),
    "no_such_matter": (ContractBroken, "no_such_matter"),
    "too_large": (ContractBroken, "too_large"),
}


class Anhui(Adapter):
    """340000. Keeps connections, nothing else. Credentials: ``app_id``, ``secrets``. Option: ``settle_s``."""

    capabilities = Capabilities(
        verbs=frozenset({*KINDS, *ABOUT, Verb.QUERY, Verb.FIND}),
        answers=frozenset({Expect.POLL, Expect.BATCH}),
        keys=False,
        find=FindBy.BUSINESS_NUMBER,
        settle_s=20.0,
    )

    def __init__(self, settings: AdapterSettings) -> None:
        super().__init__(settings)
        self._credentials = settings.credentials
        self._credentials.text("app_id"), self._credentials.secrets()  # a missing one stops the worker
        if (told := settings.options.get("settle_s")) is not None:
            self.capabilities = replace(self.capabilities, settle_s=_settle_s(told))
        self._exchange = Exchange(settings)

    def business_number(self, case_no: str, key: str) -> str:
        """``{case}-{first 16 characters of the key}``."""
        return short_number(case_no, key)

    async def call(self, call: ProvinceCall) -> Answer:
        """Every verb but find. What is about an earlier matter needs the province's number of it: it is looked for if
        the call does not tell it."""
        if call.verb is Verb.QUERY:
            return await self._query(call)
        if call.verb not in KINDS and call.verb not in ABOUT:
            raise Misconfigured("verb_not_supported", call.verb.value)
        check_route(call)
        earlier = ""
        if call.verb in ABOUT_EARLIER:
            earlier = call.original_reference or await self._number_of_original(call)
            if not earlier:
                return _about_nothing(call.verb)
        number = self.business_number(call.case_no, call.key if call.verb in KEYED else "")
        path = f"/rest/{call.department}/{call.operation}{ABOUT.get(call.verb, '')}"
        reply = await self._send("POST", path, self._body(call, number, earlier))
        return self._answer(_content(reply), number)

    async def find(self, call: ProvinceCall) -> Answer | None:
        """What the province holds under our business number.

        A reversal, withdrawal or supplement that came twice is no harm: what it says first counts. One that never came
        is accepted all the same if the original is cancelled, or wants nothing any more.
        """
        number = self.business_number(call.case_no, call.key)
        if not call.original:
            return await self._search(number)
        if own := await self._rows(f"wsbh={quote(number, safe='')}"):
            return self._answer(own[0], number)
        original = await self._search(self.business_number(call.case_no, call.original))
        if original is None:
            return None
        if call.verb is Verb.SUPPLEMENT:
            return None if original.wants else build_answer(AnswerStatus.ACCEPTED, reference=original.reference)
        if original.status is AnswerStatus.REJECTED and CANCELLED in original.reasons:
            return build_answer(AnswerStatus.ACCEPTED, reference=original.reference, data={"outcome": CANCELLED})
        return None

    async def results(self, day: date) -> ResultsFile | None:
        """The nightly file of a day, read and checked beside the loop; None while there is none."""
        reply = await self._send("GET", f"/rest/results/{day:%Y%m%d}", largest=LARGEST_FILE)
        if reply.status == 404 and _error(reply) == "no_such_day":
            return None
        if reply.status != 200:
            _content(reply)
            raise Ambiguous("unreadable_answer", "status")
        return await asyncio.to_thread(read_results, day, reply.body)

    async def health(self) -> None:
        """Returns when the province is up, is the right one, and takes our signature."""
        told = _content(await self._send("GET", "/rest/health"))
        self.is_at_home(told.get("region"), up=told.get("status") == "up")

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._exchange.aclose()

    async def _query(self, call: ProvinceCall) -> Answer:
        if not call.reference:
            found = await self._search(self.business_number(call.case_no, call.key))
        else:
            rows = await self._rows(f"ywlsh={quote(call.reference, safe='')}")
            if len(rows) > 1 or any(row.get("ywlsh") != call.reference for row in rows):
                raise ContractBroken("wrong_key_echoed")
            number = self.business_number(call.case_no, call.key) if call.key else rows and rows[0].get("wsbh")
            found = self._answer(rows[0], number) if rows else None
        if found is None:
            raise ContractBroken("no_such_matter")
        return found

    async def _number_of_original(self, call: ProvinceCall) -> str:
        """The province's number of the original, or nothing if it never saw it."""
        original = await self._search(self.business_number(call.case_no, call.original))
        return original.reference if original else ""

    async def _search(self, number: str) -> Answer | None:
        rows = await self._rows(f"wsbh={quote(number, safe='')}")
        if len(rows) > 1:
            raise ContractBroken("done_twice", "two matters under one business number")
        return self._answer(rows[0], number) if rows else None

    async def _rows(self, query: str) -> list[Mapping[str, object]]:
        told = _content(await self._send("GET", f"/rest/query?{query}"))
        rows, total = told.get("rows"), told.get("total")
        if not isinstance(rows, list) or total != len(rows) or not all(isinstance(row, Mapping) for row in rows):
            raise Ambiguous("unreadable_answer", "rows")
        return rows

    def _answer(self, matter: Mapping[str, object], number: object) -> Answer:
        if matter.get("wsbh") != number:
            raise ContractBroken("wrong_key_echoed")
        return build_answer(
            meaning(STATES, matter.get("zt")),
            reference=matter.get("ywlsh", ""),
            data=incoming(matter.get("jgx"), from_yuan_number),
            reasons=matter.get("yydm", []),
            text=matter.get("yysm"),
            wants=matter.get("xyc"),
            check_after=matter.get("jghcx", 0),
            poll_after_s=self.settings.poll_after_s,
            now=self.settings.clock(),
        )

    def _body(self, call: ProvinceCall, number: str, earlier: str) -> bytes:
        """The call as JSON. An amount stands in it with its two decimals, so no number of Python writes it."""
        heading = {
            "wsbh": number,
            "ywlx": KINDS.get(call.verb, ""),
            "ywlsh": earlier,
            "ajbh": call.case_no,
            "hj": call.leg,
            "bz": call.step,
        }
        fields = outgoing(call.payload, lambda amount: _Written(yuan(amount)))
        written = ",".join(
            f"{dumps(name)}:{value if isinstance(value, _Written) else dumps(value, ensure_ascii=False)}"
            for name, value in fields.items()
        )
        return json_bytes(heading)[:-1] + b',"sjx":{' + written.encode() + b"}}"

    async def _send(self, method: str, path: str, body: bytes = b"", *, largest: int | None = None) -> Reply:
        app_id, secret = self._credentials.text("app_id"), self._credentials.secrets()[0]
        at, serial = str(int(self.settings.clock())), secrets.token_hex(16)
        lines = (method, self._exchange.prefix + path, at, serial, hashlib.sha256(body).hexdigest())
        headers = {
            "Accept": "application/json, application/zip",
            "X-App-Id": app_id,
            "X-Date": at,
            "X-Serial": serial,
            "X-Auth": hmac.digest(secret, "\n".join(lines).encode(), "sha256").hex(),
        }
        if body:
            headers["Content-Type"] = "application/json"
        return await self._exchange.send(method, path, headers, body, **({"largest": largest} if largest else {}))


class _Written(str):
    """A number as it stands on the wire."""

    __slots__ = ()


def _settle_s(told: str) -> float:
    """Seconds, as the entry of the provinces file has them; raises Misconfigured."""
    try:
        seconds = float(told)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= LONGEST_SETTLE_S:  # also where it is no number at all
        raise Misconfigured("settle_s", f"option settle_s must be a number of seconds from 1 to {LONGEST_SETTLE_S}")
    return seconds


def _about_nothing(verb: Verb) -> Answer:
    """The answer about an original the province never saw."""
    if verb is Verb.SUPPLEMENT:
        return build_answer(AnswerStatus.REJECTED, reasons=("nothing_wanted",))
    return build_answer(AnswerStatus.ACCEPTED, data={"outcome": "nothing_to_reverse"})


def _content(reply: Reply) -> dict[str, object]:
    """The content of a good answer; raises what an error stands for."""
    if reply.status != 200 and (error := _error(reply)) in ERRORS:
        raise trouble(ERRORS, error)
    return reply.only(200).json_object()


def _error(reply: Reply) -> str:
    """The error in an answer, or nothing if it cannot be read: then its status speaks for itself."""
    try:
        return str(reply.json_object().get("error"))
    except Ambiguous:
        return ""
