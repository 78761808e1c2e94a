"""A stay in hospital (住院) or a visit (门诊) with direct settlement across provinces (domain note 3.3).

    opening    1101 who is it -> 2001 may he be settled directly -> 2401 / 2201 admission, registration
    open       fee details up (2301 / 2204) and down again (2302 / 2205), preview (2303 / 2206) as often as wanted
    discharged a stay only (2402)
    settled    2304 / 2207; undone by 2305 / 2208, after which it can be settled again
    uncovered  direct settlement was refused: a late filing opens the way again until the patient has paid in full

One message at a time. What became of a message is always known in the end (see ``ExchangeEnd``): a settlement that
was voided is tried again under a new number, and whoever cannot wait pays in full; should the settlement turn out to
have been done after all, it is undone. The insured place computes; what is counted here are its numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from domain.medical.claim import DISCHARGE, Claim, StartClaim
from domain.medical.interface_words import amounts_of, fen
from domain.medical.leaving import LeavingTreatment
from domain.medical.matter import (
    BillOrder,
    BillWork,
    Errand,
    Exchange,
    ExchangeEnd,
    ExchangeOutcome,
    MatterKind,
    Opening,
)
from domain.medical.treatment_state import MONEY
from domain.medical.treatment_words import (
    ALLOWED,
    CLERKS,
    DIED,
    STATED,
    AddFees,
    AnyTreatmentAct,
    BillRef,
    Cancel,
    CancelFees,
    Discharge,
    PayInFull,
    Preview,
    Recheck,
    Settle,
    SettledOnce,
    TreatmentStatus,
    TreatmentView,
    Trouble,
    Undo,
    Upload,
)
from domain.messages import SYSTEM, Role
from domain.money import yuan

S = TreatmentStatus
MOST_UPLOADS = 600  # each may hold 500 lines; a workflow's history has to hold what each of them has led to
MOST_TRIES = 3  # of one message that was voided, before a person is asked
NOT_COVERED = frozenset(
    {"no_direct_settlement", "not_entitled", "not_insured", "certificate_missing", "institution_not_opened"}
)


class Treatment(LeavingTreatment):
    """The course of one stay or visit."""

    def begin(self, now: datetime) -> None:
        """Who is it?"""
        self.note("opened", now, actor=self.start.opened_by)
        self._ask("person", "1101", {"mdtrt_cert_type": "02"}, ("identity",), now)

    def take_limit(self, name: str, now: datetime) -> None:
        if name == "reversal":
            self.note("final", now)
            self.close(now)
        elif name == "go_without":
            self._go_without(now)
        elif self.kind is MatterKind.VISIT and not self.state.view.total:
            self.note("forgotten", now)
            self._cancel(now)
        else:
            self._leave(now, SYSTEM, "unsettled")

    # acts

    def refusal(self, act: AnyTreatmentAct) -> str | None:
        view = self.state.view
        if act.actor.role not in CLERKS or (
            act.actor.role is Role.INSTITUTION and act.actor.department != self.start.institution
        ):
            return "forbidden"
        if isinstance(act, PayInFull):
            return self._no_payment(view)
        if view.leaving:
            return "paid_in_full"
        if view.running:
            return "message_running"
        return self._by_status(act, view)

    def _no_payment(self, view: TreatmentView) -> str | None:
        if view.leaving:
            return "paid_in_full"
        if view.status is S.SETTLED:
            return "settled_already"
        if self.kind is MatterKind.STAY and view.discharged_at is None:
            return "not_discharged"
        return None if view.total else "no_fees"

    def _by_status(self, act: AnyTreatmentAct, view: TreatmentView) -> str | None:
        if isinstance(act, Undo) and act.settlement and not (self.current and self.current.setl_id == act.settlement):
            return "settlement_undone"
        allowed = ALLOWED[view.status]
        if act.act not in allowed:
            return "settled_already" if view.status is S.SETTLED else "treatment_state"
        if isinstance(act, Discharge) and not self.messages.discharge:
            return "treatment_state"
        if isinstance(act, AddFees) and view.discharged_at is not None:
            return "discharged_already"
        if isinstance(act, AddFees) and len(view.uploads) >= MOST_UPLOADS:
            return "too_many_uploads"
        if isinstance(act, Settle) and self.messages.discharge and view.discharged_at is None:
            return "not_discharged"
        if isinstance(act, Settle | Preview) and view.total == 0:
            return "no_fees"
        if isinstance(act, Cancel) and view.total:
            return "has_fees"
        if isinstance(act, CancelFees) and act.part and not self._taken(act.part):
            return "upload_unknown"
        return None

    def apply(self, act: AnyTreatmentAct, now: datetime) -> None:
        view, words = self.state.view, self.messages
        visit = {"mdtrt_id": view.visit}
        match act:
            case AddFees():
                upload = Upload(part=act.part, lines=act.lines, total=act.total, status="sent")
                self._set(uploads=(*view.uploads, upload))
                self.state.charged_at = now
                self.note("fees:sent", now, actor=act.actor, data={"part": act.part, "lines": str(act.lines)})
                if view.status is S.UNCOVERED:
                    self._uploaded(act.part, "kept")  # there is no visit at the platform to put them to
                else:
                    self._ask("fees", words.fees, visit, (act.part,), now)
            case CancelFees():
                self.note("fees:cancelling", now, actor=act.actor, data={"part": act.part})
                self.state.cancelling = act.part
                for kept in self._taken(act.part, "kept"):
                    self._uploaded(kept, "cancelled")  # it has never gone up
                if view.status is S.UNCOVERED and not self._taken(act.part):
                    return
                parts = (f"cancel:{act.part}",) if act.part else ()
                self._ask("cancel_fees", words.cancel_fees, visit | ({} if parts else {"feedetl_sn": []}), parts, now)
            case Discharge():
                self.note("discharging", now, actor=act.actor, data={"way": act.way})
                self._set(died=act.way == DIED, discharged_at=act.at)
                self.state.discharge_part, self.state.discharge_way = act.part, act.way
                if view.status is not S.UNCOVERED:
                    self._ask_discharge("discharge", now)
            case Preview():
                self._ask("preview", words.preview, self._to_settle(), (), now)
                self.note("previewed", now, actor=act.actor)
            case Settle():
                self.state.tries, self.state.use_account = 1, act.use_account
                self.note("settling", now, actor=act.actor)
                self._ask("settle", words.settle, self._to_settle(), (), now)
            case Undo():
                self.state.undo_reason, self.state.undo_part, self.state.tries = STATED, act.part, 1
                self.note("undoing", now, actor=act.actor, data={"reason": STATED})
                self._undo(now)
            case Cancel():
                self.note("cancelling", now, actor=act.actor)
                self._cancel(now)
            case Recheck():
                self.state.tries, self.state.charged_at = 1, now
                self._move(S.OPENING, now, actor=act.actor)
                self._ask("person", "1101", {"mdtrt_cert_type": "02"}, ("identity",), now)
            case PayInFull():
                self._leave(now, act.actor, STATED)

    def _cancel(self, now: datetime) -> None:
        view = self.state.view
        if view.visit:
            self.state.charged_at = now
            self._ask("cancel", self.messages.cancel, {"mdtrt_id": view.visit}, (), now)
        else:
            self._over(S.CANCELLED, now)

    def _to_settle(self) -> dict[str, object]:
        view = self.state.view
        return {
            "mdtrt_id": view.visit,
            "insutype": self.start.insutype,
            "medfee_sumamt": yuan(view.total),
            "acct_used_flag": "1" if self.state.use_account else "0",
        }

    # what comes back

    def take_outcome(self, errand: Errand, outcome: ExchangeOutcome, now: datetime) -> None:
        if isinstance(errand, BillOrder):
            self._take_bill(errand, outcome, now)
            return
        self._set(running="")
        self.note(f"message:{outcome.end}", now, data={"infno": errand.infno, "code": outcome.code})
        if self.state.view.leaving and errand.purpose not in MONEY:
            self._ended_while_leaving(errand, outcome, now)
        elif outcome.end is ExchangeEnd.DONE:
            self._take_done(errand, json.loads(outcome.body), now)
        else:
            self._set(trouble=Trouble(purpose=errand.purpose, code=outcome.code, text=outcome.text))
            self._not_done(errand, outcome, now)
        if self.state.view.leaving and not self.state.view.running and self.closed_at is None:
            self._leave_now(now)

    def _take_done(self, errand: Exchange, output: Mapping[str, object], now: datetime) -> None:
        view = self.state.view
        match errand.purpose:
            case "person":
                self._person(output, now)
            case "entitled":
                self._entitled(output, now)
            case "open":
                self._set(visit=str(output["mdtrt_id"]))
                self._describe(now)
            case "info":
                self.state.informed = True
                self._opened(now)
            case "fees":
                self._uploaded(errand.parts[0], "accepted")
                self._catch_up(now)
            case "cancel_fees":
                self._taken_down(self.state.cancelling)
            case "discharge":
                self.state.left = True
                self._move(S.DISCHARGED, now, died=str(view.died).lower())
            case "preview":
                self._set(preview=amounts_of(_setlinfo(output)))
            case "settle":
                self._settled(output, now)
            case "undo":
                self._undone(output, now)
            case "cancel":
                self._over(S.CANCELLED, now)

    def _person(self, output: Mapping[str, object], now: datetime) -> None:
        """Which insurance he has there, and that it is the one that was named."""
        mine = [r for r in _rows(output, "insuinfo") if r.get("insutype") == self.start.insutype]
        if not mine:
            self._uncovered("person", "not_insured", now)
            return
        balance = mine[0].get("balc")
        self._set(person=str(output["psn_no"]), balance=None if balance is None else fen(balance))
        body = {
            "insutype": self.start.insutype,
            "med_type": self.start.med_type,
            "otp_er_refl_flag": "1" if self.start.emergency else "0",
        }
        disease = {"dise_codg": self.start.disease} if self.start.disease else {}
        self._ask("entitled", "2001", body | disease, ("dates",), now)

    def _entitled(self, output: Mapping[str, object], now: datetime) -> None:
        if str(output["trt_chk_rslt"]) != "1":
            self._uncovered("entitled", str(output.get("reason") or "no_direct_settlement"), now)
            return
        self._set(category=str(output.get("category") or ""), filing=str(output.get("trt_dcla_detl_sn") or ""))
        if self.state.view.visit:  # it has been open there all along
            if self.state.left:
                self._move(S.DISCHARGED, now)
                self._catch_up(now)
            else:
                self._describe(now)
            return
        body: dict[str, object] = {
            "insutype": self.start.insutype,
            "med_type": self.start.med_type,
            "mdtrt_cert_type": "02",
        }
        if self.kind is MatterKind.VISIT:
            body["otp_er_refl_flag"] = "1" if self.start.emergency else "0"
        if self.start.disease:
            body["dise_codg"] = self.start.disease
        self._ask("open", self.messages.open, body, ("identity", "admission"), now)

    def _describe(self, now: datetime) -> None:
        """A visit is described once it is registered; a stay has been, with its admission."""
        view, words = self.state.view, self.messages
        if words.info and not self.state.informed:
            body = {"mdtrt_id": view.visit, "med_type": self.start.med_type}
            self._ask("info", words.info, body, ("admission",), now)
        else:
            self._opened(now)

    def _opened(self, now: datetime) -> None:
        """Open at the platform; what was uploaded or said while there was no cover is made up for."""
        self._move(S.OPEN, now, category=self.state.view.category)
        self._catch_up(now)

    def _catch_up(self, now: datetime) -> None:
        """What was kept while there was no cover goes up, one after the other, then the discharge."""
        view = self.state.view
        kept = [u.part for u in view.uploads if u.status == "kept"]
        if kept:
            self._ask("fees", self.messages.fees, {"mdtrt_id": view.visit}, (kept[0],), now)
        elif view.status is S.OPEN and view.discharged_at is not None:
            self._ask_discharge("discharge", now)

    def _settled(self, output: Mapping[str, object], now: datetime) -> None:
        info = _setlinfo(output)
        done = SettledOnce(setl_id=str(info["setl_id"]), at=now, amounts=amounts_of(info))
        self._set(settlements=(*self.state.view.settlements, done), preview=None)
        self._move(S.SETTLED, now, setl_id=done.setl_id)
        if not self.state.view.leaving:
            self._order_bill("bill", done.setl_id, done.amounts["medfee_sumamt"], done.amounts)

    def _undone(self, output: Mapping[str, object], now: datetime) -> None:
        info, standing = _setlinfo(output), self.current
        if standing is None:
            raise RuntimeError(f"{self.no}: undone, but nothing stood")
        undoing = SettledOnce(
            setl_id=str(info["setl_id"]),
            at=now,
            amounts=amounts_of(info),
            undoes=standing.setl_id,
            reason=self.state.undo_reason,
            part=self.state.undo_part,
        )
        self._replace(standing.setl_id, undone_by=undoing.setl_id)
        self._set(settlements=(*self.state.view.settlements, undoing))
        self.state.charged_at = now
        back = S.DISCHARGED if self.state.view.discharged_at is not None else S.OPEN
        self._move(back, now, undone=standing.setl_id)
        if standing.bill is not None:
            self._red_letter(standing.setl_id, standing.bill)

    def _not_done(self, errand: Exchange, outcome: ExchangeOutcome, now: datetime) -> None:
        voided = outcome.end is ExchangeEnd.VOIDED
        match errand.purpose:
            case "person" | "entitled" | "open" | "info":
                if voided and errand.purpose == "open" and self.state.tries < MOST_TRIES:
                    self.state.tries += 1
                    self._ask("open", self.messages.open, json.loads(errand.body), errand.parts, now)
                elif outcome.code == "wrong_person":
                    self._over(S.CANCELLED, now, reason=outcome.code)
                else:
                    self._uncovered(errand.purpose, "link_down" if voided else outcome.code, now, outcome.text)
            case "fees" if voided:  # never sent: kept here, until somebody has it checked again
                self._uploaded(errand.parts[0], "kept")
                self._uncovered("fees", "link_down", now)
            case "fees":
                self._uploaded(errand.parts[0], "refused", outcome.code)
                # of what is made up for after a discharge: the lines have to be mended before he can be discharged
                self._set(discharged_at=None if self.state.view.status is S.OPEN else self.state.view.discharged_at)
                self._catch_up(now)
            case "discharge" if voided:  # he has left all the same
                self._uncovered("discharge", "link_down", now)
            case "discharge":
                self._set(discharged_at=None, died=False)
            case "settle" if voided and self.state.tries < MOST_TRIES and not self.state.view.leaving:
                self.state.tries += 1
                self._ask("settle", self.messages.settle, self._to_settle(), (), now)
            case "undo" if voided and self.state.tries < MOST_TRIES:
                self.state.tries += 1
                self._undo(now)
            case "undo" if self.state.view.leaving:  # it stands, and a person has to see to it
                self._set(leaving=False)
                self.note("not_left", now, data={"code": outcome.code})
            case "settle" if outcome.code in NOT_COVERED:
                self._uncovered("settle", outcome.code, now, outcome.text)

    def _uncovered(self, purpose: str, code: str, now: datetime, text: str = "") -> None:
        """Direct settlement is refused, or nobody can be reached: for now the patient is on his own."""
        self._set(trouble=Trouble(purpose=purpose, code=code, text=text))
        self._move(S.UNCOVERED, now, code=code)

    # fiscal e-bills

    def _take_bill(self, order: BillOrder, outcome: ExchangeOutcome, now: datetime) -> None:
        self.note(f"{order.purpose}:{outcome.end}", now, data={"about": order.about, "code": outcome.code})
        if outcome.end is not ExchangeEnd.DONE:
            self._set(trouble=Trouble(purpose=order.purpose, code=outcome.code, text=outcome.text))
            if order.purpose == "self_paid_bill":
                self._self_paid(now)
            return
        if order.work is BillWork.RED_LETTER:
            bill = BillRef(code=order.code, number=order.bill_number, red_lettered=True)
            self._replace(order.about, bill=bill)
            return
        said = json.loads(outcome.body)
        bill = BillRef(code=str(said["code"]), number=str(said["number"]))
        if order.purpose == "self_paid_bill":
            self._set(self_paid_bill=bill)
            self._self_paid(now)
            return
        self._replace(order.about, bill=bill)
        undone = next(s for s in self.state.view.settlements if s.setl_id == order.about).undone_by
        if undone:  # it was undone while the bill was on its way
            self._red_letter(order.about, bill)

    def _self_paid(self, now: datetime) -> None:
        """The way of manual reimbursement opens by itself, with the bill."""
        self.opens.append(claim_of(self))
        self.state.billed = True
        self._finish(now)


def claim_of(treatment: Treatment) -> Opening:
    """The claim for manual reimbursement of a treatment that was paid in full."""
    start, view = treatment.start, treatment.view()
    claim = StartClaim(
        no="",
        insured=start.insured,
        insutype=start.insutype,
        med_type=start.med_type,
        treatment=start.place,
        institution=start.institution,
        total=view.total,
        about=start.no,
        bill=view.self_paid_bill,
        agency=start.agency,
        review_days=start.review_days,
        opened_by=SYSTEM,
    )
    course = Claim(claim, treatment.state.since)
    return Opening(
        kind=MatterKind.CLAIM,
        status=course.status,
        insured=start.insured,
        treatment=start.place,
        institution=start.institution,
        start=claim.model_dump_json(),
        view=course.view().model_dump_json(),
        waiting=course.waiting(),
        parts=("identity", "admission"),
        renamed={treatment.state.discharge_part: DISCHARGE} if view.discharged_at is not None else {},
    )


def _setlinfo(output: Mapping[str, object]) -> Mapping[str, object]:
    info = output["setlinfo"]
    if not isinstance(info, dict):
        raise TypeError("setlinfo is no object")
    return info


def _rows(output: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    rows = output.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
