"""How a todo is locked, compared and written; whoever changes one goes through here."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Forbidden, NotFound, Stale
from core.events import Event
from core.models.todos import Status, Todos
from core.rules.reminders import Due, due_instant
from core.services import reminder_writes
from core.services.todo_rows import COLUMN_NAMES, DueTime, TodoRow, clock_text, select_rows
from core.services.workspaces import Access, Place, place, visible
from core.statements import query

MAX_SUBTASKS_AT_ONCE: Final = 1000

# What a person may change, and what events tell the old values of, by the API's names.
EDITABLE: Final = (
    "title",
    "description",
    "list_id",
    "parent_id",
    "priority",
    "tags",
    "assignee_id",
    "position",
    "location",
    "status",
)
TOLD: Final = (*EDITABLE, "series_id", "missed")
_WRITTEN: Final = (
    *TOLD,
    "due_on",
    "due_time",
    "due_zone",
    "due_at",
    "completed_at",
    "deleted_at",
)

_LOCK = query(
    select_rows()
    .where(visible(Todos.workspace_id), Todos.id == bindparam("id"))
    .with_for_update(of=Todos),
    TodoRow.of_row,
)
# Row-level security hides from a lock what may not be written.
_LOOK = query(
    select(Todos.id).where(
        visible(Todos.workspace_id), Todos.id == bindparam("id"), Todos.deleted_at.is_(None)
    )
)
_LOCK_SUBTASKS = query(
    select_rows()
    .where(
        Todos.workspace_id == bindparam("workspace_id"),
        Todos.parent_id == bindparam("parent_id"),
        Todos.deleted_at.is_(None),
    )
    .order_by(Todos.id)
    .limit(MAX_SUBTASKS_AT_ONCE)
    .with_for_update(of=Todos),
    TodoRow.of_row,
)
ADD = query(
    insert(Todos).values(
        {name: bindparam(name) for name in (*COLUMN_NAMES, "created_by") if name != "version"}
    )
)
_WRITE = query(
    update(Todos)
    .where(Todos.workspace_id == bindparam("of_workspace_id"), Todos.id == bindparam("of_id"))
    .values(
        **{name: bindparam(name) for name in _WRITTEN},
        version=Todos.version + 1,
        updated_at=bindparam("now"),
    )
)


def add(tx: Transaction, row: TodoRow, *, created_by: UUID | None) -> None:
    """Queue a new todo. Whose floating times it keeps is `created_by`'s to say."""
    columns = {name: getattr(row, name) for name in COLUMN_NAMES if name != "version"}
    tx.run(ADD, **columns, created_by=created_by)
    tx.emit(Event(row.workspace_id, "todo.created", row.id))


async def writable(
    tx: Transaction, actor: Actor, todo_id: UUID, *, if_version: int | None = None, now: datetime
) -> tuple[TodoRow, Place]:
    row = await lock(tx, actor, todo_id)
    spot = await place(tx, actor, row.workspace_id, Access.WRITE, now=now)
    if if_version is not None and if_version != row.version:
        raise Stale
    return row, spot


async def lock(
    tx: Transaction, actor: Actor, todo_id: UUID, *, deleted_too: bool = False
) -> TodoRow:
    """The stored todo, locked for this transaction.

    Raises `NotFound`, and `Forbidden` for one that the actor may only look at.
    """
    row = await tx.first(_LOCK, id=todo_id, user_id=actor.user_id)
    if row is None and await tx.first(_LOOK, id=todo_id, user_id=actor.user_id) is not None:
        raise Forbidden
    if row is None or (row.deleted_at is not None and not deleted_too):
        raise NotFound("there is no such todo that you can see")
    return row


async def write(
    tx: Transaction,
    row: TodoRow,
    changes: Mapping[str, Any],
    *,
    now: datetime,
    zone: str | None = None,
    rearm: bool = True,
) -> TodoRow:
    """The one place that changes a todo: compares, re-arms reminders, writes, tells the feed.

    `zone` is that of floating times: the caller's unless given. With `rearm` false the reminders
    are left alone, which is for who knows that they are right.
    """
    after = await _changed(tx, row, changes, now=now, zone=zone)
    before, told = public(row), public(after)
    changed = [name for name in told if told[name] != before[name]]
    if not changed:
        return row
    if rearm and {"due", "status", "deleted"} & set(changed):
        moved = await reminder_writes.rearm_todo(tx, after, now=now, new_due="due" in changed)
        shown = [replace(r, next_fire_at=moved.get(r.id, r.next_fire_at)) for r in row.reminders]
        after = replace(after, reminders=shown)
    values = {name: getattr(after, name) for name in _WRITTEN}
    tx.run(_WRITE, of_workspace_id=row.workspace_id, of_id=row.id, now=now, **values)
    old = {name: before[name] for name in changed}
    tx.emit(Event(row.workspace_id, _event_type(row, after), row.id, changed, old))
    return replace(after, version=row.version + 1, updated_at=now)


def public(row: TodoRow) -> dict[str, Any]:
    """The fields that events and `undo` speak of, as plain JSON values."""
    told = {name: getattr(row, name) for name in TOLD}
    due = row.due
    told["due"] = due and DueTime(due.on, clock_text(due.at) if due.at else None, due.zone)
    told["deleted"] = row.deleted_at is not None
    return told


async def _changed(
    tx: Transaction,
    row: TodoRow,
    changes: Mapping[str, Any],
    *,
    now: datetime,
    zone: str | None,
) -> TodoRow:
    columns = {name: value for name, value in changes.items() if name in TOLD}
    if "tags" in columns:
        columns["tags"] = list(dict.fromkeys(columns["tags"]))
    if "due" in changes:
        due: Due | None = changes["due"]
        columns |= {
            "due_on": due.on if due else None,
            "due_time": due.at if due else None,
            "due_zone": due.zone if due else None,
            "due_at": await due_at(tx, due, zone=zone),
        }
    if "status" in columns and columns["status"] != row.status:
        columns["completed_at"] = now if columns["status"] == Status.COMPLETED else None
    if "deleted" in changes:
        columns["deleted_at"] = (row.deleted_at or now) if changes["deleted"] else None
    return replace(row, **columns)


async def subtasks(tx: Transaction, row: TodoRow, *, reader: UUID | None) -> list[TodoRow]:
    """Direct and indirect ones, parents first, with the reader's reminders."""
    found: list[TodoRow] = []
    waiting = [row]
    while waiting:
        parent = waiting.pop()
        children = await tx.all(
            _LOCK_SUBTASKS,
            workspace_id=row.workspace_id,
            parent_id=parent.id,
            user_id=reader,
        )
        found += children
        waiting += children
        if len(found) > MAX_SUBTASKS_AT_ONCE:
            raise Conflict(f"more than {MAX_SUBTASKS_AT_ONCE} subtasks: work on them in parts")
    return found


async def due_at(tx: Transaction, due: Due | None, *, zone: str | None = None) -> datetime | None:
    """The instant of a due time; a floating one's in `zone`, or the caller's."""
    if due is None:
        return None
    return due_instant(due, due.zone or zone or (await tx.person()).timezone)


def _event_type(before: TodoRow, after: TodoRow) -> str:
    if (before.deleted_at is None) != (after.deleted_at is None):
        return "todo.deleted" if after.deleted_at else "todo.restored"
    if before.status != after.status:
        return "todo.completed" if after.status == Status.COMPLETED else "todo.reopened"
    return "todo.updated"
