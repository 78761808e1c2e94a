"""The start of the stack, shown part by part."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text as Line

from domain.messages import Text
from tongban.demo.words import PROVINCE, Lang, t
from tongban.stack.errors import StackError
from tongban.stack.stack import Stack

LOOK_EVERY_S = 0.05

# what is shown as one part: the children it consists of, and what it is
PARTS: dict[str, tuple[tuple[str, ...], Text]] = {
    "postgres": (("postgres", "migrate"), t("数据库：办件、审计、文书", "the record: cases, audit trail, receipts")),
    "temporal": (("temporal",), t("流程引擎，崩溃后续办", "carries every case on through any crash")),
    "provinces": (
        tuple(f"province-{region}" for region in PROVINCE),
        t("四省市后台（模拟）", "back offices of four provinces, simulated"),
    ),
    "api": (("api",), t("公开接口", "the public interface, all that the demo uses")),
    "workers": (("worker-core", "worker-provinces"), t("办理流程，调用各省", "run the cases, call the provinces")),
    "relay": (("relay",), t("发件箱，至少送达一次", "sends what the outbox holds")),
}


class Parts:
    """When each part became ready, in seconds since the start."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.began = time.monotonic()
        self.ready: dict[str, float] = {}

    def look(self) -> list[str]:
        """Notes what is ready now; the names of those that have become so since the last look."""
        supervisor = self._stack.supervisor
        new = []
        for name, (children, _) in PARTS.items() if supervisor else ():
            if name not in self.ready and supervisor and all(supervisor.wait_ready(child, 0) for child in children):
                self.ready[name] = time.monotonic() - self.began
                new.append(name)
        return new

    def started(self, name: str) -> bool:
        """Whether a process of the part runs."""
        supervisor = self._stack.supervisor
        for child in PARTS[name][0] if supervisor else ():
            with suppress(StackError):
                if supervisor and supervisor.pid(child):
                    return True
        return False

    def picture(self, lang: Lang) -> RenderableType:
        """The list of parts."""
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(width=1)
        table.add_column(width=10, no_wrap=True)
        table.add_column(width=8, justify="right", no_wrap=True)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for name, (_, what) in PARTS.items():
            if name in self.ready:
                sign, style, state = "✔", "green", f"{self.ready[name]:.1f} s"
            elif self.started(name):
                sign, style, state = "➜", "cyan", "…"
            else:
                sign, style, state = "◌", "bright_black", ""
            table.add_row(
                Line(sign, style=style), Line(name, style="bold"), Line(state, style=style), Line(lang.say(what))
            )
        return table


@contextmanager
def shown(stack: Stack, console: Console, lang: Lang, *, live: bool) -> Iterator[Parts]:
    """While inside, the parts are shown as they become ready: a picture, or a line for each."""
    parts = Parts(stack)
    over = threading.Event()
    screen = Live(console=console, get_renderable=lambda: parts.picture(lang), refresh_per_second=8) if live else None

    def watch() -> None:
        while not over.wait(LOOK_EVERY_S):
            tell()

    def tell() -> None:
        for name in parts.look():
            if screen is None:
                line = f"{parts.ready[name]:6.1f} s  {name:<10} {lang.say(PARTS[name][1])}"
                console.print(line, highlight=False, markup=False, soft_wrap=True)

    watcher = threading.Thread(target=watch, name="demo-parts", daemon=True)
    if screen is not None:
        screen.start()
    watcher.start()
    try:
        yield parts
        over.set()
        watcher.join(5)
        tell()
    finally:
        over.set()
        if screen is not None:
            screen.stop()
