"""Evidence of a case: what a register offered, whether the applicant accepted its use, what was released."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, Column, ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

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


async def read_evidence(session: AsyncSession, evidence_id: str) -> Evidence | None:
    """One item or None."""
    return await session.get(Evidence, evidence_id)


async def evidence_of(session: AsyncSession, case_no: str) -> Sequence[Evidence]:
    """All evidence of a case."""
    result = await session.execute(select(Evidence).where(col(Evidence.case_no) == case_no).order_by(col(Evidence.id)))
    return result.scalars().all()
