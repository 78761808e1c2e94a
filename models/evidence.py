"""Evidence of a case: what a register offered, whether the applicant accepted its use, what was released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, Column, ForeignKey, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.record import EvidenceChange, EvidenceState
from models.columns import json_column, moment


class Evidence(SQLModel, table=True):
    """One item per evidence step. The row with its command is the consent: who, for what, to whom, when."""

    __tablename__ = "evidence"

    id: str = Field(primary_key=True)
    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), nullable=False, index=True))
    step: str
    region: str
    department: str
    state: str
    preview: dict[str, Any] | None = json_column(null=True)
    content: dict[str, Any] | None = json_column(null=True)
    document_id: str = ""
    command_id: str = ""
    updated_at: datetime = moment()


async def apply_changes(session: AsyncSession, case_no: str, changes: Sequence[EvidenceChange], at: datetime) -> None:
    """The state of evidence as the process says; what a province sent is written by its own activity."""
    for change in changes:
        state = {"state": change.state, "command_id": change.command, "updated_at": at}
        row = {
            "id": change.id,
            "case_no": case_no,
            "step": change.step,
            "region": change.place.region,
            "department": change.place.department,
            "document_id": "",
        }
        await session.execute(
            upsert(Evidence).values(row | state).on_conflict_do_update(index_elements=["id"], set_=state)
        )


async def store_found(
    session: AsyncSession,
    row: Mapping[str, str],
    *,
    preview: Mapping[str, str] | None,
    content: Mapping[str, str] | None,
    at: datetime,
) -> None:
    """What a register offered (preview) or released (content). ``row``: id, case_no, step, region, department."""
    values: dict[str, Any] = {"updated_at": at}
    if preview is not None:
        values["preview"] = dict(preview)
    if content is not None:
        values["content"] = dict(content)
    first = {"state": EvidenceState.REQUESTED, "document_id": "", "command_id": ""}
    await session.execute(
        upsert(Evidence).values(dict(row) | first | values).on_conflict_do_update(index_elements=["id"], set_=values)
    )


async def read_evidence(session: AsyncSession, evidence_id: str) -> Evidence | None:
    """One item or None."""
    return await session.get(Evidence, evidence_id)


async def evidence_of(session: AsyncSession, case_no: str) -> Sequence[Evidence]:
    """All evidence of a case."""
    result = await session.execute(select(Evidence).where(col(Evidence.case_no) == case_no).order_by(col(Evidence.id)))
    return result.scalars().all()


async def attach_document(session: AsyncSession, evidence_id: str, document_id: str) -> None:
    """The applicant's own document in place of what was offered."""
    await session.execute(update(Evidence).where(col(Evidence.id) == evidence_id).values(document_id=document_id))
