"""One case and everybody who has to do with it: each does what is asked of him, until it has come to its end."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import httpx

from domain.case import CaseStatus
from domain.plan import CasePlan, CaseStep, StepKind
from models.tasks import Task
from tests.chaos.town import LIBRARY, Town
from tests.chaos.wishes import Wish
from tests.fixtures.samples import pdf

PAUSE_S = 0.25
LAW = {"reason": "不符合规定。", "legal_basis": "示例规定第一条"}
PHOTO = "5" * 64  # the digest of what the department's screen has shown
TURNED_DOWN = {
    # where a case that is to be refused is refused: the bad end of the first of these that comes up
    "accept": "refuse",
    "review": "fail",
    "verify": "deny",
    "decide": "refuse",
}
TAKEN_AGAIN = {403, 404, 409, 412}
"""Somebody else was faster, the case has moved on, or four eyes are wanted: look again."""


class Case:
    """``turns_down``: the kind of step that ends it. ``tried``: what people did, for whoever reads a failure."""

    def __init__(self, town: Town, wish: Wish, dice: random.Random) -> None:
        self.town = town
        self.wish = wish
        kinds = sorted({step.kind.value for step in LIBRARY.service(wish.service).steps} & set(TURNED_DOWN))
        self.turns_down = dice.choice(kinds) if wish.end == "refused" else ""
        self.no = ""
        self.tried: list[str] = []
        self.shown: dict[str, Any] = {}
        self.keyed: dict[str, str] = {}
        self._owner = town.citizen()
        self._withdraw_at = 0.0
        self._signed = False

    async def submit(self) -> None:
        """The application with its papers."""
        service = LIBRARY.service(self.wish.service)
        documents = {m.id: [await self._paper(m.id)] for m in service.materials if m.source.value == "upload"}
        self._signers = [self.town.citizen() for _ in service.cosigners]
        body = {
            "service": service.code,
            "form": self.wish.form,
            "documents": documents,
            "consent": LIBRARY.consent.version,
            "cosigners": [signer.subject for signer in self._signers],
        }
        answer = await self._owner.ask("POST", "/v1/cases", json=body)
        assert answer.status_code == 201, (self.wish, answer.text)
        self.no = answer.json()["no"]
        self.plan: CasePlan = await self.town.plan(self.no)
        self.steps = {step.id: step for step in self.plan.steps}
        self._withdraw_at = time.monotonic() + self.wish.after_s

    async def live(self, until: float) -> None:
        """Until its end, or until that moment."""
        while not await self.closed():
            assert time.monotonic() < until, f"{self.no} has not come to its end"
            await self._turn()
            await asyncio.sleep(PAUSE_S)

    async def closed(self) -> bool:
        """Looks at it."""
        self.shown = dict(await self._owner.get(f"/v1/cases/{self.no}"))
        return self.shown["closed_at"] is not None

    @property
    def status(self) -> CaseStatus:
        """Where it stands."""
        return CaseStatus(self.shown["status"])

    async def trail(self) -> dict[str, Any]:
        """All there is to know about it."""
        events = (await self._owner.get(f"/v1/cases/{self.no}/events?limit=1000"))["events"]
        return {
            "no": self.no,
            "wish": self.wish.told(),
            "status": self.shown.get("status"),
            "steps": {s["id"]: (s["status"], s["trouble"]) for leg in self.shown["legs"] for s in leg["steps"]},
            "waiting": self.shown["waiting"],
            "evidence": self.shown["evidence"],
            "tasks": [(t.kind, t.step, t.region, t.department, t.role) for t in await self.town.tasks(self.no)],
            "events": [(e["at"][11:23], e["type"], e["step"], e["data"]) for e in events],
            "ledger": await self.town.ledger(self.no),
            "tried": self.tried,
        }

    # a turn of everybody

    async def _turn(self) -> None:
        if self.wish.end == "withdrawn" and self._withdraw_at <= time.monotonic():
            self._withdraw_at = float("inf")
            answer = await self._owner.ask("POST", f"/v1/cases/{self.no}/withdraw", json={"reason": "不再需要"})
            self._note("withdraw", answer)
            assert answer.status_code in {200, 409}, answer.text  # 409: it cannot be withdrawn any more
        await self._look_at_evidence()
        if not self._signed and any(w["why"] == "signature" for w in self.shown["waiting"]):
            for signer in self._signers:
                answer = await signer.ask("POST", f"/v1/cases/{self.no}/cosign", json={"agree": True})
                self._note("cosign", answer)
            self._signed = True
        for task in await self.town.tasks(self.no):
            await self._work(task)

    async def _look_at_evidence(self) -> None:
        for item in self.shown["evidence"]:
            path = f"/v1/cases/{self.no}/evidence/{item['id']}"
            if item["state"] == "offered":
                self._note(f"accept {item['step']}", await self._owner.ask("POST", f"{path}/accept"))
            elif item["state"] == "unavailable":
                body = {"document_id": await self._paper(item["step"])}
                self._note(f"hand in {item['step']}", await self._owner.ask("POST", f"{path}/decline", json=body))

    async def _work(self, task: Task) -> None:
        if task.kind == "rekey":
            said = await self._key_in(task)
        elif task.kind == self.turns_down:
            said = {"outcome": TURNED_DOWN[task.kind]} | LAW
        elif task.kind == "resolve":
            said = {"outcome": "retry"}
        else:
            said = {"outcome": task.outcomes[0]} | LAW
        step = self.steps.get(task.step)
        if step is not None and step.checklist:
            said["checklist"] = [item.id for item in step.checklist]
        if said.get("outcome"):
            await self._decide(task, said)

    async def _decide(self, task: Task, said: dict[str, Any]) -> None:
        headers = {"If-Match": f'"{task.revision}"'}
        for name in ("A", "B", "C"):  # four eyes: whoever has said something before may be the wrong person
            clerk = self._clerk(task, name)
            answer = await clerk.ask("PUT", f"/v1/tasks/{task.id}/decision", json=said, headers=headers)
            self._note(f"{task.kind} {task.step} {said['outcome']}", answer)
            if answer.status_code == 200 or answer.json()["code"] not in {"same_person", "own_case"}:
                break
        assert answer.status_code == 200 or answer.status_code in TAKEN_AGAIN, (task.kind, said, answer.text)

    # the counter of a department without an interface

    async def _key_in(self, task: Task) -> dict[str, Any]:
        shown = (await self._clerk(task, "A").get(f"/v1/tasks/{task.id}"))["rekey"]
        if shown is None:
            return {}  # it has been closed meanwhile
        step = self.steps[task.step]
        undoes = self.keyed.get(task.step, "") or shown["undoes"]
        if shown["reverses"] and not undoes:
            return {"outcome": "nothing_to_undo", "reason": "窗口未录入过该业务。"}
        number = await self._post(task, step, shown, undoes)
        if number is None:
            return {"outcome": "refused", "reason": "窗口系统不予办理。"}
        if not number:
            return {}  # nobody at the counter: later
        return {"outcome": "entered", "number": number, "number_again": number, "photo": PHOTO}

    async def _post(self, task: Task, step: CaseStep, shown: dict[str, Any], undoes: str) -> str | None:
        """The number to write down; None when it is refused, nothing when the counter cannot be reached."""
        known = await self.town.keyed_in(task.region, self.no, shown["remark"])
        if known is None:
            form = dict(shown["fields"]) | {"_remark": shown["remark"], "_case_no": self.no}
            form |= {"_leg": step.leg, "_step": step.id} | ({"_original": undoes} if shown["reverses"] else {})
            try:
                answer = await self.town.counter(task.region, task.department, shown["operation"], form)
            except httpx.TransportError:
                return ""
            self._note(f"counter {shown['operation']}", answer)
            if answer.status_code == 422:
                return None
            if answer.status_code != 201:
                return ""
            known = answer.json()
        number = str(known["number"])
        if not shown["reverses"]:
            self.keyed[task.step] = number
        return str(known["result"].get("licence_identifier") or number)

    # small things

    def _clerk(self, task: Task, name: str) -> Any:
        if task.role == "coordinator":
            return self.town.person("coordinator")
        return self.town.person(task.role, task.region, task.department, name)

    async def _paper(self, name: str) -> str:
        files = {"file": (f"{name}.pdf", pdf(name), "application/pdf")}
        answer = await self._owner.ask("POST", "/v1/documents", files=files)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def _note(self, what: str, answer: httpx.Response) -> None:
        code = "" if answer.is_success else f" {answer.text[:300]}"
        self.tried.append(f"{time.strftime('%H:%M:%S', time.gmtime())} {what} -> {answer.status_code}{code}")


def effects_of(case: Case) -> dict[str, str]:
    """Step -> verb in the ledger, of everything that a province does in a case."""
    found = {}
    for step in case.plan.steps:
        if step.way.value == "system":
            verbs = {StepKind.EVIDENCE: "fetch", StepKind.CONSULT: "consult", StepKind.NOTIFY: "notify"}
            found[step.id] = verbs.get(step.kind, "submit")
    return found
