"""The profile of clearing: every day and rate that domain.md 3.8 tags U-M or U-H, read from catalogue/clearing.yaml."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from domain.clearing.period import days_of
from domain.ledger import Basis
from domain.messages import Message

Day = Annotated[int, Field(ge=1, le=28)]  # every month has it
Rate = Annotated[int, Field(ge=1, le=1000)]
Tag = Annotated[str, StringConstraints(pattern=r"^(U-[HML]|DESIGN|S[0-9]+[a-z]?)$")]


class Timed(Message):
    """A day of the month after, and how sure we are that it is the right one."""

    day: Day
    tag: Tag


class Count(Message):
    count: Annotated[int, Field(ge=0, le=60)]
    tag: Tag


class Percent(Message):
    percent: Rate
    tag: Tag


class BasisTag(Message):
    what: Basis
    tag: Tag


class ClearingProfile(Message):
    """Days are those of the month that follows the cleared one.

    propose: the statements are made. confirm: silence until the end of this day is consent. confirm_least: days that a
    payer has in any case, if the proposal is late. pay_within: working days from clearing. prepayment: so many monthly
    means of the last quarter of the year before. yellow, red: per cent of it used in a month. daily_hour: when the day
    before is reconciled, Asia/Shanghai.
    """

    propose: Timed
    confirm: Timed
    confirm_least: Count
    pay_within: Count
    prepayment: Count
    yellow: Percent
    red: Percent
    basis: BasisTag
    daily_hour: Annotated[int, Field(ge=0, le=23)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.propose.day > self.confirm.day:
            raise ValueError("confirm must not lie before propose")
        if self.yellow.percent >= self.red.percent:
            raise ValueError("yellow must lie below red")
        return self

    def proposed_on(self, month: str) -> date:
        """When the statements of a month are made."""
        return _after(month, self.propose.day)

    def confirm_by(self, month: str, proposed: date) -> date:
        """The last day for an answer: the usual one, or later if the proposal came late."""
        return max(_after(month, self.confirm.day), proposed + timedelta(days=self.confirm_least.count))


def _after(month: str, day: int) -> date:
    """That day of the month after."""
    return (days_of(month)[1] + timedelta(days=1)).replace(day=day)
