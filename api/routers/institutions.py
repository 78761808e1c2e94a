"""Designated medical institutions: who can do what, where, and settles with other provinces."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.house import House, house
from api.schemas import NO_NUL
from api.schemas_medical import InstitutionId, InstitutionOut, InstitutionPage
from api.usecases.matters import place
from catalogue.medical import institutions
from domain.calendar import local_day
from domain.errors import Refusal
from domain.medical.institution import CareKind, Institution, InstitutionQuery, find_institutions

router = APIRouter(prefix="/v1/medical/institutions", tags=["institutions"])
Word = Annotated[str, Query(max_length=40, pattern="^[A-Za-z0-9_]*$")]


@router.get("", operation_id="findInstitutions")
async def find(
    request: Request,
    region: Annotated[str, Query(pattern="^(3[1-4][0-9]{4})?$", description="a place and those inside it")] = "",
    level: Annotated[int | None, Query(ge=0, le=3)] = None,
    capability: Word = "",
    disease: Annotated[Word, Query(description="of chronic outpatient care, as M03900")] = "",
    networked: Annotated[CareKind | None, Query(description="settles this kind of care with other provinces")] = None,
    name: Annotated[str, Query(max_length=40, pattern=NO_NUL, description="part of it")] = "",
    day: Annotated[date | None, Query(description="today if left out")] = None,
    cursor: Annotated[str, Query(pattern="^([HP][0-9]{11})?$")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> InstitutionPage:
    """Those that are designated on a day and fit, in the order of their codes."""
    query = InstitutionQuery(
        region=region, level=level, capability=capability, disease=disease, care=networked, name=name.strip()
    )
    found = find_institutions(institutions().institutions, query, day or local_day(datetime.now(UTC)))
    rest = [item for item in found if item.code > cursor]
    page = rest[:limit]
    more = page[-1].code if len(rest) > limit else None
    return InstitutionPage(institutions=[_out(house(request), item) for item in page], total=len(found), next=more)


@router.get("/{code}", operation_id="getInstitution")
async def get_institution(code: InstitutionId, request: Request) -> InstitutionOut:
    """One of them, also one that is no longer designated, or not yet."""
    found = institutions().get(code)
    if found is None:
        raise Refusal("not_found")
    return _out(house(request), found)


def _out(house: House, item: Institution) -> InstitutionOut:
    listed = institutions()
    return InstitutionOut(
        **item.model_dump(exclude={"capabilities", "diseases", "networked"}),
        region_name=place(house, item.region).region_name,
        capabilities={code: listed.capabilities[code] for code in item.capabilities},
        diseases={code: listed.diseases[code] for code in item.diseases},
        networked=list(item.networked),
        synthetic=listed.synthetic,
    )
