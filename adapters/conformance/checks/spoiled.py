"""Answers that cannot be read: what was done is unknown, and no error leaves the tree."""

from __future__ import annotations

import json

from adapters.conformance import acts
from adapters.conformance.bench import Bench
from adapters.conformance.http import Message, Response, response
from adapters.conformance.model import NotApplicable, check
from adapters.conformance.proxy import Act, Passage
from domain.effects import Verb

UNREADABLE = ("Ambiguous", "ContractBroken", "Misconfigured")


async def _unreadable(b: Bench, act: Act, name: str, *kinds: str) -> None:
    call = b.call()
    with b.proxy.doing(act, b.about(call), name) as rule:
        outcome = await b.ask(b.adapter(), call, f"call, {name}")
    if not rule.struck:
        b.request_of(call)
    b.expect(outcome, *(kinds or UNREADABLE))


@check("SPO-01", "unreadable-is-unknown", "200 的 HTML 不算受理", "HTML with 200 is not taken for an answer",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def html(b: Bench) -> None:
    await _unreadable(b, acts.after(lambda _: response(200, acts.HTML, "text/html; charset=utf-8")), "HTML with 200",
                      "Ambiguous")  # fmt: skip


@check("SPO-02", "unreadable-is-unknown", "谎称类型的 HTML 不算受理", "HTML that claims the right type is no answer",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def html_in_disguise(b: Bench) -> None:
    await _unreadable(b, acts.after(lambda true: true.with_body(acts.HTML)), "HTML with the type of a true answer",
                      "Ambiguous", "ContractBroken")  # fmt: skip


@check("SPO-03", "unreadable-is-unknown", "无法解码的字节", "bytes that are no text in any charset",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def undecodable(b: Bench) -> None:
    def spoiled(true: Response) -> Message:
        middle = len(true.body) // 2
        return true.with_body(true.body[:middle] + b"\xff\xff\x00\xff" + true.body[middle:])

    await _unreadable(b, acts.after(spoiled), "bytes of no charset")


@check("SPO-04", "unreadable-is-unknown", "另一种字符集", "another charset than agreed",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def charset(b: Bench) -> None:
    def recoded(true: Response) -> Message:
        media = true.header("content-type").partition(";")[0] or "text/plain"
        try:
            text = true.body.decode("utf-8")
        except UnicodeDecodeError:
            text = true.body.decode("gb18030", "replace")
        coded = true.with_body(text.encode("utf-16"))
        return coded.with_headers({"Content-Type": f"{media}; charset=utf-16"})

    await _unreadable(b, acts.after(recoded), "UTF-16")


@check("SPO-05", "size-bounded", "过大的答复不读完", "an answer of 64 MiB is not read to its end",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def oversize(b: Bench) -> None:
    call = b.call()
    with b.proxy.doing(acts.flood, b.about(call), "64 MiB") as rule:
        outcome = await b.ask(b.adapter(), call, "call, 64 MiB for an answer")
    read = max((passage.written for passage in rule.struck), default=0)
    b.expect(outcome, "Ambiguous", "ContractBroken")
    b.require(read < 16 << 20, f"读了 {read >> 20} MiB", f"it read {read >> 20} MiB")


@check("SPO-06", "size-bounded", "过深的 JSON", "JSON nested thousands deep does no harm",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def deep(b: Bench) -> None:
    body = b'{"data":' * 20000 + b"1" + b"}" * 20000
    await _unreadable(b, acts.say(response(200, body, "application/json")), "deep JSON", "Ambiguous", "ContractBroken")
    body = b"[" * 100000 + b"]" * 100000
    await _unreadable(b, acts.say(response(200, body, "application/json")), "deeper", "Ambiguous", "ContractBroken")


@check("SPO-07", "unreadable-is-unknown", "类型不符的答复", "an answer whose parts have other types",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def types(b: Bench) -> None:
    others: tuple[object, ...] = (7, [], None, {"zh": 1})
    for what in others:

        def mutated(true: Response, what: object = what) -> Message:
            try:
                parsed = json.loads(true.body)
            except ValueError:
                return true.with_body(b"")
            return true.with_body(json.dumps(_swapped(parsed, what, 3)).encode())

        await _unreadable(b, acts.after(mutated), f"texts became {what!r}", "Ambiguous", "ContractBroken")


def _swapped(value: object, what: object, levels: int) -> object:
    if isinstance(value, dict) and levels:
        return {name: _swapped(each, what, levels - 1) for name, each in value.items()}
    return what if isinstance(value, str | dict | list) else str(value)


@check("SPO-08", "unreadable-is-unknown", "空洞的答复", "nothing, null, a list, a bare word with 200",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def hollow(b: Bench) -> None:
    for body in (b"", b"null", b"[]", b'"accepted"', b"{}", b"true", b"NaN"):
        act = acts.after(lambda true, body=body: true.with_body(body))  # type: ignore[misc]
        await _unreadable(b, act, f"{body.decode() or 'nothing'} with 200", "Ambiguous", "ContractBroken")


@check("SPO-09", "unreadable-is-unknown", "无内容的 204", "204 is no answer",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def no_content(b: Bench) -> None:
    await _unreadable(b, acts.status(204), "204")


@check("SPO-10", "size-bounded", "压缩的答复不解压", "a compressed answer is not decompressed",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def compressed(b: Bench) -> None:
    import gzip

    bomb = gzip.compress(b" " * (32 << 20), 1)
    said = response(200, bomb, "application/json", content_encoding="gzip")
    await _unreadable(b, acts.say(said), "32 MiB, gzipped", "Ambiguous", "ContractBroken")


@check("SPO-11", "unreadable-is-unknown", "不是 HTTP 的答复", "what is no HTTP is no answer",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def no_http(b: Bench) -> None:
    async def act(passage: Passage) -> None:
        await passage.write(b"SSH-2.0-OpenSSH_9.6\r\n")

    await _unreadable(b, act, "another protocol", "Ambiguous")


@check("SPO-12", "unreadable-is-unknown", "未知的状态词", "a status nobody has agreed on is not guessed at",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def unknown_words(b: Bench) -> None:
    call = b.call()
    adapter = b.adapter()
    await b.ask(adapter, call)
    true = next((p.response for p in b.requests(call) if p.response), None)
    if true is None or not true.body.startswith(b"{"):
        raise NotApplicable("答复不是 JSON", "the answer is no JSON")
    parsed = json.loads(true.body)
    words = [name for name, value in _leaves(parsed) if value.isalpha() and len(value) < 24]
    if not words:
        raise NotApplicable("答复中没有状态词", "there is no status word in the answer")
    spoiled_body = json.dumps(_reworded(parsed, set(words))).encode()
    with b.proxy.doing(acts.after(lambda each: each.with_body(spoiled_body)), b.about(call), "unknown words"):
        b.expect(
            await b.ask(adapter, call, "call again, the words of its answer unknown"), "Ambiguous", "ContractBroken"
        )


def _leaves(value: object, name: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in _leaves(each, key)]
    return [(name, value)] if isinstance(value, str) else []


def _reworded(value: object, names: set[str], name: str = "") -> object:
    if isinstance(value, dict):
        return {key: _reworded(each, names, key) for key, each in value.items()}
    return "perhaps" if isinstance(value, str) and name in names else value
