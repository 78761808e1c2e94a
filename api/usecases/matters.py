"""What filings, referrals and other matters share at the API: who somebody is, acts once, words for waiting."""

from __future__ import annotations

import json
from datetime import date

from pydantic import BaseModel

from api.auth import Login
from api.gateway import NotRunning
from api.house import House
from api.schemas import PlaceOut, WaitingOut
from api.schemas_medical import MatterDoneOut, PersonIn
from api.views import waiting_out
from domain import names
from domain.errors import Refusal
from domain.identifiers import check_resident_id, is_case_number
from domain.medical import Act, MatterKind
from domain.medical.filing_rules import pool_of
from domain.medical.kinds import STARTS
from domain.record import Waiting
from models.database import Session
from models.matters import Matter, read_matter


def digest_of_login(login: Login) -> str:
    """``names.person_digest`` of the number that the identity provider has verified; empty without one.

    Every matter of a person carries that digest, whoever has begun it; the number itself stands in the form alone.
    """
    try:
        return names.person_digest(check_resident_id(login.number)) if login.number else ""
    except Refusal:
        return ""  # a company's code, or a number of another kind: no insured person is known by it


def checked_number(value: str, field: str) -> str:
    """The normalised number; Refusal with its place otherwise."""
    try:
        return check_resident_id(value)
    except Refusal as error:
        raise Refusal(error.code, field) from error


def person_parts(person: PersonIn, number: str) -> dict[str, dict[str, str]]:
    """The parts of a form about somebody, as the messages that need them spell it."""
    return {
        "identity": {"mdtrt_cert_no": number, "psn_name": person.name},
        "contact": {"tel": person.phone, "addr": person.address},
    }


def age_on(number: str, day: date) -> int:
    """Full years of the holder of a resident id number."""
    born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


async def found_matter(session: Session, no: str, kind: MatterKind, *, lock: bool = False) -> Matter:
    """The matter; Refusal(not_found) if there is none of that kind."""
    matter = await read_matter(session, no, lock=lock) if is_case_number(no) else None
    if matter is None or matter.kind != kind.value:
        raise Refusal("not_found")
    return matter


def act_id(login: Login, matter: Matter, body: BaseModel | None, what: str, key: str) -> str:
    """The same request again is the same act; without a key as long as nothing has happened in between."""
    content = json.dumps(body.model_dump(mode="json") if body else {}, sort_keys=True)
    return names.command_id(
        login.actor.subject, f"{matter.kind}:{what}", matter.no, key or f"{matter.recorded} {content}"
    )


async def do(house: House, matter: Matter, act: Act) -> MatterDoneOut:
    """Has it done; Refusal(matter_closed) if the matter is over. One that nobody has started yet is started."""
    try:
        done = await house.gateway.act_in_matter(matter.no, act)
    except NotRunning as error:
        if matter.closed_at is not None:
            raise Refusal("matter_closed") from error
        kind = MatterKind(matter.kind)
        await house.gateway.start_matter(matter.no, kind, STARTS[kind].model_validate(matter.start))
        done = await house.gateway.act_in_matter(matter.no, act)
    return MatterDoneOut(no=matter.no, status=done.status, at=done.at, pending=done.pending)


def waits(house: House, matter: Matter) -> WaitingOut | None:
    """Who has the ball, in words."""
    return waiting_out(house, Waiting.model_validate(matter.waiting[0])) if matter.waiting else None


def place(house: House, region: str, department: str = "") -> PlaceOut:
    """A place with its name; a district that has none here is called by its city."""
    known = house.library.divisions.names
    return PlaceOut(region=region, region_name=known.get(region) or known.get(pool_of(region)), department=department)


def known_region(house: House, region: str, field: str) -> None:
    """Refusal(region_unknown) for what is in none of the four provinces."""
    known = house.library.divisions.names  # every city is there, not every district
    if region not in known and region[:4] + "00" not in known:
        raise Refusal("region_unknown", field)
