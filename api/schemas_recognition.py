"""What goes in and out of the mutual recognition of examinations and tests."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.schemas import NO_NUL, PlaceOut, WaitingOut
from api.schemas_health import ConsentOut, RegionCode
from domain.medical.recognition import Decision, Reason
from domain.messages import Text

Words = Annotated[str, Field(max_length=1000, pattern=NO_NUL)]
ItemCode = Annotated[str, Field(pattern="^[A-Z0-9-]{1,40}$")]
PATIENT = {"certificate_no": "340199194910010042", "psn_no": "34050000000001"}


def _with(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


class PatientIn(BaseModel):
    """Whose reports: by his certificate, and as the insured place numbers him (message 1101)."""

    model_config = _with(PATIENT)

    certificate_no: str = Field(max_length=40, pattern=NO_NUL)
    psn_no: str = Field(pattern="^[0-9A-Za-z]{1,30}$")


class RecognitionIn(BaseModel):
    """``items``: the examinations that are about to be ordered; nothing else is fetched. ``sources``: places whose
    platforms hold reports. ``about``: the stay or visit, if there is one. ``emergency_reason``: the patient cannot be
    asked; reports are fetched at once and he is told.
    """

    model_config = _with(
        {
            "patient": PATIENT,
            "insured": "340500",
            "insutype": "310",
            "sources": ["340500"],
            "items": ["CT-CHEST", "LAB-HBA1C"],
            "institution_name": "上海示例医院",
        }
    )

    patient: PatientIn
    insured: RegionCode
    insutype: Literal["310", "390"]
    sources: list[RegionCode] = Field(min_length=1, max_length=8)
    items: list[ItemCode] = Field(min_length=1, max_length=20)
    institution_name: str = Field(min_length=1, max_length=100, pattern=NO_NUL)
    about: str = Field(default="", max_length=40, pattern=NO_NUL)
    emergency_reason: Words = ""


class RecognitionConsentIn(BaseModel):
    """``version``: of the text that was read. ``granted`` false: declines, or takes a consent back."""

    model_config = _with({"granted": True, "version": "2026.11.1"})

    granted: bool
    version: str = Field(default="", max_length=40)


class DecisionIn(BaseModel):
    """One report: recognised, or examined again with a reason. ``words``: to the patient; R6_OTHER needs them."""

    model_config = _with({"report": "r1", "decision": "re_examine", "reason": "R1_CHANGED", "words": "症状加重"})

    report: str = Field(pattern="^r[0-9]{1,3}$")
    decision: Decision
    reason: Reason | None = None
    words: Words = ""

    @model_validator(mode="after")
    def _words_go_with_a_reason(self) -> Self:
        if self.words and self.decision is Decision.RECOGNISE:
            raise ValueError("words explain a re-examination")
        return self


class EmergencyIn(BaseModel):
    """Why health data have to be read without the patient's consent."""

    model_config = _with({"reason": "患者昏迷，须立即了解用药和检查史"})

    reason: str = Field(min_length=1, max_length=1000, pattern=NO_NUL)


class FindingOut(BaseModel):
    """One condition and what it looked at."""

    rule: str
    holds: bool
    code: str = ""
    text: Text
    facts: dict[str, str]


class ReportOut(BaseModel):
    """A report without its conclusion. ``explanation``: why it is not recognised. ``saved``: fen."""

    id: str
    number: str
    item: str
    name: Text
    kind: str = ""
    source: str
    exam_time: str
    institution: str
    institution_name: str
    mark: dict[str, str]
    equipment: str
    result: str
    digest: str
    state: str
    findings: list[FindingOut]
    valid_until: datetime | None = None
    decided_at: datetime | None = None
    reason: str = ""
    explanation: Text | None = None
    acknowledged_at: datetime | None = None
    saved: int = 0


class RecognitionShort(BaseModel):
    """One line of a list: no health data."""

    no: str
    status: str
    institution: str
    place: PlaceOut
    waiting_on: WaitingOut | None = None
    created_at: datetime
    closed_at: datetime | None = None


class RecognitionOut(RecognitionShort):
    """``reports_hidden``: there are reports you may not read now; consent or an emergency would open them."""

    reason: str = ""
    since: datetime
    about: str = ""
    items: list[str]
    list_version: str
    sources: dict[str, str]
    emergency: bool
    consent: ConsentOut | None = None
    consent_text: dict[str, Any]
    reports: list[ReportOut]
    reports_hidden: bool = False


class RecognitionList(BaseModel):
    recognitions: list[RecognitionShort]


class CountsOut(BaseModel):
    """Reports by what became of them; ``rate``: recognised of those decided about; ``saved``: fen, at list prices."""

    institution: str | None = None
    item: str | None = None
    month: str | None = None
    reports: int
    recognised: int
    re_examined: int
    barred: int
    lapsed: int
    saved: int
    rate: float | None = None


class RecognitionStatisticsOut(BaseModel):
    """Reports from ``since`` to ``until``, by the day of the decision, else of the recognition."""

    since: date
    until: date
    total: list[CountsOut]
    by_institution: list[CountsOut]
    by_item: list[CountsOut]
    by_month: list[CountsOut]
