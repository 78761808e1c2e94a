"""``reconcile``: a province's nightly file against our own books, now instead of tonight.

Status 0: all agrees. 1: the file says something otherwise. 2: unusable input. 3: there is no file, or none to believe.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from domain.calendar import local_day

if TYPE_CHECKING:
    from api.schemas_provinces import ResultFileOut
    from tongban.settings import Settings

DIFFERS, UNREADABLE = 1, 3
_WORDS = {
    "extra": "对方多出 extra",
    "missing": "对方缺失 missing",
    "contradiction": "结果相反 contradiction",
    "number": "业务号不同 number",
}


def reconcile(
    region: Annotated[str, typer.Option(help="A province that has a nightly file, such as 340000.")],
    day: Annotated[str, typer.Option(help="The day whose results are read, such as 2026-11-24, or yesterday.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Read a day's results of a province and compare them with our own books."""
    from tongban.cli import refuse, refusing, settings_or_exit

    asked = _day(day)
    if asked is None:
        refuse(f"--day {day}：应为 2026-11-24 或 yesterday。Give a day such as 2026-11-24, or yesterday.")
    with refusing():
        found = asyncio.run(_run(settings_or_exit(), region, asked))
    if isinstance(found, Unusable):
        refuse(found.text)
    if isinstance(found, str):
        typer.echo(found, err=True)
        raise typer.Exit(UNREADABLE)
    typer.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False) if as_json else _shown(found))
    raise typer.Exit(DIFFERS if found.differences else 0)


@dataclass(frozen=True)
class Unusable:
    """Why that province cannot be asked at all."""

    text: str


def _day(text: str) -> date | None:
    if text == "yesterday":
        return local_day(datetime.now(UTC)) - timedelta(days=1)
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


async def _run(settings: Settings, region: str, day: date) -> ResultFileOut | str | Unusable:
    """What the file said; a sentence if it cannot be had."""
    from adapters.errors import ProvinceError
    from api.delivery import Delivery
    from api.usecases import provinces, reconcile
    from tongban.wiring import open_house

    async with open_house(settings) as house:
        if region not in house.provinces.regions:
            return Unusable(f"各省文件中没有 {region}。The provinces file has no {region}.")
        if region not in reconcile.with_files(house):
            return Unusable(f"{region} 没有夜间结果文件。{region} has no nightly file of results.")
        delivery = Delivery(house.database, house.gateway, house.calendars, local_first=house.local_first)
        typer.echo(f"{region} {day} …", err=True)
        try:
            if await reconcile.run(house, delivery, region, day) is None:
                return f"{region} {day}: 尚无结果文件。There is no file yet."
        except ProvinceError as error:
            return f"{region} {day}: 结果文件不可用。The file cannot be used: {error}"
        async with house.database.begin() as session:
            return next(file for file in await provinces.result_files(session, region) if file.day == day)


def _shown(file: ResultFileOut) -> str:
    lines = [
        f"{file.day}: 共 {file.rows} 行，相符 {file.known}，据此办结 {file.taken}，不符 {len(file.differences)}",
        f"{file.day}: {file.rows} rows, {file.known} agree, {file.taken} taken, {len(file.differences)} differ",
    ]
    for each in file.differences:
        where = f"{each.department}/{each.operation}"
        numbers = f"{each.reference or '-'} / {each.ours or '-'}"
        about = f"{where} {numbers} {each.case_no} {each.step}".rstrip()
        lines.append(f"  {_WORDS[each.kind]}: {each.business_number} {about}")
    return "\n".join(lines)
