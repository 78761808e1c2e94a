"""``python -m api.openapi`` prints the contract as canonical JSON. Nothing is opened: a contract needs no database."""

from __future__ import annotations

import json
import sys
from typing import Any

from api.app import create_app
from api.house import House

_NOTHING: Any = None  # the routes are only described, never called


def document() -> dict[str, Any]:
    """The OpenAPI document of the API."""
    house = House(
        database=_NOTHING,
        gateway=_NOTHING,
        library=_NOTHING,
        provinces=_NOTHING,
        files=_NOTHING,
        login=_NOTHING,
        public_url="",
        max_upload_bytes=20 * 1024 * 1024,
        local_first=True,
    )
    return create_app(house).openapi()


def canonical() -> str:
    """Sorted, indented, readable in Chinese, ending in a line feed: what stands in docs/openapi.json."""
    return json.dumps(document(), sort_keys=True, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(canonical())
