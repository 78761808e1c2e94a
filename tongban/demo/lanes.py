"""The lanes of the live picture: one for each place of a case, drawn with as much room as there is. Pure.

Cells side by side, or a line for each step, or a line for each place, whichever is the first that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text as Line

from api.schemas import CaseOut, StepOut
from domain.messages import Text
from tongban.demo.words import (
    DEPARTMENT,
    Lang,
    clock_time,
    place_name,
    province_of,
    region_name,
    sign,
    t,
)

LABEL = {Lang.ZH: 14, Lang.EN: 17, Lang.BOTH: 20}
LINE_LABEL = {Lang.ZH: 16, Lang.EN: 24, Lang.BOTH: 25}
LEAST_CELL, MOST_CELLS = 26, 4
QUIET = {"waiting", "cancelled"}
OVER = {"done", "reversed", "rejected", "cancelled"}
DIM = "bright_black"


@dataclass(frozen=True)
class Lane:
    """One place with its steps, in the order of the definition."""

    region: str
    department: str
    steps: list[StepOut]


@dataclass(frozen=True)
class Look:
    """One way to draw the lanes, and how many lines that takes."""

    draw: Callable[[Sequence[Lane], Lang, int], RenderableType]
    height: Callable[[Sequence[Lane], Lang, int], int]


def lanes_of(case: CaseOut, titles: Mapping[str, Text]) -> list[Lane]:
    """A lane for every place that takes part; legs of one place share it."""
    found: dict[tuple[str, str], Lane] = {}
    for leg in case.legs:
        place = (leg.place.region, leg.place.department)
        steps = [step.model_copy(update={"title": titles.get(step.id, step.title)}) for step in leg.steps]
        found.setdefault(place, Lane(*place, [])).steps.extend(steps)
    return list(found.values())


def lanes(found: Sequence[Lane], lang: Lang, width: int, room: int) -> tuple[RenderableType, int]:
    """The lanes in the first look that needs no more than ``room`` lines, or in the lowest; and its height."""
    look = next((look for look in LOOKS if look.height(found, lang, width) <= room), LOOKS[-1])
    return look.draw(found, lang, width), look.height(found, lang, width)


def _frame(width: int, label: int, *, lines: bool = False) -> Table:
    table = Table(box=box.ROUNDED, show_header=False, show_lines=lines, border_style=DIM, width=width, padding=(0, 1))
    table.add_column(width=label, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    return table


def _badge(step: StepOut, lang: Lang) -> Line:
    look = sign(step.status)
    room = " " if " on " in look.style else ""  # a coloured ground needs room around its words
    return Line(f"{room}{look.symbol} {lang.say(look.word)}{room}", style=look.style)


# cells side by side


def _columns(count: int, lang: Lang, width: int) -> int:
    """How many cells beside each other, the rows as even as can be."""
    most = max(1, min(MOST_CELLS, (width - LABEL[lang] - 7) // LEAST_CELL))
    rows = max(1, -(-count // most))
    return max(1, -(-count // rows))


def _cells_height(found: Sequence[Lane], lang: Lang, width: int) -> int:
    cell = 3 if lang is Lang.BOTH else 2
    return 1 + sum(1 + cell * -(-len(lane.steps) // _columns(len(lane.steps), lang, width)) for lane in found)


def _cells(found: Sequence[Lane], lang: Lang, width: int) -> RenderableType:
    table = _frame(width, LABEL[lang], lines=True)
    for lane in found:
        row = Table.grid(expand=True, padding=(0, 1, 0, 0))
        columns = _columns(len(lane.steps), lang, width)
        for _ in range(columns):
            row.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for begin in range(0, len(lane.steps), columns):
            row.add_row(*(_cell(step, lang) for step in lane.steps[begin : begin + columns]))
        table.add_row(_label(lane, lang), row)
    return table


def _label(lane: Lane, lang: Lang) -> Line:
    """安徽省合肥市 Hefei, 公安, police: the province stands before a city in Chinese, after it in English."""
    region, province = region_name(lane.region), region_name(province_of(lane.region))
    whole = t(f"{province.zh}{region.zh}", f"{region.en}, {province.en}") if region != province else region
    first = f"{whole.zh} {region.en}" if lang is Lang.BOTH else lang.say(whole)
    others = lang.lines(DEPARTMENT.get(lane.department, t(lane.department, lane.department)))
    return Line.assemble((first, "bold"), *((f"\n{line}", DIM) for line in others))


def _cell(step: StepOut, lang: Lang) -> Line:
    quiet = step.status in QUIET
    cell = Line(no_wrap=True, overflow="ellipsis")
    cell.append_text(_badge(step, lang))
    if step.status in {"done", "reversed"}:
        cell.append(f" {clock_time(step.since)}", style=DIM)
    for number, line in enumerate(lang.lines(step.title)):
        cell.append(f"\n{line}", style=DIM if quiet or number else "bold")
    return cell


# a line for each step


def _lines_height(found: Sequence[Lane], _lang: Lang, _width: int) -> int:
    return 1 + sum(1 + len(lane.steps) for lane in found)


def _lines(found: Sequence[Lane], lang: Lang, width: int) -> RenderableType:
    table = _frame(width, LINE_LABEL[lang])
    table.add_column(width=27 if lang is Lang.BOTH else 21, no_wrap=True, overflow="ellipsis")
    for number, lane in enumerate(found):
        if number:
            table.add_section()
        for place, step in enumerate(lane.steps):
            title = Line(lang.say(step.title), style=DIM if step.status in QUIET else "default")
            table.add_row(_short_label(lane, lang) if not place else "", title, _badge(step, lang))
    return table


def _short_label(lane: Lane, lang: Lang) -> Line:
    """合肥市公安 Hefei."""
    place = place_name(lane.region, lane.department)
    text = f"{place.zh} {region_name(lane.region).en}" if lang is Lang.BOTH else lang.say(place)
    return Line(text, style="bold")


# a line for each place


def _strips_height(found: Sequence[Lane], _lang: Lang, _width: int) -> int:
    return 2 + len(found)


def _strips(found: Sequence[Lane], lang: Lang, width: int) -> RenderableType:
    """The signs of all steps of a place, and the one that it is at."""
    table = _frame(width, LINE_LABEL[lang])
    table.columns[1].ratio, table.columns[1].min_width = (
        None,
        max((2 * len(lane.steps) - 1 for lane in found), default=1),
    )
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for lane in found:
        signs = Line()
        for number, step in enumerate(lane.steps):
            look = sign(step.status)
            signs.append(" " if number else "").append(look.symbol, style=look.style)
        at = _present(lane)
        now = _badge(at, lang).append(f" {lang.say(at.title)}", style=DIM if at.status in QUIET else "default")
        table.add_row(_short_label(lane, lang), signs, now)
    return table


def _present(lane: Lane) -> StepOut:
    """The step that is under way; else the last that is over; else the first."""
    under_way = [step for step in lane.steps if step.status not in OVER | QUIET]
    over = [step for step in lane.steps if step.status in OVER]
    return (under_way[:1] or over[-1:] or lane.steps[:1])[0]


LOOKS = (Look(_cells, _cells_height), Look(_lines, _lines_height), Look(_strips, _strips_height))
