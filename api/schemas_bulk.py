"""Many tasks at once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import NO_NUL, Decision


class BulkRow(BaseModel):
    """``revision``: the one you have read; needed to decide."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(max_length=40, pattern=NO_NUL)]
    revision: int | None = Field(default=None, ge=1)


class BulkIn(BaseModel):
    """One action for up to 200 tasks. ``to``: for assign. ``decision``: for decide."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "action": "decide",
                "dry_run": True,
                "tasks": [{"id": "t0123456789abcdef012345678", "revision": 1}],
                "decision": {"outcome": "accept"},
            }
        },
    )

    action: Literal["claim", "release", "assign", "decide"]
    tasks: list[BulkRow] = Field(min_length=1, max_length=200)
    dry_run: bool = False
    to: str = Field(default="", pattern="^[!-~]{0,200}$")
    decision: Decision | None = None


class BulkResult(BaseModel):
    """``ok``: it was done, or in a dry run it would be. ``error``: why not, as in a problem document."""

    id: str
    case_no: str
    ok: bool
    status: str
    error: dict[str, Any] | None


class BulkOut(BaseModel):
    dry_run: bool
    done: int
    failed: int
    results: list[BulkResult]
