"""The live picture: a lane for each province, who has the ball, clocks, what happened. Pure: situation in, picture out.

Fits itself to the window: as many cells side by side as fit, one line for a step where the window is low.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text as Line

from api.schemas import CaseOut, ClockOut, StepOut, WaitingOut
from domain.messages import Text
from tongban.demo.follow import Happening, Situation
from tongban.demo.words import (
    CASE,
    PROVINCE,
    SHANGHAI,
    Lang,
    actor_text,
    clock_time,
    event_text,
    grouped,
    place_name,
    province_of,
    region_name,
    sign,
    t,
)

LABEL = 10
LEAST_CELL, MOST_CELLS = 25, 4
WIDE = 110
EVENTS = 6
DIM = "bright_black"


def picture(situation: Situation, lang: Lang, width: int, height: int, *, live: bool = True) -> RenderableType:
    """The whole picture in at most ``width`` columns and, if it can be done at all, ``height`` lines."""
    case = situation.case
    parts: list[RenderableType] = [_head(situation, lang, width)]
    if case is None:
        return Group(*parts)
    titles = {step.id: step.title for leg in case.legs for step in leg.steps}
    lanes = _by_province(case)
    per_row = max(1, min(MOST_CELLS, (width - LABEL - 7) // LEAST_CELL))
    cell = 3 if lang is Lang.BOTH else 2
    roomy = sum(max(1, -(-len(steps) // per_row)) * cell + 1 for steps in lanes.values()) + 1
    below = _below(case, lang, width)
    low = roomy + 2 + below + 3 > height
    parts.append(_lines(lanes, lang, width) if low else _cells(lanes, titles, lang, width, per_row))
    used = 2 + (sum(max(1, len(steps)) for steps in lanes.values()) + 5 if low else roomy)
    events = max(1, min(EVENTS, height - used - below - 3))
    if width >= WIDE:
        both = Table.grid(expand=True, padding=(0, 1, 0, 0))
        both.add_column(width=width // 2 - 1)
        both.add_column(ratio=1)
        events = max(1, min(EVENTS + 2, height - used - 2, max(EVENTS, below)))
        both.add_row(_side(case, titles, lang), _ticker(situation, titles, lang, events, width - width // 2))
        parts.append(both)
    else:
        parts += [_side(case, titles, lang), _ticker(situation, titles, lang, events, width)]
    return Group(*parts)


def _head(situation: Situation, lang: Lang, width: int) -> RenderableType:
    case = situation.case
    first = Table.grid(expand=True, padding=(0, 1, 0, 0))
    first.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    first.add_column(justify="right", no_wrap=True)
    name = Line("通办 Tongban ", style="bold cyan")
    name.append(lang.say(situation.title), style="bold")
    first.add_row(name, Line(f"{situation.elapsed:6.1f} s", style=DIM))
    if case is not None:
        style, word = CASE.get(case.status, ("default", t(case.status, case.status)))
        number = Line(grouped(case.no), style="cyan")
        number.append(f"  {case.subject}", style="default")
        first.add_row(number, Line(lang.say(word), style=style))
    return first


def _by_province(case: CaseOut) -> dict[str, list[StepOut]]:
    """Every province has a lane, also one that has nothing to do."""
    lanes: dict[str, list[StepOut]] = {province: [] for province in PROVINCE}
    for leg in case.legs:
        lanes.setdefault(province_of(leg.place.region), []).extend(leg.steps)
    return lanes


def _lane_name(province: str, lang: Lang) -> Line:
    lines = lang.lines(region_name(province))
    name = Line(lines[0], style="bold")
    for more in lines[1:]:
        name.append(f"\n{more}", style=DIM)
    return name


def _cells(
    lanes: dict[str, list[StepOut]], titles: dict[str, Text], lang: Lang, width: int, per_row: int
) -> RenderableType:
    table = Table(box=box.ROUNDED, show_header=False, show_lines=True, border_style=DIM, width=width, padding=(0, 1))
    table.add_column(width=LABEL, no_wrap=True)
    table.add_column(ratio=1)
    for province, steps in lanes.items():
        row = Table.grid(expand=True, padding=(0, 1, 0, 0))
        for _ in range(per_row):
            row.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for begin in range(0, len(steps), per_row):
            row.add_row(*(_cell(step, titles, lang) for step in steps[begin : begin + per_row]))
        table.add_row(_lane_name(province, lang), row)
    return table


def _cell(step: StepOut, titles: dict[str, Text], lang: Lang) -> Line:
    look = sign(step.status)
    quiet = step.status == "waiting"
    cell = Line(no_wrap=True, overflow="ellipsis")
    cell.append(f"{look.symbol} {lang.say(look.word)}", style=look.style)
    if step.status == "done":
        cell.append(f" {clock_time(step.since)}", style=DIM)
    for number, line in enumerate(lang.lines(titles[step.id])):
        cell.append(f"\n  {line}", style=DIM if quiet or number else "bold")
    return cell


def _lines(lanes: dict[str, list[StepOut]], lang: Lang, width: int) -> RenderableType:
    """One line for a step."""
    table = Table(box=box.ROUNDED, show_header=False, border_style=DIM, width=width, padding=(0, 1))
    table.add_column(width=LABEL if lang is not Lang.BOTH else 15, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(width=24 if lang is Lang.BOTH else 16, no_wrap=True, overflow="ellipsis")
    for number, (province, steps) in enumerate(lanes.items()):
        if number:
            table.add_section()
        for place, step in enumerate(steps):
            look = sign(step.status)
            name = Line(lang.say(region_name(province)) if not place else "", style="bold")
            title = Line(lang.say(step.title), style=DIM if step.status == "waiting" else "default")
            table.add_row(name, title, Line(f"{look.symbol} {lang.say(look.word)}", style=look.style))
        if not steps:
            table.add_row(Line(lang.say(region_name(province)), style="bold"), "", "")
    return table


def _running(case: CaseOut) -> Sequence[ClockOut]:
    return [clock for clock in case.clocks if clock.stopped_at is None] if case.closed_at is None else []


def _below(case: CaseOut, lang: Lang, width: int) -> int:
    """Lines that ball and clocks take."""
    return max(1, 2 * len(case.waiting[:2])) + max(1, len(_running(case))) + 2


def _side(case: CaseOut, titles: dict[str, Text], lang: Lang) -> RenderableType:
    rows: list[Line] = []
    for item in case.waiting[:2]:
        rows += _ball(item, titles, lang)
    if len(case.waiting) > 2:
        more = len(case.waiting) - 2
        rows[-1].append(f"  +{more}", style=DIM)
    if not case.waiting:
        style, word = CASE.get(case.status, ("default", t(case.status, case.status)))
        rows.append(Line(lang.say(word), style=style))
    for clock in _running(case):
        rows.append(_clock(clock, lang))
    for row in rows:
        row.no_wrap, row.overflow = True, "ellipsis"
    heading = lang.say(t("现在轮到谁", "who has the ball"))
    return Panel(Group(*rows), title=heading, title_align="left", border_style=DIM, box=box.ROUNDED, padding=(0, 1))


def who_text(item: WaitingOut) -> Text:
    """The one who is waited for."""
    if item.who == "applicant":
        return t("申请人", "the applicant")
    if item.who == "system":
        return t("系统", "the system")
    if item.who == "province":
        return region_name(item.region) if not item.department else place_name(item.region, item.department)
    place = place_name(item.region, item.department)
    return t(f"{place.zh}经办人", f"a caseworker, {place.en}")


def _ball(item: WaitingOut, titles: dict[str, Text], lang: Lang) -> list[Line]:
    colour = {"applicant": "bold yellow", "department": "bold magenta", "province": "bold blue"}.get(item.who, "cyan")
    first = Line("➜ ", style=colour)
    first.append(lang.say(who_text(item)), style=colour)
    until = _until(item.until, lang)
    if until:
        first.append(f"  {until}")
    why = lang.say(item.text)
    if item.step in titles:
        why = f"{lang.say(titles[item.step]) if lang is not Lang.BOTH else titles[item.step].zh}: {why}"
    return [first, Line(f"  {why}", style=DIM)]


def _until(until: datetime | None, lang: Lang) -> str:
    """The day on whose end the limit falls; a limit at midnight is the end of the day before."""
    if until is None:
        return ""
    day = f"{until.astimezone(SHANGHAI) - timedelta(seconds=1):%Y-%m-%d}"
    return lang.say(t(f"至 {day}", f"until {day}")) if lang is not Lang.BOTH else f"至 until {day}"


def _clock(clock: ClockOut, lang: Lang) -> Line:
    left = clock.working_days_left
    style = "bold red" if clock.overdue or (left is not None and left < 0) else "default"
    days = "?" if left is None else str(left)
    words = {
        Lang.ZH: f"余 {days} 个工作日",
        Lang.EN: f"{days} working days left",
        Lang.BOTH: f"余 {days} 个工作日 working days left",
    }[lang]
    dues = [day for day in (clock.legal_due, clock.promised_due) if day]
    line = Line(f"{lang.say(clock.title)}  ", style=DIM)
    line.append(words, style=style)
    if dues:
        line.append(f"  {min(dues):%m-%d}{'?' if clock.provisional else ''}", style=DIM)
    return line


def _ticker(situation: Situation, titles: dict[str, Text], lang: Lang, count: int, width: int) -> RenderableType:
    rows = [happening_line(item, titles, lang) for item in list(situation.ticker)[-count:]]
    rows += [Line("")] * (count - len(rows))
    for row in rows:
        row.truncate(width - 4, overflow="ellipsis")
    heading = lang.say(t("进展", "what happens"))
    return Panel(Group(*rows), title=heading, title_align="left", border_style=DIM, box=box.ROUNDED, padding=(0, 1))


def happening_line(item: Happening, titles: dict[str, Text], lang: Lang) -> Line:
    """One line of the ticker."""
    line = Line(f"{clock_time(item.at)} ", style=DIM)
    if item.act is not None:
        line.append(f"» {lang.say(item.act)}", style="bold yellow")
    elif item.event is not None:
        event = item.event
        if event.step in titles:
            title = titles[event.step]
            line.append(f"{title.en if lang is Lang.EN else title.zh}: ", style="bold")
        line.append(lang.say(event_text(event)))
        if event.actor.get("role") == "caseworker" or (event.actor.get("region") and event.actor["role"] == "system"):
            line.append(f" ({lang.say(actor_text(event.actor))})", style=DIM)
    return line
