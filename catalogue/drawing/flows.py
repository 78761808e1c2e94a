"""The SVG of a month's flows: who pays on the left, who is paid on the right, a band for each pair.

Each payer has a pattern of its own and each band its amount in words, so that it reads without colour; what the picture
says stands in <desc> as text, too. Everything is in the file, nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from catalogue.drawing.measure import clean
from catalogue.drawing.words import Lang
from domain.clearing import Flow, nets
from domain.clearing.printed import grouped, signed
from domain.messages import Text

WIDTH, LEFT, RIGHT, BAR = 960.0, 190.0, 760.0, 12.0
HEAD, GAP, THIN, THICK, LINE = 78.0, 30.0, 17.0, 72.0, 20.0
STYLE = """
text{font-family:"Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC","PingFang SC","Microsoft YaHei",\
"Hiragino Sans GB","WenQuanYi Micro Hei",sans-serif;fill:#1a1a1a}
.head{font-size:20px;font-weight:700}.sub{font-size:13px;fill:#333}.name{font-size:15px;font-weight:700}
.sum{font-size:12px;fill:#333}.label{font-size:11.5px;stroke:#fff;stroke-width:3.2px;paint-order:stroke}
.bar{fill:#1a1a1a}.band{stroke:#1a1a1a;stroke-width:.7}.back{stroke-dasharray:4 3;stroke-width:1.4}
""".strip()
_PATTERNS = (
    '<path d="M-2 2l4-4M0 8l8-8M6 10l4-4" stroke="#666" stroke-width="1.1"/>',
    '<circle cx="4" cy="4" r="1.5" fill="#666"/>',
    '<path d="M0 4h8" stroke="#666" stroke-width="1.1"/>',
    '<path d="M4 0v8" stroke="#777" stroke-width="1"/>',
)


def draw_flows(
    month: str, flows: Sequence[Flow], provinces: Sequence[str], places: Mapping[str, Text], lang: Lang = Lang.ZH
) -> str:
    """One SVG document. Amounts in yuan, gross; a band with a broken edge flows back (reversals)."""
    shown = [flow for flow in flows if flow.amount]
    top = max((abs(flow.amount) for flow in shown), default=1)
    heights = {(f.payer, f.payee): THIN + (THICK - THIN) * abs(f.amount) / top for f in shown}
    names = {province: clean(lang.say(places[province])) if province in places else province for province in provinces}
    starts, left = _stack(shown, heights, provinces, by_payer=True)
    ends, right = _stack(shown, heights, provinces, by_payer=False)
    bottom = max(left, right) + 8
    bands, labels = [], []
    for flow in shown:
        pair = (flow.payer, flow.payee)
        bands.append(_band(flow, starts[pair], ends[pair], heights[pair], provinces.index(flow.payer)))
        text = f"→ {names[flow.payee]} {grouped(flow.amount)}"
        labels.append(_text(LEFT + BAR + 6, starts[pair] + heights[pair] / 2 + 4, "label", text))
    sides = nets(shown, provinces)
    body = [*bands, *labels]
    for side in sides:
        body += _block(side.province, side.pays, starts, heights, names, lang, payer=True)
        body += _block(side.province, side.receives, ends, heights, names, lang, payer=False)
    if not shown:
        body.append(_text(WIDTH / 2 - 60, HEAD + 20, "sub", lang.pick("本月无款项。", "Nothing flowed this month.")))
    y = bottom + LINE
    body.append(_text(24, y, "name", lang.pick("净额（仅供参考，按全额清算）", "Net (a report; cleared in full)")))
    for number, side in enumerate(sides):
        body.append(_text(24 + number * 230, y + LINE, "sum", f"{names[side.province]} {signed(side.net)}"))
    height = y + 2 * LINE + 8
    title = f"{month} 跨省医保清算 Clearing between provinces"
    told = _told(month, shown, sides_text(shown, provinces, names, lang), names, lang)
    patterns = "".join(
        f'<pattern id="p{n}" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8"'
        f' fill="#f4f4f4"/>{inner}</pattern>'
        for n, inner in enumerate(_PATTERNS)
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}"'
            f' height="{height:.0f}" role="img" aria-labelledby="t d" lang={quoteattr(lang)}>',
            f'<title id="t">{escape(title)}</title>',
            f'<desc id="d">{escape(told)}</desc>',
            f"<style>{STYLE}</style>",
            f"<defs>{patterns}</defs>",
            f'<rect width="{WIDTH:.0f}" height="{height:.0f}" fill="#fff"/>',
            _text(24, 34, "head", title),
            _text(
                24,
                56,
                "sub",
                lang.pick(
                    "左：付款（参保地）　右：收款（就医地）　单位：元",
                    "Left: pays (insured). Right: is paid (treatment). Yuan.",
                ),
            ),
            *body,
            "</svg>",
            "",
        ]
    )


Pair = tuple[str, str]


def _stack(
    flows: Sequence[Flow], heights: Mapping[Pair, float], provinces: Sequence[str], *, by_payer: bool
) -> tuple[dict[Pair, float], float]:
    """Where each band begins on one side, and where the column ends; an empty province keeps a line."""
    tops: dict[Pair, float] = {}
    y = HEAD
    for province in provinces:
        own = [f for f in flows if (f.payer if by_payer else f.payee) == province]
        for flow in sorted(own, key=lambda f: provinces.index(f.payee if by_payer else f.payer)):
            tops[flow.payer, flow.payee] = y
            y += heights[flow.payer, flow.payee]
        y += GAP if own else 0
    return tops, y


def _band(flow: Flow, start: float, end: float, height: float, number: int) -> str:
    x1, x2, mid = LEFT + BAR, RIGHT, (LEFT + BAR + RIGHT) / 2
    path = (
        f"M{x1:.0f} {start:.1f}C{mid:.0f} {start:.1f} {mid:.0f} {end:.1f} {x2:.0f} {end:.1f}v{height:.1f}"
        f"C{mid:.0f} {end + height:.1f} {mid:.0f} {start + height:.1f} {x1:.0f} {start + height:.1f}Z"
    )
    back = " back" if flow.amount < 0 else ""
    return f'<path class="band{back}" fill="url(#p{number % len(_PATTERNS)})" fill-opacity=".75" d="{path}"/>'


def _block(
    province: str, total: int, tops: Mapping[Pair, float], heights: Mapping[Pair, float], names: Mapping[str, str],
    lang: Lang, *, payer: bool,
) -> list[str]:  # fmt: skip
    own = [pair for pair in tops if pair[0 if payer else 1] == province]
    if not own:
        return []
    top, end = min(tops[pair] for pair in own), max(tops[pair] + heights[pair] for pair in own)
    x = LEFT if payer else RIGHT
    words = lang.pick("付", "pays") if payer else lang.pick("收", "is paid")
    text_x = 24.0 if payer else RIGHT + BAR + 8
    middle = (top + end) / 2
    return [
        f'<rect class="bar" x="{x:.0f}" y="{top:.1f}" width="{BAR:.0f}" height="{end - top:.1f}"/>',
        _text(text_x, middle - 2, "name", names[province]),
        _text(text_x, middle + 15, "sum", f"{words} {grouped(total)}"),
    ]


def _text(x: float, y: float, kind: str, words: str) -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.1f}">{escape(words)}</text>'


def sides_text(flows: Sequence[Flow], provinces: Sequence[str], names: Mapping[str, str], lang: Lang) -> str:
    """Each province's sums in words."""
    return lang.pick("；", "; ").join(
        lang.pick(
            f"{names[s.province]}付{grouped(s.pays)}，收{grouped(s.receives)}，净额{signed(s.net)}",
            f"{names[s.province]} pays {grouped(s.pays)}, is paid {grouped(s.receives)}, net {signed(s.net)}",
        )
        for s in nets(flows, provinces)
    )


def _told(month: str, flows: Sequence[Flow], sums: str, names: Mapping[str, str], lang: Lang) -> str:
    """The picture in words, for whoever does not see it."""
    each = lang.pick("；", "; ").join(
        lang.pick(
            f"{names[f.payer]}付{names[f.payee]}{grouped(f.amount)}元",
            f"{names[f.payer]} pays {names[f.payee]} {grouped(f.amount)} yuan",
        )
        for f in flows
    )
    return lang.pick(f"{month}各省应付：{each}。{sums}。", f"Payable for {month}: {each}. {sums}.")
