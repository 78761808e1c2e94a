"""What people, provinces and strangers try, at random: most of it is refused, and all of it has to be answered well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httpx

from domain.plan import StepKind
from domain.process import Stage
from domain.window import WindowEnd
from tests.machine.city import LIBRARY, City

Do = Callable[[City, int, bool], Coroutine[Any, Any, None]]
FAULTS = ["down", "refuse_429", "error_500", "reset", "lost_answer", "garbage", "wrong_types", "callback_lost"]
FAULTS += ["callback_duplicate", "callback_unknown", "callback_forged", "callback_early", "bad_licence"]
CALLED_BACK = ("310000", "330000")
DIGEST = "e" * 64


# the applicant's side


async def evidence(city: City, pick: int, flag: bool) -> None:
    case = await city.look()
    if not case["evidence"]:
        return
    item = case["evidence"][pick % len(case["evidence"])]
    path = f"/v1/cases/{city.no}/evidence/{item['id']}"
    if flag:
        await city.say(city.owner, "POST", f"{path}/accept")
    else:
        await city.say(city.owner, "POST", f"{path}/decline", {"document_id": await city.pdf(city.owner)})


async def sign(city: City, pick: int, flag: bool) -> None:
    signer = city.signers[pick % len(city.signers)] if city.signers else "nobody"
    await city.say(
        city.login("citizen", subject=signer), "POST", f"/v1/cases/{city.no}/cosign", {"agree": flag or pick > 5}
    )


async def withdraw(city: City, pick: int, flag: bool) -> None:
    if pick % 4 == 0:  # not the end of every course
        await city.say(city.owner, "GET", f"/v1/cases/{city.no}/consequences")
        await city.say(city.owner, "POST", f"/v1/cases/{city.no}/withdraw", {"reason": "不再需要"})


async def reply(city: City, pick: int, flag: bool) -> None:
    found = (await city.say(city.owner, "GET", f"/v1/cases/{city.no}/supplements")).json()
    for notice in found.get("supplements", []):
        items = [item["id"] for item in notice["items"]]
        chosen = items if flag else items[:1]
        body = {"items": {item: {"text": "已补正", "documents": [await city.pdf(city.owner)]} for item in chosen}}
        await city.say(city.owner, "POST", f"/v1/cases/{city.no}/supplements/{notice['id']}/reply", body)


async def hand_in(city: City, pick: int, flag: bool) -> None:
    material = city.plan.materials[pick % len(city.plan.materials)].id if city.plan.materials else "none"
    body = {"documents": [await city.pdf(city.owner)]}
    await city.say(city.owner, "POST", f"/v1/cases/{city.no}/promises/{material}", body)


async def object_(city: City, pick: int, flag: bool) -> None:
    step = city.bound.steps[pick % len(city.bound.steps)].id
    await city.say(city.owner, "POST", f"/v1/cases/{city.no}/objections", {"step": step, "reason": "有异议"})
    corrected = (await city.say(city.owner, "GET", f"/v1/cases/{city.no}/corrections")).json().get("corrections", [])
    for item in corrected[:1]:
        path = f"/v1/cases/{city.no}/corrections/{item['id']}/objection"
        await city.say(city.owner, "POST", path, {"reason": "不同意"})


async def write(city: City, pick: int, flag: bool) -> None:
    await city.say(city.owner, "POST", f"/v1/cases/{city.no}/messages", {"text": "请问进度？"})
    await city.say(city.owner, "GET", f"/v1/cases/{city.no}/messages")
    await city.say(city.owner, "POST", f"/v1/cases/{city.no}/messages/read")


async def read(city: City, pick: int, flag: bool) -> None:
    for place in ("deadlines", "consequences", "fees", "originals", "notices", "results", "rating", "events"):
        assert (await city.say(city.owner, "GET", f"/v1/cases/{city.no}/{place}")).status_code == 200


async def afterwards(city: City, pick: int, flag: bool) -> None:
    await city.say(city.owner, "POST", f"/v1/cases/{city.no}/rating", {"stars": 1 + pick % 5})
    body = {"ground": "new_facts", "reason": "有新证据"}
    await city.say(city.owner, "POST", f"/v1/cases/{city.no}/reopen", body)


async def ask_for_window(city: City, pick: int, flag: bool) -> None:
    body: dict[str, Any] = {"case_no": city.no}
    if flag:
        body["hall"] = {"region": "310118", "department": "service_hall"}
    answer = await city.say(city.owner, "POST", "/v1/windows", body)
    if answer.status_code == 201:
        city.window = answer.json()["id"]


APPLICANT: list[Do] = [
    evidence,
    evidence,
    sign,
    withdraw,
    reply,
    hand_in,
    object_,
    write,
    read,
    afterwards,
    ask_for_window,
]


# the departments


async def decide(city: City, pick: int, outcome: int, which: int, *, ticked: bool) -> None:
    tasks = await city.tasks()
    if tasks:
        task = tasks[pick % len(tasks)]
        good = task.outcomes[outcome % len(task.outcomes)] if outcome else task.outcomes[0]
        await city.decide(task, good, which=which, ticked=ticked)


async def both_decide(city: City, pick: int) -> None:
    """Two persons, two opinions, one moment: at most one of them counts."""
    tasks = await city.tasks()
    if not tasks:
        return
    task = tasks[pick % len(tasks)]
    answers = await asyncio.gather(
        city.decide(task, task.outcomes[0], which=2), city.decide(task, task.outcomes[-1], which=3)
    )
    assert sum(answer.status_code == 200 for answer in answers) <= 1, [a.text for a in answers]


async def desk(city: City, pick: int, flag: bool) -> None:
    """Claim, release, assign, and the same in bulk."""
    tasks = await city.tasks()
    if not tasks:
        return
    task = tasks[pick % len(tasks)]
    clerk = city.clerk(task)
    await city.say(clerk, "POST", f"/v1/tasks/{task.id}/{'claim' if flag else 'release'}")
    if task.role == "caseworker":
        boss = city.login("supervisor", task.region, task.department, "boss")
        await city.say(boss, "POST", f"/v1/tasks/{task.id}/assign", {"to": "caseworker-x"})
        await city.say(boss, "POST", f"/v1/tasks/{task.id}/release")
    rows = [{"id": t.id, "revision": t.revision} for t in tasks]
    body = {"action": "decide", "dry_run": True, "tasks": rows, "decision": {"outcome": task.outcomes[0]}}
    before = [t.state for t in await city.tasks()]
    await city.say(clerk, "POST", "/v1/tasks/bulk", body)
    assert [t.state for t in await city.tasks()] == before or not flag


async def supplement(city: City, pick: int, flag: bool) -> None:
    tasks = [t for t in await city.tasks() if t.role == "caseworker"]
    if not tasks:
        return
    task = tasks[pick % len(tasks)]
    about = {"field": city.plan.subject_field} if flag else {"material": (city.plan.materials or [None])[0].id}  # type: ignore[union-attr]
    body: dict[str, Any] = {"task": task.id, "items": [about | {"kind": "incomplete", "reason": "不完整"}]}
    if pick % 3 == 0:
        body["about_new"] = "就新提交的材料"
    answer = await city.say(city.clerk(task), "POST", f"/v1/cases/{city.no}/supplements", body)
    if answer.status_code == 200 and pick % 5 == 0:
        found = (await city.owner.get(f"/v1/cases/{city.no}/supplements")).json()["supplements"]
        path = f"/v1/cases/{city.no}/supplements/{found[-1]['id']}/cancel"
        await city.say(city.clerk(task), "POST", path, {"reason": "已由共享取得"})


async def delay(city: City, pick: int, flag: bool) -> None:
    tasks = [t for t in await city.tasks() if t.role == "caseworker"]
    if not tasks:
        return
    clerk = city.clerk(tasks[pick % len(tasks)])
    if flag and city.bound.clocks:
        clock = city.bound.clocks[pick % len(city.bound.clocks)].id
        await city.say(clerk, "POST", f"/v1/cases/{city.no}/extension", {"clock": clock, "reason": "复杂"})
    elif city.bound.procedures:
        procedure = city.bound.procedures[0].id
        body = {"procedure": procedure, "planned_days": pick % 20, "reason": "需评审"}
        await city.say(clerk, "POST", f"/v1/cases/{city.no}/procedures", body)
        if pick % 2:
            await city.say(clerk, "POST", f"/v1/cases/{city.no}/procedures/{procedure}/end", {"reason": "完成"})


async def pass_on(city: City, pick: int, flag: bool) -> None:
    tasks = [t for t in await city.tasks() if t.role == "caseworker"]
    if not tasks:
        return
    clerk = city.clerk(tasks[pick % len(tasks)])
    if flag and pick % 3 == 0:
        body = {"region": ["310118", "320500", "330100", "340100"][pick % 4], "reason": "不属本地管辖"}
        await city.say(clerk, "POST", f"/v1/cases/{city.no}/transfer", body)
    else:
        asked = {"region": "330000", "department": "ecology", "question": "有无意见？"}
        await city.say(clerk, "POST", f"/v1/cases/{city.no}/opinions", asked)
        await city.say(clerk, "GET", f"/v1/cases/{city.no}/opinions")


async def correct(city: City, pick: int, flag: bool) -> None:
    tasks = [t for t in await city.tasks() if t.role == "caseworker"]
    if not tasks:
        return
    clerk = city.clerk(tasks[pick % len(tasks)])
    fields = list(city.scenario.form)
    name = fields[pick % len(fields)]
    body = {"fields": {name: city.scenario.form[name]}, "reason": "申请人电话更正"}
    await city.say(clerk, "POST", f"/v1/cases/{city.no}/corrections", body)


async def note(city: City, pick: int, flag: bool) -> None:
    step = city.bound.steps[pick % len(city.bound.steps)]
    clerk = city.login("caseworker", step.place.region, step.place.department, "noter")
    await city.say(clerk, "POST", f"/v1/cases/{city.no}/notes", {"text": "内部备注"})
    await city.say(clerk, "POST", f"/v1/cases/{city.no}/messages", {"text": "请补充说明"})
    told = (await city.owner.get(f"/v1/cases/{city.no}/events?limit=1000")).text
    assert "内部备注" not in told


DEPARTMENT: list[Do] = [desk, supplement, supplement, delay, pass_on, correct, note]


async def original(city: City, pick: int, stage: Stage) -> None:
    papers = [m.id for m in city.plan.materials if m.original]
    if not papers:
        return
    places = [city.bound.accepting, *(s.place for s in city.bound.steps if s.kind is StepKind.ARCHIVE)]
    if city.bound.collecting:
        places.append(city.bound.collecting)
    place = places[pick % len(places)]
    clerk = city.login("caseworker", place.region, place.department, "post")
    body = {"material": papers[pick % len(papers)], "stage": stage.value, "photo": await city.pdf(clerk)}
    await city.say(clerk, "POST", f"/v1/cases/{city.no}/originals", body)


async def at_the_window(city: City, pick: int, party: str, end: WindowEnd) -> None:
    if not city.window:
        return  # no precondition: what the rules may choose must not hang on how fast the others were
    shown = (await city.owner.get(f"/v1/windows/{city.window}")).json()
    who = city.owner
    if party != "applicant":
        place = shown[party]
        who = city.login("caseworker", place["region"], place["department"], f"at-{party}")
    recording = {"reference": "r/1", "digest": DIGEST}
    choices: list[dict[str, Any]] = [
        {"act": "pick_up"},
        {"act": "join", "party": party if party != "handling" else "applicant"},
        {"act": "identity", "method": "face", "passed": pick % 4 != 0},
        {"act": "consent", "version": LIBRARY.consent.version},
        {"act": "begin"},
        {"act": "capture", "document": await city.pdf(who)},
        {"act": "ask_sign", "digest": DIGEST},
        {"act": "signed", "digest": DIGEST},
        {"act": "lost", "party": "applicant"},
        {"act": "rejoin", "party": "applicant"},
        {"act": "hold"},
        {"act": "resume"},
        {"act": "close", "outcome": end.value, "recording": recording, "checklist": ["face", "recorded"]},
    ]
    await city.say(who, "POST", f"/v1/windows/{city.window}/acts", choices[pick % len(choices)])


# provinces and strangers


async def fault(city: City, pick: int, kind: str) -> None:
    calls_back = kind.startswith("callback_")  # elsewhere it would strike nobody
    urls = [url for region, url in city.town.province_urls.items() if region in CALLED_BACK or not calls_back]
    body = {"kind": kind, "operation": "*", "times": 1 + pick % 2, "probability": 1, "seconds": 0.1}
    async with httpx.AsyncClient(trust_env=False) as operator:
        answer = await operator.post(f"{urls[pick % len(urls)]}/sim/faults", json=body)
    city.tried.append(f"fault {kind} at {urls[pick % len(urls)]} -> {answer.status_code}")
    assert answer.status_code == 201, answer.text


async def no_faults(city: City) -> None:
    async with httpx.AsyncClient(trust_env=False) as operator:
        for url in city.town.province_urls.values():
            await operator.delete(f"{url}/sim/faults")


async def stranger(city: City, pick: int) -> None:
    """Whoever has nothing to do with a case is told that there is none."""
    strangers = [
        city.login("citizen", subject="stranger"),
        city.login("caseworker", "330800", "civil_affairs", "stranger"),
        city.login("supervisor", "330800", "civil_affairs", "stranger"),
        city.login("operator", subject="stranger"),
    ]
    doors = ["", "/events", "/messages", "/notes", "/notices", "/deadlines", "/fees", "/results", "/supplements"]
    who = strangers[pick % len(strangers)]
    answer = await city.say(who, "GET", f"/v1/cases/{city.no}{doors[pick % len(doors)]}")
    assert answer.status_code in {403, 404}, city.tried[-1]
    for task in (await city.tasks())[:1]:
        body = {"outcome": task.outcomes[0]}
        path = f"/v1/tasks/{task.id}/decision"
        assert (await city.say(who, "PUT", path, body, **{"If-Match": '"1"'})).status_code in {403, 404}
    if city.window:
        assert (await city.say(who, "GET", f"/v1/windows/{city.window}")).status_code in {403, 404}
