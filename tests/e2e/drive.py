"""A good client of a stack that is being broken: sends again under the same key until it is answered."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpx

from tests.fixtures.samples import FORM, SERVICE, pdf
from tongban.stack.keys import AUDIENCE, DEMO_ISSUER, sign_token
from tongban.stack.stack import Stack

PATIENCE_S = 60.0
EFFECTS = ("tax", "archive", "register", "licence")
COMPLETE = Counter({("representative", "fetch"): 1, ("shareholder", "fetch"): 1} | {(s, "submit"): 1 for s in EFFECTS})
AGAIN = {429, 500, 502, 503, 504}
LAW = {"reason": "材料不符合规定。", "legal_basis": "市场主体登记管理条例第十九条"}


class Person:
    """Somebody at the API who does not give up when it does not answer."""

    def __init__(self, stack: Stack, role: str, region: str = "", department: str = "") -> None:
        self.subject = subject = f"{role}-{os.urandom(4).hex()}"
        token = sign_token(
            stack.secrets.signing_key,
            issuer=DEMO_ISSUER,
            audience=AUDIENCE,
            subject=subject,
            hours=1,
            claims={"role": role, "region": region, "department": department},
        )
        self.http = httpx.AsyncClient(
            base_url=stack.api_url, headers={"Authorization": f"Bearer {token}"}, timeout=15, trust_env=False
        )

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request, repeated under its key while nothing, or nothing final, comes back."""
        headers = dict(options.pop("headers", {}))
        if method == "POST":
            headers.setdefault("Idempotency-Key", os.urandom(12).hex())
        end, last = time.monotonic() + PATIENCE_S, ""
        while time.monotonic() < end:
            try:
                answer = await self.http.request(method, path, headers=headers, **options)
                busy = answer.status_code == 409 and answer.json()["code"] == "in_flight"
                if answer.status_code not in AGAIN and not busy:
                    return answer
                last = f"{answer.status_code} {answer.text}"
            except httpx.TransportError as error:
                last = repr(error)
            await asyncio.sleep(0.2)
        raise AssertionError(f"{method} {path} was not answered within {PATIENCE_S:.0f} s: {last}")

    async def get(self, path: str) -> Any:
        """The content of a good answer."""
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()


class Drive:
    """Takes cases through a stack and looks into the provinces' books."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._people: list[Person] = []
        self.citizen = self.meet("citizen")
        self.market = self.meet("caseworker", "320500", "market_regulation")
        self.provinces = httpx.AsyncClient(timeout=10, trust_env=False)

    async def aclose(self) -> None:
        """Closes the connections."""
        for client in (*(person.http for person in self._people), self.provinces):
            await client.aclose()

    def meet(self, role: str, region: str = "", department: str = "") -> Person:
        """Somebody more."""
        self._people.append(Person(self.stack, role, region, department))
        return self._people[-1]

    async def submit(self, **form: str) -> str:
        """A new case; its number."""
        documents = {}
        for name in ("resolution", "address_proof"):
            answer = await self.citizen.ask(
                "POST", "/v1/documents", files={"file": (f"{name}.pdf", pdf(name), "application/pdf")}
            )
            assert answer.status_code == 201, answer.text
            documents[name] = [answer.json()["id"]]
        answer = await self.citizen.ask(
            "POST", "/v1/cases", json={"service": SERVICE, "form": FORM | form, "documents": documents}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["no"])

    async def case(self, no: str) -> dict[str, Any]:
        """The case as its applicant reads it."""
        return dict(await self.citizen.get(f"/v1/cases/{no}"))

    async def until(
        self, no: str, enough: Callable[[dict[str, Any]], Any], within_s: float = PATIENCE_S
    ) -> dict[str, Any]:
        """The case, once it has come that far; what there is to know about it if it does not."""
        end = time.monotonic() + within_s
        while True:
            case = await self.case(no)
            if enough(case):
                return case
            if time.monotonic() > end:
                raise AssertionError(f"not within {within_s:.0f} s: {await self.dump(no)}")
            await asyncio.sleep(0.15)

    async def dump(self, no: str) -> str:
        """Where a case stands, for whoever reads a failure."""
        case = await self.case(no)
        events = (await self.citizen.get(f"/v1/cases/{no}/events?limit=1000"))["events"]
        steps = {s["id"]: (s["status"], s["trouble"]) for leg in case["legs"] for s in leg["steps"]}
        trail = [(e["seq"], e["at"][11:23], e["type"], e["step"], e["data"]) for e in events]
        content = {"no": no, "status": case["status"], "steps": steps, "waiting": case["waiting"], "events": trail}
        return json.dumps(content, ensure_ascii=False, indent=1, default=str)

    async def see(self, no: str) -> None:
        """Waits until both evidences lie before the applicant."""
        await self.until(no, lambda c: [e["state"] for e in c["evidence"]] == ["offered"] * 2)

    async def agree(self, no: str) -> None:
        """Accepts what was found."""
        for item in (await self.case(no))["evidence"]:
            answer = await self.citizen.ask("POST", f"/v1/cases/{no}/evidence/{item['id']}/accept")
            assert answer.status_code == 200, (answer.text, await self.dump(no))

    async def decide(self, no: str, kind: str, outcome: str, **words: str) -> None:
        """Decides the case's task of that kind, once it is in the worklist."""
        end = time.monotonic() + PATIENCE_S
        while True:
            tasks = (await self.market.get("/v1/tasks?limit=200"))["tasks"]
            mine = [task for task in tasks if task["case_no"] == no and task["kind"] == kind]
            if mine:
                break
            assert time.monotonic() < end, f"no task {kind}: {await self.dump(no)}"
            await asyncio.sleep(0.15)
        answer = await self.market.ask(
            "PUT",
            f"/v1/tasks/{mine[0]['id']}/decision",
            json={"outcome": outcome} | words,
            headers={"If-Match": f'"{mine[0]["revision"]}"'},
        )
        assert answer.status_code == 200, (answer.text, await self.dump(no))

    async def accept(self, no: str) -> None:
        """Evidence and acceptance: the other provinces are asked from here on."""
        await self.see(no)
        await self.agree(no)
        await self.decide(no, "accept", "accept")

    async def ready(self, no: str) -> None:
        """Waits until nothing but the decision is missing."""
        await self.until(no, lambda c: status(c, "decide") == "task")

    async def finish(self, no: str) -> None:
        """Grants, and waits for the end."""
        await self.decide(no, "decide", "grant")
        await self.end(no)

    async def end(self, no: str) -> dict[str, Any]:
        """Waits for the end."""
        return await self.until(no, lambda c: c["closed_at"])

    async def whole(self, no: str) -> None:
        """From acceptance to the end."""
        await self.accept(no)
        await self.finish(no)

    async def fault(
        self, region: str, kind: str, operation: str = "*", times: int | None = 1, **more: float | str
    ) -> None:
        """Switches a fault on at a province."""
        await self.switch_on(region, kind, operation, times, more)

    async def switch_on(
        self, region: str, kind: str, operation: str, times: int | None, more: Mapping[str, float | str]
    ) -> None:
        """The same with its particulars in a mapping."""
        body = {"kind": kind, "operation": operation, "times": times, **more}
        answer = await self.provinces.post(f"{self.stack.province_urls[region]}/sim/faults", json=body)
        assert answer.status_code == 201, answer.text

    async def calm(self) -> None:
        """Switches every fault off."""
        for url in self.stack.province_urls.values():
            assert (await self.provinces.delete(f"{url}/sim/faults")).status_code == 204

    async def books(self, no: str) -> list[dict[str, Any]]:
        """What the provinces themselves have written down about a case."""
        rows: list[dict[str, Any]] = []
        for url in self.stack.province_urls.values():
            rows += (await self.provinces.get(f"{url}/sim/ledger", params={"case_no": no})).json()["rows"]
        return rows

    async def check_completed(self, numbers: Iterable[str]) -> None:
        """Each case has ended well, each effect stands once, and there is one licence that can be verified."""
        for no in numbers:
            case = await self.case(no)
            assert case["status"] == "completed", await self.dump(no)
            rows = await self.books(no)
            assert Counter((row["step"], row["verb"]) for row in rows) == COMPLETE, (rows, await self.dump(no))
            results = (await self.citizen.get(f"/v1/cases/{no}/results"))["results"]
            assert len(results) == 1, results
            assert (await self.citizen.get(f"/v1/verify/{results[0]['licence']}"))["valid"] is True

    async def check_undone(self, no: str, status: str) -> None:
        """The case has ended early, and of every effect nothing is left."""
        assert (await self.case(no))["status"] == status, await self.dump(no)
        net: Counter[str] = Counter()
        for row in await self.books(no):
            net[row["step"]] += row["delta"]
        assert set(net.values()) <= {0}, (net, await self.dump(no))
        assert (await self.citizen.get(f"/v1/cases/{no}/results"))["results"] == []


def status(case: dict[str, Any], step: str) -> str:
    """Where a step stands."""
    return str(next(s["status"] for leg in case["legs"] for s in leg["steps"] if s["id"] == step))
