"""``InsuranceGate``: every insurance platform behind one ``send``. It keeps connections and sign-in numbers, no state.

What an answer means beyond its line (adapters.exchange) and its code (adapters.insurance.meanings):

    503                                               Unavailable      nothing was done
    504, no signature or a wrong one, no JSON,
    another message answered, a misshapen output      Ambiguous        unknown: ask 5203, or take back by 2601
    another person or visit answered                  ContractBroken   whatever was asked may be done: take it back

Nothing is sent twice by itself, but for one case: a platform that has forgotten the sign-in did nothing with the
message, so it is signed in again and the message sent once more.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Self

from pydantic import ValidationError

from adapters.errors import Ambiguous, ContractBroken, Misconfigured, Unavailable
from adapters.exchange import Exchange, json_object
from adapters.insurance.letters import canonical, from_wire, is_sealed, request_signature, to_wire
from adapters.insurance.meanings import NOT_SIGNED_IN, error_of
from adapters.port import AdapterSettings
from domain.calendar import SHANGHAI
from domain.medical import interface as wire
from domain.medical.interface import HUB, InsuranceAnswer, InsuranceMessage, message_id
from domain.medical.recognition.reports import ABOUT_REPORTS, stripped
from domain.messages import Message

LARGEST_MESSAGE = 1 << 20
SIGN_IN = "9001"
INPUTS: Mapping[str, type[Message]] = {
    "2301": wire.FeeDetails, "2204": wire.FeeDetails, "2303": wire.ToSettle, "2304": wire.ToSettle,
    "2206": wire.ToSettle, "2207": wire.ToSettle, "2305": wire.ToUndo, "2208": wire.ToUndo, "2601": wire.ToReverse,
    "X511": wire.ToFile,
}  # fmt: skip
"""Checked before they go out; the others are checked by the platform alone."""
OUTPUTS: Mapping[str, type[Message]] = {
    "1101": wire.PersonOutput, "2001": wire.BenefitOutput, "2401": wire.VisitOutput, "2404": wire.VisitOutput,
    "2402": wire.VisitOutput, "2405": wire.VisitOutput, "2201": wire.VisitOutput, "2202": wire.VisitOutput,
    "2203": wire.VisitOutput, "2302": wire.VisitOutput, "2205": wire.VisitOutput, "2301": wire.FeesOutput,
    "2204": wire.FeesOutput, "2601": wire.ReversalOutput, "5203": wire.SettlementsOutput, "5206": wire.YearOutput,
    "3202": wire.BookOutput,
    **dict.fromkeys(("2303", "2304", "2305", "2206", "2207", "2208"), wire.SettlementOutput),
    **dict.fromkeys(("2501", "2502", "2503", "2504", "2505", "2506", "X511", "X512"), wire.DeclarationOutput),
}  # fmt: skip


class _Platform:
    """The way to one platform. Credentials: ``caller`` (who we are there), ``secrets``."""

    def __init__(self, settings: AdapterSettings) -> None:
        self.settings = settings
        self.caller = settings.credentials.text("caller")
        settings.credentials.secrets()  # a missing one stops the process
        self.exchange = Exchange(settings)
        self.signed_in: dict[str, str] = {}
        self.signing_in = asyncio.Lock()


class InsuranceGate:
    """Platforms by region, six digits, and the hub by its name. Closing it closes them all."""

    def __init__(self, platforms: Mapping[str, AdapterSettings]) -> None:
        self._platforms = {region: _Platform(settings) for region, settings in platforms.items()}

    @property
    def regions(self) -> tuple[str, ...]:
        """Whom it reaches, sorted."""
        return tuple(sorted(self._platforms))

    async def send(self, message: InsuranceMessage) -> InsuranceAnswer:
        """Sends one message once. Raises the tree of adapters.errors, ``Rejected`` with the name of the no."""
        given = _input(message)
        platform = self._platform(message)
        if message.to == HUB:
            return await self._ask(platform, message, given, "")
        first = platform.signed_in.get(message.institution)
        sign_no = first or await self._sign_in(platform, message, "")
        try:
            return await self._ask(platform, message, given, sign_no)
        except _NotSignedIn:
            sign_no = await self._sign_in(platform, message, sign_no)
        try:
            return await self._ask(platform, message, given, sign_no)
        except _NotSignedIn:
            raise Misconfigured("not_signed_in") from None

    async def health(self, region: str) -> None:
        """Returns when a platform (or ``hub``) answers; raises otherwise."""
        if region not in self._platforms:
            raise Misconfigured("unknown_platform", region)
        reply = await self._platforms[region].exchange.send("GET", "/health", {})
        told = reply.only(200).json_object()
        if told.get("region") != region:
            raise Misconfigured("another_region", f"{region} is answered by another platform")
        if told.get("status") != "up":
            raise Unavailable("not_up")

    async def aclose(self) -> None:
        """Closes the connections."""
        for platform in self._platforms.values():
            await platform.exchange.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _platform(self, message: InsuranceMessage) -> _Platform:
        region = message.to or message.place[:2] + "0000"
        if region not in self._platforms:
            raise Misconfigured("unknown_platform", f"no {region} in the insurance file")
        return self._platforms[region]

    async def _sign_in(self, platform: _Platform, message: InsuranceMessage, failed: str) -> str:
        """A sign-in number for the institution, one at a time. ``failed``: the one that is taken no longer."""
        async with platform.signing_in:
            known = platform.signed_in.get(message.institution, "")
            if known and known != failed:
                return known
            now = datetime.fromtimestamp(platform.settings.clock(), UTC)
            number = message_id(message.institution, now, secrets.randbelow(10_000))
            # the random part keeps two processes of one second apart
            given: dict[str, object] = {"opter_no": f"{message.operator}-{secrets.token_hex(4)}"}
            asked = message.model_copy(
                update={"infno": SIGN_IN, "msgid": number, "person": "", "insured": "", "at": now}
            )
            try:
                answer = await self._ask(platform, asked, given, "")
            except Ambiguous as lost:  # of the message itself nothing was sent
                raise Unavailable("sign_in_failed", lost.code) from lost
            told = json.loads(answer.body).get("sign_no")
            if not isinstance(told, str) or not told.isascii() or not 0 < len(told) <= 30:
                raise ContractBroken("bad_sign_no")
            platform.signed_in[message.institution] = told
            return told

    async def _ask(
        self, platform: _Platform, message: InsuranceMessage, given: Mapping[str, object], sign_no: str
    ) -> InsuranceAnswer:
        keys = platform.settings.credentials.secrets()
        header = _header(message, sign_no)
        signed = header | {"cainfo": request_signature(keys[0], header, given)}
        try:
            body = canonical({**signed, "input": given}).encode()
        except UnicodeEncodeError:
            raise ContractBroken("unsendable_text", "a field holds half a surrogate pair") from None
        if len(body) > LARGEST_MESSAGE:
            raise ContractBroken("message_too_large")
        headers = {"Content-Type": "application/json", "X-Caller": platform.caller}
        reply = (await platform.exchange.send("POST", f"/fsi/api/{message.infno}", headers, body)).only(200)
        mark = reply.headers.get("x-cainfo", "")
        if not is_sealed(keys, message.msgid, message.infno, reply.body, mark):
            _say_if_unknown_here(reply.body)
            raise Ambiguous("answer_not_signed")
        told = reply.json_object()
        if told.get("inf_refmsgid") != message.msgid:
            raise Ambiguous("another_message_answered")
        code, output = told.get("infcode"), told.get("output")
        if code != "0":
            if code == NOT_SIGNED_IN:
                raise _NotSignedIn
            raise error_of(str(code), str(told.get("err_msg", "")))
        if not isinstance(output, dict):
            raise Ambiguous("unreadable_answer", "output")
        return _checked(message, given, output)


class _NotSignedIn(Exception):
    """The platform does not know the sign-in number; nothing was done."""


def _say_if_unknown_here(body: bytes) -> None:
    """An answer without a signature that says it does not know ours: the operator's to mend, and nothing was done."""
    try:
        code = json_object(body).get("infcode")
    except Ambiguous:
        return
    if code == "X101":
        raise Misconfigured("signature_wrong")


def _input(message: InsuranceMessage) -> dict[str, object]:
    """The input, checked where there is a model for it, with its numbers as numbers."""
    try:
        read = json.loads(message.body, parse_float=Decimal)
        if not isinstance(read, dict):
            raise ContractBroken("malformed", "body")
        if message.infno in INPUTS:
            INPUTS[message.infno].model_validate(read)
    except ValidationError as wrong:
        raise ContractBroken("malformed", ".".join(str(part) for part in wrong.errors()[0]["loc"])) from None
    except ValueError:
        raise ContractBroken("malformed", "body") from None
    if message.person and read.get("psn_no", message.person) != message.person:
        raise ContractBroken("malformed", "psn_no")
    sent = to_wire(read)
    return sent if isinstance(sent, dict) else {}


def _header(message: InsuranceMessage, sign_no: str) -> dict[str, str]:
    return {
        "infno": message.infno, "msgid": message.msgid, "mdtrtarea_admvs": message.place,
        "insuplc_admdvs": message.insured, "recer_sys_code": "TONGBAN", "dev_no": "", "dev_safe_info": "",
        "cainfo": "", "signtype": "SM3", "infver": "V1.0", "opter_type": message.operator_type,
        "opter": message.operator, "opter_name": message.operator_name,
        "inf_time": f"{message.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}", "fixmedins_code": message.institution,
        "fixmedins_name": message.institution_name, "sign_no": sign_no,
    }  # fmt: skip


def _checked(message: InsuranceMessage, given: Mapping[str, object], output: Mapping[str, object]) -> InsuranceAnswer:
    """The answer, if it has the right shape and is about whom it was asked about."""
    told = from_wire(output)
    if message.infno in ABOUT_REPORTS:
        told = stripped(told)  # a conclusion is never taken in, whoever sends one
    if not isinstance(told, dict):
        raise Ambiguous("unreadable_answer", "output")
    model = OUTPUTS.get(message.infno)
    try:
        if model is not None:
            model.model_validate(told)
    except ValidationError as wrong:
        where = ".".join(str(part) for part in wrong.errors()[0]["loc"])
        raise Ambiguous("unreadable_answer", where) from None
    person = message.person or given.get("psn_no")
    if person and any(each != person for each in _named(told, "psn_no")):
        raise ContractBroken("wrong_person_answered")
    if message.infno == "1101" and str(given.get("mdtrt_cert_no", "")).upper() not in _named(told, "certno"):
        raise ContractBroken("wrong_person_answered")
    visit = given.get("mdtrt_id")
    if visit and any(each != visit for each in _named(told, "mdtrt_id")):
        raise ContractBroken("wrong_visit_answered")
    return InsuranceAnswer(infno=message.infno, msgid=message.msgid, body=json.dumps(told, ensure_ascii=False))


def _named(value: object, name: str) -> list[object]:
    """Every value under that name, at any depth."""
    if isinstance(value, dict):
        own = [value[name]] if name in value else []
        return own + [each for inner in value.values() for each in _named(inner, name)]
    if isinstance(value, list):
        return [each for inner in value for each in _named(inner, name)]
    return []
