"""Moving the cases of one version to another, batch by batch, so that it can be stopped at any moment and gone on with.

    run       written first, with the version it moves to
    batch     its rows, each with the plan the case has; then the orders, side by side; then what became of them
    again     the same command goes on with its run: what the record says was carried out is moved, all else is looked
              at anew, and an order that was sent is the same order

Whether a case may be moved is said twice by one rule: here by the record, then by the case itself.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from api.delivery import Delivery
from api.gateway import Down, NotRunning, Unexpected
from api.house import House
from api.usecases import orders
from api.usecases.assess import Back, Found, Outcome, Source, look
from domain import names
from domain.calendar import local_day
from domain.errors import Refusal
from domain.messages import Actor, Message, Role
from domain.plan import CasePlan, Plan
from domain.process import MigrateCommand
from domain.process.migration import Block, check
from models import moves
from models.cases import read_application, read_case
from models.database import DATABASE_DOWN, DatabaseError, Session
from models.moves import CaseMove, MoveRun, MoveState

AT_ONCE = 8
OPERATOR = Actor(subject="operator", role=Role.OPERATOR)
_STATES = {Outcome.MOVED: MoveState.MOVED, Outcome.FAILED: MoveState.FAILED, Outcome.BLOCKED: MoveState.BLOCKED}


class Asked(Message):
    """How far to go. ``max_failures``: the run stops after a batch with more."""

    only: tuple[str, ...] = ()
    limit: int | None = None
    batch: int = 50
    max_failures: int = 5
    by: str = ""


@dataclass
class Report:
    """What came of it. ``run``: its name, if there is one. ``ended``: closed cases, which nothing can affect."""

    run: str = ""
    ended: int = 0
    stopped: bool = False
    counts: Counter[Outcome] = field(default_factory=Counter)

    @property
    def whole(self) -> bool:
        """Whether every case that may be moved was moved."""
        return not self.stopped and not self.counts[Outcome.FAILED] and not self.counts[Outcome.BLOCKED]


Tell = Callable[[Found], None]


async def dry_run(house: House, source: Source, asked: Asked, tell: Tell) -> Report:
    """Looks at every case and changes nothing."""
    report = Report()
    async with house.database.begin() as session:
        report.ended = await source.ended(session)
    async for found in look(house, source, asked.only, asked.limit):
        report.counts[found.outcome] += 1
        tell(found)
    return report


async def carry_out(house: House, source: Source, asked: Asked, tell: Tell, plan: Plan | None = None) -> Report:
    """Moves every case that may be moved. ``plan``: the version, stored before anybody is pinned to it."""
    report = Report()
    async with house.database.begin() as session:
        report.ended = await source.ended(session)
        report.run = await _begin(session, source.run(), asked.by, plan)
    mover, batch = _Mover(house, report.run, source.run().reverts), list[Found]()

    async def flush() -> None:
        failed = 0
        for found in await mover.move(batch):
            report.counts[found.outcome] += 1
            failed += found.outcome is Outcome.FAILED
            tell(found)
        batch.clear()
        report.stopped = failed > asked.max_failures

    async for found in look(house, source, asked.only, asked.limit):
        if found.outcome is Outcome.MOVABLE:
            batch.append(found)
        else:
            await mover.note(found)
            report.counts[found.outcome] += 1
            tell(found)
        if len(batch) >= asked.batch:
            await flush()
            if report.stopped:
                return report
    if batch:
        await flush()
    if not report.stopped and not report.counts[Outcome.FAILED] and not asked.only and asked.limit is None:
        async with house.database.begin() as session:
            await moves.finish_run(session, report.run)
    return report


async def back(house: House, run: str) -> Back | None:
    """The way back of a run, as the record knows it; None if there is no such run."""
    async with house.database.begin() as session:
        known = await moves.read_run(session, run)
        if known is None:
            return None
        await moves.catch_up(session, run)
    return Back(known)


async def _begin(session: Session, wanted: MoveRun, by: str, plan: Plan | None) -> str:
    """The run of this command: the one that was not finished, caught up with the record, or a new one."""
    if plan is not None:
        await moves.keep_plan(session, plan)
    known = await moves.unfinished(session, wanted)
    if known is None:
        wanted.id = f"{local_day(datetime.now(UTC)):%Y%m%d}-{secrets.token_hex(3)}"
        wanted.begun_by = by
        session.add(wanted)
        if wanted.reverts:
            await moves.finish_run(session, wanted.reverts)
        return wanted.id
    await moves.catch_up(session, known.id)
    return known.id


class _Mover:
    """Writes down what is about to be done, does it, writes down what came of it."""

    def __init__(self, house: House, run: str, reverts: str) -> None:
        self._house, self._run, self._reverts = house, run, reverts
        self._delivery = Delivery(house.database, house.gateway, house.calendars, local_first=house.local_first)
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def note(self, found: Found) -> None:
        """What keeps a case from being moved is kept with the run."""
        if found.outcome is Outcome.BLOCKED:
            async with self._house.database.begin() as session:
                await moves.put_rows(session, [self._row(found, MoveState.BLOCKED)])

    async def move(self, batch: list[Found]) -> list[Found]:
        """One batch; each with what came of it."""
        async with self._house.database.begin() as session:
            await moves.put_rows(session, [self._row(found, MoveState.PLANNED) for found in batch])
        done = await asyncio.gather(*(self._one(found) for found in batch))
        async with self._house.database.begin() as session:
            for found in done:
                why = [spelled(block) for block in found.why]
                await moves.set_state(session, self._run, found.no, _STATES[found.outcome], why)
                if self._reverts and found.outcome is Outcome.MOVED:
                    await moves.set_state(session, self._reverts, found.no, MoveState.REVERTED)
        return done

    def _row(self, found: Found, state: MoveState) -> CaseMove:
        return CaseMove(
            run=self._run,
            case_no=found.no,
            state=state.value,
            why=[spelled(block) for block in found.why],
            order_id=names.migration_id(self._run, found.no),
            before_digest=found.plan.plan_digest if found.plan else "",
            after_digest=found.target.plan_digest if found.target else "",
            before=found.plan.model_dump(mode="json") if found.plan else {},
            changed_at=datetime.now(UTC),
        )

    async def _one(self, found: Found) -> Found:
        async with self._slots:
            try:
                await self._order(found)
            except Refusal as refusal:
                why = await self._why(found, refusal.code)
                return found.model_copy(update={"outcome": Outcome.BLOCKED, "why": why})
            except (Down, NotRunning):
                return _failed(found, "temporarily_down")
            except (DatabaseError, *DATABASE_DOWN):
                return _failed(found, "storage_down")
            except Unexpected:  # an old worker does not know this order
                return _failed(found, "internal")
        return found.model_copy(update={"outcome": Outcome.MOVED})

    async def _why(self, found: Found, code: str) -> tuple[Block, ...]:
        """The case has said no to what the record had allowed: what the record says by now, or only the code."""
        _, target = _both(found)
        async with self._house.database.begin() as session:
            case, application = await read_case(session, found.no), await read_application(session, found.no)
        if case is None or application is None:
            return (Block(code=code),)
        blocks = check(CasePlan.model_validate(application.case_plan), case.view(), target)
        return blocks if code in {block.code for block in blocks} else (Block(code=code),)

    async def _order(self, found: Found) -> None:
        plan, target = _both(found)
        order = MigrateCommand(
            id=names.migration_id(self._run, found.no),
            actor=OPERATOR,
            run=self._run,
            before=plan.plan_digest,
            plan=target,
        )
        async with self._house.database.begin() as session:
            case = await read_case(session, found.no)
            if case is None:
                raise Refusal("not_found")
            await orders.store(session, case, self._run, order, {"run": self._run})
        try:
            await orders.send(self._house, found.no, order)
        except NotRunning:  # handed in just now, or while Temporal was away
            await self._delivery.start_now(found.no, plan, found.intake)
            await orders.send(self._house, found.no, order)


def _both(found: Found) -> tuple[CasePlan, CasePlan]:
    if found.plan is None or found.target is None:
        raise ValueError(f"{found.no} cannot be moved")
    return found.plan, found.target


def _failed(found: Found, code: str) -> Found:
    return found.model_copy(update={"outcome": Outcome.FAILED, "why": (Block(code=code),)})


def spelled(block: Block) -> dict[str, str]:
    """As it is kept and shown."""
    return {"code": block.code, "step": block.step, "zh": block.text.zh, "en": block.text.en}
