"""The nightly file: complete and unspoiled, or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta, timezone

from adapters.conformance import acts
from adapters.conformance.bench import Bench
from adapters.conformance.model import Control, Failed, NotApplicable, check
from adapters.errors import Ambiguous, ContractBroken, ProvinceError
from adapters.port import ProvinceAdapter, ResultsFile
from domain.effects import Expect, ProvinceCall, Verb

_CHINA = timezone(timedelta(hours=8))
DAY_S = 86400.0


@asynccontextmanager
async def _next_day(b: Bench) -> AsyncIterator[tuple[date, ProvinceCall, ProvinceAdapter]]:
    """Something has been done today, and it is tomorrow in the target's books; signatures go by the true time."""
    if b.kit.controls is None:
        raise NotApplicable("对方不提供 /sim", "the target offers no controls")
    call = b.call()
    await b.done(b.adapter(), call)
    today = datetime.now(_CHINA).date()
    async with b.kit.controls.later(DAY_S):
        yield today, call, b.adapter()


async def _read(b: Bench, adapter: ProvinceAdapter, day: date, what: str) -> ResultsFile | ProvinceError | None:
    found: ResultsFile | None = None

    async def work() -> None:
        nonlocal found
        found = await adapter.results(day)

    outcome = await b.attempt(f"results {day}: {what}", work)
    if isinstance(outcome.error, ProvinceError):
        return outcome.error
    b.steps[-1].came = f"{len(found.rows)} rows" if found is not None else "None"
    return found


@check("BAT-01", "batch-complete", "日终文件含当日办结的每一件", "the file of a day holds what ended on it",
       verbs=(Verb.SUBMIT,), answers=(Expect.BATCH,), samples=("submit",), controls=(Control.CLOCK,),
       alone=True)  # fmt: skip
async def good(b: Bench) -> None:
    async with _next_day(b) as (day, call, adapter):
        file = await _read(b, adapter, day, "as it is")
        if not isinstance(file, ResultsFile):
            raise Failed(f"没有读到文件（{file}）", f"no file was read ({file})")
        number = adapter.business_number(call.case_no, call.key)
        mine = [row for row in file.rows if row.business_number == number]
        b.require(len(mine) == 1, f"本案有 {len(mine)} 行", f"our matter has {len(mine)} rows")
        b.require(mine[0].answer.status.value == "accepted", "结果不符", "it tells another end")
        b.require(mine[0].operation == call.operation, "事项不符", "it names another operation")
        b.require(file.day == day and file.digest, "日期或摘要缺失", "day or digest is missing")
        again = await _read(b, adapter, day, "again")
        b.require(again == file, "两次读出不同", "read again it is different")


@check("BAT-02", "batch-complete", "当日未结束则无文件", "there is no file before the day has ended",
       answers=(Expect.BATCH,))  # fmt: skip
async def not_yet(b: Bench) -> None:
    today = datetime.now(_CHINA).date()
    for day in (today + timedelta(days=1), today + timedelta(days=400)):
        found = await _read(b, b.adapter(), day, "not ended")
        b.require(found is None, f"应为 None，实为 {found}", f"expected None, came {found}")


async def _tampered(b: Bench, *hows: dict[str, object]) -> None:
    async with _next_day(b) as (day, _, adapter):
        if b.kit.controls is None:
            return
        for how in hows:
            if not await b.kit.controls.tamper(day, how):
                raise NotApplicable("对方不能改动日终文件", f"the target cannot tamper with the file: {how}")
            try:
                found = await _read(b, adapter, day, f"tampered with: {how}")
            finally:
                await b.kit.controls.tamper(day, {})
            b.require(
                isinstance(found, ContractBroken | Ambiguous),
                f"接受了被改动的文件：{how}",
                f"it took a file that was tampered with: {how}",
            )


@check("BAT-03", "batch-totals", "缺行或多行的文件不被接受", "a file with a row missing or too many is not taken",
       verbs=(Verb.SUBMIT,), answers=(Expect.BATCH,), samples=("submit",), controls=(Control.RESULTS,),
       alone=True)  # fmt: skip
async def rows(b: Bench) -> None:
    await _tampered(b, {"drop": 1, "rows": True}, {"add": 1, "rows": True})


@check("BAT-04", "batch-totals", "摘要不符的文件不被接受", "a file whose digest is wrong is not taken",
       verbs=(Verb.SUBMIT,), answers=(Expect.BATCH,), samples=("submit",), controls=(Control.RESULTS,),
       alone=True)  # fmt: skip
async def totals(b: Bench) -> None:
    await _tampered(b, {"digest": True}, {"drop": 1, "digest": True})


@check("BAT-05", "batch-totals", "截断的文件不被接受", "half a file is not taken",
       verbs=(Verb.SUBMIT,), answers=(Expect.BATCH,), samples=("submit",), controls=(Control.CLOCK,),
       alone=True)  # fmt: skip
async def half(b: Bench) -> None:
    async with _next_day(b) as (day, _, adapter):
        for what, act in {
            "half of it": acts.after(lambda true: true.with_body(true.body[: len(true.body) // 2])),
            "HTML": acts.after(lambda true: true.with_body(acts.HTML)),
            "nothing": acts.after(lambda true: true.with_body(b"")),
            "other bytes": acts.after(lambda true: true.with_body(hashlib.sha256(true.body).digest())),
        }.items():
            with b.proxy.doing(act, lambda _: True, what):
                found = await _read(b, adapter, day, what)
            b.require(isinstance(found, ProvinceError), f"接受了：{what}", f"it took {what} for a file")
