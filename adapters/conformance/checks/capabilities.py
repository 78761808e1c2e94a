"""What an adapter says it can do, and whether that is so."""

from __future__ import annotations

from adapters.conformance.bench import TAKEN, Bench
from adapters.conformance.mailbox import Letter
from adapters.conformance.model import Failed, NotApplicable, check
from adapters.errors import CallbackRefused, Misconfigured
from adapters.port import PORT_VERSION, Capabilities, FindBy
from domain.effects import Expect, Verb

_SAMPLES = {
    Verb.SUBMIT: "submit",
    Verb.CONSULT: "consult",
    Verb.NOTIFY: "notify",
    Verb.OFFER: "offer",
    Verb.FETCH: "offer",
}


@check("CAP-01", "capabilities-honest", "能力声明自洽", "what it declares makes sense")
async def declared(b: Bench) -> None:
    able = b.kit.factory.capabilities
    b.require(b.kit.factory.port_version == PORT_VERSION, "接口版本不符", "it is made for another port version")
    b.require(isinstance(able, Capabilities), "未声明能力", "it does not declare its capabilities")
    b.require(able.verbs and all(isinstance(v, Verb) for v in able.verbs), "没有动词", "it can do nothing")
    b.require(
        (able.find is not FindBy.NOTHING) == (Verb.FIND in able.verbs),
        "find 的方式与动词 find 不一致",
        "how it finds and whether it declares the verb find contradict each other",
    )
    rate = able.max_rate_per_s
    b.require(rate is None or rate > 0, "速率上限应大于零", "max_rate_per_s must be above zero")
    made = b.adapter()
    b.require(made.region == b.kit.profile.region, "region 与设置不符", "its region is not the one it was made for")
    b.require(made.capabilities == able, "实例与类的能力声明不一致", "the instance declares something else")


@check("CAP-02", "capabilities-honest", "未声明的动词被拒绝且不发送", "an undeclared verb is refused and sends nothing")
async def undeclared(b: Bench) -> None:
    missing = [verb for verb in Verb if not b.can(verb) and verb is not Verb.FIND]
    if not missing and b.can(Verb.FIND):
        raise NotApplicable("所有动词均已声明", "every verb is declared")
    adapter = b.adapter()
    sample = next(iter(b.kit.profile.samples.values()), None)
    if sample is None:
        raise NotApplicable("档案中没有样例", "the profile has no sample")
    for verb in missing:
        b.expect(await b.ask(adapter, b.call(sample, verb)), "Misconfigured")
    if not b.can(Verb.FIND):
        b.expect(await b.find(adapter, b.call(sample)), "Misconfigured")
    b.require(not b.proxy.passages, "仍然发出了请求", "it sent a request all the same")


@check("CAP-03", "capabilities-honest", "已声明的动词可用", "what is declared can be done")
async def can_be_done(b: Bench) -> None:
    adapter, tried = b.adapter(), 0
    for verb, name in _SAMPLES.items():
        if b.can(verb) and name in b.kit.profile.samples:
            tried += 1
            b.expect(await b.ask(adapter, b.call(name, verb)), *TAKEN)
    if not tried:
        raise NotApplicable("档案中没有样例", "the profile has no sample for a declared verb")


@check("CAP-04", "capabilities-honest", "未声明日终文件时不提供", "no nightly file where none is declared")
async def no_file(b: Bench) -> None:
    if Expect.BATCH in b.capabilities.answers:
        raise NotApplicable("已声明日终文件", "the nightly file is declared")
    from datetime import date

    try:
        await b.adapter().results(date(2020, 1, 2))
    except Misconfigured:
        return
    raise Failed("results 没有抛出 Misconfigured", "results did not raise Misconfigured")


@check("CAP-05", "capabilities-honest", "未声明回调时一律不信", "no callback is believed where none is declared")
async def no_callback(b: Bench) -> None:
    if Expect.CALLBACK in b.capabilities.answers:
        raise NotApplicable("已声明回调", "callbacks are declared")
    for body in (b"", b"{}", b'{"event_id":"1","key":"' + b"a" * 64 + b'","status":"accepted"}'):
        said = b.read(b.adapter(), Letter("/callback", {"content-type": "application/json"}, body), "unsigned")
        b.require(isinstance(said, CallbackRefused), "相信了回调", "it believed a callback")


@check("CAP-06", "quiet-making", "构造与关闭不触网", "making and closing it touches no wire")
async def quiet(b: Bench) -> None:
    made = b.adapter()
    await made.aclose()
    await made.aclose()
    b.require(not b.proxy.connections, "构造时即发起连接", "it opened a connection when it was made")


@check(
    "CAP-07",
    "settle-time",
    "无键省份声明如何查找与等待时间",
    "without keys it says how it finds and how long a request may be under way",
    keys=False,
)
async def without_keys(b: Bench) -> None:
    able = b.capabilities
    b.require(able.find is not FindBy.KEY, "没有幂等键却按键查找", "it finds by a key that the province does not keep")
    if able.find is FindBy.NOTHING:
        return
    b.require(able.settle_s >= 1, "等待时间 settle_s 不足 1 秒", "settle_s is under a second")
    number = b.adapter().business_number("KIT-0123456789AB", "0123456789abcdef" * 4)
    other = b.adapter().business_number("KIT-0123456789AB", "fedcba9876543210" * 4)
    b.require(number and number != other, "业务编号不能区分两个键", "two keys of a case have one business number")
