"""What is asked of a province and what it can answer. Shared by activities, adapters and the process rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from domain.messages import Message, Text


class Verb(StrEnum):
    """What a call to a province is for.

    keyed, in the province's ledger    submit, consult, notify, supplement, withdraw, reverse, fetch
    changing nothing                   offer, verify, query, find
    """

    SUBMIT = "submit"  # an effect at the province, once
    CONSULT = "consult"  # another authority has to agree (商请)
    NOTIFY = "notify"  # another authority has to be told (通报)
    SUPPLEMENT = "supplement"  # hands in what the province wants for a submission in progress (补正)
    WITHDRAW = "withdraw"  # takes back a submission in progress; what is done meanwhile is rejected
    REVERSE = "reverse"  # undoes an earlier submission, whatever has become of it
    OFFER = "offer"  # shows what evidence a register holds
    FETCH = "fetch"  # releases evidence the applicant has accepted
    VERIFY = "verify"  # whether an e-licence is genuine and valid
    QUERY = "query"  # how far a submission in progress is, by the province's number
    FIND = "find"  # looks for the result of an earlier key


class AnswerStatus(StrEnum):
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PENDING = "pending"
    FAILED = "failed"


class Expect(StrEnum):
    """How the end of what is pending arrives. The engine asks anyway, so that a lost callback is no harm."""

    POLL = "poll"
    CALLBACK = "callback"
    BATCH = "batch"  # in the nightly file
    CLERK = "clerk"  # a person keys it in and writes down the number


class Answer(Message):
    """A province's answer. ``reference`` is its business number, ``data`` its result fields as plain strings.

    accepted: the effect exists at the province.
    rejected: it does not, and will not under this key; ``reasons`` are codes, ``text`` is for the applicant.
    pending: it was taken in; ``expect`` says how the end comes, ``until`` when the province means to be done, and
    ``wants`` what it wants handed in first (a supplement).
    failed: the province has tried and broken down, nothing was done; ``retryable``: the same key may be sent again.
    """

    status: AnswerStatus
    reference: str = ""
    data: Mapping[str, str] = Field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    text: Text | None = None
    poll_after_s: int = 30
    until: datetime | None = None
    expect: Expect = Expect.POLL
    wants: Text | None = None
    retryable: bool = False


class ProvinceCall(Message):
    """One call to a province, complete: what an adapter needs and nothing else.

    key: 64 hex characters, the idempotency key at the receiver (empty for OFFER and VERIFY).
    original: for REVERSE, WITHDRAW and SUPPLEMENT the key of the submission they are about.
    reference, original_reference: the province's own number of the matter, where it has told one.
    payload: the fields the definition sends, no others (PIPL art. 6, minimisation). ``*_fen`` is money in fen.
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
    reference: str = ""
    original_reference: str = ""


class CallbackNotice(Message):
    """A verified message from a province about an earlier key. ``event_id`` is the sender's, unique per province."""

    event_id: str
    key: str
    answer: Answer
