"""What is shipped as data: published services, holiday notices, administrative divisions. Read once per process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from catalogue.compiler import DefinitionError, Refused, compile_file
from domain.bills import BillRules
from domain.calendar import WorkCalendar, YearNotice
from domain.clearing import ClearingProfile
from domain.errors import Refusal
from domain.medical.access import Purpose
from domain.medical.recognition import RecognitionList
from domain.messages import Message, Text
from domain.plan import Lifecycle, Limit, Plan
from domain.window.messages import WindowTimes

HERE = Path(__file__).parent


class Divisions(Message):
    """GB/T 2260 codes of the four provinces, their cities and the districts in use, with names."""

    source: str
    names: Mapping[str, Text]


class ConsentForm(Message):
    """A text that applicants agree to; its ``version`` is what they name."""

    version: str
    title: Text
    text: Text
    tag: str


class Aspect(Message):
    """One thing that is asked about, online or at a counter."""

    id: str
    title: Text


class RatingRules(Message):
    """好差评: names of the five levels (one star first), what is asked, when a follow-up is opened, how long it has."""

    levels: tuple[Text, Text, Text, Text, Text]
    online: tuple[Aspect, ...]
    counter: tuple[Aspect, ...]
    bad_at_most: int
    follow_up: Limit


class NoticeForm(Message):
    """One kind of paper. ``code``: two letters in its number. ``remedy``: it says how to fight it."""

    code: str
    title: Text
    text: Text
    remedy: bool = False


class NoticeForms(Message):
    forms: Mapping[str, NoticeForm]
    remedy: Text


def _yaml(path: Path) -> object:
    return YAML(typ="safe", pure=True).load(path.read_text("utf-8"))


def _mapping(path: Path) -> dict[str, object]:
    found = _yaml(path)
    if not isinstance(found, dict):
        raise TypeError(f"{path.name} is no mapping")
    return found


def read_clearing(path: Path) -> ClearingProfile:
    """A profile of clearing; OSError or ValueError with what is wrong."""
    try:
        return ClearingProfile.model_validate(_yaml(path))
    except YAMLError as error:
        raise ValueError(str(error)) from error


class Library:
    """Services by code, the working calendar and the divisions. A definition that does not check stops the process.

    ``more``: a folder with definitions of the operator's own, beside those that are shipped.
    """

    def __init__(self, folder: Path = HERE, more: Path | None = None) -> None:
        self._folder = folder
        self._services = [folder / "services", *([more] if more else [])]

    @cached_property
    def versions(self) -> Mapping[str, tuple[Plan, ...]]:
        """Code -> every version there is, the lowest first. Refused where two files cannot stand side by side."""
        found: dict[str, list[Plan]] = {}
        names: dict[tuple[str, str], Path] = {}
        numbers: dict[str, str] = {}
        complaints = []
        for path in [file for folder in self._services for file in sorted(folder.glob("*.y*ml"))]:
            plan = compile_file(path)
            other = names.setdefault((plan.code, plan.version), path)
            if other is not path:
                what = f"{plan.code} {plan.version} is in {other.name} already"
                complaints.append(DefinitionError(path.name, 1, 1, "version_taken", what, "Raise version."))
            holder = numbers.setdefault(plan.number_code, plan.code)
            if holder != plan.code:
                what = f"number_code {plan.number_code} is {holder}'s"
                complaints.append(DefinitionError(path.name, 1, 1, "number_code_taken", what, "Choose another."))
            found.setdefault(plan.code, []).append(plan)
        if complaints:
            raise Refused(complaints)
        return {code: tuple(sorted(found[code], key=lambda plan: version_key(plan.version))) for code in sorted(found)}

    @cached_property
    def services(self) -> Mapping[str, Plan]:
        """Code -> the newest version that is not a draft (its texts are what people read of older cases, too)."""
        newest = {
            code: [plan for plan in plans if plan.state is not Lifecycle.DRAFT] for code, plans in self.versions.items()
        }
        return {code: plans[-1] for code, plans in newest.items() if plans}

    def version(self, code: str, version: str) -> Plan:
        """Any version, for whoever compares; Refusal(not_found) if there is none."""
        for plan in self.versions.get(code, ()):
            if plan.version == version:
                return plan
        raise Refusal("not_found")

    @cached_property
    def consent(self) -> ConsentForm:
        """What applicants consent to before papers are collected for another place, or a session begins."""
        return ConsentForm.model_validate(_yaml(self._folder / "consent.yaml"))

    @cached_property
    def clearing(self) -> ClearingProfile:
        """Days and rates of clearing between provinces, each with its tag."""
        return read_clearing(self._folder / "clearing.yaml")

    @cached_property
    def notices(self) -> NoticeForms:
        """The papers that the law wants, with their words."""
        found = _mapping(self._folder / "notices.yaml")
        remedy = Text.model_validate(found.pop("remedy"))
        return NoticeForms(remedy=remedy, forms={k: NoticeForm.model_validate(v) for k, v in found.items()})

    @cached_property
    def window_times(self) -> WindowTimes:
        """How long things may take at the virtual window."""
        return WindowTimes.model_validate(_yaml(self._folder / "window.yaml"))

    @cached_property
    def recognition(self) -> RecognitionList:
        """The items whose examinations and tests may be recognised, with the terms of a recognition."""
        return RecognitionList.model_validate(_yaml(self._folder / "recognition.yaml"))

    @cached_property
    def health_consents(self) -> Mapping[Purpose, ConsentForm]:
        """What a person consents to before health data about him are read, by purpose."""
        found = _mapping(self._folder / "health_consent.yaml")
        return {purpose: ConsentForm.model_validate(found[purpose]) for purpose in Purpose}

    @cached_property
    def rating(self) -> RatingRules:
        """What is asked in a rating, and what a bad one leads to."""
        return RatingRules.model_validate(self._afterwards["rating"])

    @cached_property
    def reopening(self) -> Limit:
        """How long a second person has to say whether a case is taken up again."""
        return Limit.model_validate(self._afterwards["reopening"])

    @cached_property
    def ebills(self) -> BillRules:
        """How bill numbers look and how long a lock lasts."""
        return BillRules.model_validate(_mapping(self._folder / "ebills.yaml"))

    @cached_property
    def _afterwards(self) -> dict[str, object]:
        return _mapping(self._folder / "afterwards.yaml")

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
        found = (self._in_force(code, today) for code in self.versions)
        return [plan for plan in found if plan is not None]

    def service(self, code: str, today: date | None = None) -> Plan:
        """A service, if a day is given in force on it; Refusal(not_found) otherwise."""
        plan = self.services.get(code) if today is None else self._in_force(code, today)
        if plan is None:
            raise Refusal("not_found")
        return plan

    def _in_force(self, code: str, today: date) -> Plan | None:
        """The highest published version that is valid: a wrong one is replaced, the same day, by a higher one."""
        valid = [
            plan
            for plan in self.versions.get(code, ())
            if plan.state is Lifecycle.PUBLISHED
            and plan.valid_from <= today
            and (plan.valid_to is None or today <= plan.valid_to)
        ]
        return valid[-1] if valid else None


def version_key(version: str) -> tuple[int, ...]:
    """2026.11.10 comes after 2026.11.9."""
    return tuple(int(part) if part.isdigit() else -1 for part in version.split("."))
