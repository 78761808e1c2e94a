"""The read-only FHIR façade. Refusals are problem documents, as everywhere."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.auth import LoggedIn
from api.fhir.checked import checked, installed
from api.fhir.readers import READERS
from api.house import house
from domain.errors import Refusal

router = APIRouter(prefix="/v1/medical/fhir", tags=["fhir"])
MEDIA_TYPE = "application/fhir+json"


@router.get(
    "/{resource}/{resource_id}",
    operation_id="readFhir",
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}},
        501: {"description": "The extra fhir is not installed"},
    },
)
async def read(
    resource: Annotated[str, Path(pattern="^[A-Za-z]{1,40}$")],
    resource_id: Annotated[str, Path(pattern="^[A-Za-z0-9.-]{1,64}$")],
    request: Request,
    login: LoggedIn,
) -> Response:
    """One resource, read on the same basis, and logged, as where it comes from."""
    if not installed():
        raise Refusal("fhir_not_installed")
    reader = READERS.get(resource)
    if reader is None:
        raise Refusal("not_found")
    async with house(request).database.begin() as session:
        found = await reader(session, house(request), login, resource_id)
        return Response(checked(found), media_type=MEDIA_TYPE)
