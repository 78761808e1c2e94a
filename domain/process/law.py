"""The verbs of the law: for each order, whether it may be carried out now and by this person, and what it does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from domain.process import consent, custody, deciding, delays, migration, people, promises, steps, supplements
from domain.process.orders import AnyOrder
from domain.process.state import Intake

if TYPE_CHECKING:
    from domain.process.engine import Process

Check = Callable[["Process", Any], str | None]
CarryOut = Callable[["Process", Any, datetime], None]

VERBS: dict[str, tuple[Check, CarryOut]] = {
    "decide": (deciding.check, deciding.carry_out),
    "evidence": (consent.check, consent.carry_out),
    "withdraw": (people.check_withdraw, people.withdraw),
    "request_supplement": (supplements.check_request, supplements.request),
    "reply_supplement": (supplements.check_reply, supplements.reply),
    "cancel_supplement": (supplements.check_cancel, supplements.cancel),
    "ask_extension": (delays.check_extension, delays.ask_extension),
    "begin_procedure": (delays.check_begin, delays.begin_procedure),
    "end_procedure": (delays.check_end, delays.end_procedure),
    "hand_in": (promises.check_hand_in, promises.hand_in),
    "capture": (promises.check_capture, promises.capture),
    "cosign": (people.check_cosign, people.cosign),
    "object": (people.check_object, people.object_to_display),
    "original": (custody.check, custody.carry_out),
    "transfer": (people.check_transfer, people.transfer),
    "opinion": (people.check_opinion, people.ask_opinion),
    "correct": (people.check_correct, people.correct),
    "object_correction": (people.check_object_correction, people.object_to_correction),
    "migrate": (migration.check_order, migration.carry_out),
}
WHILE_ENDING = frozenset({"decide"})  # a person may have to say what becomes of a compensation


def check(process: Process, order: AnyOrder) -> str | None:
    """The code of the refusal, or None."""
    if process.state.closed_at is not None:
        return "case_closed"
    if process.state.closing is not None and order.verb not in WHILE_ENDING:
        return "case_closed"
    return VERBS[order.verb][0](process, order)


def carry_out(process: Process, order: AnyOrder, now: datetime) -> None:
    """Carries a checked order out."""
    VERBS[order.verb][1](process, order, now)


def begin(process: Process, intake: Intake) -> None:
    """What was agreed at submission."""
    promises.begin(process, intake.promised)
    custody.begin(process)
    process.state.signatures = dict.fromkeys(intake.signers)


def expire(process: Process, now: datetime) -> None:
    """Time is up for whatever has a day of its own."""
    for rule in (supplements.expire, promises.expire, delays.expire, steps.end_publicity):
        if process.state.closing is None:
            rule(process, now)


def recompute(process: Process, now: datetime) -> None:
    """A holiday notice was loaded: days that were counted with the old calendar are counted again."""
    for rule in (supplements.recompute, promises.recompute):
        rule(process, now)
