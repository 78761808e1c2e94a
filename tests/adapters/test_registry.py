"""The provinces file: what it may say, what is made of it, and the sentence an operator reads when it is wrong."""

from __future__ import annotations

import json
import os
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from adapters import registry
from adapters.anhui import Anhui
from adapters.clerk import Clerk
from adapters.entries import ConfigurationError, read_entries
from adapters.errors import Misconfigured
from adapters.jiangsu import Jiangsu
from adapters.port import Adapter, AdapterSettings, Capabilities, FindBy
from adapters.registry import Provinces, open_provinces
from domain.effects import Answer, AnswerStatus, ProvinceCall, Verb
from tests.adapters.wires import SHANGHAI, call

SECRET = "0123456789abcdef0123456789abcdef"
OURS = {"anhui": "anhui:Anhui", "jiangsu": "jiangsu:Jiangsu", "clerk": "clerk:Clerk", "shanghai": "shanghai:Shanghai"}
DAY = {"day": "2026-01-01", "working": True, "reason": {"zh": "x", "en": "x"}}


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed does not depend on where these tests run."""
    install(monkeypatch)


def install(monkeypatch: pytest.MonkeyPatch, *more: EntryPoint) -> None:
    points = [EntryPoint(name, f"adapters.{value}", registry.GROUP) for name, value in OURS.items()]
    monkeypatch.setattr(registry, "entry_points", lambda group: [*points, *more])


def entry(**changes: object) -> dict[str, object]:
    base = {"region": "340000", "adapter": "anhui", "url": "http://127.0.0.1:8401", "credentials": "anhui.json"}
    return {name: value for name, value in (base | changes).items() if value is not None}


def written(folder: Path, *entries: object, **credentials: object) -> Path:
    values = {"app_id": "tester", "secrets": [SECRET]} | credentials
    (folder / "anhui.json").write_text(json.dumps(values))
    (folder / "short.json").write_text(json.dumps(values | {"secrets": ["short"]}))
    (folder / "empty.json").write_text("{}")
    (folder / "list.json").write_text("[]")
    file = folder / "provinces.json"
    file.write_text(json.dumps(entries))
    return file


def options_of(provinces: Provinces, region: str = "340000") -> AdapterSettings:
    adapter = provinces.get(region)
    assert isinstance(adapter, Adapter)
    return adapter.settings


# --- what is made of it


async def test_a_place_is_served_by_its_province(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIANGSU", json.dumps({"app_id": "tester", "secrets": SECRET}))
    jiangsu = entry(region="320000", adapter="jiangsu", credentials={"env": "JIANGSU"}, pending={"poll_after_s": 9})
    async with open_provinces(written(tmp_path, entry(), jiangsu)) as provinces:
        assert provinces.regions == ("320000", "340000")
        assert provinces.for_place("320509") is provinces.get("320000") is provinces.for_place("320000", "tax")
        assert provinces.get("340000").region == "340000"
        assert isinstance(provinces.get("320000"), Jiangsu)
        assert isinstance(provinces.get("340000"), Anhui)
        assert options_of(provinces, "320000").poll_after_s == 9


async def test_everything_an_entry_says_reaches_its_adapter(tmp_path: Path) -> None:
    said = entry(
        timeout_s=7, connect_timeout_s=1, private_network=True, options={"colour": "green"},
        url="https://gateway.example:8443/gov",
    )  # fmt: skip
    async with open_provinces(written(tmp_path, said)) as provinces:
        settings = options_of(provinces)
        assert (settings.timeout_s, settings.connect_timeout_s, settings.private_network) == (7, 1, True)
        assert (settings.url, settings.options) == ("https://gateway.example:8443/gov", {"colour": "green"})
        assert settings.credentials.secrets() == (SECRET.encode(),)


async def test_a_department_may_be_reached_otherwise_than_its_province(tmp_path: Path) -> None:
    said = entry(
        options={"a": "1", "b": "1"},
        departments={
            "natural_resources": {"adapter": "clerk"},
            "tax": {"adapter": "anhui", "url": "http://tax.example", "options": {"b": "2"}},
        },
    )
    async with open_provinces(written(tmp_path, said)) as provinces:
        counter, tax = provinces.for_place("340100", "natural_resources"), provinces.for_place("340000", "tax")
        assert isinstance(counter, Clerk)
        assert isinstance(tax, Anhui)
        assert tax is not provinces.get("340000") is provinces.for_place("340100", "big_data")
        assert (tax.settings.url, tax.settings.options) == ("http://tax.example", {"a": "1", "b": "2"})
        assert tax.settings.credentials.text("app_id") == "tester"  # what it does not say is as in the province


async def test_how_long_a_request_may_be_under_way_at_340000_is_the_entrys_to_say(tmp_path: Path) -> None:
    file = written(tmp_path, entry(options={"settle_s": "45.5"}), entry(region="330000"))
    async with open_provinces(file) as provinces:
        assert provinces.get("340000").capabilities.settle_s == 45.5
        assert provinces.get("330000").capabilities.settle_s == 20.0  # by the adapter's own word


async def test_a_rate_is_the_entrys_or_the_adapters_whichever_is_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, EntryPoint("slow", f"{__name__}:Slow", registry.GROUP))
    file = written(
        tmp_path, entry(adapter="slow", rate_per_s=9), entry(region="320000", rate_per_s=2),
        entry(region="310000", adapter="slow"), entry(region="330000"),
        entry(region="110000", adapter="slow", rate_per_s=1),
    )  # fmt: skip
    async with open_provinces(file) as provinces:
        rates = {region: provinces.rate(region) for region in provinces.regions}
    assert rates == {"340000": 5.0, "320000": 2.0, "310000": 5.0, "330000": None, "110000": 1.0}


async def test_days_on_which_a_province_works_otherwise_are_kept(tmp_path: Path) -> None:
    typhoon = {"day": "2026-09-10", "working": False, "reason": {"zh": "台风停工", "en": "typhoon"}}
    async with open_provinces(written(tmp_path, entry(calendar=[typhoon]))) as provinces:
        (override,) = provinces.entries["340000"].calendar
    assert (override.day.isoformat(), override.working, override.reason.zh) == ("2026-09-10", False, "台风停工")


async def test_a_province_that_is_not_in_the_file_is_a_matter_of_configuration(tmp_path: Path) -> None:
    async with open_provinces(written(tmp_path, entry())) as provinces:
        for code in ("110000", "3205", "32050a", ""):
            with pytest.raises(Misconfigured, match="unknown_province"):
                provinces.for_place(code)


async def test_closing_closes_every_adapter_even_when_one_fails() -> None:
    closed: list[str] = []

    class Closing(Slow):
        async def aclose(self) -> None:
            closed.append(self.region)
            if self.region == "340000":
                raise OSError("stuck")

    made = {r: Closing(AdapterSettings(r, "http://x", SHANGHAI.given())) for r in ("310000", "340000", "330000")}
    with pytest.raises(OSError, match="stuck"):
        await Provinces(made, {}).aclose()
    assert sorted(closed) == ["310000", "330000", "340000"]


# --- credentials


async def test_keys_rotate_without_a_restart(tmp_path: Path) -> None:
    async with open_provinces(written(tmp_path, entry())) as provinces:
        credentials = options_of(provinces).credentials
        file = tmp_path / "anhui.json"
        file.write_text(json.dumps({"app_id": "tester", "secrets": ["successor-0123456789", SECRET]}))
        assert credentials.secrets() == (b"successor-0123456789", SECRET.encode())
        file.write_text("{ half wri")
        assert credentials.secrets()[0] == b"successor-0123456789"
        file.unlink()
        assert credentials.secrets()[0] == b"successor-0123456789"
        replacement = tmp_path / "new.json"
        replacement.write_text(json.dumps({"app_id": "tester", "secrets": ["third-secret-0123456789"]}))
        os.replace(replacement, file)
        assert credentials.secrets() == (b"third-secret-0123456789",)


@pytest.mark.parametrize("value", [None, "", "not json", "[]", '"x"'])
def test_an_environment_variable_without_credentials_stops_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("ANHUI", raising=False)
    if value is not None:
        monkeypatch.setenv("ANHUI", value)
    with pytest.raises(ConfigurationError, match="region 340000, field credentials: no JSON object"):
        open_provinces(written(tmp_path, entry(credentials={"env": "ANHUI"})))


def test_a_secret_is_in_no_text_of_an_entry(tmp_path: Path) -> None:
    (listed,) = read_entries(written(tmp_path, entry()))
    assert SECRET not in repr(listed)


# --- what is wrong


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"adapter": "carrier_pigeon"}, "region 340000, field adapter: 'carrier_pigeon' is unknown (known: anhui, "),
        ({"adapter": None}, "region 340000, field adapter: Field required"),
        ({"url": None}, "region 340000, field url"),
        ({"url": "ftp://x"}, "region 340000, field url"),
        ({"url": "http://user:pass@host"}, "region 340000, field url"),
        ({"url": "http://2130706433/"}, "region 340000, field url"),
        ({"url": "http://0x7f000001/"}, "region 340000, field url"),
        ({"url": "http://0177.0.0.1/"}, "region 340000, field url"),
        ({"url": "http://host/?a=1"}, "region 340000, field url"),
        ({"url": "http://host/#a"}, "region 340000, field url"),
        ({"url": "http://host:99999/"}, "region 340000, field url"),
        ({"url": "http://host/a%2f"}, "region 340000, field url"),
        ({"url": "http://主机/"}, "region 340000, field url"),
        ({"region": "340100"}, "region 340100, field region"),
        ({"region": None}, "region of entry 1, field region"),
        ({"secrets": "in the open"}, "region 340000, field secrets: Extra inputs"),
        ({"credentials": "nowhere.json"}, "region 340000, field credentials: cannot be read"),
        ({"credentials": "list.json"}, "region 340000, field credentials: no JSON object"),
        ({"credentials": "empty.json"}, "field adapter: 'anhui' cannot be used: credential_missing: app_id"),
        ({"credentials": None}, "field adapter: 'anhui' cannot be used: credential_missing: app_id"),
        ({"credentials": "short.json"}, "credential_too_short"),
        ({"credentials": {"env": "NO SPACES"}}, "region 340000, field credentials"),
        ({"timeout_s": 0}, "region 340000, field timeout_s"),
        ({"timeout_s": 13}, "region 340000, field timeout_s"),
        ({"connect_timeout_s": -1}, "region 340000, field connect_timeout_s"),
        ({"rate_per_s": 0}, "region 340000, field rate_per_s"),
        ({"pending": {"poll_after_s": 0}}, "region 340000, field pending.poll_after_s"),
        ({"client_certificate": "nowhere.pem"}, "client_certificate_unusable"),
        ({"client_certificate": "anhui.json"}, "client_certificate_unusable"),
        ({"departments": {"No Name": {"adapter": "clerk"}}}, "departments: 'No Name' is no department"),
        ({"departments": {"tax": {"adapter": "pigeon"}}}, "'pigeon' is unknown"),
        ({"departments": {"tax": {"adapter": "anhui", "url": "x"}}}, "field departments.tax.url"),
        ({"calendar": [{"day": "soon", "working": True, "reason": {"zh": "x", "en": "x"}}]}, "field calendar.0.day"),
        (
            {"calendar": [{"day": "2026-01-01", "working": True, "reason": {"zh": "x", "en": "x"}}] * 2},
            "2026-01-01 is listed 2 times",
        ),
        ({"options": {"a": 1}}, "region 340000, field options.a"),
        ({"options": {"settle_s": "soon"}}, "option settle_s must be a number of seconds from 1 to 3600"),
        ({"options": {"settle_s": "0"}}, "option settle_s must be a number of seconds from 1 to 3600"),
        ({"options": {"settle_s": "nan"}}, "option settle_s must be a number of seconds from 1 to 3600"),
    ],
)
def test_a_mistake_is_named_by_file_region_and_field(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_provinces(written(tmp_path, entry(**changes)))
    assert str(caught.value).startswith(str(tmp_path / "provinces.json"))
    assert says in str(caught.value)
    for secret in ("in the open", "user:pass", SECRET):
        assert secret not in str(caught.value)


def test_a_province_listed_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="region 340000 is listed 2 times"):
        open_provinces(written(tmp_path, entry(), entry(url="http://other")))


@pytest.mark.parametrize("text", ["", "{}", "[1]", "not json", "null"])
def test_a_file_that_is_no_list_of_provinces_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "provinces.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"provinces\.json"):
        open_provinces(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        open_provinces(tmp_path / "none.json")


# --- adapters of somebody else


class Slow(Adapter):
    """A guest."""

    capabilities = Capabilities(verbs=frozenset({Verb.SUBMIT}), max_rate_per_s=5.0)

    async def call(self, call: ProvinceCall) -> Answer:
        return Answer(status=AnswerStatus.ACCEPTED, reference=f"{self.region} of {call.case_no}")


class Old(Slow):
    port_version = 0


class Newer(Slow):
    port_version = 2


class Silent(Adapter):
    """Says nothing of what it can do."""


class Odd(Slow):
    def __init__(self, settings: AdapterSettings) -> None:
        raise KeyError(settings.region)


class Picky(Slow):
    def __init__(self, settings: AdapterSettings) -> None:
        raise Misconfigured("option_missing", "colour")


def no_class(settings: AdapterSettings) -> Slow:
    return Slow(settings)


async def test_an_installed_package_brings_an_adapter_by_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("guest", f"{__name__}:Slow", registry.GROUP)
    install(monkeypatch, point, point)  # one package seen through two paths is one
    async with open_provinces(written(tmp_path, entry(adapter="guest"))) as provinces:
        assert (await provinces.get("340000").call(call())).reference == "340000 of CASE-1"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("no_such_module:nothing", "cannot be loaded (ModuleNotFoundError"),
        (f"{__name__}:Nowhere", "cannot be loaded (AttributeError"),
        (f"{__name__}:Old", "is made for port version 0, this is version 1"),
        (f"{__name__}:Newer", "is made for port version 2, this is version 1"),
        (f"{__name__}:no_class", "is made for port version None, this is version 1"),
        (f"{__name__}:Silent", "does not declare its capabilities"),
        (f"{__name__}:Odd", "cannot be made (KeyError: '340000')"),
        (f"{__name__}:Picky", "cannot be used: option_missing: colour"),
    ],
)
def test_a_guest_that_does_not_fit_is_turned_away_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, says: str
) -> None:
    install(monkeypatch, EntryPoint("guest", value, registry.GROUP))
    with pytest.raises(ConfigurationError) as caught:
        open_provinces(written(tmp_path, entry(adapter="guest")))
    assert f"region 340000, field adapter: 'guest' {says}" in str(caught.value)


def test_a_name_that_two_packages_claim_serves_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, EntryPoint("anhui", f"{__name__}:Slow", registry.GROUP))
    with pytest.raises(ConfigurationError, match="'anhui' is installed 2 times"):
        open_provinces(written(tmp_path, entry()))


@pytest.mark.parametrize(
    "odd",
    [
        {"keys": True, "find": FindBy.NOTHING},
        {"keys": False, "find": FindBy.KEY},
        {"keys": False, "find": FindBy.BUSINESS_NUMBER},
    ],
)
def test_capabilities_that_contradict_themselves_cannot_be_declared(odd: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Capabilities(verbs=frozenset(), **odd)  # type: ignore[arg-type]
