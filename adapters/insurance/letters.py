"""The letters of the insurance wire: canonical JSON with exact decimals, HMAC-SM3 both ways."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from decimal import Decimal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from adapters.errors import ContractBroken

LONGEST_NUMBER = 24
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]{1,8})?")
SIGNED = ("msgid", "infno", "inf_time", "mdtrtarea_admvs", "insuplc_admdvs", "fixmedins_code")
NUMBERS = frozenset(
    {
        *("medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt", "act_pay_dedc"),
        *("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay", "fund_pay_sumamt"),
        *("psn_part_amt", "acct_pay", "psn_cash_pay", "hosp_part_amt", "balc", "acct_mulaid_pay"),
        *(
            "det_item_fee_sumamt",
            "cnt",
            "pric",
            "optins_pay_sumamt",
            "overlmt_amt",
            "selfpay_prop",
            "pric_uplmt_amt",
            "pool",
            "over_cap",
        ),
        *("big_illness_base", "medical_aid"),
    }
)
"""Fields that are numbers on the wire and texts in the house's bodies."""


def canonical(value: object) -> str:
    """JSON with sorted names, without blanks, decimals digit by digit. ContractBroken for what JSON cannot hold."""
    match value:
        case Mapping():
            return "{" + ",".join(f"{canonical(str(name))}:{canonical(value[name])}" for name in sorted(value)) + "}"
        case list() | tuple():
            return "[" + ",".join(map(canonical, value)) + "]"
        case Decimal():
            return f"{value:f}"
        case str() | bool() | int() | None:
            return json.dumps(value, ensure_ascii=False)
    raise ContractBroken("unsendable_value", type(value).__name__)


def to_wire(value: object, name: str = "") -> object:
    """A body of the house with the texts of its number fields as decimals; ContractBroken for a number in their place.

    A whole number could be yuan or fen, and whoever guesses is wrong by a hundred some day.
    """
    if isinstance(value, dict):
        return {key: to_wire(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [to_wire(each) for each in value]
    if name not in NUMBERS or isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or len(value) > LONGEST_NUMBER or not _NUMBER.fullmatch(value):
        raise ContractBroken("malformed", name)
    return Decimal(value)


def from_wire(value: object, name: str = "") -> object:
    """An output with every decimal, and every number in an amount's place, as text as it was written."""
    if isinstance(value, dict):
        return {key: from_wire(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [from_wire(each) for each in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if name in NUMBERS and isinstance(value, int) else value


def request_signature(secret: bytes, header: Mapping[str, str], given: object) -> str:
    """``cainfo``."""
    return _signature(secret, *(header[name] for name in SIGNED), _digest(canonical(given).encode()))


def is_sealed(secrets: tuple[bytes, ...], msgid: str, infno: str, body: bytes, mark: str) -> bool:
    """Whether the platform has signed that answer to this message."""
    seen = mark.encode("utf-8", "replace")
    return any(hmac.compare_digest(_signature(each, msgid, infno, _digest(body)).encode(), seen) for each in secrets)


def _signature(secret: bytes, *lines: str) -> str:
    made = HMAC(secret, hashes.SM3())
    made.update("\n".join(lines).encode())
    return made.finalize().hex()


def _digest(data: bytes) -> str:
    made = hashes.Hash(hashes.SM3())
    made.update(data)
    return made.finalize().hex()
