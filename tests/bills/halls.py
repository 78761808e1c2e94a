"""The API over the platform, and the people who use it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from api.usecases import bill_feed
from domain import names
from domain.bills import BillRef, BillReversed
from domain.calendar import local_day
from domain.medical import MatterKind, matter_number
from domain.messages import SYSTEM
from domain.record import Event
from models import bill_inspection, bills
from models.bills import Bill, BillLock
from models.database import Database, Session
from models.matters import insert_matter
from tests.bills.places import COMMERCIAL, INSURER, InProcess
from tests.fixtures.houses import ISSUER, Caller, Office
from tongban.stack.keys import AUDIENCE, sign_token

CODE = "H31010400001"


NUMBER = "340199194910010042"  # of the patient
USCC = "12310104XXXX10022K"  # of the hospital
_stays = itertools.count(1)


def body(total: int = 100_000, *, fund: int = 0, setl_id: str = "", about: str = "") -> dict[str, Any]:
    """A bill as an institution hands it in, or a desk: then about nothing that is known here."""
    return {
        "region": "310104",
        "kind": "inpatient",
        "payer": {"name": "测试·甲", "id_type": "01", "id_no": NUMBER},
        "payee": {"uscc": USCC, "name": "示例医院"},
        "total": total,
        "items": [{"name": "床位费", "amount": total}],
        "insurance": {"fund_pay": fund, "acct_pay": 0, "cash_pay": total - fund, "setl_id": setl_id},
        "insured": "340500",
        "about": about,
    }


class Recorder:
    """A subscriber that only writes down."""

    def __init__(self) -> None:
        self.told: list[BillReversed] = []

    async def on_bill_reversed(self, session: Session, reversed_: BillReversed) -> None:
        """Called in the transaction that moves the cursor."""
        assert session.in_transaction()
        self.told.append(reversed_)


class Hall:
    """Who is who, and what is done most."""

    def __init__(self, office: Office, platform: InProcess) -> None:
        self.office = office
        self.platform = platform
        self.database: Database = office.house.database
        self.hospital = office.login("institution", "310104", CODE)
        self.patient = self.verified(NUMBER)
        self.desk = office.login("caseworker", "340500", "medical_insurance")  # Ma'anshan, where he is insured
        self.other_desk = office.login("caseworker", "320500", "medical_insurance")
        self.recorder = Recorder()

    def verified(self, number: str) -> Caller:
        """A citizen whose number his login has verified."""
        token = sign_token(
            self.office.logins.secrets.signing_key,
            issuer=ISSUER,
            audience=AUDIENCE,
            subject=f"login-of-{number[-6:]}",
            hours=1,
            claims={"role": "citizen", "id_number": number},
        )
        return self.office.caller(token)

    async def stay(self, number: str = NUMBER, settlements: Sequence[dict[str, str]] = ()) -> str:
        """A stay at the hospital, as the record has it; its number."""
        now = datetime.now(UTC)
        no = matter_number(MatterKind.STAY, "310104", local_day(now), next(_stays))
        async with self.database.begin() as session:
            await insert_matter(
                session, no=no, kind=MatterKind.STAY, status="self_paid", owner="", insured="340500",
                person=names.person_digest(number), treatment="310104", institution=CODE, start={}, form={},
                view={"settlements": list(settlements)}, waiting=(),
                event=Event(type="stay:received", at=now, actor=SYSTEM),
            )  # fmt: skip
        return no

    async def issue(self, payer: dict[str, str] | None = None, **how: Any) -> dict[str, Any]:
        """A bill of the hospital; one over a settlement is the desk's."""
        settled = bool(how.get("setl_id"))
        about = "" if settled else await self.stay(payer["id_no"] if payer else NUMBER)
        content = body(**how, about=about) | ({"payer": payer} if payer else {})
        answer = await (self.desk if settled else self.hospital).post("/v1/medical/bills", json=content)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def act(
        self, who: Caller, bill: dict[str, Any], what: str, content: dict[str, Any], key: str = ""
    ) -> httpx.Response:
        """One POST about a bill."""
        headers = {"Idempotency-Key": key} if key else {}
        return await who.post(f"{address(bill)}/{what}", json=content, headers=headers)

    async def lock(self, bill: dict[str, Any], amount: int, who: Caller | None = None, **more: Any) -> dict[str, Any]:
        """A lock for the insurance, or for whatever ``more`` says."""
        answer = await self.act(who or self.desk, bill, "lock", wish(amount, **more))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def read_feed(self) -> int:
        """As the relay does, with the recorder for a subscriber."""
        return await bill_feed.read_feed(self.office.house, [self.recorder.on_bill_reversed])

    async def seen(self, who: Caller, bill: dict[str, Any]) -> dict[str, Any]:
        """The bill as somebody reads it."""
        answer = await who.get(address(bill))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def row(self, bill: dict[str, Any]) -> tuple[Bill, list[BillLock]]:
        """The bill and its locks in our own books."""
        ref = BillRef(code=bill["code"], number=bill["number"])
        async with self.database.begin() as session:
            found = await bills.read_bill(session, ref)
            assert found is not None
            return found, list(await bills.locks_of(session, ref))

    async def trail(self, bill: dict[str, Any]) -> list[str]:
        """The types of its lines."""
        async with self.database.begin() as session:
            lines = await bills.trail(session, BillRef(code=bill["code"], number=bill["number"]))
        return [line.type for line in lines]

    async def breaches(self) -> list[str]:
        """What ``verify`` would say."""
        async with self.database.begin() as session:
            return await bill_inspection.breaches(session)


def address(bill: dict[str, Any]) -> str:
    """Where a bill is."""
    return f"/v1/medical/bills/{bill['code']}/{bill['number']}"


def wish(amount: int, **more: Any) -> dict[str, Any]:
    """The body of a lock."""
    unit = COMMERCIAL if more.get("purpose") == "commercial" else INSURER
    return {"owner_unit": unit, "purpose": "medical_insurance", "amount": amount} | more


def payment(lock: dict[str, Any], amount: int, tx_no: str, **more: Any) -> dict[str, Any]:
    """The body of a feedback. A transaction number is one of a kind, so the lock's is put before it."""
    at, own = "2026-11-27T10:00:00+08:00", str(lock["lock_id"])[:12]
    if "refunds" in more:
        more["refunds"] = own + more["refunds"]
    return {"lock_id": lock["lock_id"], "reimb_time": at, "reimb_amount": amount, "tx_no": own + tx_no} | more
