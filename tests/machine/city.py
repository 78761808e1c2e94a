"""One case and everybody who has to do with it: what each can try, whatever state it is in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select
from sqlmodel import col

from catalogue.library import HERE, Library
from catalogue.scenario import Scenario, read_scenario
from domain.calendar import WorkCalendar
from domain.case import CASE_TRANSITIONS, TERMINAL, CaseStatus
from domain.errors import ERRORS
from domain.invariants import CHECKS
from domain.plan import CasePlan, Plan, StepKind
from models.cases import read_application
from models.inspection import case_file
from models.tasks import Task
from tests.fixtures.houses import Caller
from tests.machine.conftest import Timeless

LIBRARY = Library()
SCENARIOS: list[tuple[Plan, Scenario]] = [
    (plan, read_scenario(HERE / "scenarios" / plan.code / "completed.yaml")) for plan in LIBRARY.services.values()
]
_PAGES = ("deadlines", "consequences", "supplements", "corrections", "originals", "fees", "results", "events")
_PEOPLE = ("messages", "notes", "notices", "opinions", "rating")
DOORS = ("", *(f"/{name}" for name in (*_PAGES, *_PEOPLE)))
ALLOWED = {200, 201, 202, 204, 403, 404, 409, 412, 422, 428}
REACHES = {status: {status} for status in CaseStatus}
for _ in CaseStatus:
    for before, following in CASE_TRANSITIONS.items():
        REACHES[before] |= set().union(*(REACHES[after] for after in following)) if following else set()


class City:
    """``tried``: what was asked, and how it was answered; shown when something breaks."""

    def __init__(self, town: Timeless) -> None:
        self.town = town
        self.tried: list[str] = []
        self.seen = CaseStatus.SUBMITTED
        self.no = ""
        self.window = ""
        self.people: dict[tuple[str, ...], Caller] = {}

    # people and what they say

    def login(self, role: str, region: str = "", department: str = "", subject: str = "") -> Caller:
        key = (role, region, department, subject)
        if key not in self.people:
            self.people[key] = self.town.login(role, region, department, subject)
        return self.people[key]

    def clerk(self, task: Task, which: int = 0) -> Caller:
        """Somebody who may decide this task; ``which``: another person of the same place."""
        region = "" if task.role == "coordinator" else task.region
        department = "" if task.role == "coordinator" else task.department
        return self.login(task.role, region, department, f"{task.role}-{task.region}-{which}")

    async def say(self, who: Caller, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """One request; anything but an answer of the contract breaks the run.

        A 503 says that no answer came in time and that the same may be sent again: so it is.
        """
        for _ in range(4):
            answer = await who.request(method, path, json=body, headers=headers)
            if answer.status_code != 503:
                break
            await self.sleep(seconds=1)
        problem = answer.headers.get("content-type", "").startswith("application/problem+json")
        code = answer.json()["code"] if problem else ""
        self.tried.append(f"{method} {path} {str(body)[:160]} -> {answer.status_code} {code}")
        assert answer.status_code in ALLOWED, f"{self.tried[-1]}: {answer.text[:500]}"
        assert code in ERRORS or not problem, self.tried[-1]
        return answer

    async def pdf(self, who: Caller) -> str:
        return await who.upload(name="paper.pdf")

    # the case

    async def submit(self, which: int, *, promised: bool, agent: bool) -> None:
        self.plan, self.scenario = SCENARIOS[which % len(SCENARIOS)]
        if "citizen" in self.plan.owner_roles:
            self.owner = self.town.citizen()
        else:
            role = self.plan.roles[self.plan.accepting_role]
            region = role.region or str(self.scenario.form[role.region_field])
            self.owner = self.town.login("caseworker", region, role.department)
        uploads = [m for m in self.plan.materials if m.source.value == "upload"]
        owed = [m.id for m in uploads if promised and m.tolerance.value != "core"]
        paper = await self.pdf(self.owner)
        self.signers = [f"signer-{paper}-{i}" for i, _ in enumerate(self.plan.cosigners)]
        body: dict[str, Any] = {
            "service": self.plan.code,
            "form": dict(self.scenario.form),
            "documents": {m.id: [paper] for m in uploads if m.id not in owed},
            "promised": owed,
            "cosigners": self.signers,
            "consent": LIBRARY.consent.version,
        }
        if agent and "mandate" in self.plan.acting:
            body["acting"] = {"basis": "mandate", "document": paper}
        answer = await self.say(self.owner, "POST", "/v1/cases", body)
        assert answer.status_code == 201, answer.text
        self.no = answer.json()["no"]
        async with self.town.database.begin() as session:
            application = await read_application(session, self.no)
            assert application is not None
            self.bound = CasePlan.model_validate(application.case_plan)

    async def look(self) -> Mapping[str, Any]:
        """The case as its owner reads it: always whole, never going backwards, always somebody's."""
        case: dict[str, Any] = (await self.owner.get(f"/v1/cases/{self.no}")).json()
        status = CaseStatus(case["status"])
        assert status in REACHES[self.seen], f"{self.seen} was followed by {status}"
        self.seen = status
        assert (case["closed_at"] is not None) == (status in TERMINAL)
        for waiting in case["waiting"]:
            assert waiting["text"]["zh"]
            assert waiting["what_unblocks"]["en"]
            assert waiting["since"]
        assert bool(case["waiting"]) != (status in TERMINAL), "nobody has the ball"
        return case

    async def tasks(self) -> list[Task]:
        async with self.town.database.begin() as session:
            rows = await session.execute(
                select(Task).where(col(Task.case_no) == self.no, col(Task.state) == "open").order_by(col(Task.id))
            )
            return list(rows.scalars())

    async def decide(self, task: Task, outcome: str, *, which: int = 0, ticked: bool = True) -> httpx.Response:
        step = next((s for s in self.bound.steps if s.id == task.step), None)
        body = {
            "outcome": outcome,
            "reason": "理由",
            "legal_basis": "依据",
            "checklist": [item.id for item in step.checklist] if step and ticked else [],
        }
        return await self.say(
            self.clerk(task, which), "PUT", f"/v1/tasks/{task.id}/decision", body, **{"If-Match": f'"{task.revision}"'}
        )

    # time

    async def sleep(self, **span: float) -> None:
        await self.town.clock.sleep(timedelta(**span))

    async def finish(self) -> CaseStatus:
        """Everybody does what is asked of him, and time passes, until the case is closed."""
        for round_ in range(80):
            case = await self.look()
            if case["closed_at"]:
                return CaseStatus(case["status"])
            moved = await self._applicant(case) or await self._carry()
            for task in await self.tasks():
                outcome = "terminate" if "terminate" in task.outcomes and round_ > 20 else task.outcomes[0]
                if "settled_by_hand" in task.outcomes:
                    outcome = "settled_by_hand"
                for which in range(4):
                    if (await self.decide(task, outcome, which=which)).status_code == 200:
                        moved = True
                        break
            if not moved:
                await asyncio.sleep(0.05)
                await self.sleep(days=1 if round_ < 40 else 30)
        raise AssertionError(f"not closed: {await self.look()}")

    async def _applicant(self, case: Mapping[str, Any]) -> bool:
        moved = False
        for item in case["evidence"]:
            path = f"/v1/cases/{self.no}/evidence/{item['id']}"
            if item["state"] == "offered":
                moved |= (await self.say(self.owner, "POST", f"{path}/accept")).status_code == 200
            elif item["state"] == "unavailable":
                body = {"document_id": await self.pdf(self.owner)}
                moved |= (await self.say(self.owner, "POST", f"{path}/decline", body)).status_code == 200
        if any(w["why"] == "signature" for w in case["waiting"]):
            for signer in self.signers:
                path = f"/v1/cases/{self.no}/cosign"
                moved |= (
                    await self.say(self.login("citizen", subject=signer), "POST", path, {"agree": True})
                ).is_success
        return moved

    async def _carry(self) -> bool:
        """Every original goes one stage further."""
        moved = False
        found = (await self.owner.get(f"/v1/cases/{self.no}/originals")).json()["originals"]
        archives = [s.place for s in self.bound.steps if s.kind is StepKind.ARCHIVE]
        for paper in found:
            stage = {"": "sealed", "sealed": "shipped", "shipped": "arrived"}.get(paper["stage"])
            if stage is None:
                continue
            place = self.bound.collecting if stage != "arrived" and self.bound.collecting else None
            place = place or (archives or [self.bound.accepting])[0]
            clerk = self.login("caseworker", place.region, place.department, "post")
            body = {"material": paper["material"], "stage": stage, "photo": await self.pdf(clerk)}
            moved |= (await self.say(clerk, "POST", f"/v1/cases/{self.no}/originals", body)).status_code == 200
        return moved

    # what has to hold in the end

    async def read_everywhere(self) -> None:
        """Whoever may read, reads all there is: nothing that has happened to a case breaks a page of it."""
        place = self.bound.accepting
        readers = [self.login("coordinator"), self.login("auditor"), self.owner]
        readers += [self.login(role, place.region, place.department) for role in ("caseworker", "supervisor")]
        for who in readers:
            for door in DOORS:
                await self.say(who, "GET", f"/v1/cases/{self.no}{door}")
            await self.say(who, "GET", f"/v1/windows?case_no={self.no}&closed=true")

    async def check(self) -> None:
        await self.read_everywhere()

        async def missing(digests: Any) -> list[str]:
            return [digest for digest in digests if not await self.town.house.files.exists(digest)]

        file = await case_file(self.town.database, self.no, missing)
        now = await self.town.clock.get_current_time()
        calendar: WorkCalendar = LIBRARY.calendar
        found = [f"{number}: {what}" for number, rule in CHECKS for what in rule(file, now, calendar)]
        assert not found, found
        rows = await self.town.rows(self.no)
        net: dict[str, int] = {}
        for row in rows:
            net[row["step"]] = net.get(row["step"], 0) + row["delta"]
        assert all(total in {0, 1} for total in net.values()), net
        keys = [row["request_no"] for row in rows]
        assert len(keys) == len(set(keys)), "a key acted twice"
