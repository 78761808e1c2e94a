"""The papers of a case: receipt, acceptance, refusal, notices; each numbered, dated, and verifiable by anybody.

A notice is not stored: it is what a line of the audit trail says, in words. Its number ends in the beginning of that
line's hash, so that nobody can make one up, and a line that was declared void takes its notice with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from api.house import House
from api.schemas import VerificationOut
from api.schemas_people import NoticeOut
from api.views import place_out
from domain.audit import SUPERSEDED
from domain.calendar import local_day
from domain.errors import Refusal
from domain.identifiers import is_case_number
from domain.messages import Place, Text
from domain.plan import CasePlan, Plan, StepKind
from domain.process.state import SupplementStatus
from domain.reasons import reason_text
from models import commands, events
from models.cases import Application, Case, read_application, read_case, read_plan
from models.commands import Command
from models.database import Session
from models.events import EventRow
from models.tasks import kinds_of

KINDS = {
    "case:status:received": "receipt",
    "case:status:accepted": "acceptance",
    "case:status:not_accepted": "non_acceptance",
    "supplement:requested": "supplement",
    "clock:extended": "extension",
    "procedure:begun": "procedure",
    "case:status:decided_granted": "granted",
    "case:status:decided_refused": "refused",
    "case:status:withdrawn": "withdrawn",
    "case:status:terminated": "terminated",
}
_NUMBER = re.compile(r"([0-9A-Z]{28})-([A-Z]{2})-([0-9A-F]{12})")
_NONE = Text(zh="见决定", en="see the decision")


class _File:
    """A case with everything that its papers quote."""

    def __init__(
        self, case: Case, plan: Plan, application: Application, rows: Sequence[EventRow], done: Sequence[Command]
    ) -> None:
        self.case, self.plan, self.done = case, plan, done
        self.form, self.bound = application.form, CasePlan.model_validate(application.case_plan)
        void: set[int] = set()
        for row in rows:
            if row.type == SUPERSEDED:
                void |= set(range(int(row.data["from"]), int(row.data["to"]) + 1))
        self.rows = [row for row in rows if row.seq not in void]
        self.words = {command.id: command.body for command in done}
        self.kinds: Mapping[str, str] = {}

    def subject(self, row: EventRow) -> str:
        """By what name the case went when that line was written."""
        name = self.form[self.plan.subject_field]
        for correction in self.case.view().corrections:
            fields = self.words.get(correction.command, {}).get("fields", {})
            if correction.at <= row.at and not correction.reverted and self.plan.subject_field in correction.fields:
                name = fields[self.plan.subject_field]["after"]
        return str(name)


async def _open(session: Session, case: Case) -> _File:
    plan, application = await read_plan(session, case.plan_digest), await read_application(session, case.no)
    if plan is None or application is None:
        raise Refusal("internal")
    rows = await events.events_of(session, case.no, limit=100_000)
    file = _File(case, plan, application, rows, await commands.read_commands(session, case.no))
    file.kinds = await kinds_of(session, case.no)
    return file


async def notices_of(session: Session, house: House, case: Case) -> list[NoticeOut]:
    """Every paper of the case, in order."""
    file = await _open(session, case)
    return [_notice(house, file, row, KINDS[row.type]) for row in file.rows if row.type in KINDS]


async def verify(session: Session, house: House, number: str) -> VerificationOut | None:
    """Whether a paper of that number was issued; shows what kind, by whom, when and about which service."""
    match = _NUMBER.fullmatch(number)
    if match is None or not is_case_number(match[1]):
        return None
    case = await read_case(session, match[1])
    if case is None:
        return None
    file = await _open(session, case)
    for row in file.rows:
        if row.type not in KINDS or (notice := _notice(house, file, row, KINDS[row.type])).number != number:
            continue
        taken_back = {s.id for s in case.view().supplements if s.status == SupplementStatus.CANCELLED}
        stands = row.data.get("supplement") not in taken_back
        return VerificationOut(
            licence=number,
            valid=stands,
            state="valid" if stands else "cancelled",
            title=notice.title,
            issuer=notice.place,
            issued_at=notice.issued_at,
            shows=[{"title": {"zh": "事项", "en": "Service"}, "value": file.plan.title.zh}],
        )
    return None


def _notice(house: House, file: _File, row: EventRow, kind: str) -> NoticeOut:
    form = house.library.notices.forms[kind]
    place = _place(file, row, kind)
    number = f"{file.case.no}-{form.code}-{row.hash[:12].upper()}"
    fill = _Fill(house, file, row, kind, place)
    text = [Text(zh=form.text.zh.format_map(fill.zh), en=form.text.en.format_map(fill.en))]
    if form.remedy:
        text.append(house.library.notices.remedy)
    return NoticeOut(
        number=number,
        kind=kind,
        title=form.title,
        issued_on=local_day(row.at),
        issued_at=row.at,
        place=place_out(house, place.region, place.department),
        text=text,
        items=fill.items,
        digest=row.hash,
        verify=house.verification_url(number),
        qr=house.qr_url(number),
    )


def _place(file: _File, row: EventRow, kind: str) -> Place:
    accepting = _then(file, row, file.bound.accepting, "")
    if kind == "receipt":
        return file.bound.collecting or accepting
    step = next((s for s in file.bound.steps if s.id == row.step), None)
    if step is None and kind in {"acceptance", "non_acceptance"}:
        step = next((s for s in file.bound.steps if s.kind is StepKind.ACCEPT), None)
    if step is None:
        return accepting
    return _then(file, row, step.place, step.id)


def _then(file: _File, row: EventRow, place: Place, step: str) -> Place:
    """The place that a step, or the whole case, lay at when that line was written: a paper is of who issued it."""
    region = file.case.view().moved.get(step, place.region)
    for later in reversed(file.rows):
        if later.type == "case:transferred" and later.seq > row.seq and later.data["to"] == region:
            region = str(later.data["from"])
    return place.model_copy(update={"region": region})


class _Fill:
    """What stands in the blanks of a paper, in both languages."""

    def __init__(self, house: House, file: _File, row: EventRow, kind: str, place: Place) -> None:
        self.items: list[dict[str, Any]] = []
        name = house.library.divisions.names.get(place.region, Text(zh=place.region, en=place.region))
        titles = [(k, r.title) for k, r in file.plan.roles.items() if r.department == place.department]
        here = [title for k, title in titles if _has(file, k, place)]  # none where the case was transferred to
        role = next(iter(here or [title for _, title in titles]), Text(zh=place.department, en=place.department))
        day = local_day(row.at)
        reason, basis = _reason(file, row, kind)
        what, due = _what(file, row, kind), str(row.data.get("due") or row.data.get("planned") or "")
        if kind == "supplement":
            self.items = _items(file, row)
        common = {"no": file.case.no, "subject": file.subject(row)}
        self.zh = common | {
            "service": file.plan.title.zh,
            "place": f"{name.zh}（{role.zh}）",
            "date": _zh(day),
            "due": _zh(date.fromisoformat(due)) if due else "",
            "reason": _ended(reason.zh),
            "basis": _ended(basis.zh),
            "what": what.zh,
        }
        self.en = common | {
            "service": file.plan.title.en,
            "place": f"{name.en} ({role.en})",
            "date": day.isoformat(),
            "due": due,
            "reason": reason.en,
            "basis": basis.en,
            "what": what.en,
        }


def _has(file: _File, role: str, place: Place) -> bool:
    return any(step.role == role and step.place == place for step in file.bound.steps)


def _zh(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _ended(text: str) -> str:
    return text if text.endswith(("。", "！", "？")) or not text else text + "。"


def _reason(file: _File, row: EventRow, kind: str) -> tuple[Text, Text]:
    """Why, and by which law: the words of whoever decided, or those of the rule that ended it."""
    said: Mapping[str, Any] | None = None
    if kind in {"non_acceptance", "refused"}:
        wanted = "accept" if kind == "non_acceptance" else "decide"
        decided = [c for c in file.done if c.kind == "decide" and file.kinds.get(c.target) == wanted]
        said = decided[-1].body if decided and decided[-1].body.get("outcome") == "refuse" else None
    elif kind == "extension":
        asked = [c for c in file.done if c.kind == "ask_extension" and c.target == row.data.get("clock")]
        said = asked[-1].body if asked else None
    elif row.data.get("command"):
        said = file.words.get(str(row.data["command"]))
    if said is not None and said.get("reason"):
        words, law = str(said["reason"]), str(said.get("legal_basis") or "")
        return Text(zh=words, en=words), Text(zh=law, en=law) if law else _NONE
    return reason_text(file.case.reason) or _NONE, _NONE


def _what(file: _File, row: EventRow, kind: str) -> Text:
    """The clock, the procedure, or how it came to be accepted."""
    if kind == "extension":
        clock = next((c for c in file.bound.clocks if c.id == row.data.get("clock")), None)
        return clock.title if clock else _NONE
    if kind == "procedure":
        return next((p.title for p in file.bound.procedures if p.id == row.data.get("procedure")), _NONE)
    if kind == "acceptance" and any(r.type == "case:deemed_accepted" and r.seq < row.seq for r in file.rows):
        received = file.case.view().received_on
        day = received or local_day(row.at)
        return Text(
            zh=f"逾期未一次性告知，自收到申请之日（{_zh(day)}）起即为受理。",
            en=f"Nothing was asked for in time; it counts as accepted from the day of receipt, {day.isoformat()}.",
        )
    return Text(zh="", en="")


def _items(file: _File, row: EventRow) -> list[dict[str, Any]]:
    """What a notice to supplement asks for."""
    said = file.words.get(str(row.data.get("command", "")), {})
    titles: dict[str, Text] = {m.id: m.title for m in file.plan.materials}
    for field, schema in file.plan.form_fields().items():
        titles[field] = Text(zh=str(schema.get("title", field)), en=str(schema.get("x-title-en", field)))
    found = []
    for item in said.get("items", {}).values():
        about = item.get("material") or item.get("field") or ""
        found.append(
            {
                "title": titles.get(about, Text(zh=about, en=about)).model_dump(),
                "kind": item["kind"],
                "reason": item["reason"],
                "example": item.get("example", ""),
            }
        )
    return found
