"""One course of one case: people act through the public API, everything that happens is shown, facts are noted."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console, RenderableType
from rich.live import Live

from api.schemas import (
    CaseOut,
    DocumentOut,
    EventList,
    Receipt,
    ResultList,
    ServiceOut,
    StepOut,
    TaskList,
    TaskOut,
)
from api.schemas import VerificationOut as Verification
from domain.messages import Text
from tongban.demo.facts import Facts, read_ledger
from tongban.demo.follow import Follower, Happening, Situation
from tongban.demo.people import DemoError, Person
from tongban.demo.picture import happening_line, picture
from tongban.demo.scenario import (
    DEPARTMENT,
    DESTINATION,
    SERVICE,
    Act,
    Consent,
    Decide,
    Intrude,
    Scenario,
    Withdraw,
    document,
    form,
)
from tongban.demo.words import OUTCOME, Lang, grouped, place_name, t
from tongban.stack.stack import Stack

WAIT_S = 40.0
LOOK_EVERY_S = 0.05


class Play:
    """Plays one scenario in a running stack."""

    def __init__(
        self,
        stack: Stack,
        scenario: Scenario,
        *,
        console: Console,
        lang: Lang,
        live: bool,
        pause_s: float,
        halt: Callable[[], None],
    ) -> None:
        self._stack, self._scenario, self._console, self._lang = stack, scenario, console, lang
        self._live, self._pause_s, self._halt = live, pause_s, halt
        self._citizen = Person(stack, halt, "citizen")
        self._caseworker = Person(stack, halt, "caseworker", DESTINATION, DEPARTMENT)
        self._public = Person(stack, halt)
        self._watcher = Person(stack, lambda: None, "citizen")
        self._situation = Situation(title=scenario.title)
        self._follower = Follower(self._watcher, self._situation, self._heard)
        self._strangers: list[tuple[str, int]] = []
        self._took_effect: list[str] = []
        self._titles: dict[str, Text] = {}
        self._no = ""

    def run(self) -> Facts:
        """From an empty form to the facts of the closed case. DemoError if something does not come about."""
        try:
            if not self._live:
                return self._course()
            with Live(
                console=self._console, get_renderable=self._picture, refresh_per_second=10, vertical_overflow="crop"
            ):
                return self._course()
        finally:
            self._follower.stop()
            for person in (self._citizen, self._caseworker, self._public, self._watcher):
                person.close()

    def _picture(self) -> RenderableType:
        size = self._console.size
        return picture(self._situation, self._lang, size.width, size.height)

    def _heard(self, happening: Happening) -> None:
        if not self._live:
            line = happening_line(happening, self._titles, self._lang)
            self._console.print(line, soft_wrap=True, highlight=False)

    def _course(self) -> Facts:
        service = self._citizen.read(ServiceOut, f"/v1/services/{SERVICE}")
        self._situation.title = service.title
        self._titles = {step.id: step.title for leg in service.legs for step in leg.steps}
        sent = form()
        self._submit(service, sent)
        for act in self._scenario.acts:
            self._act(act)
        case = self._wait(lambda case: case.closed_at is not None, "the end of the case")
        heard_all = self._follower.whole()
        self._situation.case = case
        self._situation.ended = time.monotonic()
        if self._live:
            time.sleep(2 / 10)  # the last frame shows the end
        return self._facts(service, case, sent, heard_all)

    def _submit(self, service: ServiceOut, sent: dict[str, str]) -> None:
        documents: dict[str, list[str]] = {}
        for material in service.materials:
            if material.source == "upload":
                file = (f"{material.title.zh}.pdf", document(material.title.en), "application/pdf")
                answer = self._citizen.do("POST", "/v1/documents", files={"file": file})
                documents[material.id] = [DocumentOut.model_validate(answer.json()).id]
        self._follower.act(
            t(
                f"{sent['company_name']}提交一次申请，附 {len(documents)} 份材料",
                f"one application, {len(documents)} documents",
            )
        )
        self._pause()
        body = {"service": service.code, "form": sent, "documents": documents}
        key = {"Idempotency-Key": f"demo-{time.time_ns()}"}
        receipt = Receipt.model_validate(self._citizen.do("POST", "/v1/cases", json=body, headers=key).json())
        self._no = receipt.no
        self._follower.act(t(f"收件回执 {grouped(self._no)}", f"receipt {grouped(self._no)}"))
        self._follower.start(self._no)

    def _act(self, act: Act) -> None:
        if isinstance(act, Consent):
            self._consent()
        elif isinstance(act, Intrude):
            self._intrude(act)
        elif isinstance(act, Decide):
            self._decide(act)
        else:
            self._withdraw(act)

    def _consent(self) -> None:
        case = self._wait(
            lambda case: bool(case.evidence) and all(item.state == "offered" for item in case.evidence),
            "evidence to look at",
        )
        for item in case.evidence:
            self._let_see()
            self._follower.act(t(f"申请人查看并同意：{item.title.zh}", f"seen, consented: {item.title.en}"))
            self._citizen.do("POST", f"/v1/cases/{self._no}/evidence/{item.id}/accept")
        self._wait(lambda case: all(item.state == "used" for item in case.evidence), "the evidence")

    def _intrude(self, act: Intrude) -> None:
        task = self._task(act.task)
        self._let_see()
        place = place_name(act.region, act.department)
        stranger = Person(self._stack, self._halt, "caseworker", act.region, act.department)
        try:
            path = f"/v1/tasks/{task.id}"
            looked = stranger.call("GET", path).status_code
            decided = stranger.call(
                "PUT",
                f"{path}/decision",
                json={"outcome": task.outcomes[0]},
                headers={"If-Match": f'"{task.revision}"'},
            ).status_code
        finally:
            stranger.close()
        self._strangers += [(f"GET {path}", looked), (f"PUT {path}/decision", decided)]
        self._follower.act(
            t(
                f"{place.zh}经办人查看该任务：{looked}，代为决定：{decided}",
                f"a caseworker of {place.en} looks: {looked}, decides: {decided}",
            )
        )

    def _decide(self, act: Decide) -> None:
        task = self._task(act.task)
        self._let_see()
        self._note_effects()
        word = OUTCOME.get(act.outcome, t(act.outcome, act.outcome))
        place = place_name(task.place.region, task.place.department)
        self._follower.act(t(f"{place.zh}经办人：{word.zh}", f"caseworker of {place.en}: {word.en}"))
        self._caseworker.do(
            "PUT",
            f"/v1/tasks/{task.id}/decision",
            json={"outcome": act.outcome, "reason": act.reason, "legal_basis": act.legal_basis},
            headers={"If-Match": f'"{task.revision}"'},
        )

    def _withdraw(self, act: Withdraw) -> None:
        self._wait(
            lambda case: any(s.id == act.step and s.status in {"pending", "done"} for s in _steps(case)),
            f"{act.step} to be under way",
        )
        self._note_effects()
        self._follower.act(t("申请人撤回申请", "the applicant withdraws"))
        self._citizen.do("POST", f"/v1/cases/{self._no}/withdraw", json={"reason": act.reason})

    def _note_effects(self) -> None:
        case = self._citizen.read(CaseOut, f"/v1/cases/{self._no}")
        self._took_effect = [step.id for step in _steps(case) if step.kind == "effect" and step.status == "done"]

    def _task(self, kind: str) -> TaskOut:
        """The caseworker's open task of that kind in this case, once it is there."""
        until = time.monotonic() + WAIT_S
        while True:
            cursor: str | None = ""
            while cursor is not None:
                page = self._caseworker.read(TaskList, "/v1/tasks", params={"limit": 200, "cursor": cursor})
                for task in page.tasks:
                    if task.case_no == self._no and task.kind == kind:
                        return task
                cursor = page.next
            self._sleep_until(until, f"the caseworker's task {kind}")

    def _wait(self, met: Callable[[CaseOut], bool], what: str) -> CaseOut:
        until = time.monotonic() + WAIT_S
        while True:
            case = self._citizen.read(CaseOut, f"/v1/cases/{self._no}")
            if met(case):
                return case
            self._sleep_until(until, what)

    def _sleep_until(self, until: float, what: str) -> None:
        if time.monotonic() > until:
            raise DemoError(f"waited {WAIT_S:.0f} s for {what} in case {grouped(self._no)}; it did not come")
        self._halt()
        time.sleep(LOOK_EVERY_S)

    def _let_see(self) -> None:
        """The ticker tells what led here before the next person acts."""
        until = time.monotonic() + WAIT_S
        while True:
            heard = self._follower.events[-1].seq if self._follower.events else 0
            path, after = f"/v1/cases/{self._no}/events", {"after": heard, "limit": 1}
            if not self._citizen.read(EventList, path, params=after).events:
                break
            self._sleep_until(until, "the event stream")
        self._pause()

    def _pause(self) -> None:
        """Lets people see what is there before the next person acts."""
        until = time.monotonic() + self._pause_s
        self._halt()
        while time.monotonic() < until:
            time.sleep(0.05)
            self._halt()

    def _facts(self, service: ServiceOut, case: CaseOut, sent: dict[str, str], heard_all: bool) -> Facts:
        results = self._citizen.read(ResultList, f"/v1/cases/{self._no}/results")
        verified: dict[str, tuple[int, Verification | None]] = {}
        for result in results.results:
            answer = self._public.call("GET", result.verify)
            shown = Verification.model_validate(answer.json()) if answer.is_success else None
            verified[result.verify] = (answer.status_code, shown)
        return Facts(
            scenario=self._scenario,
            case=case,
            service=service,
            events=list(self._follower.events),
            heard_all=heard_all,
            results=results,
            verified=verified,
            ledgers={region: read_ledger(url, self._no) for region, url in self._stack.province_urls.items()},
            strangers=self._strangers,
            took_effect=self._took_effect,
            seconds=self._situation.elapsed,
            form=sent,
        )


def _steps(case: CaseOut) -> list[StepOut]:
    return [step for leg in case.legs for step in leg.steps]
