"""How this house speaks to Temporal: one plugin with converter, codec and sandbox, so that client, worker and
replayer cannot drift apart. What Temporal stores is compressed and encrypted; failures are encoded too.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec
from temporalio.envconfig import ClientConfig
from temporalio.plugin import SimplePlugin
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

ENCODING = b"binary/tongban-1"
WORTH_COMPRESSING = 512
NONCE = 12


class KeyRing:
    """Named AES-256 keys; ``current`` encrypts, all decrypt. JSON: {"current": id, "keys": {id: base64}}."""

    def __init__(self, current: str, keys: dict[str, bytes]) -> None:
        if current not in keys:
            raise ValueError(f"payload key ring: current key {current!r} is not in it")
        if any(len(key) != 32 for key in keys.values()):
            raise ValueError("payload key ring: every key must be 32 bytes")
        self.current = current
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}

    @classmethod
    def read(cls, path: Path) -> KeyRing:
        """From its file."""
        data = json.loads(path.read_text("utf-8"))
        return cls(data["current"], {name: base64.b64decode(key) for name, key in data["keys"].items()})

    def seal(self, plain: bytes) -> tuple[str, bytes]:
        """(key id, nonce + ciphertext)."""
        nonce = os.urandom(NONCE)
        return self.current, nonce + self._ciphers[self.current].encrypt(nonce, plain, None)

    def open(self, key_id: str, sealed: bytes) -> bytes:
        """The plain bytes; ValueError if the key is unknown or the bytes were changed."""
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise ValueError(f"payload was encrypted with the unknown key {key_id!r}")
        try:
            return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], None)
        except InvalidTag as error:
            raise ValueError("payload was changed or encrypted with another key") from error


class EncryptingCodec(PayloadCodec):
    """Compresses what is worth it, encrypts everything."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._encode(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._decode(payload) for payload in payloads]

    def _encode(self, payload: Payload) -> Payload:
        plain = payload.SerializeToString()
        packed = len(plain) >= WORTH_COMPRESSING
        key_id, sealed = self._keys.seal(zlib.compress(plain, 1) if packed else plain)
        metadata = {"encoding": ENCODING, "key": key_id.encode(), "zip": b"1" if packed else b"0"}
        return Payload(metadata=metadata, data=sealed)

    def _decode(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        plain = self._keys.open(payload.metadata["key"].decode(), payload.data)
        return Payload.FromString(zlib.decompress(plain) if payload.metadata["zip"] == b"1" else plain)


def data_converter(keys: KeyRing) -> DataConverter:
    """Pydantic JSON, encrypted, failures included."""
    return replace(
        pydantic_data_converter,
        payload_codec=EncryptingCodec(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def runner(*, sandbox: bool) -> WorkflowRunner:
    """With the sandbox the rules are passed through: they are pure, and importing them anew per run costs."""
    if not sandbox:
        return UnsandboxedWorkflowRunner()
    restrictions = SandboxRestrictions.default.with_passthrough_modules("domain", "workflows", "pydantic", "stdnum")
    return SandboxedWorkflowRunner(restrictions=restrictions)


def plugin(keys: KeyRing, *, sandbox: bool) -> SimplePlugin:
    """What every client, worker and replayer of this house uses."""
    return SimplePlugin(
        "tongban", data_converter=data_converter(keys), workflow_runner=lambda _: runner(sandbox=sandbox)
    )


async def connect(keys: KeyRing, *, sandbox: bool, lazy: bool = False) -> Client:
    """By Temporal's own environment settings. ``lazy``: the connection is made when first used."""
    config = ClientConfig.load_client_connect_config()
    return await Client.connect(**config, plugins=[plugin(keys, sandbox=sandbox)], lazy=lazy)
