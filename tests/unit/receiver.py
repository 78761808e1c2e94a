"""A province as a model: every key takes effect at most once, reversals find their original, the ledger remembers."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.effects import AnswerStatus, Verb
from domain.process import Call, Callback, CallOutcome, OutcomeStatus
from tests.unit.plans import LICENCE

ACCEPTED, REJECTED, PENDING = AnswerStatus.ACCEPTED, AnswerStatus.REJECTED, AnswerStatus.PENDING


@dataclass
class Entry:
    """What the province holds under one key."""

    call: Call
    status: AnswerStatus
    reasons: tuple[str, ...] = ()
    licence: str = ""
    by_clerk: bool = False
    wanting: bool = False

    def outcome(self, code: str = "") -> CallOutcome:
        """As it would be told now."""
        return CallOutcome(
            status=OutcomeStatus.ANSWERED,
            answer=self.status,
            code=code,
            reference=f"no-{self.call.key[:6]}",
            reasons=self.reasons,
            licence=self.licence,
            by_clerk=self.by_clerk and self.status is PENDING,
            wanting=self.wanting and self.status is PENDING,
        )

    def callback(self, event: str, answer: AnswerStatus | None = None) -> Callback:
        """The report of its end, or one that says something else."""
        return Callback(
            event_id=event,
            key=self.call.key,
            answer=answer or self.status,
            reference=f"no-{self.call.key[:6]}",
            reasons=self.reasons,
            licence=self.licence,
            wanting=self.wanting and (answer or self.status) is PENDING,
        )


@dataclass
class Receiver:
    """All provinces of a case. ``ledger``: (step, key, +1 or -1) in the order it became true.

    clerks: steps whose department has no interface. wanting: steps whose province wants something handed in first.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    buried: set[str] = field(default_factory=set)
    ledger: list[tuple[str, str, int]] = field(default_factory=list)
    clerks: set[str] = field(default_factory=set)
    wanting: set[str] = field(default_factory=set)

    def take(
        self, call: Call, wish: AnswerStatus, *, licence: str = LICENCE, reasons: tuple[str, ...] = ("R1",)
    ) -> Entry:
        """One call that has arrived. The first time it goes as wished, ever after as it went."""
        if call.verb is Verb.OFFER:
            return Entry(call, ACCEPTED if wish is PENDING else wish)
        if call.verb is Verb.FIND:
            raise AssertionError("finding changes nothing, see find()")
        if call.key in self.entries:
            return self.entries[call.key]
        if call.verb is Verb.SUPPLEMENT:
            return self._hand_in(call)
        if call.step in self.clerks and call.verb in {Verb.SUBMIT, Verb.REVERSE}:
            return self.entries.setdefault(call.key, Entry(call, PENDING, by_clerk=True))
        if call.step in self.wanting and call.verb is Verb.SUBMIT and call.key not in self.buried:
            return self.entries.setdefault(call.key, Entry(call, PENDING, licence=licence, wanting=True))
        if call.key in self.buried:
            wish = REJECTED
        entry = self.entries[call.key] = Entry(call, wish, reasons if wish is REJECTED else (), licence)
        if wish is ACCEPTED:
            self._took_effect(entry)
        return entry

    def _hand_in(self, call: Call) -> Entry:
        original = self.entries.get(call.original)
        taken = original is not None and original.wanting and original.status is PENDING
        if original is not None:
            original.wanting = False
        return self.entries.setdefault(call.key, Entry(call, ACCEPTED if taken else REJECTED))

    def key_in(self, call: Call) -> CallOutcome:
        """A clerk has decided; the decision's name ends with its outcome."""
        entry = self.entries[call.key]
        done = call.decision.rpartition("-")[2] in {"entered", "nothing_to_undo"}
        if entry.status is PENDING:
            self.complete(entry, ACCEPTED if done else REJECTED)
        return entry.outcome()

    def find(self, call: Call) -> CallOutcome:
        """What is known of a key; nothing changes."""
        if entry := self.entries.get(call.key):
            return entry.outcome()
        return CallOutcome(status=OutcomeStatus.NOT_FOUND, code="not_found")

    def pending(self) -> list[Entry]:
        """What has been taken in and not ended."""
        open_ = [entry for entry in self.entries.values() if entry.status is PENDING]
        return [entry for entry in open_ if not entry.by_clerk and not entry.wanting]

    def complete(self, entry: Entry, answer: AnswerStatus) -> None:
        """The end of what was taken in."""
        entry.status = answer
        entry.reasons = ("R2",) if answer is REJECTED else ()
        if answer is ACCEPTED:
            self._took_effect(entry)

    def forget(self, entry: Entry) -> None:
        """A province that loses what it has taken in."""
        del self.entries[entry.call.key]

    def net(self, step: str) -> int:
        """What stands of a step's effects."""
        return sum(change for name, _, change in self.ledger if name == step)

    def undo(self, step: str, original: str) -> None:
        """The effect of ``original`` is gone, or will never come."""
        entry = self.entries.get(original)
        if entry is None:
            self.buried.add(original)
        elif entry.status is PENDING:
            entry.status, entry.reasons = REJECTED, ("cancelled",)
        elif entry.status is ACCEPTED and not self._undone(original):
            self.ledger.append((step, original, -1))

    def _undone(self, key: str) -> bool:
        return any(k == key and change < 0 for _, k, change in self.ledger)

    def _took_effect(self, entry: Entry) -> None:
        if entry.call.verb is Verb.REVERSE:
            self.undo(entry.call.step, entry.call.original)
        elif entry.call.verb is Verb.SUBMIT:
            self.ledger.append((entry.call.step, entry.call.key, +1))
