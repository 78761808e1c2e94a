"""How somebody leaves a stay or visit who pays everything himself (全额自费).

    money under way   a settlement or an undoing: its end is awaited, and undone if it was done
    other messages    awaited for a short while; then he leaves all the same, and the message ends in the background
    the discharge     refused: he is not discharged and does not leave. Never sent: it is sent when he has left

It is closed when the bill has been answered and nothing is under way any more.
"""

from __future__ import annotations

import json
from datetime import datetime

from domain.medical.matter import Exchange, ExchangeEnd, ExchangeOutcome, MatterKind
from domain.medical.treatment_state import TreatmentBase
from domain.medical.treatment_words import TreatmentStatus, Trouble
from domain.messages import Actor

S = TreatmentStatus
BED = "bed"  # the discharge of somebody who has left; unlike others it is sent until it arrives


class LeavingTreatment(TreatmentBase):
    """Payment in full."""

    def _leave(self, now: datetime, actor: Actor, reason: str) -> None:
        self.state.pay_reason, self.state.leaving_since = reason, now
        self._set(leaving=True)
        self.note("paid_in_full", now, actor=actor, data={"reason": reason})
        if not self.state.view.running:
            self._leave_now(now)

    def _ended_while_leaving(self, errand: Exchange, outcome: ExchangeOutcome, now: datetime) -> None:
        """A message that moves no money has ended. Of what it would have led to, nothing is asked any more.

        What he has paid for is not changed by it once he has left.
        """
        view, state = self.state.view, self.state
        done, left = outcome.end is ExchangeEnd.DONE, view.status is S.SELF_PAID
        refused = not done and outcome.end is not ExchangeEnd.VOIDED
        if not done:
            self._set(trouble=Trouble(purpose=errand.purpose, code=outcome.code, text=outcome.text))
        match errand.purpose:
            case "person" if outcome.code == "wrong_person" and view.status is S.OPENING:
                self._over(S.CANCELLED, now, reason=outcome.code)
            case "open" if done:
                self._set(visit=str(json.loads(outcome.body)["mdtrt_id"]))
            case "fees" if not left:  # refused at the platform, they are charged for all the same
                self._uploaded(errand.parts[0], "accepted" if done else "kept")
            case "cancel_fees" if done and not left:
                self._taken_down(state.cancelling)
            case "discharge" | "bed":
                state.left = state.left or done
                if refused and left:
                    state.bed_refused = True
                elif refused:
                    self._set(discharged_at=None, died=False)

    def _go_without(self, now: datetime) -> None:
        """The end of a message that moves no money is awaited no longer. What the hospital has said counts."""
        view = self.state.view
        self.note("left_behind", now, data={"purpose": view.running})
        for upload in view.uploads:
            if upload.status == "sent":
                self._uploaded(upload.part, "kept")
        if view.running == "cancel_fees":
            self._taken_down(self.state.cancelling)
        self._leave_now(now)

    def _leave_now(self, now: datetime) -> None:
        view = self.state.view
        if self.current is not None:
            self.state.undo_reason, self.state.undo_part, self.state.tries = "paid_in_full", "", 1
            self._undo(now)
        elif view.status is S.SELF_PAID:
            self._finish(now)
        elif self.kind is MatterKind.STAY and view.discharged_at is None:
            self._set(leaving=False)
            self.note("not_left", now, data={"code": "not_discharged"})
        else:
            self._move(S.SELF_PAID, now, reason=self.state.pay_reason)
            if view.total:
                self._order_bill("self_paid_bill", self.no, view.total, {})
            else:  # forgotten, with nothing to pay: neither a bill nor a claim
                self.state.billed = True
            self._finish(now)

    def _finish(self, now: datetime) -> None:
        """Closed, as soon as the bill is answered, nothing is under way, and nobody lies in the bed at the platform."""
        view, state = self.state.view, self.state
        if view.running:
            return
        if self.kind is MatterKind.STAY and view.visit and not state.left and not state.bed_refused:
            self._ask_discharge(BED, now)
        elif state.billed:
            self.close(now)

    def _ask_discharge(self, purpose: str, now: datetime) -> None:
        body = {"mdtrt_id": self.state.view.visit, "dscg_way": self.state.discharge_way}
        self._ask(purpose, self.messages.discharge, body, (self.state.discharge_part,), now)

    def _undo(self, now: datetime) -> None:
        standing = self.current
        if standing is None:
            raise RuntimeError(f"{self.no}: nothing to undo")
        body = {"mdtrt_id": self.state.view.visit, "setl_id": standing.setl_id}
        self._ask("undo", self.messages.undo, body, (), now)

    def _over(self, status: TreatmentStatus, now: datetime, reason: str = "") -> None:
        self._move(status, now, reason=reason)
        self.close(now)
