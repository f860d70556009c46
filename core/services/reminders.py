"""Reminders: wished, armed, snoozed, removed. When one fires is computed in `core/rules`.

Arming rules, kept in `reminder_rows.armed` and `_write`:
1. a reminder waits only for a todo that is pending and not deleted;
2. a moment that has passed when it is computed is not armed: nothing fires in retrospect;
3. `before` the due time of a series' newest todo it waits for that and, by the rule, for all later
   ones; while the series is paused for none;
4. every arming raises `arm_no`, so that what was on its way for an earlier one is not sent, and
   what quiet hours held for it is cancelled with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Invalid, NotFound
from core.events import Event
from core.ids import uuid7
from core.models.todos import Status
from core.rules import snooze as snoozed
from core.rules import zones
from core.rules.reminders import Due, Wish
from core.rules.retries import Reason
from core.rules.snooze import Snooze
from core.services import deliveries, reminder_series
from core.services import reminder_rows as rows
from core.services.reminder_rows import GRACE, Armed, Waiting
from core.services.reminder_series import Course
from core.services.series_rows import LOOK_AGAIN
from core.services.todo_rows import Reminder, TodoRow
from core.services.workspaces import Access, place
from core.settings import settings

MAX_PER_TODO = 20
# For a moment that nobody has just named: it may have fired already, and would fire once more.
NO_GRACE = timedelta(0)


@dataclass(frozen=True, slots=True)
class ReminderDraft:
    wish: Wish
    channels: list[str] | None
    urgent: bool


async def add_to(
    tx: Transaction,
    actor: Actor,
    row: TodoRow,
    drafts: Sequence[ReminderDraft],
    *,
    course: Course | None = None,
    past_too: bool = False,
    now: datetime,
) -> list[Reminder]:
    """The reminders that a todo is created with; written with it.

    `course` is its series', where the caller knows that; else it is read. `past_too`: those whose
    moment has passed are kept, and fire no more (a todo from elsewhere).
    """
    added = []
    beside: dict[str, Any] = {"course": course, "past_too": past_too}
    for nth, draft in enumerate(drafts):
        try:
            added.append(await _add(tx, actor, row, draft, **beside, now=now))
        except Invalid as error:
            pointer = f"/reminders/{nth}{error.pointer}"
            raise Invalid(error.detail, pointer=pointer, code=error.code) from error
    return added


async def add(
    tx: Transaction, actor: Actor, row: TodoRow, draft: ReminderDraft, *, now: datetime
) -> Reminder:
    """One more for a todo that was read in this transaction."""
    spot = await place(tx, actor, row.workspace_id, Access.WRITE, now=now)
    if len(row.reminders) >= MAX_PER_TODO:
        raise Conflict(f"a todo has at most {MAX_PER_TODO} reminders")
    if row.series_id is not None:
        _let_series_look(tx, row.workspace_id, row.id, now=spot.now)
    return await _add(tx, actor, row, draft, now=spot.now)


async def of_todo(tx: Transaction, actor: Actor, todo_id: UUID) -> list[Reminder]:
    """One's own, in the order they were made. Raises `NotFound` where there is no such todo."""
    found = await tx.all(rows.READ, todo_id=todo_id, user_id=actor.user_id)
    if not found and await tx.first(rows.TODO_STANDS, id=todo_id, user_id=actor.user_id) is None:
        raise NotFound("there is no such todo that you can see")
    return found


async def update_one(
    tx: Transaction, actor: Actor, found: Waiting, draft: ReminderDraft, *, now: datetime
) -> Reminder:
    """Replace what the person wishes; another time is armed anew."""
    spot = await place(tx, actor, found.workspace_id, Access.WRITE, now=now)
    next_at = found.next_at
    if draft.wish != found.wish:  # else a snooze stays
        _refuse_past(draft.wish, found.timezone, now=spot.now)
        armed = _arm_wish(draft.wish, found.due, found, stands=found.stands, now=spot.now)
        _write(tx, found, armed, now=spot.now)
        next_at = armed.next_at
    if found.course is not None:
        _let_series_look(tx, found.workspace_id, found.todo_id, now=spot.now)
    tx.run(
        rows.EDIT,
        of_workspace_id=found.workspace_id,
        of_id=found.id,
        channels=draft.channels,
        urgent=draft.urgent,
        **rows.wish_columns(draft.wish),
    )
    tx.emit(Event(found.workspace_id, "reminder.updated", found.id, ["at", "before", "channels"]))
    wish = rows.wish_columns(draft.wish)
    return Reminder.of_row(
        found.id,
        found.todo_id,
        wish["at_on"],
        wish["at_time"],
        wish["at_zone"],
        wish["before_s"],
        draft.channels,
        next_at,
        draft.urgent,
    )


async def snooze(
    tx: Transaction, actor: Actor, reminder_id: UUID, wish: Snooze, *, now: datetime
) -> Reminder:
    """Fire then instead; what was on its way for the earlier time is not sent."""
    found = await get(tx, actor, reminder_id)
    spot = await place(tx, actor, found.workspace_id, Access.WRITE, now=now)
    if not found.stands:
        raise Conflict("its todo is completed: there is nothing to be reminded of")
    until = snoozed.ends_at(
        wish, now=spot.now, zone=found.timezone, all_day_time=found.all_day_time
    )
    if until <= spot.now:
        raise Invalid("a reminder is snoozed into the future", pointer="/until", code="in_the_past")
    # An instant: no change of zones moves it.
    _write(tx, found, Armed(until, None, None), now=spot.now)
    was = {"next_fire_at": found.next_at}
    tx.emit(Event(found.workspace_id, "reminder.snoozed", found.id, ["next_fire_at"], was))
    return found.answer(until)


async def remove(tx: Transaction, actor: Actor, reminder_id: UUID, *, now: datetime) -> None:
    found = await get(tx, actor, reminder_id)
    spot = await place(tx, actor, found.workspace_id, Access.WRITE, now=now)
    _take_back(tx, found, Reason.REMINDER_CHANGED, now=spot.now)
    tx.run(rows.REMOVE, workspace_id=found.workspace_id, id=found.id)
    if found.course is not None:
        _let_series_look(tx, found.workspace_id, found.todo_id, now=spot.now)
    tx.emit(Event(found.workspace_id, "reminder.deleted", found.id))


def put_back(tx: Transaction, found: Waiting, was: datetime | None, *, now: datetime) -> None:
    """Fire when it `was` to, before it was put off, if that is still to come."""
    armed = _arm_wish(found.wish, found.due, found, stands=found.stands, now=now, grace=NO_GRACE)
    if armed.next_at != was:  # it was put off twice
        armed = Armed(was if was is not None and was > now else None, None, None)
    _write(tx, found, armed, now=now)
    tx.emit(Event(found.workspace_id, "reminder.updated", found.id, ["next_fire_at"]))


async def get(tx: Transaction, actor: Actor, reminder_id: UUID) -> Waiting:
    """One's own reminder, locked for this transaction. Raises `NotFound`."""
    found = await find(tx, actor, reminder_id)
    if found is None:
        raise NotFound("there is no such reminder of yours")
    return found


async def find(tx: Transaction, actor: Actor, reminder_id: UUID) -> Waiting | None:
    return await tx.first(rows.MINE, id=reminder_id, user_id=actor.user_id)


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
        armed = _arm_wish(
            found.wish, row.due, found, stands=stands, now=now, grace=GRACE if named else NO_GRACE
        )
        if armed.next_at != found.next_at:
            _write(tx, found, armed, now=now, reason=rows.reason(row))
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
        reminder_id = uuid7()
        tx.run(
            rows.ADD,
            workspace_id=to.workspace_id,
            id=reminder_id,
            todo_id=to.id,
            user_id=found.user_id,
            channels=found.channels,
            urgent=found.urgent,
            lane=None if found.lane is None else lane_of(reminder_id),
            next_at=armed.next_at,
            armed_zone=armed.armed_zone,
            armed_tzdata=armed.armed_tzdata,
            arm_no=1,
            created_at=now,
            **rows.wish_columns(found.wish),
        )
        tx.emit(Event(to.workspace_id, "reminder.created", reminder_id))


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
        armed = _arm_wish(found.wish, found.due, found, stands=True, now=at, grace=NO_GRACE)
        overdue = found.next_at is not None and found.next_at <= at
        if armed.next_at is None and overdue:
            continue
        if (armed.next_at, armed.armed_zone) != (found.next_at, found.armed_zone):
            _write(tx, found, armed, now=at)
            moved += 1
    return moved


async def _add(
    tx: Transaction,
    actor: Actor,
    row: TodoRow,
    draft: ReminderDraft,
    *,
    course: Course | None = None,
    past_too: bool = False,
    now: datetime,
) -> Reminder:
    person = await tx.person()
    if not past_too:
        _refuse_past(draft.wish, person.timezone, now=now)
    armed = Armed(None, None, None)
    if row.status == Status.PENDING:
        armed = rows.armed(
            draft.wish,
            row.due,
            course or await reminder_series.of_todo(tx, row)
            if draft.wish.before is not None
            else None,
            person_zone=person.timezone,
            all_day_time=person.all_day_time,
            now=now,
        )
    own_clock = person.memberships[row.workspace_id].clock_at is not None
    reminder_id = uuid7()
    wish = rows.wish_columns(draft.wish)
    tx.run(
        rows.ADD,
        workspace_id=row.workspace_id,
        id=reminder_id,
        todo_id=row.id,
        user_id=actor.user_id,
        channels=draft.channels,
        urgent=draft.urgent,
        lane=None if own_clock else lane_of(reminder_id),
        next_at=armed.next_at,
        armed_zone=armed.armed_zone,
        armed_tzdata=armed.armed_tzdata,
        arm_no=1,
        created_at=now,
        **wish,
    )
    tx.emit(Event(row.workspace_id, "reminder.created", reminder_id))
    return Reminder.of_row(
        reminder_id,
        row.id,
        wish["at_on"],
        wish["at_time"],
        wish["at_zone"],
        wish["before_s"],
        draft.channels,
        armed.next_at,
        draft.urgent,
    )


def _refuse_past(wish: Wish, zone: str, *, now: datetime) -> None:
    """A wall time is meant: passed, it is a mistake. So long before due, it may well be over."""
    if wish.on is None or wish.at is None:
        return
    if zones.instant(wish.on, wish.at, wish.zone or zone) < now - GRACE:
        raise Invalid("this moment has passed", pointer="/at", code="in_the_past")


def _let_series_look(tx: Transaction, workspace_id: UUID, todo_id: UUID, *, now: datetime) -> None:
    """Queue that the tick looks when the todo makes way now: with its next one's first reminder."""
    tx.run(LOOK_AGAIN, of_workspace_id=workspace_id, of_todo_id=todo_id, now=now)


def lane_of(row_id: UUID) -> int:
    """Which tick looks after a row: spread evenly by the random end of its id."""
    return row_id.int % settings().lanes


def _arm_wish(
    wish: Wish,
    due: Due | None,
    found: Waiting,
    *,
    stands: bool,
    now: datetime,
    grace: timedelta = GRACE,
) -> Armed:
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


def _write(
    tx: Transaction,
    found: Waiting,
    armed: Armed,
    *,
    now: datetime,
    reason: Reason = Reason.REMINDER_CHANGED,
) -> None:
    tx.run(
        rows.ARM,
        of_workspace_id=found.workspace_id,
        of_id=found.id,
        next_at=armed.next_at,
        armed_zone=armed.armed_zone,
        armed_tzdata=armed.armed_tzdata,
    )
    _take_back(tx, found, reason, now=now)


def _take_back(tx: Transaction, found: Waiting, reason: Reason, *, now: datetime) -> None:
    """Cancel what quiet hours hold. Whatever else is open has a worker, who finds out."""
    if found.next_at is not None:
        tx.run(
            rows.CANCEL_HELD,
            of_workspace_id=found.workspace_id,
            of_id=found.id,
            error=reason,
            log=Jsonb([deliveries.entry(now, "cancelled", reason)]),
        )
