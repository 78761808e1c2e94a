"""The accounts of the books. A bill is a debit of the institution, whoever pays it is credited with what he pays."""

from __future__ import annotations

from enum import StrEnum


class Account(StrEnum):
    """``bill``: what the institution is owed. The next twelve: who pays it. The last two: between two provinces."""

    BILL = "bill"
    CASH = "cash"
    PERSONAL_ACCOUNT = "personal_account"
    MUTUAL_AID_ACCOUNT = "mutual_aid_account"
    HOSPITAL = "hospital"
    HIFP = "hifp"
    HIFOB = "hifob"
    HIFMI = "hifmi"
    HIFES = "hifes"
    CVLSERV = "cvlserv"
    MAF = "maf"
    OTH = "oth"
    ADVANCE = "advance"  # what the treatment province has laid out for the insured one
    PAYABLE = "payable"  # what the insured province owes the treatment one


BETWEEN_PROVINCES = (Account.ADVANCE, Account.PAYABLE)
