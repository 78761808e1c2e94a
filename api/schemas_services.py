"""What goes out about services, their clocks and what they want, before there is a case."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from domain.messages import Text


class LimitOut(BaseModel):
    days: int
    unit: str
    basis: Text
    tag: str


class DeadlinePreview(BaseModel):
    """A day and why. ``working_days``: how many lie between the start, which does not count, and the day."""

    due: date
    provisional: bool
    explanation: list[Text]
    working_days: int


class ClockPreview(BaseModel):
    """The limits of one clock, as if it started on the day asked about."""

    id: str
    title: Text
    starts: str
    stops: str
    legal: DeadlinePreview | None
    promised: DeadlinePreview | None


class ServiceDeadlines(BaseModel):
    service: str
    version: str
    clocks: list[ClockPreview]


class ClockPlanOut(BaseModel):
    id: str
    title: Text
    starts: str
    stops: str
    legal: LimitOut | None
    promised: LimitOut | None


class ServiceShort(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "code": "YRD-ENT-MOVE",
                "version": "2026.11.1",
                "title": {"zh": "企业跨省迁移登记", "en": "Moving a company to another province"},
                "summary": {"zh": "向迁入地一次申请……", "en": "One application to the destination …"},
                "applicant": ["legal_person"],
            }
        }
    )

    code: str
    version: str
    title: Text
    summary: Text
    applicant: list[str]


class MaterialOut(BaseModel):
    id: str
    title: Text
    source: str
    required: bool
    fetched_by: str = Field(description="the step that fetches it; empty: you upload it")
    required_when: str = ""
    tolerance: str = Field(default="core", description="core | deferrable (容缺) | commitment (告知承诺)")
    due: LimitOut | None = Field(default=None, description="until when a promised one is due, from acceptance")
    on_broken: str = Field(default="", description="what a broken promise leads to: task | terminate")
    original: bool = Field(default=False, description="the paper travels to the archive")


class StepPlanOut(BaseModel):
    id: str
    kind: str
    title: Text
    needs: list[str]
    department: str
    region: str = Field(description="fixed region, or empty when the form decides")
    region_field: str
    operation: str
    undone_by: str
    not_reversible: Text | None


class LegPlanOut(BaseModel):
    id: str
    title: Text
    steps: list[StepPlanOut]


class FeePlanOut(BaseModel):
    id: str
    title: Text
    amount_fen: int
    when: str
    before: str
    refund_on: list[str]
    basis: Text
    tag: str


class ConsentOut(BaseModel):
    """``needed``: this service is not submitted without it. Name ``version`` as ``consent`` in the submission."""

    version: str
    title: Text
    text: Text
    needed: bool
    tag: str


class ServiceOut(ServiceShort):
    mode: str
    form: dict[str, JsonValue] = Field(description="JSON Schema")
    eligibility: list[dict[str, Any]]
    materials: list[MaterialOut]
    legs: list[LegPlanOut]
    clocks: list[ClockPlanOut]
    results: list[dict[str, Any]]
    cannot_be_undone: list[Text]
    acting: list[str] = Field(default=[], description="on what basis somebody may apply for another")
    cosigners: list[Text] = Field(default=[], description="who has to confirm before the submission counts")
    fees: list[FeePlanOut] = []
    partial: dict[str, Any] = Field(default={}, description="what becomes of the rest when a part fails")
    supplement: LimitOut | None = Field(default=None, description="how long you have to answer the one-time notice")
    procedures: list[dict[str, Any]] = []
    retention: dict[str, Any] | None = None
    provinces: dict[str, dict[str, str]] = Field(default={}, description="what differs from province to province")
    tag: str
    digest: str


class ServiceList(BaseModel):
    services: list[ServiceShort]


class PrecheckOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"eligible": True, "errors": [], "upload": ["resolution"], "fetched": ["shareholder"]}
        }
    )

    eligible: bool
    errors: list[dict[str, str]]
    upload: list[str] = Field(description="materials you hand in")
    fetched: list[str] = Field(description="materials we fetch once you have seen and accepted them")
