"""320000: XML envelopes in GB18030 at one address, signed both ways with HMAC-SM3; the end comes by asking."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from provinces.clock import CHINA
from provinces.faces import xml
from provinces.faces.base import KEY, MONEY, NAME, Face, malformed, route
from provinces.house import House
from provinces.signing import Nonces, hmac_sm3, is_stale, same
from provinces.visit import DEEP, Told, Visit
from provinces.words import Action, Code, Order, Outcome, Problem, State

MEDIA = "text/xml; charset=GB18030"
_MSG_ID = re.compile(r"[0-9A-Fa-f]{32}")
_SEND_TIME = re.compile(r"[0-9]{14}")
_YUAN = re.compile(r"(-?)([0-9]{1,13})\.([0-9]{2})")


@dataclass(frozen=True)
class Trans:
    """One transaction. ``at_once``: answered as it stands, the others with 1001 whatever became of them."""

    action: Action
    at_once: bool = False


TRANSACTIONS: Mapping[str, Trans] = MappingProxyType(
    {
        "SQ01": Trans(Action.APPLY),
        "YJ01": Trans(Action.CONSULT),
        "TB01": Trans(Action.NOTIFY),
        "ZX01": Trans(Action.REVERSE),
        "CH01": Trans(Action.WITHDRAW),
        "BZ01": Trans(Action.SUPPLEMENT),
        "ZZ02": Trans(Action.RELEASE),
        "ZZ01": Trans(Action.PREVIEW, at_once=True),
        "ZZ03": Trans(Action.VERIFY, at_once=True),
    }
)
BY_KEY, BY_NUMBER, HEALTH = "CX01", "CX02", "XT01"
_OTHER = {BY_KEY: "lookup", BY_NUMBER: "lookup", HEALTH: "health"}
RETURNS: Mapping[State, tuple[str, str]] = MappingProxyType(
    {State.DONE: ("0000", "办结"), State.IN_PROGRESS: ("1001", "办理中"), State.REFUSED: ("2001", "不予办理")}
)
PROBLEMS: Mapping[Code, tuple[str, str]] = MappingProxyType(
    {
        Code.NO_SUCH_MATTER: ("2404", "无此业务"),
        Code.KEY_REUSED: ("2409", "流水号已用于其他内容"),
        Code.AUTH_WRONG: ("3001", "签名错误"),
        Code.AUTH_STALE: ("3002", "报文超时"),
        Code.AUTH_REPLAYED: ("3003", "报文重复"),
        Code.NO_SUCH_SERVICE: ("3404", "无此交易、部门或事项"),
        Code.MALFORMED: ("3400", "报文格式错误"),
        Code.TOO_MANY: ("9001", "系统繁忙"),
        Code.MAINTENANCE: ("9001", "系统维护"),
        Code.INTERNAL: ("9999", "系统错误"),
    }
)
_NAMES_KEY = frozenset({Code.NO_SUCH_MATTER, Code.KEY_REUSED})


def yuan(fen: str) -> str:
    """``1234`` fen as ``12.34``."""
    digits = fen.lstrip("-").zfill(3)
    return f"{'-' if fen.startswith('-') else ''}{digits[:-2]}.{digits[-2:]}"


def fen(text: str) -> str:
    """``12.34`` yuan as ``1234``; raises Problem."""
    found = _YUAN.fullmatch(text)
    if found is None:
        raise malformed("money_misshapen")
    return str(int(f"{found[1]}{found[2]}{found[3]}"))


def canonical(head: Mapping[str, str], body: xml.Element) -> str:
    """What is signed: the lines of the head, then every leaf of the body."""
    pairs = [*head.items(), *xml.leaves(body, "Body")]
    return "\n".join(f"{name}={value}".replace("\\", "\\\\").replace("\n", "\\n") for name, value in pairs)


class JiangsuVisit(Visit):
    """One envelope."""

    def __init__(self, nonces: Nonces, house: House, request: Request, body: bytes) -> None:
        super().__init__(house, request, body)
        self._nonces = nonces
        self._envelope: xml.Element | None = None
        with contextlib.suppress(xml.BadXml):  # then it is malformed, which is said once somebody asks
            self._envelope = xml.read(body) if body else None
        head = self._envelope.find("Head") if self._envelope else None
        names = ("AppId", "MsgId", "SendTime", "TransCode", "Sign")
        self._head = {name: head.value(name) if head else "" for name in names}
        self._body = (self._envelope.find("Body") if self._envelope else None) or xml.Element("Body")

    @property
    def operation(self) -> str:
        return _OTHER.get(self._head["TransCode"]) or self._body.value("Service")

    def admit(self) -> None:
        head, keys = self._head, self.house.credentials
        if self._envelope is None or self._envelope.tag != "Envelope" or self._envelope.find("Body") is None:
            raise malformed("no envelope")
        if not _MSG_ID.fullmatch(head["MsgId"]):
            raise malformed("MsgId")
        try:
            if not _SEND_TIME.fullmatch(head["SendTime"]):  # strptime alone takes fewer digits, too
                raise ValueError
            sent_at = datetime.strptime(head["SendTime"], "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
        except ValueError:
            raise malformed("SendTime") from None
        said = {name: head[name] for name in ("AppId", "MsgId", "SendTime", "TransCode")}
        text = canonical(said, self._body)
        signed = any(same(hmac_sm3(each, text).hex().upper(), head["Sign"]) for each in keys.texts("secrets"))
        if not same(keys.text("app_id"), head["AppId"]) or not signed:
            raise Problem(Code.AUTH_WRONG)
        if is_stale(sent_at.timestamp(), self.now):
            raise Problem(Code.AUTH_STALE)
        if not self._nonces.take(head["MsgId"].lower(), self.now):
            raise Problem(Code.AUTH_REPLAYED)

    def work(self) -> Told:
        code = self._head["TransCode"]
        if code == HEALTH:
            return Told()
        office = self.house.office
        if code in (BY_KEY, BY_NUMBER):
            by_key = code == BY_KEY
            found = office.find(self._key) if by_key else office.find_number(self._body.value("SerialNo"))
            if found is None:
                raise Problem(Code.NO_SUCH_MATTER)
            return Told((found,))
        trans = TRANSACTIONS.get(code)
        if trans is None:
            raise Problem(Code.NO_SUCH_SERVICE)
        return Told.of(office.handle(self._order(trans.action), asynchronous=not trans.at_once))

    def tell(self, told: Told, damage: str) -> Response:
        body = xml.Element("Body")
        if not told.outcomes:
            body.add("Region", self.house.region)
            return self._sealed(*RETURNS[State.DONE], body, damage)
        outcome = told.outcomes[0]
        trans = TRANSACTIONS.get(self._head["TransCode"])
        state = outcome.state if trans is None or trans.at_once else State.IN_PROGRESS
        _fill(body, outcome, state)
        code, message = RETURNS[state]
        if damage == "wrong_types":
            for leaf in body.children:
                if leaf.tag in ("SerialNo", "CheckAfter", "Fields"):
                    leaf.text, leaf.children = "", [xml.Element("Value", "bald")]
        return self._sealed("7777" if damage == "unknown_enum" else code, message, body, damage)

    def fail(self, problem: Problem) -> Response:
        if problem.code is Code.TOO_LARGE:
            return Response("Content Too Large", 413, media_type="text/plain")
        code, message = PROBLEMS.get(problem.code, PROBLEMS[Code.INTERNAL])
        body = xml.Element("Body")
        if problem.code in _NAMES_KEY:
            body.add("MsgNo", self._key)
        if problem.retry_after:
            body.add("RetryAfter", problem.retry_after)
        return self._sealed(code, message, body, "")

    def deepen(self, body: bytes) -> bytes:
        return body.replace(b"</Body>", b"<a>" * DEEP + b"</a>" * DEEP + b"</Body>")

    @property
    def _key(self) -> str:
        return self._body.value("MsgNo")

    def _order(self, action: Action) -> Order:
        text = self._body.value
        key, original = text("MsgNo"), text("Original")
        if not all(KEY.fullmatch(each) for each in (key, original) if each):
            raise malformed("MsgNo")
        if action in (Action.PREVIEW, Action.VERIFY) and key:
            raise malformed("MsgNo")
        return Order(
            Jiangsu.name, action, text("Dept"), text("Service"), key, original, text("CaseNo"), text("Leg"),
            text("Step"), self._fields(),
        )  # fmt: skip

    def _fields(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        listed = self._body.find("Fields")
        for each in listed.children if listed else []:
            name, unit = each.attributes.get("name", ""), each.attributes.get("unit", "")
            if each.tag != "Field" or each.children or name in fields or not NAME.fullmatch(name):
                raise malformed("Fields")
            if (unit == "yuan") != name.endswith(MONEY):
                raise malformed("unit")
            fields[name] = fen(each.text) if unit else each.text
        return fields

    def _sealed(self, code: str, message: str, body: xml.Element, damage: str) -> Response:
        head = {name: self._head[name] for name in ("AppId", "MsgId")}
        head["SendTime"] = f"{datetime.fromtimestamp(self.now, UTC).astimezone(CHINA):%Y%m%d%H%M%S}"
        head |= {"TransCode": self._head["TransCode"], "RtnCode": code, "RtnMsg": message}
        secret = "forged" if damage == "forged_answer" else self.house.credentials.texts("secrets")[0]
        head["Sign"] = hmac_sm3(secret, canonical(head, body)).hex().upper()
        envelope = xml.Element("Envelope")
        envelope.children = [xml.Element("Head"), body]
        for name, value in head.items():
            envelope.children[0].add(name, value)
        return Response(xml.write(envelope), media_type=MEDIA)


class Jiangsu(Face):
    """320000."""

    name = "jiangsu"
    credentials = ("app_id", "secrets")

    def routes(self) -> list[Route]:
        return [route("/exchange", self.visits(partial(JiangsuVisit, Nonces())), ["POST"])]


def _fields(body: xml.Element, outcome: Outcome) -> None:
    fields = body.add("Fields")
    for name, value in outcome.result.items():
        money = name.endswith(MONEY)
        fields.add("Field", yuan(value) if money else value, name=name, **({"unit": "yuan"} if money else {}))


def _fill(body: xml.Element, outcome: Outcome, state: State) -> None:
    body.add("MsgNo", outcome.key)
    body.add("SerialNo", outcome.number)
    if state is State.DONE:
        _fields(body, outcome)
    elif state is State.IN_PROGRESS:
        if outcome.state is State.IN_PROGRESS and outcome.result:
            _fields(body, outcome)
        body.add("CheckAfter", str(max(1, outcome.check_after)))
        if outcome.wants is not None:
            wants = body.add("Wants")
            wants.add("Zh", outcome.wants.zh)
            wants.add("En", outcome.wants.en)
    else:
        reasons = body.add("Reasons")
        for reason in outcome.reasons:
            reasons.add("Reason", reason)
        text = body.add("Text")
        text.add("Zh", outcome.text.zh if outcome.text else "")
        text.add("En", outcome.text.en if outcome.text else "")
