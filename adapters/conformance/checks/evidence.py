"""Evidence: shown without a trace, released once, verified, not found."""

from __future__ import annotations

from adapters.answers import is_licence_identifier
from adapters.conformance.bench import Bench, answer_of
from adapters.conformance.model import Control, NotApplicable, check
from domain.effects import Verb

_LICENCE = "licence_identifier"


@check("EVD-01", "evidence-shown", "出示证照不留痕迹", "evidence is shown and leaves no effect",
       verbs=(Verb.OFFER,), samples=("offer",))  # fmt: skip
async def shown(b: Bench) -> None:
    adapter = b.adapter()
    call = b.call("offer", Verb.OFFER)
    first = answer_of(b.expect(await b.ask(adapter, call), "accepted"))
    again = answer_of(b.expect(await b.ask(adapter, call, "offer again"), "accepted"))
    b.require(first.data, "没有内容", "nothing is shown")
    b.require(dict(again.data) == dict(first.data), "两次不同", "it shows something else the second time")
    if b.kit.offers(Control.LEDGER):
        b.require(not await b.rows(call.case_no), "台账有记录", "the ledger holds a row about it")


@check("EVD-02", "evidence-released", "释放证照一次", "evidence is released once, and is what was shown",
       verbs=(Verb.OFFER, Verb.FETCH), samples=("offer",))  # fmt: skip
async def released(b: Bench) -> None:
    adapter = b.adapter()
    offered = answer_of(b.expect(await b.ask(adapter, b.call("offer", Verb.OFFER)), "accepted"))
    call = b.call("offer", Verb.FETCH)
    first = await b.settled(adapter, call, await b.ask(adapter, call))
    b.expect(first, "accepted")
    b.require(dict(answer_of(first).data) == dict(offered.data), "与出示的不同", "it is not what was shown")
    if b.capabilities.keys:
        again = await b.settled(adapter, call, await b.ask(adapter, call, "fetch again, same key"))
        b.require(answer_of(again) == answer_of(first), "第二次不同", "the second answer differs")
    if b.kit.offers(Control.LEDGER):
        rows = await b.rows(call.case_no)
        b.require(len(rows) == 1, f"台账有 {len(rows)} 行", f"the ledger holds {len(rows)} rows about it")


@check("EVD-03", "evidence-shown", "查无证照是带理由的拒绝", "what it does not hold is a refusal with a reason",
       verbs=(Verb.OFFER,), samples=("missing",))  # fmt: skip
async def missing(b: Bench) -> None:
    answer = answer_of(b.expect(await b.ask(b.adapter(), b.call("missing", Verb.OFFER)), "rejected"))
    b.require(answer.reasons, "没有理由代码", "there is no reason code")


@check("EVD-04", "evidence-verified", "核验真伪", "a genuine licence verifies, an invented one does not",
       verbs=(Verb.OFFER, Verb.VERIFY), samples=("offer",))  # fmt: skip
async def verified(b: Bench) -> None:
    adapter = b.adapter()
    shown_now = answer_of(b.expect(await b.ask(adapter, b.call("offer", Verb.OFFER)), "accepted"))
    number = shown_now.data.get(_LICENCE, "")
    if not number:
        raise NotApplicable("证照没有标识", "the evidence has no licence identifier")
    asked = b.sample("offer").model_copy(update={"fields": {_LICENCE: number}})
    genuine = b.expect(await b.ask(adapter, b.call(asked, Verb.VERIFY)), "accepted")
    broken = b.sample("offer").model_copy(
        update={"fields": {_LICENCE: number[:-1] + ("0" if number[-1] != "0" else "1")}}
    )
    false = await b.ask(adapter, b.call(broken, Verb.VERIFY), "verify with a wrong check character")
    b.expect(false, "rejected", "accepted", "ContractBroken")
    differs = false.kind != "accepted" or dict(answer_of(false).data) != dict(answer_of(genuine).data)
    b.require(differs, "真伪不分", "it tells no difference")


@check("EVD-05", "licence-number", "证照标识校验位正确", "licence identifiers have the right check character",
       verbs=(Verb.OFFER,), samples=("offer",))  # fmt: skip
async def number_right(b: Bench) -> None:
    answer = answer_of(b.expect(await b.ask(b.adapter(), b.call("offer", Verb.OFFER)), "accepted"))
    if _LICENCE not in answer.data:
        raise NotApplicable("证照没有标识", "the evidence has no licence identifier")
    b.require(is_licence_identifier(answer.data[_LICENCE]), "标识不正确", "the identifier cannot be right")


@check("EVD-06", "licence-number", "错误的证照标识不被接受", "a licence identifier that cannot be right is not taken",
       verbs=(Verb.OFFER,), samples=("offer",), controls=(Control.FAULTS,), alone=True)  # fmt: skip
async def number_wrong(b: Bench) -> None:
    if b.kit.controls is None:
        raise NotApplicable("对方不提供 /sim", "the target offers no controls")
    call = b.call("offer", Verb.OFFER)
    async with b.kit.controls.fault("bad_licence", call.operation):
        b.expect(await b.ask(b.adapter(), call), "ContractBroken", "Ambiguous")
