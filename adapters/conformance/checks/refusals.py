"""A refusal is an answer; a house that is closed is not."""

from __future__ import annotations

from adapters.conformance import acts
from adapters.conformance.bench import Bench, answer_of
from adapters.conformance.model import Control, NotApplicable, check
from adapters.errors import Unavailable
from domain.effects import Verb

MOST_RETRY_AFTER_S = 3600
ODD = ("soon", "-5", "1e9", "999999999999999999999", "", "0x10", "Wed, 99 Foo 2026 25:61:61 GMT", "1.5", "１２", "7, 9")


@check("REF-01", "refusal-is-answer", "拒绝是答复，有理由代码和双语说明", "a refusal is an answer with codes and texts",
       verbs=(Verb.SUBMIT,), samples=("refuse",))  # fmt: skip
async def refused(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("refuse")
    first = await b.ask(adapter, call)
    answer = answer_of(b.expect(await b.settled(adapter, call, first), "rejected"))
    b.require(answer.reasons, "没有理由代码", "there is no reason code")
    b.require(answer.text and answer.text.zh and answer.text.en, "没有双语说明", "there is no text in zh and en")
    await b.expect_effects(adapter, call, 0)


@check("REF-02", "refusal-is-answer", "同键再问仍是同一拒绝", "asked again under its key it is the same refusal",
       verbs=(Verb.SUBMIT,), samples=("refuse",), keys=True)  # fmt: skip
async def refused_again(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("refuse")
    first = await b.settled(adapter, call, await b.ask(adapter, call))
    again = b.expect(await b.settled(adapter, call, await b.ask(adapter, call, "call again")), "rejected")
    b.require(answer_of(again).reasons == answer_of(first).reasons, "理由不同", "the reasons differ")


async def _retry_after(b: Bench, number: int, said: str | None, what: str) -> float | None:
    headers = {} if said is None else {"retry_after": said}
    with b.proxy.doing(acts.status(number, **headers), lambda _: True, what):
        outcome = b.expect(await b.ask(b.adapter(), b.call(), f"call, {what}"), "Unavailable")
    return outcome.error.retry_after if isinstance(outcome.error, Unavailable) else None


@check("REF-03", "retry-after-heard", "503 与 Retry-After 秒数", "503: unavailable, and Retry-After is passed on",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def closed(b: Bench) -> None:
    heard = await _retry_after(b, 503, "7", "503, Retry-After: 7")
    b.require(heard == 7.0, f"Retry-After 7 读作 {heard}", f"Retry-After 7 is passed on as {heard}")


@check("REF-04", "retry-after-heard", "429 与 Retry-After 日期", "429: unavailable; Retry-After may be a date",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def too_many(b: Bench) -> None:
    heard = await _retry_after(b, 429, "3", "429, Retry-After: 3")
    b.require(heard == 3.0, f"Retry-After 3 读作 {heard}", f"Retry-After 3 is passed on as {heard}")
    from datetime import UTC, datetime, timedelta
    from email.utils import format_datetime

    at = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
    heard = await _retry_after(b, 429, at, "429, Retry-After in two minutes")
    b.require(
        heard is not None and 100 < heard <= 121, f"日期读作 {heard}", f"a date in two minutes is passed on as {heard}"
    )


@check("REF-05", "retry-after-sane", "任何 Retry-After 都不致出错", "whatever Retry-After says, the pause is sane",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def odd(b: Bench) -> None:
    for said in (None, *(each for each in ODD if each.isascii())):
        heard = await _retry_after(b, 503, said, f"503, Retry-After: {said}")
        b.require(
            heard is None or 0 <= heard <= MOST_RETRY_AFTER_S,
            f"Retry-After {said!r} 读作 {heard}",
            f"Retry-After {said!r} is passed on as {heard}",
        )


@check("REF-06", "unavailable-nothing-done", "连接被拒即不可用", "a refused connection is unavailable",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def nobody_there(b: Bench) -> None:
    proxy = await b.spare_proxy()
    await proxy.stop()
    b.expect(await b.ask(b.adapter(url=proxy.url), b.call()), "Unavailable")


@check("REF-07", "ambiguous-after-sending", "5xx 即结果不明", "any other 5xx leaves the outcome unknown",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def broken(b: Bench) -> None:
    for number in (500, 502, 504):
        call = b.call()
        with b.proxy.doing(acts.status(number), b.about(call), str(number)):
            b.expect(await b.ask(b.adapter(), call, f"call, {number}"), "Ambiguous")


@check("REF-08", "misconfigured-told", "401、403、404 交由运维处理", "401, 403 and 404 are an operator's",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def operators(b: Bench) -> None:
    for number in (401, 403, 404):
        call = b.call()
        with b.proxy.doing(acts.status(number), b.about(call), str(number)):
            b.expect(await b.ask(b.adapter(), call, f"call, {number}"), "Misconfigured", "ContractBroken")


async def _in_its_own_words(b: Bench, kind: str, wanted: str, **more: object) -> None:
    if b.kit.controls is None:
        raise NotApplicable("对方不提供 /sim", "the target offers no controls")
    adapter, call = b.adapter(), b.call()
    await b.health(adapter)
    async with b.kit.controls.fault(kind, call.operation, **more):
        outcome = b.expect(await b.ask(adapter, call, f"call, the province plays {kind}"), wanted)
    if isinstance(outcome.error, Unavailable):
        b.require(
            outcome.error.retry_after in (None, 2.0), "Retry-After 不符", "another pause is passed on than was said"
        )
    await b.expect_effects(adapter, call, 0)


@check("REF-09", "unavailable-nothing-done", "省方自己的“忙”即不可用", "busy in its own words is unavailable",
       verbs=(Verb.SUBMIT,), samples=("submit",), controls=(Control.FAULTS,), alone=True)  # fmt: skip
async def busy(b: Bench) -> None:
    await _in_its_own_words(b, "refuse_429", "Unavailable", retry_after="2")


@check("REF-10", "ambiguous-after-sending", "省方自己的“内部错误”即结果不明", "its own internal error: unknown",
       verbs=(Verb.SUBMIT,), samples=("submit",), controls=(Control.FAULTS,), alone=True)  # fmt: skip
async def internal(b: Bench) -> None:
    await _in_its_own_words(b, "error_500", "Ambiguous")


@check("REF-11", "misconfigured-told", "不存在的事项交由运维处理", "a service that does not exist is an operator's",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def no_such_service(b: Bench) -> None:
    sample = b.sample().model_copy(update={"operation": "no_such_service_at_all"})
    b.expect(await b.ask(b.adapter(), b.call(sample)), "Misconfigured", "ContractBroken", "rejected")
