"""Identifiers of people, companies, licences and cases: normalised, then checked by their check characters.

Sources: GB 11643-1999 (resident id), GB 32100-2015 (USCC), GB/T 36904-2018 and domain note 2.6 (e-licence).
A region prefix is never proof of anything (codes are retired while people keep their numbers), so it is not checked.
"""

from __future__ import annotations

import unicodedata
from datetime import date

from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_2, mod_37_36

from domain.errors import Refusal
from domain.messages import Message

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LICENCE_ROOT = "1.2.156.3005.2"
BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CHANNELS = {"pc": "P", "app": "A", "hall": "H", "kiosk": "K", "virtual_window": "V", "mail": "M"}


def normalise_id(value: str) -> str:
    """Full-width digits and a lower-case x are what input methods produce; they mean the same."""
    return unicodedata.normalize("NFKC", value).strip().upper()


def check_resident_id(value: str) -> str:
    """The normalised 18-character number; Refusal(resident_id_invalid) otherwise. 15-digit numbers ended in 2013."""
    number = normalise_id(value)
    if len(number) != 18 or not number.isascii() or not number[:17].isdigit():
        raise Refusal("resident_id_invalid")
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        mod_11_2.validate(number)
    except (ValueError, ValidationError) as error:
        raise Refusal("resident_id_invalid") from error
    return number


def uscc_check_char(first17: str) -> str:
    """GB 32100: weights 3^i mod 31, check = (31 - sum) mod 31."""
    total = sum(USCC_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(first17))
    return USCC_ALPHABET[-total % 31]


def organisation_check_char(first8: str) -> str:
    """GB 11714: the ninth character of the organisation code inside a USCC."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(BASE36.index(c) * w for c, w in zip(first8, weights, strict=True))
    return "0123456789X"[-total % 11]


def check_uscc(value: str) -> str:
    """The normalised 18-character unified social credit code; Refusal(uscc_invalid) otherwise."""
    code = normalise_id(value)
    if len(code) != 18 or any(c not in USCC_ALPHABET for c in code):
        raise Refusal("uscc_invalid")
    if organisation_check_char(code[8:16]) != code[16] or uscc_check_char(code[:17]) != code[17]:
        raise Refusal("uscc_invalid")
    return code


class LicenceId(Message):
    """The four parts of an e-licence identifier under the root OID, and its check character."""

    type: str
    issuer: str
    serial: str
    version: str
    check: str


def parse_licence_id(value: str) -> LicenceId | None:
    """The parts of a well-formed identifier with a right check character, else None (domain note 2.6)."""
    prefix = LICENCE_ROOT + "."
    if not value.startswith(prefix) or not value.isascii():
        return None
    parts = value[len(prefix) :].split(".")
    if len(parts) != 5:
        return None
    kind, issuer, serial, version, check = parts
    if len(kind) != 21 or len(issuer) != 18 or not 1 <= len(serial) <= 64 or len(version) != 3 or len(check) != 1:
        return None
    body = kind + issuer + serial + version
    if any(c not in BASE36 for c in body + check) or mod_37_36.calc_check_digit(body) != check:
        return None
    return LicenceId(type=kind, issuer=issuer, serial=serial, version=version, check=check)


def case_number(region: str, day: date, channel: str, service_code: str, sequence: int) -> str:
    """{region 6}{yyyymmdd}{channel 1}{service 6}{sequence 6, base 36}{check 1}: 28 characters, ISO 7064 MOD 37,36."""
    digits = ""
    rest = sequence
    for _ in range(6):
        rest, digit = divmod(rest, 36)
        digits = BASE36[digit] + digits
    if rest:
        raise ValueError("case sequence exhausted")
    body = f"{region}{day:%Y%m%d}{CHANNELS[channel]}{service_code}{digits}"
    return body + str(mod_37_36.calc_check_digit(body))


def is_case_number(value: str) -> bool:
    """True for 28 characters with a right check character; nothing else ever reaches a query."""
    if len(value) != 28 or any(c not in BASE36 for c in value):
        return False
    return bool(mod_37_36.calc_check_digit(value[:-1]) == value[-1])


def make_licence_id(kind: str, issuer: str, serial: str, version: str = "001") -> str:
    """A well-formed identifier with its check character; for simulations, never for a real issue."""
    body = kind + issuer + serial + version
    return ".".join((LICENCE_ROOT, kind, issuer, serial, version, str(mod_37_36.calc_check_digit(body))))
