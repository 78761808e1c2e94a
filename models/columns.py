"""Column shorthands, so that every table spells time and JSON alike: aware timestamps, JSONB."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CHAR, BigInteger, Column, DateTime, Identity, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field


def moment(*, null: bool = False, primary_key: bool = False) -> Any:
    """timestamptz."""
    column = Column(DateTime(timezone=True), nullable=null, primary_key=primary_key)
    return Field(default=None if null else ..., sa_column=column)


def json_column(*, null: bool = False) -> Any:
    """JSONB; where it may be null, None is the NULL of the database and not the null of JSON."""
    return Field(default=None if null else ..., sa_column=Column(JSONB(none_as_null=null), nullable=null))


def text_array() -> Any:
    """text[]."""
    return Field(sa_column=Column(ARRAY(Text), nullable=False))


def digest_column(*, primary_key: bool = False) -> Any:
    """64 hex characters."""
    return Field(sa_column=Column(CHAR(64), primary_key=primary_key, nullable=False))


def serial() -> Any:
    """A bigint that the database counts up."""
    return Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))


def fen(*, null: bool = False) -> Any:
    """bigint: an amount in fen."""
    return Field(default=None if null else ..., sa_column=Column(BigInteger, nullable=null))


def region_column(*, primary_key: bool = False) -> Any:
    """Six digits, GB/T 2260."""
    return Field(sa_column=Column(CHAR(6), primary_key=primary_key, nullable=False))
