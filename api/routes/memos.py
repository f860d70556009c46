"""Recordings: sent in one piece, looked at, heard again, processed anew, deleted."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from api import forms, integrity, pages, query, ranges, receiving
from api.advice import Advised
from api.multipart import Part
from api.paths import V1
from api.recordings import MAX_BYTES, Kept, Shelf
from api.schemas.memos import (
    CAPTURE,
    Memo,
    MemoFields,
    MemoPage,
    MemoSummary,
    Reprocess,
    Reprocessed,
)
from api.streaming import Stream, Streaming
from api.transaction import Authenticated
from api.visit import InWorkspace, Visit
from core import logs
from core.errors import Conflict, Error, Invalid, NotFound, Unavailable
from core.services import memo_secrets, memos, voice_commands, voice_records
from core.services.voice_results import Asked, Using
from core.services.voice_results import Memo as Recorded
from core.services.workspaces import Access, place

log = logs.get(__name__)

router = APIRouter(prefix=f"{V1}/voice/memos", tags=["voice"], route_class=Authenticated)
streams = APIRouter(prefix=f"{V1}/voice/memos", tags=["voice"], route_class=Streaming)
advised = APIRouter(prefix=f"{V1}/voice/memos", tags=["voice"], route_class=Advised)

LONGEST_WAIT_S: Final = 10
AUDIO: Final = "audio"
# Nothing that a browser could be made to run as a page of ours.
AS_A_FILE: Final = {"Content-Security-Policy": "sandbox; default-src 'none'"}
EXTENSIONS: Final = {"audio/mpeg": "mp3", "audio/mp4": "m4a"}
FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": [AUDIO],
    "additionalProperties": False,
    "properties": {
        AUDIO: {
            "type": "string",
            "format": "binary",
            "description": "webm, mp4 (m4a), ogg, wav, mp3, flac, aac or aiff; at most 25 MiB",
        },
        "language": {"type": "string", "maxLength": 35, "examples": ["en"]},
        "capture_id": {"type": "string", "format": "uuid", "description": CAPTURE},
        "session_id": {"type": "string", "format": "uuid"},
        "sha256": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$", "maxLength": 64},
    },
}
JOB_TOLD: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    408: {"description": "The upload stalls, or is too slow"},
    415: {"description": "No recording of a kind that we know"},
}
BYTES: Final[dict[str, Any]] = {"audio/*": {"schema": {"type": "string", "format": "binary"}}}


@streams.post(
    "",
    operation_id="upload_memo",
    status_code=202,
    response_class=Response,
    responses={
        **REFUSALS,
        200: {"description": "It is over: what came of it", "content": JOB_TOLD},
        202: {"description": "It is kept, and being worked on", "content": JOB_TOLD},
    },
    openapi_extra={
        **query.documented(InWorkspace),
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}},
    },
)
async def upload_memo(
    visit: Stream,
    wait: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for its end")
    ] = 0,
) -> Response:
    """Send a recording. An answer of 2xx means that it cannot be lost any more.

    The parts may come in any order. The same `capture_id` again is the same memo and job, whether
    or not the first answer arrived; with another recording it is a 409.
    """
    async with visit.opening() as tx:
        await receiving.may_begin(visit, tx)
        shelf = await receiving.shelf(visit).of(tx, visit.actor.user_id)
    kept, fields = await _received(visit, shelf)
    job = await receiving.write_down(visit, kept, fields, workspace_id=visit.workspace_id)
    return receiving.answer(await receiving.waited(visit, job, wait))


@router.get("", operation_id="list_memos", openapi_extra=query.documented(InWorkspace))
async def list_memos(
    visit: Visit,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> MemoPage:
    """My recordings of a workspace, newest first. Nobody else sees them."""
    there = await place(visit.tx, visit.actor, visit.workspace_id, Access.READ, now=visit.now)
    question = f"memos {visit.actor.user_id} {there.workspace_id}"
    before = pages.moment(visit, question, cursor)
    found = await memos.page(visit.tx, visit.actor, there.workspace_id, before=before, limit=limit)
    data, next_cursor = pages.cut(
        visit, response, question, found, limit, lambda each: [each.created_at, each.id]
    )
    ring = await receiving.opening(visit, visit.tx)
    told = [MemoSummary.of(each, ring) for each in data]
    return MemoPage(told, next_cursor, has_more=next_cursor is not None)


@router.get("/{memo_id}", operation_id="get_memo")
async def get_memo(visit: Visit, memo_id: UUID) -> Memo:
    """With its words and what came of it. One that was deleted is a tombstone without either."""
    memo = await memos.get(visit.tx, visit.actor, memo_id)
    using: Using = visit.app.state.voice
    result = None
    if memo.deleted_at is None:
        result = await voice_records.find(visit.tx, visit.actor, memo.job_id, using.ring)
    return Memo.whole(memo, await receiving.opening(visit, visit.tx), result)


@streams.get(
    "/{memo_id}/audio",
    operation_id="get_memo_audio",
    response_class=Response,
    responses={
        200: {"description": "The recording as it was sent", "content": BYTES},
        206: {"description": "The part that `Range` asks for", "content": BYTES},
        416: {"description": "It is shorter than that"},
    },
)
async def get_memo_audio(visit: Stream, memo_id: UUID) -> Response:
    """Download it, whole or in part (`Range: bytes=0-1023`). 404 once it is kept no more."""
    async with visit.opening(read_only=True) as tx:
        memo = await memos.get(tx, visit.actor, memo_id)
        ring = await receiving.opening(visit, tx)
    if memo.blob is None:
        raise NotFound("the audio of this memo is kept no more")
    sealed = receiving.shelf(visit).blobs.open(memo.blob)
    asked = ranges.read(visit.headers.get("range"), memo.size)
    try:  # what is wrong with it shows before anything is answered
        ready = asked.cut(memo_secrets.open_audio(ring, memo, sealed))
        begun = await anext(ready, b"")
    except Invalid as error:
        log.error("memo.damaged", subject_id=memo.id, error=error)
        raise Error("this recording is damaged: it does not open") from error
    extension = EXTENSIONS.get(memo.media_type, memo.media_type.partition("/")[2])
    headers = AS_A_FILE | asked.headers
    headers["Content-Disposition"] = f'attachment; filename="{memo.id}.{extension}"'
    return StreamingResponse(
        _chained(begun, ready),
        206 if asked.partial else 200,
        headers=headers,
        media_type=memo.media_type,
    )


@streams.delete("/{memo_id}", operation_id="delete_memo", status_code=204, response_class=Response)
async def delete_memo(visit: Stream, memo_id: UUID) -> Response:
    """Audio and words are gone at once, and what is being done with it ends. Its todos stay."""
    async with visit.opening() as tx:
        blob = await memos.remove(tx, visit.actor, memo_id, now=tx.began_at)
    if blob is not None:
        with suppress(Unavailable):  # its key is gone with the commit; the rest is collected
            await receiving.shelf(visit).blobs.delete(blob)
    return Response(status_code=204)


@advised.post(
    "/{memo_id}/reprocess",
    operation_id="reprocess_memo",
    response_model=None,
    responses={
        200: {
            "description": "With `dry_run`: what would come of it now",
            "model": Reprocessed,
        },
        202: {"description": "It is being processed anew", "content": JOB_TOLD},
    },
)
async def reprocess_memo(visit: Visit, memo_id: UUID, body: Reprocess) -> Response | Reprocessed:
    """Hear and understand it anew. What was done once is not done again, nor brought back.

    409 while it is being worked on, and when neither its audio nor its words are kept.
    """
    if body.dry_run:
        return await _tried(visit, memo_id, body.language)
    job = await memos.reprocess(
        visit.tx, visit.actor, memo_id, language=body.language, now=visit.tx.began_at
    )
    return receiving.answer(job)


async def _tried(visit: Visit, memo_id: UUID, language: str | None) -> Reprocessed:
    """Understood as if it was said now; nothing is written."""
    memo = await memos.get(visit.tx, visit.actor, memo_id)
    text = memo_secrets.transcript(await receiving.opening(visit, visit.tx), memo)
    if text is None:
        raise Conflict("no words of this memo are kept")
    using: Using = visit.app.state.voice
    before = await voice_records.find(visit.tx, visit.actor, memo.job_id, using.ring)
    after = await voice_commands.run(
        visit.tx,
        visit.actor,
        text,
        Asked(language=language or memo.language, session_id=memo.session_id, dry_run=True),
        using=using,
        workspace_id=memo.workspace_id,
        now=visit.now,
        memo=Recorded.of(memo, memo.job_id),
        stt_confidence=memo.stt_confidence,
        advice=visit.state.advice,
    )
    return Reprocessed.of(before, after)


async def _received(visit: Stream, shelf: Shelf) -> tuple[Kept, MemoFields]:
    async def keep(_: Part, audio: AsyncIterator[bytes]) -> Kept:
        return await shelf.keep(visit.workspace_id, audio)

    kept, fields = await forms.received(
        visit, shelf, MemoFields, file=AUDIO, most=MAX_BYTES, keep=keep
    )
    async with shelf.unless_refused(kept.blob):
        announced = integrity.of_hex(fields.sha256, pointer="/sha256")
        integrity.check([announced], kept.sha256, pointer="/sha256")
    return kept, fields


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
