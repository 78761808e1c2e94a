"""Cases (a) to (f) of the domain note on fiscal e-bills, on the platform itself through our client."""

from __future__ import annotations

import pytest

from domain.bills import BillEventKind, BillStatus, LockState, Purpose, Verdict, takes_back
from tests.bills.places import (
    COMMERCIAL,
    EMPLOYER,
    InProcess,
    Program,
    both_at_once,
    content,
    lock,
    paid,
    red_letter,
    release,
)

LOCKED = "bill_locked"


async def test_case_a_the_insurer_pays_a_part_and_the_employer_the_rest_and_never_more_than_total_less_fund_pay(
    platform: InProcess,
) -> None:
    bill = await platform.issued(content(100_000, fund=60_000, setl_id="S1"))
    assert bill.ceiling == 40_000
    too_much = await platform.ours.send(lock(bill.ref, 40_001, Purpose.COMMERCIAL, unit=COMMERCIAL))
    assert too_much.refused == "bill_amount_exceeds"
    first = await platform.locked(bill.ref, 40_000, Purpose.COMMERCIAL, unit=COMMERCIAL)
    done = await platform.ours.send(paid(first, 25_000, unit=COMMERCIAL))
    assert done.state is not None
    assert (done.state.status, done.state.reimbursed, done.state.left) == (
        BillStatus.PARTLY_REIMBURSED,
        25_000,
        15_000,
    )
    refused = await platform.ours.send(lock(bill.ref, 15_001, Purpose.EMPLOYER, unit=EMPLOYER))
    assert refused.refused == "bill_amount_exceeds"
    second = await platform.locked(bill.ref, 15_000, Purpose.EMPLOYER, unit=EMPLOYER)
    assert (await platform.ours.send(paid(second, 15_001, unit=EMPLOYER))).refused == "bill_amount_exceeds"
    whole = await platform.ours.send(paid(second, 15_000, unit=EMPLOYER))
    assert whole.state is not None
    assert (whole.state.status, whole.state.left) == (BillStatus.REIMBURSED, 0)
    assert (await platform.ours.send(lock(bill.ref, 1, Purpose.EMPLOYER))).refused == "bill_amount_exceeds"


async def test_case_b_of_two_provinces_that_lock_at_once_exactly_one_wins_a_thousand_times(program: Program) -> None:
    bill = await program.issued()
    winners = {"ours": 0, "others": 0}
    for turn in range(1000):
        mine, theirs = lock(bill.ref, 100_000), lock(bill.ref, 1, Purpose.EMPLOYER, unit=EMPLOYER)
        if turn % 2:  # neither is the one who is always asked first
            one, other = await both_at_once(program.ours, program.others, (mine, theirs))
        else:
            other, one = await both_at_once(program.others, program.ours, (theirs, mine))
        won = [each for each in (one, other) if each.lock is not None]
        lost = [each for each in (one, other) if each.refused]
        assert len(won) == len(lost) == 1
        assert (lost[0].refused, lost[0].lock, lost[0].bill) == (LOCKED, None, None)
        assert won[0].lock is not None
        assert lost[0].locked_for is won[0].lock.lock.purpose
        winners["ours" if won[0] is one else "others"] += 1
        client = program.ours if won[0] is one else program.others
        unit = won[0].lock.lock.owner_unit
        assert not (await client.send(release(won[0].lock.lock.lock_id, unit=unit))).refused
    assert min(winners.values()) > 0, winners
    held = (await program.books())["locks"]
    assert [each["state"] for each in held] == ["RELEASED"] * 1000
    spans = sorted((float(str(each["locked_at"])), str(each["client"])) for each in held)
    assert len({client for _, client in spans}) == 2


async def test_case_c_a_bill_that_was_settled_directly_is_refused_for_manual_reimbursement(platform: InProcess) -> None:
    direct = await platform.issued(content(100_000, fund=60_000, setl_id="S1"))
    assert (await platform.ours.send(lock(direct.ref, 40_000))).refused == "bill_settled_directly"
    assert not (await platform.ours.send(lock(direct.ref, 40_000, Purpose.COMMERCIAL))).refused
    for self_paid in (content(100_000, fund=0, setl_id="S2"), content(100_000, fund=60_000, setl_id="")):
        bill = await platform.issued(self_paid)
        assert not (await platform.ours.send(lock(bill.ref, 40_000))).refused


async def test_case_d_a_red_letter_that_arrives_while_locked_waits_and_the_owner_of_the_lock_is_told(
    platform: InProcess,
) -> None:
    bill = await platform.issued()
    held = await platform.others.send(lock(bill.ref, 100_000))
    assert held.lock is not None
    asked = await platform.ours.send(red_letter(bill.ref))
    assert not asked.refused
    assert asked.bill is None, "no red letter is written over a lock"
    assert asked.state is not None
    assert (asked.state.status, asked.state.red_waiting) == (BillStatus.LOCKED, True)
    told, _ = await platform.others.events(0)
    (waiting,) = [event for event in told if event.kind is BillEventKind.RED_WAITING]
    assert waiting.lock_id == held.lock.lock.lock_id
    given_up = await platform.others.send(release(waiting.lock_id))
    assert given_up.state is not None
    assert given_up.state.status is BillStatus.RED_LETTERED
    (written,) = [e for e in (await platform.ours.events(0))[0] if e.kind is BillEventKind.RED_LETTERED]
    assert written.red is not None
    assert takes_back(written.red, bill)
    assert written.state.related == written.red.ref
    (seen,) = [e for e in (await platform.others.events(waiting.no))[0] if e.kind is BillEventKind.RED_LETTERED]
    assert seen.red is None, "the content is for whoever issued it"
    assert (await platform.others.send(lock(bill.ref, 1))).refused == "bill_red_lettered"
    assert (await platform.others.send(lock(written.red.ref, 1))).refused == "bill_red_lettered"


async def test_case_e_a_lock_that_has_expired_holds_nothing_without_anybody_doing_anything(platform: InProcess) -> None:
    bill = await platform.issued()
    mine = await platform.locked(bill.ref, 100_000)
    await platform.pass_days(29.9)
    assert (await platform.others.send(lock(bill.ref, 1))).refused == LOCKED
    await platform.pass_days(0.2)
    state = await platform.ours.state(bill.ref)
    assert state is not None
    assert (state.status, state.locked_for) == (BillStatus.ISSUED, None)
    assert (await platform.ours.send(paid(mine, 100))).refused == "bill_lock_over"
    assert not (await platform.others.send(lock(bill.ref, 1))).refused
    kinds = [(e.kind, e.lock_id) for e in (await platform.ours.events(0))[0]]
    assert (BillEventKind.LOCK_EXPIRED, mine) in kinds


async def test_case_f_a_wrong_check_code_is_not_authentic(platform: InProcess) -> None:
    bill = await platform.issued()
    verdict, whole, state = await platform.others.verify(bill.ref, bill.check_code)
    assert (verdict, whole) == (Verdict.AUTHENTIC, bill)
    assert state is not None
    wrong = bill.check_code[:-1] + ("0" if bill.check_code[-1] != "0" else "1")
    missing = bill.ref.model_copy(update={"number": "9" * len(bill.number)})
    for ref, code in ((bill.ref, wrong), (bill.ref, ""), (bill.ref, "编"), (missing, bill.check_code)):
        assert await platform.others.verify(ref, code) == (Verdict.NOT_AUTHENTIC, None, None)


async def test_a_lock_conflict_says_what_the_lock_is_for_and_nothing_of_its_owner(platform: InProcess) -> None:
    bill = await platform.issued()
    await platform.locked(bill.ref, 100_000, Purpose.COMMERCIAL, unit=COMMERCIAL)
    answer = await platform.others.send(lock(bill.ref, 1))
    assert (answer.refused, answer.locked_for) == (LOCKED, Purpose.COMMERCIAL)
    assert COMMERCIAL not in answer.model_dump_json()
    state = await platform.others.state(bill.ref)
    assert state is not None
    assert COMMERCIAL not in state.model_dump_json()


async def test_what_was_paid_under_a_suspended_lock_counts_and_the_red_letter_comes_with_the_refund(
    platform: InProcess,
) -> None:
    bill = await platform.issued()
    mine = await platform.locked(bill.ref, 60_000)
    await platform.ours.send(red_letter(bill.ref))
    done = await platform.ours.send(paid(mine, 60_000, tx_no="T1"))
    assert done.state is not None
    assert (done.state.status, done.state.red_waiting) == (BillStatus.PARTLY_REIMBURSED, True)
    assert (await platform.others.send(lock(bill.ref, 1))).refused == "bill_reversal_waiting"
    assert (await platform.ours.send(red_letter(bill.ref))).refused == "bill_reversal_waiting"
    back = await platform.ours.send(paid(mine, -60_000, tx_no="T2", refunds="T1"))
    assert back.lock is not None
    assert back.state is not None
    assert (back.lock.state, back.state.status) == (LockState.REFUNDED, BillStatus.RED_LETTERED)


async def test_a_reimbursed_bill_is_not_taken_back_before_the_refund(platform: InProcess) -> None:
    bill = await platform.issued()
    mine = await platform.locked(bill.ref, 60_000)
    await platform.ours.send(paid(mine, 60_000, tx_no="T1"))
    assert (await platform.ours.send(red_letter(bill.ref))).refused == "bill_reimbursed"
    await platform.ours.send(paid(mine, -60_000, tx_no="T2", refunds="T1"))
    written = await platform.ours.send(red_letter(bill.ref))
    assert written.bill is not None
    assert takes_back(written.bill, bill)


@pytest.mark.parametrize("stranger", ["the other client", "another unit"])
async def test_a_lock_is_its_owners_alone(platform: InProcess, stranger: str) -> None:
    bill = await platform.issued()
    mine = await platform.locked(bill.ref, 100_000)
    who, unit = (platform.others, "11310000XXXX000510") if stranger == "the other client" else (platform.ours, EMPLOYER)
    assert (await who.send(release(mine, unit=unit))).refused == "not_found"
    assert (await who.send(paid(mine, 1, unit=unit))).refused == "not_found"
    if who is platform.others:
        assert (await who.send(red_letter(bill.ref))).refused == "not_found"
    assert (await platform.others.send(lock(bill.ref, 1))).refused == LOCKED
