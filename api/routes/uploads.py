"""Recordings in parts, in the manner of tus 1.0 (tus.io); `docs/uploads.md` shows how."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Response
from starlette.exceptions import HTTPException

from api import integrity, query, receiving
from api.paths import V1
from api.recordings import MAX_BYTES, Shelf, recognised
from api.schemas.memos import MemoFields
from api.schemas.uploads import Upload, UploadBody
from api.streaming import Stream, Streaming
from api.transaction import Authenticated
from api.visit import InWorkspace, Visit
from core.db import Transaction
from core.errors import Conflict, Rejected
from core.ids import uuid7
from core.services import jobs, memos, uploads
from core.services.jobs import Job
from core.services.uploads import Draft, UploadRow
from integrations.audio.formats import SNIFFED

router = APIRouter(prefix=f"{V1}/voice/uploads", tags=["voice"], route_class=Authenticated)
streams = APIRouter(prefix=f"{V1}/voice/uploads", tags=["voice"], route_class=Streaming)

PART: Final = "application/offset+octet-stream"
JOB_TOLD: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}
Length = Annotated[
    int, Header(alias="Upload-Length", ge=1, le=MAX_BYTES, description="Of the whole, in bytes")
]
Offset = Annotated[
    int,
    Header(alias="Upload-Offset", ge=0, le=MAX_BYTES, description="Where this part begins"),
]
TELLS: Final[dict[int | str, dict[str, Any]]] = {
    408: {"description": "It stalls, or is too slow; what arrived is kept: ask for the offset"},
    415: {"description": "No recording of a kind that we know"},
    200: {"description": "Complete, and over: the job", "content": JOB_TOLD},
    202: {"description": "Complete: the job of its memo", "content": JOB_TOLD},
    204: {"description": "Durable so far; `Upload-Offset` tells how far that is"},
}


@router.post(
    "",
    status_code=201,
    operation_id="create_upload",
    openapi_extra=query.documented(InWorkspace),
)
async def create_upload(
    visit: Visit, body: UploadBody, response: Response, upload_length: Length
) -> Upload:
    """Begin a recording that comes in parts. The same `capture_id` again goes on with it."""
    await receiving.may_begin(visit, visit.tx)
    upload_id = uuid7()
    shelf = await receiving.shelf(visit).of(visit.tx, visit.actor.user_id)
    draft = Draft(
        upload_id,
        body.capture_id or uuid7(),
        body.session_id,
        body.language,
        upload_length,
        integrity.of_hex(body.sha256, pointer="/sha256"),
        shelf.parts_key(visit.workspace_id, upload_id),
    )
    made = await uploads.create(
        visit.tx, visit.actor, visit.workspace_id, draft, now=visit.tx.began_at
    )
    response.headers.update(_told(made))
    response.headers["Location"] = f"/api/v1/voice/uploads/{made.id}"
    return Upload.of(made)


@router.head("/{upload_id}", include_in_schema=False)
@router.get("/{upload_id}", operation_id="get_upload")
async def get_upload(visit: Visit, upload_id: UUID, response: Response) -> Upload:
    """How far it is: `Upload-Offset`. `HEAD` tells the same without a body."""
    found = await uploads.get(visit.tx, visit.actor, upload_id, now=visit.tx.began_at)
    response.headers.update(_told(found))
    return Upload.of(found)


@streams.patch(
    "/{upload_id}",
    operation_id="append_to_upload",
    status_code=204,
    response_class=Response,
    responses=TELLS,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {PART: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def append_to_upload(visit: Stream, upload_id: UUID, upload_offset: Offset) -> Response:
    """Send what follows. What arrived before the network failed is kept.

    409 for another offset than the upload has. With the last byte it becomes a memo, and the
    answer is its job; should that answer be lost, an empty part at the end gets it again.
    """
    async with visit.opening(read_only=True) as tx:
        upload = await uploads.get(tx, visit.actor, upload_id, now=tx.began_at)
        shelf = await receiving.shelf(visit).of(tx, visit.actor.user_id)
    if visit.headers.get("content-type", "").partition(";")[0].strip().lower() != PART:
        raise HTTPException(415, f"send {PART}")
    if upload_offset != upload.received:
        raise Conflict(f"the upload is at offset {upload.received}")
    received = await _appended(visit, upload, shelf)
    headers = {"Upload-Offset": str(received)}
    if received < upload.length:
        return Response(status_code=204, headers=headers)
    answer = receiving.answer(await _completed(visit, upload_id, shelf))
    answer.headers.update(headers)
    return answer


@streams.delete(
    "/{upload_id}", operation_id="delete_upload", status_code=204, response_class=Response
)
async def delete_upload(visit: Stream, upload_id: UUID) -> Response:
    """Give it up: what arrived is gone. A memo that it became stays."""
    async with visit.opening() as tx:
        upload = await uploads.get(tx, visit.actor, upload_id, now=tx.began_at)
        uploads.remove(tx, upload)
    await _drop_parts(visit, upload)
    return Response(status_code=204)


@dataclass(slots=True)
class _Arriving:
    """The bytes of one part; `broken` is why there are no more of them."""

    size: int = 0
    broken: HTTPException | None = None

    async def watched(self, pieces: AsyncIterator[bytes], *, first: bool) -> AsyncIterator[bytes]:
        try:
            async for piece in pieces:
                if first and self.size == 0 and len(piece) >= SNIFFED:
                    recognised(piece[:SNIFFED])
                self.size += len(piece)
                yield piece
        except HTTPException as error:
            if error.status_code not in {400, 408}:
                raise
            self.broken = error


async def _appended(visit: Stream, upload: UploadRow, shelf: Shelf) -> int:
    """How much has been received, with what the network let through of this part."""
    arriving = _Arriving()
    body = visit.pieces(most=upload.length - upload.received)
    pieces = integrity.verified(visit.headers, arriving.watched(body, first=upload.received == 0))
    received = upload.received
    first = await anext(pieces, b"")
    if first:
        part = await shelf.keep_part(upload, first, pieces)
        async with shelf.unless_refused(part), visit.writing() as tx:
            received = await uploads.append(tx, upload, part, arriving.size)
    if arriving.broken is not None:
        raise arriving.broken
    return received


async def _completed(visit: Stream, upload_id: UUID, shelf: Shelf) -> Job:
    """The memo of what is all there. What is no recording, or another one, is given up."""
    async with visit.writing(read_only=True) as tx:
        upload = await uploads.get(tx, visit.actor, upload_id, now=tx.began_at)
        if upload.memo_id is not None:
            memo = await memos.get(tx, visit.actor, upload.memo_id)
            return await jobs.get(tx, visit.actor, memo.job_id)
    try:
        job = await _made(visit, upload, shelf)
    except (Rejected, HTTPException):
        async with visit.writing() as tx:
            uploads.remove(tx, upload)
        await _drop_parts(visit, upload)
        raise
    await _drop_parts(visit, upload)
    return job


async def _made(visit: Stream, upload: UploadRow, shelf: Shelf) -> Job:
    kept = await shelf.keep(upload.workspace_id, shelf.whole(upload))
    async with shelf.unless_refused(kept.blob):
        integrity.check([upload.sha256], kept.sha256, pointer="/sha256")
    fields = MemoFields(
        language=upload.language, capture_id=upload.capture_id, session_id=upload.session_id
    )

    def completes(tx: Transaction, memo_id: UUID) -> None:
        uploads.complete(tx, upload, memo_id)

    return await receiving.write_down(
        visit, kept, fields, workspace_id=upload.workspace_id, also=completes
    )


async def _drop_parts(visit: Stream, upload: UploadRow) -> None:
    for part in upload.parts:
        await receiving.shelf(visit).drop(part)


def _told(upload: UploadRow) -> dict[str, str]:
    return {
        "Upload-Offset": str(upload.received),
        "Upload-Length": str(upload.length),
        "Upload-Expires": format_datetime(upload.expires_at, usegmt=True),
    }
