"""``provinces check``: the provinces file, its credentials and adapters, and whether each province answers.

Status 0: all well. 1: a province does not answer, or does not believe us. 2: the file cannot be used.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The provinces file and who answers behind it.")
SILENT = 1


@app.callback()
def provinces() -> None:
    """The provinces file and who answers behind it."""


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Option(help="A provinces file; default: that of the settings. Needs nothing else to run.")
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Also ask whether each answers and believes us.")] = False,
) -> None:
    """Read the provinces file, its credentials and adapters, as a worker does when it starts."""
    from tongban.cli import refusing, settings_or_exit

    with refusing():
        raise typer.Exit(asyncio.run(_check(file or settings_or_exit().provinces_file, ask=ask)))


async def _check(file: Path, *, ask: bool) -> int:
    from adapters.errors import ProvinceError
    from adapters.registry import open_provinces

    status = 0
    async with open_provinces(file) as provinces:
        for region in provinces.regions:
            entry = provinces.entries[region]
            can = provinces.get(region).capabilities
            verbs = ", ".join(sorted(can.verbs))
            typer.echo(f"{region}  {entry.adapter}  {entry.url}")
            typer.echo(f"  {verbs}; {'keys' if can.keys else f'no keys, found by {can.find.value}'}")
            for name, department in entry.departments.items():
                typer.echo(f"  {name}: {department.adapter}")
            if not ask:
                continue
            try:
                await provinces.get(region).health()
                typer.echo("  答复正常 answers")
            except ProvinceError as error:
                status = SILENT
                typer.echo(f"  无法使用 {type(error).__name__}: {error}")
    return status
