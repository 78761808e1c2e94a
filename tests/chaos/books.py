"""What has to hold when a case is over: in the receivers' books, and in ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

from adapters.errors import ProvinceError
from domain.case import TERMINAL, CaseStatus, StepStatus
from domain.effects import Answer, AnswerStatus, Verb
from domain.invariants import CHECKS
from models.effects import effects_of as effects_of_case
from models.effects import question_about
from models.inspection import case_file
from tests.chaos.case import Case, effects_of
from tests.chaos.town import LIBRARY


async def wrong(case: Case) -> list[str]:
    """Sentences about what is wrong with a case that is over."""
    rows = await case.town.ledger(case.no)
    statuses = {s["id"]: StepStatus(s["status"]) for leg in case.shown["legs"] for s in leg["steps"]}
    found = [*_at_most_once(rows), *_as_it_ended(case, rows, statuses)]
    file = await case_file(case.town.database, case.no, case.town.missing)
    now = datetime.now(UTC)
    found += [f"invariant {number}: {what}" for number, rule in CHECKS for what in rule(file, now, LIBRARY.calendar)]
    found += [sentence async for sentence in _as_they_say(case)]
    if case.wish.end == "granted" and not case.wish.mark and case.status is not CaseStatus.COMPLETED:
        found.append(f"nobody has refused it and it ended as {case.status}")
    return [f"{case.no}: {what}" for what in found]


async def _as_they_say(case: Case) -> AsyncIterator[str]:
    """Every province knows each answer we hold, and says the same; what is undone is asked for by its reversal."""
    async with case.town.database.begin() as session:
        effects = await effects_of_case(session, case.no)
    undone = {effect.original for effect in effects if effect.verb == Verb.REVERSE and effect.answer}
    for effect in effects:
        if effect.answer is None or effect.key in undone:
            continue
        ours = Answer.model_validate(effect.answer)
        if ours.status is AnswerStatus.PENDING:
            continue  # nobody waits for its end any more; if it is an effect, the ledger tells
        if effect.verb == Verb.REVERSE and not ours.reference:
            continue  # there was nothing to undo
        try:
            answer = await case.town.provinces.get(effect.region[:2] + "0000").find(question_about(effect))
        except ProvinceError as error:  # two matters under one number, for one
            yield f"{effect.verb} of {effect.step} cannot be asked for in {effect.region}: {error}"
            continue
        if answer is None or answer.status is not ours.status:
            told = answer.status if answer else "nothing"
            yield f"{effect.verb} of {effect.step} is {ours.status} here, {told} in {effect.region}"


def _at_most_once(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Whatever became of the case: at no moment is an effect there twice, nor undone before it was there."""
    standing: dict[tuple[str, str], int] = defaultdict(int)
    done: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in rows:
        place = (row["leg"], row["step"])
        standing[place] += row["delta"]
        if standing[place] not in {0, 1}:
            yield f"{place} stands {standing[place]} times in {row['region']}"
        if row["delta"] == 1 or row["verb"] in {"fetch", "consult", "notify"}:
            done[*place, row["verb"]] += 1
    for (leg, step, verb), times in done.items():
        if times > 1:
            yield f"{verb} of {leg}/{step} was done {times} times"


def _as_it_ended(case: Case, rows: list[dict[str, Any]], statuses: dict[str, StepStatus]) -> Iterator[str]:
    net: dict[str, int] = defaultdict(int)
    times: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        net[row["step"]] += row["delta"]
        times[row["step"], row["verb"]] += 1
        if row["leg"] != case.steps[row["step"]].leg:
            yield f"{row['step']} stands under leg {row['leg']}"
    if case.status not in TERMINAL:
        yield f"it is over and {case.status}"
    for step, verb in effects_of(case).items():
        if case.status is not CaseStatus.COMPLETED:
            if net[step]:
                yield f"{step} stands {net[step]} times although the case ended as {case.status}"
        elif statuses[step] is StepStatus.DONE:
            replaced = any(e["step"] == step and e["state"] == "replaced" for e in case.shown["evidence"])
            wanted = 0 if replaced else 1
            if times[step, verb] != wanted or (verb == "submit" and net[step] != 1):
                yield f"{verb} of {step} stands {times[step, verb]} times, net {net[step]}, instead of {wanted}"
        elif net[step]:
            yield f"{step} is {statuses[step]} and stands {net[step]} times"
