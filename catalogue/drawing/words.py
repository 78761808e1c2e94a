"""The words of the picture."""

from __future__ import annotations

from enum import StrEnum

from domain.messages import Text
from domain.plan import Limit, StepKind, Unit, Way


class Lang(StrEnum):
    """The language of the boxes; the title stands in both."""

    ZH = "zh"
    EN = "en"

    def say(self, text: Text) -> str:
        """The text in this language."""
        return text.zh if self is Lang.ZH else text.en

    def pick(self, zh: str, en: str) -> str:
        """One of two."""
        return zh if self is Lang.ZH else en


K = StepKind
KIND = {
    K.ACCEPT: Text(zh="受理", en="Acceptance"),
    K.VERIFY: Text(zh="核验", en="Verification"),
    K.EVIDENCE: Text(zh="调取证明", en="Evidence"),
    K.REVIEW: Text(zh="审查", en="Review"),
    K.DECIDE: Text(zh="决定", en="Decision"),
    K.EFFECT: Text(zh="办理", en="Effect"),
    K.CONSULT: Text(zh="征求意见", en="Consultation"),
    K.NOTIFY: Text(zh="通报", en="Notice"),
    K.PUBLICITY: Text(zh="公示", en="Publicity"),
    K.INSPECTION: Text(zh="踏勘检验", en="Inspection"),
    K.WINDOW: Text(zh="虚拟窗口", en="Virtual window"),
    K.CERTIFICATE: Text(zh="制证", en="Certificate"),
    K.DELIVER: Text(zh="送达", en="Delivery"),
    K.ARCHIVE: Text(zh="归档", en="Archive"),
    K.FEE: Text(zh="缴费", en="Fee"),
}
WAY = {
    Way.PERSON: Text(zh="人工（圆角框）", en="a person (round box)"),
    Way.SYSTEM: Text(zh="系统（双边框）", en="a system (double sides)"),
    Way.TIME: Text(zh="时间（六角框）", en="time alone (six corners)"),
}
MARKS = {
    "received": Text(zh="收件", en="received"),
    "accepted": Text(zh="受理", en="accepted"),
    "decided": Text(zh="作出决定", en="decided"),
    "closed": Text(zh="办结", en="closed"),
}
STARTED = Text(zh="开始", en="started")
DONE = Text(zh="完成", en="done")
CONDITIONAL = Text(zh="仅在符合条件时", en="only if it applies")
REVERSIBLE = Text(zh="可撤回", en="can be undone")
FINAL = Text(zh="不可撤回", en="cannot be undone")
FEE = Text(zh="先缴费", en="paid before")
CLOCK = Text(zh="期限（WD 工作日，CD 自然日）", en="time limit (WD working days, CD calendar days)")
WHOLE = Text(zh="（自始至终）", en=", from start to end")
NEEDS = Text(zh="先后", en="comes before")
LEGAL = Text(zh="法定", en="legal")
PROMISED = Text(zh="承诺", en="promised")
EACH_PLACE = Text(zh="逐地各办一次", en="once in each place")


def days(limit: Limit) -> str:
    """5 工作日 / 5 WD."""
    if limit.unit is Unit.WORKING_DAY:
        return f"{limit.days} 工作日 / {limit.days} WD"
    return f"{limit.days} 自然日 / {limit.days} CD"


def yuan(fen: int) -> str:
    """¥12.50."""
    return f"¥{fen // 100:,}.{fen % 100:02}"
