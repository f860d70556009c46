"""What a calendar's changes make of todos: through the verbs that people's own changes go through.

In the name of the connection's owner, so what they may not do is not done. One change set for a
whole run: `undo` takes it back at once.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.errors import NotFound
from core.models.series import SeriesStatus
from core.models.todos import CreatedVia, Status
from core.rules import rrule
from core.rules.calendar_plans import Act, TodoWrite
from core.rules.recurrence import Recurrence
from core.services import series, series_edits, series_reversals, todo_writes, todos
from core.services.calendar_syncs import SyncRow
from core.services.series import Scope
from core.services.series_rows import RecurrenceDraft
from core.services.todos import TodoDraft

RECURRENCE: Final = series_edits.RECURRENCE


async def apply(
    tx: Transaction, sync: SyncRow, todo_id: UUID | None, write: TodoWrite, *, now: datetime
) -> UUID:
    """The todo that was written. `tx` acts for the owner; what is refused raises as it does."""
    actor = Actor(sync.user_id, sync.id)
    if write.act is Act.CREATE or todo_id is None:
        return await _create(tx, actor, sync, write, now=now)
    if write.act is Act.DELETE:
        await todos.delete(tx, actor, todo_id, now=now)
        return todo_id
    if write.act is Act.RESTORE:
        await restore(tx, actor, todo_id, now=now)
    await _edit(tx, actor, todo_id, write, now=now)
    return todo_id


async def _create(
    tx: Transaction, actor: Actor, sync: SyncRow, write: TodoWrite, *, now: datetime
) -> UUID:
    draft = TodoDraft(
        title=write.title or "",
        description=write.notes,
        due=write.due,
        created_via=CreatedVia.CALENDAR,
        recurrence=_draft(write.recurrence),
    )
    made = await todos.create(tx, actor, draft, workspace_id=sync.workspace_id, now=now)
    if write.done:
        await todos.complete(tx, actor, made.id, now=now)
    return made.id


async def _edit(
    tx: Transaction, actor: Actor, todo_id: UUID, write: TodoWrite, *, now: datetime
) -> None:
    changes: dict[str, Any] = {}
    if write.title is not None:
        changes["title"] = write.title
    if write.due is not None:
        changes["due"] = write.due
    if write.recurrence is not None:
        changes[RECURRENCE] = _draft(write.recurrence)
    elif write.stops:
        changes[RECURRENCE] = None
    scope = Scope.FOLLOWING if write.recurrence is not None else None
    if write.done is False:  # first: what is completed of a series is not moved
        await _reopen(tx, actor, todo_id, now=now)
    if changes:
        await todos.edit(tx, actor, todo_id, changes, scope=scope, now=now)
    if write.done:
        await todos.complete(tx, actor, todo_id, now=now)


async def _reopen(tx: Transaction, actor: Actor, todo_id: UUID, *, now: datetime) -> None:
    row = await todo_writes.lock(tx, actor, todo_id)
    if row.status == Status.COMPLETED:
        await todos.reopen(tx, actor, todo_id, now=now)


async def restore(tx: Transaction, actor: Actor, todo_id: UUID, *, now: datetime) -> bool:
    """Bring back a deleted todo, and its series. False: it was not deleted, or is gone for good."""
    try:
        row = await todo_writes.lock(tx, actor, todo_id, deleted_too=True)
    except NotFound:
        return False
    if row.deleted_at is None:
        return False
    row = await todo_writes.write(tx, row, {"deleted": False}, now=now)
    ended = await series.any_of_todo(tx, row)
    if ended is not None and ended.todo_id == row.id and ended.status == SeriesStatus.ENDED:
        series_reversals.put_back(tx, ended, {"status": SeriesStatus.ACTIVE}, now=now)
        await series_reversals.reconcile(tx, row.workspace_id, ended.id)
    return True


def _draft(recurrence: Recurrence | None) -> RecurrenceDraft | None:
    if recurrence is None:
        return None
    return RecurrenceDraft(rrule.text(recurrence.rule), recurrence)
