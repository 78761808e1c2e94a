"""``clearing run | report | reconcile``: a month between provinces, and a day against the outside books."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.calendar import local_day
from domain.clearing import ClearingProfile, PeriodState, Reconciled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.house import House
    from domain.clearing import MonthReport
    from domain.messages import Text
    from tongban.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Clearing between provinces: run, report, reconcile.")
MonthOption = Annotated[str, typer.Option("--month", help="A month that is over, such as 2026-10.")]
DIFFERS, UNREAD, STILL_WAITING = 1, 3, 4
LOOK_EVERY_S = 0.5


class Until(StrEnum):
    """How far ``run`` waits."""

    PROPOSED = "proposed"
    CLEARED = "cleared"
    PAID = "paid"


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    SVG = "svg"


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


_ORDER = {state: number for number, state in enumerate(PeriodState)}
_FAR_ENOUGH = {
    Until.PROPOSED: _ORDER[PeriodState.PROPOSED],
    Until.CLEARED: _ORDER[PeriodState.CLEARED],
    Until.PAID: _ORDER[PeriodState.PAID],
}


@app.command()
def run(
    month: MonthOption,
    until: Annotated[Until, typer.Option(help="Wait until the month has come that far.")] = Until.CLEARED,
    patience: Annotated[float, typer.Option(help="Wait so many seconds at most; 0: as long as it takes.", min=0)] = 0,
    early: Annotated[bool, typer.Option(help="Do not wait for the month's end and the day of the proposal.")] = False,
    profile: Annotated[Path | None, typer.Option(help="A profile of your own, like catalogue/clearing.yaml.")] = None,
) -> None:
    """Start a month's clearing if it does not run, and wait. 0: there; 2: unusable input; 4: patience has run out."""
    from tongban.cli import refusing, settings_or_exit

    _month(month)
    terms = _profile(profile) if profile else None
    with refusing():
        status = asyncio.run(_run(settings_or_exit(), month, until, patience, early=early, profile=terms))
    raise typer.Exit(status)


@app.command()
def report(
    month: MonthOption,
    format_: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TABLE,
    out: Annotated[Path | None, typer.Option(help="To this file instead of standard output.")] = None,
    lang: Annotated[Language, typer.Option(help="The language of the picture.")] = Language.ZH,
) -> None:
    """A month's statements: gross per pair, nets, who is waited for. 2: there is no such month."""
    from tongban.cli import refuse, refusing, settings_or_exit

    _month(month)
    with refusing():
        text = asyncio.run(_report(settings_or_exit(), month, format_, lang))
    if text is None:
        refuse(f"{month}：没有该月份的清算。There is no clearing of that month.")
    if out is None:
        typer.echo(text.encode("utf-8"), nl=False)
        return
    try:
        out.write_bytes(text.encode("utf-8"))
    except OSError as why:
        refuse(f"{out}: {why.strerror}")


@app.command()
def reconcile(
    day: Annotated[str, typer.Option(help="The day, such as 2026-10-12, or yesterday.")],
    book: Annotated[str, typer.Option(help="One place's book, such as 310000 or hub; all of them otherwise.")] = "",
    books: Annotated[
        Path | None, typer.Option(help="Folder with the books; else TONGBAN_BOOKS_DIR, else the platforms.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Compare a day with the outside books. 0: all agree; 1: some differ; 2: unusable input; 3: a book was not read."""
    from activities.reconciliation import PLACES
    from tongban.cli import refuse, refusing, settings_or_exit

    asked = _day(day)
    if asked is None:
        refuse(f"--day {day}：应为 2026-10-12 或 yesterday。Give a day such as 2026-10-12, or yesterday.")
    if book and book not in PLACES:
        refuse(f"--book {book}：没有此账簿。There is no such book; there are {', '.join(PLACES)}.")
    with refusing():
        done = asyncio.run(_reconcile(settings_or_exit(), asked, book, books))
    if as_json:
        typer.echo(json.dumps([each.model_dump(mode="json") for each in done], ensure_ascii=False))
    else:
        for each in done:
            typer.echo(_line(each))
    if any(not each.read for each in done):
        raise typer.Exit(UNREAD)
    raise typer.Exit(DIFFERS if any(each.differences for each in done) else 0)


def _month(month: str) -> None:
    from domain.clearing import check_month
    from tongban.cli import refuse

    try:
        check_month(month)
    except ValueError:
        refuse(f"--month {month}：应为 2026-10。Give a month such as 2026-10.")


def _day(text: str) -> date | None:
    if text == "yesterday":
        return local_day(datetime.now(UTC)) - timedelta(days=1)
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _profile(path: Path) -> ClearingProfile:
    from catalogue.library import read_clearing
    from tongban.cli import refuse

    try:
        return read_clearing(path)
    except (OSError, ValueError) as why:
        refuse(f"{path}：清算参数不可用。The profile cannot be used.\n{why}")


def _line(each: Reconciled) -> str:
    if not each.read:
        return f"{each.day} {each.book}: 未读 not read: {each.why}"
    return (
        f"{each.day} {each.book}: {each.rows} 行 rows, {each.agreed} 相符 agree, {each.differences} 不符 differ, "
        f"{each.in_doubt} 存疑 in doubt"
    )


async def _reconcile(settings: Settings, day: date, book: str, folder: Path | None) -> list[Reconciled]:
    from activities.reconciliation import PLACES, reconcile_book
    from adapters.books import JsonBooks
    from tongban.wiring import open_books, open_database, read_insurance

    database, insurance = open_database(settings), read_insurance(settings)
    source = JsonBooks(folder) if folder else open_books(settings, insurance)
    try:
        return [await reconcile_book(database, source, place, day) for place in ([book] if book else PLACES)]
    finally:
        if insurance is not None:
            await insurance.aclose()
        await database.aclose()


async def _report(settings: Settings, month: str, format_: Format, lang: Language) -> str | None:
    from api.usecases.clearing import report_of
    from catalogue.drawing.flows import draw_flows
    from catalogue.drawing.words import Lang
    from catalogue.library import Library
    from domain import names
    from domain.clearing.printed import csv_of
    from domain.errors import Refusal
    from tongban.wiring import open_database

    database = open_database(settings)
    places = Library().divisions.names
    try:
        async with database.begin() as session:
            made = await report_of(session, month)
    except Refusal:
        return None
    finally:
        await database.aclose()
    match format_:
        case Format.SVG:
            return draw_flows(month, made.flows, names.PROVINCES, places, Lang(lang))
        case Format.CSV:
            return csv_of(made, places, names.PROVINCES)
        case Format.TABLE:
            return table_of(made, places)


def table_of(made: MonthReport, places: Mapping[str, Text]) -> str:
    """Statements, nets and who is waited for, as text."""
    from io import StringIO

    from rich.console import Console
    from rich.table import Table

    from domain import names
    from domain.clearing import flows_total
    from domain.clearing.printed import HEAD, grouped, rows_of, signed

    table = Table(title=f"{made.month} 跨省医保清算 Clearing between provinces: {made.state.value}")
    for number, head in enumerate(HEAD):
        table.add_column(f"{head.zh}\n{head.en}", justify="right" if 2 <= number <= 5 or number == 8 else "left")
    for row in rows_of(made, places):
        table.add_row(*row)
    sides = Table(title="净额（仅供参考，按全额清算） Net (a report; cleared in full)")
    for title in ("", "付 pays", "收 receives", "净 net"):
        sides.add_column(title, justify="right" if title else "left")
    for side in made.nets(names.PROVINCES):
        name = places[side.province].zh if side.province in places else ""
        sides.add_row(f"{side.province} {name}", grouped(side.pays), grouped(side.receives), signed(side.net))
    out = StringIO()
    console = Console(file=out, width=160, emoji=False, markup=False)
    console.print(table)
    console.print(sides)
    console.print(f"合计 total {grouped(flows_total(made.flows))}")
    console.print(_waits(made))
    return out.getvalue()


def _waits(made: MonthReport) -> str:
    if not made.waiting:
        return f"{made.month} {made.state.value}"
    what = "支付 payment" if made.state is PeriodState.CLEARED else "确认 answer"
    provisional = "（暂定 provisional）" if made.state is PeriodState.CLEARED and made.pay_by_provisional else ""
    return (
        f"{made.month} {made.state.value}: 等待 waits for {', '.join(made.waiting)}: {what}, {made.until}{provisional}"
    )


async def _run(
    settings: Settings, month: str, until: Until, patience: float, *, early: bool, profile: ClearingProfile | None
) -> int:
    from api.gateway import Down
    from api.usecases import clearing
    from domain.errors import Refusal
    from tongban.cli import refuse
    from tongban.wiring import open_house

    async with open_house(settings) as house:
        try:
            await clearing.start(house, month, early=early, profile=profile)
        except Refusal as refusal:
            refuse(f"{month}: {refusal.kind.text.zh} {refusal.kind.text.en}")
        except Down as why:
            refuse(f"Temporal 无法连接。Temporal cannot be reached: {why}")
        made = await _wait(house, month, until, patience)
        if made is None:
            typer.echo(f"{month}: 尚未提出。Not proposed yet.", err=True)
            return STILL_WAITING
        typer.echo(table_of(made, house.library.divisions.names), nl=False)
        return 0 if _ORDER[made.state] >= _FAR_ENOUGH[until] else STILL_WAITING


async def _wait(house: House, month: str, until: Until, patience: float) -> MonthReport | None:
    """Looks until it is far enough; says what is new. None: the month is not even proposed."""
    from api.usecases.clearing import report_of
    from domain.errors import Refusal
    from models.clearing import due_items

    end, told, made = time.monotonic() + patience, "", None
    while True:
        line = f"{month}: 等待提出 waits for the proposal"
        async with house.database.begin() as session:
            try:
                found = await report_of(session, month)
                if found.state is PeriodState.OPEN:
                    left = await due_items(session, found.last_day)
                    line = f"{month}: 汇总中 taking items, {left} left"
                else:
                    made, line = found, _waits(found)
            except Refusal:
                pass  # its workflow has not come to the proposal
        if line != told:
            typer.echo(line, err=True)
            told = line
        if made is not None and _ORDER[made.state] >= _FAR_ENOUGH[until]:
            return made
        if patience and time.monotonic() > end:
            return made
        await asyncio.sleep(LOOK_EVERY_S)
