"""Every shipped service goes its good way on a running product: real workflows, real tables, simulated provinces."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.library import HERE, Library
from catalogue.scenario import Scenario, read_scenario
from domain.plan import MaterialSource, Plan, StepKind
from tests.fixtures.running import Town, eventually

LIBRARY = Library()
# a public display takes its days in real time; those services are simulated only
ON_DISPLAY = {code for code, plan in LIBRARY.services.items() if any(s.kind is StepKind.PUBLICITY for s in plan.steps)}


class Journey:
    """Everybody does what is asked of him until the case is closed."""

    def __init__(self, town: Town, plan: Plan, scenario: Scenario) -> None:
        self.town, self.plan, self.scenario = town, plan, scenario
        self.signers = [f"{plan.code}-signer-{i}" for i, _ in enumerate(plan.cosigners)]
        if "citizen" in plan.owner_roles:
            self.owner = town.citizen()
        else:
            place = plan.roles[plan.accepting_role]
            region = place.region or str(scenario.form[place.region_field])
            self.owner = town.login("caseworker", region, place.department)
        self.no = ""
        self.people = 0

    async def submit(self, **form: str) -> None:
        documents = {}
        for material in self.plan.materials:
            if material.source is MaterialSource.UPLOAD and material.id not in self.scenario.promised:
                documents[material.id] = [await self.owner.upload(name=f"{material.id}.pdf")]
        body = {
            "service": self.plan.code,
            "form": dict(self.scenario.form) | form,
            "documents": documents,
            "promised": list(self.scenario.promised),
            "cosigners": self.signers,
            "consent": LIBRARY.consent.version,
        }
        answer = await self.owner.post("/v1/cases", json=body)
        assert answer.status_code == 201, answer.text
        self.no = answer.json()["no"]

    async def run(self, **form: str) -> dict[str, Any]:
        await self.submit(**form)
        for signer in self.signers:
            await self._sign(signer)
        for original in [m.id for m in self.plan.materials if m.original]:
            await self._carry(original)
        return await eventually(self._round, lambda case: case["closed_at"], within_s=60)

    async def _round(self) -> dict[str, Any]:
        case = await self.town.case(self.owner, self.no)
        for item in case["evidence"]:
            if item["state"] == "offered":
                await self._ok(self.owner.post(f"/v1/cases/{self.no}/evidence/{item['id']}/accept"))
            elif item["state"] == "unavailable":
                own = {"document_id": await self.owner.upload(name=f"{item['step']}.pdf")}
                await self._ok(self.owner.post(f"/v1/cases/{self.no}/evidence/{item['id']}/decline", json=own))
        for region, department in {(leg["place"]["region"], leg["place"]["department"]) for leg in case["legs"]}:
            for role in ("caseworker", "supervisor"):
                await self._work(role, region, department)
        return case

    async def _work(self, role: str, region: str, department: str) -> None:
        """Another person for every task: nobody meets himself."""
        self.people += 1
        clerk = self.town.login(role, region, department, f"{role}-{self.no}-{self.people}")
        tasks = (await clerk.get("/v1/tasks", params={"limit": 200})).json()["tasks"]
        for task in [task for task in tasks if task["case_no"] == self.no and task["role"] == role]:
            one = (await clerk.get(f"/v1/tasks/{task['id']}")).json()
            assert one["title"] or not one["step"], one["step"]
            good = {"outcome": one["outcomes"][0], "checklist": [line["id"] for line in one["checklist"]]}
            if one["rekey"]:
                good |= await self.town.at_the_counter(one)
            answer = await clerk.put(
                f"/v1/tasks/{task['id']}/decision",
                json=good | {"reason": "x", "reference": "SF0001"},
                headers={"If-Match": f'"{one["revision"]}"'},
            )
            assert answer.status_code in {200, 409}, answer.text
            return

    async def _sign(self, signer: str) -> None:
        person = self.town.citizen(signer)
        await self.town.until(self.owner, self.no, lambda case: case["waiting_on"]["why"] == "signature")
        await self._ok(person.post(f"/v1/cases/{self.no}/cosign", json={"agree": True}))

    async def _carry(self, material: str) -> None:
        """The original travels from the collecting place to the archive."""
        await self.town.until(self.owner, self.no, lambda case: case["status"] != "submitted")
        archive = next(s for s in self.plan.steps if s.kind is StepKind.ARCHIVE)
        for stage in ("sealed", "shipped", "arrived"):
            near = stage != "arrived" and self.plan.collecting_role
            role = self.plan.roles[self.plan.collecting_role if near else archive.role]
            region = role.region or str(self.scenario.form[role.region_field])
            clerk = self.town.login("caseworker", region, role.department)
            body = {"material": material, "stage": stage, "photo": await clerk.upload(name=f"{stage}.pdf")}
            await self._ok(clerk.post(f"/v1/cases/{self.no}/originals", json=body))

    @staticmethod
    async def _ok(asked: Any) -> None:
        answer = await asked
        assert answer.status_code in {200, 409}, answer.text


@pytest.mark.parametrize("code", sorted(set(LIBRARY.services) - ON_DISPLAY))
async def test_a_service_goes_its_good_way_on_real_processes(town: Town, code: str) -> None:
    plan = LIBRARY.services[code]
    scenario = read_scenario(HERE / "scenarios" / code / "completed.yaml")
    journey = Journey(town, plan, scenario)
    case = await journey.run()
    assert case["status"] == "completed", case["reason"]
    results = (await journey.owner.get(f"/v1/cases/{journey.no}/results")).json()["results"]
    issued = {step["id"] for leg in case["legs"] for step in leg["steps"] if step["kind"] == "certificate"}
    assert len(results) == len(issued)
    ledger = await town.ledger(journey.no)
    for leg in case["legs"]:
        for step in leg["steps"]:
            if step["kind"] in {"effect", "certificate"}:
                assert ledger[step["id"], "submit"] == 1
