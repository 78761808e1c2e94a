"""The revision that a client has read, as it sends it back."""

from __future__ import annotations

import re

from domain.errors import Refusal

_ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')


def read_etag(if_match: str | None) -> int | None:
    """The number in an If-Match; None without one; Refusal(version_conflict) for anything we did not write."""
    if if_match is None:
        return None
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise Refusal("version_conflict", "/If-Match")
    return int(match[1])
