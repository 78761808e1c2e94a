"""What is played: three courses of one company move, as data."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from domain.identifiers import organisation_check_char, uscc_check_char
from domain.messages import Text

SERVICE = "YRD-ENT-MOVE"
ORIGIN, DESTINATION = "340100", "320500"
DEPARTMENT = "market_regulation"
MAGIC = range(91, 99)  # characters 15 and 16 that make a simulated province refuse or dawdle, see provinces/README.md
BRANDS = "华瑞恒通汇丰盛达信诚联创新源安泰宏远博雅"


@dataclass(frozen=True)
class Consent:
    """The applicant looks at the evidence that was found and agrees to its use."""


@dataclass(frozen=True)
class Intrude:
    """A caseworker of another place tries to see and to decide the open task."""

    task: str
    region: str
    department: str = DEPARTMENT


@dataclass(frozen=True)
class Decide:
    """The caseworker decides the task of that kind."""

    task: str
    outcome: str
    reason: str = ""
    legal_basis: str = ""


@dataclass(frozen=True)
class Withdraw:
    """The applicant withdraws while ``step`` is under way at the province."""

    step: str
    reason: str


Act = Consent | Intrude | Decide | Withdraw


@dataclass(frozen=True)
class Scenario:
    """Who does what, and how it has to end. ``undoes``: what took effect must be undone."""

    name: str
    title: Text
    acts: tuple[Act, ...]
    ends: str
    undoes: bool = False


TAKEN_IN: tuple[Act, ...] = (Consent(), Intrude("accept", ORIGIN), Decide("accept", "accept"))

MOVE = Scenario(
    name="move",
    title=Text(zh="办结发照", en="granted, licence issued"),
    acts=(*TAKEN_IN, Decide("decide", "grant")),
    ends="completed",
)
REFUSE = Scenario(
    name="refuse",
    title=Text(zh="不予许可并撤销", en="refused, effects undone"),
    acts=(
        *TAKEN_IN,
        Decide(
            "decide",
            "refuse",
            reason="迁入地住所不符合登记条件。",
            legal_basis="市场主体登记管理条例第十九条",
        ),
    ),
    ends="decided_refused",
    undoes=True,
)
WITHDRAW = Scenario(
    name="withdraw",
    title=Text(zh="申请人撤回", en="withdrawn by the applicant"),
    acts=(*TAKEN_IN, Withdraw("archive", reason="不再迁移")),
    ends="withdrawn",
    undoes=True,
)
ALL = (MOVE, REFUSE, WITHDRAW)


def company() -> tuple[str, str]:
    """A name and a well-formed credit code that belongs to nobody: XXXX is not given out. Another one at each call."""
    number = next(n for n in iter(lambda: secrets.randbelow(10000), None) if n % 100 not in MAGIC)
    eight = f"XXXX{number:04}"
    first17 = f"91{ORIGIN}{eight}{organisation_check_char(eight)}"
    brand = "".join(secrets.choice(BRANDS) for _ in range(2))
    return f"合肥{brand}示例有限公司", first17 + uscc_check_char(first17)


def form() -> dict[str, str]:
    """A complete application of a random company; its people are synthetic."""
    name, uscc = company()
    return {
        "company_name": name,
        "uscc": uscc,
        "origin_city": ORIGIN,
        "destination_city": DESTINATION,
        "new_address": "苏州市工业园区示例路1号",
        "legal_representative_name": "沈安宁",
        "legal_representative_id": "310199199001010018",
        "shareholder_name": "杭州钱塘云计算有限公司",
        "shareholder_uscc": "91330100XXXX00035F",
    }


def document(title: str) -> bytes:
    """A small PDF with that title."""
    head = b"%PDF-1.4\n1 0 obj\n<< /Title (" + title.encode() + b") >>\nendobj\n"
    return head + b"trailer << /Info 1 0 R >>\n%%EOF\n"
