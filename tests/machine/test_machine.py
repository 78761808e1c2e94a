"""A state machine drives random commands through the API and a server whose time is turned (hypothesis).

A quick part runs with the other tests; ``make chaos`` runs two thousand cases. Failing seeds are kept in
tests/machine/failures and are tried first the next time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from domain.process import Stage
from domain.window import WindowEnd
from tests.machine import acts
from tests.machine.city import City
from tests.machine.conftest import Timeless

FAILURES = Path(__file__).parent / "failures"
QUICK = 12
T = TypeVar("T")
picks = st.integers(0, 60)


class CaseMachine(RuleBasedStateMachine):
    """``town``, ``loop``: where it lives; its rules run beside the loop."""

    town: Timeless
    loop: asyncio.AbstractEventLoop
    cases = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs in the loop that the town lives in."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    @initialize(which=picks, promised=st.booleans(), agent=st.booleans())
    def begin(self, which: int, promised: bool, agent: bool) -> None:
        self.city = City(self.town)
        CaseMachine.cases += 1
        if CaseMachine.cases % 50 == 0:
            print(f"{CaseMachine.cases} cases", flush=True)
        self.do(self.city.submit(which, promised=promised, agent=agent))
        self.do(self.city.look())

    @rule(what=st.sampled_from(acts.APPLICANT), pick=picks, flag=st.booleans())
    def the_applicant_does_something(self, what: acts.Do, pick: int, flag: bool) -> None:
        self.do(what(self.city, pick, flag))
        self.do(self.city.look())

    @rule(what=st.sampled_from(acts.DEPARTMENT), pick=picks, flag=st.booleans())
    def a_department_does_something(self, what: acts.Do, pick: int, flag: bool) -> None:
        self.do(what(self.city, pick, flag))
        self.do(self.city.look())

    @rule(pick=picks, outcome=st.integers(0, 3), which=st.integers(0, 1), ticked=st.booleans())
    def somebody_decides(self, pick: int, outcome: int, which: int, ticked: bool) -> None:
        self.do(acts.decide(self.city, pick, outcome, which, ticked=ticked))
        self.do(self.city.look())

    @rule(pick=picks)
    def two_decide_at_once(self, pick: int) -> None:
        self.do(acts.both_decide(self.city, pick))
        self.do(self.city.look())

    @rule(pick=picks, party=st.sampled_from(["applicant", "hall", "handling"]), end=st.sampled_from(WindowEnd))
    def somebody_acts_at_the_window(self, pick: int, party: str, end: WindowEnd) -> None:
        self.do(acts.at_the_window(self.city, pick, party, end))
        self.do(self.city.look())

    @rule(pick=picks, stage=st.sampled_from(Stage))
    def an_original_travels(self, pick: int, stage: Stage) -> None:
        self.do(acts.original(self.city, pick, stage))

    @rule(hours=st.sampled_from([1, 24, 72, 200, 500, 1700]))
    def time_passes(self, hours: int) -> None:
        self.do(self.city.sleep(hours=hours))
        self.do(self.city.look())

    @rule(pick=picks, kind=st.sampled_from(acts.FAULTS))
    def a_province_misbehaves(self, pick: int, kind: str) -> None:
        self.do(acts.fault(self.city, pick, kind))

    @rule(pick=picks)
    def a_stranger_tries_a_door(self, pick: int) -> None:
        self.do(acts.stranger(self.city, pick))

    def teardown(self) -> None:
        if not hasattr(self, "city") or not self.city.no:
            return
        try:
            self.do(acts.no_faults(self.city))
            self.do(self.city.finish())
            self.do(self.city.check())
        except BaseException:
            print("\n".join(["", self.city.no, *self.city.tried]))
            raise


SHAPE = settings(
    stateful_step_count=14,
    deadline=None,
    print_blob=True,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a smaller failure would take minutes; the trail is short
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.xdist_group("machine")
async def test_whatever_people_and_provinces_do_the_invariants_hold(timeless: Timeless) -> None:
    wanted = int(os.environ.get("TONGBAN_MACHINE_CASES", "0"))
    machine = type("BoundMachine", (CaseMachine,), {"town": timeless, "loop": asyncio.get_running_loop()})
    kept = DirectoryBasedExampleDatabase(FAILURES)
    if wanted:  # a long run: other cases each time, and what fails is kept
        runs = [settings(SHAPE, max_examples=wanted, database=kept)]
    else:  # a short one: what failed before, then always the same cases
        runs = [settings(SHAPE, max_examples=QUICK, derandomize=True, database=None)]
        if any(FAILURES.glob("*/*")):
            runs.insert(0, settings(SHAPE, database=kept, phases=(Phase.reuse,)))
    for chosen in runs:
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)
    assert CaseMachine.cases >= (wanted or QUICK)
