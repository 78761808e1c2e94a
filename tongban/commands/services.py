"""``services list | check | diff | matrix | simulate | draw``: the catalogue on the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tongban.commands import draw, simulate

if TYPE_CHECKING:
    from catalogue.comparing import Difference
    from catalogue.library import Library
    from domain.plan import Plan

app = typer.Typer(no_args_is_help=True, help="Service definitions: list, check, compare, simulate, draw.")
FAULTY, UNUSABLE = 1, 2
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]

app.command("simulate")(simulate.run)
app.command("draw")(draw.run)


def open_library() -> Library:
    """Everything shipped, and the definitions of the operator's own that TONGBAN_SERVICES_DIR names.

    A sentence and status 1 for what does not check among them, status 2 if there is no such folder.
    """
    from catalogue.compiler import Refused
    from catalogue.library import Library

    own = os.environ.get("TONGBAN_SERVICES_DIR", "")
    if own and not Path(own).is_dir():
        typer.echo(f"TONGBAN_SERVICES_DIR: {own}: no such folder", err=True)
        raise typer.Exit(UNUSABLE)
    library = Library(more=Path(own) if own else None)
    try:
        _ = library.versions
    except (Refused, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FAULTY) from None
    return library


@app.command("list")
def list_services(as_json: AsJson = False) -> None:
    """Every version of every service, with its state and validity."""
    rows = [
        {
            "code": plan.code,
            "version": plan.version,
            "state": plan.state.value,
            "valid_from": plan.valid_from.isoformat(),
            "valid_to": plan.valid_to.isoformat() if plan.valid_to else "",
            "mode": plan.mode.value,
            "title": plan.title.model_dump(),
            "tag": plan.tag,
            "digest": plan.digest(),
        }
        for plans in open_library().versions.values()
        for plan in plans
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        until = f"..{row['valid_to']}" if row["valid_to"] else ".."
        typer.echo(
            f"{row['code']:18} {row['version']:10} {row['state']:10} {row['valid_from']}{until}  {row['mode']:13} "
            f"{row['title']['zh']} / {row['title']['en']}"  # type: ignore[index]
        )


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Definition files.")],
    operations: Annotated[
        Path | None,
        typer.Option(help="What the adapters can do, written like catalogue/operations.yaml, which is the default."),
    ] = None,
) -> None:
    """Every complaint as file:line:column: code: what. mend. Status 1 if there is any."""
    from catalogue.compiler import Refused, compile_file, offered
    from catalogue.library import HERE

    try:
        offers = offered(operations or HERE / "operations.yaml")
    except (OSError, ValueError) as error:
        typer.echo(f"{operations}: {error}", err=True)
        raise typer.Exit(UNUSABLE) from None
    faulty = False
    for file in files:
        if not file.is_file():
            typer.echo(f"{file}: no such file", err=True)
            raise typer.Exit(UNUSABLE)
        try:
            plan = compile_file(file, offers)
        except Refused as refused:
            faulty = True
            for complaint in refused.complaints:
                typer.echo(str(complaint))
        else:
            typer.echo(f"{file.name}: fine ({plan.code} {plan.version}, digest {plan.digest()[:12]})")
            _beside_others(plan, file)
    raise typer.Exit(FAULTY if faulty else 0)


def _beside_others(plan: Plan, file: Path) -> None:
    """A word about what keeps a sound definition from being published beside those that there are."""
    for code, plans in open_library().versions.items():
        if code != plan.code and any(other.number_code == plan.number_code for other in plans):
            taken = f"number_code {plan.number_code} is {code}'s"
            typer.echo(f"{file.name}: note: {taken}; it cannot be published beside it", err=True)


def find_plan(name: str, library: Library) -> Plan:
    """A plan by file, CODE or CODE@VERSION; a sentence and status 2 otherwise."""
    from catalogue.compiler import Refused, compile_file
    from domain.errors import Refusal

    code, _, version = name.partition("@")
    try:
        if version:
            return library.version(code, version)
        if name in library.services:
            return library.services[name]
        if Path(name).is_file():
            return compile_file(Path(name))
    except Refused as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(FAULTY) from None
    except Refusal:
        pass
    typer.echo(f"{name}: neither a definition file, nor CODE, nor CODE@VERSION", err=True)
    raise typer.Exit(UNUSABLE)


@app.command()
def diff(a: str, b: str, as_json: AsJson = False) -> None:
    """What changes from A to B, by the ids of its parts."""
    from catalogue.comparing import compare

    library = open_library()
    changes = compare(find_plan(a, library), find_plan(b, library))
    if as_json:
        typer.echo(
            json.dumps([dict(zip(("where", "from", "to"), c, strict=True)) for c in changes], ensure_ascii=False)
        )
        return
    for line in change_lines(changes):
        typer.echo(line)


def change_lines(changes: list[Difference]) -> list[str]:
    """What is new, gone and other, a line each."""
    lines = []
    for where, before, after in changes:
        if before is None:
            lines.append(f"+ {where}: {_short(after)}")
        elif after is None:
            lines.append(f"- {where}: {_short(before)}")
        else:
            lines.append(f"~ {where}: {_short(before)} -> {_short(after)}")
    return lines or ["no difference"]


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "…"


@app.command()
def matrix(code: str, as_json: AsJson = False) -> None:
    """What differs from province to province."""
    from catalogue.comparing import PROVINCES, matrix_of

    plan = find_plan(code, open_library())
    rows = matrix_of(plan)
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not rows:
        typer.echo("no province differs")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{plan.title.zh} / {plan.title.en}")
    for head in ("", "base", *PROVINCES.values()):
        table.add_column(head, overflow="fold")
    for what, row in rows.items():
        table.add_row(what, row["base"], *(row[region] for region in PROVINCES))
    Console(width=None if Console().is_terminal else 200, emoji=False, markup=False).print(table)
