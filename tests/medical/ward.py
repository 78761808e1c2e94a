"""A running product for stays, visits and claims: API, workflows and books are real; all platforms are programs."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text
from temporalio.testing import WorkflowEnvironment

from api.delivery import Delivery
from api.usecases import bill_feed
from models.database import Database
from tests.bills.places import Program
from tests.fixtures.houses import ISSUER, Caller, Office
from tests.fixtures.running import eventually
from tests.insurance.places import Person, Town, hospital
from tests.recognition.sick import row
from tongban.relay import relay_once
from tongban.stack.keys import AUDIENCE, sign_token

HOSPITAL, COMMUNITY = "H31010400001", "H31011800003"
HOME, STRICT = "340500", "341800"  # an insured place that asks for no filing, and one that does
DIAGNOSIS = {"code": "I25.103", "name": "冠状动脉粥样硬化性心脏病"}
NAMES = {
    "employee": "赵测", "retired": "钱测", "resident": "孙测", "child": "李测", "dibao": "周测", "arrears": "吴测",
    "minor": "郑测", "unknown": "某某",
}  # fmt: skip
Row = tuple[str, str] | tuple[str, str, str]
_seqs, _serials = itertools.count(400), itertools.count(1)


def fen(amount: str) -> int:
    """Fen of yuan with two decimals."""
    return int(amount.replace(".", ""))


def lines(*rows: Row, **changes: Any) -> list[dict[str, Any]]:
    """Fee lines: item, price, count; each with a serial of its own. ``changes``: of all of them."""
    made = []
    for item, price, *rest in rows:
        count = rest[0] if rest else "1"
        made.append(
            {
                "serial": f"F{next(_serials)}",
                "item": item,
                "name": f"项目{item[:2]}",
                "at": "2026-10-09T08:00:00+08:00",
                "count": count,
                "price": fen(price),
                "amount": fen(price) * int(count),
            }
            | changes
        )
    return made


class Ward:
    """Everybody who takes part."""

    def __init__(self, office: Office, town: Town, ebills: Program, temporal: WorkflowEnvironment) -> None:
        self.office, self.town, self.ebills, self.temporal = office, town, ebills, temporal
        self.database: Database = office.house.database
        self.delivery = Delivery(
            self.database, office.house.gateway, office.house.calendars, local_first=office.house.local_first
        )

    async def days_go_by(self, days: int) -> None:
        """Only where time can be turned."""
        await self.temporal.sleep(timedelta(days=days))

    # people

    def somebody(self, who: str = "employee", area: str = HOME) -> Person:
        """A person nobody has treated yet."""
        person = Person(area, who, f"{next(_seqs):03}")
        told = httpx.post(
            self.town.urls[area[:2] + "0000"] + "/sim/people",
            json={"area": area, "who": who, "seq": person.seq},
            trust_env=False,
        )
        assert told.json() == {"psn_no": person.psn_no, "certno": person.certno}
        return person

    def doctor(self, code: str = HOSPITAL, subject: str = "clerk-1") -> Caller:
        """A user of an institution."""
        return self.office.login("institution", code[1:7], code, f"{subject}@{code}")

    def patient(self, person: Person | str, role: str = "citizen") -> Caller:
        """Somebody whose number the login has verified."""
        number = person if isinstance(person, str) else person.certno
        token = sign_token(
            self.office.logins.secrets.signing_key,
            issuer=ISSUER,
            audience=AUDIENCE,
            subject=f"login-of-{number}",
            hours=1,
            claims={"role": role, "name": "", "id_number": number},
        )
        return self.office.caller(token)

    def desk(self, region: str = HOME, subject: str = "desk-1", role: str = "caseworker") -> Caller:
        """The agency of an insured place."""
        return self.office.login(role, region, "health_insurance", subject)

    async def report(self, person: Person, item: str) -> None:
        """The hospital at home has examined him lately and uploads the report."""
        listed = row(f"{person.psn_no}-{item}", item, now=datetime.now(UTC))
        year = listed["exam_time"][:4]
        listed |= {"qc_begndate": f"{year}-01-01", "qc_enddate": f"{year}-12-31", "certno": person.certno}
        body = {k: v for k, v in listed.items() if k not in {"rpt_type", "fixmedins_code", "fixmedins_name"}}
        body |= {"result": "影像号 1001", "conclusion": "SECRET"}
        await self.town.ask("4501", body, person, place=person.area, institution=hospital(person.area))

    # stays and visits

    def opening(self, person: Person, day: str = "2026-10-08", **changes: Any) -> dict[str, Any]:
        """An admission or registration as it is sent."""
        body: dict[str, Any] = {
            "patient": {"id_number": person.certno, "name": NAMES[person.who]},
            "insured": person.area,
            "insutype": person.insutype,
            "begin": f"{day}T09:00:00+08:00",
            "department": "心内科",
            "diagnosis": DIAGNOSIS,
        }
        return body | changes

    async def admit(self, person: Person, day: str = "2026-10-08", *, status: str = "open", **changes: Any) -> Bedside:
        """A stay, as soon as the platforms have said how it begins."""
        return await self.begin("stays", self.opening(person, day, **changes), status)

    async def register(self, person: Person, *, code: str = HOSPITAL, status: str = "open", **changes: Any) -> Bedside:
        """An outpatient visit."""
        return await self.begin("visits", self.opening(person, **changes), status, code)

    async def begin(self, what: str, body: dict[str, Any], status: str, code: str = HOSPITAL) -> Bedside:
        doctor = self.doctor(code)
        answer = await doctor.post(f"/v1/medical/{what}", json=body)
        assert answer.status_code == 201, answer.text
        bedside = Bedside(self, doctor, what, str(answer.json()["no"]))
        assert answer.headers["Location"] == bedside.path
        await bedside.until(lambda shown: shown["status"] == status and not shown["running"])
        return bedside

    async def stay(self, person: Person, rows: Sequence[Row], leaves: str = "2026-10-12", **changes: Any) -> Bedside:
        """Admitted, charged, discharged."""
        bedside = await self.admit(person, **changes)
        await bedside.add(lines(*rows))
        await bedside.discharge(leaves)
        return bedside

    async def self_paid(self, person: Person, rows: Sequence[Row]) -> tuple[Bedside, str]:
        """Somebody whom nobody settles directly has paid in full; with the number of his claim."""
        bedside = await self.admit(person, status="uncovered")
        await bedside.add(lines(*rows))
        await bedside.discharge()
        await bedside.did("payment-in-full", {"reason": "no direct settlement"})
        shown = await bedside.until(lambda shown: shown["claim"])
        return bedside, str(shown["claim"])

    # claims

    async def claim(self, who: Caller, no: str) -> dict[str, Any]:
        """The claim as this caller reads it."""
        answer = await who.get(f"/v1/medical/claims/{no}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def until_claim(
        self, who: Caller, no: str, enough: Callable[[dict[str, Any]], object], within_s: float = 15
    ) -> dict[str, Any]:
        """The claim, once it has come so far; the relay works meanwhile."""

        async def look() -> dict[str, Any]:
            await self.relay()
            return await self.claim(who, no)

        return await eventually(look, enough, within_s)

    async def relay(self) -> None:
        """What the relay does: the outbox, and the e-bill platform's feed."""
        await relay_once(self.office.house, self.delivery)
        await bill_feed.run_due(self.office.house)

    # books

    async def booked(self, no: str) -> list[Any]:
        """Our rows of a stay's or visit's settlements, the first first."""
        return await self.rows(
            "SELECT setl_id, original, medfee_sumamt, fund_pay_sumamt, psn_part_amt FROM settlement WHERE stay = :no"
            " ORDER BY posted_at",
            no,
        )

    async def entries(self, no: str) -> list[Any]:
        """Entry, province, account and amount of every line that a stay's settlements have left in the ledger."""
        return await self.rows(
            "SELECT p.entry, p.province, p.account, p.amount FROM ledger_posting p"
            " JOIN ledger_entry e ON e.id = p.entry WHERE e.stay = :no",
            no,
        )

    async def rows(self, query: str, no: str) -> list[Any]:
        async with self.database.begin() as session:
            return list(await session.execute(text(query), {"no": no}))

    async def standing(self, person: Person) -> int:
        """What the insured place's own ledger says of a person's bills together, in fen."""
        found = await self.town.ledger(person.area[:2] + "0000", psn_no=person.psn_no)
        return sum(fen(str(row["row"]["medfee_sumamt"])) for row in found if row["setl_id"])


class Bedside:
    """One stay or visit, and the user of the institution that leads it."""

    def __init__(self, ward: Ward, doctor: Caller, what: str, no: str) -> None:
        self.ward, self.doctor, self.what, self.no = ward, doctor, what, no
        self.path = f"/v1/medical/{what}/{no}"

    async def see(self, who: Caller | None = None) -> dict[str, Any]:
        answer = await (who or self.doctor).get(self.path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def until(self, enough: Callable[[dict[str, Any]], object], within_s: float = 20) -> dict[str, Any]:
        return await eventually(self.see, enough, within_s)

    async def post(
        self, what: str, body: dict[str, Any] | None = None, *, key: str = "", who: Caller | None = None
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await (who or self.doctor).post(f"{self.path}/{what}", json=body, headers=headers)

    async def did(self, what: str, body: dict[str, Any] | None = None, status: str = "", **how: Any) -> dict[str, Any]:
        """It is done, or under way and then done; the stay after that."""
        answer = await self.post(what, body, **how)
        assert answer.status_code in (200, 202), answer.text
        shown = await self.until(lambda shown: not shown["running"])
        assert not status or shown["status"] == status, shown
        return shown

    async def refused(self, what: str, body: dict[str, Any] | None = None, **how: Any) -> tuple[int, str]:
        answer = await self.post(what, body, **how)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, str(answer.json()["code"])

    async def add(self, fees: list[dict[str, Any]]) -> str:
        """Fee lines go up; the name of the upload."""
        before = len((await self.see())["uploads"])
        shown = await self.did("fees", {"lines": fees})
        assert len(shown["uploads"]) == before + 1
        upload = shown["uploads"][-1]
        assert upload["status"] in ("accepted", "kept"), shown
        return str(upload["upload"])

    async def discharge(self, day: str = "2026-10-12", way: str = "1") -> dict[str, Any]:
        body = {"at": f"{day}T10:00:00+08:00", "way": way, "diagnosis": DIAGNOSIS}
        shown = await self.did("discharge", body)
        assert shown["discharged_at"], shown
        return shown

    async def settle(self, **body: Any) -> dict[str, Any]:
        """Settled, with its bill; the settlement that stands."""
        await self.did("settlement", body, "settled")
        shown = await self.until(lambda shown: standing(shown)["bill"])
        return standing(shown)

    async def undo(self, reason: str = "item wrong") -> dict[str, Any]:
        """The settlement that stands is undone and its bill taken back; the stay after that."""
        setl_id = standing(await self.see())["settlement"]
        answer = await self.reverse(setl_id, reason)
        assert answer.status_code in (200, 202), answer.text

        def over(shown: dict[str, Any]) -> bool:
            first = next(s for s in shown["settlements"] if s["settlement"] == setl_id)
            return bool(first["undone_by"] and first["bill"]["red_lettered"])

        return await self.until(over)

    async def reverse(self, setl_id: str, reason: str = "item wrong", key: str = "") -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        body = {"no": self.no, "settlement": setl_id, "reason": reason}
        return await self.doctor.post("/v1/medical/reversals", json=body, headers=headers)

    async def together(self, what: str, bodies: Sequence[dict[str, Any] | None], **how: Any) -> list[httpx.Response]:
        """The same moment."""
        return list(await asyncio.gather(*(self.post(what, body, **how) for body in bodies)))


def standing(shown: dict[str, Any]) -> dict[str, Any]:
    """The settlement that stands."""
    found = [s for s in shown["settlements"] if not s["undoes"] and not s["undone_by"]]
    assert len(found) == 1, shown["settlements"]
    return dict(found[0])
