"""What a run looks like to people, to CI servers and to other programs."""

from __future__ import annotations

from adapters.conformance.model import Result
from adapters.conformance.reports.badge import badge
from adapters.conformance.reports.document import document
from adapters.conformance.reports.junit import junit
from adapters.conformance.reports.page import page

PAGE = "docs/reference/conformance.md"

__all__ = ["PAGE", "badge", "document", "explain", "junit", "page", "where"]


def where(result: Result) -> str:
    """Where the docs say what is required."""
    return f"{PAGE}#{result.check.requirement}"


def explain(result: Result) -> str:
    """A result in words: what was required, what was asked, what came, where to read on."""
    lines = [f"{result.check.id} {result.check.title.zh} / {result.check.title.en}"]
    if result.text is not None:
        lines += [result.text.zh, result.text.en]
    for step in result.steps:
        lines.append(f"  {step.asked} -> {step.came}")
        lines += [
            f"    {wire.request.splitlines()[0] if wire.request else ''}  {wire.note}".rstrip() for wire in step.wires
        ]
    return "\n".join([*lines, where(result)])
