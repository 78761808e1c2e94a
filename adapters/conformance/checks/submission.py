"""An effect happens once, whatever becomes of the answer."""

from __future__ import annotations

from functools import partial

from adapters.conformance import acts
from adapters.conformance.bench import TAKEN, Bench, Outcome, answer_of
from adapters.conformance.model import Control, Failed, check
from adapters.conformance.proxy import Act
from adapters.port import ProvinceAdapter
from domain.effects import ProvinceCall, Verb

MANY = 50


@check("SUB-01", "submit-taken", "提交被受理并有编号", "a submission is taken and gets a number",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def taken(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    answer = await b.done(adapter, call)
    b.require(answer.reference, "没有业务编号", "the answer has no number of the province")
    await b.expect_effects(adapter, call, 1)


@check("SUB-02", "key-once", "同键两次只办一次", "the same key twice has one effect and one answer",
       verbs=(Verb.SUBMIT,), samples=("submit",), keys=True)  # fmt: skip
async def twice(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    first = await b.done(adapter, call)
    second = await b.settled(adapter, call, await b.ask(adapter, call, "call again"))
    b.require(answer_of(second) == first, "第二次答复与第一次不同", "the second answer differs from the first")
    await b.expect_effects(adapter, call, 1)


@check("SUB-03", "key-once", "同键异文不办理且不受理", "the same key with other content is not taken",
       verbs=(Verb.SUBMIT,), samples=("submit",), keys=True)  # fmt: skip
async def other_content(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    await b.done(adapter, call)
    other = call.model_copy(update={"step": "another", "payload": {**call.payload, "kit_note": "other"}})
    b.expect(await b.ask(adapter, other, "call with the same key and other content"), "ContractBroken", "rejected")
    await b.expect_effects(adapter, call, 1)


async def _lost(b: Bench, act: Act, name: str) -> tuple[ProvinceAdapter, ProvinceCall]:
    adapter, call = b.adapter(), b.call()
    with b.proxy.doing(act, b.about(call), name) as rule:
        outcome = await b.ask(adapter, call)
    if not rule.struck:
        b.request_of(call)
    b.expect(outcome, "Ambiguous")
    return adapter, call


@check("SUB-04", "lost-answer", "办理后答复丢失：结果不明，可查到", "done, answer lost: unknown, and then found",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("submit",))  # fmt: skip
async def answer_lost(b: Bench) -> None:
    adapter, call = await _lost(b, acts.lose_answer, "done, answer lost")
    b.expect(await b.settled(adapter, call, await b.find(adapter, call)), "accepted")
    await b.expect_effects(adapter, call, 1)


@check("SUB-05", "lost-answer", "请求丢失：结果不明，未查到，可重送", "request lost: unknown, not found, sent again",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("submit",))  # fmt: skip
async def request_lost(b: Bench) -> None:
    adapter, call = await _lost(b, acts.lose_request, "lost before it arrived")
    b.expect(await b.find(adapter, call), "nothing")
    await b.done(adapter, call)
    await b.expect_effects(adapter, call, 1)


@check("SUB-06", "key-once", "答复丢失后同键重送只办一次", "sent again under its key after a lost answer: one effect",
       verbs=(Verb.SUBMIT,), samples=("submit",), keys=True)  # fmt: skip
async def sent_again(b: Bench) -> None:
    adapter, call = await _lost(b, acts.lose_answer, "done, answer lost")
    await b.done(adapter, call)
    await b.expect_effects(adapter, call, 1)


@check("SUB-07", "key-once", "同键五十次并发只办一次", "fifty at once under one key: one effect",
       verbs=(Verb.SUBMIT,), samples=("submit",), keys=True, controls=(Control.LEDGER,))  # fmt: skip
async def fifty_alike(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    outcomes = await b.together("call, one key", [partial(adapter.call, call)] * MANY)
    for outcome in outcomes:
        b.expect(outcome, *TAKEN, "Unavailable", "Ambiguous")
    numbers = {outcome.answer.reference for outcome in outcomes if outcome.answer}
    b.require(len(numbers) == 1, "同一键得到多个编号", f"one key has got {len(numbers)} numbers")
    await b.done(adapter, call)
    await b.expect_effects(adapter, call, 1)


@check("SUB-08", "submit-taken", "五十个键并发各办一次", "fifty keys at once: fifty effects, not mixed up",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def fifty_different(b: Bench) -> None:
    adapter = b.adapter(timeout_s=30)
    first = b.call()
    calls = [first, *(b.call(case_no=first.case_no) for _ in range(MANY - 1))]
    outcomes = await b.together("call, a key each", [partial(adapter.call, call) for call in calls])
    numbers = set()
    for call, outcome in zip(calls, outcomes, strict=True):
        b.expect(outcome, *TAKEN)
        numbers.add(answer_of(await _end(b, adapter, call, outcome)).reference)
    b.require(len(numbers) == MANY, "不同的键得到相同编号", f"{MANY} keys have got {len(numbers)} numbers")
    if b.kit.offers(Control.LEDGER):
        await b.expect_effects(adapter, first, MANY)


async def _end(b: Bench, adapter: ProvinceAdapter, call: ProvinceCall, outcome: Outcome) -> Outcome:
    return outcome if outcome.kind == "accepted" else b.expect(await b.settled(adapter, call, outcome), "accepted")


@check("SUB-09", "names-matter", "请求写明键或业务编号", "the request names its key or business number in full",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def named(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    await b.ask(adapter, call)
    b.require(
        b.request_of(call).mentions(call.key, adapter.business_number(call.case_no, call.key)),
        "请求中没有完整的键或业务编号",
        "neither the whole key nor the business number stands in the request",
    )


@check("SUB-10", "no-retries", "适配器自己从不重送", "the adapter never sends anything again by itself",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def no_retries(b: Bench) -> None:
    for act, name in ((acts.lose_request, "reset"), (acts.status(503), "503"), (acts.status(500), "500")):
        adapter, call = b.adapter(), b.call()
        with b.proxy.doing(act, b.about(call), name) as rule:
            b.expect(await b.ask(adapter, call, f"call, {name}"), "Ambiguous", "Unavailable")
        b.require(len(rule.struck) <= 1, f"发送了 {len(rule.struck)} 次", f"it was sent {len(rule.struck)} times")


@check("SUB-11", "answer-is-its-own", "他件的答复不被接受", "an answer about another matter is not believed",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def anothers_answer(b: Bench) -> None:
    adapter, other, call = b.adapter(), b.call(), b.call()
    await b.ask(adapter, other)
    found = [passage.response for passage in b.requests(other) if passage.response]
    if not found:
        raise Failed("没有记录到答复", "no answer was recorded")
    with b.proxy.doing(acts.say(found[0]), b.about(call), "the answer about another matter"):
        b.expect(await b.ask(adapter, call), "ContractBroken", "Ambiguous", "Misconfigured")


@check("SUB-12", "submit-taken", "同案两步互不相混", "two steps of a case are two matters",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("submit",))  # fmt: skip
async def two_steps(b: Bench) -> None:
    adapter, first = b.adapter(), b.call()
    second = b.call(case_no=first.case_no)
    one, two = await b.done(adapter, first), await b.done(adapter, second)
    b.require(one.reference != two.reference, "两步得到同一编号", "two steps have got one number")
    b.require(answer_of(await b.find(adapter, first)).reference == one.reference, "查到了另一步", "find mixes them up")
    b.require(answer_of(await b.find(adapter, second)).reference == two.reference, "查到了另一步", "find mixes them up")
