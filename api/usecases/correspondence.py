"""Messages between the applicant and the authorities of his case, and notes that never leave a department."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from api.access import acting_in, handled_case, is_own, visible_case
from api.house import House
from api.schemas import PlaceOut
from api.schemas_people import MessageIn, MessageOut, NoteIn, NoteOut
from api.usecases.files import kept_files
from api.views import place_out
from domain.errors import Refusal
from domain.messages import Actor, Place, Role
from domain.record import Event
from models import correspondence
from models.cases import Case, lock_case, read_application
from models.cases import note as note_in
from models.correspondence import Letter, Note
from models.database import Session
from models.listing import Scope, takes_part


def side_of(case: Case, actor: Actor) -> Place | None:
    """From which side somebody writes and reads: None is the applicant's; Refusal for whoever has none."""
    if is_own(case, actor):
        return None
    if actor.role in {Role.CASEWORKER, Role.SUPERVISOR}:
        return Place(region=actor.region, department=actor.department)
    raise Refusal("not_found")


async def send(session: Session, house: House, actor: Actor, no: str, body: MessageIn) -> MessageOut:
    """Keeps a message, with its line in the audit trail; its words are not in it."""
    case = await visible_case(session, actor, no)
    side = side_of(case, actor)
    to = await _recipient(session, case, side, body)
    files = await kept_files(session, actor, {f"/documents/{i}": d for i, d in enumerate(body.documents)})
    now, author = datetime.now(UTC), acting_in(case, actor)
    letter = Letter(
        id="m" + secrets.token_hex(13)[:25],
        case_no=no,
        at=now,
        by_subject=actor.subject,
        by_role=actor.role,
        by_basis=author.basis or "",
        from_region=side.region if side else "",
        from_department=side.department if side else "",
        to_region=to.region if to else "",
        to_department=to.department if to else "",
        text=body.text,
        files=[files[d] for d in body.documents],
    )
    locked = await lock_case(session, no)
    if locked is None:
        raise Refusal("not_found")
    await correspondence.insert_letter(session, letter)
    data = {"message": letter.id, "to": f"{to.region}:{to.department}" if to else "applicant"}
    await note_in(session, locked, [Event(type="message:sent", at=now, actor=author, data=data)])
    return _message_out(house, actor, letter)


async def _recipient(session: Session, case: Case, side: Place | None, body: MessageIn) -> Place | None:
    if side is not None:
        if body.to is not None:
            raise Refusal("field_unknown", "/to")  # a department writes to the applicant, and to nobody else here
        return None
    application = await read_application(session, case.no)
    if application is None:
        raise Refusal("internal")
    accepting = application.case_plan["accepting"]
    place = Place(
        region=case.view().moved.get("", accepting["region"]),
        department=accepting["department"],
    )
    if body.to:
        place = Place(region=body.to.get("region", ""), department=body.to.get("department", ""))
        scope = Scope(region=place.region, department=place.department, exact=True)
        if not (place.region and place.department) or not await takes_part(session, case.no, scope):
            raise Refusal("recipient_unknown", "/to")
    return place


async def messages(session: Session, house: House, actor: Actor, no: str) -> list[MessageOut]:
    """All of them for the applicant, for a department those it has sent or got."""
    case = await visible_case(session, actor, no)
    found = await correspondence.letters_of(session, no, side_of(case, actor))
    return [_message_out(house, actor, letter) for letter in found]


async def files_seen_by(session: Session, actor: Actor, case: Case) -> set[str]:
    """The ids of documents in messages that this person can read."""
    try:
        side = side_of(case, actor)
    except Refusal:
        return set()
    return {
        str(file["id"]) for letter in await correspondence.letters_of(session, case.no, side) for file in letter.files
    }


async def read(session: Session, actor: Actor, no: str) -> None:
    """What was sent to this side has been seen."""
    case = await visible_case(session, actor, no)
    await correspondence.mark_read(session, no, side_of(case, actor), datetime.now(UTC))


def _message_out(house: House, actor: Actor, letter: Letter) -> MessageOut:
    def place(region: str, department: str) -> PlaceOut | None:
        return place_out(house, region, department) if region else None

    return MessageOut(
        id=letter.id,
        at=letter.at,
        mine=letter.by_subject == actor.subject,
        sender=place(letter.from_region, letter.from_department),
        to=place(letter.to_region, letter.to_department),
        basis=letter.by_basis,
        text=letter.text,
        files=letter.files,
        read_at=letter.read_at,
    )


async def add_note(session: Session, actor: Actor, no: str, body: NoteIn) -> NoteOut:
    """A note for the colleagues of the same department."""
    await handled_case(session, actor, no)
    note = Note(
        id="n" + secrets.token_hex(13)[:25],
        case_no=no,
        at=datetime.now(UTC),
        author=actor.subject,
        region=actor.region,
        department=actor.department,
        text=body.text,
    )
    await correspondence.insert_note(session, note)
    return _note_out(actor, note)


async def notes(session: Session, actor: Actor, no: str) -> list[NoteOut]:
    """The notes of the reader's own department, and no others; none of his own case, clerk or not."""
    await handled_case(session, actor, no)
    place = Place(region=actor.region, department=actor.department)
    return [_note_out(actor, note) for note in await correspondence.notes_of(session, no, place)]


def _note_out(actor: Actor, note: Note) -> NoteOut:
    return NoteOut(id=note.id, at=note.at, mine=note.author == actor.subject, text=note.text)
