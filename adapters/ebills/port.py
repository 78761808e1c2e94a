"""The port to the service platform for fiscal e-bills, as the house sees it."""

from __future__ import annotations

from typing import Protocol

from domain.bills import BillEvent, BillOrder, BillOutcome, BillRef, BillState, EBill, Verdict


class EbillPlatform(Protocol):
    """What can be asked of it. Errors are those of adapters.errors.

    ``send``: one order; the same key (of a payment: the same number) is the same effect. ``find``: what is held under
    it, or None; never an effect. ``state``: None if there is no such bill. ``verify``: with AUTHENTIC the bill and its
    state. ``events``: the feed after a number, and whether there is more.
    """

    async def send(self, order: BillOrder) -> BillOutcome: ...

    async def find(self, order: BillOrder) -> BillOutcome | None: ...

    async def state(self, ref: BillRef) -> BillState | None: ...

    async def verify(self, ref: BillRef, check_code: str) -> tuple[Verdict, EBill | None, BillState | None]: ...

    async def events(self, after: int) -> tuple[tuple[BillEvent, ...], bool]: ...
