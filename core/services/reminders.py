"""Reminders: wished, armed, snoozed, removed. When one fires is computed in `core/rules`.

How they are armed, and armed anew with their todos, is in `reminder_writes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Invalid, NotFound
from core.events import Event
from core.models.todos import Status
from core.rules import snooze as snoozed
from core.rules import zones
from core.rules.reminders import Wish
from core.rules.retries import Reason
from core.rules.snooze import Snooze
from core.services import reminder_rows as rows
from core.services import reminder_series
from core.services import reminder_writes as writes
from core.services.reminder_rows import GRACE, Armed, Waiting
from core.services.reminder_series import Course
from core.services.series_rows import LOOK_AGAIN
from core.services.todo_rows import Reminder, TodoRow
from core.services.workspaces import Access, place

MAX_PER_TODO = 20


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
        armed = writes.arm_wish(draft.wish, found.due, found, stands=found.stands, now=spot.now)
        writes.write(tx, found, armed, now=spot.now)
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
    return _answer(found.id, found.todo_id, draft, next_at)


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
    writes.write(tx, found, Armed(until, None, None), now=spot.now)
    was = {"next_fire_at": found.next_at}
    tx.emit(Event(found.workspace_id, "reminder.snoozed", found.id, ["next_fire_at"], was))
    return found.answer(until)


async def remove(tx: Transaction, actor: Actor, reminder_id: UUID, *, now: datetime) -> None:
    found = await get(tx, actor, reminder_id)
    spot = await place(tx, actor, found.workspace_id, Access.WRITE, now=now)
    writes.take_back(tx, found, Reason.REMINDER_CHANGED, now=spot.now)
    tx.run(rows.REMOVE, workspace_id=found.workspace_id, id=found.id)
    if found.course is not None:
        _let_series_look(tx, found.workspace_id, found.todo_id, now=spot.now)
    tx.emit(Event(found.workspace_id, "reminder.deleted", found.id))


def put_back(tx: Transaction, found: Waiting, was: datetime | None, *, now: datetime) -> None:
    """Fire when it `was` to, before it was put off, if that is still to come."""
    armed = writes.arm_wish(
        found.wish, found.due, found, stands=found.stands, now=now, grace=writes.NO_GRACE
    )
    if armed.next_at != was:  # it was put off twice
        armed = Armed(was if was is not None and was > now else None, None, None)
    writes.write(tx, found, armed, now=now)
    tx.emit(Event(found.workspace_id, "reminder.updated", found.id, ["next_fire_at"]))


async def get(tx: Transaction, actor: Actor, reminder_id: UUID) -> Waiting:
    """One's own reminder, locked for this transaction. Raises `NotFound`."""
    found = await find(tx, actor, reminder_id)
    if found is None:
        raise NotFound("there is no such reminder of yours")
    return found


async def find(tx: Transaction, actor: Actor, reminder_id: UUID) -> Waiting | None:
    return await tx.first(rows.MINE, id=reminder_id, user_id=actor.user_id)


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
    reminder_id = writes.add(
        tx,
        row,
        actor.user_id,
        draft.wish,
        armed,
        channels=draft.channels,
        urgent=draft.urgent,
        own_clock=person.memberships[row.workspace_id].clock_at is not None,
        now=now,
    )
    return _answer(reminder_id, row.id, draft, armed.next_at)


def _refuse_past(wish: Wish, zone: str, *, now: datetime) -> None:
    """A wall time is meant: passed, it is a mistake. So long before due, it may well be over."""
    if wish.on is None or wish.at is None:
        return
    if zones.instant(wish.on, wish.at, wish.zone or zone) < now - GRACE:
        raise Invalid("this moment has passed", pointer="/at", code="in_the_past")


def _let_series_look(tx: Transaction, workspace_id: UUID, todo_id: UUID, *, now: datetime) -> None:
    """Queue that the tick looks when the todo makes way now: with its next one's first reminder."""
    tx.run(LOOK_AGAIN, of_workspace_id=workspace_id, of_todo_id=todo_id, now=now)


def _answer(
    reminder_id: UUID, todo_id: UUID, draft: ReminderDraft, next_at: datetime | None
) -> Reminder:
    return Reminder.of_row(
        reminder_id,
        todo_id,
        **rows.wish_columns(draft.wish),
        channels=draft.channels,
        next_at=next_at,
        urgent=draft.urgent,
    )
