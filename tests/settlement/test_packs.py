"""Which pack applies: the one in force on the day of discharge; and what is shipped is what the golden data hold."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from catalogue.packs import POLICIES, PackRefused, load_pack, load_packs, newest_in_force, pack_for, pack_of_pool
from domain.settlement import PolicyPack, SettlementRefused, read_pack
from tests.settlement.golden import PACKS, changed, claim_of, in_scope, pack_of, raw


def version(number: str, first: str, last: str | None = None, **changes: object) -> PolicyPack:
    return pack_of("TEST-EMP", version=number, valid_from=first, valid_to=last, **changes)


def chosen(packs: list[PolicyPack], day: str | None) -> str:
    claim = claim_of("TEST-EMP", in_scope("1.00"), **({"discharge_date": day} if day else {}))
    return pack_for(packs, claim).version


def code(refused: pytest.ExceptionInfo[SettlementRefused]) -> list[str]:
    return [fault.code for fault in refused.value.faults]


OLD, NEW = version("2026.1", "2026-01-01", "2026-06-30"), version("2026.2", "2026-07-01", "2026-12-31")


@pytest.mark.parametrize(
    ("day", "number"), [("2026-01-01", "2026.1"), ("2026-06-30", "2026.1"), ("2026-07-01", "2026.2")]
)
def test_the_day_of_discharge_chooses_the_version(day: str, number: str) -> None:
    assert chosen([NEW, OLD], day) == number


@pytest.mark.parametrize("day", ["2025-12-31", "2027-01-01"])
def test_a_day_outside_every_version_is_refused(day: str) -> None:
    with pytest.raises(SettlementRefused) as refused:
        chosen([OLD, NEW], day)
    assert code(refused) == ["pack_not_in_force"]


def test_without_a_day_there_must_be_no_choice() -> None:
    assert chosen([OLD, pack_of("TEST-RES")], None) == "2026.1"
    with pytest.raises(SettlementRefused) as refused:
        chosen([OLD, NEW], None)
    assert code(refused) == ["discharge_date_missing"]


def test_what_began_later_takes_the_place_of_what_has_no_end() -> None:
    endless = [version("2026.10", "2026-01-01"), version("2026.9", "2026-07-01")]
    assert chosen(endless, "2026-06-30") == "2026.10"
    assert chosen(endless, "2026-07-01") == "2026.9"


def test_of_two_that_began_together_the_higher_version_applies() -> None:
    assert chosen([version("2026.10", "2026-01-01"), version("2026.9", "2026-01-01")], "2026-02-01") == "2026.10"
    with pytest.raises(SettlementRefused) as refused:
        chosen([version("a", "2026-01-01"), version("b", "2026-01-01")], "2026-02-01")
    assert code(refused) == ["pack_ambiguous"]


def test_a_pool_is_an_area_and_an_insurance() -> None:
    packs = [OLD, NEW, pack_of("TEST-RES")]
    assert pack_of_pool(packs, "320500", "310", date(2026, 8, 1)) is NEW
    assert pack_of_pool(packs, "340100", "390", date(2026, 8, 1)).pack == "TEST-RES"
    with pytest.raises(SettlementRefused) as refused:
        pack_of_pool(packs, "320500", "390", date(2026, 8, 1))
    assert code(refused) == ["pack_unknown"]
    with pytest.raises(SettlementRefused) as refused:
        newest_in_force(packs[:2], date(2027, 1, 1))
    assert code(refused) == ["pack_not_in_force"]


def test_a_pack_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettlementRefused) as refused:
        pack_for([OLD], claim_of("OTHER", in_scope("1.00")))
    assert code(refused) == ["pack_unknown"]


def test_a_folder_is_taken_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(PackRefused) as refused:
        load_packs(tmp_path)
    assert (code(refused), refused.value.file) == (["no_packs"], tmp_path)
    (tmp_path / "a.json").write_bytes(raw(PACKS["TEST-EMP"]))
    (tmp_path / "notes.txt").write_text("not a pack")
    assert [pack.pack for pack in load_packs(tmp_path)] == ["TEST-EMP"]
    (tmp_path / "b.json").write_bytes(raw(PACKS["TEST-EMP"]))
    with pytest.raises(PackRefused) as refused:
        load_packs(tmp_path)
    assert (code(refused), refused.value.file) == (["pack_twice"], tmp_path / "b.json")
    (tmp_path / "b.json").write_bytes(raw(changed(PACKS["TEST-RES"], {"/bands": []})))
    with pytest.raises(PackRefused) as refused:
        load_packs(tmp_path)
    assert (code(refused), refused.value.file) == (["bands_missing"], tmp_path / "b.json")


def test_what_is_shipped_is_the_golden_data_and_says_that_it_is_made_up() -> None:
    shipped = {pack.pack: pack for pack in load_packs()}
    assert set(PACKS) <= set(shipped)
    for pack in shipped.values():
        assert pack.synthetic
        assert "not" in pack.source or "no place" in pack.source
        assert pack.tags[""] == "DESIGN"
    for name, golden in PACKS.items():
        plain = shipped[name].model_copy(update={"synthetic": False, "source": "", "tags": {}})
        assert plain == read_pack(raw(golden))


def test_a_pack_can_be_written_down_again() -> None:
    for file in POLICIES.glob("*.json"):
        pack = load_pack(file)
        assert read_pack(pack.model_dump_json().encode()) == pack
        assert json.loads(pack.model_dump_json())["annual_cap"] == json.loads(file.read_bytes())["annual_cap"]
