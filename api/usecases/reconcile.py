"""The nightly file of a province against our own books: what it brings is taken, what it says otherwise is noted.

brings the end of what we wait for       taken, as a callback would be (event id ``file:DAY:NUMBER``)
ends as our books say                    known
another end, or the same by another no.  contradiction, number
a matter that is not ours                extra
an end of ours that is not in the file   missing; what was answered within the hour around midnight is left to the
                                         file of the other day
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from adapters.addresses import leads_astray
from adapters.errors import ProvinceError, Rejected
from adapters.port import ResultRow
from api.delivery import Delivery
from api.house import House
from api.usecases import callbacks
from domain.calendar import SHANGHAI, local_day
from domain.callbacks import Verdict
from domain.effects import Answer, AnswerStatus, CallbackNotice, Expect, Verb
from domain.plan import CasePlan
from models import results
from models.cases import read_application
from models.database import DATABASE_DOWN, DatabaseError, Session
from models.effects import can_keep, question_about
from models.results import Difference, ResultDifference, ResultFile, Sent

DAYS_BACK = 7
MARGIN = timedelta(hours=1)
DATABASE_TROUBLE = (DatabaseError, *DATABASE_DOWN)
log = logging.getLogger(__name__)


def with_files(house: House) -> list[str]:
    """The provinces that have a nightly file."""
    return [r for r in house.provinces.regions if Expect.BATCH in house.provinces.get(r).capabilities.answers]


async def run_due(house: House, delivery: Delivery, now: datetime) -> int:
    """Reads every file of the last days that has not been read; how many were. One that fails is tried next time."""
    read = 0
    for region in with_files(house):
        for back in range(DAYS_BACK, 0, -1):
            day = local_day(now) - timedelta(days=back)
            async with house.database.begin() as session:
                if await results.read_file(session, region, day) is not None:
                    continue
            try:
                read += await run(house, delivery, region, day) is not None
            except ProvinceError as error:
                log.warning("the results of %s for %s cannot be read: %s", region, day, error)
            except DATABASE_TROUBLE:
                raise
            except Exception as bug:  # noqa: BLE001 - somebody else's adapter must not stop the relay
                log.error("the results of %s for %s cannot be read: %s", region, day, type(bug).__name__)
    return read


async def run(house: House, delivery: Delivery, region: str, day: date) -> ResultFile | None:
    """Fetches a day's file and takes it in; None while there is none. ProvinceError if it cannot be had or believed."""
    found = await house.provinces.get(region).results(day)
    if found is None:
        return None
    async with house.database.begin() as session:
        ours = await _ours(session, house, region, day, found.rows)
        awaited = [
            row
            for row in found.rows
            if _open(ours, row) and not await _wants_licence(session, house, ours[row.business_number])
        ]
    ends = {row.business_number: await _end(house, ours[row.business_number], row) for row in awaited}
    file = ResultFile(
        region=region, day=day, digest=found.digest, rows=len(found.rows), known=0, taken=0, read_at=datetime.now(UTC)
    )
    to_send: list[callbacks.Sent] = []
    async with house.database.begin() as session:
        differences: list[ResultDifference] = []
        for row in found.rows:
            sent = ours.get(row.business_number)
            if sent is None:
                differences.append(_difference(region, day, Difference.EXTRA, row, None))
            elif _open(ours, row) and row.business_number not in ends:
                continue
            elif row.business_number in ends:
                if (end := ends[row.business_number]) is None:
                    continue
                notice = CallbackNotice(event_id=_event(day, row), key=sent.key, answer=end)
                verdict, send = await callbacks.take(session, region, notice, found.digest)
                file.taken += verdict is Verdict.TAKEN
                to_send += [send] if send else []
            elif kind := _disagree(sent, row):
                differences.append(_difference(region, day, kind, row, sent))
            else:
                file.known += 1
        listed = {row.business_number for row in found.rows}
        differences += [
            _missing(region, day, number, sent)
            for number, sent in ours.items()
            if number not in listed and _belongs_to(day, sent)
        ]
        await results.keep_file(session, file, differences)
    for send in to_send:
        await delivery.callback_now(*send)
    return file


def _open(ours: Mapping[str, Sent], row: ResultRow) -> bool:
    """Whether we still wait for the end that the row tells."""
    sent = ours.get(row.business_number)
    return sent is not None and (sent.answer is None or sent.answer.status is AnswerStatus.PENDING)


async def _wants_licence(session: Session, house: House, sent: Sent) -> bool:
    """Whether only the clerk can tell the end: of a licence that a counter issues the file has not the number."""
    if Expect.CLERK not in house.provinces.for_place(sent.region, sent.department).capabilities.answers:
        return False
    application = await read_application(session, sent.case_no)
    plan = CasePlan.model_validate(application.case_plan) if application else None
    return plan is not None and any(s.id == sent.step and bool(s.licence_type) for s in plan.steps)


async def _end(house: House, sent: Sent, row: ResultRow) -> Answer | None:
    """The whole answer. The file has only its end: where the department can be asked, it is asked for the rest.

    None if it could not be asked now: one matter does not keep the others of its file waiting, and is polled for.
    """
    adapter = house.provinces.for_place(sent.region, sent.department)
    if Expect.CLERK in adapter.capabilities.answers or Verb.FIND not in adapter.capabilities.verbs:
        return row.answer
    try:
        answer = await adapter.find(question_about(sent)) or row.answer
    except Rejected as refused:
        return Answer(
            status=AnswerStatus.REJECTED, reasons=refused.reasons, text=refused.text, reference=refused.reference
        )
    except ProvinceError as error:
        log.warning("%s cannot be asked about a row of its file: %s", sent.region, error.code)
        return None
    astray = leads_astray(answer.data, private=house.provinces.allows_private(sent.region))
    return None if astray or not can_keep(answer) else answer


async def _ours(
    session: Session, house: House, region: str, day: date, rows: Iterable[ResultRow]
) -> Mapping[str, Sent]:
    """What we have sent there, by the number under which the province keeps it."""
    since = datetime.combine(day, time(0), SHANGHAI) - MARGIN
    until = datetime.combine(day + timedelta(days=1), time(0), SHANGHAI) + MARGIN
    sent = {each.key: each for each in await results.sent_to(session, region, since, until)}
    by_number = {_number(house, region, each): each for each in sent.values()}
    # a row about something that ended on another day in our books is looked for by its case
    cases = {row.business_number.rpartition("-")[0] for row in rows if row.business_number not in by_number}
    for case_no in sorted(cases - {""}):
        by_number |= {_number(house, region, e): e for e in await results.find_sent(session, region, case_no)}
    return by_number


def _number(house: House, region: str, sent: Sent) -> str:
    return house.provinces.for_place(region, sent.department).business_number(sent.case_no, sent.key)


def _event(day: date, row: ResultRow) -> str:
    return f"file:{day:%Y%m%d}:{row.answer.reference}"


def _disagree(sent: Sent, row: ResultRow) -> Difference | None:
    if sent.answer is None or sent.answer.status is not row.answer.status:
        return Difference.CONTRADICTION
    return None if sent.answer.reference == row.answer.reference else Difference.NUMBER


def _belongs_to(day: date, sent: Sent) -> bool:
    """Whether the province must have ended it that day: neither still open nor around midnight."""
    if sent.answered_at is None or sent.answer is None or sent.answer.status is AnswerStatus.PENDING:
        return False
    return {local_day(sent.answered_at - MARGIN), local_day(sent.answered_at + MARGIN)} == {day}


def _difference(region: str, day: date, kind: Difference, row: ResultRow, sent: Sent | None) -> ResultDifference:
    ours = sent.answer.reference if sent and sent.answer else ""
    return ResultDifference(
        region=region,
        day=day,
        kind=kind,
        business_number=row.business_number,
        case_no=sent.case_no if sent else "",
        step=sent.step if sent else "",
        department=row.department,
        operation=row.operation,
        reference=row.answer.reference,
        ours=ours,
    )


def _missing(region: str, day: date, number: str, sent: Sent) -> ResultDifference:
    return ResultDifference(
        region=region,
        day=day,
        kind=Difference.MISSING,
        business_number=number,
        case_no=sent.case_no,
        step=sent.step,
        department=sent.department,
        operation=sent.operation,
        ours=sent.answer.reference if sent.answer else "",
    )
