"""Tags: names on todos. One exists while a todo carries it; there is nothing else to keep."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select

from core.actor import Actor
from core.db import Transaction
from core.errors import NotFound
from core.models.todos import Todos
from core.services import todo_writes
from core.services.todo_rows import TodoRow, select_rows
from core.services.workspaces import Access, place, visible
from core.statements import query

MOST = 1000


@dataclass(frozen=True, slots=True)
class Tag:
    name: str
    todos: int  # that carry it


_name = func.unnest(Todos.tags).label("name")
_COUNTS = query(
    select(_name, func.count())
    .where(
        visible(Todos.workspace_id),
        Todos.workspace_id == bindparam("workspace_id"),
        Todos.deleted_at.is_(None),
    )
    .group_by(_name)
    .order_by(_name)
    .limit(MOST),
    Tag,
)
_CARRYING = query(
    select_rows()
    .where(
        visible(Todos.workspace_id),
        Todos.workspace_id == bindparam("workspace_id"),
        Todos.deleted_at.is_(None),
        bindparam("name") == Todos.tags.any_(),
    )
    .order_by(Todos.id)
    .with_for_update(of=Todos),
    TodoRow.of_row,
)


async def all_of(tx: Transaction, actor: Actor, *, workspace_id: UUID) -> list[Tag]:
    await place(tx, actor, workspace_id, Access.READ, now=tx.began_at)
    return await tx.all(_COUNTS, workspace_id=workspace_id, user_id=actor.user_id)


async def rename(
    tx: Transaction, actor: Actor, name: str, new: str, *, workspace_id: UUID, now: datetime
) -> Tag:
    """On every todo that carries it; one of the new name takes it in."""
    carrying = await _change(tx, actor, name, [new], workspace_id=workspace_id, now=now)
    return Tag(new, carrying)


async def remove(
    tx: Transaction, actor: Actor, name: str, *, workspace_id: UUID, now: datetime
) -> None:
    await _change(tx, actor, name, [], workspace_id=workspace_id, now=now)


async def _change(
    tx: Transaction,
    actor: Actor,
    name: str,
    becomes: list[str],
    *,
    workspace_id: UUID,
    now: datetime,
) -> int:
    spot = await place(tx, actor, workspace_id, Access.WRITE, now=now)
    rows = await tx.all(_CARRYING, workspace_id=workspace_id, user_id=actor.user_id, name=name)
    if not rows:
        raise NotFound("no todo carries this tag")
    for row in rows:
        tags = [new for old in row.tags for new in (becomes if old == name else [old])]
        await todo_writes.write(tx, row, {"tags": tags}, now=spot.now)
    return len(rows)
