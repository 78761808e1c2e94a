"""What an insured place says about filing for care in another province (domain note 3.1, 3.2). Data, no numbers here.

Each value that a place may set otherwise stands in catalogue/filing.yaml with its basis and tag; the catalogue merges
the differences of a place into the rules for all and hands out one ``FilingRules`` per pooling area.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

from pydantic import Field

from domain.messages import Acting, Message, Text
from domain.regions import covers


class Category(StrEnum):
    """Why somebody is treated in another province (domain note 3.1, article 7 of the 2022 rules)."""

    LT_RETIRED = "LT_RETIRED"  # 异地安置退休
    LT_RESIDENT = "LT_RESIDENT"  # 异地长期居住
    LT_WORK = "LT_WORK"  # 常驻异地工作
    TMP_REFERRAL = "TMP_REFERRAL"  # 异地转诊就医
    TMP_EMERGENCY = "TMP_EMERGENCY"  # 异地急诊抢救
    TMP_OTHER = "TMP_OTHER"  # 其他临时外出就医

    @property
    def long_term(self) -> bool:
        """Whether the person lives there, so that it has no end of its own."""
        return self.value.startswith("LT_")


class Benefit(StrEnum):
    """How a settlement treats it: the categories of a policy pack."""

    LONG_TERM = "long_term"
    REFERRAL = "referral"
    EMERGENCY = "emergency"
    OTHER = "other"


class Value(Message):
    """Where a value is from and how far to trust it."""

    basis: Text
    tag: str


class Span(Value):
    """So many months and days."""

    months: int = Field(default=0, ge=0, le=120)
    days: int = Field(default=0, ge=0, le=3660)

    def after(self, day: date) -> date:
        """The day so long after: 31 August and six months is 28 (29) February."""
        years, month = divmod(day.month - 1 + self.months, 12)
        year = day.year + years
        last = calendar.monthrange(year, month + 1)[1]
        return date(year, month + 1, min(day.day, last)) + timedelta(days=self.days)


class Switch(Value):
    """Whether something is so."""

    on: bool


class MaterialRule(Value):
    """A paper. ``committable``: a written commitment may stand in for it; ``from_referral``: an accepted one is it."""

    title: Text
    committable: bool = False
    from_referral: bool = False


class CategoryRule(Value):
    """``validity``: None is for as long as the person lives there. ``review``: a person always looks at it.

    ``deemed``: it counts as filed without any filing.
    """

    title: Text
    benefit: Benefit
    materials: tuple[str, ...] = ()
    validity: Span | None = None
    review: bool = False
    deemed: bool = False


class Commitment(Value):
    """告知承诺: how long for the proof, and what follows if it does not come.

    restriction: for so long no other filing by commitment; ends_filing: the filing itself ends, too.
    """

    allowed: bool
    term: Span
    restriction: Span
    ends_filing: bool = False


class Waiver(Value):
    """Care for which nobody has to file: by where insured, where treated and how; empty is any. Both days included."""

    id: str
    title: Text
    insured: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    med_types: tuple[str, ...] = ()
    benefit: Benefit
    first: date
    last: date | None = None

    def applies(self, insured: str, destination: str, med_type: str, day: date) -> bool:
        """Whether it covers this care. A waiver for a district needs the person's district, not the pool's code."""
        return (
            self.first <= day
            and (self.last is None or day <= self.last)
            and _within(self.insured, insured)
            and _within(self.destinations, destination)
            and (not self.med_types or med_type in self.med_types)
        )

    def concerns(self, insured: str, destination: str) -> bool:
        """Whether it covers some care of people of this pool in that one."""
        return _touches(self.insured, insured) and _touches(self.destinations, destination)


def _within(places: tuple[str, ...], region: str) -> bool:
    return not places or any(covers(place, region) for place in places)


def _touches(places: tuple[str, ...], region: str) -> bool:
    pool = pool_of(region)
    return not places or any(covers(place, pool) or pool_of(place) == pool for place in places)


class Overlap(Value):
    """How many long-term filings at once, and whether a temporary one may run beside one to another place."""

    long_term_at_most: int = Field(ge=1)
    temporary_beside_long_term: bool
    same_place_twice: bool  # whether two temporary ones of one category may run to one place at once


class TwoWay(Value):
    """双向享受: somebody filed for long is treated at home for once."""

    allowed: bool
    benefit: Benefit


class Office(Value):
    """Who decides at the insured place, and in how many working days."""

    department: str
    working_days: int


class FilingRules(Message):
    """The rules of one insured place."""

    version: str
    insured: str
    required: Switch
    categories: Mapping[Category, CategoryRule]
    materials: Mapping[str, MaterialRule]
    commitment: Commitment
    interval: Span  # between two changes of a long-term filing
    late_until_discharge: Switch
    ahead: Span  # how long before the first day one may file
    overlap: Overlap
    two_way: TwoWay
    acting: tuple[Acting, ...]
    guardian_below: int
    guardian_basis: Value
    office: Office
    waivers: tuple[Waiver, ...] = ()
    insutypes: tuple[str, ...]
    refusals: Mapping[str, Text]  # what a caseworker may refuse it for


PROVINCE_POOLS = frozenset({"31"})  # 直辖市: the city is one pool


def pool_of(region: str) -> str:
    """The pooling area (统筹区) that a district belongs to: a city, or the whole municipality (domain note 3.1, 6)."""
    return region[:2] + "0000" if region[:2] in PROVINCE_POOLS else region[:4] + "00"


def other_province(region: str, other: str) -> bool:
    """Whether they lie in two provinces."""
    return region[:2] != other[:2]
