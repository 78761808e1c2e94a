"""The fields of a call and of an answer: plain names, text that can be sent, and money that never passes a float.

In our words money is a field whose name ends in ``_fen``, a string of integer fen. Every province writes it otherwise;
the conversion is exact both ways, or the call is not sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar

from adapters.errors import Ambiguous, ContractBroken, Misconfigured
from domain.effects import ProvinceCall, Verb

NAME = re.compile(r"[a-z0-9_]{1,64}")
KEY = re.compile(r"[0-9a-f]{64}")
MONEY = "_fen"
KEYED = frozenset(
    {Verb.SUBMIT, Verb.CONSULT, Verb.NOTIFY, Verb.SUPPLEMENT, Verb.WITHDRAW, Verb.REVERSE, Verb.FETCH}
)  # in the province's ledger; what is not among them is sent without a key
ABOUT_EARLIER = frozenset({Verb.SUPPLEMENT, Verb.WITHDRAW, Verb.REVERSE})  # they name an original
_FEN = re.compile(r"0|-?[1-9][0-9]{0,17}")
_YUAN = re.compile(r"(-?)(0|[1-9][0-9]{0,15})\.([0-9]{2})")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MOST_FEN = 10**18

Sent = TypeVar("Sent")


def check_route(call: ProvinceCall) -> None:
    """Department and operation become part of an address, and so may the original: Misconfigured("bad_route") unless
    they are plain."""
    if not (NAME.fullmatch(call.department) and NAME.fullmatch(call.operation)):
        raise Misconfigured("bad_route", "department or operation is no plain name")
    if call.verb in ABOUT_EARLIER and not KEY.fullmatch(call.original):
        raise Misconfigured("bad_route", "the original is no key")


def short_number(case_no: str, key: str) -> str:
    """A business number for provinces that keep no keys and people who write one down: case, and enough of the key."""
    return f"{case_no}-{key[:16]}"


def outgoing(payload: Mapping[str, str], money: Callable[[int], Sent]) -> dict[str, str | Sent]:
    """The fields of a call in a province's form: texts as they are, money as ``money`` writes an amount in fen.
    ContractBroken("bad_amount" | "unsendable_text") before anything is sent."""
    for name, value in payload.items():
        if not NAME.fullmatch(name) or _SURROGATE.search(value):
            raise ContractBroken("unsendable_text", "a name that is not plain, or half a surrogate pair")
    return {name: money(fen(value)) if name.endswith(MONEY) else value for name, value in payload.items()}


def incoming(data: object, money: Callable[[object], str]) -> object:
    """Result fields in our words: what ends in ``_fen`` as ``money`` reads it, everything else untouched and unchecked
    (``build_answer`` checks it)."""
    if not isinstance(data, Mapping):
        return data
    return {n: money(v) if isinstance(n, str) and n.endswith(MONEY) else v for n, v in data.items()}


def fen(value: str) -> int:
    """Fen of a field of ours; ContractBroken("bad_amount") unless it is an integer as one writes it."""
    if not _FEN.fullmatch(value):
        raise ContractBroken("bad_amount", "an amount is no integer of fen")
    return int(value)


def from_fen_text(value: object) -> str:
    """A province's string of fen."""
    if not isinstance(value, str) or not _FEN.fullmatch(value):
        raise Ambiguous("unreadable_answer", "amount")
    return value


def from_fen_number(value: object) -> str:
    """A province's JSON integer of fen."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= _MOST_FEN:
        raise Ambiguous("unreadable_answer", "amount")
    return str(value)


def from_yuan_text(value: object) -> str:
    """A province's text of yuan with exactly two decimals."""
    parts = _YUAN.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise Ambiguous("unreadable_answer", "amount")
    return str(int("".join(parts.groups())))


def from_yuan_number(value: object) -> str:
    """A province's JSON number of yuan with exactly two decimals, read as Decimal."""
    if not isinstance(value, Decimal) or value.as_tuple().exponent != -2:
        raise Ambiguous("unreadable_answer", "amount")
    return from_yuan_text(str(value))
