"""What one course of the demo left behind: the material of its closing table and of its checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from api.schemas import CaseOut, EventOut, ResultList, VerificationOut
from api.schemas_services import ServiceOut
from tongban.demo.course import Course, Form
from tongban.demo.ledger import Row
from tongban.demo.people import DemoError


@dataclass(frozen=True)
class Denial:
    """A call that had to be refused: with which code, and what was answered."""

    step: str
    call: str
    wanted: str
    status: int
    code: str


@dataclass
class Facts:
    """What one course left behind, asked for through the public API and at the provinces."""

    course: Course
    case: CaseOut
    service: ServiceOut
    events: list[EventOut]
    heard_all: bool
    results: ResultList
    verified: dict[str, tuple[int, VerificationOut | None]]
    ledgers: Mapping[str, list[Row]]
    denials: list[Denial]
    took_effect: list[str]  # effects that were done when the applicant or the caseworker ended the case
    seconds: float = 0.0
    form: Form = field(default_factory=dict)


def read_ledger(url: str, no: str) -> list[Row]:
    """A province's own ledger of one case."""
    try:
        answer = httpx.get(f"{url}/sim/ledger", params={"case_no": no}, timeout=10, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise DemoError(f"the ledger at {url}: {error}") from error
    return [Row.model_validate(row) for row in answer.json()["rows"]]
