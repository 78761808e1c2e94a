"""All checks there are, in the order of the report."""

from __future__ import annotations

from adapters.conformance.checks import (
    batch,
    callbacks,
    capabilities,
    characters,
    compensation,
    evidence,
    finding,
    health,
    identity,
    letters,
    limits,
    money,
    pending,
    privacy,
    refusals,
    spoiled,
    submission,
    timing,
)
from adapters.conformance.model import Check
from domain.messages import Text

GROUPS = {
    "CAP": (capabilities, Text(zh="能力声明", en="Capabilities")),
    "HLT": (health, Text(zh="健康检查", en="Health")),
    "IDN": (identity, Text(zh="身份与签名", en="Identity and signatures")),
    "SUB": (submission, Text(zh="提交与重复", en="Submission and its repetition")),
    "FND": (finding, Text(zh="查找", en="Finding")),
    "PND": (pending, Text(zh="在办与办结", en="Pending and its end")),
    "CBK": (callbacks, Text(zh="回调", en="Callbacks")),
    "REF": (refusals, Text(zh="拒绝与不可用", en="Refused or unavailable")),
    "CMP": (compensation, Text(zh="补正、撤回与撤销", en="Supplement, withdrawal, reversal")),
    "EVD": (evidence, Text(zh="证照", en="Evidence")),
    "LTR": (letters, Text(zh="商请与通报", en="Consultation and notification")),
    "TIM": (timing, Text(zh="超时与断线", en="Time and broken lines")),
    "SPO": (spoiled, Text(zh="无法读取的答复", en="Answers that cannot be read")),
    "LIM": (limits, Text(zh="边界", en="Limits")),
    "CHR": (characters, Text(zh="字符", en="Characters")),
    "MNY": (money, Text(zh="金额", en="Money")),
    "BAT": (batch, Text(zh="日终文件", en="The nightly file")),
    "PRV": (privacy, Text(zh="保密", en="Secrecy")),
}


def all_checks() -> list[Check]:
    """Every check, group by group."""
    found = []
    for module, _ in GROUPS.values():
        checks = [each for each in vars(module).values() if isinstance(each, Check)]
        found += sorted(checks, key=lambda check: check.id)
    return found
