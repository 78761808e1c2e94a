"""Reports of examinations: listed and shown to an institution that is authorised, and never their conclusion."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.errors import Rejected
from tests.insurance.places import Person, Town, hospital

PERSON = Person("340500", "dibao")
HOME = "340500"
CT = {
    "certno": PERSON.certno, "rpt_no": "CT-1", "item_code": "CT-CHEST", "item_name": "胸部CT平扫",
    "exam_time": "2026-10-01 09:30:00", "hr_scope": "region:yrd", "qc_cert_no": "QC1", "qc_begndate": "2026-01-01",
    "qc_enddate": "2026-12-31", "result": "影像引用 ref-1", "conclusion": "诊断结论", "equip": "64排",
}  # fmt: skip
PERIOD = {"begndate": "2026-09-01", "enddate": "2026-12-31"}


async def refused(town: Town, infno: str, body: dict[str, Any], **more: Any) -> str:
    with pytest.raises(Rejected) as no:
        await town.ask(infno, body, PERSON, **more)
    return no.value.reasons[0]


async def test_a_report_is_seen_from_another_province_with_an_authorisation_alone(town: Town) -> None:
    for region in ("310000", "340000"):
        moved = await town.controls[region].post("/sim/clock", json={"now": "2026-10-08T10:00:00+08:00"})
        assert moved.status_code == 200
    await town.ask("4501", CT, PERSON, place=HOME)
    await town.ask("4502", CT | {"rpt_no": "LAB-1", "item_code": "CBC", "item_name": "血常规"}, PERSON, place=HOME)
    assert await refused(town, "4501", CT, place=HOME) == "detail_refused"
    assert await refused(town, "5401", PERIOD | {"auth_no": "AU00"}) == "not_authorised"
    ask = town.message("5461", {"begndate": "2026-10-08", "enddate": "2026-10-31", "auth_doc_no": "consent-1"}, PERSON)
    first, again = await town.gate.send(ask), await town.gate.send(ask)
    assert first == again
    leave = {"auth_no": first.body.split('"auth_no": "')[1].split('"')[0]}
    rows = (await town.ask("5401", PERIOD | leave, PERSON))["data"]
    assert [(row["rpt_no"], row["rpt_type"], row["hr_scope"]) for row in rows] == [
        ("CT-1", "exam", "region:yrd"), ("LAB-1", "lab", "region:yrd"),
    ]  # fmt: skip
    report = await town.ask("5402", leave | {"rpt_no": "CT-1"}, PERSON)
    assert (report["result"], report["certno"], report["fixmedins_code"]) == (
        CT["result"], PERSON.certno, hospital(HOME),
    )  # fmt: skip
    assert "conclusion" not in report
    assert all("conclusion" not in row and "result" not in row for row in rows)
    assert await refused(town, "5402", leave | {"rpt_no": "CT-9"}) == "report_unknown"
    assert await refused(town, "5401", PERIOD | leave, institution=hospital(level=2)) == "not_authorised"
