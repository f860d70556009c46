"""What every reader of a file answers: one item after the other, for whoever writes them down.

A reader takes a seekable binary file (at most `MAX_BYTES`) and a `Scene`, and never raises for
what stands in the file: what cannot be read is a `Rejected`, of the row or (with `line` 0) of the
whole file, and the rows after it go on. It may read the file twice and holds no more of it than
one row and an index of the rows' ids.

Texts already fit what a todo may hold; what had to be left out or changed is told in `lost`.
A parent may come after its children; that it comes, and that parents make no circle and are no
deeper than `MAX_DEPTH`, is seen to. The same file gives the same items in the same order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, Final

from core.rules.recurrence import Recurrence
from core.rules.reminders import Due, Wish

MAX_BYTES: Final = 64 * 1024 * 1024  # of a file, and of what an archive unpacks to
MAX_ROW: Final = 1024 * 1024
MAX_ROWS: Final = 100_000
MAX_TITLE: Final = 500
MAX_DESCRIPTION: Final = 10_000
MAX_NAME: Final = 100  # of a list
MAX_TAG: Final = 50
MAX_TAGS: Final = 50
MAX_REMINDERS: Final = 20  # of a todo
MAX_DEPTH: Final = 8  # levels of todos, the topmost counted
MAX_REF: Final = 200
MAX_EXCERPT: Final = 80


class Format(StrEnum):
    LOCALSTORAGE = "localstorage"
    TODOIST_CSV = "todoist-csv"
    ICS = "ics"
    OWN = "json"  # our export: its todos.json, or the whole archive


class Code(StrEnum):
    """Why a row, or all that follows in the file, is not read."""

    FORMAT = "format"  # not a file of this format
    ENCODING = "encoding"
    TOO_LARGE = "too_large"  # the file, or what it unpacks to
    TOO_LONG = "too_long"  # this row
    TOO_MANY = "too_many"  # rows: those after this one are not read
    MALFORMED = "malformed"
    TITLE_MISSING = "title_missing"
    DUPLICATE = "duplicate"  # an earlier row of this file has this id
    NOT_A_TODO = "not_a_todo"  # an event, a journal entry, a project's comment


@dataclass(frozen=True, slots=True)
class Scene:
    """The person's now and zone: dates in words count from there.

    `list_name` is that of rows which name none: Todoist says a project in its file's name only.
    """

    now: datetime
    zone: str
    list_name: str | None = None


@dataclass(frozen=True, slots=True)
class Reminder:
    """`channels` null: as the person's preferences have it."""

    wish: Wish
    channels: tuple[str, ...] | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What became of an occurrence; `todo_ref` is null where no todo of it is left."""

    recurrence_id: str
    turn: int
    status: str  # as OccurrenceStatus
    planned_on: date
    planned_time: time | None
    due_at: datetime
    settled_at: datetime | None
    todo_ref: str | None


@dataclass(frozen=True, slots=True)
class Repeats:
    """`rrule` is the rule's text as it was given. It counts from `start`; null: the todo's due.

    `status` is `ended` where the todo is done and none follows. What stands after it is known of
    our own export, and of files that say which occurrences are done; elsewhere all is at default,
    and the todo's due is the first occurrence.
    `restores` holds, by field, what the next occurrence takes back.
    """

    rrule: str
    recurrence: Recurrence
    start: Due | None = None
    status: str = "active"  # as SeriesStatus
    turn: int = 1
    nth: int = 1
    recurrence_id: str | None = None
    planned_on: date | None = None
    planned_time: time | None = None
    left_out: int = 0
    restores: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Past, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A todo. `ref` names it within its source for ever: in the next export, too, where that says
    an id; `source_id` is that id as it stands in the file. Several may stand in one `line`.

    `repeats` stands with the newest todo of a series; `series_ref` also with those that were
    completed before it. Instants are aware; `lost` has sentences for the person.
    """

    line: int
    ref: str
    title: str
    description: str = ""
    done: bool = False
    completed_at: datetime | None = None  # null also where it is done, and the file says not when
    created_at: datetime | None = None
    updated_at: datetime | None = None
    priority: str = "none"
    list_name: str | None = None
    tags: tuple[str, ...] = ()
    due: Due | None = None
    repeats: Repeats | None = None
    series_ref: str | None = None
    reminders: tuple[Reminder, ...] = ()
    parent_ref: str | None = None
    position: float | None = None
    location: str | None = None
    missed: int = 0
    source_id: str | None = None
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListRecord:
    """A list that the file names by itself, whether a todo is in it or not."""

    line: int
    ref: str
    name: str
    position: float | None = None
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """What the file says beside its rows; at most once, anywhere among them.

    `lost` is what was changed or left out for the file as a whole: its encoding, its cut circles.
    """

    format: Format
    preferences: Mapping[str, Any] = field(default_factory=dict)
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """`line` 0: of the file itself. `reason` is a sentence; `excerpt` the row's beginning."""

    line: int
    code: Code
    reason: str
    excerpt: str = ""
    ref: str | None = None


Item = Record | ListRecord | Document | Rejected
