"""What is shipped as data: published services, holiday notices, administrative divisions. Read once per process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from pathlib import Path

from catalogue.compiler import compile_file
from domain.calendar import WorkCalendar, YearNotice
from domain.errors import Refusal
from domain.messages import Message, Text
from domain.plan import Plan

HERE = Path(__file__).parent


class Divisions(Message):
    """GB/T 2260 codes of the four provinces, their cities and the districts in use, with names."""

    source: str
    names: Mapping[str, Text]


class Library:
    """Services by code, the working calendar and the divisions. A definition that does not check stops the process."""

    def __init__(self, folder: Path = HERE) -> None:
        self._folder = folder

    @cached_property
    def services(self) -> Mapping[str, Plan]:
        """Code -> plan, sorted by code."""
        plans = [compile_file(path) for path in sorted((self._folder / "services").glob("*.yaml"))]
        return {plan.code: plan for plan in plans}

    @cached_property
    def calendar(self) -> WorkCalendar:
        """Every holiday notice that is published."""
        files = sorted((self._folder / "calendars").glob("*.json"))
        return WorkCalendar(years=tuple(YearNotice.model_validate_json(f.read_bytes()) for f in files))

    @cached_property
    def divisions(self) -> Divisions:
        """The administrative divisions."""
        data = json.loads((self._folder / "divisions.json").read_text(encoding="utf-8"))
        return Divisions(source=data["source"], names=data["divisions"])

    def published(self, today: date) -> list[Plan]:
        """The services in force on a day."""
        return [plan for plan in self.services.values() if plan.valid_from <= today]

    def service(self, code: str, today: date | None = None) -> Plan:
        """A service, if a day is given in force on it; Refusal(not_found) otherwise."""
        plan = self.services.get(code)
        if plan is None or (today is not None and plan.valid_from > today):
            raise Refusal("not_found")
        return plan
