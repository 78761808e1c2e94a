"""What the faces of one province have in common: office, books, clock, switchboard, keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from provinces.clock import Clock
from provinces.credentials import Credentials
from provinces.faults import Switchboard
from provinces.office import Office
from provinces.store import Store


@dataclass(frozen=True)
class Settings:
    """How one province runs."""

    region: str
    data: Path
    callback_url: str = ""
    pending_s: float = 1.0
    controls: bool = False
    auto_pay: bool = True
    dialect: str = ""
    credentials: Path | None = None
    slow_s: float = 0.15
    seed: int = 0


async def _nobody(key: str) -> None:
    """Until there is a messenger, nothing is told early."""


@dataclass
class House:
    """One province. ``tell_early``: completes a matter and sends its events before the call is answered.

    ``close_door``: stops listening for so many seconds; None where there is no door, as in a test without sockets.
    """

    settings: Settings
    store: Store
    clock: Clock
    faults: Switchboard
    office: Office
    credentials: Credentials
    tell_early: Callable[[str], Awaitable[None]] = _nobody
    close_door: Callable[[float], None] | None = None

    @property
    def region(self) -> str:
        """Six digits."""
        return self.settings.region
