"""Where everything stands: steps in lanes by leg, in columns by the longest way to them, in rows beside each other."""

from __future__ import annotations

from dataclasses import dataclass

from catalogue.drawing import words
from catalogue.drawing.measure import wrap
from catalogue.drawing.words import Lang
from domain.plan import LegPlan, Plan, StepPlan

BOX_W = 176.0
PAD = 12.0
TITLE, SMALL = 14.0, 11.0
TITLE_LINE, SMALL_LINE = 19.0, 15.0
LABEL_W = 150.0


@dataclass(frozen=True)
class Line:
    """A line in a box."""

    text: str
    style: str  # title, small or when


@dataclass(frozen=True)
class Cell:
    """A step and its place in the grid."""

    step: StepPlan
    column: int
    row: int  # counted over all lanes
    lines: tuple[Line, ...]
    fees: int

    @property
    def height(self) -> float:
        """What its text needs."""
        text = sum(TITLE_LINE if line.style == "title" else SMALL_LINE for line in self.lines)
        return PAD + 20 + text + PAD - 4


@dataclass(frozen=True)
class Lane:
    """A leg: its rows, and the lines of its label."""

    leg: LegPlan
    first_row: int
    rows: int
    title: tuple[str, ...]
    place: tuple[str, ...]

    @property
    def height(self) -> float:
        """What its label needs."""
        return 2 * PAD + TITLE_LINE * len(self.title) + SMALL_LINE * len(self.place)


@dataclass(frozen=True)
class Grid:
    """All of it; ``arrows`` are pairs of step ids, those that follow from others left out."""

    cells: tuple[Cell, ...]
    lanes: tuple[Lane, ...]
    columns: int
    rows: int
    arrows: tuple[tuple[str, str], ...]

    def cell(self, step: str) -> Cell:
        """The cell of a step."""
        return next(cell for cell in self.cells if cell.step.id == step)


def lay_out(plan: Plan, lang: Lang) -> Grid:
    """The grid of a plan."""
    columns = _columns(plan)
    cells: list[Cell] = []
    lanes: list[Lane] = []
    row = 0
    for leg in _legs_by_place(plan):
        placed = _rows([step for step in plan.steps if step.leg == leg.id], columns)
        cells += [
            Cell(
                step=step,
                column=columns[step.id],
                row=row + at,
                lines=tuple(_lines(plan, step, lang)),
                fees=sum(fee.before == step.id for fee in plan.fees),
            )
            for step, at in placed
        ]
        count = 1 + max((at for _, at in placed), default=0)
        role = plan.roles[leg.role]
        place = wrap(lang.say(role.title), SMALL, LABEL_W - 2 * PAD, 3)
        if _in_many_places(plan, leg.role):
            place += wrap(lang.say(words.EACH_PLACE), SMALL, LABEL_W - 2 * PAD, 2)
        title = wrap(lang.say(leg.title), TITLE, LABEL_W - 2 * PAD, 3)
        lanes.append(Lane(leg=leg, first_row=row, rows=count, title=tuple(title), place=tuple(place)))
        row += count
    return Grid(
        cells=tuple(cells),
        lanes=tuple(lanes),
        columns=1 + max((cell.column for cell in cells), default=0),
        rows=row,
        arrows=tuple(_arrows(plan)),
    )


def _columns(plan: Plan) -> dict[str, int]:
    """Step -> length of the longest chain of needs before it."""
    found: dict[str, int] = {}
    needs = {step.id: step.needs for step in plan.steps}
    while len(found) < len(needs):
        ready = [name for name in needs if name not in found and all(need in found for need in needs[name])]
        if not ready:
            raise ValueError("the steps need each other in a circle")
        found |= {name: 1 + max((found[need] for need in needs[name]), default=-1) for name in ready}
    return found


def _legs_by_place(plan: Plan) -> list[LegPlan]:
    """Legs of one authority beside each other, else as defined."""

    def place(leg: LegPlan) -> tuple[str, str, str]:
        role = plan.roles[leg.role]
        return role.region, role.region_field, role.department

    order = list(dict.fromkeys(place(leg) for leg in plan.legs))
    return sorted(plan.legs, key=lambda leg: order.index(place(leg)))


def _rows(steps: list[StepPlan], columns: dict[str, int]) -> list[tuple[StepPlan, int]]:
    """The row of each step in its lane: that of what it needs if it is free, so that chains are straight."""
    taken: set[tuple[int, int]] = set()
    rows: dict[str, int] = {}
    for step in sorted(steps, key=lambda s: columns[s.id]):
        column = columns[step.id]
        wanted = [rows[need] for need in step.needs if need in rows]
        row = next((at for at in wanted if (column, at) not in taken), 0)
        while (column, row) in taken:
            row += 1
        taken.add((column, row))
        rows[step.id] = row
    return [(step, rows[step.id]) for step in steps]


def _lines(plan: Plan, step: StepPlan, lang: Lang) -> list[Line]:
    room = BOX_W - 2 * PAD - 6
    lines = [Line(text, "title") for text in wrap(lang.say(step.title), TITLE, room, 4)]
    if step.role != next(leg.role for leg in plan.legs if leg.id == step.leg):
        lines += [Line(text, "small") for text in wrap(lang.say(plan.roles[step.role].title), SMALL, room, 2)]
    if step.lasts is not None:
        lines += [Line(text, "small") for text in wrap(words.days(step.lasts), SMALL, room, 1)]
    if step.when:
        lines += [Line(text, "when") for text in wrap(lang.pick("若 ", "if ") + step.when, SMALL, room, 3)]
    for fee in plan.fees:
        if fee.before == step.id:
            text = f"{lang.say(fee.title)} {words.yuan(fee.amount_fen)}"
            lines += [Line(part, "small") for part in wrap(text, SMALL, room, 2)]
    return lines


def _in_many_places(plan: Plan, role: str) -> bool:
    field = plan.roles[role].region_field
    return bool(field) and plan.form_fields().get(field, {}).get("type") == "array"


def _arrows(plan: Plan) -> list[tuple[str, str]]:
    """Who comes right before whom: a need that another need implies has no arrow of its own."""
    before = {step.id: step.needs_closure(plan) for step in plan.steps}
    return [
        (need, step.id)
        for step in plan.steps
        for need in dict.fromkeys(step.needs)
        if not any(need in before[other] for other in step.needs)
    ]
