"""Documents: uploaded before submission, kept under their digest."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import JSONResponse

from api.access import UPLOADERS
from api.auth import Caller, need
from api.house import house
from api.idempotency import Answer, in_transaction
from api.schemas import DocumentOut
from api.usecases.content import check_content, safe_name
from domain.errors import Refusal
from models.database import Session
from models.documents import Document, insert_document, read_documents

router = APIRouter(prefix="/v1/documents", tags=["documents"])
CHUNK = 1024 * 1024
_ID = re.compile(r"d[0-9a-f]{26}")


@router.post("", status_code=201, response_model=DocumentOut, operation_id="uploadDocument")
async def upload(request: Request, caller: Caller, file: Annotated[UploadFile, File()]) -> JSONResponse:
    """Takes one file (PDF, OFD, PNG, JPEG). Its content must be what its type says; the digest is the receipt."""
    need(caller, *UPLOADERS)
    h = house(request)
    data = bytearray()
    while chunk := await file.read(CHUNK):
        data += chunk
        if len(data) > h.max_upload_bytes:
            raise Refusal("file_too_large", "/file")
    content = bytes(data)
    media_type = check_content(content, file.content_type or "", file.filename or "")
    digest = hashlib.sha256(content).hexdigest()
    await h.files.put(digest, content)

    async def work(session: Session) -> Answer:
        document = Document(
            id="d" + secrets.token_hex(13),
            owner=caller.subject,
            digest=digest,
            name=safe_name(file.filename or ""),
            media_type=media_type,
            size=len(content),
            created_at=datetime.now(UTC),
        )
        await insert_document(session, document)
        body = DocumentOut.model_validate(document, from_attributes=True)
        return Answer.of(body, status=201, headers={"Location": f"/v1/documents/{document.id}"})

    identity = hashlib.sha256(f"upload {digest} {safe_name(file.filename or '')} {media_type}".encode()).hexdigest()
    return await in_transaction(request, caller, work, digest=identity)


@router.get("/{document_id}", operation_id="getDocument")
async def get_document(document_id: str, request: Request, caller: Caller) -> DocumentOut:
    """What is known of a document I have uploaded."""
    if not _ID.fullmatch(document_id):
        raise Refusal("not_found")
    async with house(request).database.begin() as session:
        mine = await read_documents(session, caller.subject, [document_id])
    if document_id not in mine:
        raise Refusal("not_found")
    return DocumentOut.model_validate(mine[document_id], from_attributes=True)
