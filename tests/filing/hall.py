"""A running product for medical matters: API, workflows and record are real; the insurance platforms are programs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import httpx

from api.delivery import Delivery
from domain.medical.interface import InsuranceAnswer, InsuranceMessage
from tests.fixtures.houses import ISSUER, Caller, Office
from tests.fixtures.running import eventually
from tests.insurance.places import Person, Town
from tongban.relay import relay_once
from tongban.stack.keys import AUDIENCE, sign_token

_people, _rounds = itertools.count(300), itertools.count(1)
WHO = {"me": "employee", "other": "employee", "child": "minor"}
NAMES = {"employee": "赵测", "minor": "郑测"}  # of the synthetic people of the platforms


class Wire:
    """The way to the insurance platforms, which are programs; ``sent``: every message that has passed."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.sent: list[InsuranceMessage] = []

    async def send(self, message: InsuranceMessage) -> InsuranceAnswer:
        self.sent.append(message)
        return await self.town.gate.send(message)

    def somebody(self, who: str = "employee") -> Person:
        """A person of Ma'anshan whom nobody has filed for yet."""
        person = Person("340500", who, f"{next(_people):03}")
        body = {"area": person.area, "who": who, "seq": person.seq}
        told = httpx.post(self.town.urls["340000"] + "/sim/people", json=body, trust_env=False)
        assert told.json() == {"psn_no": person.psn_no, "certno": person.certno}
        return person


class Hall:
    """Everybody who takes part."""

    def __init__(self, office: Office, wire: Wire) -> None:
        self.office, self.wire = office, wire
        self.round = next(_rounds)
        self.people = {name: wire.somebody(who) for name, who in WHO.items()}
        self.delivery = Delivery(
            office.house.database, office.house.gateway, office.house.calendars, local_first=office.house.local_first
        )

    @property
    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        """The messages about these people that have passed: number and input."""
        about = {p.psn_no for p in self.people.values()} | {p.certno for p in self.people.values()}
        read = [(message.infno, json.loads(message.body)) for message in self.wire.sent]
        return [(no, given) for no, given in read if {given.get("psn_no"), given.get("mdtrt_cert_no")} & about]

    def number(self, who: str) -> str:
        """Of the certificate."""
        return self.people[who].certno

    def person(self, who: str = "me", role: str = "citizen", subject: str = "", **claims: str) -> Caller:
        """Somebody whose number the identity provider has verified; no number for an unknown name."""
        token = sign_token(
            self.office.logins.secrets.signing_key,
            issuer=ISSUER,
            audience=AUDIENCE,
            subject=f"{subject or role}-{who}-{self.round}",
            hours=1,
            claims={"role": role, "name": "", "id_number": self.number(who) if who in self.people else "", **claims},
        )
        return self.office.caller(token)

    def clerk(self, region: str = "340500", subject: str = "clerk-7", role: str = "caseworker") -> Caller:
        """At the insured place."""
        return self.office.login(role, region, "health_insurance", subject)

    def hospital(self, code: str) -> Caller:
        """A user of an institution."""
        return self.office.login("institution", code[1:7], code, f"user-of-{code}")

    async def read(self, who: Caller, what: str, no: str) -> dict[str, Any]:
        answer = await who.get(f"/v1/medical/{what}/{no}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def until(
        self, who: Caller, what: str, no: str, enough: Callable[[dict[str, Any]], object]
    ) -> dict[str, Any]:
        """The matter, once it has come so far; the relay works meanwhile."""

        async def look() -> dict[str, Any]:
            await relay_once(self.office.house, self.delivery)
            return await self.read(who, what, no)

        return await eventually(look, enough, within_s=10)

    async def file(self, who: Caller, **body: Any) -> str:
        """Files, and waits until it is in force."""
        answer = await who.post("/v1/medical/filings", json=self.filing(**body))
        assert answer.status_code == 201, answer.text
        no = str(answer.json()["no"])
        await self.until(who, "filings", no, lambda f: f["status"] in {"effective", "pending_proof"})
        return no

    async def decide(self, who: Caller, no: str, outcome: str, **words: str) -> Any:
        """The caseworker decides on what he reads."""
        read = await who.get(f"/v1/medical/filings/{no}")
        headers = {"If-Match": read.headers["ETag"]} if read.status_code == 200 else {"If-Match": '"1"'}
        return await who.put(f"/v1/medical/filings/{no}/decision", json={"outcome": outcome} | words, headers=headers)

    def filing(self, who: str = "me", **changes: Any) -> dict[str, Any]:
        """An application as it is sent."""
        body: dict[str, Any] = {
            "person": {"name": NAMES[WHO[who]], "id_number": self.number(who), "phone": "13900000000"},
            "insured": "340500",
            "insutype": self.people[who].insutype,
            "destination": "310104",
            "category": "TMP_OTHER",
        }
        return body | changes

    def referral(self, who: str = "me", **changes: Any) -> dict[str, Any]:
        """A referral as it is sent."""
        body: dict[str, Any] = {
            "patient": {
                "name": NAMES[WHO[who]],
                "id_number": self.number(who),
                "phone": "13900000000",
                "address": "马鞍山市示例路1号",
            },
            "insured": "340500",
            "insutype": self.people[who].insutype,
            "diag_code": "I25.103",
            "diag_name": "冠状动脉粥样硬化性心脏病",
            "condition": "需行冠状动脉旁路移植术",
            "reason": "capability",
            "assessor": "D340500000001",
            "assessor_title": "associate_chief",
            "institution": "H31010400001",
            "capability": "cardiac_surgery",
        }
        return body | changes
