"""People, companies and papers of the demo: numbers with right check characters that can belong to nobody.

Other ones at each call. County 99 is allocated nowhere, XXXX is given to no company, and the marks that make a
simulated province refuse or dawdle (provinces/README.md) are left out.
"""

from __future__ import annotations

import secrets
from datetime import date, timedelta

from stdnum.iso7064 import mod_11_2

from domain.identifiers import organisation_check_char, uscc_check_char

MARKS = range(80, 100)  # characters 15 and 16 of a credit code or of a resident id
NOT_REGISTERED = 404  # digits 15 to 17 of a resident id
BRANDS = "华瑞恒通汇丰盛达信诚联创新源安泰宏远博雅"
NAMES = ("林知夏", "周予安", "阿依古丽·买买提", "欧阳若川", "陈\U000242ee", "吴小满")  # U+242EE, CJK extension B
FIRST_BIRTHDAY, LAST_BIRTHDAY = date(1960, 1, 1), date(2000, 12, 31)


def number(digits: int) -> str:
    """That many random digits."""
    return f"{secrets.randbelow(10**digits):0{digits}}"


def company_name(city: str, trade: str = "") -> str:
    """Such as 合肥华恒示例有限公司."""
    brand = "".join(secrets.choice(BRANDS) for _ in range(2))
    return f"{city}{brand}示例{trade}有限公司"


def credit_code(region: str) -> str:
    """A well-formed unified social credit code of a company of that region."""
    serial = next(n for n in iter(lambda: number(4), "") if int(n[2:]) not in MARKS)
    eight = f"XXXX{serial}"
    first17 = f"91{region}{eight}{organisation_check_char(eight)}"
    return first17 + uscc_check_char(first17)


def person_name() -> str:
    """A name; rare and long ones among them."""
    return secrets.choice(NAMES)


def resident_id(city: str) -> str:
    """A well-formed resident id of a grown-up of that city, four digits, in its county 99."""
    days = (LAST_BIRTHDAY - FIRST_BIRTHDAY).days
    born = FIRST_BIRTHDAY + timedelta(days=secrets.randbelow(days + 1))
    orders = iter(lambda: secrets.randbelow(900), None)
    order = next(n for n in orders if n and n != NOT_REGISTERED and n // 10 not in MARKS)
    first17 = f"{city}99{born:%Y%m%d}{order:03}"
    return first17 + str(mod_11_2.calc_check_digit(first17))


def paper(title: str) -> bytes:
    """A small PDF with that title."""
    head = b"%PDF-1.4\n1 0 obj\n<< /Title (" + title.encode() + b") >>\nendobj\n"
    return head + b"trailer << /Info 1 0 R >>\n%%EOF\n"
