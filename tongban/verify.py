"""``python -m tongban verify``: checks on the running system that nothing was lost, done twice or changed afterwards.

Status 0: every invariant holds. 1: at least one is broken. 3: a part could not be reached, so not all was checked.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from adapters.entries import local_days, read_entries
from adapters.errors import ProvinceError
from adapters.files import DocumentStore
from adapters.registry import Provinces
from catalogue.library import Library
from domain import names
from domain.calendar import LocalDay
from domain.effects import Answer, AnswerStatus, Expect, Verb
from domain.invariants import CHECKS, deadlines_are_right
from models import bill_inspection, inspection, outbox, seals
from models.calendars import Calendars
from models.database import DATABASE_DOWN, Database, DatabaseError
from models.effects import question_about
from models.ledger import inspection as ledger
from models.matters import matter_states
from models.outbox import OutboxKind
from models.windows import open_windows
from tongban.settings import Settings
from tongban.temporal import KeyRing, connect
from tongban.wiring import open_database, read_provinces

GRACE = timedelta(seconds=60)
HOLDS, BROKEN, UNCHECKED = 0, 1, 3


class Report:
    """What was looked at and what was found."""

    def __init__(self) -> None:
        self.breaks: list[tuple[str, str]] = []
        self.unchecked: list[tuple[str, str]] = []
        self.checked: dict[str, int] = {}

    def looked(self, invariant: str, count: int = 1) -> None:
        """An invariant was checked on so many things."""
        self.checked[invariant] = self.checked.get(invariant, 0) + count

    def broken(self, invariant: str, what: str) -> None:
        """An invariant does not hold."""
        self.breaks.append((invariant, what))

    @property
    def status(self) -> int:
        """The exit status."""
        return BROKEN if self.breaks else UNCHECKED if self.unchecked else HOLDS


async def run(settings: Settings, console: Console | None = None, *, ask_provinces: bool = False) -> int:
    """Checks everything and prints a report."""
    out = console or Console()
    report = Report()
    database = open_database(settings)
    try:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
            task = progress.add_task("cases")
            local = {entry.region: local_days(entry) for entry in read_entries(settings.provinces_file)}
            await _cases(database, DocumentStore(settings.files_location()), local, report)
            await _matters(database, report)
            progress.update(task, description="rows and seals")
            await _tables(database, settings, report)
            progress.update(task, description="workflows")
            await _workflows(settings, database, report)
            if ask_provinces:
                progress.update(task, description="provinces")
                await _provinces(database, read_provinces(settings), report)
    except (DatabaseError, *DATABASE_DOWN) as error:
        report.unchecked.append(("1-17", f"the database cannot be read ({type(error).__name__})"))
    finally:
        await database.aclose()
    _print(out, report)
    return report.status


async def _cases(
    database: Database, files: DocumentStore, local: Mapping[str, tuple[LocalDay, ...]], report: Report
) -> None:
    calendars = Calendars(lambda: Library().calendar, lambda: local)
    async with database.begin() as session:
        told_later = await outbox.untold(session, OutboxKind.CALENDAR)
        calendar = await calendars.in_force(session)
    now = datetime.now(UTC)

    async def missing(digests: Collection[str]) -> list[str]:
        return [digest for digest in digests if not await files.exists(digest)]

    async for case in inspection.case_files(database, missing):
        for number, check in CHECKS:
            if check is deadlines_are_right and case.no in told_later:
                continue  # its dates are those of the calendar before, until the relay has told it
            report.looked(number)
            for what in check(case, now, calendars.at(calendar, case.plan.accepting.region)):
                report.broken(number, f"{case.no}: {what}")


async def _matters(database: Database, report: Report) -> None:
    """8, 9 and 17 of the medical matters."""
    async with database.begin() as session:
        report.looked("9", len(await matter_states(session)))
    async for number, what in inspection.check_matters(database, datetime.now(UTC)):
        report.broken(number, what)


async def _tables(database: Database, settings: Settings, report: Report) -> None:
    path = settings.data_dir / "seals.jsonl"
    noted = _noted(path, report) if path.exists() else []
    settled, broken_books = await ledger.breaches(database)
    report.looked("7", settled)
    for sentence in broken_books:
        report.broken("7", sentence)
    async with database.begin() as session:
        findings = [("1,2", await inspection.receipts_without_case(session))]
        if not path.exists() and await seals.all_seals(session):
            report.unchecked.append(("9", f"no {path.name} here: run this where the relay keeps its data"))
        findings += [("8", await inspection.orphans(session)), ("9", await inspection.check_seals(session, noted))]
        findings += [("7", await bill_inspection.breaches(session))]
    for number, sentences in findings:
        report.looked(number)
        for sentence in sentences:
            report.broken(number, sentence)


def _noted(path: Path, report: Report) -> list[dict[str, Any]]:
    """The seals as the relay noted them outside the database."""
    noted: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        try:
            note = json.loads(line)
            noted.append({"no": int(note["no"]), "hash": str(note["hash"])})
        except (ValueError, TypeError, KeyError):  # its writer was killed half-way, or somebody has been here
            report.unchecked.append(("9", f"line {number} of {path.name} cannot be read"))
    return noted


async def _workflows(settings: Settings, database: Database, report: Report) -> None:
    """3 and 4: a case in the database <=> a workflow, closed <=> closed; what moved just now may differ."""
    try:
        client = await connect(KeyRing.read(settings.payload_keys_file), sandbox=settings.sandbox)
        running = await _listed(client)
        sessions = await _running_windows(client)
    except (RPCError, RuntimeError) as error:
        report.unchecked.append(("3,4", f"Temporal cannot be reached ({type(error).__name__})"))
        return
    async with database.begin() as session:
        cases = await inspection.case_states(session) | await matter_states(session)
        windows = await open_windows(session)
    young = datetime.now(UTC) - GRACE
    report.looked("3,4", len(cases))
    for no, (changed_at, closed) in cases.items():
        if changed_at > young:
            continue
        if no not in running:
            if not closed:
                report.broken("3", f"{no}: no workflow")
        elif running[no] == closed:
            state = "closed" if closed else "open"
            report.broken("4", f"{no}: the case is {state}, its workflow is not")
    for no in running.keys() - cases.keys():
        report.broken("3", f"{no}: a workflow without a case")
    for window, changed_at in windows.items():
        if changed_at <= young and names.window_workflow(window) not in sessions:
            report.broken("3", f"session {window} is open and has no workflow")


async def _running_windows(client: Client) -> set[str]:
    """The workflows of sessions that run."""
    query = f"WorkflowType = '{names.WINDOW_WORKFLOW}' AND ExecutionStatus = 'Running'"
    return {execution.id async for execution in client.list_workflows(query)}


async def _listed(client: Client) -> dict[str, bool]:
    """Workflow id -> whether it runs. Closed ones may be gone: Temporal keeps them for a limited time only."""
    found: dict[str, bool] = {}
    kinds = ", ".join(f"'{name}'" for name in (names.CASE_WORKFLOW, *names.MATTER_WORKFLOW.values()))
    async for execution in client.list_workflows(f"WorkflowType IN ({kinds})"):
        runs = execution.status is WorkflowExecutionStatus.RUNNING
        found[execution.id] = found.get(execution.id, False) or runs
    return found


async def _provinces(database: Database, provinces: Provinces, report: Report) -> None:
    """5, from the other side: every province knows each answer we hold, and says the same."""
    async with database.begin() as session:
        grouped = await inspection.effects_by_province(session)
        left = await inspection.undoable_steps_of_closed(session)
    try:
        for region, effects in grouped.items():
            undone = {effect.original for effect in effects if effect.verb == Verb.REVERSE}
            for effect in effects:
                if effect.key in undone:
                    continue  # what was called off may be told as refused; its reversal is asked for instead
                try:
                    adapter = provinces.for_place(effect.region, effect.department)
                    if Expect.CLERK in adapter.capabilities.answers:
                        continue  # nobody can be asked there: the nightly file tells
                    answer = await adapter.find(question_about(effect))
                except ProvinceError as error:
                    report.unchecked.append(("5", f"{region} cannot be asked ({error.code})"))
                    break
                report.looked("5")
                said = Answer.model_validate(effect.answer)
                ours = said.status
                if answer is None and effect.verb == Verb.REVERSE and not said.reference:
                    continue  # there was nothing to undo: so a clerk has said, or the adapter without asking
                # an end there that we still wait for, or that nobody waits for any more (evidence, a letter, what was
                # handed in), is no contradiction; an effect that a closed case has left standing is one
                awaited = ours is AnswerStatus.PENDING and answer is not None
                stands = effect.verb == Verb.SUBMIT and (effect.case_no, effect.step) in left
                if awaited and not (stands and answer and answer.status is AnswerStatus.ACCEPTED):
                    continue
                if answer is None or answer.status is not ours:
                    theirs = answer.status if answer else "nothing"
                    report.broken("5", f"{effect.case_no}: {effect.step} is {ours} here, {theirs} in {region}")
    finally:
        await provinces.aclose()


def _print(out: Console, report: Report) -> None:
    for number, count in sorted(report.checked.items(), key=lambda item: int(item[0].split(",")[0])):
        failed = [what for n, what in report.breaks if set(n.split(",")) & set(number.split(","))]
        out.print(f"invariant {number}: {'BROKEN' if failed else 'holds'} ({count} checked)", highlight=False)
    for number, what in report.breaks[:50]:
        out.print(f"  {number}: {what}", highlight=False, markup=False)
    if len(report.breaks) > 50:
        out.print(f"  … and {len(report.breaks) - 50} more")
    for number, why in report.unchecked:
        out.print(f"not checked: invariant {number}: {why}", highlight=False, markup=False)
    verdict = {
        HOLDS: "every invariant holds",
        BROKEN: "something is broken",
        UNCHECKED: "not everything could be checked",
    }
    out.print(verdict[report.status])
