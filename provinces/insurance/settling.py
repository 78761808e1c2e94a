"""A claim at the insured place: which category, which pack, what the fields of the answer are."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from provinces.insurance import register
from provinces.insurance.books import Books, Visit
from provinces.insurance.compute import NOTHING, Pack, Person, Result, Sums, Year, settle
from provinces.insurance.given import Given
from provinces.insurance.letters import Fields
from provinces.insurance.refusals import Code, Refused
from provinces.insurance.register import Insured

BEST_FIRST = ("long_term", "referral", "emergency", "other")
RETIRED = "12"
AMOUNTS = (
    "medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt", "act_pay_dedc",
    "hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay", "fund_pay_sumamt",
    "psn_part_amt", "acct_pay", "psn_cash_pay", "hosp_part_amt", "acct_mulaid_pay",
)  # fmt: skip
IN_THE_BOOK = (
    "medfee_sumamt", "fund_pay_sumamt", "hifp_pay", "hifob_pay", "hifmi_pay", "maf_pay", "acct_pay", "psn_cash_pay",
    "psn_part_amt", "hosp_part_amt",
)  # fmt: skip


@dataclass(frozen=True)
class Category:
    """Under which category a person is treated somewhere; ``filing``: by which filing, if by one."""

    name: str
    filing: str = ""


@dataclass(frozen=True)
class Claim:
    """A claim, computed. ``year``: of the discharge; the whole stay is one claim of that year."""

    result: Result
    category: Category
    pack: Pack
    year: str
    before: Year


def category_of(books: Books, person: Insured, place: str, day: str, kind: str, *, emergency: bool) -> Category:
    """By the filing in force there on the day of admission; an emergency is deemed filed; Refused if nothing holds."""
    if register.pooling_area(place) == person.area or register.is_waived(person.area, place, kind):
        return Category("long_term")
    held = [
        each
        for each in books.declarations(person.psn_no, "filing")
        if each.holds_on(day) and register.covers(each.place, place)
    ]
    found = [Category(each.subject, each.id) for each in held]
    if emergency:
        found.append(Category("emergency"))
    if found:
        return min(found, key=lambda each: BEST_FIRST.index(each.name))
    if register.policy(person.area)["without_filing"] == "refuse":
        raise Refused(Code.NO_DIRECT_SETTLEMENT)
    return Category("other")


def check_certificate(books: Books, person: Insured, disease: str, institution: str, day: str) -> None:
    """A chronic disease is certified at home, and where an institution was chosen for it, it is this one."""
    certified = [
        each
        for each in books.declarations(person.psn_no, "certificate")
        if each.subject == disease and each.holds_on(day)
    ]
    if not disease or not certified:
        raise Refused(Code.CERTIFICATE_MISSING)
    chosen = [
        each for each in books.declarations(person.psn_no, "choice") if each.subject == disease and each.holds_on(day)
    ]
    if chosen and institution not in {each.place for each in chosen}:
        raise Refused(Code.INSTITUTION_NOT_OPENED)


def compute_claim(books: Books, person: Insured, visit: Visit, treated: Given, *, use_account: bool) -> Claim:
    """``treated``: what the treatment place adds: sums of the split, level of the institution, day of discharge."""
    begins, ends = visit.begins[:10], treated.moment("endtime")[:10]
    emergency = visit.emergency or visit.med_type == "24"
    category = category_of(books, person, visit.treated_in, begins, visit.kind, emergency=emergency)
    if visit.med_type == "14":
        check_certificate(books, person, treated.text("dise_codg", ""), visit.institution, begins)
    pack = register.pack(person.area, person.insutype, visit.kind, ends)
    names = ("medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    sums = Sums(*(treated.money(name) for name in names))
    if sums.total != sums.own + sums.over + sums.first + sums.scope:
        raise Refused(Code.AMOUNT_MISMATCH)
    before = books.year(person.psn_no, person.insutype, visit.kind, ends[:4])
    who = Person(person.psn_type.startswith(RETIRED), person.aid, person.balance if use_account else NOTHING)
    level = treated.whole("hosp_lv", 3)
    result = settle(pack, sums, category.name, level, who, before, before.stays + 1)
    return Claim(result, category, pack, ends[:4], before)


def setlinfo(claim: Claim, person: Insured, visit: Visit, now: str, msgid: str) -> Fields:
    """The fields of the national interface, and ours beside them."""
    r, zero = claim.result, NOTHING
    paid_for = r.sums.scope - r.deductible
    share = (r.pool / paid_for).quantize(Decimal("0.0001")) if paid_for else Decimal("0.0000")
    return {
        "medfee_sumamt": r.sums.total, "fulamt_ownpay_amt": r.sums.own, "overlmt_selfpay": r.sums.over,
        "preselfpay_amt": r.sums.first, "inscp_scp_amt": r.sums.scope, "act_pay_dedc": r.deductible,
        "hifp_pay": r.pool, "pool_prop_selfpay": share, "cvlserv_pay": zero, "hifes_pay": zero,
        "hifmi_pay": r.big_illness, "hifob_pay": r.over_cap, "maf_pay": r.aid, "oth_pay": zero,
        "fund_pay_sumamt": r.funds, "psn_part_amt": r.person, "acct_pay": r.account, "psn_cash_pay": r.cash,
        "hosp_part_amt": zero, "balc": person.balance - r.account, "acct_mulaid_pay": r.mutual,
        "medins_setl_id": msgid, "clr_optins": person.area, "clr_way": "1",
        "clr_type": "21" if visit.kind == "inpatient" else "11", "mdtrt_id": visit.mdtrt_id,
        "psn_no": person.psn_no, "setl_time": now, "category": claim.category.name, "filing": claim.category.filing,
        "pack": claim.pack["pack"], "pack_version": claim.pack["version"], "setl_year": claim.year, "setl_id": "",
        "orig_setl_id": "",
    }  # fmt: skip


def negated(info: Fields) -> Fields:
    """The same with every amount turned round."""
    return info | {name: -amount for name in AMOUNTS if isinstance(amount := info[name], Decimal)}


def book_row(info: Fields, visit: Visit, kind: str, msgid: str, infno: str) -> Fields:
    """The row that all three books show."""
    day = str(info["setl_time"])[:10]
    return {
        "at": info["setl_time"], "day": day, "kind": kind, "setl_id": info["setl_id"],
        "orig_setl_id": info["orig_setl_id"], "msgid": msgid, "infno": infno, "mdtrt_id": visit.mdtrt_id,
        "psn_no": visit.psn_no, "insutype": visit.insutype, "insuplc_admdvs": visit.insured_in,
        "mdtrtarea_admvs": visit.treated_in, "fixmedins_code": visit.institution, "clr_type": info["clr_type"],
        "setl_year": info["setl_year"],
    } | {name: info[name] for name in IN_THE_BOOK}  # fmt: skip


def added_up(a: Year, b: Year, sign: int) -> Year:
    """A year with another added (1) or taken away (-1)."""
    return Year(
        a.stays + sign * b.stays, a.pool + sign * b.pool, a.over_cap + sign * b.over_cap,
        a.big_illness_base + sign * b.big_illness_base, a.medical_aid + sign * b.medical_aid,
    )  # fmt: skip
