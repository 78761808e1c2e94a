"""Messages to the insurance platforms: each has one end, and it is known (domain note 3.3, 3.4).

    intent    a row with a fresh msgid is committed before anything is sent
    answer    done or refused: written with what follows from it (the books), told to the workflow
    not sent  a stay or visit waits a little, then is told that the line is down, so that people can go on; what only
              asks is given up likewise
    doubt     nobody knows whether it was done. One that 2601 takes back is asked about (5203): done, and its outcome is
              read; never arrived, and it is taken back (2601), so that it can do nothing if it arrives late. The others
              are sent again under their own msgid, under which a platform does nothing twice.
    taken back  committed before 2601 leaves; from then on it ends without effect, whatever a try that runs late learns

Nothing that moves money is ever sent a second time. As long as nobody can be asked, the activity fails and Temporal
tries again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog
from pydantic import ValidationError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.booking import BadSettlement, book
from adapters.errors import Ambiguous, ContractBroken, Misconfigured, ProvinceError, Rejected, Unavailable
from domain import names
from domain.calendar import local_day
from domain.medical import Exchange, ExchangeEnd, ExchangeOutcome
from domain.medical.interface import InsuranceAnswer, InsuranceMessage, ReversalOutput, SettlementsOutput
from domain.medical.interface_words import DROPS, MESSAGES, REVERSIBLE, SETTLES, UNDOES
from domain.medical.recognition.reports import ABOUT_REPORTS, recordable, told
from models import insurance
from models.database import Database
from models.insurance import INTENDED, TAKING_BACK, UNSENT
from models.ledger import LedgerConflict, end_doubt, open_doubt
from models.matters import Matter, read_matter

log = structlog.get_logger(__name__)
NEVER_SENT = frozenset({"malformed", "unsendable_text", "message_too_large", "key_used_otherwise"})
QUERY, REVERSE, IN_HOSPITAL, YEAR = "5203", "2601", "5303", "5206"
YEARLY = frozenset({"2304"})  # of outpatient care the national query tells no totals
VOID = frozenset({"reversed", "tombstone"})
LINE_DOWN = "line_down"
ATTEMPT_S = 50  # below start-to-close (workflows.calls), so that no try outlives what Temporal knows of it
MOST_TRIES = 3  # in which nothing was sent, or nothing could be learnt
QUESTIONS = frozenset({"person", "entitled", "preview"})  # what a stay or visit asks without effect
UNSENT_ENDS = QUESTIONS | {"open", "info", "fees", "cancel_fees", "discharge", "cancel", "settle", "undo"}


class Gate(Protocol):
    """The way to the platforms (adapters.insurance)."""

    async def send(self, message: InsuranceMessage) -> InsuranceAnswer: ...


class InsuranceActivities:
    """gate: None where no insurance file is configured; then messages wait until there is one."""

    def __init__(self, database: Database, gate: Gate | None) -> None:
        self._database = database
        self._gate = gate

    @activity.defn(name=names.INSURANCE_ACTIVITY)
    async def insurance_exchange(self, exchange: Exchange) -> ExchangeOutcome:
        """One message, once. Returns when its end is known; fails, to be tried again, while it is not."""
        now = datetime.now(UTC)
        async with self._database.begin() as session:
            row, new = await insurance.intend(session, exchange, now)
            before = row.state
            doubtful = not new and not await insurance.resend(session, row.msgid)
            matter = await read_matter(session, exchange.no)
        if matter is None:
            raise ApplicationError(f"no matter {exchange.no}", type="NoMatter")
        if row.ended_at is not None:
            return outcome_of(exchange, row.state, row.code, row.text, row.output)
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return await self._attempt(exchange, row, matter, doubtful, before == TAKING_BACK)
        except TimeoutError as late:
            await self._mark(exchange, row.msgid, INTENDED, "attempt_timeout")
            raise ApplicationError("attempt_timeout", type="Ambiguous") from late

    async def _attempt(
        self, exchange: Exchange, row: insurance.InsuranceMessage, matter: Matter, doubtful: bool, taking_back: bool
    ) -> ExchangeOutcome:
        if not doubtful or exchange.infno not in REVERSIBLE:
            try:
                return await self._send(exchange, row.msgid, row.sent_at, matter)
            except (Unavailable, Misconfigured) as error:  # nothing was done by this try
                await self._mark(exchange, row.msgid, INTENDED if doubtful else UNSENT, error.code)
                if isinstance(error, Unavailable) and not doubtful and _gives_up(exchange, matter, UNSENT_ENDS):
                    return await self._end(exchange, row.msgid, matter, ExchangeEnd.VOIDED, LINE_DOWN)
                raise _again(error) from error
            except (Ambiguous, ContractBroken) as error:
                await self._mark(exchange, row.msgid, INTENDED, error.code)
                if exchange.infno not in REVERSIBLE:
                    if isinstance(error, ContractBroken) and (_enough() or not _led(matter)):
                        return await self._end(exchange, row.msgid, matter, ExchangeEnd.UNUSABLE, error.code)
                    if _gives_up(exchange, matter, QUESTIONS):
                        return await self._end(exchange, row.msgid, matter, ExchangeEnd.VOIDED, LINE_DOWN)
                    raise _again(error) from error
        try:
            if taking_back:  # a try before this one has begun to; why stands in the row
                return await self._take_back(exchange, row.msgid, matter, row.code)
            return await self._resolve(exchange, row.msgid, matter)
        except ProvinceError as error:  # it stays in doubt
            raise _again(error) from error

    async def _send(self, exchange: Exchange, msgid: str, at: datetime, matter: Matter) -> ExchangeOutcome:
        """Sends it once. Raises what leaves open whether it was done, and what certainly was not."""
        given = json.loads(exchange.body)
        for part in exchange.parts:
            given |= matter.form[part]
        if exchange.infno in YEARLY:
            await self._note_year(exchange, msgid, given, matter)
        elif exchange.infno in DROPS:
            await self._note(msgid, {"feedetl_sn": given["feedetl_sn"]})
        try:
            answer = await self._ask(exchange, exchange.infno, msgid, at, given)
        except Rejected as no:
            if no.reasons and no.reasons[0] == "reversed":  # it was taken back before it came
                return await self._end(exchange, msgid, matter, ExchangeEnd.VOIDED, "reversed")
            return await self._refused(exchange, msgid, matter, no)
        except ContractBroken as broken:
            if broken.code not in NEVER_SENT:
                raise
            return await self._end(exchange, msgid, matter, ExchangeEnd.UNUSABLE, broken.code)
        return await self._done(exchange, msgid, matter, json.loads(answer.body))

    async def _note_year(self, exchange: Exchange, msgid: str, given: Mapping[str, Any], matter: Matter) -> None:
        """What the year holds before a stay is settled: what the patient recomputes the settlement by.

        Where nobody says, it is settled all the same. Raises Unavailable where nobody is reached: nothing was sent yet.
        """
        year = _year_of(matter)
        asked = {"psn_no": exchange.person, "insutype": given["insutype"], "cum_year": year}
        try:
            told = await self._ask(exchange, YEAR, None, None, asked)
        except (Rejected, ContractBroken) as error:
            log.warning("year_not_told", matter=exchange.no, error=error.code)
            return
        except Ambiguous as error:
            raise Unavailable(error.code) from error
        before = json.loads(told.body)["cuminfo"]
        await self._note(msgid, {"year_before": before, "acct_used_flag": given["acct_used_flag"]})

    async def _note(self, msgid: str, context: Mapping[str, Any]) -> None:
        async with self._database.begin() as session:
            await insurance.keep_context(session, msgid, context)

    async def _resolve(self, exchange: Exchange, msgid: str, matter: Matter) -> ExchangeOutcome:
        """What became of it? Asked, and taken back where it has not arrived or nothing usable can be learnt."""
        try:
            asked = await self._ask(exchange, QUERY, None, None, {"psn_no": exchange.person, "msgid": msgid})
            said = asked.output(SettlementsOutput)
        except ContractBroken as broken:
            return await self._take_back(exchange, msgid, matter, broken.code)
        if said.msg_stas == "done":
            output = await self._what_was_done(exchange, msgid, said, json.loads(asked.body))
            return await self._done(exchange, msgid, matter, output)
        if said.msg_stas not in VOID:
            return await self._take_back(exchange, msgid, matter, LINE_DOWN)
        return await self._end(exchange, msgid, matter, ExchangeEnd.VOIDED, LINE_DOWN)

    async def _what_was_done(
        self, exchange: Exchange, msgid: str, said: SettlementsOutput, raw: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The output that was lost, from what the insured place holds."""
        if exchange.infno in SETTLES | UNDOES:
            row = next((r for r in raw["rows"] if r["msgid"] == msgid), None)
            if row is None:
                raise Ambiguous("settlement_not_shown")
            return {"psn_no": exchange.person, "mdtrt_id": row["setlinfo"]["mdtrt_id"], "setlinfo": row["setlinfo"]}
        if said.mdtrt_id:
            return {"psn_no": exchange.person, "mdtrt_id": said.mdtrt_id}
        beds = await self._ask(exchange, IN_HOSPITAL, None, None, {"psn_no": exchange.person})
        bed = next((b for b in json.loads(beds.body)["data"] if b["msgid"] == msgid), None)
        if bed is None:
            raise Ambiguous("admission_not_shown")
        return {"psn_no": exchange.person, "mdtrt_id": bed["mdtrt_id"]}

    async def _take_back(self, exchange: Exchange, msgid: str, matter: Matter, code: str) -> ExchangeOutcome:
        """2601: from now on it certainly has no effect, whether it has arrived, arrives late, or never."""
        async with self._database.begin() as session:
            first = await insurance.take_back(session, msgid, code)
        if not first:
            return await self._stored(exchange)
        given = {"psn_no": exchange.person, "omsgid": msgid, "oinfno": exchange.infno}
        try:
            (await self._ask(exchange, REVERSE, None, None, given)).output(ReversalOutput)
        except Rejected as no:  # something stands on it already
            async with self._database.begin() as session:
                await insurance.stands(session, msgid)
            raise _again(no) from no
        end = ExchangeEnd.VOIDED if code == LINE_DOWN else ExchangeEnd.UNUSABLE
        return await self._end(exchange, msgid, matter, end, code)

    async def _ask(
        self, exchange: Exchange, infno: str, msgid: str | None, at: datetime | None, given: Mapping[str, object]
    ) -> InsuranceAnswer:
        if self._gate is None:
            raise Misconfigured("no_insurance_file")
        moment = at or datetime.now(UTC)
        if msgid is None:
            async with self._database.begin() as session:
                msgid = await insurance.draw_msgid(session, exchange.institution, moment)
        return await self._gate.send(
            InsuranceMessage(
                infno=infno,
                msgid=msgid,
                place=exchange.place,
                insured=exchange.insured,
                institution=exchange.institution,
                institution_name=exchange.institution_name,
                person=exchange.person,
                at=moment,
                body=json.dumps(given, ensure_ascii=False),
            )
        )

    # ends

    async def _done(self, exchange: Exchange, msgid: str, matter: Matter, output: Mapping[str, Any]) -> ExchangeOutcome:
        """Written together with the books. A settlement that does not add up is taken back and never booked."""
        try:
            return await self._end(exchange, msgid, matter, ExchangeEnd.DONE, output=output)
        except (BadSettlement, LedgerConflict, ValidationError) as bad:
            log.error("settlement_unusable", matter=exchange.no, msgid=msgid, error=type(bad).__name__)
            if exchange.infno in REVERSIBLE:
                return await self._take_back(exchange, msgid, matter, "amounts_inconsistent")
            return await self._end(exchange, msgid, matter, ExchangeEnd.UNUSABLE, "amounts_inconsistent")

    async def _refused(self, exchange: Exchange, msgid: str, matter: Matter, no: Rejected) -> ExchangeOutcome:
        said = no.text.zh if no.text is not None else ""
        return await self._end(exchange, msgid, matter, ExchangeEnd.REFUSED, no.reasons[0] if no.reasons else "", said)

    async def _end(
        self,
        exchange: Exchange,
        msgid: str,
        matter: Matter,
        end: ExchangeEnd,
        code: str = "",
        said: str = "",
        output: Mapping[str, Any] | None = None,
    ) -> ExchangeOutcome:
        now = datetime.now(UTC)
        if output is not None and exchange.infno in ABOUT_REPORTS:
            output = recordable(exchange.infno, matter.no, str(matter.start.get("holder", "")), output)
        async with self._database.begin() as session:
            won = await insurance.end(session, msgid, end.value, code, said, output, now)
            if won and output is not None and exchange.infno in SETTLES | UNDOES:
                await book(session, exchange, matter, msgid, output)
            elif won:
                await end_doubt(session, msgid)
        return outcome_of(exchange, end.value, code, said, output) if won else await self._stored(exchange)

    async def _stored(self, exchange: Exchange) -> ExchangeOutcome:
        """The end that another try has written. While that one is still taking it back there is none: tried again."""
        async with self._database.begin() as session:
            row = await insurance.read_message(session, exchange.no, exchange.number)
        if row is None or row.ended_at is None:
            raise ApplicationError("taking_back", type="Ambiguous")
        return outcome_of(exchange, row.state, row.code, row.text, row.output)

    async def _mark(self, exchange: Exchange, msgid: str, state: str, code: str) -> None:
        """A try is over. Money in doubt is no difference of the day's reconciliation until it is known."""
        async with self._database.begin() as session:
            marked = await insurance.mark(session, msgid, state, code)
            if marked and state == INTENDED and exchange.infno in SETTLES | UNDOES:
                await open_doubt(session, msgid, local_day(datetime.now(UTC)))


def outcome_of(
    exchange: Exchange, state: str, code: str, said: str, output: Mapping[str, Any] | None
) -> ExchangeOutcome:
    """What the workflow is told: never who somebody is, of fee lines only that they were taken, of reports a digest."""
    body = "" if output is None else json.dumps(_told(exchange, output), ensure_ascii=False, sort_keys=True)
    return ExchangeOutcome(end=ExchangeEnd(state), body=body, code=code, text=said)


def _told(exchange: Exchange, output: Mapping[str, Any]) -> Mapping[str, Any]:
    if exchange.infno in ABOUT_REPORTS:
        return told(exchange.infno, exchange.no, output)
    if exchange.infno == "1101":
        keep = ("insutype", "psn_type", "psn_insu_stas", "balc")
        rows = [{name: row[name] for name in keep} for row in output["insuinfo"]]
        return {"psn_no": output["psn_no"], "insuinfo": rows}
    return {name: value for name, value in output.items() if name != "result"}


def _year_of(matter: Matter) -> str:
    """The year of the discharge."""
    left = matter.progress.get("discharged_at")
    if left:
        return str(local_day(datetime.fromisoformat(left)).year)
    return next((str(part["endtime"])[:4] for part in matter.form.values() if "endtime" in part), "")


def _gives_up(exchange: Exchange, matter: Matter, purposes: Collection[str]) -> bool:
    """Whether people wait for the end of this, and have waited long enough."""
    return _led(matter) and exchange.purpose in purposes and _enough()


def _led(matter: Matter) -> bool:
    """A stay or visit: somebody stands at the counter, and a wrong answer may well be followed by the right one."""
    return matter.kind in {kind.value for kind in MESSAGES}


def _enough() -> bool:
    return activity.info().attempt >= MOST_TRIES


def _again(error: ProvinceError) -> ApplicationError:
    wait = error.retry_after if isinstance(error, Unavailable) else None
    return ApplicationError(
        error.code,
        type=type(error).__name__,
        next_retry_delay=timedelta(seconds=min(wait, 60)) if wait else None,
    )
