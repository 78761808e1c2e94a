"""The picture keeps to the window, wide characters included, for every shipped service, played or not."""

from __future__ import annotations

import re
import unicodedata
from io import StringIO
from itertools import cycle

import pytest
from rich.cells import cell_len
from rich.console import Console

from api.schemas import CaseOut, EventOut
from catalogue.library import HERE
from catalogue.scenario import read_scenario
from domain.messages import Text
from tests.unit.demo_world import AT, NO, bound, case, case_of, done
from tests.unit.plans import LIBRARY
from tongban.demo.course import Course
from tongban.demo.courses import HUKOU, MOVE, WASTE
from tongban.demo.follow import Happening, Situation
from tongban.demo.lanes import lanes_of
from tongban.demo.picture import picture
from tongban.demo.words import STEP, Lang, grouped, step_titles

WINDOWS = [(80, 24), (80, 60), (100, 40), (120, 40), (200, 50)]


def situation(shown: CaseOut) -> Situation:
    found = Situation(title=Text(zh="跨省办理", en="across provinces"), case=shown)
    actor = {"role": "caseworker", "region": "320500", "department": "market_regulation"}
    event = EventOut(
        seq=1,
        type="task:accept:decided",
        at=AT,
        actor=actor,
        leg="",
        step="accept",
        data={"outcome": "accept"},
        hash="",
    )
    found.ticker = [
        Happening(AT, event=event),
        Happening(AT, act=Text(zh="\U00020bb7申请人" * 20, en="wide " * 30)),
    ] * 5
    return found


def drawn(shown: Situation, lang: Lang, width: int, height: int) -> list[str]:
    out = StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=False)
    console.print(picture(shown, lang, width, height))
    return out.getvalue().splitlines()


def fits(lines: list[str], width: int, height: int) -> bool:
    """Nothing is wider or higher than the window, and every frame is straight."""
    framed = [line for line in lines if line.startswith(("│", "╭", "├", "╰"))]
    return (
        max(cell_len(line) for line in lines) <= width
        and len(lines) <= height
        and {cell_len(line) for line in framed} == {width}
    )


@pytest.mark.parametrize("course", [MOVE, HUKOU, WASTE], ids=lambda course: course.service)
@pytest.mark.parametrize("lang", list(Lang))
@pytest.mark.parametrize(("width", "height"), WINDOWS)
@pytest.mark.parametrize("status", sorted(STEP))
def test_the_picture_keeps_to_the_window(course: Course, lang: Lang, width: int, height: int, status: str) -> None:
    steps = done(course)
    lines = drawn(situation(case(dict.fromkeys(steps, status), course=course)), lang, width, height)
    assert fits(lines, width, height)
    text = "\n".join(lines)
    sign = STEP[status]
    assert text.count(sign.symbol) >= len(steps)  # none is left out, however low the window
    assert (sign.word.en if lang is Lang.EN else sign.word.zh) in text


@pytest.mark.parametrize("code", sorted(LIBRARY.services))
@pytest.mark.parametrize(("width", "height"), WINDOWS)
def test_any_service_fits_whatever_the_number_of_its_lanes(code: str, width: int, height: int) -> None:
    plan = LIBRARY.services[code]
    form = read_scenario(HERE / "scenarios" / code / "completed.yaml").form
    states = cycle(("done", "task", "pending", "waiting", "rejected"))
    statuses = {step.id: state for step, state in zip(bound(plan, form).steps, states, strict=False)}
    shown = situation(case_of(plan, form, statuses))
    assert shown.case is not None
    assert 2 <= len(lanes_of(shown.case, {})) <= 8
    for lang in Lang:
        lines = drawn(shown, lang, width, height)
        assert fits(lines, width, height)
        assert sum("余" in line or "days left" in line for line in lines) >= 1  # a clock is never pushed out


def test_every_place_has_its_lane_in_both_languages_at_80_columns() -> None:
    text = "\n".join(drawn(situation(case(done())), Lang.BOTH, 80, 60))
    for place in ("上海市 Shanghai", "江苏省苏州市 Suzhou", "浙江省 Zhejiang", "安徽省合肥市 Hefei"):
        assert f"│ {place} " in text
    for department in ("市场监管", "market regulation", "税务", "tax", "大数据中心", "data centre"):
        assert f"│ {department} " in text
    assert "余 5 工作日 working days left" in text
    assert "合肥市市场监管（至 11-24）" in text


def test_in_a_low_window_a_lane_is_one_line_with_a_sign_for_every_step_and_the_one_it_is_at() -> None:
    statuses = done(HUKOU) | {"review": "task", "decide": "waiting", "register_in": "waiting", "page": "waiting"}
    lines = drawn(situation(case(statuses, course=HUKOU)), Lang.EN, 80, 24)
    (lane,) = [line for line in lines if line.startswith("│ Qingpu police")]
    assert re.search(r"│ ✔ ✎ ◌ ◌ ◌ +│ +✎ caseworker +Examination", lane), lane


def test_legs_of_one_place_share_a_lane_and_several_places_have_one_each() -> None:
    shown = case(done(WASTE), course=WASTE)
    assert [(lane.region, lane.department, len(lane.steps)) for lane in lanes_of(shown, step_titles(shown))] == [
        ("310000", "ecology", 5),
        ("340000", "ecology", 3),
        ("310000", "transport", 2),
        ("320000", "ecology", 1),
        ("330000", "ecology", 1),
    ]


def test_signs_are_one_column_wide_everywhere() -> None:
    assert {unicodedata.east_asian_width(sign.symbol) for sign in STEP.values()} <= {"N", "Na"}


def test_a_case_number_is_grouped_as_it_is_read() -> None:
    assert grouped(NO) == "320500 20261124 P ENTMOV 000001T"
