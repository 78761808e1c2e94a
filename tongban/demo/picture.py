"""The live picture: a lane for each place, who has the ball, clocks, what happened. Pure: situation in, picture out.

Fits itself to the window, see ``lanes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text as Line

from api.schemas import CaseOut, ClockOut, WaitingOut
from domain.messages import Text
from tongban.demo.follow import Happening, Situation
from tongban.demo.lanes import DIM, lanes, lanes_of
from tongban.demo.words import (
    CASE,
    SHANGHAI,
    Lang,
    actor_text,
    clock_time,
    event_text,
    grouped,
    place_name,
    region_name,
    t,
)

WIDE = 110
EVENTS = 6
HEAD, LEAST_TICKER = 2, 4
BALL = 2  # lines for one who is waited for
MIDDLE, WIDE_MIDDLE = 2 + 2 * BALL + 2, 2 + 2 * BALL  # two who are waited for, two clocks


def picture(situation: Situation, lang: Lang, width: int, height: int) -> RenderableType:
    """The whole picture in at most ``width`` columns and, if it can be done at all, ``height`` lines."""
    case = situation.case
    parts: list[RenderableType] = [_head(situation, lang)]
    if case is None:
        return Group(*parts, _ticker(situation, {}, lang, EVENTS, width))
    titles = situation.titles()
    wide = width >= WIDE
    ball, clocks = _ball_lines(case, lang), [_clock(clock, lang, short=wide) for clock in _running(case)]
    middle = 2 + (max(len(ball), len(clocks)) if wide else len(ball) + len(clocks))
    # what is usual decides how the lanes look, so that they do not jump when somebody more is waited for
    room = height - HEAD - (WIDE_MIDDLE if wide else MIDDLE) - LEAST_TICKER
    drawn, lines = lanes(lanes_of(case, titles), lang, width, room)
    over = lines + HEAD + middle + LEAST_TICKER - height
    if over > 0 and len(ball) > BALL:
        ball, over = ball[:BALL], over - (len(ball) - BALL)  # a very low window: the first who is waited for
    if over > 0 and len(clocks) > 1:
        clocks, over = clocks[:1], over - (len(clocks) - 1)
    events = max(1, min(EVENTS, LEAST_TICKER - 2 - over))
    return Group(*parts, drawn, _middle(ball, clocks, lang, wide=wide), _ticker(situation, titles, lang, events, width))


def _head(situation: Situation, lang: Lang) -> RenderableType:
    case = situation.case
    first = Table.grid(expand=True, padding=(0, 1, 0, 0))
    first.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    first.add_column(justify="right", no_wrap=True)
    name = Line.assemble(("通办 Tongban  ", "bold cyan"), (lang.say(situation.title), "bold"))
    first.add_row(name, Line(f"{situation.elapsed:6.1f} s", style=DIM))
    if case is not None:
        style, word = CASE.get(case.status, ("default", t(case.status, case.status)))
        number = Line.assemble((grouped(case.no), "cyan"), f"  {case.subject}")
        first.add_row(number, Line(lang.say(word), style=style))
    return first


def _running(case: CaseOut) -> Sequence[ClockOut]:
    return [clock for clock in case.clocks if clock.stopped_at is None] if case.closed_at is None else []


def _ball_lines(case: CaseOut, lang: Lang) -> list[Line]:
    """Two lines for each who is waited for, at most two of them; for a closed case how it ended."""
    rows: list[Line] = []
    for item in case.waiting[:2]:
        rows += _ball(item, lang)
    if len(case.waiting) > 2:
        rows[-1].append(f"  +{len(case.waiting) - 2}", style=DIM)
    if not case.waiting:
        style, word = CASE.get(case.status, ("default", t(case.status, case.status)))
        rows.append(Line(lang.say(word), style=style))
    return rows


def _middle(ball: list[Line], clocks: list[Line], lang: Lang, *, wide: bool) -> RenderableType:
    """Who has the ball, and the clocks that run: beside each other if there is room."""
    for row in (*ball, *clocks):
        row.no_wrap, row.overflow = True, "ellipsis"
    heading = t("现在轮到谁", "who has the ball")
    if not wide:
        return _panel([*ball, *clocks], heading, lang)
    both = Table.grid(expand=True)
    both.add_column(ratio=3)
    both.add_column(ratio=2)
    height = max(len(ball), len(clocks))
    padded = [[*rows, *[Line("")] * (height - len(rows))] for rows in (ball, clocks)]
    both.add_row(_panel(padded[0], heading, lang), _panel(padded[1], t("剩余工作日", "working days left"), lang))
    return both


def _panel(rows: list[Line], heading: Text, lang: Lang) -> Panel:
    return Panel(
        Group(*rows), title=lang.say(heading), title_align="left", border_style=DIM, box=box.ROUNDED, padding=(0, 1)
    )


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


def _ball(item: WaitingOut, lang: Lang) -> list[Line]:
    """Who and until when; why. Both languages: a line for each."""
    colour = {"applicant": "bold yellow", "department": "bold magenta", "province": "bold blue"}.get(item.who, "cyan")
    who, until = who_text(item), _until(item.until)
    first = Line("➜ ", style=colour)
    if lang is not Lang.BOTH:
        first.append(f"{lang.say(who)}{lang.say(until)}", style=colour)
        return [first, Line(f"  {lang.say(item.text)}", style=DIM)]
    first.append(f"{who.zh}{until.zh}：{item.text.zh}")
    return [first, Line(f"  {who.en}{until.en}: {item.text.en}", style=DIM)]


def _until(until: datetime | None) -> Text:
    """The day on whose end the limit falls: a limit at midnight is the end of the day before."""
    if until is None:
        return t("", "")
    day = f"{until.astimezone(SHANGHAI) - timedelta(seconds=1):%m-%d}"
    return t(f"（至 {day}）", f" (until {day})")


def _clock(clock: ClockOut, lang: Lang, *, short: bool) -> Line:
    """Working days left, the day it ends, what it limits. ``short``: the heading says what the number is."""
    left = clock.working_days_left
    style = "bold red" if clock.overdue or (left is not None and left < 0) else "bold"
    days = "?" if left is None else str(left)
    dues = [day for day in (clock.legal_due, clock.promised_due) if day]
    due = f"{min(dues):%m-%d}{'?' if clock.provisional else ''}" if dues else ""
    words = {
        Lang.ZH: f"余 {days} 个工作日",
        Lang.EN: f"{days} working days left",
        Lang.BOTH: f"余 {days} 工作日 working days left",
    }[lang]
    line = Line.assemble((f"{days:>2}" if short else words, style))
    line.append(f"  {due}", style=DIM)
    line.append(f"  {lang.say(clock.title)}", style="default")
    return line


def _ticker(situation: Situation, titles: dict[str, Text], lang: Lang, count: int, width: int) -> RenderableType:
    rows = [happening_line(item, titles, lang) for item in list(situation.ticker)[-count:]]
    rows += [Line("")] * (count - len(rows))
    for row in rows:
        row.truncate(width - 4, overflow="ellipsis")
        row.no_wrap = True
    return _panel(rows, t("进展", "what happens"), lang)


def happening_line(item: Happening, titles: dict[str, Text], lang: Lang) -> Line:
    """One line of the ticker."""
    line = Line.assemble((f"{clock_time(item.at)} ", DIM))
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
