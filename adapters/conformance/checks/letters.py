"""Another authority is asked or told."""

from __future__ import annotations

from adapters.conformance.bench import TAKEN, Bench, answer_of
from adapters.conformance.model import check
from domain.effects import Verb


@check("LTR-01", "consultation", "商请得到答复", "a consultation is taken and ends in consent",
       verbs=(Verb.CONSULT,), samples=("consult",))  # fmt: skip
async def consent(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("consult", Verb.CONSULT)
    b.expect(await b.settled(adapter, call, b.expect(await b.ask(adapter, call), *TAKEN)), "accepted")
    await b.expect_effects(adapter, call, 1)


@check("LTR-02", "consultation", "商请被拒附理由", "an objection is a refusal with reasons",
       verbs=(Verb.CONSULT,), samples=("object",))  # fmt: skip
async def objection(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("object", Verb.CONSULT)
    end = await b.settled(adapter, call, b.expect(await b.ask(adapter, call), "rejected", "pending"))
    b.require(answer_of(b.expect(end, "rejected")).reasons, "没有理由", "there are no reasons")


@check("LTR-03", "notification", "通报送达", "a notification is taken",
       verbs=(Verb.NOTIFY,), samples=("notify",))  # fmt: skip
async def told(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("notify", Verb.NOTIFY)
    b.expect(await b.settled(adapter, call, b.expect(await b.ask(adapter, call), *TAKEN)), "accepted")
    await b.expect_effects(adapter, call, 1)


@check("LTR-04", "key-once", "同键通报两次只收一次", "a notification twice under one key is one",
       verbs=(Verb.NOTIFY,), samples=("notify",), keys=True)  # fmt: skip
async def told_twice(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("notify", Verb.NOTIFY)
    for _ in range(2):
        b.expect(await b.settled(adapter, call, b.expect(await b.ask(adapter, call), *TAKEN)), "accepted")
    await b.expect_effects(adapter, call, 1)


@check("LTR-05", "key-once", "同键商请两次只收一次", "a consultation twice under one key is one",
       verbs=(Verb.CONSULT,), samples=("consult",), keys=True)  # fmt: skip
async def asked_twice(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("consult", Verb.CONSULT)
    for _ in range(2):
        b.expect(await b.settled(adapter, call, b.expect(await b.ask(adapter, call), *TAKEN)), "accepted")
    await b.expect_effects(adapter, call, 1)
