"""What must not be told: secrets and people's data have no place in errors and addresses."""

from __future__ import annotations

import traceback
from urllib.parse import unquote

from adapters.conformance import acts
from adapters.conformance.bench import Bench
from adapters.conformance.http import Message, Response, response
from adapters.conformance.model import NotApplicable, check
from domain.effects import Verb

CANARY = {"kit_name": "金丝雀·不可泄露", "kit_id": "KITCANARY0123456789"}


def _leaks(b: Bench, error: Exception | None, values: tuple[str, ...]) -> list[str]:
    if error is None:
        return []
    told = "".join(traceback.format_exception_only(error)) + repr(error.args) + repr(vars(error))
    return [value for value in (*b.kit.keys.secret_texts(), *values) if value in told]


@check("PRV-01", "errors-tell-nothing", "错误文字不含密钥与申请内容", "no error text holds a secret or a field's value",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def errors(b: Bench) -> None:
    values = tuple(CANARY.values())
    echo = "".join(f'"{name}":"{value}",' for name, value in CANARY.items())
    evil = ('{"error":' + "{" + echo[:-1] + '},"message":"' + "".join(values) + '"}').encode()

    def spoiled(true: Response) -> Message:
        return true.with_body(true.body[:1] + "".join(values).encode() + true.body[1:])

    for what, act in {
        "the values as an error": acts.say(response(400, evil, "application/json")),
        "the values with 422": acts.say(response(422, evil, "application/json")),
        "the values with 200": acts.say(response(200, evil, "application/json")),
        "the values in a spoiled answer": acts.after(spoiled),
        "500": acts.say(response(500, evil, "application/json")),
        "401": acts.say(response(401, evil, "application/json")),
        "reset": acts.lose_request,
    }.items():
        call = b.call(fields=CANARY)
        with b.proxy.doing(act, b.about(call), what):
            outcome = await b.ask(b.adapter(), call, f"call, {what}")
        b.require(
            not _leaks(b, outcome.error, values), f"错误文字泄露内容：{what}", f"the error text tells too much: {what}"
        )


@check("PRV-02", "errors-tell-nothing", "地址中不含申请内容", "no field's value stands in an address",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def addresses(b: Bench) -> None:
    adapter, call = b.adapter(), b.call(fields=CANARY)
    await b.ask(adapter, call)
    if b.can(Verb.FIND):
        await b.find(adapter, call)
    values = [value for value in call.payload.values() if len(value) > 5]
    for passage in b.proxy.passages:
        target = unquote(passage.request.target)
        b.require(not any(v in target for v in values), "地址中含有申请内容", "an address holds a field's value")


@check("PRV-03", "minimal", "只发送被要求的字段", "nothing is sent that was not asked for",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def minimal(b: Bench) -> None:
    import os
    import socket

    call = b.call()
    await b.ask(b.adapter(), call)
    raw = b.request_of(call)
    user = os.environ.get("USER", "")
    telling = [each for each in (socket.gethostname(), user) if len(each) > 5]
    b.require(not raw.without("host").mentions(*telling), "请求泄露本机信息", "the request tells about this machine")


@check("PRV-04", "errors-tell-nothing", "整个检查过程中没有错误泄露内容", "nor did any error text of this whole run",
       alone=True)  # fmt: skip
async def errors_of_the_run(b: Bench) -> None:
    fields = (value for sample in b.kit.profile.samples.values() for value in sample.fields.values())
    values = tuple(value for value in fields if len(value) > 8)
    if not b.kit.errors:
        raise NotApplicable("没有出现错误", "there was no error")
    leaking = sorted({check_id for check_id, error in b.kit.errors if _leaks(b, error, values)})
    b.require(
        not leaking, f"错误文字泄露内容：{', '.join(leaking)}", f"error texts tell too much in {', '.join(leaking)}"
    )
