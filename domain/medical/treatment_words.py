"""The words of a stay or a visit: its states, what can be done in it, what is shown of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.medical.matter import Act, MatterKind
from domain.messages import Actor, Message, Role

STATED = "stated"  # a reason in words, which stay in the form
DIED = "5"  # dscg_way


class TreatmentStatus(StrEnum):
    """Where a stay or a visit stands."""

    OPENING = "opening"
    OPEN = "open"  # 在院, 就诊中
    DISCHARGED = "discharged"  # 出院未结算
    SETTLED = "settled"
    UNCOVERED = "uncovered"  # no direct settlement, for now
    SELF_PAID = "self_paid"  # 全额自费结算, the way of manual reimbursement
    CANCELLED = "cancelled"


S = TreatmentStatus
TRANSITIONS: Mapping[TreatmentStatus, frozenset[TreatmentStatus]] = {
    S.OPENING: frozenset({S.OPEN, S.DISCHARGED, S.UNCOVERED, S.SELF_PAID, S.CANCELLED}),
    S.OPEN: frozenset({S.DISCHARGED, S.SETTLED, S.UNCOVERED, S.SELF_PAID, S.CANCELLED}),
    S.DISCHARGED: frozenset({S.SETTLED, S.UNCOVERED, S.SELF_PAID}),
    S.SETTLED: frozenset({S.OPEN, S.DISCHARGED}),
    S.UNCOVERED: frozenset({S.OPENING, S.SELF_PAID, S.CANCELLED}),
    S.SELF_PAID: frozenset(),
    S.CANCELLED: frozenset(),
}


class TreatmentTimes(Message):
    """Days, from a data file where each has its tag. unsettled: after discharge, of a visit after the last upload,
    until it is taken as paid in full. reversal: after settlement, until nothing can be undone here any more.
    leave_after_s: seconds for which whoever pays in full waits for a message that moves no money.
    """

    unsettled_days: int = Field(ge=1, le=365)
    reversal_days: int = Field(ge=1, le=730)
    leave_after_s: int = Field(default=30, ge=1, le=600)


class StartTreatment(Message):
    """What a stay or visit is started with; who the patient is stands in the form."""

    no: str
    kind: Literal[MatterKind.STAY, MatterKind.VISIT]
    place: str
    insured: str
    insutype: str
    med_type: str
    institution: str
    institution_name: str
    institution_uscc: str = ""
    agency: str = ""  # 统一社会信用代码 of the agency of the insured place, for a claim
    review_days: int = 30
    emergency: bool = False
    disease: str = ""  # of chronic outpatient care, an M code
    times: TreatmentTimes
    opened_by: Actor


# acts


class AddFees(Act):
    """Fee lines, kept in the form under ``part``. total: of all of them, in fen."""

    act: Literal["add_fees"] = "add_fees"
    part: str
    lines: int
    total: int


class CancelFees(Act):
    """Fee details are taken back: all of them, or those of one upload (its ``part``)."""

    act: Literal["cancel_fees"] = "cancel_fees"
    part: str = ""


class Discharge(Act):
    """The patient leaves. ``way``: dscg_way, 5 is death. ``part``: of the form, with the diagnosis."""

    act: Literal["discharge"] = "discharge"
    way: str
    at: datetime
    part: str


class Preview(Act):
    """What would have to be paid; without effect."""

    act: Literal["preview"] = "preview"


class Settle(Act):
    """The settlement. ``use_account``: the patient's personal account may be used."""

    act: Literal["settle"] = "settle"
    use_account: bool = True


class Undo(Act):
    """The settlement is undone (退费). ``settlement``: which one is meant; empty: the one that stands. ``part``: of the
    form, with the reason in somebody's own words.
    """

    act: Literal["undo"] = "undo"
    part: str
    settlement: str = ""


class Cancel(Act):
    """Admission or registration was a mistake; only while there are no fees."""

    act: Literal["cancel"] = "cancel"


class Recheck(Act):
    """Is direct settlement possible now? After a filing that came late, or a certificate."""

    act: Literal["recheck"] = "recheck"


class PayInFull(Act):
    """The patient pays everything himself; a claim for manual reimbursement opens by itself. ``part``: of the form,
    with the reason in somebody's own words.
    """

    act: Literal["pay_in_full"] = "pay_in_full"
    part: str


AnyTreatmentAct = Annotated[
    AddFees | CancelFees | Discharge | Preview | Settle | Undo | Cancel | Recheck | PayInFull,
    Field(discriminator="act"),
]
CLERKS = frozenset({Role.INSTITUTION, Role.SYSTEM})
ALLOWED: Mapping[TreatmentStatus, frozenset[str]] = {
    S.OPENING: frozenset(),
    S.OPEN: frozenset({"add_fees", "cancel_fees", "discharge", "preview", "settle", "cancel"}),
    S.DISCHARGED: frozenset({"cancel_fees", "preview", "settle"}),
    S.SETTLED: frozenset({"undo"}),
    S.UNCOVERED: frozenset({"add_fees", "cancel_fees", "discharge", "recheck", "cancel"}),
    S.SELF_PAID: frozenset(),
    S.CANCELLED: frozenset(),
}


# what people read


class Upload(Message):
    """Fee details that were uploaded at one time. status: sent, accepted, kept (here, not there), refused,
    cancelled.
    """

    part: str
    lines: int
    total: int
    status: str
    code: str = ""


class BillRef(Message):
    """A fiscal e-bill; ``red_lettered``: it was cancelled by another one."""

    code: str
    number: str
    red_lettered: bool = False


class SettledOnce(Message):
    """A settlement, or the undoing of one. Amounts in fen, by the names of setlinfo; negative in an undoing.

    reason: why it was undone, a code; ``stated``: in words, which stand in the form under ``part``.
    """

    setl_id: str
    at: datetime
    amounts: Mapping[str, int]
    undone_by: str = ""
    undoes: str = ""
    reason: str = ""
    part: str = ""
    bill: BillRef | None = None


class Trouble(Message):
    """What went wrong last, as the other side has said it; empty when nothing did."""

    purpose: str
    code: str
    text: str = ""


class TreatmentView(Message):
    """The projection. running: the message under way, if any. leaving: paid in full, or about to be."""

    status: TreatmentStatus
    person: str = ""  # psn_no
    visit: str = ""  # mdtrt_id
    category: str = ""
    filing: str = ""
    balance: int | None = None
    uploads: tuple[Upload, ...] = ()
    total: int = 0
    discharged_at: datetime | None = None
    died: bool = False
    running: str = ""
    trouble: Trouble | None = None
    preview: Mapping[str, int] | None = None
    settlements: tuple[SettledOnce, ...] = ()
    leaving: bool = False
    self_paid_bill: BillRef | None = None
