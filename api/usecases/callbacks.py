"""A province reports: believed or not, new or not, each message is stored once and gets the status it deserves.

believed, effect known, result new        taken          202  passed on to the case
the same event again                      as before      200  (or the refusal it got the first time)
the same event id, saying something else  contradiction  409
result known already, the same            late           200
result known already, another             contradiction  409
a refusal; asked, it says otherwise       contradiction  409
a refusal, and nobody can be asked        -              503  nothing is stored; it is sent again
effect unknown                            unknown        404
about somebody else                       wrong_person   409  put under quarantine, without what it says
signature, age or form not believed       forged         401
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.addresses import leads_astray
from adapters.errors import CallbackRefused, Misconfigured, ProvinceError, Rejected
from api.house import House
from domain import names
from domain.callbacks import Verdict, judge
from domain.effects import Answer, AnswerStatus, CallbackNotice, Verb
from domain.errors import Refusal
from domain.process import Callback
from models import effects, inbox, licences, outbox, provinces
from models.cases import read_application
from models.database import Session
from models.effects import Effect
from models.inbox import Inbox

FORGED_KEPT_PER_HOUR = 1000
PATIENCE_S = 5.0  # with a province that is asked whether it has refused
REFUSED = Answer(status=AnswerStatus.REJECTED)
Sent = tuple[int, str, Callback]
"""Outbox row, case, message: what is tried at once after the commit."""
_REFUSED = {
    Verdict.CONTRADICTION: "contradiction",
    Verdict.UNKNOWN: "not_found",
    Verdict.FORGED: "bad_signature",
    Verdict.WRONG_PERSON: "wrong_person",
}


@dataclass(frozen=True)
class Taken:
    """How a believed callback was received; ``send`` is what still has to reach its case."""

    status: str
    new: bool
    send: Sent | None = None


async def receive(house: House, region: str, path: str, headers: Mapping[str, str], body: bytes) -> Taken:
    """Stores and judges one callback; Refusal for what is not taken."""
    try:
        adapter = house.provinces.get(region)
    except Misconfigured:
        raise Refusal("not_found") from None
    try:
        notice = adapter.read_callback(path, headers, body)
    except CallbackRefused as refused:
        await _keep_forged(house, region, body, refused.code)
        raise Refusal("bad_signature") from None
    if code := _unfit(house, region, notice):
        await _keep_forged(house, region, body, code)
        raise Refusal("bad_signature")
    refuted = notice.answer.status is AnswerStatus.REJECTED and await _refuted(house, region, notice.key)
    async with house.database.begin() as session:
        verdict, send = await take(session, region, notice, hashlib.sha256(body).hexdigest(), refuted=refuted)
    if verdict in _REFUSED:
        raise Refusal(_REFUSED[verdict])
    return Taken(status=verdict, new=send is not None, send=send)


async def _refuted(house: House, region: str, key: str) -> bool:
    """Whether the province, asked, says otherwise than that it has refused.

    A refusal that is not true would leave an effect at the province that nobody undoes, so it is believed only if it is
    confirmed. Refusal ("temporarily_down": send it again) while nobody can be asked, or while the province is not done.
    """
    async with house.database.begin() as session:
        effect = await effects.read_effect(session, key)
        brake = (await provinces.controls(session)).get(f"{region[:2]}0000")
    if effect is None or _judge(effect, region, REFUSED) is not Verdict.TAKEN:
        return False  # nothing will be changed by it
    adapter = house.provinces.for_place(effect.region, effect.department)
    if Verb.FIND not in adapter.capabilities.verbs:
        return False
    if brake is not None and brake.held:
        raise Refusal("temporarily_down")
    try:
        async with asyncio.timeout(PATIENCE_S):
            said = await adapter.find(effects.question_about(effect))
    except Rejected:
        return False
    except (ProvinceError, TimeoutError):
        raise Refusal("temporarily_down") from None
    if said is not None and said.status is AnswerStatus.PENDING:
        raise Refusal("temporarily_down")
    return said is None or said.status is not AnswerStatus.REJECTED


def _unfit(house: House, region: str, notice: CallbackNotice) -> str:
    """What even a well-signed message must not be, as in an answer to a call; nothing if all is well."""
    if not effects.can_keep(notice):
        return "unstorable_text"
    astray = leads_astray(notice.answer.data, private=house.provinces.allows_private(region))
    return "foreign_address" if astray else ""


async def take(
    session: Session, region: str, notice: CallbackNotice, digest: str, *, refuted: bool = False
) -> tuple[Verdict, Sent | None]:
    """Stores and judges what a province has said, however it came.

    digest: of the message, or of the file. refuted: asked, the province says otherwise.
    """
    effect = await effects.read_effect(session, notice.key, lock=True)
    verdict = _judge(effect, region, notice.answer)
    if refuted and verdict is Verdict.TAKEN:
        verdict = Verdict.CONTRADICTION
    if effect is not None and verdict is Verdict.TAKEN and await _is_foreign(session, effect, notice.answer):
        verdict = Verdict.WRONG_PERSON
        await provinces.put_aside(session, _put_aside(effect, region, notice))
    row = Inbox(
        region=region,
        event_id=notice.event_id,
        digest=digest,
        key=notice.key[:64],
        case_no=effect.case_no if effect and verdict is not Verdict.UNKNOWN else "",
        verdict=verdict,
        answer={"code": verdict} if verdict is Verdict.WRONG_PERSON else notice.answer.model_dump(mode="json"),
        received_at=datetime.now(UTC),
    )
    earlier = await inbox.take_in(session, row)
    if earlier is not None and _says(earlier) == _says(row):
        return Verdict(earlier.verdict), None
    if earlier is not None:  # one id for two messages: what came first stands, what came now is kept beside it
        row.event_id, row.verdict = f"{notice.event_id}:{digest}", Verdict.CONTRADICTION
        await inbox.take_in(session, row)
        return Verdict.CONTRADICTION, None
    if effect is not None and verdict is Verdict.WRONG_PERSON:
        return verdict, await _send(session, effect.case_no, _about_somebody_else(notice))
    if verdict is not Verdict.TAKEN or effect is None:
        return verdict, None
    await _keep(session, effect, notice.answer)
    return verdict, await _send(session, effect.case_no, await _message(session, effect.case_no, notice))


async def _send(session: Session, case_no: str, message: Callback) -> Sent:
    """On its way to the case."""
    content = message.model_dump(mode="json")
    posted = await outbox.post(session, outbox.OutboxKind.CALLBACK, case_no, content, datetime.now(UTC))
    return posted, case_no, message


def _about_somebody_else(notice: CallbackNotice) -> Callback:
    """What the case hears of it: that a person has to see to it, and nothing of what was said."""
    return Callback(
        event_id=notice.event_id, key=notice.key, answer=AnswerStatus.FAILED, reasons=(Verdict.WRONG_PERSON,)
    )


async def _is_foreign(session: Session, effect: Effect, answer: Answer) -> bool:
    """Whether it names a holder who is nowhere in the application."""
    holder = answer.data.get("holder_id", "")
    if not holder:
        return False
    application = await read_application(session, effect.case_no)
    return application is None or holder not in map(str, (application.form | application.corrected).values())


def _put_aside(effect: Effect, region: str, notice: CallbackNotice) -> provinces.Quarantine:
    return provinces.Quarantine(
        region=region,
        case_no=effect.case_no,
        step=effect.step,
        key=effect.key,
        came_by="callback",
        code=Verdict.WRONG_PERSON,
        digest=hashlib.sha256(notice.answer.model_dump_json().encode()).hexdigest(),
        fields=sorted(notice.answer.data),
        at=datetime.now(UTC),
    )


def _says(row: Inbox) -> tuple[str, object]:
    """What a message means; its bytes may differ when it is sent again, and so may what is counted from then on."""
    return row.key, {name: value for name, value in (row.answer or {}).items() if name != "until"}


def _judge(effect: Effect | None, region: str, answer: Answer) -> Verdict:
    known = Answer.model_validate(effect.answer) if effect and effect.answer else None
    return judge(effect.region if effect else "", known, region, answer)


async def _keep(session: Session, effect: Effect, answer: Answer) -> None:
    """The receipt; for evidence that a register releases late also what it released. A breakdown is no end."""
    if answer.status is AnswerStatus.FAILED:
        return
    if effect.verb == Verb.FETCH and answer.status is AnswerStatus.ACCEPTED:
        found = effects.Found(
            id=names.evidence_id(effect.case_no, effect.step),
            case_no=effect.case_no,
            step=effect.step,
            region=effect.region,
            department=effect.department,
            released=True,
        )
        await effects.receipt_of_evidence(session, effect.key, found, answer)
    else:
        await effects.receipt(session, effect.key, answer)


async def _message(session: Session, case_no: str, notice: CallbackNotice) -> Callback:
    licence = notice.answer.data.get("licence_identifier", "")
    return Callback(
        event_id=notice.event_id,
        key=notice.key,
        answer=notice.answer.status,
        reference=notice.answer.reference,
        reasons=notice.answer.reasons,
        licence=licence,
        licence_taken=await licences.is_taken(session, licence, case_no),
        wanting=notice.answer.wants is not None,
        retryable=notice.answer.retryable,
    )


async def _keep_forged(house: House, region: str, body: bytes, code: str) -> None:
    """The trace of a message that was not believed: its digest, never its content, and not without bound."""
    digest = hashlib.sha256(body).hexdigest()
    async with house.database.begin() as session:
        if await inbox.forged_since(session, region) >= FORGED_KEPT_PER_HOUR:
            return
        row = Inbox(
            region=region,
            event_id=f"forged:{digest}",
            digest=digest,
            key="",
            case_no="",
            verdict=Verdict.FORGED,
            answer={"code": code},
            received_at=datetime.now(UTC),
        )
        await inbox.take_in(session, row)
