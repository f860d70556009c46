"""Lists: named places for todos."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, update

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from core.events import Event
from core.ids import uuid7
from core.models.todos import Lists, Todos
from core.services.workspaces import Access, Place, place, visible
from core.statements import query

MAX_PER_WORKSPACE = 500
EDITABLE = ("name", "position")


@dataclass(frozen=True, slots=True)
class TodoList:
    id: UUID
    workspace_id: UUID
    name: str
    position: float
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def etag(self) -> str:
        return f'"{self.version}"'


@dataclass(frozen=True, slots=True)
class ListRow:
    id: UUID
    workspace_id: UUID
    name: str
    position: float
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    def answer(self) -> TodoList:
        values = asdict(self)
        del values["deleted_at"]
        return TodoList(**values)


_COLUMNS = (
    Lists.id,
    Lists.workspace_id,
    Lists.name,
    Lists.position,
    Lists.version,
    Lists.created_at,
    Lists.updated_at,
)
_ALL = query(
    select(*_COLUMNS)
    .where(
        visible(Lists.workspace_id),
        Lists.workspace_id == bindparam("workspace_id"),
        Lists.deleted_at.is_(None),
    )
    .order_by(Lists.position, Lists.id)
    .limit(MAX_PER_WORKSPACE),
    TodoList,
)
_GET = query(
    select(*_COLUMNS).where(
        visible(Lists.workspace_id), Lists.id == bindparam("id"), Lists.deleted_at.is_(None)
    ),
    TodoList,
)
_LOCK = query(
    select(*_COLUMNS, Lists.deleted_at)
    .where(visible(Lists.workspace_id), Lists.id == bindparam("id"))
    .with_for_update(of=Lists),
    ListRow,
)
_NAMED = query(
    select(Lists.id).where(
        Lists.workspace_id == bindparam("workspace_id"),
        func.lower(Lists.name) == func.lower(bindparam("name")),
        Lists.deleted_at.is_(None),
    )
)
_STANDS = query(
    select(Lists.id).where(
        Lists.workspace_id == bindparam("workspace_id"),
        Lists.id == bindparam("id"),
        Lists.deleted_at.is_(None),
    )
)
_COUNT = query(
    select(func.count()).where(
        Lists.workspace_id == bindparam("workspace_id"), Lists.deleted_at.is_(None)
    )
)
_ADD = query(
    insert(Lists).values(
        workspace_id=bindparam("workspace_id"),
        id=bindparam("id"),
        name=bindparam("name"),
        position=bindparam("position"),
        created_at=bindparam("created_at"),
        updated_at=bindparam("created_at"),
    )
)
_WRITE = query(
    update(Lists)
    .where(Lists.workspace_id == bindparam("of_workspace_id"), Lists.id == bindparam("of_id"))
    .values(
        name=bindparam("name"),
        position=bindparam("position"),
        deleted_at=bindparam("deleted_at"),
        version=Lists.version + 1,
        updated_at=bindparam("now"),
    )
)
_TODOS_IN = query(
    select(Todos.id)
    .where(
        Todos.workspace_id == bindparam("workspace_id"),
        Todos.list_id == bindparam("list_id"),
        Todos.deleted_at.is_(None),
    )
    .with_for_update()
)
_TAKE_OUT = query(
    update(Todos)
    .where(
        Todos.workspace_id == bindparam("of_workspace_id"),
        Todos.list_id == bindparam("of_list_id"),
        Todos.deleted_at.is_(None),
    )
    .values(list_id=None, version=Todos.version + 1, updated_at=bindparam("now"))
)


async def create(
    tx: Transaction, actor: Actor, name: str, *, workspace_id: UUID, now: datetime
) -> TodoList:
    """Raises `Conflict` when there is one of that name, whatever its case."""
    spot = await place(tx, actor, workspace_id, Access.WRITE, now=now)
    return await _make(tx, spot, name)


async def all_of(tx: Transaction, actor: Actor, *, workspace_id: UUID) -> list[TodoList]:
    """In their order; bounded by `MAX_PER_WORKSPACE`."""
    await place(tx, actor, workspace_id, Access.READ, now=tx.began_at)
    return await tx.all(_ALL, workspace_id=workspace_id, user_id=actor.user_id)


async def get(tx: Transaction, actor: Actor, list_id: UUID) -> TodoList:
    found = await tx.first(_GET, id=list_id, user_id=actor.user_id)
    if found is None:
        raise NotFound("there is no such list that you can see")
    return found


async def require(tx: Transaction, spot: Place, list_id: UUID) -> None:
    """Raises `Invalid` unless the list is there: a deleted one takes no more todos."""
    if await tx.first(_STANDS, workspace_id=spot.workspace_id, id=list_id) is None:
        detail = "there is no such list in this workspace"
        raise Invalid(detail, pointer="/list_id", code="unknown_reference")


async def named(tx: Transaction, spot: Place, name: str) -> UUID:
    """The list of that name; a new one when there is none."""
    found = await tx.first(_NAMED, workspace_id=spot.workspace_id, name=name)
    return found[0] if found else (await _make(tx, spot, name)).id


async def edit(
    tx: Transaction,
    actor: Actor,
    list_id: UUID,
    changes: Mapping[str, Any],
    *,
    if_version: int | None,
    now: datetime,
) -> TodoList:
    row, spot = await _writable(tx, actor, list_id, if_version=if_version, now=now)
    return write(tx, row, changes, now=spot.now).answer()


async def delete(
    tx: Transaction, actor: Actor, list_id: UUID, *, if_version: int | None, now: datetime
) -> None:
    """Its todos stay and lose their list; `undo` puts them back."""
    row, spot = await _writable(tx, actor, list_id, if_version=if_version, now=now)
    inside = await tx.all(_TODOS_IN, workspace_id=row.workspace_id, list_id=row.id)
    tx.run(_TAKE_OUT, of_workspace_id=row.workspace_id, of_list_id=row.id, now=spot.now)
    for (todo_id,) in inside:
        tx.emit(Event(row.workspace_id, "todo.updated", todo_id, ["list_id"], {"list_id": row.id}))
    write(tx, row, {"deleted": True}, now=spot.now)


async def lock(
    tx: Transaction, actor: Actor, list_id: UUID, *, deleted_too: bool = False
) -> ListRow:
    """Raises `NotFound`, and `Forbidden` for one that the actor may only look at."""
    row = await tx.first(_LOCK, id=list_id, user_id=actor.user_id)
    if row is None and await tx.first(_GET, id=list_id, user_id=actor.user_id) is not None:
        raise Forbidden
    if row is None or (row.deleted_at is not None and not deleted_too):
        raise NotFound("there is no such list that you can see")
    return row


def write(tx: Transaction, row: ListRow, changes: Mapping[str, Any], *, now: datetime) -> ListRow:
    """The one place that changes a list: compares, writes, tells the feed."""
    columns = {name: value for name, value in changes.items() if name in EDITABLE}
    if "deleted" in changes:
        columns["deleted_at"] = now if changes["deleted"] else None
    after = replace(row, **columns)
    before, told = public(row), public(after)
    changed = [name for name in told if told[name] != before[name]]
    if not changed:
        return row
    tx.run(
        _WRITE,
        of_workspace_id=row.workspace_id,
        of_id=row.id,
        name=after.name,
        position=after.position,
        deleted_at=after.deleted_at,
        now=now,
    )
    kind = "list.updated"
    if "deleted" in changed:
        kind = "list.deleted" if after.deleted_at else "list.restored"
    tx.emit(
        Event(row.workspace_id, kind, row.id, changed, {name: before[name] for name in changed})
    )
    return replace(after, version=row.version + 1, updated_at=now)


def public(row: ListRow) -> dict[str, Any]:
    return {"name": row.name, "position": row.position, "deleted": row.deleted_at is not None}


async def _make(tx: Transaction, spot: Place, name: str) -> TodoList:
    count = await tx.first(_COUNT, workspace_id=spot.workspace_id)
    if count and count[0] >= MAX_PER_WORKSPACE:
        raise Conflict(f"a workspace has at most {MAX_PER_WORKSPACE} lists")
    made = TodoList(uuid7(), spot.workspace_id, name, spot.now.timestamp(), 1, spot.now, spot.now)
    tx.run(
        _ADD,
        workspace_id=made.workspace_id,
        id=made.id,
        name=name,
        position=made.position,
        created_at=made.created_at,
    )
    tx.emit(Event(spot.workspace_id, "list.created", made.id))
    return made


async def _writable(
    tx: Transaction, actor: Actor, list_id: UUID, *, if_version: int | None, now: datetime
) -> tuple[ListRow, Place]:
    row = await lock(tx, actor, list_id)
    spot = await place(tx, actor, row.workspace_id, Access.WRITE, now=now)
    if if_version is not None and if_version != row.version:
        raise Stale
    return row, spot
