"""What a move to another version would mean for a case, judged by what is on record of it. Writes nothing.

ToVersion   the open cases of one version, each with the new version bound to its form
Back        the cases that a run has moved, each with the plan it had before
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Protocol

from pydantic import JsonValue

from api.house import House
from catalogue.forms import conditions, read_form
from catalogue.library import Divisions
from domain.calendar import WorkCalendar
from domain.case import SETTLED
from domain.errors import ERRORS, Refusals
from domain.messages import Message, Text
from domain.plan import CasePlan, Plan, bind
from domain.process import Intake
from domain.process.migration import Block, check
from domain.process.successor import changed_dues, differs, in_force, successor
from models import moves
from models.cases import Application, Case
from models.database import Session
from models.moves import MoveRun

PAGE = 200


class Outcome(StrEnum):
    MOVABLE = "movable"
    BLOCKED = "blocked"
    UNAFFECTED = "unaffected"  # nothing that is left of it would be another
    MOVED = "moved"
    FAILED = "failed"  # no answer in time: it may have been moved, and is asked again


class Found(Message):
    """One case. ``plan``: what it is pinned to; ``target``: what it would be moved to."""

    no: str
    outcome: Outcome
    why: tuple[Block, ...] = ()
    remarks: tuple[Text, ...] = ()
    plan: CasePlan | None = None
    target: CasePlan | None = None
    intake: Intake = Intake()


Target = CasePlan | tuple[Block, ...]


@dataclass(frozen=True)
class Candidate:
    """``target``: the plan for it, or why there can be none. ``always``: also if nothing would be another."""

    case: Case
    application: Application
    target: Target
    always: bool = False


class Source(Protocol):
    """Where cases are moved from, and to what."""

    def run(self) -> MoveRun: ...
    async def page(self, session: Session, only: Collection[str], after: str) -> Sequence[Candidate]: ...
    async def ended(self, session: Session) -> int: ...


@dataclass(frozen=True)
class ToVersion:
    """``origins``: digest -> plan of every definition that is stored under the version the cases come from."""

    version: str
    origins: Mapping[str, Plan]
    plan: Plan
    divisions: Divisions

    def run(self) -> MoveRun:
        """As it would be begun."""
        return new_run(self.plan.code, self.version, self.plan.version, self.plan.digest())

    async def page(self, session: Session, only: Collection[str], after: str) -> Sequence[Candidate]:
        """The next open cases, each with the new version bound to its form as it stands."""
        rows = await moves.pinned_page(session, self.plan.code, self.version, only, after, PAGE)
        return [
            Candidate(case, application, bound(self.plan, application.current(), self.divisions), self._certifies(case))
            for case, application in rows
        ]

    async def ended(self, session: Session) -> int:
        """How many cases of that version are closed."""
        return (await moves.count_pinned(session, self.plan.code, self.version))[1]

    def _certifies(self, case: Case) -> bool:
        """Whether what is still to be certified would say something else."""
        origin = self.origins.get(case.plan_digest)
        if origin is None or origin.results == self.plan.results:
            return False
        left = [step.id for step in case.view().steps if step.status not in SETTLED]
        issuing = [result.step for result in (*origin.results, *self.plan.results)]
        return any(name == step or name.startswith(f"{step}-") for name in left for step in issuing)


@dataclass(frozen=True)
class Back:
    """The way back of a run."""

    back_from: MoveRun

    def run(self) -> MoveRun:
        """As it would be begun."""
        gone = self.back_from
        return new_run(gone.service, gone.to_version, gone.from_version, "", reverts=gone.id)

    async def page(self, session: Session, only: Collection[str], after: str) -> Sequence[Candidate]:
        """The next cases that the run has moved, each with the plan it had."""
        rows = await moves.moved_page(session, self.back_from.id, only, after, PAGE)
        return [
            Candidate(case, application, self._before(case, row.before, row.after_digest), always=True)
            for case, application, row in rows
        ]

    async def ended(self, session: Session) -> int:
        """They are among the cases of the run."""
        return 0

    def _before(self, case: Case, before: Mapping[str, JsonValue], after_digest: str) -> Target:
        if case.plan_digest != after_digest:
            said = Text(zh=f"现为 {case.version}", en=f"it is {case.version} by now")
            return (Block(code="migration_stale", about=said),)
        return CasePlan.model_validate(before)


def new_run(service: str, before: str, after: str, digest: str, reverts: str = "") -> MoveRun:
    """A run without a name; who begins it gives it one."""
    return MoveRun(
        id="",
        service=service,
        from_version=before,
        to_version=after,
        to_digest=digest,
        reverts=reverts,
        begun_by="",
        begun_at=datetime.now(UTC),
    )


def bound(plan: Plan, form: Mapping[str, JsonValue], divisions: Divisions) -> Target:
    """A version bound to a form that was handed in under another one; fields it does not know do not matter."""
    fields = plan.form_fields()
    try:
        clean = read_form(plan, {name: value for name, value in form.items() if name in fields}, divisions)
    except Refusals as wrong:
        return tuple(
            Block(code="migration_form", about=_joined(fault.detail, ERRORS[fault.code].text, fault.field))
            for fault in wrong.items
        )
    return bind(plan, clean, conditions(plan, clean))


def _joined(title: Text | None, said: Text, field: str) -> Text:
    name = field.removeprefix("/form/")
    zh, en = (title.zh, title.en) if title else (name, name)
    return Text(zh=f"{zh}（{name}）：{said.zh}", en=f"{en} ({name}): {said.en}")


def assess(candidate: Candidate, calendar_at: Callable[[str], WorkCalendar], now: datetime) -> Found:
    """How a case stands to the move. ``calendar_at``: the calendar in force at a place."""
    case, target = candidate.case, candidate.target
    if case.closed_at is not None:
        return Found(no=case.no, outcome=Outcome.UNAFFECTED)
    plan, shown = CasePlan.model_validate(candidate.application.case_plan), case.view()
    before, calendar = in_force(plan, shown), calendar_at(plan.accepting.region)
    if isinstance(target, tuple):
        return Found(no=case.no, outcome=Outcome.BLOCKED, why=target, plan=before)
    after = successor(plan, shown, target, calendar, now)
    if not candidate.always and not differs(plan, shown, target, after):
        return Found(no=case.no, outcome=Outcome.UNAFFECTED)
    if blocks := check(plan, shown, target):
        return Found(no=case.no, outcome=Outcome.BLOCKED, why=blocks, plan=before, target=target)
    return Found(
        no=case.no,
        outcome=Outcome.MOVABLE,
        remarks=(*_steps_in_and_out(plan, after), *(_due(*each) for each in changed_dues(shown, after, calendar))),
        plan=before,
        target=target,
        intake=Intake.model_validate(candidate.application.intake),
    )


def _steps_in_and_out(plan: CasePlan, after: CasePlan) -> list[Text]:
    before, later = {s.id: s.title for s in plan.steps}, {s.id: s.title for s in after.steps}
    new = [title for name, title in later.items() if name not in before]
    gone = [title for name, title in before.items() if name not in later]
    said = []
    if new:
        said.append(Text(zh=f"新增：{'、'.join(t.zh for t in new)}", en=f"new: {', '.join(t.en for t in new)}"))
    if gone:
        said.append(Text(zh=f"取消：{'、'.join(t.zh for t in gone)}", en=f"left out: {', '.join(t.en for t in gone)}"))
    return said


def _due(title: Text, before: str, after: str) -> Text:
    return Text(zh=f"{title.zh}：{before} → {after}", en=f"{title.en}: {before} -> {after}")


async def look(house: House, source: Source, only: Collection[str], limit: int | None = None) -> AsyncIterator[Found]:
    """Every case in question, page by page. ``limit``: after so many that may be moved no other is looked at."""
    async with house.database.begin() as session:
        calendar = await house.calendars.in_force(session)
    after, movable, missing = "", 0, set(only)
    while True:
        async with house.database.begin() as session:
            page = await source.page(session, only, after)
        for candidate in page:
            found = assess(candidate, partial(house.calendars.at, calendar), datetime.now(UTC))
            missing.discard(found.no)
            yield found
            movable += found.outcome is Outcome.MOVABLE
            if limit is not None and movable >= limit:
                return
        if len(page) < PAGE:
            break
        after = page[-1].case.no
    for no in sorted(missing):
        said = Text(zh="不在所述版本的在办事项之中", en="not among the open cases of that version")
        yield Found(no=no, outcome=Outcome.UNAFFECTED, remarks=(said,))
