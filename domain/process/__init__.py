"""The course of one case as a pure state machine: no clock of its own, no I/O, no Temporal.

    state.py    what is remembered (survives continue-as-new) and the messages in and out
    book.py     Book: the state and what of it has to be written down; status and step tables are enforced here
    engine.py   Process: opens steps, takes in answers, decisions, callbacks, time
    closing.py  ending early: withdrawal, refusal, termination; compensation last-in first-out
    clocks.py   starting, stopping and expiry of legal and promised clocks
    view.py     the projection: status, who is waited for, until when

The workflow drives it; the same rules run in simulations and property tests.
"""

from domain.process.engine import Process
from domain.process.state import (
    Call,
    Callback,
    CallOutcome,
    CommandResult,
    DecideCommand,
    EvidenceCommand,
    OutcomeStatus,
    ProcessState,
    WithdrawCommand,
)

__all__ = [
    "Call",
    "CallOutcome",
    "Callback",
    "CommandResult",
    "DecideCommand",
    "EvidenceCommand",
    "OutcomeStatus",
    "Process",
    "ProcessState",
    "WithdrawCommand",
]
