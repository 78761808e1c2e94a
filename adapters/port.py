"""The port every province plugs into: small, async, typed.

An adapter translates ``ProvinceCall`` into its province's dialect and the reply back into ``Answer``.
It keeps no state between calls, retries nothing (Temporal does) and raises only the tree of ``adapters.errors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from domain.effects import Answer, CallbackNotice, ProvinceCall


class ProvinceAdapter(Protocol):
    """One province's back office.

    ``call``: verbs submit, reverse, offer, fetch. Returns an Answer, or raises Unavailable (nothing done),
    Ambiguous (unknown), Misconfigured, ContractBroken.
    ``find``: the answer the province holds under ``call.key``, or None if it never saw the key. Never an effect.
    ``read_callback``: verifies the signature over method, path and body; raises CallbackRefused.
    ``health``: returns when the province answers, raises otherwise.
    """

    region: str

    async def call(self, call: ProvinceCall) -> Answer: ...

    async def find(self, call: ProvinceCall) -> Answer | None: ...

    def read_callback(self, path: str, headers: Mapping[str, str], body: bytes) -> CallbackNotice: ...

    async def health(self) -> None: ...

    async def aclose(self) -> None: ...
