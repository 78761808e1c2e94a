"""What the departments of a province do, as data. A new service is one entry of ``OPERATIONS``.

Magic values choose an outcome by the company: the last two characters of the eight-character organisation code inside
``uscc`` (characters 15 and 16), see ``provinces/README.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from provinces import identifiers


class Kind(StrEnum):
    """What an operation is: an effect, the reversal of one, or evidence out of a register."""

    EFFECT = "effect"
    REVERSAL = "reversal"
    EVIDENCE = "evidence"


@dataclass(frozen=True)
class Refusal:
    """A business refusal. ``late``: the request is taken in first and refused when it comes due."""

    code: str
    zh: str
    en: str
    late: bool = False


@dataclass(frozen=True)
class Issue:
    """What a result is made from. ``serial`` is a number the province gives once and never again."""

    region: str
    items: Mapping[str, str]
    serial: int
    today: date


Result = Callable[[Issue], dict[str, str]]


def no_fields(issue: Issue) -> dict[str, str]:
    """A result that is only a business number and a date."""
    return {"done_on": issue.today.isoformat()}


def business_licence(issue: Issue) -> dict[str, str]:
    """An electronic business licence with an identifier of its own."""
    return {
        "licence_identifier": identifiers.licence_identifier(issue.region, f"{issue.today.year}{issue.serial:012d}"),
        "licence_name": "营业执照",
        "issued_on": issue.today.isoformat(),
        "issuer": identifiers.government(issue.region),
        "holder_name": issue.items.get("company_name", ""),
        "holder_id": issue.items.get("uscc", ""),
    }


@dataclass(frozen=True)
class Operation:
    """One service of one department. ``refusals``: mark of the company -> refusal."""

    department: str
    name: str
    kind: Kind = Kind.EFFECT
    reverses: str = ""
    pending: bool = False
    result: Result = no_fields
    refusals: Mapping[str, Refusal] = field(default_factory=dict)


SLOW_MARK = "93"
SLOW_FACTOR = 10

ARREARS = Refusal("tax_arrears", "该企业存在欠税，清税未通过。", "The company owes taxes; clearance is refused.")
SEALED = Refusal("archive_sealed", "该企业档案已被查封，不能移交。", "The archive is sealed and cannot be handed over.")
INCOMPLETE = Refusal("archive_incomplete", "档案核对不全，退回移交。", "The archive was found incomplete.", late=True)
ADDRESS = Refusal("address_not_registrable", "该住所不能登记。", "This address cannot be registered.")
NAME_TAKEN = Refusal("name_taken", "企业名称与已登记名称相同。", "The company name is already registered.")

OPERATIONS: tuple[Operation, ...] = (
    Operation("tax", "tax_clearance", refusals={"91": ARREARS}),
    Operation("tax", "tax_clearance_release", Kind.REVERSAL, reverses="tax_clearance"),
    Operation("market_regulation", "archive_handover", pending=True, refusals={"92": SEALED, "94": INCOMPLETE}),
    Operation("market_regulation", "archive_return", Kind.REVERSAL, reverses="archive_handover"),
    Operation("market_regulation", "move_registration", refusals={"95": ADDRESS}),
    Operation("market_regulation", "move_registration_cancel", Kind.REVERSAL, reverses="move_registration"),
    Operation("market_regulation", "business_licence_issue", result=business_licence, refusals={"96": NAME_TAKEN}),
    Operation("market_regulation", "business_licence_revoke", Kind.REVERSAL, reverses="business_licence_issue"),
    Operation("market_regulation", "business_licence", Kind.EVIDENCE),
    Operation("big_data", "legal_representative_licence", Kind.EVIDENCE),
)

BY_ROUTE: Mapping[tuple[str, str], Operation] = {(each.department, each.name): each for each in OPERATIONS}


def mark(items: Mapping[str, str]) -> str:
    """The two characters of the company's number that choose an outcome, or nothing."""
    uscc = items.get("uscc", "")
    return uscc[14:16] if identifiers.is_uscc(uscc) else ""
