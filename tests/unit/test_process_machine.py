"""A case under everything that can happen to it, in any order (stateful testing; the rules are in world.py)."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from domain.calendar import WorkCalendar
from domain.case import StepStatus
from domain.effects import AnswerStatus, Verb
from domain.errors import ERRORS
from domain.messages import Actor, Role
from domain.plan import CasePlan
from domain.process import (
    AnyOrder,
    AskExtensionCommand,
    BeginProcedureCommand,
    CallOutcome,
    CancelSupplementCommand,
    CorrectCommand,
    CosignCommand,
    EndProcedureCommand,
    HandInCommand,
    Intake,
    ItemKind,
    ObjectCommand,
    ObjectCorrectionCommand,
    OpinionCommand,
    OutcomeStatus,
    ReplySupplementCommand,
    RequestSupplementCommand,
    SupplementItem,
    TransferCommand,
    answers,
    custody,
)
from domain.process.state import UndoStatus
from tests.unit.law_plans import BY_LAW, SIGNERS, law_plans
from tests.unit.plans import BY_HAND, LIBRARY, LICENCE, moving, random_plans
from tests.unit.receiver import ACCEPTED, PENDING, REJECTED, Entry
from tests.unit.world import CITIZEN, Flight, World, finish

picks = st.integers(0, 50)
TROUBLE = [OutcomeStatus.UNAVAILABLE, OutcomeStatus.UNKNOWN, OutcomeStatus.DEFERRED, OutcomeStatus.UNUSABLE]
OPEN_ENDED = {StepStatus.CALLING, StepStatus.BLOCKED, StepStatus.PENDING}


class CaseMachine(RuleBasedStateMachine):
    world: World

    @initialize(
        plan=st.one_of(st.sampled_from((moving(), *BY_HAND, *BY_LAW)), random_plans(), law_plans()),
        promised=st.booleans(),
        signed=st.booleans(),
    )
    def begin(self, plan: CasePlan, promised: bool, signed: bool) -> None:
        owed = tuple(m.id for m in plan.materials if m.due is not None) if promised else ()
        self.world = World(plan, intake=Intake(promised=owed, signers=SIGNERS if signed else ()))

    def _flight(self, pick: int) -> Flight:
        return self.world.flights[pick % len(self.world.flights)]

    @precondition(lambda self: self.world.flights)
    @rule(
        pick=picks,
        wish=st.sampled_from([ACCEPTED, ACCEPTED, PENDING, REJECTED]),
        bad=st.sampled_from(["", "1.2", LICENCE]),
    )
    def the_province_answers(self, pick: int, wish: AnswerStatus, bad: str) -> None:
        self.world.answer(self._flight(pick), wish, licence=bad or LICENCE)

    @precondition(lambda self: any(f.told is None for f in self.world.flights))
    @rule(pick=picks, wish=st.sampled_from([ACCEPTED, PENDING, REJECTED]))
    def the_province_acts_and_its_answer_is_slow(self, pick: int, wish: AnswerStatus) -> None:
        flights = [f for f in self.world.flights if f.told is None]
        self.world.arrive(flights[pick % len(flights)], wish)

    @precondition(lambda self: self.world.flights)
    @rule(pick=picks, trouble=st.sampled_from(TROUBLE))
    def a_call_gets_no_answer(self, pick: int, trouble: OutcomeStatus) -> None:
        flight = self._flight(pick)
        if flight.call.patient:  # goes on until it is answered, or gives up for good
            trouble = OutcomeStatus.UNUSABLE
        elif flight.told is not None:
            trouble = OutcomeStatus.UNKNOWN
        self.world.end(flight, CallOutcome(status=trouble, code="test", poll_after_s=0))

    @precondition(lambda self: self.world.lost)
    @rule(pick=picks, wish=st.sampled_from([ACCEPTED, PENDING, REJECTED]))
    def a_lost_call_arrives_late(self, pick: int, wish: AnswerStatus) -> None:
        call = self.world.lost.pop(pick % len(self.world.lost))
        if call.verb is not Verb.FIND:
            self.world.receiver.take(call, wish)

    @precondition(lambda self: self.world.receiver.pending())
    @rule(pick=picks, answer=st.sampled_from([ACCEPTED, ACCEPTED, REJECTED]), tell=st.booleans())
    def the_province_ends_what_it_took_in(self, pick: int, answer: AnswerStatus, tell: bool) -> None:
        entry = self._pick(self.world.receiver.pending(), pick)
        self.world.receiver.complete(entry, answer)
        if tell:
            self.world.call_back(entry.callback("told"))

    @precondition(lambda self: self.world.receiver.pending())
    @rule(pick=picks)
    def the_province_forgets(self, pick: int) -> None:
        self.world.receiver.forget(self._pick(self.world.receiver.pending(), pick))

    @precondition(lambda self: any(e.status is not PENDING for e in self.world.receiver.entries.values()))
    @rule(pick=picks)
    def a_callback_comes_again_or_early(self, pick: int) -> None:
        ended = [e for e in self.world.receiver.entries.values() if e.status is not PENDING]
        self.world.call_back(self._pick(ended, pick).callback("again"))

    @precondition(lambda self: self.world.receiver.entries)
    @rule(pick=picks)
    def a_callback_contradicts_the_record(self, pick: int) -> None:
        entry = self._pick(list(self.world.receiver.entries.values()), pick)
        state = self.world.process.state
        waits = any(s.key == entry.call.key and s.status in OPEN_ENDED for s in state.steps.values())
        waits = waits or any(u.undo_key == entry.call.key and u.status is UndoStatus.PENDING for u in state.undo)
        if not waits:
            before = state.model_dump_json()
            lie = REJECTED if entry.status is ACCEPTED else ACCEPTED
            assert not self.world.call_back(entry.callback("lie", lie))
            assert self.world.process.state.model_dump_json() == before

    @rule()
    def a_callback_of_nobody(self) -> None:
        before = self.world.process.state.model_dump_json()
        entry = Entry(
            next(iter(self.world.flights or [_stray(self.world)])).call.model_copy(update={"key": "f" * 64}), ACCEPTED
        )
        assert not self.world.call_back(entry.callback("stray"))
        assert self.world.process.state.model_dump_json() == before

    @precondition(lambda self: self.world.process.state.tasks)
    @rule(pick=picks, choice=picks, kind=st.booleans())
    def somebody_decides(self, pick: int, choice: int, kind: bool) -> None:
        tasks = self.world.process.state.tasks
        task = list(tasks)[pick % len(tasks)]
        outcomes = tasks[task].outcomes
        refusal = self.world.decide(task, outcomes[0] if kind else outcomes[choice % len(outcomes)])
        assert refusal in {None, "supplement_open", "originals_missing"}

    @precondition(lambda self: any(s.status is StepStatus.PREVIEW for s in self.world.process.state.steps.values()))
    @rule(pick=picks, accept=st.booleans())
    def the_applicant_answers(self, pick: int, accept: bool) -> None:
        asked = [i for i, s in self.world.process.state.steps.items() if s.status is StepStatus.PREVIEW]
        step = asked[pick % len(asked)]
        refusal = self.world.evidence(step, accept=accept)
        assert refusal in {None, "replacement_required"}

    @precondition(lambda self: any(s.calling is Verb.OFFER for s in self.world.process.state.steps.values()))
    @rule(pick=picks)
    def the_applicant_does_not_wait_for_the_register(self, pick: int) -> None:
        asked = [i for i, s in self.world.process.state.steps.items() if s.calling is Verb.OFFER]
        self.world.evidence(asked[pick % len(asked)], accept=False)

    @precondition(lambda self: len(self.world.batches) > 3)
    @rule()
    def the_applicant_withdraws(self) -> None:
        refusal = self.world.withdraw()
        assert refusal in {None, "case_closed", "too_late_to_withdraw"}
        if refusal is None:
            assert self.world.process.state.closing is not None

    @precondition(lambda self: self.world.orders)
    @rule(pick=picks)
    def the_same_command_comes_again(self, pick: int) -> None:
        before = self.world.process.state.model_dump_json()
        assert self.world.order(self.world.orders[pick % len(self.world.orders)]) is None
        assert self.world.process.state.model_dump_json() == before

    # the verbs of the law, asked for by anybody at any time: refused with a code or carried out whole

    def _clerk(self, pick: int) -> Actor:
        tasks = list(self.world.process.state.tasks.values())
        place = tasks[pick % len(tasks)].place if tasks else self.world.process.accepting
        role = Role.SUPERVISOR if pick % 7 == 0 else Role.CASEWORKER
        return Actor(subject=f"w-{pick % 3}", role=role, region=place.region, department=place.department)

    def _order(self, order: AnyOrder) -> None:
        refusal = self.world.order(order)
        assert refusal is None or refusal in ERRORS

    @precondition(lambda self: self.world.process.state.tasks)
    @rule(pick=picks, abouts=st.sets(st.sampled_from(["material:later", "form:name", "material:x"]), max_size=2))
    def a_supplement_is_asked_for(self, pick: int, abouts: set[str]) -> None:
        tasks = list(self.world.process.state.tasks)
        items = tuple(
            SupplementItem(id=f"i{n}", about=about, kind=ItemKind.INCOMPLETE) for n, about in enumerate(sorted(abouts))
        )
        number, task = len(self.world.orders), tasks[pick % len(tasks)]
        self._order(
            RequestSupplementCommand(
                id=f"rs{number}", actor=self._clerk(pick), task=task, items=items, about_new=pick % 2 == 0
            )
        )

    @precondition(lambda self: self.world.process.state.supplements)
    @rule(pick=picks, some=st.booleans(), cancel=st.booleans())
    def a_supplement_is_answered_or_taken_back(self, pick: int, some: bool, cancel: bool) -> None:
        supplements, number = self.world.process.state.supplements, len(self.world.orders)
        name = list(supplements)[pick % len(supplements)]
        if cancel:
            by = supplements[name].by
            self._order(CancelSupplementCommand(id=f"cs{number}", actor=by, supplement=name))
            return
        items = tuple(item.id for item in supplements[name].items)
        given = items[:1] if some else items
        self._order(ReplySupplementCommand(id=f"ys{number}", actor=CITIZEN, supplement=name, items=given))

    @rule(pick=picks)
    def more_time_is_asked_for(self, pick: int) -> None:
        clocks = [clock.id for clock in self.world.plan.clocks] or ["none"]
        number = len(self.world.orders)
        clock = clocks[pick % len(clocks)]
        self._order(AskExtensionCommand(id=f"ax{number}", actor=self._clerk(pick), clock=clock))

    @rule(pick=picks, days=st.integers(0, 40), end=st.booleans())
    def a_procedure_begins_or_ends(self, pick: int, days: int, end: bool) -> None:
        number, actor = len(self.world.orders), self._clerk(pick)
        if end:
            self._order(EndProcedureCommand(id=f"ep{number}", actor=actor, procedure="review"))
        else:
            self._order(BeginProcedureCommand(id=f"bp{number}", actor=actor, procedure="review", planned_days=days))

    @rule(pick=picks)
    def what_was_promised_is_handed_in(self, pick: int) -> None:
        owed = list(self.world.process.state.promises) or ["later"]
        name = owed[pick % len(owed)]
        self._order(HandInCommand(id=f"hi{len(self.world.orders)}", actor=CITIZEN, material=name))

    @rule(pick=picks, agree=st.sampled_from([True, True, True, False]))
    def somebody_signs(self, pick: int, agree: bool) -> None:
        actor = Actor(subject=SIGNERS[pick % 2], role=Role.CITIZEN)
        self._order(CosignCommand(id=f"sg{len(self.world.orders)}", actor=actor, agree=agree))

    @rule(pick=picks)
    def somebody_objects(self, pick: int) -> None:
        name = list(self.world.process.state.steps)[pick % len(self.world.process.state.steps)]
        self._order(ObjectCommand(id=f"ob{len(self.world.orders)}", actor=CITIZEN, step=name))

    @precondition(lambda self: self.world.process.state.originals)
    @rule()
    def an_original_travels(self) -> None:
        for name, stage in self.world.process.state.originals.items():
            if custody.CHAIN[stage] is not None:
                refusal = self.world.carry(name)
                assert refusal in {None, "case_closed"}
                return

    @rule(pick=picks, region=st.sampled_from(["320100", "330100"]))
    def the_case_is_passed_on(self, pick: int, region: str) -> None:
        self._order(TransferCommand(id=f"tr{len(self.world.orders)}", actor=self._clerk(pick), region=region))

    @rule(pick=picks)
    def another_body_is_asked(self, pick: int) -> None:
        number = len(self.world.orders)
        self._order(OpinionCommand(id=f"op{number}", actor=self._clerk(pick), region="330000", department="ecology"))

    @rule(pick=picks, object_=st.booleans())
    def the_form_is_corrected(self, pick: int, object_: bool) -> None:
        number, corrections = len(self.world.orders), list(self.world.process.state.corrections)
        if object_ and corrections:
            name = corrections[pick % len(corrections)]
            self._order(ObjectCorrectionCommand(id=f"oc{number}", actor=CITIZEN, correction=name))
        else:
            self._order(CorrectCommand(id=f"co{number}", actor=self._clerk(pick), fields=("name",)))

    @rule(by=st.sampled_from([None, None, timedelta(minutes=5), timedelta(days=3), timedelta(days=40)]))
    def time_passes(self, by: timedelta | None) -> None:
        self.world.pass_time(by)

    @rule(years=st.integers(0, 2))
    def a_holiday_notice_is_published(self, years: int) -> None:
        calendar = WorkCalendar(years=LIBRARY.calendar.years[:years])
        self.world.act(lambda p: p.recalendar(calendar, self.world.now))

    def _pick(self, entries: list[Entry], pick: int) -> Entry:
        return entries[pick % len(entries)]

    def teardown(self) -> None:
        if hasattr(self, "world") and self.world.sound:
            finish(self.world)


def _stray(world: World) -> Flight:
    step = world.plan.steps[0]
    return Flight(answers.call(world.process, step.id, Verb.SUBMIT, "f" * 64))


CaseMachine.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=35,
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestCase = CaseMachine.TestCase
