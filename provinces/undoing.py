"""Reversals, withdrawals and supplements: what is done about an earlier matter. One row a rule, see ``RULES``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from provinces.clock import Clock
from provinces.operations import ALREADY_DONE, CANCELLED, NOTHING_WANTED, WRONG_ORIGINAL, Operation, Refusal
from provinces.store import Matter, Store
from provinces.words import Action, Text

WANTED = Text("请补交一份说明。", "Please hand in an explanation.")
NOTHING = "nothing_to_reverse"
# what a reversal or a withdrawal finds where there is nothing left to do
_OUTCOMES = MappingProxyType(
    {"refused": NOTHING, "buried": NOTHING, "undone": "already_reversed", "cancelled": "already_reversed"}
)


class _Undoing:
    """One of them at work, inside the transaction of the office."""

    def __init__(self, store: Store, clock: Clock, matter: Matter, pending_s: float) -> None:
        self.store = store
        self.clock = clock
        self.matter = matter
        self.pending_s = pending_s

    def reverse(self, original: Matter) -> Refusal | None:
        """What is done is undone, what is in progress called off."""
        if original.state == "done":
            self._write(original, -1)
            original.state = "undone"
            self.store.write_matter(original)
            self.store.revoke_licences(original.key)
            self.matter.result = {"outcome": "reversed"}
            return None
        return self._call_off(original)

    def withdraw(self, original: Matter) -> Refusal | None:
        """Only what is in progress is called off."""
        return ALREADY_DONE if original.state == "done" else self._call_off(original)

    def supplement(self, original: Matter) -> Refusal | None:
        """Hands in what is wanted; the rest goes its way."""
        if original.state != "in_progress" or original.wants is None:
            return NOTHING_WANTED
        original.fields |= self.matter.fields
        original.wants, original.due_at = None, self.clock.time() + self.pending_s
        original.check_after = max(1, round(self.pending_s))
        self.store.write_matter(original)
        return None

    def bury(self) -> Refusal | None:
        """A tombstone: a delayed original must not take effect after its reversal."""
        m = self.matter
        self.store.write_matter(
            Matter(
                key=m.original, label=m.original, face=m.face, digest="", department="", service="",
                action=Action.APPLY.value, original="", case_no=m.case_no, leg=m.leg, step=m.step, fields={}, number="",
                state="buried", received_at=self.clock.text(), reasons=(CANCELLED.code,), text=CANCELLED.text,
            )
        )  # fmt: skip
        m.result = {"outcome": NOTHING}
        return None

    def _call_off(self, original: Matter) -> Refusal | None:
        outcome = _OUTCOMES.get(original.state, "cancelled")
        if outcome == "cancelled":
            self._write(original, 0)
            original.state, original.due_at, original.wants, original.check_after = "cancelled", None, None, 0
            original.result, original.reasons, original.text = {}, (CANCELLED.code,), CANCELLED.text
            original.ended_at = self.clock.text()
            self.store.write_matter(original)
        self.matter.result = {"outcome": outcome}
        return None

    def _write(self, original: Matter, delta: int) -> None:
        self.store.write_ledger(self.matter, original.label, "reverse", delta, original.number, self.clock.text())


RULES: Mapping[Action, Callable[[_Undoing, Matter], Refusal | None]] = MappingProxyType(
    {Action.REVERSE: _Undoing.reverse, Action.WITHDRAW: _Undoing.withdraw, Action.SUPPLEMENT: _Undoing.supplement}
)


def undo(store: Store, clock: Clock, known_as: Operation, matter: Matter, pending_s: float) -> Refusal | None:
    """Does it and sets the result, or says why not. The caller has a transaction open."""
    action = Action(matter.action)
    work = _Undoing(store, clock, matter, pending_s)
    original = store.matter(matter.original)
    if original is None:
        return NOTHING_WANTED if action is Action.SUPPLEMENT else work.bury()
    if original.state != "buried" and not _fits(known_as, action, original):
        return WRONG_ORIGINAL
    return RULES[action](work, original)


def _fits(known_as: Operation, action: Action, original: Matter) -> bool:
    """A reversal names the reversing service; the other two may name the service itself as well."""
    if known_as.department != original.department:
        return False
    names = {known_as.reverses} if action is Action.REVERSE else {known_as.reverses, known_as.name}
    return original.service in names
