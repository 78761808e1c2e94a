"""``make demo ARGS=medical`` as a newcomer runs it: from the referral to the cleared month."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.conftest import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("chaos-medical")]


def test_the_medical_course_holds(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TONGBAN_", "TEMPORAL_"))}
    env = kept | {"COLUMNS": "110", "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
    argv = [sys.executable, "-m", "tongban", "demo", "--data-dir", str(tmp_path), "--other-ports", "medical"]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "all 22 points hold" in done.stdout
    assert list(tmp_path.glob("clearing-*.svg")), "the flows are drawn"
