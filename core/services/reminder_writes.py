"""How reminders are written: armed, armed anew for what changed around them, taken back.

1. a reminder waits only for a todo that is pending and not deleted;
2. a moment that has passed when it is computed is not armed: nothing fires in retrospect;
3. `before` the due time of a series' newest todo it waits for that and, by the rule, for all later
   ones; while the series is paused for none;
4. every arming raises `arm_no`, so that what was on its way for an earlier one is not sent, and
   what quiet hours held for it is cancelled with it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core.db import Transaction
from core.events import Event
from core.ids import uuid7
from core.models.todos import Status
from core.rules.reminders import Due, Wish
from core.rules.retries import Reason
from core.services import deliveries, lanes, reminder_series
from core.services import reminder_rows as rows
from core.services.reminder_rows import GRACE, Armed, Waiting
from core.services.todo_rows import TodoRow

# For a moment that nobody has just named: it may have fired already, and would fire once more.
NO_GRACE: Final = timedelta(0)


def add(
    tx: Transaction,
    row: TodoRow,
    user_id: UUID,
    wish: Wish,
    armed: Armed,
    *,
    channels: list[str] | None,
    urgent: bool,
    own_clock: bool,
    now: datetime,
) -> UUID:
    """Queue one for this todo, armed as its caller computed; its id.

    `own_clock`: in a workspace that has one, whose rows no tick takes.
    """
    reminder_id = uuid7()
    tx.run(
        rows.ADD,
        workspace_id=row.workspace_id,
        id=reminder_id,
        todo_id=row.id,
        user_id=user_id,
        channels=channels,
        urgent=urgent,
        lane=None if own_clock else lanes.of(reminder_id),
        next_at=armed.next_at,
        armed_zone=armed.armed_zone,
        armed_tzdata=armed.armed_tzdata,
        arm_no=1,
        created_at=now,
        **rows.wish_columns(wish),
    )
    tx.emit(Event(row.workspace_id, "reminder.created", reminder_id))
    return reminder_id


def arm_wish(
    wish: Wish,
    due: Due | None,
    found: Waiting,
    *,
    stands: bool,
    now: datetime,
    grace: timedelta = GRACE,
) -> Armed:
    """When it fires by this wish, of a todo that is due then and `stands`."""
    if not stands:
        return Armed(None, None, None)
    return rows.armed(
        wish,
        due,
        found.course,
        person_zone=found.timezone,
        all_day_time=found.all_day_time,
        now=now,
        armed_at=found.next_at,
        grace=grace,
    )


def write(
    tx: Transaction,
    found: Waiting,
    armed: Armed,
    *,
    now: datetime,
    reason: Reason = Reason.REMINDER_CHANGED,
) -> None:
    """Queue arming it so; what quiet hours hold of the arming before is cancelled for `reason`."""
    tx.run(
        rows.ARM,
        of_workspace_id=found.workspace_id,
        of_id=found.id,
        next_at=armed.next_at,
        armed_zone=armed.armed_zone,
        armed_tzdata=armed.armed_tzdata,
    )
    take_back(tx, found, reason, now=now)


def take_back(tx: Transaction, found: Waiting, reason: Reason, *, now: datetime) -> None:
    """Cancel what quiet hours hold. Whatever else is open has a worker, who finds out."""
    if found.next_at is not None:
        tx.run(
            rows.CANCEL_HELD,
            of_workspace_id=found.workspace_id,
            of_id=found.id,
            error=reason,
            log=Jsonb([deliveries.entry(now, "cancelled", reason)]),
        )


async def rearm_todo(
    tx: Transaction, row: TodoRow, *, now: datetime, new_due: bool = False
) -> dict[UUID, datetime | None]:
    """After the todo's due time, status or existence changed; call before the row is written.

    Where it is of a series, call when the series was written. When those fire now that fire at
    another time than before. `new_due`: it is due at a time that somebody has just named.
    """
    moved: dict[UUID, datetime | None] = {}
    stands = row.status == Status.PENDING and row.deleted_at is None
    for found in await tx.all(rows.OF_TODO, workspace_id=row.workspace_id, todo_id=row.id):
        if stands and found.is_instant and found.wish.before is None:
            continue  # snoozed, or held: its own time is none of the todo's
        named = new_due and found.wish.before is not None
        armed = arm_wish(
            found.wish, row.due, found, stands=stands, now=now, grace=GRACE if named else NO_GRACE
        )
        if armed.next_at != found.next_at:
            write(tx, found, armed, now=now, reason=rows.reason(row))
            moved[found.id] = armed.next_at
    return moved


async def carry(tx: Transaction, of_todo: TodoRow, to: TodoRow, *, now: datetime) -> None:
    """Give a todo the `before` reminders of the one it follows, everybody's, armed for it.

    Call when both stand in the database, and the series that `to` is the newest of.
    """
    course = await reminder_series.of_todo(tx, to)
    copied = await tx.all(rows.OF_TODO, workspace_id=of_todo.workspace_id, todo_id=of_todo.id)
    for found in copied:
        if found.before_s is None:
            continue
        armed = rows.armed(
            found.wish,
            to.due,
            course,
            person_zone=found.timezone,
            all_day_time=found.all_day_time,
            now=now,
        )
        add(
            tx,
            to,
            found.user_id,
            found.wish,
            armed,
            channels=found.channels,
            urgent=found.urgent,
            own_clock=found.lane is None,
            now=now,
        )


async def follow(
    tx: Transaction,
    user_id: UUID,
    workspaces: Sequence[UUID],
    ids: Sequence[UUID],
    *,
    now: Callable[[UUID], datetime],
) -> int:
    """Arm these floating ones for the zone and all-day time that their person has now.

    `now` tells the time of a workspace. What is due, here as there, stays so. How many moved.
    """
    moved = 0
    keys = {"workspaces": list(set(workspaces)), "ids": list(ids)}
    for found in await tx.all(rows.FLOATING, **keys, user_id=user_id):
        at = now(found.workspace_id)
        armed = arm_wish(found.wish, found.due, found, stands=True, now=at, grace=NO_GRACE)
        overdue = found.next_at is not None and found.next_at <= at
        if armed.next_at is None and overdue:
            continue
        if (armed.next_at, armed.armed_zone) != (found.next_at, found.armed_zone):
            write(tx, found, armed, now=at)
            moved += 1
    return moved
