"""Roles and legs: who takes part, where, and on what ground one place acts for another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from catalogue.reading import Complaint
from domain.plan import Applicant, Mode, Plan, StepKind

PROVINCES = ("31", "32", "33", "34")
OWNERS = {"citizen", "agent", "caseworker"}


def check(plan: Plan) -> Iterator[Complaint]:
    """Places, the mode they work in, and who applies."""
    fields = plan.form_fields()
    used = {plan.accepting_role, plan.collecting_role} | {leg.role for leg in plan.legs}
    used |= {step.role for step in plan.steps} | {fee.role for fee in plan.fees}
    for name, role in plan.roles.items():
        path = ("roles", name)
        if bool(role.region) == bool(role.region_field):
            yield path, "role_region", "needs exactly one of region and region_field", "Keep one."
        elif role.region and not re.fullmatch(r"3[1-4][0-9]{4}", role.region):
            yield (*path, "region"), "region_unknown", f"{role.region} is outside the four provinces", "Mend it."
        elif role.region_field and not _is_region(fields.get(role.region_field, {})):
            yield (*path, "region_field"), "region_field", "no region field of the form", "Use format: region."
        elif role.region_field:
            yield from _check_present(plan, name, role.region_field)
            if name in {plan.accepting_role, plan.collecting_role} and _is_list(fields[role.region_field]):
                what = f"{name} would lie in several places"
                yield (*path, "region_field"), "region_many", what, "One place accepts, and one collects."
        if not re.fullmatch(r"[a-z_]{1,40}", role.department):
            what = f"nobody can log in as {role.department!r}"
            yield (*path, "department"), "department_format", what, "Use a-z and _, at most 40."
        if name not in used:
            yield path, "role_unused", f"nothing is done by {name}", "Remove it."
    if plan.accepting_role not in plan.roles:
        yield ("accepting_role",), "accepting_unknown", f"no role {plan.accepting_role}", "Name one of roles."
    if plan.collecting_role and plan.collecting_role not in plan.roles:
        yield ("collecting_role",), "collecting_unknown", f"no role {plan.collecting_role}", "Name one of roles."
    yield from _check_legs(plan)
    yield from _check_mode(plan)


def _is_region(field: Mapping[str, JsonValue]) -> bool:
    items = field.get("items")
    listed = isinstance(items, dict) and items.get("format") == "region"
    return field.get("format") == "region" or listed


def _is_list(field: Mapping[str, JsonValue]) -> bool:
    return field.get("type") == "array"


def _check_present(plan: Plan, name: str, field: str) -> Iterator[Complaint]:
    """A place that a form may leave out can only have parts that may be left out."""
    required = plan.form.get("required", [])
    if _is_list(plan.form_fields()[field]) or (isinstance(required, list) and field in required):
        return
    always = [step for step in plan.steps if step.role == name and not step.when]
    if always or name in {plan.accepting_role, plan.collecting_role}:
        what = f"{field} may be left out, and then {name} lies nowhere"
        yield ("roles", name, "region_field"), "region_optional", what, "Make the field required."


def _check_legs(plan: Plan) -> Iterator[Complaint]:
    legs = {leg.id for leg in plan.legs}
    for i, leg in enumerate(plan.legs):
        if leg.role not in plan.roles:
            yield ("legs", i, "role"), "leg_role_unknown", f"no role {leg.role}", "Name one of roles."
        if not any(step.leg == leg.id for step in plan.steps):
            yield ("legs", i), "leg_empty", f"leg {leg.id} has no step", "Remove it."
    for i, step in enumerate(plan.steps):
        if step.role not in plan.roles:
            yield ("steps", i, "role"), "role_unknown", f"no role {step.role}", "Name one of roles."
        if step.leg not in legs:
            yield ("steps", i, "leg"), "leg_unknown", f"no leg {step.leg}", "Name one of legs."


def _check_mode(plan: Plan) -> Iterator[Complaint]:
    if not plan.applicant:
        yield ("applicant",), "applicant_missing", "nobody applies", "Name who does."
    if not plan.owner_roles or not set(plan.owner_roles) <= OWNERS:
        what = "a case can belong to " + ", ".join(sorted(OWNERS))
        yield ("owner_roles",), "owner_role", what, "Name one of them, or more."
    authorities = plan.applicant == (Applicant.AUTHORITY,)
    citizens = {"citizen", "agent"} & set(plan.owner_roles)
    if plan.mode is Mode.GOVERNMENT and (not authorities or citizens):
        yield ("applicant",), "g2g_applicant", "between authorities nobody else applies", "applicant: [authority]."
    if plan.mode is not Mode.GOVERNMENT and Applicant.AUTHORITY in plan.applicant:
        yield ("applicant",), "applicant_authority", "an authority applies in mode g2g only", "Mend applicant or mode."
    if plan.mode is Mode.COLLECT_AGENT and not plan.collecting_role:
        yield ("mode",), "collecting_missing", "nobody collects", "Add collecting_role."
    if plan.mode is Mode.TWO_AUTHORITY:
        deciding = {step.role for step in plan.steps if step.kind is StepKind.DECIDE}
        if not any(step.kind is StepKind.CONSULT and step.role not in deciding for step in plan.steps):
            yield ("mode",), "consult_missing", "no other authority is asked to agree", "Add a step of kind consult."
    grant = plan.authorisation
    if plan.mode is Mode.DELEGATED and grant is None:
        yield ("mode",), "authorisation_missing", "acceptance is delegated without a document", "Add authorisation."
    if grant is not None:
        if not {grant.from_role, grant.to_role} <= set(plan.roles):
            yield ("authorisation",), "authorisation_role", "names a role that is not there", "Name two of roles."
        if grant.valid_to < plan.valid_from:
            yield ("authorisation", "valid_to"), "authorisation_expired", "over before it is used", "Renew it."
