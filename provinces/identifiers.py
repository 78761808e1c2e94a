"""Identifiers a province issues and checks: unified social credit codes, resident ids, electronic licence identifiers.

Written from the standards (GB 32100-2015, GB 11643-1999, GB/T 36904 with ISO 7064 MOD 37,36) and deliberately not
shared with the house: if both ends of a wire used the same routine, they would agree on the same mistake.
"""

from __future__ import annotations

from datetime import date

_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

LICENCE_ROOT = "1.2.156.3005.2"
LICENCE_DEFINER = "11100000XXXX000786"
"""The body that defines the licence types here. Synthetic: XXXX can belong to nobody."""
BUSINESS_LICENCE = "001"
IDENTITY_LICENCE = "002"


def mod_37_36(text: str) -> str:
    """The ISO 7064 MOD 37,36 check character of ``text``."""
    product = 36
    for char in text:
        product = ((product + _ALPHANUMERIC.index(char)) % 36 or 36) * 2 % 37
    return _ALPHANUMERIC[(37 - product) % 36]


def organisation_check(body: str) -> str:
    """The check character of an eight-character organisation code."""
    total = sum(w * _ALPHANUMERIC.index(c) for w, c in zip(_ORGANISATION_WEIGHTS, body, strict=True))
    return {10: "X", 11: "0"}.get(11 - total % 11, str(11 - total % 11))


def uscc_check(first17: str) -> str:
    """The check character of the first 17 characters of a unified social credit code."""
    total = sum(w * _USCC.index(c) for w, c in zip(_USCC_WEIGHTS, first17, strict=True))
    return _USCC[(31 - total % 31) % 31]


def make_uscc(kind: str, region: str, body: str) -> str:
    """A complete code: ``kind`` two characters, ``region`` six digits, ``body`` eight characters."""
    first17 = kind + region + body + organisation_check(body)
    return first17 + uscc_check(first17)


def is_uscc(value: str) -> bool:
    """Whether ``value`` is a unified social credit code with both check characters right."""
    if len(value) != 18 or any(c not in _USCC for c in value):
        return False
    return value[16] == organisation_check(value[8:16]) and value[17] == uscc_check(value[:17])


def is_resident_id(value: str) -> bool:
    """Whether ``value`` is an 18-digit resident id with a real date and the right check digit."""
    if len(value) != 18 or not (value[:17].isascii() and value[:17].isdigit()):
        return False
    try:
        date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    return value[17] == resident_check(value[:17])


def resident_check(first17: str) -> str:
    """The check character of the first 17 digits of a resident id."""
    total = sum(w * int(c) for w, c in zip(_RESIDENT_WEIGHTS, first17, strict=True))
    return "10X98765432"[total % 11]


def government(region: str) -> str:
    """The synthetic code of the government body that issues licences in ``region``."""
    return make_uscc("11", region, "XXXX0005")


def licence_identifier(region: str, serial: str, kind: str = BUSINESS_LICENCE) -> str:
    """``1.2.156.3005.2.<type>.<issuer>.<serial>.<version>.<check>``; the check covers the last four without dots."""
    parts = (LICENCE_DEFINER + kind, government(region), serial, "001")
    return ".".join((LICENCE_ROOT, *parts, mod_37_36("".join(parts))))


def is_licence_identifier(value: str) -> bool:
    """Whether ``value`` is built like an electronic licence identifier and its check character is right."""
    parts = value.removeprefix(LICENCE_ROOT + ".").split(".")
    if not value.startswith(LICENCE_ROOT + ".") or [len(part) for part in parts] != [21, 18, 16, 3, 1]:
        return False
    body = "".join(parts[:4])
    return all(char in _ALPHANUMERIC for char in body) and mod_37_36(body) == parts[4]
