"""Whatever is settled, undone and taken back in whatever order: year and account are what the ledger adds up to."""

from __future__ import annotations

import itertools
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from provinces.clock import Clock
from provinces.insurance import register
from provinces.insurance.books import Books
from provinces.insurance.insured import InsuredPlace
from provinces.insurance.letters import Fields, Letter
from provinces.insurance.refusals import Refused

PERSON = register.one_of("340500", "employee")
ALL = "role = 'insured'"


class Settling(RuleBasedStateMachine):
    """One person, any number of stays, messages repeated, taken back, buried."""

    visits = Bundle("visits")
    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.books = Books(Path(self.folder.name) / "insurance.sqlite")
        self.books.admit_people([PERSON])
        self.place = InsuredPlace("340000", self.books, Clock(self.books))
        self.numbers = itertools.count(1)
        self.answers: dict[str, Fields] = {}
        self.buried: set[str] = set()

    def teardown(self) -> None:
        self.books.close()
        self.folder.cleanup()

    def letter(self, infno: str, given: Fields, msgid: str = "") -> Letter:
        header = {
            "infno": infno, "msgid": msgid or f"{next(self.numbers):030}", "mdtrtarea_admvs": "310104",
            "insuplc_admdvs": "340500", "fixmedins_code": "H31010400001",
        }  # fmt: skip
        return Letter("hub", header, {"psn_no": PERSON.psn_no, **given})

    def try_it(self, letter: Letter) -> Fields | None:
        try:
            output = self.place.handle(letter)
        except Refused:
            return None
        told = {name: value for name, value in output.items() if name != "books"}
        assert letter.msgid not in self.buried, "taken back before it came, and yet done"
        assert self.answers.setdefault(letter.msgid, told) == told, "the same message, another answer"
        return told

    @rule(target=visits, days=st.integers(0, 400))
    def admit(self, days: int) -> Any:
        visit = f"M{next(self.numbers):014}"
        given: Fields = {
            "insutype": "310", "med_type": "21", "begntime": "2026-02-01 08:00:00", "mdtrt_cert_type": "02",
            "mdtrt_cert_no": PERSON.certno, "treatment": {"mdtrt_id": visit},
        }  # fmt: skip
        assert self.try_it(self.letter("2401", given)) is not None
        ends = "2026-03-01 08:00:00" if days < 300 else "2027-01-02 08:00:00"
        self.try_it(self.letter("2402", {"mdtrt_id": visit, "endtime": ends, "dscg_way": "1"}))
        return (visit, ends)

    @rule(target=sent, visit=visits, fen=st.integers(1, 40_000_000), known=st.booleans())
    def settle(self, visit: tuple[str, str], fen: int, known: bool) -> Any:
        amount, zero = Decimal(fen) / 100, Decimal("0.00")
        amount = amount.quantize(Decimal("0.01"))
        treatment = {
            "hosp_lv": 3, "endtime": visit[1], "dise_codg": "", "medfee_sumamt": amount, "fulamt_ownpay_amt": zero,
            "overlmt_selfpay": zero, "preselfpay_amt": zero, "inscp_scp_amt": amount,
        }  # fmt: skip
        given: Fields = {"mdtrt_id": visit[0], "insutype": "310", "medfee_sumamt": amount, "treatment": treatment}
        letter = self.letter("2304", given)
        if known:
            self.try_it(letter)
        return letter

    @rule(target=sent, visit=visits)
    def undo(self, visit: tuple[str, str]) -> Any:
        found = self.books.visit("insured", visit[0])
        if found is None or not found.settled:
            return multiple()
        letter = self.letter("2305", {"mdtrt_id": visit[0], "setl_id": found.settled})
        assert self.try_it(letter) is not None
        return letter

    @rule(letter=sent)
    def send_again(self, letter: Letter) -> None:
        self.try_it(letter)

    @rule(letter=sent)
    def take_back(self, letter: Letter) -> None:
        told = self.try_it(self.letter("2601", {"omsgid": letter.msgid, "oinfno": letter.infno}))
        if told is not None and told["rev_rslt"] == "never_arrived":
            self.buried.add(letter.msgid)

    @invariant()
    def the_books_add_up(self) -> None:
        rows = [entry for entry in self.books.entries(ALL) if entry["setl_id"]]
        amounts = [row["row"] for row in rows]
        for year in ("2026", "2027"):
            totals = self.books.year(PERSON.psn_no, "310", "inpatient", year)
            mine = [row for row in amounts if isinstance(row, dict) and row["setl_year"] == year]
            assert totals.pool == sum((row["hifp_pay"] for row in mine), Decimal(0))
            assert totals.over_cap == sum((row["hifob_pay"] for row in mine), Decimal(0))
            assert totals.stays == sum(1 if row["kind"] == "settle" else -1 for row in mine)
            assert Decimal(0) <= totals.pool <= Decimal("300000.00")
        person = self.books.person("psn_no", PERSON.psn_no)
        assert person is not None
        paid = sum((row["acct_pay"] for row in amounts if isinstance(row, dict)), Decimal(0))
        assert person.balance + paid == PERSON.balance
        assert person.balance >= 0

    @invariant()
    def no_stay_is_settled_twice(self) -> None:
        per_visit: dict[object, int] = {}
        for entry in self.books.entries(ALL):
            if entry["setl_id"]:
                per_visit[entry["mdtrt_id"]] = per_visit.get(entry["mdtrt_id"], 0) + int(str(entry["delta"]))
        assert set(per_visit.values()) <= {0, 1}
        for visit in self.books.visits("insured", PERSON.psn_no):
            assert bool(visit.settled) == (per_visit.get(visit.mdtrt_id, 0) == 1)


Settling.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None, derandomize=True)
TestSettling = Settling.TestCase
