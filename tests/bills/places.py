"""Bills to try, and the platform: in this process without sockets, or as the program it is."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx

from adapters.credentials import GivenCredentials
from adapters.ebills import Ebills
from adapters.port import AdapterSettings
from domain.bills import (
    BillContent,
    BillItem,
    BillKind,
    BillOrder,
    BillOutcome,
    BillRef,
    EBill,
    Feedback,
    Insurance,
    OrderKind,
    Payee,
    Payer,
    Purpose,
)
from provinces.ebills.app import Platform, Settings, build_app

ROOT = Path(__file__).parents[2]
KEYS: dict[str, list[str]] = json.loads((ROOT / "provinces" / "credentials.json").read_text("utf-8"))["ebills"]
HOSPITAL = "12330000XXXX0006XW"
INSURER = "11310000XXXX000510"
COMMERCIAL = "91310000XXXX00019C"
EMPLOYER = "91320500XXXX000275"
NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)


def content(total: int = 100_000, *, fund: int = 0, setl_id: str = "", region: str = "310104") -> BillContent:
    """A stay in Shanghai that the patient has paid, unless the funds have."""
    return BillContent(
        region=region,
        kind=BillKind.INPATIENT,
        payer=Payer(name="测试·甲", id_type="01", id_no="340199194910010042"),
        payee=Payee(uscc=HOSPITAL, name="示例医院"),
        total=total,
        items=(BillItem(name="床位费", amount=total // 3), BillItem(name="检查费", amount=total - total // 3)),
        insurance=Insurance(fund_pay=fund, acct_pay=0, cash_pay=total - fund, setl_id=setl_id),
    )


def new_key() -> str:
    """A key as the house makes it."""
    return secrets.token_hex(32)


def issue(what: BillContent | None = None, key: str = "") -> BillOrder:
    """The hospital issues."""
    return BillOrder(kind=OrderKind.ISSUE, key=key or new_key(), unit=HOSPITAL, content=what or content())


def lock(
    ref: BillRef, amount: int, purpose: Purpose = Purpose.MEDICAL_INSURANCE, *, unit: str = INSURER, days: int = 30,
    key: str = "",
) -> BillOrder:  # fmt: skip
    """Somebody wants to reimburse."""
    return BillOrder(
        kind=OrderKind.LOCK, key=key or new_key(), unit=unit, bill=ref, purpose=purpose, amount=amount, days=days
    )


def release(lock_id: str, *, unit: str = INSURER, key: str = "") -> BillOrder:
    """And gives it up."""
    return BillOrder(kind=OrderKind.RELEASE, key=key or new_key(), unit=unit, lock_id=lock_id)


def paid(lock_id: str, amount: int, *, tx_no: str = "", unit: str = INSURER, refunds: str = "") -> BillOrder:
    """Or has paid."""
    feedback = Feedback(
        lock_id=lock_id, reimb_time=NOW, reimb_amount=amount, tx_no=tx_no or new_key()[:20], refunds=refunds
    )
    return BillOrder(kind=OrderKind.FEEDBACK, key=new_key(), unit=unit, feedback=feedback)


def red_letter(ref: BillRef, *, unit: str = HOSPITAL, key: str = "") -> BillOrder:
    """The hospital takes it back."""
    return BillOrder(kind=OrderKind.RED_LETTER, key=key or new_key(), unit=unit, bill=ref, reason="开具有误")


def caller(
    url: str, client: str = "tongban-test", transport: httpx.AsyncBaseTransport | None = None, timeout_s: float = 5.0
) -> Ebills:
    """One client of the platform."""
    credentials = GivenCredentials({"access_key": client, "secrets": list(KEYS[client])})
    return Ebills(
        AdapterSettings(
            region="100000", url=url, credentials=credentials, timeout_s=timeout_s,
            connect_timeout_s=timeout_s / 2, private_network=True,
            transport=transport,
        )
    )  # fmt: skip


class Counter:
    """What a test does most, whichever way the platform is reached."""

    ours: Ebills
    others: Ebills
    controls: httpx.AsyncClient

    async def issued(self, what: BillContent | None = None) -> EBill:
        """A new bill."""
        outcome = await self.ours.send(issue(what))
        assert outcome.bill is not None
        return outcome.bill

    async def locked(self, ref: BillRef, amount: int, purpose: Purpose = Purpose.MEDICAL_INSURANCE, **how: str) -> str:
        """The id of a lock of ours."""
        outcome = await self.ours.send(lock(ref, amount, purpose, **how))  # type: ignore[arg-type]
        assert outcome.lock is not None, outcome
        return outcome.lock.lock.lock_id

    async def fault(self, kind: str, **fields: object) -> None:
        """Switches one on, once."""
        answer = await self.controls.post("/sim/faults", json={"kind": kind, "times": 1} | fields)
        assert answer.status_code == 201, answer.text

    async def pass_days(self, days: float) -> None:
        """On the platform's own clock."""
        offset = (await self.controls.get("/sim/clock")).json()["offset_s"]
        answer = await self.controls.post("/sim/clock", json={"offset_s": offset + days * 86400})
        assert answer.status_code == 200, answer.text

    async def books(self) -> dict[str, list[dict[str, object]]]:
        """Every lock and payment there."""
        found: dict[str, list[dict[str, object]]] = (await self.controls.get("/sim/books")).json()
        return found

    async def aclose(self) -> None:
        """Closes what was opened."""
        for each in (self.ours, self.others, self.controls):
            await each.aclose()


class InProcess(Counter):
    """The platform without sockets."""

    def __init__(self, data: Path, numbers: Path | None = None) -> None:
        app = build_app(Settings(data, controls=True, numbers=numbers))
        self.platform: Platform = app.state.platform
        transport = httpx.ASGITransport(app)
        self.ours, self.others = (caller("http://platform", name, transport) for name in KEYS)
        self.controls = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://platform")

    async def aclose(self) -> None:
        await super().aclose()
        self.platform.store.close()


class Program(Counter):
    """The platform as it really runs."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = 0
        self.start()

    def start(self) -> None:
        """A new process on the same folder, and from the second time on the same port."""
        command = [sys.executable, "-m", "provinces.ebills", "--port", str(self.port), "--data", str(self.data)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), line
        self.url = "http://" + line.split()[-1]
        self.port = int(self.url.rpartition(":")[2])
        self.ours, self.others = (caller(self.url, name) for name in KEYS)
        self.controls = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=5)

    async def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        await self._gone()

    async def stop(self) -> int:
        """An orderly end."""
        self.process.terminate()
        return await self._gone()

    async def _gone(self) -> int:
        code = await asyncio.to_thread(self.process.wait, 10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        await self.aclose()
        return code


async def both_at_once(
    first: Ebills, second: Ebills, orders: tuple[BillOrder, BillOrder]
) -> tuple[BillOutcome, BillOutcome]:
    """Two clients at the same moment."""
    return await asyncio.gather(first.send(orders[0]), second.send(orders[1]))
