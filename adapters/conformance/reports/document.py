"""A run as JSON; docs/reference/conformance.md describes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

from adapters.conformance.model import Report, Result, Status

VERSION = 1


def document(report: Report) -> str:
    """The whole report, with every exchange."""
    content = {
        "version": VERSION,
        "adapter": report.adapter,
        "target": report.target,
        "region": report.region,
        "started_at": datetime.fromtimestamp(report.started_at, UTC).isoformat(timespec="seconds"),
        "seconds": round(report.seconds, 2),
        "controls": list(report.controls),
        "passed": report.passed,
        "counts": {status.value: report.count(status) for status in Status},
        "checks": [_check(result) for result in report.results],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _check(result: Result) -> dict[str, object]:
    return {
        "id": result.check.id,
        "requirement": result.check.requirement,
        "title": result.check.title.model_dump(),
        "status": result.status.value,
        "text": result.text.model_dump() if result.text else None,
        "seconds": round(result.seconds, 3),
        "steps": [asdict(step) for step in result.steps],
    }
