"""Designated medical institutions (定点医药机构): what they can do, what they are opened for, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from domain.messages import Message, Text
from domain.regions import covers

InstitutionCode = Annotated[str, StringConstraints(pattern=r"^[HP][0-9]{11}$")]


class CareKind(StrEnum):
    """For what kind of care an institution settles directly with other provinces."""

    INPATIENT = "inpatient"
    OUTPATIENT = "outpatient"
    CHRONIC = "chronic"


class Institution(Message):
    """One institution. ``level``: 1-3 of a hospital, 0 of a pharmacy. Both days of validity included.

    uscc: 统一社会信用代码, that of whoever issues its bills.

    ``capabilities``, ``diseases``: codes of the list they stand in; ``networked``: opened for care across provinces.
    """

    code: InstitutionCode
    uscc: Annotated[str, StringConstraints(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")]
    name: Text
    region: Annotated[str, StringConstraints(pattern=r"^3[1-4][0-9]{4}$")]
    level: int = Field(ge=0, le=3)
    capabilities: tuple[str, ...] = ()
    diseases: tuple[str, ...] = ()
    networked: tuple[CareKind, ...] = ()
    first: date
    last: date | None = None

    def is_open(self, day: date) -> bool:
        """Whether it is designated on a day."""
        return self.first <= day and (self.last is None or day <= self.last)

    def settles(self, care: CareKind, day: date) -> bool:
        """Whether it settles this kind of care with other provinces on a day."""
        return self.is_open(day) and care in self.networked


class InstitutionList(Message):
    """All of them, with the words behind the codes. ``synthetic``: made up, no real institution."""

    synthetic: bool
    source: Text
    capabilities: Mapping[str, Text]
    diseases: Mapping[str, Text]
    institutions: tuple[Institution, ...]

    def get(self, code: str) -> Institution | None:
        """One of them."""
        return next((item for item in self.institutions if item.code == code), None)


class InstitutionQuery(Message):
    """What is looked for; empty means any. ``region``: the place and those inside it."""

    region: str = ""
    level: int | None = None
    capability: str = ""
    disease: str = ""
    care: CareKind | None = None
    name: str = ""


def find_institutions(institutions: Iterable[Institution], query: InstitutionQuery, day: date) -> list[Institution]:
    """Those that are open on that day and fit, in the order of their codes."""
    return sorted((item for item in institutions if _fits(item, query, day)), key=lambda item: item.code)


def _fits(item: Institution, query: InstitutionQuery, day: date) -> bool:
    name = query.name.casefold()
    return (
        item.is_open(day)
        and (not query.region or covers(query.region, item.region))
        and (query.level is None or item.level == query.level)
        and (not query.capability or query.capability in item.capabilities)
        and (not query.disease or query.disease in item.diseases)
        and (query.care is None or query.care in item.networked)
        and (not name or name in item.name.zh.casefold() or name in item.name.en.casefold())
    )
