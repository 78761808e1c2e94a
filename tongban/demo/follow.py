"""Following one case: its record, asked for again and again, and its events, as the stream sends them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from api.schemas import CaseOut, EventOut
from domain.messages import Text
from tongban.demo.people import DemoError, Person
from tongban.demo.words import step_titles

LOOK_EVERY_S = 0.15
STREAM_AGAIN_S = 0.3
SETTLE_S = 8.0


@dataclass(frozen=True)
class Happening:
    """One line of the ticker: an event of the case, or an act of a person of the demo."""

    at: datetime
    event: EventOut | None = None
    act: Text | None = None


@dataclass
class Situation:
    """All that the picture shows. Written by the follower and the play, read by the picture."""

    title: Text
    case: CaseOut | None = None
    ticker: list[Happening] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the start, or from start to end."""
        return (self.ended or time.monotonic()) - self.began

    def titles(self) -> dict[str, Text]:
        """Step -> its title, once there is a case."""
        return {} if self.case is None else step_titles(self.case)


class Follower:
    """Two threads beside the play; ``heard`` is told every happening once, in order."""

    def __init__(self, person: Person, situation: Situation, heard: Callable[[Happening], None]) -> None:
        self._person = person
        self._situation = situation
        self._heard = heard
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._streamed = threading.Event()
        self._line: socket.socket | None = None
        self._threads: list[threading.Thread] = []
        self.events: list[EventOut] = []

    def start(self, no: str) -> None:
        """Begins to follow the case."""
        for work in (self._look, self._listen):
            thread = threading.Thread(target=work, args=(no,), name=f"demo{work.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def act(self, text: Text) -> None:
        """A person of the demo does something."""
        self._tell(Happening(datetime.now(UTC), act=text))

    def whole(self) -> bool:
        """Waits for the end of the stream; whether it came and no event was missing or out of order."""
        ended = self._streamed.wait(SETTLE_S)
        return ended and [event.seq for event in self.events] == list(range(1, len(self.events) + 1))

    def stop(self) -> None:
        """Stops following. The stream is cut here: closing it from this side would not wake its reader."""
        self._stop.set()
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _tell(self, happening: Happening) -> None:
        with self._lock:
            self._situation.ticker.append(happening)
            self._heard(happening)

    def _look(self, no: str) -> None:
        while not self._stop.is_set():
            try:
                self._situation.case = self._person.read(CaseOut, f"/v1/cases/{no}")
            except DemoError:
                return  # the play meets the same trouble and tells it
            self._stop.wait(LOOK_EVERY_S)

    def _listen(self, no: str) -> None:
        while not (self._stop.is_set() or self._streamed.is_set()):
            try:
                after = self.events[-1].seq if self.events else 0
                with self._person.stream(f"/v1/cases/{no}/stream", after) as answer:
                    self._line = answer.extensions["network_stream"].get_extra_info("socket")
                    answer.raise_for_status()
                    self._take(answer)
            except (httpx.HTTPError, RuntimeError):  # RuntimeError: the client was closed meanwhile
                self._stop.wait(STREAM_AGAIN_S)

    def _take(self, answer: httpx.Response) -> None:
        kind = ""
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data" and kind == "end":
                self._streamed.set()
            elif name == "data":
                event = EventOut.model_validate_json(value)
                self.events.append(event)
                self._tell(Happening(event.at, event=event))
            if self._stop.is_set():
                return
