"""Archives of what is kept of somebody: asked for, looked at, downloaded, removed."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from api import pages
from api.paths import V1
from api.recordings import Shelf
from api.schemas.dues import Body
from api.streaming import Stream, Streaming
from api.transaction import Authenticated, Transactional
from api.visit import Visit
from core import crypto, logs
from core.db import Database
from core.errors import Error, Invalid, Unavailable
from core.keys import Keys
from core.services import exports, subject_keys
from core.services.export_rows import Export
from core.services.exports import Format

log = logs.get(__name__)

router = APIRouter(prefix=f"{V1}/exports", tags=["data"], route_class=Authenticated)
streams = APIRouter(prefix=f"{V1}/exports", tags=["data"], route_class=Streaming)
public = APIRouter(prefix=f"{V1}/downloads", tags=["data"], route_class=Transactional)

ZIP: Final = "application/zip"
ARCHIVE: Final[dict[str, Any]] = {ZIP: {"schema": {"type": "string", "format": "binary"}}}
# Nothing that a browser could be made to run as a page of ours.
AS_A_FILE: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


class ExportBody(Body):
    formats: Annotated[list[Format], Field(min_length=1, max_length=len(Format))] = Field(
        default_factory=lambda: [*Format]
    )


@dataclass(frozen=True, slots=True)
class ExportPage:
    """Newest first."""

    data: list[Export]
    next_cursor: str | None
    has_more: bool


@router.get("", operation_id="list_exports")
async def list_exports(
    visit: Visit,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> ExportPage:
    """The archives that I asked for."""
    question = f"exports {visit.actor.user_id}"
    before = pages.moment(visit, question, cursor)
    found = await exports.page(visit.tx, visit.actor, before=before, limit=limit, now=visit.now)
    data, next_cursor = pages.cut(
        visit, response, question, found, limit, lambda each: [each.created_at, each.id]
    )
    return ExportPage(data, next_cursor, has_more=next_cursor is not None)


@router.post("", status_code=202, operation_id="create_export")
async def create_export(visit: Visit, response: Response, body: ExportBody | None = None) -> Export:
    """Have everything that is kept of me put into one ZIP archive. An e-mail says when it is ready.

    It is kept for 7 days. One is made at a time (409), at most five a day (429).
    """
    wished = (body or ExportBody()).formats
    made = await exports.create(visit.tx, visit.actor, wished, now=visit.now)
    response.headers["Location"] = f"/api/v1/exports/{made.id}"
    return made


@router.get("/{export_id}", operation_id="get_export")
async def get_export(visit: Visit, export_id: UUID) -> Export:
    """How far it is; `available` says whether it can be downloaded."""
    return await exports.get(visit.tx, visit.actor, export_id, now=visit.now)


@streams.get(
    "/{export_id}/download",
    operation_id="download_export",
    status_code=303,
    response_class=Response,
    responses={
        303: {"description": "`Location` is a link that works once, for ten minutes"},
        409: {"description": "It is still being made"},
    },
)
async def download_export(visit: Stream, export_id: UUID) -> Response:
    """Where the archive is. Needs a sign-in of the last 15 minutes: else 401 (RFC 9470)."""
    async with visit.opening() as tx:
        token = await exports.link(tx, visit.actor, export_id, now=tx.began_at)
    headers = {"Location": f"/api/v1/downloads/{token}", "Cache-Control": "no-store"}
    return Response(status_code=303, headers=headers)


@streams.delete(
    "/{export_id}", operation_id="delete_export", status_code=204, response_class=Response
)
async def delete_export(visit: Stream, export_id: UUID) -> Response:
    """The archive is gone at once; one that is being made is not made."""
    async with visit.opening() as tx:
        blob = await exports.remove(tx, visit.actor, export_id, now=tx.began_at)
    if blob is not None:
        with suppress(Unavailable):  # its key is gone with the commit; the rest is collected
            await _shelf(visit).blobs.delete(blob)
    return Response(status_code=204)


@public.get(
    "/{token}",
    operation_id="fetch_download",
    response_class=Response,
    responses={
        200: {"description": "The archive", "content": ARCHIVE},
        404: {"description": "The link was used, or is too old"},
    },
)
async def fetch_download(
    visit: Visit, token: Annotated[str, Path(max_length=200, description="Works once")]
) -> Response:
    """The archive that this link leads to, once."""
    database: Database = visit.app.state.database
    async with database.transaction() as tx:
        kept = await exports.follow(tx, token, now=visit.now)
        keys: Keys = visit.app.state.keys
        ring = await subject_keys.opening(tx, keys.ring.of(exports.PURPOSE), kept.user_id)
    sealed = _shelf(visit).blobs.open(kept.blob)
    try:  # what is wrong with it shows before anything is answered
        key = exports.open_key(ring, kept)
        pieces = crypto.unseal_stream(key, sealed, aad=exports.place(kept.user_id, kept.id))
        begun = await anext(pieces, b"")
    except Invalid as error:
        log.error("export.damaged", subject_id=kept.id, error=error)
        raise Error("this archive is damaged: ask for another one") from error
    name = f"voicetodo-{kept.created_at:%Y-%m-%d}.zip"
    headers = AS_A_FILE | {
        "Content-Length": str(kept.size),
        "Content-Disposition": f'attachment; filename="{name}"',
        "Repr-Digest": f"sha-256=:{b64encode(kept.sha256).decode()}:",  # RFC 9530
    }
    return StreamingResponse(_chained(begun, pieces), headers=headers, media_type=ZIP)


def _shelf(visit: Visit) -> Shelf:
    shelf: Shelf = visit.app.state.shelf
    return shelf


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
