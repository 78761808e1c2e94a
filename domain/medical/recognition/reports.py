"""What platforms say about reports (5461, 5401, 5402): without conclusions, and to a workflow without who it is about.

    platform --stripped--> record --told--> workflow --read_*--> course

The result of a report stays in the record; the workflow knows its digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from decimal import Decimal

from pydantic import ValidationError

from domain.identifiers import normalise_id
from domain.medical.recognition.messages import Facts, ReportEntry
from domain.names import holder_digest

AUTHORISE, INDEX, REPORT = "5461", "5401", "5402"
ABOUT_REPORTS = frozenset({AUTHORISE, INDEX, REPORT})
LONGEST_RESULT = 100_000


class Unusable(ValueError):
    """The answer cannot be used. Holds no value of it."""


def stripped(value: object) -> object:
    """Without any ``conclusion``, however deep: for whoever takes a message in, before anything keeps it."""
    if isinstance(value, dict):
        kept = {k: stripped(v) for k, v in value.items()}
        return {k: v for k, v in kept.items() if not str(k).strip().lower().startswith("conclusion")}
    if isinstance(value, list):
        return [stripped(item) for item in value]
    return value


def recordable(infno: str, no: str, holder: str, output: Mapping[str, object]) -> dict[str, object]:
    """What of an output is kept in the record: of somebody else's report not its result.

    no: of the matter; holder: ``names.holder_digest`` of it and the patient's certificate number.
    """
    kept = {k: v for k, v in output.items() if not k.strip().lower().startswith("conclusion")}
    if infno == REPORT and _digest(no, output.get("certno"), normalise_id) != holder:
        kept.pop("result", None)
    return kept


def told(infno: str, no: str, output: Mapping[str, object]) -> dict[str, object]:
    """What the workflow is told of an output: digests for who it is about, and of a report's result."""
    known: dict[str, object] = {"psn": _digest(no, output.get("psn_no"))}
    if infno == AUTHORISE:
        return known | {"auth_no": output.get("auth_no")}
    if infno == INDEX:
        return known | {"data": stripped(output.get("data"))}
    row = {name: output[name] for name in ReportEntry.model_fields if name in output}
    result = result_of(output)
    known |= {"holder": _digest(no, output.get("certno"), normalise_id), "row": row}
    if not 0 < len(result) <= LONGEST_RESULT:
        return known | {"digest": ""}
    content = json.dumps(row | {"result": result}, ensure_ascii=False, sort_keys=True, default=str)
    return known | {"digest": hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()}


def result_of(output: Mapping[str, object]) -> str:
    """The result as text, whatever shape a platform gives it."""
    said = output.get("result")
    if isinstance(said, str):
        return said
    return json.dumps(stripped(said), ensure_ascii=False, sort_keys=True, default=str) if said else ""


def _digest(no: str, value: object, spelled: Callable[[str], str] = str) -> str:
    return holder_digest(no, spelled(value)) if isinstance(value, str) else ""


def read_authorisation(body: str, psn: str) -> str:
    """The number of an authorisation. ``psn``: digest of whose it must be."""
    number = _about(body, psn).get("auth_no")
    if not isinstance(number, str) or not 1 <= len(number) <= 64:
        raise Unusable("auth_no")
    return number


def read_index(body: str, psn: str) -> tuple[tuple[ReportEntry, ...], int]:
    """The rows of an index, each report once, and how many rows could not be read."""
    rows = _about(body, psn).get("data")
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


def read_report(body: str, psn: str, holder: str, entry: ReportEntry) -> tuple[Facts, str]:
    """Facts and digest of a report. psn, holder: of whose it must be; entry: the index, which it must repeat."""
    output = _read(body)
    if output.get("psn") != psn or output.get("holder") != holder:
        return Facts(entry=entry, retrieved=True, intact=True, same_person=False), ""
    digest = output.get("digest")
    said = isinstance(digest, str) and len(digest) == 64
    intact = said and _entry(output.get("row")) == entry
    return Facts(entry=entry, retrieved=said, intact=intact, same_person=True), str(digest) if intact else ""


def _read(body: str) -> dict[str, object]:
    try:
        found: object = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unusable("json") from error
    if not isinstance(found, dict):
        raise Unusable("output")
    return found


def _no_number(_: str) -> object:
    raise ValueError


def _about(body: str, psn: str) -> dict[str, object]:
    output = _read(body)
    if output.get("psn") != psn:
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
