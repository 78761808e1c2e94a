"""What every medical matter shares: its number, acts done once, limits of time, calls outward, batches for the record.

    Course.check(act)        the code of a refusal, or None
    Course.carry_out(act)    changes the state at once; the same act id again gets what it led to the first time
    Course.take_time(now)    what is due happens
    Course.errands           messages to insurance platforms, e-bills; their ends come back by take_outcome
    Course.tells             what another matter has to be told; it takes it as an act of the house, or leaves it
    Course.chores            work of the house itself, done once by an activity before the matter can end
    Course.batch(now)        everything that happened since the last batch, to be written down

Courses are pure: the workflow that drives one (workflows.matters) adds durability and nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date, datetime, time
from enum import StrEnum
from typing import Generic, TypeVar

from domain.calendar import ONE_DAY, SHANGHAI
from domain.identifiers import case_number
from domain.messages import SYSTEM, Actor, Message
from domain.record import Event, Waiting


class MatterKind(StrEnum):
    """Which of the matters."""

    FILING = "filing"  # 异地就医备案
    REFERRAL = "referral"  # 转诊
    STAY = "stay"  # 住院
    VISIT = "visit"  # 门诊
    RECOGNITION = "recognition"  # 检查检验结果互认
    CLAIM = "claim"  # 手工报销


_CODE = {
    MatterKind.FILING: "YBBA01",
    MatterKind.REFERRAL: "YBZZ01",
    MatterKind.STAY: "YBZY01",
    MatterKind.VISIT: "YBMZ01",
    MatterKind.RECOGNITION: "YBHR01",
    MatterKind.CLAIM: "YBBX01",
}


def matter_number(kind: MatterKind, region: str, day: date, sequence: int) -> str:
    """A number in the form of a case number (28 characters), with the six letters of its kind: YBZY01 is a stay."""
    return case_number(region, day, "pc", _CODE[kind], sequence)


class Act(Message):
    """Somebody does something in a matter. ``id``: the same id again is the same act."""

    id: str
    actor: Actor


class MatterDone(Message):
    """How an act was answered. ``pending``: it was taken, its end is still to come (see the matter's view)."""

    status: str
    at: datetime
    pending: bool = False


class Exchange(Message):
    """A message of the national interface that is to be sent once. ``number`` counts a matter's exchanges from 1.

    purpose: what the course calls it. place: whose platform it is handed to (six digits); insured: where the person
    is insured. person: psn_no. body: its input as JSON text. parts: names of parts of the form that belong into the
    input as well; what is personal goes that way, so that it never reaches Temporal.
    The msgid is drawn and written down by the activity before it sends.
    """

    no: str
    number: int
    infno: str
    purpose: str
    place: str
    insured: str = ""
    institution: str
    institution_name: str
    person: str = ""
    body: str = "{}"
    parts: tuple[str, ...] = ()


class BillWork(StrEnum):
    """What is asked of the platform of fiscal e-bills."""

    ISSUE = "issue"
    RED_LETTER = "red_letter"  # 冲红
    LOCK = "lock"  # 报销锁定
    RELEASE = "release"
    REIMBURSED = "reimbursed"  # 报销反馈


class BillOrder(Message):
    """Work for the platform of fiscal e-bills that is to be done once, about a settlement or a payment in full."""

    no: str
    number: int
    purpose: str
    work: BillWork
    institution: str
    institution_name: str
    about: str  # setl_id, or the number of the matter where it was paid in full, or of the claim
    total: int  # the bill, or what is locked or paid of it, in fen
    fund_pay: int = 0
    acct_pay: int = 0
    code: str = ""
    bill_number: str = ""
    parts: tuple[str, ...] = ()  # of the form: the uploads that a bill to be issued is about, as they were then
    unit: str = ""  # 统一社会信用代码 of whoever issues it, or locks it
    lock: str = ""
    tx_no: str = ""


Errand = Exchange | BillOrder


def agency_code(place: str) -> str:
    """The code under which the agency of a place speaks at the interface; ours, not the national list's."""
    return f"A{place}00001"


def day_over(day: date) -> datetime:
    """The first moment after a day, Asia/Shanghai."""
    return datetime.combine(day + ONE_DAY, time(), SHANGHAI)


class Tell(Message):
    """What another matter has to be told: its number, and the act as JSON text, done by the house itself."""

    no: str
    act: str


class Chore(Message):
    """Work of the house itself. ``no``: of the matter that wants it; ``purpose``: which; ``body``: JSON text."""

    no: str
    purpose: str
    body: str = "{}"


class ExchangeEnd(StrEnum):
    """How an exchange ended. There is no "unknown": the activity asks until it knows."""

    DONE = "done"
    REFUSED = "refused"  # the other side has said no
    VOIDED = "voided"  # nobody knew whether it was done; it was reversed, so that it certainly has no effect
    UNUSABLE = "unusable"  # the answer cannot be used, or is about somebody else


class ExchangeOutcome(Message):
    """``body``: the output as JSON text. ``code``, ``text``: why not."""

    end: ExchangeEnd
    body: str = ""
    code: str = ""
    text: str = ""


class Limit(Message):
    """A moment at which time itself does something."""

    name: str
    due: datetime


class Opening(Message):
    """Another matter that this one opens, in the transaction that writes the batch. Its number is drawn there.

    start, view: JSON text; ``no`` of the start is filled in. parts: of this matter's form, which it takes over;
    renamed: those that it takes over under another name, by the name they have here.
    """

    kind: MatterKind
    status: str
    insured: str
    treatment: str = ""
    institution: str = ""
    start: str
    view: str
    waiting: tuple[Waiting, ...]
    parts: tuple[str, ...] = ()
    renamed: Mapping[str, str] = {}


class MatterBatch(Message):
    """What has to be written down. ``view``: the projection of its kind, as JSON text; ``number`` counts from 1."""

    no: str
    kind: MatterKind
    number: int
    at: datetime
    status: str
    view: str
    waiting: tuple[Waiting, ...]
    next_wake: datetime | None
    closed_at: datetime | None
    events: tuple[Event, ...]
    opens: tuple[Opening, ...] = ()


A = TypeVar("A", bound=Act)


class Course(ABC, Generic[A]):
    """The course of one matter. Written by each kind: ``refusal``, ``apply``, ``limits``, ``take_limit``, ``view`` …"""

    kind: MatterKind

    def __init__(self, no: str, now: datetime) -> None:
        self.no = no
        self.opened_at = now
        self.closed_at: datetime | None = None
        self.errands: list[Errand] = []
        self.opens: list[Opening] = []
        self.tells: list[Tell] = []
        self.chores: list[Chore] = []
        self.sent = 0  # errands so far
        self.recorded = 0
        self._events: list[Event] = []
        self._done: dict[str, MatterDone] = {}

    # written by each kind

    @property
    @abstractmethod
    def status(self) -> str:
        """Where it stands."""

    @abstractmethod
    def refusal(self, act: A) -> str | None:
        """The code of domain.errors with which this act is refused now, or None."""

    @abstractmethod
    def apply(self, act: A, now: datetime) -> None:
        """Carries out an act that was checked."""

    @abstractmethod
    def view(self) -> Message:
        """The projection that people read."""

    @abstractmethod
    def waiting(self) -> tuple[Waiting, ...]:
        """Who has the ball, why and until when; empty only when it is closed."""

    def limits(self) -> tuple[Limit, ...]:
        """What time will do, each with a name of its own; a limit that was taken must not be named again."""
        return ()

    def take_limit(self, name: str, now: datetime) -> None:
        """A limit is over."""
        raise NotImplementedError(name)

    def take_outcome(self, errand: Errand, outcome: ExchangeOutcome, now: datetime) -> None:
        """Something sent outward has come to its end."""
        raise NotImplementedError(errand.purpose)

    def take_chore(self, chore: Chore, found: str, now: datetime) -> None:
        """A chore was done; ``found``: what the activity has to say, JSON text."""
        raise NotImplementedError(chore.purpose)

    # shared by all

    def told(self, act: A, now: datetime) -> None:
        """Another matter says something. What cannot be done any more is left, and the trail says so."""
        if (code := self.check(act)) is None:
            self.carry_out(act, now)
        elif self.closed_at is None:
            self.note("told_in_vain", now, actor=act.actor, data={"code": code})

    def check(self, act: A) -> str | None:
        """The code of the refusal, or None if this may be done now, by this person."""
        if act.id in self._done:
            return None
        if self.closed_at is not None:
            return "matter_closed"
        return self.refusal(act)

    def carry_out(self, act: A, now: datetime) -> MatterDone:
        """Carries a checked act out; the same act again gets what it led to the first time."""
        if known := self._done.get(act.id):
            return known
        self.apply(act, now)
        done = self._done[act.id] = MatterDone(status=self.status, at=now, pending=bool(self.errands))
        return done

    def next_wake(self) -> datetime | None:
        """When time itself will next matter."""
        return min((limit.due for limit in self.limits()), default=None) if self.closed_at is None else None

    def take_time(self, now: datetime) -> None:
        """What is due happens, in the order of its days."""
        while self.closed_at is None:
            due = sorted((limit for limit in self.limits() if limit.due <= now), key=lambda limit: limit.due)
            if not due:
                return
            self.take_limit(due[0].name, now)
            if any(limit == due[0] for limit in self.limits()) and self.closed_at is None:
                raise RuntimeError(f"{self.no}: {due[0].name} is still due after it was taken")

    def note(self, what: str, now: datetime, *, actor: Actor = SYSTEM, data: Mapping[str, str] | None = None) -> None:
        """A line for the audit trail, ``filing:approved``. Codes and ids only: texts and people stay in the form."""
        self._events.append(Event(type=f"{self.kind}:{what}", at=now, actor=actor, data=dict(data or {})))

    def next_errand(self) -> int:
        """The number of the next errand."""
        self.sent += 1
        return self.sent

    def close(self, now: datetime) -> None:
        """It is over."""
        self.closed_at = now

    @property
    def dirty(self) -> bool:
        """Whether anything happened since the last batch."""
        return bool(self._events)

    def batch(self, now: datetime) -> MatterBatch:
        """Everything since the last one, numbered."""
        self.recorded += 1
        events, self._events = tuple(self._events), []
        opens, self.opens = tuple(self.opens), []
        return MatterBatch(
            no=self.no,
            kind=self.kind,
            number=self.recorded,
            at=now,
            status=self.status,
            view=self.view().model_dump_json(),
            waiting=self.waiting() if self.closed_at is None else (),
            next_wake=self.next_wake(),
            closed_at=self.closed_at,
            events=events,
            opens=opens,
        )
