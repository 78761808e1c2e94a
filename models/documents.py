"""Documents handed in: who, what it is called, and the digest under which the store keeps its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.columns import digest_column, moment


class Document(SQLModel, table=True):
    __tablename__ = "document"

    id: str = Field(primary_key=True)
    owner: str = Field(index=True)
    digest: str = digest_column()
    name: str
    media_type: str
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    created_at: datetime = moment()


async def insert_document(session: AsyncSession, document: Document) -> None:
    """Writes the row; the bytes are in the store before."""
    session.add(document)
    await session.flush()


async def read_documents(session: AsyncSession, owner: str, ids: Sequence[str]) -> dict[str, Document]:
    """Those of ``ids`` that belong to ``owner``."""
    if not ids:
        return {}
    result = await session.execute(select(Document).where(col(Document.owner) == owner, col(Document.id).in_(ids)))
    return {row.id: row for row in result.scalars()}


async def read_document(session: AsyncSession, document_id: str) -> Document | None:
    """One document; the caller knows that it may be seen."""
    return await session.get(Document, document_id)
