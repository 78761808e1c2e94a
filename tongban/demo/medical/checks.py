"""What has to be true at the end of the medical course. Ours against the ledgers of the platforms, row by row."""

from __future__ import annotations

from domain.medical.interface_words import fen
from tongban.demo.checks import Point
from tongban.demo.medical.closing import Cleared
from tongban.demo.medical.people import PROVINCES, Cast
from tongban.demo.medical.story import CT, Told, yuan
from tongban.demo.words import t

PARTS = (
    ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"),
    ("fund_pay_sumamt", "psn_part_amt", "hosp_part_amt"),
)


def points(told: Told, cast: Cast) -> list[Point]:
    """Everything that had to hold for one patient's way."""
    return [*_way(told), *_recognised(told), *_money(told), *_bills(told), *ledgers(told, cast)]


def _way(told: Told) -> list[Point]:
    kinds = {read["what"] for read in told.reads}
    return [
        Point(t("转诊以治疗结果闭环", "the referral ended in an outcome"), told.referral["status"] == "outcome",
              told.referral["status"]),
        Point(t("备案由转诊自动生效", "the filing became effective by itself"), told.filing["status"] == "effective",
              told.filing["status"]),
        Point(t("按转诊待遇直接结算", "settled directly, as referred"), told.stay["category"] == "referral",
              told.stay["category"]),
        Point(t("患者看到谁查看过健康信息", "the patient sees who has read"), {"stay", "recognition"} <= kinds,
              ", ".join(sorted(kinds))),
    ]  # fmt: skip


def _recognised(told: Told) -> list[Point]:
    states = {report["item"]: report["state"] for report in told.recognition["reports"]}
    again = [report for report in told.recognition["reports"] if report["state"] == "re_examined"]
    return [
        Point(t("CT互认", "the CT was recognised"), states.get(CT) == "recognised", str(states)),
        Point(
            t("复查有理由并告知患者", "the other one was done anew, with a reason the patient has seen"),
            bool(again) and all(r["reason"] and r["explanation"] and r["acknowledged_at"] for r in again),
            str(again)[:200],
        ),
        Point(t("互认项目不重复收费", "a recognised item is not charged again"), told.charged_again == 422,
              str(told.charged_again)),
    ]  # fmt: skip


def _money(told: Told) -> list[Point]:
    settlements = told.stay["settlements"]
    first, undoing, second = (*settlements, {}, {}, {})[:3]
    add_up = all(
        sum(done["amounts"][name] for name in part) == done["amounts"]["medfee_sumamt"]
        for done in settlements
        for part in PARTS
    )
    negated = bool(undoing) and all(first["amounts"][n] + undoing["amounts"][n] == 0 for n in first["amounts"])
    agree = [fact["agrees"] for fact in told.facts]
    return [
        Point(t("结算两次、撤销一次", "settled twice, undone once"), len(settlements) == 3, str(len(settlements))),
        Point(t("基金、个人、医院之和等于总额", "funds, patient and hospital are the bill"), add_up),
        Point(t("撤销后每项归零", "undone, every amount is nothing"), negated),
        Point(t("试算与结算一致", "the preview was the settlement"),
              bool(second) and told.preview == first["amounts"] == second["amounts"]),
        Point(t("患者复算与结算一致", "recomputed by the patient it is the same"), bool(agree) and all(agree),
              str(agree)),
    ]  # fmt: skip


def _bills(told: Told) -> list[Point]:
    issued = [done["bill"] for done in told.stay["settlements"] if not done["undoes"]]
    red = [bill["red_lettered"] for bill in issued if bill]
    return [
        Point(t("第一张票据冲红，第二张有效", "the first e-bill is cancelled, the second stands"), red == [True, False],
              str(red)),
    ]  # fmt: skip


def ledgers(told: Told, cast: Cast) -> list[Point]:
    """The books of the treatment place, the hub and the insured place, each equal to what we show."""
    ours = sorted(
        (done["settlement"], done["undoes"], done["amounts"]["medfee_sumamt"], done["amounts"]["fund_pay_sumamt"])
        for done in told.stay["settlements"]
    )
    insured = f"{told.patient.city[:2]}0000"
    result = []
    for region, role in (("310000", "treatment"), ("hub", "hub"), (insured, "insured")):
        rows = cast.ledger(region, role, mdtrt_id=told.stay["visit"])
        theirs = sorted(
            (r["setl_id"], r["orig_setl_id"], fen(r["row"]["medfee_sumamt"]), fen(r["row"]["fund_pay_sumamt"]))
            for r in rows
        )
        result.append(
            Point(t(f"{region} 账簿与我方逐笔一致", f"the book of {region} is ours, row by row"), theirs == ours,
                  f"{theirs} {ours}")
        )  # fmt: skip
    return result


def cleared(told: Told, done: Cleared, cast: Cast) -> list[Point]:
    """The month, against the insured places' own ledgers."""
    standing = 0 if done.before else told.stay["settlements"][-1]["amounts"]["fund_pay_sumamt"]
    mine = {s["settlement"] for s in told.stay["settlements"]}
    net = sum(fen(item["amount"]) for item in done.items if item["settlement"] in mine)
    nets = [fen(each["net"]) for each in done.month.get("nets", ())]
    return [
        Point(t("当日各方账簿全部相符", "today every book agrees"),
              bool(done.books) and all(book["read"] and not book["differences"] for book in done.books),
              str(done.books)[:300]),
        Point(t("清算完成", "the month is cleared"), done.month.get("state") in {"cleared", "paid"},
              str(done.month.get("state"))),
        Point(t(f"安徽应付上海，本例净额 {yuan(standing)}", f"Anhui owes Shanghai {yuan(standing)} for this stay"),
              net == standing, f"{net} {standing}"),
        Point(t("四省市净额之和为零", "the nets of all provinces sum to nothing"), sum(nets) == 0, str(nets)),
        _all_books(done, cast),
    ]  # fmt: skip


def _all_books(done: Cleared, cast: Cast) -> Point:
    """What each insured place's own ledger says it owes each other province is what was cleared, or waits to be."""
    taken = cast.cleared_items()
    owed: dict[tuple[str, str], int] = {}
    waiting = 0
    for payer in PROVINCES:
        for row in cast.ledger(payer, "insured"):
            payee = f"{row['row']['mdtrtarea_admvs'][:2]}0000"
            if payee != payer and row["setl_id"] in taken:
                owed[payer, payee] = owed.get((payer, payee), 0) + fen(row["row"]["fund_pay_sumamt"])
            elif payee != payer:
                waiting += 1
    ours = cast.cleared_until_now()
    holds = owed == ours and (bool(waiting) == done.before)
    return Point(
        t("四省市账簿与清算总额一致", "the four provinces' ledgers are what was cleared"), holds,
        f"{owed} {ours}, {waiting} wait",
    )  # fmt: skip
