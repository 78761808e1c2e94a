"""Services: what there is, what each needs, whether it fits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from fastapi import APIRouter, Request

from api.access import APPLICANTS
from api.auth import LoggedIn, need
from api.house import House, house
from api.problems import item_of
from api.schemas import Precheck
from api.schemas_people import PrefillIn, PrefillOut
from api.schemas_services import (
    ConsentOut,
    PrecheckOut,
    ServiceList,
    ServiceOut,
)
from api.usecases import prefill, submit
from api.views_services import full, short
from domain.calendar import local_day
from domain.errors import Refusal, Refusals
from domain.plan import Material, MaterialSource, Mode

router = APIRouter(prefix="/v1/services", tags=["services"])


def _today() -> date:
    return local_day(datetime.now(UTC))


@router.post("/{code}/prefill", operation_id="prefill")
async def prefill_form(code: str, body: PrefillIn, request: Request, login: LoggedIn) -> PrefillOut:
    """What registers hold about the person logged in, for the fields of the form; nobody else's data is looked up."""
    need(login.actor, *APPLICANTS)
    return await prefill.fill(house(request), house(request).library.service(code, _today()), login, body.form)


@router.get("/{code}/consent", operation_id="getConsentForm")
async def get_consent(code: str, request: Request) -> ConsentOut:
    """The text an applicant agrees to before papers are collected for another place, or a session begins."""
    h = house(request)
    plan = h.library.service(code, _today())
    form = h.library.consent
    return ConsentOut(
        version=form.version, title=form.title, text=form.text, needed=plan.mode is Mode.COLLECT_AGENT, tag=form.tag
    )


@router.get("", operation_id="listServices")
async def list_services(request: Request) -> ServiceList:
    """Every published service."""
    return ServiceList(services=[short(plan) for plan in house(request).library.published(_today())])


@router.get("/{code}", operation_id="getService")
async def get_service(code: str, request: Request) -> ServiceOut:
    """One service: form, materials, steps per province, clocks, what cannot be undone."""
    return full(house(request).library.service(code, _today()))


def _asked(needed: Mapping[str, Material], material: str) -> bool:
    """Whether this form needs it; as long as the form does not pass, whatever the service may need."""
    return not needed or needed[material].required


@router.post("/{code}/precheck", operation_id="precheck")
async def precheck(code: str, body: Precheck, request: Request) -> PrecheckOut:
    """Whether it fits, before anything is uploaded or stored. Wrong fields are told, not refused."""
    h: House = house(request)
    plan, needed = h.library.service(code, _today()), {}
    try:
        needed = submit.wanted(submit.check(h, code, body.form))
        faults: list[Refusal] = []
    except Refusals as found:
        faults = found.items
    return PrecheckOut(
        eligible=not faults,
        errors=[item_of(fault) for fault in faults],
        upload=[
            m.id for m in plan.materials if m.source is MaterialSource.UPLOAD and (not needed or needed[m.id].required)
        ],
        fetched=[m.id for m in plan.materials if m.source is not MaterialSource.UPLOAD],
    )
