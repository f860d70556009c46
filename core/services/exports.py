"""Archives of what is kept of a person: asked for, made by a workflow, fetched once per link.

1. `create` writes the row and its job, which asks for the workflow.
2. The work begins with `begin`, tells with `tell`, and ends with `finish`: only then does the row
   name the blob. Null or false: it is over, and so whoever works on it stops.
3. `link` opens a way to the archive for ten minutes, for whoever signed in just now; `follow`
   closes it. A week after it was ready nothing opens the archive any more.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from core import crypto
from core.actor import Actor
from core.crypto import Keyring
from core.db import Transaction
from core.errors import Conflict, NotFound, RateLimited, Unauthenticated
from core.ids import uuid7
from core.messages import JobMessage
from core.models.deliveries import DeliveryKind
from core.models.jobs import JobKind, JobStatus
from core.rules.data_requests import RequestKind, RequestOutcome
from core.services import account_mails, audits, data_requests, jobs, sessions
from core.services import export_rows as rows
from core.services.export_rows import Export, Kept

PURPOSE: Final = "exports"  # the ring is `Keys.ring.of(this)`
FOLDER: Final = "exports"  # of the blob store
KEPT: Final = timedelta(days=7)
LINKED: Final = timedelta(minutes=10)
A_DAY: Final = timedelta(days=1)
MOST_A_DAY: Final = 5
USES_A_MINUTE: Final = 30
_SECRET_BYTES: Final = 32
_TOKEN_CHARS: Final = (16 + _SECRET_BYTES) * 4 // 3


class Format(StrEnum):
    JSON = "json"
    CSV = "csv"
    ICS = "ics"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be made."""

    user_id: UUID
    export_id: UUID
    formats: frozenset[Format]
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """An archive that is durable under `blob`; `blob_key` is sealed for its row."""

    blob: str
    blob_key: bytes = field(repr=False)
    size: int
    sha256: bytes
    members: int
    missing: int  # recordings that were there no more


async def create(
    tx: Transaction, actor: Actor, formats: Sequence[Format], *, now: datetime
) -> Export:
    """Ask for an archive. Raises `Conflict` while one is being made, `RateLimited` after five a
    day that did not fail.
    """
    found = await tx.first(rows.LATELY, user_id=actor.user_id, since=now - A_DAY)
    count, oldest = found or (0, None)
    if oldest is not None and count >= MOST_A_DAY:
        raise RateLimited(
            f"{MOST_A_DAY} archives a day: wait, or download one that was made",
            limit=MOST_A_DAY,
            retry_after=oldest + A_DAY - now,
        )
    export_id = uuid7()
    asked = [each.value for each in Format if each in formats]
    tx.run(rows.ADD, user_id=actor.user_id, id=export_id, formats=asked, now=now)
    job = jobs.create(
        tx,
        JobKind.EXPORT,
        {},
        workspace_id=actor.user_id,
        user_id=actor.user_id,
        job_id=export_id,
        now=now,
    )
    data_requests.begin(tx, RequestKind.ACCESS, actor.user_id, subject_id=export_id, now=now)
    audits.record(tx, "export.requested", actor_id=actor.user_id, subject_id=export_id)
    return Export(
        export_id,
        job.status,
        job.progress,
        asked,
        job.result,
        job.error,
        available=False,
        downloads=0,
        created_at=now,
        updated_at=now,
        expires_at=None,
    )


async def page(
    tx: Transaction,
    actor: Actor,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
    now: datetime,
) -> list[Export]:
    """Up to `limit` + 1 of one's own, newest first; those that expired as well."""
    asked = {"user_id": actor.user_id, "limit": limit + 1, "now": now}
    if before is None:
        return await tx.all(rows.PAGE, **asked)
    at, before_id = before
    return await tx.all(rows.NEXT_PAGE, **asked, before=at, before_id=before_id)


async def get(tx: Transaction, actor: Actor, export_id: UUID, *, now: datetime) -> Export:
    found = await tx.first(rows.GET, user_id=actor.user_id, id=export_id, now=now)
    if found is None:
        raise NotFound("there is no such export of yours")
    return found


async def remove(tx: Transaction, actor: Actor, export_id: UUID, *, now: datetime) -> str | None:
    """Nothing opens the archive any more, and one that is being made is not made. Its blob."""
    await get(tx, actor, export_id, now=now)
    job = await jobs.lock(tx, actor.user_id, export_id)
    if job is not None:
        jobs.finish(tx, job, JobStatus.CANCELLED, job.result, now=now)
    found = await tx.first(rows.BLOB, of_user=actor.user_id, of_id=export_id)
    tx.run(rows.REMOVE, of_user=actor.user_id, of_id=export_id, now=now)
    data_requests.close(tx, export_id, RequestOutcome.WITHDRAWN, now=now)
    audits.record(tx, "export.removed", actor_id=actor.user_id, subject_id=export_id)
    return found[0] if found else None


async def link(tx: Transaction, actor: Actor, export_id: UUID, *, now: datetime) -> str:
    """A token that fetches the archive once; an earlier one does so no more.

    Raises `StepUpRequired` unless the person signed in just now, `Conflict` while there is nothing
    to fetch, `NotFound` once it is kept no more.
    """
    export = await get(tx, actor, export_id, now=now)
    await sessions.must_be_recent(tx, actor, now=now)
    if not export.available:
        if export.status in {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.WAITING}:
            raise Conflict("this archive is still being made")
        raise NotFound("this archive is kept no more")
    secret = secrets.token_bytes(_SECRET_BYTES)
    token = urlsafe_b64encode(actor.user_id.bytes + secret).decode()
    tx.run(
        rows.LINK,
        of_user=actor.user_id,
        of_id=export_id,
        new_hash=crypto.digest(token),
        until=now + LINKED,
    )
    audits.record(tx, "export.linked", actor_id=actor.user_id, subject_id=export_id)
    return token


async def follow(tx: Transaction, token: str, *, now: datetime) -> Kept:
    """What this link leads to; it leads there no more. Raises `NotFound` for any other."""
    gone = NotFound("this link was used, or is too old: ask for another one")
    if len(token) != _TOKEN_CHARS or not token.isascii():
        raise gone
    try:
        user_id = UUID(bytes=urlsafe_b64decode(token)[:16])
    except ValueError:
        raise gone from None
    tx.act_for(user_id, limit_key=f"download:{user_id}", limit=USES_A_MINUTE)
    try:
        found = await tx.first(rows.FOLLOW, of_user=user_id, of_hash=crypto.digest(token), now=now)
    except Unauthenticated:  # says that a session ended: there is none
        raise gone from None
    if found is None:
        raise gone
    audits.record(tx, "export.downloaded", actor_id=user_id, subject_id=found.id)
    return found


async def begin(tx: Transaction, message: JobMessage, *, now: datetime) -> Work | None:
    """What is to be made. Null: it is over, or gone with its person."""
    tx.act_in([message.workspace_id])
    job = await jobs.lock(tx, message.workspace_id, message.job_id)
    found = await tx.first(rows.OPEN, of_user=message.workspace_id, of_id=message.job_id)
    if job is None or found is None:
        return None
    jobs.tell(tx, job, 0.0, job.result, now=now)
    formats, created_at = found
    return Work(job.user_id, job.id, frozenset(map(Format, formats)), created_at)


async def tell(tx: Transaction, message: JobMessage, progress: float, *, now: datetime) -> bool:
    """How far it is. False: nobody wants it any more."""
    tx.act_in([message.workspace_id])
    job = await jobs.lock(tx, message.workspace_id, message.job_id)
    if job is None:
        return False
    jobs.tell(tx, job, progress, job.result, now=now)
    return True


async def finish(tx: Transaction, message: JobMessage, made: Made, *, now: datetime) -> bool:
    """The archive is ready, and its person is told. False: nobody wants it any more."""
    tx.act_in([message.workspace_id])
    job = await jobs.lock(tx, message.workspace_id, message.job_id)
    if job is None:
        return False
    until = now + KEPT
    tx.run(
        rows.READY,
        of_user=message.workspace_id,
        of_id=job.id,
        new_blob=made.blob,
        new_key=made.blob_key,
        new_size=made.size,
        new_sha256=made.sha256,
        now=now,
        until=until,
    )
    result = {
        "size": made.size,
        "sha256": made.sha256.hex(),
        "members": made.members,
        "missing": made.missing,
    }
    jobs.finish(tx, job, JobStatus.SUCCEEDED, result, now=now)
    data_requests.close(tx, job.id, now=now)
    await account_mails.send(
        tx, job.user_id, DeliveryKind.EXPORT_READY, job.id, about=str(job.id), now=now
    )
    return True


async def give_up(tx: Transaction, message: JobMessage, *, now: datetime) -> None:
    tx.act_in([message.workspace_id])
    job = await jobs.lock(tx, message.workspace_id, message.job_id)
    if job is not None:
        error = "it could not be made, which is our fault: ask for another one"
        jobs.finish(tx, job, JobStatus.FAILED, job.result, error=error, now=now)


def seal_key(ring: Keyring, user_id: UUID, export_id: UUID, key: bytes) -> bytes:
    """For `Made.blob_key`."""
    return ring.seal(key, aad=crypto.place("exports", "blob_key", export_id, user_id))


def open_key(ring: Keyring, kept: Kept) -> bytes:
    return ring.unseal(
        kept.blob_key, aad=crypto.place("exports", "blob_key", kept.id, kept.user_id)
    )


def place(user_id: UUID, export_id: UUID) -> bytes:
    """Where the blob stands: the `aad` of its stream."""
    return crypto.place("exports", "blob", export_id, user_id)
