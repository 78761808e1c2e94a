"""From the grid to measures: how high rows and gaps are, how wide corridors, and where all of it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from catalogue.drawing.grid import BOX_W, LABEL_W, PAD, Cell, Grid
from catalogue.drawing.routes import Key, Route, Routes

MARGIN = 20.0
TRACK = 9.0
HEAD_ROOM = 14.0  # between the last track and a box, for the arrow's head
COIN_ROOM = 24.0
LEAST_ROW = 64.0


@dataclass(frozen=True)
class Places:
    """Left edges of columns, tops of rows, tracks, and the tops of lanes; ``bottom`` is below the last lane."""

    columns: tuple[float, ...]
    rows: tuple[tuple[float, float], ...]  # top, height
    lanes: tuple[tuple[float, float], ...]  # top, height
    uprights: Mapping[tuple[int, Key], float]
    levels: Mapping[int, float]  # gap -> y of its first track
    right: float
    bottom: float

    def middle(self, cell: Cell) -> float:
        """The height at which arrows leave and enter."""
        top, height = self.rows[cell.row]
        return top + height / 2

    def points(self, route: Route, routes: Routes) -> list[tuple[float, float]]:
        """The corners of an arrow, from box to box."""
        start = (self.columns[route.source.column] + BOX_W, self.middle(route.source))
        shift = 9.0 if (route.source.step.id, route.target.step.id) in routes.shifted else 0.0
        end = (self.columns[route.target.column], self.middle(route.target) + shift)
        xs = [self.uprights[place] for place in route.uprights]
        if route.gap is not None:
            level = self.levels[route.gap] + TRACK * routes.gaps[route.gap][route.target.step.id]
            ys = [start[1], level, end[1]]
        else:
            ys = [start[1], end[1]][: 1 + len(xs)]
        corners = [start]
        for x, (before, after) in zip(xs, pairwise(ys), strict=True):
            corners += [(x, before), (x, after)]
        return [*corners, end]


def measure(grid: Grid, routes: Routes, top: float) -> Places:
    """Where everything lies, the lanes beginning at ``top``."""
    columns: list[float] = []
    uprights: dict[tuple[int, Key], float] = {}
    x = MARGIN + LABEL_W
    for column in range(grid.columns):
        tracks = routes.corridors.get(column, [])
        x += 16
        for track in tracks:
            uprights[column, track] = x
            x += TRACK
        coin = any(cell.column == column and cell.fees for cell in grid.cells)
        x += HEAD_ROOM + (COIN_ROOM if coin else 0)
        columns.append(x)
        x += BOX_W
    rows: list[tuple[float, float]] = []
    lanes: list[tuple[float, float]] = []
    levels: dict[int, float] = {}
    y = top
    for lane in grid.lanes:
        begin = y
        for row in range(lane.first_row, lane.first_row + lane.rows):
            y += PAD
            levels[row] = y
            y += TRACK * routes.gap_tracks(row) + (4 if routes.gap_tracks(row) else 0)
            height = max([LEAST_ROW, *(cell.height for cell in grid.cells if cell.row == row)])
            rows.append((y, height))
            y += height
        y = max(y + PAD, begin + lane.height)
        lanes.append((begin, y - begin))
    below = routes.gap_tracks(grid.rows)
    if below:
        levels[grid.rows] = y - PAD + 6
        y += TRACK * below
        lanes[-1] = (lanes[-1][0], y - lanes[-1][0])
    return Places(
        columns=tuple(columns),
        rows=tuple(rows),
        lanes=tuple(lanes),
        uprights=uprights,
        levels=levels,
        right=x + PAD + MARGIN,
        bottom=y,
    )
