"""Who and what there is: insured persons, institutions, catalogue, packs. Synthetic all of it, from the JSON beside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from provinces.identifiers import resident_check
from provinces.insurance.compute import Pack
from provinces.insurance.refusals import Code, Refused

REGIONS = ("310000", "320000", "330000", "340000")
HUB = "hub"
NO_LIMIT = Decimal("999999.99")
_HERE = Path(__file__).parent


@cache
def data(name: str) -> Any:
    """One of the files beside."""
    return json.loads((_HERE / f"{name}.json").read_text("utf-8"))


def province_of(place: str) -> str:
    """The province of a place: 340521 -> 340000."""
    return place[:2] + "0000"


def pooling_area(place: str) -> str:
    """The pooling area of a place: 340521 -> 340500, 310104 -> 310000."""
    area = place[:4] + "00"
    return area if area in data("places")["areas"] else province_of(place)


def covers(filed: str, place: str) -> bool:
    """Whether a place lies in what was filed for: 310000 covers 310104, 340500 covers 340521."""
    prefix = filed
    while len(prefix) > 2 and prefix.endswith("00"):
        prefix = prefix[:-2]
    return place.startswith(prefix)


@dataclass(frozen=True)
class Insured:
    """A person as the insured place starts with him."""

    psn_no: str
    certno: str
    area: str
    name: str
    born: str
    insutype: str
    psn_type: str
    status: str
    aid: str
    balance: Decimal


def people(region: str) -> Iterator[Insured]:
    """Everybody insured in a province."""
    for area in data("places")["areas"]:
        if province_of(area) == region:
            for row in data("places")["people"]:
                yield one_of(area, row["who"])


def one_of(area: str, who: str, seq: str = "") -> Insured:
    """A person of that kind; ``seq``: another one than the one that is always there, by three digits of the number."""
    rows = data("places")["people"]
    serial, row = next((n, row) for n, row in enumerate(rows, 1) if row["who"] == who)
    return Insured(
        psn_no=f"{area}00000{seq or '000'}{serial:06}",
        certno=resident_number(area, row["born"], seq or row["seq"]),
        area=area,
        name=row["name"],
        born=row["born"],
        insutype=row["insutype"],
        psn_type=row["psn_type"],
        status=row["stas"],
        aid=row["aid"],
        balance=Decimal(row["balance"]),
    )


def resident_number(area: str, born: str, seq: str) -> str:
    """A number that can belong to nobody: there is no county 99."""
    prefix = ("3101" if area == "310000" else area[:4]) + "99"
    first = prefix + born.replace("-", "") + seq
    return first + resident_check(first)


@dataclass(frozen=True)
class Institution:
    """A designated institution."""

    code: str
    name: str
    place: str
    level: int
    open: bool
    diseases: tuple[str, ...]


@cache
def institutions(region: str) -> Mapping[str, Institution]:
    """All of a province, by code."""
    places = data("places")
    found = {}
    for place, called in places["institutions_in"].items():
        if province_of(place) == region:
            for row in places["institutions"]:
                diseases = tuple(places["diseases"][str(row["level"])])
                code = f"H{place}{row['serial']}"
                found[code] = Institution(code, called + row["name"], place, row["level"], row["open"], diseases)
    return found


def institution(region: str, code: str) -> Institution:
    """One of them, open; Refused otherwise."""
    found = institutions(region).get(code)
    if found is None:
        raise Refused(Code.INSTITUTION_UNKNOWN)
    if not found.open:
        raise Refused(Code.INSTITUTION_CLOSED)
    return found


@dataclass(frozen=True)
class Item:
    """A line of a treatment place's catalogue."""

    name: str
    kind: str
    limit: Decimal
    selfpay: Decimal
    negotiated: bool


@cache
def catalogue(region: str) -> Mapping[str, Item]:
    """What a province pays for, and how far."""
    book = data("catalogue")
    own = book["provinces"].get(region, {})
    return {
        code: Item(
            row["name"], row["class"], NO_LIMIT if row["limit"] is None else Decimal(row["limit"]),
            Decimal(row["selfpay"]).quantize(Decimal("0.0001")), bool(row.get("nego")),
        )
        for code, row in ((code, row | own.get(code, {})) for code, row in book["items"].items())
    }  # fmt: skip


def policy(area: str) -> Mapping[str, Any]:
    """The rules of a pooling area."""
    book = data("policies")
    found: Mapping[str, Any] = book["areas"].get(area, book["default"])
    return found


def is_waived(home: str, place: str, kind: str) -> bool:
    """Whether no filing is needed there. Persons are insured by area; a district of the zone stands for its area."""
    rule = data("policies")["waived"]
    homes = {pooling_area(district) for district in rule["districts"]}
    return kind in rule["kinds"] and place in rule["districts"] and home in homes


def pack(area: str, insutype: str, kind: str, day: str) -> Pack:
    """The pack in force on a day; ``kind``: inpatient or outpatient."""
    found: Pack = data(f"packs/{policy(area)[insutype][kind]}")
    if not found["valid_from"] <= day or (found["valid_to"] is not None and day > found["valid_to"]):
        raise Refused(Code.NO_DIRECT_SETTLEMENT, f"pack {day}")
    return found
