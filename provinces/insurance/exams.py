"""Reports of examinations and tests where they lie: uploaded, listed and shown to who is authorised. No conclusions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from provinces.clock import Clock
from provinces.insurance import register
from provinces.insurance.books import Books, Declaration, Kept
from provinces.insurance.given import Given
from provinces.insurance.letters import Fields, Letter
from provinces.insurance.refusals import Code, Refused

ROLE = "exams"
KINDS = {"4501": "exam", "4502": "lab"}
_LISTED = (
    "rpt_no", "rpt_type", "item_code", "item_name", "exam_time", "fixmedins_code", "fixmedins_name", "hr_scope",
    "qc_cert_no", "qc_begndate", "qc_enddate", "equip",
)  # fmt: skip
Work = Callable[[Letter, Given], Fields]


class Exams:
    """4501, 4502 from hospitals here; 5401, 5402, 5461 from anywhere."""

    def __init__(self, region: str, books: Books, clock: Clock) -> None:
        self._region = region
        self._books = books
        self._clock = clock
        self.uploads: Mapping[str, Work] = {"4501": self._upload, "4502": self._upload}
        self.answers: Mapping[str, Work] = {"5401": self._index, "5402": self._report, "5461": self._authorise}

    def answer(self, letter: Letter) -> Fields:
        """5461 has an effect and is done once per msgid; the others are answered anew."""
        if letter.infno != "5461":
            return self.answers[letter.infno](letter, Given(letter.input))
        kept = self._books.message(ROLE, letter.msgid)
        if kept is not None:
            if kept.digest != letter.digest():
                raise Refused(Code.MSGID_REUSED)
            return kept.output
        with self._books.transaction():
            output = self._authorise(letter, Given(letter.input))
            self._books.write_message(
                Kept(
                    ROLE, letter.msgid, letter.infno, letter.digest(), str(output["psn_no"]), "", "done", output,
                    self._clock.text(),
                )
            )  # fmt: skip
        return output

    def _upload(self, letter: Letter, given: Given) -> Fields:
        found = register.institution(self._region, letter.institution)
        body: Fields = {name: given.text(name) for name in ("psn_no", "certno", "rpt_no", "item_code", "item_name")}
        body |= {name: given.text(name, "") for name in ("hr_scope", "qc_cert_no", "result", "conclusion", "equip")}
        body |= {"qc_begndate": given.day("qc_begndate", ""), "qc_enddate": given.day("qc_enddate", "")}
        body |= {"exam_time": given.moment("exam_time"), "rpt_type": KINDS[letter.infno]}
        body |= {"fixmedins_code": found.code, "fixmedins_name": found.name}
        if not self._books.write_report(str(body["rpt_no"]), found.code, str(body["psn_no"]), body):
            raise Refused(Code.DETAIL_REFUSED, "rpt_no")
        return {"psn_no": body["psn_no"], "rpt_no": body["rpt_no"]}

    def _authorise(self, letter: Letter, given: Given) -> Fields:
        psn_no, begins, ends = given.text("psn_no"), given.day("begndate"), given.day("enddate")
        number = f"AU{self._region[:2]}{self._books.count('authorisation'):010}"
        more: Fields = {"auth_doc_no": given.text("auth_doc_no")}
        self._books.declare(
            Declaration(number, "authorisation", psn_no, "", letter.institution, begins, ends, letter.msgid, more)
        )
        return {"psn_no": psn_no, "auth_no": number}

    def _index(self, letter: Letter, given: Given) -> Fields:
        psn_no = self._authorised(letter, given)
        first, last = given.day("begndate"), given.day("enddate")
        rows = [
            {name: report[name] for name in _LISTED}
            for report in self._books.reports(psn_no)
            if first <= str(report["exam_time"])[:10] <= last
        ]
        return {"psn_no": psn_no, "data": rows}

    def _report(self, letter: Letter, given: Given) -> Fields:
        psn_no, number = self._authorised(letter, given), given.text("rpt_no")
        for report in self._books.reports(psn_no):
            if report["rpt_no"] == number:
                return {"psn_no": psn_no} | {name: report[name] for name in (*_LISTED, "certno", "result")}
        raise Refused(Code.REPORT_UNKNOWN)

    def _authorised(self, letter: Letter, given: Given) -> str:
        """The person, if this institution holds an authorisation for today."""
        psn_no, number, today = given.text("psn_no"), given.text("auth_no"), self._clock.today().isoformat()
        for held in self._books.declarations(psn_no, "authorisation"):
            if held.id == number and held.place == letter.institution and held.holds_on(today):
                return psn_no
        raise Refused(Code.NOT_AUTHORISED)
