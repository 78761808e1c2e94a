"""What medical matters ask of the platform of fiscal e-bills: issue, red letter, lock, release, what was paid.

An order's key is that of the errand (matter and number), so that however often the activity runs it is one order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.billing import carry_out
from adapters.ebills.port import EbillPlatform
from domain import bills as words
from domain import names
from domain.bills import BillContent, BillKind, Feedback, Insurance, OrderKind, Payee, Payer, Purpose
from domain.errors import Refusal
from domain.medical import BillOrder, BillWork, ExchangeEnd, ExchangeOutcome, MatterKind
from domain.medical.access import AGENCY
from domain.medical.interface_words import fen
from domain.messages import SYSTEM
from models.database import Database
from models.matters import Matter, read_matter

RESIDENT_ID = "resident_id"
UNKNOWN = frozenset({"temporarily_down", "ebills_unknown_outcome"})  # the same order again brings the answer


class BillActivities:
    """platform: None where none is configured; then orders wait. lock_days: for how long a claim locks a bill."""

    def __init__(self, database: Database, platform: EbillPlatform | None, lock_days: int) -> None:
        self._database = database
        self._platform = platform
        self._lock_days = lock_days

    @activity.defn(name=names.BILL_ACTIVITY)
    async def order_bill(self, order: BillOrder) -> ExchangeOutcome:
        """One order, once. Fails, to be tried again, while its outcome is not known."""
        if self._platform is None:
            raise ApplicationError("no platform of e-bills is configured", type="Misconfigured")
        async with self._database.begin() as session:
            matter = await read_matter(session, order.no)
        if matter is None:
            raise ApplicationError(f"no matter {order.no}", type="NoMatter")
        wanted = self._spelled(order, matter)
        place = {"owner": matter.person, "insured": matter.insured, "institution": order.institution, "about": order.no}

        desk = SYSTEM.model_copy(update={"region": matter.insured, "department": AGENCY})
        try:
            outcome = await carry_out(self._database, self._platform, desk, wanted, place)
        except Refusal as no:
            if no.code in UNKNOWN:
                raise ApplicationError(no.code, type="Unavailable") from no
            return ExchangeOutcome(end=ExchangeEnd.REFUSED, code=no.code, text=no.kind.text.zh)
        if outcome.refused:
            return ExchangeOutcome(end=ExchangeEnd.REFUSED, code=outcome.refused)
        return ExchangeOutcome(end=ExchangeEnd.DONE, body=json.dumps(_told(outcome), sort_keys=True))

    def _spelled(self, order: BillOrder, matter: Matter) -> words.BillOrder:
        """The order as the platform understands it."""
        key = hashlib.sha256(f"matter\n{order.no}\n{order.number}".encode()).hexdigest()
        ref = words.BillRef(code=order.code, number=order.bill_number) if order.code else None
        base = words.BillOrder(kind=KINDS[order.work], key=key, unit=order.unit, bill=ref)
        match order.work:
            case BillWork.ISSUE:
                return base.model_copy(update={"content": content_of(order, matter), "bill": None})
            case BillWork.LOCK:
                return base.model_copy(
                    update={
                        "purpose": Purpose.MEDICAL_INSURANCE,
                        "amount": order.total,
                        "days": self._lock_days,
                        "claim": order.no,
                    }
                )
            case BillWork.RELEASE:
                return base.model_copy(update={"lock_id": order.lock})
            case BillWork.REIMBURSED:
                paid = Feedback(
                    lock_id=order.lock, reimb_time=datetime.now(UTC), reimb_amount=order.total, tx_no=order.tx_no
                )
                return base.model_copy(update={"feedback": paid})
            case BillWork.RED_LETTER:
                return base.model_copy(update={"reason": "settlement_undone"})


KINDS: Mapping[BillWork, OrderKind] = {
    BillWork.ISSUE: OrderKind.ISSUE,
    BillWork.RED_LETTER: OrderKind.RED_LETTER,
    BillWork.LOCK: OrderKind.LOCK,
    BillWork.RELEASE: OrderKind.RELEASE,
    BillWork.REIMBURSED: OrderKind.FEEDBACK,
}


def content_of(order: BillOrder, matter: Matter) -> BillContent:
    """The bill of a treatment: its lines by name, who pays, what the funds have paid.

    The lines are those of the uploads that the order names, whatever was taken down since. If they are not what the
    order says, it fails, to be tried again.
    """
    identity: Mapping[str, Any] = matter.form["identity"]
    settled, items = order.about != order.no, _items(order, matter)
    if sum(item.amount for item in items) != order.total:
        raise ApplicationError(f"the bill of {order.no} is over another sum", type="OtherSum")
    return BillContent(
        region=matter.treatment,
        kind=BillKind.INPATIENT if matter.kind == MatterKind.STAY else BillKind.OUTPATIENT,
        payer=Payer(name=identity["psn_name"], id_type=RESIDENT_ID, id_no=identity["mdtrt_cert_no"]),
        payee=Payee(uscc=order.unit, name=order.institution_name),
        total=order.total,
        items=items,
        insurance=Insurance(
            fund_pay=order.fund_pay,
            acct_pay=order.acct_pay,
            cash_pay=order.total - order.fund_pay - order.acct_pay,
            setl_id=order.about if settled else "",
        ),
    )


def _items(order: BillOrder, matter: Matter) -> tuple[words.BillItem, ...]:
    """What was charged, equal names in one line."""
    sums: dict[str, int] = {}
    for part in order.parts:
        for line in matter.form[part]["feedetail"]:
            name = line["med_list_name"] or line["med_list_codg"]
            sums[name] = sums.get(name, 0) + fen(line["det_item_fee_sumamt"])
    return tuple(words.BillItem(name=name, amount=amount) for name, amount in sums.items())


def _told(outcome: words.BillOutcome) -> dict[str, str]:
    """What the workflow needs: numbers of the bill, or of the lock."""
    told: dict[str, str] = {}
    if outcome.bill is not None:
        told |= {"code": outcome.bill.code, "number": outcome.bill.number}
    if outcome.lock is not None:
        told["lock_id"] = outcome.lock.lock.lock_id
    return told
