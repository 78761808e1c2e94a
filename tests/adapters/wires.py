"""The other end of each wire, scripted: answers in a province's own words, made here from the page and from no adapter.

A ``Wire`` knows the caller's credentials, writes a matter or a trouble as its province would, and makes an adapter in
front of whatever a test lets the province say.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.anhui import Anhui
from adapters.credentials import GivenCredentials
from adapters.jiangsu import Jiangsu
from adapters.port import Adapter, AdapterSettings
from adapters.shanghai import Shanghai
from adapters.zhejiang import Zhejiang
from domain.effects import ProvinceCall, Verb

CLEAN = "91340100XXXX00043E"
SECRET = "a-secret-for-tests-only-0123456789"
OURS, THEIRS = Ed25519PrivateKey.from_private_bytes(b"o" * 32), Ed25519PrivateKey.from_private_bytes(b"t" * 32)
Script = Callable[[httpx.Request], httpx.Response]


def new_key() -> str:
    """A key as a workflow makes it."""
    return secrets.token_hex(32)


def call(
    verb: Verb = Verb.SUBMIT,
    operation: str = "tax_clearance",
    department: str = "tax",
    *,
    key: str | None = None,
    payload: Mapping[str, str] | None = None,
    case_no: str = "CASE-1",
    **more: str,
) -> ProvinceCall:
    """One call; a clean company and a fresh key unless told otherwise. The region is whoever's is asked."""
    return ProvinceCall(
        verb=verb,
        region="340000",
        department=department,
        operation=operation,
        key=new_key() if key is None else key,
        case_no=case_no,
        leg="leg",
        step="step",
        payload={"uscc": CLEAN} if payload is None else payload,
        **more,
    )


@dataclass
class Told:
    """A matter in nobody's words. Money in ``result`` is in fen, as text."""

    state: object = "done"
    key: object = None  # None: the one that was asked with
    number: object = "N-1"
    result: object = field(default_factory=dict)
    reasons: object = field(default_factory=list)
    text: object = None
    wants: object = None
    after: object = 0


class Wire:
    """One province's end of its wire."""

    name = ""
    region = ""
    kind: type[Adapter]
    media = "application/json"
    credentials: ClassVar[Mapping[str, object]] = {}
    states: ClassVar[Mapping[object, object]] = {}
    troubles: ClassVar[Mapping[str, object]] = {}

    def adapter(self, script: Script | None = None, /, **more: object) -> Adapter:
        """An adapter in front of a scripted province; ``more``: fields of its settings."""
        base: dict[str, object] = {
            "region": self.region,
            "url": "http://province",
            "credentials": self.given(),
            "timeout_s": 2.0,
            "connect_timeout_s": 1.0,
            "private_network": True,
            "transport": httpx.MockTransport(self.front(script)) if script else None,
        }
        return self.kind(AdapterSettings(**(base | more)))  # type: ignore[arg-type]

    def given(self, **changes: object) -> GivenCredentials:
        """The caller's credentials, with changes."""
        return GivenCredentials({**self.credentials, **changes})  # type: ignore[dict-item]

    def front(self, script: Script) -> Script:
        """What stands in front of the script, such as a place that gives tokens."""
        return script

    def matter(self, request: httpx.Request, told: Told | None = None) -> httpx.Response:
        """The answer to a request that asked for one thing."""
        raise NotImplementedError

    def found(self, request: httpx.Request, *told: Told) -> httpx.Response:
        """The answer to a search."""
        raise NotImplementedError

    def trouble(self, name: str, request: httpx.Request) -> httpx.Response:
        """An error: signature, stale, replayed, no_service, conflict, malformed, too_many, internal."""
        raise NotImplementedError

    def error(self, name: str) -> tuple[int, str]:
        """Status and word of a trouble, where it has both."""
        known = self.troubles[name]
        assert isinstance(known, tuple)
        return int(known[0]), str(known[1])

    def state(self, told: Told) -> object:
        """Its word for a state, or the state itself if it has none."""
        return self.states.get(told.state, told.state) if isinstance(told.state, str) else told.state


def _money(result: object, write: Callable[[str], object]) -> object:
    if not isinstance(result, dict):
        return result
    return {n: write(v) if n.endswith("_fen") and isinstance(v, str) else v for n, v in result.items()}


class ShanghaiWire(Wire):
    name, region, kind = "shanghai", "310000", Shanghai
    credentials: ClassVar[Mapping[str, object]] = {
        "client_id": "tester",
        "client_secret": SECRET,
        "key_id": "ours-1",
        "private_key": b64encode(OURS.private_bytes_raw()).decode(),
        "province_keys": {"theirs-1": b64encode(THEIRS.public_key().public_bytes_raw()).decode()},
    }
    states: ClassVar[Mapping[object, object]] = {"doing": "in_progress"}
    troubles: ClassVar[Mapping[str, object]] = {
        "signature": (401, "signature-wrong"),
        "stale": (401, "signature-stale"),
        "replayed": (401, "signature-replayed"),
        "no_service": (404, "no-such-service"),
        "conflict": (409, "key-reused"),
        "malformed": (400, "malformed"),
        "never_seen": (404, "no-such-application"),
        "token": (401, "token-expired"),
    }

    def front(self, script: Script) -> Script:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/oauth/token"):
                return httpx.Response(200, json={"access_token": "T", "token_type": "Bearer", "expires_in": 300})
            return script(request)

        return answer

    def matter(self, request: httpx.Request, told: Told | None = None) -> httpx.Response:
        told = told or Told()
        key = request.headers.get("Idempotency-Key", "") if told.key is None else told.key
        return self._told(key, told)

    def _told(self, key: object, told: Told) -> httpx.Response:
        if told.state == "refused":
            problem = {"type": "urn:sh:refused", "status": 422, "id": key, "number": told.number}
            problem |= {"reasons": told.reasons, "text": told.text}
            return in_json(problem, 422, "application/problem+json")
        matter = {"id": key, "number": told.number, "state": self.state(told), "wants": told.wants}
        matter |= {"result": _money(told.result, int), "check_after": told.after}
        if told.reasons:
            matter["reasons"] = told.reasons
        if told.text is not None:
            matter["text"] = told.text
        return in_json(matter)

    def found(self, request: httpx.Request, *told: Told) -> httpx.Response:
        if not told:
            return self.trouble("never_seen", request)
        return self._told(request.url.path.rpartition("/")[2] if told[0].key is None else told[0].key, told[0])

    def trouble(self, name: str, request: httpx.Request) -> httpx.Response:
        if name == "too_many":
            return httpx.Response(429, headers={"Retry-After": "17"})
        if name == "internal":
            return httpx.Response(500)
        status, words = self.error(name)
        problem = {"type": f"urn:sh:{words}", "status": status}
        return in_json(problem, status, "application/problem+json")


class JiangsuWire(Wire):
    name, region, kind, media = "jiangsu", "320000", Jiangsu, "text/xml; charset=GB18030"
    credentials: ClassVar[Mapping[str, object]] = {"app_id": "tester", "secrets": [SECRET]}
    states: ClassVar[Mapping[object, object]] = {"done": "0000", "doing": "1001", "refused": "2001"}
    troubles: ClassVar[Mapping[str, object]] = {
        "signature": "3001",
        "stale": "3002",
        "replayed": "3003",
        "no_service": "3404",
        "conflict": "2409",
        "malformed": "3400",
        "too_many": "9001",
        "internal": "9999",
    }

    def matter(self, request: httpx.Request, told: Told | None = None) -> httpx.Response:
        told = told or Told()
        key = self.asked(request).findtext("Body/MsgNo", "") if told.key is None else told.key
        parts = [f"<MsgNo>{_x(key)}</MsgNo><SerialNo>{_x(told.number)}</SerialNo>"]
        for name, value in told.result.items() if isinstance(told.result, dict) else ():
            if name.endswith("_fen"):
                value, unit = f"{Decimal(value).scaleb(-2):.2f}", ' unit="yuan"'
            else:
                unit = ""
            parts.append(f"<Field name={quoteattr(name)}{unit}>{_x(value)}</Field>")
        parts[1:] = ["<Fields>", *parts[1:], "</Fields>"] if told.result else []
        parts += [f"<CheckAfter>{_x(told.after)}</CheckAfter>"] if told.after else []
        reasons = told.reasons if isinstance(told.reasons, list) else []
        parts += ["<Reasons>", *(f"<Reason>{_x(each)}</Reason>" for each in reasons), "</Reasons>"]
        for tag, both in (("Text", told.text), ("Wants", told.wants)):
            if isinstance(both, dict):
                parts.append(
                    f"<{tag}>" + "".join(f"<{k.title()}>{_x(v)}</{k.title()}>" for k, v in both.items()) + f"</{tag}>"
                )
        return self.sealed(request, str(self.state(told)), "".join(parts))

    def found(self, request: httpx.Request, *told: Told) -> httpx.Response:
        if told:
            return self.matter(request, told[0])
        return self.sealed(request, "2404", f"<MsgNo>{self.asked(request).findtext('Body/MsgNo', '')}</MsgNo>")

    def trouble(self, name: str, request: httpx.Request) -> httpx.Response:
        inner = "<RetryAfter>17</RetryAfter>" if name == "too_many" else ""
        return self.sealed(request, str(self.troubles[name]), inner)

    def asked(self, request: httpx.Request) -> ElementTree.Element:
        """The envelope of a request."""
        return ElementTree.fromstring(request.content.decode("gb18030").partition("?>")[2].strip())

    def sealed(self, request: httpx.Request, code: str, body: str, secret: str = SECRET, **head: str) -> httpx.Response:
        """A signed envelope around a body."""
        asked = self.asked(request)
        names = ("AppId", "MsgId", "TransCode")
        told = {n: asked.findtext(f"Head/{n}", "") for n in names} | {"SendTime": "20261125093000"} | head
        told |= {"RtnCode": code, "RtnMsg": "说明"}
        sign = self.sign(secret, told, body)
        inner = "".join(f"<{n}>{_x(v)}</{n}>" for n, v in told.items())
        inner = f"<Envelope><Head>{inner}<Sign>{sign}</Sign></Head><Body>{body}</Body></Envelope>"
        return self.raw(f'<?xml version="1.0" encoding="GB18030"?>\n{inner}')

    def raw(self, text: str) -> httpx.Response:
        """A text on this wire."""
        return httpx.Response(200, content=text.encode("gb18030"), headers={"Content-Type": self.media})

    def sign(self, secret: str, head: Mapping[str, str], body: str) -> str:
        """HMAC-SM3 by another library than the adapter's, over a string made another way."""
        order = ("AppId", "MsgId", "SendTime", "TransCode", "RtnCode", "RtnMsg")
        lines = [f"{name}={_e(head[name])}" for name in order if name in head]

        def walk(element: ElementTree.Element, path: str) -> None:
            attributes = dict(element.attrib)
            first = [attributes.pop("name")] if "name" in attributes else []
            marks = first + [f"{n}={v}" for n, v in attributes.items()]
            path += element.tag + (f"[{';'.join(marks)}]" if marks else "")
            if len(element) == 0:
                lines.append(f"{path}={_e(element.text or '')}")
            for child in element:
                walk(child, path + "/")

        for child in ElementTree.fromstring(f"<Body>{body}</Body>"):
            walk(child, "Body/")
        return hmac.new(secret.encode(), "\n".join(lines).encode(), "sm3").hexdigest().upper()


class ZhejiangWire(Wire):
    name, region, kind = "zhejiang", "330000", Zhejiang
    credentials: ClassVar[Mapping[str, object]] = {"access_key": "tester", "secrets": [SECRET]}
    states: ClassVar[Mapping[object, object]] = {"done": "DONE", "doing": "DOING", "refused": "REFUSED"}
    troubles: ClassVar[Mapping[str, object]] = {
        "signature": "40101",
        "stale": "40102",
        "replayed": "40103",
        "no_service": "40402",
        "conflict": "40901",
        "malformed": "40001",
        "too_many": "42901",
        "internal": "50001",
    }

    def one(self, told: Told, key: object) -> dict[str, object]:
        """A matter."""
        return {
            "outBizNo": key if told.key is None else told.key,
            "bizNo": told.number,
            "status": self.state(told),
            "resultData": told.result,
            "reasonCodes": told.reasons,
            "reasonText": told.text,
            "wants": told.wants,
            "checkAfter": told.after,
        }

    def envelope(self, data: object, code: object = "200") -> httpx.Response:
        """An answer."""
        return in_json({"code": code, "msg": "ok", "data": data, "traceId": "t"})

    def matter(self, request: httpx.Request, told: Told | None = None) -> httpx.Response:
        if request.method == "GET":
            return self.found(request, told or Told())
        return self.envelope(self.one(told or Told(), json.loads(request.content)["outBizNo"]))

    def found(self, request: httpx.Request, *told: Told) -> httpx.Response:
        listed = [self.one(each, "0" * 64) for each in told]
        page = int(request.url.params["pageNo"])
        return self.envelope(
            {"total": len(listed), "pageNo": page, "pageSize": 5, "list": listed[5 * page - 5 : 5 * page]}
        )

    def trouble(self, name: str, request: httpx.Request) -> httpx.Response:
        return self.envelope({"retryAfter": 17} if name == "too_many" else None, self.troubles[name])

    def headers(self, path: str, body: bytes, at_ms: int, secret: str = SECRET) -> dict[str, str]:
        """What a callback of this province comes with."""
        nonce = "n" * 20
        lines = ("POST", path, "", "tester", str(at_ms), nonce, hashlib.sha256(body).hexdigest())
        signature = b64encode(hmac.digest(secret.encode(), "\n".join(lines).encode(), "sha256")).decode()
        return {"x-access-key": "tester", "X-Timestamp": str(at_ms), "X-Nonce": nonce, "X-SIGNATURE": signature}


class AnhuiWire(Wire):
    name, region, kind = "anhui", "340000", Anhui
    credentials: ClassVar[Mapping[str, object]] = {"app_id": "tester", "secrets": [SECRET]}
    states: ClassVar[Mapping[object, object]] = {"done": "bj", "doing": "zb", "refused": "by"}
    troubles: ClassVar[Mapping[str, object]] = {
        "signature": (401, "auth_wrong"),
        "stale": (401, "auth_stale"),
        "replayed": (401, "auth_replayed"),
        "no_service": (404, "no_such_service"),
        "malformed": (400, "malformed"),
        "internal": (500, "internal"),
    }

    def one(self, told: Told, number: object) -> str:
        """A matter, as text: money has two decimals."""
        head = json.dumps({
            "wsbh": number if told.key is None else told.key, "ywlsh": told.number, "zt": self.state(told),
            "yydm": told.reasons, "yysm": told.text, "xyc": told.wants, "jghcx": told.after,
        })  # fmt: skip
        if not isinstance(told.result, dict):
            return f'{head[:-1]},"jgx":{json.dumps(told.result)}}}'
        fields = (
            f"{json.dumps(n)}:{f'{Decimal(v).scaleb(-2):.2f}' if n.endswith('_fen') else json.dumps(v)}"
            for n, v in told.result.items()
        )
        return f'{head[:-1]},"jgx":{{{",".join(fields)}}}}}'

    def json(self, text: str, status: int = 200) -> httpx.Response:
        """An answer."""
        return httpx.Response(status, content=text.encode(), headers={"Content-Type": "application/json"})

    def matter(self, request: httpx.Request, told: Told | None = None) -> httpx.Response:
        if request.method == "GET":
            return self.found(request, told or Told())
        return self.json(self.one(told or Told(), json.loads(request.content)["wsbh"]))

    def found(self, request: httpx.Request, *told: Told) -> httpx.Response:
        rows = [self.one(each, request.url.params.get("wsbh", "")) for each in told]
        return self.json(f'{{"total":{len(rows)},"rows":[{",".join(rows)}]}}')

    def trouble(self, name: str, request: httpx.Request) -> httpx.Response:
        if name == "too_many":
            return httpx.Response(429, headers={"Retry-After": "17"})
        status, code = self.error(name)
        return in_json({"error": code}, status)


def in_json(content: object, status: int = 200, media: str = "application/json") -> httpx.Response:
    """An answer in JSON; half surrogates are escaped, as a careless province would."""
    return httpx.Response(status, content=json.dumps(content).encode(), headers={"Content-Type": media})


SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = ShanghaiWire(), JiangsuWire(), ZhejiangWire(), AnhuiWire()
WIRES: tuple[Wire, ...] = (SHANGHAI, JIANGSU, ZHEJIANG, ANHUI)


def _x(value: object) -> str:
    return escape(str(value), {"\r": "&#13;"})


def _e(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
