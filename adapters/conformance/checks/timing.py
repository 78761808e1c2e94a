"""Time runs out and lines break: bounded, and the outcome is unknown."""

from __future__ import annotations

from adapters.conformance import acts
from adapters.conformance.bench import GRACE_S, SHORT_CONNECT_S, SHORT_S, Bench
from adapters.conformance.model import check
from adapters.conformance.proxy import Act
from domain.effects import Verb

BOUND_S = 2 * SHORT_CONNECT_S + SHORT_S


async def _bounded(b: Bench, act: Act, name: str) -> None:
    adapter, call = b.hasty(), b.call()
    with b.proxy.doing(act, b.about(call), name) as rule:
        outcome = await b.attempt(f"call, {name}", lambda: adapter.call(call), BOUND_S + GRACE_S)
    if not rule.struck:
        b.request_of(call)
    b.expect(outcome, "Ambiguous")


@check("TIM-01", "time-bounded", "从不答复", "a province that never answers: unknown, within the settings' time",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def silence(b: Bench) -> None:
    await _bounded(b, acts.never_answer, "no answer")


@check("TIM-02", "time-bounded", "逐字节答复", "a body that drips, byte for byte: unknown, within the whole time",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def dripping(b: Bench) -> None:
    await _bounded(b, acts.drip, "byte drip")


@check("TIM-03", "time-bounded", "报头逐字节到来", "a head that drips: unknown, within the whole time",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def dripping_head(b: Bench) -> None:
    await _bounded(b, acts.drip_head, "byte drip of the head")


@check("TIM-04", "ambiguous-after-sending", "答复中途复位", "reset in the middle of the body: unknown",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def reset(b: Bench) -> None:
    await _bounded(b, acts.reset_mid_body, "reset mid-body")


@check("TIM-05", "ambiguous-after-sending", "答复被截断", "a body cut off: unknown",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def cut_off(b: Bench) -> None:
    await _bounded(b, acts.cut, "cut off")


@check("TIM-06", "ambiguous-after-sending", "没有一字节即断开", "closed without a byte: unknown",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def closed(b: Bench) -> None:
    await _bounded(b, acts.lose_request, "closed without a byte")


@check("TIM-07", "lost-answer", "超时但已办：可查到", "done, then timed out: unknown, and then found; one effect",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("submit",))  # fmt: skip
async def done_then_timed_out(b: Bench) -> None:
    adapter, call = b.hasty(), b.call()
    with b.proxy.doing(acts.done_never_answered, b.about(call), "done, never answered"):
        b.expect(await b.attempt("call", lambda: adapter.call(call), BOUND_S + GRACE_S), "Ambiguous")
    patient = b.adapter()
    b.expect(await b.settled(patient, call, await b.find(patient, call)), "accepted")
    await b.expect_effects(patient, call, 1)


@check("TIM-08", "time-bounded", "慢但及时的答复照常接受", "slow but in time is taken",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def slow(b: Bench) -> None:
    call = b.call()
    with b.proxy.doing(acts.wait(0.6), b.about(call), "0.6 s late"):
        b.expect(await b.ask(b.adapter(), call), "accepted", "pending")
