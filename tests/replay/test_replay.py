"""Every released course replays with today's workflow, in the sandbox: a running case survives a new version."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from domain.case import TERMINAL
from tests.replay.changed import ChangedWorkflow
from tests.replay.courses import COURSES
from tests.replay.record import HISTORIES, READABLE
from workflows.case import CaseWorkflow

FILES = sorted(HISTORIES.glob("*.json"))
pytestmark = pytest.mark.xdist_group("temporal")


def read(path: Path) -> WorkflowHistory:
    text = path.read_text(encoding="utf-8")
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], text)


def test_every_way_a_case_can_end_is_on_file() -> None:
    assert {f.name for f in FILES} >= {f"{name}.{way}.json" for name in COURSES for way in ("local", "queue")}
    assert {status for _, status in COURSES.values()} == TERMINAL


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_it_replays(path: Path) -> None:
    replayer = Replayer(workflows=[CaseWorkflow], plugins=[READABLE])
    result = await replayer.replay_workflow(read(path), raise_on_replay_failure=True)
    assert result.replay_failure is None


@pytest.mark.parametrize("name", ["granted.local", "withdrawn.queue"])
async def test_a_workflow_that_does_something_else_does_not_replay(name: str) -> None:
    replayer = Replayer(workflows=[ChangedWorkflow], plugins=[READABLE])
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(read(HISTORIES / f"{name}.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_history_names_no_machine_and_no_person(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"[1-9]\d{16}[0-9X]", text), "no identity number"
    identities = set(_values(json.loads(text), "identity"))
    assert identities <= {"test", "history-service"}
    assert "91320500XXXX000275" not in text
    assert "/home" not in text
    assert "/tmp" not in text


def _values(node: object, key: str) -> list[str]:
    if isinstance(node, dict):
        return [v for k, v in node.items() if k == key and isinstance(v, str)] + [
            found for v in node.values() for found in _values(v, key)
        ]
    return [found for item in node for found in _values(item, key)] if isinstance(node, list) else []
