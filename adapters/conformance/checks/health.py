"""Whether ``health`` tells the truth."""

from __future__ import annotations

from adapters.conformance import acts
from adapters.conformance.bench import Bench
from adapters.conformance.http import response
from adapters.conformance.model import Proof, check

_EVERY = "every request"


@check("HLT-01", "health-true", "对方正常时返回", "it returns while the province is up")
async def up(b: Bench) -> None:
    b.expect(await b.health(b.adapter()), "nothing")
    b.require(b.proxy.passages, "没有询问对方", "it did not ask the province at all")


@check("HLT-02", "health-true", "对方停机时报告不可用", "a province that is down is unavailable")
async def down(b: Bench) -> None:
    adapter = b.hasty()
    with b.proxy.doing(acts.status(503, retry_after="5"), lambda _: True, "503"):
        b.expect(await b.health(adapter), "Unavailable")
    await b.proxy.stop()
    b.expect(await b.health(b.hasty()), "Unavailable")


@check("HLT-03", "health-true", "另一省份应答时报错", "another province's answer is noticed")
async def another(b: Bench) -> None:
    other = "650000" if b.kit.profile.region != "650000" else "540000"
    b.expect(await b.health(b.adapter(region=other)), "Misconfigured", "ContractBroken")


@check("HLT-04", "health-true", "密钥错误时报错", "a wrong secret is noticed", proofs=(Proof.SECRET,))
async def wrong_secret(b: Bench) -> None:
    b.expect(await b.health(b.adapter(values=b.stranger())), "Misconfigured")


@check("HLT-05", "health-true", "维护页面不算正常", "a maintenance page is not health")
async def page(b: Bench) -> None:
    with b.proxy.doing(acts.say(response(200, acts.HTML, "text/html")), lambda _: True, "HTML with 200"):
        b.expect(await b.health(b.adapter()), "Unavailable", "Ambiguous", "Misconfigured", "ContractBroken")
