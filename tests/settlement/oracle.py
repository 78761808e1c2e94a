"""Domain note 3.6 once more, written down plainly in decimals over the raw JSON: what the engine is compared with.

It shares no code with the engine, and its way is another: it goes through the bands of the whole amount, and looks for
the cap afterwards.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

ZERO, ONE = Decimal(0), Decimal(1)


def round2(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def expected(pack: dict[str, Any], claim: dict[str, Any]) -> dict[str, str]:
    """The fields of the golden file, and acct_mulaid_pay."""
    with localcontext() as context:
        context.prec = 80
        return {field: f"{value:.2f}" for field, value in _settle(pack, claim).items()}


def _settle(pack: dict[str, Any], claim: dict[str, Any]) -> dict[str, Decimal]:
    T = A = O = P = ZERO  # noqa: E741 - the names of the domain note
    for line in claim["fees"]:
        amount = Decimal(line["amount"])
        T += amount
        if line["class"] == "C":
            A += amount
            continue
        over = Decimal(line.get("over_limit", "0"))
        O += over  # noqa: E741
        if line["class"] == "B":
            P += round2((amount - over) * Decimal(line["preselfpay"]))
    S = T - A - O - P

    level, year = str(claim["hospital_level"]), {k: Decimal(v) for k, v in claim["year_to_date"].items()}
    due = Decimal(pack["deductible"][level])
    if claim["stay_of_year"] > 1:
        due = round2(due * Decimal(pack["repeat_deductible_factor"]))
    D = min(S, due)
    hifp, X = _pool(pack, claim, S, D, level, year["pool"])
    hifob = ZERO
    if pack.get("over_cap"):
        left = max(ZERO, Decimal(pack["over_cap"]["limit"]) - year.get("over_cap", ZERO))
        hifob = min(round2(X * Decimal(pack["over_cap"]["ratio"])), left)

    hifmi, illness, aided = ZERO, pack.get("big_illness"), claim.get("aid_class") is not None
    if illness:
        before = year["big_illness_base"]
        after = before + S - hifp - hifob + (P if illness["includes_preselfpay"] else ZERO)
        threshold = Decimal(illness["threshold"])
        bonus = ZERO
        if aided:
            threshold = round2(threshold * Decimal(illness["aid_threshold_factor"]))
            bonus = Decimal(illness["aid_bonus"])
        floor = Decimal(0)
        for band in illness["bands"]:
            top = after if band["up_to"] is None else min(after, Decimal(band["up_to"]))
            part = max(ZERO, top - max(floor, threshold, before))
            hifmi += round2(part * min(ONE, Decimal(band["ratio"]) + bonus))
            floor = after if band["up_to"] is None else Decimal(band["up_to"])

    maf = ZERO
    if pack.get("medical_aid") and aided:
        M = P + S - hifp - hifob - hifmi
        left = max(ZERO, Decimal(pack["medical_aid"]["limit"]) - year["medical_aid"])
        maf = min(round2(M * Decimal(pack["medical_aid"]["ratio"][claim["aid_class"]])), left)

    fund = hifp + hifob + hifmi + maf
    person = T - fund
    account = min(person, Decimal(claim.get("account_balance", "0")))
    mutual = min(person - account, Decimal(claim.get("mutual_aid_balance", "0")))
    return {
        "medfee_sumamt": T,
        "fulamt_ownpay_amt": A,
        "overlmt_selfpay": O,
        "preselfpay_amt": P,
        "inscp_scp_amt": S,
        "act_pay_dedc": D,
        "hifp_pay": hifp,
        "hifob_pay": hifob,
        "hifmi_pay": hifmi,
        "maf_pay": maf,
        "fund_pay_sumamt": fund,
        "psn_part_amt": person,
        "acct_pay": account,
        "acct_mulaid_pay": mutual,
        "psn_cash_pay": person - account - mutual,
    }


def _pool(
    pack: dict[str, Any], claim: dict[str, Any], S: Decimal, D: Decimal, level: str, paid_before: Decimal
) -> tuple[Decimal, Decimal]:
    reduction = pack["reduction"]
    value = Decimal(reduction[claim["category"]])
    rows = []  # (amount in the band, ratio)
    floor = ZERO
    for band in pack["bands"]:
        top = S if band["up_to"] is None else min(S, Decimal(band["up_to"]))
        base = Decimal(band["ratio"][level])
        if claim["retiree"]:
            base += Decimal(pack["retiree_bonus"])
        ratio = max(ZERO, base - value) if reduction["mode"] == "points" else base * value
        rows.append((max(ZERO, top - max(floor, D)), min(ONE, ratio)))
        floor = S if band["up_to"] is None else Decimal(band["up_to"])
    cap = Decimal(pack["annual_cap"])
    total = sum((round2(amount * ratio) for amount, ratio in rows), ZERO)
    left = max(ZERO, cap - paid_before)
    if total <= left:
        return total, ZERO
    paid = ZERO
    for i, (amount, ratio) in enumerate(rows):
        due = round2(amount * ratio)
        if paid + due > left:
            used = round2((left - paid) / ratio)
            return left, amount - used + sum((later for later, _ in rows[i + 1 :]), ZERO)
        paid += due
    raise AssertionError("the cap is met in some band")
