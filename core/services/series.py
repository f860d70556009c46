"""The verbs of series. A series stands at one occurrence, and `todo_id` is the todo of that."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.models.series import OccurrenceStatus, SeriesStatus
from core.models.todos import Status
from core.rules import series as rule
from core.rules.reminders import Due
from core.rules.rrule import InvalidRule
from core.rules.series import Plan, Step
from core.services import occurrence_rows, reminder_writes, todo_writes
from core.services import series_rows as rows
from core.services import series_writes as writes
from core.services.series_rows import RecurrenceDraft, SeriesRow
from core.services.todo_rows import TodoRow
from core.services.workspaces import Access, place

# The part of a body that each refusal of a rule is about; all others are about the rule itself.
_ABOUT: Final = {"holidays": "/recurrence/holidays", "skip_twice": "/recurrence/skip"}


class Scope(StrEnum):
    """What an edit is about: this occurrence, it and all that follow, or also those that passed."""

    THIS = "this"
    FOLLOWING = "following"
    ALL = "all"


def refusal(error: InvalidRule) -> Invalid:
    """What a body with a `recurrence` is answered for a rule that cannot be followed."""
    pointer = _ABOUT.get(error.code, "/recurrence/rrule")
    return Invalid(error.detail, pointer=pointer, code=error.code)


def first(plan: Plan) -> Step:
    """Where a series begins. Raises `Invalid`."""
    try:
        found = rule.first(plan)
        if found is not None:
            rule.following(plan, after=found.at, nth=1)  # finds out what can never occur
    except InvalidRule as error:
        raise refusal(error) from error
    if found is None:
        detail = "no occurrence is left by the dates that are left out"
        raise Invalid(detail, pointer="/recurrence/exdates", code="never_occurs")
    return found


async def begin(
    tx: Transaction,
    actor: Actor,
    todo: TodoRow,
    draft: RecurrenceDraft,
    *,
    before_s: int | None = None,
    now: datetime,
) -> SeriesRow:
    """Queue a series for this todo, which its caller writes with `series_id` and the first due.

    A floating rule follows the todo's owner; `before_s` is the longest of a new todo's reminders.
    Raises `Invalid` without a due time to start at.
    """
    if todo.due is None:
        detail = "a recurring todo needs a due time to start at"
        raise Invalid(detail, pointer="/due", code="missing")
    person = await tx.person()
    owner = await tx.first(rows.OWNER, of_workspace_id=todo.workspace_id, of_todo_id=todo.id)
    if owner is None or owner[0] is None:
        owner = (actor.user_id, person.timezone, person.all_day_time, before_s)
    created_by, zone, all_day_time, before_s = owner
    step = first(Plan(draft.recurrence, todo.due, zone))
    row = writes.add(
        tx,
        person,
        todo,
        step.due,
        now=now,
        created_by=created_by,
        status=SeriesStatus.ACTIVE,
        **rule_columns(draft, todo.due),
        turn=0,
        nth=1,
        recurrence_id=step.recurrence_id,
        planned_on=step.due.on,
        planned_time=step.due.at,
        left_out=0,
        restores={},
        zone=zone,
        all_day_time=all_day_time,
        before_s=before_s,
    )
    writes.record(tx, row, at=step.at)
    return row


async def of_todo(tx: Transaction, todo: TodoRow) -> SeriesRow | None:
    """The series that this todo is in, locked; null for one that has ended."""
    row = await any_of_todo(tx, todo)
    return None if row is None or row.status == SeriesStatus.ENDED else row


async def any_of_todo(tx: Transaction, todo: TodoRow) -> SeriesRow | None:
    if todo.series_id is None:
        return None
    return await tx.first(rows.LOCK, of_workspace_id=todo.workspace_id, of_id=todo.series_id)


async def lock(
    tx: Transaction, actor: Actor, series_id: UUID, *, now: datetime
) -> tuple[SeriesRow, datetime]:
    """For a change, with the time of its place. Raises `NotFound` and `Forbidden`.

    Its todo first, as everybody does who comes from there: else the two wait for each other.
    """
    seen = await tx.first(rows.LOOK, of_id=series_id, user_id=actor.user_id)
    if seen is None:
        raise NotFound("there is no such series that you can see")
    workspace_id, todo_id = seen
    tx.run(rows.LOCK_TODO, of_workspace_id=workspace_id, of_todo_id=todo_id)
    row = await tx.first(rows.LOCK, of_workspace_id=workspace_id, of_id=series_id)
    if row is None:
        raise Forbidden
    spot = await place(tx, actor, row.workspace_id, Access.WRITE, now=now)
    return row, spot.now


async def completed(
    tx: Transaction, row: SeriesRow, todo: TodoRow, *, now: datetime
) -> TodoRow | None:
    """The todo of one of its occurrences was completed: make the next one, if there is one.

    By the plan: the first after the later of this occurrence and now. Anchored at completion: the
    first after today.
    """
    writes.settle(tx, row, todo.id, OccurrenceStatus.COMPLETED, now=now)
    if row.todo_id != todo.id or not row.active:
        return None  # one of those that piled up; or paused: the next one comes when resumed
    return await _go_on(tx, row, todo, now=now)


async def _go_on(
    tx: Transaction, row: SeriesRow, todo: TodoRow, *, now: datetime
) -> TodoRow | None:
    plan = row.plan
    after = max(rule.instant(plan, row.planned), now) if plan.follows_rule else now
    step = rule.following(plan, after=after, nth=row.nth)
    if step is None:
        end(tx, row, now=now)
        return None
    _, following = await writes.succeed(tx, row, todo, step, now=now)
    return following


def end(tx: Transaction, row: SeriesRow, *, now: datetime) -> None:
    """Nothing follows any more; the todo that stands stays as it is."""
    ended = replace(row, status=SeriesStatus.ENDED, next_at=None)
    writes.write(tx, row, ended, now=now)


async def skip(tx: Transaction, row: SeriesRow, todo: TodoRow, *, now: datetime) -> TodoRow:
    """Its todo moves on to the occurrence after this one. Raises `Conflict` for the last one."""
    _demand_newest(row, todo)
    after = max(rule.instant(row.plan, row.planned), now)
    step = rule.following(row.plan, after=after, nth=row.nth)
    if step is None:
        raise Conflict("this is its last occurrence: complete it or delete it")
    writes.settle(tx, row, todo.id, OccurrenceStatus.SKIPPED, now=now)
    return await writes.move_on(tx, row, todo, step, missed=0, now=now, rearm=True)


async def move(
    tx: Transaction, row: SeriesRow, todo: TodoRow, due: Due, *, now: datetime
) -> TodoRow:
    """Only this occurrence is due at another time; the rule and those after it stay."""
    _demand_newest(row, todo)
    writes.settle(tx, row, todo.id, OccurrenceStatus.MOVED, now=now)
    writes.write(tx, row, writes.arm(row, due, row.before), now=now)
    return await todo_writes.write(tx, todo, {"due": due}, now=now, zone=row.plan.zone)


async def pause(tx: Transaction, row: SeriesRow, *, now: datetime) -> SeriesRow:
    """Nothing moves and nobody is reminded until it is resumed. Twice is once."""
    if row.status == SeriesStatus.ENDED:
        raise Conflict("this series has ended")
    paused = writes.write(tx, row, replace(row, status=SeriesStatus.PAUSED, next_at=None), now=now)
    await _rearm(tx, paused, now=now)
    return paused


async def resume(tx: Transaction, row: SeriesRow, *, now: datetime) -> SeriesRow:
    """On from the next occurrence: what passed meanwhile was not missed."""
    if row.status == SeriesStatus.ENDED:
        raise Conflict("this series has ended")
    if row.active:
        return row
    todo = await newest_of(tx, row)
    active = replace(row, status=SeriesStatus.ACTIVE)
    if todo is None or todo.deleted_at is not None or todo.due is None:
        return writes.write(tx, row, replace(active, status=SeriesStatus.ENDED), now=now)
    resumed = writes.write(tx, row, writes.arm(active, todo.due, row.before), now=now)
    plan = row.plan
    if todo.status == Status.COMPLETED:
        await _go_on(tx, resumed, todo, now=now)
    elif plan.follows_rule and rule.over_at(plan, todo.due) <= now:
        step = rule.following(plan, after=now, nth=row.nth)
        if step is not None:
            writes.settle(tx, resumed, todo.id, OccurrenceStatus.SKIPPED, now=now)
            await writes.move_on(tx, resumed, todo, step, missed=todo.missed, now=now, rearm=True)
    else:
        await reminder_writes.rearm_todo(tx, todo, now=now)
    found = await any_of_todo(tx, todo)
    return found or resumed


async def stop(tx: Transaction, row: SeriesRow, *, now: datetime) -> SeriesRow:
    """Its todo stays, and nothing comes after it. Twice is once."""
    end(tx, row, now=now)
    ended = replace(row, status=SeriesStatus.ENDED, next_at=None)
    await _rearm(tx, ended, now=now)
    return ended


async def tune(
    tx: Transaction, row: SeriesRow, todo: TodoRow, draft: RecurrenceDraft, *, now: datetime
) -> SeriesRow:
    """Other policies or dates around the same rule: it goes on from its own start, as counted."""
    _demand_newest(row, todo)
    after = replace(row, **rule_columns(draft, row.plan.start))
    if after == row:
        return row
    first(after.plan)
    tuned = writes.write(tx, row, writes.arm(after, todo.due, row.before), now=now)
    await reminder_writes.rearm_todo(tx, todo, now=now)
    return tuned


async def change(
    tx: Transaction,
    row: SeriesRow,
    todo: TodoRow,
    draft: RecurrenceDraft,
    due: Due,
    changes: Mapping[str, Any],
    *,
    now: datetime,
) -> TodoRow:
    """This and the following by another rule, or from another start: it begins anew there."""
    _demand_newest(row, todo)
    step = first(Plan(draft.recurrence, due, row.plan.zone))
    tx.run(
        occurrence_rows.FORGET_OPEN,
        of_workspace_id=row.workspace_id,
        of_series_id=row.id,
        of_todo_id=todo.id,
    )
    after = replace(
        row,
        **rule_columns(draft, due),
        turn=row.turn + 1,
        nth=1,
        recurrence_id=step.recurrence_id,
        planned_on=step.due.on,
        planned_time=step.due.at,
    )
    after = writes.write(tx, row, writes.arm(after, step.due, row.before), now=now)
    writes.record(tx, after, at=step.at)
    return await todo_writes.write(
        tx, todo, {**changes, "due": step.due}, now=now, zone=row.plan.zone
    )


def rezone(tx: Transaction, user_id: UUID, *, now: datetime) -> None:
    """Queue that the tick looks at all that follows this person's zone, and arms it by the new one.

    Only in the workspaces that the transaction works in; a sandbox's at its own time.
    """
    tx.run(rows.FLOATING_LOOK_AGAIN, of_user_id=user_id, now=now)


def _demand_newest(row: SeriesRow, todo: TodoRow) -> None:
    if row.todo_id != todo.id:
        raise Conflict("a newer occurrence stands already: complete or delete this one")
    if todo.status == Status.COMPLETED:
        raise Conflict("this occurrence is completed")


async def newest_of(tx: Transaction, row: SeriesRow) -> TodoRow | None:
    if row.todo_id is None:
        return None
    return await tx.first(
        rows.TODO, of_workspace_id=row.workspace_id, of_todo_id=row.todo_id, user_id=None
    )


async def _rearm(tx: Transaction, row: SeriesRow, *, now: datetime) -> None:
    if (todo := await newest_of(tx, row)) is not None:
        await reminder_writes.rearm_todo(tx, todo, now=now)


def rule_columns(draft: RecurrenceDraft, start: Due) -> dict[str, Any]:
    """A rule as a series stores it."""
    recurrence = draft.recurrence
    return {
        "rrule": draft.rrule,
        "anchor": recurrence.anchor,
        "skip": recurrence.skip,
        "pile_up": recurrence.pile_up,
        "exdates": list(recurrence.exdates),
        "rdates": list(recurrence.rdates),
        "holidays": recurrence.holidays,
        "shift": recurrence.shift,
        "start_on": start.on,
        "start_time": start.at,
        "start_zone": start.zone,
    }
