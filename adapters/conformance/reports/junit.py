"""A run as JUnit XML, which CI servers read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from adapters.conformance.model import Report, Result, Status

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> bytes:
    """One suite, one case a check; not applicable is skipped."""
    suite = Element(
        "testsuite",
        name=_clean(f"tongban.conformance.{report.adapter}"),
        tests=str(len(report.results)),
        failures=str(report.count(Status.FAILED)),
        errors="0",
        skipped=str(report.count(Status.NOT_APPLICABLE)),
        time=f"{report.seconds:.3f}",
        timestamp=datetime.fromtimestamp(report.started_at, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    )
    for result in report.results:
        _case(suite, report, result)
    root = Element("testsuites")
    root.append(suite)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _case(suite: Element, report: Report, result: Result) -> None:
    case = SubElement(
        suite,
        "testcase",
        name=f"{result.check.id} {result.check.title.en}",
        classname=_clean(f"conformance.{report.adapter}.{result.check.group}".replace(":", ".")),
        time=f"{result.seconds:.3f}",
    )
    said = _clean(f"{result.text.zh} / {result.text.en}" if result.text else "")
    if result.status is Status.NOT_APPLICABLE:
        SubElement(case, "skipped", message=said)
    elif result.status is Status.FAILED:
        lines = [f"{step.asked} -> {step.came}" for step in result.steps]
        failure = SubElement(case, "failure", message=said, type=result.check.requirement)
        failure.text = _clean("\n".join(lines))


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
