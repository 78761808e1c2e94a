"""A recognised item is not charged again; reading it may be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.medical.recognition import FeeLine, Recognised, double_charged, recognised_items
from domain.messages import Text
from tests.recognition.sick import HOME, Platform, Room, listed, row, start

CODES = sorted({code for item in listed().items for code in (*item.charges, *item.readings)} | {"BED", ""})


def line(code: str, amount: int = 24000, number: str = "f1") -> FeeLine:
    return FeeLine(feedetl_sn=number, med_list_codg=code, det_item_fee_sumamt=amount)


def of(*codes: str) -> list[Recognised]:
    items = [item for item in listed().items if item.code in codes]
    return [
        Recognised(recognition="no", report="r", item=i.code, name=i.name, charges=i.charges, readings=i.readings)
        for i in items
    ]


def test_the_examination_of_a_recognised_item_is_found_in_the_bill() -> None:
    (found,) = double_charged(
        of("CT-CHEST"), [line("BED"), line("CTXB00000000001", number="f2"), line("CTTL00000000001")]
    )
    assert (found.line, found.item, found.amount) == ("f2", "CT-CHEST", 24000)
    assert "胸部CT" in found.text.zh
    assert "CT of the chest" in found.text.en


def test_reading_it_and_a_refund_may_stand_in_the_bill() -> None:
    assert double_charged(of("CT-CHEST"), [line("YXPD00000000001"), line("CTXB00000000001", -24000)]) == []


def test_what_was_examined_again_with_a_reason_may_be_charged() -> None:
    rows = {HOME: [row("RPT-1"), row("RPT-2", days=5), row("RPT-3", "LAB-HBA1C")]}
    it = Room(Platform(rows), start(("CT-CHEST", "LAB-HBA1C")))
    it.consent()
    by_number = {r.entry.rpt_no: r.id for r in it.course.view().reports}
    it.decide(by_number["RPT-1"], "recognise")
    it.decide(by_number["RPT-3"], "recognise")
    assert {r.item for r in recognised_items("no", it.course.view())} == {"CT-CHEST", "LAB-HBA1C"}
    it.decide(by_number["RPT-2"], "re_examine", "R1_CHANGED")
    assert {r.item for r in recognised_items("no", it.course.view())} == {"LAB-HBA1C"}


lines = st.lists(st.builds(line, st.sampled_from(CODES), st.integers(-5, 5), st.text(max_size=3)), max_size=8)


@given(st.sets(st.sampled_from([item.code for item in listed().items])), lines)
def test_a_line_is_found_exactly_if_it_charges_for_something_recognised(
    recognised: set[str], fees: list[FeeLine]
) -> None:
    charges = {code for item in listed().items if item.code in recognised for code in item.charges}
    expected = [f.feedetl_sn for f in fees if f.med_list_codg in charges and f.det_item_fee_sumamt > 0]
    found = double_charged(of(*recognised), fees)
    assert [f.line for f in found] == expected
    assert double_charged([], fees) == []
    assert all(isinstance(f.text, Text) for f in found)
