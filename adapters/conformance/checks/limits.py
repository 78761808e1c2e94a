"""Where an adapter may go and what it may carry."""

from __future__ import annotations

from adapters.conformance import acts
from adapters.conformance.bench import TAKEN, Bench
from adapters.conformance.http import response
from adapters.conformance.model import NotApplicable, check
from domain.effects import Verb

HUGE = 2 << 20


@check("LIM-01", "no-redirects", "不跟随重定向", "a redirect is not followed",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def redirect(b: Bench) -> None:
    elsewhere = await b.spare_proxy()
    for number in (301, 302, 307, 308):
        call = b.call()
        act = acts.status(number, location=f"{elsewhere.url}/elsewhere")
        with b.proxy.doing(act, b.about(call), str(number)):
            b.expect(await b.ask(b.adapter(), call, f"call, {number}"), "Misconfigured", "ContractBroken")
    b.require(not elsewhere.connections, "跟随了重定向", "it went where the redirect pointed")


@check("LIM-02", "private-addresses", "未经许可不连内网地址", "private addresses are refused unless they are meant")
async def private(b: Bench) -> None:
    made = b.adapter(private=False)
    b.expect(await b.health(made), "Misconfigured")
    port = b.proxy.url.rpartition(":")[2]
    named = b.adapter(private=False, url=f"http://localhost:{port}")
    b.expect(await b.health(named), "Misconfigured")
    b.require(not b.proxy.connections, "仍然连接了", "it connected all the same")


@check("LIM-03", "no-cookies", "不保存 Cookie", "cookies are not kept",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def cookies(b: Bench) -> None:
    adapter = b.adapter()
    with b.proxy.doing(
        acts.after(lambda true: true.with_headers({"Set-Cookie": "kit=1; Path=/"})), lambda _: True, "Set-Cookie"
    ):
        b.expect(await b.ask(adapter, b.call()), *TAKEN)
        b.expect(await b.ask(adapter, b.call()), *TAKEN)
    sent = [passage for passage in b.proxy.passages if passage.request.header("cookie")]
    b.require(not sent, "送回了 Cookie", "it sent a cookie back")


@check("LIM-04", "size-bounded", "过大的请求被拒且不含糊", "a request that is too large is refused for good",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def large_request(b: Bench) -> None:
    adapter, call = b.adapter(), b.call(fields={"kit_note": "长" * (HUGE // 3)})
    refuse = acts.say(response(413, b"", ""))
    with b.proxy.doing(refuse, b.about(call), "413"):
        b.expect(await b.ask(adapter, call, "call with two megabytes"), "ContractBroken", "Misconfigured", "rejected")


@check("LIM-05", "route-is-plain", "事项名不能改变路径", "a service's name cannot lead elsewhere",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def odd_route(b: Bench) -> None:
    for name in ("../../health", "a/b", "a?b=c", "a#b", "a\r\nX-Kit: 1", "%2e%2e"):
        sample = b.sample().model_copy(update={"operation": name})
        before = len(b.proxy.passages)
        outcome = await b.ask(b.adapter(), b.call(sample), f"call of a service named {name!r}")
        b.expect(outcome, "Misconfigured", "ContractBroken", "rejected")
        for passage in b.proxy.passages[before:]:
            b.require(".." not in passage.request.target, "路径被改变", "the path leads elsewhere")
            b.require(not passage.request.header("x-kit"), "报头被注入", "a header was smuggled in")


@check("LIM-06", "no-proxies", "不受环境代理影响", "proxies of the environment do not exist",
       verbs=(Verb.SUBMIT,), samples=("submit",), alone=True)  # fmt: skip
async def environment(b: Bench) -> None:
    import os

    if any(name.lower().endswith("_proxy") for name in os.environ):
        raise NotApplicable("环境中已有代理设置", "the environment names proxies of its own")
    elsewhere = await b.spare_proxy()
    os.environ["HTTP_PROXY"] = elsewhere.url
    try:
        b.expect(await b.ask(b.adapter(private=True), b.call()), *TAKEN)
    finally:
        os.environ.pop("HTTP_PROXY", None)
    b.require(not elsewhere.connections, "经由环境代理", "it went through the proxy of the environment")
