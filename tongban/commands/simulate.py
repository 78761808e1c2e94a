"""``services simulate``: a definition in virtual time against scripted provinces; prints the path with its dates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from catalogue.scenario import Scenario
    from catalogue.simulation import Course
    from domain.plan import Plan

NOT_AS_SAID, UNUSABLE = 1, 2


def run(
    definition: Annotated[str, typer.Argument(help="A definition file, or the code of a shipped service.")],
    scenario: Annotated[
        str, typer.Option(help="A file, a folder of them, or the name of a shipped one; 'all' runs all shipped.")
    ],
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> None:
    """Run a definition in virtual time. Status 0: it ends as the scenario says; 1: it does not; 2: unusable input."""
    if lang not in {"zh", "en"}:
        typer.echo("--lang: zh or en", err=True)
        raise typer.Exit(UNUSABLE)
    from catalogue.scenario import ScenarioError, read_scenario
    from catalogue.simulation import simulate
    from tongban.commands.services import find_plan, open_library

    library = open_library()
    plan = find_plan(definition, library)
    bad = False
    for file in _files(plan, scenario):
        try:
            wanted = read_scenario(file)
        except ScenarioError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(UNUSABLE) from None
        try:
            course = simulate(plan, wanted, library)
        except ScenarioError as error:
            typer.echo(f"{file.name}: {error}", err=True)
            raise typer.Exit(UNUSABLE) from None
        if as_json:
            typer.echo(json.dumps(_document(file, course), ensure_ascii=False, indent=2))
        elif scenario == "all" or Path(scenario).is_dir():
            _line(plan, file, wanted, course, lang)
        else:
            _table(plan, wanted, course, "en" if lang == "en" else "zh")
        bad = bad or bool(course.faults)
    raise typer.Exit(NOT_AS_SAID if bad else 0)


def _files(plan: Plan, scenario: str) -> list[Path]:
    from catalogue.library import HERE

    shipped = sorted((HERE / "scenarios" / plan.code).glob("*.yaml"))
    if scenario == "all" and shipped:
        return shipped
    named = [file for file in shipped if file.stem == scenario]
    if named:
        return named
    if Path(scenario).is_file():
        return [Path(scenario)]
    if Path(scenario).is_dir() and (found := sorted(Path(scenario).glob("*.yaml"))):
        return found
    known = ", ".join(file.stem for file in shipped) or "none"
    typer.echo(f"--scenario {scenario}: neither a file nor a shipped scenario of {plan.code} ({known})", err=True)
    raise typer.Exit(UNUSABLE)


def _document(file: Path, course: Course) -> dict[str, object]:
    return {"scenario": file.stem} | course.model_dump(mode="json")


def _line(plan: Plan, file: Path, wanted: Scenario, course: Course, lang: str) -> None:
    from domain.calendar import SHANGHAI

    ended = course.closed_at.astimezone(SHANGHAI).date() if course.closed_at else "-"
    said = "; ".join(course.faults) or "as said"
    title = wanted.title.en if lang == "en" else wanted.title.zh
    typer.echo(f"{plan.code} {file.stem}: {course.status} {ended} ({said}) {title}")


def _table(plan: Plan, wanted: Scenario, course: Course, lang: Literal["zh", "en"]) -> None:
    from rich.console import Console
    from rich.table import Table

    from catalogue.library import Library
    from domain.calendar import SHANGHAI

    titles = {step.id: getattr(step.title, lang) for step in plan.steps}
    names = Library().divisions.names
    table = Table(title=f"{getattr(plan.title, lang)} · {getattr(wanted.title, lang)}", box=None, pad_edge=False)
    heads = ("时间", "地点", "步骤", "事件", "") if lang == "zh" else ("when", "where", "step", "event", "")
    for head in heads:
        table.add_column(head, overflow="fold")
    day = None
    for line in course.lines:
        at = line.at.astimezone(SHANGHAI)
        shown = f"{at:%Y-%m-%d %H:%M}" if at.date() != day else f"{'':10} {at:%H:%M}"
        day = at.date()
        place = getattr(names[line.place.region], lang) if line.place and line.place.region in names else ""
        step = titles.get(line.step, titles.get(line.step.rpartition("-")[0], line.step))
        table.add_row(shown, place, step, line.what, line.detail)
    console = Console(width=None if Console().is_terminal else 200, emoji=False, markup=False)
    console.print(table)
    console.print(f"{course.status} {course.reason}".strip(), highlight=False)
    for fault in course.faults:
        console.print(f"! {fault}", highlight=False)
