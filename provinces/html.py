"""The little HTML the province's own pages need. Everything that is no markup of ours is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from starlette.responses import HTMLResponse

_STYLE = (
    "body{font:16px/1.5 system-ui,'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif;margin:1rem 2rem}"
    "table{border-collapse:collapse;margin:.5rem 0}td,th{border:1px solid #767676;padding:.2rem .5rem;text-align:left}"
    "label{display:inline-block;margin:.2rem .6rem .2rem 0}input,select,button{font:inherit}"
    "h2{margin-top:2rem}.wide{overflow-x:auto}"
)
# a page may post its own forms and load nothing at all
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def page(title: str, *parts: str, status: int = 200, lang: str = "zh") -> HTMLResponse:
    """A whole page. ``parts`` are markup made with the functions below."""
    head = f"<!doctype html><html lang={escape(lang)}><meta charset=utf-8><title>{escape(title)}</title>"
    viewport = "<meta name=viewport content='width=device-width'>"
    body = f"{head}{viewport}<style>{_STYLE}</style><main><h1>{escape(title)}</h1>{''.join(parts)}</main></html>"
    return HTMLResponse(body, status, {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"})


def heading(text: str) -> str:
    """A section's title."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    """A line of text."""
    return f"<p>{escape(text)}</p>"


def link(address: str, text: str) -> str:
    """A link."""
    return f'<a href="{escape(address)}">{escape(text)}</a> '


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; cells are text."""
    columns = "".join(f"<th scope=col>{escape(each)}</th>" for each in head)
    lines = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<div class=wide><table><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>"


def field(label: str, name: str, value: str = "", *, required: bool = False) -> str:
    """A labelled text field."""
    needed = " required" if required else ""
    return f'<label>{escape(label)} <input name="{escape(name)}" value="{escape(value)}"{needed}></label>'


def choice(label: str, name: str, values: Iterable[str]) -> str:
    """A labelled list to choose from."""
    options = "".join(f"<option>{escape(value)}</option>" for value in values)
    return f'<label>{escape(label)} <select name="{escape(name)}">{options}</select></label>'


def form(address: str, fields: Iterable[str], button: str, hidden: Mapping[str, str] | None = None) -> str:
    """A form that works without scripts."""
    kept = "".join(
        f'<input type=hidden name="{escape(name)}" value="{escape(value)}">' for name, value in (hidden or {}).items()
    )
    inner = kept + "".join(fields)
    return f'<form method=post action="{escape(address)}">{inner}<button>{escape(button)}</button></form>'
