"""A recognised examination is charged neither before nor after it was recognised (domain note 4)."""

from __future__ import annotations

import asyncio

from tests.fixtures.running import eventually
from tests.insurance.places import A
from tests.medical.recognising import asked_for
from tests.medical.ward import STRICT, Ward, lines


async def test_what_was_charged_in_the_morning_is_not_recognised_in_the_afternoon(ward: Ward) -> None:
    person = ward.somebody("employee", STRICT)
    await ward.report(person, "CT-CHEST")
    stay = await ward.admit(person, status="uncovered")
    path, shown, reports = await asked_for(ward, stay, person, "CT-CHEST")
    charged = lines((A, "10.00"), ("CTXB00000000001", "240.00"))
    await stay.add(charged)  # the CT is charged first
    decided = {"report": reports[0]["id"], "decision": "recognise"}
    answer = await stay.doctor.post(f"{path}/decisions", json=decided)
    assert (answer.status_code, answer.json()["code"]) == (409, "charged_already")
    upload = (await stay.see())["uploads"][0]["upload"]
    assert (await stay.post("fees/cancel", {"upload": upload})).status_code == 200
    assert (await stay.doctor.post(f"{path}/decisions", json=decided)).status_code == 200
    report = (await eventually(shown, lambda now: now["reports"][0]["state"] == "recognised"))["reports"][0]
    assert (report["saved"] > 0, (await stay.see())["total"]) == (True, 0)


async def test_a_serial_comes_once_even_at_the_same_moment(ward: Ward) -> None:
    stay = await ward.admit(ward.somebody("employee", STRICT), status="uncovered")
    body = {"lines": lines((A, "10.00"), (A, "20.00"))}
    answers = await asyncio.gather(stay.post("fees", body, key="tab-1"), stay.post("fees", body, key="tab-2"))
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    assert (await stay.until(lambda shown: not shown["running"]))["total"] == 3_000
