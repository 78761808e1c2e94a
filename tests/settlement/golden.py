"""The golden packs and claims, and short ways to a pack or claim that differs from them in one place."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from domain.settlement import Claim, PolicyPack, document, read_claim, read_pack, settle

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = json.loads((GOLDEN / "settlement.json").read_text(encoding="utf-8"))
PACKS = {name: json.loads((GOLDEN / f"pack-{name}.json").read_bytes()) for name in ("TEST-EMP", "TEST-RES")}


def changed(document: object, changes: dict[str, object]) -> dict[str, object]:
    """A copy with other values at these JSON pointers; ``...`` takes a key away."""
    result = copy.deepcopy(document)
    for pointer, value in changes.items():
        *parents, last = pointer.removeprefix("/").split("/")
        place = result
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]  # type: ignore[index]
        key = int(last) if isinstance(place, list) else last
        if value is ...:
            del place[key]  # type: ignore[attr-defined]
        else:
            place[key] = value  # type: ignore[index]
    assert isinstance(result, dict)
    return result


def raw(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def pack_of(name: str, **changes: object) -> PolicyPack:
    """A golden pack; keyword a__b stands for the pointer /a/b."""
    return read_pack(raw(changed(PACKS[name], pointers(changes))))


def claim_of(pack: str, fees: list[dict[str, str]], **changes: object) -> Claim:
    """A claim of somebody in service, first stay of the year, level 3, as at home."""
    claim: dict[str, object] = {
        "claim": "T1",
        "pack": pack,
        "category": "long_term",
        "hospital_level": 3,
        "retiree": False,
        "stay_of_year": 1,
        "aid_class": None,
        "fees": fees,
        "year_to_date": {"pool": "0.00", "big_illness_base": "0.00", "medical_aid": "0.00"},
        "account_balance": "0.00",
    }
    return read_claim(raw(changed(claim, pointers(changes))))


def settled(pack: PolicyPack, claim: Claim) -> dict[str, object]:
    """What the command prints."""
    return document(settle(pack, claim))


def in_scope(amount: str) -> list[dict[str, str]]:
    """A bill that is in scope as a whole."""
    return [{"class": "A", "amount": amount, "over_limit": "0.00"}]


def pointers(changes: dict[str, object]) -> dict[str, object]:
    return {"/" + name.replace("__", "/"): value for name, value in changes.items()}
