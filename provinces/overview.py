"""The province's own page: inbox, ledger, switches, clock. Forms only, no scripts; in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from provinces import html
from provinces.evidence import PROVINCE_NAMES
from provinces.faults import KINDS
from provinces.house import House

SHOWN = 50
WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "title": "模拟省级办事后台", "note": "本程序仅用于测试和演示。", "other": "English", "dialect": "接口方言",
        "inbox": "收件箱", "ledger": "台账", "switches": "故障开关", "clock": "时钟", "callbacks": "回调地址",
        "at": "时间", "key": "请求编号", "number": "业务流水号", "department": "部门", "service": "事项",
        "action": "动作", "state": "状态", "case": "案件", "verb": "动作", "delta": "增减", "kind": "种类",
        "operation": "事项（* 为全部）", "times": "次数", "probability": "概率", "seconds": "秒", "seed": "种子",
        "status": "HTTP 状态", "retry_after": "Retry-After", "switch_on": "打开", "clear": "全部关闭",
        "offset_s": "偏移（秒）", "set": "设置", "now": "现在", "counter": "窗口录入", "step": "步骤",
    },
    "en": {
        "title": "Simulated province", "note": "For tests and demonstrations only.", "other": "中文",
        "dialect": "Dialect", "inbox": "Inbox", "ledger": "Ledger", "switches": "Faults", "clock": "Clock",
        "callbacks": "Address of callbacks", "at": "At", "key": "Request", "number": "Number",
        "department": "Department", "service": "Service", "action": "Action", "state": "State", "case": "Case",
        "verb": "Verb", "delta": "Change", "kind": "Kind", "operation": "Operation (* is all)", "times": "Times",
        "probability": "Probability", "seconds": "Seconds", "seed": "Seed", "status": "HTTP status",
        "retry_after": "Retry-After", "switch_on": "Switch on", "clear": "Switch all off",
        "offset_s": "Offset in seconds", "set": "Set", "now": "Now", "counter": "Counter", "step": "Step",
    },
}  # fmt: skip


def page(house: House, dialect: str, callback_url: str, lang: str) -> Response:
    """The whole page."""
    words = WORDS[lang]
    place = PROVINCE_NAMES.get(house.region[:2], "")
    parts = [
        html.link(f"/?lang={'zh' if lang == 'en' else 'en'}", words["other"]),
        html.link("/counter", words["counter"]) if dialect == "anhui" else "",
        html.paragraph(f"{words['note']} {words['dialect']}: {dialect}"),
        *_clock(house, words),
        *_switches(house, words),
        html.heading(words["callbacks"]),
        html.form("/sim/callback", [html.field("URL", "url", callback_url)], words["set"]),
        *_inbox(house, words),
        *_ledger(house, words),
    ]
    return html.page(f"{words['title']} {house.region} {place}", *parts, lang=lang)


def _clock(house: House, words: Mapping[str, str]) -> list[str]:
    offset = html.field(words["offset_s"], "offset_s", f"{house.clock.offset_s:g}")
    now = html.paragraph(f"{words['now']}: {house.clock.text()}")
    return [html.heading(words["clock"]), now, html.form("/sim/clock", [offset], words["set"])]


def _switches(house: House, words: Mapping[str, str]) -> list[str]:
    names = ("operation", "times", "probability", "seconds", "seed", "status", "retry_after")
    on = [[row[name] for name in ("kind", *names)] for row in house.faults.listed()]
    fields = [html.choice(words["kind"], "kind", KINDS), *(html.field(words[name], name) for name in names)]
    return [
        html.heading(words["switches"]),
        html.table([words[name] for name in ("kind", *names)], on),
        html.form("/sim/faults", fields, words["switch_on"]),
        html.form("/sim/faults", (), words["clear"], {"clear": "1"}),
    ]


def _inbox(house: House, words: Mapping[str, str]) -> list[str]:
    names = ("at", "key", "number", "department", "service", "action", "state", "case", "step")
    rows = [
        (m.received_at, m.label, m.number, m.department, m.service, m.action, m.state, m.case_no, m.step)
        for m in house.store.inbox(SHOWN)
    ]
    return [html.heading(words["inbox"]), html.table([words[name] for name in names], rows)]


def _ledger(house: House, words: Mapping[str, str]) -> list[str]:
    names = ("at", "key", "number", "department", "service", "verb", "delta", "case", "step")
    columns = ("at", "request_no", "reference", "department", "operation", "verb", "delta", "case_no", "step")
    rows = [[row[column] for column in columns] for row in house.store.ledger()[: -SHOWN - 1 : -1]]
    return [html.heading(words["ledger"]), html.table([words[name] for name in names], rows)]
