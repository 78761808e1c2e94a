"""The recorder itself: what it records goes as the scenario says and replays; what goes another way is not recorded."""

from __future__ import annotations

import json

import pytest

from catalogue.library import HERE
from catalogue.scenario import read_scenario
from domain.case import CaseStatus
from tests.replay.rehearsal import Diverged, rehearse
from tests.unit.plans import LIBRARY, MOVE

pytestmark = pytest.mark.xdist_group("temporal")
DOWN = read_scenario(HERE / "scenarios" / MOVE / "withdrawn_while_down.yaml")


async def test_a_scenario_goes_its_way_on_the_real_workflow_and_is_remembered() -> None:
    """The archive cannot be reached: a try through the queue waits, and is called off when the applicant withdraws."""
    text = await rehearse(LIBRARY.service(MOVE), DOWN, LIBRARY, local_first=True)
    kinds = [event["eventType"].removeprefix("EVENT_TYPE_") for event in json.loads(text)["events"]]
    assert kinds[-1] == "WORKFLOW_EXECUTION_COMPLETED"
    assert kinds.count("ACTIVITY_TASK_SCHEDULED") == kinds.count("ACTIVITY_TASK_CANCELED") == 1


async def test_a_scenario_that_does_not_end_as_it_says_is_not_recorded() -> None:
    wrong = DOWN.model_copy(update={"ends": CaseStatus.COMPLETED})
    with pytest.raises(Diverged, match="ends: withdrawn, expected completed"):
        await rehearse(LIBRARY.service(MOVE), wrong, LIBRARY, local_first=True)
