"""The SVG of a plan. Black on white reads as well as colour; everything is in the file, nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from catalogue.drawing import words
from catalogue.drawing.clocks import Bracket, brackets
from catalogue.drawing.grid import BOX_W, LABEL_W, PAD, SMALL, SMALL_LINE, TITLE_LINE, Cell, Grid, lay_out
from catalogue.drawing.measure import clean, width, wrap
from catalogue.drawing.places import MARGIN, Places, measure
from catalogue.drawing.routes import route
from catalogue.drawing.words import Lang
from domain.plan import Plan, StepPlan, Way

LEAST_W = 760.0
STYLE = """
text{font-family:"Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC","PingFang SC","Microsoft YaHei",\
"Hiragino Sans GB","WenQuanYi Micro Hei",sans-serif;fill:#1a1a1a}
.head{font-size:24px;font-weight:700}.sub{font-size:15px;fill:#444}.title{font-size:14px;font-weight:600}
.small{font-size:11px;fill:#333}.when{font-size:11px;fill:#333;font-style:italic}.kind{font-size:11px;fill:#444}
.lane{fill:#fff;stroke:#9a9a9a;stroke-width:1}.label{fill:#eef1f5;stroke:#9a9a9a;stroke-width:1}
.box{stroke:#1a1a1a;stroke-width:1.4}.person{fill:#fff4dc}.system{fill:#e6f0fb}.time{fill:#eaf5e6}
.if{stroke-dasharray:5 3}.side{stroke:#1a1a1a;stroke-width:1.4;fill:none}
.arrow{fill:none;stroke:#333;stroke-width:1.3;stroke-linejoin:round}.tip{fill:#333}
.icon{fill:none;stroke:#1a1a1a;stroke-width:1.3;stroke-linecap:round;stroke-linejoin:round}
.coin{fill:#fff;stroke:#1a1a1a;stroke-width:1.4}.coin-text{font-size:11px;font-weight:700;text-anchor:middle}
.clock{fill:none;stroke:#1a1a1a;stroke-width:1.2}
""".strip()


def draw(plan: Plan, lang: Lang = Lang.ZH) -> str:
    """The picture of a plan as one SVG document."""
    grid = lay_out(plan, lang)
    routes = route(grid)
    right = max(LEAST_W, measure(grid, routes, 0).right)
    head, y = _head(plan, right)
    places = measure(grid, routes, y)
    body = [*head, *_lanes(grid, places, lang, right)]
    for each in routes.all:
        body += _arrow(places.points(each, routes))
    for cell in grid.cells:
        body += _box(cell, places, lang)
    found, y = brackets(plan, grid, places, lang, right)
    for bracket in found:
        body += _bracket(bracket)
    legend, y = _legend(lang, right, y + 14)
    body += legend
    size = _n(right), _n(y + MARGIN)
    title = f"{clean(plan.title.zh)} {clean(plan.title.en)}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}"'
            f' width="{size[0]}" height="{size[1]}" role="img" aria-labelledby="t d" lang={quoteattr(lang)}>',
            f'<title id="t">{escape(title)}</title>',
            f'<desc id="d">{escape(_told(plan, grid, lang))}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect width="{size[0]}" height="{size[1]}" fill="#fff"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def _told(plan: Plan, grid: Grid, lang: Lang) -> str:
    """The picture in words, for whoever does not see it."""
    parts = [clean(lang.say(plan.summary))]
    for step in sorted(plan.steps, key=lambda s: grid.cell(s.id).column):
        place = clean(lang.say(plan.roles[step.role].title))
        after = [clean(lang.say(plan.step(need).title)) for need in step.needs]
        need = lang.pick(f"，在{'、'.join(after)}之后", f", after {', '.join(after)}") if after else ""
        parts.append(lang.pick(f"{clean(step.title.zh)}：{place}{need}。", f"{clean(step.title.en)}: {place}{need}."))
    return " ".join(parts)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(x: float, y: float, style: str, text: str) -> str:
    return f'<text x="{_n(x)}" y="{_n(y)}" class="{style}">{escape(text)}</text>'


def _head(plan: Plan, right: float) -> tuple[list[str], float]:
    parts, y = [], MARGIN
    room = right - 2 * MARGIN
    for style, size, text in (
        ("head", 24.0, plan.title.zh),
        ("sub", 15.0, plan.title.en),
        ("small", SMALL, f"{plan.code} · {plan.version}"),
    ):
        for line in wrap(text, size, room, 4):
            y += size * 1.25
            parts.append(_text(MARGIN, y, style, line))
        y += 3
    return parts, y + 12


def _lanes(grid: Grid, places: Places, lang: Lang, right: float) -> Iterable[str]:
    for lane, (top, height) in zip(grid.lanes, places.lanes, strict=True):
        box = f'y="{_n(top)}" height="{_n(height)}"'
        yield f'<rect x="{_n(MARGIN)}" {box} width="{_n(right - 2 * MARGIN)}" class="lane"/>'
        yield f'<rect x="{_n(MARGIN)}" {box} width="{_n(LABEL_W)}" class="label"/>'
        text = TITLE_LINE * len(lane.title) + SMALL_LINE * len(lane.place)
        y = top + (height - text) / 2
        for line in lane.title:
            y += TITLE_LINE
            yield _text(MARGIN + PAD, y - 5, "title", line)
        for line in lane.place:
            y += SMALL_LINE
            yield _text(MARGIN + PAD, y - 4, "small", line)


def _arrow(points: list[tuple[float, float]]) -> list[str]:
    x, y = points[-1]
    path = " ".join(f"{'M' if i == 0 else 'L'}{_n(a)} {_n(b)}" for i, (a, b) in enumerate([*points[:-1], (x - 6, y)]))
    tip = f"M{_n(x)} {_n(y)} L{_n(x - 8)} {_n(y - 4)} L{_n(x - 8)} {_n(y + 4)} Z"
    return [f'<path d="{path}" class="arrow"/>', f'<path d="{tip}" class="tip"/>']


def _outline(way: Way, x: float, y: float, w: float, h: float, *, conditional: bool) -> list[str]:
    """A person: round corners; a system: double sides; time: six corners."""
    look = f'class="box {way.value}{" if" if conditional else ""}"'
    if way is Way.TIME:
        cut = min(12.0, h / 3)
        corners = [(x + cut, y), (x + w - cut, y), (x + w, y + h / 2), (x + w - cut, y + h), (x + cut, y + h)]
        path = "M" + " L".join(f"{_n(a)} {_n(b)}" for a, b in [*corners, (x, y + h / 2)])
        return [f'<path d="{path} Z" {look}/>']
    size = f'x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}"'
    if way is Way.PERSON:
        return [f'<rect {size} rx="{_n(min(14, h / 2))}" {look}/>']
    inner = "".join(f"M{_n(at)} {_n(y)} V{_n(y + h)} " for at in (x + 5, x + w - 5))
    return [f"<rect {size} {look}/>", f'<path d="{inner.strip()}" class="side"/>']


ICONS = {
    Way.PERSON: "M7 1 a3 3 0 1 0 .01 0 Z M1 13 c0 -7 12 -7 12 0 Z",
    Way.SYSTEM: "M1 2 h12 v4 h-12 Z M1 8 h12 v4 h-12 Z M3.5 4 h.1 M3.5 10 h.1",
    Way.TIME: "M7 1 a6 6 0 1 0 .01 0 Z M7 4 v3.2 l2.4 1.8",
}
UNDO = "M1 5 h7 a3 3 0 0 1 0 6 h-4 M4 2 l-3 3 l3 3"
FINAL = "M7 1 L13.5 12.5 H.5 Z M7 5 v3.6 M7 10.6 v.1"


def _icon(path: str, x: float, y: float, told: str) -> str:
    return f'<path transform="translate({_n(x)} {_n(y)})" d="{path}" class="icon"><title>{escape(told)}</title></path>'


def _box(cell: Cell, places: Places, lang: Lang) -> list[str]:
    step, x = cell.step, places.columns[cell.column]
    y, h = places.rows[cell.row]
    parts = [f'<g id="step-{_identifier(step.id)}">', f"<title>{escape(_hover(step, lang))}</title>"]
    parts += _outline(step.way, x, y, BOX_W, h, conditional=bool(step.when))
    parts.append(_icon(ICONS[step.way], x + PAD + 2, y + 8, lang.say(words.WAY[step.way])))
    parts.append(_text(x + PAD + 22, y + 19, "kind", lang.say(words.KIND[step.kind])))
    if step.not_reversible is not None:
        parts.append(_icon(FINAL, x + BOX_W - PAD - 18, y + 7, lang.say(words.FINAL)))
    elif step.compensate_with:
        parts.append(_icon(UNDO, x + BOX_W - PAD - 18, y + 7, lang.say(words.REVERSIBLE)))
    at = y + PAD + 18
    for line in cell.lines:
        at += TITLE_LINE if line.style == "title" else SMALL_LINE
        parts.append(_text(x + PAD + 2, at - 4, line.style, line.text))
    if cell.fees:
        parts += _coin(x - 20, places.middle(cell))
    return [*parts, "</g>"]


def _coin(x: float, y: float) -> list[str]:
    return [f'<circle cx="{_n(x)}" cy="{_n(y)}" r="9" class="coin"/>', _text(x, y + 4, "coin-text", "¥")]


def _identifier(name: str) -> str:
    return "".join(char if char.isascii() and (char.isalnum() or char in "_-") else "_" for char in name)


def _hover(step: StepPlan, lang: Lang) -> str:
    """All that did not fit: the whole title, the condition, what cannot be undone."""
    parts = [step.title.zh, step.title.en]
    if step.when:
        parts.append(lang.pick("若 ", "if ") + step.when)
    if step.not_reversible is not None:
        parts.append(lang.say(step.not_reversible))
    return clean(" · ".join(parts))


def _bracket(bracket: Bracket) -> list[str]:
    left, right, y = bracket.left, bracket.right, bracket.y
    path = f"M{_n(left)} {_n(y - 6)} V{_n(y)} H{_n(right)} V{_n(y - 6)}"
    parts = ["<g>", f"<title>{escape(bracket.told)}</title>", f'<path d="{path}" class="clock"/>']
    for number, (style, line) in enumerate(bracket.lines):
        parts.append(_text(bracket.text_x, y + 15 + SMALL_LINE * number, style, line))
    return [*parts, "</g>"]


def _legend(lang: Lang, right: float, y: float) -> tuple[list[str], float]:
    """What the shapes mean; a new line where the picture ends."""
    items: list[tuple[list[str], str]] = []
    for way in Way:
        sample = _outline(way, 0, 0, 30, 18, conditional=False)
        items.append((sample, lang.say(words.WAY[way])))
    dashed = '<rect x="0" y="0" width="30" height="18" rx="4" class="box if" fill="#fff"/>'
    items += [
        ([dashed], lang.say(words.CONDITIONAL)),
        ([_icon(UNDO, 8, 2, "")], lang.say(words.REVERSIBLE)),
        ([_icon(FINAL, 8, 2, "")], lang.say(words.FINAL)),
        (_coin(15, 9), lang.say(words.FEE)),
        (['<path d="M1 6 V12 H29 V6" class="clock"/>'], lang.say(words.CLOCK)),
        (_arrow([(0, 9), (30, 9)]), lang.say(words.NEEDS)),
    ]
    parts, x = [], MARGIN
    for sample, text in items:
        room = 38 + width(text, SMALL) + 18
        if x > MARGIN and x + room > right - MARGIN:
            x, y = MARGIN, y + 26
        parts += [f'<g transform="translate({_n(x)} {_n(y)})">', *sample, _text(38, 13, "small", text), "</g>"]
        x += room
    return parts, y + 18
