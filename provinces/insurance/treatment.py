"""The treatment place: takes the hospital's messages, splits fee lines by its catalogue, asks the insured place.

A message with an effect elsewhere is written down as pending before it is sent on, with the number of the visit it
opens; sent again it goes on with the same number, and the insured place answers what it answered first. Whatever
answer comes brings the rows of the visit's settlements with it, so that what was missed is made up for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from provinces.clock import Clock
from provinces.insurance import exams, register
from provinces.insurance.books import Books, Entry, Kept, Visit
from provinces.insurance.compute import NOTHING, Sums, cents, split_line
from provinces.insurance.given import Given
from provinces.insurance.hop import Hop
from provinces.insurance.insured import INPATIENT, OUTPATIENT, InsuredPlace, moment
from provinces.insurance.letters import Fields, Letter, fields
from provinces.insurance.refusals import Code, NotReached, Refused
from provinces.insurance.register import HUB, province_of
from provinces.insurance.statements import Statements

ROLE = "treatment"
OPENS = ("2401", "2201")
SETTLES = ("2303", "2304", "2206", "2207")
ELSEWHERE = (
    "2401", "2404", "2402", "2405", "2304", "2305", "2201", "2202", "2207", "2208", "2601", "2501", "2502", "2503",
    "2504", "2505", "2506", "X511", "X512", "5461",
)  # fmt: skip
ASKED_ELSEWHERE = ("1101", "2001", "2303", "2206", "5203", "5206", "5303", "5401", "5402")
BY_AGENCIES = (
    "9001", "1101", "2001", "1201", "2501", "2502", "2503", "2504", "2505", "2506", "X511", "X512", "3202", "5201",
    "5203", "5206", "5303", "2601",
)  # fmt: skip
LEVELS = {"A": "01", "B": "02", "C": "03"}
Work = Callable[[Letter, Given], Fields]


class TreatmentPlace:
    """The treatment place of one province, and its door to the insured places."""

    def __init__(self, region: str, books: Books, clock: Clock, insured: InsuredPlace, hop: Hop) -> None:
        self._region = region
        self._books = books
        self._clock = clock
        self._insured = insured
        self._exams = exams.Exams(region, books, clock)
        self._hop = hop
        statements = Statements(ROLE, books, clock)
        self._queries: Mapping[str, Work] = {"1201": self._institution, "5201": self._visits, **statements.queries}
        self._effects: Mapping[str, Work] = {
            "9001": self._sign_in, "2301": self._upload, "2204": self._upload, "2302": self._drop, "2205": self._drop,
            "2203": self._describe, **statements.effects, **self._exams.uploads,
        }  # fmt: skip

    async def from_hospital(self, letter: Letter) -> Fields:
        """The output of a hospital's or agency's message; raises Refused, NotReached, Unanswered."""
        if province_of(letter.treated_in) != self._region:
            raise Refused(Code.WRONG_PLACE, "mdtrtarea_admvs")
        is_agency = letter.institution.startswith("A") and letter.infno in BY_AGENCIES
        if not is_agency:
            register.institution(self._region, letter.institution)
        sign_no = letter.header["sign_no"]
        if letter.infno != "9001" and not self._books.is_signed_in(sign_no, letter.caller, letter.institution):
            raise Refused(Code.BAD_SIGN_NO)
        given = Given(letter.input)
        if letter.infno in self._queries:
            return self._queries[letter.infno](letter, given)
        if letter.infno in self._effects:
            return self._here(letter, given)
        if letter.infno in ASKED_ELSEWHERE:
            output = await self._ask(letter, given)
            with self._books.transaction():
                self._resolve(letter, given, output)
                return self._whole(output)
        if letter.infno in ELSEWHERE:
            return await self._elsewhere(letter, given)
        raise Refused(Code.UNKNOWN_INFNO, letter.infno)

    def from_hub(self, letter: Letter) -> Fields:
        """The output of a message about somebody insured here, or a report that lies here."""
        if province_of(letter.insured_in) != self._region:
            raise Refused(Code.WRONG_PLACE, "insuplc_admdvs")
        if letter.infno in self._exams.answers:
            return self._exams.answer(letter)
        return self._insured.handle(letter)

    # what is done here alone

    def _here(self, letter: Letter, given: Given) -> Fields:
        kept = self._known(letter)
        if kept is not None:
            return kept.output
        with self._books.transaction():
            output = self._effects[letter.infno](letter, given)
            self._keep(letter, str(given.fields.get("mdtrt_id", "")), "done", output)
        return output

    def _sign_in(self, letter: Letter, given: Given) -> Fields:
        given.text("opter_no")
        sign_no = f"SN{self._region[:2]}{self._books.count('sign_in'):012}"
        self._books.sign_in(sign_no, letter.caller, letter.institution)
        return {"sign_no": sign_no, "sign_time": moment(self._clock)}

    def _institution(self, letter: Letter, given: Given) -> Fields:
        found = register.institutions(self._region).get(given.text("fixmedins_code"))
        if found is None:
            raise Refused(Code.INSTITUTION_UNKNOWN)
        told = {
            "fixmedins_code": found.code, "fixmedins_name": found.name, "hosp_lv": str(found.level),
            "medins_stas": "1" if found.open else "0", "opnd_dise": list(found.diseases),
        }  # fmt: skip
        return {"medinsinfo": told}

    def _visits(self, letter: Letter, given: Given) -> Fields:
        psn_no, first, last = given.text("psn_no"), given.day("begntime"), given.day("endtime")
        rows = [
            {
                "mdtrt_id": v.mdtrt_id, "psn_no": v.psn_no, "med_type": v.med_type, "begntime": v.begins,
                "endtime": v.ends, "mdtrt_stas": v.state, "setl_id": v.settled,
            }
            for v in self._books.visits(ROLE, psn_no)
            if first <= v.begins[:10] <= last
        ]  # fmt: skip
        return {"psn_no": psn_no, "mdtrtinfo": rows}

    def _describe(self, letter: Letter, given: Given) -> Fields:
        visit = self._changeable(letter, given)
        if visit.kind != OUTPATIENT:
            raise Refused(Code.VISIT_STATE)
        med_type = given.one_of("med_type", "11", "14")
        if med_type != visit.med_type:
            raise Refused(Code.BAD_MESSAGE, "med_type")
        begins = given.moment("begntime")
        if begins[:10] != visit.begins[:10]:
            raise Refused(Code.BAD_MESSAGE, "begntime")
        self._books.write_visit(replace(visit, disease=given.text("dise_codg", visit.disease)))
        return {"psn_no": visit.psn_no, "mdtrt_id": visit.mdtrt_id}

    def _upload(self, letter: Letter, given: Given) -> Fields:
        visit = self._changeable(letter, given)
        there, results = self._books.lines(visit.mdtrt_id), []
        for row in given.rows("feedetail"):
            number = row.text("feedetl_sn")
            if number in there:
                raise Refused(Code.DETAIL_REFUSED, "feedetl_sn")
            there[number] = result = self._split(row)
            self._books.write_line(visit.mdtrt_id, number, result)
            results.append(result)
        return {"psn_no": visit.psn_no, "mdtrt_id": visit.mdtrt_id, "result": results}

    def _split(self, row: Given) -> Fields:
        """One line by the catalogue of this province."""
        item = register.catalogue(self._region).get(row.text("med_list_codg"))
        if item is None:
            raise Refused(Code.ITEM_UNKNOWN)
        row.moment("fee_ocur_time")
        count, price, amount = row.number("cnt"), row.number("pric"), row.money("det_item_fee_sumamt")
        if count <= 0 or cents(count * price) != amount:
            raise Refused(Code.DETAIL_REFUSED, "det_item_fee_sumamt")
        over = NOTHING if item.kind == "C" else min(amount, cents(max(Decimal(0), price - item.limit) * count))
        sums = split_line(item.kind, amount, over, item.selfpay)
        return {
            "feedetl_sn": row.text("feedetl_sn"), "det_item_fee_sumamt": amount, "cnt": count, "pric": price,
            "pric_uplmt_amt": item.limit, "selfpay_prop": item.selfpay,
            "fulamt_ownpay_amt": sums.own, "overlmt_amt": sums.over, "preselfpay_amt": sums.first,
            "inscp_scp_amt": sums.scope, "chrgitm_lv": LEVELS[item.kind],
            "hi_nego_drug_flag": "1" if item.negotiated else "0", "lmt_used_flag": "0", "drt_reim_flag": "1",
        }  # fmt: skip

    def _drop(self, letter: Letter, given: Given) -> Fields:
        visit = self._changeable(letter, given)
        there, named = self._books.lines(visit.mdtrt_id), given.texts("feedetl_sn")
        if any(number not in there for number in named) or len(set(named)) != len(named):
            raise Refused(Code.DETAIL_REFUSED, "feedetl_sn")
        gone = named or list(there)
        self._books.drop_lines(visit.mdtrt_id, gone)
        return {"psn_no": visit.psn_no, "mdtrt_id": visit.mdtrt_id, "cancelled": len(gone)}

    # what the insured place decides

    async def _elsewhere(self, letter: Letter, given: Given) -> Fields:
        kept = self._known(letter)
        if kept is not None and kept.state == "done":
            return kept.output
        visit_id = kept.visit if kept else str(given.fields.get("mdtrt_id", ""))
        with self._books.transaction():
            if kept is None and letter.infno in OPENS:
                visit_id = f"M{self._region[:2]}{self._books.count('visit'):012}"
            more = self._treatment(letter, given, visit_id)
            self._keep(letter, visit_id, "pending", {})
        try:
            output = await self._insured_place(letter, letter.input | {"treatment": more})
        except (Refused, NotReached) as no:
            if kept is None or isinstance(no, Refused):  # a message of unknown outcome stays one when nobody is reached
                with self._books.transaction():
                    self._books.forget_message(ROLE, letter.msgid)
            raise
        if output.get("psn_no", "") != given.fields.get("psn_no", ""):
            return _without_books(output)  # somebody else's: handed on as it is, believed by nobody
        with self._books.transaction():
            told = self._whole(output)
            latest = self._books.message(ROLE, letter.msgid)
            taken_back = latest is not None and latest.state == "reversed"
            if not taken_back:
                self._note(letter, given)
                self._keep(letter, visit_id, "done", told)
        if taken_back:  # while this message was under way
            raise Refused(Code.REVERSED)
        return told

    async def _ask(self, letter: Letter, given: Given) -> Fields:
        more = self._treatment(letter, given, str(given.fields.get("mdtrt_id", "")))
        return await self._insured_place(letter, letter.input | ({"treatment": more} if more else {}))

    async def _insured_place(self, letter: Letter, given: Fields) -> Fields:
        if not letter.insured_in:
            raise Refused(Code.BAD_MESSAGE, "insuplc_admdvs")
        target = province_of(letter.insured_in)
        if target not in register.REGIONS:
            raise Refused(Code.WRONG_PLACE, "insuplc_admdvs")
        if target == self._region:
            return self.from_hub(Letter(self._region, letter.header, given))
        return await self._hop.send(HUB, letter, given)

    def _treatment(self, letter: Letter, given: Given, visit_id: str) -> Fields:
        """What the treatment place adds to a message, and its own checks before it goes."""
        if letter.infno in OPENS:
            return {"mdtrt_id": visit_id}
        if letter.infno in SETTLES:
            return self._bill(letter, given)
        if letter.infno in ("2404", "2202") and self._books.lines(self._visit(given).mdtrt_id):
            raise Refused(Code.VISIT_STATE, "feedetail")
        if letter.infno == "2601" and given.text("oinfno") == "2401":
            opened = self._books.visit_by_msgid(ROLE, given.text("omsgid"))
            if opened is not None and self._books.lines(opened.mdtrt_id):
                raise Refused(Code.NOT_REVERSIBLE, "feedetail")
        return {}

    def _bill(self, letter: Letter, given: Given) -> Fields:
        visit, lines = self._visit(given), self._books.lines(str(given.fields["mdtrt_id"]))
        if not lines or visit.state == "cancelled":
            raise Refused(Code.VISIT_STATE, "feedetail" if not lines else "")
        names = ("det_item_fee_sumamt", "fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt")
        sums = sum((Sums(*(Given(line).money(name) for name in names)) for line in lines.values()), Sums())
        if sums.total != given.money("medfee_sumamt"):
            raise Refused(Code.AMOUNT_MISMATCH)
        found = register.institution(self._region, visit.institution)
        if visit.med_type == "14" and visit.disease not in found.diseases:
            raise Refused(Code.INSTITUTION_NOT_OPENED)
        if visit.kind == INPATIENT and letter.infno == "2304" and not visit.ends:
            raise Refused(Code.VISIT_STATE)
        now = moment(self._clock)
        ends = visit.begins if visit.kind == OUTPATIENT else visit.ends or max(now, visit.begins)
        return {
            "hosp_lv": found.level, "endtime": ends, "dise_codg": visit.disease, "medfee_sumamt": sums.total,
            "fulamt_ownpay_amt": sums.own, "overlmt_selfpay": sums.over, "preselfpay_amt": sums.first,
            "inscp_scp_amt": sums.scope,
        }  # fmt: skip

    def _note(self, letter: Letter, given: Given) -> None:
        """What the treatment place's own tables learn of an answer."""
        if letter.infno == "2601":
            omsgid, oinfno = given.text("omsgid"), given.text("oinfno")
            known = self._books.message(ROLE, omsgid)
            gone = known or Kept(ROLE, omsgid, oinfno, "", given.text("psn_no"), "", "", {}, self._clock.text())
            self._books.write_message(replace(gone, state="reversed"))

    def _resolve(self, letter: Letter, given: Given, output: Fields) -> None:
        """5203 has said what became of a message: it is pending no longer. Sent again, it is still sent on."""
        kept = self._books.message(ROLE, given.text("msgid", "")) if letter.infno == "5203" else None
        if kept is None or kept.state != "pending":
            return
        match output.get("msg_stas"):
            case "never_arrived":
                self._books.forget_message(ROLE, kept.msgid)
            case "done":
                self._books.write_message(replace(kept, state="asked"))
            case _:
                self._books.write_message(replace(kept, state="reversed"))

    def _whole(self, output: Fields) -> Fields:
        """Takes over what the insured place's books say of the visit; returns what the hospital is told."""
        take_over(self._books, ROLE, output, self._clock.text())
        return _without_books(output)

    # what several need

    def _known(self, letter: Letter) -> Kept | None:
        kept = self._books.message(ROLE, letter.msgid)
        if kept is not None:
            if kept.digest and kept.digest != letter.digest():
                raise Refused(Code.MSGID_REUSED)
            if kept.state == "reversed":
                raise Refused(Code.REVERSED)
        return kept

    def _keep(self, letter: Letter, visit: str, state: str, output: Fields) -> None:
        psn_no = str(letter.input.get("psn_no", ""))
        self._books.write_message(
            Kept(
                ROLE, letter.msgid, letter.infno, letter.digest(), psn_no, visit, state, output, self._clock.text()
            )
        )  # fmt: skip

    def _visit(self, given: Given) -> Visit:
        visit = self._books.visit(ROLE, given.text("mdtrt_id"))
        if visit is None:
            raise Refused(Code.VISIT_UNKNOWN)
        if visit.psn_no != given.text("psn_no"):
            raise Refused(Code.WRONG_PERSON)
        return visit

    def _changeable(self, letter: Letter, given: Given) -> Visit:
        """A visit whose lines may change: the institution's own, not settled, nothing about it on its way."""
        visit = self._visit(given)
        if visit.institution != letter.institution:
            raise Refused(Code.VISIT_UNKNOWN)
        if visit.settled:
            raise Refused(Code.ALREADY_SETTLED)
        if visit.state == "cancelled" or self._books.pending_of(ROLE, visit.mdtrt_id):
            raise Refused(Code.VISIT_STATE)
        return visit


def take_over(books: Books, role: str, output: Fields, at: str) -> None:
    """Rows of settlements that this role has not seen yet; at the treatment place also how the visit stands."""
    told = output.get("books")
    if not isinstance(told, dict):
        return
    if role == ROLE:
        visit = Visit(**fields(told["visit"]) | {"role": role})  # type: ignore[arg-type]
        known = books.visit(role, visit.mdtrt_id)  # 2203 is said here alone
        books.write_visit(replace(visit, disease=known.disease) if known else visit)
    for each in told["rows"]:
        row = fields(each)
        books.enter(
                Entry(
                    role, at, str(row["day"]), str(row["kind"]), 1 if row["kind"] == "settle" else -1,
                    str(row["msgid"]), str(row["infno"]), str(row["psn_no"]), str(row["mdtrt_id"]),
                    str(row["setl_id"]), str(row["orig_setl_id"]), "", row,
                )
            )  # fmt: skip


def _without_books(output: Fields) -> Fields:
    return {name: value for name, value in output.items() if name != "books"}
