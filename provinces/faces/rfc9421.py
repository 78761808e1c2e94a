"""HTTP message signatures with Ed25519, RFC 9421 as far as Shanghai needs it: one signature, label ``sig1``."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_PARAMETER = r';(?:[a-z][a-z0-9]*)=(?:"[^"\\]*"|[0-9]{1,15})'
_INPUT = re.compile(rf'sig1=(\(((?:"[a-z0-9@-]+"(?: "[a-z0-9@-]+")*)?)\)((?:{_PARAMETER})*))')
_SIGNATURE = re.compile(r"sig1=:([A-Za-z0-9+/]+=*):")


class Unsigned(Exception):
    """There is no signature to check, or none that can be read."""


@dataclass(frozen=True)
class Signature:
    """A signature off the wire. ``parameters``: the raw text after the label, as it was signed."""

    components: tuple[str, ...]
    parameters: str
    created: int
    nonce: str
    keyid: str
    alg: str
    value: bytes


def read(signature_input: str, signature: str) -> Signature:
    """Both headers; raises Unsigned."""
    said, signed = _INPUT.fullmatch(signature_input), _SIGNATURE.fullmatch(signature)
    if said is None or signed is None:
        raise Unsigned
    pairs = [each.split("=", 1) for each in said[3].split(";")[1:]]
    given = {name: value.strip('"') for name, value in pairs}
    components = tuple(each.strip('"') for each in said[2].split())
    if len(given) != len(pairs) or len(set(components)) != len(components) or not given.get("created", "").isdigit():
        raise Unsigned
    try:
        value = base64.b64decode(signed[1], validate=True)
    except binascii.Error:
        raise Unsigned from None
    return Signature(
        components, said[1], int(given["created"]), given.get("nonce", ""), given.get("keyid", ""),
        given.get("alg", ""), value,
    )  # fmt: skip


def holds(signature: Signature, message: Mapping[str, str], key: Ed25519PublicKey) -> bool:
    """Whether it is the key's signature over the message. ``message``: component -> value as it came."""
    if not set(signature.components) <= set(message):
        return False
    try:
        key.verify(signature.value, _base(signature.components, signature.parameters, message))
    except InvalidSignature:
        return False
    return True


def headers(
    components: Sequence[str], message: Mapping[str, str], key: Ed25519PrivateKey, keyid: str, now: float
) -> dict[str, str]:
    """The two headers for a message that leaves now."""
    listed = " ".join(f'"{name}"' for name in components)
    nonce = secrets.token_hex(16)
    parameters = f'({listed});created={int(now)};nonce="{nonce}";keyid="{keyid}";alg="ed25519"'
    value = base64.b64encode(key.sign(_base(components, parameters, message))).decode()
    return {"Signature-Input": f"sig1={parameters}", "Signature": f"sig1=:{value}:"}


def content_digest(body: bytes) -> str:
    """RFC 9530, sha-256."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _base(components: Sequence[str], parameters: str, message: Mapping[str, str]) -> bytes:
    lines = [f'"{name}": {message[name]}' for name in components]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode()
