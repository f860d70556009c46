"""What went out to a person from one workspace: the ledger, a page at a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import and_, bindparam, select, tuple_

from core.actor import Actor
from core.db import Transaction
from core.models.deliveries import Deliveries, DeliveryKind
from core.models.push import PushSubscriptions
from core.models.todos import Todos
from core.services.explanations import LogEntry
from core.services.workspaces import Access, place, visible
from core.statements import query


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to oneself. `title` is the todo's of today; null without a todo."""

    id: UUID
    kind: str
    reminder_id: UUID | None
    todo_id: UUID | None
    title: str | None
    arm_no: int
    channel: str
    device: str | None  # of push; null once it was given up
    status: str
    ambiguous: bool
    attempts: int
    due_at: datetime
    sent_at: datetime | None
    next_attempt_at: datetime | None
    vendor_id: str | None
    error: str | None
    log: list[LogEntry]

    @classmethod
    def of_row(cls, key: UUID, kind: str, subject_id: UUID, *values: Any) -> Self:
        *columns, log = values
        reminder_id = subject_id if kind == DeliveryKind.REMINDER else None
        lines = [LogEntry.of_json(each) for each in log]
        fields: tuple[Any, ...] = (key, kind, reminder_id, *columns, lines)
        return cls(*fields)


_PAGE = (
    select(
        Deliveries.id,
        Deliveries.kind,
        Deliveries.subject_id,
        Deliveries.todo_id,
        Todos.title,
        Deliveries.arm_no,
        Deliveries.channel,
        PushSubscriptions.name,
        Deliveries.status,
        Deliveries.ambiguous,
        Deliveries.attempts,
        Deliveries.due_at,
        Deliveries.sent_at,
        Deliveries.next_attempt_at,
        Deliveries.vendor_id,
        Deliveries.error,
        Deliveries.log,
    )
    .outerjoin(
        Todos,
        and_(Todos.workspace_id == Deliveries.workspace_id, Todos.id == Deliveries.todo_id),
    )
    .outerjoin(
        PushSubscriptions,
        and_(
            PushSubscriptions.id == Deliveries.target_id,
            PushSubscriptions.user_id == Deliveries.user_id,
        ),
    )
    .where(
        visible(Deliveries.workspace_id),
        Deliveries.workspace_id == bindparam("workspace_id"),
        Deliveries.user_id == bindparam("user_id"),
    )
    .order_by(Deliveries.due_at.desc(), Deliveries.id.desc())
    .limit(bindparam("limit"))
)
_FIRST: Final = query(_PAGE, Delivery.of_row)
_NEXT: Final = query(
    _PAGE.where(
        tuple_(Deliveries.due_at, Deliveries.id)
        < tuple_(bindparam("before"), bindparam("before_id"))
    ),
    Delivery.of_row,
)


async def page(
    tx: Transaction,
    actor: Actor,
    workspace_id: UUID,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Delivery]:
    """Up to `limit` + 1 of one's own, the latest due first: what has just happened is on top."""
    await place(tx, actor, workspace_id, Access.READ, now=tx.began_at)
    asked = {"workspace_id": workspace_id, "user_id": actor.user_id, "limit": limit + 1}
    if before is None:
        return await tx.all(_FIRST, **asked)
    at, before_id = before
    return await tx.all(_NEXT, **asked, before=at, before_id=before_id)
