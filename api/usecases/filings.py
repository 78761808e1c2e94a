"""异地就医备案: applied for, decided by rule or by a caseworker, changed, cancelled. The rules are domain.medical's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from api.auth import Login, need
from api.house import House
from api.schemas_medical import (
    CategoryOut,
    ChangeIn,
    CheckIn,
    CheckOut,
    FilingDecisionIn,
    FilingIn,
    FilingOut,
    FilingRulesOut,
    MatterDoneOut,
    PaperOut,
    PreviewOut,
    ProofIn,
)
from api.usecases.files import kept_files
from api.usecases.health import may_read_health, own_person
from api.usecases.matters import (
    act_id,
    age_on,
    checked_number,
    digest_of_login,
    do,
    found_matter,
    known_region,
    person_parts,
    place,
    waits,
)
from catalogue.medical import filing_book
from domain import names
from domain.calendar import local_day
from domain.errors import ERRORS, Refusal, Refusals
from domain.identifiers import normalise_id
from domain.medical import MatterKind, matter_number
from domain.medical.access import DataKind
from domain.medical.filing import start_of
from domain.medical.filing_decision import (
    Care,
    FilingDecision,
    FilingRequest,
    Outcome,
    RuleLine,
    Said,
    decide_filing,
    filing_in_force,
)
from domain.medical.filing_messages import (
    HELD,
    IN_FORCE,
    AnyFilingAct,
    CancelFiling,
    DecideFiling,
    FilingStart,
    FilingStatus,
    FilingView,
    HandInProof,
)
from domain.medical.filing_rules import FilingRules, pool_of
from domain.messages import Acting, Actor, Role, Text
from domain.regions import covers
from models.cases import next_sequence
from models.database import Session
from models.filings import add_to_form, filings_of, insert_filing, lock_person
from models.matters import Matter

PROOF = "acting:proof"  # no material is called so
PEOPLE = (Role.CITIZEN, Role.AGENT, Role.CASEWORKER)
_FIELDS = {
    "filing_day": "/first",
    "filing_after_discharge": "/discharged",
    "filing_late": "/admitted",
    "filing_same_province": "/destination",
    "guardian_required": "/acting",
    "acting_not_allowed": "/acting/basis",
    "field_invalid": "/insutype",
    "commitment_restricted": "/committed",
}
REASONS = {
    "proof_missed": Text(zh="承诺事项逾期未补交", en="the proof of a commitment did not come in time"),
    "referral_over": Text(zh="转诊已取消或未就诊", en="the referral came to nothing"),
}


async def submit(session: Session, house: House, login: Login, body: FilingIn) -> tuple[FilingOut, str, int]:
    """A new filing, decided by the rules at once or left to a caseworker; with its number and outbox message."""
    number = checked_number(body.person.id_number, "/person/id_number")
    acting = _acting(login, body, number)
    known_region(house, body.insured, "/insured")
    known_region(house, body.destination, "/destination")
    today = local_day(datetime.now(UTC))
    files, handed = await _papers(session, login.actor, body.documents)
    if body.acting is not None and body.acting.document:
        files[PROOF] = list(
            (await kept_files(session, login.actor, {"/acting/document": body.acting.document})).values()
        )
    identified = body.acting is None or body.acting.basis is Acting.CLERK
    request = FilingRequest(
        insured=body.insured,
        insutype=body.insutype,
        destination=body.destination,
        category=body.category,
        first=body.first,
        materials=("filing_form", *(("identity",) if identified else ()), *handed),
        committed=tuple(body.committed),
        admitted=body.admitted,
        discharged=body.discharged,
        age=age_on(number, today),
        basis=body.acting.basis if body.acting else None,
    )
    form = person_parts(body.person, number) | {"documents": files}
    owners = (body.acting.principal,) if body.acting else ()
    return await _insert(session, house, login, acting, request, form, names.person_digest(number), owners)


async def change(session: Session, house: House, login: Login, no: str, body: ChangeIn) -> tuple[FilingOut, str, int]:
    """A filing that takes the place of another as soon as it is in force; until then that one holds."""
    old = await own_filing(session, login, no, lock=True)
    view, start = FilingView.model_validate(old.progress), FilingStart.model_validate(old.start)
    if view.status not in IN_FORCE:
        raise Refusal("matter_closed" if old.closed_at else "filing_state")
    known_region(house, body.destination, "/destination")
    files, handed = await _papers(session, login.actor, body.documents)
    request = FilingRequest(
        insured=start.request.insured,
        insutype=start.request.insutype,
        destination=body.destination,
        category=body.category,
        first=body.first,
        materials=("filing_form", "identity", *handed),  # as when the first one was made
        committed=tuple(body.committed),
        age=start.request.age,
        basis=start.request.basis,
        replaces=no,
    )
    form = {key: value for key, value in old.form.items() if key != "documents"} | {"documents": files}
    owners = tuple(owner for owner in start.owners if owner != login.actor.subject)
    actor = _as_before(start, login.actor)
    return await _insert(session, house, login, actor, request, form, old.person, owners)


async def _insert(
    session: Session,
    house: House,
    login: Login,
    asked_by: Actor,
    request: FilingRequest,
    form: Mapping[str, Any],
    person: str,
    owners: tuple[str, ...],
) -> tuple[FilingOut, str, int]:
    await lock_person(session, person)
    now = datetime.now(UTC)
    rules, today = filing_book().rules(request.insured), local_day(now)
    decision = decide_filing(rules, request, await filings_of(session, person, request.insured), today)
    refuse(rules, decision)
    no = matter_number(MatterKind.FILING, request.insured, today, await next_sequence(session))
    calendar = await house.calendars.in_force(session, rules.insured)
    start = start_of(rules, no, request, decision, asked_by=asked_by, owners=owners, working_days=calendar)
    message = await insert_filing(session, start, person=person, form=form, now=now)
    return await shown(house, await found_matter(session, no, MatterKind.FILING)), no, message


def refuse(rules: FilingRules, decision: FilingDecision) -> None:
    """Refusals for what cannot be filed so; nothing is kept of it."""
    if decision.outcome is Outcome.NOT_NEEDED:
        line = next(line for line in decision.trace if line.said is Said.NOT_NEEDED)
        raise Refusal("filing_not_needed", "/category", line.text)
    faults = [Refusal(line.code, _field(line), line.text) for line in decision.trace if line.said is Said.NOT_MET]
    if faults:
        raise Refusals(sorted(faults, key=lambda fault: ERRORS[fault.code].status != 409))


def _field(line: RuleLine) -> str:
    if line.rule.startswith("material:"):
        name = line.rule.removeprefix("material:")
        return f"/committed/{name}" if line.code == "material_core" else f"/documents/{name}"
    return _FIELDS.get(line.code, "/destination")


def _acting(login: Login, body: FilingIn, number: str) -> Actor:
    """The actor with whom he acts for. For himself only by his verified number; for another on a basis, with proof."""
    actor, acting = login.actor, body.acting
    if acting is None:
        need(actor, Role.CITIZEN)
        if not login.number:
            raise Refusal("identity_not_verified")
        if normalise_id(login.number) != number:
            raise Refusal("person_not_you", "/person/id_number")
        return actor
    counter = acting.basis is Acting.CLERK
    need(actor, *((Role.CASEWORKER,) if counter else (Role.CITIZEN, Role.AGENT)))
    if acting.principal == actor.subject or (login.number and normalise_id(login.number) == number):
        raise Refusal("own_case" if counter else "acting_for_oneself", "/acting/principal")
    if not acting.document and not counter:
        raise Refusal("field_missing", "/acting/document")
    principal = acting.principal or names.principal_digest(number)
    return actor.model_copy(update={"principal": principal, "basis": acting.basis})


def _as_before(start: FilingStart, actor: Actor) -> Actor:
    if actor.subject != start.asked_by.subject:
        return actor
    return actor.model_copy(update={"principal": start.asked_by.principal, "basis": start.asked_by.basis})


async def _papers(
    session: Session, actor: Actor, documents: Mapping[str, Sequence[str]]
) -> tuple[dict[str, list[dict[str, Any]]], tuple[str, ...]]:
    """What is kept of the files by material, and which materials there is a file for."""
    wanted = {f"/documents/{name}/{i}": file for name, ids in documents.items() for i, file in enumerate(ids)}
    found = await kept_files(session, actor, wanted)
    kept = {name: [found[file] for file in dict.fromkeys(ids)] for name, ids in documents.items() if ids}
    return kept, tuple(kept)


# who may see one


async def read(session: Session, house: House, login: Login, no: str) -> tuple[FilingOut, int]:
    """One filing with its revision. A reading by the office of the insured place is logged."""
    matter = await visible_filing(session, login, no)
    await _logged(session, login, matter)
    return await shown(house, matter), matter.recorded


async def listed(session: Session, house: House, login: Login, rows: Sequence[Matter]) -> list[FilingOut]:
    """Filings that were found for this person, each reading by an office logged."""
    for matter in rows:
        await _logged(session, login, matter)
    return [await shown(house, matter) for matter in rows]


async def _logged(session: Session, login: Login, matter: Matter) -> None:
    if not _is_own(login, matter):
        await may_read_health(session, login.actor, matter.person, DataKind.FILING, matter, own=own_person(login))


async def visible_filing(session: Session, login: Login, no: str, *, lock: bool = False) -> Matter:
    """A filing, for whose it is and for the office of the insured place; Refusal(not_found) for anybody else."""
    matter = await found_matter(session, no, MatterKind.FILING, lock=lock)
    if _is_own(login, matter) or _is_office(login.actor, FilingStart.model_validate(matter.start)):
        return matter
    raise Refusal("not_found")


async def own_filing(session: Session, login: Login, no: str, *, lock: bool = False) -> Matter:
    """A filing that is this person's, or was filed by him for another, also at a counter."""
    matter = await visible_filing(session, login, no, lock=lock)
    if not _is_own(login, matter):
        raise Refusal("forbidden")
    return matter


def _is_own(login: Login, matter: Matter) -> bool:
    if login.actor.role not in PEOPLE:
        return False
    owners = FilingStart.model_validate(matter.start).owners
    mine = login.actor.role is Role.CITIZEN and digest_of_login(login) == matter.person
    return login.actor.subject in owners or mine


def _is_office(actor: Actor, start: FilingStart) -> bool:
    if actor.department != start.office.department:
        return False
    if actor.role is Role.SUPERVISOR:
        return covers(actor.region, start.office.region)
    return actor.role is Role.CASEWORKER and actor.region == start.office.region


def works_at_office(actor: Actor) -> bool:
    """Whether this person works where filings of a place are decided."""
    placed = actor.role in {Role.CASEWORKER, Role.SUPERVISOR}
    return placed and actor.department == filing_book().rules(actor.region).office.department


# what is done in one


async def decide(house: House, login: Login, no: str, body: FilingDecisionIn, revision: int, key: str) -> MatterDoneOut:
    """By a caseworker of the insured place, on what he has read."""
    async with house.database.begin() as session:
        matter = await visible_filing(session, login, no)
    if login.actor.role is not Role.CASEWORKER:
        raise Refusal("forbidden")
    if digest_of_login(login) == matter.person:
        raise Refusal("own_case")
    if revision != matter.recorded:
        raise Refusal("version_conflict", "/If-Match")
    act = DecideFiling(
        id=act_id(login, matter, body, "decide", key),
        actor=login.actor,
        outcome=body.outcome,
        reason=body.reason,
        reference=body.reference,
    )
    return await do(house, matter, act)


async def hand_in(house: House, login: Login, no: str, body: ProofIn, key: str) -> MatterDoneOut:
    """The proof of a commitment: every paper that was promised."""
    async with house.database.begin() as session:
        matter = await visible_filing(session, login, no, lock=True)
        start, view = FilingStart.model_validate(matter.start), FilingView.model_validate(matter.progress)
        if matter.closed_at is not None:
            raise Refusal("matter_closed")
        if view.status is not FilingStatus.PENDING_PROOF:
            raise Refusal("filing_state")
        promised = set(start.request.committed) - set(start.request.materials)
        files, handed = await _papers(session, login.actor, body.documents)
        if missing := sorted(promised - set(handed)):
            raise Refusal("material_missing", f"/documents/{missing[0]}")
        if unknown := sorted(set(handed) - promised):
            raise Refusal("material_unknown", f"/documents/{unknown[0]}")
        await add_to_form(session, no, "documents", dict(matter.form["documents"]) | files)
    ids = tuple(file["id"] for group in files.values() for file in group)
    act = HandInProof(id=act_id(login, matter, body, "proof", key), actor=_as_before(start, login.actor), documents=ids)
    return await do(house, matter, act)


async def cancel(house: House, login: Login, no: str, reason: str, key: str) -> MatterDoneOut:
    """By whose it is, or by the office of the insured place."""
    async with house.database.begin() as session:
        matter = await visible_filing(session, login, no)
    need(login.actor, *PEOPLE)
    actor = _as_before(FilingStart.model_validate(matter.start), login.actor)
    act: AnyFilingAct = CancelFiling(
        id=act_id(login, matter, None, f"cancel {reason}", key), actor=actor, reason=reason
    )
    return await do(house, matter, act)


async def check(session: Session, house: House, login: Login, body: CheckIn) -> CheckOut:
    """Would this be covered, and what would the rules say if it were filed. Nothing is kept."""
    known_region(house, body.insured, "/insured")
    known_region(house, body.destination, "/destination")
    rules, today = filing_book().rules(body.insured), local_day(datetime.now(UTC))
    existing = await filings_of(session, _about(login, rules, body), body.insured)
    care = Care(
        insured=body.insured,
        destination=body.destination,
        med_type=body.med_type,
        day=body.day or today,
        emergency=body.emergency,
    )
    covered = filing_in_force(rules, existing, care)
    preview = None
    if body.category is not None:
        papers = rules.categories[body.category].materials
        request = FilingRequest(
            insured=body.insured,
            insutype=body.insutype,
            destination=body.destination,
            category=body.category,
            first=body.day,
            materials=papers,
        )
        told = decide_filing(rules, request, existing, today)
        preview = PreviewOut(outcome=told.outcome, first=told.first, last=told.last, trace=list(told.trace))
    return CheckOut(
        covered=covered.category is not None,
        category=covered.category,
        filing=covered.filing,
        why=covered.why,
        trace=list(covered.trace),
        if_filed=preview,
    )


def _about(login: Login, rules: FilingRules, body: CheckIn) -> str:
    """Whom it is about: oneself, or whoever the insured place's caseworker names."""
    actor = login.actor
    if actor.role is Role.CASEWORKER:
        if (actor.region, actor.department) != (rules.insured, rules.office.department):
            raise Refusal("forbidden")
        return names.person_digest(checked_number(body.id_number, "/id_number"))
    need(actor, Role.CITIZEN)
    if not login.number:
        raise Refusal("identity_not_verified")
    if body.id_number and normalise_id(body.id_number) != normalise_id(login.number):
        raise Refusal("person_not_you", "/id_number")
    return digest_of_login(login)


# how it is shown


async def shown(house: House, matter: Matter) -> FilingOut:
    """A filing in words."""
    view, start = FilingView.model_validate(matter.progress), FilingStart.model_validate(matter.start)
    rules, today = filing_book().rules(view.insured), local_day(datetime.now(UTC))
    known, reason = view.known(matter.no), view.reason
    trouble = f"{view.trouble.purpose} {view.trouble.code}" if view.trouble else ""
    return FilingOut(
        no=matter.no,
        status=view.status,
        category=view.category,
        category_title=rules.categories[view.category].title,
        benefit=view.benefit,
        insured=place(house, pool_of(view.insured), start.office.department),
        destination=place(house, pool_of(view.destination)),
        insutype=start.request.insutype,
        first=view.first,
        last=view.last,
        applies=view.status in HELD and known is not None and known.holds(today),
        by_commitment=view.by_commitment,
        proof_due=view.proof_due,
        missed_proof=view.missed_proof,
        changeable_from=view.interval_from,
        registered=view.registered,
        reason=reason,
        reason_text=rules.refusals.get(reason) or REASONS.get(reason),
        decided_by=view.decided_by,
        review_due=view.review_due,
        overdue=view.overdue,
        trouble=trouble,
        replaces=start.request.replaces,
        replaced_by=view.replaced_by,
        referral=start.request.referral,
        documents=matter.form.get("documents", {}),
        person_name=matter.form["identity"]["psn_name"],
        waiting_on=waits(house, matter),
        trace=list(view.trace),
        rules=view.rules,
        created_at=matter.created_at,
        closed_at=matter.closed_at,
    )


def rules_out(house: House, insured: str) -> FilingRulesOut:
    """What an insured place says, for whoever is about to apply."""
    known_region(house, insured, "/insured")
    rules = filing_book().rules(insured)
    categories = []
    for category, rule in rules.categories.items():
        papers = [
            PaperOut(id=name, title=m.title, committable=m.committable and rules.commitment.allowed, tag=m.tag)
            for name, m in ((name, rules.materials[name]) for name in rule.materials)
        ]
        categories.append(
            CategoryOut(
                category=category,
                title=rule.title,
                benefit=rule.benefit,
                materials=papers,
                months=rule.validity.months if rule.validity else None,
                deemed=rule.deemed,
                basis=rule.basis,
                tag=rule.tag,
            )
        )
    return FilingRulesOut(
        version=rules.version,
        insured=rules.insured,
        required=rules.required.on,
        interval_months=rules.interval.months,
        commitment=rules.commitment.allowed,
        proof_days=rules.commitment.term.days,
        late_until_discharge=rules.late_until_discharge.on,
        acting=list(rules.acting),
        guardian_below=rules.guardian_below,
        categories=categories,
        waivers={waiver.id: waiver.title for waiver in rules.waivers},
        refusals=dict(rules.refusals),
    )
