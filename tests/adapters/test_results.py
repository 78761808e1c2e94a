"""The nightly file: read to the fen, or not at all."""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile
from collections.abc import Mapping
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path

import httpx
import pytest

from adapters.errors import Ambiguous, ContractBroken, Misconfigured, Unavailable
from adapters.port import ResultsFile
from adapters.results import LARGEST_TABLE, read_results
from domain.effects import AnswerStatus
from tests.adapters.places import Desk, handover
from tests.adapters.wires import ANHUI, call

DAY = date(2026, 11, 25)
HEADER = ["wsbh", "ywlsh", "bm", "sx", "zt", "bjsj", "je"]
ROWS = [
    ["C-1-0123456789abcdef", "34-1", "tax", "tax_clearance", "bj", "2026-11-25T00:00:00+08:00", "80.05"],
    ["备注，𠮷", "34-2", "natural_resources", "estate_title", "by", "2026-11-25T23:59:59+08:00", ""],
    ["", "34-3", "tax", "tax_clearance", "bj", "2026-11-25T09:30:00+08:00", "-0.10"],
]


def table(rows: list[list[str]], header: list[str] = HEADER) -> bytes:
    written = StringIO()
    csv.writer(written).writerows([header, *rows])
    return written.getvalue().encode("gb18030")


def packed(
    rows: bytes | None = None,
    *,
    control: Mapping[str, object] | None = None,
    members: Mapping[str, bytes] | None = None,
    how: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    rows = table(ROWS) if rows is None else rows
    told: dict[str, object] = {"day": "2026-11-25", "rows": 3, "amount": "79.95"}
    told |= {"sha256": hashlib.sha256(rows).hexdigest()} | dict(control or {})
    inside = {"results.csv": rows, "control.json": json.dumps(told).encode()} | dict(members or {})
    raw = BytesIO()
    with zipfile.ZipFile(raw, "w", how) as archive:
        for name, content in inside.items():
            if content:
                archive.writestr(name, content)
    return raw.getvalue()


def off(raw: bytes) -> str:
    with pytest.raises(ContractBroken) as caught:
        read_results(DAY, raw)
    return caught.value.code.removeprefix("results_file_")


def test_a_file_that_agrees_with_its_totals_is_read_in_its_order() -> None:
    read = read_results(DAY, packed())
    assert read.digest == hashlib.sha256(table(ROWS)).hexdigest()
    assert [row.business_number for row in read.rows] == [row[0] for row in ROWS]
    assert [row.amount_fen for row in read.rows] == [8005, None, -10]
    assert [row.answer.status for row in read.rows] == ["accepted", "rejected", "accepted"]
    assert [row.answer.reference for row in read.rows] == ["34-1", "34-2", "34-3"]
    assert (read.rows[1].department, read.rows[1].operation) == ("natural_resources", "estate_title")


def test_a_day_on_which_nothing_ended_is_a_file_too() -> None:
    assert read_results(DAY, packed(table([]), control={"rows": 0, "amount": "0.00"})).rows == ()


@pytest.mark.parametrize(
    ("control", "code"),
    [
        ({"sha256": "0" * 64}, "digest"),
        ({"sha256": None}, "digest"),
        ({"day": "2026-11-24"}, "day"),
        ({"day": 7}, "day"),
        ({"rows": 2}, "rows"),
        ({"rows": "3"}, "rows"),
        ({"rows": 3.0}, "rows"),
        ({"amount": "79.96"}, "amount"),
        ({"amount": "79.950"}, "amount"),
        ({"amount": 79.95}, "amount"),
        ({"amount": None}, "amount"),
    ],
)
def test_a_total_that_is_off_is_named(control: dict[str, object], code: str) -> None:
    assert off(packed(control=control)) == code


@pytest.mark.parametrize(
    "row",
    [
        ["x"],
        [*ROWS[0], "more"],
        ["a\nb", *ROWS[0][1:]],
        ["x" * 129, *ROWS[0][1:]],
        [ROWS[0][0], "", *ROWS[0][2:]],
        [ROWS[0][0], "a\x00b", *ROWS[0][2:]],
        [*ROWS[0][:2], "税", *ROWS[0][3:]],
        [*ROWS[0][:3], "", *ROWS[0][4:]],
        [*ROWS[0][:4], "zb", *ROWS[0][5:]],
        [*ROWS[0][:5], "2026-11-24T23:59:59+08:00", "80.05"],
        [*ROWS[0][:5], "2026-11-25T09:30:00Z", "80.05"],
        [*ROWS[0][:5], "2026-11-25T25:30:00+08:00", "80.05"],
        [*ROWS[0][:6], "80.5"],
        [*ROWS[0][:6], "80,05"],
        [*ROWS[0][:6], "1e2"],
        [*ROWS[0][:6], "=1+1"],
    ],
)
def test_a_row_that_is_off_is_named(row: list[str]) -> None:
    assert off(packed(table([row]), control={"rows": 1, "amount": "80.05"})) == "row"


def test_a_matter_listed_twice_is_off() -> None:
    assert off(packed(table([ROWS[0], ROWS[0]]), control={"rows": 2, "amount": "160.10"})) == "row"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "unreadable"),
        (b"PK\x03\x04", "unreadable"),
        (packed()[:-30], "unreadable"),
        (packed(how=zipfile.ZIP_BZIP2), "unreadable"),
        (packed(b"\xff\xff"), "unreadable"),
        (packed(b'"a\r\n'), "unreadable"),
        (packed(b""), "members"),
        (packed(members={"control.json": b""}), "members"),
        (packed(members={"third.txt": b"x"}), "members"),
        (packed(members={"../results.csv": b"x"}), "members"),
        (packed(members={"control.json": b"[]"}), "unreadable"),
        (packed(members={"control.json": b"{" * 5000}), "too_large"),
        (packed(members={"control.json": b"{" * 3000}), "unreadable"),
        (packed(table([], HEADER[::-1])), "header"),
        (packed(b"\r\n"), "header"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_file_that_is_no_such_file_is_named(raw: bytes, code: str) -> None:
    assert off(raw) == code


def test_a_bomb_is_not_unpacked() -> None:
    bomb = packed(members={"results.csv": b"0" * (LARGEST_TABLE + 1)})
    assert len(bomb) < 100_000
    assert off(bomb) == "too_large"


async def test_there_is_no_file_before_the_day_has_ended() -> None:
    adapter = ANHUI.adapter(lambda _: httpx.Response(404, json={"error": "no_such_day"}))
    assert await adapter.results(DAY) is None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(404, json={"error": "no_such_service"}), Misconfigured),
        (httpx.Response(404), Misconfigured),
        (httpx.Response(401, json={"error": "auth_wrong"}), Misconfigured),
        (httpx.Response(503), Unavailable),
        (httpx.Response(500), Ambiguous),
        (httpx.Response(204), Ambiguous),
        (httpx.Response(200, content=b"<h1>"), ContractBroken),
        (httpx.Response(200, content=b"0" * ((16 << 20) + 1)), Ambiguous),
    ],
    ids=lambda each: repr(each) if isinstance(each, httpx.Response) else "",
)
async def test_the_way_to_the_file_has_the_errors_of_every_way(answer: httpx.Response, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        await ANHUI.adapter(lambda _: answer).results(DAY)
    assert type(caught.value) is error


async def test_the_file_of_the_simulated_province_is_read(tmp_path: Path) -> None:
    desk = Desk(ANHUI, tmp_path)
    sent = [call(payload={"uscc": "91340100XXXX00043E"}), call(payload={"uscc": "91320500XXXX009164"}), handover()]
    for each in sent:
        await desk.adapter.call(each)
    desk.ends()
    today = desk.province.clock.today()
    assert await desk.adapter.results(today) is None
    desk.province.clock.move(86400.0)
    read = await desk.adapter.results(today)
    assert isinstance(read, ResultsFile)
    numbers = [desk.adapter.business_number(each.case_no, each.key) for each in sent]
    assert [row.business_number for row in read.rows] == numbers
    assert [row.answer.status for row in read.rows] == [
        AnswerStatus.ACCEPTED, AnswerStatus.REJECTED, AnswerStatus.ACCEPTED,
    ]  # fmt: skip
    await desk.aclose()
