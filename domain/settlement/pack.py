"""A policy pack: what one pooling area pays, from one day to another (domain note 3.6, 3.7 and 10, ``PolicyPack``).

The insured place decides how much (参保地政策). Each version of its rules is a pack of its own, and a claim is settled
by the one in force on the day of discharge. Whatever a city could decide otherwise stands here and nothing of it in
code. Format: docs/reference/settlement.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Strict, StringConstraints

from domain.settlement.faults import Fault, SettlementRefused, pointer, wrong
from domain.settlement.money import Fen, Ratio, share
from domain.settlement.reading import Day, Document, Name, read


def _level(value: object) -> object:
    """Short and canonical, so that the whole number of a claim finds it: never "03"."""
    if not isinstance(value, str) or not (value.isascii() and value.isdigit()) or str(int(value[:3])) != value:
        raise wrong("level_wrong")
    return value


Level = Annotated[str, BeforeValidator(_level)]
LevelRatio = Annotated[Mapping[Level, Ratio], "by hospital level"]


class Mode(StrEnum):
    """How a category lowers the ratio: both are in use, and they differ (domain note 0.1)."""

    POINTS = "points"
    MULTIPLIER = "multiplier"


def _mode(value: object) -> Mode:
    if not isinstance(value, str) or value not in {mode.value for mode in Mode}:
        raise wrong("reduction_mode")
    return Mode(value)


class Band(Document):
    """In scope up to here; ``up_to`` None: without an end."""

    up_to: Fen | None
    ratio: LevelRatio


class OverCap(Document):
    """职工大额: what is paid above the annual cap, and at most how much in a year."""

    ratio: Ratio
    limit: Fen


class Reduction(Document):
    """By how much a category of out-of-area care is paid less; every key beside ``mode`` is a category."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Ratio]

    mode: Annotated[Mode, BeforeValidator(_mode)]

    @property
    def categories(self) -> Mapping[str, Fraction]:
        """Category -> points to subtract, or factor."""
        return self.__pydantic_extra__


class IllnessBand(Document):
    """A band of the big-illness insurance, measured on what was borne in the whole year."""

    up_to: Fen | None
    ratio: Ratio


class BigIllness(Document):
    """居民大病: ``includes_preselfpay``: whether what is paid before the insurance begins counts into the base."""

    threshold: Fen
    bands: Annotated[tuple[IllnessBand, ...], Strict(False)]
    includes_preselfpay: bool
    aid_threshold_factor: Ratio
    aid_bonus: Ratio


class MedicalAid(Document):
    """医疗救助: the share of what remains, by class of persons, and at most how much in a year."""

    ratio: Mapping[Name, Ratio]
    limit: Fen


class PolicyPack(Document):
    """The rules of one pooling area and insurance, of one version. Amounts are fen.

    ``synthetic``: made up, no place's policy. ``source``: where the values are from. ``tags``: how far to trust them,
    JSON pointer into this pack -> tag (U-H, U-M, U-L, C, DESIGN or a source).
    """

    pack: Name
    version: Name
    valid_from: Day
    valid_to: Day | None = None
    pooling_area: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    insutype: Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")]
    deductible: Mapping[Level, Fen]
    repeat_deductible_factor: Ratio
    bands: Annotated[tuple[Band, ...], Strict(False)]
    retiree_bonus: Ratio
    annual_cap: Fen
    over_cap: OverCap | None = None
    reduction: Reduction
    big_illness: BigIllness | None = None
    medical_aid: MedicalAid | None = None
    synthetic: bool = False
    source: str = ""
    tags: Mapping[str, Name] = {}

    def is_in_force(self, day: date) -> bool:
        """Both ends included."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def due_deductible(self, level: str, stay_of_year: int) -> int:
        """What has to be borne before the fund pays, in fen; for stays after the first multiplied and rounded."""
        whole = self.deductible[level]
        return whole if stay_of_year == 1 else share(whole, self.repeat_deductible_factor)


def read_pack(source: bytes) -> PolicyPack:
    """The pack; SettlementRefused with everything that is wrong otherwise."""
    pack = read(source, PolicyPack)
    faults = list(check_pack(pack))
    if faults:
        raise SettlementRefused(faults)
    return pack


def check_pack(pack: PolicyPack) -> Iterator[Fault]:
    """What the shape of a document cannot tell."""
    if pack.valid_to is not None and pack.valid_to < pack.valid_from:
        yield Fault(code="dates_reversed", where="/valid_to")
    yield from _check_levels(pack)
    yield from _check_bands("/bands", [band.up_to for band in pack.bands])
    if pack.big_illness is not None:
        yield from _check_bands("/big_illness/bands", [band.up_to for band in pack.big_illness.bands])
    if not pack.reduction.categories:
        yield Fault(code="categories_missing", where="/reduction")
    for category in pack.reduction.categories:
        if not (category.isascii() and category.replace("_", "").isalnum() and category == category.lower()):
            yield Fault(code="category_wrong", where=pointer("reduction", category))
    for place in pack.tags:
        if not _is_in(pack.model_dump(mode="json", exclude={"tags"}), place):
            yield Fault(code="tag_nowhere", where=pointer("tags", place))


def _check_levels(pack: PolicyPack) -> Iterator[Fault]:
    """A level that has a deductible has a ratio in every band, and the other way round."""
    places: dict[str, Mapping[str, object]] = {"/deductible": pack.deductible}
    places |= {pointer("bands", i, "ratio"): band.ratio for i, band in enumerate(pack.bands)}
    levels = sorted({level for values in places.values() for level in values})
    if not levels:
        yield Fault(code="level_missing", where="/deductible")
    for where, values in places.items():
        for level in levels:
            if level not in values:
                yield Fault(code="level_missing", where=where + pointer(level))


def _check_bands(where: str, ends: Sequence[int | None]) -> Iterator[Fault]:
    """Every amount lies in exactly one band: each ends above the one before, only the last is open."""
    if not ends:
        yield Fault(code="bands_missing", where=where)
        return
    below: int | None = 0
    for i, end in enumerate(ends):
        if below is None or (end is not None and end <= below):
            yield Fault(code="bands_overlap", where=where + pointer(i, "up_to"))
        below = end
    if below is not None:
        yield Fault(code="last_band_closed", where=where + pointer(len(ends) - 1, "up_to"))


def _is_in(document: object, place: str) -> bool:
    """Whether a JSON pointer leads somewhere."""
    root, *steps = place.split("/")
    if root:
        return False
    for step in steps:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Mapping) and name in document:
            document = document[name]
        elif isinstance(document, list) and name in map(str, range(len(document))):
            document = document[int(name)]
        else:
            return False
    return True
