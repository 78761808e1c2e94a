"""A scenario: what provinces, caseworkers and the applicant do in one imagined case, and how it has to end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, JsonValue, ValidationError, ValidationInfo, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from domain.calendar import ONE_DAY, WorkCalendar, local_day
from domain.case import CaseStatus
from domain.messages import Message, Text

LARGEST = 64 * 1024
_DURATION = re.compile(r"([0-9]{1,4})(h|d|wd)")


class ScenarioError(ValueError):
    """The scenario cannot be used; the message names file and place."""


class Part(Message):
    """What a step's person or back office does; what is left out goes well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: str = ""  # a person's
    answer: Literal["", "accepted", "rejected", "down", "missing", "pending_forever"] = ""  # a back office's
    reasons: tuple[str, ...] = ()
    after: str = ""
    resolve: Literal["retry", "terminate"] = "terminate"  # what a person says when it has failed
    reversal: Literal["accepted", "rejected", "down"] = "accepted"

    @field_validator("after")
    @classmethod
    def _readable(cls, value: str) -> str:
        if value and not _DURATION.fullmatch(value):
            raise ValueError("a duration is 2h, 3d or 2wd")
        return value


class Item(Message):
    model_config = ConfigDict(frozen=True, extra="forbid")

    material: str = ""
    field: str = ""
    kind: Literal["incorrect", "incomplete", "outdated"]


Deed = Literal[
    "withdraw",
    "decline_evidence",
    "request_supplement",
    "reply_supplement",
    "cancel_supplement",
    "ask_extension",
    "begin_procedure",
    "end_procedure",
    "hand_in",
    "cosign",
    "object",
    "original",
    "transfer",
]


_TO_WHAT: Mapping[str, tuple[str, ...]] = {
    "decline_evidence": ("step",),
    "ask_extension": ("clock",),
    "begin_procedure": ("procedure",),
    "end_procedure": ("procedure",),
    "hand_in": ("material",),
    "object": ("step",),
    "original": ("material", "stage"),
    "transfer": ("region",),
}


class Act(Message):
    """Something else that somebody does: ``after`` a mark (see docs/reference/scenarios.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: str = "received"  # a mark, or a moment
    after: str = "1h"
    who: str = "applicant"  # for the reader; who may do it is the rules' to say
    does: Deed
    step: str = ""
    items: tuple[Item | str, ...] | Literal["all"] = "all"
    about_new: bool = False
    clock: str = ""
    approve: bool = True
    procedure: str = ""
    planned: str = ""
    material: str = ""
    stage: Literal["", "sealed", "shipped", "arrived", "archived"] = ""
    region: str = ""
    agree: bool = True
    reason: Text | str = ""  # for the reader

    @field_validator("after", "planned")
    @classmethod
    def _readable(cls, value: str, info: ValidationInfo) -> str:
        if not _DURATION.fullmatch(value) and (value or info.field_name == "after"):
            raise ValueError("a duration is 2h, 3d or 2wd")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Act:
        if missing := [name for name in _TO_WHAT.get(self.does, ()) if not getattr(self, name)]:
            raise ValueError(f"{self.does} needs {' and '.join(missing)}")
        if (moment := moment_of(self.when)) is not None and not within(moment):
            raise ValueError("when is not between 2000 and 2099")
        return self


class Scenario(Message):
    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Text
    start: datetime
    form: Mapping[str, JsonValue]
    promised: tuple[str, ...] = ()
    cosigners: Literal["", "never"] = ""
    steps: Mapping[str, Part] = Field(default_factory=dict)
    acts: tuple[Act, ...] = ()
    ends: CaseStatus
    reason: str = ""
    ends_on: date | None = None
    events: tuple[str, ...] = ()

    @field_validator("start")
    @classmethod
    def _aware(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("needs a time zone, for example +08:00")
        if not within(value):
            raise ValueError("is not between 2000 and 2099")
        return value

    def shifted(self, weeks: int) -> Scenario:
        """The same, so many weeks later. The day it ends on is left out: there may be other holidays."""
        by = timedelta(weeks=weeks)
        acts = tuple(
            act.model_copy(update={"when": (moment + by).isoformat()}) if (moment := moment_of(act.when)) else act
            for act in self.acts
        )
        return self.model_copy(
            update={"start": self.start + by, "acts": acts, "ends_on": None if weeks else self.ends_on}
        )


def read_scenario(path: Path) -> Scenario:
    """The scenario of a file; ScenarioError names what is wrong and where."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from error
    if len(source) > LARGEST:
        raise ScenarioError(f"{path.name}: larger than {LARGEST} bytes")
    try:
        return Scenario.model_validate(YAML(typ="safe", pure=True).load(source.decode("utf-8")))
    except ValidationError as error:
        found = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ScenarioError(f"{path.name}: " + "; ".join(found)) from error
    except (YAMLError, ValueError, RecursionError) as error:  # a ValueError: not UTF-8, or a day that is none
        raise ScenarioError(f"{path.name}: not YAML in UTF-8: {error}") from error


def within(moment: datetime) -> bool:
    """Whether it lies in the years that days can be counted in."""
    return 2000 <= moment.year <= 2099


def moment_of(when: str) -> datetime | None:
    """A moment instead of a mark; None for a mark."""
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def later(since: datetime, duration: str, calendar: WorkCalendar) -> datetime:
    """A moment after another: hours, calendar days, or working days at the same hour."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ValueError(duration)
    count, unit = int(match[1]), match[2]
    if unit == "h":
        return since + timedelta(hours=count)
    if unit == "d":
        return since + count * ONE_DAY
    due = calendar.due(local_day(since), count).day
    return since + (due - local_day(since))
