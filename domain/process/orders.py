"""What people can ask of a running case: one message per verb of the law, all sent by one update.

Words, documents and personal data stay in the database under the order's ``id``; an order carries codes and ids only.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.case import CaseStatus
from domain.messages import Actor, Message
from domain.plan import CasePlan


class Order(Message):
    """``id``: the same id again is the same order and gets the same result for ever."""

    id: str
    actor: Actor


class DecideCommand(Order):
    """A decision on a task. ``ticked``: lines of the checklist; ``reference``: a tracking or archive number."""

    verb: Literal["decide"] = "decide"
    task: str
    outcome: str
    ticked: tuple[str, ...] = ()
    reference: str = ""


class EvidenceCommand(Order):
    """The applicant's answer to an offered evidence; ``replaced`` when an own document was handed in."""

    verb: Literal["evidence"] = "evidence"
    evidence: str
    accept: bool
    replaced: bool


class WithdrawCommand(Order):
    verb: Literal["withdraw"] = "withdraw"


class ItemKind(StrEnum):
    """What is wrong with a material or a field."""

    INCORRECT = "incorrect"
    INCOMPLETE = "incomplete"
    OUTDATED = "outdated"


class SupplementItem(Message):
    """``about``: a material's or a form field's name, as ``material:x`` or ``form:y``."""

    id: str
    about: str
    kind: ItemKind


class RequestSupplementCommand(Order):
    """补正告知. ``about_new``: the reason, on record, why it concerns what was handed in since the first notice."""

    verb: Literal["request_supplement"] = "request_supplement"
    task: str
    items: tuple[SupplementItem, ...]
    about_new: bool = False


class ReplySupplementCommand(Order):
    """Answers some or all items of a request. ``fields``: of the form, to which the answer is a new value."""

    verb: Literal["reply_supplement"] = "reply_supplement"
    supplement: str
    items: tuple[str, ...]
    fields: tuple[str, ...] = ()


class CancelSupplementCommand(Order):
    verb: Literal["cancel_supplement"] = "cancel_supplement"
    supplement: str


class AskExtensionCommand(Order):
    """延期: asks another person for the one extension that a clock allows."""

    verb: Literal["ask_extension"] = "ask_extension"
    clock: str


class BeginProcedureCommand(Order):
    """特别程序: stops the clocks that name it. ``planned_days``: how long it is to take, told to the applicant."""

    verb: Literal["begin_procedure"] = "begin_procedure"
    procedure: str
    planned_days: int = Field(default=0, ge=0, le=3660)


class EndProcedureCommand(Order):
    verb: Literal["end_procedure"] = "end_procedure"
    procedure: str


class HandInCommand(Order):
    """容缺: the applicant hands in what was promised."""

    verb: Literal["hand_in"] = "hand_in"
    material: str


class CaptureCommand(Order):
    """A clerk brings a document into the case: photographed at a counter, or in the ``session`` that has let him."""

    verb: Literal["capture"] = "capture"
    material: str = ""
    digest: str
    session: str = ""


class CosignCommand(Order):
    """A co-signer, who is the actor, confirms or declines."""

    verb: Literal["cosign"] = "cosign"
    agree: bool


class ObjectCommand(Order):
    """Somebody objects while a step is on display."""

    verb: Literal["object"] = "object"
    step: str


class Stage(StrEnum):
    """Where a paper original is (custody chain)."""

    SEALED = "sealed"
    SHIPPED = "shipped"
    ARRIVED = "arrived"
    ARCHIVED = "archived"


class OriginalCommand(Order):
    """An original has come one stage further; the digest of its photo is on record."""

    verb: Literal["original"] = "original"
    material: str
    stage: Stage


class TransferCommand(Order):
    """移送: the accepting place holds another one of the same department to be competent."""

    verb: Literal["transfer"] = "transfer"
    region: str


class OpinionCommand(Order):
    """征求意见: another body is asked for its opinion; nothing waits for it but whoever asked."""

    verb: Literal["opinion"] = "opinion"
    region: str
    department: str


class CorrectCommand(Order):
    """代为更正: a caseworker mends form fields for the applicant, who is told and may object."""

    verb: Literal["correct"] = "correct"
    fields: tuple[str, ...]


class ObjectCorrectionCommand(Order):
    """The applicant does not agree with a correction."""

    verb: Literal["object_correction"] = "object_correction"
    correction: str


class MigrateCommand(Order):
    """An operator moves the case to another version of its definition; no route of the API leads here.

    run: of which it is a part. before: digest of the plan that the case has to be pinned to. plan: what it is moved to.
    """

    verb: Literal["migrate"] = "migrate"
    run: str
    before: str
    plan: CasePlan


AnyOrder = Annotated[
    DecideCommand
    | EvidenceCommand
    | WithdrawCommand
    | RequestSupplementCommand
    | ReplySupplementCommand
    | CancelSupplementCommand
    | AskExtensionCommand
    | BeginProcedureCommand
    | EndProcedureCommand
    | HandInCommand
    | CaptureCommand
    | CosignCommand
    | ObjectCommand
    | OriginalCommand
    | TransferCommand
    | OpinionCommand
    | CorrectCommand
    | ObjectCorrectionCommand
    | MigrateCommand,
    Field(discriminator="verb"),
]


class CommandResult(Message):
    """What a command led to; the same command id gets the same result for ever."""

    status: CaseStatus
    at: datetime
