"""Who calls: signatures that hold, and what must not be believed of them."""

from __future__ import annotations

from adapters.conformance import acts
from adapters.conformance.bench import TAKEN, Bench
from adapters.conformance.http import Request
from adapters.conformance.kit import Exchangeable
from adapters.conformance.model import Failed, NotApplicable, Proof, check
from domain.effects import ProvinceCall, Verb


@check("IDN-01", "identified", "正确签名被接受", "a good signature is taken", verbs=(Verb.SUBMIT,), samples=("submit",))
async def good(b: Bench) -> None:
    adapter = b.adapter()
    call = b.call()
    await b.done(adapter, call)
    await b.expect_effects(adapter, call, 1)


async def _refused(b: Bench, shift_s: float) -> None:
    call = b.call()
    b.expect(await b.ask(b.adapter(shift_s=shift_s), call, f"call, clock {shift_s:+.0f} s"), "Misconfigured")
    await b.expect_effects(b.adapter(), call, 0)


@check(
    "IDN-02", "signed-time", "过期签名不被接受", "an old signature is refused, and it says so",
    verbs=(Verb.SUBMIT,), samples=("submit",), proofs=(Proof.TIME,),
)  # fmt: skip
async def old(b: Bench) -> None:
    await _refused(b, -3600)


@check(
    "IDN-03", "signed-time", "未来签名不被接受", "a signature from the future is refused, and it says so",
    verbs=(Verb.SUBMIT,), samples=("submit",), proofs=(Proof.TIME,),
)  # fmt: skip
async def future(b: Bench) -> None:
    await _refused(b, 3600)


@check(
    "IDN-04", "clock-skew", "容许两分钟时钟偏差", "two minutes of clock skew do no harm",
    verbs=(Verb.SUBMIT,), samples=("submit",), proofs=(Proof.TIME,),
)  # fmt: skip
async def skew(b: Bench) -> None:
    for shift_s in (-120.0, 120.0):
        b.expect(await b.ask(b.adapter(shift_s=shift_s), b.call(), f"call, clock {shift_s:+.0f} s"), *TAKEN)


@check(
    "IDN-05", "signed-once", "重放的请求不再办理", "a replayed request has no second effect",
    verbs=(Verb.SUBMIT,), samples=("submit",), proofs=(Proof.ONCE,),
)  # fmt: skip
async def replayed(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    first = await b.done(adapter, call)
    recorded = b.request_of(call)
    with b.proxy.doing(acts.instead(lambda _: recorded), b.about(call), "the recorded request instead"):
        again = await b.ask(adapter, call, "call again, its request replaced by the recorded one")
    if again.answer is not None and again.answer != first:
        raise Failed("重放得到了新的答复", "the replayed request got an answer of its own")
    await b.expect_effects(adapter, call, 1)


@check(
    "IDN-06", "signed-once", "每个请求各有签名", "no two requests are signed alike",
    verbs=(Verb.SUBMIT,), samples=("submit",), proofs=(Proof.ONCE,),
)  # fmt: skip
async def never_alike(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    await b.ask(adapter, call)
    await b.ask(adapter, call)
    raw = [passage.request.without("host").raw() for passage in b.requests(call)]
    b.require(len(raw) >= 2, "没有看到两次请求", "two requests were not seen")
    b.require(len(set(raw)) == len(raw), "两次请求完全相同，可被重放", "two requests are the same, byte for byte")


@check(
    "IDN-07", "signed-path", "改送他处的请求不办理", "a request sent to another path has no effect",
    verbs=(Verb.SUBMIT,), samples=("submit",), proofs=(Proof.PATH,),
)  # fmt: skip
async def another_path(b: Bench) -> None:
    call, other = b.call(), _another_operation(b)

    def moved(request: Request) -> Request:
        if other and call.operation in request.target:
            return request.at(request.target.replace(call.operation, other))
        return request.at("/elsewhere" + request.target)

    with b.proxy.doing(acts.instead(moved), b.about(call), "to another path"):
        b.expect(await b.ask(b.adapter(), call), "Misconfigured", "ContractBroken")
    await b.expect_effects(b.adapter(), call, 0)


def _another_operation(b: Bench) -> str:
    own = b.sample()
    same = (s for s in b.kit.profile.samples.values() if s.department == own.department)
    return next((s.operation for s in same if s.operation != own.operation), own.reverse)


@check(
    "IDN-08", "signed-body", "被篡改的请求不办理", "a request with one changed byte has no effect",
    verbs=(Verb.SUBMIT,), samples=("submit",), proofs=(Proof.BODY,),
)  # fmt: skip
async def tampered(b: Bench) -> None:
    call = b.call()
    with b.proxy.doing(acts.instead(lambda r: _one_byte(r, call)), b.about(call), "one byte of the body changed"):
        b.expect(await b.ask(b.adapter(), call), "Misconfigured", "ContractBroken")
    await b.expect_effects(b.adapter(), call, 0)


def _one_byte(request: Request, call: ProvinceCall) -> Request:
    for value in (call.case_no, *call.payload.values()):
        old = value.encode()
        if len(old) > 2 and old in request.body:
            new = old[:-1] + (b"0" if old[-1:] != b"0" else b"1")
            return request.with_body(request.body.replace(old, new, 1))
    return request.with_body(request.body[:-2] + b" " + request.body[-1:])


@check(
    "IDN-09", "identified", "他人密钥不被接受", "another's secret is refused, and it says so",
    verbs=(Verb.SUBMIT,), samples=("submit",), proofs=(Proof.SECRET,),
)  # fmt: skip
async def strangers_secret(b: Bench) -> None:
    call = b.call()
    b.expect(await b.ask(b.adapter(values=b.stranger()), call, "call with a stranger's keys"), "Misconfigured")
    await b.expect_effects(b.adapter(), call, 0)


@check(
    "IDN-10", "keys-rotate", "更换密钥无需重建适配器", "keys are exchanged under a living adapter",
    verbs=(Verb.SUBMIT,), samples=("submit",), proofs=(Proof.SECRET,),
)  # fmt: skip
async def rotation(b: Bench) -> None:
    keys = Exchangeable(b.kit.keys.good)
    adapter = b.adapter(values=keys)
    b.expect(await b.ask(adapter, b.call(), "call with good keys"), *TAKEN)
    keys.become(b.stranger())
    b.expect(await b.ask(adapter, b.call(), "call after the keys became a stranger's"), "Misconfigured")
    keys.become(b.kit.keys.good)
    b.expect(await b.ask(adapter, b.call(), "call after the keys became good again"), *TAKEN)


@check(
    "IDN-11", "secret-stays", "密钥不出现在报文中", "the secret never goes over the wire",
    verbs=(Verb.SUBMIT,), samples=("submit",), proofs=(Proof.BODY,),
)  # fmt: skip
async def stays_home(b: Bench) -> None:
    mine = b.kit.keys.secret_texts("secret", "private")
    if not mine:
        raise NotApplicable("凭证中没有密钥", "the credentials hold no secrets")
    await b.ask(b.adapter(), b.call())
    for passage in b.proxy.passages:
        b.require(not passage.request.mentions(*mine), "请求中含有密钥", "a request carries the secret")
