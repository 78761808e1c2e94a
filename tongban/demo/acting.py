"""How each act of a course is played, through the public API only."""

from __future__ import annotations

import httpx
from pydantic import JsonValue

from api.schemas import TaskOut
from domain.messages import Text
from tongban.demo.course import Act, Attempt, Consent, Decide, Desk, Intrude, Withdraw
from tongban.demo.facts import Denial
from tongban.demo.scene import Scene, steps_of
from tongban.demo.words import DENIED, OUTCOME, desk_text, t


def play(scene: Scene, act: Act) -> None:
    """Somebody does something, once it can be done. DemoError if it does not come to that or is refused."""
    match act:
        case Consent():
            _consent(scene)
        case Intrude():
            _intrude(scene, act)
        case Attempt():
            _attempt(scene, act)
        case Decide():
            _decide(scene, act)
        case Withdraw():
            _withdraw(scene, act)


def _consent(scene: Scene) -> None:
    case = scene.wait(
        lambda case: bool(case.evidence) and all(item.state == "offered" and item.preview for item in case.evidence),
        "evidence to look at",
    )
    for item in case.evidence:
        scene.let_see()
        fields = len(item.preview or ())
        zh, en = f"申请人查看 {fields} 项内容并同意", f"the applicant sees {fields} fields and consents"
        scene.say(t(f"{zh}：{item.title.zh}", f"{en}: {item.title.en}"))
        scene.people.citizen.do("POST", f"/v1/cases/{scene.no}/evidence/{item.id}/accept")
    scene.wait(lambda case: all(item.state == "used" for item in case.evidence), "the evidence")


def _intrude(scene: Scene, act: Intrude) -> None:
    task = scene.task(act.step, scene.course.desk(act.step))
    scene.let_see()
    looked = scene.people.at(act.by).call("GET", f"/v1/tasks/{task.id}")
    decided = _put(scene, act.by, task, {"outcome": task.outcomes[0]})
    scene.denials += [_denial(act.step, answer, "not_found") for answer in (looked, decided)]
    who, statuses = desk_text(act.by), (looked.status_code, decided.status_code)
    zh = f"{who.zh}查看该任务：{statuses[0]}，代为决定：{statuses[1]}"
    scene.say(t(zh, f"{who.en} looks: {statuses[0]}, decides: {statuses[1]}"))


def _attempt(scene: Scene, act: Attempt) -> None:
    task = scene.task(act.step, act.by)
    scene.let_see()
    answer = _put(scene, act.by, task, {"outcome": act.outcome, "checklist": list(act.checklist)})
    denial = _denial(act.step, answer, act.code)
    scene.denials.append(denial)
    who, title, word = desk_text(act.by), scene.title(act.step), OUTCOME[act.outcome]
    why = DENIED.get(denial.code, t(denial.code, denial.code))
    zh = f"{who.zh}，{title.zh}：{word.zh}，被拒 {denial.status}，{why.zh}"
    scene.say(t(zh, f"{who.en}, {title.en}: {word.en}, refused {denial.status}, {why.en}"))


def _decide(scene: Scene, act: Decide) -> None:
    task = scene.task(act.step, act.by, act.queue)
    scene.let_see()
    if act.queue:
        claimed = scene.people.at(act.by).do("POST", f"/v1/tasks/{task.id}/claim")
        task = TaskOut.model_validate(claimed.json())
    scene.note_effects()
    who, title, word, ticked = desk_text(act.by), scene.title(act.step), OUTCOME[act.outcome], _ticked(act)
    zh = f"{who.zh}，{title.zh}：{word.zh}{ticked.zh}"
    scene.say(t(zh, f"{who.en}, {title.en}: {word.en}{ticked.en}"))
    body: dict[str, JsonValue] = {
        "outcome": act.outcome,
        "checklist": list(act.checklist),
        "reason": act.reason,
        "legal_basis": act.legal_basis,
        "reference": act.reference,
    }
    _put(scene, act.by, task, body, must=True)


def _ticked(act: Decide) -> Text:
    count = len(act.checklist)
    if not count:
        return t("", "")
    return t(f"，清单勾选 {count} 项", f", {count} {'line' if count == 1 else 'lines'} ticked")


def _withdraw(scene: Scene, act: Withdraw) -> None:
    scene.wait(
        lambda case: any(s.id == act.step and s.status in {"pending", "done"} for s in steps_of(case)),
        f"{act.step} to be under way",
    )
    scene.note_effects()
    scene.say(t("申请人撤回申请", "the applicant withdraws"))
    scene.people.citizen.do("POST", f"/v1/cases/{scene.no}/withdraw", json={"reason": act.reason})


def _put(scene: Scene, by: Desk, task: TaskOut, body: dict[str, JsonValue], *, must: bool = False) -> httpx.Response:
    """A decision on what was read; ``must``: DemoError if it is refused."""
    person = scene.people.at(by)
    send = person.do if must else person.call
    return send("PUT", f"/v1/tasks/{task.id}/decision", json=body, headers={"If-Match": f'"{task.revision}"'})


def _denial(step: str, answer: httpx.Response, wanted: str) -> Denial:
    request = answer.request
    told = answer.json() if "json" in answer.headers.get("content-type", "") else None
    code = str(told.get("code", "")) if isinstance(told, dict) else ""
    return Denial(step, f"{request.method} {request.url.path}", wanted, answer.status_code, code)
