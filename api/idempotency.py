"""Idempotency-Key: same key and body -> the stored answer; same key, other body -> 409; one winner in the database.

Work that only writes the database runs in the transaction that takes the key, so that key and work stand or fall
together. An order that goes to a workflow takes the key first and carries an id derived from it: done again after a
crash, it is the same order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.house import house
from domain.errors import Refusal
from domain.messages import Actor
from models import idempotency
from models.database import Session
from models.idempotency import Idempotency

HEADER = "Idempotency-Key"
_VALID = re.compile(r"[A-Za-z0-9_-]{1,255}")


class Answer(BaseModel):
    """A status, headers and a body that can be kept."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @classmethod
    def of(cls, body: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
        """From a response model."""
        return cls(status=status, headers=dict(headers or {}), body=jsonable_encoder(body))

    def response(self, *, replayed: bool = False) -> JSONResponse:
        """As it goes out."""
        extra = {"Idempotent-Replayed": "true"} if replayed else {}
        return JSONResponse(self.body, status_code=self.status, headers=self.headers | extra)


def key_of(request: Request) -> str:
    """The caller's key or empty; Refusal if it is malformed."""
    key = request.headers.get(HEADER)
    if key is None:
        return ""
    if not _VALID.fullmatch(key):
        raise Refusal("idempotency_key_invalid", f"/{HEADER}")
    return key


async def _digest(request: Request) -> str:
    content = f"{request.method} {request.url.path}\n".encode() + await request.body()
    return hashlib.sha256(content).hexdigest()


async def in_transaction(
    request: Request, actor: Actor, work: Callable[[Session], Awaitable[Answer]], digest: str = ""
) -> JSONResponse:
    """Runs database work under the caller's key, all in one transaction."""
    key = key_of(request)
    async with house(request).database.begin() as session:
        if not key:
            return (await work(session)).response()
        digest = digest or await _digest(request)
        earlier = await idempotency.reserve(session, actor.subject, key, digest)
        if earlier is not None:
            return _replay(earlier, digest)
        answer = await work(session)
        await idempotency.answer(session, actor.subject, key, answer.status, answer.headers, answer.body)
        return answer.response()


async def around_order(request: Request, actor: Actor, work: Callable[[], Awaitable[Answer]]) -> JSONResponse:
    """Runs an order under the caller's key; the order's own id makes a second run harmless."""
    key = key_of(request)
    if not key:
        return (await work()).response()
    database, digest = house(request).database, await _digest(request)
    async with database.begin() as session:
        earlier = await idempotency.reserve(session, actor.subject, key, digest)
    if earlier is not None and (earlier.digest != digest or earlier.status):
        return _replay(earlier, digest)
    answer = await work()
    async with database.begin() as session:
        await idempotency.answer(session, actor.subject, key, answer.status, answer.headers, answer.body)
    return answer.response()


def _replay(earlier: Idempotency, digest: str) -> JSONResponse:
    if earlier.digest != digest:
        raise Refusal("idempotency_conflict", f"/{HEADER}")
    if not earlier.status or earlier.body is None:
        raise Refusal("in_flight")
    return Answer(status=earlier.status, headers=earlier.headers, body=earlier.body).response(replayed=True)
