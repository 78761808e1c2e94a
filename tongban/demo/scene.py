"""One case under way: waiting for it, finding its tasks, and giving people who watch the time to see."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from api.schemas import CaseOut, EventList, StepOut, TaskList, TaskOut
from domain.messages import Text
from tongban.demo.course import Course, Desk
from tongban.demo.facts import Denial
from tongban.demo.follow import Follower
from tongban.demo.people import DemoError, People
from tongban.demo.words import grouped, step_titles, t

WAIT_S = 40.0
LOOK_EVERY_S = 0.05


class Scene:
    """What the acts share: the case, the people, and what is noted for the checks at the end."""

    def __init__(
        self, course: Course, people: People, follower: Follower, *, pause_s: float, halt: Callable[[], None]
    ) -> None:
        self.course, self.people, self.follower = course, people, follower
        self._pause_s, self._halt = pause_s, halt
        self.no = ""
        self._titles: dict[str, Text] = {}
        self.denials: list[Denial] = []
        self.took_effect: list[str] = []

    def begin(self, no: str) -> CaseOut:
        """From here on it is about this case."""
        self.no = no
        case = self.case()
        self._titles = step_titles(case)
        return case

    def title(self, step: str) -> Text:
        """What the step is called in this case."""
        return self._titles.get(step, t(step, step))

    def say(self, text: Text) -> None:
        """A line of the ticker: somebody does something."""
        self.follower.act(text)

    def case(self) -> CaseOut:
        """The case as the applicant reads it."""
        return self.people.citizen.read(CaseOut, f"/v1/cases/{self.no}")

    def wait(self, met: Callable[[CaseOut], bool], what: str) -> CaseOut:
        """The case, once it has come that far; DemoError if it does not."""
        until = time.monotonic() + WAIT_S
        while True:
            case = self.case()
            if met(case):
                return case
            self._sleep_until(until, what)

    def task(self, step: str, desk: Desk, queue: str = "") -> TaskOut:
        """The open task of that step in the worklist of the desk, with its checklist, once it is there."""
        until = time.monotonic() + WAIT_S
        person = self.people.at(desk)
        while True:
            for task in self._worklist(desk, queue):
                if task.case_no == self.no and task.step == step:
                    return person.read(TaskOut, f"/v1/tasks/{task.id}")
            self._sleep_until(until, f"the task {step} of {desk.region} {desk.department}")

    def note_effects(self) -> None:
        """Which effects are done now, before somebody ends the case."""
        self.took_effect = [s.id for s in steps_of(self.case()) if s.kind == "effect" and s.status == "done"]

    def let_see(self) -> None:
        """The ticker tells what led here before the next person acts."""
        until = time.monotonic() + WAIT_S
        while True:
            heard = self.follower.events[-1].seq if self.follower.events else 0
            path, after = f"/v1/cases/{self.no}/events", {"after": heard, "limit": 1}
            if not self.people.citizen.read(EventList, path, params=after).events:
                break
            self._sleep_until(until, "the event stream")
        self.pause()

    def pause(self) -> None:
        """Lets people see what is there before the next person acts."""
        until = time.monotonic() + self._pause_s
        self._halt()
        while time.monotonic() < until:
            time.sleep(0.05)
            self._halt()

    def _worklist(self, desk: Desk, queue: str) -> Iterator[TaskOut]:
        """Every open task of the place; of one queue if it is named."""
        cursor: str | None = ""
        while cursor is not None:
            asked = {"limit": 200, "cursor": cursor, "queue": queue}
            page = self.people.at(desk).read(TaskList, "/v1/tasks", params=asked)
            yield from page.tasks
            cursor = page.next

    def _sleep_until(self, until: float, what: str) -> None:
        if time.monotonic() > until:
            raise DemoError(f"waited {WAIT_S:.0f} s for {what} in case {grouped(self.no)}; it did not come")
        self._halt()
        time.sleep(LOOK_EVERY_S)


def steps_of(case: CaseOut) -> list[StepOut]:
    """The steps of all legs."""
    return [step for leg in case.legs for step in leg.steps]
