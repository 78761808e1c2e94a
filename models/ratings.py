"""好差评: what applicants say of a case that has ended, once each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, Column, ForeignKey
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.columns import json_column, moment


class Rating(SQLModel, table=True):
    """``stars``: 5 very satisfied to 1 very dissatisfied. ``follow_up``: the task that a bad one has opened."""

    __tablename__ = "rating"

    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), primary_key=True))
    stars: int
    aspects: list[Any] = json_column()
    text: str
    by_subject: str
    by_basis: str = ""
    at: datetime = moment()
    follow_up: str = ""


async def insert_rating(session: AsyncSession, rating: Rating) -> None:
    """The one rating of a case; the caller holds the case and has seen that there is none yet."""
    session.add(rating)
    await session.flush()


async def read_rating(session: AsyncSession, case_no: str) -> Rating | None:
    """The rating of a case, or None."""
    return await session.get(Rating, case_no)
