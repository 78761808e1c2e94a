"""The JSON Schema of a definition, for editors that complete and check YAML: ``python -m catalogue.schema``."""

from __future__ import annotations

import json
import sys
from typing import Any

from domain.plan import Plan

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """What the compiler takes, as far as a schema can say it; the rest is said by ``services check``."""
    made = Plan.model_json_schema()
    for part in (made, *made["$defs"].values()):
        if part.get("type") == "object":
            part["additionalProperties"] = False  # the compiler refuses unknown keys
    return {"$schema": DIALECT} | made | {"title": "Tongban service definition"}


def main() -> None:
    """Prints it."""
    sys.stdout.write(json.dumps(schema(), ensure_ascii=False, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
