"""Callers of the four faces, written from docs/reference/dialects.md and sharing no code with either side."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import ClassVar
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.provinces.calling import KEYLESS, KEYS, Caller, Reply, b64, hmac256, hmac_sm3, new_key

__all__ = [
    "CALLERS",
    "CHINA",
    "KEYS",
    "Anhui",
    "Caller",
    "Jiangsu",
    "Reply",
    "Shanghai",
    "Zhejiang",
    "hmac_sm3",
    "new_key",
]

CHINA = timezone(timedelta(hours=8))


class Shanghai(Caller):
    """310000."""

    region = "310000"
    token = ""
    _new: ClassVar[Mapping[str, str]] = {"apply": "applications", "consult": "consultations", "notify": "notifications"}
    _evidence: ClassVar[Mapping[str, str]] = {"preview": "previews", "verify": "verifications", "release": "releases"}
    _about: ClassVar[Mapping[str, str]] = {
        "reverse": "reversals",
        "withdraw": "withdrawals",
        "supplement": "supplements",
    }

    async def fetch_token(self) -> httpx.Response:
        me = self.keys["caller"]
        return await self.client.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=(me["client_id"], me["client_secret"])
        )

    def signed(self, method: str, path: str, body: bytes, key: str = "", **changes: object) -> httpx.Request:
        """A signed request. ``changes``: created, nonce, without (components left out), digest_of."""
        me = self.keys["caller"]
        target = urlsplit(path)
        values = {
            "@method": method,
            "@authority": str(self.client.base_url.netloc.decode()),
            "@path": target.path,
            "@query": "?" + target.query,
            "authorization": f"Bearer {self.token}",
        }
        if body:
            other = changes.get("digest_of")
            digest = hashlib.sha256(other if isinstance(other, bytes) else body).digest()
            values |= {"content-type": "application/json", "content-digest": f"sha-256=:{b64(digest)}:"}
        if key:
            values["idempotency-key"] = key
        without = changes.get("without")
        names = [name for name in values if name != without]
        listed = " ".join(f'"{name}"' for name in names)
        created, nonce = changes.get("created", int(self.now())), changes.get("nonce", secrets.token_hex(16))
        said = f'({listed});created={created};nonce="{nonce}";keyid="{me["key_id"]}";alg="ed25519"'
        base = "\n".join([*(f'"{name}": {values[name]}' for name in names), f'"@signature-params": {said}'])
        signer = Ed25519PrivateKey.from_private_bytes(base64.b64decode(me["private_key"]))
        headers = {name: value for name, value in values.items() if not name.startswith("@")}
        headers |= {"signature-input": f"sig1={said}", "signature": f"sig1=:{b64(signer.sign(base.encode()))}:"}
        return self.client.build_request(method, path, content=body or None, headers=headers)

    async def ask(self, method: str, path: str, body: bytes = b"", key: str = "", **changes: object) -> httpx.Response:
        if not self.token:
            self.token = (await self.fetch_token()).json()["access_token"]
        return await self.client.send(self.signed(method, path, body, key, **changes))

    async def send(
        self, action: str, department: str, service: str, fields: Mapping[str, object] | None = None, *,
        key: str | None = None, original: Reply | None = None, case: str = "CASE-1",
    ) -> Reply:  # fmt: skip
        key = "" if action in KEYLESS else new_key() if key is None else key
        body: dict[str, object] = {"case": {"number": case, "leg": "leg", "step": "step"}, "fields": dict(fields or {})}
        if original is not None:
            path = f"/api/v1/applications/{original.sent_as}/{self._about[action]}"
            body |= {"service": service, "department": department}
        elif action in self._new:
            path = f"/api/v1/departments/{department}/services/{service}/{self._new[action]}"
        else:
            path = f"/api/v1/departments/{department}/evidence/{service}/{self._evidence[action]}"
        return self.read(await self.ask("POST", path, json.dumps(body).encode(), key), key)

    async def find(self, reply: Reply) -> Reply | None:
        found = self.read(await self.ask("GET", f"/api/v1/applications/{reply.sent_as}"), reply.sent_as)
        return None if found.problem == "urn:sh:no-such-application" else found

    async def health(self) -> httpx.Response:
        return await self.ask("GET", "/api/v1/health")

    @staticmethod
    def read(raw: httpx.Response, sent_as: str = "") -> Reply:
        """Money comes back as text, the rest as it is."""
        reply = Reply(raw, sent_as=sent_as)
        try:
            body = raw.json()
        except ValueError:
            reply.problem = f"http {raw.status_code}"
            return reply
        if raw.status_code in (200, 201) or body.get("type") == "urn:sh:refused":
            reply.key, reply.number, reply.state = body["id"], body["number"], body.get("state", "refused")
            reply.reasons = body.get("reasons", [])
            for name, value in body.get("result", {}).items():
                assert type(value) is (int if name.endswith("_fen") else str)
                reply.result[name] = str(value)
            reply.wants = (body.get("wants") or {}).get("zh", "")
            reply.after = body.get("check_after", 0)
        else:
            assert raw.headers["content-type"] == "application/problem+json"
            assert body["status"] == raw.status_code
            reply.problem = body["type"]
        return reply

    def believes(self, path: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether an event is the province's."""
        said = headers["signature-input"].removeprefix("sig1=")
        values = {"@method": "POST", "@path": path} | dict(headers)
        names = re.findall(r'"([^"]+)"', said[: said.index(")")])
        assert names == ["@method", "@path", "content-type", "content-digest"]
        base = "\n".join([*(f'"{name}": {values[name]}' for name in names), f'"@signature-params": {said}'])
        keyid = re.search(r'keyid="([^"]+)"', said)
        assert keyid is not None
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.keys["caller"]["province_keys"][keyid[1]]))
        fits = headers["content-digest"] == f"sha-256=:{b64(hashlib.sha256(body).digest())}:"
        try:
            key.verify(base64.b64decode(headers["signature"][6:-1]), base.encode())
        except Exception:  # noqa: BLE001 - whatever it is, it is not believed
            return False
        return fits


class Jiangsu(Caller):
    """320000."""

    region = "320000"
    asynchronous = True
    trans: ClassVar[Mapping[str, str]] = {
        "apply": "SQ01", "consult": "YJ01", "notify": "TB01", "reverse": "ZX01", "withdraw": "CH01",
        "supplement": "BZ01", "release": "ZZ02", "preview": "ZZ01", "verify": "ZZ03",
    }  # fmt: skip
    states: ClassVar[Mapping[str, str]] = {"0000": "done", "1001": "in_progress", "2001": "refused"}

    @staticmethod
    def canonical(head: Mapping[str, str], body: ET.Element) -> str:
        def escaped(text: str) -> str:
            return text.replace("\\", "\\\\").replace("\n", "\\n")

        lines = [f"{name}={escaped(value)}" for name, value in head.items()]

        def walk(element: ET.Element, path: str) -> None:
            for child in element:
                attributes = dict(child.attrib)
                words = [attributes.pop("name")] if "name" in attributes else []
                words += [f"{name}={value}" for name, value in attributes.items()]
                here = f"{path}/{child.tag}" + (f"[{';'.join(words)}]" if words else "")
                if len(child):
                    walk(child, here)
                else:
                    lines.append(f"{here}={escaped(child.text or '')}")

        walk(body, "Body")
        return "\n".join(lines)

    def envelope(self, code: str, body: ET.Element, **changes: str) -> bytes:
        """A signed envelope. ``changes``: AppId, MsgId, SendTime, Sign."""
        sent = datetime.fromtimestamp(self.now(), UTC).astimezone(CHINA)
        head = {"AppId": str(self.keys["app_id"]), "MsgId": secrets.token_hex(16)}
        head |= {"SendTime": f"{sent:%Y%m%d%H%M%S}", "TransCode": code}
        head |= {name: value for name, value in changes.items() if name in head}
        sign = hmac_sm3(self.keys["secrets"][0], self.canonical(head, body))
        root = ET.Element("Envelope")
        top = ET.SubElement(root, "Head")
        for name, value in (head | {"Sign": changes.get("Sign", sign)}).items():
            ET.SubElement(top, name).text = value
        root.append(body)
        text = ET.tostring(root, "unicode").replace("\r", "&#13;")
        return ('<?xml version="1.0" encoding="GB18030"?>' + text).encode("gb18030")

    async def ask(self, code: str, body: ET.Element | None = None, /, **changes: str) -> httpx.Response:
        return await self.post(self.envelope(code, ET.Element("Body") if body is None else body, **changes))

    async def post(self, content: bytes) -> httpx.Response:
        headers = {"Content-Type": "text/xml; charset=GB18030"}
        return await self.client.post("/exchange", content=content, headers=headers)

    async def send(
        self, action: str, department: str, service: str, fields: Mapping[str, object] | None = None, *,
        key: str | None = None, original: Reply | None = None, case: str = "CASE-1",
    ) -> Reply:  # fmt: skip
        key = "" if action in KEYLESS else new_key() if key is None else key
        body = ET.Element("Body")
        said = {"MsgNo": key, "Dept": department, "Service": service, "CaseNo": case, "Leg": "leg", "Step": "step"}
        said["Original"] = original.sent_as if original else ""
        for name, value in said.items():
            ET.SubElement(body, name).text = value
        listed = ET.SubElement(body, "Fields")
        for name, given in (fields or {}).items():
            one = ET.SubElement(listed, "Field", name=name)
            one.text = str(given)
            if name.endswith("_fen"):
                one.set("unit", "yuan")
                one.text = f"{Decimal(str(given)).scaleb(-2):.2f}"
        return self.read(await self.ask(self.trans[action], body), key)

    async def find(self, reply: Reply) -> Reply | None:
        body = ET.Element("Body")
        ET.SubElement(body, "MsgNo").text = reply.sent_as
        found = self.read(await self.ask("CX01", body), reply.sent_as)
        return None if found.problem == "2404" else found

    async def find_number(self, number: str) -> Reply:
        body = ET.Element("Body")
        ET.SubElement(body, "SerialNo").text = number
        return self.read(await self.ask("CX02", body))

    async def health(self) -> httpx.Response:
        return await self.ask("XT01")

    @staticmethod
    def parse(raw: httpx.Response) -> ET.Element:
        assert raw.headers["content-type"] == "text/xml; charset=GB18030"
        return ET.fromstring(raw.content.decode("gb18030"))

    def believes(self, raw: httpx.Response) -> bool:
        """Whether an answer is the province's."""
        root = self.parse(raw)
        head, body = root.find("Head"), root.find("Body")
        assert head is not None
        assert body is not None
        said = {child.tag: child.text or "" for child in head if child.tag != "Sign"}
        assert list(said) == ["AppId", "MsgId", "SendTime", "TransCode", "RtnCode", "RtnMsg"]
        return head.findtext("Sign") == hmac_sm3(self.keys["secrets"][0], self.canonical(said, body))

    def read(self, raw: httpx.Response, sent_as: str = "") -> Reply:
        reply = Reply(raw, sent_as=sent_as)
        if not raw.headers.get("content-type", "").startswith("text/xml"):
            reply.problem = f"http {raw.status_code}"
            return reply
        assert raw.status_code == 200
        root = self.parse(raw)
        code = root.findtext("Head/RtnCode") or ""
        if code not in self.states:
            reply.problem = code
            return reply
        reply.state = self.states[code]
        reply.key, reply.number = root.findtext("Body/MsgNo") or "", root.findtext("Body/SerialNo") or ""
        reply.wants = root.findtext("Body/Wants/Zh") or ""
        reply.reasons = [each.text or "" for each in root.findall("Body/Reasons/Reason")]
        reply.after = int(root.findtext("Body/CheckAfter") or 0)
        for each in root.findall("Body/Fields/Field"):
            name, text = each.attrib["name"], each.text or ""
            if each.attrib.get("unit") == "yuan":
                assert re.fullmatch(r"\d+\.\d\d", text)
                text = str(int(Decimal(text).scaleb(2)))
            reply.result[name] = text
        return reply


class Zhejiang(Caller):
    """330000."""

    region = "330000"
    states: ClassVar[Mapping[str, str]] = {"DONE": "done", "DOING": "in_progress", "REFUSED": "refused"}

    def headers(self, method: str, path: str, query: str, body: bytes, **changes: str) -> dict[str, str]:
        at, nonce = changes.get("at", str(int(self.now() * 1000))), changes.get("nonce", secrets.token_hex(16))
        key = str(self.keys["access_key"])
        ordered = "&".join(sorted(query.split("&"), key=lambda pair: pair.split("=")[0]))
        lines = (method, path, ordered, key, at, nonce, hashlib.sha256(body).hexdigest())
        sign = b64(hmac256(self.keys["secrets"][0], *lines))
        return {"X-Access-Key": key, "X-Timestamp": at, "X-Nonce": nonce, "X-Signature": changes.get("sign", sign)}

    async def ask(self, method: str, target: str, body: bytes = b"", /, **changes: str) -> httpx.Response:
        path, _, query = target.partition("?")
        headers = self.headers(method, path, query, body, **changes) | {"Content-Type": "application/json"}
        return await self.client.request(method, target, content=body or None, headers=headers)

    async def send(
        self, action: str, department: str, service: str, fields: Mapping[str, object] | None = None, *,
        key: str | None = None, original: Reply | None = None, case: str = "CASE-1",
    ) -> Reply:  # fmt: skip
        key = "" if action in KEYLESS else new_key() if key is None else key
        body = {
            "outBizNo": key, "originalBizNo": original.sent_as if original else "", "caseNo": case, "legNo": "leg",
            "stepNo": "step", "formData": {name: str(value) for name, value in (fields or {}).items()},
        }  # fmt: skip
        raw = await self.ask("POST", f"/api/{department}/{service}/{action}", json.dumps(body).encode())
        return self.read(raw, key)

    async def page(self, case: str, number: int, size: int = 5) -> dict[str, object]:
        raw = await self.ask("GET", f"/api/requests?caseNo={case}&pageNo={number}&pageSize={size}")
        data: dict[str, object] = raw.json()["data"]
        return data

    async def find(self, reply: Reply) -> Reply | None:
        number = 1
        while True:
            raw = await self.ask("GET", f"/api/requests?pageSize=5&caseNo=CASE-1&pageNo={number}")
            data = raw.json()["data"]
            for matter in data["list"]:
                if matter["outBizNo"] == reply.sent_as:
                    return self.matter(raw, matter, reply.sent_as)
            if number * 5 >= data["total"]:
                return None
            number += 1

    async def health(self) -> httpx.Response:
        return await self.ask("GET", "/api/health")

    def read(self, raw: httpx.Response, sent_as: str = "") -> Reply:
        try:
            body = raw.json()
        except ValueError:
            return Reply(raw, sent_as=sent_as, problem=f"http {raw.status_code}")
        assert raw.status_code == 200
        assert set(body) == {"code", "msg", "data", "traceId"}
        if body["code"] != "200":
            return Reply(raw, sent_as=sent_as, problem=body["code"])
        return self.matter(raw, body["data"], sent_as)

    def matter(self, raw: httpx.Response, data: Mapping[str, object], sent_as: str = "") -> Reply:
        reply = Reply(raw, str(data["outBizNo"]), str(data["bizNo"]), self.states[str(data["status"])])
        assert isinstance(data["resultData"], dict)
        reply.result = data["resultData"]
        assert all(isinstance(value, str) for value in reply.result.values())
        assert isinstance(data["reasonCodes"], list)
        assert isinstance(data["checkAfter"], int)
        wants = data["wants"]
        reply.reasons, reply.wants = data["reasonCodes"], wants["zh"] if isinstance(wants, dict) else ""
        reply.after, reply.sent_as = data["checkAfter"], sent_as
        return reply

    def believes(self, path: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether an event is the province's."""
        mine = self.headers("POST", path, "", body, at=headers["x-timestamp"], nonce=headers["x-nonce"])
        return headers["x-access-key"] == mine["X-Access-Key"] and headers["x-signature"] == mine["X-Signature"]


class Anhui(Caller):
    """340000."""

    region = "340000"
    states: ClassVar[Mapping[str, str]] = {"bj": "done", "zb": "in_progress", "by": "refused"}
    kinds: ClassVar[Mapping[str, str]] = {
        "apply": "sq",
        "consult": "zx",
        "notify": "tz",
        "preview": "zzyl",
        "release": "zzsf",
        "verify": "zzhy",
    }
    about: ClassVar[Mapping[str, str]] = {"reverse": "chexiao", "withdraw": "chehui", "supplement": "buzheng"}

    def headers(self, method: str, target: str, body: bytes, **changes: str) -> dict[str, str]:
        date, serial = changes.get("date", str(int(self.now()))), changes.get("serial", secrets.token_hex(16))
        sign = hmac256(self.keys["secrets"][0], method, target, date, serial, hashlib.sha256(body).hexdigest()).hex()
        app_id = str(self.keys["app_id"])
        return {"X-App-Id": app_id, "X-Date": date, "X-Serial": serial, "X-Auth": changes.get("sign", sign)}

    async def ask(self, method: str, target: str, body: bytes = b"", /, **changes: str) -> httpx.Response:
        headers = self.headers(method, target, body, **changes) | {"Content-Type": "application/json"}
        return await self.client.request(method, target, content=body or None, headers=headers)

    async def send(
        self, action: str, department: str, service: str, fields: Mapping[str, object] | None = None, *,
        key: str | None = None, original: Reply | None = None, case: str = "CASE-1",
    ) -> Reply:  # fmt: skip
        wsbh = "" if action in KEYLESS else f"{case}-{(key or new_key())[:16]}"
        money = {n: f"@{Decimal(str(v)).scaleb(-2):.2f}@" for n, v in (fields or {}).items() if n.endswith("_fen")}
        body = {
            "wsbh": wsbh, "ywlx": self.kinds.get(action, ""), "ywlsh": original.number if original else "",
            "ajbh": case, "hj": "leg", "bz": "step", "sjx": dict(fields or {}) | money,
        }  # fmt: skip
        if action in self.about:
            del body["ywlx"]
        content = re.sub(r'"@(-?[0-9.]+)@"', r"\1", json.dumps(body)).encode()
        what = f"/{self.about[action]}" if action in self.about else ""
        return self.read(await self.ask("POST", f"/rest/{department}/{service}{what}", content), wsbh)

    async def rows(self, query: str) -> list[Reply]:
        raw = await self.ask("GET", f"/rest/query?{query}")
        data = json.loads(raw.content, parse_float=Decimal)
        assert data["total"] == len(data["rows"])
        return [self.matter(raw, row) for row in data["rows"]]

    async def find(self, reply: Reply) -> Reply | None:
        return next(iter(await self.rows(f"wsbh={reply.sent_as}")), None)

    async def health(self) -> httpx.Response:
        return await self.ask("GET", "/rest/health")

    def read(self, raw: httpx.Response, sent_as: str = "") -> Reply:
        if raw.headers.get("content-type") != "application/json":
            return Reply(raw, sent_as=sent_as, problem=f"http {raw.status_code}")
        data = json.loads(raw.content, parse_float=Decimal)
        if raw.status_code != 200:
            return Reply(raw, sent_as=sent_as, problem=data["error"])
        return self.matter(raw, data, sent_as)

    def matter(self, raw: httpx.Response, data: Mapping[str, object], sent_as: str = "") -> Reply:
        reply = Reply(raw, str(data["wsbh"]), str(data["ywlsh"]), self.states[str(data["zt"])], sent_as=sent_as)
        assert isinstance(data["jgx"], dict)
        for name, value in data["jgx"].items():
            if name.endswith("_fen"):
                assert isinstance(value, Decimal)
                assert value.as_tuple().exponent == -2
                value = str(int(value.scaleb(2)))
            reply.result[name] = value
        assert isinstance(data["yydm"], list)
        assert isinstance(data["jghcx"], int)
        wants = data["xyc"]
        reply.reasons, reply.wants = data["yydm"], wants["zh"] if isinstance(wants, dict) else ""
        reply.after = data["jghcx"]
        return reply


CALLERS: tuple[type[Caller], ...] = (Shanghai, Jiangsu, Zhejiang, Anhui)
