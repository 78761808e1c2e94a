"""The document store: bytes under their own SHA-256, written once, on disk, S3 or in memory (obstore).

A receipt names the digests of the files it covers, so a digest must never name a lost file: ``put`` returns only when
the file survives a power cut. An object store promises that by itself. A local folder does not: obstore writes a
temporary file and links it into place without a sync, so this module syncs the file and then its folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, MemoryStore, from_url

_DIGEST = re.compile(r"[0-9a-f]{64}")


class DocumentMissing(Exception):
    """No document under this digest."""


class DocumentDamaged(Exception):
    """The stored bytes no longer have the digest they are stored under."""


class DocumentStore:
    """Documents by digest. Digests are 64 lower-case hex characters; anything else is a ValueError."""

    def __init__(self, url: str) -> None:
        """``file:///folder``, ``s3://bucket/prefix`` (credentials from the environment) or ``memory://``."""
        parts = urlsplit(url)
        self._folder: Path | None = None
        if parts.scheme == "file":
            self._folder = Path(unquote(parts.path))
            _make_folder(self._folder)
            self._store: obstore.store.ObjectStore = LocalStore(self._folder)
        elif parts.scheme == "memory":
            self._store = MemoryStore()
        elif parts.scheme == "s3":
            self._store = from_url(url)
        else:
            raise ValueError(f"a document store is file://, s3:// or memory://, not {parts.scheme}://")

    async def put(self, digest: str, data: bytes) -> None:
        """Stores ``data`` for good; the same document again is fine. ValueError if it has another digest."""
        if _checked(digest) != await _sha256(data):
            raise ValueError("the data does not have this digest")
        try:
            await obstore.put_async(self._store, digest, data, mode="create")
        except AlreadyExistsError:
            # a power cut may have left a name without its bytes before this module could sync them: mend it
            if await self._is_damaged(digest):
                await obstore.put_async(self._store, digest, data, mode="overwrite")
        if self._folder is not None:
            # also for a file that was there: its first writer may not have come to its own sync yet
            await asyncio.to_thread(_sync, self._folder / digest)

    async def get(self, digest: str) -> bytes:
        """The document; raises DocumentMissing or DocumentDamaged."""
        try:
            found = await obstore.get_async(self._store, _checked(digest))
            data = bytes(await found.bytes_async())
        except FileNotFoundError:
            raise DocumentMissing(digest) from None
        if await _sha256(data) != digest:
            raise DocumentDamaged(digest)
        return data

    async def exists(self, digest: str) -> bool:
        """Whether there is a document under this digest."""
        try:
            await self.size(digest)
        except DocumentMissing:
            return False
        return True

    async def size(self, digest: str) -> int:
        """Its size in bytes; raises DocumentMissing."""
        try:
            return (await obstore.head_async(self._store, _checked(digest)))["size"]
        except FileNotFoundError:
            raise DocumentMissing(digest) from None

    async def _is_damaged(self, digest: str) -> bool:
        try:
            await self.get(digest)
        except DocumentDamaged:
            return True
        return False


def _checked(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise ValueError("a digest is 64 lower-case hex characters")
    return digest


async def _sha256(data: bytes) -> str:
    if len(data) < 1 << 18:
        return hashlib.sha256(data).hexdigest()
    return await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())


def _make_folder(folder: Path) -> None:
    """Makes the folder and syncs the folders that name it."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        _sync_one(each.parent)


def _sync(file: Path) -> None:
    """First the bytes, then the name."""
    _sync_one(file)
    _sync_one(file.parent)


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
