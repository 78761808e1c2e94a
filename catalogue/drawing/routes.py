"""How the arrows run. Upright parts lie in the corridors between columns, level ones in free cells or between rows.

    corridor c   the room left of column c
    gap r        the room above row r (gap ``rows``: below the last)

Arrows that leave one step share their upright track; so do those that come to one step from afar. First every part
gets its corridor or gap, then tracks are given out; only then it is known how much room they need.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from catalogue.drawing.grid import Cell, Grid

Key = tuple[str, str]  # ("out", step) or ("in", step)


@dataclass(frozen=True)
class Route:
    """One arrow. ``row``: where it crosses free cells; ``gap``: where it runs between rows; neither for a near one."""

    source: Cell
    target: Cell
    row: int | None = None
    gap: int | None = None

    @property
    def leaves(self) -> tuple[int, Key]:
        """Corridor and track of the first upright part."""
        return self.source.column + 1, ("out", self.source.step.id)

    @property
    def arrives(self) -> tuple[int, Key]:
        """Corridor and track of the last upright part."""
        return self.target.column, ("in", self.target.step.id)

    @property
    def uprights(self) -> list[tuple[int, Key]]:
        """The tracks it uses."""
        if self.gap is not None:
            return [self.leaves, self.arrives]
        if self.row is not None and self.row == self.source.row != self.target.row:
            return [self.arrives]
        return [] if self.source.row == self.target.row else [self.leaves]


@dataclass
class Routes:
    """All arrows, with the tracks of each corridor (left to right) and of each gap (top to bottom)."""

    all: list[Route]
    corridors: dict[int, list[Key]] = field(default_factory=dict)
    gaps: dict[int, dict[Hashable, int]] = field(default_factory=dict)
    shifted: set[tuple[str, str]] = field(default_factory=set)  # arrows that enter a little lower, to keep apart

    def gap_tracks(self, gap: int) -> int:
        """How many tracks a gap holds."""
        return 1 + max(self.gaps.get(gap, {}).values(), default=-1)


def route(grid: Grid) -> Routes:
    """Every arrow of the grid."""
    taken = {(cell.column, cell.row) for cell in grid.cells}
    runs: dict[tuple[int, int], str] = {}  # free cell -> whose arrows cross it
    found = Routes([])
    for source, target in sorted(
        ((grid.cell(a), grid.cell(b)) for a, b in grid.arrows), key=lambda ends: ends[1].column - ends[0].column
    ):
        between = range(source.column + 1, target.column)
        row = gap = None
        if len(between):
            for candidate, whose in ((target.row, target), (source.row, source)):
                crossed = [(column, candidate) for column in between]
                if not any(c in taken or runs.get(c, whose.step.id) != whose.step.id for c in crossed):
                    runs |= dict.fromkeys(crossed, whose.step.id)
                    row = candidate
                    break
            else:
                gap = target.row + 1 if source.row > target.row else target.row
        found.all.append(Route(source, target, row, gap))
    _give_corridors(found)
    _give_gaps(found)
    return found


def _give_corridors(routes: Routes) -> None:
    """The order of the tracks in each corridor: who leaves at a height stays left of who comes in at that height."""
    used: dict[int, dict[Key, None]] = {}
    leaving: dict[tuple[int, Key], set[int]] = {}
    entering: dict[tuple[int, Key], set[int]] = {}
    for each in routes.all:
        for corridor, key in each.uprights:
            used.setdefault(corridor, {})[key] = None
        if not each.uprights:
            continue
        first, last = each.uprights[0], each.uprights[-1]
        if first == each.leaves or each.row == each.source.row:
            leaving.setdefault(first, set()).add(each.source.row)
        if last == each.arrives or each.gap is None:
            entering.setdefault(last, set()).add(each.target.row)
    for corridor, keys in used.items():
        waiting, order = sorted(keys, key=lambda key: (key[0] == "in", key[1])), []
        while waiting:
            free = [
                key
                for key in waiting
                if not any(
                    leaving.get((corridor, other), set()) & entering.get((corridor, key), set())
                    for other in waiting
                    if other != key
                )
            ]
            order.append((free or waiting)[0])
            waiting.remove(order[-1])
        routes.corridors[corridor] = order
    for each in routes.all:
        if not each.uprights:
            continue
        corridor, key = each.uprights[-1]
        after = routes.corridors[corridor][routes.corridors[corridor].index(key) + 1 :]
        if any(each.target.row in leaving.get((corridor, other), set()) for other in after):
            routes.shifted.add((each.source.step.id, each.target.step.id))


def _give_gaps(routes: Routes) -> None:
    """Arrows to one step share a track; others share it only where they do not meet."""
    spans: dict[int, dict[str, tuple[int, int]]] = {}
    for each in routes.all:
        if each.gap is not None:
            gap, name = spans.setdefault(each.gap, {}), each.target.step.id
            first, last = gap.get(name, (each.source.column, each.target.column))
            gap[name] = min(first, each.source.column), max(last, each.target.column)
    for at, gap in spans.items():
        given: dict[Hashable, int] = {}
        for name, (first, last) in sorted(gap.items(), key=lambda item: (item[1], item[0])):
            met = {given[other] for other in given if not (gap[str(other)][1] < first or last < gap[str(other)][0])}
            given[name] = next(track for track in range(len(gap)) if track not in met)
        routes.gaps[at] = given
