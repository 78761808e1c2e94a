"""What can befall a request or its answer on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from adapters.conformance.http import Message, Request, Response, response
from adapters.conformance.proxy import Act, Passage

FOREVER_S = 60.0
HTML = "<!doctype html><title>系统维护</title><h1>系统维护中</h1>".encode()


def say(answer: Response) -> Act:
    """Answers itself; the target never hears of it."""

    async def act(passage: Passage) -> None:
        await passage.answer(answer)

    return act


def after(answer: Callable[[Response], Message]) -> Act:
    """Lets it through and answers with something made from the true answer."""

    async def act(passage: Passage) -> None:
        await passage.answer(answer(await passage.forward()))

    return act


def instead(changed: Callable[[Request], Request]) -> Act:
    """Sends something else to the target, and its answer back."""

    async def act(passage: Passage) -> None:
        await passage.answer(await passage.forward(changed(passage.request)))

    return act


async def lose_answer(passage: Passage) -> None:
    """It is done, and the connection ends without an answer."""
    await passage.forward()
    passage.reset()


async def lose_request(passage: Passage) -> None:
    """The connection ends before the target hears of it."""
    passage.reset()


async def never_answer(passage: Passage) -> None:
    """Nothing comes, for as long as the adapter waits; nothing is done either."""
    await passage.until_gone(FOREVER_S)


async def done_never_answered(passage: Passage) -> None:
    """It is done, and nothing comes."""
    await passage.forward()
    await passage.until_gone(FOREVER_S)


async def drip(passage: Passage) -> None:
    """The true answer, byte for byte, so slowly that no single wait is long and the whole never ends."""
    true = await passage.forward()
    await passage.write(true.with_headers({"Connection": "close"}).head)
    for byte in true.body:
        await passage.write(bytes([byte]))
        await asyncio.sleep(0.25)
    await passage.until_gone(FOREVER_S)


async def drip_head(passage: Passage) -> None:
    """The same from the first byte of the head on, without end."""
    await passage.forward()
    await passage.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(int(FOREVER_S * 4)):
        await passage.write(b"a")
        await asyncio.sleep(0.25)


async def cut(passage: Passage) -> None:
    """Half the body, then a proper end of the connection."""
    true = (await passage.forward()).with_headers({"Connection": "close"})
    await passage.write(true.head + true.body[: len(true.body) // 2])


async def reset_mid_body(passage: Passage) -> None:
    """Half the body, then RST."""
    true = (await passage.forward()).with_headers({"Connection": "close"})
    await passage.write(true.head + true.body[: len(true.body) // 2])
    await asyncio.sleep(0.05)
    passage.reset()


async def flood(passage: Passage) -> None:
    """An answer of the right type that is sixty-four times larger than any may be."""
    true = await passage.forward()
    block = b" " * (1 << 16)
    head = true.with_headers({"Content-Length": str(64 << 20), "Connection": "close"}).head
    await passage.write(head)
    for _ in range(1 << 10):
        await passage.write(block)


def wait(seconds: float) -> Act:
    """Waits, then passes it on."""

    async def act(passage: Passage) -> None:
        await asyncio.sleep(seconds)
        await passage.answer(await passage.forward())

    return act


def status(number: int, **headers: str) -> Act:
    """A bare status, as gateways answer; the target never hears of it."""
    return say(response(number, b"", "", **headers))
