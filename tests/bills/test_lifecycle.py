"""The rules of a bill's life: the tables pair by pair, and every path a random life can take."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from catalogue.library import Library
from domain.bills import (
    BILL_TRANSITIONS,
    LIVE,
    LOCK_TRANSITIONS,
    BillContent,
    BillFormat,
    BillRef,
    BillStatus,
    EBill,
    Feedback,
    Lock,
    LockState,
    Purpose,
    Standing,
    ask_red_letter,
    check_sums,
    expire,
    feed_back,
    negated,
    release,
    take_lock,
    takes_back,
    write_red_letter,
)
from domain.bills.lifecycle import _changed, _moved
from domain.errors import Refusal
from tests.bills.places import EMPLOYER, INSURER, NOW, content

S, L = BillStatus, LockState


def bill(total: int = 100_000, *, fund: int = 0, setl_id: str = "", status: BillStatus = S.ISSUED) -> EBill:
    what = content(total, fund=fund, setl_id=setl_id)
    return EBill(
        **what.model_dump(), code="31060226", number="0000000001", check_code="a1b2c3", issue_date=date(2026, 11, 27),
        file_hash="a" * 64, status=status,
    )  # fmt: skip


def red_of(original: EBill) -> EBill:
    return EBill(
        **negated(original).model_dump(), code="31060226", number="0000000002", check_code="d4e5f6",
        issue_date=date(2026, 11, 28), file_hash="b" * 64, status=S.RED, related=original.ref,
    )  # fmt: skip


def a_lock(amount: int = 100, purpose: Purpose = Purpose.MEDICAL_INSURANCE, lock_id: str = "L1") -> Lock:
    return Lock(
        lock_id=lock_id, owner_unit=INSURER, purpose=purpose, amount=amount, locked_at=NOW,
        expires_at=NOW + timedelta(days=30),
    )  # fmt: skip


@pytest.mark.parametrize(("old", "new"), list(product(S, S)))
def test_a_bill_goes_where_its_table_says_and_nowhere_else(old: BillStatus, new: BillStatus) -> None:
    start = bill(status=old)
    if old is new or new in BILL_TRANSITIONS[old]:
        assert _moved(start, new).status is new
    else:
        with pytest.raises(ValueError, match="a bill cannot go"):
            _moved(start, new)


@pytest.mark.parametrize(("old", "new"), list(product(L, L)))
def test_a_lock_goes_where_its_table_says_and_nowhere_else(old: LockState, new: LockState) -> None:
    standing = take_lock(Standing(bill=bill()), a_lock())
    held = standing.locks[0].model_copy(update={"state": old})
    standing = standing.model_copy(update={"locks": (held,)})
    if new in LOCK_TRANSITIONS[old]:
        assert _changed(standing, held, state=new).locks[0].state is new
    else:
        with pytest.raises(ValueError, match="a lock cannot go"):
            _changed(standing, held, state=new)


@pytest.mark.parametrize("lengths", [(8, 10), (10, 10)])
def test_both_published_lengths_of_a_code_are_taken_because_they_are_data(lengths: tuple[int, int]) -> None:
    ref = BillRef(code="1" * lengths[0], number="2" * lengths[1])
    assert Library().ebills.format.check(ref) == ref
    other = BillFormat(code_lengths=(12,), number_lengths=(8,), check_lengths=(4,), tag="DESIGN")
    with pytest.raises(Refusal, match="bill_number_malformed"):
        other.check(ref)
    assert other.check(BillRef(code="1" * 12, number="2" * 8))


@pytest.mark.parametrize("wrong", ["1234567", "1234567a", "１２３４５６７８", ""])
def test_a_code_that_is_no_number_is_refused_with_its_field(wrong: str) -> None:
    with pytest.raises(Refusal) as refused:
        Library().ebills.format.check(BillRef(code=wrong, number="2" * 10))
    assert (refused.value.code, refused.value.field) == ("bill_number_malformed", "/code")


@given(st.integers(1, 10**10), st.integers(0, 10**10))
def test_the_negation_of_a_bill_adds_up_takes_it_back_and_negated_again_is_the_bill(total: int, fund: int) -> None:
    original = bill(total, fund=min(fund, total), setl_id="S1")
    red = red_of(original)
    check_sums(red)
    assert takes_back(red, original)
    assert negated(red) == BillContent.model_validate(original.model_dump(include=set(BillContent.model_fields)))
    assert not takes_back(red.model_copy(update={"total": red.total + 1}), original)
    assert not takes_back(red.model_copy(update={"related": red.ref}), original)


def test_case_c_in_the_rules_the_number_of_the_settlement_and_the_funds_money_together_refuse_it() -> None:
    for fund, setl_id, refused in ((60_000, "S1", True), (60_000, "", False), (0, "S1", False)):
        standing = Standing(bill=bill(fund=fund, setl_id=setl_id))
        if refused:
            with pytest.raises(Refusal, match="bill_settled_directly"):
                take_lock(standing, a_lock())
        else:
            assert take_lock(standing, a_lock()).bill.status is S.LOCKED
        assert take_lock(standing, a_lock(purpose=Purpose.EMPLOYER)).bill.status is S.LOCKED


def test_case_e_in_the_rules_a_lock_holds_until_its_last_moment_and_not_one_longer() -> None:
    standing = take_lock(Standing(bill=bill()), a_lock())
    assert expire(standing, NOW + timedelta(days=30) - timedelta(microseconds=1)).bill.status is S.LOCKED
    after = expire(standing, NOW + timedelta(days=30))
    assert (after.bill.status, after.locks[0].state) == (S.ISSUED, L.EXPIRED)
    later = a_lock(lock_id="L2").model_copy(update={"locked_at": NOW + timedelta(days=30)})
    assert take_lock(standing, later).live is not None


class Life(RuleBasedStateMachine):
    """A bill through any life. Beside it the simplest books there can be: who holds it, who has paid what."""

    def __init__(self) -> None:
        super().__init__()
        self.standing = Standing(bill=bill(1_000, fund=300))
        self.now = NOW
        self.number = 0
        self.holder: tuple[str, int] | None = None
        self.until = NOW
        self.paid: dict[str, tuple[str, int]] = {}
        self.red = "no"

    def tick(self) -> None:
        """What time alone does, in the simple books."""
        if self.holder and self.until <= self.now:
            self.holder = None
        if self.red == "asked" and not self.holder and not self.paid:
            self.red = "written"

    def turn(self) -> None:
        """The same in the rules."""
        self.standing = expire(self.standing, self.now)
        if self.standing.red_due:
            self.standing = write_red_letter(self.standing, red_of(self.standing.bill))

    @rule(days=st.integers(0, 12))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.tick()
        self.turn()

    @rule(amount=st.integers(-1, 800), purpose=st.sampled_from(Purpose), days=st.integers(1, 20))
    def somebody_locks(self, amount: int, purpose: Purpose, days: int) -> None:
        self.number += 1
        name = f"L{self.number}"
        self.tick()
        left = 700 - sum(fen for _, fen in self.paid.values())
        may = self.red == "no" and not self.holder and 0 < amount <= left
        wanted = Lock(
            lock_id=name, owner_unit=INSURER, purpose=purpose, amount=amount, locked_at=self.now,
            expires_at=self.now + timedelta(days=days),
        )  # fmt: skip
        if may:
            self.standing = take_lock(self.standing, wanted)
            self.holder, self.until = (name, amount), wanted.expires_at
        else:
            with pytest.raises(Refusal):
                take_lock(self.standing, wanted)

    @rule(mine=st.booleans(), right=st.booleans())
    def somebody_releases(self, mine: bool, right: bool) -> None:
        self.tick()
        name = self.holder[0] if self.holder and mine else "L1"
        if self.holder and name == self.holder[0] and right:
            self.standing = release(self.standing, name, INSURER, self.now)
            self.holder = None
            self.tick()
            self.turn()
        elif not self.holder or name != self.holder[0] or not right:
            with pytest.raises(Refusal):
                release(self.standing, name, INSURER if right else EMPLOYER, self.now)

    @rule(amount=st.integers(-1, 800))
    def somebody_pays(self, amount: int) -> None:
        self.tick()
        self.number += 1
        tx = f"T{self.number}"
        name, most = self.holder or ("L1", 0)
        feedback = Feedback(lock_id=name, reimb_time=self.now, reimb_amount=amount, tx_no=tx)
        if self.holder and 0 < amount <= most:
            self.standing = feed_back(self.standing, feedback, INSURER, self.now)
            assert feed_back(self.standing, feedback, INSURER, self.now) == self.standing
            other = feedback.model_copy(update={"reimb_amount": amount + 1})
            with pytest.raises(Refusal, match="bill_tx_reused"):
                feed_back(self.standing, other, INSURER, self.now)
            self.paid[tx], self.holder = (name, amount), None
        else:
            with pytest.raises(Refusal):
                feed_back(self.standing, feedback, INSURER, self.now)

    @rule(whole=st.booleans(), pick=st.integers(0, 5))
    def somebody_pays_back(self, whole: bool, pick: int) -> None:
        self.tick()
        if not self.paid:
            return
        self.number += 1
        tx, (name, amount) = list(self.paid.items())[pick % len(self.paid)]
        back = Feedback(
            lock_id=name, reimb_time=self.now, reimb_amount=-amount if whole else -amount + 1, tx_no=f"R{self.number}",
            refunds=tx,
        )  # fmt: skip
        if whole:
            self.standing = feed_back(self.standing, back, INSURER, self.now)
            del self.paid[tx]
            self.tick()
            self.turn()
        else:
            with pytest.raises(Refusal, match="bill_amount_exceeds"):
                feed_back(self.standing, back, INSURER, self.now)

    @rule()
    def the_hospital_takes_it_back(self) -> None:
        self.tick()
        if self.red == "no" and (self.holder or not self.paid):
            self.standing = ask_red_letter(self.standing, self.now)
            self.red = "asked"
            self.tick()
            self.turn()
        else:
            with pytest.raises(Refusal):
                ask_red_letter(self.standing, self.now)

    @invariant()
    def it_is_held_by_at_most_one_and_never_paid_more_than_total_less_fund_pay(self) -> None:
        standing = expire(self.standing, self.now)
        assert sum(held.state in LIVE for held in standing.locks) <= 1
        assert 0 <= standing.reimbursed <= standing.bill.ceiling == 700

    @invariant()
    def the_two_books_agree(self) -> None:
        self.tick()
        self.turn()
        live, paid = self.standing.live, sum(fen for _, fen in self.paid.values())
        assert (live.lock.lock_id if live else None) == (self.holder[0] if self.holder else None)
        assert self.standing.reimbursed == paid
        expected = {"written": S.RED_LETTERED}.get(self.red)
        if expected is None:
            free = S.ISSUED if not paid else S.REIMBURSED if paid == 700 else S.PARTLY_REIMBURSED
            expected = S.LOCKED if self.holder else free
        assert self.standing.bill.status is expected


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
