"""What is declared at the insured place: filings, referrals, chronic certificates, institutions for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from provinces.insurance.books import Books, Declaration
from provinces.insurance.given import Given
from provinces.insurance.letters import Fields, Letter
from provinces.insurance.refusals import Code, Refused
from provinces.insurance.register import Insured

CATEGORIES = ("long_term", "referral", "emergency", "other")
_REFERRAL_TEXTS = (
    "insutype", "tel", "addr", "insu_optins", "diag_code", "diag_name", "dise_cond_dscr", "reflin_medins_no",
    "reflin_medins_name", "hosp_agre_refl_flag", "refl_type", "refl_date", "refl_rea", "refl_opnn",
)  # fmt: skip


class _Finds(Protocol):
    def __call__(self, letter: Letter, psn_no: str) -> Insured: ...


class Declarations:
    """Messages 2501-2506, and X511 and X512, which are ours."""

    def __init__(self, books: Books, person: _Finds) -> None:
        self._books = books
        self._person = person
        self.effects: Mapping[str, Callable[[Letter, Given], Fields]] = {
            "X511": self._file, "X512": self._unfile, "2501": self._refer, "2502": self._unfile,
            "2503": self._certify, "2504": self._uncertify, "2505": self._choose, "2506": self._unchoose,
        }  # fmt: skip

    def _file(self, letter: Letter, given: Given) -> Fields:
        category = given.one_of("category", *CATEGORIES)
        number = given.text("filing_no")
        return self._add(letter, given, "filing", category, given.place("dest_admdvs"), {"filing_no": number}, "")

    def _refer(self, letter: Letter, given: Given) -> Fields:
        more: Fields = {name: given.text(name, "") for name in _REFERRAL_TEXTS}
        return self._add(letter, given, "filing", "referral", given.place("mdtrtarea_admdvs"), more)

    def _certify(self, letter: Letter, given: Given) -> Fields:
        return self._add(letter, given, "certificate", given.text("dise_codg"), "", {})

    def _choose(self, letter: Letter, given: Given) -> Fields:
        return self._add(letter, given, "choice", given.text("dise_codg"), given.text("fixmedins_code"), {})

    def _unfile(self, letter: Letter, given: Given) -> Fields:
        return self._end(letter, given, "filing", given.day("enddate", ""))

    def _uncertify(self, letter: Letter, given: Given) -> Fields:
        return self._end(letter, given, "certificate", "")

    def _unchoose(self, letter: Letter, given: Given) -> Fields:
        return self._end(letter, given, "choice", "")

    def _add(
        self,
        letter: Letter,
        given: Given,
        kind: str,
        subject: str,
        place: str,
        more: Fields,
        no_end: str | None = None,
    ) -> Fields:
        person = self._person(letter, given.text("psn_no"))
        begins, ends = given.day("begndate"), given.day("enddate", no_end)
        if ends and ends < begins:
            raise Refused(Code.BAD_MESSAGE, "enddate")
        for held in self._books.declarations(person.psn_no, kind):
            overlaps = held.state == "in_force" and begins <= (held.ends or "9999") and held.begins <= (ends or "9999")
            if not overlaps:
                continue
            if more.get("filing_no") and more == held.more and (subject, place) == (held.subject, held.place):
                return {"psn_no": person.psn_no, "trt_dcla_detl_sn": held.id}  # the same filing, told again
            if kind == "filing" and subject == held.subject == "long_term":
                raise Refused(Code.FILING_OVERLAP)
        number = f"D{person.area}{self._books.count('declaration'):011}"
        self._books.declare(Declaration(number, kind, person.psn_no, subject, place, begins, ends, letter.msgid, more))
        return {"psn_no": person.psn_no, "trt_dcla_detl_sn": number}

    def _end(self, letter: Letter, given: Given, kind: str, last_day: str) -> Fields:
        person, number = self._person(letter, given.text("psn_no")), given.text("trt_dcla_detl_sn")
        for held in self._books.declarations(person.psn_no, kind):
            if held.id == number and held.state == "in_force":
                over = not last_day or last_day < held.begins
                ended = replace(held, state="cancelled") if over else replace(held, ends=last_day)
                self._books.declare(ended)
                return {"psn_no": person.psn_no, "trt_dcla_detl_sn": number}
        raise Refused(Code.FILING_UNKNOWN if kind == "filing" else Code.CERTIFICATE_UNKNOWN)
