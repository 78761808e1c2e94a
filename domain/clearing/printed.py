"""A month's report as a table of texts and as CSV. Amounts in yuan, as they are written everywhere."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence

from domain.clearing.report import MonthReport
from domain.messages import Text
from domain.money import yuan

HEAD = (
    Text(zh="付款方", en="payer"),
    Text(zh="收款方", en="payee"),
    Text(zh="笔数", en="items"),
    Text(zh="应付", en="proposed"),
    Text(zh="异议", en="disputed"),
    Text(zh="清算额", en="cleared"),
    Text(zh="答复", en="answer"),
    Text(zh="支付日", en="paid on"),
    Text(zh="预付额度", en="prepayment"),
    Text(zh="使用率", en="use"),
    Text(zh="预警", en="warning"),
)
_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?%?")


def grouped(fen: int) -> str:
    """With thousands: 125000000 -> 1,250,000.00."""
    whole, _, cents = yuan(abs(fen)).partition(".")
    return f"{'-' if fen < 0 else ''}{int(whole):,}.{cents}"


def signed(fen: int) -> str:
    """A net, with its sign: +2,320,000.00."""
    return f"+{grouped(fen)}" if fen > 0 else grouped(fen)


def rows_of(report: MonthReport, places: Mapping[str, Text]) -> list[list[str]]:
    """A row for each pair, in the order of HEAD; amounts in yuan."""
    rows = []
    for line in report.pairs:
        s = line.statement
        rows.append(
            [
                f"{s.payer} {_name(places, s.payer)}",
                f"{s.payee} {_name(places, s.payee)}",
                str(s.items),
                yuan(s.proposed),
                yuan(s.disputed),
                "" if s.amount is None else yuan(s.amount),
                s.answer,
                s.paid_on.isoformat() if s.paid_on else "",
                yuan(line.quota) if line.quota else "",
                f"{line.use_per_mille / 10:.1f}%" if line.quota else "",
                line.level.value if line.quota else "",
            ]
        )
    return rows


def _name(places: Mapping[str, Text], province: str) -> str:
    return places[province].zh if province in places else ""


def csv_of(report: MonthReport, places: Mapping[str, Text], provinces: Sequence[str]) -> str:
    """Pairs first, then a line for each province. UTF-8 with a mark, so that every spreadsheet reads the names."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["month", "state", *(head.en for head in HEAD)])
    for row in rows_of(report, places):
        writer.writerow([report.month, report.state.value, *map(safe, row)])
    writer.writerow([])
    writer.writerow(["month", "province", "pays", "receives", "net"])
    for side in report.nets(provinces):
        sums = (yuan(side.pays), yuan(side.receives), yuan(side.net))
        writer.writerow([report.month, safe(f"{side.province} {_name(places, side.province)}"), *map(safe, sums)])
    return "\ufeff" + out.getvalue()


def safe(cell: str) -> str:
    """No spreadsheet takes it for a formula: what could be one gets an apostrophe; a plain number never is one."""
    dangerous = cell[:1] in {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"}
    return f"'{cell}" if dangerous and not _AMOUNT.fullmatch(cell) else cell
