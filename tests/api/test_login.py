"""Who is let in: whoever holds a token of the issuer, meant for us, of this time, with a place if one is needed."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from adapters.oidc import DiscoveredKeys
from api.house import Login
from models.database import Database
from tests.fixtures.houses import ISSUER, Logins, Office, open_office
from tongban.stack.keys import AUDIENCE, Secrets

GUARDED = [
    ("GET", "/v1/cases"),
    ("POST", "/v1/documents"),
    ("GET", "/v1/tasks"),
    ("GET", "/v1/cases/32050020261123PENTMOV002N9CH"),
    ("GET", "/v1/cases/32050020261123PENTMOV002N9CH/events"),
    ("GET", "/v1/cases/32050020261123PENTMOV002N9CH/stream"),
    ("GET", "/v1/cases/32050020261123PENTMOV002N9CH/results"),
    ("POST", "/v1/cases/32050020261123PENTMOV002N9CH/evidence/e1/accept"),
    ("GET", "/v1/tasks/t1"),
    ("POST", "/v1/tasks/t1/claim"),
    ("POST", "/v1/tasks/t1/release"),
]


def claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    body: dict[str, object] = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 600, "sub": "somebody"}
    return {name: value for name, value in (body | {"role": "citizen"} | changes).items() if value is not None}


def signing_key(secrets: Secrets) -> ECKey:
    return ECKey.import_key(json.loads(secrets.signing_key.read_text()))


def signed(secrets: Secrets, **changes: object) -> str:
    key = signing_key(secrets)
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims(**changes), key, algorithms=["ES256"])


def b64(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def unsigned(secrets: Secrets, alg: str = "none") -> str:
    return f"{b64({'alg': alg, 'kid': signing_key(secrets).kid})}.{b64(claims())}."


def signed_with_the_public_key(secrets: Secrets) -> str:
    key = signing_key(secrets)
    content = f"{b64({'alg': 'HS256', 'kid': key.kid})}.{b64(claims())}"
    mac = hmac.digest(key.as_pem(private=False), content.encode(), "sha256")
    return f"{content}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def of_a_stranger(secrets: Secrets, kid: str = "") -> str:
    key = ECKey.generate_key("P-256", {"kid": kid or "nobody-knows-it"})
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims(), key, algorithms=["ES256"])


def with_its_own_key(secrets: Secrets) -> str:
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims(), key, algorithms=["ES256"])


def changed(secrets: Secrets) -> str:
    head, _, signature = signed(secrets).split(".")
    return f"{head}.{b64(claims(role='auditor'))}.{signature}"


REFUSED: dict[str, Callable[[Secrets], str]] = {
    "no algorithm": unsigned,
    "no algorithm, spelled otherwise": lambda s: unsigned(s, "nOnE"),
    "the public key as a password": signed_with_the_public_key,
    "an unknown key": of_a_stranger,
    "another key under the known name": lambda s: of_a_stranger(s, signing_key(s).kid or ""),
    "a key that the token brings itself": with_its_own_key,
    "claims changed after signing": changed,
    "expired": lambda s: signed(s, exp=int(time.time()) - 60),
    "not valid yet": lambda s: signed(s, nbf=int(time.time()) + 600),
    "without an end": lambda s: signed(s, exp=None),
    "for somebody else": lambda s: signed(s, aud="another-api"),
    "for nobody": lambda s: signed(s, aud=None),
    "of another issuer": lambda s: signed(s, iss="https://login.other.invalid"),
    "without a subject": lambda s: signed(s, sub=None),
    "with an empty subject": lambda s: signed(s, sub=""),
    "with a subject that is no text": lambda s: signed(s, sub=7),
    "with a subject of two lines": lambda s: signed(s, sub="a\nb"),
    "without a role": lambda s: signed(s, role=None),
    "of an unknown role": lambda s: signed(s, role="emperor"),
    "of the system itself": lambda s: signed(s, role="system"),
    "of several roles": lambda s: signed(s, role=["citizen", "auditor"]),
    "a caseworker of nowhere": lambda s: signed(s, role="caseworker"),
    "a caseworker without department": lambda s: signed(s, role="caseworker", region="320500"),
    "a caseworker without region": lambda s: signed(s, role="caseworker", department="tax"),
    "a caseworker of another part of the country": lambda s: signed(
        s, role="caseworker", region="110000", department="tax"
    ),
    "a supervisor of a pattern": lambda s: signed(s, role="supervisor", region="32%", department="tax"),
    "three empty parts": lambda s: "..",
    "no token": lambda s: "abc",
    "a very long one": lambda s: "a" * 9000,
    "with an infinite end": lambda s: signed(s, exp=float("inf")),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_token_that_proves_nothing_is_refused(office: Office, kind: str) -> None:
    answer = await office.caller(REFUSED[kind](office.logins.secrets)).get("/v1/cases")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), answer.text
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_without_a_token_no_guarded_address_answers(office: Office) -> None:
    nobody = office.caller()
    for method, path in GUARDED:
        answer = await nobody.request(method, path)
        assert (answer.status_code, answer.headers.get("www-authenticate")) == (401, "Bearer"), path


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token abc", "bearer\tabc"])
async def test_a_header_of_another_kind_is_refused(office: Office, header: str) -> None:
    answer = await office.caller().get("/v1/cases", headers={"Authorization": header})
    assert answer.status_code == 401


async def test_a_header_that_is_no_text_is_refused(office: Office) -> None:
    answer = await office.caller().get("/v1/cases", headers=[(b"authorization", b"Bearer \xff\xfe.\xff.\xff")])
    assert answer.status_code == 401


async def test_a_good_token_is_let_in_and_a_remembered_one_still_ends(office: Office) -> None:
    token = signed(office.logins.secrets, exp=int(time.time()) - 28)  # within the leeway of 30 seconds, for 2 more
    caller = office.caller(token)
    assert (await caller.get("/v1/cases")).status_code == 200
    await asyncio.sleep(3.2)
    assert (await caller.get("/v1/cases")).status_code == 401


async def test_the_scheme_may_be_written_in_any_case(office: Office) -> None:
    token = signed(office.logins.secrets)
    answer = await office.caller().get("/v1/cases", headers={"Authorization": f"bearer {token}"})
    assert answer.status_code == 200


@pytest.fixture
def provider() -> Iterator[str]:
    """A running identity provider."""
    with warnings.catch_warnings(record=True):  # it warns of its own retirement, whatever the filters say
        import oidc_provider_mock

    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


async def test_keys_of_a_real_provider_are_found_and_strangers_stay_out(
    database: Database, logins: Logins, unreachable: object, tmp_path: Path, provider: str
) -> None:
    keys = DiscoveredKeys(provider)
    login = Login(provider, AUDIENCE, ("RS256",), keys)
    async with open_office(database, logins.secrets, unreachable, tmp_path, {}, login=login) as office:  # type: ignore[arg-type]
        answer = await office.caller(signed(logins.secrets, iss=provider)).get("/v1/cases")
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    await keys.aclose()


async def test_when_the_provider_is_down_nobody_is_called_a_stranger(
    database: Database, logins: Logins, unreachable: object, tmp_path: Path, closed_port: int
) -> None:
    keys = DiscoveredKeys(f"http://127.0.0.1:{closed_port}")
    login = Login("http://x", AUDIENCE, ("ES256",), keys)
    async with open_office(database, logins.secrets, unreachable, tmp_path, {}, login=login) as office:  # type: ignore[arg-type]
        answer: httpx.Response = await office.citizen().get("/v1/cases")
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_down")
    assert "retry-after" in answer.headers
    await keys.aclose()
