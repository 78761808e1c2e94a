"""The words of recognition: what is listed, what a report says, what is decided, what people read of it.

A report never has a conclusion here: 国卫医发〔2022〕6号 第2条 leaves the physician's diagnosis out of what is
recognised.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.medical.matter import Act
from domain.messages import Actor, Message, Text


class ItemKind(StrEnum):
    EXAM = "exam"  # 检查: images and data of ultrasound, X-ray, MRI, electrophysiology, nuclear medicine
    TEST = "test"  # 检验: data from human material


class Parameter(Message):
    """What the equipment must reach, such as the detector rows of a CT."""

    name: str
    title: Text
    at_least: Decimal
    unit: str = ""


class ListedItem(Message):
    """An item that may be recognised. ``charges``: the catalogue codes of the examination itself, which are not
    charged again; ``readings``: those of a consultation on it, which may be. ``price``: fen, for the statistics.
    """

    code: str
    name: Text
    kind: ItemKind
    validity_days: int = Field(ge=1)
    parameters: tuple[Parameter, ...] = ()
    charges: tuple[str, ...]
    readings: tuple[str, ...] = ()
    price: int = Field(ge=0)
    regions: tuple[str, ...]
    tag: str


class Terms(Message):
    """How long things may take, how far back is looked, how many reports are fetched at most."""

    consent_hours: int = Field(ge=1)
    reading_hours: int = Field(ge=1)
    decide_hours: int = Field(ge=1)
    acknowledge_days: int = Field(ge=1)
    lookback_days: int = Field(ge=1)
    most_reports: int = Field(ge=1)
    tag: str


class RecognitionList(Message):
    """The list in force, with its terms; a recognition is pinned to it by ``version``."""

    version: str
    tag: str
    terms: Terms
    items: tuple[ListedItem, ...]

    def find(self, code: str) -> ListedItem | None:
        """The item of that code."""
        return next((item for item in self.items if item.code == code), None)


class ReportEntry(Message):
    """A row of the index (5401), as the platform spells it; days and times are text of Asia/Shanghai."""

    rpt_no: str
    rpt_type: str = ""
    item_code: str
    item_name: str = ""
    exam_time: str
    fixmedins_code: str = ""
    fixmedins_name: str = ""
    hr_scope: str = ""
    qc_cert_no: str = ""
    qc_begndate: str = ""
    qc_enddate: str = ""
    equip: str = ""


class Facts(Message):
    """A report as far as its conditions look at it. ``retrieved``: its details came; ``intact``: they are those of
    the index; ``same_person``: its certificate is the patient's.
    """

    entry: ReportEntry
    retrieved: bool
    intact: bool
    same_person: bool


class Technical(StrEnum):
    """Why the rules forbid recognition."""

    T1_NO_MARK = "T1_NO_MARK"
    T2_SCOPE = "T2_SCOPE"
    T3_EXPIRED = "T3_EXPIRED"
    T4_ID_MISMATCH = "T4_ID_MISMATCH"
    T5_NOT_IN_LIST = "T5_NOT_IN_LIST"
    T6_EQUIP_PARAM = "T6_EQUIP_PARAM"
    T7_NOT_INTACT = "T7_NOT_INTACT"  # ours [DESIGN]: the notes ask for it and give it no code


class Reason(StrEnum):
    """Why the physician examines again: the six cases of the NHC's summary."""

    R1_CHANGED = "R1_CHANGED"
    R2_FAST = "R2_FAST"
    R3_MAJOR = "R3_MAJOR"
    R4_EMERGENCY = "R4_EMERGENCY"
    R5_FORENSIC = "R5_FORENSIC"
    R6_OTHER = "R6_OTHER"  # only with a text


class Decision(StrEnum):
    RECOGNISE = "recognise"
    RE_EXAMINE = "re_examine"


class Finding(Message):
    """One condition with what it looked at. ``code``: what it forbids recognition with, if it does not hold."""

    rule: str
    holds: bool
    code: Technical | None = None
    text: Text
    facts: Mapping[str, str] = Field(default_factory=dict)


class RecognitionStatus(StrEnum):
    """Where a recognition stands."""

    CONSENT = "consent"
    READING = "reading"
    DECIDING = "deciding"
    EXPLAINING = "explaining"
    COMPLETED = "completed"
    NOTHING_FOUND = "nothing_found"
    UNAVAILABLE = "unavailable"  # no platform has given an index in time
    DECLINED = "declined"  # the patient does not consent
    WITHDRAWN = "withdrawn"  # he has taken his consent back before all was decided
    EXPIRED = "expired"  # nobody consented, or nobody decided, in time
    CANCELLED = "cancelled"  # by the institution


S = RecognitionStatus
ENDS = frozenset({S.COMPLETED, S.NOTHING_FOUND, S.UNAVAILABLE, S.DECLINED, S.WITHDRAWN, S.EXPIRED, S.CANCELLED})
TRANSITIONS: Mapping[RecognitionStatus, frozenset[RecognitionStatus]] = {
    S.CONSENT: frozenset({S.READING, S.DECLINED, S.EXPIRED, S.CANCELLED}),
    S.READING: frozenset({S.DECIDING, S.EXPLAINING, S.NOTHING_FOUND, S.UNAVAILABLE, S.WITHDRAWN, S.CANCELLED}),
    S.DECIDING: frozenset({S.EXPLAINING, S.COMPLETED, S.WITHDRAWN, S.EXPIRED, S.CANCELLED}),
    S.EXPLAINING: frozenset({S.COMPLETED, S.WITHDRAWN, S.EXPIRED, S.CANCELLED}),
    **dict.fromkeys(ENDS, frozenset()),
}


class ReportState(StrEnum):
    OPEN = "open"  # the rules allow it, the physician has not decided
    BARRED = "barred"  # the rules forbid it
    RECOGNISED = "recognised"
    RE_EXAMINED = "re_examined"
    LAPSED = "lapsed"  # it ended before anybody decided


class RecognitionStart(Message):
    """What a recognition is started with.

    place: six digits of the institution, where the mark must hold. sources: whose reports are asked for. holder,
    psn: digests, in this matter, of the patient's certificate number and of his number with the insured place. wanted:
    codes of the items that are about to be ordered; items: those of them that are on the list. about: the stay or
    visit, if there is one. emergency: his consent cannot be had; he is told.
    """

    no: str
    institution: str
    institution_name: str
    place: str
    insured: str
    sources: tuple[str, ...]
    holder: str
    psn: str
    wanted: tuple[str, ...]
    items: tuple[ListedItem, ...]
    list_version: str
    terms: Terms
    asked_by: Actor
    about: str = ""
    emergency: bool = False


class ConsentAct(Act):
    """The patient agrees to his reports being fetched, or does not. ``consent``: the id of his consent."""

    act: Literal["consent"] = "consent"
    granted: bool
    consent: str = ""


class WithdrawAct(Act):
    """He takes it back: nothing more is read."""

    act: Literal["withdraw"] = "withdraw"


class DecideAct(Act):
    """The physician decides about one report. ``words``: the part of the form that holds what he tells the patient."""

    act: Literal["decide"] = "decide"
    report: str
    decision: Decision
    reason: Reason | None = None
    words: str = ""


class AcknowledgeAct(Act):
    """The patient has read why reports are not recognised."""

    act: Literal["acknowledge"] = "acknowledge"


class CancelAct(Act):
    """The institution does not need it any more."""

    act: Literal["cancel"] = "cancel"


RecognitionAct = Annotated[
    ConsentAct | WithdrawAct | DecideAct | AcknowledgeAct | CancelAct, Field(discriminator="act")
]


class ReportView(Message):
    """A report as it is kept. ``digest``: SHA-256 of what was fetched; ``message``: the errand whose answer holds the
    result. ``saved``: fen, once it is recognised.
    """

    id: str
    entry: ReportEntry
    source: str
    name: Text
    kind: ItemKind | None = None
    message: int = 0
    digest: str = ""
    same_person: bool = False
    state: ReportState
    findings: tuple[Finding, ...]
    valid_until: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: Reason | None = None
    words: str = ""
    acknowledged_at: datetime | None = None
    charges: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    saved: int = 0


class RecognitionView(Message):
    """The projection. ``sources``: place -> asked, authorised, indexed, or the code of a refusal."""

    status: RecognitionStatus
    reason: str = ""
    since: datetime
    place: str
    institution: str
    list_version: str
    sources: Mapping[str, str]
    reports: tuple[ReportView, ...] = ()
    consent: str = ""
    consented_at: datetime | None = None
    withdrawn_at: datetime | None = None
    emergency: bool = False
