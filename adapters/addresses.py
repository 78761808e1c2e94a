"""Which addresses may be called. A gateway's address comes from a file, and a name from whoever runs its zone: neither
may lead into a network of our own unless that is meant (``private_network``).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from adapters.errors import Misconfigured, Unavailable

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")  # RFC 8215: of somebody's own network
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")  # RFC 3879: of somebody's own network, too


class PublicOnly(httpx.AsyncBaseTransport):
    """Looks the host up itself and connects to what it has looked at, so that a name cannot change in between."""

    def __init__(self, inner: httpx.AsyncHTTPTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Unavailable if nobody knows the name, Misconfigured if any of its addresses is not of the internet."""
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as unknown:
            raise Unavailable("name_unknown", type(unknown).__name__) from unknown
        addresses = [str(entry[4][0]) for entry in found]
        if not all(is_public(address) for address in addresses):
            raise Misconfigured("private_address", "the address is in a private range; private_network allows it")
        pinned = request.url.copy_with(host=addresses[0])
        extensions = request.extensions | {"sni_hostname": host}
        return await self._inner.handle_async_request(
            httpx.Request(request.method, pinned, headers=request.headers, stream=request.stream, extensions=extensions)
        )

    async def aclose(self) -> None:
        """Closes what it connects with."""
        await self._inner.aclose()


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's: not private, loopback, link-local, shared, reserved or multicast.
    An IPv6 address that stands for an IPv4 one is judged by that."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        translated = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF) if parsed in _NAT64 else None
        parsed = parsed.ipv4_mapped or parsed.sixtofour or translated or parsed
    odd = parsed.is_multicast or parsed.is_reserved or parsed in _LOCAL_NAT64 or parsed in _SITE_LOCAL
    return parsed.is_global and not odd


def plain_address(url: str) -> str:
    """The address, if nothing about it is odd; ValueError otherwise."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be http(s)://host[:port][/path] without user, query or fragment")
    if re.fullmatch(r"\d+|0x[0-9a-f]+|(0[0-7]+\.).*", host) or not re.fullmatch(r"[a-z0-9.:-]+", host):
        raise ValueError("host must be a plain name or a dotted address")
    if not re.fullmatch(r"[A-Za-z0-9/._~-]*", parts.path):
        raise ValueError("path must be plain, without escapes")
    parts.port  # noqa: B018 - raises ValueError for a port that is none
    return url


def leads_astray(data: Mapping[str, str], *, private: bool) -> bool:
    """Whether an address among result fields (``*_url``) may not be shown to people."""
    return not all(is_link(value, private=private) for name, value in data.items() if name.endswith("_url"))


def is_link(value: str, *, private: bool) -> bool:
    """Whether an address in an answer may be shown to people: http(s), a plain host, and none of a private range."""
    try:
        plain_address(value.partition("?")[0])
        host = urlsplit(value).hostname or ""
    except ValueError:
        return False
    if private:
        return True
    try:
        return is_public(host)
    except ValueError:  # a name: the browser looks it up, not we
        *above, last = host.split(".")
        # a last label like a number makes the whole an address to a browser: 127.1, 0x7f.1
        return bool(above) and last != "localhost" and re.fullmatch(r"\d*|0x[0-9a-f]*", last) is None
