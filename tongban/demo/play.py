"""One course of one case: people act through the public API, everything that happens is shown, facts are noted."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console, RenderableType
from rich.live import Live

from api.schemas import CaseOut, DocumentOut, Receipt, ResultList
from api.schemas import VerificationOut as Verification
from api.schemas_services import ServiceOut
from tongban.demo import acting, synthetic
from tongban.demo.course import Course, Form
from tongban.demo.facts import Facts, read_ledger
from tongban.demo.follow import Follower, Happening, Situation
from tongban.demo.people import People
from tongban.demo.picture import happening_line, picture
from tongban.demo.scene import Scene
from tongban.demo.words import Lang, grouped, t
from tongban.stack.stack import Stack

FRAMES_PER_S = 10


class Play:
    """Plays one course in a running stack."""

    def __init__(
        self,
        stack: Stack,
        course: Course,
        *,
        console: Console,
        lang: Lang,
        live: bool,
        pause_s: float,
        halt: Callable[[], None],
    ) -> None:
        self._stack, self._course, self._console, self._lang = stack, course, console, lang
        self._live = live
        self._people = People(stack, halt)
        self._situation = Situation(title=course.route)
        self._follower = Follower(self._people.watcher, self._situation, self._heard)
        self._scene = Scene(course, self._people, self._follower, pause_s=pause_s, halt=halt)

    def run(self) -> Facts:
        """From an empty form to the facts of the closed case. DemoError if something does not come about."""
        try:
            if not self._live:
                return self._play()
            with Live(
                console=self._console,
                get_renderable=self._picture,
                refresh_per_second=FRAMES_PER_S,
                vertical_overflow="crop",
            ):
                return self._play()
        finally:
            self._follower.stop()
            self._people.close()

    def _picture(self) -> RenderableType:
        size = self._console.size
        return picture(self._situation, self._lang, size.width, size.height)

    def _heard(self, happening: Happening) -> None:
        if not self._live:
            line = happening_line(happening, self._situation.titles(), self._lang)
            self._console.print(line, soft_wrap=True, highlight=False)

    def _play(self) -> Facts:
        service = self._people.citizen.read(ServiceOut, f"/v1/services/{self._course.service}")
        self._situation.title = service.title
        sent = self._course.form()
        self._submit(service, sent)
        for act in self._course.acts:
            acting.play(self._scene, act)
        case = self._scene.wait(lambda case: case.closed_at is not None, "the end of the case")
        heard_all = self._follower.whole()
        self._situation.case = case
        self._situation.ended = time.monotonic()
        if self._live:
            time.sleep(2 / FRAMES_PER_S)  # the last frame shows the end
        return self._facts(service, case, sent, heard_all)

    def _submit(self, service: ServiceOut, sent: Form) -> None:
        citizen, scene = self._people.citizen, self._scene
        titles = {material.id: material.title for material in service.materials}
        documents: dict[str, list[str]] = {}
        for name in self._course.documents:
            file = (f"{titles[name].zh}.pdf", synthetic.paper(titles[name].en), "application/pdf")
            answer = citizen.do("POST", "/v1/documents", files={"file": file})
            documents[name] = [DocumentOut.model_validate(answer.json()).id]
        count, who = len(documents), sent[self._course.subject_field]
        papers = "1 document" if count == 1 else f"{count} documents"
        scene.say(t(f"{who}提交一次申请，附 {count} 份材料", f"one application, {papers}"))
        scene.pause()
        body = {"service": service.code, "form": dict(sent), "documents": documents}
        key = {"Idempotency-Key": f"demo-{time.time_ns()}"}
        receipt = Receipt.model_validate(citizen.do("POST", "/v1/cases", json=body, headers=key).json())
        scene.say(t(f"收件回执 {grouped(receipt.no)}", f"receipt {grouped(receipt.no)}"))
        self._situation.case = scene.begin(receipt.no)
        self._follower.start(receipt.no)

    def _facts(self, service: ServiceOut, case: CaseOut, sent: Form, heard_all: bool) -> Facts:
        results = self._people.citizen.read(ResultList, f"/v1/cases/{case.no}/results")
        verified: dict[str, tuple[int, Verification | None]] = {}
        for result in results.results:
            answer = self._people.public.call("GET", result.verify)
            shown = Verification.model_validate(answer.json()) if answer.is_success else None
            verified[result.verify] = (answer.status_code, shown)
        return Facts(
            course=self._course,
            case=case,
            service=service,
            events=list(self._follower.events),
            heard_all=heard_all,
            results=results,
            verified=verified,
            ledgers={region: read_ledger(url, case.no) for region, url in self._stack.province_urls.items()},
            denials=self._scene.denials,
            took_effect=self._scene.took_effect,
            seconds=self._situation.elapsed,
            form=sent,
        )
