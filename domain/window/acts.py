"""What can be done in a session: for each act, in which states and by whom, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from domain.messages import Actor, Role
from domain.window.messages import (
    AnyAct,
    AskSignAct,
    CallBackAct,
    CaptureAct,
    Captured,
    CloseAct,
    ConsentAct,
    HandOverAct,
    Identity,
    IdentityAct,
    JoinAct,
    Loss,
    LostAct,
    Party,
    PickUpAct,
    RejoinAct,
    SignedAct,
    WindowEnd,
    WindowStatus,
)

if TYPE_CHECKING:
    from domain.window.session import Session

S = WindowStatus
CLERKS = (Party.HALL, Party.HANDLING)
_TALKING = frozenset({S.IN_SERVICE, S.ON_HOLD, S.SIGNING})
Check = Callable[["Session", Any], str | None]
Do = Callable[["Session", Any, datetime], None]


def check(session: Session, act: AnyAct) -> str | None:
    """The code of the refusal, or None."""
    states, rule, _ = ACTS[act.act]
    if not session.parties(act.actor):
        return "not_found"
    return rule(session, act) if session.state.status in states else "window_state"


def carry_out(session: Session, act: AnyAct, now: datetime) -> None:
    """Carries a checked act out."""
    ACTS[act.act][2](session, act, now)


# whether each may be done


def _by(*parties: Party) -> Callable[[Session, Any], str | None]:
    def rule(session: Session, act: AnyAct) -> str | None:
        return None if session.is_side(act.actor, *parties) else "window_not_yours"

    return rule


def _check_call_back(session: Session, act: CallBackAct) -> str | None:
    if Party.APPLICANT not in session.parties(act.actor):
        return "window_not_yours"
    return None if session.state.offered else "window_state"


def _check_pick_up(session: Session, act: PickUpAct) -> str | None:
    return None if Party.HANDLING in session.parties(act.actor) else "window_not_yours"


def _check_join(session: Session, act: JoinAct) -> str | None:
    own = session.parties(act.actor)
    if act.party is Party.HANDLING or not own & {act.party, Party.HALL}:
        return "window_not_yours"
    held = session.state.clerks.get(Party.HALL)
    at_hall = Party.HALL in own  # for himself, or for the applicant beside him
    return "window_taken" if at_hall and held is not None and held.subject != act.actor.subject else None


def _check_consent(session: Session, act: ConsentAct) -> str | None:
    if not session.is_side(act.actor, Party.APPLICANT, Party.HALL):
        return "window_not_yours"
    if not session.state.identity or not session.state.identity[-1].passed:
        return "window_identity_first"
    return None if act.version == session.start.consent_version else "consent_version"


def _check_resume(session: Session, act: AnyAct) -> str | None:
    if any(loss.back is None for loss in session.state.losses):
        return "window_state"
    return _by(Party.HANDLING)(session, act)


def _check_hand_over(session: Session, act: HandOverAct) -> str | None:
    if session.is_side(act.actor, *CLERKS):
        return "window_same_clerk" if act.to == act.actor.subject else None
    takes = act.to == act.actor.subject and _held_at_his_place(session, act.actor) is not None
    return None if takes else "window_not_yours"  # a colleague may take over, so that no slip of a name locks all out


def _held_at_his_place(session: Session, actor: Actor) -> Party | None:
    own = session.parties(actor)
    return next((p for p in CLERKS if p in own and p in session.state.clerks), None)


def _check_lost(session: Session, act: LostAct) -> str | None:
    if not session.is_side(act.actor, *Party):
        return "window_not_yours"
    if act.party not in session.state.joined:
        return "window_state"
    lost = any(loss.party is act.party and loss.back is None for loss in session.state.losses)
    return "window_state" if lost else None


def _check_rejoin(session: Session, act: RejoinAct) -> str | None:
    if not session.is_side(act.actor, *Party):
        return "window_not_yours"
    lost = any(loss.party is act.party and loss.back is None for loss in session.state.losses)
    return None if lost else "window_state"


def _check_close(session: Session, act: CloseAct) -> str | None:
    state, applicant = session.state, Party.APPLICANT in session.parties(act.actor)
    waiting = state.status in {S.REQUESTED, S.QUEUED}
    mine = session.is_side(act.actor, *CLERKS) or (waiting and Party.HALL in session.parties(act.actor))
    if not applicant and not mine:
        return "window_not_yours"
    if applicant and act.outcome is not WindowEnd.ABANDONED:
        return "window_not_yours"
    if act.outcome is not WindowEnd.COMPLETED:
        return None
    if state.status not in _TALKING or (state.to_sign and not state.signed):
        return "window_state"
    if act.recording is None:
        return "window_recording_missing"
    if session.start.step and session.decider() is None:
        return "window_clerk_missing"
    return "checklist_incomplete" if not set(session.start.mandatory) <= set(act.ticked) else None


# what each does


def _call_back(session: Session, act: CallBackAct, now: datetime) -> None:
    session.state.call_back, session.state.call_back_at = True, act.at
    at = {"at": act.at.isoformat()} if act.at else {}
    session.note("call_back_accepted", now, actor=act.actor, data=at)


def _pick_up(session: Session, act: PickUpAct, now: datetime) -> None:
    session.state.clerks[Party.HANDLING] = act.actor
    session.state.counters[Party.HANDLING] = act.window_no
    _there(session, Party.HANDLING)
    session.move(S.CONNECTING, now, actor=act.actor)
    _connected(session, now)


def _give_back(session: Session, act: AnyAct, now: datetime) -> None:
    del session.state.clerks[Party.HANDLING]
    session.state.joined.remove(Party.HANDLING)
    _back(session, Party.HANDLING, now)  # a connection that nobody holds any more cannot end the session
    session.move(S.QUEUED, now, actor=act.actor)


def _join(session: Session, act: JoinAct, now: datetime) -> None:
    if act.party is Party.HALL:
        session.state.clerks[Party.HALL] = act.actor
        session.state.counters[Party.HALL] = act.window_no
    elif act.actor.role is Role.CASEWORKER:
        session.state.clerks.setdefault(Party.HALL, act.actor)
        _there(session, Party.HALL)
    _there(session, act.party)
    session.note("joined", now, actor=act.actor, data={"party": act.party})
    _connected(session, now)


def _there(session: Session, party: Party) -> None:
    if party not in session.state.joined:
        session.state.joined.append(party)


def _connected(session: Session, now: datetime) -> None:
    if session.state.status is S.CONNECTING and Party.APPLICANT in session.state.joined:
        session.state.connected_at = now
        session.move(S.IDENTITY_CHECK, now)


def _identity(session: Session, act: IdentityAct, now: datetime) -> None:
    session.state.identity.append(Identity(method=act.method, passed=act.passed, score=act.score, at=now))
    what = "identity_passed" if act.passed else "identity_not_passed"
    session.note(what, now, actor=act.actor, data={"method": act.method, "score": str(act.score)})
    failed = [check for check in session.state.identity if not check.passed]
    if not act.passed and len(failed) >= session.start.times.identity_tries:
        session.end(WindowEnd.IDENTITY_FAILED, "identity_failed", now, actor=act.actor)


def _consent(session: Session, act: ConsentAct, now: datetime) -> None:
    session.state.consent_version, session.state.consented_at = act.version, now
    session.move(S.CONSENTED, now, actor=act.actor, version=act.version)


def _begin(session: Session, act: AnyAct, now: datetime) -> None:
    session.move(S.IN_SERVICE, now, actor=act.actor)


def _hold(session: Session, act: AnyAct, now: datetime) -> None:
    session.move(S.ON_HOLD, now, actor=act.actor)


def _resume(session: Session, act: AnyAct, now: datetime) -> None:
    session.state.held_by_loss = False
    session.move(S.IN_SERVICE, now, actor=act.actor)


def _capture(session: Session, act: CaptureAct, now: datetime) -> None:
    session.state.captured.append(Captured(document=act.document, digest=act.digest, material=act.material, at=now))
    data = {"document": act.document, "digest": act.digest, "material": act.material, "command": act.id}
    session.note("captured", now, actor=act.actor, data=data)


def _ask_sign(session: Session, act: AskSignAct, now: datetime) -> None:
    session.state.to_sign, session.state.signed = act.digest, ""
    session.move(S.SIGNING, now, actor=act.actor, digest=act.digest)


def _signed(session: Session, act: SignedAct, now: datetime) -> None:
    session.state.signed = act.digest
    session.note("signed", now, actor=act.actor, data={"digest": act.digest})
    session.move(S.IN_SERVICE, now, actor=act.actor)


def _hand_over(session: Session, act: HandOverAct, now: datetime) -> None:
    held = [p for p in CLERKS if session.is_side(act.actor, p)]
    party = held[0] if held else _held_at_his_place(session, act.actor)
    if party is None:
        raise RuntimeError("nobody hands over")
    session.state.clerks[party] = session.state.clerks[party].model_copy(update={"subject": act.to})
    session.note("handed_over", now, actor=act.actor, data={"party": party})


def _lost(session: Session, act: LostAct, now: datetime) -> None:
    session.state.losses.append(Loss(party=act.party, at=now))
    session.note("lost", now, actor=act.actor, data={"party": act.party})
    if session.state.status is S.IN_SERVICE:
        session.state.held_by_loss = True
        session.move(S.ON_HOLD, now)


def _rejoin(session: Session, act: RejoinAct, now: datetime) -> None:
    _back(session, act.party, now)
    session.note("rejoined", now, actor=act.actor, data={"party": act.party})
    lost = any(loss.back is None for loss in session.state.losses)
    if session.state.status is S.ON_HOLD and session.state.held_by_loss and not lost:
        session.state.held_by_loss = False
        session.move(S.IN_SERVICE, now)


def _back(session: Session, party: Party, now: datetime) -> None:
    session.state.losses = [
        loss.model_copy(update={"back": now}) if loss.party is party and loss.back is None else loss
        for loss in session.state.losses
    ]


def _close(session: Session, act: CloseAct, now: datetime) -> None:
    session.state.recording, session.state.ticked = act.recording, act.ticked
    if act.recording is not None:
        data = {"reference": act.recording.reference, "digest": act.recording.digest}
        session.note("recorded", now, actor=act.actor, data=data | {"algorithm": act.recording.algorithm})
    session.end(act.outcome, "", now, actor=act.actor)


_WAITING = frozenset({S.QUEUED})
_ANY = frozenset(WindowStatus) - {S.CLOSED}
ACTS: Mapping[str, tuple[frozenset[WindowStatus], Check, Do]] = {
    "call_back": (_WAITING, _check_call_back, _call_back),
    "pick_up": (_WAITING, _check_pick_up, _pick_up),
    "give_back": (frozenset({S.CONNECTING}), _by(Party.HANDLING), _give_back),
    "join": (_ANY, _check_join, _join),
    "identity": (frozenset({S.IDENTITY_CHECK}), _by(*CLERKS), _identity),
    "consent": (frozenset({S.IDENTITY_CHECK}), _check_consent, _consent),
    "begin": (frozenset({S.CONSENTED}), _by(Party.HANDLING), _begin),
    "hold": (frozenset({S.IN_SERVICE}), _by(Party.HANDLING), _hold),
    "resume": (frozenset({S.ON_HOLD}), _check_resume, _resume),
    "capture": (_TALKING, _by(*CLERKS), _capture),
    "ask_sign": (frozenset({S.IN_SERVICE}), _by(Party.HANDLING), _ask_sign),
    "signed": (frozenset({S.SIGNING}), _by(Party.APPLICANT, Party.HALL), _signed),
    "hand_over": (_ANY - {S.REQUESTED, S.QUEUED}, _check_hand_over, _hand_over),
    "lost": (_ANY, _check_lost, _lost),
    "rejoin": (_ANY, _check_rejoin, _rejoin),
    "close": (_ANY, _check_close, _close),
}
