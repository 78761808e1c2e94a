"""A badge: one plain SVG without fonts, links or scripts of elsewhere."""

from __future__ import annotations

from html import escape

from adapters.conformance.model import Report, Status

_CHAR, _PAD = 7, 8
_GREEN, _RED, _GREY = "#15803d", "#b91c1c", "#374151"


def badge(report: Report) -> str:
    """How many of the checks that apply have passed."""
    passed, failed = report.count(Status.PASSED), report.count(Status.FAILED)
    left, right = "tongban conformance", f"{passed}/{passed + failed}"
    name = "".join(char for char in report.adapter if char.isprintable())  # controls have no place in XML
    title = f"{name}: {passed} 项通过，{failed} 项未通过 · {passed} passed, {failed} failed"
    a, b = len(left) * _CHAR + 2 * _PAD, len(right) * _CHAR + 2 * _PAD
    colour = _GREEN if report.passed else _RED
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{a + b}" height="20" role="img" aria-labelledby="t">'
        f'<title id="t">{escape(title)}</title>'
        f'<rect width="{a}" height="20" fill="{_GREY}"/><rect x="{a}" width="{b}" height="20" fill="{colour}"/>'
        f'<g fill="#fff" font-family="sans-serif" font-size="12" text-anchor="middle">'
        f'<text x="{a / 2:g}" y="14">{escape(left)}</text>'
        f'<text x="{a + b / 2:g}" y="14">{escape(right)}</text></g></svg>\n'
    )
