"""A stay or visit by itself, without a platform: the test answers for the insurer."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.medical import BillOrder, Errand, Exchange, ExchangeEnd, ExchangeOutcome, MatterKind
from domain.medical.treatment import Treatment
from domain.medical.treatment_words import (
    AddFees,
    AnyTreatmentAct,
    Discharge,
    Settle,
    StartTreatment,
    TreatmentStatus,
    TreatmentTimes,
)
from domain.messages import Actor, Role

S = TreatmentStatus
START = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)
NURSE = Actor(subject="h1", role=Role.INSTITUTION, region="310104", department="H31010400001")
OTHER = NURSE.model_copy(update={"department": "H31010400002"})
PATIENT = Actor(subject="c1", role=Role.CITIZEN)


def start_of(kind: MatterKind = MatterKind.STAY, **more: Any) -> StartTreatment:
    facts: dict[str, Any] = {
        "no": "3101042026100800000000000001",
        "kind": kind,
        "place": "310104",
        "insured": "340500",
        "insutype": "390",
        "med_type": "21" if kind is MatterKind.STAY else "11",
        "institution": "H31010400001",
        "institution_name": "示例医院",
        "times": TreatmentTimes(unsettled_days=15, reversal_days=180),
        "opened_by": NURSE,
    }
    return StartTreatment.model_validate(facts | more)


class Insurer:
    """The other side, as far as the course can see it: answers, refuses, or leaves in doubt until it is voided."""

    def __init__(self) -> None:
        self.visits = 0
        self.standing: dict[str, dict[str, int]] = {}
        self.count = 0

    def answer(self, errand: Errand, end: ExchangeEnd = ExchangeEnd.DONE, code: str = "x") -> ExchangeOutcome:
        if end is not ExchangeEnd.DONE:
            return ExchangeOutcome(end=end, code=code, text=code)
        return ExchangeOutcome(
            end=end, body=json.dumps(self._bill(errand) if isinstance(errand, BillOrder) else self._said(errand))
        )

    def _bill(self, order: BillOrder) -> dict[str, object]:
        self.count += 1
        return {"code": "31060126", "number": f"{self.count:010d}"}

    def _said(self, sent: Exchange) -> dict[str, object]:
        body = json.loads(sent.body)
        match sent.purpose:
            case "person":
                return {"psn_no": "P1", "insuinfo": [{"insutype": "390", "balc": "10.00"}]}
            case "entitled":
                return {"psn_no": "P1", "trt_chk_rslt": "1", "category": "referral", "trt_dcla_detl_sn": "F1"}
            case "open":
                self.visits += 1
                return {"psn_no": "P1", "mdtrt_id": f"M{self.visits}"}
            case "settle" | "preview":
                self.count += 1
                total = body["medfee_sumamt"]
                info = {"medfee_sumamt": total, "inscp_scp_amt": total, "psn_part_amt": total, "psn_cash_pay": total}
                if sent.purpose == "settle":
                    info["setl_id"] = f"S{self.count}"
                    self.standing[info["setl_id"]] = {"total": round(float(total) * 100)}
                return {"setlinfo": info}
            case "undo":
                self.count += 1
                gone = self.standing.pop(body["setl_id"])
                total = f"-{gone['total'] // 100}.{gone['total'] % 100:02d}"
                return {
                    "setlinfo": {
                        "setl_id": f"S{self.count}", "orig_setl_id": body["setl_id"], "medfee_sumamt": total,
                        "inscp_scp_amt": total, "psn_part_amt": total, "psn_cash_pay": total,
                    }
                }  # fmt: skip
        return {"psn_no": "P1"}


class Course:
    """A treatment with its other side."""

    def __init__(self, start: StartTreatment | None = None) -> None:
        self.now = START
        self.insurer = Insurer()
        self.treatment = Treatment(start or start_of(), self.now)
        self.treatment.begin(self.now)
        self.acts = 0

    def do(self, kind: type[Any], actor: Actor = NURSE, **facts: Any) -> str | None:
        self.acts += 1
        act: AnyTreatmentAct = kind(id=f"a{self.acts}", actor=actor, **facts)
        refused = self.treatment.check(act)
        if refused is None:
            self.treatment.carry_out(act, self.now)
        return refused

    def answer(self, end: ExchangeEnd = ExchangeEnd.DONE, code: str = "x", *, bills: bool = True) -> Errand:
        errand = self.treatment.errands.pop(0)
        self.treatment.take_outcome(errand, self.insurer.answer(errand, end, code), self.now)
        if bills:
            while self.treatment.errands and isinstance(self.treatment.errands[0], BillOrder):
                bill = self.treatment.errands.pop(0)
                self.treatment.take_outcome(bill, self.insurer.answer(bill), self.now)
        return errand

    def all_answered(self) -> None:
        while self.treatment.errands:
            self.answer()

    def later(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.treatment.take_time(self.now)

    def minute(self) -> None:
        self.now += timedelta(minutes=1)
        self.treatment.take_time(self.now)

    @property
    def status(self) -> str:
        return self.treatment.status

    def opened(self) -> Course:
        self.all_answered()
        assert self.status == S.OPEN
        return self

    def with_fees(self, total: int = 3200000, part: str = "fees:1") -> Course:
        assert self.do(AddFees, part=part, lines=2, total=total) is None
        self.all_answered()
        return self

    def discharged(self, way: str = "1") -> Course:
        assert self.do(Discharge, way=way, at=self.now, part="discharge") is None
        self.all_answered()
        return self

    def settled(self) -> Course:
        self.opened().with_fees().discharged()
        assert self.do(Settle) is None
        self.all_answered()
        assert self.status == S.SETTLED
        return self
