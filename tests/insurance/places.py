"""Four platforms and a hub as processes, the gate to them, and short ways through a stay or visit."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from adapters.insurance import InsuranceGate, open_insurance
from domain.medical.interface import InsuranceAnswer, InsuranceMessage, SetlInfo, message_id
from tongban.stack.agreements import INSURANCE, insurance_file, insurance_peers, insurance_secrets

SHANGHAI, SUZHOU = "310104", "320500"
MAANSHAN, HEFEI = "340500", "340100"
WHO = {"employee": 1, "retired": 2, "resident": 3, "child": 4, "dibao": 5, "arrears": 6, "minor": 7}
BORN = {
    "employee": "19900101001", "retired": "19491001004", "resident": "19850615002", "child": "20120229003",
    "dibao": "19780808019", "arrears": "19881212005", "minor": "20200131009", "unknown": "19700707007",
}  # fmt: skip
A, A_LIMITED, B10, B20, C = (
    "XA000000000000000000001", "XA000000000000000000002", "XB000000000000000000010", "XB000000000000000000020",
    "XC000000000000000000001",
)  # fmt: skip
_sequence = itertools.count()


class Person:
    """One of the synthetic insured."""

    def __init__(self, area: str, who: str, seq: str = "") -> None:
        self.area = area
        self.who = who
        self.seq = seq
        self.psn_no = f"{area}00000{seq or '000'}{WHO.get(who, 99):06}"
        first = ("3101" if area == "310000" else area[:4]) + "99" + BORN[who][:8] + (seq or BORN[who][8:])
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        self.certno = first + "10X98765432"[sum(w * int(c) for w, c in zip(weights, first, strict=True)) % 11]
        self.insutype = "310" if who in ("employee", "retired", "arrears") else "390"


def hospital(place: str = SHANGHAI, level: int = 3) -> str:
    return f"H{place}{4 - level:05}"


def line(number: int, item: str, price: str, count: str = "1") -> dict[str, str]:
    fen = round(float(price) * 100) * int(count)
    return {
        "feedetl_sn": f"F{number}", "med_list_codg": item, "fee_ocur_time": "2026-10-09 08:00:00", "cnt": count,
        "pric": price, "det_item_fee_sumamt": f"{fen // 100}.{fen % 100:02}",
    }  # fmt: skip


def bill(*rows: tuple[str, str] | tuple[str, str, str]) -> list[dict[str, str]]:
    return [line(number, *row) for number, row in enumerate(rows, 1)]


def total(lines: list[dict[str, str]]) -> str:
    fen = sum(int(each["det_item_fee_sumamt"].replace(".", "")) for each in lines)
    return f"{fen // 100}.{fen % 100:02}"


G1 = bill((A_LIMITED, "200.00", "3"), (A, "15900.00"), (B10, "8000.00"), (B20, "6000.00"), (C, "1500.00"))


class Town:
    """The five programs in a folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self.urls: dict[str, str] = dict.fromkeys(INSURANCE, "http://127.0.0.1:9")
        self.secrets = insurance_secrets()
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self._write_peers()
        for region in INSURANCE:
            self._launch(region, "0")
        for region in INSURANCE:
            self._listens(region)
        self._write_peers()
        callers = {}
        for region in INSURANCE:
            file = folder / f"caller-{region}.json"
            file.write_text(json.dumps({"caller": "tongban", "secrets": [self.secrets[f"tongban-{region}"]]}))
            callers[region] = str(file)
        insurance_file(folder / "insurance.json", self.urls, callers)
        entries = json.loads((folder / "insurance.json").read_text())
        (folder / "insurance.json").write_text(json.dumps([entry | {"timeout_s": 2.5} for entry in entries]))
        self.gate: InsuranceGate = open_insurance(folder / "insurance.json")
        listed = json.loads((folder / "insurance.json").read_text())
        (folder / "hasty.json").write_text(
            json.dumps([each | {"timeout_s": 0.4, "connect_timeout_s": 0.3} for each in listed])
        )
        self.hasty: InsuranceGate = open_insurance(folder / "hasty.json")
        self.controls = {
            region: httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) for region, url in self.urls.items()
        }

    def _write_peers(self) -> None:
        for region in INSURANCE:
            peers = insurance_peers(region, self.secrets, self.urls)
            (self.folder / f"peers-{region}.json").write_text(json.dumps(peers))

    def _launch(self, region: str, port: str) -> None:
        words = ["-m", "provinces.insurance", "--region", region, "--port", port]
        words += ["--data", str(self.folder / region), "--peers", str(self.folder / f"peers-{region}.json")]
        command = [sys.executable, *words, *self.options]
        self.processes[region] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def _listens(self, region: str) -> None:
        output = self.processes[region].stdout
        assert output is not None
        said = output.readline()
        assert said.startswith("listening on "), said
        self.urls[region] = "http://" + said.split()[-1]

    async def kill(self, region: str) -> None:
        """kill -9, and up again on the same port."""
        process = self.processes[region]
        process.kill()
        await asyncio.to_thread(process.wait)
        assert process.stdout is not None
        process.stdout.close()
        self._launch(region, self.urls[region].rpartition(":")[2])
        self._listens(region)

    async def close(self) -> list[int]:
        """Ends them in order."""
        await self.gate.aclose()
        await self.hasty.aclose()
        for client in self.controls.values():
            await client.aclose()
        for process in self.processes.values():
            process.terminate()
        codes = [await asyncio.to_thread(process.wait, 10) for process in self.processes.values()]
        for process in self.processes.values():
            assert process.stdout is not None
            process.stdout.close()
        return codes

    async def clear(self) -> None:
        for client in self.controls.values():
            await client.delete("/sim/faults")
            await client.delete("/sim/clock")
            await client.delete("/sim/books/differences")

    async def fault(self, region: str, kind: str, operation: str, **more: Any) -> None:
        body = {"kind": kind, "operation": operation, "times": 1} | more
        answer = await self.controls[region].post("/sim/faults", json=body)
        assert answer.status_code == 201, answer.text

    async def ledger(self, region: str, role: str = "insured", **where: str) -> list[dict[str, Any]]:
        answer = await self.controls[region].get("/sim/ledger", params={"role": role, **where})
        rows: list[dict[str, Any]] = answer.json()["rows"]
        return rows

    # messages

    def message(
        self, infno: str, body: dict[str, Any], person: Person | None = None, *, place: str = SHANGHAI,
        institution: str = "", msgid: str = "", insured: str = "", to: str = "",
    ) -> InsuranceMessage:  # fmt: skip
        at = datetime.now(UTC)
        code = institution or hospital(place)
        own = {"psn_no": person.psn_no} if person and infno != "1101" else {}
        return InsuranceMessage(
            infno=infno, msgid=msgid or message_id(code, at, next(_sequence) % 10_000), place=place, to=to,
            insured=insured or (person.area if person else ""), institution=code, institution_name="测试医院",
            person=person.psn_no if person and infno != "1101" else "", at=at, body=json.dumps(own | body),
        )  # fmt: skip

    def secret_of(self, region: str) -> str:
        """What we and that platform have agreed on."""
        return self.secrets[f"tongban-{region}"]

    async def ask(self, infno: str, body: dict[str, Any], person: Person | None = None, **more: Any) -> dict[str, Any]:
        answer = await self.gate.send(self.message(infno, body, person, **more))
        output: dict[str, Any] = json.loads(answer.body)
        return output

    # ways through

    async def admit(self, person: Person, day: str = "2026-10-08", med_type: str = "21", **more: Any) -> str:
        return str((await self.ask("2401", self.admission(person, day, med_type), person, **more))["mdtrt_id"])

    @staticmethod
    def admission(person: Person, day: str = "2026-10-08", med_type: str = "21") -> dict[str, str]:
        return {
            "insutype": person.insutype, "med_type": med_type, "begntime": f"{day} 09:00:00",
            "mdtrt_cert_type": "02", "mdtrt_cert_no": person.certno,
        }  # fmt: skip

    async def stay(
        self, person: Person, lines: list[dict[str, str]] | None = None, day: str = "2026-10-08",
        leaves: str = "2026-10-12", med_type: str = "21", **more: Any,
    ) -> str:  # fmt: skip
        """Admitted, with fees, discharged."""
        visit = await self.admit(person, day, med_type, **more)
        await self.ask("2301", {"mdtrt_id": visit, "feedetail": lines or G1}, person, **more)
        leaving = {"mdtrt_id": visit, "endtime": f"{leaves} 10:00:00", "dscg_way": "1"}
        await self.ask("2402", leaving, person, **more)
        return visit

    @staticmethod
    def to_settle(person: Person, visit: str, lines: list[dict[str, str]] | None = None) -> dict[str, str]:
        return {
            "mdtrt_id": visit, "insutype": person.insutype, "medfee_sumamt": total(lines or G1), "acct_used_flag": "1",
        }  # fmt: skip

    async def settle(
        self, person: Person, visit: str, lines: list[dict[str, str]] | None = None, infno: str = "2304", **more: Any
    ) -> SetlInfo:
        return setlinfo(await self.gate.send(self.message(infno, self.to_settle(person, visit, lines), person, **more)))

    async def file(
        self, person: Person, category: str, dest: str = "310000", begins: str = "2026-01-01", ends: str = "2026-12-31"
    ) -> str:
        body = {
            "insutype": person.insutype, "category": category, "dest_admdvs": dest, "begndate": begins,
            "enddate": "" if category == "long_term" else ends, "filing_no": f"N{next(_sequence)}",
        }  # fmt: skip
        agency = f"A{person.area}00001"
        told = await self.ask("X511", body, person, place=person.area, institution=agency)
        return str(told["trt_dcla_detl_sn"])

    async def year(self, person: Person, year: str = "2026") -> dict[str, Any]:
        told = await self.ask("5206", {"insutype": person.insutype, "cum_year": year}, person)
        info: dict[str, Any] = told["cuminfo"]
        return info

    async def set_person(self, person: Person, **changes: Any) -> None:
        client = self.controls[person.area[:2] + "0000"]
        answer = await client.post(f"/sim/people/{person.psn_no}", json=changes)
        assert answer.status_code == 204, answer.text


def setlinfo(answer: InsuranceAnswer) -> SetlInfo:
    info: SetlInfo = SetlInfo.model_validate(json.loads(answer.body)["setlinfo"])
    return info
