"""A message whose answer was lost has one end all the same, and money moves once or not at all.

For each of 2207, 2208, 2304, 2305 and 2401, at each hop: the effect done and its answer lost, and the effect not done.
Everything real: the activity, the tables, four platforms and the hub.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.insurance import ATTEMPT_S, InsuranceActivities
from domain.medical import Exchange, ExchangeEnd, ExchangeOutcome, MatterKind, matter_number
from domain.medical.interface import InsuranceAnswer, InsuranceMessage
from domain.medical.interface_words import SETL_AMOUNTS
from domain.messages import SYSTEM
from domain.record import Event, Waiting, Who
from models.cases import next_sequence
from models.database import Database
from models.insurance import messages_of, take_back
from models.matters import insert_matter
from tests.insurance.places import G1, SHANGHAI, Person, Town, hospital, total
from workflows.calls import INSURANCE_TRY

Somebody = Callable[[str], Person]
DONE, NOT_DONE = ("lost_answer", "timeout", "garbage", "wrong_person"), ("down", "half_open")


DOUBTS = "SELECT count(*) FROM settlement_doubt WHERE msgid = :m AND ended_at IS NULL"
_kinds = itertools.cycle(("employee", "retired", "resident", "child", "dibao", "minor"))


class Desk:
    """One matter, and the activity that sends its messages, tried again as Temporal would."""

    def __init__(self, database: Database, town: Town, person: Person, no: str) -> None:
        self.database, self.town, self.person, self.no = database, town, person, no
        self.activities = InsuranceActivities(database, town.gate)
        self.sent = 0

    def exchange(self, infno: str, purpose: str, body: dict[str, Any], parts: tuple[str, ...] = ()) -> Exchange:
        self.sent += 1
        return Exchange(
            no=self.no,
            number=self.sent,
            infno=infno,
            purpose=purpose,
            place=SHANGHAI,
            insured=self.person.area,
            institution=hospital(),
            institution_name="第一测试医院",
            person=self.person.psn_no,
            body=json.dumps({"psn_no": self.person.psn_no} | body),
            parts=parts,
        )

    async def once(self, exchange: Exchange) -> ExchangeOutcome:
        outcome: ExchangeOutcome = await ActivityEnvironment().run(self.activities.insurance_exchange, exchange)
        return outcome

    async def until_known(self, exchange: Exchange, most: int = 6) -> ExchangeOutcome:
        for _ in range(most):
            try:
                return await self.once(exchange)
            except ApplicationError:
                continue  # as Temporal would
        raise AssertionError("its end is still not known")

    async def rows(self) -> list[Any]:
        async with self.database.begin() as session:
            found = await session.execute(
                text("SELECT setl_id, medfee_sumamt, original FROM settlement WHERE stay = :no ORDER BY posted_at"),
                {"no": self.no},
            )
            return list(found)


@pytest.fixture
async def desk(database: Database, town: Town, somebody: Somebody) -> Desk:
    """A person nobody has treated yet; there are not enough of one kind for all."""
    return await open_desk(database, town, somebody(next(_kinds)))


async def open_desk(database: Database, town: Town, person: Person) -> Desk:
    now = datetime.now(UTC)
    async with database.begin() as session:
        # the platforms outlive the database of a test, which would begin to count its messages anew
        await session.execute(text("SELECT setval('msgid_sequence', 1 + floor(random() * 9000)::int)"))
        no = matter_number(MatterKind.STAY, SHANGHAI, now.date(), await next_sequence(session))
        await insert_matter(
            session,
            no=no,
            kind=MatterKind.STAY,
            status="opening",
            owner="id:x",
            person="id:x",
            insured=person.area,
            treatment=SHANGHAI,
            institution=hospital(),
            start={"med_type": "21"},
            form={
                "identity": {"mdtrt_cert_no": person.certno},
                "fees:1": {"feedetail": G1},
                "discharge": {"endtime": "2026-10-12 10:00:00"},
                "admission": {"begntime": "2026-10-08 09:00:00"},
            },
            view={},
            waiting=(Waiting(who=Who.SYSTEM, why="processing", since=now),),
            event=Event(type="stay:opened", at=now, actor=SYSTEM),
        )
    return Desk(database, town, person, no)


async def admitted(desk: Desk) -> str:
    outcome = await desk.until_known(admission(desk))
    assert outcome.end is ExchangeEnd.DONE
    return str(json.loads(outcome.body)["mdtrt_id"])


def admission(desk: Desk) -> Exchange:
    body = {"insutype": desk.person.insutype, "med_type": "21", "mdtrt_cert_type": "02"}
    return desk.exchange("2401", "open", body, ("identity", "admission"))


async def discharged(desk: Desk) -> str:
    visit = await admitted(desk)
    for exchange in (
        desk.exchange("2301", "fees", {"mdtrt_id": visit}, ("fees:1",)),
        desk.exchange("2402", "discharge", {"mdtrt_id": visit, "dscg_way": "1"}, ("discharge",)),
    ):
        assert (await desk.until_known(exchange)).end is ExchangeEnd.DONE
    return visit


def settlement(desk: Desk, visit: str, infno: str = "2304") -> Exchange:
    body = {"mdtrt_id": visit, "insutype": desk.person.insutype, "medfee_sumamt": total(G1), "acct_used_flag": "1"}
    return desk.exchange(infno, "settle", body)


async def registered(desk: Desk) -> str:
    body = {"insutype": desk.person.insutype, "med_type": "11", "mdtrt_cert_type": "02"}
    outcome = await desk.until_known(desk.exchange("2201", "open", body, ("identity", "admission")))
    visit = str(json.loads(outcome.body)["mdtrt_id"])
    begin = {"mdtrt_id": visit, "med_type": "11"}
    for exchange in (
        desk.exchange("2203", "info", begin, ("admission",)),
        desk.exchange("2204", "fees", {"mdtrt_id": visit}, ("fees:1",)),
    ):
        assert (await desk.until_known(exchange)).end is ExchangeEnd.DONE
    return visit


def hops(desk: Desk, infno: str) -> list[tuple[str, str]]:
    """The three hops: where a fault sits, and what it strikes there."""
    return [
        ("310000", f"tongban:{infno}"),
        ("hub", infno),
        (desk.person.area[:2] + "0000", f"hub:{infno}"),
    ]


async def nets(desk: Desk) -> int:
    """What the insured place's own ledger says of the person's bills together, in fen."""
    rows = await desk.town.ledger(desk.person.area[:2] + "0000", psn_no=desk.person.psn_no)
    return sum(int(str(row["row"]["medfee_sumamt"]).replace(".", "")) for row in rows if row["setl_id"])


@pytest.mark.parametrize("hop", [0, 1, 2])
@pytest.mark.parametrize("kind", [*DONE, *NOT_DONE])
async def test_a_settlement_is_done_once_or_not_at_all(desk: Desk, hop: int, kind: str) -> None:
    visit = await discharged(desk)
    where, what = hops(desk, "2304")[hop]
    await desk.town.fault(where, kind, what)
    outcome = await desk.until_known(settlement(desk, visit))
    standing = await nets(desk)
    booked = sum(row.medfee_sumamt for row in await desk.rows())
    assert outcome.end in {ExchangeEnd.DONE, ExchangeEnd.VOIDED, ExchangeEnd.UNUSABLE}
    assert standing == booked == (3_200_000 if outcome.end is ExchangeEnd.DONE else 0)
    if outcome.end is not ExchangeEnd.DONE:  # it can be tried again, and is done once then
        again = await desk.until_known(settlement(desk, visit))
        assert again.end is ExchangeEnd.DONE
        assert await nets(desk) == 3_200_000


@pytest.mark.parametrize("hop", [0, 2])
@pytest.mark.parametrize("kind", ["lost_answer", "half_open"])
@pytest.mark.parametrize("way", ["stay", "visit"])
async def test_an_undoing_is_done_once_or_not_at_all(desk: Desk, hop: int, kind: str, way: str) -> None:
    stay = way == "stay"
    visit = await (discharged(desk) if stay else registered(desk))
    done = await desk.until_known(settlement(desk, visit, "2304" if stay else "2207"))
    assert done.end is ExchangeEnd.DONE, done
    number = json.loads(done.body)["setlinfo"]["setl_id"]
    infno = "2305" if stay else "2208"
    where, what = hops(desk, infno)[hop]
    await desk.town.fault(where, kind, what)
    body = {"mdtrt_id": visit, "setl_id": number}
    outcome = await desk.until_known(desk.exchange(infno, "undo", body))
    if outcome.end is ExchangeEnd.VOIDED:
        assert await nets(desk) == 3_200_000
        outcome = await desk.until_known(desk.exchange(infno, "undo", body))
    assert outcome.end is ExchangeEnd.DONE
    assert await nets(desk) == 0
    assert [row.medfee_sumamt for row in await desk.rows()] == [3_200_000, -3_200_000]


@pytest.mark.parametrize("hop", [0, 2])
@pytest.mark.parametrize("kind", ["lost_answer", "half_open"])
async def test_an_outpatient_settlement_is_done_once_or_not_at_all(desk: Desk, hop: int, kind: str) -> None:
    visit = await registered(desk)
    where, what = hops(desk, "2207")[hop]
    await desk.town.fault(where, kind, what)
    outcome = await desk.until_known(settlement(desk, visit, "2207"))
    if outcome.end is ExchangeEnd.VOIDED:
        assert await nets(desk) == 0
        outcome = await desk.until_known(settlement(desk, visit, "2207"))
    assert outcome.end is ExchangeEnd.DONE
    assert await nets(desk) == 3_200_000
    assert [row.medfee_sumamt for row in await desk.rows()] == [3_200_000]


@pytest.mark.parametrize("hop", [0, 2])
@pytest.mark.parametrize("kind", ["lost_answer", "half_open"])
async def test_nobody_lies_in_two_beds(desk: Desk, hop: int, kind: str) -> None:
    where, what = hops(desk, "2401")[hop]
    await desk.town.fault(where, kind, what)
    outcome = await desk.until_known(admission(desk))
    if outcome.end is ExchangeEnd.VOIDED:
        outcome = await desk.until_known(admission(desk))
    assert outcome.end is ExchangeEnd.DONE
    beds = await desk.town.ask("5303", {}, desk.person)
    assert [bed["mdtrt_id"] for bed in beds["data"]] == [json.loads(outcome.body)["mdtrt_id"]]


async def test_a_worker_that_died_after_sending_asks_before_it_sends(desk: Desk) -> None:
    """The row without an end is all that the next try knows."""
    visit = await discharged(desk)
    exchange = settlement(desk, visit)
    first = await desk.once(exchange)
    async with desk.database.begin() as session:
        await session.execute(
            text(
                "UPDATE insurance_message SET ended_at = NULL, state = 'intended' WHERE matter_no = :no AND number = :n"
            ),
            {"no": desk.no, "n": exchange.number},
        )
    again = await desk.once(exchange)
    assert (again.end, json.loads(again.body)["setlinfo"]) == (first.end, json.loads(first.body)["setlinfo"])
    assert [row.medfee_sumamt for row in await desk.rows()] == [3_200_000]
    assert await nets(desk) == 3_200_000


async def test_the_same_errand_again_gets_the_same_end_without_a_word_outside(desk: Desk) -> None:
    visit = await discharged(desk)
    exchange = settlement(desk, visit)
    first = await desk.once(exchange)
    await desk.town.fault("310000", "down", "*", times=None)
    assert await desk.once(exchange) == first


async def test_while_nobody_can_be_asked_it_stays_in_doubt_and_is_shown_so(desk: Desk) -> None:
    visit = await discharged(desk)
    exchange = settlement(desk, visit)
    await desk.town.fault("310000", "lost_answer", "tongban:2304")
    await desk.town.fault("310000", "down", "tongban:5203", times=2)
    with pytest.raises(ApplicationError):
        await desk.once(exchange)
    async with desk.database.begin() as session:
        row = (await messages_of(session, desk.no))[-1]
        doubts = await session.scalar(text(DOUBTS), {"m": row.msgid})
    assert (row.state, doubts) == ("intended", 1)
    outcome = await desk.until_known(exchange)
    assert outcome.end is ExchangeEnd.DONE
    async with desk.database.begin() as session:
        doubts = await session.scalar(text(DOUBTS), {"m": row.msgid})
    assert doubts == 0


async def test_nothing_personal_is_told_to_the_workflow(desk: Desk) -> None:
    body = {"mdtrt_cert_type": "02"}
    exchange = desk.exchange("1101", "person", body, ("identity",)).model_copy(update={"person": ""})
    outcome = await desk.until_known(exchange)
    assert outcome.end is ExchangeEnd.DONE
    assert desk.person.certno not in outcome.body
    assert "测" not in outcome.body
    assert json.loads(outcome.body)["psn_no"] == desk.person.psn_no


async def test_an_answer_about_somebody_else_is_not_believed_and_asked_for_again(desk: Desk) -> None:
    await desk.town.fault("310000", "wrong_person", "tongban:1101", times=2)
    exchange = desk.exchange("1101", "person", {"mdtrt_cert_type": "02"}, ("identity",))
    exchange = exchange.model_copy(update={"person": ""})
    outcome = await desk.until_known(exchange)
    assert outcome.end is ExchangeEnd.DONE
    assert json.loads(outcome.body)["psn_no"] == desk.person.psn_no


async def test_fee_lines_whose_answer_was_about_somebody_else_are_there_once(desk: Desk) -> None:
    visit = await admitted(desk)
    await desk.town.fault("310000", "wrong_visit", "tongban:2301", times=2)
    outcome = await desk.until_known(desk.exchange("2301", "fees", {"mdtrt_id": visit}, ("fees:1",)))
    assert outcome.end is ExchangeEnd.DONE
    discharge = desk.exchange("2402", "discharge", {"mdtrt_id": visit, "dscg_way": "1"}, ("discharge",))
    assert (await desk.until_known(discharge)).end is ExchangeEnd.DONE
    assert (await desk.until_known(settlement(desk, visit))).end is ExchangeEnd.DONE


class Late:
    """2304 leaves after the next try has asked about it (5203), and its answer is read after 2601."""

    def __init__(self, town: Town) -> None:
        self.gate = town.gate
        self.waits, self.go, self.done, self.read = (asyncio.Event() for _ in range(4))

    async def send(self, message: InsuranceMessage) -> InsuranceAnswer:
        if message.infno == "2304" and not self.waits.is_set():
            self.waits.set()
            await self.go.wait()
            answer = await self.gate.send(message)
            self.done.set()
            await self.read.wait()
            return answer
        answer = await self.gate.send(message)
        if message.infno == "5203":
            self.go.set()
            await self.done.wait()
        return answer


class Changed:
    """A platform that answers one message otherwise."""

    def __init__(self, town: Town, infno: str, change: Callable[[dict[str, Any]], None]) -> None:
        self.gate, self.infno, self.change = town.gate, infno, change

    async def send(self, message: InsuranceMessage) -> InsuranceAnswer:
        answer = await self.gate.send(message)
        if message.infno != self.infno:
            return answer
        told = json.loads(answer.body)
        self.change(told["setlinfo"])
        return answer.model_copy(update={"body": json.dumps(told)})


def times_ten(info: dict[str, Any]) -> None:
    for name in SETL_AMOUNTS:
        info[name] = f"{float(info.get(name) or 0) * 10:.2f}"


async def test_what_a_second_try_has_taken_back_the_first_does_not_book(desk: Desk) -> None:
    exchange, late = settlement(desk, await discharged(desk)), Late(desk.town)
    activities = InsuranceActivities(desk.database, late)
    first = asyncio.create_task(ActivityEnvironment().run(activities.insurance_exchange, exchange))
    await late.waits.wait()
    second = await ActivityEnvironment().run(activities.insurance_exchange, exchange)
    late.read.set()
    assert (second.end, await first) == (ExchangeEnd.VOIDED, second)
    assert (await desk.rows(), await nets(desk)) == ([], 0)


async def test_what_was_being_taken_back_when_a_worker_died_is_taken_back_although_it_was_done(desk: Desk) -> None:
    """The first try has settled and is about to write it down; the second one has begun to take it back, and dies."""
    exchange, late = settlement(desk, await discharged(desk)), Late(desk.town)
    activities = InsuranceActivities(desk.database, late)
    first = asyncio.create_task(ActivityEnvironment().run(activities.insurance_exchange, exchange))
    await late.waits.wait()
    late.go.set()
    await late.done.wait()
    async with desk.database.begin() as session:
        row = (await messages_of(session, desk.no))[-1]
        assert await take_back(session, row.msgid, "line_down")
    late.read.set()
    with pytest.raises(ApplicationError, match="taking_back"):
        await first
    assert await desk.rows() == []
    assert (await desk.once(exchange)).end is ExchangeEnd.VOIDED
    assert (await desk.rows(), await nets(desk)) == ([], 0)


async def test_what_is_on_record_as_done_is_not_taken_back(desk: Desk) -> None:
    exchange = settlement(desk, await discharged(desk))
    assert (await desk.until_known(exchange)).end is ExchangeEnd.DONE
    async with desk.database.begin() as session:
        row = (await messages_of(session, desk.no))[-1]
        assert not await take_back(session, row.msgid, "line_down")


async def test_a_try_that_takes_too_long_leaves_the_message_in_doubt(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert INSURANCE_TRY.total_seconds() > ATTEMPT_S
    exchange, late = settlement(desk, await discharged(desk)), Late(desk.town)
    monkeypatch.setattr("activities.insurance.ATTEMPT_S", 0.5)
    with pytest.raises(ApplicationError, match="attempt_timeout"):
        await ActivityEnvironment().run(InsuranceActivities(desk.database, late).insurance_exchange, exchange)
    monkeypatch.undo()
    async with desk.database.begin() as session:
        row = (await messages_of(session, desk.no))[-1]
        assert (row.state, await session.scalar(text(DOUBTS), {"m": row.msgid})) == ("intended", 1)
    assert (await desk.until_known(exchange)).end is ExchangeEnd.VOIDED


async def test_a_settlement_over_another_sum_is_not_booked_and_is_taken_back(desk: Desk) -> None:
    visit = await discharged(desk)
    activities = InsuranceActivities(desk.database, Changed(desk.town, "2304", times_ten))
    outcome = await ActivityEnvironment().run(activities.insurance_exchange, settlement(desk, visit))
    assert outcome.end is ExchangeEnd.UNUSABLE
    assert (await desk.rows(), await nets(desk)) == ([], 0)


async def test_an_undoing_of_another_settlement_or_of_other_amounts_is_not_booked(
    desk: Desk, somebody: Somebody
) -> None:
    other = await open_desk(desk.database, desk.town, somebody("employee"))
    theirs = await other.until_known(settlement(other, await discharged(other)))
    number = json.loads(theirs.body)["setlinfo"]["setl_id"]
    visit = await discharged(desk)
    mine = json.loads((await desk.until_known(settlement(desk, visit))).body)["setlinfo"]["setl_id"]
    for change in (lambda info: info.update(orig_setl_id=number), times_ten):
        activities = InsuranceActivities(desk.database, Changed(desk.town, "2305", change))
        undo = desk.exchange("2305", "undo", {"mdtrt_id": visit, "setl_id": mine})
        outcome = await ActivityEnvironment().run(activities.insurance_exchange, undo)
        assert outcome.end is ExchangeEnd.UNUSABLE
    for each in (desk, other):
        assert [row.medfee_sumamt for row in await each.rows()] == [3_200_000]
        assert await nets(each) == 3_200_000


async def test_what_cannot_be_taken_back_any_more_is_asked_about_again(desk: Desk) -> None:
    """2601 takes back no admission with fees: it stands, and is done."""
    exchange = admission(desk)
    visit = json.loads((await desk.until_known(exchange)).body)["mdtrt_id"]
    fees = desk.exchange("2301", "fees", {"mdtrt_id": visit}, ("fees:1",))
    assert (await desk.until_known(fees)).end is ExchangeEnd.DONE
    async with desk.database.begin() as session:
        await session.execute(
            text(
                "UPDATE insurance_message SET ended_at = NULL, state = 'taking_back', code = 'line_down'"
                " WHERE matter_no = :no AND number = :n"
            ),
            {"no": desk.no, "n": exchange.number},
        )
    with pytest.raises(ApplicationError, match=r"not_reversible|rejected"):
        await desk.once(exchange)
    again = await desk.once(exchange)
    assert (again.end, json.loads(again.body)["mdtrt_id"]) == (ExchangeEnd.DONE, visit)
