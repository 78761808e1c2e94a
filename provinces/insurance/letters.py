"""The letters of the wire: JSON whose numbers stay as they were written, and what is signed of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from cryptography.hazmat.primitives import hashes

from provinces.insurance.refusals import Code, Refused
from provinces.signing import hmac_sm3, same

DEEPEST = 24
_HEADER = (
    "infno", "msgid", "mdtrtarea_admvs", "insuplc_admdvs", "recer_sys_code", "dev_no", "dev_safe_info", "cainfo",
    "signtype", "infver", "opter_type", "opter", "opter_name", "inf_time", "fixmedins_code", "fixmedins_name",
    "sign_no",
)  # fmt: skip
Fields = dict[str, object]


@dataclass(frozen=True)
class Letter:
    """One request. ``caller``: who has signed it: tongban, hub, or a province."""

    caller: str
    header: Mapping[str, str]
    input: Fields

    @property
    def infno(self) -> str:
        """Which message it is."""
        return self.header["infno"]

    @property
    def msgid(self) -> str:
        """Its own number."""
        return self.header["msgid"]

    @property
    def treated_in(self) -> str:
        """mdtrtarea_admvs."""
        return self.header["mdtrtarea_admvs"]

    @property
    def insured_in(self) -> str:
        """insuplc_admdvs."""
        return self.header["insuplc_admdvs"]

    @property
    def institution(self) -> str:
        """fixmedins_code."""
        return self.header["fixmedins_code"]

    def digest(self) -> str:
        """What has to be the same for the message to be the same."""
        lines = [self.infno, self.treated_in, self.insured_in, self.institution, dumps(self.input)]
        return sm3("\n".join(lines).encode())


def sm3(data: bytes) -> str:
    """The digest in hex."""
    made = hashes.Hash(hashes.SM3())
    made.update(data)
    return made.finalize().hex()


def dumps(value: object) -> str:
    """Canonical JSON: sorted names, no blanks, decimals with the digits they have."""
    if isinstance(value, Mapping):
        inner = ",".join(f"{dumps(str(name))}:{dumps(value[name])}" for name in sorted(value))
        return "{" + inner + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(dumps(each) for each in value) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    if value is None or isinstance(value, str | bool | int):
        return json.dumps(value, ensure_ascii=False)
    raise TypeError(type(value).__name__)


def loads(body: bytes) -> Fields:
    """A JSON object with decimals; ValueError for anything else, and for what is nested too deeply."""
    read = json.loads(
        body.decode("utf-8"), parse_float=_plain_number, parse_constant=_no_constant, object_pairs_hook=_once
    )
    if not isinstance(read, dict) or _depth(read) > DEEPEST:
        raise ValueError("no object, or too deep")
    return read


def read_letter(caller: str, body: bytes) -> Letter:
    """A request with a whole header; Refused otherwise. The signature is not looked at."""
    try:
        read = loads(body)
    except (ValueError, RecursionError):
        raise Refused(Code.BAD_MESSAGE, "body") from None
    header = {}
    for name in _HEADER:
        value = read.get(name)
        if not isinstance(value, str) or len(value) > 200 or not value.isprintable():
            raise Refused(Code.BAD_MESSAGE, name)
        header[name] = value
    given = read.get("input")
    if not isinstance(given, dict):
        raise Refused(Code.BAD_MESSAGE, "input")
    try:
        dumps(given).encode()
    except UnicodeEncodeError:  # half a character
        raise Refused(Code.BAD_MESSAGE, "input") from None
    for name, length in (("msgid", 30), ("infno", 4), ("mdtrtarea_admvs", 6), ("fixmedins_code", 12)):
        if len(header[name]) != length or not header[name].isascii() or not header[name].isalnum():
            raise Refused(Code.BAD_MESSAGE, name)
    if header["insuplc_admdvs"] and not (header["insuplc_admdvs"].isdigit() and len(header["insuplc_admdvs"]) == 6):
        raise Refused(Code.BAD_MESSAGE, "insuplc_admdvs")
    return Letter(caller, header, given)


def cainfo(secret: str, header: Mapping[str, str], given: Fields) -> str:
    """The signature of a request."""
    names = ("msgid", "infno", "inf_time", "mdtrtarea_admvs", "insuplc_admdvs", "fixmedins_code")
    return hmac_sm3(secret, "\n".join([*(header[name] for name in names), sm3(dumps(given).encode())])).hex()


def is_signed(letter: Letter, secrets: list[str]) -> bool:
    """Whether one of these secrets has signed it."""
    return letter.header["signtype"] == "SM3" and any(
        same(cainfo(secret, letter.header, letter.input), letter.header["cainfo"]) for secret in secrets
    )


def seal(secret: str, msgid: str, infno: str, body: bytes) -> str:
    """The signature of an answer."""
    return hmac_sm3(secret, "\n".join([msgid, infno, sm3(body)])).hex()


def written(header: Mapping[str, str], given: Fields, secret: str) -> bytes:
    """A request, signed."""
    signed: Fields = {**header, "cainfo": cainfo(secret, header, given), "input": given}
    return dumps(signed).encode()


def answer(msgid: str, code: str, sentence: str, output: Fields) -> bytes:
    """The body of an answer."""
    return dumps({"infcode": code, "inf_refmsgid": msgid, "err_msg": sentence, "output": output}).encode()


def fields(value: object) -> Fields:
    """A JSON object of our own making."""
    return cast(Fields, value)


def _plain_number(text: str) -> Decimal:
    if "e" in text or "E" in text or len(text) > 24:
        raise ValueError(text)
    return Decimal(text)


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _once(pairs: list[tuple[str, object]]) -> Fields:
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(each) for each in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((_depth(each) for each in value), default=0)
    return 0
