"""What the app shows a person: reminders that came, and what they should know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import bindparam, func, select, tuple_, update

from core.actor import Actor
from core.db import Transaction
from core.errors import NotFound
from core.models.deliveries import Notifications
from core.rules.retries import Reason
from core.services import deliveries
from core.services.workspaces import visible
from core.statements import Query, query, row


@dataclass(frozen=True, slots=True)
class Notification:
    """`kind` is what it is about; `title` is the todo's, or a sentence of ours."""

    id: UUID
    workspace_id: UUID
    kind: str
    todo_id: UUID | None
    title: str
    due_at: datetime | None
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotificationPage:
    """Newest first."""

    data: list[Notification]
    unread: int
    next_cursor: str | None
    has_more: bool


_COLUMNS = (
    Notifications.id,
    Notifications.workspace_id,
    Notifications.kind,
    Notifications.todo_id,
    Notifications.title,
    Notifications.due_at,
    Notifications.created_at,
    Notifications.read_at,
)
_MINE = (visible(Notifications.workspace_id), Notifications.user_id == bindparam("user_id"))
_OWN = (
    visible(Notifications.workspace_id, leads=False),
    Notifications.user_id == bindparam("user_id"),
)
_ORDER = (Notifications.created_at.desc(), Notifications.id.desc())
_PAGE = query(
    select(*_COLUMNS).where(*_OWN).order_by(*_ORDER).limit(bindparam("limit")), Notification
)
_NEXT_PAGE = query(
    select(*_COLUMNS)
    .where(
        *_OWN,
        tuple_(Notifications.created_at, Notifications.id)
        < tuple_(bindparam("before"), bindparam("before_id")),
    )
    .order_by(*_ORDER)
    .limit(bindparam("limit")),
    Notification,
)
_UNREAD = query(select(func.count()).where(*_OWN, Notifications.read_at.is_(None)))
_READ = query(
    update(Notifications)
    .where(*_MINE, Notifications.id == bindparam("of_id"))
    .values(read_at=func.coalesce(Notifications.read_at, bindparam("now")))
    .returning(*_COLUMNS),
    Notification,
)


# The e-mail that would follow is no longer needed; its workflow waits on, and finds that out.
_CANCEL_ESCALATIONS = Query(
    b"""
    UPDATE deliveries e SET status = 'cancelled', error = %(error)s, next_attempt_at = NULL,
        log = e.log || %(log)s, updated_at = now()
    FROM deliveries i
    WHERE i.workspace_id = ANY (%(workspaces)s::uuid[]) AND i.id = ANY (%(ids)s::uuid[])
      AND e.subject_id = i.subject_id AND e.arm_no = i.arm_no AND e.workspace_id = i.workspace_id
      AND e.user_id = %(user_id)s AND e.kind = 'escalation' AND e.status = 'pending'
    """,
    row,
    {},
    writes=True,
)
_READ_ALL = query(
    update(Notifications)
    .where(*_OWN, Notifications.read_at.is_(None), Notifications.created_at <= bindparam("until"))
    .values(read_at=bindparam("now"))
    .returning(Notifications.workspace_id, Notifications.id)
)


@dataclass(frozen=True, slots=True)
class ReadAll:
    """How many were read by this, and how many are unread now."""

    read: int
    unread: int


async def page(
    tx: Transaction, actor: Actor, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Notification]:
    """Up to `limit` + 1, newest first, of all workspaces."""
    if before is None:
        return await tx.all(_PAGE, user_id=actor.user_id, limit=limit + 1)
    at, before_id = before
    return await tx.all(
        _NEXT_PAGE, user_id=actor.user_id, before=at, before_id=before_id, limit=limit + 1
    )


async def unread(tx: Transaction, actor: Actor) -> int:
    found = await tx.first(_UNREAD, user_id=actor.user_id)
    return found[0] if found else 0


async def read(
    tx: Transaction, actor: Actor, notification_id: UUID, *, now: datetime
) -> Notification:
    """Reading twice keeps the first time."""
    found = await tx.first(_READ, user_id=actor.user_id, of_id=notification_id, now=now)
    if found is None:
        raise NotFound("there is no such notification of yours")
    _cancel_escalations(tx, actor, [(found.workspace_id, found.id)], now=now)
    return found


async def read_all(
    tx: Transaction, actor: Actor, *, until: datetime | None, now: datetime
) -> ReadAll:
    """All that came up to `until`: what came after somebody last looked stays unread."""
    found = await tx.all(_READ_ALL, user_id=actor.user_id, until=until or now, now=now)
    _cancel_escalations(tx, actor, found, now=now)
    return ReadAll(len(found), await unread(tx, actor))


def _cancel_escalations(
    tx: Transaction, actor: Actor, read: Sequence[tuple[Any, ...]], *, now: datetime
) -> None:
    if read:
        workspaces, ids = map(list, zip(*read, strict=True))
        tx.run(
            _CANCEL_ESCALATIONS,
            workspaces=workspaces,
            ids=ids,
            user_id=actor.user_id,
            error=Reason.READ,
            log=Jsonb([deliveries.entry(now, "cancelled", Reason.READ)]),
        )
