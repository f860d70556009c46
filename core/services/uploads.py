"""Recordings that come in parts, so that a long one need not begin anew when the network fails.

A part is durable before it is written down, and counts once: two that were sent for one place are
told apart by how much had been received. When all is there it becomes a memo like any other.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, NotFound
from core.models.memos import VoiceUploads
from core.services import memos
from core.services.workspaces import visible
from core.statements import Query, query, row

LIFETIME: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class UploadRow:
    """`parts` are blobs in their order, each sealed with the key that `parts_key` holds."""

    workspace_id: UUID
    id: UUID
    user_id: UUID
    capture_id: UUID
    session_id: UUID | None
    language: str | None
    length: int
    received: int
    sha256: bytes | None
    parts: list[str]
    parts_key: bytes = field(repr=False)
    memo_id: UUID | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    id: UUID
    capture_id: UUID
    session_id: UUID | None
    language: str | None
    length: int
    sha256: bytes | None
    parts_key: bytes = field(repr=False)


_COLUMNS = tuple(getattr(VoiceUploads, name) for name in UploadRow.__dataclass_fields__)
_MINE = (visible(VoiceUploads.workspace_id), VoiceUploads.user_id == bindparam("user_id"))
_GET = query(
    select(*_COLUMNS).where(
        *_MINE, VoiceUploads.id == bindparam("id"), VoiceUploads.expires_at > bindparam("now")
    ),
    UploadRow,
)
_OF_CAPTURE = query(
    select(*_COLUMNS).where(
        VoiceUploads.workspace_id == bindparam("workspace_id"),
        VoiceUploads.user_id == bindparam("user_id"),
        VoiceUploads.capture_id == bindparam("capture_id"),
    ),
    UploadRow,
)
# One of this capture that expired and was not cleared away yet makes way: its parts are orphans.
_ADD: Final = Query(
    b"""
    INSERT INTO voice_uploads AS u (workspace_id, id, user_id, capture_id, session_id, language,
        length, sha256, parts_key, created_at, expires_at)
    VALUES (%(workspace_id)s, %(id)s, %(user_id)s, %(capture_id)s, %(session_id)s, %(language)s,
        %(length)s, %(sha256)s, %(parts_key)s, %(now)s, %(expires_at)s)
    ON CONFLICT (workspace_id, user_id, capture_id) DO UPDATE SET
        id = excluded.id, session_id = excluded.session_id, language = excluded.language,
        length = excluded.length, sha256 = excluded.sha256, parts_key = excluded.parts_key,
        received = 0, parts = '{}', memo_id = NULL, created_at = excluded.created_at,
        expires_at = excluded.expires_at
    WHERE u.expires_at <= excluded.created_at
    """,
    row,
    {},
    writes=True,
)
_OF = (
    VoiceUploads.workspace_id == bindparam("of_workspace_id"),
    VoiceUploads.id == bindparam("of_id"),
)
_APPEND = query(
    update(VoiceUploads)
    .where(*_OF, VoiceUploads.received == bindparam("at"), VoiceUploads.memo_id.is_(None))
    .values(
        received=VoiceUploads.received + bindparam("size"),
        parts=func.array_append(VoiceUploads.parts, bindparam("part")),
    )
    .returning(VoiceUploads.received)
)
_COMPLETE = query(
    update(VoiceUploads).where(*_OF).values(memo_id=bindparam("made"), parts=bindparam("none"))
)
_REMOVE = query(delete(VoiceUploads).where(*_OF))


async def create(
    tx: Transaction, actor: Actor, workspace_id: UUID, draft: Draft, *, now: datetime
) -> UploadRow:
    """Begin, or go on with what began for the same capture. `Conflict` for another length.

    `Invalid` for a foreign session: said only at the end, it would cost the whole recording.
    """
    await memos.require_session(tx, actor, workspace_id, draft.session_id)
    tx.run(
        _ADD,
        workspace_id=workspace_id,
        id=draft.id,
        user_id=actor.user_id,
        capture_id=draft.capture_id,
        session_id=draft.session_id,
        language=draft.language,
        length=draft.length,
        sha256=draft.sha256,
        parts_key=draft.parts_key,
        now=now,
        expires_at=now + LIFETIME,
    )
    asked = {"user_id": actor.user_id, "capture_id": draft.capture_id}
    found = await tx.first(_OF_CAPTURE, workspace_id=workspace_id, **asked)
    made = _found(found)
    if (made.length, made.sha256) != (draft.length, draft.sha256):
        raise Conflict("another recording began to arrive with this capture_id")
    return made


async def get(tx: Transaction, actor: Actor, upload_id: UUID, *, now: datetime) -> UploadRow:
    found = await tx.first(_GET, id=upload_id, user_id=actor.user_id, now=now)
    return _found(found)


async def append(tx: Transaction, upload: UploadRow, part: str, size: int) -> int:
    """Write down a part that is durable. How much has been received. `Conflict` for a late one."""
    told = await tx.first(_APPEND, **_of(upload), at=upload.received, size=size, part=part)
    if told is None:
        raise Conflict("another part arrived at this place first: ask for the offset")
    received: int = told[0]
    return received


def complete(tx: Transaction, upload: UploadRow, memo_id: UUID) -> None:
    """Queue that it became this memo. Until it expires it can be asked which one."""
    tx.run(_COMPLETE, **_of(upload), made=memo_id, none=[])


def remove(tx: Transaction, upload: UploadRow) -> None:
    """Queue giving it up. Its parts are to be deleted once this is committed."""
    tx.run(_REMOVE, **_of(upload))


def _of(upload: UploadRow) -> dict[str, Any]:
    return {"of_workspace_id": upload.workspace_id, "of_id": upload.id}


def _found(upload: UploadRow | None) -> UploadRow:
    if upload is None:
        raise NotFound("there is no such upload of yours, or it has expired")
    return upload
