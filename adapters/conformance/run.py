"""Runs the checks: side by side where they do not disturb each other, each with a bench of its own and a net below."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from adapters.conformance.bench import Bench
from adapters.conformance.catalogue import all_checks
from adapters.conformance.controls import Controls
from adapters.conformance.kit import Kit, load
from adapters.conformance.mailbox import Mailbox
from adapters.conformance.model import Check, Failed, NotApplicable, Report, Result, Status
from adapters.conformance.profile import Keys, Profile, Unusable
from adapters.errors import Misconfigured, ProvinceError
from domain.effects import Expect
from domain.messages import Text

AT_ONCE = 8
LONGEST_CHECK_S = 90.0
Tell = Callable[[Result], None]


def select(ids: Iterable[str]) -> list[Check]:
    """The checks of these ids or groups, all if none are named; Unusable for what is unknown."""
    every, wanted = all_checks(), [each.upper() for each in ids]
    known = {check.id for check in every} | {check.group for check in every}
    if unknown := [each for each in wanted if each not in known]:
        raise Unusable(f"未知检查项：{', '.join(unknown)}\nunknown checks: {', '.join(unknown)} (--list shows all)")
    return [check for check in every if not wanted or check.id in wanted or check.group in wanted]


@asynccontextmanager
async def opened(
    name: str, target: str, profile: Profile, keys: Keys, *, listen: str = "127.0.0.1:0", controls: bool = True
) -> AsyncIterator[Kit]:
    """A kit whose mailbox listens and whose target answers; Unusable otherwise."""
    factory = load(name)
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise Unusable(f"--listen {listen}：应为 HOST:PORT。\n--listen {listen}: give HOST:PORT.")
    await _reach(target)
    mailbox = Mailbox(host, int(port))
    try:
        await mailbox.start()
    except OSError as taken:
        why = taken.strerror or type(taken).__name__
        raise Unusable(f"无法监听 {listen}（{why}）。\nCannot listen on {listen} ({why}).") from None
    sim = Controls(target) if controls else None
    try:
        kit = Kit(name, factory, target, profile, keys, mailbox, sim)
        if sim is None:
            yield kit
            return
        await sim.look()
        async with sim.calling_back(f"http://{mailbox.address}/callbacks/{profile.region}"):
            yield kit
    finally:
        await mailbox.stop()
        if sim is not None:
            await sim.aclose()


async def believed(kit: Kit) -> None:
    """Unusable if the target refuses these keys or speaks another dialect: no check would mean anything then."""
    bench = Bench(kit, next(check for check in all_checks() if check.group == "HLT"))
    await bench.proxy.start()
    try:
        await bench.adapter().health()
    except Misconfigured as wrong:
        raise Unusable(
            f"对方不认可这些密钥，或不使用这种报文（{wrong}）。"
            f"\nThe target does not believe these keys, or speaks another dialect ({wrong})."
        ) from None
    except ProvinceError:
        return  # whatever else is wrong with it, the checks say
    finally:
        await bench.aclose()


async def conform(kit: Kit, checks: Iterable[Check], tell: Tell = lambda result: None) -> Report:
    """All of them; ``tell`` hears of each as it ends. Results come in the order of the catalogue."""
    started_at, began = time.time(), time.monotonic()
    checks = list(checks)
    results: dict[str, Result] = {}
    places = asyncio.Semaphore(AT_ONCE)

    async def one(check: Check) -> None:
        async with places:
            results[check.id] = await run_check(kit, check)
        tell(results[check.id])

    await asyncio.gather(*(one(check) for check in checks if not check.alone))
    for check in checks:
        if check.alone:
            await one(check)
    offered = tuple(sorted(kit.controls.offered)) if kit.controls else ()
    seconds = time.monotonic() - began
    ordered = [results[check.id] for check in checks]
    return Report(kit.name, kit.target, kit.profile.region, started_at, seconds, offered, ordered)


async def run_check(kit: Kit, check: Check) -> Result:
    """One check. Whatever happens in it, a result comes out."""
    reason = _not_applicable(kit, check)
    if reason is not None:
        return Result(check, Status.NOT_APPLICABLE, reason)
    began = time.monotonic()
    bench = Bench(kit, check)
    status, text = Status.PASSED, None
    try:
        async with asyncio.timeout(LONGEST_CHECK_S):
            await bench.proxy.start()
            try:
                await check.run(bench)
            finally:
                await bench.aclose()
    except NotApplicable as reason_found:
        status, text = Status.NOT_APPLICABLE, reason_found.text
    except Failed as failed:
        status, text = Status.FAILED, failed.text
    except Misconfigured as wrong:  # from making the adapter
        status = Status.FAILED
        text = Text(zh=f"适配器无法构造：{wrong}", en=f"the adapter cannot be made: {wrong}")
    except Exception as broken:  # noqa: BLE001 - somebody else's code under test: nothing may end the run
        name = type(broken).__name__
        status, text = Status.FAILED, Text(zh=f"检查中断：{name}", en=f"the check broke off with {name}")
    return Result(check, status, text, bench.steps, time.monotonic() - began)


def _not_applicable(kit: Kit, check: Check) -> Text | None:
    able = kit.factory.capabilities
    if able.answers == {Expect.CLERK} and check.group != "CAP":
        return _text("由人员在窗口录入，没有报文", "a person keys it in: nothing goes over a wire")
    if missing := [verb.value for verb in check.verbs if verb not in able.verbs]:
        return _text(f"未声明 {', '.join(missing)}", f"{', '.join(missing)} is not declared")
    if missing := [each.value for each in check.answers if each not in able.answers]:
        return _text(f"未声明答复方式 {', '.join(missing)}", f"answers by {', '.join(missing)} are not declared")
    if check.keys is not None and check.keys is not able.keys:
        return (
            _text("该省不识别幂等键", "the province keeps no keys")
            if check.keys
            else _text("该省识别幂等键", "the province keeps keys")
        )
    if missing := [each.value for each in check.proofs if each not in kit.profile.proves]:
        return _text(f"档案未声明 {', '.join(missing)}", f"the profile does not say: proves {', '.join(missing)}")
    if missing := [each for each in check.samples if each not in kit.profile.samples]:
        return _text(f"档案中没有样例 {', '.join(missing)}", f"the profile has no sample {', '.join(missing)}")
    if missing := [each.value for each in check.controls if not kit.offers(each)]:
        return _text(f"对方不提供 /sim：{', '.join(missing)}", f"the target offers no controls: {', '.join(missing)}")
    return None


def _text(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


async def _reach(target: str) -> None:
    try:
        parts = urlsplit(target)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unusable(f"--target {target}：应为 http(s) 地址。\n--target {target}: give an http or https address.")
    try:
        async with asyncio.timeout(5):
            _, writer = await asyncio.open_connection(parts.hostname, port)
            writer.close()
    except (OSError, TimeoutError):
        raise Unusable(f"无法连接 {target}。\nNothing answers at {target}.") from None
