"""What goes in and out about provinces: how they are doing, the brake, what was put aside."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.schemas import NO_NUL


class ProvinceState(StrEnum):
    HELD = "held"  # an operator has put the brake on
    DOWN = "down"  # the breaker of a worker is open
    DEGRADED = "degraded"  # more than one call in five fails
    UP = "up"
    IDLE = "idle"  # nobody has called it lately


class LatencyOut(BaseModel):
    """Milliseconds of the exchanges of the last quarter of an hour; null without any."""

    p50: float | None
    p95: float | None


class BrakeOut(BaseModel):
    """``rate_per_s``: calls a second, null for no limit beside the configured one. ``told``: the queue knows of it."""

    held: bool
    rate_per_s: float | None
    reason: str
    changed_by: str
    changed_at: datetime | None
    revision: int
    told: bool = True


class ProvinceOut(BaseModel):
    """One province as seen by all workers."""

    region: str
    adapter: str
    state: ProvinceState
    verbs: list[str]
    answers: list[str]
    keys: bool
    calls: int = Field(description="exchanges in the last quarter of an hour")
    latency_ms: LatencyOut
    error_share: float = Field(description="of those exchanges, 0 to 1")
    breaker: str = Field(description="closed | half_open | open")
    last_success: datetime | None
    unknown_outcomes: int = Field(description="effects that may have been done and nobody knows")
    unanswered: int = Field(description="effects without an answer, those included")
    contradictions: int = Field(description="messages of the last seven days that contradict what is on record")
    configured_rate_per_s: float | None
    brake: BrakeOut


class ProvinceList(BaseModel):
    provinces: list[ProvinceOut]


class BrakeIn(BaseModel):
    """What is left out stays as it is; ``rate_per_s`` null takes the operator's limit away."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"held": True, "reason": "对方系统升级，已电话确认"}}
    )

    held: bool | None = None
    rate_per_s: float | None = Field(default=None, gt=0, le=10000, allow_inf_nan=False)
    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]

    @model_validator(mode="after")
    def _something(self) -> Self:
        if "held" not in self.model_fields_set and "rate_per_s" not in self.model_fields_set:
            raise ValueError("held or rate_per_s is needed")
        return self


class QuarantineOut(BaseModel):
    """An answer that was about somebody else; its values are not kept, only what it was."""

    case_no: str
    step: str
    key: str
    came_by: str = Field(description="answer | callback | file")
    code: str
    digest: str = Field(description="SHA-256 of the answer as it was read")
    fields: list[str]
    at: datetime


class DifferenceOut(BaseModel):
    """One thing that the province's file and our books say differently."""

    kind: str = Field(description="extra | missing | contradiction | number")
    business_number: str
    case_no: str
    step: str
    department: str
    operation: str
    reference: str = Field(description="the province's number in the file")
    ours: str = Field(description="the province's number in our books")


class ResultFileOut(BaseModel):
    """A nightly file that was read. ``taken``: rows that brought an end we had been waiting for."""

    day: date
    digest: str
    rows: int
    known: int
    taken: int
    read_at: datetime
    differences: list[DifferenceOut]


class ResultFileList(BaseModel):
    files: list[ResultFileOut]


class QuarantineList(BaseModel):
    entries: list[QuarantineOut]
