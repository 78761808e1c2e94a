"""kill -9 at random moments of a referral, a stay and its settlements: the money is exact every time.

A few seeds run with the other tests, TONGBAN_MEDICAL_RUNS=100 runs 100 (``make chaos MEDICAL=100``);
TONGBAN_MEDICAL_SEED repeats one. Each is another patient, with two or three processes killed under his hands and one
line of the platforms cut or slowed; afterwards every book has to be ours, row by row.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from catalogue.medical import institutions
from domain.calendar import SHANGHAI
from tongban.demo.medical import checks
from tongban.demo.medical.people import KINDS, Cast, Patient
from tongban.demo.medical.story import Story
from tongban.stack.parts import ALL, ROOT, python_env
from tongban.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("chaos-medical")]
QUICK = (2, 9)
VICTIMS = (
    "worker-core", "worker-core-2", "worker-provinces", "worker-provinces-2", "api", "relay", "ebills",
    "insurance-310000", "insurance-340000", "insurance-320000", "insurance-hub", "postgres", "temporal",
)  # fmt: skip
FAULTS = ("lost_answer", "timeout", "down", "reset_mid_body", "garbage", "half_open", "wrong_person")
STORM_S = 9.0
LARGE = [item.region for item in institutions().institutions if item.code.endswith("0000001") and item.level == 3]
AREAS = [region for region in LARGE if not region.startswith("31")]  # a hospital there can refer
PATIENTS = [Patient(area, kind) for kind in KINDS for area in AREAS]


def seeds() -> list[int]:
    """Always the same few; or as many others as are asked for; or that one."""
    if one := os.environ.get("TONGBAN_MEDICAL_SEED"):
        return [int(one)]
    runs = int(os.environ.get("TONGBAN_MEDICAL_RUNS", "0"))
    return list(range(1, runs + 1)) if runs else list(QUICK)


@pytest.fixture(scope="module")
def stack(folders: Callable[[str], Path]) -> Iterator[Stack]:
    """Everything, with two workers of each kind, so that one may be killed."""
    workers = {"core": 2, "provinces": 2}
    unlimited = {"TONGBAN_REQUESTS_PER_S": "100000"}
    with Stack(
        folders("medical"), parts=ALL, workers=workers, env=unlimited, usual_ports=False, say=lambda _line: None
    ) as running:
        yield running


class Storm(threading.Thread):
    """What goes wrong in one run, drawn from its seed."""

    def __init__(self, stack: Stack, patient: Patient, seed: int) -> None:
        super().__init__(daemon=True)
        dice = random.Random(seed)
        self._stack = stack
        self.kills = sorted(
            (dice.uniform(0.2, STORM_S), dice.choice(VICTIMS)) for _ in range(dice.choice((1, 2, 2, 3)))
        )
        insured = f"{patient.city[:2]}0000"
        self.fault = (
            dice.choice(("310000", "hub", insured)),
            {
                "kind": dice.choice(FAULTS),
                "operation": dice.choice(("2304", "2305", "2401", "2301", "*")),
                "times": dice.choice((1, 2)),
                "probability": dice.choice((0.5, 1.0)),
                "seed": dice.randrange(1 << 20),
            },
        )
        self.over = threading.Event()

    def run(self) -> None:
        """Until it is over or everything has been killed."""
        began = time.monotonic()
        for at, victim in self.kills:
            if self.over.wait(max(0.0, began + at - time.monotonic())):
                return
            self._stack.kill(victim)

    def switch(self) -> None:
        """The fault is on from the beginning."""
        region, body = self.fault
        httpx.post(f"{self._stack.insurance_urls[region]}/sim/faults", json=body, timeout=10).raise_for_status()

    def calm(self) -> None:
        """No more kills, no more faults, everything up again."""
        self.over.set()
        self.join()
        for _, victim in self.kills:
            assert self._stack.wait_ready(victim, 60), victim
        for url in self._stack.insurance_urls.values():
            httpx.delete(f"{url}/sim/faults", timeout=10).raise_for_status()


@pytest.mark.parametrize("seed", seeds())
def test_the_money_is_exact_whatever_dies(stack: Stack, seed: int) -> None:
    began = time.monotonic()
    patient = PATIENTS[seed % len(PATIENTS)]
    storm = Storm(stack, patient, seed)
    storm.switch()
    cast = Cast(stack, patient, lambda: None)
    lines: list[str] = []
    try:
        storm.start()
        told = Story(stack, cast, lambda text: lines.append(text.en), patience_s=150).play()
        storm.calm()
        wrong = [point for point in checks.points(told, cast) if not point.holds]
        killed = ", ".join(victim for _, victim in storm.kills)
        print(f"seed {seed} {time.monotonic() - began:5.1f} s  killed {killed} | {storm.fault}", flush=True)
        assert not wrong, [f"{point.what.en}: {point.found}" for point in wrong]
    except BaseException:
        print("\n".join([f"seed {seed}", *lines, f"kills {storm.kills}", f"fault {storm.fault}"]), flush=True)
        raise
    finally:
        storm.over.set()
        cast.close()


def test_in_the_end_every_invariant_holds_and_every_book_is_ours(stack: Stack) -> None:
    env = python_env(stack.settings)
    today = datetime.now(SHANGHAI).date()
    for words in (["verify"], ["clearing", "reconcile", "--day", f"{today}"]):
        done = subprocess.run(
            [sys.executable, "-m", "tongban", *words], env=env, cwd=ROOT, capture_output=True, text=True, timeout=600,
            check=False,
        )  # fmt: skip
        print(done.stdout, flush=True)
        assert done.returncode == 0, done.stdout + done.stderr[-2000:]
