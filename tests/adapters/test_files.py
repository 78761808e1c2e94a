"""Documents under their digest: written once, synced before a receipt may name them, and never silently wrong."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from adapters.files import DocumentDamaged, DocumentMissing, DocumentStore

DATA = "营业执照\U00020bb7".encode() * 1000
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> DocumentStore:
    """A store of each kind that needs no network."""
    return DocumentStore(f"file://{tmp_path}/a folder/deep" if request.param == "file" else "memory://")


async def test_a_document_comes_back_as_it_was_put(store: DocumentStore) -> None:
    assert not await store.exists(DIGEST)
    await store.put(DIGEST, DATA)
    assert await store.get(DIGEST) == DATA
    assert await store.size(DIGEST) == len(DATA)
    assert await store.exists(DIGEST)


async def test_the_same_document_again_is_fine_also_at_once(store: DocumentStore) -> None:
    await asyncio.gather(*(store.put(DIGEST, DATA) for _ in range(20)))
    await store.put(DIGEST, DATA)
    assert await store.get(DIGEST) == DATA


async def test_an_empty_and_a_large_document_are_documents(store: DocumentStore) -> None:
    for data in (b"", b"x" * (6 << 20)):
        digest = hashlib.sha256(data).hexdigest()
        await store.put(digest, data)
        assert await store.get(digest) == data


async def test_data_under_a_wrong_digest_is_refused(store: DocumentStore) -> None:
    with pytest.raises(ValueError, match="does not have this digest"):
        await store.put(DIGEST, DATA + b"!")
    assert not await store.exists(DIGEST)


@pytest.mark.parametrize(
    "digest", ["", "../../etc/passwd", DIGEST.upper(), DIGEST[:-1], DIGEST + "0", "/" + DIGEST[1:]]
)
async def test_only_a_digest_is_a_name(store: DocumentStore, digest: str) -> None:
    for ask in (store.put(digest, DATA), store.get(digest), store.exists(digest), store.size(digest)):
        with pytest.raises(ValueError, match="digest"):
            await ask


async def test_what_is_not_there_is_missing(store: DocumentStore) -> None:
    with pytest.raises(DocumentMissing):
        await store.get(DIGEST)
    with pytest.raises(DocumentMissing):
        await store.size(DIGEST)


async def test_a_damaged_document_is_never_given_out_and_mended_by_the_next_put(tmp_path: Path) -> None:
    store = DocumentStore(f"file://{tmp_path}")
    (tmp_path / DIGEST).write_bytes(b"")
    with pytest.raises(DocumentDamaged):
        await store.get(DIGEST)
    await store.put(DIGEST, DATA)
    assert await store.get(DIGEST) == DATA


async def test_a_local_document_and_its_name_are_synced_before_put_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def watch(handle: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        real(handle)

    store = DocumentStore(f"file://{tmp_path}/documents")
    monkeypatch.setattr(os, "fsync", watch)
    await store.put(DIGEST, DATA)
    await store.put(DIGEST, DATA)
    folder = f"{tmp_path}/documents"
    assert synced == [f"{folder}/{DIGEST}", folder] * 2


async def test_another_store_on_the_same_folder_sees_the_document(tmp_path: Path) -> None:
    await DocumentStore(f"file://{tmp_path}").put(DIGEST, DATA)
    assert await DocumentStore(f"file://{tmp_path}").get(DIGEST) == DATA


@pytest.mark.parametrize("url", ["/plain/path", "http://host/x", "gs://bucket", ""])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="document store"):
        DocumentStore(url)


def test_an_s3_address_needs_no_network_to_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "cn-east-1")
    assert DocumentStore("s3://bucket/documents") is not None


async def test_a_stored_document_is_never_written_again(tmp_path: Path) -> None:
    store = DocumentStore(f"file://{tmp_path}")
    await store.put(DIGEST, DATA)
    before = (tmp_path / DIGEST).stat()
    await store.put(DIGEST, DATA)
    after = (tmp_path / DIGEST).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
