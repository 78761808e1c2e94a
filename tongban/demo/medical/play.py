"""The medical course shown: what people do, who pays what and why, the bills, the books, the month."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as Line

from domain.messages import Text
from tongban.demo.checks import Point
from tongban.demo.closing import Part
from tongban.demo.medical import checks
from tongban.demo.medical.closing import Cleared, MonthEnd
from tongban.demo.medical.people import Cast, Patient
from tongban.demo.medical.story import Story, Told, yuan
from tongban.demo.people import DemoError
from tongban.demo.words import Lang, t
from tongban.stack.stack import Stack

TITLE = t("马鞍山居民转诊上海，直至月度清算", "a resident of Ma'anshan is referred to Shanghai, to the month's end")
PATIENT = Patient("340500", "resident")
SHOWN = (
    ("medfee_sumamt", t("医疗费总额", "the bill")),
    ("fulamt_ownpay_amt", t("全自费", "not covered")),
    ("overlmt_selfpay", t("超限价自费", "over the limit price")),
    ("preselfpay_amt", t("先行自付", "paid before the insurance begins")),
    ("act_pay_dedc", t("起付线", "deductible")),
    ("hifp_pay", t("统筹基金", "pooled fund")),
    ("hifmi_pay", t("居民大病保险", "big-illness insurance")),
    ("hifob_pay", t("职工大额", "large-amount fund")),
    ("maf_pay", t("医疗救助", "medical aid")),
    ("fund_pay_sumamt", t("基金支付合计", "the funds pay")),
    ("acct_pay", t("个人账户", "personal account")),
    ("psn_cash_pay", t("个人现金", "the patient pays")),
)


def play_medical(stack: Stack, console: Console, lang: Lang, halt: Callable[[], None]) -> Part:
    """Plays it, shows it, and says what had to hold."""
    name = f"medical: {lang.say(TITLE)}"
    console.print()
    console.print(Line(f"== {name}", style="bold"), soft_wrap=True)
    began, cast = time.monotonic(), Cast(stack, PATIENT, halt)

    def say(text: Text) -> None:
        line = Line(f"{time.monotonic() - began:6.1f} s  ", style="bright_black")
        console.print(line.append(lang.say(text), style="default"), soft_wrap=True, highlight=False)

    try:
        told = Story(stack, cast, say).play()
        done = MonthEnd(stack, cast, say).close()
        _show(told, done, console, lang)
        return Part(name, [*checks.points(told, cast), *checks.cleared(told, done, cast)])
    except DemoError as why:
        return Part(name, [Point(t("演示走到终点", "the course came to its end"), holds=False, found=str(why))])
    finally:
        cast.close()


def _show(told: Told, done: Cleared, console: Console, lang: Lang) -> None:
    console.print()
    table = Table(title=lang.say(t("结算（元）", "The settlement (yuan)")), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("", overflow="fold")
    settlements = told.stay["settlements"]
    for each, word in zip(settlements, (t("结算", "settled"), t("撤销", "undone"), t("再结算", "again")), strict=False):
        table.add_column(f"{lang.say(word)}\n{each['settlement']}", justify="right", no_wrap=True)
    for field, word in SHOWN:
        amounts = [each["amounts"][field] for each in settlements]
        if any(amounts):
            table.add_row(lang.say(word), *(yuan(amount) for amount in amounts))
    console.print(table)
    recomputed = told.facts[-1]["recomputed"]
    if recomputed:
        console.print(lang.say(t("这样算出（患者可复核）：", "how it came about, to recompute:")), style="bold")
        for line in recomputed["explanation"]:
            text = Text(zh=line["text"]["zh"], en=line["text"]["en"])
            console.print(f"  {line['amount']:>12}  {lang.say(text)}", soft_wrap=True, highlight=False, markup=False)
    month = done.month
    table = Table(
        title=lang.say(t(f"{month['month']} 清算（元）", f"Clearing of {month['month']} (yuan)")),
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for column in (t("付款", "payer"), t("收款", "payee"), t("笔数", "items"), t("金额", "cleared")):
        table.add_column(lang.say(column), justify="right")
    for pair in month["pairs"]:
        table.add_row(pair["payer"], pair["payee"], str(pair["items"]), str(pair["cleared"]))
    console.print(table)
