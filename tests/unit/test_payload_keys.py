"""What Temporal stores can be read with the house's keys only."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from domain.effects import AnswerStatus
from domain.process import Callback
from tongban.temporal import ENCODING, EncryptingCodec, KeyRing, data_converter

CANARY = "张三丰310199199001010018"
OLD, NEW = KeyRing("a", {"a": b"a" * 32}), KeyRing("b", {"a": b"a" * 32, "b": b"b" * 32})
STRANGER = KeyRing("a", {"a": b"c" * 32})


def plain(text: str) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=text.encode())


async def sealed(keys: KeyRing, text: str = CANARY) -> Payload:
    (payload,) = await EncryptingCodec(keys).encode([plain(text)])
    return payload


@pytest.mark.parametrize("text", ["", CANARY, CANARY * 1000])
async def test_what_goes_in_comes_out(text: str) -> None:
    payload = await sealed(NEW, text)
    assert await EncryptingCodec(NEW).decode([payload]) == [plain(text)]


@pytest.mark.parametrize("text", [CANARY, CANARY * 1000])
async def test_nothing_of_it_can_be_read(text: str) -> None:
    payload = await sealed(NEW, text)
    raw = payload.SerializeToString()
    assert payload.metadata["encoding"] == ENCODING
    for part in (CANARY.encode(), "张三丰".encode(), b"310199199001010018", base64.b64encode(b"310199"), b"json/plain"):
        assert part not in raw


async def test_the_same_text_twice_looks_different() -> None:
    assert (await sealed(NEW)).data != (await sealed(NEW)).data


async def test_after_a_rotation_the_old_key_still_opens_and_the_new_one_seals() -> None:
    old = await sealed(OLD)
    assert await EncryptingCodec(NEW).decode([old]) == [plain(CANARY)]
    assert (await sealed(NEW)).metadata["key"] == b"b"


async def test_a_key_nobody_has_is_named() -> None:
    with pytest.raises(ValueError, match="unknown key 'b'"):
        await EncryptingCodec(OLD).decode([await sealed(NEW)])


async def test_another_key_of_the_same_name_does_not_open() -> None:
    with pytest.raises(ValueError, match="changed or encrypted with another key"):
        await EncryptingCodec(STRANGER).decode([await sealed(OLD)])


async def test_a_single_changed_byte_is_refused() -> None:
    payload = await sealed(OLD)
    for at in range(len(payload.data)):
        data = bytearray(payload.data)
        data[at] ^= 1
        with pytest.raises(ValueError, match="changed"):
            await EncryptingCodec(OLD).decode([Payload(metadata=payload.metadata, data=bytes(data))])
    with pytest.raises(ValueError, match="changed"):
        await EncryptingCodec(OLD).decode([Payload(metadata=payload.metadata, data=payload.data[:-1])])


async def test_a_message_and_a_failure_are_sealed_too() -> None:
    converter = data_converter(NEW)
    message = Callback(event_id="e", key="k", answer=AnswerStatus.ACCEPTED, reference=CANARY)
    (payload,) = await converter.encode([message])
    assert CANARY.encode() not in payload.SerializeToString()
    assert await converter.decode([payload], [Callback]) == [message]

    failure = Failure()
    await converter.encode_failure(ApplicationError(CANARY, CANARY, type="T"), failure)
    assert CANARY not in failure.message
    assert CANARY.encode() not in failure.SerializeToString()
    decoded = await converter.decode_failure(failure)
    assert isinstance(decoded, ApplicationError)
    assert decoded.message == CANARY


@pytest.mark.parametrize(
    ("current", "keys"),
    [("x", {"a": b"a" * 32}), ("a", {"a": b"a" * 16}), ("a", {"a": b"a" * 32, "b": b""}), ("a", {})],
)
def test_a_ring_that_cannot_work_is_refused(current: str, keys: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match="payload key ring"):
        KeyRing(current, keys)


def test_a_ring_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"current": "a", "keys": {"a": base64.b64encode(b"a" * 32).decode()}}))
    ring = KeyRing.read(path)
    assert OLD.open(*ring.seal(b"x")) == b"x"
