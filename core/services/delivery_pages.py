"""What went out to a person from one workspace: the ledger, a page at a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, bindparam, case, select, tuple_

from core.actor import Actor
from core.db import Transaction
from core.models.deliveries import Deliveries, DeliveryKind
from core.models.push import PushSubscriptions
from core.models.todos import Todos
from core.services.delivery_rows import COLUMNS, TO_BROWSER, ExplainedDelivery
from core.services.workspaces import Access, place, visible
from core.statements import query


@dataclass(frozen=True, slots=True)
class Delivery(ExplainedDelivery):
    """One message to oneself. `title` is the todo's of today; null without a todo."""

    kind: str
    reminder_id: UUID | None
    todo_id: UUID | None
    title: str | None


_PAGE = (
    select(
        *COLUMNS,
        Deliveries.kind,
        case((Deliveries.kind == DeliveryKind.REMINDER, Deliveries.subject_id)),
        Deliveries.todo_id,
        Todos.title,
    )
    .outerjoin(
        Todos,
        and_(Todos.workspace_id == Deliveries.workspace_id, Todos.id == Deliveries.todo_id),
    )
    .outerjoin(PushSubscriptions, TO_BROWSER)
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
