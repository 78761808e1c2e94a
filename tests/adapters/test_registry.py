"""The provinces file: what it may say, and the sentence an operator reads when it is wrong."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from adapters import registry
from adapters.errors import Misconfigured
from adapters.port import ProvinceAdapter
from adapters.registry import ConfigurationError, open_provinces
from adapters.signed_json import SignedJson


def entry(**changes: object) -> dict[str, object]:
    base = {"region": "340000", "adapter": "signed_json", "url": "http://127.0.0.1:8401", "secret_file": "anhui"}
    return {name: value for name, value in (base | changes).items() if value is not None}


def written(folder: Path, *entries: object) -> Path:
    (folder / "anhui").write_text("0123456789abcdef0123456789abcdef\n")
    file = folder / "provinces.json"
    file.write_text(json.dumps(entries))
    return file


async def test_a_place_is_served_by_its_province(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIANGSU_SECRET", "0123456789abcdef")
    jiangsu = entry(region="320000", secret_file=None, secret_env="JIANGSU_SECRET", pending={"poll_after_s": 9})
    provinces = open_provinces(written(tmp_path, entry(), jiangsu))
    assert provinces.regions == ("320000", "340000")
    assert provinces.for_place("320509") is provinces.get("320000") is provinces.for_place("320000")
    assert provinces.get("340000").region == "340000"
    assert isinstance(provinces.get("320000"), SignedJson)
    await provinces.aclose()


async def test_a_province_that_is_not_in_the_file_is_a_matter_of_configuration(tmp_path: Path) -> None:
    provinces = open_provinces(written(tmp_path, entry()))
    for code in ("110000", "3205", "32050a", ""):
        with pytest.raises(Misconfigured, match="unknown_province"):
            provinces.for_place(code)
    await provinces.aclose()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"adapter": "carrier_pigeon"}, "region 340000, field adapter: 'carrier_pigeon' is unknown"),
        ({"adapter": None}, "region 340000, field adapter: Field required"),
        ({"url": None}, "region 340000, field url"),
        ({"url": "ftp://x"}, "region 340000, field url"),
        ({"url": "http://user:pass@host"}, "region 340000, field url"),
        ({"url": "http://2130706433/"}, "region 340000, field url"),
        ({"url": "http://0x7f000001/"}, "region 340000, field url"),
        ({"url": "http://0177.0.0.1/"}, "region 340000, field url"),
        ({"url": "http://host/?a=1"}, "region 340000, field url"),
        ({"url": "http://host:99999/"}, "region 340000, field url"),
        ({"url": "http://host/a%2f"}, "region 340000, field url"),
        ({"region": "340100"}, "region 340100, field region"),
        ({"region": None}, "region of entry 1, field region"),
        ({"secret": "in the open"}, "region 340000, field secret: Extra inputs"),
        ({"secret_file": None}, "region 340000, field secret_file or secret_env"),
        ({"secret_env": "BOTH"}, "region 340000, field secret_file or secret_env"),
        ({"secret_file": "nowhere"}, "region 340000, field secret_file: cannot be read"),
        (
            {"secret_file": None, "secret_env": "TONGBAN_NOT_SET"},
            "region 340000, field secret_env: the secret is missing",
        ),
        ({"timeout_s": 0}, "region 340000, field timeout_s"),
        ({"pending": {"poll_after_s": 0}}, "region 340000, field pending.poll_after_s"),
    ],
)
def test_a_mistake_is_named_by_file_region_and_field(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_provinces(written(tmp_path, entry(**changes)))
    assert str(caught.value).startswith(str(tmp_path / "provinces.json"))
    assert says in str(caught.value)
    assert "in the open" not in str(caught.value)
    assert "user:pass" not in str(caught.value)


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


def test_a_secret_is_in_no_text_of_an_entry(tmp_path: Path) -> None:
    (listed,) = registry.read_entries(written(tmp_path, entry()))
    assert "0123456789abcdef" not in repr(listed)


async def test_an_installed_package_brings_an_adapter_by_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(monkeypatch, EntryPoint("guest", f"{__name__}:guest", registry.GROUP))
    provinces = open_provinces(written(tmp_path, entry(adapter="guest")))
    assert provinces.get("340000").region == "guest of 340000"
    await provinces.aclose()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("signed_json", f"{__name__}:guest", "is built in and in a package too"),
        ("guest", "no_such_module:nothing", "cannot be loaded"),
    ],
)
def test_an_entry_point_cannot_take_a_name_or_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    _install(monkeypatch, EntryPoint(name, value, registry.GROUP))
    with pytest.raises(ConfigurationError, match=says):
        open_provinces(written(tmp_path, entry(adapter=name)))


def guest(*, region: str, url: str, secret: bytes, **times: float) -> ProvinceAdapter:
    """An adapter of somebody else."""
    return SignedJson(region=f"guest of {region}", url=url, secret=secret)


def _install(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: [point for point in points if point.group == group])
