"""Where the keys come from that access tokens are checked with: a file, an address, or an issuer's discovery.

The keys are cached for five minutes. A token signed with a key nobody has seen yet makes the source look again, but at
most every ten seconds, so that forged key ids cannot turn the API into a hammer on the identity provider. When the
provider is down, known keys stay good for an hour: a login outage must not also stop people who are already logged in.
"""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

MAX_AGE_S = 300.0
PAUSE_S = 10.0
STALE_S = 3600.0
LARGEST_DOCUMENT = 256 * 1024


class KeysUnavailable(Exception):
    """No usable keys. ``code``: unreachable | unreadable | wrong_issuer | bad_address | no_public_keys."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class KeySource(Protocol):
    """Gives the keys of the token issuer. ``kid``: the key id of the token at hand, to notice new keys."""

    async def keys(self, kid: str | None = None) -> KeySet: ...

    async def aclose(self) -> None: ...


class _Cached(ABC):
    """The caching all sources share; ``_load`` brings a fresh set."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = asyncio.Lock()
        self._keys: KeySet | None = None
        self._loaded = 0.0
        self._tried: float | None = None
        self._failure: KeysUnavailable | None = None

    async def keys(self, kid: str | None = None) -> KeySet:
        """The current keys; raises KeysUnavailable."""
        if self._keys is not None and not self._wanted(self._keys, kid):
            return self._keys
        async with self._lock:
            # whoever waited here finds what the first one brought
            if self._keys is not None and not self._wanted(self._keys, kid):
                return self._keys
            if self._tried is None or self._clock() - self._tried >= PAUSE_S:
                await self._refresh()
            if self._keys is None or self._clock() - self._loaded > STALE_S:
                raise self._failure or KeysUnavailable("unreachable")
            return self._keys

    def _wanted(self, keys: KeySet, kid: str | None) -> bool:
        now = self._clock()
        if now - self._loaded >= MAX_AGE_S:
            return True
        unknown = kid is not None and all(key.kid != kid for key in keys.keys)
        return unknown and (self._tried is None or now - self._tried >= PAUSE_S)

    async def _refresh(self) -> None:
        self._tried = self._clock()
        try:
            self._keys = _public(await self._load())
            self._loaded = self._clock()
            self._failure = None
        except KeysUnavailable as failure:
            self._failure = failure

    @abstractmethod
    async def _load(self) -> dict[str, object]:
        """The set as published; raises KeysUnavailable."""


class FileKeys(_Cached):
    """A JWKS file, for air-gapped sites and for the demo."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._path = path

    async def aclose(self) -> None:
        """A file is not kept open."""

    async def _load(self) -> dict[str, object]:
        try:
            return _document(await asyncio.to_thread(self._path.read_bytes))
        except OSError:
            raise KeysUnavailable("unreachable") from None


class UrlKeys(_Cached):
    """A JWKS at an address."""

    def __init__(
        self,
        url: str,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(clock)
        self._url = url
        self._client = httpx.AsyncClient(
            transport=transport, timeout=httpx.Timeout(5.0), follow_redirects=False, trust_env=False
        )

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def _load(self) -> dict[str, object]:
        return await self._get(self._url)

    async def _get(self, url: str) -> dict[str, object]:
        if urlsplit(url).scheme not in ("http", "https"):
            raise KeysUnavailable("bad_address")
        parts, size = [], 0
        try:
            async with asyncio.timeout(10.0), self._client.stream("GET", url) as response:
                if response.status_code != 200:
                    raise KeysUnavailable("unreachable")
                async for part in response.aiter_bytes():
                    size += len(part)
                    if size > LARGEST_DOCUMENT:
                        raise KeysUnavailable("unreadable")
                    parts.append(part)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            raise KeysUnavailable("unreachable") from None
        return _document(b"".join(parts))


class DiscoveredKeys(UrlKeys):
    """The keys of an OpenID Connect issuer, found by discovery (OpenID Connect Discovery 1.0, section 4)."""

    def __init__(
        self,
        issuer: str,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(issuer.rstrip("/") + "/.well-known/openid-configuration", transport, clock)
        self._issuer = issuer

    async def _load(self) -> dict[str, object]:
        found = await self._get(self._url)
        # section 4.3: the issuer must be exactly the one asked, or somebody else answers for it
        if found.get("issuer") != self._issuer:
            raise KeysUnavailable("wrong_issuer")
        address = found.get("jwks_uri")
        if not isinstance(address, str) or (self._issuer.startswith("https:") and not address.startswith("https:")):
            raise KeysUnavailable("bad_address")
        return await self._get(address)


def _document(body: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise KeysUnavailable("unreadable") from None
    if not isinstance(parsed, dict):
        raise KeysUnavailable("unreadable")
    return parsed


def _public(document: dict[str, object]) -> KeySet:
    """Only public signing keys: a symmetric key in a JWKS would let everybody who can read it sign tokens."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise KeysUnavailable("unreadable")
    usable = [
        key
        for key in listed
        if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
    ]
    usable = [{name: value for name, value in key.items() if name not in _PRIVATE_PARTS} for key in usable]
    if not usable:
        raise KeysUnavailable("no_public_keys")
    try:
        return KeySet.import_key_set(cast(KeySetSerialization, {"keys": usable}))
    except (JoseError, ValueError, TypeError, KeyError):
        raise KeysUnavailable("unreadable") from None


_PRIVATE_PARTS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
