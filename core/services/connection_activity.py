"""What each connection read, wrote, left alone and could not do, for the person whose it is.

Words of ours and ids: what a todo or an event is called stands in it nowhere, and is looked up when
it is read. Kept for 30 days.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, bindparam, insert, select

from core.db import Transaction
from core.ids import uuid7
from core.models.connections import ConnectionActivity, Direction
from core.models.todos import Todos
from core.rules import activity_reasons
from core.statements import query

_ADD: Final = query(
    insert(ConnectionActivity).values(
        workspace_id=bindparam("workspace_id"),
        id=bindparam("id"),
        connection_id=bindparam("connection_id"),
        at=bindparam("at"),
        direction=bindparam("direction"),
        action=bindparam("action"),
        todo_id=bindparam("todo_id"),
        remote_id=bindparam("remote_id"),
        reason=bindparam("reason"),
        count=bindparam("count"),
    )
)


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing done, or `count` of a kind. `remote_id` is the provider's, of an event or so.

    `title` is what the todo is called now, null where there is none of it any more. `reason` says
    in words why something was left alone or failed.
    """

    id: UUID
    at: datetime
    direction: str
    action: str
    todo_id: UUID | None
    remote_id: str | None
    reason: str | None
    count: int
    title: str | None


_OF = (
    ConnectionActivity.workspace_id == bindparam("of_workspace"),
    ConnectionActivity.connection_id == bindparam("of_connection"),
)
_COLUMNS = (
    ConnectionActivity.id,
    ConnectionActivity.at,
    ConnectionActivity.direction,
    ConnectionActivity.action,
    ConnectionActivity.todo_id,
    ConnectionActivity.remote_id,
    ConnectionActivity.reason,
    ConnectionActivity.count,
    Todos.title,
)
_WITH_TITLES = select(*_COLUMNS).outerjoin(
    Todos,
    and_(
        Todos.workspace_id == ConnectionActivity.workspace_id,
        Todos.id == ConnectionActivity.todo_id,
    ),
)
_PAGE: Final = query(
    _WITH_TITLES.where(*_OF).order_by(ConnectionActivity.id.desc()).limit(bindparam("limit")),
    Activity,
)
_NEXT: Final = query(
    _WITH_TITLES.where(*_OF, ConnectionActivity.id < bindparam("before"))
    .order_by(ConnectionActivity.id.desc())
    .limit(bindparam("limit")),
    Activity,
)


def record(
    tx: Transaction,
    workspace_id: UUID,
    connection_id: UUID,
    direction: Direction,
    action: str,
    *,
    todo_id: UUID | None = None,
    remote_id: str | None = None,
    reason: str | None = None,
    count: int = 1,
    now: datetime,
) -> None:
    """Queue a line; it stands or falls with the transaction. `action`, `reason`: constants."""
    tx.run(
        _ADD,
        workspace_id=workspace_id,
        id=uuid7(),
        connection_id=connection_id,
        at=now,
        direction=direction,
        action=action,
        todo_id=todo_id,
        remote_id=remote_id,
        reason=reason,
        count=count,
    )


async def page(
    tx: Transaction, workspace_id: UUID, connection_id: UUID, *, before: UUID | None, limit: int
) -> list[Activity]:
    """Up to `limit` + 1, newest first. Whose the connection is the caller has seen."""
    of = {"of_workspace": workspace_id, "of_connection": connection_id, "limit": limit + 1}
    if before is None:
        found = await tx.all(_PAGE, **of)
    else:
        found = await tx.all(_NEXT, **of, before=before)
    return [replace(each, reason=each.reason or _reason(each.action)) for each in found]


def _reason(action: str) -> str | None:
    return activity_reasons.SENTENCES.get(action)
