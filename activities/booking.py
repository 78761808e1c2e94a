"""A settlement of a platform on its way into the books (domain.ledger): entered with the answer, or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.ledger import Reversal, SettledAmounts, SettledRow
from domain.medical import Exchange
from domain.medical.interface import SetlInfo
from domain.medical.interface_words import UNDOES, fen
from models.database import Session
from models.ledger import find_settlement, post_reversal, post_settlement
from models.matters import Matter

WIRE_TIME = "%Y-%m-%d %H:%M:%S"


class BadSettlement(ValueError):
    """A settlement that contradicts itself, or is not the one that was asked for."""


async def book(session: Session, exchange: Exchange, matter: Matter, msgid: str, output: Mapping[str, Any]) -> None:
    """Enters what a platform has settled or undone. Raises BadSettlement, or ValidationError if it does not add up."""
    info = SetlInfo.model_validate(output["setlinfo"])
    day = datetime.strptime(info.setl_time, WIRE_TIME).date()  # noqa: DTZ007 - the wire's times are of Asia/Shanghai
    asked = json.loads(exchange.body)
    amounts = SettledAmounts.model_validate({name: getattr(info, name) for name in SettledAmounts.model_fields})
    if exchange.infno in UNDOES:
        if not info.orig_setl_id:
            raise BadSettlement("an undoing of nothing")
        if info.orig_setl_id != asked["setl_id"]:
            raise BadSettlement("the undoing of another settlement")
        original = await find_settlement(session, info.orig_setl_id)
        if original is not None and amounts != original.amounts.negated():
            raise BadSettlement("an undoing of other amounts")
        await post_reversal(session, Reversal(original=info.orig_setl_id, setl_id=info.setl_id, msgid=msgid, day=day))
        return
    if not info.setl_id or info.orig_setl_id:
        raise BadSettlement("not a settlement")
    if amounts.medfee_sumamt != fen(asked["medfee_sumamt"]):
        raise BadSettlement("a settlement of another sum")
    await post_settlement(
        session,
        SettledRow(
            setl_id=info.setl_id,
            msgid=msgid,
            stay=exchange.no,
            person=matter.person,
            insured=exchange.insured,
            treatment=exchange.place,
            institution=exchange.institution,
            med_type=str(matter.start["med_type"]),
            clr_type=info.clr_type,
            day=day,
            amounts=amounts,
        ),
    )
