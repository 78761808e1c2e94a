"""A synthetic patient, his reports, and a platform that answers as the interface says."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from catalogue.library import Library
from domain import names
from domain.calendar import SHANGHAI
from domain.medical import Exchange, ExchangeEnd, ExchangeOutcome, MatterKind, matter_number
from domain.medical.recognition import (
    AcknowledgeAct,
    CancelAct,
    ConsentAct,
    DecideAct,
    RecognitionAct,
    RecognitionCourse,
    RecognitionList,
    RecognitionStart,
    WithdrawAct,
)
from domain.medical.recognition.reports import AUTHORISE, INDEX, recordable, told
from domain.messages import Actor, Role

NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)  # ten in the morning
CERTIFICATE = "340199194910010042"  # belongs to nobody (domain note 6)
PSN_NO = "34050000000001"
HOSPITAL, HOSPITAL_NAME = "H31010400001", "上海示例医院"
PLACE, HOME = "310104", "340500"
PATIENT = Actor(subject="patient-1", role=Role.CITIZEN)
DOCTOR = Actor(subject="doctor-1", role=Role.INSTITUTION, region=PLACE, department=HOSPITAL)
STRANGER = Actor(subject="doctor-2", role=Role.INSTITUTION, region=PLACE, department="H31010400002")
_numbers = itertools.count(1)


@cache
def listed() -> RecognitionList:
    """The list that is shipped."""
    return Library().recognition


def row(
    number: str = "RPT-1", item: str = "CT-CHEST", *, days: int = 3, now: datetime = NOW, **more: str
) -> dict[str, Any]:
    """A report as 5401 lists it: marked, in time, by equipment that suffices."""
    taken = (now - timedelta(days=days)).astimezone(SHANGHAI)
    return {
        "rpt_no": number,
        "rpt_type": "exam",
        "item_code": item,
        "item_name": "项目",
        "exam_time": f"{taken:%Y-%m-%d %H:%M:%S}",
        "fixmedins_code": "H34050000001",
        "fixmedins_name": "马鞍山示例医院",
        "hr_scope": "region:yrd",
        "qc_cert_no": "QC-2026-1",
        "qc_begndate": "2026-01-01",
        "qc_enddate": "2026-12-31",
        "equip": "detector_rows=64;tesla=1.5",
    } | more


@dataclass
class Platform:
    """Holds reports of places. ``ends``: infno or report number -> how its messages end instead."""

    reports: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    ends: dict[str, list[ExchangeOutcome]] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: list[Exchange] = field(default_factory=list)
    kept: list[dict[str, object]] = field(default_factory=list)

    def answer(self, exchange: Exchange) -> ExchangeOutcome:
        """What the workflow is told of what comes back, with conclusions that nobody must keep."""
        self.seen.append(exchange)
        body = json.loads(exchange.body)
        for key in (body.get("rpt_no", ""), exchange.infno):
            if waiting := self.ends.get(key):
                return waiting.pop(0)
        rows, mine = self.reports.get(exchange.insured, []), {"psn_no": PSN_NO}
        if exchange.infno == AUTHORISE:
            return self._done(exchange, mine | {"auth_no": f"AU-{exchange.insured}"})
        assert body["auth_no"] == f"AU-{exchange.insured}"
        if exchange.infno == INDEX:
            period = [r for r in rows if body["begndate"] <= r["exam_time"][:10] <= body["enddate"]]
            return self._done(exchange, mine | {"data": period, "conclusion": "SECRET"})
        (found,) = [r for r in rows if r["rpt_no"] == body["rpt_no"]]
        more = mine | {"certno": CERTIFICATE, "result": "影像号 1001", "conclusion": "SECRET"}
        return self._done(exchange, found | more | self.changed.get(body["rpt_no"], {}))

    def _done(self, exchange: Exchange, output: dict[str, Any]) -> ExchangeOutcome:
        taken = recordable(exchange.infno, exchange.no, names.holder_digest(exchange.no, CERTIFICATE), output)
        self.kept.append(taken)
        body = json.dumps(told(exchange.infno, exchange.no, taken), ensure_ascii=False)
        return ExchangeOutcome(end=ExchangeEnd.DONE, body=body)

    def asked(self, infno: str) -> list[dict[str, Any]]:
        """The bodies of the messages of that number."""
        return [json.loads(exchange.body) for exchange in self.seen if exchange.infno == infno]


REFUSED = ExchangeOutcome(end=ExchangeEnd.REFUSED, code="X181")
VOIDED = ExchangeOutcome(end=ExchangeEnd.VOIDED)
UNUSABLE = ExchangeOutcome(end=ExchangeEnd.UNUSABLE, code="wrong_person")


def start(wanted: tuple[str, ...] = ("CT-CHEST",), **more: Any) -> RecognitionStart:
    """A recognition as the API starts it."""
    no = matter_number(MatterKind.RECOGNITION, PLACE, NOW.date(), next(_numbers))
    content = {
        "no": no,
        "institution": HOSPITAL,
        "institution_name": HOSPITAL_NAME,
        "place": PLACE,
        "insured": HOME,
        "sources": (HOME,),
        "holder": names.holder_digest(no, CERTIFICATE),
        "psn": names.holder_digest(no, PSN_NO),
        "wanted": wanted,
        "items": tuple(item for item in listed().items if item.code in wanted),
        "list_version": listed().version,
        "terms": listed().terms,
        "asked_by": DOCTOR,
    }
    return RecognitionStart.model_validate(content | more)


class Room:
    """One recognition without a workflow around it: acts, time, and a platform that answers at once."""

    def __init__(self, platform: Platform, started: RecognitionStart | None = None) -> None:
        self.platform, self.now = platform, NOW
        self.course = RecognitionCourse(started or start(), NOW)
        self.course.begin(NOW)
        self._acts: Iterator[int] = itertools.count(1)
        self.trail: list[str] = []
        self.settle()

    def settle(self, *, answer: bool = True) -> None:
        """Every message is answered, everything is written down."""
        while answer and self.course.errands:
            errand = self.course.errands.pop(0)
            assert isinstance(errand, Exchange)
            self.course.take_outcome(errand, self.platform.answer(errand), self.now)
        if self.course.dirty:
            self.trail += [event.type for event in self.course.batch(self.now).events]

    def do(self, act: RecognitionAct, *, answer: bool = True) -> str | None:
        """The code of a refusal, or None: done."""
        if (code := self.course.check(act)) is None:
            self.course.carry_out(act, self.now)
            self.settle(answer=answer)
        return code

    def _id(self) -> str:
        return f"a{next(self._acts)}"

    def consent(self, granted: bool = True, actor: Actor = PATIENT, *, answer: bool = True) -> str | None:
        return self.do(ConsentAct(id=self._id(), actor=actor, granted=granted, consent="c1"), answer=answer)

    def withdraw(self, actor: Actor = PATIENT) -> str | None:
        return self.do(WithdrawAct(id=self._id(), actor=actor))

    def decide(
        self, report: str, decision: str, reason: str | None = None, words: str = "", actor: Actor = DOCTOR
    ) -> str | None:
        content = {"id": self._id(), "actor": actor, "report": report, "decision": decision, "reason": reason}
        return self.do(DecideAct.model_validate(content | {"words": words}))

    def acknowledge(self, actor: Actor = PATIENT) -> str | None:
        return self.do(AcknowledgeAct(id=self._id(), actor=actor))

    def cancel(self, actor: Actor = DOCTOR) -> str | None:
        return self.do(CancelAct(id=self._id(), actor=actor))

    def wait(self, **span: float) -> None:
        """Time passes."""
        self.now += timedelta(**span)
        self.course.take_time(self.now)
        self.settle()

    @property
    def states(self) -> dict[str, str]:
        return {r.entry.rpt_no: r.state.value for r in self.course.view().reports}
