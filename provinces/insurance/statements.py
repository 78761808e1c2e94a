"""Totals and details of the books, and the institution's confirmation of a month: 3201, 3202, 3260-3262."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from decimal import Decimal

from provinces.clock import Clock
from provinces.insurance.books import Books
from provinces.insurance.compute import NOTHING
from provinces.insurance.given import Given
from provinces.insurance.letters import Fields, Letter
from provinces.insurance.refusals import Code, Refused

PAGE = 200
SIDES = {"treatment": ("treatment", "insured"), "hub": ("hub",)}
_MONEY = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")


class Statements:
    """For a platform (role treatment, which shows both its sides) or the hub."""

    def __init__(self, role: str, books: Books, clock: Clock) -> None:
        self._role = role
        self._books = books
        self._clock = clock
        self.queries: Mapping[str, Callable[[Letter, Given], Fields]] = {
            "3201": self._totals, "3202": self._details, "3260": self._month,
        }  # fmt: skip
        self.effects: Mapping[str, Callable[[Letter, Given], Fields]] = {
            "3261": self._confirm, "3262": self._roll_back,
        }  # fmt: skip

    def _totals(self, letter: Letter, given: Given) -> Fields:
        first, last = given.day("stmt_begndate"), given.day("stmt_enddate")
        rows = [
            row
            for row in shown(self._books, "treatment", first, last, letter.institution)
            if row["insutype"] == given.text("insutype") and row["clr_type"] == given.text("clr_type")
        ]
        wrong = [name for name in _MONEY if _sum(rows, name) != _signed(given, name)]
        counted = sum(1 if row["kind"] == "settle" else -1 for row in rows)
        if counted != given.fields.get("fixmedins_setl_cnt"):
            wrong.append("fixmedins_setl_cnt")
        told = {
            "setl_optins": given.text("setl_optins"), "stmt_rslt": "1" if wrong else "0",
            "stmt_rslt_dscr": ",".join(wrong),
        }  # fmt: skip
        return {"stmtinfo": told}

    def _details(self, letter: Letter, given: Given) -> Fields:
        first, last = given.day("stmt_begndate"), given.day("stmt_enddate")
        side = given.one_of("side", *SIDES[self._role])
        institution = given.text("fixmedins_code", "")
        return _page(shown(self._books, side, first, last, institution), given, "rows")

    def _month(self, letter: Letter, given: Given) -> Fields:
        rows: list[Fields] = [
            {
                "certno": self._certno(row), "mdtrt_id": row["mdtrt_id"], "mdtrt_setl_time": row["at"],
                "setl_sn": row["setl_id"], "medfee_sumamt": row["medfee_sumamt"],
                "optins_pay_sumamt": row["fund_pay_sumamt"],
            }
            for row in self._of_month(letter, given)
        ]  # fmt: skip
        paged = _page(rows, given, "detail")
        return paged | {"totalrow": len(rows)}

    def _confirm(self, letter: Letter, given: Given) -> Fields:
        there = {str(row["setl_id"]): row for row in self._of_month(letter, given)}
        rows = list(given.rows("detail"))
        if len(rows) != given.whole("totalrow", 0):
            raise Refused(Code.BAD_MESSAGE, "totalrow")
        otransid = f"C{self._books.count('confirmation'):012}"
        month = f"{given.text('trt_year')}-{given.text('trt_month')}"
        for row in rows:
            known = there.get(row.text("setl_sn"))
            if known is None or known["mdtrt_id"] != row.text("mdtrt_id"):
                raise Refused(Code.NOT_SETTLED)
            if known["medfee_sumamt"] != row.fields.get("medfee_sumamt"):
                raise Refused(Code.AMOUNT_MISMATCH)
            row.one_of("cnfm_flag", "0", "1")
            if not self._books.confirm(otransid, letter.institution, month, row.fields):
                raise Refused(Code.ALREADY_CONFIRMED)
        return {"otransid": otransid}

    def _roll_back(self, letter: Letter, given: Given) -> Fields:
        month = f"{given.text('trt_year')}-{given.text('trt_month')}"
        gone = self._books.roll_back(given.text("otransid"), letter.institution, month)
        if not gone:
            raise Refused(Code.NOT_CONFIRMED)
        return {"rolled_back": gone}

    def _of_month(self, letter: Letter, given: Given) -> list[Fields]:
        year, month = given.text("trt_year"), given.text("trt_month")
        try:
            last = monthrange(int(year), int(month))[1]
        except ValueError:
            raise Refused(Code.BAD_MESSAGE, "trt_month") from None
        return shown(self._books, "treatment", f"{year}-{month}-01", f"{year}-{month}-{last}", letter.institution)

    def _certno(self, row: Fields) -> str:
        visit = self._books.visit("treatment", str(row["mdtrt_id"]))
        return visit.certno if visit else ""


def shown(books: Books, side: str, first: str, last: str, institution: str = "") -> list[Fields]:
    """The book of these days as it is shown: with the differences a tester has planted, the ledger untouched."""
    rows = books.book(side, first, last, institution)
    for planted in books.differences():
        if planted["side"] != side:
            continue
        hit = [row for row in rows if row["setl_id"] == planted["setl_id"]]
        match planted["kind"]:
            case "missing":
                rows = [row for row in rows if row["setl_id"] != planted["setl_id"]]
            case "duplicate":
                rows += [dict(row) for row in hit]
            case "extra":
                rows += [row | {"setl_id": planted["as"], "mdtrt_id": f"{row['mdtrt_id']}X"} for row in hit]
            case "amount":
                more = Decimal(planted["by"])
                for row in hit:
                    row |= {
                        "fund_pay_sumamt": Decimal(str(row["fund_pay_sumamt"])) + more,
                        "psn_part_amt": Decimal(str(row["psn_part_amt"])) - more,
                    }
    return rows


def _page(rows: list[Fields], given: Given, name: str) -> Fields:
    page, pages = given.whole("page", 1), max(1, -(-len(rows) // PAGE))
    return {name: rows[(page - 1) * PAGE : page * PAGE], "total": len(rows), "page": page, "pages": pages}


def _sum(rows: list[Fields], name: str) -> Decimal:
    return sum((Decimal(str(row[name])) for row in rows), NOTHING)


def _signed(given: Given, name: str) -> Decimal:
    """An amount that may be below nothing: a day may hold more undone than done."""
    value = given.fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Refused(Code.BAD_MESSAGE, name)
    return Decimal(value)
