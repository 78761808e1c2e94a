"""Who takes part in the medical course: a patient, two hospitals, agencies of four provinces, and the platforms."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from stdnum.iso7064 import mod_11_2

from adapters.errors import ProvinceError
from adapters.insurance import open_insurance
from domain.medical.access import AGENCY
from domain.medical.interface import InsuranceMessage, message_id
from domain.medical.interface_words import fen
from tongban.demo.people import TRY_FOR_S, DemoError, Person
from tongban.stack.keys import AUDIENCE, DEMO_ISSUER, sign_token
from tongban.stack.stack import Stack

AT_HOME, SHANGHAI = ("340500", "H34050000001"), ("310104", "H31010400001")
PROVINCES = ("310000", "320000", "330000", "340000")
# who is insured in every city of the simulated platforms (provinces/insurance/README.md): name, birth and sequence,
# place in the register, insurance
KINDS: Mapping[str, tuple[str, str, int, str]] = {
    "employee": ("赵测", "19900101001", 1, "310"),
    "retired": ("钱测", "19491001004", 2, "310"),
    "resident": ("孙测", "19850615002", 3, "390"),
    "child": ("李测", "20120229003", 4, "390"),
}


@dataclass(frozen=True)
class Patient:
    """One of the insured, none of whom can exist."""

    city: str
    kind: str

    @property
    def name(self) -> str:
        return KINDS[self.kind][0]

    @property
    def id_number(self) -> str:
        """County 99 is allocated nowhere."""
        first17 = f"{self.city[:4]}99{KINDS[self.kind][1]}"
        return first17 + str(mod_11_2.calc_check_digit(first17))

    @property
    def psn_no(self) -> str:
        """As the insured place numbers him."""
        return f"{self.city}00000000{KINDS[self.kind][2]:06}"

    @property
    def insutype(self) -> str:
        return KINDS[self.kind][3]


class Cast:
    """Everybody's login, and the platforms as an operator sees them (their own ledgers, never ours)."""

    def __init__(self, stack: Stack, patient: Patient, halt: Callable[[], None]) -> None:
        self._stack, self._halt, self.patient = stack, halt, patient
        claims = {"role": "citizen", "name": patient.name, "id_number": patient.id_number}
        self.citizen = self._login(f"citizen-{patient.psn_no}", claims)
        self.home = self._hospital(patient.city, f"H{patient.city}00001")
        self.shanghai = self._hospital(*SHANGHAI)
        self._agencies: dict[str, Person] = {}
        self._platforms = {
            region: httpx.Client(base_url=url, timeout=10, trust_env=False)
            for region, url in stack.insurance_urls.items()
        }

    def _hospital(self, region: str, code: str) -> Person:
        return self._login(f"user-{code}", {"role": "institution", "region": region, "department": code})

    def agency(self, region: str) -> Person:
        """A caseworker of the medical insurance of a place."""
        if region not in self._agencies:
            claims = {"role": "caseworker", "region": region, "department": AGENCY}
            self._agencies[region] = self._login(f"agency-{region}", claims)
        return self._agencies[region]

    def coordinator(self) -> Person:
        """Who oversees all provinces."""
        if "" not in self._agencies:
            self._agencies[""] = self._login("coordinator", {"role": "coordinator"})
        return self._agencies[""]

    def cleared_until_now(self) -> dict[tuple[str, str], int]:
        """(payer, payee) -> fen, over all months that were cleared."""
        owed: dict[tuple[str, str], int] = {}
        for period in self.coordinator().do("GET", "/v1/medical/clearing").json()["periods"]:
            month = self.coordinator().do("GET", f"/v1/medical/clearing/{period['month']}").json()
            for pair in month["pairs"]:
                if pair["cleared"] is not None:
                    both = (pair["payer"], pair["payee"])
                    owed[both] = owed.get(both, 0) + fen(pair["cleared"])
        return owed

    def cleared_items(self) -> set[str]:
        """The settlements and reversals in all months that were cleared."""
        found: set[str] = set()
        for period in self.coordinator().do("GET", "/v1/medical/clearing").json()["periods"]:
            for province in PROVINCES:
                after = ""
                while True:
                    path = f"/v1/medical/clearing/{period['month']}/items"
                    page = self.agency(province).call("GET", path, params={"after": after}).json()
                    found |= {item["settlement"] for item in page.get("items", ())}
                    after = page.get("next", "")
                    if not after:
                        break
        return found

    def platform(self, region: str, path: str, **query: str) -> Any:
        """What a platform (or ``hub``) shows of itself."""
        answer = self._platforms[region].get(path, params=query)
        if answer.status_code != 200:
            raise DemoError(f"platform {region} {path}: {answer.status_code}")
        return answer.json()

    def ledger(self, region: str, role: str, **query: str) -> list[dict[str, Any]]:
        """Settlements and undoings in a platform's own ledger."""
        rows = self.platform(region, "/sim/ledger", role=role, **query)["rows"]
        return [row for row in rows if row["setl_id"]]

    def upload_report(self, item: str, taken: datetime) -> None:
        """The hospital at home has examined the patient, and its report goes to the platform of its place (4501)."""
        patient = self.patient
        body = {
            "psn_no": patient.psn_no, "certno": patient.id_number, "rpt_no": f"R{secrets.token_hex(6)}",
            "item_code": item, "item_name": item, "exam_time": f"{taken:%Y-%m-%d %H:%M:%S}", "hr_scope": "region:yrd",
            "qc_cert_no": "QC-1", "qc_begndate": f"{taken:%Y}-01-01", "qc_enddate": f"{taken:%Y}-12-31",
            "equip": "detector_rows=64;tesla=1.5", "result": "影像号 1001", "conclusion": "",
        }  # fmt: skip
        code = f"H{patient.city}00001"
        message = InsuranceMessage(
            infno="4501", msgid=message_id(code, datetime.now(UTC), secrets.randbelow(10_000)), place=patient.city,
            insured=patient.city, institution=code, person=patient.psn_no, at=datetime.now(UTC), body=json.dumps(body),
        )  # fmt: skip
        until = time.monotonic() + TRY_FOR_S
        while True:
            try:
                return asyncio.run(self._send(message))
            except ProvinceError as error:  # the same message again is the same report
                if time.monotonic() > until:
                    raise DemoError(f"4501: {error}") from error
            time.sleep(0.3)

    async def _send(self, message: InsuranceMessage) -> None:
        async with open_insurance(self._stack.settings["TONGBAN_INSURANCE_FILE"]) as gate:
            await gate.send(message)

    def close(self) -> None:
        """Everybody lets go of his connections."""
        for person in (self.citizen, self.home, self.shanghai, *self._agencies.values()):
            person.close()
        for client in self._platforms.values():
            client.close()

    def _login(self, subject: str, claims: Mapping[str, str]) -> Person:
        settings = self._stack.settings
        token = sign_token(
            self._stack.secrets.signing_key,
            issuer=settings.get("TONGBAN_OIDC_ISSUER", DEMO_ISSUER),
            audience=settings.get("TONGBAN_OIDC_AUDIENCE", AUDIENCE),
            subject=subject,
            hours=8,
            claims=claims,
        )
        return Person(self._stack.api_url, self._halt, token)


def new_key() -> dict[str, str]:
    """The header that makes a request one request, however often it is sent."""
    return {"Idempotency-Key": secrets.token_hex(16)}
