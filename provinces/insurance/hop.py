"""The way to the next program: one signed message there, one signed answer back."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from provinces.credentials import BadCredentials, Credentials
from provinces.insurance.letters import Fields, Letter, fields, loads, seal, written
from provinces.insurance.refusals import Code, NotReached, Refused, Unanswered
from provinces.signing import same

LARGEST = 1 << 21
_OURS_TO_MEND = (Code.BAD_SIGNATURE, Code.UNKNOWN_INFNO)


class Hop:
    """Sends on behalf of one program. Addresses and secrets are read from its peers file at every message."""

    def __init__(self, own_name: str, peers: Credentials, timeout_s: float) -> None:
        self._own_name = own_name
        self._peers = peers
        self._timeout_s = timeout_s

    async def send(self, to: str, letter: Letter, given: Fields) -> Fields:
        """The output. Raises Refused as the other end did, NotReached (nothing done), Unanswered (unknown)."""
        try:
            url, secrets = self._peers.text(f"{to}_url"), self._peers.texts(f"{to}_secrets")
        except BadCredentials:
            raise NotReached from None
        body = written(letter.header, given, secrets[0])
        try:
            async with asyncio.timeout(self._timeout_s):
                status, headers, told = await _post(url, letter.infno, self._own_name, body)
        except (OSError, TimeoutError, ValueError, EOFError, asyncio.LimitOverrunError):
            raise Unanswered from None
        if status in (429, 503):
            raise NotReached
        mark = headers.get("x-cainfo", "")
        if status != 200 or not any(same(seal(s, letter.msgid, letter.infno, told), mark) for s in secrets):
            raise Unanswered
        return _output(told, letter.msgid)


def _output(body: bytes, msgid: str) -> Fields:
    try:
        answer = loads(body)
        code, output = answer["infcode"], fields(answer["output"])
        if answer["inf_refmsgid"] != msgid or not isinstance(output, dict):
            raise Unanswered
        if code == "0":
            return output
        refusal = Refused(Code(str(code)))
    except (ValueError, KeyError, RecursionError):
        raise Unanswered from None
    if refusal.code in _OURS_TO_MEND:
        raise NotReached
    refusal.sentence = str(answer.get("err_msg", ""))
    raise refusal


async def _post(url: str, infno: str, own_name: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    """One HTTP POST on a connection of its own; NotReached if there is none."""
    parts = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80, limit=1 << 16)
    except OSError:
        raise NotReached from None
    try:
        lines = [f"POST {parts.path.rstrip('/')}/fsi/api/{infno} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += ["Connection: close", "Content-Type: application/json", f"X-Caller: {own_name}"]
        lines += [f"Content-Length: {len(body)}", "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()
        first = (await reader.readline()).split(None, 2)
        if len(first) < 2 or not first[0].startswith(b"HTTP/1."):
            raise ValueError("no HTTP answer")
        headers: dict[str, str] = {}
        while line := (await reader.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers["content-length"]) if "content-length" in headers else -1
        if length > LARGEST:
            raise ValueError("too large")
        told = await (reader.readexactly(length) if length >= 0 else reader.read(LARGEST))
        return int(first[1]), headers, told
    finally:
        writer.close()
