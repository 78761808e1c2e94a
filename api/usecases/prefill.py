"""Prefilling a form from registers: only about the person whose number the identity provider has verified.

A register is asked to show, not to release: what it shows changes nothing there, is not stored here, and is used only
if the applicant leaves it in the form.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from pydantic import JsonValue

from adapters.errors import ProvinceError
from api.auth import Login
from api.house import House
from api.schemas_people import PrefillOut
from api.views import place_out
from domain.effects import AnswerStatus, ProvinceCall, Verb
from domain.errors import Refusal
from domain.identifiers import normalise_id
from domain.plan import Plan, StepPlan

PATIENCE_S = 4.0
HOLDER = "holder_id"
EMPTY = (None, "")  # no set: whoever calls may send lists and objects, which no set can be asked for


async def fill(house: House, plan: Plan, login: Login, form: Mapping[str, JsonValue]) -> PrefillOut:
    """Values for empty fields, by the ``x-prefill`` of each; what a register does not show is told, not refused."""
    if not login.number:
        raise Refusal("identity_not_verified")
    wanted = {
        name: str(field["x-prefill"])
        for name, field in plan.form_fields().items()
        if field.get("x-prefill") and form.get(name) in EMPTY
    }
    out = PrefillOut(values={}, sources={}, missing=[])
    known = dict(form)
    for name, source in wanted.items():
        value = {"account.name": login.name, "account.id": login.number}.get(source, "")
        if value:
            known[name] = out.values[name] = value
            out.sources[name] = {"account": True}
    by_step: dict[str, list[str]] = {}
    for name, source in wanted.items():
        if source.startswith("step."):
            by_step.setdefault(source.split(".")[1], []).append(name)
    shown = await asyncio.gather(*(_look(house, plan, plan.step(step), login, known) for step in by_step))
    for (step, names), (data, place, why) in zip(by_step.items(), shown, strict=True):
        if why:
            out.missing.append({"step": step, "title": plan.step(step).title, "place": place, "why": why})
        for name in names:
            value = data.get(wanted[name].split(".", 2)[2], "")
            if value:
                out.values[name] = value
                out.sources[name] = {"step": step, "title": plan.step(step).title, "place": place}
    return out


async def _look(
    house: House, plan: Plan, step: StepPlan, login: Login, form: Mapping[str, JsonValue]
) -> tuple[Mapping[str, str], object, str]:
    """What one register shows, where it is, and why it shows nothing."""
    role = plan.roles[step.role]
    region = role.region or str(form.get(role.region_field) or "")
    if region not in house.library.divisions.names:
        return {}, None, "place_unknown"
    place = place_out(house, region, role.department)
    payload = {
        name: str(form[source.removeprefix("form.")])
        for name, source in step.send.items()
        if source.startswith("form.") and form.get(source.removeprefix("form.")) not in EMPTY
    }
    if normalise_id(payload.get(HOLDER, "")) != normalise_id(login.number):
        return {}, place, "not_about_you"
    call = ProvinceCall(
        verb=Verb.OFFER, region=region, department=role.department, operation=step.operation, payload=payload
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            answer = await house.provinces.get(f"{region[:2]}0000").call(call)
    except (ProvinceError, TimeoutError):
        return {}, place, "unavailable"
    if answer.status is not AnswerStatus.ACCEPTED:
        return {}, place, "not_found"
    return answer.data, place, ""
