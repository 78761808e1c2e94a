"""A province reports: believed or not, new or not, each message is stored once and gets the status it deserves.

believed, effect known, result new        taken          202  passed on to the case
the same event again                      as before      200  (or the refusal it got the first time)
the same event id, saying something else  contradiction  409
result known already, the same            late           200
result known already, another             contradiction  409
effect unknown                            unknown        404
signature, age or form not believed       forged         401
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.errors import CallbackRefused, Misconfigured
from api.house import House
from domain import names
from domain.callbacks import Verdict, judge
from domain.effects import Answer, AnswerStatus, CallbackNotice, Verb
from domain.errors import Refusal
from domain.process import Callback
from models import effects, inbox, licences, outbox
from models.database import Session
from models.effects import Effect
from models.inbox import Inbox

FORGED_KEPT_PER_HOUR = 1000
_REFUSED = {Verdict.CONTRADICTION: "contradiction", Verdict.UNKNOWN: "not_found", Verdict.FORGED: "bad_signature"}


@dataclass(frozen=True)
class Taken:
    """How a believed callback was received; ``send`` is what still has to reach its case."""

    status: str
    new: bool
    send: tuple[int, str, Callback] | None = None


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
    if not effects.can_keep(notice):
        await _keep_forged(house, region, body, "unstorable_text")
        raise Refusal("bad_signature")
    digest = hashlib.sha256(body).hexdigest()
    async with house.database.begin() as session:
        effect = await effects.read_effect(session, notice.key, lock=True)
        verdict = _judge(effect, region, notice.answer)
        row = Inbox(
            region=region,
            event_id=notice.event_id,
            digest=digest,
            key=notice.key[:64],
            case_no=effect.case_no if effect and verdict is not Verdict.UNKNOWN else "",
            verdict=verdict,
            answer=notice.answer.model_dump(mode="json"),
            received_at=datetime.now(UTC),
        )
        earlier = await inbox.take_in(session, row)
        send = None
        if earlier is not None and _says(earlier) == _says(row):
            verdict = Verdict(earlier.verdict)
        elif earlier is not None:  # one id for two messages: what came first stands, what came now is kept beside it
            verdict = Verdict.CONTRADICTION
            row.event_id, row.verdict = f"{notice.event_id}:{digest}", verdict
            await inbox.take_in(session, row)
        elif verdict is Verdict.TAKEN and effect is not None:
            await _keep(session, effect, notice.answer)
            message = await _message(session, effect.case_no, notice)
            now = datetime.now(UTC)
            posted = await outbox.post(
                session, outbox.OutboxKind.CALLBACK, effect.case_no, message.model_dump(mode="json"), now
            )
            send = (posted, effect.case_no, message)
    if verdict in _REFUSED:
        raise Refusal(_REFUSED[verdict])
    return Taken(status=verdict, new=send is not None, send=send)


def _says(row: Inbox) -> tuple[str, object]:
    """What a message means; its bytes may differ when it is sent again."""
    return row.key, row.answer


def _judge(effect: Effect | None, region: str, answer: Answer) -> Verdict:
    known = Answer.model_validate(effect.answer) if effect and effect.answer else None
    return judge(effect.region if effect else "", known, region, answer)


async def _keep(session: Session, effect: Effect, answer: Answer) -> None:
    """The receipt; for evidence that a register releases late also what it released."""
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
