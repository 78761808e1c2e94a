"""Who reads health data: every use case that shows some asks ``may_read_health``, in the transaction that reads."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import structlog

from api.auth import Login, need
from api.house import House
from api.schemas_health import ConsentIn, ConsentList, ConsentOut, NoticeOut, ReadLogOut, ReadOut
from api.usecases.matters import digest_of_login
from api.views import place_out
from domain import names
from domain.errors import Refusal
from domain.medical import MatterKind
from domain.medical.access import Basis, Consent, DataKind, Purpose, Subject, ground_for
from domain.medical.recognition import WithdrawAct
from domain.messages import Actor, Role, Text
from models import health_access
from models.database import Session
from models.health_access import HealthConsent, HealthRead
from models.matters import Matter, read_matter

log = structlog.get_logger(__name__)
BASES: dict[Basis, Text] = {
    Basis.CONSENT: Text(zh="依据您的同意", en="by your consent"),
    Basis.EMERGENCY: Text(zh="紧急情况", en="in an emergency"),
    Basis.LEGAL_DUTY: Text(zh="依法履行医保经办职责", en="by legal duty of the insurance agency"),
    Basis.TREATMENT: Text(zh="为您诊疗的机构", en="as the institution that treats you"),
}


async def may_read_health(
    session: Session,
    actor: Actor,
    person: str,
    what: DataKind,
    matter: Matter,
    *,
    emergency_reason: str = "",
    own: str = "",
    institutions: Collection[str] = (),
    regions: Collection[str] = (),
) -> Basis:
    """On what basis this actor may read this; the reading is logged in the same transaction, unless it is his own.

    person: ``names.person_digest`` of whose data. own: that of the number the actor's login has verified. institutions,
    regions: that take part beside those of the matter (the receiving side of a referral). emergency_reason: the
    person is told of it. Refusal(not_found | health_consent_required | reason_required): nothing is read or logged.
    """
    subject = Subject(
        matter=matter.no,
        kind=what,
        person=person,
        owner=matter.owner,
        institutions=tuple(dict.fromkeys(filter(None, (matter.institution, *institutions)))),
        regions=tuple(dict.fromkeys(filter(None, (matter.insured, matter.treatment, *regions)))),
    )
    return await may_read_about(session, actor, subject, emergency_reason=emergency_reason, own=own)


async def may_read_about(
    session: Session, actor: Actor, subject: Subject, *, emergency_reason: str = "", own: str = ""
) -> Basis:
    """The same, of what is no matter: a bill."""
    consents: list[Consent] = []
    if actor.role is Role.INSTITUTION:
        consents = [row.consent() for row in await health_access.consents_of(session, subject.person)]
    ground = ground_for(actor, subject, consents, own=own, emergency_reason=emergency_reason)
    if ground.basis is not Basis.OWN:
        await health_access.note_read(
            session,
            actor,
            subject.person,
            subject.kind,
            subject.matter,
            ground.basis,
            datetime.now(UTC),
            consent=ground.consent,
            reason=emergency_reason.strip() if ground.basis is Basis.EMERGENCY else "",
        )
    return ground.basis


def own_person(login: Login) -> str:
    """The digest of the number that this login has verified; empty if it has verified none."""
    return digest_of_login(login) if login.actor.role in {Role.CITIZEN, Role.AGENT} else ""


def verified_person(login: Login) -> str:
    """As ``own_person``; Refusal(identity_not_verified) if it has verified none."""
    need(login.actor, Role.CITIZEN, Role.AGENT)
    if not (person := own_person(login)):
        raise Refusal("identity_not_verified")
    return person


async def access_log(session: Session, house: House, login: Login, before: int, limit: int) -> ReadLogOut:
    """Who has looked at what about this person, when, on what basis; and what he has to be told."""
    person = verified_person(login)
    rows = await health_access.reads_about(session, person, before, limit)
    notices = await health_access.notices_to(session, person)
    return ReadLogOut(
        reads=[_read_out(house, row) for row in rows],
        next=rows[-1].id if len(rows) == limit else None,
        notices=[
            NoticeOut(id=notice.id, at=notice.at, seen_at=notice.seen_at, read=_read_out(house, read))
            for notice, read in notices
        ],
    )


def _read_out(house: House, row: HealthRead) -> ReadOut:
    return ReadOut(
        id=row.id,
        at=row.at,
        what=row.what,
        matter=row.matter.rstrip(),  # a bill's numbers are shorter than a matter's
        basis=row.basis,
        basis_text=BASES[Basis(row.basis)],
        consent=row.consent,
        reason=row.reason,
        by=place_out(house, row.region, row.department),
        role=row.role,
        reader=row.reader,
    )


async def see_notice(session: Session, login: Login, notice: int) -> None:
    """He has seen it; Refusal(not_found) if it is not his."""
    if not await health_access.see_notice(session, verified_person(login), notice, datetime.now(UTC)):
        raise Refusal("not_found")


async def my_consents(session: Session, house: House, login: Login) -> ConsentList:
    """What this person has consented to, and the texts in force."""
    rows = await health_access.consents_of(session, verified_person(login))
    texts = {p.value: form.model_dump(exclude={"tag"}) for p, form in house.library.health_consents.items()}
    return ConsentList(consents=[consent_out(row) for row in rows], texts=texts)


def consent_out(row: HealthConsent) -> ConsentOut:
    """One consent."""
    return ConsentOut(**row.model_dump(exclude={"person", "subject"}))


async def grant_records(session: Session, house: House, login: Login, body: ConsentIn, key: str) -> ConsentOut:
    """The person lets institutions read records on this platform. The same key again is the same consent."""
    person = verified_person(login)
    if body.version != house.library.health_consents[Purpose.RECORDS].version:
        raise Refusal("consent_version", "/version")
    now = datetime.now(UTC)
    given = f"{','.join(body.scope)} {','.join(body.institutions)} {now.isoformat()}"
    consent = Consent(
        id="hc" + names.command_id(login.actor.subject, "consent", person, key or given)[:30],
        person=person,
        purpose=Purpose.RECORDS,
        scope=tuple(dict.fromkeys(body.scope)),
        institutions=tuple(dict.fromkeys(body.institutions)),
        provinces=tuple(dict.fromkeys(body.provinces)),
        text_version=body.version,
        granted_at=now,
    )
    await health_access.grant(session, consent, login.actor.subject)
    return await _kept(session, consent.id)


async def _kept(session: Session, consent: str) -> ConsentOut:
    row = await health_access.read_consent(session, consent)
    if row is None:
        raise Refusal("internal")
    return consent_out(row)


async def withdraw(house: House, login: Login, consent: str) -> ConsentOut:
    """From now on nothing is read by it: here at once, outward as soon as its recognition has heard."""
    person, now = verified_person(login), datetime.now(UTC)
    async with house.database.begin() as session:
        row = await health_access.read_consent(session, consent)
        if row is None or row.person != person:
            raise Refusal("not_found")
        await health_access.withdraw(session, consent, now)
        matter = await read_matter(session, row.matter) if row.matter else None
        after = await _kept(session, consent)
    if matter is not None and matter.kind == MatterKind.RECOGNITION and matter.closed_at is None:
        act = WithdrawAct(id=names.command_id(consent, "withdraw", matter.no, ""), actor=login.actor)
        try:
            await house.gateway.act_in_matter(matter.no, act)
        except Refusal as refusal:  # it is over, or has nothing more to read
            log.info("nothing_left_to_stop", matter=matter.no, code=refusal.code)
    return after
