"""What a sync knows of a pair, and what it has to write: `calendar_merge` makes one of the other.

The steps, in the order that makes them safe with two workers, lost answers and old listings:

1. Read the event (or know its etag from the link), and only then the todo. Whoever wrote the
   event in between makes step 4 fail; whoever wrote it before has committed the todo that is read.
2. `plan`. If it says `stale`, the listing is older than what is agreed on: leave it.
3. In one transaction, with the todo still at `todo.version`: write the todo, store `agreed` and
   the etag that was read. If the todo has changed, begin again.
   If there is an event to write, mark the pair: begun; and, to delete it,
   `leaving`, which stays until step 5 of the write that takes it back, or another etag is read.
4. Write the event under `event.etag`. 412: begin again, reading it. 409 on an insert: it is there
   already, read it and begin again (not there: `USED`). 404 or 410: begin again with `GONE`.
5. In one transaction: store `base` (`Plan.heard`) and the answer's etag. Never the answer's
   fields: what Google spells otherwise would be written again for ever. Take the marks away.

Killed anywhere, the whole is begun again. A marked pair begins by reading its event: a write whose
answer was lost is known by its tags. That a listing leaves an event out, or that it is old, proves
nothing: before that counts as deleted, and before a link that is over comes to life again, the
event is read by its id. `base` of a link that is over is kept; where there was none, the event
that was seen becomes it, since a todo that comes back needs another id than one that is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Any, Literal, Self
from uuid import UUID

from core.rules import calendar_events as events
from core.rules.calendar_events import Moment, RemoteEvent
from core.rules.calendar_snapshot import Snapshot
from core.rules.recurrence import Recurrence


class Missing(Enum):
    """An event that is not at hand.

    `UNREAD`: it stands as it was agreed on. `GONE`: asked for, it is not there. `USED`: an insert
    was answered that its id is taken, and asked for, it is not there.
    """

    UNREAD = "unread"
    GONE = "gone"
    USED = "used"


class Op(StrEnum):
    INSERT = "insert"
    PATCH = "patch"
    DELETE = "delete"


class Act(StrEnum):
    CREATE = "create"
    EDIT = "edit"
    RESTORE = "restore"  # from the deleted ones, with the fields beside it
    DELETE = "delete"


class Reason(StrEnum):
    """Constant words for the connection's activity."""

    STALE = "listing.stale"
    EVENT_WON = "conflict.event_won"
    TODO_WON = "conflict.todo_won"
    EDITED_SINCE = "deletion.edited_since"
    DONE_KEPT = "deletion.todo_done"
    NO_LONGER_DUE = "event.no_longer_due"
    NOT_EXPRESSIBLE = "recurrence.not_expressible"
    NOT_UNDERSTOOD = "recurrence.not_understood"
    OTHER_OCCURRENCE = "recurrence.other_occurrence"


@dataclass(frozen=True, slots=True)
class Link:
    """What is known of a pair. `base` is null until an event is known to stand for the todo.

    `event_id` is stored before the event is inserted. `leaving`: a deletion of the event was
    begun, so that it is gone says nothing of what people want. `over`: the link had ended, and
    the event is there nevertheless.
    """

    connection_id: UUID
    event_id: str
    generation: int = 0
    origin: str = events.OF_TODO
    etag: str = ""
    base: Snapshot | None = None
    leaving: bool = False
    over: bool = False

    @classmethod
    def first(cls, connection_id: UUID, todo_id: UUID, *, generation: int = 0) -> Self:
        """Of a todo without an event; after a link that ended, with the next generation."""
        key = events.event_id(connection_id, todo_id, generation)
        return cls(connection_id, key, generation)


@dataclass(frozen=True, slots=True)
class EventWrite:
    """`body` holds our own fields alone: a PATCH leaves attendees, places and notes untouched.

    `event_id` and `generation` are the link's from then on. `etag` null: unconditional.
    """

    op: Op
    event_id: str
    generation: int
    etag: str | None = None
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TodoWrite:
    """What differs; null is what stays. `version` is that of the todo it was planned with.

    With `recurrence`, `due` is the occurrence to stand at, by that rule from there on; `stops`: it
    comes back no more. `notes` are those of a new todo.
    """

    act: Act
    version: int | None = None
    title: str | None = None
    notes: str = ""
    due: Moment | None = None
    recurrence: Recurrence | None = None
    stops: bool = False
    done: bool | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """At most one write for each side. `agreed` and `base` are for the steps 3 and 5.

    `over`: the link ends, once what is to be written is written. `deletes` says on which side
    something goes that people made, for the quarantine.
    """

    event: EventWrite | None = None
    todo: TodoWrite | None = None
    agreed: Snapshot | None = None
    base: Snapshot | None = None
    over: bool = False
    stale: bool = False
    deletes: Literal["todo", "event"] | None = None
    reasons: tuple[Reason, ...] = ()

    def heard(self, answer: RemoteEvent) -> Snapshot | None:
        """What to store as the link's base once the event is written."""
        return self.base and replace(self.base, updated=answer.updated)
