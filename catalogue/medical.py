"""Cross-province medical insurance as data: rules of filing by insured place, of referral, and the institutions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from catalogue.library import HERE
from domain.medical.filing_rules import FilingRules, pool_of
from domain.medical.institution import InstitutionList
from domain.medical.referral_rules import ReferralRules
from domain.medical.treatment_words import TreatmentTimes
from domain.messages import Message
from domain.regions import covers


def _yaml(path: Path) -> dict[str, object]:
    found = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    if not isinstance(found, dict):
        raise TypeError(f"{path.name} is no mapping")
    return found


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("no mapping")
    return value


def merged(base: Mapping[str, object], change: Mapping[str, object]) -> dict[str, object]:
    """Key by key; lists of things with an id grow, anything else that is said anew takes the place of what was."""
    result = dict(base)
    for key, value in change.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            result[key] = merged(old, value)
        elif key == "waivers" and isinstance(old, list) and isinstance(value, list):
            result[key] = [*old, *value]
        else:
            result[key] = value
    return result


class FilingBook:
    """The rules of every insured place."""

    def __init__(self, path: Path = HERE / "filing.yaml") -> None:
        content = _yaml(path)
        self._version = str(content["version"])
        self._default = _mapping(content["default"])
        self._places = {str(place): _mapping(change) for place, change in _mapping(content["places"]).items()}

    @property
    def places(self) -> tuple[str, ...]:
        """Those that say something otherwise."""
        return tuple(self._places)

    def rules(self, insured: str) -> FilingRules:
        """The rules of the pool somebody is insured in; what a province says holds in its cities, too."""
        pool, found = pool_of(insured), self._default
        for place in sorted(self._places, key=lambda code: code.rstrip("0")):
            if covers(place, pool):
                found = merged(found, self._places[place])
        return FilingRules.model_validate({**found, "version": self._version, "insured": pool})


@cache
def filing_book() -> FilingBook:
    """What is shipped."""
    return FilingBook()


OUTPATIENT = frozenset({"11", "14"})  # med_type


class PackNames(Message):
    """The packs of one pool and insurance."""

    inpatient: str
    outpatient: str


class PackTable(Message):
    """insutype -> packs, as usual and by pool where it has others."""

    usual: Mapping[str, PackNames]
    pools: Mapping[str, Mapping[str, PackNames]] = {}


class TreatmentTerms(Message):
    """How long stays, visits and claims may take, who reimburses by hand, and by which pack. ``agencies``: province ->
    credit code. lock_days: for how long a claim locks its bill.
    """

    times: TreatmentTimes
    review_days: int
    lock_days: int
    agencies: Mapping[str, str]
    packs: PackTable
    tag: str

    def pack(self, insured: str, insutype: str, med_type: str) -> str:
        """The name of the pack for somebody insured there."""
        names = self.packs.pools.get(pool_of(insured), {}).get(insutype) or self.packs.usual[insutype]
        return names.outpatient if med_type in OUTPATIENT else names.inpatient

    def agency(self, insured: str) -> str:
        """The credit code of the agency that answers for an insured place."""
        return self.agencies[insured[:2] + "0000"]


@cache
def treatment_terms() -> TreatmentTerms:
    """What is shipped."""
    return TreatmentTerms.model_validate(_yaml(HERE / "treatment.yaml"))


@cache
def referral_rules() -> ReferralRules:
    """What is shipped."""
    return ReferralRules.model_validate(_yaml(HERE / "referral.yaml"))


@cache
def institutions() -> InstitutionList:
    """What is shipped; each code once, and in the region it names."""
    found = InstitutionList.model_validate_json((HERE / "institutions.json").read_bytes())
    codes = [item.code for item in found.institutions]
    if len(set(codes)) != len(codes) or any(item.code[1:7] != item.region for item in found.institutions):
        raise ValueError("institutions.json: a code comes twice, or is of another region")
    return found
