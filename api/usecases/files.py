"""Documents that an order or a message refers to: only the sender's own, kept with their digests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.errors import Refusal, Refusals
from domain.messages import Actor
from models.database import Session
from models.documents import read_documents


async def kept_files(session: Session, actor: Actor, ids: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Document id -> what is kept of it; Refusals for what is not the actor's. ``ids``: pointer -> id."""
    found = await read_documents(session, actor.subject, list(ids.values()))
    faults = [Refusal("document_unknown", pointer) for pointer, d in ids.items() if d not in found]
    if faults:
        raise Refusals(faults)
    return {
        d.id: {"id": d.id, "name": d.name, "digest": d.digest, "size": d.size, "media_type": d.media_type}
        for d in found.values()
    }
