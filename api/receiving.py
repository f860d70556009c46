"""What the routes of recordings share: who may begin, writing it down, the job as the answer."""

import asyncio
import hashlib
from collections.abc import Callable
from time import monotonic
from typing import Final
from uuid import UUID

from fastapi import Response
from pydantic import TypeAdapter

from api import idempotency
from api.recordings import Kept, Shelf
from api.schemas.memos import MemoFields
from api.streaming import Stream
from api.visit import Visit
from core import faults, metrics
from core.crypto import Keyring
from core.db import Transaction
from core.ids import uuid7
from core.services import consents, jobs, memos, subject_keys, throttles
from core.services.jobs import Job
from core.services.memos import Draft
from core.services.throttles import Throttle
from core.services.workspaces import Access, place
from core.settings import Settings

FIRST_LOOK_S: Final = 0.05
LONGEST_LOOK_S: Final = 0.5
_JOB: Final = TypeAdapter(Job)


def shelf(visit: Visit) -> Shelf:
    found: Shelf = visit.app.state.shelf
    return found


async def opening(visit: Visit, tx: Transaction) -> Keyring:
    """What opens the caller's own recordings and their words."""
    return await subject_keys.opening(tx, shelf(visit).ring, visit.actor.user_id)


async def may_begin(visit: Visit, tx: Transaction) -> None:
    """Asked before a byte of a recording is read, in the first transaction. Counts one upload."""
    settings: Settings = visit.app.state.settings
    await place(tx, visit.actor, visit.workspace_id, Access.WRITE, now=visit.now)
    await consents.require_transcription(tx, visit.actor.user_id, settings)
    throttles.hit(tx, uploads(visit))


async def write_down(
    visit: Stream,
    kept: Kept,
    fields: MemoFields,
    *,
    workspace_id: UUID,
    also: Callable[[Transaction, UUID], None] | None = None,
) -> Job:
    """The memo and its job, once the blob is durable. The blob of a repetition is dropped.

    `also` is queued in the same transaction, for the memo that it became.
    """
    faults.point("after_blob_before_row")
    draft = Draft(
        id=kept.memo_id,
        capture_id=fields.capture_id or uuid7(),
        session_id=fields.session_id,
        language=fields.language,
        media_type=kept.media_type,
        size=kept.size,
        sha256=kept.sha256,
        blob=kept.blob,
        blob_key=kept.blob_key,
        put_at=kept.put_at,
    )
    asked = fields.model_dump_json().encode() + visit.scope["query_string"] + kept.sha256
    if visit.method == "POST":
        digest = hashlib.sha256(asked).digest()
        visit.claim = idempotency.claim_of(visit, visit.actor.user_id, digest)
    async with shelf(visit).unless_refused(kept.blob), visit.writing() as tx:
        memo, job, new = await memos.receive(tx, visit.actor, workspace_id, draft, now=tx.began_at)
        if also is not None:
            also(tx, memo.id)
        if not new and also is None:
            throttles.forgive(tx, uploads(visit))
        if visit.claim is not None:
            idempotency.store(tx, visit.claim, answer(job))
    if new:
        metrics.MEMOS_RECEIVED.labels(memo.media_type).inc()
        metrics.MEMO_BYTES.observe(memo.size)
    else:
        await shelf(visit).drop(kept.blob)
    return job


async def waited(visit: Stream, job: Job, seconds: float) -> Job:
    """The job when it is over, or when so much time has passed. Nothing is held meanwhile."""
    until, pause = monotonic() + seconds, FIRST_LOOK_S
    while not job.over and (left := until - monotonic()) > 0:
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_LOOK_S)
        async with visit.writing(read_only=True) as tx:
            job = await jobs.get(tx, visit.actor, job.id)
    return job


def answer(job: Job) -> Response:
    """The job itself: 202 while it is under way, 200 when it is over."""
    headers = {"Location": f"/api/v1/jobs/{job.id}"}
    body = _JOB.dump_json(job)
    return Response(body, 200 if job.over else 202, headers, "application/json")


def uploads(visit: Visit) -> Throttle:
    """How often somebody may send something large."""
    settings: Settings = visit.app.state.settings
    return Throttle(f"uploads:{visit.actor.user_id}", settings.rate_limit_uploads, 60)
