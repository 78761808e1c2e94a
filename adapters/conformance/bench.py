"""The workbench of one check: an adapter with the kit's proxy before it, and everything it does written down."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from adapters.conformance.http import Request
from adapters.conformance.kit import Exchangeable, Harvest, Kit
from adapters.conformance.mailbox import Letter
from adapters.conformance.model import Check, Control, Failed, NotApplicable, Step, Wire
from adapters.conformance.profile import Sample
from adapters.conformance.proxy import Passage, Proxy, When
from adapters.errors import CallbackRefused, ProvinceError, Rejected
from adapters.port import AdapterSettings, Capabilities, FindBy, ProvinceAdapter
from domain.effects import Answer, AnswerStatus, CallbackNotice, ProvinceCall, Verb

TIMEOUT_S, CONNECT_S = 8.0, 2.0
SHORT_S, SHORT_CONNECT_S = 0.5, 1.5  # a busy machine takes its time to accept
GRACE_S = 1.5  # beyond its own bounds, before the kit stops waiting: a busy machine is not a fault of the adapter
EXCHANGES = 3  # one call may be several: a token, a search, the thing itself
MOST_WIRES = 12
ENDED = ("accepted", "rejected", "failed")
TAKEN = ("accepted", "pending")


@dataclass(frozen=True)
class Outcome:
    """What came of asking: an answer, nothing (find never saw it), or an error of the tree."""

    answer: Answer | None = None
    error: Exception | None = None
    seconds: float = 0.0

    @property
    def kind(self) -> str:
        """accepted, rejected, pending, failed, nothing, or the name of the error."""
        if self.error is not None:
            return type(self.error).__name__
        return self.answer.status.value if self.answer is not None else "nothing"

    @property
    def said(self) -> str:
        """For the report; error texts hold no personal data, answers are shown without their fields."""
        if self.error is not None:
            return f"{self.kind}({self.error})"
        if self.answer is None:
            return "None"
        parts = [self.answer.reference, ",".join(self.answer.reasons)]
        return " ".join([self.kind, *(part for part in parts if part)])


class Bench:
    """Made anew for each check and closed after it."""

    def __init__(self, kit: Kit, check: Check) -> None:
        self.kit = kit
        self.check = check
        self.proxy = Proxy(kit.target)
        self.steps: list[Step] = []
        self._opened: list[ProvinceAdapter] = []
        self._bounds: dict[int, float] = {}
        self._spare: list[Proxy] = []

    @property
    def capabilities(self) -> Capabilities:
        """What the adapter declares."""
        return self.kit.factory.capabilities

    def can(self, verb: Verb) -> bool:
        """Whether a verb is declared."""
        return verb in self.capabilities.verbs

    # adapters and calls

    def adapter(
        self,
        *,
        timeout_s: float = TIMEOUT_S,
        connect_s: float = CONNECT_S,
        shift_s: float = 0.0,
        values: Mapping[str, JsonValue] | Exchangeable | None = None,
        url: str = "",
        region: str = "",
        private: bool = True,
    ) -> ProvinceAdapter:
        """An adapter as the house would make it, but behind the proxy."""
        credentials = values if isinstance(values, Exchangeable) else Exchangeable(values or self.kit.keys.good)
        settings = AdapterSettings(
            region=region or self.kit.profile.region,
            url=url or self.proxy.url,
            credentials=credentials,
            timeout_s=timeout_s,
            connect_timeout_s=connect_s,
            private_network=private,
            options=self.kit.profile.options,
            transport=self.kit.transport() if private else None,
            clock=lambda: time.time() + shift_s,
        )
        made = self.kit.factory(settings)
        self._opened.append(made)
        self._bounds[id(made)] = EXCHANGES * (2 * connect_s + timeout_s) + GRACE_S
        return made

    def hasty(self) -> ProvinceAdapter:
        """One that soon loses patience."""
        return self.adapter(timeout_s=SHORT_S, connect_s=SHORT_CONNECT_S)

    def stranger(self) -> Mapping[str, JsonValue]:
        """Keys that the target does not know."""
        if not self.kit.keys.stranger:
            raise NotApplicable("没有他人密钥可用", "the credentials name no stranger's keys")
        return self.kit.keys.stranger

    def sample(self, name: str = "submit") -> Sample:
        """A sample of the profile; checks say which they need."""
        return self.kit.profile.samples[name]

    def call(
        self,
        sample: Sample | str = "submit",
        verb: Verb = Verb.SUBMIT,
        *,
        key: str | None = None,
        case_no: str = "",
        fields: Mapping[str, str] | None = None,
        about: ProvinceCall | None = None,
        known: Answer | None = None,
    ) -> ProvinceCall:
        """A call. ``about``: the earlier one that this reverses, withdraws or supplements; ``known``: its answer."""
        sample = self.sample(sample) if isinstance(sample, str) else sample
        undoing = verb is Verb.REVERSE and sample.reverse
        keyless = verb in (Verb.OFFER, Verb.VERIFY)
        return ProvinceCall(
            verb=verb,
            region=self.kit.place,
            department=sample.department,
            operation=sample.reverse if undoing else sample.operation,
            key="" if keyless else key or secrets.token_hex(32),
            original=about.key if about else "",
            case_no=case_no or (about.case_no if about else f"KIT-{secrets.token_hex(6).upper()}"),
            leg="kit",
            step=verb.value,
            payload={**sample.fields, **(fields or {})} if not about else dict(fields or {}),
            original_reference=known.reference if known else "",
        )

    def number(self, call: ProvinceCall) -> str:
        """Under which number of ours the province keeps it."""
        made = self._opened[0] if self._opened else self.adapter()
        return made.business_number(call.case_no, call.key)

    def marks(self, call: ProvinceCall) -> tuple[str, ...]:
        """What gives a request about this call away, whatever the dialect: its key or number, its case, its fields."""
        if not call.key:
            return tuple(value for value in call.payload.values() if value.isascii() and len(value) > 3)
        return tuple(mark for mark in (call.key, self.number(call), call.case_no) if mark)

    def about(self, call: ProvinceCall) -> When:
        """Picks the requests about a call out of what goes through the proxy."""
        marks = self.marks(call)
        return lambda request: request.mentions(*marks)

    def requests(self, call: ProvinceCall) -> list[Passage]:
        """The requests about a call that have come by."""
        when = self.about(call)
        return [passage for passage in self.proxy.passages if when(passage.request)]

    def request_of(self, call: ProvinceCall) -> Request:
        """The first of them: the call itself, before anybody looks for it."""
        found = self.requests(call)
        if not found:
            raise Failed(
                "请求中既无键值也无业务编号和案件编号", "no request names the key, the business number or the case"
            )
        return found[0].request

    # asking

    async def ask(self, adapter: ProvinceAdapter, call: ProvinceCall, what: str = "") -> Outcome:
        """``call``."""
        what = what or f"call {call.verb.value} {call.operation}"
        return await self.attempt(what, lambda: adapter.call(call), self._bounds[id(adapter)])

    async def find(self, adapter: ProvinceAdapter, call: ProvinceCall) -> Outcome:
        """``find``."""
        return await self.attempt(f"find {call.operation}", lambda: adapter.find(call), self._bounds[id(adapter)])

    async def health(self, adapter: ProvinceAdapter) -> Outcome:
        """``health``."""
        return await self.attempt("health", adapter.health, self._bounds[id(adapter)])

    async def attempt(self, what: str, work: Callable[[], Awaitable[Answer | None]], bound_s: float = 60.0) -> Outcome:
        """Does it and writes it down. An exception outside the tree, or no end at all, fails the check."""
        step, before = Step(what), len(self.proxy.passages)
        self.steps.append(step)
        try:
            outcome = await _attempt(work, bound_s)
            step.came = f"{outcome.said} ({outcome.seconds:.2f} s)"
            if outcome.error is not None:
                self.kit.errors.append((self.check.id, outcome.error))
        except Failed as failed:
            step.came = str(failed)
            raise
        finally:
            step.wires = [self._wire(passage) for passage in self.proxy.passages[before:][:MOST_WIRES]]
        return outcome

    async def together(self, what: str, works: list[Callable[[], Awaitable[Answer | None]]]) -> list[Outcome]:
        """All at once, in one step."""
        before = len(self.proxy.passages)
        outcomes = await asyncio.gather(*(_attempt(work, 60.0) for work in works))
        kinds: dict[str, int] = {}
        for outcome in outcomes:
            kinds[outcome.kind] = kinds.get(outcome.kind, 0) + 1
        came = ", ".join(f"{count} × {kind}" for kind, count in sorted(kinds.items()))
        wires = [self._wire(passage) for passage in self.proxy.passages[before:][:2]]
        self.steps.append(Step(f"{len(works)} × {what}", came, wires))
        return outcomes

    def read(self, adapter: ProvinceAdapter, letter: Letter, what: str) -> CallbackNotice | CallbackRefused:
        """``read_callback``; any other exception fails the check."""
        step = Step(f"read_callback: {what}")
        head = "\n".join([f"POST {letter.path}", *(f"{name}: {value}" for name, value in letter.headers.items())])
        step.wires = [Wire(self.kit.masked(head.encode("utf-8", "replace") + b"\n\n" + letter.body), "", "callback")]
        self.steps.append(step)
        try:
            notice = adapter.read_callback(letter.path, letter.headers, letter.body)
        except CallbackRefused as refused:
            step.came = f"CallbackRefused({refused.code})"
            return refused
        except Exception as broken:
            step.came = type(broken).__name__
            raise Failed(
                f"读取回调时抛出了 {type(broken).__name__}，不是 CallbackRefused",
                f"read_callback raised {type(broken).__name__}, not CallbackRefused",
            ) from broken
        step.came = f"{notice.event_id} {notice.answer.status.value}"
        return notice

    async def settled(self, adapter: ProvinceAdapter, call: ProvinceCall, outcome: Outcome) -> Outcome:
        """The end of what is in progress, looked for as the engine does."""
        if outcome.kind != "pending":
            return outcome
        if self.capabilities.find is FindBy.NOTHING:
            raise NotApplicable("结果无法查询", "its end cannot be looked for")
        pause, ends = 0.05, time.monotonic() + self.kit.profile.patience_s
        while outcome.kind == "pending" and time.monotonic() < ends:
            await asyncio.sleep(pause)
            pause = min(pause * 1.6, 0.5)
            outcome = await _attempt(lambda: adapter.find(call), 60.0)
        self.steps.append(Step(f"find {call.operation}, until it ends", outcome.said))
        return outcome

    async def done(self, adapter: ProvinceAdapter, call: ProvinceCall) -> Answer:
        """Submits and waits until it is accepted."""
        outcome = await self.settled(adapter, call, self.expect(await self.ask(adapter, call), *TAKEN))
        return answer_of(self.expect(outcome, "accepted"))

    # judging

    def expect(self, outcome: Outcome, *kinds: str) -> Outcome:
        """Fails unless the outcome is one of these."""
        if outcome.kind not in kinds:
            raise Failed(
                f"应为 {' 或 '.join(kinds)}，实为 {outcome.said}",
                f"expected {' or '.join(kinds)}, came {outcome.said}",
            )
        return outcome

    def require(self, holds: object, zh: str, en: str) -> None:
        """Fails with these words unless it holds."""
        if not holds:
            raise Failed(zh, en)

    async def rows(self, case_no: str, *verbs: str) -> list[dict[str, object]]:
        """What the ledger of the receiver holds about a case."""
        if self.kit.controls is None or not self.kit.offers(Control.LEDGER):
            raise NotApplicable("对方没有可查看的台账", "the target has no ledger to look into")
        rows = await self.kit.controls.ledger(case_no)
        return [row for row in rows if not verbs or row.get("verb") in verbs]

    async def expect_effects(self, adapter: ProvinceAdapter, call: ProvinceCall, wanted: int) -> None:
        """Counts the effects of a case in the receiver's ledger; without one, believes what find says."""
        if self.kit.offers(Control.LEDGER):
            found = len(await self.rows(call.case_no, "submit", "consult", "notify"))
            self.steps.append(Step(f"ledger {call.case_no}", f"{found}"))
        elif self.can(Verb.FIND):
            outcome = await self.find(adapter, call)
            found = 1 if outcome.kind in TAKEN else 0 if outcome.kind in ("nothing", "rejected") else -1
        else:
            raise NotApplicable("对方没有台账，也无法查询", "the target has no ledger and cannot be searched")
        self.require(
            found == wanted,
            f"应有 {wanted} 次办理，对方台账有 {found} 次",
            f"expected {wanted} effects, the receiver's ledger holds {found}",
        )

    # callbacks

    async def harvest(self, name: str = "slow", ends: int = 1) -> Harvest:
        """The callbacks about one matter of a sample, waited for once in the whole run.

        ends: how many letters that tell an end have to be there; the interim ones count as well where they come first.
        """
        async with self.kit.lock:
            if name not in self.kit.harvests:
                try:
                    self.kit.harvests[name] = await self._gather(name, ends)
                except Failed as nothing_came:  # the next check need not wait as long to find out the same
                    self.kit.harvests[name] = nothing_came
            found = self.kit.harvests[name]
        if isinstance(found, Failed):
            raise Failed(found.text.zh, found.text.en)
        return found

    async def _gather(self, name: str, ends: int) -> Harvest:
        adapter = self.adapter()
        call = self.call(name)
        self.expect(await self.ask(adapter, call), "pending")
        marks = self.marks(call)
        limit = time.monotonic() + self.kit.profile.patience_s
        while True:
            letters = self.kit.mailbox.about(*marks)
            if sum(1 for each in letters if tells_end(adapter, each)) >= ends:
                break
            left = limit - time.monotonic()
            if left <= 0 or not await self.kit.mailbox.wait(left):
                raise Failed(
                    f"{self.kit.mailbox.address} 没有收到可信的回调；对方是否已被告知此地址（--listen）？",
                    f"no callback to believe came to {self.kit.mailbox.address}; was the target told of it (--listen)?",
                )
        await asyncio.sleep(0.3)  # interim letters may overtake and be overtaken
        return Harvest(call, marks, self.kit.mailbox.about(*marks))

    def ending(self, adapter: ProvinceAdapter, harvest: Harvest) -> tuple[Letter, CallbackNotice]:
        """The letter that tells the end, and what it says."""
        for letter in harvest.letters:
            notice = self.read(adapter, letter, "as it came")
            if isinstance(notice, CallbackNotice) and notice.answer.status is not AnswerStatus.PENDING:
                return letter, notice
        raise Failed("没有一封真实回调被接受", "no true callback was believed")

    # the end

    async def spare_proxy(self) -> Proxy:
        """Another proxy, for what must not arrive anywhere."""
        proxy = Proxy(self.kit.target)
        await proxy.start()
        self._spare.append(proxy)
        return proxy

    async def aclose(self) -> None:
        """Closes adapters and proxies."""
        for adapter in self._opened:
            await adapter.aclose()
        for proxy in (self.proxy, *self._spare):
            await proxy.stop()

    def _wire(self, passage: Passage) -> Wire:
        return Wire(self.kit.masked(passage.request.raw()), self.kit.masked(passage.sent), passage.note)


def tells_end(adapter: ProvinceAdapter, letter: Letter) -> bool:
    """Whether it is believed and tells an end."""
    try:
        return adapter.read_callback(letter.path, letter.headers, letter.body).answer.status is not AnswerStatus.PENDING
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the checks that look at it will say
        return False


async def _attempt(work: Callable[[], Awaitable[Answer | None]], bound_s: float) -> Outcome:
    began = time.monotonic()
    guard = asyncio.timeout(bound_s)
    try:
        async with guard:
            answer = await work()
    except Rejected as rejected:
        refusal = Answer(
            status=AnswerStatus.REJECTED, reference=rejected.reference, reasons=rejected.reasons, text=rejected.text
        )
        return Outcome(refusal, None, time.monotonic() - began)
    except ProvinceError as error:
        return Outcome(None, error, time.monotonic() - began)
    except TimeoutError as late:
        if guard.expired():
            raise Failed(
                f"{bound_s:.1f} 秒后仍未结束", f"it had not ended after {bound_s:.1f} s, far beyond its own bounds"
            ) from late
        raise _outside(late) from late
    except Exception as other:
        raise _outside(other) from other
    if answer is not None and not isinstance(answer, Answer):
        raise Failed(f"返回了 {type(answer).__name__}", f"it returned {type(answer).__name__}, not an Answer")
    return Outcome(answer, None, time.monotonic() - began)


def _outside(error: Exception) -> Failed:
    name = type(error).__name__
    return Failed(f"抛出了错误树之外的 {name}", f"it raised {name}, which is not of the error tree")


def answer_of(outcome: Outcome) -> Answer:
    """The answer in it; fails where there is none."""
    if outcome.answer is None:
        raise Failed(f"没有答复，而是 {outcome.said}", f"there is no answer but {outcome.said}")
    return outcome.answer
