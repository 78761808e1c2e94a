"""The books as rules: every entry balances, and what is undone leaves nothing behind anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.ledger import AMOUNTS, Account, Basis, Entry, EntryKind, SettledAmounts, entry_of, negated, reversal_of
from domain.ledger.settled import SettledRow
from domain.settlement import AMOUNTS as COMPUTED
from domain.settlement import Settlement
from domain.settlement.year import YearTotals
from tests.clearing.samples import AH, SH, amounts, rows, settled


def sums(entries: Iterable[Entry], by: str) -> Counter[object]:
    total: Counter[object] = Counter()
    for entry in entries:
        for posting in entry.postings:
            keys = {
                "account": (posting.account, posting.province),
                "case": entry.stay,
                "pair and day": (entry.payer, entry.payee, entry.day),
                "pair": (entry.payer, entry.payee),
            }
            total[keys[by]] += posting.amount
    return total


@given(st.lists(rows(), min_size=1, max_size=8))
@settings(max_examples=200)
def test_debits_are_credits_per_entry_per_case_and_per_pair_and_day(some: list[SettledRow]) -> None:
    entries = [entry_of(row) for row in some]
    assert all(sum(p.amount for p in entry.postings) == 0 for entry in entries)
    assert not any(sums(entries, "case").values())
    assert not any(sums(entries, "pair and day").values())


@given(st.lists(rows(), min_size=1, max_size=8))
@settings(max_examples=200)
def test_a_settlement_and_its_reversal_leave_nothing(some: list[SettledRow]) -> None:
    entries = []
    for number, row in enumerate(some):
        day = row.day + timedelta(days=number)
        undone = negated(row, setl_id=f"R{row.setl_id}", msgid=f"R{row.msgid}", day=day)
        assert all(getattr(row.amounts, n) + getattr(undone.amounts, n) == 0 for n in AMOUNTS)
        assert entry_of(undone) == reversal_of(entry_of(row), setl_id=f"R{row.setl_id}", day=day)
        entries += [entry_of(row), entry_of(undone)]
    for by in ("account", "case", "pair", "pair and day"):
        assert not any(sums(entries, by).values()), by


@given(rows())
def test_the_bill_is_paid_by_funds_person_and_hospital_and_nobody_else(row: SettledRow) -> None:
    by = {p.account: p.amount for p in entry_of(row).postings}
    between = {by.pop(Account.ADVANCE, 0), -by.pop(Account.PAYABLE, 0)}
    assert between == {row.payable}
    assert by.pop(Account.BILL) == row.amounts.medfee_sumamt == -sum(by.values())
    assert all(amount < 0 for amount in by.values())


def test_each_payer_stands_on_its_own_account_in_the_province_that_pays() -> None:
    row = settled(AH, SH)
    lines = {(p.account.value, p.province): p.amount for p in entry_of(row).postings}
    assert lines == {
        ("bill", SH): 3_200_000,
        ("hifp", AH): -2_466_000,
        ("personal_account", AH): -300_000,
        ("cash", AH): -434_000,
        ("advance", SH): 2_466_000,
        ("payable", AH): -2_466_000,
    }


def test_what_is_drawn_from_accounts_is_owed_only_where_the_profile_says_so() -> None:
    row = settled(amounts=amounts(hifp_pay=100, acct_pay=20, acct_mulaid_pay=3, psn_cash_pay=4))
    assert row.payable == 100
    assert row.model_copy(update={"basis": Basis.FUND_AND_ACCOUNT}).payable == 123


def test_within_one_province_nobody_owes_anybody() -> None:
    entry = entry_of(settled(SH, SH))
    assert {p.account for p in entry.postings} & {Account.ADVANCE, Account.PAYABLE} == set()


def test_a_reversal_cannot_be_reversed_nor_lie_before_what_it_undoes() -> None:
    row = settled()
    undone = negated(row, setl_id="R", msgid="RM", day=row.day)
    with pytest.raises(ValueError, match="is a reversal"):
        negated(undone, setl_id="RR", msgid="RRM", day=row.day)
    with pytest.raises(ValueError, match="is a reversal"):
        reversal_of(entry_of(undone), setl_id="RR", day=row.day)
    with pytest.raises(ValueError, match="before"):
        negated(row, setl_id="R", msgid="RM", day=row.day - timedelta(days=1))


@pytest.mark.parametrize("name", AMOUNTS)
def test_an_amount_that_is_off_by_one_fen_does_not_enter(name: str) -> None:
    good = settled().amounts
    if name == "act_pay_dedc":
        return  # a part of the person's share, in no sum
    with pytest.raises(ValidationError, match="add up"):
        SettledAmounts.model_validate(good.model_dump() | {name: getattr(good, name) + 1})


def test_amounts_of_both_signs_do_not_enter() -> None:
    with pytest.raises(ValidationError, match="both signs"):
        amounts(hifp_pay=100, psn_cash_pay=-1)


def test_an_entry_that_does_not_balance_cannot_be_made() -> None:
    entry = entry_of(settled())
    with pytest.raises(ValidationError, match="balance"):
        Entry.model_validate(entry.model_dump() | {"postings": [p.model_dump() for p in entry.postings[1:]]})
    with pytest.raises(ValidationError, match="no posting"):
        Entry.model_validate(entry.model_dump() | {"postings": []})
    assert entry.kind is EntryKind.SETTLEMENT


def test_what_the_rules_computed_enters_with_the_hospitals_part_off_the_cash() -> None:
    zero = YearTotals()
    values: dict[str, int] = dict.fromkeys(COMPUTED, 0)
    values |= {"medfee_sumamt": 3_200_000, "inscp_scp_amt": 3_200_000, "hifp_pay": 2_466_000}
    values |= {"fund_pay_sumamt": 2_466_000, "psn_part_amt": 734_000, "acct_pay": 300_000, "psn_cash_pay": 434_000}
    made = Settlement(claim="c", pack="p", version="1", counted=zero, year_to_date=zero, **values)
    entered = SettledAmounts.of(made, hospital=1_000)
    assert (entered.psn_cash_pay, entered.psn_part_amt, entered.hosp_part_amt) == (433_000, 733_000, 1_000)
    assert entered.fund_pay_sumamt == 2_466_000
