"""Edits of a todo that recurs: of this occurrence, of it and all that follow, or of all there are.

Without a word about it, a new due time is this occurrence's alone (it is moved), and everything
else holds for this and the following: what people mean when they drag one day, and rename a chore.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Invalid
from core.services import series, todo_writes
from core.services import series_rows as rows
from core.services import series_writes as writes
from core.services.series import Scope
from core.services.series_rows import RecurrenceDraft, SeriesRow
from core.services.todo_rows import TodoRow

RECURRENCE: Final = "recurrence"  # among the changes: a draft, or null to stop


async def edit(
    tx: Transaction,
    actor: Actor,
    todo: TodoRow,
    changes: Mapping[str, Any],
    *,
    scope: Scope | None,
    now: datetime,
) -> TodoRow:
    """Write what `todo_writes` takes, and `RECURRENCE`; the todo as it is then."""
    changes = dict(changes)
    said = RECURRENCE in changes
    draft: RecurrenceDraft | None = changes.pop(RECURRENCE, None)
    row = await series.of_todo(tx, todo)
    if row is None:
        if draft is None:
            return await todo_writes.write(tx, todo, changes, now=now)
        return await _begin(tx, actor, todo, draft, changes, now=now)
    if said and draft is None:
        await series.stop(tx, row, now=now)
        return await todo_writes.write(tx, todo, changes, now=now)
    if row.todo_id != todo.id:
        if draft is not None and draft.recurrence != row.plan.recurrence:
            raise Conflict("a newer occurrence stands already: its rule is edited there")
        return await todo_writes.write(tx, todo, changes, now=now, zone=row.plan.zone)
    if "due" in changes and changes["due"] is None:
        detail = "a recurring todo keeps a due time; give `recurrence: null` with it to stop"
        raise Invalid(detail, pointer="/due", code="missing")
    row = _remember(tx, row, todo, changes, scope, now=now)
    if scope is Scope.ALL:
        await _also_the_others(tx, row, todo, changes, now=now)
    return await _rule(tx, row, todo, draft, changes, scope, now=now)


async def _begin(
    tx: Transaction,
    actor: Actor,
    todo: TodoRow,
    draft: RecurrenceDraft,
    changes: dict[str, Any],
    *,
    now: datetime,
) -> TodoRow:
    due = changes.get("due", todo.due)
    starts = replace(
        todo,
        due_on=due.on if due else None,
        due_time=due.at if due else None,
        due_zone=due.zone if due else None,
    )
    row = await series.begin(tx, actor, starts, draft, now=now)
    changes |= {"series_id": row.id, "due": row.planned, "missed": 0}
    return await todo_writes.write(tx, todo, changes, now=now, zone=row.plan.zone)


async def _rule(
    tx: Transaction,
    row: SeriesRow,
    todo: TodoRow,
    draft: RecurrenceDraft | None,
    changes: dict[str, Any],
    scope: Scope | None,
    *,
    now: datetime,
) -> TodoRow:
    """What is changed of time: the rule, its start, or this occurrence alone."""
    due = changes.pop("due", todo.due)
    other_rule = draft is not None and draft.recurrence.rule != row.plan.recurrence.rule
    later_too = scope in (Scope.FOLLOWING, Scope.ALL)
    if draft is not None and not other_rule and due == todo.due:
        row = await series.tune(tx, row, todo, draft, now=now)
    if other_rule or (due != todo.due and (later_too or draft is not None)):
        rule = draft or row.draft()
        return await series.change(tx, row, todo, rule, due, changes, now=now)
    if due != todo.due:
        todo = await series.move(tx, row, todo, due, now=now)
    return await todo_writes.write(tx, todo, changes, now=now, zone=row.plan.zone)


def _remember(
    tx: Transaction,
    row: SeriesRow,
    todo: TodoRow,
    changes: Mapping[str, Any],
    scope: Scope | None,
    *,
    now: datetime,
) -> SeriesRow:
    """Keep the values that the next occurrence gets back, when this one alone is edited."""
    own = [name for name in changes if name in writes.OF_EACH]
    kept = dict(row.restores)
    for name in own:
        if scope is Scope.THIS:
            value = getattr(todo, name)
            kept.setdefault(name, str(value) if name in writes.IDS and value else value)
        else:
            kept.pop(name, None)
    return writes.write(tx, row, replace(row, restores=kept), now=now)


async def _also_the_others(
    tx: Transaction, row: SeriesRow, todo: TodoRow, changes: Mapping[str, Any], *, now: datetime
) -> None:
    """What is not of time is written to every todo of the series, the completed ones included."""
    of_each = {name: value for name, value in changes.items() if name in writes.OF_EACH}
    if not of_each:
        return
    others = await tx.all(
        rows.ALL_TODOS, of_workspace_id=row.workspace_id, of_series_id=row.id, user_id=None
    )
    if len(others) > rows.MOST_AT_ONCE:
        raise Conflict(f"more than {rows.MOST_AT_ONCE} todos: edit this and the following")
    for each in others:
        if each.id != todo.id:
            await todo_writes.write(tx, each, of_each, now=now)
