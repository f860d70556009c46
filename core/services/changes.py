"""The feed of a workspace, and taking back what one change set did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import aliased

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, NotFound
from core.models.events import Events
from core.models.series import SeriesStatus
from core.models.todos import Lists, Todos
from core.rules.reminders import Due
from core.services import (
    import_rows,
    lists,
    reminders,
    series,
    series_reversals,
    series_writes,
    todo_writes,
)
from core.services.lists import ListRow
from core.services.series_rows import SeriesRow
from core.services.todo_rows import TodoRow
from core.services.workspaces import Access, place, visible
from core.statements import query

KEPT: Final = timedelta(days=30)
MOST_AT_ONCE: Final = 5000
MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Change:
    """One event: what happened to which subject, and what its changed fields were before."""

    workspace_id: UUID
    seq: int
    type: str
    subject_id: UUID
    actor_id: UUID | None
    change_set: UUID
    changed: list[str]
    before: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Undone:
    """`undone` is the change set that was taken back; `changed` counts the todos and lists."""

    undone: UUID
    changed: int


COLUMNS = (
    Events.workspace_id,
    Events.seq,
    Events.type,
    Events.subject_id,
    Events.actor_id,
    Events.change_set_id,
    Events.changed,
    Events.before,
    Events.at,
)
_SINCE = query(
    select(*COLUMNS)
    .where(
        visible(Events.workspace_id),
        Events.workspace_id == bindparam("workspace_id"),
        Events.seq > bindparam("since"),
    )
    .order_by(Events.seq)
    .limit(bindparam("limit")),
    Change,
)
_OF_SET = query(
    select(*COLUMNS)
    .where(visible(Events.workspace_id), Events.change_set_id == bindparam("change_set"))
    .order_by(Events.workspace_id, Events.seq.desc())
    .limit(MOST_AT_ONCE + 1),
    Change,
)
_LATER = query(
    select(*COLUMNS)
    .where(
        Events.workspace_id == bindparam("workspace_id"),
        Events.seq > bindparam("since"),
        Events.subject_id == bindparam("subjects").any_(),
        Events.change_set_id != bindparam("change_set"),
    )
    .order_by(Events.seq),
    Change,
)
_parents = aliased(Todos)
_IN_NO_PLACE = query(
    select(Todos.id)
    .outerjoin(Lists, and_(Lists.workspace_id == Todos.workspace_id, Lists.id == Todos.list_id))
    .outerjoin(
        _parents,
        and_(_parents.workspace_id == Todos.workspace_id, _parents.id == Todos.parent_id),
    )
    .where(
        Todos.workspace_id == bindparam("workspace_id"),
        Todos.deleted_at.is_(None),
        or_(
            Todos.id == bindparam("subjects").any_(),
            Todos.list_id == bindparam("subjects").any_(),
            Todos.parent_id == bindparam("subjects").any_(),
        ),
        or_(Lists.deleted_at.is_not(None), _parents.deleted_at.is_not(None)),
    )
    .limit(MOST_NAMED)
)


async def since(
    tx: Transaction, actor: Actor, *, workspace_id: UUID, seq: int, limit: int
) -> list[Change]:
    """Events after number `seq`, in the order of their commits and without gaps."""
    await place(tx, actor, workspace_id, Access.READ, now=tx.began_at)
    return await tx.all(
        _SINCE, workspace_id=workspace_id, user_id=actor.user_id, since=seq, limit=limit
    )


async def undo(tx: Transaction, actor: Actor, change_set: UUID, *, now: datetime) -> Undone:
    """Put back what this change set changed; that is a change set of its own.

    Raises `Conflict`, naming them, when fields it changed were changed again since.
    """
    events = await tx.all(_OF_SET, change_set=change_set, user_id=actor.user_id)
    if not events:
        raise NotFound("there is no such change set that you can see")
    if len(events) > MOST_AT_ONCE:
        raise Conflict(f"this change set has more than {MOST_AT_ONCE} changes")
    if events[-1].at < now - KEPT:
        raise Conflict("changes can be undone for 30 days")
    mine = [event for event in events if _noun(event) in _NOUNS]
    for workspace_id in dict.fromkeys(event.workspace_id for event in mine):
        spot = await place(tx, actor, workspace_id, Access.WRITE, now=now)
        here = [event for event in mine if event.workspace_id == workspace_id]
        rows = {
            event.subject_id: await _NOUNS[_noun(event)].lock(tx, actor, event) for event in here
        }
        await _refuse_if_changed_since(tx, here, rows, change_set)
        for event in here:
            noun = _NOUNS[_noun(event)]
            row = rows[event.subject_id]
            rows[event.subject_id] = await noun.put_back(tx, row, event, now=spot.now)
        _tell_imports(tx, here)
        await _refuse_if_in_no_place(tx, here)
        for series_id in {each for row in rows.values() if (each := _series_of(row))}:
            await series_reversals.reconcile(tx, workspace_id, series_id)
    reminded = await _take_back_reminders(tx, actor, events, change_set, now=now)
    if not mine and not reminded:
        raise Conflict("nothing in this change set can be undone")
    return Undone(change_set, len(mine))


def _tell_imports(tx: Transaction, events: Sequence[Change]) -> None:
    """What was imported and is taken back here may be imported again; what comes back may not."""
    made = {event.subject_id for event in events if event.type == "todo.created"}
    todos = {event.subject_id for event in events if _noun(event) == "todo"}
    if todos:
        there = {"workspace_id": events[0].workspace_id}
        tx.run(import_rows.TAKE_REFS_BACK, **there, todo_ids=list(todos), made=list(made))


async def _take_back_reminders(
    tx: Transaction, actor: Actor, events: Sequence[Change], change_set: UUID, *, now: datetime
) -> int:
    """One's own that were added or put off; how many.

    Those of a todo that was made with them go and come back with it. Where others were removed,
    which cannot be brought back, the new ones stay: rather two reminders than none.
    """
    if any(event.type == "reminder.deleted" for event in events):
        return 0
    ours = [event for event in events if event.type in {"reminder.created", "reminder.snoozed"}]
    if not ours:
        return 0
    subjects = {event.subject_id: event for event in reversed(ours)}  # the first of each
    later = await tx.all(
        _LATER,
        workspace_id=ours[0].workspace_id,
        since=min(event.seq for event in ours),
        subjects=list(subjects),
        change_set=change_set,
    )
    if any(event.type in {"reminder.snoozed", "reminder.updated"} for event in later):
        raise Conflict("changed since: a reminder")
    made = {event.subject_id for event in events if event.type == "todo.created"}
    taken_back = 0
    for reminder_id, event in subjects.items():
        found = await reminders.find(tx, actor, reminder_id)
        if found is None or found.todo_id in made:
            continue
        if event.type == "reminder.created":
            await reminders.remove(tx, actor, reminder_id, now=now)
        else:
            was = event.before.get("next_fire_at")
            reminders.put_back(tx, found, datetime.fromisoformat(was) if was else None, now=now)
        taken_back += 1
    return taken_back


async def _refuse_if_changed_since(
    tx: Transaction, events: Sequence[Change], rows: Mapping[UUID, Any], change_set: UUID
) -> None:
    """Values decide, not history: what was changed since and changed back is no obstacle.

    What a field was after this change set stands in the first later event as its old value.
    """
    later = await tx.all(
        _LATER,
        workspace_id=events[0].workspace_id,
        since=min(event.seq for event in events),
        subjects=list(rows),
        change_set=change_set,
    )
    left: dict[UUID, dict[str, Any]] = {subject: {} for subject in rows}
    for event in later:
        for name, value in event.before.items():
            left[event.subject_id].setdefault(name, value)
    clashes = set()
    for event in events:
        noun = _NOUNS[_noun(event)]
        now_is = orjson.loads(orjson.dumps(noun.public(rows[event.subject_id])))
        ours = now_is if event.type.endswith(".created") else event.changed
        was = left[event.subject_id]
        touched = sorted(name for name in ours if name in was and was[name] != now_is[name])
        if touched:
            clashes.add(f"{_noun(event)} {event.subject_id}: {', '.join(touched)}")
    if clashes:
        raise Conflict("changed since: " + "; ".join(sorted(clashes)))


async def _refuse_if_in_no_place(tx: Transaction, events: Sequence[Change]) -> None:
    """A todo must not end up in a list, or under a todo, that is deleted."""
    lost = await tx.all(
        _IN_NO_PLACE,
        workspace_id=events[0].workspace_id,
        subjects=list({event.subject_id for event in events}),
    )
    if lost:
        named = ", ".join(f"todo {todo_id}" for (todo_id,) in lost)
        raise Conflict(f"changed since: the list or parent would be gone of {named}")


class _Todos:
    public = staticmethod(todo_writes.public)

    @staticmethod
    async def lock(tx: Transaction, actor: Actor, event: Change) -> TodoRow:
        return await todo_writes.lock(tx, actor, event.subject_id, deleted_too=True)

    @staticmethod
    async def put_back(tx: Transaction, row: TodoRow, event: Change, *, now: datetime) -> TodoRow:
        if event.type == "todo.created":
            return await todo_writes.write(tx, row, {"deleted": True}, now=now)
        before = dict(event.before)
        for name in ("list_id", "parent_id", "assignee_id", "series_id"):
            if before.get(name) is not None:
                before[name] = UUID(before[name])
        if before.get("due") is not None:
            before["due"] = _due(before["due"])
        return await todo_writes.write(tx, row, before, now=now)


class _Lists:
    public = staticmethod(lists.public)

    @staticmethod
    async def lock(tx: Transaction, actor: Actor, event: Change) -> ListRow:
        return await lists.lock(tx, actor, event.subject_id, deleted_too=True)

    @staticmethod
    async def put_back(tx: Transaction, row: ListRow, event: Change, *, now: datetime) -> ListRow:
        before = {"deleted": True} if event.type == "list.created" else event.before
        return lists.write(tx, row, before, now=now)


class _Series:
    public = staticmethod(series_writes.public)

    @staticmethod
    async def lock(tx: Transaction, actor: Actor, event: Change) -> SeriesRow:
        row, _ = await series.lock(tx, actor, event.subject_id, now=event.at)
        return row

    @staticmethod
    async def put_back(
        tx: Transaction, row: SeriesRow, event: Change, *, now: datetime
    ) -> SeriesRow:
        before = event.before
        if event.type == "recurrence.created":
            before = {"status": SeriesStatus.ENDED}
        return series_reversals.put_back(tx, row, before, now=now)


# What can be undone, and how.
_NOUNS: Final[dict[str, Any]] = {"todo": _Todos, "list": _Lists, "recurrence": _Series}


def _series_of(row: TodoRow | ListRow | SeriesRow) -> UUID | None:
    if isinstance(row, SeriesRow):
        return row.id
    return row.series_id if isinstance(row, TodoRow) else None


def _noun(event: Change) -> str:
    return event.type.partition(".")[0]


def _due(told: dict[str, Any]) -> Due:
    at = time.fromisoformat(told["time"]) if told["time"] else None
    return Due(date.fromisoformat(told["date"]), at, told["timezone"])
