"""A settlement as one balanced entry; its undoing as a new entry with every amount negated, never an edit.

A posting's amount is in fen: above 0 a debit, below 0 a credit. An entry balances twice: the bill with those who pay
it, and the advance of the treatment province with what the insured province owes (domain note 3.8: gross, province to
province).
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from domain.ledger.accounts import BETWEEN_PROVINCES, Account
from domain.ledger.settled import SettledRow
from domain.messages import Message

_PAID_BY = {
    Account.CASH: "psn_cash_pay",
    Account.PERSONAL_ACCOUNT: "acct_pay",
    Account.MUTUAL_AID_ACCOUNT: "acct_mulaid_pay",
    Account.HOSPITAL: "hosp_part_amt",
    Account.HIFP: "hifp_pay",
    Account.HIFOB: "hifob_pay",
    Account.HIFMI: "hifmi_pay",
    Account.HIFES: "hifes_pay",
    Account.CVLSERV: "cvlserv_pay",
    Account.MAF: "maf_pay",
    Account.OTH: "oth_pay",
}


class EntryKind(StrEnum):
    SETTLEMENT = "settlement"
    REVERSAL = "reversal"


class Posting(Message):
    """``province``: whose books it stands in."""

    account: Account
    province: str
    amount: int


class Entry(Message):
    """One entry. ``original``: the settlement that a reversal undoes."""

    setl_id: str
    kind: EntryKind
    stay: str
    payer: str
    payee: str
    day: date
    postings: tuple[Posting, ...]
    original: str = ""

    @model_validator(mode="after")
    def _balanced(self) -> Self:
        between = sum(p.amount for p in self.postings if p.account in BETWEEN_PROVINCES)
        if between or sum(p.amount for p in self.postings):
            raise ValueError(f"entry {self.setl_id} does not balance")
        if not self.postings:
            raise ValueError(f"entry {self.setl_id} has no posting")
        return self


def entry_of(row: SettledRow) -> Entry:
    """The entry of a settlement or a reversal. Accounts that nothing goes to are left out, the bill never is."""
    amounts = row.amounts
    postings = [Posting(account=Account.BILL, province=row.payee, amount=amounts.medfee_sumamt)]
    for account, field in _PAID_BY.items():
        if paid := getattr(amounts, field):
            province = row.payee if account is Account.HOSPITAL else row.payer
            postings.append(Posting(account=account, province=province, amount=-paid))
    if owed := row.payable:
        postings.append(Posting(account=Account.ADVANCE, province=row.payee, amount=owed))
        postings.append(Posting(account=Account.PAYABLE, province=row.payer, amount=-owed))
    return Entry(
        setl_id=row.setl_id,
        kind=EntryKind.REVERSAL if row.original else EntryKind.SETTLEMENT,
        stay=row.stay,
        payer=row.payer,
        payee=row.payee,
        day=row.day,
        postings=tuple(postings),
        original=row.original,
    )


def negated(row: SettledRow, *, setl_id: str, msgid: str, day: date) -> SettledRow:
    """The row that undoes ``row``; ValueError if that is a reversal itself or ``day`` lies before it."""
    if row.original:
        raise ValueError(f"{row.setl_id} is a reversal")
    if day < row.day:
        raise ValueError(f"{row.setl_id} cannot be reversed before it was settled")
    return row.model_copy(
        update={
            "setl_id": setl_id,
            "msgid": msgid,
            "day": day,
            "amounts": row.amounts.negated(),
            "original": row.setl_id,
        }
    )


def reversal_of(entry: Entry, *, setl_id: str, day: date) -> Entry:
    """The entry that undoes ``entry``: the same accounts, the other signs."""
    if entry.kind is EntryKind.REVERSAL:
        raise ValueError(f"{entry.setl_id} is a reversal")
    postings = tuple(p.model_copy(update={"amount": -p.amount}) for p in entry.postings)
    update = {"setl_id": setl_id, "day": day, "postings": postings, "original": entry.setl_id}
    return entry.model_copy(update=update | {"kind": EntryKind.REVERSAL})
