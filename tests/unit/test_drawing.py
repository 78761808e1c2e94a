"""The picture of a service: whatever the definition, nothing overlaps, nothing is outside, nothing is executed."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from catalogue.drawing import Lang, draw
from catalogue.drawing.grid import BOX_W, lay_out
from catalogue.drawing.measure import clean, width, wrap
from catalogue.drawing.places import measure
from catalogue.drawing.routes import route
from domain.messages import Text
from domain.plan import Clock, Fee, LegPlan, Limit, Plan, RolePlan, StepKind, StepPlan, Unit
from tests.unit.plans import LIBRARY, MOVE
from tongban.cli import app

ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"
PLAN = LIBRARY.service(MOVE)
HOSTILE = '<script>alert("1")</script>]]>&amp;\x00\x0b\u202e\ud800\'" -->'
TITLES = st.sampled_from(
    [
        "受理",
        "调取法定代表人电子证照并核验其真实性、完整性和有效期限",
        "Acceptance",
        "W" * 90,
        "a b" * 60,
        HOSTILE,
        "ﷺ" * 20,
        "—" * 50,
        "",
    ]
)
texts = st.builds(Text, zh=TITLES, en=TITLES)
BASIS = Text(zh="法", en="law")


def limit(days: int, unit: Unit) -> Limit:
    return Limit(days=days, unit=unit, basis=BASIS, tag="DESIGN")


@st.composite
def plans(draw_: st.DrawFn) -> Plan:
    """Any shape: 1 to 60 steps in up to 7 legs, needs at will, conditions, fees, clocks, long and bad titles."""
    roles = {
        f"r{i}": RolePlan(
            title=draw_(texts), department=draw_(st.sampled_from(["tax", "market"])), region=f"3{i % 4 + 1}0000"
        )
        for i in range(draw_(st.integers(1, 5)))
    }
    legs = tuple(
        LegPlan(id=f"l{i}", title=draw_(texts), role=draw_(st.sampled_from(sorted(roles))))
        for i in range(draw_(st.integers(1, 7)))
    )
    steps: list[StepPlan] = []
    for i in range(draw_(st.one_of(st.integers(1, 12), st.integers(1, 60)))):
        kind = draw_(st.sampled_from([k for k in StepKind if k is not StepKind.FEE]))
        undone = draw_(st.booleans())
        near = [s.id for s in steps]
        steps.append(
            StepPlan(
                id=f"s{i}",
                leg=draw_(st.sampled_from(legs)).id,
                kind=kind,
                title=draw_(texts),
                role=draw_(st.sampled_from(sorted(roles))),
                needs=tuple(draw_(st.lists(st.sampled_from(near), max_size=4, unique=True))) if near else (),
                when=draw_(st.sampled_from(["", "", "", "amount > 100 and area != '<b>'"])),
                operation=draw_(st.sampled_from(["", "do"])),
                compensate_with="undo" if undone else "",
                not_reversible=None if undone else draw_(st.one_of(st.none(), texts)),
                lasts=limit(7, Unit.CALENDAR_DAY) if kind is StepKind.PUBLICITY else None,
            )
        )
    ids = [step.id for step in steps]
    marks = ["received", "accepted", "decided", "closed"] + [f"{i}.{e}" for i in ids for e in ("started", "done")]
    clocks = tuple(
        Clock(
            id=f"c{i}",
            title=draw_(texts),
            start=draw_(st.sampled_from(marks)),
            stop=draw_(st.sampled_from(marks)),
            legal=limit(draw_(st.integers(0, 3660)), draw_(st.sampled_from(Unit))),
            promised=draw_(st.one_of(st.none(), st.just(limit(1, Unit.WORKING_DAY)))),
        )
        for i in range(draw_(st.integers(0, 6)))
    )
    fees = tuple(
        Fee(
            id=f"f{i}",
            title=draw_(texts),
            amount_fen=draw_(st.integers(1, 10**12)),
            role=sorted(roles)[0],
            before=draw_(st.sampled_from(ids)),
            basis=BASIS,
            tag="DESIGN",
        )
        for i in range(draw_(st.integers(0, 3)))
    )
    return PLAN.model_copy(
        update={
            "title": draw_(texts),
            "roles": roles,
            "accepting_role": "r0",
            "legs": legs,
            "steps": tuple(steps),
            "clocks": clocks,
            "fees": fees,
        }
    )


def sizes(svg: ElementTree.Element) -> dict[str, float]:
    """Class of a text -> its size, from the style sheet of the picture."""
    style = svg.find(f"{SVG}style")
    assert style is not None
    return {name: float(size) for name, size in re.findall(r"\.([\w-]+)\{font-size:(\d+)px", style.text or "")}


def em(char: str) -> float:
    """How wide DejaVu Sans, which is wider than most, or a CJK font draw it."""
    if unicodedata.east_asian_width(char) in "WFA" or ord(char) > 0x2000:
        return 1.0
    classes = {0.32: " ijl'|.,I:;", 0.41: "tfr()-[]/!", 0.99: "WMm@%", 0.84: "w<>=&#_"}
    known = next((room for room, chars in classes.items() if char in chars), None)
    return known or (0.79 if char.isupper() else 0.64)


def written(svg: ElementTree.Element) -> list[tuple[float, float, float, str]]:
    """Every text: left, right, base line, words."""
    by_class = sizes(svg)
    found: list[tuple[float, float, float, str]] = []

    def visit(node: ElementTree.Element, dx: float, dy: float) -> None:
        moved = re.match(r"translate\(([\d.-]+) ([\d.-]+)\)", node.get("transform", ""))
        if moved:
            dx, dy = dx + float(moved[1]), dy + float(moved[2])
        if node.tag == f"{SVG}text":
            words = node.text or ""
            room = sum(em(char) for char in words) * by_class[node.get("class", "")]
            left = dx + float(node.get("x", "")) - (room / 2 if node.get("class") == "coin-text" else 0)
            found.append((left, left + room, dy + float(node.get("y", "")), words))
        for child in node:
            visit(child, dx, dy)

    visit(svg, 0, 0)
    return found


Box = tuple[float, float, float, float]  # left, top, right, bottom


def geometry(plan: Plan, lang: Lang) -> tuple[dict[str, Box], dict[tuple[str, str], list[tuple[float, float]]]]:
    """The boxes, and the corners of the arrows."""
    grid = lay_out(plan, lang)
    routes = route(grid)
    places = measure(grid, routes, 100)
    boxes = {}
    for cell in grid.cells:
        x, (y, height) = places.columns[cell.column], places.rows[cell.row]
        boxes[cell.step.id] = (x, y, x + BOX_W, y + height)
    return boxes, {(r.source.step.id, r.target.step.id): places.points(r, routes) for r in routes.all}


def apart(a: Box, b: Box) -> bool:
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


@settings(max_examples=25, deadline=None)
@given(plans(), st.sampled_from(Lang))
def test_any_service_can_be_drawn_and_all_of_it_is_in_the_picture(plan: Plan, lang: Lang) -> None:
    text = draw(plan, lang)
    assert draw(plan, lang) == text
    svg = ElementTree.fromstring(text.encode("utf-8"))
    _, _, right, bottom = map(float, svg.get("viewBox", "").split())
    for left, end, base, words in written(svg):
        assert left >= 0, words
        assert end <= right, words
        assert 10 <= base <= bottom - 3, words
    assert len({g.get("id") for g in svg.iter(f"{SVG}g") if g.get("id")}) == len(plan.steps)
    assert {node.tag.removeprefix(SVG) for node in svg.iter()} <= {
        "svg", "title", "desc", "style", "rect", "path", "circle", "g", "text",
    }  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(plans(), st.sampled_from(Lang))
def test_no_two_boxes_overlap_and_no_arrow_runs_through_one(plan: Plan, lang: Lang) -> None:
    boxes, arrows = geometry(plan, lang)
    assert set(boxes) == {step.id for step in plan.steps}
    assert [pair for pair in combinations(sorted(boxes), 2) if not apart(boxes[pair[0]], boxes[pair[1]])] == []
    for (source, target), corners in arrows.items():
        assert corners[0][0] == boxes[source][2]
        assert corners[-1][0] == boxes[target][0]
        for (x1, y1), (x2, y2) in pairwise(corners):
            assert x1 == x2 or y1 == y2
            part = (min(x1, x2), min(y1, y2), max(x1, x2) + 0.01, max(y1, y2) + 0.01)
            crossed = [name for name, box in boxes.items() if not apart(part, (box[0] + 0.1, *box[1:]))]
            assert [name for name in crossed if name != source or part[2] > box_right(boxes, source)] in ([], [source])


def box_right(boxes: dict[str, Box], name: str) -> float:
    return boxes[name][2] + 1


@settings(max_examples=25, deadline=None)
@given(plans())
def test_a_step_stands_right_of_all_it_needs_and_every_need_can_be_followed(plan: Plan) -> None:
    boxes, arrows = geometry(plan, Lang.ZH)
    reached: dict[str, set[str]] = {step.id: set() for step in plan.steps}
    for step in plan.steps:  # defined in an order in which needs come first
        for source, target in arrows:
            if target == step.id:
                reached[target] |= {source} | reached[source]
        assert all(boxes[need][2] < boxes[step.id][0] for need in step.needs)
        assert reached[step.id] == step.needs_closure(plan)


@given(st.text(max_size=200), st.sampled_from([11.0, 14.0]), st.integers(40, 300))
def test_no_line_is_wider_than_its_room_and_no_word_gets_lost(text: str, size: float, room: int) -> None:
    lines = wrap(text, size, room, 1000)
    assert all(width(line, size) <= room for line in lines)
    assert "".join("".join(lines).split()) == "".join(clean(text).split())
    few = wrap(text, size, room, 2)
    assert len(few) <= 2
    assert all(width(line, size) <= room for line in few)


def test_what_a_hostile_title_says_is_shown_and_never_run() -> None:
    steps = (PLAN.steps[0].model_copy(update={"title": Text(zh=HOSTILE, en=HOSTILE)}), *PLAN.steps[1:])
    title = Text(zh=HOSTILE, en='"><image href="https://tongban.invalid/x"/>')
    text = draw(PLAN.model_copy(update={"title": title, "steps": steps}))
    svg = ElementTree.fromstring(text.encode("utf-8"))
    assert [node.tag for node in svg.iter() if node.tag.lower().endswith(("script", "image", "a"))] == []
    assert any("<script>" in (node.text or "") for node in svg.iter(f"{SVG}text"))
    assert "\u202e" not in text


def test_a_reader_of_screens_is_told_what_it_shows() -> None:
    svg = ElementTree.fromstring(draw(PLAN, Lang.EN))
    assert svg.findtext(f"{SVG}title") == "企业跨省迁移登记 Moving a company to another province"
    told = svg.findtext(f"{SVG}desc") or ""
    assert "Tax confirms no arrears: Tax authority at the origin, after Acceptance." in told


def test_nothing_is_fetched_from_anywhere() -> None:
    text = draw(PLAN).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert re.findall(r"href|url\(|@import|https?:", text) == []


def test_every_kind_of_sign_means_something_without_colour() -> None:
    def shapes(step: StepPlan) -> set[str]:
        plan = PLAN.model_copy(update={"steps": (step,), "legs": PLAN.legs[:1], "clocks": (), "fees": ()})
        svg = ElementTree.fromstring(draw(plan))
        (group,) = [g for g in svg.iter(f"{SVG}g") if (g.get("id") or "").startswith("step-")]
        found = set()
        for node in group.iter():
            words = (node.get("class") or "").split()
            if "box" in words:
                found |= {node.tag.removeprefix(SVG), "dashed" if "if" in words else "whole"}
                found |= {"round"} if node.get("rx") else set()
            if node.tag == f"{SVG}title":
                found.add(f"says {node.text}")
        return found

    person = next(s for s in PLAN.steps if s.id == "accept").model_copy(update={"leg": "destination"})
    system = next(s for s in PLAN.steps if s.id == "tax").model_copy(update={"leg": "destination", "needs": ()})
    time = person.model_copy(update={"kind": StepKind.PUBLICITY})
    final = next(s for s in PLAN.steps if s.id == "licence").model_copy(update={"needs": ()})
    assert {"rect", "round", "whole"} <= shapes(person)
    assert {"rect", "whole", "says 可撤回"} <= shapes(system)
    assert "round" not in shapes(system)
    assert "path" in shapes(time)
    assert "dashed" in shapes(person.model_copy(update={"when": "amount > 1"}))
    assert "says 不可撤回" in shapes(final)


def test_limits_and_fees_are_written_out() -> None:
    fee = Fee.model_validate(
        {
            "id": "f",
            "title": {"zh": "工本费", "en": "Fee"},
            "amount_fen": 1250,
            "role": "origin_tax",
            "before": "decide",
        }
        | {"basis": BASIS, "tag": "C"}
    )
    words = [line for *_, line in written(ElementTree.fromstring(draw(PLAN.model_copy(update={"fees": (fee,)}))))]
    assert "法定 5 工作日 / 5 WD" in words
    assert "工本费 ¥12.50" in words
    assert words.count("¥") == 2  # before the step and in the legend


@pytest.mark.parametrize("lang", list(Lang))
def test_the_picture_in_the_docs_is_the_one_that_is_drawn(lang: Lang) -> None:
    file = ROOT / "docs" / "pictures" / f"{MOVE}.{lang}.svg"
    assert file.read_text(encoding="utf-8") == draw(PLAN, lang), (
        f"run: python -m tongban services draw {MOVE} --lang {lang} > docs/pictures/{MOVE}.{lang}.svg"
    )


def test_the_command_prints_the_picture_of_a_file_or_a_code(tmp_path: Path) -> None:
    file = tmp_path / "service.yaml"
    file.write_bytes((ROOT / "catalogue" / "services" / f"{MOVE}.yaml").read_bytes())
    for words in ([str(file)], [MOVE]):
        result = CliRunner().invoke(app, ["services", "draw", *words, "--lang", "en"])
        assert (result.exit_code, result.stdout_bytes) == (0, draw(PLAN, Lang.EN).encode())


def test_what_is_neither_a_file_nor_a_service_is_not_drawn() -> None:
    result = CliRunner().invoke(app, ["services", "draw", "NOTHING"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "NOTHING" in result.stderr


@pytest.mark.parametrize("code", sorted(LIBRARY.services))
def test_every_shipped_service_can_be_drawn(code: str) -> None:
    plan = LIBRARY.services[code]
    svg = ElementTree.fromstring(draw(plan).encode())
    titles = [g.findtext(f"{SVG}title") or "" for g in svg.iter(f"{SVG}g") if (g.get("id") or "").startswith("step-")]
    assert len(titles) == len(plan.steps)
    assert all(any(title.startswith(step.title.zh) for title in titles) for step in plan.steps)
