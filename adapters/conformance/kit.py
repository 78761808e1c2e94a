"""One run over one adapter: what all its checks share."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint

import httpx
from pydantic import JsonValue

from adapters.conformance.controls import Controls
from adapters.conformance.mailbox import Letter, Mailbox
from adapters.conformance.model import Control, Failed
from adapters.conformance.profile import Keys, Profile, Unusable
from adapters.credentials import GivenCredentials
from adapters.entries import ConfigurationError
from adapters.port import AdapterFactory
from adapters.registry import GROUP, find_adapter, load_adapter
from domain.effects import ProvinceCall

_AUTHORISATION = re.compile(r"(?im)^(authorization: *\w+ +)(\S+)")
_TOKEN = re.compile(r'"access_token" *: *"([^"]{8,})"')


def load(name: str) -> AdapterFactory:
    """An adapter by its entry point's name, or as ``module:Class``; Unusable says what is wrong."""
    try:
        return load_adapter(name, EntryPoint(name, name, GROUP)) if ":" in name else find_adapter(name)
    except ConfigurationError as wrong:
        raise Unusable(f"适配器不可用：{wrong}\nThe adapter cannot be used: {wrong}") from None


class Exchangeable(GivenCredentials):
    """Credentials that a check can exchange under a living adapter, as a rotated file does."""

    def become(self, values: Mapping[str, JsonValue]) -> None:
        """From now on these."""
        self._values = values


@dataclass
class Harvest:
    """What was called back about one matter that took its time. ``letters``: all that came, in order."""

    call: ProvinceCall
    marks: tuple[str, ...]
    letters: list[Letter]


@dataclass
class Kit:
    """Everything a check may need.

    harvests: callbacks that several checks look at are waited for once. errors: what was raised so far, by check.
    """

    name: str
    factory: AdapterFactory
    target: str
    profile: Profile
    keys: Keys
    mailbox: Mailbox
    controls: Controls | None = None
    harvests: dict[str, Harvest | Failed] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    tokens: set[str] = field(default_factory=set)
    errors: list[tuple[str, Exception]] = field(default_factory=list)
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    @property
    def place(self) -> str:
        """Where calls are addressed to."""
        return self.profile.place or self.profile.region

    def offers(self, control: Control) -> bool:
        """Whether the target has it."""
        return self.controls is not None and control in self.controls.offered

    def transport(self) -> httpx.AsyncBaseTransport:
        """Connections as the adapter would open them itself, without loading the certificates anew each time."""
        return httpx.AsyncHTTPTransport(verify=self.tls, limits=httpx.Limits(max_connections=64), trust_env=False)

    def masked(self, raw: bytes, longest: int = 6000) -> str:
        """Bytes of the wire for a reader, without what only the two sides may know."""
        text = _readable(raw)
        self.tokens.update(found for found in _TOKEN.findall(text))
        text = _AUTHORISATION.sub(r"\1***", text)
        for secret in (*self.keys.secret_texts(), *self.tokens):
            text = text.replace(secret, "***")
        return text if len(text) <= longest else f"{text[:longest]}\n… ({len(text)})"


def _readable(raw: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "�", text.replace("\r\n", "\n"))
    return re.sub(r"[^\n\x20-\x7e]", ".", raw.decode("latin-1").replace("\r\n", "\n"))
