"""What the platforms say about reports, read strictly and without the conclusion (messages 5401, 5402, 5461)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from decimal import Decimal

from pydantic import ValidationError

from domain.medical.recognition.messages import Facts, ReportEntry

LONGEST_RESULT = 100_000
Same = Callable[[str], bool]


class Unusable(ValueError):
    """The answer cannot be used. Holds no value of it."""


def without_conclusion(body: str) -> str:
    """A message without any ``conclusion``, however deep: for whoever takes messages in, before anything keeps them.

    Raises Unusable if it is no JSON.
    """
    return json.dumps(_stripped(_read(body)), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def read_authorisation(body: str, mine: Same) -> str:
    """The number of an authorisation (5461). ``mine``: whether a psn_no is the patient's."""
    output = _about(body, mine)
    number = output.get("auth_no")
    if not isinstance(number, str) or not 1 <= len(number) <= 64:
        raise Unusable("auth_no")
    return number


def read_index(body: str, mine: Same) -> tuple[tuple[ReportEntry, ...], int]:
    """The rows of an index (5401), each report once, and how many rows could not be read."""
    rows = _about(body, mine).get("data")
    if not isinstance(rows, list):
        raise Unusable("data")
    entries: dict[str, ReportEntry] = {}
    unreadable = 0
    for row in rows:
        try:
            entry = _entry(row)
        except Unusable:
            unreadable += 1
        else:
            entries[entry.rpt_no] = entry
    return tuple(entries.values()), unreadable


def read_report(body: str, mine: Same, his: Same, entry: ReportEntry) -> tuple[Facts, str, str]:
    """Facts, result and digest of a report (5402). Of somebody else's nothing is kept.

    his: whether a certificate number is the patient's. entry: what the index has said, which the report must repeat.
    """
    output = _stripped(_read(body))
    if not isinstance(output, dict):
        raise Unusable("output")
    psn_no, certificate = output.get("psn_no"), output.get("certno")
    if not (isinstance(psn_no, str) and mine(psn_no) and isinstance(certificate, str) and his(certificate)):
        return Facts(entry=entry, retrieved=True, intact=True, same_person=False), "", ""
    said = output.get("result")
    result = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, sort_keys=True) if said else ""
    intact = 0 < len(result) <= LONGEST_RESULT and _entry(output) == entry
    facts = Facts(entry=entry, retrieved=bool(result), intact=intact, same_person=True)
    return (facts, result, digest_of(entry, result)) if intact else (facts, "", "")


def digest_of(entry: ReportEntry, result: str) -> str:
    """SHA-256 of a report in one spelling."""
    content = json.dumps(entry.model_dump() | {"result": result}, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _read(body: str) -> object:
    try:
        found: object = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unusable("json") from error
    return found


def _no_number(_: str) -> object:
    raise ValueError


def _stripped(value: object) -> object:
    if isinstance(value, dict):
        kept = {k: _stripped(v) for k, v in value.items()}
        return {k: v for k, v in kept.items() if not str(k).strip().lower().startswith("conclusion")}
    if isinstance(value, list):
        return [_stripped(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


def _about(body: str, mine: Same) -> dict[str, object]:
    output = _stripped(_read(body))
    psn_no = output.get("psn_no") if isinstance(output, dict) else None
    if not isinstance(output, dict) or not isinstance(psn_no, str) or not mine(psn_no):
        raise Unusable("psn_no")
    return output


def _entry(row: object) -> ReportEntry:
    given = {k: v for k, v in row.items() if v is not None} if isinstance(row, dict) else row
    try:
        entry = ReportEntry.model_validate(given, strict=True)
    except ValidationError:
        raise Unusable("row") from None
    if not 1 <= len(entry.rpt_no) <= 64 or any(len(value) > 400 for value in entry.model_dump().values()):
        raise Unusable("row")
    return entry
