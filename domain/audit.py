"""The chain that makes tampering visible: each event's hash covers the one before it in its case."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC

from domain.messages import Actor
from domain.record import Event

GENESIS = "0" * 64
MIGRATED = "case:migrated"  # from ``from_digest`` to ``to_digest`` of its data
SUPERSEDED = "record:batch:superseded"  # the events ``from`` … ``to`` of its data are void


def body_hash(case_no: str, event: Event) -> str:
    """SHA-256 over the canonical event: sorted keys, UTC microseconds, UTF-8."""
    body = {
        "case": case_no,
        "type": event.type,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": _spelled(event.actor),
        "leg": event.leg,
        "step": event.step,
        "data": dict(event.data),
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _spelled(actor: Actor) -> dict[str, str]:
    """Who acts for himself is spelled without a principal."""
    spelled: dict[str, str] = actor.model_dump(mode="json", exclude={"principal", "basis"})
    return spelled | {"principal": actor.principal, "basis": actor.basis.value} if actor.basis else spelled


def event_hash(previous: str, case_no: str, seq: int, event: Event) -> str:
    """SHA-256 over the previous hash, the place in the chain and the event's own hash."""
    return hashlib.sha256(f"{previous}{seq}{body_hash(case_no, event)}".encode()).hexdigest()


def seal_hash(previous: str, event_hashes: Iterable[str]) -> str:
    """A seal covers a run of events of all cases in the order they were written, and the seal before it."""
    digest = hashlib.sha256(previous.encode())
    for item in event_hashes:
        digest.update(item.encode())
    return digest.hexdigest()
