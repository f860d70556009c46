"""The verbs of todos. Each is one transaction of its caller and emits what it changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, func, literal, select

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Invalid, NotFound
from core.ids import uuid7
from core.models.series import SeriesStatus
from core.models.todos import CreatedVia, Priority, Status, Todos
from core.rules.reminders import Due
from core.services import lists, reminders, series, series_edits, series_reversals, todo_writes
from core.services.reminders import ReminderDraft
from core.services.series import Scope
from core.services.series_rows import RecurrenceDraft
from core.services.todo_rows import Todo, TodoRow
from core.services.todo_writes import EDITABLE
from core.services.workspaces import Access, Place, place
from core.statements import LOCK_FEEDS, query

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
    recurrence: RecurrenceDraft | None = None
    id: UUID | None = None


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
        due_at=await todo_writes.due_at(tx, draft.due),
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
        recurrence=None,
        reminders=[],
        voice=None,
    )
    if draft.recurrence is not None:
        row = await _recurring(tx, actor, row, draft.recurrence, draft.reminders, now=spot.now)
    todo_writes.add(tx, row, created_by=actor.user_id)
    added = await reminders.add_to(tx, actor, row, draft.reminders, now=spot.now)
    return replace(row, reminders=added).answer()


async def edit(
    tx: Transaction,
    actor: Actor,
    todo_id: UUID,
    changes: Mapping[str, Any],
    *,
    scope: Scope | None = None,
    if_version: int | None = None,
    now: datetime,
) -> Todo:
    """Change the named fields only. `changes` holds values of `EDITABLE`, `due`, `list_name` and
    `recurrence` (a draft, or null to stop); `scope` says which occurrences of a series are meant.

    Raises `Stale` when `if_version` is no longer current.
    """
    row, spot = await todo_writes.writable(tx, actor, todo_id, if_version=if_version, now=now)
    changes = dict(changes)
    name = changes.pop("list_name", None)
    if name is not None:
        changes["list_id"] = await lists.named(tx, spot, name)
    elif changes.get("list_id") is not None:
        await lists.require(tx, spot, changes["list_id"])
    if changes.get("parent_id") is not None:
        await _require_parent(tx, spot, changes["parent_id"], child=row)
    return await _edited(tx, actor, row, changes, scope, now=spot.now)


async def replace_with(
    tx: Transaction, actor: Actor, draft: TodoDraft, *, if_version: int | None, now: datetime
) -> Todo:
    """Every writable field of the todo `draft.id`, and its reminders, become the draft's."""
    if draft.id is None:
        raise NotFound
    row, spot = await todo_writes.writable(tx, actor, draft.id, if_version=if_version, now=now)
    changes = {name: getattr(draft, name) for name in EDITABLE if hasattr(draft, name)}
    changes |= {"due": draft.due, "recurrence": draft.recurrence}
    if draft.position is None:
        changes["position"] = row.position
    if draft.list_name is not None:
        changes["list_id"] = await lists.named(tx, spot, draft.list_name)
    elif draft.list_id is not None:
        await lists.require(tx, spot, draft.list_id)
    if draft.parent_id is not None:
        await _require_parent(tx, spot, draft.parent_id, child=row)
    for reminder in row.reminders:
        await reminders.remove(tx, actor, reminder.id, now=now)
    row = replace(row, reminders=[])
    after = await series_edits.edit(tx, actor, row, changes, scope=Scope.FOLLOWING, now=spot.now)
    await reminders.add_to(tx, actor, after, draft.reminders, now=spot.now)
    return await _answer(tx, actor, after)


async def delete(
    tx: Transaction,
    actor: Actor,
    todo_id: UUID,
    *,
    scope: Scope | None = None,
    if_version: int | None = None,
    now: datetime,
) -> None:
    """Mark it and its subtasks deleted; `undo` brings them back for 30 days.

    Of a series, nothing comes after it; of `Scope.THIS` the next occurrence does (it is skipped).
    """
    row, spot = await todo_writes.writable(tx, actor, todo_id, if_version=if_version, now=now)
    recurring = await series.of_todo(tx, row)
    if recurring is not None and recurring.todo_id == row.id and row.status == Status.PENDING:
        if scope is Scope.THIS:
            await series.skip(tx, recurring, row, now=spot.now)
            return
        series.end(tx, recurring, now=spot.now)
    for each in [row, *await todo_writes.subtasks(tx, row, reader=actor.user_id)]:
        await todo_writes.write(tx, each, {"deleted": True}, now=spot.now)


async def complete(
    tx: Transaction, actor: Actor, todo_id: UUID, *, last: bool = False, now: datetime
) -> tuple[Todo, Todo | None]:
    """Its open subtasks are completed with it, in the same change set. Twice is once.

    With the next occurrence when it recurs; `last`: none is to come any more.
    """
    row, spot = await todo_writes.writable(tx, actor, todo_id, now=now)
    if row.status == Status.COMPLETED:
        return row.answer(), None
    recurring = await series.of_todo(tx, row)
    done = {"status": Status.COMPLETED}
    goes_on = recurring is not None and recurring.active and not last
    for each in await todo_writes.subtasks(tx, row, reader=actor.user_id):
        if goes_on and each.series_id is not None:
            continue  # it comes back by its own rule, under the next occurrence
        if (own := await series.of_todo(tx, each)) is not None:
            series.end(tx, own, now=spot.now)
        await todo_writes.write(tx, each, done, now=spot.now)
    completed = await todo_writes.write(tx, row, done, now=spot.now)
    if recurring is None:
        return completed.answer(), None
    if last:
        series.end(tx, recurring, now=spot.now)
        recurring = replace(recurring, status=SeriesStatus.ENDED)
    following = await series.completed(tx, recurring, row, now=spot.now)
    answer = await _answer(tx, actor, completed)
    return answer, await _answer(tx, actor, following) if following else None


async def reopen(tx: Transaction, actor: Actor, todo_id: UUID, *, now: datetime) -> Todo:
    """Of a series, its untouched successor goes. Raises `Conflict` when that was worked on."""
    row, spot = await todo_writes.writable(tx, actor, todo_id, now=now)
    if row.status == Status.COMPLETED:
        await series_reversals.reopened(tx, row, now=spot.now)
    after = await todo_writes.write(tx, row, {"status": Status.PENDING}, now=spot.now)
    return await _answer(tx, actor, after) if row.series_id else after.answer()


async def skip(tx: Transaction, actor: Actor, todo_id: UUID, *, now: datetime) -> Todo:
    """Let this occurrence be and go on to the next one. Raises `Conflict` without a next one."""
    row, spot = await todo_writes.writable(tx, actor, todo_id, now=now)
    recurring = await series.of_todo(tx, row)
    if recurring is None:
        raise Conflict("this todo does not recur")
    return await _answer(tx, actor, await series.skip(tx, recurring, row, now=spot.now))


async def _edited(
    tx: Transaction,
    actor: Actor,
    row: TodoRow,
    changes: Mapping[str, Any],
    scope: Scope | None,
    *,
    now: datetime,
) -> Todo:
    after = await series_edits.edit(tx, actor, row, changes, scope=scope, now=now)
    return await _answer(tx, actor, after) if after.series_id else after.answer()


async def _answer(tx: Transaction, actor: Actor, row: TodoRow) -> Todo:
    """As it stands now: what a series does to its rule and reminders is not in the row."""
    return (await todo_writes.lock(tx, actor, row.id)).answer()


async def _recurring(
    tx: Transaction,
    actor: Actor,
    row: TodoRow,
    draft: RecurrenceDraft,
    wished: Sequence[ReminderDraft],
    *,
    now: datetime,
) -> TodoRow:
    """A new todo at the first occurrence of its rule."""
    befores = [each.wish.before for each in wished if each.wish.before is not None]
    before_s = int(max(befores).total_seconds()) if befores else None
    begun = await series.begin(tx, actor, row, draft, before_s=before_s, now=now)
    due = begun.planned
    return replace(
        row,
        series_id=begun.id,
        due_on=due.on,
        due_time=due.at,
        due_zone=due.zone,
        due_at=await todo_writes.due_at(tx, due),
        recurrence=begun.told(),
    )


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
