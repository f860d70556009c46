"""Going back: an occurrence reopened, a change set undone."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import Transaction
from core.errors import Conflict
from core.models.series import OccurrenceStatus, SeriesStatus
from core.models.todos import Status
from core.rules import series as rule
from core.rules.recurrence import PileUp
from core.services import occurrence_rows, series, todo_writes
from core.services import series_rows as rows
from core.services import series_writes as writes
from core.services.series_rows import SeriesRow
from core.services.todo_rows import TodoRow


async def reopened(tx: Transaction, todo: TodoRow, *, now: datetime) -> None:
    """Call before the completed todo is written as open: its untouched successor goes.

    Raises `Conflict` when somebody worked on what came after it.
    """
    row = await series.any_of_todo(tx, todo)
    if row is None:
        return
    there = {"of_workspace_id": row.workspace_id, "of_series_id": row.id}
    was = await tx.first(occurrence_rows.COMPLETED_AS, **there, of_todo_id=todo.id)
    if was is None:
        return
    turn, recurrence_id, planned_on, planned_time, later = was
    this = {"of_turn": turn, "of_recurrence_id": recurrence_id}
    nth = row.nth
    if row.todo_id != todo.id:
        newest = await series.newest_of(tx, row)
        piles_up = row.plan.recurrence.pile_up is PileUp.ALL
        if piles_up and newest and newest.created_at != todo.completed_at:
            tx.run(occurrence_rows.REOPEN, **there, **this, status=OccurrenceStatus.OPEN)
            return  # the newest does not come from its completion
        await _withdraw(tx, newest, later, now=now)
        nth -= 1
    elif row.status == SeriesStatus.ENDED and not _exhausted(row):
        return  # it was stopped
    tx.run(occurrence_rows.FORGET_LATER, **there, **this)
    tx.run(occurrence_rows.REOPEN, **there, **this, status=OccurrenceStatus.OPEN)
    active = SeriesStatus.ACTIVE if row.status == SeriesStatus.ENDED else row.status
    stands = replace(
        row,
        status=active,
        todo_id=todo.id,
        turn=turn,
        nth=nth,
        recurrence_id=recurrence_id,
        planned_on=planned_on,
        planned_time=planned_time,
    )
    writes.write(tx, row, writes.arm(stands, todo.due, row.before), now=now)


async def _withdraw(tx: Transaction, newest: TodoRow | None, later: int, *, now: datetime) -> None:
    untouched = newest and newest.version == 1 and newest.status == Status.PENDING
    if newest is None or not untouched or later > 1:
        raise Conflict("changed since: the occurrence that came after it was worked on")
    for each in [newest, *await todo_writes.subtasks(tx, newest, reader=None)]:
        await todo_writes.write(tx, each, {"deleted": True}, now=now)


def _exhausted(row: SeriesRow) -> bool:
    after = rule.instant(row.plan, row.planned)
    return rule.following(row.plan, after=after, nth=row.nth) is None


def put_back(
    tx: Transaction, row: SeriesRow, before: Mapping[str, Any], *, now: datetime
) -> SeriesRow:
    """`undo`: stand where it stood. The tick finds out when it is to move on from there.

    Follow it with `reconcile` when all of the change set is put back.
    """
    after = replace(row, **writes.told(before))
    there = {"of_workspace_id": row.workspace_id, "of_series_id": row.id}
    at = {"of_turn": after.turn, "of_recurrence_id": after.recurrence_id}
    if (after.turn, after.recurrence_id) != (row.turn, row.recurrence_id):
        tx.run(occurrence_rows.FORGET_LATER, **there, **at)
    return writes.write(tx, row, replace(after, next_at=now if after.active else None), now=now)


async def reconcile(tx: Transaction, workspace_id: UUID, series_id: UUID) -> None:
    """Make the record of its occurrences say again what their todos say."""
    there = {"of_workspace_id": workspace_id, "of_series_id": series_id}
    row = await tx.first(rows.LOCK, of_workspace_id=workspace_id, of_id=series_id)
    if row is None:
        return
    newest = await series.newest_of(tx, row)
    stands = newest is not None and newest.status == Status.PENDING and newest.deleted_at is None
    if stands and row.status != SeriesStatus.ENDED:
        writes.record(tx, row, at=rule.instant(row.plan, row.planned), again=True)
    tx.run(occurrence_rows.RECONCILE, **there)
