"""What is printed at the end: the case, its steps, its clocks, its licence, every ledger, and what had to hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as Line

from domain.messages import Text
from tongban.demo.checks import Point, milestones
from tongban.demo.facts import Facts
from tongban.demo.words import CASE, PROVINCE, SHANGHAI, Lang, actor_text, grouped, region_name, sign, step_titles, t

DIM = "bright_black"


def show(facts: Facts, console: Console, lang: Lang) -> None:
    """The whole closing table."""
    case = facts.case
    style, word = CASE.get(case.status, ("default", t(case.status, case.status)))
    console.print()
    head = Line("办件 Case " if lang is Lang.BOTH else lang.say(t("办件 ", "Case ")), style="bold")
    head.append(grouped(case.no), style="bold cyan")
    head.append(f"  {lang.say(word)}", style=style)
    head.append(f"  {facts.seconds:.1f} s", style=DIM)
    console.print(head, soft_wrap=True, highlight=False)
    if case.reason_text:
        console.print(Line(lang.say(case.reason_text), style=style), soft_wrap=True)
    _steps(facts, console, lang)
    _clocks(facts, console, lang)
    _licence(facts, console, lang)
    _ledgers(facts, console, lang)


def _table(lang: Lang, title: Text, *columns: Text) -> Table:
    table = Table(
        title=lang.say(title),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        expand=True,
    )
    for column in columns:
        table.add_column("\n".join(lang.lines(column)), overflow="fold", header_style=DIM)
    return table


def _steps(facts: Facts, console: Console, lang: Lang) -> None:
    titles = step_titles(facts.case)
    table = _table(
        lang,
        t("环节（北京时间）", "Steps (Asia/Shanghai)"),
        t("时间", "time"),
        t("环节", "step"),
        t("发生了什么", "what happened"),
        t("经办", "by"),
    )
    table.columns[0].no_wrap = True
    for line in milestones(facts):
        title = titles.get(line.step)
        table.add_row(
            f"{line.at.astimezone(SHANGHAI):%m-%d %H:%M:%S}",
            "\n".join(lang.lines(title)) if title else "",
            "\n".join(lang.lines(line.what)),
            "\n".join(lang.lines(actor_text(line.actor))),
        )
    console.print(table)
    left = [step for leg in facts.case.legs for step in leg.steps if step.status not in {"done", "reversed"}]
    if left:
        names = ", ".join(f"{lang.say(step.title)} ({lang.say(sign(step.status).word)})" for step in left)
        console.print(Line(lang.say(t("未发生：", "did not happen: ")) + names, style=DIM))


def _clocks(facts: Facts, console: Console, lang: Lang) -> None:
    table = _table(
        lang, t("期限", "Time limits"), t("期限", "limit"), t("截止", "due"), t("怎样算出", "how it is computed")
    )
    table.columns[1].no_wrap = True
    table.columns[2].ratio = 3
    table.columns[0].ratio = 1
    for clock in facts.case.clocks:
        dues = sorted({f"{day:%Y-%m-%d}" for day in (clock.legal_due, clock.promised_due) if day})
        explained = [line for text in clock.explanation for line in lang.lines(text)]
        table.add_row("\n".join(lang.lines(clock.title)), "\n".join(dues), "\n".join(explained))
    console.print(table)


def _licence(facts: Facts, console: Console, lang: Lang) -> None:
    for result in facts.results.results:
        status, shown = facts.verified.get(result.verify, (0, None))
        console.print(Line(lang.say(result.title), style="bold"))
        console.print(f"  {result.licence}", soft_wrap=True, highlight=False, style="bold cyan")
        console.print(f"  {result.verify}", soft_wrap=True, highlight=False, markup=False)
        valid = shown is not None and shown.valid
        word = t("免登录查验：有效", "asked without a login: valid") if valid else t("查验失败", "not verified")
        style = "green" if valid else "bold red"
        console.print(Line(f"  {'✔' if valid else '✗'} {lang.say(word)} ({status})", style=style))
        for item in shown.shows if shown else ():
            console.print(
                f"    {lang.say(Text.model_validate(item['title']))}: {item['value']}", highlight=False, markup=False
            )
        console.print()


def _ledgers(facts: Facts, console: Console, lang: Lang) -> None:
    table = _table(
        lang,
        t("各省自己的账目", "Each province's own ledger"),
        t("省市", "province"),
        t("事项", "operation"),
        t("动作", "verb"),
        t("生效", "in effect"),
        t("业务号", "number"),
    )
    table.columns[3].justify = "right"
    for province in PROVINCE:
        rows = facts.ledgers.get(province, [])
        for place, row in enumerate(rows):
            name = lang.say(region_name(province)) if not place else ""
            delta = Line(
                f"{row.delta:+}" if row.delta else "0",
                style="green" if row.delta > 0 else "yellow" if row.delta else DIM,
            )
            table.add_row(name, row.operation, row.verb, delta, row.reference)
        if not rows:
            table.add_row(lang.say(region_name(province)), Line("-", style=DIM), "", "", "")
    console.print(table)


@dataclass(frozen=True)
class Part:
    """The points of one course, under its name."""

    name: str
    points: Sequence[Point]


def verdict(parts: Sequence[Part], console: Console, lang: Lang) -> bool:
    """Prints every point, the broken ones again in red with what was found; whether all hold."""
    for part in parts:
        console.print(Line(part.name, style="bold"), soft_wrap=True)
        for point in part.points:
            mark, style = ("✔", "green") if point.holds else ("✗", "bold red")
            console.print(Line(f"{mark} {lang.say(point.what)}", style=style), soft_wrap=True)
        console.print()
    count = sum(len(part.points) for part in parts)
    broken = [(part, point) for part in parts for point in part.points if not point.holds]
    if broken:
        console.print(Line(lang.say(t("不成立：", "What does not hold:")), style="bold red"))
        for part, point in broken:
            text = f"✗ {part.name}: {lang.say(point.what)}: {point.found}"
            console.print(Line(text, style="bold red"), soft_wrap=True)
    else:
        text = lang.say(t(f"{count} 项全部成立", f"all {count} points hold"))
        console.print(Line(f"✔ {text}", style="bold green"), soft_wrap=True)
    return not broken
