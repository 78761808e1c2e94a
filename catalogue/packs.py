"""Policy packs from files, and which of them applies: the one in force on the day of discharge (domain note 3.3, 3.6).

A folder of packs is taken as a whole: one pack that does not check, and nothing is settled by any of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from catalogue.library import HERE, version_key
from domain.settlement import Claim, Fault, PolicyPack, SettlementRefused, read_pack

POLICIES = HERE / "policies"


class PackRefused(SettlementRefused):
    """Everything that is wrong with the pack in one file."""

    def __init__(self, file: Path, faults: Iterable[Fault]) -> None:
        super().__init__(faults)
        self.file = file


def load_pack(file: Path) -> PolicyPack:
    """The pack in a file; PackRefused if it does not check, OSError if it cannot be read."""
    try:
        return read_pack(file.read_bytes())
    except SettlementRefused as refused:
        raise PackRefused(file, refused.faults) from None


def load_packs(folder: Path = POLICIES) -> tuple[PolicyPack, ...]:
    """Every pack of a folder, by name of its file; each version only once."""
    packs: dict[tuple[str, str], PolicyPack] = {}
    for file in sorted(folder.glob("*.json")):
        pack = load_pack(file)
        if packs.setdefault((pack.pack, pack.version), pack) is not pack:
            raise PackRefused(file, [Fault(code="pack_twice", where="/version")])
    if not packs:
        raise PackRefused(folder, [Fault(code="no_packs")])
    return tuple(packs.values())


def pack_for(packs: Iterable[PolicyPack], claim: Claim) -> PolicyPack:
    """The version of the claim's pack that applies. SettlementRefused, with places in the claim, if there is none.

    A claim without a day of discharge is settled only where there is no choice.
    """
    versions = [pack for pack in packs if pack.pack == claim.pack]
    if not versions:
        raise SettlementRefused([Fault(code="pack_unknown", where="/pack")])
    if claim.discharge_date is not None:
        return newest_in_force(versions, claim.discharge_date)
    if len(versions) > 1:
        raise SettlementRefused([Fault(code="discharge_date_missing", where="/discharge_date")])
    return versions[0]


def pack_of_pool(packs: Iterable[PolicyPack], pooling_area: str, insutype: str, day: date) -> PolicyPack:
    """What applies in a pool (统筹区 and insurance) on a day. SettlementRefused if nothing does."""
    pool = [pack for pack in packs if (pack.pooling_area, pack.insutype) == (pooling_area, insutype)]
    if not pool:
        raise SettlementRefused([Fault(code="pack_unknown")])
    return newest_in_force(pool, day)


def newest_in_force(packs: Iterable[PolicyPack], day: date) -> PolicyPack:
    """Of those in force on a day, the one that began last; of those that began together, the highest version."""
    valid = sorted((pack for pack in packs if pack.is_in_force(day)), key=_age)
    if not valid:
        raise SettlementRefused([Fault(code="pack_not_in_force", where="/discharge_date")])
    if len(valid) > 1 and _age(valid[-2]) == _age(valid[-1]):
        raise SettlementRefused([Fault(code="pack_ambiguous", where="/discharge_date")])
    return valid[-1]


def _age(pack: PolicyPack) -> tuple[date, tuple[int, ...]]:
    return pack.valid_from, version_key(pack.version)
