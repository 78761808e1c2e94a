"""Settlements for people: computed without effect, and one that stands shown so that a patient can recompute it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from api.auth import Login
from api.house import House
from api.schemas_treatments import PreviewIn, SettlementFact
from api.usecases.health import may_read_health, own_person
from api.usecases.treatments import KINDS, settlement_out
from catalogue.medical import institutions
from catalogue.packs import load_packs, pack_for
from domain.calendar import local_day
from domain.errors import Refusal, Refusals
from domain.medical import MatterKind
from domain.medical.interface_words import DROPS, FEES, SETTLES, UNDOES, fen
from domain.medical.treatment_words import SettledOnce, StartTreatment, TreatmentView
from domain.messages import Text
from domain.money import yuan
from domain.settlement import Fault, SettlementRefused, document, read_claim, settle
from models.database import Session
from models.insurance import InsuranceMessage, messages_of
from models.ledger import find_settlement
from models.matters import Matter, read_matter

CLASSES = {"01": "A", "02": "B", "03": "C"}  # chrgitm_lv
RETIRED = "12"  # psn_type begins so


def explained(body: PreviewIn) -> dict[str, Any]:
    """The settlement of a claim by the pack in force, with its explanation; Refusals with every fault."""
    try:
        claim = read_claim(json.dumps(body.claim).encode())
        return document(settle(pack_for(load_packs(), claim), claim))
    except SettlementRefused as refused:
        raise Refusals([_refusal(fault) for fault in refused.faults]) from refused


def _refusal(fault: Fault) -> Refusal:
    return Refusal("claim_wrong", f"/claim{fault.where}", Text(zh=fault.text.zh, en=fault.text.en))


async def fact(session: Session, house: House, login: Login, setl_id: str) -> SettlementFact:
    """One settlement: its amounts, the lines as the treatment place has classified them, and the same computed by us.

    Whoever is not the patient leaves a line in the list of those who have read.
    """
    row = await find_settlement(session, setl_id)
    matter = await read_matter(session, row.stay) if row is not None else None
    if matter is None:
        raise Refusal("not_found")
    kind = MatterKind(matter.kind)
    await may_read_health(session, login.actor, matter.person, KINDS[kind], matter, own=own_person(login))
    view = TreatmentView.model_validate(matter.progress)
    done = next((s for s in view.settlements if s.setl_id == setl_id), None)
    if done is None:
        raise Refusal("not_found")
    messages = await messages_of(session, matter.no)
    sent = next((m for m in messages if m.infno in SETTLES | UNDOES and _number(m) == (done.undoes or setl_id)), None)
    lines = _lines(messages[: messages.index(sent)] if sent else ())
    computed = _recomputed(matter, view, done, sent, lines, messages) if sent and not done.undoes else None
    agrees = None
    if computed is not None:
        agrees = all(computed[n] == yuan(done.amounts[n]) for n in done.amounts if n in computed)
    return SettlementFact(
        no=matter.no, settlement=settlement_out(done, matter), lines=lines, recomputed=computed, agrees=agrees
    )


def _lines(messages: Sequence[InsuranceMessage]) -> list[dict[str, Any]]:
    """The fee lines that these have left there, split by the catalogue of the treatment place."""
    lines: dict[str, dict[str, Any]] = {}
    for message in messages:
        if message.output is None:
            continue
        if message.infno in FEES:
            lines |= {str(line["feedetl_sn"]): line for line in message.output["result"]}
        elif message.infno in DROPS:
            gone = (message.context or {}).get("feedetl_sn") or list(lines)
            lines = {serial: line for serial, line in lines.items() if serial not in gone}
    return list(lines.values())


def _recomputed(
    matter: Matter,
    view: TreatmentView,
    done: SettledOnce,
    sent: InsuranceMessage,
    lines: list[dict[str, Any]],
    messages: Sequence[InsuranceMessage],
) -> dict[str, Any] | None:
    """By our engine, from the lines, the person and the year as the insured place had them; None where that is
    impossible: a pack that is not ours, or nothing known of the year before.
    """
    start = StartTreatment.model_validate(matter.start)
    if sent.output is None or sent.context is None:
        return None
    info, year = sent.output["setlinfo"], sent.context["year_before"]
    hospital = institutions().get(start.institution)
    if hospital is None:
        return None
    person: dict[str, Any] = next((m.output for m in messages if m.infno == "1101" and m.output), {})
    mine: dict[str, Any] = next((r for r in person.get("insuinfo", ()) if r["insutype"] == start.insutype), {})
    content = {
        "claim": done.setl_id,
        "pack": info["pack"],
        "category": info["category"],
        "hospital_level": hospital.level,
        "retiree": str(mine.get("psn_type", "")).startswith(RETIRED),
        "stay_of_year": int(year["stays"]) + 1,
        "fees": [_fee(line) for line in lines],
        "year_to_date": {name: year[name] for name in ("pool", "over_cap", "big_illness_base", "medical_aid")},
        "account_balance": yuan(_account_before(info)) if sent.context["acct_used_flag"] == "1" else "0.00",
    }
    if view.discharged_at is not None:
        content["discharge_date"] = local_day(view.discharged_at).isoformat()
    if mine.get("aid"):
        content["aid_class"] = mine["aid"]
    try:
        claim = read_claim(json.dumps(content).encode())
        return document(settle(pack_for(load_packs(), claim), claim))
    except SettlementRefused:
        return None


def _account_before(info: dict[str, Any]) -> int:
    return fen(info["balc"]) + fen(info["acct_pay"])


def _number(message: InsuranceMessage) -> str:
    return str((message.output or {}).get("setlinfo", {}).get("setl_id", ""))


def _fee(line: dict[str, Any]) -> dict[str, Any]:
    kind = CLASSES[line["chrgitm_lv"]]
    fee: dict[str, Any] = {"class": kind, "amount": line["det_item_fee_sumamt"]}
    if kind != "C" and line["overlmt_amt"] != "0.00":
        fee["over_limit"] = line["overlmt_amt"]
    if kind == "B":
        fee["preselfpay"] = line["selfpay_prop"]
    return fee
