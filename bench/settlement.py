"""How many claims a second one process settles: bills of 5, 50 and 500 lines, one third of each class.

settle: the claim is read already, amounts only. printed: with explanation and as JSON text. whole: from JSON text to
JSON text, which is what the command does after it has started.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from domain.settlement import Claim, PolicyPack, document, read_claim, read_pack, settle

PACK = Path(__file__).resolve().parents[1] / "catalogue" / "policies" / "TEST-RES.json"
LINES = (5, 50, 500)
ROUNDS = 5  # the best of them: what disturbs makes it slower only


def claim_of(lines: int) -> bytes:
    """A bill that meets every part: over the limit price, deductible, big-illness insurance, medical aid, account."""
    kinds = (
        {"class": "A", "amount": "9321.45", "over_limit": "21.40"},
        {"class": "B", "amount": "1233.25", "over_limit": "3.10", "preselfpay": "0.10"},
        {"class": "C", "amount": "77.77"},
    )
    claim = {
        "claim": f"BENCH-{lines}",
        "pack": "TEST-RES",
        "category": "other",
        "hospital_level": 3,
        "retiree": False,
        "stay_of_year": 1,
        "aid_class": "dibao",
        "fees": [kinds[i % len(kinds)] for i in range(lines)],
        "year_to_date": {"pool": "1000.00", "big_illness_base": "15000.00", "medical_aid": "0.00"},
        "account_balance": "300.00",
    }
    return json.dumps(claim).encode()


def _per_second(work: Callable[[], object], seconds: float) -> float:
    best = 0.0
    for _ in range(ROUNDS):
        done, begun = 0, time.process_time()
        while (took := time.process_time() - begun) < seconds / ROUNDS:
            work()
            done += 1
        best = max(best, done / took)
    return round(best, 1)


def _printed(pack: PolicyPack, claim: Claim) -> str:
    return json.dumps(document(settle(pack, claim)), ensure_ascii=False)


def _whole(pack: PolicyPack, text: bytes) -> str:
    return _printed(pack, read_claim(text))


def run(seconds: float, out: Console) -> list[dict[str, Any]]:
    """Claims per second of CPU, in one process; so many seconds for each figure."""
    pack = read_pack(PACK.read_bytes())
    rows = []
    for lines in LINES:
        text = claim_of(lines)
        claim = read_claim(text)

        row = {
            "lines": lines,
            "settle": _per_second(partial(settle, pack, claim), seconds),
            "printed": _per_second(partial(_printed, pack, claim), seconds),
            "whole": _per_second(partial(_whole, pack, text), seconds),
        }
        rows.append(row)
        out.print(f"{lines:4} lines, claims/s: " + ", ".join(f"{key} {row[key]:.0f}" for key in list(row)[1:]))
    return rows
