"""Where token keys come from, against a mock identity provider and against one that misbehaves."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from adapters.oidc import DiscoveredKeys, FileKeys, KeysUnavailable, UrlKeys

ISSUER = "https://login.example"


class Clock:
    """A clock that stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Provider:
    """An identity provider whose answers can be changed; counts what it is asked."""

    def __init__(self) -> None:
        self.keys = KeySet([ECKey.generate_key("P-256", {"kid": "one"})])
        self.issuer = ISSUER
        self.jwks_uri = f"{ISSUER}/jwks"
        self.status = 200
        self.asked = 0
        self.transport = httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if request.url.path.endswith("openid-configuration"):
            return httpx.Response(self.status, json={"issuer": self.issuer, "jwks_uri": self.jwks_uri})
        return httpx.Response(self.status, json=self.keys.as_dict(private=False))

    def rotate(self) -> None:
        """Adds a key."""
        self.keys = KeySet([*self.keys.keys, ECKey.generate_key("P-256", {"kid": "two"})])


def kids(keys: KeySet) -> set[str | None]:
    return {key.kid for key in keys.keys}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The address of a running mock provider."""
    with warnings.catch_warnings(record=True):  # it imports modules that insist on warning of their own retirement
        import oidc_provider_mock

    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


async def test_keys_are_found_by_discovery(issuer: str) -> None:
    source = DiscoveredKeys(issuer)
    keys = await source.keys()
    assert keys.keys
    assert await source.keys() is keys
    assert not any(key.is_private for key in keys.keys)
    await source.aclose()


async def test_keys_are_read_from_an_address(issuer: str) -> None:
    discovered, direct = DiscoveredKeys(issuer), UrlKeys(f"{issuer}/jwks")
    assert kids(await direct.keys()) == kids(await discovered.keys())
    await direct.aclose()
    await discovered.aclose()


async def test_an_address_with_nothing_behind_it_is_unreachable(issuer: str) -> None:
    for source in (
        UrlKeys(f"{issuer}/nothing-here"),
        DiscoveredKeys(f"{issuer}/realm"),
        UrlKeys("http://127.0.0.1:1/"),
    ):
        with pytest.raises(KeysUnavailable, match="unreachable"):
            await source.keys()
        await source.aclose()


async def test_an_issuer_that_calls_itself_something_else_is_refused(issuer: str) -> None:
    source = DiscoveredKeys(issuer.replace("localhost", "127.0.0.1") + "/")
    with pytest.raises(KeysUnavailable, match="wrong_issuer"):
        await source.keys()
    await source.aclose()


async def test_an_unknown_key_id_brings_a_new_look_but_at_most_every_ten_seconds() -> None:
    clock, provider = Clock(), Provider()
    source = UrlKeys(f"{ISSUER}/jwks", provider.transport, clock)
    assert kids(await source.keys("one")) == {"one"}
    provider.rotate()
    clock.now += 9
    assert kids(await source.keys("two")) == {"one"}
    clock.now += 1
    assert kids(await source.keys("two")) == {"one", "two"}
    for _ in range(100):
        await source.keys("made up")
    assert provider.asked == 2
    await source.aclose()


async def test_keys_are_fetched_again_after_five_minutes_and_once_for_many_askers() -> None:
    clock, provider = Clock(), Provider()
    source = DiscoveredKeys(ISSUER, provider.transport, clock)
    await asyncio.gather(*(source.keys("one") for _ in range(50)))
    assert provider.asked == 2  # discovery and keys
    clock.now += 299
    await source.keys()
    assert provider.asked == 2
    clock.now += 1
    provider.rotate()
    assert kids(await source.keys()) == {"one", "two"}
    await source.aclose()


async def test_known_keys_outlive_an_outage_for_an_hour() -> None:
    clock, provider = Clock(), Provider()
    source = UrlKeys(f"{ISSUER}/jwks", provider.transport, clock)
    await source.keys()
    provider.status = 503
    clock.now += 3600
    assert kids(await source.keys()) == {"one"}
    clock.now += 11
    with pytest.raises(KeysUnavailable, match="unreachable"):
        await source.keys()
    provider.status = 200
    clock.now += 10
    assert kids(await source.keys()) == {"one"}
    await source.aclose()


async def test_a_failure_is_not_repeated_for_every_asker() -> None:
    clock, provider = Clock(), Provider()
    provider.status = 500
    source = UrlKeys(f"{ISSUER}/jwks", provider.transport, clock)
    for _ in range(20):
        with pytest.raises(KeysUnavailable, match="unreachable"):
            await source.keys()
    assert provider.asked == 1
    await source.aclose()


def _plain_keys(provider: Provider) -> None:
    provider.jwks_uri = "http://login.example/jwks"


def _file_keys(provider: Provider) -> None:
    provider.issuer, provider.jwks_uri = ISSUER, "file:///etc/passwd"


def _other_issuer(provider: Provider) -> None:
    provider.issuer = f"{ISSUER}/"


@pytest.mark.parametrize(
    ("change", "code"), [(_plain_keys, "bad_address"), (_file_keys, "bad_address"), (_other_issuer, "wrong_issuer")]
)
async def test_discovery_cannot_lead_to_weaker_places(change: Callable[[Provider], None], code: str) -> None:
    provider = Provider()
    change(provider)
    source = DiscoveredKeys(ISSUER, provider.transport)
    with pytest.raises(KeysUnavailable) as caught:
        await source.keys()
    assert caught.value.code == code
    await source.aclose()


async def test_only_public_signing_keys_are_taken_from_a_file(tmp_path: Path) -> None:
    signing = RSAKey.generate_key(2048, {"kid": "sign"})
    listed = [
        signing.as_dict(private=True),
        OctKey.generate_key(256, {"kid": "symmetric"}).as_dict(private=True),
        ECKey.generate_key("P-256", {"kid": "encrypt", "use": "enc"}).as_dict(private=False),
    ]
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": listed}))
    keys = await FileKeys(file).keys()
    assert kids(keys) == {"sign"}
    assert not keys.keys[0].is_private


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "unreadable"),
        ("[]", "unreadable"),
        ("{}", "unreadable"),
        ('{"keys": []}', "no_public_keys"),
        ('{"keys": [{"kty": "RSA", "n": "?", "e": "?"}]}', "unreadable"),
        ('{"keys": [{"kty": "RSA"}]}', "unreadable"),
        ('{"keys": [7]}', "no_public_keys"),
    ],
)
async def test_a_file_without_keys_is_refused(tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(text)
    with pytest.raises(KeysUnavailable) as caught:
        await FileKeys(file).keys()
    assert caught.value.code == code


async def test_a_file_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(KeysUnavailable, match="unreachable"):
        await FileKeys(tmp_path / "none").keys()


async def test_a_huge_key_document_is_not_read() -> None:
    huge = httpx.MockTransport(lambda _: httpx.Response(200, content=b" " * (300 * 1024)))
    source = UrlKeys(f"{ISSUER}/jwks", huge)
    with pytest.raises(KeysUnavailable, match="unreadable"):
        await source.keys()
    await source.aclose()
