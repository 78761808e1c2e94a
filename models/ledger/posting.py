"""Settlements and reversals are entered. The same again changes nothing; other content under a number is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import or_, select, text
from sqlmodel import col

from domain.ledger import AMOUNTS, Entry, Reversal, SettledAmounts, SettledRow, entry_of, negated
from models.database import Session
from models.ledger.tables import SettlementRow


class LedgerConflict(Exception):
    """A number or message id stands in the books with other content, or a settlement is reversed already."""


_FIELDS = ("setl_id", "msgid", "stay", "person", "insured", "treatment", "payer", "payee", "institution", "med_type",
           "clr_type", "day", "basis", "payable", *AMOUNTS, "original")  # fmt: skip
_SETTLEMENT = text(
    f"INSERT INTO settlement ({', '.join(_FIELDS)}, posted_at)"  # noqa: S608  names of columns
    f" VALUES ({', '.join(':' + name for name in _FIELDS)}, clock_timestamp())"
    " ON CONFLICT DO NOTHING RETURNING setl_id"
)
_ENTRY = text(
    """
    WITH made AS (
        INSERT INTO ledger_entry (setl_id, kind, stay, payer, payee, day)
        VALUES (:setl_id, :kind, :stay, :payer, :payee, :day) RETURNING id
    )
    INSERT INTO ledger_posting (entry, line, account, province, amount)
    SELECT made.id, p.line, p.account, p.province, p.amount
    FROM made, unnest(CAST(:accounts AS text[]), CAST(:provinces AS text[]), CAST(:amounts AS bigint[]))
         WITH ORDINALITY AS p (account, province, amount, line)
    """
)
_ITEM = text(
    "INSERT INTO clearing_item (setl_id, payer, payee, day, amount, disputed, carried)"
    " VALUES (:setl_id, :payer, :payee, :day, :amount, false, 0)"
)
_DOUBT_ENDS = text("UPDATE settlement_doubt SET ended_at = clock_timestamp() WHERE msgid = :msgid AND ended_at IS NULL")


async def post_settlement(session: Session, row: SettledRow) -> None:
    """Enters a settlement with its entry. LedgerConflict if its number or message id stands for something else."""
    if row.original:
        raise ValueError("a reversal is entered by post_reversal")
    await _post(session, row)


async def post_reversal(session: Session, reversal: Reversal) -> None:
    """Enters the undoing of a settlement. LedgerConflict: not in the books, reversed by another, or number in use."""
    original = await find_settlement(session, reversal.original)
    if original is None:
        raise LedgerConflict(f"{reversal.original} is not in the books")
    try:
        row = negated(original, setl_id=reversal.setl_id, msgid=reversal.msgid, day=reversal.day)
    except ValueError as error:
        raise LedgerConflict(str(error)) from error
    await _post(session, row)


async def _post(session: Session, row: SettledRow) -> None:
    entry, values = entry_of(row), _values(row)
    inserted = await session.execute(_SETTLEMENT, values)
    if inserted.first() is None:
        await _same(session, values)
        return
    await session.execute(_ENTRY, _entry_values(entry))
    if row.payer != row.payee:
        await session.execute(
            _ITEM,
            {"setl_id": row.setl_id, "payer": row.payer, "payee": row.payee, "day": row.day, "amount": row.payable},
        )
    await session.execute(_DOUBT_ENDS, {"msgid": row.msgid})


def _values(row: SettledRow) -> dict[str, Any]:
    amounts = {name: getattr(row.amounts, name) for name in AMOUNTS}
    own = row.model_dump(exclude={"amounts", "original", "basis"})
    derived = {"payer": row.payer, "payee": row.payee, "payable": row.payable, "basis": row.basis.value}
    return own | derived | amounts | {"original": row.original or None}


def _entry_values(entry: Entry) -> dict[str, Any]:
    return {
        "setl_id": entry.setl_id,
        "kind": entry.kind.value,
        "stay": entry.stay,
        "payer": entry.payer,
        "payee": entry.payee,
        "day": entry.day,
        "accounts": [p.account.value for p in entry.postings],
        "provinces": [p.province for p in entry.postings],
        "amounts": [p.amount for p in entry.postings],
    }


async def _same(session: Session, values: dict[str, Any]) -> None:
    """Nothing was entered: fine if exactly this stands there already."""
    found = await session.execute(
        select(SettlementRow)
        .where(
            or_(
                col(SettlementRow.setl_id) == values["setl_id"],
                col(SettlementRow.msgid) == values["msgid"],
                (col(SettlementRow.original) == values["original"]) & col(SettlementRow.original).is_not(None),
            )
        )
        .execution_options(populate_existing=True)
    )
    for stored in found.scalars():
        differ = sorted(name for name in _FIELDS if getattr(stored, name) != values[name])
        if differ:
            raise LedgerConflict(
                f"{values['setl_id']}: {stored.setl_id} stands in the books with other {', '.join(differ)}"
            )


async def find_settlement(session: Session, setl_id: str) -> SettledRow | None:
    """What the books hold under a number."""
    stored = await session.get(SettlementRow, setl_id)
    if stored is None:
        return None
    held = stored.model_dump(exclude={"original", "posted_at", *AMOUNTS})
    amounts = SettledAmounts.model_validate({name: getattr(stored, name) for name in AMOUNTS})
    return SettledRow.model_validate(held | {"amounts": amounts, "original": stored.original or ""})


async def open_doubt(session: Session, msgid: str, day: date) -> None:
    """A message was sent and its outcome is not known: until it is, the day's reconciliation holds it in doubt."""
    await session.execute(
        text(
            "INSERT INTO settlement_doubt (msgid, day, since)"
            " SELECT CAST(:msgid AS text), CAST(:day AS date), clock_timestamp()"
            " WHERE NOT EXISTS (SELECT 1 FROM settlement WHERE msgid = CAST(:msgid AS text)) ON CONFLICT DO NOTHING"
        ),
        {"msgid": msgid, "day": day},
    )


async def end_doubt(session: Session, msgid: str) -> None:
    """It is known that nothing was done. What was done ends the doubt by being entered."""
    await session.execute(_DOUBT_ENDS, {"msgid": msgid})
