"""``find`` tells what the province holds, and never changes it."""

from __future__ import annotations

from adapters.conformance import acts
from adapters.conformance.bench import Bench, answer_of
from adapters.conformance.http import response
from adapters.conformance.model import check
from adapters.conformance.proxy import Act
from domain.effects import Verb

ELEVEN = 11


@check("FND-01", "find-known", "查到已办的事项", "what was done is found, the same as answered",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("submit",))  # fmt: skip
async def known(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    first = await b.done(adapter, call)
    found = answer_of(b.expect(await b.find(adapter, call), "accepted"))
    b.require(
        (found.reference, dict(found.data)) == (first.reference, dict(first.data)),
        "查到的与答复的不同",
        "what is found differs from what was answered",
    )


@check("FND-02", "find-unknown", "未见过的键返回 None", "a key never seen gives None",
       verbs=(Verb.FIND,), samples=("submit",))  # fmt: skip
async def unknown(b: Bench) -> None:
    b.expect(await b.find(b.adapter(), b.call()), "nothing")


@check("FND-03", "find-no-effect", "查找从不办理", "find never has an effect",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("submit",))  # fmt: skip
async def never_an_effect(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    for _ in range(2):
        b.expect(await b.find(adapter, call), "nothing")
    await b.expect_effects(adapter, call, 0)
    await b.done(adapter, call)
    b.expect(await b.find(adapter, call), "accepted")
    await b.expect_effects(adapter, call, 1)


@check("FND-04", "find-known", "查到被拒的事项及理由", "what was refused is found with its reasons",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("refuse",))  # fmt: skip
async def refused(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("refuse")
    first = await b.settled(adapter, call, await b.ask(adapter, call))
    found = b.expect(await b.find(adapter, call), "rejected")
    b.require(answer_of(found).reasons == answer_of(first).reasons, "理由不同", "the reasons differ")


async def _cannot_know(b: Bench, act: Act, name: str, *kinds: str) -> None:
    adapter, call = b.adapter(), b.call()
    b.expect(await b.ask(adapter, call), "accepted", "pending")
    if act is acts.never_answer:
        adapter = b.hasty()
    with b.proxy.doing(act, b.about(call), name):
        b.expect(await b.find(adapter, call), *kinds)


@check("FND-05", "find-not-never", "查找无答复不等于未见过", "no answer to find does not mean never seen",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("submit",))  # fmt: skip
async def no_answer(b: Bench) -> None:
    await _cannot_know(b, acts.never_answer, "no answer", "Ambiguous", "Unavailable")
    await _cannot_know(b, acts.status(500), "500", "Ambiguous", "Unavailable")
    await _cannot_know(b, acts.status(503), "503", "Unavailable")


@check("FND-06", "find-not-never", "网关的 404 不等于未见过", "a gateway's own 404 does not mean never seen",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("submit",))  # fmt: skip
async def gateway_404(b: Bench) -> None:
    page = acts.say(response(404, b"<html><h1>404 Not Found</h1></html>", "text/html"))
    await _cannot_know(b, page, "404 as HTML", "Misconfigured", "ContractBroken", "Ambiguous")
    await _cannot_know(b, acts.status(404), "404 without a body", "Misconfigured", "ContractBroken", "Ambiguous")


@check("FND-07", "find-not-never", "维护页面不等于未见过", "a maintenance page does not mean never seen",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("submit",))  # fmt: skip
async def page(b: Bench) -> None:
    html = acts.say(response(200, acts.HTML, "text/html"))
    await _cannot_know(b, html, "HTML with 200", "Ambiguous", "ContractBroken")
    empty = acts.say(response(200, b"", "application/json"))
    await _cannot_know(b, empty, "nothing with 200", "Ambiguous", "ContractBroken")


@check("FND-08", "find-known", "在一案的许多事项中查到", "it finds each of many matters of one case",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("submit",))  # fmt: skip
async def among_many(b: Bench) -> None:
    adapter, first = b.adapter(), b.call()
    calls = [first, *(b.call(case_no=first.case_no) for _ in range(ELEVEN - 1))]
    numbers = [(await b.done(adapter, call)).reference for call in calls]
    for index in (0, ELEVEN // 2, ELEVEN - 1):
        found = answer_of(b.expect(await b.find(adapter, calls[index]), "accepted"))
        b.require(found.reference == numbers[index], "查到了另一件", "it found another matter")
    b.expect(await b.find(adapter, b.call(case_no=first.case_no)), "nothing")


@check("FND-09", "settle-time", "按业务编号查找", "without keys it is found by its business number",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("submit",), keys=False)  # fmt: skip
async def by_number(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    await b.done(adapter, call)
    number = adapter.business_number(call.case_no, call.key)
    b.require(b.request_of(call).mentions(number), "请求中没有业务编号", "the request lacks the business number")
    before = len(b.proxy.passages)
    b.expect(await b.find(adapter, call), "accepted")
    asked = b.proxy.passages[before:]
    b.require(
        any(each.request.mentions(number, call.case_no) for each in asked),
        "查找未使用业务编号",
        "find does not ask for the business number",
    )
