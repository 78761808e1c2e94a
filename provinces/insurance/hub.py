"""The national hub: sends messages from the treatment place to the insured place and keeps a book of its own."""

from __future__ import annotations

from dataclasses import replace

from provinces.clock import Clock
from provinces.faults import Switchboard, Where
from provinces.insurance.books import Books, Kept
from provinces.insurance.given import Given
from provinces.insurance.hop import Hop
from provinces.insurance.letters import Fields, Letter
from provinces.insurance.refusals import Code, NotReached, Refused, Unanswered
from provinces.insurance.register import REGIONS, province_of
from provinces.insurance.statements import Statements
from provinces.insurance.treatment import take_over

ROLE = "hub"


class NationalHub:
    """What lies between two provinces."""

    def __init__(self, books: Books, clock: Clock, faults: Switchboard, hop: Hop) -> None:
        self._books = books
        self._clock = clock
        self._faults = faults
        self._hop = hop
        self._statements = Statements(ROLE, books, clock)

    def from_agency(self, letter: Letter) -> Fields:
        """3202 for whoever reconciles."""
        if letter.infno != "3202":
            raise Refused(Code.UNKNOWN_INFNO, letter.infno)
        return self._statements.queries["3202"](letter, Given(letter.input))

    async def from_province(self, letter: Letter) -> Fields:
        """Sends it on; the output of the insured place, its books with it."""
        target = province_of(letter.insured_in)
        if target not in REGIONS or target == letter.caller or province_of(letter.treated_in) != letter.caller:
            raise Refused(Code.WRONG_PLACE)
        kept = Kept(
            ROLE, letter.msgid, letter.infno, letter.digest(), str(letter.input.get("psn_no", "")),
            str(letter.input.get("mdtrt_id", "")), "pending", {}, self._clock.text(),
        )  # fmt: skip
        self._write(kept)
        try:
            if self._faults.pick(Where.CALLBACK, letter.infno) is not None:  # delivered twice
                await self._hop.send(target, letter, letter.input)
            output = await self._hop.send(target, letter, letter.input)
        except Refused:
            self._write(replace(kept, state="refused"))
            raise
        except (NotReached, Unanswered) as lost:
            self._write(replace(kept, state="lost" if isinstance(lost, Unanswered) else "not_reached"))
            raise
        with self._books.transaction():
            take_over(self._books, ROLE, output, self._clock.text())
            self._books.write_message(replace(kept, state="done"))
        return output

    def _write(self, kept: Kept) -> None:
        with self._books.transaction():
            self._books.write_message(kept)
