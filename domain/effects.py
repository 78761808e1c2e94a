"""What is asked of a province and what it can answer. Shared by activities, adapters and the process rules."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from domain.messages import Message, Text


class Verb(StrEnum):
    """What a call to a province is for."""

    SUBMIT = "submit"  # an effect at the province, keyed, once
    REVERSE = "reverse"  # undoes an earlier submission, keyed itself, once
    OFFER = "offer"  # shows what evidence a register holds; changes nothing
    FETCH = "fetch"  # releases evidence the applicant has accepted; keyed, in the province's ledger
    FIND = "find"  # looks for the result of an earlier key


class AnswerStatus(StrEnum):
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PENDING = "pending"


class Answer(Message):
    """A province's answer. ``reference`` is its business number, ``data`` its result fields as plain strings.

    accepted: the effect exists at the province. rejected: it does not, and will not under this key;
    ``reasons`` are codes, ``text`` is for the applicant. pending: it was taken in; a callback or a poll brings the end.
    """

    status: AnswerStatus
    reference: str = ""
    data: Mapping[str, str] = Field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    text: Text | None = None
    poll_after_s: int = 30


class ProvinceCall(Message):
    """One call to a province, complete: what an adapter needs and nothing else.

    key: 64 hex characters, the idempotency key at the receiver (empty for OFFER).
    original: for REVERSE the key of the submission to undo.
    payload: the fields the definition sends, no others (PIPL art. 6, minimisation).
    """

    verb: Verb
    region: str
    department: str
    operation: str
    key: str = ""
    original: str = ""
    case_no: str = ""
    leg: str = ""
    step: str = ""
    payload: Mapping[str, str] = Field(default_factory=dict)


class CallbackNotice(Message):
    """A verified message from a province about an earlier key. ``event_id`` is the sender's, unique per province."""

    event_id: str
    key: str
    answer: Answer
