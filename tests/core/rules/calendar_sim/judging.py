"""What must hold of a todo and its event when all is quiet, by what people did to them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from core.rules.calendar_snapshot import FIELDS, Snapshot

RESTLESS: Final = "never comes to rest"
Key = tuple[Any, ...]


@dataclass(slots=True)
class Subject:
    """A todo and its event, by what people did to them.

    `after[field][value]` is what stood there when somebody wrote this value: whoever writes sees
    what it was. Values are used once, so a value tells which edit it comes from.
    """

    edits: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    after: dict[str, dict[Key, Key]] = field(default_factory=dict)
    none: Key = ("none",)
    last: str = "made"
    agreed_then: bool = True
    # A deleted event was not shown: nobody can know whether a write arrived before its deletion.
    in_doubt: int = 0
    event_deleted: bool = False
    # By a fast clock of theirs, what was edited before that deletion can be the later edit.
    outdated: bool = False


def problems(subject: Subject, todos: list[Snapshot], there: list[Snapshot]) -> Iterator[str]:
    """What must not be of these todos and events, once all is quiet; as sentences."""
    if subject.last == RESTLESS:
        yield RESTLESS
        return
    if len(there) > 1 or len(todos) > 1:
        yield f"duplicate: {len(todos)} todos, {len(there)} events"
    for side, other in (("event", "todo"), ("todo", "event")):
        if subject.writes[side] > subject.edits[other] + subject.in_doubt:
            yield f"{subject.writes[side]} writes of {subject.edits[other]} edits: {side}"
    yield from _existence(subject, todos, there)
    for todo in todos:
        if there and not alike(todo, there[0]):
            yield f"differs: {todo} and {there[0]}"
        yield from _lost(subject, todo)


def _existence(subject: Subject, todos: list[Snapshot], there: list[Snapshot]) -> Iterator[str]:
    """An edit is stronger than a deletion; nothing else is."""
    deleted, marked = subject.last.startswith("deleted"), subject.last.startswith("marked")
    # Deleted on both sides and brought back on one: to the sync, deleted on one.
    both = subject.last.startswith("restored") and subject.event_deleted
    if not todos and not there and not (deleted or marked or both or subject.outdated):
        yield "lost: nothing is left"
    if todos and there and deleted and subject.agreed_then and not subject.in_doubt:
        yield "lost: what was deleted is back"
    if not there and any(each.when.start and not each.done for each in todos):
        yield "no event"
    if there and not todos and not there[0].done:
        yield "no todo"


def _lost(subject: Subject, todo: Snapshot) -> Iterator[str]:
    """What stands must not be what somebody saw and wrote over."""
    if subject.event_deleted:  # and with it what was edited there
        return
    for name, key in (("title", (todo.title,)), ("when", key_of(subject, todo))):
        if key in subject.after.get(name, {}).values():
            yield f"lost: an edit of {name}, {key} stands"


def key_of(subject: Subject, snapshot: Snapshot) -> Key:
    """What tells its time from all others that were ever written."""
    start = snapshot.when.start
    if start is None:
        return subject.none
    # A series begins anew where it stands: its time of day is what tells it from others.
    return ("recurs", start.at) if snapshot.when.rules else (start.on, start.at)


def alike(todo: Snapshot, event: Snapshot) -> bool:
    """A mark on all of a series says nothing."""
    names = [name for name in FIELDS if name != "done" or not todo.when.rules]
    return all(todo.same(event, name) for name in names)
