"""The verbs of todos. Each is one transaction of its caller and emits what it changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, func, insert, literal, select, update

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from core.events import Event
from core.ids import uuid7
from core.models.todos import CreatedVia, Priority, Status, Todos
from core.rules.reminders import Due, due_instant
from core.services import lists, reminders
from core.services.reminders import ReminderDraft
from core.services.todo_rows import COLUMN_NAMES, DueTime, Todo, TodoRow, clock_text, select_rows
from core.services.workspaces import Access, Place, place, visible
from core.statements import LOCK_FEEDS, query

MAX_SUBTASKS_AT_ONCE: Final = 1000
MAX_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class TodoDraft:
    """What a new todo is made of. `list_name` finds or makes a list; `id` is a client's UUIDv7."""

    title: str
    description: str = ""
    list_id: UUID | None = None
    list_name: str | None = None
    parent_id: UUID | None = None
    priority: str = Priority.NONE
    tags: list[str] = field(default_factory=list)
    due: Due | None = None
    assignee_id: UUID | None = None
    position: float | None = None
    location: str | None = None
    created_via: str = CreatedVia.API
    reminders: list[ReminderDraft] = field(default_factory=list)
    id: UUID | None = None


# What events tell the old values of, by the names that the API uses.
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
_WRITTEN: Final = (
    *EDITABLE,
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
_PARENT = query(
    select(Todos.parent_id).where(
        Todos.workspace_id == bindparam("workspace_id"),
        Todos.id == bindparam("id"),
        Todos.deleted_at.is_(None),
    )
)
_top = (
    select(Todos.id, literal(0).label("level"))
    .where(Todos.workspace_id == bindparam("workspace_id"), Todos.id == bindparam("id"))
    .cte("branch", recursive=True)
)
_branch = _top.union_all(
    select(Todos.id, _top.c.level + 1).where(
        Todos.workspace_id == bindparam("workspace_id"),
        Todos.parent_id == _top.c.id,
        Todos.deleted_at.is_(None),
        _top.c.level < MAX_DEPTH,
    )
)
_HEIGHT = query(select(func.max(_branch.c.level)))
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


async def create(
    tx: Transaction, actor: Actor, draft: TodoDraft, *, workspace_id: UUID, now: datetime
) -> Todo:
    """Written with its reminders, and with its list when that has a new name."""
    spot = await place(tx, actor, workspace_id, Access.WRITE, now=now)
    list_id = draft.list_id
    if draft.list_name is not None:
        list_id = await lists.named(tx, spot, draft.list_name)
    elif list_id is not None:
        await lists.require(tx, spot, list_id)
    if draft.parent_id is not None:
        await _require_parent(tx, spot, draft.parent_id)
    row = TodoRow(
        id=draft.id or uuid7(),
        workspace_id=workspace_id,
        list_id=list_id,
        parent_id=draft.parent_id,
        title=draft.title,
        description=draft.description,
        status=Status.PENDING,
        priority=draft.priority,
        tags=list(dict.fromkeys(draft.tags)),
        due_on=draft.due.on if draft.due else None,
        due_time=draft.due.at if draft.due else None,
        due_zone=draft.due.zone if draft.due else None,
        due_at=await _due_at(tx, draft.due),
        series_id=None,
        missed=0,
        assignee_id=draft.assignee_id,
        position=spot.now.timestamp() if draft.position is None else draft.position,
        location=draft.location,
        created_via=draft.created_via,
        version=1,
        created_at=spot.now,
        updated_at=spot.now,
        completed_at=None,
        deleted_at=None,
        reminders=[],
    )
    columns = {name: getattr(row, name) for name in COLUMN_NAMES if name != "version"}
    tx.run(ADD, **columns, created_by=actor.user_id)
    tx.emit(Event(workspace_id, "todo.created", row.id))
    added = await reminders.add_to(tx, actor, row, draft.reminders, now=spot.now)
    return replace(row, reminders=added).answer()


async def edit(
    tx: Transaction,
    actor: Actor,
    todo_id: UUID,
    changes: Mapping[str, Any],
    *,
    if_version: int | None = None,
    now: datetime,
) -> Todo:
    """Change the named fields only. `changes` holds values of `EDITABLE`, `due` and `list_name`.

    Raises `Stale` when `if_version` is no longer current.
    """
    row, spot = await _writable(tx, actor, todo_id, if_version=if_version, now=now)
    changes = dict(changes)
    name = changes.pop("list_name", None)
    if name is not None:
        changes["list_id"] = await lists.named(tx, spot, name)
    elif changes.get("list_id") is not None:
        await lists.require(tx, spot, changes["list_id"])
    if changes.get("parent_id") is not None:
        await _require_parent(tx, spot, changes["parent_id"], child=row)
    return (await write(tx, row, changes, now=spot.now)).answer()


async def replace_with(
    tx: Transaction, actor: Actor, draft: TodoDraft, *, if_version: int | None, now: datetime
) -> Todo:
    """Every writable field of the todo `draft.id`, and its reminders, become the draft's."""
    if draft.id is None:
        raise NotFound
    row, spot = await _writable(tx, actor, draft.id, if_version=if_version, now=now)
    changes = {name: getattr(draft, name) for name in EDITABLE if hasattr(draft, name)}
    changes["due"] = draft.due
    if draft.position is None:
        changes["position"] = row.position
    if draft.list_name is not None:
        changes["list_id"] = await lists.named(tx, spot, draft.list_name)
    elif draft.list_id is not None:
        await lists.require(tx, spot, draft.list_id)
    if draft.parent_id is not None:
        await _require_parent(tx, spot, draft.parent_id, child=row)
    after = await write(tx, row, changes, now=spot.now)
    for reminder in row.reminders:
        await reminders.remove(tx, actor, reminder.id, now=now)
    added = await reminders.add_to(tx, actor, after, draft.reminders, now=spot.now)
    return replace(after, reminders=added).answer()


async def delete(
    tx: Transaction, actor: Actor, todo_id: UUID, *, if_version: int | None = None, now: datetime
) -> None:
    """Mark it and its subtasks deleted; `undo` brings them back for 30 days."""
    row, spot = await _writable(tx, actor, todo_id, if_version=if_version, now=now)
    for each in [row, *await _subtasks(tx, actor, row)]:
        await write(tx, each, {"deleted": True}, now=spot.now)


async def complete(tx: Transaction, actor: Actor, todo_id: UUID, *, now: datetime) -> Todo:
    """Its open subtasks are completed with it, in the same change set. Twice is once."""
    row, spot = await _writable(tx, actor, todo_id, now=now)
    if row.status == Status.COMPLETED:
        return row.answer()
    for each in await _subtasks(tx, actor, row):
        await write(tx, each, {"status": Status.COMPLETED}, now=spot.now)
    return (await write(tx, row, {"status": Status.COMPLETED}, now=spot.now)).answer()


async def reopen(tx: Transaction, actor: Actor, todo_id: UUID, *, now: datetime) -> Todo:
    row, spot = await _writable(tx, actor, todo_id, now=now)
    return (await write(tx, row, {"status": Status.PENDING}, now=spot.now)).answer()


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
    tx: Transaction, row: TodoRow, changes: Mapping[str, Any], *, now: datetime
) -> TodoRow:
    """The one place that changes a todo: compares, re-arms reminders, writes, tells the feed."""
    after = await _changed(tx, row, changes, now=now)
    before, told = public(row), public(after)
    changed = [name for name in told if told[name] != before[name]]
    if not changed:
        return row
    if {"due", "status", "deleted"} & set(changed):
        moved = await reminders.rearm_todo(tx, after, now=now)
        shown = [replace(r, next_fire_at=moved.get(r.id, r.next_fire_at)) for r in row.reminders]
        after = replace(after, reminders=shown)
    values = {name: getattr(after, name) for name in _WRITTEN}
    tx.run(_WRITE, of_workspace_id=row.workspace_id, of_id=row.id, now=now, **values)
    old = {name: before[name] for name in changed}
    tx.emit(Event(row.workspace_id, _event_type(row, after), row.id, changed, old))
    return replace(after, version=row.version + 1, updated_at=now)


def public(row: TodoRow) -> dict[str, Any]:
    """The fields that events and `undo` speak of, as plain JSON values."""
    told = {name: getattr(row, name) for name in EDITABLE}
    due = row.due
    told["due"] = due and DueTime(due.on, clock_text(due.at) if due.at else None, due.zone)
    told["deleted"] = row.deleted_at is not None
    return told


async def _changed(
    tx: Transaction, row: TodoRow, changes: Mapping[str, Any], *, now: datetime
) -> TodoRow:
    columns = {name: value for name, value in changes.items() if name in EDITABLE}
    if "tags" in columns:
        columns["tags"] = list(dict.fromkeys(columns["tags"]))
    if "due" in changes:
        due: Due | None = changes["due"]
        columns |= {
            "due_on": due.on if due else None,
            "due_time": due.at if due else None,
            "due_zone": due.zone if due else None,
            "due_at": await _due_at(tx, due),
        }
    if "status" in columns and columns["status"] != row.status:
        columns["completed_at"] = now if columns["status"] == Status.COMPLETED else None
    if "deleted" in changes:
        columns["deleted_at"] = (row.deleted_at or now) if changes["deleted"] else None
    return replace(row, **columns)


async def _writable(
    tx: Transaction, actor: Actor, todo_id: UUID, *, if_version: int | None = None, now: datetime
) -> tuple[TodoRow, Place]:
    row = await lock(tx, actor, todo_id)
    spot = await place(tx, actor, row.workspace_id, Access.WRITE, now=now)
    if if_version is not None and if_version != row.version:
        raise Stale
    return row, spot


async def _require_parent(
    tx: Transaction, spot: Place, parent_id: UUID, *, child: TodoRow | None = None
) -> None:
    """Raises `Invalid` unless it is there, and not below the todo that is to become its child."""
    below = 0
    if child is not None:
        # Moves of branches follow one another: two at once could close a circle.
        tx.run(LOCK_FEEDS, ids=[spot.workspace_id])
        height = await tx.first(_HEIGHT, workspace_id=spot.workspace_id, id=child.id)
        below = height[0] if height else 0
    above: UUID | None = parent_id
    for _ in range(MAX_DEPTH - below):
        if child is not None and above == child.id:
            raise Invalid("a todo cannot be its own ancestor", pointer="/parent_id", code="cycle")
        found = await tx.first(_PARENT, workspace_id=spot.workspace_id, id=above)
        if found is None:
            detail = "there is no such todo in this workspace"
            raise Invalid(detail, pointer="/parent_id", code="unknown_reference")
        above = found[0]
        if above is None:
            return
    raise Invalid(f"subtasks nest at most {MAX_DEPTH} deep", pointer="/parent_id", code="too_deep")


async def _subtasks(tx: Transaction, actor: Actor, row: TodoRow) -> list[TodoRow]:
    """Direct and indirect ones, parents first."""
    found: list[TodoRow] = []
    waiting = [row]
    while waiting:
        parent = waiting.pop()
        children = await tx.all(
            _LOCK_SUBTASKS,
            workspace_id=row.workspace_id,
            parent_id=parent.id,
            user_id=actor.user_id,
        )
        found += children
        waiting += children
        if len(found) > MAX_SUBTASKS_AT_ONCE:
            raise Conflict(f"more than {MAX_SUBTASKS_AT_ONCE} subtasks: work on them in parts")
    return found


async def _due_at(tx: Transaction, due: Due | None) -> datetime | None:
    if due is None:
        return None
    zone = due.zone or (await tx.person()).timezone
    return due_instant(due, zone)


def _event_type(before: TodoRow, after: TodoRow) -> str:
    if (before.deleted_at is None) != (after.deleted_at is None):
        return "todo.deleted" if after.deleted_at else "todo.restored"
    if before.status != after.status:
        return "todo.completed" if after.status == Status.COMPLETED else "todo.reopened"
    return "todo.updated"
