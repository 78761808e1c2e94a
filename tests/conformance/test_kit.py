"""The shipped dialects keep what is required; planted faults are found, each by the checks that are meant for it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from adapters.conformance.catalogue import GROUPS, all_checks
from adapters.conformance.model import Status
from adapters.conformance.profile import SAMPLES, read_profile
from adapters.conformance.requirements import REQUIREMENTS
from tests.conformance import faulty
from tests.conformance.conftest import Tiny
from tests.conformance.places import DIALECTS, ROOT, failing, run_kit, run_shipped, why

PAGE = (ROOT / "docs" / "reference" / "conformance.md").read_text("utf-8")
BESIDE = 2  # kits at a time: more, and it is the machine that fails

UNABLE_TO_KEEP_A_KEY = {
    *("SUB-02", "SUB-03", "SUB-04", "SUB-06", "SUB-07", "SUB-09", "SUB-12", "TIM-07"),
    *("FND-01", "FND-03", "FND-04", "FND-08"),
    *(f"CHR-0{number}" for number in range(1, 9)),
}
PLANTED = {
    faulty.CallsTimeoutUnavailable: {"TIM-01", "TIM-02", "TIM-03", "TIM-07"},
    faulty.NewKeyEachAttempt: UNABLE_TO_KEEP_A_KEY,
    faulty.TakesAnyPage: {"SPO-01", "SPO-02", "SPO-03", "SPO-06", "SPO-08"},
    faulty.LosesRareCharacters: {"CHR-01", "CHR-02", "CHR-08", "CHR-09"},
    faulty.IgnoresRetryAfter: {"REF-03", "REF-04"},
    faulty.FindSubmits: {"FND-02", "FND-03", "FND-08", "SUB-05"},
    faulty.FindSaysNever: {"FND-05", "FND-06", "FND-07"},
    faulty.WaitsForEver: {"FND-05", "TIM-01", "TIM-02", "TIM-03", "TIM-07"},
    faulty.ReadsEverything: {"SPO-05"},
    faulty.TriesTwice: {"SUB-10"},
    faulty.TellsTooMuch: {"PRV-01", "PRV-04"},
    faulty.RaisesItsOwn: {"REF-03", "REF-04", "REF-05", "REF-06", "SUB-10"},
}
PLANTED_IN_SHIPPED = {
    faulty.BelievesAnybody: ("adapters.zhejiang:Zhejiang", {"CBK-02", "CBK-03", "CBK-06", "CBK-07", "CBK-18"}),
    faulty.MoneyThroughFloat: ("adapters.anhui:Anhui", {"MNY-02", "MNY-03"}),
    faulty.TrustsAnyFile: ("adapters.anhui:Anhui", {"BAT-03", "BAT-04"}),
}


def named(adapter: type) -> str:
    return f"{adapter.__module__}:{adapter.__name__}"


async def test_every_shipped_dialect_conforms_and_every_planted_fault_is_found(provinces: dict[str, str]) -> None:
    shipped = await asyncio.gather(*(run_shipped(name, provinces[region]) for name, region in DIALECTS.items()))
    for report in shipped:
        assert failing(report) == set(), f"{report.adapter}\n{why(report)}"
        assert report.count(Status.PASSED) >= 110, report.adapter
    able = {result.check.id for report in shipped for result in report.results if result.status is Status.PASSED}
    assert {check.id for check in all_checks()} - able <= {"CAP-02", "CAP-05"}, "each check has passed somewhere"

    houses = {region: asyncio.Lock() for region in provinces}  # one kit at a time: they move the clock of a house

    async def found(fault: type, like: str) -> tuple[set[str], str]:
        async with houses[DIALECTS[like]]:
            report = await run_shipped(named(fault), provinces[DIALECTS[like]], like)
            return failing(report), why(report)

    planted = await asyncio.gather(*(found(fault, like) for fault, (like, _) in PLANTED_IN_SHIPPED.items()))
    for (fault, (_, expected)), (failed, words) in zip(PLANTED_IN_SHIPPED.items(), planted, strict=True):
        assert failed == expected, f"{fault.__name__}\n{words}"


async def test_planted_faults_are_found_by_the_checks_that_are_meant_for_them(tiny: Tiny) -> None:
    places = asyncio.Semaphore(BESIDE)

    async def found(fault: type) -> tuple[set[str], str]:
        async with places:
            report = await run_kit(named(fault), tiny.url, faulty.PROFILE, faulty.honest_keys())
            return failing(report), why(report)

    for fault, (failed, words) in zip(PLANTED, await asyncio.gather(*map(found, PLANTED)), strict=True):
        assert failed == PLANTED[fault], f"{fault.__name__}\n{words}"


async def test_the_scaffold_conforms_with_and_without_controls(tiny: Tiny) -> None:
    keys = faulty.honest_keys()
    report = await run_kit(named(faulty.Honest), tiny.url, faulty.PROFILE, keys)
    assert (failing(report), report.passed) == (set(), True), why(report)
    without = await run_kit(named(faulty.Honest), tiny.url, faulty.PROFILE, keys, ["SUB", "FND"], controls=False)
    assert failing(without) == set(), why(without)
    told = {result.check.id: result.text.en for result in without.results if result.text}
    assert told["SUB-07"] == "the target offers no controls: ledger"


async def test_a_clerk_has_no_wire_and_the_rest_holds(provinces: dict[str, str]) -> None:
    report = await run_shipped("adapters.clerk:Clerk", provinces["340000"])
    assert (failing(report), report.passed) == (set(), True), why(report)
    assert all(result.check.group == "CAP" for result in report.results if result.status is Status.PASSED)


def test_every_check_has_its_requirement_in_the_docs_and_the_other_way_round() -> None:
    checks = all_checks()
    assert len(checks) >= 60
    assert len({check.id for check in checks}) == len(checks)
    assert {check.requirement for check in checks} == set(REQUIREMENTS)
    described = dict(re.findall(r"^### ([a-z-]+)\n\n(.*?)(?=^### |\Z)", PAGE, re.M | re.S))
    assert list(described) == list(REQUIREMENTS)
    for slug, requirement in REQUIREMENTS.items():
        ids = [check.id for check in checks if check.requirement == slug]
        text, why_ = requirement.text, requirement.why
        expected = f"{text.zh}\n{text.en}\n\n*{why_.zh} {why_.en}*\n\nChecks: {', '.join(ids)}\n"
        assert described[slug].strip() == expected.strip(), slug


def test_every_group_and_sample_is_used_and_told() -> None:
    assert {check.group for check in all_checks()} == set(GROUPS)
    for name, text in SAMPLES.items():
        assert f"| `{name}` | {text} |" in PAGE
    for adapter in DIALECTS:
        assert set(read_profile(None, adapter).samples) == set(SAMPLES)
    used = {sample for check in all_checks() for sample in check.samples}
    assert set(SAMPLES) - used == {"text"}, "text is used where it is there"


def test_test_keys_are_those_of_the_simulated_provinces() -> None:
    import json

    from adapters.conformance.profile import read_keys

    known = json.loads((Path(ROOT) / "provinces" / "credentials.json").read_text("utf-8"))
    for adapter, region in DIALECTS.items():
        keys = read_keys(None, adapter)
        assert keys.good == known[region].get("caller", known[region])
        assert keys.stranger.keys() == keys.good.keys()
        assert keys.stranger != keys.good
