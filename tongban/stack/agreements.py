"""What a province and its caller agree on before they talk: generated for a demo, one file for each side."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

Sides = tuple[dict[str, object], dict[str, object]]
"""What the caller holds, what the province holds."""


def _shared(name: str) -> Sides:
    agreed: dict[str, object] = {name: "tongban-demo", "secrets": [secrets.token_hex(32)]}
    return agreed, agreed


def _client(name: str) -> Sides:
    """The other side serves many: it knows each client's secrets by his name."""
    mine, _ = _shared(name)
    return mine, {str(mine[name]): mine["secrets"]}


def _key_pairs() -> Sides:
    """Two key pairs: each side has its own private key and the other's public one."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    def pair() -> tuple[str, str]:
        key = Ed25519PrivateKey.generate()
        return _base64(key.private_bytes_raw()), _base64(key.public_key().public_bytes_raw())

    (mine, my_public), (theirs, their_public) = pair(), pair()
    client, password = "tongban-demo", secrets.token_hex(32)
    caller: dict[str, object] = {
        "client_id": client,
        "client_secret": password,
        "key_id": "tongban-1",
        "private_key": mine,
        "province_keys": {"province-1": their_public},
    }
    province: dict[str, object] = {
        "client_id": client,
        "client_secrets": [password],
        "client_keys": {"tongban-1": my_public},
        "key_id": "province-1",
        "private_key": theirs,
    }
    return caller, province


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


AGREEMENTS: Mapping[str, Callable[[], Sides]] = {
    "310000": _key_pairs,
    "320000": lambda: _shared("app_id"),
    "330000": lambda: _shared("access_key"),
    "340000": lambda: _shared("app_id"),
    "ebills": lambda: _client("access_key"),
}
ADAPTERS: Mapping[str, str] = {"310000": "shanghai", "320000": "jiangsu", "330000": "zhejiang", "340000": "anhui"}
AT_THE_COUNTER: Mapping[str, tuple[str, ...]] = {"340000": ("natural_resources",)}
"""Departments of the simulated provinces that have no interface: a clerk keys in."""


INSURANCE = ("310000", "320000", "330000", "340000", "hub")
"""The insurance platforms and what lies between them."""


def insurance_secrets() -> dict[str, str]:
    """One secret for each pair that talks: we and each of them, the hub and each platform."""
    pairs = [f"tongban-{region}" for region in INSURANCE] + [f"hub-{region}" for region in INSURANCE[:-1]]
    return {pair: secrets.token_hex(32) for pair in pairs}


def insurance_peers(region: str, agreed: Mapping[str, str], urls: Mapping[str, str]) -> dict[str, object]:
    """What one platform, or the hub, knows of those it talks to: addresses and secrets."""
    others = INSURANCE[:-1] if region == "hub" else ("hub",)
    known: dict[str, object] = {"tongban_secrets": [agreed[f"tongban-{region}"]]}
    for other in others:
        pair = f"hub-{other}" if region == "hub" else f"hub-{region}"
        known |= {f"{other}_secrets": [agreed[pair]], f"{other}_url": urls[other]}
    return known


def insurance_file(file: Path, urls: Mapping[str, str], callers: Mapping[str, str]) -> None:
    """Writes the gate's list of insurance platforms: where each is, which file holds what was agreed with it."""
    rows = [
        {
            "region": region,
            "url": url,
            "credentials": callers[region],
            "timeout_s": 10,
            "connect_timeout_s": 3,
            "private_network": True,
        }
        for region, url in sorted(urls.items())
    ]
    _write_whole(file, rows)


def provinces_file(
    file: Path,
    urls: Mapping[str, str],
    callers: Mapping[str, str],
    options: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Writes the adapters' list of provinces: where each is, which file holds what was agreed with it, its options."""
    own = options or {}
    rows = [
        {
            "region": region,
            "adapter": ADAPTERS[region],
            "url": url,
            "credentials": callers[region],
            "timeout_s": 10,
            "connect_timeout_s": 3,
            "private_network": True,
            "pending": {"poll_after_s": 2},
            "options": dict(own.get(region, {})),
            "departments": {name: {"adapter": "clerk"} for name in AT_THE_COUNTER.get(region, ())},
        }
        for region, url in sorted(urls.items())
    ]
    _write_whole(file, rows)


def _write_whole(file: Path, rows: object) -> None:
    temporary = file.with_name(file.name + ".tmp")
    temporary.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
    temporary.replace(file)


def ebills_file(file: Path, url: str, caller: str) -> None:
    """Writes where the e-bill platform is and which file holds what was agreed with it."""
    entry = {"url": url, "credentials": caller, "timeout_s": 10, "connect_timeout_s": 3, "private_network": True}
    temporary = file.with_name(file.name + ".tmp")
    temporary.write_text(json.dumps(entry, indent=1) + "\n", "utf-8")
    temporary.replace(file)
