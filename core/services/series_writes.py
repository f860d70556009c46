"""How a series is written: each change compared, armed anew, and told to the feed.

Events come in an order that `undo` can take back from its end: the todo, its series, and then
the todo that follows.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core.db import Person, Transaction
from core.events import Event
from core.ids import uuid7
from core.models.series import OccurrenceStatus
from core.models.todos import Status
from core.rules import series as rule
from core.rules import zones
from core.rules.reminders import Due
from core.rules.series import Step
from core.services import lanes, occurrence_rows, reminder_writes, todo_writes
from core.services import series_rows as rows
from core.services.series_rows import SeriesRow
from core.services.todo_rows import TodoRow

# What an edit of one occurrence only keeps for the next one.
OF_EACH: Final = ("title", "description", "list_id", "priority", "tags", "assignee_id", "location")
IDS: Final = ("list_id", "assignee_id")
_TOLD: Final = (
    "status",
    "todo_id",
    "rrule",
    "anchor",
    "skip",
    "pile_up",
    "exdates",
    "rdates",
    "holidays",
    "shift",
    "start_on",
    "start_time",
    "start_zone",
    "turn",
    "nth",
    "recurrence_id",
    "planned_on",
    "planned_time",
    "left_out",
    "restores",
)
ALL_DAY: Final = time(9)  # of a series whose owner is gone


def public(row: SeriesRow) -> dict[str, Any]:
    """What events and `undo` speak of."""
    return {name: getattr(row, name) for name in _TOLD}


def told(before: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an event as they were when it was written."""
    return {name: _READ.get(name, _as_is)(value) for name, value in before.items()}


def arm(row: SeriesRow, current: Due | None, before: timedelta | None) -> SeriesRow:
    """With the instant at which its occurrence, due at `current`, makes way for the next one."""
    at = None
    if row.active and current is not None:
        at = rule.makes_way_at(
            row.plan, current, row.planned, before=before, all_day_time=row.all_day_time or ALL_DAY
        )
    zone = row.start_zone or row.zone
    return replace(row, next_at=at, armed_zone=zone, armed_tzdata=zones.tzdata_version())


def add(
    tx: Transaction, person: Person, todo: TodoRow, due: Due, *, now: datetime, **columns: Any
) -> SeriesRow:
    """Queue a new series of this todo, whose occurrence is due at `due`: armed, and told.

    `columns` are those that are not the same of all new ones.
    """
    series_id = uuid7()
    own_clock = person.memberships[todo.workspace_id].clock_at is not None
    row = SeriesRow(
        id=series_id,
        workspace_id=todo.workspace_id,
        todo_id=todo.id,
        next_at=None,
        arm_no=1,
        lane=None if own_clock else lanes.of(series_id),
        armed_zone=None,
        armed_tzdata=None,
        version=1,
        created_at=now,
        updated_at=now,
        **columns,
    )
    row = arm(row, due, row.before)
    stored = {name: getattr(row, name) for name in rows.COLUMN_NAMES}
    tx.run(rows.ADD, **stored | {"restores": Jsonb(row.restores)})
    tx.emit(Event(row.workspace_id, "recurrence.created", row.id))
    return row


def write(
    tx: Transaction, before: SeriesRow, after: SeriesRow, *, now: datetime, what: str = "updated"
) -> SeriesRow:
    """Queue what differs; nothing when only the telling would."""
    old, new = public(before), public(after)
    changed = [name for name in new if new[name] != old[name]]
    if not changed and before.next_at == after.next_at:
        return before
    values = rows.written(after)
    tx.run(
        rows.WRITE,
        of_workspace_id=after.workspace_id,
        of_id=after.id,
        now=now,
        **values | {"restores": Jsonb(after.restores)},
    )
    if changed:
        told = {name: old[name] for name in changed}
        tx.emit(Event(after.workspace_id, f"recurrence.{what}", after.id, changed, told))
    return replace(after, version=after.version + 1, updated_at=now)


def at_step(row: SeriesRow, step: Step, *, todo_id: UUID) -> SeriesRow:
    """Standing at this occurrence, with nothing kept from an edit of the one before."""
    return replace(
        row,
        todo_id=todo_id,
        nth=row.nth + 1,
        turn=row.turn if row.plan.follows_rule else row.turn + 1,
        recurrence_id=step.recurrence_id,
        planned_on=step.due.on,
        planned_time=step.due.at,
        restores={},
    )


def record(
    tx: Transaction,
    row: SeriesRow,
    *,
    at: datetime,
    again: bool = False,
) -> None:
    """Queue the record of the occurrence that the series stands at.

    Twice is refused, unless it is opened `again` after what came of it was taken back.
    """
    tx.run(
        occurrence_rows.RECORD_AGAIN if again else occurrence_rows.ADD,
        workspace_id=row.workspace_id,
        series_id=row.id,
        turn=row.turn,
        recurrence_id=row.recurrence_id,
        status=OccurrenceStatus.OPEN,
        todo_id=row.todo_id,
        planned_on=row.planned_on,
        planned_time=row.planned_time,
        due_at=at,
        settled_at=None,
    )


def settle(
    tx: Transaction, row: SeriesRow, todo_id: UUID, status: OccurrenceStatus, *, now: datetime
) -> None:
    """Queue what became of the open occurrence of this todo."""
    tx.run(
        occurrence_rows.SETTLE,
        of_workspace_id=row.workspace_id,
        of_series_id=row.id,
        of_todo_id=todo_id,
        status=status,
        settled_at=None if status is OccurrenceStatus.MOVED else now,
    )


async def move_on(
    tx: Transaction,
    row: SeriesRow,
    todo: TodoRow,
    step: Step,
    *,
    missed: int,
    now: datetime,
    rearm: bool,
) -> TodoRow:
    """The same todo stands for a later occurrence; its subtasks are to be done anew."""
    await renew_subtasks(tx, todo, (step.due.on - (todo.due_on or step.due.on)).days, row, now=now)
    changes = {"due": step.due, "missed": missed, **own_values(row.restores)}
    after = at_step(row, step, todo_id=todo.id)
    # Not yet written, but what is read in `write` to arm reminders must find it so.
    write(tx, row, arm(after, step.due, row.before), now=now)
    record(tx, after, at=step.at)
    return await todo_writes.write(tx, todo, changes, now=now, zone=row.plan.zone, rearm=rearm)


async def succeed(
    tx: Transaction,
    row: SeriesRow,
    todo: TodoRow,
    step: Step,
    *,
    now: datetime,
    left_out: int = 0,
    armed_from: datetime | None = None,
) -> tuple[SeriesRow, TodoRow]:
    """A further todo for a later occurrence: with subtasks, tags, reminders and assignee.

    Reminders that would have fired before `armed_from` (default: now) are not armed.
    """
    subtasks = await todo_writes.subtasks(tx, todo, reader=None)
    new = replace(
        todo,
        id=uuid7(),
        status=Status.PENDING,
        due_on=step.due.on,
        due_time=step.due.at,
        due_zone=step.due.zone,
        due_at=step.at,
        missed=0,
        version=1,
        created_at=now,
        updated_at=now,
        completed_at=None,
        deleted_at=None,
        reminders=[],
        **own_values(row.restores),
    )
    after = replace(at_step(row, step, todo_id=new.id), left_out=row.left_out + left_out)
    after = write(tx, row, arm(after, step.due, row.before), now=now, what="generated")
    todo_writes.add(tx, new, created_by=row.created_by)
    record(tx, after, at=step.at)
    await reminder_writes.carry(tx, todo, new, now=armed_from or now)
    days = (step.due.on - (todo.due_on or step.due.on)).days
    copies = {todo.id: new.id}
    for each in subtasks:
        parent_id = copies.get(each.parent_id or todo.id, new.id)
        if each.series_id is not None and each.status == Status.PENDING:
            # It comes back by its own rule: it goes along instead of being copied.
            await todo_writes.write(tx, each, {"parent_id": parent_id}, now=now, rearm=False)
            continue
        copies[each.id] = await _copy(tx, each, parent_id, days, row, now=now)
    return after, new


async def renew_subtasks(
    tx: Transaction, todo: TodoRow, days: int, row: SeriesRow, *, now: datetime
) -> None:
    """What was done of the occurrence that passed is to be done again."""
    for each in await todo_writes.subtasks(tx, todo, reader=None):
        changes: dict[str, Any] = {"status": Status.PENDING}
        if each.due is not None and each.series_id is None:
            changes["due"] = replace(each.due, on=each.due.on + timedelta(days=days))
        await todo_writes.write(tx, each, changes, now=now, zone=row.plan.zone)


async def _copy(
    tx: Transaction, todo: TodoRow, parent_id: UUID, days: int, row: SeriesRow, *, now: datetime
) -> UUID:
    due = todo.due and replace(todo.due, on=todo.due.on + timedelta(days=days))
    copy = replace(
        todo,
        id=uuid7(),
        parent_id=parent_id,
        series_id=None,
        status=Status.PENDING,
        due_on=due.on if due else None,
        due_at=await todo_writes.due_at(tx, due, zone=row.plan.zone),
        version=1,
        created_at=now,
        updated_at=now,
        completed_at=None,
        reminders=[],
    )
    todo_writes.add(tx, copy, created_by=row.created_by)
    if due is not None:
        await reminder_writes.carry(tx, todo, copy, now=now)
    return copy.id


def own_values(restores: Mapping[str, Any]) -> dict[str, Any]:
    """What was kept in `restores` (JSON), as columns."""
    return {
        name: UUID(value) if name in IDS and value is not None else value
        for name, value in restores.items()
    }


def _as_is(value: Any) -> Any:
    return value


def _day(value: str) -> date:
    return date.fromisoformat(value)


def _days(value: list[str]) -> list[date]:
    return [date.fromisoformat(each) for each in value]


def _clock(value: str | None) -> time | None:
    return time.fromisoformat(value) if value else None


def _id(value: str | None) -> UUID | None:
    return UUID(value) if value else None


_READ: Final[dict[str, Any]] = {
    "todo_id": _id,
    "exdates": _days,
    "rdates": _days,
    "start_on": _day,
    "start_time": _clock,
    "planned_on": _day,
    "planned_time": _clock,
}
