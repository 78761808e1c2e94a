"""A recognised item is not charged again (domain note 4); reading it may be."""

from __future__ import annotations

from collections.abc import Iterable

from domain.medical.recognition.messages import RecognitionView, ReportState
from domain.messages import Message, Text


class Recognised(Message):
    """An item that was recognised. ``charges``: the catalogue codes of the examination itself."""

    recognition: str
    report: str
    item: str
    name: Text
    charges: tuple[str, ...]
    readings: tuple[str, ...] = ()


class FeeLine(Message):
    """A line of 2301 or 2204 as far as it matters here; the amount in fen."""

    feedetl_sn: str
    med_list_codg: str
    det_item_fee_sumamt: int


class DoubleCharge(Message):
    """A line that charges for what was recognised."""

    line: str
    charge: str
    amount: int
    item: str
    recognition: str
    report: str
    text: Text


def recognised_items(no: str, view: RecognitionView) -> tuple[Recognised, ...]:
    """What a recognition has recognised. An item that is also examined again, with its reason, may be charged."""
    again = {r.entry.item_code for r in view.reports if r.state is ReportState.RE_EXAMINED}
    return tuple(
        Recognised(
            recognition=no,
            report=r.entry.rpt_no,
            item=r.entry.item_code,
            name=r.name,
            charges=r.charges,
            readings=r.readings,
        )
        for r in view.reports
        if r.state is ReportState.RECOGNISED and r.entry.item_code not in again
    )


def double_charged(recognised: Iterable[Recognised], fee_lines: Iterable[FeeLine]) -> list[DoubleCharge]:
    """Every line that charges for the examination of a recognised item, once, in the order of the lines.

    recognised: of this stay or visit. A refund (amount below zero) and a line of nothing are no charge.
    """
    by_code = {code: item for item in recognised for code in item.charges if code not in item.readings}
    found = []
    for line in fee_lines:
        item = by_code.get(line.med_list_codg)
        if item is None or line.det_item_fee_sumamt <= 0:
            continue
        text = Text(
            zh=f"“{item.name.zh}”已互认，不得重复收取检查检验费；判读、会诊费按规定另计。",
            en=f"{item.name.en} was recognised and is not charged again; a fee for reading it may apply.",
        )
        found.append(
            DoubleCharge(
                line=line.feedetl_sn,
                charge=line.med_list_codg,
                amount=line.det_item_fee_sumamt,
                item=item.item,
                recognition=item.recognition,
                report=item.report,
                text=text,
            )
        )
    return found
