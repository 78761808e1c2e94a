"""Adapters with one planted fault each, made from the scaffold's and from the shipped ones."""

from __future__ import annotations

import asyncio
import atexit
import importlib
import json
import secrets
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

from adapters import results
from adapters.anhui import Anhui
from adapters.conformance.profile import Keys, Profile
from adapters.errors import Ambiguous, ContractBroken, ProvinceError, Unavailable
from adapters.exchange import Exchange, Reply
from adapters.port import AdapterSettings, ResultsFile
from adapters.zhejiang import Zhejiang
from domain.effects import Answer, AnswerStatus, ProvinceCall
from tests.conformance.places import keys_of
from tongban.commands.new import write

_HOME = Path(tempfile.mkdtemp(prefix="tongban-honest-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
SCAFFOLD = _HOME / "honest"
write("honest", SCAFFOLD)
sys.path += [str(SCAFFOLD / "src"), str(SCAFFOLD / "tests")]

if TYPE_CHECKING:
    from adapters.port import Adapter
    from tests.conformance.conftest import Tiny

    Honest = Adapter
else:
    Honest = importlib.import_module("tongban_honest.adapter").HonestAdapter

PROFILE = Profile.model_validate(json.loads((SCAFFOLD / "profile.json").read_text("utf-8")))


def honest_province() -> AbstractContextManager[Tiny]:
    """The scaffold's province, not started yet."""
    return cast("AbstractContextManager[Tiny]", importlib.import_module("province").Province())


def honest_keys() -> Keys:
    """The keys it knows."""
    return keys_of({"secrets": [importlib.import_module("province").SECRET]})


class CallsTimeoutUnavailable(Honest):
    """A time-out after sending: "nothing was done"."""

    async def call(self, call: ProvinceCall) -> Answer:
        try:
            return await super().call(call)
        except Ambiguous as unknown:
            if unknown.code == "timeout":
                raise Unavailable("timeout") from unknown
            raise


class NewKeyEachAttempt(Honest):
    """A key is made where it is needed, is it not?"""

    async def call(self, call: ProvinceCall) -> Answer:
        return await super().call(call.model_copy(update={"key": secrets.token_hex(32)}))


class TakesAnyPage(Honest):
    """200 means accepted."""

    async def call(self, call: ProvinceCall) -> Answer:
        try:
            return await super().call(call)
        except Ambiguous as unknown:
            if unknown.code == "unreadable_answer" and unknown.detail in ("content_type", "no_json"):
                return Answer(status=AnswerStatus.ACCEPTED, reference="?")
            raise


class LosesRareCharacters(Honest):
    """GBK has always been enough."""

    async def call(self, call: ProvinceCall) -> Answer:
        kept = {name: value.encode("gbk", "replace").decode("gbk") for name, value in call.payload.items()}
        return await super().call(call.model_copy(update={"payload": kept}))


class IgnoresRetryAfter(Honest):
    """The province may say what it likes."""

    async def call(self, call: ProvinceCall) -> Answer:
        try:
            return await super().call(call)
        except Unavailable as closed:
            raise Unavailable(closed.code, closed.detail) from closed


class FindSubmits(Honest):
    """Asking again is as good as looking."""

    async def find(self, call: ProvinceCall) -> Answer | None:
        return await self.call(call)


class FindSaysNever(Honest):
    """What cannot be found was never there."""

    async def find(self, call: ProvinceCall) -> Answer | None:
        try:
            return await super().find(call)
        except ProvinceError:
            return None


class WaitsForEver(Honest):
    """Time-outs are for the impatient."""

    def __init__(self, settings: AdapterSettings) -> None:
        super().__init__(replace(settings, timeout_s=3600.0))


class _Greedy(Exchange):
    async def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", *, largest: int = 0
    ) -> Reply:
        return await super().send(method, path, headers, body, largest=1 << 40)


class ReadsEverything(Honest):
    """An answer may be as large as it wants."""

    def __init__(self, settings: AdapterSettings) -> None:
        super().__init__(settings)
        self._exchange = _Greedy(settings)


class TriesTwice(Honest):
    """What did not work the first time may work the second."""

    async def call(self, call: ProvinceCall) -> Answer:
        try:
            return await super().call(call)
        except (Ambiguous, Unavailable) as trouble:
            if trouble.code == "timeout":
                raise
            return await super().call(call)


class TellsTooMuch(Honest):
    """Errors should say what they are about."""

    async def call(self, call: ProvinceCall) -> Answer:
        try:
            return await super().call(call)
        except ContractBroken as broken:
            raise ContractBroken(broken.code, f"about {dict(call.payload)}") from broken


class RaisesItsOwn(Honest):
    """Errors of its own making."""

    async def call(self, call: ProvinceCall) -> Answer:
        try:
            return await super().call(call)
        except Unavailable as closed:
            raise ConnectionError("closed") from closed


class BelievesAnybody(Zhejiang):
    """Callbacks come from the province; who else would know the address?"""

    def _is_signed(self, access_key: str, at: str, *_: str | bytes) -> bool:
        return at.isdigit()


class MoneyThroughFloat(Anhui):
    """Yuan are fen divided by a hundred."""

    async def call(self, call: ProvinceCall) -> Answer:
        changed = {n: str(int(float(v) / 100 * 100)) if n.endswith("_fen") else v for n, v in call.payload.items()}
        return await super().call(call.model_copy(update={"payload": changed}))


class TrustsAnyFile(Anhui):
    """A table is a table."""

    async def results(self, day: date) -> ResultsFile | None:
        reply = await self._send("GET", f"/rest/results/{day:%Y%m%d}", largest=results.LARGEST_FILE)
        if reply.status != 200:
            return None
        table = (await asyncio.to_thread(results._unpack, reply.body))["results.csv"]
        return ResultsFile(day=day, digest="unchecked", rows=results._rows(day, table))
