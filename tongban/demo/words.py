"""The words and signs of the demo, in Chinese and English: states, places, events.

Signs are characters that every terminal counts as one column (East Asian width N), so that columns hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from api.schemas import CaseOut, EventOut
from domain.messages import Text
from tongban.demo.course import Desk

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Lang(StrEnum):
    """Which language is shown."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"

    def say(self, text: Text) -> str:
        """The text in this language; both side by side."""
        return {Lang.ZH: text.zh, Lang.EN: text.en, Lang.BOTH: f"{text.zh} {text.en}"}[self]

    def lines(self, text: Text) -> list[str]:
        """The same, a line for each language."""
        return [text.zh, text.en] if self is Lang.BOTH else [self.say(text)]


def t(zh: str, en: str) -> Text:
    """A text, in few characters."""
    return Text(zh=zh, en=en)


@dataclass(frozen=True)
class Sign:
    """How a state looks: never by colour alone."""

    symbol: str
    style: str
    word: Text


STEP: Mapping[str, Sign] = {
    "waiting": Sign("◌", "bright_black", t("等待", "waiting")),
    "calling": Sign("➜", "black on cyan", t("已请求", "asked")),
    "blocked": Sign("⚠", "bold white on red", t("故障", "trouble")),
    "pending": Sign("↻", "bold white on blue", t("办理中", "province works")),
    "task": Sign("✎", "bold white on magenta", t("经办人", "caseworker")),
    "preview": Sign("?", "bold black on yellow", t("等您确认", "you decide")),
    "resolve": Sign("‼", "bold white on red", t("人工处理", "needs a person")),
    "done": Sign("✔", "black on green", t("已办", "done")),
    "rejected": Sign("✗", "white on red", t("不予办理", "rejected")),
    "cancelled": Sign("-", "bright_black", t("已取消", "cancelled")),
    "reversing": Sign("↶", "bold black on yellow", t("撤销中", "being undone")),
    "reversed": Sign("↺", "black on yellow", t("已撤销", "undone")),
}
UNKNOWN = Sign("?", "default", t("未知", "unknown"))

CASE: Mapping[str, tuple[str, Text]] = {
    "submitted": ("cyan", t("已提交", "submitted")),
    "received": ("cyan", t("已接件", "received")),
    "accepted": ("cyan", t("已受理", "accepted")),
    "under_review": ("cyan", t("部门办理", "under review")),
    "decided_granted": ("green", t("准予", "granted")),
    "certificate_making": ("green", t("制证", "licence being made")),
    "reversing": ("yellow", t("撤销生效事项", "undoing what took effect")),
    "completed": ("bold green", t("办结", "completed")),
    "not_accepted": ("bold yellow", t("不予受理", "not accepted")),
    "decided_refused": ("bold yellow", t("不予许可", "refused")),
    "withdrawn": ("bold yellow", t("已撤回", "withdrawn")),
    "terminated": ("bold red", t("终止", "terminated")),
}

PROVINCE: Mapping[str, Text] = {
    "310000": t("上海市", "Shanghai"),
    "320000": t("江苏省", "Jiangsu"),
    "330000": t("浙江省", "Zhejiang"),
    "340000": t("安徽省", "Anhui"),
}
CITY: Mapping[str, Text] = {
    "310118": t("青浦区", "Qingpu"),
    "320500": t("苏州市", "Suzhou"),
    "340100": t("合肥市", "Hefei"),
}

DEPARTMENT: Mapping[str, Text] = {
    "market_regulation": t("市场监管", "market regulation"),
    "tax": t("税务", "tax"),
    "big_data": t("大数据中心", "data centre"),
    "public_security": t("公安", "police"),
    "natural_resources": t("自然资源", "land registry"),
    "social_security": t("社会保险", "social insurance"),
    "ecology": t("生态环境", "environment"),
    "transport": t("交通运输", "transport"),
}

COLLEAGUE: Mapping[str, Text] = {"": t("", ""), "A": t("甲", " A"), "B": t("乙", " B")}

ROLE: Mapping[str, Text] = {
    "citizen": t("申请人", "applicant"),
    "agent": t("代办人", "agent"),
    "caseworker": t("经办人", "caseworker"),
    "supervisor": t("负责人", "supervisor"),
    "system": t("系统", "system"),
}

EVENT: Mapping[str, Text] = {
    "case:withdrawal:asked": t("申请人撤回申请", "the applicant withdraws"),
    "effect:offer:asked": t("询问有无证照", "asked what the register holds"),
    "effect:offer:accepted": t("证照可供查看", "evidence found, shown to the applicant"),
    "effect:fetch:asked": t("经同意，调取证照", "consent given, evidence asked for"),
    "effect:fetch:accepted": t("证照已调取", "evidence released"),
    "effect:submit:asked": t("向对方发出请求", "the province is asked to act"),
    "effect:submit:accepted": t("对方办结，已生效", "done there, in effect"),
    "effect:submit:pending": t("对方已受理", "the province has taken it in"),
    "effect:submit:rejected": t("对方不予办理", "the province says no"),
    "effect:reverse:asked": t("请求撤销", "asked to undo it"),
    "effect:reverse:accepted": t("对方已撤销", "undone there"),
    "effect:reverse:pending": t("对方正在撤销", "the province is undoing it"),
    "evidence:accepted": t("申请人同意使用", "the applicant consents"),
    "evidence:replaced": t("申请人改交材料", "the applicant hands in a document instead"),
    "task:opened": t("交经办人", "goes to a caseworker"),
    "task:claimed": t("经办人领取任务", "a caseworker takes the task"),
    "task:decided": t("经办人决定", "the caseworker decides"),
    "task:cancelled": t("任务取消", "task withdrawn"),
}

OUTCOME: Mapping[str, Text] = {
    "accept": t("受理", "accept"),
    "grant": t("准予", "grant"),
    "refuse": t("不予许可", "refuse"),
    "confirm": t("核验属实", "confirm"),
    "pass": t("审查通过", "pass"),
    "agree": t("同意", "agree"),
    "noted": t("已知悉", "noted"),
}

DENIED: Mapping[str, Text] = {
    "not_found": t("他地经办人看不到、办不了该任务", "to a caseworker of another place the task is not there"),
    "checklist_incomplete": t("清单未逐项勾选，不得通过", "nothing passes before every line is ticked"),
    "same_person": t("审查人本人不得再作决定", "whoever examined may not decide as well"),
}


def sign(status: str) -> Sign:
    """How a step's state looks."""
    return STEP.get(status, UNKNOWN)


def province_of(region: str) -> str:
    """320500 -> 320000."""
    return region[:2] + "0000"


def region_name(region: str) -> Text:
    """The name of a province or of a city of the demo; its code if it has none."""
    return PROVINCE.get(region) or CITY.get(region) or t(region, region)


def place_name(region: str, department: str) -> Text:
    """苏州市市场监管, Suzhou market regulation."""
    region_text, department_text = region_name(region), DEPARTMENT.get(department, t(department, department))
    return t(f"{region_text.zh}{department_text.zh}", f"{region_text.en} {department_text.en}".strip())


def desk_text(desk: Desk) -> Text:
    """合肥市公安经办人甲, caseworker A of Hefei police."""
    place, colleague = place_name(desk.region, desk.department), COLLEAGUE[desk.person]
    return t(f"{place.zh}经办人{colleague.zh}", f"caseworker{colleague.en} of {place.en}")


def region_of(step: str) -> str:
    """The place in the name of a step or leg that happens in several: tell_transit-330000 -> 330000; else nothing."""
    _, _, tail = step.rpartition("-")
    return tail if len(tail) == 6 and tail.isdigit() else ""


def step_titles(case: CaseOut) -> dict[str, Text]:
    """Step -> its title; with the place if the step happens in several."""
    result = {}
    for step in (step for leg in case.legs for step in leg.steps):
        title, place = step.title, region_name(region_of(step.id))
        named = t(f"{title.zh}（{place.zh}）", f"{title.en} ({place.en})")
        result[step.id] = named if region_of(step.id) else title
    return result


def event_text(event: EventOut) -> Text:
    """What happened, in words; an event without words shows its type."""
    kind, subject, action = (*event.type.split(":"), "", "")[:3]
    if kind == "case" and subject == "status":
        word = CASE[action][1] if action in CASE else t(action, action)
        return t(f"办件状态：{word.zh}", f"the case is {word.en}")
    key = f"{kind}:{action}" if kind in {"task", "evidence"} else event.type
    words = EVENT.get(key, t(event.type, event.type))
    outcome = OUTCOME.get(event.data.get("outcome", ""))
    return t(f"{words.zh}：{outcome.zh}", f"{words.en}: {outcome.en}") if outcome else words


def actor_text(actor: Mapping[str, str]) -> Text:
    """Who did it: a person's role and place, a province's back office, or the system."""
    region, department = actor.get("region", ""), actor.get("department", "")
    role = ROLE.get(actor.get("role", ""), t(actor.get("role", ""), actor.get("role", "")))
    if not region:
        return role
    place = place_name(region, department)
    return t(f"{place.zh}{role.zh}", f"{place.en}, {role.en}")


def grouped(no: str) -> str:
    """A case number in the groups it is read in: region, day, channel and service, sequence with check character."""
    return f"{no[:6]} {no[6:14]} {no[14:15]} {no[15:21]} {no[21:]}" if len(no) == 28 else no


def clock_time(at: datetime) -> str:
    """07:53:45 in China."""
    return f"{at.astimezone(SHANGHAI):%H:%M:%S}"
