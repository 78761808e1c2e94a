"""``deadline``: when a limit ends and why. ``calendar``: check, load and list holiday notices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from domain.calendar import WorkCalendar, YearNotice
    from domain.errors import Refusal
    from domain.notice import NoticeRefused
    from tongban.settings import Settings

calendar = typer.Typer(no_args_is_help=True, help="Holiday notices: check, load, list.")
FAULTY = 1
Notice = Annotated[Path, typer.Argument(help="The notice as JSON, written like catalogue/calendars/2026.json.")]


def deadline(
    start: Annotated[str, typer.Option(help="The day of the trigger, which does not count: 2026-09-16.")],
    working_days: Annotated[str | None, typer.Option(help="The limit in working days.")] = None,
    calendar_days: Annotated[str | None, typer.Option(help="The limit in calendar days.")] = None,
    suspend: Annotated[
        list[str] | None, typer.Option(help="Days that do not count, FIRST..LAST; may be given several times.")
    ] = None,
    notice: Annotated[
        list[Path] | None, typer.Option(help="Count with this holiday notice too, without loading it.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say how the date came about.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All of it as one JSON object.")] = False,
) -> None:
    """The day on which a limit ends. The date comes first; it needs neither login nor database."""
    from domain.deadline import answer, read_question
    from domain.errors import ERRORS, Refusals
    from domain.plan import Unit
    from tongban.cli import REFUSED, refuse

    if (working_days is None) == (calendar_days is None):
        both = ERRORS["limit_unclear"].text
        refuse(f"--working-days / --calendar-days: {both.zh} {both.en}")
    days, unit, option = (
        (working_days, Unit.WORKING_DAY, "working-days")
        if working_days is not None
        else (calendar_days, Unit.CALENDAR_DAY, "calendar-days")
    )
    try:
        question = read_question(start, days, suspend or (), unit, field=option)
    except Refusals as wrong:
        for fault in wrong.items:
            typer.echo(_sentence(fault, suspend or []), err=True)
        raise typer.Exit(REFUSED) from None
    reply = answer(_shipped_with([_notice_or_exit(file) for file in notice or ()]), question)
    due = reply.due
    if as_json:
        answered = {
            "due": due.day.isoformat(),
            "provisional": due.provisional,
            "working_days": reply.working_days,
            "explanation": [line.model_dump() for line in due.explanation],
        }
        typer.echo(json.dumps(answered, ensure_ascii=False))
        return
    typer.echo(f"{due.day}{' (provisional 暂定)' if due.provisional else ''}")
    if explain:
        for line in due.explanation:
            typer.echo(f"  {line.zh}\n  {line.en}")


def _sentence(fault: Refusal, suspend: list[str]) -> str:
    option, _, index = fault.field.removeprefix("/").partition("/")
    given = f" {suspend[int(index)]}" if index else ""
    return f"--{option}{given}: {fault.kind.text.zh} {fault.kind.text.en}"


@calendar.command()
def check(file: Notice) -> None:
    """Whether a holiday notice can be loaded. 0: yes; 1: no, with everything that is wrong."""
    notice = _notice_or_exit(file)
    typer.echo(f"{notice.year}: {_summary(notice)}")


@calendar.command("load")
def load_notice(
    file: Notice,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of another notice for the same year.")
    ] = False,
) -> None:
    """Put a holiday notice in force and have every open case compute its dates again."""
    notice = _notice_or_exit(file)
    from tongban.cli import settings_or_exit

    settings = settings_or_exit()
    import asyncio

    raise typer.Exit(asyncio.run(_load(settings, notice, replace=replace)))


@calendar.command("list")
def list_notices() -> None:
    """The holiday notices in force: year, shipped or loaded, source."""
    from tongban.cli import settings_or_exit

    settings = settings_or_exit()
    import asyncio

    asyncio.run(_list(settings))


async def _load(settings: Settings, notice: YearNotice, *, replace: bool) -> int:
    from models.calendars import Loaded, load
    from models.database import DATABASE_DOWN, DatabaseError
    from tongban.wiring import open_database

    database = open_database(settings)
    try:
        async with database.begin() as session:
            result, told = await load(session, _shipped_with(()), notice, replace=replace)
    except (DatabaseError, *DATABASE_DOWN) as error:
        _unreachable(error)
    finally:
        await database.aclose()
    cases = "1 open case" if told == 1 else f"{told} open cases"
    said = {
        Loaded.NEW: f"已载入，{told} 件在办事项将重新计算期限。loaded; {cases} will compute their dates again.",
        Loaded.REPLACED: f"已替换，{told} 件在办事项将重新计算期限。replaced; {cases} will compute their dates again.",
        Loaded.SAME: "此通知已生效，未作变更。This notice is in force already; nothing was changed.",
        Loaded.OTHER: "该年已有另一份通知；如确需替换，请加 --replace。"
        "Another notice of this year is in force; --replace takes its place.",
    }
    typer.echo(f"{notice.year}: {said[result]}", err=result is Loaded.OTHER)
    return FAULTY if result is Loaded.OTHER else 0


async def _list(settings: Settings) -> None:
    from models.calendars import combined, loaded
    from models.database import DATABASE_DOWN, DatabaseError
    from tongban.wiring import open_database

    database = open_database(settings)
    try:
        async with database.begin() as session:
            rows = {row.year: row for row in await loaded(session)}
    except (DatabaseError, *DATABASE_DOWN) as error:
        _unreachable(error)
    finally:
        await database.aclose()
    for notice in combined(_shipped_with(()), list(rows.values())).years:
        row = rows.get(notice.year)
        origin = f"已载入 loaded {row.loaded_at:%Y-%m-%d %H:%M} UTC" if row else "随附 shipped"
        typer.echo(f"{notice.year}  {origin}  {_summary(notice)}")


def _unreachable(error: BaseException) -> NoReturn:
    from tongban.cli import refuse

    refuse(f"数据库无法访问，未作变更。The database cannot be reached; nothing was changed ({type(error).__name__}).")


def _shipped_with(notices: list[YearNotice] | tuple[()]) -> WorkCalendar:
    from catalogue.library import Library
    from domain.calendar import WorkCalendar

    years = {notice.year: notice for notice in (*Library().calendar.years, *notices)}
    return WorkCalendar(years=tuple(years[year] for year in sorted(years)))


def _summary(notice: YearNotice) -> str:
    """What is in it, with the number that a typing slip changes."""
    from datetime import date, timedelta

    from domain.calendar import WorkCalendar

    known = WorkCalendar(years=(notice,))
    eve = date(notice.year, 1, 1) - timedelta(days=1)
    total = known.working_days_between(eve, date(notice.year, 12, 31))
    return (
        f"{len(notice.holidays)} 个节假日 holidays, {len(notice.make_up_days)} 个调休上班日 make-up days, "
        f"{total} 个工作日 working days ({notice.source})"
    )


def _notice_or_exit(file: Path) -> YearNotice:
    from domain.notice import NoticeRefused, read_notice
    from tongban.cli import refuse

    try:
        return read_notice(file.read_bytes())
    except OSError as error:
        refuse(f"{file}: 无法读取。It cannot be read ({error.strerror}).")
    except NoticeRefused as refused:
        _print_faults(file, refused)
        raise typer.Exit(FAULTY) from None


def _print_faults(file: Path, refused: NoticeRefused) -> None:
    for fault in refused.faults:
        where = f" {fault.where}" if fault.where else ""
        typer.echo(f"{file}:{where}: {fault.code}: {fault.text.zh} {fault.text.en}", err=True)
