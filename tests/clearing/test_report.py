"""A month as people read it: table, CSV that no spreadsheet computes, a picture that reads without colour or eyes."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ElementTree
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.drawing.flows import draw_flows
from catalogue.drawing.words import Lang
from catalogue.library import Library
from domain import names
from domain.clearing import Flow, Level, MonthReport, PeriodState, Statement, lines_of
from domain.clearing.printed import HEAD, csv_of, grouped, rows_of, safe, signed
from domain.messages import Text
from tests.clearing.samples import AH, GOLDEN, NETS, PROFILE, SH
from tongban.commands.clearing import table_of

PLACES = Library().divisions.names


def report(**other: object) -> MonthReport:
    statements = [
        Statement(
            payer=payer, payee=payee, items=3, proposed=yuan * 100, disputed_items=0, disputed=0, answer="waiting"
        )
        for (payer, payee), yuan in sorted(GOLDEN.items())
    ]
    quarter = {(AH, SH): (1_000_000_00, 1_200_000_00, 1_100_000_00)}
    values: dict[str, object] = {
        "month": "2026-10",
        "state": PeriodState.PROPOSED,
        "last_day": date(2026, 10, 31),
        "proposed_on": date(2026, 11, 21),
        "confirm_by": date(2026, 11, 25),
        "cleared_on": None,
        "pay_by": None,
        "pay_by_provisional": False,
        "paid_on": None,
        "pairs": lines_of(PROFILE, statements, quarter),
        "waiting": (AH,),
    }
    return MonthReport.model_validate(values | other)


FLOWS = report().flows


def texts(svg: str) -> tuple[str, str, list[str]]:
    root = ElementTree.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    title, told = root.find(f"{space}title"), root.find(f"{space}desc")
    assert title is not None
    assert told is not None
    return str(title.text), str(told.text), [str(t.text) for t in root.iter(f"{space}text")]


@pytest.mark.parametrize("lang", Lang)
def test_the_picture_says_every_amount_in_its_bands_and_in_words(lang: Lang) -> None:
    title, told, shown = texts(draw_flows("2026-10", FLOWS, names.PROVINCES, PLACES, lang))
    assert "2026-10" in title
    for flow in FLOWS:
        assert grouped(flow.amount) in told
        assert any(text.startswith("→") and text.endswith(grouped(flow.amount)) for text in shown)
    for province, net in NETS.items():
        name = lang.say(PLACES[province])
        assert f"{name} {signed(net * 100)}" in shown
        assert signed(net * 100) in told


def test_the_picture_needs_no_colour_and_fetches_nothing() -> None:
    svg = draw_flows("2026-10", FLOWS, names.PROVINCES, PLACES)
    fills = set(re.findall(r'class="band[^"]*" fill="([^"]+)"', svg))
    assert fills == {f"url(#p{n})" for n in range(4)}, "a pattern for each payer"
    colours = {c.lower() for c in re.findall(r"#([0-9a-fA-F]{3,6})\b", svg)}
    assert all(len({c[i : i + len(c) // 3] for i in range(0, len(c), len(c) // 3)}) == 1 for c in colours)
    assert re.findall(r'(?:href|src)="(?!#)', svg) == []


@given(st.dictionaries(st.sampled_from(sorted(GOLDEN)), st.integers(-(10**15), 10**15), max_size=12))
def test_any_month_can_be_drawn_and_its_bands_lie_in_the_picture(amounts: dict[tuple[str, str], int]) -> None:
    flows = [Flow(payer=a, payee=b, amount=amount) for (a, b), amount in amounts.items()]
    svg = draw_flows("2026-10", flows, names.PROVINCES, PLACES)
    root = ElementTree.fromstring(svg)
    height = float(root.attrib["height"])
    assert svg.count('class="band') == sum(1 for f in flows if f.amount)
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        assert 0 < float(text.attrib["y"]) < height


def test_names_in_the_picture_are_text_and_nothing_else() -> None:
    evil = dict(PLACES) | {SH: Text(zh="<script>&\"'", en="x")}
    assert "<script>" in " ".join(texts(draw_flows("2026-10", FLOWS, names.PROVINCES, evil))[2])


def test_the_table_has_gross_and_net_to_the_fen_and_who_is_waited_for() -> None:
    table = table_of(report(), PLACES)
    for figure in (
        "1250000.00",
        "+2,320,000.00",
        "-1,650,000.00",
        "4,700,000.00",
        "340000",
        "2026-11-25",
        "2200000.00",
    ):
        assert figure in table
    assert "56.8%" in table


def test_the_csv_has_a_row_for_each_pair_and_each_province() -> None:
    text = csv_of(report(), PLACES, names.PROVINCES)
    assert text.startswith("\ufeffmonth,state,payer")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == 1 + 12 + 1 + 1 + 4
    assert rows[12][:6] == ["2026-10", "proposed", "340000 安徽省", "330000 浙江省", "3", "210000.00"]
    assert {row[1][:6]: row[4] for row in rows[-4:]} == {p: f"{n}.00" for p, n in NETS.items()}


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1", "-1-1", "+"])
def test_no_spreadsheet_computes_a_cell(cell: str) -> None:
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-370000.00", "12.5%", "上海市", "", "310000 上海市"])
def test_plain_cells_stay_as_they_are(cell: str) -> None:
    assert safe(cell) == cell


def test_a_provinces_view_has_its_own_pairs_only() -> None:
    mine = report().seen_by(SH)
    assert {p for line in mine.pairs for p in (line.statement.payer, line.statement.payee) if p != SH} == {
        "320000", "330000", "340000"
    }  # fmt: skip
    assert len(mine.pairs) == 6
    assert len(rows_of(mine, PLACES)[0]) == len(HEAD)


def test_each_pair_shows_the_prepayment_it_uses() -> None:
    line = next(p for p in report().pairs if (p.statement.payer, p.statement.payee) == (AH, SH))
    assert (line.quota, line.use_per_mille, line.level) == (2_200_000_00, 568, Level.GREEN)
    assert report().pairs[0].level is Level.NONE
