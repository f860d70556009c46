"""A todo and its event merged with what was last agreed on: field by field, three ways.

What nobody else changed is never written back: a change that came from there is equal on both
sides from then on. `calendar_plans` has the steps around this one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.rules import calendar_bodies as bodies
from core.rules import calendar_events as events
from core.rules import calendar_recurrence as repeating
from core.rules.calendar_events import RemoteEvent, Tags
from core.rules.calendar_plans import Act, EventWrite, Link, Missing, Op, Plan, Reason, TodoWrite
from core.rules.calendar_snapshot import (
    FIELDS,
    OPAQUE,
    Snapshot,
    TodoView,
    When,
    digest,
    for_todo,
    lasting,
    of_event,
    of_todo,
)


@dataclass(frozen=True, slots=True)
class _Pair:
    """What is known when both sides are looked at.

    `unheard` are the tags of a write of ours whose answer never came: what they fit is ours.
    """

    link: Link
    todo: TodoView | None
    event: RemoteEvent | None
    there: Snapshot
    unheard: Tags | None
    now: datetime

    def names(self, here: Snapshot | None) -> tuple[str, ...]:
        """The fields to merge.

        An event's times are left alone when no todo of ours can have them. What recurs is never
        done as a whole, so a mark on it says nothing.
        """
        when = self.there.when
        left_out = set()
        if when.rules or (here is not None and here.when.rules):
            left_out.add("done")
        if when.start and not repeating.understood(when.rules, when.start):
            left_out.add("when")
        return tuple(name for name in FIELDS if name not in left_out)

    def event_changed(self, name: str) -> bool:
        """By anybody but us. What was over and came back, people brought back."""
        if self.link.over and self.link.base is not None:
            return True
        if self.unheard is not None:
            return self.unheard.hashes.get(name) != digest(self.there)[name]
        return self.link.base is None or not self.there.same(self.link.base, name)

    def todo_changed(self, here: Snapshot, name: str) -> bool:
        """Since the event was made to say the same."""
        if self.unheard is not None:
            return _edited_since(self.unheard, self.todo, here, name)
        return self.link.base is None or _differs(self.todo, here, self.link.base, name)


def plan(link: Link, todo: TodoView | None, event: RemoteEvent | Missing, *, now: datetime) -> Plan:
    """Of a pair, or of one side that has no other yet: `calendar_policy` says which may have one.

    `todo` null: there is none, or none any more.
    """
    made = _made(link, todo, event, now=now)
    if made.over and made.agreed is None and link.base is None and isinstance(event, RemoteEvent):
        # Its id is taken: a todo that comes back needs another one.
        made = replace(made, agreed=_seen(of_event(event), None))
    return made


def _made(
    link: Link, todo: TodoView | None, event: RemoteEvent | Missing, *, now: datetime
) -> Plan:
    if isinstance(event, RemoteEvent) and _older(event, link.base):
        return Plan(stale=True, reasons=(Reason.STALE,))
    if _absent(event):
        return _without_event(link, todo, event)
    if isinstance(event, RemoteEvent):
        there = _seen(of_event(event), link.base)
        tags = _tags(link, event)
        there = replace(there, hashes=_told(tags) if tags else {})
        pair = _Pair(link, todo, event, there, _unheard(link, tags), now)
    elif link.base is not None:
        pair = _Pair(link, todo, None, link.base, None, now)
    else:
        return _begun(link, todo, ())
    if todo is None or todo.deleted:
        return _without_todo(pair)
    return _both(pair, todo, Act.EDIT)


def _begun(link: Link, todo: TodoView | None, reasons: tuple[Reason, ...]) -> Plan:
    """Another event for a todo."""
    if todo is None or todo.deleted or todo.due is None or todo.done:
        return Plan(over=True)
    wanted = of_todo(todo)
    wanted = replace(
        wanted,
        turn=None,
        lasts=lasting(None, wanted.when.start or todo.due),
        updated=None,
    )
    tags = bodies.tags(todo, wanted, origin=events.OF_TODO, connection=str(link.connection_id))
    body = bodies.full(todo, wanted, events.tagged(tags))
    return Plan(
        event=EventWrite(Op.INSERT, link.event_id, link.generation, body=body),
        base=replace(wanted, hashes=_told(tags)),
        reasons=(*reasons, *_inexpressible(todo)),
    )


def _absent(event: RemoteEvent | Missing) -> bool:
    return event.cancelled if isinstance(event, RemoteEvent) else event is not Missing.UNREAD


def _without_event(link: Link, todo: TodoView | None, event: RemoteEvent | Missing) -> Plan:
    """Deleted there, if not by us. An edit since then is stronger; what is done stays here."""
    if todo is None or todo.deleted or todo.due is None:
        return Plan(over=True)
    if todo.done:
        return Plan(over=True, reasons=(Reason.DONE_KEPT,))
    if link.leaving or _edited(link, todo, event):
        # An id that was never taken is kept: the insert before may still be under way.
        taken = link.base is not None or event is not Missing.GONE
        generation = link.generation + 1 if taken else link.generation
        renewed = Link.first(link.connection_id, todo.id, generation=generation)
        told = link.base is not None and not link.leaving
        return _begun(renewed, todo, (Reason.EDITED_SINCE,) if told else ())
    return Plan(todo=TodoWrite(Act.DELETE, todo.version), over=True, deletes="todo")


def _edited(link: Link, todo: TodoView, event: RemoteEvent | Missing) -> bool:
    tags = _tags(link, event) if isinstance(event, RemoteEvent) else None
    unheard = _unheard(link, tags)
    here = of_todo(todo)
    names = [name for name in FIELDS if name != "done" or not here.when.rules]
    if unheard is not None:
        return any(_edited_since(unheard, todo, here, name) for name in names)
    base = link.base
    return base is None or any(_differs(todo, here, base, name) for name in names)


def _without_todo(pair: _Pair) -> Plan:
    """Deleted here, or never made."""
    link, there, todo = pair.link, pair.there, pair.todo
    names = pair.names(None)
    new = todo is None and link.base is None and pair.unheard is None
    if not new and not any(pair.event_changed(name) for name in names):
        return Plan(event=_delete(pair), over=True, deletes="event")
    told = () if new else (Reason.EDITED_SINCE,)
    if todo is not None:
        made = _both(pair, todo, Act.RESTORE)
        return replace(made, reasons=(*told, *made.reasons))
    if "when" not in names:
        told = (*told, Reason.NOT_UNDERSTOOD)
    write = _todo_write(Act.CREATE, pair, None, there, FIELDS)
    return Plan(todo=write, agreed=there, base=there, reasons=told)


def _both(pair: _Pair, todo: TodoView, act: Act) -> Plan:
    here, there = of_todo(todo), pair.there
    names = pair.names(here)
    if todo.ended and there.when.rules:
        return Plan(agreed=there, base=there)  # the event of a series stays as it was
    merged, reasons = _merged(pair, here, names)
    to_todo = [name for name in names if not merged.same(here, name)]
    to_event = [name for name in names if not merged.same(there, name)]
    write = None
    if to_todo or act is Act.RESTORE:
        write = _todo_write(act, pair, todo, merged, to_todo)
    if "when" not in names and pair.event_changed("when"):
        reasons = (*reasons, Reason.NOT_UNDERSTOOD)
    if merged.when.start is None:
        reasons = (*reasons, Reason.NO_LONGER_DUE)
        return Plan(_delete(pair), write, there, over=True, deletes="event", reasons=reasons)
    # A deletion of ours that is under way must find another etag.
    under_way = pair.link.leaving and (pair.event is None or pair.event.etag == pair.link.etag)
    if not to_event and not under_way:
        return Plan(todo=write, agreed=there, base=there, reasons=reasons)
    if "when" in to_event:
        merged = replace(merged, lasts=lasting(there, merged.when.start))
        reasons = (*reasons, *_inexpressible(todo))
    connection = str(pair.link.connection_id)
    tags = bodies.tags(todo, merged, origin=pair.link.origin, connection=connection)
    body = bodies.part(to_event, merged, there, events.tagged(tags))
    base = replace(merged, hashes=_told(tags))
    return Plan(_event_write(Op.PATCH, pair, body), write, there, base, reasons=reasons)


def _merged(
    pair: _Pair, here: Snapshot, names: Sequence[str]
) -> tuple[Snapshot, tuple[Reason, ...]]:
    """The event's look and length stay; of each field the side that somebody changed counts."""
    there = pair.there
    values: dict[str, Any] = {}
    reasons: list[Reason] = []
    later = _later(there.updated, here.updated)
    for name in names:
        if here.same(there, name):
            continue
        ours = True
        if pair.event_changed(name):
            ours = pair.todo_changed(here, name) and not later
            if pair.todo_changed(here, name):
                reasons.append(Reason.TODO_WON if ours else Reason.EVENT_WON)
        values[name] = getattr(here if ours else there, name)
    return replace(there, **values), tuple(dict.fromkeys(reasons))


def _todo_write(
    act: Act, pair: _Pair, todo: TodoView | None, wanted: Snapshot, names: Sequence[str]
) -> TodoWrite:
    write = TodoWrite(act, todo.version if todo else None)
    if todo is None and pair.event is not None:
        write = replace(write, notes=pair.event.description)
    if "title" in names:
        write = replace(write, title=wanted.title)
    if "done" in names:
        write = replace(write, done=wanted.done)
    if "when" in names:
        write = _timed(write, todo, wanted.when, pair.now)
    return write


def _timed(write: TodoWrite, todo: TodoView | None, when: When, now: datetime) -> TodoWrite:
    """With the due time; of a rule, the occurrence that is next."""
    start = when.start
    if start is None:
        return write
    zone = todo.zone if todo else start.zone or "UTC"
    before = todo.due if todo else None
    if not when.rules:
        stops = todo is not None and bool(of_todo(todo).when.rules)
        return replace(write, due=for_todo(start, before, zone), stops=stops)
    recurrence, _ = repeating.from_event(when.rules, start)
    if recurrence is None or not repeating.understood(when.rules, start):
        return replace(write, due=start)
    if todo is not None and todo.series is not None:
        recurrence = replace(recurrence, pile_up=todo.series.plan.recurrence.pile_up)
    recurrence, stands = repeating.standing(recurrence, start, now=now, zone=zone)
    due = for_todo(stands, before, zone)
    return replace(write, due=due, recurrence=recurrence, done=False)


def _event_write(op: Op, pair: _Pair, body: Mapping[str, Any] | None = None) -> EventWrite:
    """Under the etag that was read: what anybody wrote since then is looked at first."""
    etag = pair.event.etag if pair.event else pair.link.etag
    return EventWrite(op, pair.link.event_id, pair.link.generation, etag or None, body)


def _delete(pair: _Pair) -> EventWrite:
    return _event_write(Op.DELETE, pair)


def _seen(there: Snapshot, base: Snapshot | None) -> Snapshot:
    """What is done looks so by our doing: the look that it had before is kept.

    The occurrence is `calendar_turns`' to compare.
    """
    there = replace(there, turn=base.turn if base else None)
    if not there.done:
        return there
    if base is None:
        return replace(there, color=None, transparency=OPAQUE)
    return replace(there, color=base.color, transparency=base.transparency)


def _inexpressible(todo: TodoView) -> tuple[Reason, ...]:
    repeats = todo.repeats
    return (Reason.NOT_EXPRESSIBLE,) if repeats and repeats.reasons else ()


def _tags(link: Link, event: RemoteEvent) -> Tags | None:
    """Those of this connection: what another one wrote is, for us, somebody's edit."""
    tags = events.tags(event.private)
    return tags if tags and tags.connection_id == str(link.connection_id) else None


def _unheard(link: Link, tags: Tags | None) -> Tags | None:
    known = link.base.hashes if link.base else {}
    return tags if tags is not None and _told(tags) != dict(known) else None


def _told(tags: Tags) -> dict[str, str]:
    """What tells a write from others, also from one that said the same at another time."""
    return {**tags.hashes, "of": f"{tags.todo_id} {tags.version}"}


def _edited_since(tags: Tags, todo: TodoView | None, here: Snapshot, name: str) -> bool:
    """Whether the todo says something else than when we wrote these."""
    if todo is not None and (tags.todo_id, tags.version) == (str(todo.id), todo.version):
        return False
    return tags.hashes.get(name) != digest(here)[name]


def _differs(todo: TodoView | None, here: Snapshot, base: Snapshot, name: str) -> bool:
    """Whether somebody edited this since; that its person travels is no edit of what floats."""
    if here.same(base, name):
        return False
    old, new = base.when.start, here.when.start
    floats = todo is not None and todo.due is not None and todo.due.zone is None
    if name != "when" or not floats or old is None or new is None or new.at is None:
        return True
    return (old.on, old.at, base.when.rules) != (new.on, new.at, here.when.rules)


def _older(event: RemoteEvent, base: Snapshot | None) -> bool:
    """By the provider's own clock, at both ends."""
    return _later(base.updated if base else None, event.updated)


def _later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one > other
