"""Whether the provinces did exactly what the case says: their own ledgers against its steps, row by row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel

from api.schemas import CaseOut, StepOut
from api.schemas_services import ServiceOut, StepPlanOut
from tongban.demo.words import province_of, region_of


class Row(BaseModel):
    """One line of a province's ledger."""

    seq: int
    at: str
    request_no: str
    original: str
    case_no: str
    leg: str
    step: str
    department: str
    operation: str
    verb: str
    delta: int
    reference: str


class Fault(StrEnum):
    """What can be wrong with a ledger."""

    MISSING = "missing"  # the case says it happened, the province does not know it
    DOUBLED = "doubled"  # it happened more than once
    FOREIGN = "foreign"  # it happened where or when the case knows nothing of it


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, at one province."""

    fault: Fault
    province: str
    step: str
    text: str


@dataclass(frozen=True)
class Entry:
    """A row as it has to be."""

    operation: str
    verb: str
    delta: int


@dataclass(frozen=True)
class Expected:
    """What one step leaves in the ledger of its province: exactly one of ``ways``, row for row."""

    province: str
    department: str
    leg: str
    step: str
    reference: str
    ways: tuple[tuple[Entry, ...], ...]


def expected(case: CaseOut, service: ServiceOut) -> list[Expected]:
    """What every effect, certificate and evidence step of the case must have left, from its plan and its record."""
    plans = {step.id: step for leg in service.legs for step in leg.steps}
    used = {item.step for item in case.evidence if item.state == "used"}
    result = []
    for leg in case.legs:
        for step in leg.steps:
            plan = plans.get(step.id.removesuffix(f"-{region_of(step.id)}"))
            if plan is not None and plan.operation:  # what the service does not list may not be in a ledger either
                ways = _ways(plan, step, evidence_used=step.id in used) or ((),)
                place = province_of(_region(plan, step, case))
                result.append(Expected(place, plan.department, leg.id, step.id, step.reference, ways))
    return result


def _region(plan: StepPlanOut, step: StepOut, case: CaseOut) -> str:
    """Where the step happens: in its own name, in the definition, or in the form."""
    return region_of(step.id) or plan.region or str((case.form or {})[plan.region_field])


def _ways(plan: StepPlanOut, step: StepOut, *, evidence_used: bool) -> tuple[tuple[Entry, ...], ...]:
    if plan.kind == "evidence":
        return ((Entry(plan.operation, "fetch", 0),),) if evidence_used else ()
    did = Entry(plan.operation, "submit", 1)
    if step.status == "done":
        return ((did,),)
    if step.status == "reversed":
        # undone after it took effect, or called off while the province was still at it
        return ((did, Entry(plan.undone_by, "reverse", -1)), (Entry(plan.undone_by, "reverse", 0),))
    return ()


def check(no: str, wanted: Sequence[Expected], ledgers: Mapping[str, Sequence[Row]]) -> list[Finding]:
    """Everything that is wrong; empty when every effect is there exactly once and nothing else is."""
    found: list[Finding] = []
    known = {(item.province, item.step): item for item in wanted}
    for item in wanted:
        mine = [row for row in ledgers.get(item.province, ()) if row.step == item.step and row.case_no == no]
        found += _compare(item, mine)
    for province, rows in ledgers.items():
        for row in rows:
            if row.case_no != no:
                found.append(Finding(Fault.FOREIGN, province, row.step, f"a row of another case, {row.case_no}"))
            elif (province, row.step) not in known:
                found.append(Finding(Fault.FOREIGN, province, row.step, f"{_named(row)} belongs to no step here"))
    return found


def _compare(item: Expected, rows: Sequence[Row]) -> list[Finding]:
    def finding(fault: Fault, text: str) -> Finding:
        return Finding(fault, item.province, item.step, text)

    there = [Entry(row.operation, row.verb, row.delta) for row in rows]
    way = min(item.ways, key=lambda entries: len(_less(entries, there)) + len(_less(there, entries)))
    found = [finding(Fault.MISSING, f"{x.operation} {x.verb} ({x.delta:+})") for x in _less(way, there)]
    for surplus in _less(there, way):
        fault = Fault.DOUBLED if surplus in way else Fault.FOREIGN
        found.append(finding(fault, f"{surplus.operation} {surplus.verb} ({surplus.delta:+})"))
    keys = [row.request_no for row in rows]
    found += [finding(Fault.DOUBLED, f"key {key[:12]} used twice") for key in {k for k in keys if keys.count(k) > 1}]
    done = {row.request_no for row in rows if row.verb == "submit"}
    for row in rows:
        if (row.leg, row.department) != (item.leg, item.department):
            found.append(finding(Fault.FOREIGN, f"{_named(row)} is of {row.leg}/{row.department}"))
        if row.verb != "reverse" and item.reference and row.reference != item.reference:
            found.append(finding(Fault.FOREIGN, f"{_named(row)} is number {row.reference}, not {item.reference}"))
        if row.delta < 0 and row.original not in done:
            found.append(finding(Fault.FOREIGN, f"{_named(row)} undoes something else"))
    return found


def _less(entries: Iterable[Entry], taken: Iterable[Entry]) -> list[Entry]:
    """The entries that are left when each of ``taken`` removes one equal to it."""
    left = list(entries)
    for entry in taken:
        if entry in left:
            left.remove(entry)
    return left


def _named(row: Row) -> str:
    return f"row {row.seq} {row.operation} {row.verb} ({row.delta:+})"


def standing(ledgers: Mapping[str, Sequence[Row]]) -> dict[tuple[str, str], int]:
    """(province, step) -> how often its effect stands in the books; what was undone is left out."""
    result: dict[tuple[str, str], int] = {}
    for province, rows in ledgers.items():
        for row in rows:
            result[province, row.step] = result.get((province, row.step), 0) + row.delta
    return {place: count for place, count in result.items() if count}


def released(ledgers: Mapping[str, Sequence[Row]]) -> dict[tuple[str, str], int]:
    """(province, step) -> how often it handed out evidence."""
    result: dict[tuple[str, str], int] = {}
    for province, rows in ledgers.items():
        for row in rows:
            if row.verb == "fetch":
                result[province, row.step] = result.get((province, row.step), 0) + 1
    return result


def net(rows: Iterable[Row]) -> int:
    """What is in effect: +1 for each effect, -1 for each that was undone."""
    return sum(row.delta for row in rows)
