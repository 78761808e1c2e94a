"""The course of one case as a pure state machine: no clock of its own, no I/O, no Temporal.

    state.py        what is remembered (survives continue-as-new) and the calls to be made
    orders.py       what people can ask for: one message per verb of the law
    book.py         Book: the state and what of it has to be written down; status and step tables are enforced here
    engine.py       Process: takes in answers, callbacks, orders, time
    steps.py        opening steps and what their ends lead to; failed legs and partial results
    answers.py      calls to provinces and their answers
    law.py          the verbs of the law, each with its check and its doing, from:
      deciding.py     decisions on tasks, four eyes, checklists
      supplements.py  the one-time notice and its answer
      delays.py       extension and special procedures
      promises.py     deferred materials and commitments
      consent.py      evidence seen and accepted
      custody.py      paper originals
      people.py       withdrawal, signatures, objections, transfer, opinions, corrections
    migration.py    moving to another version of the definition, from:
      successor.py    the plan that the case would have then
      carried_clocks.py  its clocks under that plan
    closing.py      ending early; compensation last-in first-out
    clocks.py       starting, stopping, pausing and expiry of legal and promised clocks
    forecast.py     when it will be over: the longest way through what is left
    view.py         the projection: status, who is waited for, until when

The workflow drives it; the same rules run in simulations and property tests.
"""

from domain.process.engine import Process
from domain.process.orders import (
    AnyOrder,
    AskExtensionCommand,
    BeginProcedureCommand,
    CancelSupplementCommand,
    CaptureCommand,
    CommandResult,
    CorrectCommand,
    CosignCommand,
    DecideCommand,
    EndProcedureCommand,
    EvidenceCommand,
    HandInCommand,
    ItemKind,
    MigrateCommand,
    ObjectCommand,
    ObjectCorrectionCommand,
    OpinionCommand,
    OriginalCommand,
    ReplySupplementCommand,
    RequestSupplementCommand,
    Stage,
    SupplementItem,
    TransferCommand,
    WithdrawCommand,
)
from domain.process.state import Call, Callback, CallOutcome, Intake, OutcomeStatus, ProcessState

__all__ = [
    "AnyOrder",
    "AskExtensionCommand",
    "BeginProcedureCommand",
    "Call",
    "CallOutcome",
    "Callback",
    "CancelSupplementCommand",
    "CaptureCommand",
    "CommandResult",
    "CorrectCommand",
    "CosignCommand",
    "DecideCommand",
    "EndProcedureCommand",
    "EvidenceCommand",
    "HandInCommand",
    "Intake",
    "ItemKind",
    "MigrateCommand",
    "ObjectCommand",
    "ObjectCorrectionCommand",
    "OpinionCommand",
    "OriginalCommand",
    "OutcomeStatus",
    "Process",
    "ProcessState",
    "ReplySupplementCommand",
    "RequestSupplementCommand",
    "Stage",
    "SupplementItem",
    "TransferCommand",
    "WithdrawCommand",
]
