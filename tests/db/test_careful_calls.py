"""What a call to a province takes care of beyond one question and one answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.province import ProvinceActivities
from adapters.errors import Ambiguous, Rejected, Unavailable
from adapters.port import Adapter, Capabilities, FindBy, ProvinceAdapter
from domain import names
from domain.effects import Answer, AnswerStatus, Expect, ProvinceCall, Verb
from domain.messages import Actor, Place, Role, Text
from domain.process import Call, CallOutcome, DecideCommand, OutcomeStatus
from domain.start import CallProvince
from models import commands, provinces
from models.database import Database
from tests.fixtures.samples import add_case
from tests.unit.plans import LICENCE

DONE = Answer(status=AnswerStatus.ACCEPTED, reference="34-1")
KEYS = Capabilities(verbs=frozenset(Verb))
SEARCHED = Capabilities(verbs=frozenset(Verb), keys=False, find=FindBy.BUSINESS_NUMBER, settle_s=60.0)
BLIND = Capabilities(verbs=frozenset(Verb), keys=False, find=FindBy.NOTHING)
CLERK = Actor(subject="clerk-1", role=Role.CASEWORKER, region="340100", department="tax")


class Province(Adapter):
    """Does what it is told next: answers, or raises; ``holds`` is what a search finds."""

    def __init__(self, can: Capabilities, *script: Answer | Exception) -> None:
        self.capabilities = can
        self.script = list(script)
        self.holds: Answer | Exception | None = None
        self.asked: list[ProvinceCall] = []
        self.searched = 0
        self.limit: float | None = None

    def for_place(self, code: str, department: str = "") -> ProvinceAdapter:
        return self

    def rate(self, region: str) -> float | None:
        return self.limit

    def allows_private(self, region: str) -> bool:
        return False

    async def call(self, call: ProvinceCall) -> Answer:
        self.asked.append(call)
        told = self.script.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    async def find(self, call: ProvinceCall) -> Answer | None:
        self.searched += 1
        if isinstance(self.holds, Exception):
            raise self.holds
        return self.holds


class Case:
    """One case, and calls of its step ``tax``."""

    def __init__(self, database: Database, no: str, province: Province) -> None:
        self.database = database
        self.no = no
        self.desk = ProvinceActivities(database, province, 5)
        self.key = names.effect_key(no, "origin_tax", "tax", Verb.SUBMIT, 0)

    async def ask(self, verb: Verb = Verb.SUBMIT, /, beside: bool = False, **more: Any) -> CallOutcome:
        place = Place(region="340100", department="tax")
        fields = {"key": self.key, "send": {"holder_id": "=91340100XXXX00043E"}} | more
        call = Call.model_validate({"step": "tax", "verb": verb, "place": place, "operation": "tax_clearance"} | fields)
        request = CallProvince(case_no=self.no, leg="origin_tax", call=call)
        activity = self.desk.try_province if beside else self.desk.call_province
        outcome: CallOutcome = await ActivityEnvironment().run(activity, request)
        return outcome

    async def decided(self, outcome: str, **words: str) -> str:
        order = DecideCommand(id=f"order-{outcome}", actor=CLERK, task="t1", outcome=outcome)
        async with self.database.begin() as session:
            now = await session.scalar(text("SELECT now()"))
            assert now is not None
            body = {"outcome": outcome} | words
            await commands.insert_command(session, order.id, order.verb, self.no, "t1", CLERK, body, now)
        return order.id

    async def quiet(self, seconds: float) -> None:
        """Time passes for the effect."""
        async with self.database.begin() as session:
            await session.execute(
                text("UPDATE effect SET leased_until = leased_until - CAST(:by AS interval)"),
                {"by": timedelta(seconds=seconds)},
            )

    async def row(self) -> Mapping[str, object]:
        async with self.database.begin() as session:
            found = await session.execute(text("SELECT * FROM effect WHERE key = :key"), {"key": self.key})
            return dict(found.mappings().one())


async def case(database: Database, can: Capabilities, *script: Answer | Exception) -> tuple[Case, Province]:
    province = Province(can, *script)
    return Case(database, await add_case(database), province), province


# receivers without keys


async def test_without_keys_nothing_is_sent_again_while_the_first_may_be_under_way(database: Database) -> None:
    one, province = await case(database, SEARCHED, Ambiguous("timeout"), DONE)
    assert (await one.ask()).status is OutcomeStatus.UNKNOWN
    again = await one.ask()
    assert (again.status, again.code) == (OutcomeStatus.UNKNOWN, "settling")
    assert 55 <= again.poll_after_s <= 60
    assert (province.searched, len(province.asked)) == (1, 1)
    await one.quiet(30)
    assert (await one.ask()).poll_after_s <= 30  # asking in between does not start the wait anew
    await one.quiet(31)
    assert (await one.ask()).answer is AnswerStatus.ACCEPTED
    assert len(province.asked) == 2


async def test_without_keys_what_is_found_is_taken_at_once(database: Database) -> None:
    one, province = await case(database, SEARCHED, Ambiguous("timeout"))
    await one.ask()
    province.holds = DONE
    outcome = await one.ask()
    assert (outcome.answer, outcome.reference) == (AnswerStatus.ACCEPTED, "34-1")
    assert len(province.asked) == 1


async def test_without_keys_what_was_certainly_not_done_is_sent_again_at_once(database: Database) -> None:
    one, province = await case(database, SEARCHED, Unavailable("http_503"), DONE)
    assert (await one.ask()).status is OutcomeStatus.UNAVAILABLE
    assert (await one.row())["unknown"] is False
    assert (await one.ask()).answer is AnswerStatus.ACCEPTED
    assert len(province.asked) == 2


async def test_a_reversal_does_not_believe_that_there_is_nothing_while_the_original_may_be_under_way(
    database: Database,
) -> None:
    nothing = DONE.model_copy(update={"data": {"outcome": "nothing_to_reverse"}})
    one, _ = await case(database, SEARCHED, Ambiguous("timeout"), nothing, nothing)
    await one.ask()
    undo: dict[str, Any] = {"key": "d" * 64, "original": one.key}
    early = await one.ask(Verb.REVERSE, **undo)
    assert (early.status, early.code) == (OutcomeStatus.UNKNOWN, "settling")
    await one.quiet(61)
    assert (await one.ask(Verb.REVERSE, **undo)).answer is AnswerStatus.ACCEPTED


async def test_where_nothing_can_be_looked_up_a_clerk_has_to_say(database: Database) -> None:
    one, province = await case(database, BLIND, Ambiguous("timeout"), DONE)
    assert (await one.ask()).status is OutcomeStatus.UNKNOWN
    outcome = await one.ask()
    assert (outcome.status, outcome.code) == (OutcomeStatus.UNUSABLE, "confirm_by_clerk")
    assert len(province.asked) == 1
    order = await one.decided("not_done")
    assert (await one.ask(decision=order)).answer is AnswerStatus.ACCEPTED
    assert (province.searched, len(province.asked)) == (0, 2)


async def test_where_nothing_can_be_looked_up_what_was_not_done_needs_no_clerk(database: Database) -> None:
    one, _ = await case(database, BLIND, Unavailable("connection_refused"), DONE)
    await one.ask()
    assert (await one.ask()).answer is AnswerStatus.ACCEPTED


async def test_a_clerks_word_that_nothing_was_done_counts_for_one_try(database: Database) -> None:
    one, province = await case(database, BLIND, Ambiguous("timeout"), Ambiguous("timeout"), DONE)
    await one.ask()
    await one.ask()
    order = await one.decided("not_done")
    with pytest.raises(ApplicationError, match="timeout"):
        await one.ask(patient=True, again=True, decision=order)
    retried = await one.ask(patient=True, again=True, decision=order)  # Temporal sends the same words again
    assert (retried.status, retried.code) == (OutcomeStatus.UNUSABLE, "confirm_by_clerk")
    assert len(province.asked) == 2


@pytest.mark.parametrize("can", [BLIND, SEARCHED, KEYS])
async def test_a_run_again_of_what_is_pending_sends_nothing(database: Database, can: Capabilities) -> None:
    one, province = await case(database, can, Answer(status=AnswerStatus.PENDING, reference="34-7"), DONE)
    for _ in range(2):
        outcome = await one.ask()
        assert (outcome.answer, outcome.reference) == (AnswerStatus.PENDING, "34-7")
    assert len(province.asked) == 1


async def test_what_a_province_without_keys_has_forgotten_is_sent_again_once_nothing_is_under_way(
    database: Database,
) -> None:
    waiting = Answer(status=AnswerStatus.PENDING)
    one, province = await case(database, SEARCHED, waiting, Ambiguous("timeout"), DONE)
    await one.ask()
    assert (await one.ask(again=True)).code == "settling"
    await one.quiet(61)
    assert (await one.ask(again=True)).code == "timeout"
    assert (await one.ask(again=True)).code == "settling"
    await one.quiet(61)
    assert (await one.ask(again=True)).answer is AnswerStatus.ACCEPTED
    assert len(province.asked) == 3


async def test_two_runs_of_what_was_forgotten_do_not_send_at_once(database: Database) -> None:
    one, province = await case(database, SEARCHED, Answer(status=AnswerStatus.PENDING), DONE)
    await one.ask()
    await one.quiet(61)
    async with database.begin() as session:
        await session.execute(text("UPDATE effect SET leased_until = clock_timestamp() + interval '9 seconds'"))
    assert (await one.ask(again=True)).code == "another_run_is_sending"
    assert len(province.asked) == 1


# clerks


async def test_what_waits_for_a_clerk_is_told_and_his_number_becomes_the_receipt(database: Database) -> None:
    waiting = Answer(status=AnswerStatus.PENDING, expect=Expect.CLERK)
    one, province = await case(database, KEYS, waiting)
    assert (await one.ask()).by_clerk
    order = await one.decided("entered", number="皖登2026-7")
    outcome = await one.ask(Verb.FIND, decision=order)
    assert (outcome.answer, outcome.reference, outcome.by_clerk) == (AnswerStatus.ACCEPTED, "皖登2026-7", False)
    assert (await one.ask()).reference == "皖登2026-7"
    assert (len(province.asked), province.searched) == (1, 0)


async def test_of_a_certificate_the_clerks_number_is_the_licence(database: Database) -> None:
    one, _ = await case(database, KEYS, Answer(status=AnswerStatus.PENDING, expect=Expect.CLERK))
    await one.ask()
    outcome = await one.ask(Verb.FIND, decision=await one.decided("entered", number=LICENCE))
    assert (outcome.answer, outcome.reference, outcome.licence) == (AnswerStatus.ACCEPTED, LICENCE, LICENCE)


async def test_a_clerk_who_has_typed_a_wrong_number_is_asked_once_more(database: Database) -> None:
    waiting = Answer(status=AnswerStatus.PENDING, expect=Expect.CLERK)
    one, province = await case(database, KEYS, waiting)
    province.holds = waiting
    await one.ask()
    wrong = await one.ask(Verb.FIND, decision=await one.decided("entered", number="1.2.156.3005.2.x"))
    assert (wrong.answer, wrong.licence) == (AnswerStatus.ACCEPTED, "")
    assert (await one.ask(again=True)).by_clerk
    async with database.begin() as session:
        now = await session.scalar(text("SELECT now()"))
        assert now is not None
        body = {"outcome": "entered", "number": LICENCE}
        await commands.insert_command(session, "order-again", "decide", one.no, "t2", CLERK, body, now)
    right = await one.ask(Verb.FIND, decision="order-again")
    assert (right.answer, right.licence) == (AnswerStatus.ACCEPTED, LICENCE)
    assert (await one.ask()).licence == LICENCE  # the receipt is the better number


async def test_a_clerk_may_say_that_the_department_has_refused(database: Database) -> None:
    one, _ = await case(database, KEYS, Answer(status=AnswerStatus.PENDING, expect=Expect.CLERK))
    await one.ask()
    outcome = await one.ask(Verb.FIND, decision=await one.decided("refused"))
    assert (outcome.answer, outcome.reasons) == (AnswerStatus.REJECTED, ("refused_at_counter",))


async def test_a_decision_of_another_case_is_no_decision(database: Database) -> None:
    one, _ = await case(database, KEYS, Answer(status=AnswerStatus.PENDING, expect=Expect.CLERK))
    other, _ = await case(database, KEYS)
    await one.ask()
    order = await other.decided("entered", number="1")
    assert (await one.ask(Verb.FIND, decision=order)).status is OutcomeStatus.NOT_FOUND


# answers


async def test_an_answer_about_somebody_else_is_put_aside_and_none_of_it_is_kept(database: Database) -> None:
    foreign = DONE.model_copy(update={"data": {"holder_id": "91310000XXXX00019C", "holder_name": "别人"}})
    one, _ = await case(database, KEYS, foreign)
    outcome = await one.ask()
    assert (outcome.status, outcome.code) == (OutcomeStatus.UNUSABLE, "wrong_person")
    async with database.begin() as session:
        (aside,) = await provinces.quarantined(session, "340000")
    assert (aside.case_no, aside.step, aside.code, aside.fields) == (
        one.no, "tax", "wrong_person", ["holder_id", "holder_name"]
    )  # fmt: skip
    assert (await one.row())["answer"] is None
    assert "别人" not in str(aside.model_dump())


async def test_an_answer_about_the_one_who_was_asked_about_is_fine(database: Database) -> None:
    one, _ = await case(database, KEYS, DONE.model_copy(update={"data": {"holder_id": "91340100XXXX00043E"}}))
    assert (await one.ask()).answer is AnswerStatus.ACCEPTED


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://pay.example/1", True),
        ("https://pay.example/pay?order=1", True),
        ("http://127.0.0.1/pay", False),
        ("http://10.1.2.3/pay", False),
        ("http://localhost/pay", False),
        ("http://2130706433/", False),
        ("javascript:alert(1)", False),
        ("https://user@pay.example/", False),
    ],
)
async def test_an_address_in_an_answer_leads_nowhere_odd(database: Database, url: str, good: bool) -> None:
    one, _ = await case(database, KEYS, DONE.model_copy(update={"data": {"payment_url": url}}))
    outcome = await one.ask()
    assert outcome.code == ("" if good else "foreign_address")


async def test_a_refusal_that_is_raised_is_an_answer(database: Database) -> None:
    one, _ = await case(database, KEYS, Rejected(("arrears",), Text(zh="欠税", en="arrears"), "34-9"))
    outcome = await one.ask()
    assert (outcome.answer, outcome.reasons, outcome.reference) == (AnswerStatus.REJECTED, ("arrears",), "34-9")


async def test_a_breakdown_at_the_province_is_tried_again_only_if_it_says_so(database: Database) -> None:
    failed = Answer(status=AnswerStatus.FAILED, retryable=True)
    one, _ = await case(database, KEYS, failed, DONE)
    assert (await one.ask()).status is OutcomeStatus.UNAVAILABLE
    assert (await one.ask()).answer is AnswerStatus.ACCEPTED
    two, _ = await case(database, KEYS, failed.model_copy(update={"retryable": False}))
    outcome = await two.ask()
    assert (outcome.status, outcome.code) == (OutcomeStatus.UNUSABLE, "province_failed")


async def test_what_is_found_to_have_broken_down_is_sent_again(database: Database) -> None:
    one, province = await case(database, KEYS, Ambiguous("timeout"), DONE)
    await one.ask()
    province.holds = Answer(status=AnswerStatus.FAILED, retryable=True)
    assert (await one.ask()).answer is AnswerStatus.ACCEPTED
    assert len(province.asked) == 2


async def test_a_refusal_that_a_search_raises_is_an_answer(database: Database) -> None:
    one, province = await case(database, KEYS, Ambiguous("timeout"))
    await one.ask()
    province.holds = Rejected(("arrears",), None, "34-9")
    outcome = await one.ask()
    assert (outcome.answer, outcome.reasons, outcome.reference) == (AnswerStatus.REJECTED, ("arrears",), "34-9")


async def test_an_adapter_that_breaks_gives_the_case_to_a_person(database: Database) -> None:
    one, _ = await case(database, KEYS, KeyError("持证人 91340100XXXX00043E"))
    outcome = await one.ask(patient=True)
    assert (outcome.status, outcome.code) == (OutcomeStatus.UNUSABLE, "adapter_broke")
    row = await one.row()
    assert (row["trouble"], row["unknown"]) == ("adapter_broke", True)


async def test_another_authority_that_is_consulted_hears_a_consultation(database: Database) -> None:
    one, province = await case(database, KEYS, DONE)
    await one.ask(said_as=Verb.CONSULT)
    assert [call.verb for call in province.asked] == [Verb.CONSULT]


async def test_progress_is_asked_by_the_number_the_province_has_given(database: Database) -> None:
    one, province = await case(database, KEYS, Answer(status=AnswerStatus.PENDING, reference="34-7"), DONE)
    await one.ask()
    assert (await one.ask(Verb.FIND)).answer is AnswerStatus.ACCEPTED
    assert [(call.verb, call.reference) for call in province.asked] == [(Verb.SUBMIT, ""), (Verb.QUERY, "34-7")]


async def test_what_is_to_be_done_by_a_time_is_asked_for_then_and_within_the_hour(database: Database) -> None:
    pending = Answer(status=AnswerStatus.PENDING, poll_after_s=2)
    for seconds, first, last in ((600, 590, 600), (86400, 3600, 3600), (-5, 2, 2)):
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        one, _ = await case(database, KEYS, pending.model_copy(update={"until": until}))
        assert first <= (await one.ask()).poll_after_s <= last


# what keeps calls away


async def test_while_the_brake_is_on_nothing_goes_out_and_nothing_is_intended(database: Database) -> None:
    one, province = await case(database, KEYS, DONE)
    async with database.begin() as session:
        await provinces.set_control(session, "340000", held=True, rate=None, reason="drill", by="operator-1")
    outcome = await one.ask(beside=True)
    assert (outcome.status, outcome.code) == (OutcomeStatus.DEFERRED, "held")
    with pytest.raises(ApplicationError, match="held"):
        await one.ask(patient=True)
    async with database.begin() as session:
        assert await session.scalar(text("SELECT count(*) FROM effect")) == 0
        await provinces.set_control(session, "340000", held=False, rate=None, reason="over", by="operator-1")
    assert (await one.ask(beside=True)).answer is AnswerStatus.ACCEPTED
    assert len(province.asked) == 1


async def test_a_rate_is_kept_by_the_queue_so_nothing_goes_beside_it(database: Database) -> None:
    one, province = await case(database, KEYS, DONE, DONE)
    async with database.begin() as session:
        await provinces.set_control(session, "340000", held=False, rate=2.0, reason="busy", by="operator-1")
    assert (await one.ask(beside=True)).status is OutcomeStatus.DEFERRED
    assert (await one.ask()).answer is AnswerStatus.ACCEPTED
    two, other = await case(database, KEYS, DONE)
    other.limit = 5.0
    async with database.begin() as session:
        await provinces.set_control(session, "340000", held=False, rate=None, reason="calm", by="operator-1")
    assert (await two.ask(beside=True)).code == "rate"
    assert len(province.asked) == 1


async def test_an_open_breaker_keeps_calls_away_and_fails_none(database: Database) -> None:
    one, province = await case(database, KEYS, *[Unavailable("connection_refused")] * 3, DONE)
    for _ in range(3):
        await one.ask()
    outcome = await one.ask()
    assert (outcome.status, outcome.code) == (OutcomeStatus.UNAVAILABLE, "breaker")
    with pytest.raises(ApplicationError, match="breaker") as kept:
        await one.ask(patient=True)
    assert kept.value.next_retry_delay is not None
    assert timedelta(0) < kept.value.next_retry_delay <= timedelta(seconds=5)
    assert len(province.asked) == 3
