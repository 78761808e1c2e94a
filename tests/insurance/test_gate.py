"""The gate: whom it believes, what it refuses to send, how it signs in, and the file it is made from."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.credentials import GivenCredentials
from adapters.entries import ConfigurationError
from adapters.errors import Ambiguous, ContractBroken, Misconfigured, Rejected
from adapters.insurance import InsuranceGate, letters, open_insurance
from adapters.insurance.gate import OUTPUTS
from adapters.insurance.meanings import REFUSALS, TROUBLES
from adapters.port import AdapterSettings
from domain.medical.interface import InsuranceMessage, SetlInfo, message_id
from provinces.insurance import letters as platform_letters
from provinces.insurance.refusals import Code
from tests.insurance.places import Person, Town, hospital

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"
AT = datetime(2026, 11, 25, 16, 30, 5, tzinfo=UTC)
SECRET = "a-secret-of-32-characters-or-so-x"


# numbers and letters


def test_a_msgid_is_institution_time_in_shanghai_and_sequence() -> None:
    assert message_id("H31010400001", AT, 7) == "H31010400001202611260030050007"
    for code, at, sequence in (
        ("H3101", AT, 1),
        ("H31010400001", AT, 10_000),
        ("H31010400001", AT.replace(tzinfo=None), 1),
    ):
        with pytest.raises(ValueError, match=r"."):
            message_id(code, at, sequence)


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.decimals(-(10**9), 10**9, places=2)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc_é中\"\\", max_size=5), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text("abcd", min_size=1, max_size=4), _values, max_size=4))
def test_both_ends_write_and_sign_alike(given_: dict[str, Any]) -> None:
    header = {name: name for name in letters.SIGNED}
    assert letters.canonical(given_) == platform_letters.dumps(given_)
    assert json.loads(letters.canonical(given_), parse_float=Decimal) == given_
    mine = letters.request_signature(SECRET.encode(), header, given_)
    assert mine == platform_letters.cainfo(SECRET, header, given_)
    body = letters.canonical(given_).encode()
    mark = platform_letters.seal(SECRET, "M", "2304", body)
    assert letters.is_sealed((b"another-secret-0123", SECRET.encode()), "M", "2304", body, mark)
    assert not letters.is_sealed((SECRET.encode(),), "M", "2305", body, mark)


@given(st.decimals(-(10**13), 10**13, places=2))
def test_an_amount_comes_through_as_it_was_written(amount: Decimal) -> None:
    there = letters.canonical(letters.to_wire({"medfee_sumamt": f"{amount:f}"}))
    back = letters.from_wire(json.loads(there, parse_float=Decimal))
    assert isinstance(back, dict)
    assert Decimal(back["medfee_sumamt"]) == amount


def test_every_code_of_a_platform_has_a_meaning_here_and_stands_on_the_page() -> None:
    page = (DOCS / "insurance-interface.md").read_text("utf-8")
    listed = {row.split("`")[1]: row.split("`")[3] for row in page.splitlines() if row.startswith("| `X1")}
    assert {code.value: code.name.lower() for code in Code} == listed
    assert set(REFUSALS) | set(TROUBLES) == set(listed)
    assert {code: words[0] for code, words in REFUSALS.items()} == {code: listed[code] for code in REFUSALS}


def test_every_field_of_a_settlement_is_on_the_page() -> None:
    page = (
        (DOCS / "insurance-interface.md").read_text("utf-8").partition("### setlinfo")[2].partition("### Fee-line")[0]
    )
    assert [name for name in SetlInfo.model_fields if name not in page] == []


# who is believed


async def test_a_caller_with_another_secret_is_not_believed_and_says_so(town: Town) -> None:
    wrong = gate_to(town.urls["310000"], {"caller": "tongban", "secrets": [SECRET]})
    nobody = gate_to(town.urls["310000"], {"caller": "someone", "secrets": [SECRET]})
    hub = gate_to(town.urls["310000"], {"caller": "hub", "secrets": [town.secret_of("310000")]})
    for gate in (wrong, nobody, hub):
        with pytest.raises(Misconfigured, match="signature_wrong"):
            await gate.send(town.message("1201", {"fixmedins_code": hospital()}))
        await gate.aclose()


async def test_a_signed_message_that_was_changed_on_its_way_is_not_believed(town: Town) -> None:
    def spoil(request: httpx.Request) -> httpx.Request:
        body = request.content.replace(b'"med_type":"21"', b'"med_type":"24"')
        headers = [(k, v) for k, v in request.headers.raw if k.lower() != b"content-length"]
        return httpx.Request(request.method, request.url, content=body, headers=headers, extensions=request.extensions)

    class Between(httpx.AsyncBaseTransport):
        def __init__(self) -> None:
            self._line = httpx.AsyncHTTPTransport(trust_env=False)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return await self._line.handle_async_request(spoil(request))

        async def aclose(self) -> None:
            await self._line.aclose()

    keys = {"caller": "tongban", "secrets": [town.secret_of("310000")]}
    gate = gate_to(town.urls["310000"], keys, transport=Between())
    person = Person("340600", "resident")
    with pytest.raises(Misconfigured, match="signature_wrong"):
        await gate.send(town.message("2401", town.admission(person), person))
    await gate.aclose()
    assert (await town.ask("5303", {}, person))["data"] == []


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"inf_refmsgid": "x"}, Ambiguous, "another_message_answered"),
        ({"output": {"psn_no": "P", "data": []}}, None, ""),
        ({"output": []}, Ambiguous, "unreadable_answer"),
        ({"infcode": "X999"}, ContractBroken, "unknown_result_code"),
        ({"infcode": 0}, ContractBroken, "unknown_result_code"),
        ({"infcode": "X140"}, Rejected, "visit_unknown"),
        ({"output": {"psn_no": "Q", "data": []}}, ContractBroken, "wrong_person_answered"),
        ({"output": {"psn_no": "P", "data": [{"psn_no": "Q"}]}}, ContractBroken, "wrong_person_answered"),
    ],
)
async def test_an_answer_rightly_signed_is_still_looked_at(
    change: dict[str, object], error: type[Exception] | None, code: str
) -> None:
    def platform(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        told: dict[str, object] = {"infcode": "0", "inf_refmsgid": asked["msgid"], "err_msg": "", "output": {}}
        told |= {"output": {"sign_no": "S1"}} if asked["infno"] == "9001" else change
        body = json.dumps(told).encode()
        mark = platform_letters.seal(SECRET, asked["msgid"], asked["infno"], body)
        return httpx.Response(200, content=body, headers={"X-Cainfo": mark, "Content-Type": "application/json"})

    gate = gate_to(
        "http://platform.example", {"caller": "t", "secrets": [SECRET]}, transport=httpx.MockTransport(platform)
    )
    message = InsuranceMessage(
        infno="5303", msgid=message_id("H31010400001", AT, 1), place="310104", insured="340500",
        institution="H31010400001", person="P", at=AT, body='{"psn_no": "P"}',
    )  # fmt: skip
    if error is None:
        assert json.loads((await gate.send(message)).body) == {"psn_no": "P", "data": []}
    else:
        with pytest.raises(error, match=code):
            await gate.send(message)


async def test_a_settlement_of_the_wrong_shape_is_an_unknown_outcome(town: Town) -> None:
    assert {"2304", "2305", "2207", "2208", "2401"} <= set(OUTPUTS)
    right: dict[str, object] = dict.fromkeys(SetlInfo.model_fields, "")
    with pytest.raises(ValueError, match="medfee_sumamt"):
        SetlInfo.model_validate(right | {"medfee_sumamt": "1.005"})


async def test_a_platform_that_forgot_the_sign_in_is_signed_in_again(town: Town) -> None:
    gate = open_insurance(town.folder / "insurance.json")
    ask = {"fixmedins_code": hospital()}
    await gate.send(town.message("1201", ask))
    gate._platforms["310000"].signed_in[hospital()] = "SN-of-yesterday"
    assert json.loads((await gate.send(town.message("1201", ask))).body)["medinsinfo"]["hosp_lv"] == "3"
    await gate.aclose()


async def test_secrets_rotate_without_a_restart(town: Town) -> None:
    file = town.folder / "peers-320000.json"
    before = json.loads(file.read_text())
    both = before | {"tongban_secrets": ["the-new-secret-0123456789", *before["tongban_secrets"]]}
    file.write_text(json.dumps(both))
    ask = {"fixmedins_code": hospital("320500")}
    for secret in ("the-new-secret-0123456789", before["tongban_secrets"][0]):
        keys = ["the-new-secret-0123456789", secret] if secret != "the-new-secret-0123456789" else [secret]
        gate = gate_to(town.urls["320000"], {"caller": "tongban", "secrets": keys}, region="320000")
        await gate.send(town.message("1201", ask, place="320500"))
        await gate.aclose()
    file.write_text(json.dumps(before))


async def test_health_is_that_of_the_right_platform(town: Town) -> None:
    for region in town.gate.regions:
        await town.gate.health(region)
    gate = gate_to(town.urls["320000"], {"caller": "tongban", "secrets": [SECRET]})
    with pytest.raises(Misconfigured, match="another_region"):
        await gate.health("310000")
    with pytest.raises(Misconfigured, match="unknown_platform"):
        await gate.health("110000")
    await gate.aclose()


def gate_to(url: str, keys: dict[str, Any], *, region: str = "310000", transport: Any = None) -> InsuranceGate:
    settings = AdapterSettings(
        region=region, url=url, credentials=GivenCredentials(keys), private_network=True, transport=transport
    )
    return InsuranceGate({region: settings})


# the file


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"region": "340100"}, "field region"),
        ({"url": "ftp://x.example"}, "field url"),
        ({"timeout_s": 60}, "field timeout_s"),
        ({"secret": "x"}, "field secret"),
        ({"credentials": "nowhere.json"}, "credentials: cannot be read"),
        ({"credentials": "empty.json"}, "cannot be used: credential_missing: caller"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence(tmp_path: Path, change: dict[str, object], says: str) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"caller": "tongban", "secrets": [SECRET]}))
    (tmp_path / "empty.json").write_text("{}")
    entry = {"region": "310000", "url": "https://insurance.example", "credentials": "keys.json"}
    file = tmp_path / "insurance.json"
    file.write_text(json.dumps([entry]))
    assert open_insurance(file).regions == ("310000",)
    file.write_text(json.dumps([entry | change]))
    with pytest.raises(ConfigurationError, match=says):
        open_insurance(file)


def test_a_region_is_listed_once(tmp_path: Path) -> None:
    file = tmp_path / "insurance.json"
    file.write_text(json.dumps([{"region": "hub", "url": "https://a.example", "credentials": "k"}] * 2))
    with pytest.raises(ConfigurationError, match="listed 2 times"):
        open_insurance(file)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        open_insurance(tmp_path / "none.json")
