"""What is done about an earlier matter: handing in, taking back, undoing. Each is itself done once."""

from __future__ import annotations

from adapters.conformance import acts
from adapters.conformance.bench import Bench, answer_of
from adapters.conformance.model import Control, NotApplicable, check
from adapters.port import ProvinceAdapter
from domain.effects import Answer, ProvinceCall, Verb


async def _net(b: Bench, call: ProvinceCall, wanted: int) -> None:
    """The sum of all bookings of the case."""
    if not b.kit.offers(Control.LEDGER):
        return
    deltas = [row.get("delta") for row in await b.rows(call.case_no)]
    net = sum(delta for delta in deltas if isinstance(delta, int))
    b.require(net == wanted, f"台账净额应为 {wanted}，实为 {net}", f"the ledger should net {wanted}, it nets {net}")


def _reversible(b: Bench, name: str) -> None:
    if not b.sample(name).reverse:
        raise NotApplicable("样例没有撤销事项", "the sample names no operation that undoes it")


async def _undo(
    b: Bench,
    adapter: ProvinceAdapter,
    verb: Verb,
    of: ProvinceCall,
    known: Answer | None,
    *kinds: str,
    name: str = "submit",
) -> ProvinceCall:
    call = b.call(name, verb, about=of, known=known)
    outcome = await b.settled(adapter, call, b.expect(await b.ask(adapter, call), *kinds, "pending"))
    b.expect(outcome, *kinds)
    return call


@check("CMP-01", "reversal-nets-zero", "撤销已办结的", "what is done is reversed; the ledger nets zero",
       verbs=(Verb.SUBMIT, Verb.REVERSE), samples=("submit",))  # fmt: skip
async def reverse_done(b: Bench) -> None:
    _reversible(b, "submit")
    adapter, call = b.adapter(), b.call()
    known = await b.done(adapter, call)
    await _undo(b, adapter, Verb.REVERSE, call, known, "accepted")
    await _net(b, call, 0)


@check("CMP-02", "key-once", "同键撤销两次只撤一次", "a reversal twice under one key is one",
       verbs=(Verb.SUBMIT, Verb.REVERSE), samples=("submit",), keys=True)  # fmt: skip
async def reverse_twice(b: Bench) -> None:
    _reversible(b, "submit")
    adapter, call = b.adapter(), b.call()
    known = await b.done(adapter, call)
    undo = await _undo(b, adapter, Verb.REVERSE, call, known, "accepted")
    again = await b.settled(adapter, undo, await b.ask(adapter, undo, "reverse again, same key"))
    b.expect(again, "accepted")
    await _net(b, call, 0)


@check("CMP-03", "reversal-nets-zero", "另键再撤不再入账", "a second reversal under another key books nothing",
       verbs=(Verb.SUBMIT, Verb.REVERSE), samples=("submit",))  # fmt: skip
async def reverse_again(b: Bench) -> None:
    _reversible(b, "submit")
    adapter, call = b.adapter(), b.call()
    known = await b.done(adapter, call)
    await _undo(b, adapter, Verb.REVERSE, call, known, "accepted")
    await _undo(b, adapter, Verb.REVERSE, call, known, "accepted", "rejected")
    await _net(b, call, 0)


@check("CMP-04", "reversal-nets-zero", "撤销在办的", "what is in progress is called off; it never takes effect",
       verbs=(Verb.SUBMIT, Verb.REVERSE, Verb.FIND), samples=("lasting",))  # fmt: skip
async def reverse_pending(b: Bench) -> None:
    _reversible(b, "lasting")
    adapter, call = b.adapter(), b.call("lasting")
    known = answer_of(b.expect(await b.ask(adapter, call), "pending"))
    await _undo(b, adapter, Verb.REVERSE, call, known, "accepted", name="lasting")
    b.expect(await b.settled(adapter, call, await b.find(adapter, call)), "rejected", "accepted")
    await _net(b, call, 0)


@check("CMP-05", "reversal-nets-zero", "撤销从未见过的，之后到达也不办理", "what was never seen is buried",
       verbs=(Verb.SUBMIT, Verb.REVERSE), samples=("submit",), keys=True)  # fmt: skip
async def reverse_unseen(b: Bench) -> None:
    _reversible(b, "submit")
    adapter, call = b.adapter(), b.call()
    await _undo(b, adapter, Verb.REVERSE, call, None, "accepted", "rejected")
    late = await b.settled(adapter, call, await b.ask(adapter, call, "the original, after its reversal"))
    b.expect(late, "rejected")
    await _net(b, call, 0)


@check("CMP-06", "lost-answer", "撤销的答复丢失后可查到或可重送", "a reversal whose answer was lost is made good",
       verbs=(Verb.SUBMIT, Verb.REVERSE, Verb.FIND), samples=("submit",))  # fmt: skip
async def reverse_lost(b: Bench) -> None:
    _reversible(b, "submit")
    adapter, call = b.adapter(), b.call()
    known = await b.done(adapter, call)
    undo = b.call("submit", Verb.REVERSE, about=call, known=known)
    with b.proxy.doing(acts.lose_answer, b.about(undo), "done, answer lost"):
        b.expect(await b.ask(adapter, undo), "Ambiguous")
    found = await b.settled(adapter, undo, await b.find(adapter, undo))
    if found.kind == "nothing" and not b.capabilities.keys:  # such a province may not tell; then it is sent again
        found = await b.settled(adapter, undo, await b.ask(adapter, undo, "reverse again"))
    b.expect(found, "accepted")
    await _net(b, call, 0)


@check("CMP-07", "withdrawal", "撤回在办的", "what is in progress is withdrawn; it never takes effect",
       verbs=(Verb.SUBMIT, Verb.WITHDRAW, Verb.FIND), samples=("lasting",))  # fmt: skip
async def withdraw_pending(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("lasting")
    known = answer_of(b.expect(await b.ask(adapter, call), "pending"))
    await _undo(b, adapter, Verb.WITHDRAW, call, known, "accepted", name="lasting")
    b.expect(await b.settled(adapter, call, await b.find(adapter, call)), "rejected")
    await _net(b, call, 0)


@check("CMP-08", "withdrawal", "办结的不能撤回", "what is done is not withdrawn",
       verbs=(Verb.SUBMIT, Verb.WITHDRAW), samples=("submit",))  # fmt: skip
async def withdraw_done(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    known = await b.done(adapter, call)
    await _undo(b, adapter, Verb.WITHDRAW, call, known, "rejected")
    await _net(b, call, 1)


@check("CMP-09", "withdrawal", "撤回两次只撤一次", "a withdrawal twice is one",
       verbs=(Verb.SUBMIT, Verb.WITHDRAW), samples=("lasting",), keys=True)  # fmt: skip
async def withdraw_twice(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("lasting")
    known = answer_of(b.expect(await b.ask(adapter, call), "pending"))
    back = await _undo(b, adapter, Verb.WITHDRAW, call, known, "accepted", name="lasting")
    b.expect(await b.settled(adapter, back, await b.ask(adapter, back, "withdraw again, same key")), "accepted")
    await _net(b, call, 0)


@check("CMP-10", "withdrawal", "撤回从未见过的", "a withdrawal of what was never seen changes nothing",
       verbs=(Verb.WITHDRAW,), samples=("lasting",))  # fmt: skip
async def withdraw_unseen(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("lasting")
    back = b.call("lasting", Verb.WITHDRAW, about=call)
    first = b.expect(await b.ask(adapter, back), "accepted", "rejected", "pending", "ContractBroken", "Misconfigured")
    b.expect(await b.settled(adapter, back, first), "accepted", "rejected", "ContractBroken", "Misconfigured")
    await _net(b, call, 0)


@check("CMP-11", "supplement", "补正后办结", "what wants something is done once it is handed in",
       verbs=(Verb.SUBMIT, Verb.SUPPLEMENT, Verb.FIND), samples=("supplement",))  # fmt: skip
async def hand_in(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("supplement")
    known = answer_of(b.expect(await b.ask(adapter, call), "pending"))
    handed = b.call("supplement", Verb.SUPPLEMENT, about=call, known=known, fields={"explanation": "已补正"})
    b.expect(await b.settled(adapter, handed, await b.ask(adapter, handed)), "accepted")
    b.expect(await b.settled(adapter, call, await b.find(adapter, call)), "accepted")
    await b.expect_effects(adapter, call, 1)


@check("CMP-12", "supplement", "补正两次只收一次", "a supplement twice under one key is one",
       verbs=(Verb.SUBMIT, Verb.SUPPLEMENT, Verb.FIND), samples=("supplement",), keys=True)  # fmt: skip
async def hand_in_twice(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("supplement")
    known = answer_of(b.expect(await b.ask(adapter, call), "pending"))
    handed = b.call("supplement", Verb.SUPPLEMENT, about=call, known=known, fields={"explanation": "已补正"})
    for _ in range(2):
        b.expect(await b.settled(adapter, handed, await b.ask(adapter, handed)), "accepted")
    b.expect(await b.settled(adapter, call, await b.find(adapter, call)), "accepted")
    await b.expect_effects(adapter, call, 1)


@check("CMP-13", "supplement", "无需补正的被拒", "where nothing is wanted a supplement is refused",
       verbs=(Verb.SUBMIT, Verb.SUPPLEMENT), samples=("submit",))  # fmt: skip
async def nothing_wanted(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    known = await b.done(adapter, call)
    handed = b.call("submit", Verb.SUPPLEMENT, about=call, known=known, fields={"explanation": "已补正"})
    b.expect(await b.settled(adapter, handed, await b.ask(adapter, handed)), "rejected")


@check("CMP-14", "supplement", "对从未见过的补正被拒", "a supplement to what was never seen changes nothing",
       verbs=(Verb.SUPPLEMENT,), samples=("supplement",))  # fmt: skip
async def nothing_to_supplement(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("supplement")
    handed = b.call("supplement", Verb.SUPPLEMENT, about=call, fields={"explanation": "已补正"})
    kinds = ("rejected", "ContractBroken", "Misconfigured")
    first = b.expect(await b.ask(adapter, handed), "pending", *kinds)
    b.expect(await b.settled(adapter, handed, first), *kinds)
    await _net(b, call, 0)
