"""Callbacks: only true ones are believed, and what comes twice, late or the wrong way round does no harm."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import replace

from adapters.conformance.bench import TAKEN, Bench, tells_end
from adapters.conformance.mailbox import Letter
from adapters.conformance.model import Control, NotApplicable, Proof, check
from adapters.errors import CallbackRefused
from adapters.port import ProvinceAdapter
from domain.callbacks import Verdict, judge
from domain.effects import Answer, AnswerStatus, CallbackNotice, Expect, ProvinceCall, Verb

_PLAIN = {"content-type", "content-length", "host", "connection", "user-agent", "accept", "accept-encoding", "date"}


def _refused(b: Bench, adapter: ProvinceAdapter, letter: Letter, what: str) -> CallbackRefused:
    said = b.read(adapter, letter, what)
    b.require(isinstance(said, CallbackRefused), f"相信了：{what}", f"it believed a callback: {what}")
    return said if isinstance(said, CallbackRefused) else CallbackRefused("bad_signature")


def _believed(b: Bench, adapter: ProvinceAdapter, letter: Letter, what: str) -> CallbackNotice:
    said = b.read(adapter, letter, what)
    if isinstance(said, CallbackNotice):
        return said
    b.require(
        False, f"不相信真实回调：{what}（{said.code}）", f"it did not believe a true callback: {what} ({said.code})"
    )
    raise said


def _judged(b: Bench, known: Answer | None, notice: CallbackNotice) -> Verdict:
    return judge(b.kit.profile.region, known, b.kit.profile.region, notice.answer)


@check("CBK-01", "callback-read", "真实回调可读", "a true callback is read: event, key, end",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",))  # fmt: skip
async def good(b: Bench) -> None:
    adapter, harvest = b.adapter(), await b.harvest()
    _, notice = b.ending(adapter, harvest)
    b.require(notice.key == harvest.call.key, "键不符", "it is about another key")
    b.require(notice.event_id, "没有事件号", "it has no event id")
    b.require(notice.answer.reference, "没有业务编号", "it has no number of the province")
    b.require(_judged(b, None, notice) is Verdict.TAKEN, "未被采纳", "the house would not take it")


@check("CBK-02", "callback-signed", "改动一字节的回调不信", "one changed byte is not believed",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",))  # fmt: skip
async def tampered(b: Bench) -> None:
    adapter, harvest = b.adapter(), await b.harvest()
    letter, _ = b.ending(adapter, harvest)
    mark = next(mark.encode() for mark in harvest.marks if mark.encode() in letter.body)
    other = mark[:-1] + (b"0" if mark[-1:] != b"0" else b"1")
    _refused(b, adapter, letter.with_body(letter.body.replace(mark, other, 1)), "another key under the old signature")
    _refused(b, adapter, letter.with_body(letter.body + b" "), "one blank more")
    _refused(b, adapter, letter.with_body(letter.body[:-1]), "the last byte cut off")


@check("CBK-03", "callback-signed", "送到他处的回调不信", "at another path it is not believed",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",), proofs=(Proof.PATH,))  # fmt: skip
async def another_path(b: Bench) -> None:
    adapter = b.adapter()
    letter, _ = b.ending(adapter, await b.harvest())
    _refused(b, adapter, letter.at(letter.path + "x"), "at another path")


@check("CBK-04", "callback-fresh", "过期与未来的回调不信", "too old or from the future it is not believed",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",), proofs=(Proof.TIME,))  # fmt: skip
async def stale(b: Bench) -> None:
    letter, _ = b.ending(b.adapter(), await b.harvest())
    for shift_s, what in ((3600.0, "an hour later"), (-3600.0, "an hour earlier")):
        code = _refused(b, b.adapter(shift_s=shift_s), letter, what).code
        b.require(code == "stale", f"拒绝代码应为 stale，实为 {code}", f"the code should be stale, it is {code}")


@check("CBK-05", "callback-event", "重放的回调是同一事件", "replayed it is the same event, saying the same",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",))  # fmt: skip
async def replayed(b: Bench) -> None:
    adapter = b.adapter()
    letter, first = b.ending(adapter, await b.harvest())
    again = _believed(b, b.adapter(), letter, "the same letter again, read by another instance")
    b.require(again == first, "同一封信读出两样", "the same letter is read in two ways")
    b.require(_judged(b, first.answer, again) is Verdict.LATE, "重复被当作新结果", "a duplicate counts as news")


@check("CBK-06", "callback-signed", "缺少签名的回调不信", "without its signature it is not believed",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",))  # fmt: skip
async def unsigned(b: Bench) -> None:
    adapter = b.adapter()
    letter, _ = b.ending(adapter, await b.harvest())
    bare = {name: value for name, value in letter.headers.items() if name in _PLAIN}
    if bare.keys() == letter.headers.keys():
        raise NotApplicable("签名不在报头中", "the signature is not in the headers")
    _refused(b, adapter, replace(letter, headers=bare), "no signature at all")
    _refused(b, adapter, replace(letter, headers=bare | {n: "" for n in letter.headers if n not in _PLAIN}), "empty")
    for name in letter.headers.keys() - _PLAIN:
        if "sign" in name or "auth" in name or "hmac" in name:
            broken = dict(letter.headers) | {name: letter.headers[name][:-6] + "AAAAAA"}
            _refused(b, adapter, replace(letter, headers=broken), f"another {name}")


@check("CBK-07", "callback-signed", "他人密钥签的回调不信", "signed with another secret it is not believed",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",), proofs=(Proof.SECRET,))  # fmt: skip
async def strangers(b: Bench) -> None:
    letter, _ = b.ending(b.adapter(), await b.harvest())
    _refused(b, b.adapter(values=b.stranger()), letter, "read with a stranger's keys")


@check("CBK-08", "keys-rotate", "轮换期间新旧密钥均可验", "while keys rotate, old and new ones verify",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",), proofs=(Proof.SECRET,))  # fmt: skip
async def rotating(b: Bench) -> None:
    letter, _ = b.ending(b.adapter(), await b.harvest())
    mine, other = b.kit.keys.good.get("secrets"), b.stranger().get("secrets")
    if not isinstance(mine, list) or not isinstance(other, list):
        raise NotApplicable("凭证中没有 secrets", "the credentials hold no secrets")
    for order in ([*other, *mine], [*mine, *other]):
        _believed(b, b.adapter(values={**b.kit.keys.good, "secrets": order}), letter, "two secrets in force")


@check("CBK-09", "callback-once", "晚于查询的回调不改变结果", "after the end was found, the callback is late",
       verbs=(Verb.SUBMIT, Verb.FIND), answers=(Expect.CALLBACK,), samples=("slow",))  # fmt: skip
async def late(b: Bench) -> None:
    adapter, harvest = b.adapter(), await b.harvest()
    outcome = b.expect(await b.find(adapter, harvest.call), "accepted")
    _, notice = b.ending(adapter, harvest)
    verdict = _judged(b, outcome.answer, notice)
    b.require(verdict is Verdict.LATE, f"应为 late，实为 {verdict}", f"the verdict should be late, it is {verdict}")


@check("CBK-10", "callback-once", "次序颠倒的回调不倒退", "the wrong way round, an interim one does not undo the end",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",))  # fmt: skip
async def reordered(b: Bench) -> None:
    adapter, harvest = b.adapter(), await b.harvest()
    _, end = b.ending(adapter, harvest)
    read = [_believed(b, adapter, letter, "each letter") for letter in harvest.letters]
    interim = [notice for notice in read if notice.answer.status is AnswerStatus.PENDING]
    if not interim:
        raise NotApplicable("该省只回调一次", "the province calls back only once")
    ids = {notice.event_id: notice.answer.status for notice in (*interim, end)}
    b.require(len(ids) >= 2, "两个事件同号", "two events have one id")
    b.require(_judged(b, end.answer, interim[0]) is Verdict.LATE, "结果倒退", "the end would be undone")
    b.require(_judged(b, interim[0].answer, end) is Verdict.TAKEN, "办结未采纳", "the end would not be taken")


@check("CBK-11", "callback-once", "自相矛盾的回调不改变结果", "a contradiction does not replace the end",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("contradict",))  # fmt: skip
async def contradictory(b: Bench) -> None:
    adapter = b.adapter()
    harvest = await b.harvest("contradict", ends=2)
    read = [_believed(b, adapter, letter, "each letter") for letter in harvest.letters]
    ends = [notice for notice in read if notice.answer.status is not AnswerStatus.PENDING]
    first = ends[0]
    others = [each for each in ends if each.answer.status is not first.answer.status]
    b.require(others, "没有读出矛盾", "the two ends read the same")
    b.require(others[0].event_id != first.event_id, "矛盾的事件同号", "both ends have one event id")
    verdict = _judged(b, first.answer, others[0])
    b.require(verdict is Verdict.CONTRADICTION, "矛盾未被发现", f"the verdict is {verdict}, not contradiction")


@check("CBK-12", "callback-malformed", "残缺的回调只被拒绝", "what is malformed is refused, and nothing else happens",
       answers=(Expect.CALLBACK,))  # fmt: skip
async def malformed(b: Bench) -> None:
    adapter = b.adapter()
    headers = {"content-type": "application/json"}
    true = next(iter(b.kit.mailbox.letters), None)
    path = true.path if true else "/callbacks"
    headers |= dict(true.headers) if true else {}
    bodies = [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"x"',
        b"{",
        b"\xff\xfe\x00",
        b"<a/>",
        b'{"data":' * 3000 + b"1" + b"}" * 3000,
    ]
    for body in bodies:
        _refused(b, adapter, Letter(path, headers, body), f"{len(body)} bytes that mean nothing")
    _refused(b, adapter, Letter("", {}, b""), "no headers and no path")
    odd = {name: "\ud800é" if name not in _PLAIN else value for name, value in headers.items()} | {"x-odd": "é" * 9000}
    _refused(b, adapter, Letter(path, odd, b"{}"), "odd headers")


@check("CBK-13", "callback-malformed", "巨大的回调被迅速拒绝", "what is huge is refused at once",
       answers=(Expect.CALLBACK,))  # fmt: skip
async def huge(b: Bench) -> None:
    adapter = b.adapter()
    body = json.dumps({"data": ["x" * 1000] * 4000}).encode()
    began = time.monotonic()
    _refused(b, adapter, Letter("/callbacks", {"content-type": "application/json"}, body), "four megabytes")
    b.require(time.monotonic() - began < 2.0, "耗时过长", "it took more than two seconds")


@check("CBK-14", "callback-read", "报头大小写无关", "upper and lower case of header names do not matter",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",))  # fmt: skip
async def any_case(b: Bench) -> None:
    adapter = b.adapter()
    letter, first = b.ending(adapter, await b.harvest())
    shouted = replace(letter, headers={name.title(): value for name, value in letter.headers.items()})
    b.require(_believed(b, adapter, shouted, "Header-Names-Like-This") == first, "读出两样", "it is read otherwise")


@check("CBK-15", "callback-signed", "自己的请求反射回来不信", "our own request sent back to us is not believed",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("submit",))  # fmt: skip
async def reflected(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    await b.ask(adapter, call)
    mine = b.request_of(call)
    headers = {name.lower(): value for name, value in mine.headers}
    _refused(b, adapter, Letter(mine.target.partition("?")[0], headers, mine.body), "our own request")


@check("CBK-16", "callback-signed", "对方的答复不能当作回调", "an answer of the province is no callback",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("submit",))  # fmt: skip
async def answer_as_callback(b: Bench) -> None:
    adapter, call = b.adapter(), b.call()
    await b.ask(adapter, call)
    for passage in b.requests(call):
        if passage.response is not None:
            headers = {name.lower(): value for name, value in passage.response.headers}
            path = passage.request.target.partition("?")[0]
            _refused(b, adapter, Letter(path, headers, passage.response.body), "an answer used as a callback")


async def _beside(b: Bench, kind: str, wanted: int) -> tuple[ProvinceCall, list[Letter]]:
    """All letters that come while the target plays a trick with the callbacks of one matter."""
    if b.kit.controls is None:
        raise NotApplicable("对方不提供 /sim", "the target offers no controls")
    call, before = b.call("slow"), len(b.kit.mailbox.letters)
    async with b.kit.controls.fault(kind, call.operation):
        b.expect(await b.ask(b.adapter(), call), *TAKEN)
        ends = time.monotonic() + b.kit.profile.patience_s
        adapter = b.adapter()
        while True:
            letters = b.kit.mailbox.letters[before:]
            mine = [each for each in letters if any(mark.encode() in each.body for mark in b.marks(call))]
            if len(letters) >= wanted and any(tells_end(adapter, each) for each in mine):
                break
            if not await b.kit.mailbox.wait(max(ends - time.monotonic(), 0.0)):
                break
    await asyncio.sleep(0.3)
    return call, b.kit.mailbox.letters[before:]


@check("CBK-17", "callback-once", "陌生键的回调与本案无关", "a true callback about a key nobody has is unknown",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",), controls=(Control.FAULTS,),
       alone=True)  # fmt: skip
async def about_nobody(b: Bench) -> None:
    adapter = b.adapter()
    call, letters = await _beside(b, "callback_unknown", 2)
    marks = [mark.encode() for mark in b.marks(call)]
    strange = [letter for letter in letters if not any(mark in letter.body for mark in marks)]
    b.require(strange, "没有收到陌生键的回调", "no callback about nobody has come")
    notice = _believed(b, adapter, strange[-1], "about nobody")
    b.require(notice.key != call.key, "读成了本案的键", "it is read as if it were about our key")
    verdict = judge("", None, b.kit.profile.region, notice.answer)
    b.require(verdict is Verdict.UNKNOWN, "应为 unknown", f"the verdict is {verdict}, not unknown")


@check("CBK-18", "callback-signed", "与真实回调并行的伪造回调不信", "a forged one beside the true one is not believed",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",), controls=(Control.FAULTS,),
       alone=True)  # fmt: skip
async def forged(b: Bench) -> None:
    adapter = b.adapter()
    _, letters = await _beside(b, "callback_forged", 2)
    read = [b.read(adapter, letter, "each letter") for letter in letters]
    b.require(any(isinstance(each, CallbackRefused) for each in read), "伪造的也被相信", "the forged one is believed")
    ends = {n.answer.status for n in read if isinstance(n, CallbackNotice)} - {AnswerStatus.PENDING}
    b.require(ends == {AnswerStatus.ACCEPTED}, "结果不符", "the true end is not what is read")


@check("CBK-19", "callback-event", "发送两次的回调是同一事件", "sent twice by the province it is the same event",
       verbs=(Verb.SUBMIT,), answers=(Expect.CALLBACK,), samples=("slow",), controls=(Control.FAULTS,),
       alone=True)  # fmt: skip
async def duplicate(b: Bench) -> None:
    adapter = b.adapter()
    _, letters = await _beside(b, "callback_duplicate", 2)
    read = [_believed(b, adapter, letter, "each letter") for letter in letters]
    times = Counter(notice.event_id for notice in read)
    b.require(max(times.values()) >= 2, "重复的回调事件号不同", "the duplicate has another event id")
    for event_id in times:
        same = [notice for notice in read if notice.event_id == event_id]
        b.require(all(notice == same[0] for notice in same), "同一事件读出两样", "one event is read in two ways")


@check("CBK-20", "callback-once", "先于答复到达的回调照常采纳", "before the call is answered it is taken all the same",
       verbs=(Verb.SUBMIT, Verb.FIND), answers=(Expect.CALLBACK,), samples=("slow",), controls=(Control.FAULTS,),
       alone=True)  # fmt: skip
async def early(b: Bench) -> None:
    adapter = b.adapter()
    call, letters = await _beside(b, "callback_early", 1)
    read = [_believed(b, adapter, letter, "each letter") for letter in letters]
    ends = [notice for notice in read if notice.answer.status is not AnswerStatus.PENDING]
    b.require(ends and ends[0].key == call.key, "没有读到终局", "its end was not read")
    b.require(_judged(b, None, ends[0]) is Verdict.TAKEN, "未被采纳", "the house would not take it")
    b.expect(await b.settled(adapter, call, await b.find(adapter, call)), "accepted")
