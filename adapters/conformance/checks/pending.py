"""What takes its time: told as pending, ended by asking or by callback, never lost."""

from __future__ import annotations

from adapters.conformance.bench import Bench, answer_of
from adapters.conformance.model import check
from domain.effects import Expect, Verb

LONGEST_PAUSE_S = 86400


@check("PND-01", "pending-told", "在办事项先答复在办，后可查到办结", "what takes time is pending first and done later",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("slow",))  # fmt: skip
async def ends_by_asking(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("slow")
    first = answer_of(b.expect(await b.ask(adapter, call), "pending"))
    b.require(
        0 < first.poll_after_s <= LONGEST_PAUSE_S,
        "查询间隔不合理",
        "poll_after_s is not between one second and one day",
    )
    b.require(not first.expect or first.expect in {Expect.POLL, *b.capabilities.answers}, "答复方式未声明",
              "it expects an answer in a way it does not declare")  # fmt: skip
    b.expect(await b.settled(adapter, call, b.expect(await b.find(adapter, call), "pending", "accepted")), "accepted")
    await b.expect_effects(adapter, call, 1)


@check("PND-02", "pending-told", "在办后被拒", "what takes time may be refused in the end",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("refuse_late",))  # fmt: skip
async def refused_later(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("refuse_late")
    first = b.expect(await b.ask(adapter, call), "pending")
    b.require(answer_of(b.expect(await b.settled(adapter, call, first), "rejected")).reasons, "没有理由", "no reasons")
    await b.expect_effects(adapter, call, 0)


@check("PND-03", "key-once", "在办时同键重送仍是一件", "repeated while pending it is still one matter",
       verbs=(Verb.SUBMIT, Verb.FIND), samples=("slow",), keys=True)  # fmt: skip
async def repeated(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("slow")
    first = answer_of(b.expect(await b.ask(adapter, call), "pending"))
    again = b.expect(await b.ask(adapter, call, "call again"), "pending", "accepted")
    b.require(answer_of(again).reference == first.reference, "得到了新编号", "it got a second number")
    b.expect(await b.settled(adapter, call, again), "accepted")
    await b.expect_effects(adapter, call, 1)


@check("PND-04", "query-tells", "按编号询问进度", "query tells how far it is, by the province's number",
       verbs=(Verb.SUBMIT, Verb.QUERY), samples=("slow",))  # fmt: skip
async def asked_by_number(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("slow")
    first = answer_of(b.expect(await b.ask(adapter, call), "pending"))
    query = call.model_copy(
        update={"verb": Verb.QUERY, "reference": first.reference, "original_reference": first.reference}
    )
    told = answer_of(b.expect(await b.ask(adapter, query), "pending", "accepted"))
    b.require(told.reference == first.reference, "进度属于另一编号", "it tells about another number")


@check("PND-05", "pending-told", "需补正时说明所需", "what wants a supplement says what is wanted, in zh and en",
       verbs=(Verb.SUBMIT,), samples=("supplement",))  # fmt: skip
async def wants(b: Bench) -> None:
    adapter, call = b.adapter(), b.call("supplement")
    first = answer_of(b.expect(await b.ask(adapter, call), "pending"))
    if first.wants is None and b.can(Verb.FIND):
        first = answer_of(await b.find(adapter, call))
    b.require(first.wants and first.wants.zh and first.wants.en, "没有说明所需", "it does not say what is wanted")


@check("PND-06", "pending-callback", "办结以回调告知", "its end is called back",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",))  # fmt: skip
async def called_back(b: Bench) -> None:
    adapter = b.adapter()
    harvest = await b.harvest()
    _, notice = b.ending(adapter, harvest)
    b.require(notice.key == harvest.call.key, "回调的键不符", "the callback is about another key")
    b.require(notice.answer.status.value == "accepted", "回调结果不符", "the callback tells another end")


@check("PND-07", "pending-callback", "被拒以回调告知并附理由", "a late refusal is called back with its reasons",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("refuse_late",))  # fmt: skip
async def refusal_called_back(b: Bench) -> None:
    adapter = b.adapter()
    _, notice = b.ending(adapter, await b.harvest("refuse_late"))
    b.require(
        notice.answer.status.value == "rejected" and notice.answer.reasons, "没有拒绝理由", "no refusal with reasons"
    )
    b.require(
        notice.answer.text and notice.answer.text.zh and notice.answer.text.en, "没有说明", "no text in zh and en"
    )
