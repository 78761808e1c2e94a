"""Which cases a run has: services through several provinces, places, and the end that each is meant to come to."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from domain.identifiers import organisation_check_char, uscc_check_char
from tongban.demo import synthetic

CITIES = {
    "31": ("310101", "310115", "310118"),
    "32": ("320100", "320200", "320500", "320900"),
    "33": ("330100", "330200", "330400", "330800"),
    "34": ("340100", "340200", "340300", "340800"),
}
Form = dict[str, JsonValue]
Making = Callable[[random.Random, str, str, str], Form]
"""From dice, two cities of different provinces, and the mark of the company (or nothing)."""


@dataclass(frozen=True)
class Wish:
    """One case. ``end``: granted, refused, withdrawn. ``after_s``: when it is withdrawn. ``mark``: of its company."""

    service: str
    form: Form
    end: str
    after_s: float
    mark: str

    def told(self) -> dict[str, object]:
        """For whoever reads a failure."""
        return {"service": self.service, "form": self.form, "end": self.end, "after_s": self.after_s, "mark": self.mark}


def company(region: str, mark: str = "") -> str:
    """A credit code that can belong to nobody; with a mark if a province is to answer in a special way."""
    if not mark:
        return synthetic.credit_code(region)
    eight = f"XXXX{synthetic.number(2)}{mark}"
    first17 = f"91{region}{eight}{organisation_check_char(eight)}"
    return first17 + uscc_check_char(first17)


def _move(_dice: random.Random, here: str, there: str, mark: str) -> Form:
    return {
        "company_name": synthetic.company_name("示例"),
        "uscc": company(here, mark),
        "origin_city": here,
        "destination_city": there,
        "new_address": "示例路1号二层",
        "legal_representative_name": "测试·甲",
        "legal_representative_id": synthetic.resident_id("3101"),
        "shareholder_name": "浙江示例",
        "shareholder_uscc": synthetic.credit_code("330100"),
    }


def _fund(_dice: random.Random, here: str, there: str, _mark: str) -> Form:
    return {
        "applicant_name": synthetic.person_name(),
        "applicant_id": synthetic.resident_id(here[:4]),
        "old_city": here,
        "new_city": there,
        "old_account": synthetic.number(13),
        "new_account": synthetic.number(13),
        "employer_name": synthetic.company_name("示例"),
        "employer_uscc": synthetic.credit_code(there),
        "open_loan": False,
    }


def _pension(_dice: random.Random, here: str, there: str, _mark: str) -> Form:
    return {
        "applicant_name": synthetic.person_name(),
        "applicant_id": synthetic.resident_id(here[:4]),
        "social_card_no": "A" + synthetic.number(8),
        "old_city": here,
        "new_city": there,
        "employer_name": synthetic.company_name("示例"),
        "employer_uscc": synthetic.credit_code(there),
        "last_month": "2026-09",
    }


def _voucher(_dice: random.Random, here: str, there: str, mark: str) -> Form:
    return {
        "company_name": synthetic.company_name("示例"),
        "uscc": company(here, mark),
        "home_city": here,
        "provider_name": synthetic.company_name("示例"),
        "provider_uscc": synthetic.credit_code(there),
        "provider_city": there,
        "service_kind": "testing",
        "contract_no": "JSHT-" + synthetic.number(8),
        "contract_yuan": 300000,
        "voucher_yuan": 120000,
        "invoice_no": synthetic.number(20),
        "payee_account": synthetic.number(16),
    }


def _household(_dice: random.Random, here: str, there: str, _mark: str) -> Form:
    return {
        "applicant_name": synthetic.person_name(),
        "applicant_id": synthetic.resident_id(here[:4]),
        "origin_city": here,
        "destination_city": there,
        "reason": "purchase",
        "new_address": "示例路2号三层",
        "house_certificate_no": f"示例（2026）第{synthetic.number(6)}号",
        "delivery": "account",
    }


def _mortgage(dice: random.Random, here: str, there: str, _mark: str) -> Form:
    """The home lies in 340000, whose department has no interface: its clerks key everything in."""
    if here[:2] != "34":
        here, there = dice.choice(CITIES["34"]), there if there[:2] != "34" else here
    return {
        "owner_name": synthetic.person_name(),
        "owner_id": synthetic.resident_id(here[:4]),
        "unit_no": synthetic.number(12) + "GB00001F" + synthetic.number(8),
        "certificate_no": f"皖示例不动产权第{synthetic.number(7)}号",
        "property_kind": dice.choice(["residential", "commercial"]),
        "property_city": here,
        "hall_city": there,
        "bank_name": synthetic.company_name("示例"),
        "bank_uscc": synthetic.credit_code(there),
        "amount_yuan": 1200000,
        "contract_no": "DK-" + synthetic.number(10),
        "delivery": "account",
    }


MAKING: Mapping[str, Making] = {
    "YRD-ENT-MOVE": _move,
    "YRD-HPF-XFER": _fund,
    "YRD-SI-XFER": _pension,
    "YRD-VOUCHER": _voucher,
    "YRD-HUKOU": _household,
    "YRD-RE-MORT": _mortgage,
}
WEIGHTS = (5, 2, 2, 3, 2, 2)
MARKED = {
    # what a province is to do about the company: 81 wants something handed in, 91 and 94 refuse, 93 is slow
    "YRD-ENT-MOVE": ("81", "81", "91", "93", "94", "95"),
    "YRD-VOUCHER": ("81", "81", "91"),
}


def draw(dice: random.Random) -> list[Wish]:
    """Three to five cases."""
    return [_one(dice) for _ in range(dice.randint(3, 5))]


def _one(dice: random.Random) -> Wish:
    service = dice.choices(list(MAKING), WEIGHTS)[0]
    here, there = (dice.choice(CITIES[province]) for province in dice.sample(list(CITIES), 2))
    mark = dice.choice(MARKED[service]) if service in MARKED and dice.random() < 0.35 else ""
    end = dice.choices(["granted", "refused", "withdrawn"], [5, 2, 3])[0]
    form = MAKING[service](dice, here, there, mark)
    return Wish(service, form, end, round(dice.uniform(0.0, 3.0), 2), mark)
