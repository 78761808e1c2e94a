"""From the outbox to Temporal. The API tries at once after its commit; the relay does what was left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from api.gateway import Down, Gateway, NotRunning
from api.usecases.orders import order_of
from domain.calendar import WorkCalendar
from domain.errors import Refusal
from domain.medical import MatterKind
from domain.medical.claim import BillReversed, LockExpired
from domain.medical.kinds import STARTS
from domain.plan import CasePlan
from domain.process import Callback, Intake
from domain.start import StartCase
from domain.window import WindowStart
from models import outbox
from models.calendars import Calendars
from models.cases import Application, read_application, read_case
from models.commands import read_command
from models.database import DATABASE_DOWN, Database, DatabaseError, Session
from models.matters import read_matter
from models.outbox import Outbox, OutboxKind
from models.windows import read_window

log = structlog.get_logger(__name__)


class Delivery:
    """Sends outbox messages. Every message may be sent twice; its receiver takes it once."""

    def __init__(self, database: Database, gateway: Gateway, calendars: Calendars, *, local_first: bool) -> None:
        self._database = database
        self._gateway = gateway
        self._calendars = calendars
        self._local_first = local_first

    def start_message(self, case_no: str, plan: CasePlan, calendar: WorkCalendar, intake: Intake) -> StartCase:
        """What a case is started with."""
        return StartCase(case_no=case_no, plan=plan, calendar=calendar, local_first=self._local_first, intake=intake)

    async def start_now(self, case_no: str, plan: CasePlan, intake: Intake) -> None:
        """Tries at once after the commit. Its failure is the relay's work, not the applicant's."""
        try:
            async with self._database.begin() as session:
                calendar = await self._calendars.in_force(session, plan.accepting.region)
            await self._gateway.start(self.start_message(case_no, plan, calendar, intake))
        except (Down, DatabaseError, *DATABASE_DOWN) as error:
            log.info("start_left_to_relay", case=case_no, error=type(error.__cause__ or error).__name__)

    async def start_kept(self, case_no: str) -> None:
        """Tries at once to start a case that another one was taken up again as."""
        try:
            async with self._database.begin() as session:
                await self._start(session, case_no)
        except (Down, DatabaseError, *DATABASE_DOWN) as error:
            log.info("start_left_to_relay", case=case_no, error=type(error.__cause__ or error).__name__)

    async def window_now(self, message_id: int, start: WindowStart) -> None:
        """Tries at once after the commit."""
        try:
            await self._gateway.start_window(start)
            async with self._database.begin() as session:
                await outbox.done(session, message_id)
        except (Down, DatabaseError, *DATABASE_DOWN) as error:
            log.info("window_left_to_relay", window=start.id, error=type(error.__cause__ or error).__name__)

    async def matter_now(self, message_id: int, no: str) -> None:
        """Tries at once after the commit."""
        try:
            async with self._database.begin() as session:
                await self._matter(session, no)
                await outbox.done(session, message_id)
        except (Down, DatabaseError, *DATABASE_DOWN) as error:
            log.info("matter_left_to_relay", matter=no, error=type(error.__cause__ or error).__name__)

    async def callback_now(self, message_id: int, case_no: str, message: Callback) -> None:
        """Tries at once after the commit."""
        try:
            await self._callback(case_no, message)
            async with self._database.begin() as session:
                await outbox.done(session, message_id)
        except (Down, DatabaseError, *DATABASE_DOWN) as error:
            log.info("callback_left_to_relay", case=case_no, error=type(error).__name__)

    async def deliver(self, session: Session, row: Outbox) -> None:
        """One message of the relay; raises Down when it must be tried again."""
        payload: Mapping[str, Any] = row.payload
        if row.kind == OutboxKind.START:
            await self._start(session, row.case_no)
        elif row.kind == OutboxKind.CALENDAR:
            await self._calendar(session, row.case_no)
        elif row.kind == OutboxKind.WINDOW:
            await self._window(session, str(payload["window"]))
        elif row.kind == OutboxKind.MATTER:
            await self._matter(session, row.case_no)
        elif row.kind == OutboxKind.BILL_REVERSED:
            await self._claim_told(row.case_no, BillReversed.model_validate(payload))
        elif row.kind == OutboxKind.LOCK_EXPIRED:
            await self._claim_told(row.case_no, LockExpired.model_validate(payload))
        elif row.kind == OutboxKind.ORDER:
            await self._order(session, str(payload["command"]))
        else:
            await self._callback(row.case_no, Callback.model_validate(payload))

    async def _start(self, session: Session, case_no: str) -> None:
        application = await self._application(session, case_no)
        plan, intake = CasePlan.model_validate(application.case_plan), Intake.model_validate(application.intake)
        calendar = await self._calendars.in_force(session, plan.accepting.region)
        await self._gateway.start(self.start_message(case_no, plan, calendar, intake))

    async def _application(self, session: Session, case_no: str) -> Application:
        application = await read_application(session, case_no)
        if application is None:
            raise Down("the application is not there")
        return application

    async def _calendar(self, session: Session, case_no: str) -> None:
        """Always the calendar in force now, so that messages may come in any order."""
        application = await self._application(session, case_no)
        region = CasePlan.model_validate(application.case_plan).accepting.region
        calendar = await self._calendars.in_force(session, region)
        try:
            await self._gateway.calendar(case_no, calendar)
            return
        except NotRunning:
            case = await read_case(session, case_no)
            if case is None or case.closed_at is not None:
                return
        await self._start(session, case_no)  # it is open: nobody has started it yet, or just now
        try:
            await self._gateway.calendar(case_no, calendar)
        except NotRunning:
            log.info("calendar_for_ended_case", case=case_no)

    async def _window(self, session: Session, window_id: str) -> None:
        window = await read_window(session, window_id)
        if window is None:
            raise Down("the session is not there")
        await self._gateway.start_window(WindowStart.model_validate(window.start))

    async def _matter(self, session: Session, no: str) -> None:
        matter = await read_matter(session, no)
        if matter is None:
            raise Down("the matter is not there")
        kind = MatterKind(matter.kind)
        await self._gateway.start_matter(no, kind, STARTS[kind].model_validate(matter.start))

    async def _claim_told(self, claim: str, act: BillReversed | LockExpired) -> None:
        try:
            await self._gateway.act_in_matter(claim, act)
        except (NotRunning, Refusal) as over:
            log.info("told_an_ended_claim", claim=claim, act=act.act, error=type(over).__name__)

    async def _order(self, session: Session, command: str) -> None:
        row = await read_command(session, command)
        if row is None or row.effective_at is not None:
            return
        try:
            await self._gateway.order(row.case_no, order_of(row))
        except Refusal as refusal:
            log.warning("order_refused", case=row.case_no, kind=row.kind, code=refusal.code)
        except NotRunning as error:
            case = await read_case(session, row.case_no)
            if case is not None and case.closed_at is None:
                raise Down("the case has not begun") from error
            log.info("order_for_ended_case", case=row.case_no, kind=row.kind)

    async def _callback(self, case_no: str, message: Callback) -> None:
        try:
            await self._gateway.callback(case_no, message)
        except NotRunning:
            log.info("callback_for_ended_case", case=case_no)
