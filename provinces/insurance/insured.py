"""The insured place: persons, filings, certificates, year totals; what it decides about a settlement is the truth.

Every message with an effect is one transaction: the effect, its ledger row and the stored answer, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from decimal import Decimal

from provinces.clock import CHINA, Clock
from provinces.insurance import declarations, settling
from provinces.insurance.books import Books, Entry, Kept, Visit
from provinces.insurance.compute import Year
from provinces.insurance.given import Given
from provinces.insurance.letters import Fields, Letter, fields
from provinces.insurance.refusals import Code, Refused
from provinces.insurance.register import Insured, pooling_area

ROLE = "insured"
REVERSIBLE = ("2102", "2103", "2207", "2208", "2304", "2305", "2401")
INPATIENT, OUTPATIENT = "inpatient", "outpatient"
ENTITLED = "1"
Work = Callable[[Letter, Given], Fields]


def moment(clock: Clock) -> str:
    """Now, as the wire writes it."""
    return clock.now().astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


class InsuredPlace:
    """The insured place of one province."""

    def __init__(self, region: str, books: Books, clock: Clock) -> None:
        self._region = region
        self._books = books
        self._clock = clock
        filed = declarations.Declarations(books, self.person)
        self.queries: Mapping[str, Work] = {
            "1101": self._who, "2001": self._check, "2303": self._preview, "2206": self._preview,
            "5203": self._settlements, "5206": self._year_totals, "5303": self._in_hospital,
        }  # fmt: skip
        self.effects: Mapping[str, Work] = {
            "2401": self._open, "2201": self._open, "2404": self._cancel, "2202": self._cancel,
            "2402": self._discharge, "2405": self._back_in_bed, "2304": self._settle, "2207": self._settle,
            "2305": self._undo, "2208": self._undo, "2601": self._reverse, **filed.effects,
        }  # fmt: skip

    def handle(self, letter: Letter) -> Fields:
        """The output of a message; raises Refused. With ``books``: what the other books need to be whole."""
        given = Given(letter.input)
        if letter.infno in self.queries:
            return self._with_books(self.queries[letter.infno](letter, given))
        if letter.infno not in self.effects:
            raise Refused(Code.UNKNOWN_INFNO, letter.infno)
        kept = self._books.message(ROLE, letter.msgid)
        if kept is not None:
            if kept.digest and kept.digest != letter.digest():
                raise Refused(Code.MSGID_REUSED)
            if kept.state == "reversed":
                raise Refused(Code.REVERSED)
            return self._with_books(kept.output)
        with self._books.transaction():
            output = self.effects[letter.infno](letter, given)
            self._keep(letter, str(output.get("psn_no", "")), str(output.get("mdtrt_id", "")), output)
        return self._with_books(output)

    def person(self, letter: Letter, psn_no: str) -> Insured:
        """Somebody insured in the place the message names; Refused otherwise."""
        found = self._books.person("psn_no", psn_no)
        if found is None or found.area != pooling_area(letter.insured_in):
            raise Refused(Code.NOT_INSURED)
        return found

    # queries

    def _who(self, letter: Letter, given: Given) -> Fields:
        given.one_of("mdtrt_cert_type", "01", "02", "03")
        found = self._books.person("certno", given.text("mdtrt_cert_no").upper())
        if found is None or found.area != pooling_area(letter.insured_in):
            raise Refused(Code.NOT_INSURED)
        if given.text("psn_name", "") not in ("", found.name):
            raise Refused(Code.WRONG_PERSON)
        base = {
            "psn_no": found.psn_no, "certno": found.certno, "psn_cert_type": "01", "psn_name": found.name,
            "gend": "1" if int(found.certno[16]) % 2 else "2", "brdy": found.born,
        }  # fmt: skip
        insured = {
            "insutype": found.insutype, "psn_type": found.psn_type, "psn_insu_stas": found.status,
            "insuplc_admdvs": found.area, "balc": found.balance,
        } | ({"aid": found.aid} if found.aid else {})  # fmt: skip
        return {"psn_no": found.psn_no, "baseinfo": base, "insuinfo": [insured]}

    def _check(self, letter: Letter, given: Given) -> Fields:
        person, day = self.person(letter, given.text("psn_no")), given.day("mdtrt_date")
        med_type = given.one_of("med_type", "11", "14", "21", "22", "23", "24")
        emergency = given.text("otp_er_refl_flag", "") == "1" or med_type == "24"
        kind = OUTPATIENT if med_type in ("11", "14") else INPATIENT
        told: Fields = {
            "psn_no": person.psn_no, "trt_chk_rslt": "1", "category": "", "trt_dcla_detl_sn": "", "reason": "",
        }  # fmt: skip
        try:
            self._entitled(person, given)
            found = settling.category_of(self._books, person, letter.treated_in, day, kind, emergency=emergency)
            told |= {"category": found.name, "trt_dcla_detl_sn": found.filing}
            if med_type == "14":
                disease = given.text("dise_codg", "")
                settling.check_certificate(self._books, person, disease, letter.institution, day)
        except Refused as no:
            told |= {"trt_chk_rslt": "0", "reason": no.code.name.lower()}
        return told

    def _preview(self, letter: Letter, given: Given) -> Fields:
        person, visit, claim = self._claim(letter, given)
        info = settling.setlinfo(claim, person, visit, moment(self._clock), letter.msgid)
        return {"psn_no": person.psn_no, "mdtrt_id": visit.mdtrt_id, "setlinfo": info}

    def _settlements(self, letter: Letter, given: Given) -> Fields:
        person = self.person(letter, given.text("psn_no"))
        msgid, mdtrt_id, setl_id = (given.text(name, "") for name in ("msgid", "mdtrt_id", "setl_id"))
        if not msgid and not mdtrt_id and not setl_id:
            raise Refused(Code.BAD_MESSAGE, "msgid")
        told: Fields = {"psn_no": person.psn_no, "msg_stas": "", "mdtrt_id": mdtrt_id}
        kept = self._books.message(ROLE, msgid) if msgid else None
        if msgid and kept is None:
            return told | {"msg_stas": "never_arrived", "rows": []}
        if kept is not None:
            if kept.psn_no != person.psn_no:
                raise Refused(Code.WRONG_PERSON)
            told |= {"msg_stas": kept.state if kept.digest else "tombstone", "mdtrt_id": kept.visit}
        found = self._books.entries(
            "role = ? AND psn_no = ? AND setl_id <> '' AND ? IN ('', msgid) AND ? IN ('', mdtrt_id)"
            " AND ? IN ('', setl_id)",
            ROLE, person.psn_no, msgid, mdtrt_id, setl_id,
        )  # fmt: skip
        return told | {"rows": [self._shown(entry) for entry in found]}

    def _shown(self, entry: Fields) -> Fields:
        found = self._books.settlement(str(entry["setl_id"]))
        visit = self._books.visit(ROLE, str(entry["mdtrt_id"]))
        info = found[1]["setlinfo"] if found else {}
        in_force = visit is not None and visit.settled in (entry["setl_id"], found[0] if found else "")
        stas = "1" if in_force and entry["kind"] == "settle" else "0"
        return {"setlinfo": info, "msgid": entry["msgid"], "infno": entry["infno"], "kind": entry["kind"], "stas": stas}

    def _year_totals(self, letter: Letter, given: Given) -> Fields:
        person, year = self.person(letter, given.text("psn_no")), given.text("cum_year")
        totals = self._books.year(person.psn_no, given.text("insutype"), INPATIENT, year)
        told = {
            "insutype": given.text("insutype"), "cum_year": year, "stays": totals.stays, "pool": totals.pool,
            "over_cap": totals.over_cap, "big_illness_base": totals.big_illness_base,
            "medical_aid": totals.medical_aid,
        }  # fmt: skip
        return {"psn_no": person.psn_no, "cuminfo": told}

    def _in_hospital(self, letter: Letter, given: Given) -> Fields:
        person = self.person(letter, given.text("psn_no"))
        rows = [
            {
                "mdtrt_id": each.mdtrt_id, "msgid": each.msgid, "mdtrtarea_admvs": each.treated_in,
                "fixmedins_code": each.institution, "begntime": each.begins,
            }
            for each in self._in_bed(person.psn_no)
        ]  # fmt: skip
        return {"psn_no": person.psn_no, "data": rows}

    # visits

    def _open(self, letter: Letter, given: Given) -> Fields:
        person, inpatient = self.person(letter, given.text("psn_no")), letter.infno == "2401"
        self._entitled(person, given)
        given.one_of("mdtrt_cert_type", "01", "02", "03")
        if given.text("mdtrt_cert_no").upper() != person.certno:
            raise Refused(Code.WRONG_PERSON)
        med_type = given.one_of("med_type", *(("21", "22", "23", "24") if inpatient else ("11", "14")))
        if inpatient and self._in_bed(person.psn_no):
            raise Refused(Code.IN_HOSPITAL_ELSEWHERE)
        visit = Visit(
            role=ROLE, mdtrt_id=self._treated(given).text("mdtrt_id"), msgid=letter.msgid,
            kind=INPATIENT if inpatient else OUTPATIENT, psn_no=person.psn_no, certno=person.certno,
            insutype=person.insutype, insured_in=person.area, treated_in=letter.treated_in,
            institution=letter.institution, med_type=med_type, emergency=given.text("otp_er_refl_flag", "") == "1",
            disease=given.text("dise_codg", ""), begins=given.moment("begntime"), ends="", way="", state="open",
            settled="",
        )  # fmt: skip
        self._books.write_visit(visit)
        self._enter(letter, "admit" if inpatient else "register", 1, visit)
        return {"psn_no": person.psn_no, "mdtrt_id": visit.mdtrt_id}

    def _cancel(self, letter: Letter, given: Given) -> Fields:
        _, visit = self._visit(letter, given)
        if visit.state != "open":
            raise Refused(Code.VISIT_STATE)
        self._books.write_visit(replace(visit, state="cancelled"))
        self._enter(letter, "cancel", -1, visit)
        return {"psn_no": visit.psn_no, "mdtrt_id": visit.mdtrt_id}

    def _discharge(self, letter: Letter, given: Given) -> Fields:
        _, visit = self._visit(letter, given)
        ends = given.moment("endtime")
        if visit.kind != INPATIENT or visit.state != "open":
            raise Refused(Code.VISIT_STATE)
        if ends < visit.begins:
            raise Refused(Code.BAD_MESSAGE, "endtime")
        way = given.one_of("dscg_way", "1", "2", "3", "4", "5", "9")
        self._books.write_visit(replace(visit, state="discharged", ends=ends, way=way))
        self._enter(letter, "discharge", 0, visit)
        return {"psn_no": visit.psn_no, "mdtrt_id": visit.mdtrt_id}

    def _back_in_bed(self, letter: Letter, given: Given) -> Fields:
        person, visit = self._visit(letter, given)
        if visit.state != "discharged":
            raise Refused(Code.VISIT_STATE)
        if self._in_bed(person.psn_no):
            raise Refused(Code.IN_HOSPITAL_ELSEWHERE)
        self._books.write_visit(replace(visit, state="open", ends="", way=""))
        self._enter(letter, "discharge_cancelled", 0, visit)
        return {"psn_no": visit.psn_no, "mdtrt_id": visit.mdtrt_id}

    # money

    def _settle(self, letter: Letter, given: Given) -> Fields:
        person, visit, claim = self._claim(letter, given)
        if visit.kind == INPATIENT and visit.state != "discharged":
            raise Refused(Code.VISIT_STATE)
        info = settling.setlinfo(claim, person, visit, moment(self._clock), letter.msgid)
        info["setl_id"] = self._number("S")
        added = replace(claim.result.added, stays=1)
        self._book(letter, visit, info, "settle", added, str(info["setl_id"]))
        self._books.write_visit(replace(visit, settled=str(info["setl_id"])))
        return {"psn_no": person.psn_no, "mdtrt_id": visit.mdtrt_id, "setl_id": info["setl_id"], "setlinfo": info}

    def _undo(self, letter: Letter, given: Given) -> Fields:
        _, visit = self._visit(letter, given, settled=True)
        if visit.settled != given.text("setl_id"):
            raise Refused(Code.NOT_SETTLED)
        return self._turn_back(letter, visit, visit.settled)

    def _turn_back(self, letter: Letter, visit: Visit, setl_id: str) -> Fields:
        """Books the opposite of a settlement and takes it out of the year."""
        found = self._books.settlement(setl_id)
        if found is None:
            raise Refused(Code.NOT_SETTLED)
        body = found[1]
        info = settling.negated(fields(body["setlinfo"])) | {
            "setl_id": self._number("S"), "orig_setl_id": setl_id, "setl_time": moment(self._clock),
            "medins_setl_id": letter.msgid,
        }  # fmt: skip
        self._book(letter, visit, info, "undo", _year(fields(body["added"])), setl_id, sign=-1)
        self._books.write_visit(replace(visit, settled=""))
        return {"psn_no": visit.psn_no, "mdtrt_id": visit.mdtrt_id, "setl_id": info["setl_id"], "setlinfo": info}

    def _restore(self, letter: Letter, visit: Visit, undo_id: str) -> Fields:
        """An undoing is itself taken back: the settlement stands again, by a row of its own."""
        found = self._books.settlement(undo_id)
        of_person = self._books.entries("role = ? AND psn_no = ? AND setl_id <> ''", ROLE, visit.psn_no)
        since = of_person[next((n for n, row in enumerate(of_person, 1) if row["setl_id"] == undo_id), 0) :]
        # what has been settled since was computed on the year and the account as the undoing left them
        if found is None or visit.settled or any(row["kind"] == "settle" for row in since):
            raise Refused(Code.NOT_REVERSIBLE)
        root, body = found
        info = settling.negated(fields(body["setlinfo"])) | {
            "setl_id": self._number("S"), "orig_setl_id": undo_id, "setl_time": moment(self._clock),
            "medins_setl_id": letter.msgid,
        }  # fmt: skip
        self._book(letter, visit, info, "settle", _year(fields(body["added"])), root)
        self._books.write_visit(replace(visit, settled=root))
        return {"psn_no": visit.psn_no, "mdtrt_id": visit.mdtrt_id}

    def _book(
        self, letter: Letter, visit: Visit, info: Fields, kind: str, added: Year, root: str, sign: int = 1
    ) -> None:
        person, setl_id, year = self.person(letter, visit.psn_no), str(info["setl_id"]), str(info["setl_year"])
        balance = person.balance - Decimal(str(info["acct_pay"]))
        info["balc"] = balance
        self._books.change_person(person.psn_no, "balance", str(balance))
        before = self._books.year(person.psn_no, visit.insutype, visit.kind, year)
        after = settling.added_up(before, added, sign)
        self._books.write_year(person.psn_no, visit.insutype, visit.kind, year, after)
        row = settling.book_row(info, visit, kind, letter.msgid, letter.infno)
        delta = 1 if kind == "settle" else -1
        entry = Entry(
            ROLE, self._clock.text(), str(row["day"]), kind, delta, letter.msgid, letter.infno, visit.psn_no,
            visit.mdtrt_id, setl_id, str(info["orig_setl_id"]), root, row,
        )  # fmt: skip
        self._books.enter(entry)
        numbers = {"stays": added.stays, "pool": added.pool, "over_cap": added.over_cap}
        numbers |= {"big_illness_base": added.big_illness_base, "medical_aid": added.medical_aid}
        self._books.write_settlement(setl_id, root, {"setlinfo": info, "added": numbers})

    def _reverse(self, letter: Letter, given: Given) -> Fields:
        person = self.person(letter, given.text("psn_no"))
        omsgid, oinfno = given.text("omsgid"), given.text("oinfno")
        if oinfno not in REVERSIBLE:
            raise Refused(Code.NOT_REVERSIBLE, oinfno)
        told: Fields = {"psn_no": person.psn_no, "omsgid": omsgid, "oinfno": oinfno, "rev_rslt": "reversed"}
        kept = self._books.message(ROLE, omsgid)
        if kept is None:
            stone = Kept(ROLE, omsgid, oinfno, "", person.psn_no, "", "reversed", {}, self._clock.text())
            self._books.write_message(stone)
            return told | {"rev_rslt": "never_arrived"}
        if kept.infno != oinfno or kept.psn_no != person.psn_no:
            raise Refused(Code.ORIGINAL_DIFFERS)
        told |= {"mdtrt_id": kept.visit}
        if kept.state == "reversed":
            return told if kept.digest else told | {"rev_rslt": "never_arrived"}
        visit = self._books.visit(ROLE, kept.visit)
        if visit is None:
            raise Refused(Code.NOT_REVERSIBLE, oinfno)
        if oinfno == "2401":
            self._take_back_admission(letter, visit)
        elif oinfno in ("2304", "2207"):
            if visit.settled != kept.output["setl_id"]:
                raise Refused(Code.NOT_REVERSIBLE, "undone")
            self._turn_back(letter, visit, visit.settled)
        else:
            self._restore(letter, visit, str(kept.output["setl_id"]))
        self._books.write_message(replace(kept, state="reversed"))
        return told

    def _take_back_admission(self, letter: Letter, visit: Visit) -> None:
        if visit.state == "cancelled":
            return
        if visit.state != "open" or visit.settled:
            raise Refused(Code.NOT_REVERSIBLE, "2401")
        self._books.write_visit(replace(visit, state="cancelled"))
        self._enter(letter, "cancel", -1, visit)

    # what several need

    def _claim(self, letter: Letter, given: Given) -> tuple[Insured, Visit, settling.Claim]:
        person, visit = self._visit(letter, given)
        if (visit.kind == INPATIENT) != (letter.infno in ("2303", "2304")):
            raise Refused(Code.VISIT_STATE)
        if visit.state == "cancelled":
            raise Refused(Code.VISIT_STATE)
        self._entitled(person, given)
        use_account = given.one_of("acct_used_flag", "0", "1", default="1") == "1"
        treated = self._treated(given)
        return person, visit, settling.compute_claim(self._books, person, visit, treated, use_account=use_account)

    def _visit(self, letter: Letter, given: Given, *, settled: bool = False) -> tuple[Insured, Visit]:
        """The visit a message is about, its person checked; not settled unless that is what the message is about."""
        person = self.person(letter, given.text("psn_no"))
        visit = self._books.visit(ROLE, given.text("mdtrt_id"))
        if visit is None:
            raise Refused(Code.VISIT_UNKNOWN)
        if visit.psn_no != person.psn_no:
            raise Refused(Code.WRONG_PERSON)
        if settled and not visit.settled:
            raise Refused(Code.NOT_SETTLED)
        if not settled and visit.settled:
            raise Refused(Code.ALREADY_SETTLED)
        return person, visit

    def _entitled(self, person: Insured, given: Given) -> None:
        if person.status != ENTITLED or given.text("insutype") != person.insutype:
            raise Refused(Code.NOT_ENTITLED)

    def _in_bed(self, psn_no: str) -> list[Visit]:
        return [v for v in self._books.visits(ROLE, psn_no) if v.kind == INPATIENT and v.state == "open"]

    def _treated(self, given: Given) -> Given:
        value = given.fields.get("treatment")
        if not isinstance(value, dict):
            raise Refused(Code.BAD_MESSAGE, "treatment")
        return Given(value)

    def _number(self, kind: str) -> str:
        return f"{kind}{self._region[:2]}{self._books.count(kind):012}"

    def _enter(self, letter: Letter, kind: str, delta: int, visit: Visit) -> None:
        at = self._clock.text()
        day = moment(self._clock)[:10]
        self._books.enter(Entry(ROLE, at, day, kind, delta, letter.msgid, letter.infno, visit.psn_no, visit.mdtrt_id))

    def _keep(self, letter: Letter, psn_no: str, visit: str, output: Fields) -> None:
        self._books.write_message(
            Kept(ROLE, letter.msgid, letter.infno, letter.digest(), psn_no, visit, "done", output, self._clock.text())
        )

    def _with_books(self, output: Fields) -> Fields:
        """What the treatment place and the hub make themselves whole with, whatever they have missed."""
        visit = self._books.visit(ROLE, str(output.get("mdtrt_id", "")))
        if visit is None:
            return output
        rows = self._books.book_of_visit(ROLE, visit.mdtrt_id)
        return output | {"books": {"visit": asdict(visit), "rows": rows}}


def _year(numbers: Fields) -> Year:
    amounts = (numbers[name] for name in ("pool", "over_cap", "big_illness_base", "medical_aid"))
    return Year(int(str(numbers["stays"])), *(Decimal(str(each)) for each in amounts))
