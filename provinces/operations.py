"""What the departments of a province do, as data: ``OPERATIONS`` with its own refusals, the rest in departments.json.

Consultations and notifications have no list: a department takes a letter about anything. Magic values choose an outcome
by the company or person a request is about: characters 15 and 16 of the first credit code or identity number in it,
see ``provinces/README.md``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from provinces import identifiers
from provinces.words import Action, Text


class Kind(StrEnum):
    """What an operation is: an effect, the reversal of one, evidence out of a register, or a letter."""

    EFFECT = "effect"
    REVERSAL = "reversal"
    EVIDENCE = "evidence"
    LETTER = "letter"


OFFERED: Mapping[Kind, frozenset[Action]] = {
    Kind.EFFECT: frozenset({Action.APPLY, Action.WITHDRAW, Action.SUPPLEMENT}),
    Kind.REVERSAL: frozenset({Action.REVERSE, Action.WITHDRAW, Action.SUPPLEMENT}),
    Kind.EVIDENCE: frozenset({Action.PREVIEW, Action.RELEASE, Action.VERIFY}),
    Kind.LETTER: frozenset({Action.CONSULT, Action.NOTIFY, Action.WITHDRAW, Action.SUPPLEMENT}),
}


@dataclass(frozen=True)
class Refusal:
    """A business refusal. ``late``: the request is taken in first and refused when it comes due."""

    code: str
    zh: str
    en: str
    late: bool = False

    @property
    def text(self) -> Text:
        """For the applicant."""
        return Text(self.zh, self.en)


@dataclass(frozen=True)
class Issue:
    """What a result is made from. ``serial`` is a number the province gives once and never again."""

    region: str
    items: Mapping[str, str]
    serial: int
    today: date


Result = Callable[[Issue], dict[str, str]]


def no_fields(issue: Issue) -> dict[str, str]:
    """A result that is only a date, and the amount that was booked if there was one."""
    booked = {"amount_fen": issue.items["amount_fen"]} if issue.items.get("amount_fen") else {}
    return {"done_on": issue.today.isoformat()} | booked


def opinion(issue: Issue) -> dict[str, str]:
    """What a department that was asked for its opinion says."""
    return {"opinion": "agree", "done_on": issue.today.isoformat()}


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
    """One service of one department. ``refusals``: mark of the company -> refusal.

    payable: somebody has to pay at the cashier's page before it is done.
    from_anywhere: a register that holds also people whose number was given in another province.
    register: what the papers of a register are called; a register without is that of licences and identity cards.
    """

    department: str
    name: str
    kind: Kind = Kind.EFFECT
    reverses: str = ""
    pending: bool = False
    payable: bool = False
    result: Result = no_fields
    refusals: Mapping[str, Refusal] = field(default_factory=dict)
    from_anywhere: bool = False
    register: str = ""


def licence(kind: str) -> Result:
    """An e-licence of this type (21 characters: who defines it, and three of its own)."""

    def result(issue: Issue) -> dict[str, str]:
        serial = f"{issue.today.year}{issue.serial:012d}"
        return {
            "licence_identifier": identifiers.licence_identifier(issue.region, serial, kind[18:]),
            "issued_on": issue.today.isoformat(),
            "issuer": identifiers.government(issue.region),
        }

    return result


def _listed() -> tuple[Operation, ...]:
    """The operations of departments.json: effects, reversals, evidence, licences."""
    found = []
    for row in json.loads((Path(__file__).parent / "departments.json").read_text("utf-8")):
        reverses, of_licence = row.get("reverses", ""), row.get("licence", "")
        kind = Kind.REVERSAL if reverses else Kind.EVIDENCE if row.get("evidence") else Kind.EFFECT
        payable = bool(row.get("payable"))
        listed = Operation(
            row["department"], row["name"], kind, reverses, payable=payable,
            pending=payable or bool(row.get("pending")),
            result=licence(of_licence) if of_licence else no_fields,
            refusals={REFUSED_MARK: REFUSED_HERE} if kind is Kind.EFFECT else {},
            from_anywhere=row.get("people_from") == "anywhere",
            register=row.get("evidence", ""),
        )  # fmt: skip
        found.append(listed)
    return tuple(found)


SLOW_MARK = "93"
REFUSED_MARK = "91"
SLOW_FACTOR = 10

ARREARS = Refusal("tax_arrears", "该企业存在欠税，清税未通过。", "The company owes taxes; clearance is refused.")
SEALED = Refusal("archive_sealed", "该企业档案已被查封，不能移交。", "The archive is sealed and cannot be handed over.")
INCOMPLETE = Refusal("archive_incomplete", "档案核对不全，退回移交。", "The archive was found incomplete.", late=True)
NOT_PAID = Refusal("payment_failed", "支付未成功。", "The payment did not succeed.", late=True)
REFUSED_HERE = Refusal("refused", "经核查不符合办理条件。", "The department finds that it cannot be done.")
ADDRESS = Refusal("address_not_registrable", "该住所不能登记。", "This address cannot be registered.")
CANCELLED = Refusal("cancelled", "该业务已撤销。", "This request was cancelled.")
WRONG_ORIGINAL = Refusal("wrong_original", "原业务与撤销事项不符。", "The original is of another service.")
ALREADY_DONE = Refusal("already_done", "该业务已办结，不能撤回。", "It is done and cannot be withdrawn any more.")
NOTHING_WANTED = Refusal("nothing_wanted", "该业务无需补正。", "Nothing is wanted about this request.")
OBJECTION = Refusal("objection", "本部门不同意。", "The department objects.", late=True)
CONTRADICTION = Refusal("contradiction", "经复核，原结论有误。", "On review the first result was wrong.")
OBJECTIONS = {"91": OBJECTION}
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
    *_listed(),
)

DEPARTMENTS = frozenset(each.department for each in OPERATIONS)
_BY_ROUTE: Mapping[tuple[str, str], Operation] = {(each.department, each.name): each for each in OPERATIONS}


def operation(department: str, service: str, action: Action) -> Operation | None:
    """Who deals with it, or None. Letters are taken by every department, whatever they are about."""
    if department not in DEPARTMENTS:
        return None
    if action is Action.CONSULT:
        return Operation(department, service, Kind.LETTER, pending=True, result=opinion, refusals=OBJECTIONS)
    if action is Action.NOTIFY:
        return Operation(department, service, Kind.LETTER)
    listed = _BY_ROUTE.get((department, service))
    if listed is None and action in (Action.WITHDRAW, Action.SUPPLEMENT):
        return Operation(department, service, Kind.LETTER)
    return listed


def mark(items: Mapping[str, str]) -> str:
    """The two characters of a company's or person's number that choose an outcome, or nothing."""
    numbers = (v for v in items.values() if identifiers.is_uscc(v) or identifiers.is_resident_id(v))
    return next(numbers, "")[14:16]
