"""A session at the virtual window (远程虚拟窗口, domain note 2.3): applicant and clerks face to face by screen.

    messages.py   what a session is started with, what people can do in it, what is shown of it
    session.py    Session: the course of it, pure; every method takes the time it happens at
    acts.py       what can be done, when, by whom, and what it does

Pictures and sound never come here: a recording is known by its address and its digest.
"""

from domain.window.messages import (
    TRANSITIONS,
    AnyAct,
    AskSignAct,
    BeginAct,
    CallBackAct,
    CaptureAct,
    Captured,
    CloseAct,
    ConsentAct,
    GiveBackAct,
    HandOverAct,
    HoldAct,
    IdentityAct,
    IdentityMethod,
    JoinAct,
    LostAct,
    Party,
    PickUpAct,
    Recording,
    RejoinAct,
    ResumeAct,
    SignedAct,
    WindowBatch,
    WindowDone,
    WindowEnd,
    WindowResult,
    WindowStart,
    WindowStatus,
    WindowTimes,
    WindowView,
)
from domain.window.session import Session

__all__ = [
    "TRANSITIONS",
    "AnyAct",
    "AskSignAct",
    "BeginAct",
    "CallBackAct",
    "CaptureAct",
    "Captured",
    "CloseAct",
    "ConsentAct",
    "GiveBackAct",
    "HandOverAct",
    "HoldAct",
    "IdentityAct",
    "IdentityMethod",
    "JoinAct",
    "LostAct",
    "Party",
    "PickUpAct",
    "Recording",
    "RejoinAct",
    "ResumeAct",
    "Session",
    "SignedAct",
    "WindowBatch",
    "WindowDone",
    "WindowEnd",
    "WindowResult",
    "WindowStart",
    "WindowStatus",
    "WindowTimes",
    "WindowView",
]
