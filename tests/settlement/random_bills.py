"""Random packs and claims as JSON documents, drawn so that caps, edges and half fen are met often."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("TONGBAN_SETTLEMENT_EXAMPLES", "60"))
RANDOM = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=EXAMPLES < 1000,  # the suite is the same for everybody; the long run looks for what is new
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

CATEGORIES = ("long_term", "referral", "emergency", "other")
AID = ("dibao", "tekun")


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


@cache  # building strategies would take most of the time
def amounts(most: int) -> st.SearchStrategy[str]:
    """Of every size; a tenth 0, and many with a 5 at the end, which makes half fen."""
    return st.integers(-(most // 10), 2 * most).map(
        lambda n: yuan(max(0, n if n <= most else (n - most) // 10 * 10 + 5))
    )


@cache
def ratios(most: int = 100) -> st.SearchStrategy[str]:
    """Of hundredths, and one in ten of thousandths."""
    return st.integers(0, most * 10).map(lambda n: f"{n // 1000}.{n % 1000 // 10:02}{n % 10 if n % 10 == 5 else ''}")


@cache
@st.composite
def bands(draw: st.DrawFn, of_levels: bool, most: int) -> list[dict[str, Any]]:
    ends = sorted(draw(st.sets(st.integers(1, most), max_size=3)))
    result: list[dict[str, Any]] = []
    for end in [*map(yuan, ends), None]:
        ratio: Any = draw(ratios())
        if of_levels:
            ratio = {level: draw(ratios()) for level in "123"}
        result.append({"up_to": end, "ratio": ratio})
    return result


@cache
@st.composite
def packs(draw: st.DrawFn, scale: int) -> dict[str, Any]:
    """scale: fen; the bills are about as large as the bands and the cap."""
    mode = draw(st.sampled_from(["points", "multiplier"]))
    over = {"ratio": draw(ratios()), "limit": draw(amounts(scale))} if draw(st.booleans()) else None
    illness = None
    if draw(st.booleans()):
        illness = {
            "threshold": draw(amounts(scale)),
            "bands": draw(bands(False, 2 * scale)),
            "includes_preselfpay": draw(st.booleans()),
            "aid_threshold_factor": draw(ratios()),
            "aid_bonus": draw(ratios(20)),
        }
    aid = {"ratio": {name: draw(ratios()) for name in AID}, "limit": draw(amounts(scale))}
    return {
        "pack": "RANDOM",
        "version": "1",
        "valid_from": "2026-01-01",
        "valid_to": None,
        "pooling_area": "320500",
        "insutype": "310",
        "deductible": {level: draw(amounts(scale // 10)) for level in "123"},
        "repeat_deductible_factor": draw(ratios()),
        "bands": draw(bands(True, scale)),
        "retiree_bonus": draw(ratios(20)),
        "annual_cap": draw(amounts(2 * scale)),
        "over_cap": over,
        "reduction": {"mode": mode} | {name: draw(ratios()) for name in CATEGORIES},
        "big_illness": illness,
        "medical_aid": aid if draw(st.booleans()) else None,
    }


@cache
@st.composite
def fees(draw: st.DrawFn, scale: int) -> dict[str, str]:
    kind, amount = draw(st.sampled_from("ABC")), draw(amounts(scale))
    if kind == "C":
        return {"class": kind, "amount": amount}
    over = yuan(int(amount.replace(".", "")) * draw(st.integers(-5, 10).map(lambda tenths: max(0, tenths))) // 10)
    line = {"class": kind, "amount": amount, "over_limit": over}
    return line | {"preselfpay": draw(ratios())} if kind == "B" else line


@st.composite
def claims(draw: st.DrawFn, scale: int, pack: dict[str, Any]) -> dict[str, Any]:
    """year_to_date stays within the caps: a claim of a year that was settled here."""

    def within(limit: str) -> str:
        fen = int(limit.replace(".", ""))
        return yuan(fen * draw(st.integers(-5, 15).map(lambda tenths: min(10, max(0, tenths)))) // 10)

    over, aid = pack["over_cap"], pack["medical_aid"]
    return {
        "claim": "R1",
        "pack": "RANDOM",
        "category": draw(st.sampled_from(CATEGORIES)),
        "hospital_level": draw(st.integers(1, 3)),
        "retiree": draw(st.booleans()),
        "stay_of_year": draw(st.integers(1, 3)),
        "aid_class": draw(st.sampled_from([None, *AID])),
        "fees": draw(st.lists(fees(scale), min_size=1, max_size=5)),
        "year_to_date": {
            "pool": within(pack["annual_cap"]),
            "over_cap": within(over["limit"] if over else "0.00"),
            "big_illness_base": draw(amounts(2 * scale)),
            "medical_aid": within(aid["limit"] if aid else "0.00"),
        },
        "account_balance": draw(amounts(scale)),
        "mutual_aid_balance": draw(amounts(scale)),
    }


SCALES = st.sampled_from([100, 5_000, 200_000, 10_000_000, 10**14])


@st.composite
def packs_with_claims(draw: st.DrawFn, count: int = 1) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    scale = draw(SCALES)
    pack = draw(packs(scale))
    return pack, [draw(claims(scale, pack)) for _ in range(count)]
