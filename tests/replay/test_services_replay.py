"""Every way every service can end, as the real workflow once went it, replays with today's workflow to the same end."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)
from temporalio.workflow import NondeterminismError

from catalogue.library import HERE
from catalogue.scenario import Scenario, read_scenario
from domain.start import StartCase
from tests.replay import record_services
from tests.replay.changed import ChangedWorkflow
from tests.replay.record import READABLE
from tests.replay.record_services import COMMAND, SERVICES, packed, scenarios, unpacked, wanted
from tests.unit.plans import LIBRARY
from workflows.case import CaseWorkflow

FILES = sorted(SERVICES.glob("*/*.json.gz"))
CODES = sorted({name.partition("/")[0] for name in scenarios()})
End = tuple[str, str]


class Watching(Interceptor):
    """Sees how the workflow ends: status and reason."""

    def __init__(self) -> None:
        self.ends: list[End] = []

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        input.unsafe_extern_functions["saw_the_end"] = lambda *end: self.ends.append(end)
        return _Watch


class _Watch(WorkflowInboundInterceptor):
    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        result = await super().execute_workflow(input)
        state = workflow.instance()._process.state
        workflow.extern_functions()["saw_the_end"](state.status.value, state.reason)
        return result


def name_of(path: Path) -> str:
    return str(path.relative_to(SERVICES)).removesuffix(".json.gz")


@cache
def text_of(path: Path) -> str:
    return unpacked(path)


def history_of(path: Path) -> WorkflowHistory:
    started = json.loads(text_of(path))["events"][0]["workflowExecutionStartedEventAttributes"]
    start = StartCase.model_validate_json(base64.b64decode(started["input"]["payloads"][0]["data"]))
    return WorkflowHistory.from_json(start.case_no, text_of(path))


def scenario_of(path: Path) -> Scenario | None:
    """The scenario that a history is of; a released history may outlive its scenario."""
    file = HERE / "scenarios" / f"{name_of(path).removesuffix('.queue')}.yaml"
    return read_scenario(file) if file.exists() else None


@pytest.mark.parametrize("code", CODES)
def test_every_scenario_of_a_service_has_its_history(code: str) -> None:
    of_code = [name for name in scenarios() if name.startswith(f"{code}/")]
    missing = [str(path.relative_to(SERVICES)) for name in of_code for path, _ in wanted(name) if not path.exists()]
    assert missing == [], f"run: {COMMAND} {code}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
async def test_it_replays_to_the_end_its_scenario_says(path: Path) -> None:
    watching = Watching()
    replayer = Replayer(workflows=[CaseWorkflow], plugins=[READABLE], interceptors=[watching])
    result = await replayer.replay_workflow(history_of(path), raise_on_replay_failure=True)
    assert result.replay_failure is None
    (end,) = watching.ends
    if (scenario := scenario_of(path)) is not None:
        assert end == (scenario.ends.value, scenario.reason or end[1]), "the scenario has changed since"


@pytest.mark.parametrize("code", CODES)
async def test_a_workflow_that_does_something_else_does_not_replay(code: str) -> None:
    replayer = Replayer(workflows=[ChangedWorkflow], plugins=[READABLE])
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(history_of(SERVICES / code / "completed.json.gz"))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_history_names_no_machine_and_no_person(path: Path) -> None:
    document = json.loads(text_of(path))
    assert {v for k, v in _strings(document) if k == "identity"} <= {"test"}
    told = "\n".join([text_of(path), *_payloads(document)])
    assert not re.search(r"(?<![0-9A-Za-z])[1-9]\d{16}[0-9X](?![0-9A-Za-z])", told), "no identity number"
    assert not re.search(r"/(home|root|tmp|work|Users)/|site-packages", told), "no path"
    if (scenario := scenario_of(path)) is not None:
        fields = LIBRARY.service(path.parent.name).form_fields()
        free = {name for name, field in fields.items() if field.get("type") == "string" and "enum" not in field}
        public = {name for name in free if fields[name].get("format") == "region"}
        words = {str(value) for name, value in scenario.form.items() if name in free - public}
        words = {word for word in words if not re.fullmatch(r"\d{4}(-\d\d){1,2}", word)}  # the calendar has days, too
        assert len(words) > 1
        assert {word for word in words if word in told} == set(), "what people wrote stays in the database"


def _strings(node: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document, with the key it stands under."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _strings(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value, key)
    elif isinstance(node, str):
        yield key, node


def _payloads(document: object) -> list[str]:
    return [base64.b64decode(value).decode() for key, value in _strings(document) if key == "data"]


# recording


def test_the_same_history_is_packed_into_the_same_bytes() -> None:
    assert packed("{}") == packed("{}")
    assert packed("{}")[4:8] == bytes(4), "no time of day in it"


def test_a_history_on_file_is_kept_and_whoever_asked_for_it_is_told_why(capsys: pytest.CaptureFixture[str]) -> None:
    path = FILES[0]
    before = path.read_bytes()
    assert record_services.main([name_of(path).removesuffix(".queue")]) == record_services.KEPT
    told = capsys.readouterr()
    assert path.read_bytes() == before
    assert "never recorded over" in told.err
    assert told.out == ""


def test_what_is_not_there_cannot_be_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    assert record_services.main(["YRD-NOTHING"]) == record_services.UNKNOWN
    assert "YRD-NOTHING" in capsys.readouterr().err
