"""``conformance``: what an adapter promises, tried against a province, real or simulated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.conformance.model import Check, Report, Result

SOME_FAIL, UNUSABLE = 1, 2
_COLOURS = {"passed": "green", "failed": "red", "not_applicable": "bright_black"}
_WORDS = {"passed": "通过 passed", "failed": "未通过 failed", "not_applicable": "不适用 n/a"}


def conformance(
    adapter: Annotated[str, typer.Option(help="Its entry point, or module:Class.")] = "",
    target: Annotated[str, typer.Option(help="Address of the province, as in the provinces file.")] = "",
    credentials: Annotated[Path | None, typer.Option(help="JSON; default: the simulated provinces' test keys.")] = None,
    profile: Annotated[Path | None, typer.Option(help="JSON: region, samples; default: the simulated ones.")] = None,
    listen: Annotated[str, typer.Option(help="HOST:PORT the province sends callbacks to.")] = "127.0.0.1:0",
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Report as JSON.")] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Report for CI servers.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Report as one HTML file.")] = None,
    badge_file: Annotated[Path | None, typer.Option("--badge", metavar="FILE", help="A badge, as SVG.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="A check or group, SUB-03 or SUB; several times.")] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List all checks and stop.")] = False,
    no_controls: Annotated[bool, typer.Option("--no-controls", help="Use nothing under /sim of the target.")] = False,
) -> None:
    """Try an adapter against a province from both sides. Status 0: conforms; 1: does not; 2: unusable input."""
    import asyncio

    from rich.console import Console

    from adapters.conformance.profile import Unusable
    from adapters.conformance.run import select

    console = Console(width=None if Console().is_terminal else 160, emoji=False, markup=False, highlight=False)
    try:
        checks = select(only or [])
        if list_them:
            _list(console, checks)
            return
        if not (adapter and target):
            raise Unusable("请给出 --adapter 和 --target。\nGive --adapter and --target.")
        wanted = {file: kind for kind, file in _files(json_file, junit_file, html_file, badge_file).items() if file}
        for file in wanted:
            if not file.parent.is_dir():
                raise Unusable(f"{file.parent}：没有这个文件夹。\n{file.parent}: there is no such folder.")
        report = asyncio.run(
            _run(
                console,
                adapter,
                target,
                profile,
                credentials,
                listen,
                checks,
                controls=not no_controls,
                some=bool(only),
            )
        )
    except Unusable as wrong:
        _refuse(str(wrong))
    _table(console, report)
    for file, kind in wanted.items():
        try:
            file.write_bytes(_rendered(report, kind))
        except OSError as failed:
            _refuse(f"{file}：无法写入。\n{file}: cannot be written ({failed.strerror}).")
    raise typer.Exit(0 if report.passed else SOME_FAIL)


def _files(
    json_file: Path | None, junit_file: Path | None, html_file: Path | None, badge_file: Path | None
) -> dict[str, Path | None]:
    return {"json": json_file, "junit": junit_file, "html": html_file, "badge": badge_file}


def _rendered(report: Report, kind: str) -> bytes:
    from adapters.conformance import reports

    if kind == "junit":
        return reports.junit(report)
    text = {"json": reports.document, "html": reports.page, "badge": reports.badge}[kind](report)
    return text.encode("utf-8", "replace")


async def _run(
    console: Console,
    adapter: str,
    target: str,
    profile: Path | None,
    credentials: Path | None,
    listen: str,
    checks: list[Check],
    *,
    controls: bool,
    some: bool,
) -> Report:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from adapters.conformance.kit import load
    from adapters.conformance.profile import Unusable, read_keys, read_profile
    from adapters.conformance.run import believed, conform, opened
    from domain.effects import Expect

    if Expect.CLERK in load(adapter).capabilities.answers:
        raise Unusable(
            f"{adapter} 由人员录入，没有可检查的报文。\n{adapter} is a person at a counter: there is no wire to check."
        )
    told, keys = read_profile(profile, adapter), read_keys(credentials, adapter)
    async with opened(adapter, target, told, keys, listen=listen, controls=controls) as kit:
        if not some:
            await believed(kit)
        console.print(f"{adapter} → {target} · 回调 callbacks: {kit.mailbox.address}")
        bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True,
            disable=not console.is_terminal,
        )  # fmt: skip
        with bar:
            task = bar.add_task("检查 checks", total=len(checks))

            groups = [check.group for check in checks]

            def tell(result: Result) -> None:
                bar.update(task, advance=1, description=result.check.id)
                groups.remove(result.check.group)
                if not console.is_terminal and result.check.group not in groups:
                    console.print(f"{result.check.group} …")

            return await conform(kit, checks, tell)


def _list(console: Console, checks: list[Check]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for head in ("id", "要求 requirement", "检查", "check"):
        table.add_column(head, overflow="fold")
    for check in checks:
        table.add_row(check.id, check.requirement, check.title.zh, check.title.en)
    console.print(table)


def _table(console: Console, report: Report) -> None:
    from rich.table import Table
    from rich.text import Text

    from adapters.conformance.model import Status
    from adapters.conformance.reports import explain

    table = Table(box=None, pad_edge=False)
    for head in ("id", "结果 result", "检查 check", "说明 why"):
        table.add_column(head, overflow="fold")
    for result in report.results:
        said = f"{result.text.zh} / {result.text.en}" if result.text else ""
        title = f"{result.check.title.zh} / {result.check.title.en}"
        state = Text(_WORDS[result.status.value], style=_COLOURS[result.status.value])
        table.add_row(result.check.id, state, title, said)
    console.print(table)
    for result in report.results:
        if result.status is Status.FAILED:
            console.print(f"\n{explain(result)}")
    passed, failed, left = (report.count(status) for status in Status)
    console.print(
        f"\n{passed} 通过 passed · {failed} 未通过 failed · {left} 不适用 not applicable · {report.seconds:.1f} s"
    )


def _refuse(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(UNUSABLE)
