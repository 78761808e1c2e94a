"""A claim: one bill to be settled, with what earlier settlements of the year left (domain note 3.4, 3.6).

The treatment place has put every line into its class by its own catalogue (就医地目录), and says what is over the limit
price and what has to be paid before the insurance begins. Format: docs/reference/settlement.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, Field, Strict

from domain.settlement.faults import Fault, SettlementRefused, pointer, wrong
from domain.settlement.money import LARGEST, Fen, Quantity, Ratio, share
from domain.settlement.pack import PolicyPack
from domain.settlement.reading import Day, Document, Name, read
from domain.settlement.year import YearTotals


class FeeClass(StrEnum):
    """甲类, 乙类, 丙类 (自费)."""

    A = "A"
    B = "B"
    C = "C"


def _class(value: object) -> FeeClass:
    if not isinstance(value, str) or value not in {each.value for each in FeeClass}:
        raise wrong("class_unknown")
    return FeeClass(value)


class Fee(Document):
    """A fee line. ``amount`` is that of the whole line, whatever the quantity.

    over_limit: what is over the limit price; or, in its place, ``limit_price`` per unit, from which it is computed.
    price: per unit; given, it is compared with the amount.
    """

    fee_class: Annotated[FeeClass, BeforeValidator(_class), Field(alias="class")]
    amount: Fen
    over_limit: Fen | None = None
    preselfpay: Ratio | None = None
    quantity: Quantity = Fraction(1)
    price: Fen | None = None
    limit_price: Fen | None = None

    @property
    def overflow(self) -> int:
        """What is over the limit price, in fen."""
        if self.limit_price is None:
            return self.over_limit or 0
        return max(0, self.amount - share(self.limit_price, self.quantity))


class YearToDate(Document):
    """What earlier settlements of the year have left, as a claim writes it; a total that is not named is 0."""

    pool: Fen = 0
    over_cap: Fen = 0
    big_illness_base: Fen = 0
    medical_aid: Fen = 0


class Claim(Document):
    """A bill and who it is for. ``mutual_aid_balance``: of a relative's account that may be used (家庭共济)."""

    claim: Name
    pack: Name
    category: Name
    hospital_level: int
    retiree: bool = False
    stay_of_year: int = 1
    aid_class: Name | None = None
    fees: Annotated[tuple[Fee, ...], Strict(False)]
    year_to_date: YearToDate | None = None
    account_balance: Fen = 0
    mutual_aid_balance: Fen = 0
    discharge_date: Day | None = None

    @property
    def year_before(self) -> YearTotals:
        """What the year holds before this claim; nothing, if nothing was said about a first stay."""
        year = self.year_to_date or YearToDate()
        return YearTotals(
            pool=year.pool,
            over_cap=year.over_cap,
            big_illness_base=year.big_illness_base,
            medical_aid=year.medical_aid,
        )


def read_claim(source: bytes) -> Claim:
    """The claim; SettlementRefused with everything that is wrong in itself otherwise."""
    claim = read(source, Claim)
    faults = [
        *_check_claim(claim),
        *(f for i, fee in enumerate(claim.fees) for f in _check_fee(pointer("fees", i), fee)),
    ]
    if faults:
        raise SettlementRefused(faults)
    return claim


def _check_claim(claim: Claim) -> Iterator[Fault]:
    if claim.stay_of_year < 1:
        yield Fault(code="stay_wrong", where="/stay_of_year")
    elif claim.stay_of_year > 1 and claim.year_to_date is None:
        yield Fault(code="year_missing", where="/year_to_date")
    if sum(fee.amount for fee in claim.fees) > LARGEST:
        yield Fault(code="bill_too_large", where="/fees")


def _check_fee(where: str, fee: Fee) -> Iterator[Fault]:
    """A value that its class has no use for is a contradiction, unless it is 0."""
    if fee.fee_class is FeeClass.C:
        for name, value in (("over_limit", fee.over_limit), ("limit_price", fee.limit_price)):
            if value:
                yield Fault(code="not_for_class", where=where + pointer(name))
    if fee.fee_class is not FeeClass.B and fee.preselfpay:
        yield Fault(code="not_for_class", where=where + "/preselfpay")
    if fee.fee_class is FeeClass.B and fee.preselfpay is None:
        yield Fault(code="preselfpay_missing", where=where + "/preselfpay")
    if fee.over_limit is not None and fee.limit_price is not None:
        yield Fault(code="over_limit_twice", where=where + "/limit_price")
    elif fee.overflow > fee.amount:
        yield Fault(code="over_limit_too_large", where=where + "/over_limit")
    if fee.price is not None and share(fee.price, fee.quantity) != fee.amount:
        yield Fault(code="price_differs", where=where + "/price")


def check_against(pack: PolicyPack, claim: Claim) -> Iterator[Fault]:
    """What is wrong with a claim only under this pack; places are in the claim."""
    if claim.pack != pack.pack:
        yield Fault(code="pack_differs", where="/pack")
    if claim.discharge_date is not None and not pack.is_in_force(claim.discharge_date):
        yield Fault(code="pack_not_in_force", where="/discharge_date")
    if claim.category not in pack.reduction.categories:
        yield Fault(code="category_unknown", where="/category")
    if str(claim.hospital_level) not in pack.deductible:
        yield Fault(code="level_unknown", where="/hospital_level")
    if claim.aid_class is not None and pack.medical_aid is not None and claim.aid_class not in pack.medical_aid.ratio:
        yield Fault(code="aid_class_unknown", where="/aid_class")
