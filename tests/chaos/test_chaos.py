"""Nothing is lost and nothing done twice, whatever four provinces do wrong at once.

A few seeds run with the other tests, ``make chaos RUNS=300`` runs 300. TONGBAN_CHAOS_SEED repeats one,
TONGBAN_CHAOS_FIRST begins elsewhere. What failed is written to .data/chaos.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.chaos.run import Run
from tests.chaos.town import Town
from tongban.stack.parts import ROOT, python_env

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("chaos")]

QUICK = (5, 7, 9, 12, 98)
"""Short ones that have every service, end and dialect among them, the counter, and a kill."""


def seeds() -> list[int]:
    """Always the same few; or as many others as are asked for; or that one."""
    if one := os.environ.get("TONGBAN_CHAOS_SEED"):
        return [int(one)]
    runs = int(os.environ.get("TONGBAN_CHAOS_RUNS", "0"))
    first = int(os.environ.get("TONGBAN_CHAOS_FIRST", "1"))
    return list(range(first, first + runs)) if runs else list(QUICK)


@pytest.mark.parametrize("seed", seeds())
async def test_a_run(town: Town, seed: int) -> None:
    run, begun = Run(town, seed), time.monotonic()
    try:
        await run.go()
        print(f"seed {seed} {time.monotonic() - begun:5.1f} s  {run.summary()}", flush=True)
    finally:
        await town.dismiss()


async def test_in_the_end_every_invariant_holds_and_every_province_agrees(town: Town) -> None:
    env = python_env(town.stack.settings)
    done = subprocess.run(  # noqa: ASYNC221 - nothing else is to happen meanwhile
        [sys.executable, "-m", "tongban", "verify", "--ask-provinces"],
        env=env, cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    print(done.stdout, flush=True)
