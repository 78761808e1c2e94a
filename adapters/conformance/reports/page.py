"""A run as one HTML file: no script, no asset of elsewhere, everything escaped, works under a strict CSP."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from html import escape
from string import Template

from adapters.conformance.catalogue import GROUPS
from adapters.conformance.model import Report, Result, Status, Step

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#111;background:#fff}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.3rem .5rem;text-align:left;
vertical-align:top}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f3f4f6;padding:.5rem;margin:.3rem 0}
.passed{color:#15803d}.failed{color:#b91c1c;font-weight:bold}.not_applicable{color:#4b5563}summary{cursor:pointer}
@media(prefers-color-scheme:dark){body{color:#eee;background:#111}pre{background:#222}.passed{color:#4ade80}
.failed{color:#fca5a5}.not_applicable{color:#9ca3af}}
"""
_WORDS = {
    Status.PASSED: "通过 passed",
    Status.FAILED: "未通过 failed",
    Status.NOT_APPLICABLE: "不适用 not applicable",
}
_PAGE = Template("""<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-$digest'">
<title>$title</title><style>$style</style></head><body>
<h1>$title</h1>
<p><strong class="$state">$verdict</strong></p>
<p>$zh</p><p lang="en">$en</p>
<dl><dt>目标 target</dt><dd>$target</dd><dt>省份 region</dt><dd>$region</dd><dt>时间 at</dt><dd>$at</dd>
<dt>对方可供查看与操纵的 controls of the target</dt><dd>$controls</dd></dl>
$groups
</body></html>
""")


def page(report: Report) -> str:
    """Summary, a table a group, and what went over the wire in each step."""
    passed, failed, left = (report.count(status) for status in Status)
    style = _STYLE
    return _PAGE.substitute(
        digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        style=style,
        title=escape(f"符合性 Conformance: {report.adapter}"),
        state="passed" if report.passed else "failed",
        verdict="全部通过 All passed" if report.passed else "未通过 Not passed",
        zh=f"{passed} 项通过，{failed} 项未通过，{left} 项不适用，用时 {report.seconds:.1f} 秒。",
        en=f"{passed} passed, {failed} failed, {left} not applicable, in {report.seconds:.1f} s.",
        target=escape(report.target),
        region=escape(report.region),
        at=datetime.fromtimestamp(report.started_at, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        controls=escape(", ".join(report.controls) or "无 none"),
        groups="\n".join(_group(report, name) for name in GROUPS),
    )


def _group(report: Report, name: str) -> str:
    rows = [_row(result) for result in report.results if result.check.group == name]
    if not rows:
        return ""
    title = GROUPS[name][1]
    return (
        f"<h2>{escape(title.zh)} <span lang=en>{escape(title.en)}</span></h2>"
        f"<table><thead><tr><th>编号 id</th><th>检查 check</th>"
        f"<th>要求 requirement</th><th>结果 result</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(result: Result) -> str:
    check, said = result.check, ""
    if result.text is not None:
        said = f"<p>{escape(result.text.zh)}<br><span lang=en>{escape(result.text.en)}</span></p>"
    steps = "".join(_step(step) for step in result.steps)
    opened = " open" if result.status is Status.FAILED else ""
    details = f"<details{opened}><summary>{len(result.steps)} 步 steps</summary>{steps}</details>" if steps else ""
    return (
        f'<tr id="{escape(check.id)}"><td>{escape(check.id)}</td>'
        f"<td>{escape(check.title.zh)}<br><span lang=en>{escape(check.title.en)}</span>{said}{details}</td>"
        f"<td>{escape(check.requirement)}</td>"
        f'<td class="{result.status.value}">{_WORDS[result.status]}<br>{result.seconds:.2f} s</td></tr>'
    )


def _step(step: Step) -> str:
    wires = "".join(
        f"<details><summary>{escape(_first_line(wire.request))} {escape(wire.note)}</summary>"
        f"<pre>{escape(wire.request)}</pre><pre>{escape(wire.response)}</pre></details>"
        for wire in step.wires
    )
    return f"<p>{escape(step.asked)} → {escape(step.came)}</p>{wires}"


def _first_line(text: str) -> str:
    return text.partition("\n")[0][:200]
