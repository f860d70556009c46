"""A repeating todo from elsewhere: its series begins where the file says that it stands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from core.actor import Actor
from core.db import Person, Transaction
from core.errors import Invalid
from core.models.series import OccurrenceStatus, SeriesStatus
from core.models.todos import Status
from core.rules import series as rule
from core.rules.importing.records import Past, Repeats
from core.rules.reminders import Due, due_instant
from core.rules.rrule import InvalidRule
from core.rules.series import Plan
from core.services import occurrence_rows, series, series_writes
from core.services.series_rows import RecurrenceDraft, SeriesRow
from core.services.todo_rows import TodoRow

_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Stand:
    """The occurrence that a series stands at; `due` is its todo's, `planned` the rule's."""

    start: Due
    nth: int
    recurrence_id: str
    planned: Due
    due: Due
    at: datetime


def stand(repeats: Repeats, due: Due | None, zone: str) -> Stand:
    """Raises `Invalid` for a rule that cannot be followed, or has nothing to count from."""
    start = repeats.start or due
    if start is None:
        raise Invalid("a repeating todo needs a due time to start at", pointer="/due")
    if repeats.recurrence_id is not None and repeats.planned_on is not None:
        planned = Due(repeats.planned_on, repeats.planned_time, start.zone)
        at = due_instant(planned, zone)
        return Stand(start, repeats.nth, repeats.recurrence_id, planned, due or planned, at)
    plan = Plan(repeats.recurrence, start, zone)
    step = series.first(plan)
    if due is None or due == start:
        return Stand(start, 1, step.recurrence_id, step.due, step.due, step.at)
    try:
        first_at = step.at
        found = rule.following(plan, after=due_instant(due, zone) - _INSTANT, nth=0)
        if found is None:
            raise Invalid("its rule ended before the day that it is due")
        nth = 1
        if plan.follows_rule and repeats.recurrence.rule.count is not None:
            before = rule.passed(
                plan, after=first_at - _INSTANT, until=found.at, most=rule.MOST_COUNTED
            )
            nth = max(1, len(before))
    except InvalidRule as error:
        raise series.refusal(error) from error
    return Stand(start, nth, found.recurrence_id, found.due, due, found.at)


def begin(
    tx: Transaction,
    actor: Actor,
    todo: TodoRow,
    repeats: Repeats,
    at: Stand,
    person: Person,
    *,
    restores: Mapping[str, Any],
    before_s: int | None,
    now: datetime,
) -> SeriesRow:
    """Queue the series of a todo that its caller writes with `series_id`, as it stands `at`.

    What is done, and is not known to go on, has ended.
    """
    done = todo.status == Status.COMPLETED
    ended = done and repeats.recurrence_id is None
    draft = RecurrenceDraft(repeats.rrule, repeats.recurrence)
    row = series_writes.add(
        tx,
        person,
        todo,
        at.due,
        now=now,
        created_by=actor.user_id,
        status=SeriesStatus.ENDED if ended else SeriesStatus(repeats.status),
        **series.rule_columns(draft, at.start),
        turn=repeats.turn if repeats.recurrence_id is not None else 0,
        nth=at.nth,
        recurrence_id=at.recurrence_id,
        planned_on=at.planned.on,
        planned_time=at.planned.at,
        left_out=repeats.left_out,
        restores=dict(restores),
        zone=person.timezone,
        all_day_time=person.all_day_time,
        before_s=before_s,
    )
    if not repeats.history:
        series_writes.record(tx, row, at=at.at)
        if done:
            done_at = todo.completed_at or now
            series_writes.settle(tx, row, todo.id, OccurrenceStatus.COMPLETED, now=done_at)
        elif at.due != at.planned:
            series_writes.settle(tx, row, todo.id, OccurrenceStatus.MOVED, now=now)
    return row


def past(
    tx: Transaction,
    workspace_id: UUID,
    series_id: UUID,
    history: Sequence[Past],
    todo_of: Callable[[str], UUID | None],
) -> None:
    """Queue what became of its occurrences; of todos that did not come along, nothing but that."""
    for each in history:
        tx.run(
            occurrence_rows.ADD,
            workspace_id=workspace_id,
            series_id=series_id,
            turn=each.turn,
            recurrence_id=each.recurrence_id,
            status=OccurrenceStatus(each.status),
            todo_id=todo_of(each.todo_ref) if each.todo_ref else None,
            planned_on=each.planned_on,
            planned_time=each.planned_time,
            due_at=each.due_at,
            settled_at=each.settled_at,
        )
