"""Clocks as brackets below the lanes, under the span from where they start to where they stop."""

from __future__ import annotations

from dataclasses import dataclass

from catalogue.drawing import words
from catalogue.drawing.grid import BOX_W, LABEL_W, SMALL, SMALL_LINE, Grid
from catalogue.drawing.measure import clean, width, wrap
from catalogue.drawing.places import MARGIN, Places
from catalogue.drawing.words import Lang
from domain.plan import Clock, Plan, StepKind

LEAST_W = 24.0
TEXT_W = 300.0


@dataclass(frozen=True)
class Bracket:
    """A bracket and the lines below it."""

    left: float
    right: float
    y: float
    text_x: float
    lines: tuple[tuple[str, str], ...]  # style, text
    told: str


def brackets(plan: Plan, grid: Grid, places: Places, lang: Lang, right: float) -> tuple[list[Bracket], float]:
    """The brackets in as few rows as they need, and where they end."""
    found: list[Bracket] = []
    rows: list[list[tuple[float, float, int]]] = []  # of each row: what is taken, and by how many lines
    placed: list[tuple[int, Clock, float, float, float, list[tuple[str, str]]]] = []
    spans = [(clock, *_span(plan, grid, places, clock)) for clock in plan.clocks]
    for clock, left, end in sorted(spans, key=lambda span: (span[1], span[2], span[0].id)):
        lines = _lines(plan, clock, lang, min(TEXT_W, right - 2 * MARGIN))
        room = max((width(text, SMALL) for _, text in lines), default=0)
        text_x = max(MARGIN, min(left, right - MARGIN - room))
        taken = (min(left, text_x) - 8, max(end, text_x + room) + 8, len(lines))
        row = next((i for i, row in enumerate(rows) if all(taken[0] >= b or taken[1] <= a for a, b, _ in row)), None)
        if row is None:
            row = len(rows)
            rows.append([])
        rows[row].append(taken)
        placed.append((row, clock, left, end, text_x, lines))
    tops, y = [], places.bottom + 22
    for each in rows:
        tops.append(y)
        y += 18 + SMALL_LINE * max(count for _, _, count in each) + 8
    for row, clock, left, end, text_x, lines in placed:
        told = clean(f"{clock.title.zh} {clock.title.en}: {' · '.join(text for _, text in lines)}")
        found.append(Bracket(left, end, tops[row], text_x, tuple(lines), told))
    return found, y


def _lines(plan: Plan, clock: Clock, lang: Lang, room: float) -> list[tuple[str, str]]:
    limits = [
        f"{lang.say(word)} {words.days(limit)}"
        for word, limit in ((words.LEGAL, clock.legal), (words.PROMISED, clock.promised))
        if limit is not None
    ]
    between = f"{_mark(plan, clock.start, lang)} → {_mark(plan, clock.stop, lang)}"
    step = clock.start.removesuffix(".started")
    if clock.stop == f"{step}.done":
        between = _title(plan, step, lang) + lang.say(words.WHOLE)
    lines = [("small", text) for text in wrap(lang.say(clock.title), SMALL, room, 2)]
    lines += [("small", text) for text in wrap(lang.pick("，", ", ").join(limits), SMALL, room, 2)]
    return lines + [("kind", text) for text in wrap(between, SMALL, room, 2)]


def _mark(plan: Plan, mark: str, lang: Lang) -> str:
    """A mark in words: 受理, or the step's title and whether it begins or ends."""
    if mark in words.MARKS:
        return lang.say(words.MARKS[mark])
    step, _, end = mark.rpartition(".")
    word = lang.say(words.STARTED if end == "started" else words.DONE)
    return f"{_title(plan, step, lang)}{lang.pick('', ' ')}{word}"


def _title(plan: Plan, step: str, lang: Lang) -> str:
    return next((lang.say(s.title) for s in plan.steps if s.id == step), step)


def _span(plan: Plan, grid: Grid, places: Places, clock: Clock) -> tuple[float, float]:
    left, right = (_x(plan, grid, places, mark) for mark in (clock.start, clock.stop))
    return left, max(right, left + LEAST_W)


def _x(plan: Plan, grid: Grid, places: Places, mark: str) -> float:
    first, last = MARGIN + LABEL_W + 6, places.columns[-1] + BOX_W
    if mark == "received":
        return first
    if mark == "closed":
        return last
    kinds = {"accepted": StepKind.ACCEPT, "decided": StepKind.DECIDE}
    if mark in kinds:
        ends = [places.columns[cell.column] + BOX_W for cell in grid.cells if cell.step.kind is kinds[mark]]
        return max(ends, default=first if mark == "accepted" else last)
    step, _, end = mark.rpartition(".")
    found = [places.columns[cell.column] for cell in grid.cells if cell.step.id == step]
    return max(found, default=first) + (0 if end == "started" else BOX_W)
