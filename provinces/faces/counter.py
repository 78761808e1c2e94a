"""The counter of departments without an interface: a clerk keys in what the house sends, as often as the clerk does."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provinces import html, wire
from provinces.clock import CHINA
from provinces.faces.base import FEN, MONEY, NAME, malformed, route
from provinces.house import House
from provinces.operations import OPERATIONS, Kind
from provinces.words import Action, Code, Order, Outcome, Problem, State, both

FACE = "counter"
LIST = 200
_ACTIONS = {Kind.EFFECT: Action.APPLY, Kind.REVERSAL: Action.REVERSE, Kind.EVIDENCE: Action.RELEASE}
_KEPT = ("_remark", "_original", "_case_no", "_leg", "_step", "_lang", "_action")
_STATUS = {
    Code.MALFORMED: 400,
    Code.TOO_LARGE: 413,
    Code.NO_SUCH_SERVICE: 404,
    Code.NO_SUCH_MATTER: 404,
    Code.MAINTENANCE: 503,
}
_REMARK = re.compile(r"(.+)-[0-9a-f]{16}")
_WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "title": "窗口录入", "today": "今日录入", "department": "部门", "service": "事项", "remark": "备注",
        "number": "业务流水号", "state": "状态", "at": "时间", "key_in": "录入", "original": "原业务流水号",
        "holder_id": "持有人证件号码", "subject": "统一社会信用代码或身份证号", "amount_fen": "金额（分）",
        "case_no": "案件编号", "leg": "环节", "step": "步骤", "result": "结果", "back": "返回", "refused": "不予办理",
        "remote": "录入一次即办理一次。", "other": "English",
    },
    "en": {
        "title": "Counter", "today": "Keyed in today", "department": "Department", "service": "Service",
        "remark": "Remark", "number": "Number", "state": "State", "at": "At", "key_in": "Key in",
        "original": "Number of the original", "holder_id": "Number of the holder",
        "subject": "Credit code or resident id", "amount_fen": "Amount in fen", "case_no": "Case", "leg": "Leg",
        "step": "Step", "result": "Result", "back": "Back", "refused": "Refused",
        "remote": "What is keyed in twice is done twice.", "other": "中文",
    },
}  # fmt: skip


class Counter:
    """The clerk's view."""

    def __init__(self, house: House, departments: Collection[str]) -> None:
        self._house = house
        self._services = [each for each in OPERATIONS if each.department in departments]

    def routes(self) -> list[Route]:
        """The page, and where its forms go."""
        return [
            route("/counter", self.page, ["GET"]),
            route("/counter/{department}/{service}", self.post, ["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """GET /counter"""
        lang = "en" if request.query_params.get("lang") == "en" else "zh"
        words = _WORDS[lang]
        parts = [html.link(f"/counter?lang={'zh' if lang == 'en' else 'en'}", words["other"])]
        parts += [html.paragraph(words["remote"]), html.heading(words["today"]), self._today(words)]
        for each in self._services:
            asked = ["subject"] if each.kind is not Kind.EVIDENCE else ["holder_id"]
            asked += ["amount_fen"] if each.payable else []
            fields = [html.field(words["original"], "_original", required=True)] if each.reverses else []
            fields += [html.field(words[name], "uscc" if name == "subject" else name) for name in asked]
            fields += [html.field(words[name], f"_{name}") for name in ("case_no", "leg", "step", "remark")]
            address = f"/counter/{each.department}/{each.name}"
            parts += [html.heading(f"{each.department} · {each.name}")]
            parts += [html.form(address, fields, words["key_in"], {"_lang": lang})]
        return html.page(words["title"], *parts, lang=lang)

    async def post(self, request: Request) -> Response:
        """POST /counter/{department}/{service}: every post is an effect."""
        body = await wire.read(request)
        self._house.office.address = str(request.base_url)
        try:
            given = _fields(request, body)
            outcome = self._key_in(request.path_params["department"], request.path_params["service"], given)
        except Problem as problem:
            return JSONResponse({"error": problem.code.value}, _STATUS.get(problem.code, 500))
        words = _WORDS["en" if given.get("_lang") == "en" else "zh"]
        if "text/html" in request.headers.get("accept", ""):
            return _shown(outcome, words)
        if outcome.state is State.REFUSED:
            text = both(outcome.text)
            return JSONResponse({"reasons": list(outcome.reasons), "text": text}, 422)
        told = {"number": outcome.number, "state": outcome.state.value, "result": dict(outcome.result)}
        return JSONResponse(told, 201)

    def _key_in(self, department: str, service: str, given: dict[str, str]) -> Outcome:
        known_as = next((e for e in self._services if (e.department, e.name) == (department, service)), None)
        if known_as is None:
            raise Problem(Code.NO_SUCH_SERVICE)
        original, remark = "", given.get("_remark", "")
        if number := given.get("_original", "").strip():
            found = self._house.store.by_number(number)
            if found is None:
                raise Problem(Code.NO_SUCH_MATTER)
            original = found.key
        of_remark = _REMARK.fullmatch(remark)
        fields = {name: value for name, value in given.items() if name not in _KEPT and value}
        if not all(NAME.fullmatch(name) for name in fields):
            raise malformed("field_name_misshapen")
        if not all(FEN.fullmatch(value) for name, value in fields.items() if name.endswith(MONEY)):
            raise malformed("money_misshapen")
        order = Order(
            FACE, _ACTIONS[known_as.kind], department, service, f"counter~{uuid.uuid4().hex}", original,
            given.get("_case_no") or (of_remark[1] if of_remark else ""), given.get("_leg", ""),
            given.get("_step", ""), fields, label=remark,
        )  # fmt: skip
        return self._house.office.handle(order).outcome

    def _today(self, words: Mapping[str, str]) -> str:
        today, rows = self._house.clock.today(), []
        for matter in self._house.store.inbox(LIST, FACE):
            at = datetime.fromisoformat(matter.received_at).astimezone(CHINA)
            if at.date() == today:
                remark = "" if matter.label == matter.key else matter.label
                line = (f"{at:%H:%M:%S}", matter.number, matter.department, matter.service, matter.state, remark)
                rows.append(line)
        head = [words[name] for name in ("at", "number", "department", "service", "state", "remark")]
        return html.table(head, rows)


def _fields(request: Request, body: bytes | None) -> dict[str, str]:
    if body is None:
        raise Problem(Code.TOO_LARGE)
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    try:
        if kind == "application/json":
            read = json.loads(body)
        else:
            read = dict(parse_qsl(body.decode(), strict_parsing=bool(body), keep_blank_values=True))
    except (ValueError, RecursionError):
        raise malformed("no form") from None
    if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
        raise malformed("wrong_types")
    return read


def _shown(outcome: Outcome, words: Mapping[str, str]) -> Response:
    back = html.link("/counter", words["back"])
    if outcome.state is State.REFUSED:
        text = f"{outcome.text.zh} {outcome.text.en}" if outcome.text else ""
        return html.page(words["refused"], html.paragraph(", ".join(outcome.reasons)), html.paragraph(text), back,
                         status=422)  # fmt: skip
    result = html.table([words["result"], ""], outcome.result.items())
    return html.page(f"{words['number']} {outcome.number}", html.paragraph(outcome.state.value), result, back,
                     status=201)  # fmt: skip
