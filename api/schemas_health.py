"""What goes in and out about health data: consents, readings, notices."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import PlaceOut
from domain.medical.access import DataKind
from domain.messages import Text

InstitutionCode = Annotated[str, Field(pattern="^[HP][0-9]{11}$")]
RegionCode = Annotated[str, Field(pattern="^3[1-4][0-9]{4}$")]


class ConsentIn(BaseModel):
    """Lets institutions read kinds of records. ``provinces``: only of matters there; empty: of all."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"version": "2026.11.1", "scope": ["stay", "bill"], "institutions": ["H31010400001"]}
        },
    )

    version: str = Field(max_length=40)
    scope: list[DataKind] = Field(min_length=1, max_length=len(DataKind))
    institutions: list[InstitutionCode] = Field(min_length=1, max_length=20)
    provinces: list[RegionCode] = Field(default=[], max_length=20)


class ConsentOut(BaseModel):
    id: str
    purpose: str
    scope: list[str]
    institutions: list[str]
    provinces: list[str]
    matter: str = ""
    text_version: str
    granted_at: datetime
    withdrawn_at: datetime | None = None


class ConsentList(BaseModel):
    """``texts``: by purpose, those in force."""

    consents: list[ConsentOut]
    texts: dict[str, dict[str, Any]]


class ReadOut(BaseModel):
    """``reader`` tells apart who has read about you; who it was the institution or authority can tell."""

    id: int
    at: datetime
    what: str
    matter: str
    basis: str
    basis_text: Text
    consent: str = ""
    reason: str = ""
    by: PlaceOut
    role: str
    reader: str


class NoticeOut(BaseModel):
    """Somebody has read in an emergency."""

    id: int
    at: datetime
    seen_at: datetime | None = None
    read: ReadOut


class ReadLogOut(BaseModel):
    """``next``: goes on with ``before`` this number; none: that was all."""

    reads: list[ReadOut]
    next: int | None = None
    notices: list[NoticeOut]
