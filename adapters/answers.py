"""From what a province said to an ``Answer`` that the house can trust: sizes, characters, codes, licence numbers.

A province is believed about its own business and about nothing else. Texts stay texts: whoever shows one escapes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NoReturn, TypeVar

from stdnum.iso7064 import mod_37_36

from adapters.errors import Ambiguous, ContractBroken, ProvinceError, Unavailable
from adapters.fields import NAME
from domain.effects import Answer, AnswerStatus, Expect
from domain.messages import Text

LONGEST_VALUE = 4000
MOST_VALUES = 200
LONGEST_POLL_S = 86400
REASON = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
EVENT = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
NUMBER = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{0,128}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # and half surrogates, which nothing can store
_LICENCE_ROOT = "1.2.156.3005.2."

Meaning = TypeVar("Meaning")
Trouble = tuple[type[ProvinceError], str]  # an error of the tree and its code


def build_answer(
    status: AnswerStatus,
    *,
    reference: object = "",
    data: object = None,
    reasons: object = (),
    text: object = None,
    wants: object = None,
    check_after: object = 0,
    poll_after_s: int = 30,
    now: float | None = None,
    until: datetime | None = None,
    expect: Expect = Expect.POLL,
    retryable: bool = False,
) -> Answer:
    """Checks every part; Ambiguous ("unreadable_answer", name of the part) for what has the wrong type or size,
    ContractBroken for a licence number that cannot be right. Error texts never hold values: they may be personal.

    check_after: seconds, 0 if the province does not say. now: Unix time; with it ``until`` is when they have passed.
    """
    if not isinstance(check_after, int) or isinstance(check_after, bool):
        _unreadable("check_after")
    pause = min(check_after, LONGEST_POLL_S)
    if now is not None and pause > 0 and status is AnswerStatus.PENDING:
        until = datetime.fromtimestamp(now + pause, UTC)
    fields = values(data)
    number = fields.get("licence_identifier")
    if number is not None and not is_licence_identifier(number):
        raise ContractBroken("invalid_licence_identifier")
    if not isinstance(reference, str) or not NUMBER.fullmatch(reference):
        _unreadable("reference")
    return Answer(
        status=status,
        reference=str(reference),
        data=fields,
        reasons=codes(reasons),
        text=text_of(text, "text"),
        wants=text_of(wants, "wants"),
        poll_after_s=pause if pause > 0 else poll_after_s,
        until=until,
        expect=expect,
        retryable=retryable,
    )


def meaning(table: Mapping[str, Meaning], code: object) -> Meaning:
    """What a province's code stands for; ContractBroken("unknown_result_code") for one that is not in the table."""
    if not isinstance(code, str) or code not in table:
        raise ContractBroken("unknown_result_code")
    return table[code]


def plain(shape: re.Pattern[str], text: object) -> str:
    """A key, a number or an event id of the right shape; Ambiguous("unreadable_answer") otherwise."""
    if not isinstance(text, str) or not shape.fullmatch(text):
        _unreadable("number")
    return str(text)


def trouble(table: Mapping[str, Trouble], code: object, retry_after: float | None = None) -> ProvinceError:
    """The error a province's code stands for; ContractBroken("unknown_result_code") if it is not in the table."""
    kind, name = meaning(table, code)
    return Unavailable(name, retry_after=retry_after) if kind is Unavailable else kind(name)


def values(data: object) -> dict[str, str]:
    """Result fields: plain names, strings of bounded length without control characters."""
    if data is None:
        return {}
    if not isinstance(data, Mapping) or len(data) > MOST_VALUES:
        _unreadable("data")
    found: dict[str, str] = {}
    for name, value in data.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            _unreadable("data")
        if not isinstance(value, str) or len(value) > LONGEST_VALUE or _CONTROL.search(value):
            _unreadable("data")
        found[name] = value
    return found


def codes(reasons: object) -> tuple[str, ...]:
    """Reason codes."""
    if not isinstance(reasons, list | tuple) or len(reasons) > MOST_VALUES:
        _unreadable("reasons")
    if not all(isinstance(each, str) and REASON.fullmatch(each) for each in reasons):
        _unreadable("reasons")
    return tuple(reasons)


def text_of(text: object, part: str) -> Text | None:
    """A text in zh and en."""
    if text is None:
        return None
    both = [text.get("zh"), text.get("en")] if isinstance(text, Mapping) else []
    if len(both) != 2 or not all(
        isinstance(t, str) and len(t) <= LONGEST_VALUE and not _CONTROL.search(t) for t in both
    ):
        _unreadable(part)
    return Text(zh=str(both[0]), en=str(both[1]))


def is_licence_identifier(number: str) -> bool:
    """Whether the check character is right (GB/T 36904: ISO 7064 MOD 37,36 over the last five fields without dots)."""
    return number.startswith(_LICENCE_ROOT) and mod_37_36.is_valid(number[len(_LICENCE_ROOT) :].replace(".", ""))


def _unreadable(part: str) -> NoReturn:
    raise Ambiguous("unreadable_answer", part)
