"""What callers of all faces have in common: signing by hand, and answers in words that are the same for all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import hashes

KEYS = json.loads((Path(__file__).parents[2] / "provinces" / "credentials.json").read_text("utf-8"))
KEYLESS = ("preview", "verify")


def new_key() -> str:
    """A key as the engine makes it."""
    return secrets.token_hex(32)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def hmac256(secret: str, *lines: str) -> bytes:
    return hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).digest()


def sm3(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def hmac_sm3(secret: str, text: str) -> str:
    """RFC 2104 by hand, block of 64 bytes."""
    key = secret.encode()
    key = (sm3(key) if len(key) > 64 else key).ljust(64, b"\0")
    inner = sm3(bytes(b ^ 0x36 for b in key) + text.encode())
    return sm3(bytes(b ^ 0x5C for b in key) + inner).hex().upper()


@dataclass
class Reply:
    """An answer in words that are the same for all faces. ``problem``: code, where there is no outcome."""

    raw: httpx.Response
    key: str = ""
    number: str = ""
    state: str = ""
    result: dict[str, str] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    wants: str = ""
    after: int = 0
    problem: str = ""
    sent_as: str = ""


class Caller(ABC):
    """Somebody who calls a province. ``client``: with the address of the province in it."""

    region = ""
    asynchronous = False

    def __init__(self, client: httpx.AsyncClient, keys: Mapping[str, object] | None = None) -> None:
        self.client = client
        self.keys = dict(keys or KEYS[self.region])
        self.now: Callable[[], float] = time.time

    @abstractmethod
    async def send(
        self, action: str, department: str, service: str, fields: Mapping[str, object] | None = None, *,
        key: str | None = None, original: Reply | None = None, case: str = "CASE-1",
    ) -> Reply:  # fmt: skip
        """One order."""

    @abstractmethod
    async def find(self, reply: Reply) -> Reply | None:
        """The matter as it stands; None if there is none."""

    @abstractmethod
    async def health(self) -> httpx.Response:
        """Whether the house is up."""
