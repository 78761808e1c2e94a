"""The evidence registers: what a province knows about a person or a company.

Seeded holders are the synthetic ones of the domain reference. Any other holder of the province whose number is valid
gets evidence computed from the number, the same at every call, so that load tests need no seed data.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

from provinces import identifiers
from provinces.words import Text

PROVINCE_NAMES = {"31": "上海", "32": "江苏", "33": "浙江", "34": "安徽"}

SEEDED_PEOPLE = {
    "310199199001010018": "沈安宁",
    "320599198506150023": "\U00020bb7丽娜",  # U+20BB7, CJK extension B
    "33019920120229003X": "闰小满",
    "340199194910010042": "阿依古丽·买买提",
    "33049919780808019X": "嘉建国",
    "310199202001310090": "沈一诺",
}
SEEDED_COMPANIES = {
    "91310000XXXX00019C": ("上海申江智能科技有限公司", "沈安宁"),
    "91320500XXXX000275": ("苏州\U000242ee泽精密机械有限公司", "\U00020bb7丽娜"),  # U+242EE, CJK extension B
    "91330100XXXX00035F": ("杭州钱塘云计算有限公司", "嘉建国"),
    "91340100XXXX00043E": ("合肥巢湖新材料有限公司", "阿依古丽·买买提"),
}

SOMEBODY_ELSE = "88"
NOT_REGISTERED_COMPANY = "97"
REVOKED_COMPANY = "98"
NOT_REGISTERED_PERSON = "404"

_REGISTER_YEAR = "2020"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙朱马胡郭林何高罗"
_GIVEN = "伟芳娜敏静强磊军洋勇艳杰娟涛明超兰霞平刚"
_BRANDS = "华瑞恒通汇丰盛达信诚联创新源安泰宏远博雅"
_TRADES = ("电子科技", "精密机械", "新材料", "物流", "生物医药", "信息技术", "食品", "环保工程")


@dataclass(frozen=True)
class Missing:
    """Why a register has nothing to show."""

    code: str
    zh: str
    en: str

    @property
    def text(self) -> Text:
        """For the applicant."""
        return Text(self.zh, self.en)


NOT_FOUND = Missing("not_found", "登记簿中没有该持有人的记录。", "The register holds nothing about this holder.")
INVALID_LICENCE = Missing("invalid_licence", "证照标识不正确。", "This is no licence identifier.")
INVALID_HOLDER = Missing("invalid_holder", "持有人证件号码不正确。", "The holder's number is not valid.")


def look_up(region: str, holder_id: str, *, from_anywhere: bool = False, seed: int = 0) -> dict[str, str] | Missing:
    """The evidence about one holder, as plain strings.

    ``from_anywhere``: a register of homes or of work, which holds also people whose number was given elsewhere.
    ``seed``: another one invents others.
    """
    if identifiers.is_uscc(holder_id):
        if holder_id[2:4] != region[:2] or holder_id[14:16] == NOT_REGISTERED_COMPANY:
            return NOT_FOUND
        return _company(region, _whose(holder_id, "91310000XXXX00019C"), seed)
    if identifiers.is_resident_id(holder_id):
        of_here = from_anywhere or holder_id[:2] == region[:2]
        if not of_here or holder_id[14:17] == NOT_REGISTERED_PERSON:
            return NOT_FOUND
        return _person(region, _whose(holder_id, "33049919780808019X"), seed)
    return INVALID_HOLDER


def verify(region: str, identifier: str, known: str) -> dict[str, str] | Missing:
    """Whether a licence is genuine here. ``known``: its status in the books of this province, if it is there.

    Numbers of the registers are computed and need not have been shown before; their serial says that they are.
    """
    if not identifiers.is_licence_identifier(identifier):
        return INVALID_LICENCE
    issuer, serial = identifier.split(".")[6:8]
    of_register = issuer == identifiers.government(region) and serial.startswith(_REGISTER_YEAR)
    status = known or ("valid" if of_register else "")
    found = {"licence_identifier": identifier, "genuine": "yes" if status else "no"}
    return found | ({"licence_status": status} if status else {})


def _whose(holder_id: str, somebody: str) -> str:
    """The holder whose evidence is shown: marked numbers are answered with somebody else's, as a mixed-up file is."""
    return somebody if holder_id[14:16] == SOMEBODY_ELSE else holder_id


def _person(region: str, holder_id: str, chosen: int) -> dict[str, str]:
    seed = _seed(holder_id, chosen)
    return {
        "holder_id": holder_id,
        "holder_name": SEEDED_PEOPLE.get(holder_id) or _name(seed),
        "licence_name": "居民身份证电子证照",
        "licence_identifier": identifiers.licence_identifier(region, _serial(seed), identifiers.IDENTITY_LICENCE),
        "licence_status": "valid",
        "issued_on": _issued_on(seed),
        "issuer": identifiers.government(region),
    }


def _company(region: str, holder_id: str, chosen: int) -> dict[str, str]:
    seed = _seed(holder_id, chosen)
    place = PROVINCE_NAMES.get(region[:2], "")
    brand = _BRANDS[seed[2] % len(_BRANDS)] + _BRANDS[seed[3] % len(_BRANDS)]
    invented = (f"{place}{brand}{_TRADES[seed[4] % len(_TRADES)]}有限公司", _name(seed))
    name, representative = SEEDED_COMPANIES.get(holder_id, invented)
    return {
        "holder_id": holder_id,
        "holder_name": name,
        "company_name": name,
        "uscc": holder_id,
        "legal_representative": representative,
        "registered_address": f"{place}省示范路{seed[5]}号" if place != "上海" else f"上海市示范路{seed[5]}号",
        "licence_name": "营业执照",
        "licence_identifier": identifiers.licence_identifier(region, _serial(seed)),
        "licence_status": "revoked" if holder_id[14:16] == REVOKED_COMPANY else "valid",
        "issued_on": _issued_on(seed),
        "issuer": identifiers.government(region),
    }


def _seed(holder_id: str, chosen: int) -> bytes:
    return hashlib.sha256(f"evidence:{chosen or ''}{holder_id}".encode()).digest()


def _name(seed: bytes) -> str:
    return _SURNAMES[seed[0] % len(_SURNAMES)] + _GIVEN[seed[1] % len(_GIVEN)]


def _serial(seed: bytes) -> str:
    return _REGISTER_YEAR + str(int.from_bytes(seed[8:14], "big")).zfill(12)[-12:]


def _issued_on(seed: bytes) -> str:
    return (date(2018, 1, 1) + timedelta(days=int.from_bytes(seed[6:8], "big") % 2500)).isoformat()
