"""``migrate``: running cases to another version of their definition, tried dry, batch by batch, and back.

Status 0: every case that may be moved was moved, or it was a dry run. 1: some failed or are blocked. 2: unusable input.
130: interrupted; the same command goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from api.house import House
    from api.usecases.assess import Found, Source
    from api.usecases.migrate import Asked, Report
    from catalogue.comparing import Difference
    from domain.plan import Plan
    from tongban.settings import Settings

INCOMPLETE, INTERRUPTED = 1, 130
_WORDS = {
    "movable": "可迁移 movable",
    "moved": "已迁移 moved",
    "blocked": "不可迁移 blocked",
    "failed": "失败 failed",
    "unaffected": "不受影响 unaffected",
}


def migrate(
    code: Annotated[str, typer.Argument(help="The service, such as YRD-ENT-MOVE.")] = "",
    origin: Annotated[str, typer.Option("--from", metavar="VERSION", help="The version the cases are pinned to.")] = "",
    to: Annotated[str, typer.Option("--to", metavar="VERSION|FILE", help="The version they are to have.")] = "",
    revert: Annotated[str, typer.Option("--revert", metavar="RUN", help="Move the cases of a run back.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would become of each case.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NO", help="None but this case; may be given several times.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many cases are moved.")] = None,
    batch: Annotated[int, typer.Option(min=1, max=1000, help="How many are moved between two looks at failures.")] = 50,
    max_failures: Annotated[int, typer.Option(min=0, help="Stop after a batch with more failures.")] = 5,
    runs: Annotated[bool, typer.Option("--runs", help="List the runs so far.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Move running cases to another version of their definition. Try it with --dry-run first."""
    from tongban.cli import refuse, settings_or_exit

    forward, wanted = bool(code or origin or to), sum((bool(code or origin or to), bool(revert), runs))
    if wanted != 1 or (forward and not (code and origin and to)):
        refuse("须写明：CODE --from 版本 --to 版本，或 --revert 批次。Name CODE --from V1 --to V2, or --revert RUN.")
    settings = settings_or_exit()
    import asyncio

    from api.usecases.migrate import Asked

    asked = Asked(only=tuple(only or ()), limit=limit, batch=batch, max_failures=max_failures, by=_whoami())
    try:
        if runs:
            asyncio.run(_list(settings, as_json=as_json))
            return
        status = asyncio.run(_Session(code, origin, to, revert, asked, dry=dry_run, as_json=as_json).run(settings))
    except KeyboardInterrupt:
        typer.echo("已中断；重复同一命令即可继续。Interrupted; the same command goes on with it.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(status)


def _whoami() -> str:
    import getpass

    try:
        return getpass.getuser()
    except OSError:  # no name in a container
        return "operator"


@dataclass
class _Session:
    """One call of the command."""

    code: str
    origin: str
    to: str
    revert: str
    asked: Asked
    dry: bool
    as_json: bool
    changes: list[tuple[str, list[Difference]]] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)

    async def run(self, settings: Settings) -> int:
        """Reads, moves, tells; the exit status."""
        import structlog

        from models.database import DATABASE_DOWN, DatabaseError
        from tongban.wiring import configure_logging, open_house

        if not structlog.is_configured():
            configure_logging("WARNING")
        async with open_house(settings) as house:
            try:
                source, plan = await self._source(house)
                if not self.as_json:
                    self._tell_changes()
                report = await self._move(house, source, plan)
            except (DatabaseError, *DATABASE_DOWN) as error:
                _unreachable(error)
        if self.as_json:
            typer.echo(json.dumps(self._document(source, report), ensure_ascii=False, indent=2))
        else:
            self._tell(report)
        return 0 if self.dry or report.whole else INCOMPLETE

    async def _source(self, house: House) -> tuple[Source, Plan | None]:
        from api.usecases.assess import ToVersion
        from api.usecases.migrate import back
        from catalogue.comparing import compare
        from models import moves
        from tongban.cli import refuse

        if self.revert:
            way_back = await back(house, self.revert)
            if way_back is None:
                refuse(f"--revert {self.revert}: 没有这一批次。There is no such run.")
            return way_back, None
        plan = self._target(house)
        async with house.database.begin() as session:
            origins = await moves.stored_plans(session, self.code, self.origin)
        known = self.origin in {each.version for each in house.library.versions.get(self.code, ())}
        if not origins and not known:
            refuse(f"--from {self.origin}: {self.code} 没有这一版本。There is no such version of {self.code}.")
        if self.origin == plan.version:
            refuse("--to: 与原版本号相同。It is the version the cases have.")
        self.changes = [(digest, compare(before, plan)) for digest, before in origins.items()]
        return ToVersion(self.origin, origins, plan, house.library.divisions), plan

    def _target(self, house: House) -> Plan:
        from catalogue.compiler import Refused, compile_file
        from domain.errors import Refusal
        from domain.plan import Lifecycle
        from tongban.cli import refuse

        try:
            plan = compile_file(Path(self.to)) if Path(self.to).is_file() else house.library.version(self.code, self.to)
        except Refused as refused:
            refuse(str(refused))
        except Refusal:
            refuse(
                f"--to {self.to}: {self.code} 没有这一版本，也没有这个文件。"
                f"Neither a version of {self.code} nor a definition file."
            )
        if plan.code != self.code:
            refuse(f"--to {self.to}: 属于另一事项。It is of another service ({plan.code}).")
        if plan.state is Lifecycle.DRAFT:
            refuse(f"--to {plan.version}: 尚为草案。It is a draft.")
        return plan

    async def _move(self, house: House, source: Source, plan: Plan | None) -> Report:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        from api.usecases.migrate import carry_out, dry_run

        console = Console(stderr=True)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task, counts = progress.add_task("…"), dict[str, int]()

            def tell(found: Found) -> None:
                self.found.append(found.model_copy(update={"plan": None, "target": None}))  # thousands may follow
                counts[found.outcome] = counts.get(found.outcome, 0) + 1
                progress.update(task, description=_counted(counts))

            if self.dry:
                return await dry_run(house, source, self.asked, tell)
            return await carry_out(house, source, self.asked, tell, plan)

    def _tell_changes(self) -> None:
        from tongban.commands.services import change_lines

        for digest, changes in self.changes:
            typer.echo(f"{self.code} {self.origin} ({digest[:12]}) -> {self.to}")
            for line in change_lines(changes):
                typer.echo(f"  {line}")

    def _tell(self, report: Report) -> None:
        from rich.console import Console
        from rich.table import Table

        shown = [found for found in self.found if self.dry or found.outcome != "moved" or self.asked.only]
        if shown:
            table = Table(box=None, pad_edge=False)
            for head in ("事项 case", "结果 outcome", "环节 step", "说明 why"):
                table.add_column(head, overflow="fold", no_wrap=head.startswith("事项"))
            for found in shown:
                texts = [(block.step, block.text) for block in found.why] + [("", text) for text in found.remarks]
                for number, (step, text) in enumerate(texts or [("", None)]):
                    first = (found.no, _WORDS[found.outcome]) if number == 0 else ("", "")
                    table.add_row(*first, step, f"{text.zh} {text.en}" if text else "")
            Console(width=None if Console().is_terminal else 240, emoji=False, markup=False).print(table)
        typer.echo(_counted(report.counts) + (f"; 已办结 closed {report.ended}" if report.ended else ""))
        if report.run:
            typer.echo(f"批次 run {report.run}")
        if report.stopped:
            typer.echo("失败过多，已停止；重复同一命令即可继续。Too many failed; it stopped. The same command goes on.")

    def _document(self, source: Source, report: Report) -> dict[str, Any]:
        from api.usecases.migrate import spelled

        run = source.run()
        return {
            "service": run.service,
            "from": run.from_version,
            "to": run.to_version,
            "reverts": run.reverts,
            "dry_run": self.dry,
            "run": report.run,
            "stopped": report.stopped,
            "differences": {
                digest: [dict(zip(("where", "from", "to"), change, strict=True)) for change in changes]
                for digest, changes in self.changes
            },
            "summary": dict(report.counts) | {"closed": report.ended},
            "cases": [
                {
                    "no": found.no,
                    "outcome": found.outcome,
                    "why": [spelled(block) for block in found.why],
                    "remarks": [text.model_dump() for text in found.remarks],
                }
                for found in self.found
            ],
        }


def _counted(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{words} {counts[key]}" for key, words in _WORDS.items() if counts.get(key)) or "0"


def _unreachable(error: BaseException) -> NoReturn:
    from tongban.cli import refuse

    refuse(f"数据库无法访问。The database cannot be reached ({type(error).__name__}); the same command goes on.")


async def _list(settings: Settings, *, as_json: bool) -> None:
    from models.database import DATABASE_DOWN, DatabaseError
    from models.moves import list_runs
    from tongban.wiring import open_database

    database = open_database(settings)
    try:
        async with database.begin() as session:
            found = await list_runs(session)
    except (DatabaseError, *DATABASE_DOWN) as error:
        _unreachable(error)
    finally:
        await database.aclose()
    if as_json:
        rows = [run.model_dump(mode="json") | {"cases": dict(states)} for run, states in found]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for run, states in found:
        counted = ", ".join(f"{state} {count}" for state, count in sorted(states.items())) or "-"
        back = f" (reverts {run.reverts})" if run.reverts else ""
        over = "" if run.finished_at else "  未完 unfinished"
        typer.echo(
            f"{run.id}  {run.service} {run.from_version} -> {run.to_version}{back}  "
            f"{run.begun_at:%Y-%m-%d %H:%M} UTC  {run.begun_by}  {counted}{over}"
        )
