"""The occurrence that a series stands at, and its instance of the recurring event.

Moved, renamed, marked as done or left out: on either side, merged as `calendar_merge` does it, and
written as an exception of the master. Of the other occurrences only what became of them here is
carried there: one that was done is marked, one that was skipped is left out. What people do there
with later ones is not carried over (`OTHER_OCCURRENCE`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from core.rules import calendar_recurrence as repeating
from core.rules.calendar_bodies import DONE_COLOR, DONE_TRANSPARENCY, times
from core.rules.calendar_events import Moment, RemoteEvent
from core.rules.calendar_plans import EventWrite, Link, Op, Reason
from core.rules.calendar_snapshot import (
    MINUTES_LONG,
    Snapshot,
    TodoView,
    Turn,
    clean,
    for_todo,
    marked,
    of_todo,
    unmarked,
)


class Became(StrEnum):
    """Of an occurrence that the series has left behind."""

    DONE = "done"
    SKIPPED = "skipped"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Left:
    """`original` is the rule's own place of it, on the wall that the series is kept in."""

    original: Moment
    became: Became


@dataclass(frozen=True, slots=True)
class TurnWrite:
    """What to do with the occurrence: this one alone. `skips` excludes the others."""

    version: int
    title: str | None = None
    due: Moment | None = None
    done: bool = False
    skips: bool = False


@dataclass(frozen=True, slots=True)
class TurnPlan:
    """`agreed` and `base` are for `Snapshot.turn`, in the steps 3 and 5; null leaves it.

    Twice is harmless: each says what its instance is to be.
    """

    events: tuple[EventWrite, ...] = ()
    todo: TurnWrite | None = None
    agreed: Turn | None = None
    base: Turn | None = None
    reasons: tuple[Reason, ...] = ()


def plan_turn(
    link: Link,
    todo: TodoView,
    instances: Sequence[RemoteEvent] = (),
    *,
    left: Sequence[Left] = (),
) -> TurnPlan:
    """Once the pair itself says the same on both sides (`calendar_merge.plan` has nothing to do).

    `instances` are exceptions of the event that a listing named, if any. `left` are the
    occurrences that the series has left since `base.turn`.
    """
    here, master = of_todo(todo), link.base
    if here.turn is None or master is None or not master.when.rules:
        return TurnPlan()
    turn = here.turn
    plain = Turn(turn.original, None, turn.original, done=False)
    known = master.turn if master.turn and master.turn.original == turn.original else plain
    seen = [each for each in instances if each.original_start is not None]
    own = [each for each in seen if _at(each, turn.original)]
    there = _of_instance(own[-1], known, master) if own else known
    merged = _merged(known, turn, there, event_later=bool(own) and _later(own[-1], todo))
    events = [_settled(link, master, each, todo.zone) for each in left]
    events += [_instance(link, master, merged, there, own[-1] if own else None)]
    strange = any(not _at(each, turn.original) and not _ours(each) for each in seen)
    return TurnPlan(
        tuple(each for each in events if each is not None),
        _todo_write(todo, turn, merged),
        there,
        merged,
        (Reason.OTHER_OCCURRENCE,) if strange else (),
    )


def _merged(base: Turn, here: Turn, there: Turn, *, event_later: bool) -> Turn:
    values: dict[str, Any] = {}
    for name in ("title", "due", "done"):
        old, ours, theirs = (getattr(each, name) for each in (base, here, there))
        wins = theirs != old and (ours == old or event_later)
        if name == "due" and theirs is None and ours != old:
            wins = False  # an edit is stronger than leaving it out
        values[name] = theirs if wins else ours
    return replace(here, **values)


def _todo_write(todo: TodoView, here: Turn, merged: Turn) -> TurnWrite | None:
    if merged == here or todo.done:
        return None
    if merged.due is None:
        return TurnWrite(todo.version, skips=True)
    due = for_todo(merged.due, todo.due, todo.zone) if merged.due != here.due else None
    title = None
    if merged.title != here.title and todo.series is not None:
        title = merged.title or clean(todo.series.title)
    return TurnWrite(todo.version, title, due, done=merged.done and not here.done)


def _instance(
    link: Link, master: Snapshot, merged: Turn, there: Turn, event: RemoteEvent | None
) -> EventWrite | None:
    if merged == there:
        return None
    body = _body(master, merged)
    key = repeating.instance_id(link.event_id, merged.original)
    return EventWrite(Op.PATCH, key, link.generation, event.etag if event else None, body)


def _settled(link: Link, master: Snapshot, each: Left, zone: str) -> EventWrite | None:
    original = replace(each.original, zone=each.original.zone or zone)
    if each.original.at is None:
        original = each.original
    if each.became is Became.PASSED:
        return None
    key = repeating.instance_id(link.event_id, original)
    if each.became is Became.SKIPPED:
        return EventWrite(Op.PATCH, key, link.generation, body={"status": "cancelled"})
    body = {
        "summary": marked(master.title, done=True),
        "transparency": DONE_TRANSPARENCY,
        "colorId": DONE_COLOR,
    }
    return EventWrite(Op.PATCH, key, link.generation, body=body)


def _body(master: Snapshot, turn: Turn) -> dict[str, Any]:
    if turn.due is None:
        return {"status": "cancelled"}
    kept = master.when.start is not None and (master.when.start.at is None) == (turn.due.at is None)
    default = MINUTES_LONG if turn.due.at is not None else timedelta(days=1)
    lasts = master.lasts if kept and master.lasts is not None else default
    title = turn.title or master.title
    body: dict[str, Any] = {"status": "confirmed", "summary": marked(title, done=turn.done)}
    if turn.done:
        body |= {"transparency": DONE_TRANSPARENCY, "colorId": DONE_COLOR}
    return body | times(turn.due, lasts, over=True)


def _of_instance(event: RemoteEvent, known: Turn, master: Snapshot) -> Turn:
    if event.cancelled or event.start is None:
        return replace(known, due=None)
    done, title = unmarked(event.summary)
    return Turn(known.original, title if title != master.title else None, event.start, done)


def _at(event: RemoteEvent, original: Moment) -> bool:
    start = event.original_start
    if start is None or (start.at is None) != (original.at is None):
        return False
    return start.on == original.on if start.at is None else _instant(start) == _instant(original)


def _instant(moment: Moment) -> datetime:
    return repeating.instant(moment)


def _ours(event: RemoteEvent) -> bool:
    """What is done or left out there says nothing that a todo would have to learn."""
    return event.cancelled or unmarked(event.summary)[0]


def _later(event: RemoteEvent, todo: TodoView) -> bool:
    return event.updated is not None and event.updated > todo.updated
