"""Talks: begun by a client, or by the first thing that is said after a pause."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.db import Transaction
from core.errors import NotFound
from core.ids import uuid7
from core.services.workspaces import Access, place
from core.statements import Query, row


@dataclass(frozen=True, slots=True)
class VoiceSession:
    """`ended_at` is when it was last spoken in, once that is half an hour ago."""

    id: UUID
    workspace_id: UUID
    device: dict[str, Any] | None
    started_at: datetime
    last_at: datetime
    ended_at: datetime | None
    total_commands: int
    successful_commands: int
    failed_commands: int
    asked_commands: int
    average_confidence: float | None

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        return cls(*values)


_COLUMNS: Final = b"""
    SELECT s.id, s.workspace_id, s.device, s.started_at, s.last_at,
      CASE WHEN s.last_at < %(now)s - interval '30 minutes' THEN s.last_at END,
      s.total_commands, s.successful_commands, s.failed_commands, s.asked_commands,
      s.confidence_sum / nullif(s.confidence_count, 0)
    FROM voice_sessions s
    WHERE s.user_id = %(user_id)s
      AND s.workspace_id IN (SELECT workspace_id FROM memberships WHERE user_id = %(user_id)s)
"""
_GET: Final = Query(_COLUMNS + b"AND s.id = %(id)s", VoiceSession.of_row, {}, writes=False)
_HERE: Final = _COLUMNS + b" AND s.workspace_id = %(workspace_id)s"
_ORDER: Final = b" ORDER BY s.last_at DESC, s.id DESC LIMIT %(limit)s"
_PAGE: Final = Query(_HERE + _ORDER, VoiceSession.of_row, {}, writes=False)
_NEXT: Final = Query(
    _HERE + b" AND (s.last_at, s.id) < (%(before)s, %(before_id)s)" + _ORDER,
    VoiceSession.of_row,
    {},
    writes=False,
)
_BEGIN: Final = Query(
    b"""
    INSERT INTO voice_sessions (workspace_id, id, user_id, device, started_at, last_at)
    VALUES (%(workspace_id)s, %(id)s, %(user_id)s, %(device)s, %(now)s, %(now)s)
    """,
    row,
    {},
    writes=True,
)


async def begin(
    tx: Transaction, actor: Actor, device: dict[str, Any] | None, *, workspace_id: UUID
) -> VoiceSession:
    """A new one; what is said without a session goes on in the one last spoken in."""
    await place(tx, actor, workspace_id, Access.WRITE, now=tx.began_at)
    made = VoiceSession(
        uuid7(), workspace_id, device, tx.began_at, tx.began_at, None, 0, 0, 0, 0, None
    )
    tx.run(
        _BEGIN,
        workspace_id=workspace_id,
        id=made.id,
        user_id=actor.user_id,
        device=None if device is None else Jsonb(device),
        now=made.started_at,
    )
    return made


async def get(tx: Transaction, actor: Actor, session_id: UUID) -> VoiceSession:
    found = await tx.first(_GET, user_id=actor.user_id, id=session_id, now=tx.began_at)
    if found is None:
        raise NotFound("there is no such voice session of yours")
    return found


async def page(
    tx: Transaction,
    actor: Actor,
    *,
    workspace_id: UUID,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[VoiceSession]:
    """Up to `limit` + 1 of one's own, the last spoken in first."""
    await place(tx, actor, workspace_id, Access.READ, now=tx.began_at)
    asked = {
        "user_id": actor.user_id,
        "workspace_id": workspace_id,
        "limit": limit + 1,
        "now": tx.began_at,
    }
    if before is None:
        return await tx.all(_PAGE, **asked)
    at, session_id = before
    return await tx.all(_NEXT, **asked, before=at, before_id=session_id)
