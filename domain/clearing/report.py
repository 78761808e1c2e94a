"""A month of clearing as people read it: gross per pair as the rule says, net per province as a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from domain.clearing.flows import Flow, ProvinceNet, nets
from domain.clearing.period import PeriodState
from domain.clearing.prepayment import Level, quota_of, use_of
from domain.clearing.profile import ClearingProfile
from domain.messages import Message


class Statement(Message):
    """One pair, in fen. amount: what was cleared, None until it is. answer: waiting | confirmed | silent."""

    payer: str
    payee: str
    items: int
    proposed: int
    disputed_items: int
    disputed: int
    answer: str
    amount: int | None = None
    paid_on: date | None = None

    @property
    def owed(self) -> int:
        """What is to be paid, as far as it is known."""
        return self.proposed - self.disputed if self.amount is None else self.amount


class PairLine(Message):
    """A statement with the prepayment it uses: quota in fen, use in per mille of it."""

    statement: Statement
    quota: int
    use_per_mille: int
    level: Level


class MonthReport(Message):
    """``waiting``: provinces that have still to answer, or once it is cleared, to pay; until the day ``until``."""

    month: str
    state: PeriodState
    last_day: date
    proposed_on: date | None
    confirm_by: date | None
    cleared_on: date | None
    pay_by: date | None
    pay_by_provisional: bool
    paid_on: date | None
    pairs: tuple[PairLine, ...]
    waiting: tuple[str, ...]

    @property
    def until(self) -> date | None:
        """The day until which is waited."""
        return self.pay_by if self.state in {PeriodState.CLEARED, PeriodState.PAID} else self.confirm_by

    @property
    def flows(self) -> tuple[Flow, ...]:
        """What is owed, pair by pair."""
        lines = (line.statement for line in self.pairs)
        return tuple(Flow(payer=s.payer, payee=s.payee, amount=s.owed, items=s.items) for s in lines)

    def nets(self, provinces: Sequence[str]) -> tuple[ProvinceNet, ...]:
        """Every province's sums over these pairs."""
        return nets(self.flows, provinces)

    def seen_by(self, province: str) -> MonthReport:
        """Only what one province takes part in."""
        mine = tuple(line for line in self.pairs if province in {line.statement.payer, line.statement.payee})
        return self.model_copy(update={"pairs": mine})


Quarter = Mapping[tuple[str, str], tuple[int, int, int]]


def lines_of(profile: ClearingProfile, statements: Sequence[Statement], quarter: Quarter) -> tuple[PairLine, ...]:
    """Each statement with its prepayment. ``quarter``: per pair, what was cleared in last year's fourth quarter."""
    lines = []
    for statement in statements:
        quota = quota_of(profile, quarter.get((statement.payer, statement.payee), (0, 0, 0)))
        rate, level = use_of(profile, quota, statement.owed)
        lines.append(PairLine(statement=statement, quota=quota, use_per_mille=rate, level=level))
    return tuple(lines)
