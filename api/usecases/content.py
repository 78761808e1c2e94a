"""Whether a file is what it claims: an allow-list of types, each checked at its beginning and its end.

Something in front of or behind a picture or a PDF is how one file is made to be two things; such files are refused.
"""

from __future__ import annotations

import io
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import PurePosixPath

import puremagic

from domain.errors import Refusal

ARCHIVE_FILES = 2000
ARCHIVE_BYTES = 200 * 1024 * 1024
ARCHIVE_RATIO = 200


def _is_pdf(data: bytes) -> bool:
    return data.startswith(b"%PDF-") and b"%%EOF" in data[-1024:] and data.rstrip(b"\r\n \0").endswith(b"%%EOF")


def _is_png(data: bytes) -> bool:
    return data.startswith(b"\x89PNG\r\n\x1a\n") and data.endswith(b"IEND\xaeB`\x82")


def _is_jpeg(data: bytes) -> bool:
    return data.startswith(b"\xff\xd8\xff") and data.rstrip(b"\0").endswith(b"\xff\xd9")


def _is_ofd(data: bytes) -> bool:
    """GB/T 33190: a zip whose root holds OFD.xml; unpacked size is bounded before anything is unpacked."""
    if not data.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # the directory ends the file: nothing lies behind it, not even a comment
            ends = data[-22:-18] == b"PK\x05\x06" and not archive.comment
            members = archive.infolist()
            names = {member.filename for member in members}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False
    total = sum(member.file_size for member in members)
    bounded = len(members) <= ARCHIVE_FILES and total <= min(ARCHIVE_BYTES, max(1, len(data)) * ARCHIVE_RATIO)
    odd = any(name.startswith("/") or ".." in PurePosixPath(name).parts for name in names)
    return ends and "OFD.xml" in names and bounded and not odd


_TYPES: dict[str, tuple[Callable[[bytes], bool], tuple[str, ...]]] = {
    "application/pdf": (_is_pdf, (".pdf",)),
    "application/ofd": (_is_ofd, (".ofd",)),
    "image/png": (_is_png, (".png",)),
    "image/jpeg": (_is_jpeg, (".jpg", ".jpeg")),
}


def check_content(data: bytes, claimed: str, name: str) -> str:
    """The type, if it is allowed and the content bears it out; Refusal otherwise."""
    if not data:
        raise Refusal("file_empty", "/file")
    media_type = claimed.partition(";")[0].strip().lower()
    if media_type in {"", "application/octet-stream"}:
        suffix = PurePosixPath(name.lower()).suffix
        media_type = next((t for t, (_, suffixes) in _TYPES.items() if suffix in suffixes), "")
    if media_type not in _TYPES:
        raise Refusal("file_type_unknown", "/file")
    check, _ = _TYPES[media_type]
    if not check(data) or not _magic_agrees(data, media_type):
        raise Refusal("file_type_mismatch", "/file")
    return media_type


def _magic_agrees(data: bytes, media_type: str) -> bool:
    """A second opinion: the library must not take it for a page or a program."""
    try:
        found = {match.mime_type for match in puremagic.magic_string(data[:4096])}
    except puremagic.PureError:
        return True
    return not found & {"text/html", "application/x-msdownload", "application/x-executable"} or media_type in found


def safe_name(name: str) -> str:
    """A file name fit for showing: no path, no control or direction characters, at most 120 characters."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(c for c in unicodedata.normalize("NFC", base) if unicodedata.category(c)[0] != "C").strip()
    return clean[-120:] or "file"
