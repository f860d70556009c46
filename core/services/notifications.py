"""What the app shows a person: reminders that came, and what they should know."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select, tuple_, update

from core.actor import Actor
from core.db import Transaction
from core.errors import NotFound
from core.models.deliveries import Notifications
from core.services.workspaces import visible
from core.statements import query


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
_ORDER = (Notifications.created_at.desc(), Notifications.id.desc())
_PAGE = query(
    select(*_COLUMNS).where(*_MINE).order_by(*_ORDER).limit(bindparam("limit")), Notification
)
_NEXT_PAGE = query(
    select(*_COLUMNS)
    .where(
        *_MINE,
        tuple_(Notifications.created_at, Notifications.id)
        < tuple_(bindparam("before"), bindparam("before_id")),
    )
    .order_by(*_ORDER)
    .limit(bindparam("limit")),
    Notification,
)
_UNREAD = query(select(func.count()).where(*_MINE, Notifications.read_at.is_(None)))
_READ = query(
    update(Notifications)
    .where(*_MINE, Notifications.id == bindparam("of_id"))
    .values(read_at=func.coalesce(Notifications.read_at, bindparam("now")))
    .returning(*_COLUMNS),
    Notification,
)


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
    return found
