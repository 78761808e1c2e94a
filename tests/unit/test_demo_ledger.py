"""The demo's ledger check finds what is wrong: missing, twice, or not of this case."""

from __future__ import annotations

import pytest

from tests.unit import demo_world as world
from tests.unit.demo_world import COURSES, NAMES, NO, case, ledgers, service
from tongban.demo.course import Course
from tongban.demo.courses import HUKOU, MOVE, WASTE
from tongban.demo.ledger import Fault, Row, check, expected, net, released, standing

DONE = world.done()
REFUSED = DONE | {"tax": "reversed", "archive": "reversed", "register": "cancelled", "licence": "cancelled"}
UNDOING = {"archive": "archive_return", "tax": "tax_clearance_release"}


def undone() -> dict[str, list[Row]]:
    """After a refusal: nothing in Jiangsu, everything undone in Anhui, the newest first."""
    held = ledgers() | {"320000": []}
    originals = {row.step: row for row in held["340000"]}
    held["340000"] += [
        originals[step].model_copy(
            update={
                "seq": 8 + number,
                "request_no": f"key-{operation}",
                "original": originals[step].request_no,
                "operation": operation,
                "verb": "reverse",
                "delta": -1,
            }
        )
        for number, (step, operation) in enumerate(UNDOING.items())
    ]
    return held


def faults(
    held: dict[str, list[Row]], statuses: dict[str, str] = DONE, evidence: str = "used", course: Course = MOVE
) -> list[tuple[str, ...]]:
    found = check(NO, expected(case(statuses, evidence, course), service(course)), held)
    return [(finding.fault, finding.province, finding.step) for finding in found]


@pytest.mark.parametrize("course", [MOVE, HUKOU, WASTE], ids=lambda course: course.service)
def test_ledgers_that_hold_each_effect_once_are_in_order(course: Course) -> None:
    assert faults(ledgers(course), world.done(course), course=course) == []


def test_ledgers_from_which_everything_was_taken_back_are_in_order() -> None:
    assert faults(undone(), REFUSED) == []
    assert sum(net(rows) for rows in undone().values()) == 0


@pytest.mark.parametrize("course", COURSES, ids=NAMES)
def test_a_course_says_what_stands_in_the_books_at_its_end(course: Course) -> None:
    held = undone() if course.undoes else ledgers(course)
    assert standing(held) == {(p, step): 1 for p, steps in course.in_effect.items() for step in steps}
    assert released(held) == {(p, step): 1 for p, steps in course.released.items() for step in steps}


@pytest.mark.parametrize(("province", "place", "step"), [("310000", 0, "representative"), ("320000", 1, "licence")])
def test_an_effect_the_province_does_not_know_is_missing(province: str, place: int, step: str) -> None:
    held = ledgers()
    del held[province][place]
    assert faults(held) == [(Fault.MISSING, province, step)]


def test_a_province_that_was_not_asked_counts_as_missing() -> None:
    held = ledgers()
    del held["330000"]
    assert faults(held) == [(Fault.MISSING, "330000", "shareholder")]


@pytest.mark.parametrize("key", ["another", "key-tax_clearance"])
def test_an_effect_that_happened_twice_is_doubled(key: str) -> None:
    held = ledgers()
    held["340000"].append(held["340000"][0].model_copy(update={"request_no": key, "seq": 9}))
    assert {fault for fault, *_ in faults(held)} == {Fault.DOUBLED}


def test_an_effect_at_another_province_is_foreign_there_and_missing_at_its_own() -> None:
    held = ledgers()
    held["310000"].append(held["340000"].pop(0))
    assert sorted(faults(held)) == [(Fault.FOREIGN, "310000", "tax"), (Fault.MISSING, "340000", "tax")]


@pytest.mark.parametrize(
    "change",
    [
        {"case_no": "32050020261124PENTMOV000002R"},
        {"step": "nobody_knows"},
        {"department": "tax"},
        {"leg": "origin_tax"},
        {"reference": "another number"},
    ],
)
def test_a_row_that_is_not_the_one_of_the_step_is_foreign(change: dict[str, str]) -> None:
    held = ledgers()
    held["320000"][0] = held["320000"][0].model_copy(update=change)
    assert (Fault.FOREIGN, "320000") in {(fault, province) for fault, province, _ in faults(held)}


def test_an_undone_effect_must_have_been_undone_and_name_what_it_undoes() -> None:
    held = undone()
    kept = held["340000"].pop()
    assert faults(held, REFUSED) == [(Fault.MISSING, "340000", "tax")]
    held["340000"].append(kept.model_copy(update={"original": "something else"}))
    assert faults(held, REFUSED) == [(Fault.FOREIGN, "340000", "tax")]


def test_what_was_called_off_while_in_progress_leaves_one_row_that_weighs_nothing() -> None:
    held = undone()
    held["340000"] = [row for row in held["340000"] if row.operation != "archive_handover"]
    assert (Fault.FOREIGN, "340000", "archive") in faults(held, REFUSED)  # it takes away what was never there
    held["340000"] = [
        row.model_copy(update={"delta": 0}) if row.operation == "archive_return" else row for row in held["340000"]
    ]
    assert faults(held, REFUSED) == []


def test_nothing_may_be_in_the_ledger_for_a_step_that_did_not_happen() -> None:
    assert ("foreign", "320000", "register") in faults(ledgers(), DONE | {"register": "cancelled"})
    assert ("foreign", "310000", "representative") in faults(ledgers(), evidence="replaced")


def test_a_step_of_several_places_is_looked_for_at_each() -> None:
    told = service(WASTE)
    for leg in told.legs:
        for step in leg.steps:
            if step.id == "tell_transit":
                step.operation = "told"  # as a definition would have it that tells a back office
    wanted = [item for item in expected(case(world.done(WASTE), course=WASTE), told) if item.step.startswith("tell")]
    assert [(item.province, item.leg, item.step, item.department) for item in wanted] == [
        (province, f"transit-{province}", f"tell_transit-{province}", "ecology") for province in ("320000", "330000")
    ]
