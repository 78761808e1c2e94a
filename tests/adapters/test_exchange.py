"""The one exchange every dialect speaks through: addresses, redirects, pauses, ends, certificates."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import formatdate
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.addresses import is_link, is_public
from adapters.credentials import GivenCredentials
from adapters.errors import Ambiguous, ContractBroken, Misconfigured, Unavailable
from adapters.exchange import Exchange, is_fresh, json_bytes, json_object, pause, retry_after
from adapters.port import AdapterSettings

NOW = 1_790_000_000.0
Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


def exchange(url: str, **more: object) -> Exchange:
    base: dict[str, object] = {"region": "340000", "url": url, "credentials": GivenCredentials({}), "timeout_s": 1.0}
    return Exchange(AdapterSettings(**(base | {"connect_timeout_s": 0.5} | more)))  # type: ignore[arg-type]


@asynccontextmanager
async def listening(
    answer: Callable[[Reader, Writer], Awaitable[None]], context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def saying(head: str, body: bytes = b"{}") -> Callable[[Reader, Writer], Awaitable[None]]:
    async def answer(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    return answer


# --- addresses


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b:1::1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("2002:0808:0808::", True),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("::7f00:1", False),
        ("::ffff:0:7f00:1", False),
        ("fec0::1", False),
    ],
)
def test_an_address_is_of_the_internet_or_not(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("link", "good"),
    [
        ("https://pay.example/a?b=c", True),
        ("https://8.8.8.8/", True),
        ("http://127.1/", False),
        ("http://0x7f.1/", False),
        ("http://127.0.0.1./", False),
        ("http://localhost./", False),
        ("http://intern.localhost/", False),
        ("http://[::7f00:1]/", False),
    ],
)
def test_a_link_is_for_people_or_not(link: str, good: bool) -> None:
    assert is_link(link, private=False) is good


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"])
async def test_a_private_address_is_refused_unless_it_is_meant(host: str) -> None:
    with pytest.raises(Misconfigured, match="private_address"):
        await exchange(f"http://{host}:9").send("GET", "/", {})


async def test_a_name_is_judged_by_all_it_resolves_to(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolves(*_: object, **__: object) -> list[object]:
        entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.7")]
        return list(entries)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolves)
    with pytest.raises(Misconfigured, match="private_address"):
        await exchange("http://gateway.example").send("GET", "/", {})


async def test_a_private_address_that_is_meant_is_used() -> None:
    async with listening(saying("200 OK")) as port:
        spoken = exchange(f"http://127.0.0.1:{port}/gov/", private_network=True)
        assert (spoken.prefix, spoken.authority) == ("/gov", f"127.0.0.1:{port}")
        assert (await spoken.send("GET", "/", {})).status == 200
        await spoken.aclose()


@pytest.mark.parametrize("private", [True, False])
async def test_a_name_nobody_knows_or_can_have_is_no_crash(private: bool) -> None:
    with pytest.raises(Unavailable):
        await exchange("http://no-such-host.invalid", private_network=private).send("GET", "/", {})
    with pytest.raises((Misconfigured, Unavailable)):
        await exchange("http://a..b", private_network=private).send("GET", "/", {})
    with pytest.raises((Misconfigured, Unavailable)):
        await exchange("http://" + "a" * 70 + ".example", private_network=private).send("GET", "/", {})


# --- what comes back


async def test_a_redirect_is_not_followed() -> None:
    async with listening(saying("302 Found\r\nLocation: http://127.0.0.1:1/")) as port:
        with pytest.raises(Misconfigured, match="http_302"):
            await exchange(f"http://127.0.0.1:{port}", private_network=True).send("GET", "/", {})


async def test_the_whole_exchange_has_an_end_not_each_read_of_it() -> None:
    async def drip(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.02)

    async with listening(drip) as port:
        spoken = exchange(f"http://127.0.0.1:{port}", private_network=True, timeout_s=0.2, connect_timeout_s=0.1)
        with pytest.raises(Ambiguous, match="timeout"):
            await asyncio.wait_for(spoken.send("GET", "/", {}), 2)


async def test_who_breaks_off_leaves_the_outcome_open() -> None:
    async def break_off(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        writer.close()

    async with listening(break_off) as port:
        with pytest.raises(Ambiguous, match="connection_lost"):
            await exchange(f"http://127.0.0.1:{port}", private_network=True).send("GET", "/", {})


async def test_an_answer_is_read_up_to_its_limit() -> None:
    async with listening(saying("200 OK", b"x" * 1000)) as port:
        spoken = exchange(f"http://127.0.0.1:{port}", private_network=True)
        assert len((await spoken.send("GET", "/", {}, largest=1000)).body) == 1000
        with pytest.raises(Ambiguous, match="too_large"):
            await spoken.send("GET", "/", {}, largest=999)


async def test_a_compressed_answer_is_not_opened() -> None:
    async with listening(saying("200 OK\r\nContent-Encoding: gzip", b"\x1f\x8b")) as port:
        with pytest.raises(Ambiguous, match="content_encoding"):
            await exchange(f"http://127.0.0.1:{port}", private_network=True).send("GET", "/", {})


# --- pauses


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("999999", 3600.0),
        ("9" * 400, 3600.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        (formatdate(NOW + 1e6, usegmt=True), 3600.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("７", None),
        ("Fri, 99 Foo 2026 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_at_most_an_hour_or_nothing(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=NOW) == seconds


async def test_a_date_to_come_back_at_is_read_by_the_clock_of_the_settings() -> None:
    head = f"503 Service Unavailable\r\nRetry-After: {formatdate(NOW + 40, usegmt=True)}"
    async with listening(saying(head)) as port:
        spoken = exchange(f"http://127.0.0.1:{port}", private_network=True, clock=lambda: NOW)
        with pytest.raises(Unavailable) as caught:
            await spoken.send("GET", "/", {})
    assert caught.value.retry_after == 40.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (7, 7.0),
        (Decimal("1.5"), 1.5),
        (10**400, 3600.0),
        (Decimal("1e999999"), 3600.0),
        (-1, None),
        (True, None),
        (None, None),
        ("7", None),
    ],
)
def test_a_pause_in_a_body_is_a_number_at_most_an_hour_or_nothing(value: object, seconds: float | None) -> None:
    assert pause(value) == seconds


def test_a_time_is_fresh_within_five_minutes_either_way() -> None:
    assert [is_fresh(NOW + age, lambda: NOW) for age in (-301, -300, 0, 300, 301)] == [False, True, True, True, False]


# --- JSON


def test_json_is_read_to_the_last_digit_and_no_further_than_it_is_deep() -> None:
    assert json_object(b'{"a": 0.10}') == {"a": Decimal("0.10")}
    for odd in (b"", b"[]", b"{", b"\xff", b'{"a": NaN}', b'{"a": 1, "a": 2}', b'{"a":' * 33 + b"1" + b"}" * 33):
        with pytest.raises(Ambiguous, match="unreadable_answer"):
            json_object(odd)


def test_half_a_surrogate_pair_cannot_be_sent() -> None:
    assert json_bytes({"a": "𠮷"}) == '{"a":"𠮷"}'.encode()
    with pytest.raises(ContractBroken, match="unsendable_text"):
        json_bytes({"a": "\ud842"})


# --- certificates


def certificate(
    name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    return made, key


def pem(made: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM) + private


async def test_a_certificate_nobody_vouches_for_is_a_matter_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_bytes(pem(*certificate("server")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    async with listening(saying("200 OK"), context) as port:
        with pytest.raises(Misconfigured, match="bad_certificate"):
            await exchange(f"https://localhost:{port}", private_network=True).send("GET", "/", {})


async def test_a_client_certificate_is_exchanged_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = certificate("authority")
    (tmp_path / "authority.pem").write_bytes(authority[0].public_bytes(serialization.Encoding.PEM))
    (tmp_path / "server.pem").write_bytes(pem(*certificate("server", authority)))
    ours = tmp_path / "ours.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    context.load_verify_locations(tmp_path / "authority.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    seen: list[str] = []

    async def who(reader: Reader, writer: Writer) -> None:
        peer = writer.get_extra_info("peercert")
        seen.append(dict(part[0] for part in peer["subject"])["commonName"])
        await saying("200 OK")(reader, writer)

    async with listening(who, context) as port:
        ours.write_bytes(pem(*certificate("first", authority)))
        spoken = exchange(f"https://localhost:{port}", private_network=True, client_certificate=str(ours))
        await spoken.send("GET", "/", {})
        ours.write_bytes(pem(*certificate("second", authority)))
        await spoken.send("GET", "/", {})
        ours.unlink()
        with pytest.raises(Misconfigured, match="client_certificate_unusable"):
            await spoken.send("GET", "/", {})
        await spoken.aclose()
    assert seen == ["first", "second"]
