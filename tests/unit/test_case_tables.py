"""The two tables of what may follow what, pair by pair."""

from __future__ import annotations

from itertools import product
from typing import TypeVar

import pytest

from domain.case import CASE_TRANSITIONS, SETTLED, STEP_TRANSITIONS, TERMINAL, WITHDRAWABLE, CaseStatus, StepStatus
from domain.process import Process
from tests.unit.plans import CASE_NO, CHAIN, LIBRARY, NOW

S, P = CaseStatus, StepStatus
T = TypeVar("T", CaseStatus, StepStatus)
ENDS = {S.COMPLETED, S.NOT_ACCEPTED, S.DECIDED_REFUSED, S.WITHDRAWN, S.TERMINATED}


def process() -> Process:
    return Process(CASE_NO, CHAIN, LIBRARY.calendar, NOW)


@pytest.mark.parametrize(("old", "new"), list(product(S, S)))
def test_a_case_goes_where_its_table_says_and_nowhere_else(old: CaseStatus, new: CaseStatus) -> None:
    case = process()
    case.state.status = old
    if new in CASE_TRANSITIONS[old]:
        case.set_status(new, NOW)
        assert case.state.status is new
        assert case.dirty
    else:
        with pytest.raises(RuntimeError, match="case cannot go"):
            case.set_status(new, NOW)
        assert case.state.status is old
        assert not case.dirty


@pytest.mark.parametrize(("old", "new"), list(product(P, P)))
def test_a_step_goes_where_its_table_says_and_nowhere_else(old: StepStatus, new: StepStatus) -> None:
    case = process()
    case.state.steps["a"].status = old
    if new in STEP_TRANSITIONS[old]:
        case.move("a", new, NOW)
        assert case.state.steps["a"].status is new
    else:
        with pytest.raises(RuntimeError, match="step a cannot go"):
            case.move("a", new, NOW)
        assert case.state.steps["a"].status is old


def reachable(table: dict[T, frozenset[T]], start: T) -> set[T]:
    found, todo = {start}, [start]
    while todo:
        for following in table[todo.pop()] - found:
            found.add(following)
            todo.append(following)
    return found


def test_the_tables_know_every_status_and_reach_it() -> None:
    assert set(CASE_TRANSITIONS) == set(S) == reachable(CASE_TRANSITIONS, S.SUBMITTED)
    assert set(STEP_TRANSITIONS) == set(P) == reachable(STEP_TRANSITIONS, P.WAITING)


def test_an_end_is_an_end() -> None:
    assert TERMINAL == ENDS
    assert all(not CASE_TRANSITIONS[status] for status in ENDS)
    assert {status for status, following in STEP_TRANSITIONS.items() if not following} == {
        P.CANCELLED,
        P.REVERSED,
        P.SKIPPED,
    }
    assert {P.CANCELLED, P.REVERSED, P.DONE} <= SETTLED


@pytest.mark.parametrize("status", sorted(set(S) - ENDS))
def test_from_everywhere_there_is_a_way_to_an_end(status: CaseStatus) -> None:
    assert reachable(CASE_TRANSITIONS, status) & ENDS


RANK = {
    S.SUBMITTED: 0,
    S.RECEIVED: 1,
    S.ACCEPTED: 2,
    S.UNDER_REVIEW: 3,
    S.DECIDED_GRANTED: 4,
    S.CERTIFICATE_MAKING: 5,
    S.REVERSING: 6,
} | dict.fromkeys(ENDS, 7)


@pytest.mark.parametrize(
    ("old", "new"), [(a, b) for a, following in CASE_TRANSITIONS.items() for b in sorted(following)]
)
def test_what_the_citizen_reads_never_goes_backwards(old: CaseStatus, new: CaseStatus) -> None:
    assert RANK[new] > RANK[old]


def test_withdrawing_is_possible_until_a_decision_has_been_made() -> None:
    assert {S.SUBMITTED, S.RECEIVED, S.ACCEPTED, S.UNDER_REVIEW} == WITHDRAWABLE
    assert all({S.WITHDRAWN, S.REVERSING} <= CASE_TRANSITIONS[s] for s in WITHDRAWABLE - {S.SUBMITTED})
    assert S.WITHDRAWN in CASE_TRANSITIONS[S.SUBMITTED]  # it waits for co-signers; nothing can have taken effect
    assert S.WITHDRAWN not in CASE_TRANSITIONS[S.DECIDED_GRANTED] | CASE_TRANSITIONS[S.CERTIFICATE_MAKING]


def test_nothing_completes_while_it_is_being_reversed() -> None:
    assert S.COMPLETED not in CASE_TRANSITIONS[S.REVERSING]
    assert P.DONE not in STEP_TRANSITIONS[P.REVERSING]
    assert STEP_TRANSITIONS[P.DONE] == {P.REVERSING}
