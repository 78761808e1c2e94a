"""Where there is no interface: a person at the counter keys it in and writes down the number.

Nothing is sent anywhere. Every keyed verb is pending until the person's word comes, and so is every search: what was
keyed in is known to whoever keyed it in, and to the nightly file of the province if there is one.
"""

from __future__ import annotations

from adapters.answers import build_answer
from adapters.errors import Misconfigured
from adapters.fields import KEYED, short_number
from adapters.port import Adapter, Capabilities
from domain.effects import Answer, AnswerStatus, Expect, ProvinceCall, Verb


class Clerk(Adapter):
    """A counter without a wire. Needs neither address nor credentials."""

    capabilities = Capabilities(verbs=KEYED | {Verb.FIND}, answers=frozenset({Expect.CLERK}))

    async def call(self, call: ProvinceCall) -> Answer:
        """Pending, until a person has been at the counter."""
        if call.verb not in KEYED:
            raise Misconfigured("verb_not_supported", call.verb.value)
        return self._at_the_counter()

    async def find(self, call: ProvinceCall) -> Answer | None:
        """Still pending: only the person knows."""
        return self._at_the_counter()

    def business_number(self, case_no: str, key: str) -> str:
        """What the person writes down beside it at the counter: short, and the form that 340000 keeps."""
        return short_number(case_no, key)

    def _at_the_counter(self) -> Answer:
        return build_answer(AnswerStatus.PENDING, poll_after_s=self.settings.poll_after_s, expect=Expect.CLERK)
