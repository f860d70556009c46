"""Voice memos: recordings that cannot vanish.

1. A recording is received once its blob is durable: `receive` writes the memo and its job in one
   transaction, so whoever was answered can rely on both.
2. The steps of the work `lock` the memo; null: it was deleted meanwhile, and so they do nothing.
3. Audio is forgotten row first: `forget_audio` takes the name and the key of the blob out of the
   row, and only then is the blob deleted. What is left of a blob that no row names is collected
   (`activities/orphans.py`), and no copy of it anywhere can be opened without its key.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from core import outbox
from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Invalid, NotFound, Unavailable
from core.events import Event
from core.ids import uuid7
from core.models.jobs import JobKind, JobStatus
from core.models.memos import MemoStatus
from core.services import jobs, memo_rows
from core.services.jobs import Job
from core.services.memo_rows import MemoRow

# Of a blob that no row names yet; the collector leaves younger ones alone for twice as long.
WRITTEN_DOWN_WITHIN: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Draft:
    """A recording whose blob is durable since `put_at`. `blob_key` is sealed for memo `id`."""

    id: UUID
    capture_id: UUID
    session_id: UUID | None
    language: str | None
    media_type: str
    size: int
    sha256: bytes
    blob: str
    blob_key: bytes = field(repr=False)
    put_at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """What a transcriber made of a memo; `transcript` and `words` sealed by `memo_secrets`."""

    transcript: bytes = field(repr=False)
    words: bytes | None = field(repr=False)
    language: str | None
    transcriber: str
    quality: str
    stt_confidence: float | None
    duration_s: float | None


async def receive(
    tx: Transaction, actor: Actor, workspace_id: UUID, draft: Draft, *, now: datetime
) -> tuple[MemoRow, Job, bool]:
    """Write down a recording: the memo, its job, and whether it is new.

    The same capture again is the same memo and job, and the blob of `draft` is of no more use;
    with other bytes it is a `Conflict`. A twin that is being written down is waited for.
    """
    known = await of_capture(tx, actor, workspace_id, draft.capture_id)
    if known is None:
        await require_session(tx, actor, workspace_id, draft.session_id)
        job_id = uuid7()
        added = await tx.first(
            memo_rows.ADD,
            workspace_id=workspace_id,
            user_id=actor.user_id,
            id=draft.id,
            capture_id=draft.capture_id,
            session_id=draft.session_id,
            job_id=job_id,
            media_type=draft.media_type,
            size=draft.size,
            sha256=draft.sha256,
            language=draft.language,
            blob=draft.blob,
            blob_key=draft.blob_key,
            until=draft.put_at + WRITTEN_DOWN_WITHIN,
            now=now,
        )
        if added is not None:
            return await _received(tx, actor, workspace_id, draft, job_id, now=now)
        known = await of_capture(tx, actor, workspace_id, draft.capture_id)
    if known is None:
        raise Unavailable("the recording arrived, and could not be written down in time")
    if known.sha256 != draft.sha256:
        raise Conflict("another recording was sent with this capture_id")
    return known, await jobs.get(tx, actor, known.job_id), False


async def _received(
    tx: Transaction,
    actor: Actor,
    workspace_id: UUID,
    draft: Draft,
    job_id: UUID,
    *,
    now: datetime,
) -> tuple[MemoRow, Job, bool]:
    job = jobs.create(
        tx,
        JobKind.VOICE_MEMO,
        {"memo_id": str(draft.id)},
        workspace_id=workspace_id,
        user_id=actor.user_id,
        job_id=job_id,
        now=now,
    )
    tx.emit(Event(workspace_id, "voice_memo.received", draft.id))
    return await get(tx, actor, draft.id), job, True


async def require_session(
    tx: Transaction, actor: Actor, workspace_id: UUID, session_id: UUID | None
) -> None:
    """Raises `Invalid` for a voice session that is not one's own, or of another workspace."""
    if session_id is None:
        return
    asked = {"workspace_id": workspace_id, "id": session_id, "user_id": actor.user_id}
    if await tx.first(memo_rows.SESSION, **asked) is None:
        detail = "there is no such voice session of yours in this workspace"
        raise Invalid(detail, pointer="/session_id", code="unknown_reference")


async def of_capture(
    tx: Transaction, actor: Actor, workspace_id: UUID, capture_id: UUID
) -> MemoRow | None:
    return await tx.first(
        memo_rows.OF_CAPTURE,
        workspace_id=workspace_id,
        user_id=actor.user_id,
        capture_id=capture_id,
    )


async def page(
    tx: Transaction,
    actor: Actor,
    workspace_id: UUID,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[MemoRow]:
    """Up to `limit` + 1 of one's own in this workspace, newest first."""
    asked = {"user_id": actor.user_id, "workspace_id": workspace_id, "limit": limit + 1}
    if before is None:
        return await tx.all(memo_rows.PAGE, **asked)
    at, before_id = before
    return await tx.all(memo_rows.NEXT_PAGE, **asked, before=at, before_id=before_id)


async def get(tx: Transaction, actor: Actor, memo_id: UUID) -> MemoRow:
    """One's own, the deleted ones as well (`status` says so)."""
    found = await tx.first(memo_rows.GET, id=memo_id, user_id=actor.user_id)
    return _found(found)


async def remove(tx: Transaction, actor: Actor, memo_id: UUID, *, now: datetime) -> str | None:
    """Delete audio and words; the row stays as a tombstone, its todos stay todos.

    Its work ends. The name of the blob to be deleted once this is committed; again: none.
    """
    memo = await _mine_locked(tx, actor, memo_id)
    if memo.deleted_at is not None:
        return None
    job = await jobs.lock(tx, memo.workspace_id, memo.job_id)
    if job is not None:
        error = "the memo was deleted"
        jobs.finish(tx, job, JobStatus.CANCELLED, job.result, error=error, now=now)
        outbox.cancel(
            tx,
            jobs.WORKFLOWS[JobKind.VOICE_MEMO],
            jobs.workflow_id(job.id),
            subject_id=job.id,
            tenant=memo.workspace_id,
        )
    blob = forget_audio(tx, memo, now=now)
    tx.run(memo_rows.REMOVE, **_of(memo), now=now)
    for forgets in (memo_rows.FORGET_RESULTS, memo_rows.FORGET_WORDS):
        tx.run(forgets, workspace_id=memo.workspace_id, id=memo.id)
    tx.emit(Event(memo.workspace_id, "voice_memo.deleted", memo.id))
    return blob


async def reprocess(
    tx: Transaction, actor: Actor, memo_id: UUID, *, language: str | None, now: datetime
) -> Job:
    """Ask for it to be heard and understood anew. Raises `Conflict` while it is being worked on.

    The job's `result` has `memo_id`, `reprocess` (true) and the `language` that was asked for.
    """
    memo = await _mine_locked(tx, actor, memo_id)
    if memo.deleted_at is not None:
        raise Conflict("this memo was deleted")
    if await jobs.lock(tx, memo.workspace_id, memo.job_id) is not None:
        raise Conflict("this memo is being worked on: wait for its job to end")
    if memo.blob is None and memo.transcript is None:
        raise Conflict("neither the audio nor the words of this memo are kept any more")
    result: dict[str, Any] = {"memo_id": str(memo.id), "reprocess": True, "language": language}
    job = jobs.create(
        tx,
        JobKind.VOICE_MEMO,
        result,
        workspace_id=memo.workspace_id,
        user_id=actor.user_id,
        now=now,
    )
    tx.run(memo_rows.SET_JOB, **_of(memo), new_job_id=job.id, now=now)
    return job


async def lock(tx: Transaction, workspace_id: UUID, memo_id: UUID) -> MemoRow | None:
    """Locked for this transaction, for a step of the work on it. Null: deleted."""
    return await tx.first(memo_rows.LOCK, workspace_id=workspace_id, id=memo_id)


def tell(
    tx: Transaction,
    memo: MemoRow,
    status: MemoStatus,
    *,
    stage: str | None = None,
    problem: str | None = None,
    now: datetime,
) -> None:
    """Queue saying what is being done, or what came of it: that is an event, `voice_memo.done` …"""
    tx.run(
        memo_rows.TELL,
        **_of(memo),
        new_status=status,
        new_stage=stage,
        new_problem=problem,
        now=now,
    )
    if status in memo_rows.OVER:
        tx.emit(Event(memo.workspace_id, f"voice_memo.{status}", memo.id))


async def answered(
    tx: Transaction, workspace_id: UUID, memo_id: UUID, *, job_id: UUID, now: datetime
) -> None:
    """What this job asked about was answered. One that a newer job works on stays as it is."""
    of = {"of_workspace_id": workspace_id, "of_id": memo_id, "of_job_id": job_id}
    if await tx.first(memo_rows.ANSWER, **of, now=now) is not None:
        tx.emit(Event(workspace_id, "voice_memo.done", memo_id))


def hear(tx: Transaction, memo: MemoRow, heard: Heard, *, now: datetime) -> None:
    """Queue keeping what was heard."""
    tx.run(
        memo_rows.HEAR,
        **_of(memo),
        new_transcript=heard.transcript,
        new_words=heard.words,
        new_language=heard.language or memo.language,
        new_transcriber=heard.transcriber,
        new_quality=heard.quality,
        new_stt_confidence=heard.stt_confidence,
        new_duration_s=heard.duration_s,
        now=now,
    )


def forget_audio(tx: Transaction, memo: MemoRow, *, now: datetime) -> str | None:
    """Queue forgetting the audio; the words stay. The blob to delete once this is committed."""
    if memo.blob is not None:
        tx.run(memo_rows.FORGET, **_of(memo), now=now)
    return memo.blob


async def _mine_locked(tx: Transaction, actor: Actor, memo_id: UUID) -> MemoRow:
    found = await tx.first(memo_rows.GET_LOCKED, id=memo_id, user_id=actor.user_id)
    return _found(found)


def _of(memo: MemoRow) -> dict[str, UUID]:
    return {"of_workspace_id": memo.workspace_id, "of_id": memo.id}


def _found(memo: MemoRow | None) -> MemoRow:
    if memo is None:
        raise NotFound("there is no such memo of yours")
    return memo
