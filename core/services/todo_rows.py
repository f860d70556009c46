"""A todo as it is stored, as it is answered, and the way between the two."""

from base64 import b64decode
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from operator import attrgetter
from typing import Any, Final, Self
from uuid import UUID
from zlib import crc32

import orjson
from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
)

from core.models.keys import SubjectKeys
from core.models.reminders import Reminders
from core.models.series import Series, SeriesStatus
from core.models.todos import CreatedVia, Todos
from core.models.voice import TodoVoice
from core.rules.durations import iso
from core.rules.reminders import Due
from core.services import voice_seals
from core.services.voice_seals import Words


@dataclass(frozen=True, slots=True)
class DueTime:
    """A due time: `date` alone is all day; `timezone` null with a time is floating."""

    date: date
    time: str | None  # HH:MM[:SS]
    timezone: str | None


@dataclass(frozen=True, slots=True)
class ReminderTime:
    """A wall time; `timezone` null is floating in the zone of the reminder's person."""

    date: date
    time: str
    timezone: str | None


@dataclass(frozen=True, slots=True)
class Reminder:
    """A person's wish to be told; `channels` null means as their preferences say."""

    id: UUID
    todo_id: UUID
    at: ReminderTime | None
    before: str | None
    channels: list[str] | None
    next_fire_at: datetime | None
    urgent: bool

    @classmethod
    def of_row(
        cls,
        id: UUID,  # noqa: A002 (the column's name)
        todo_id: UUID,
        at_on: date | None,
        at_time: time | None,
        at_zone: str | None,
        before_s: int | None,
        channels: list[str] | None,
        next_at: datetime | None,
        urgent: bool,  # noqa: FBT001 (a row, by position)
    ) -> Self:
        at = None
        if at_on is not None and at_time is not None:
            at = ReminderTime(at_on, clock_text(at_time), at_zone)
        before = None if before_s is None else iso(before_s)
        return cls(id, todo_id, at, before, channels, next_at, urgent)

    @classmethod
    def of_json(cls, row: list[Any]) -> Self:
        """From the array that `REMINDERS_OF_TODO` makes of a row."""
        key, todo_id, at_on, at_time, at_zone, before_s, channels, next_at, urgent = row
        return cls.of_row(
            UUID(key),
            UUID(todo_id),
            date.fromisoformat(at_on) if at_on else None,
            time.fromisoformat(at_time) if at_time else None,
            at_zone,
            before_s,
            channels,
            datetime.fromisoformat(next_at) if next_at else None,
            urgent,
        )


@dataclass(frozen=True, slots=True)
class TodoRecurrence:
    """The rule of its series; one that has ended shows none. `rrule` is as it was given."""

    rrule: str
    anchor: str
    skip: str
    pile_up: str
    exdates: list[date]
    rdates: list[date]
    holidays: str | None
    shift: str

    @classmethod
    def of_json(cls, row: list[Any]) -> Self:
        """From the array that `RECURRENCE_OF_TODO` makes of a row."""
        rrule, anchor, skip, pile_up, exdates, rdates, holidays, shift = row
        without = [date.fromisoformat(each) for each in exdates]
        added = [date.fromisoformat(each) for each in rdates]
        return cls(rrule, anchor, skip, pile_up, without, added, holidays, shift)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Where a todo comes from that was said. `original_text` is null once it is forgotten."""

    memo_id: UUID | None
    confidence: float
    original_text: str | None

    @classmethod
    def of_json(cls, row: list[Any], workspace_id: UUID, todo_id: UUID) -> Self:
        """From the array that `VOICE_OF_TODO` makes of a row."""
        memo_id, confidence, sealed, key = row
        epoch, wrapped = key or (None, "")
        kept = Words(b64decode(sealed), epoch, b64decode(wrapped)) if sealed else None
        words = voice_seals.words(workspace_id, todo_id, kept)
        return cls(UUID(memo_id) if memo_id else None, confidence, words)


@dataclass(slots=True)  # not frozen: that makes each 8 times dearer, 75 of a page's 600 µs
class Todo:
    """A todo as the API answers it."""

    id: UUID
    workspace_id: UUID
    list_id: UUID | None
    parent_id: UUID | None
    title: str
    description: str
    status: str
    priority: str
    tags: list[str]
    due: DueTime | None
    due_at: datetime | None
    recurrence: TodoRecurrence | None
    series_id: UUID | None
    missed: int
    reminders: list[Reminder]
    assignee_id: UUID | None
    position: float
    location: str | None
    created_via: str
    voice: Spoken | None
    version: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None

    @property
    def etag(self) -> str:
        """The reader's own reminders and the rule are read with it, and no part of `version`."""
        if not self.reminders and self.recurrence is None:
            return f'"{self.version}"'
        beside = crc32(orjson.dumps((self.reminders, self.recurrence)))
        return f'"{self.version}-{beside:08x}"'


@dataclass(frozen=True, slots=True)
class TodoRow:
    """The stored columns, in the order in which statements read them."""

    id: UUID
    workspace_id: UUID
    list_id: UUID | None
    parent_id: UUID | None
    title: str
    description: str
    status: str
    priority: str
    tags: list[str]
    due_on: date | None
    due_time: time | None
    due_zone: str | None
    due_at: datetime | None
    series_id: UUID | None
    missed: int
    assignee_id: UUID | None
    position: float
    location: str | None
    created_via: str
    version: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    deleted_at: datetime | None
    recurrence: TodoRecurrence | None
    reminders: list[Reminder]
    voice: Spoken | None

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        *columns, rule, found, said = values
        named = dict(zip(COLUMN_NAMES, columns, strict=True))
        recurrence = TodoRecurrence.of_json(rule) if rule else None
        voice = Spoken.of_json(said, named["workspace_id"], named["id"]) if said else None
        return cls(**named, recurrence=recurrence, reminders=_reminders(found), voice=voice)

    @property
    def due(self) -> Due | None:
        return None if self.due_on is None else Due(self.due_on, self.due_time, self.due_zone)

    def answer(self) -> Todo:
        columns = {name: getattr(self, name) for name in _ANSWERED}
        return answer_of(
            **columns, recurrence=self.recurrence, reminders=self.reminders, voice=self.voice
        )


_BESIDE_NAMES = {"recurrence", "reminders", "voice"}
COLUMN_NAMES = tuple(f.name for f in fields(TodoRow) if f.name not in _BESIDE_NAMES)
_ANSWERED = tuple(name for name in COLUMN_NAMES if name != "deleted_at")

# As `Reminder` takes them.
REMINDER_COLUMNS: Final = (
    Reminders.id,
    Reminders.todo_id,
    Reminders.at_on,
    Reminders.at_time,
    Reminders.at_zone,
    Reminders.before_s,
    Reminders.channels,
    Reminders.next_at,
    Reminders.urgent,
)
REMINDERS_OF_TODO: ScalarSelect[Any] = (
    select(func.json_agg(func.json_build_array(*REMINDER_COLUMNS)))
    .where(
        Reminders.workspace_id == Todos.workspace_id,
        Reminders.todo_id == Todos.id,
        Reminders.user_id == bindparam("user_id"),
    )
    .correlate(Todos)
    .scalar_subquery()
)
RECURRENCE_OF_TODO: ScalarSelect[Any] = (
    select(
        func.json_build_array(
            Series.rrule,
            Series.anchor,
            Series.skip,
            Series.pile_up,
            Series.exdates,
            Series.rdates,
            Series.holidays,
            Series.shift,
        )
    )
    .where(
        Series.workspace_id == Todos.workspace_id,
        Series.id == Todos.series_id,
        Series.status != SeriesStatus.ENDED,
    )
    .correlate(Todos)
    .scalar_subquery()
)
# What is sealed for a person begins with a byte and their id (`core.epochs`).
_KEY_OF_WORDS: ScalarSelect[Any] = (
    select(
        func.json_build_array(
            SubjectKeys.epoch, func.encode(SubjectKeys.wrapped, literal_column("'base64'"))
        )
    )
    .where(
        SubjectKeys.user_id
        == cast(
            func.encode(
                func.substring(TodoVoice.original_text, literal_column("2"), literal_column("16")),
                literal_column("'hex'"),
            ),
            Uuid,
        )
    )
    .correlate(TodoVoice)
    .scalar_subquery()
)
# Looked up for those alone that were spoken: of all others it costs a comparison.
VOICE_OF_TODO: ColumnElement[Any] = case(
    (
        Todos.created_via == literal_column(f"'{CreatedVia.VOICE}'"),
        select(
            func.json_build_array(
                TodoVoice.memo_id,
                TodoVoice.confidence,
                func.encode(TodoVoice.original_text, literal_column("'base64'")),
                _KEY_OF_WORDS,
            )
        )
        .where(TodoVoice.workspace_id == Todos.workspace_id, TodoVoice.todo_id == Todos.id)
        .correlate(Todos)
        .scalar_subquery(),
    ),
)
_BESIDE = (RECURRENCE_OF_TODO, REMINDERS_OF_TODO, VOICE_OF_TODO)


def select_answers() -> Select[Any]:
    """Columns for `answer_of`; binds `user_id`, whose reminders are shown."""
    return select(*(getattr(Todos, name) for name in _ANSWERED), *_BESIDE)


def select_rows() -> Select[Any]:
    """Columns for `TodoRow.of_row`; binds `user_id`."""
    return select(*(getattr(Todos, name) for name in COLUMN_NAMES), *_BESIDE)


def answer_of(
    id: UUID,  # noqa: A002 (the column's name)
    workspace_id: UUID,
    list_id: UUID | None,
    parent_id: UUID | None,
    title: str,
    description: str,
    status: str,
    priority: str,
    tags: list[str],
    due_on: date | None,
    due_time: time | None,
    due_zone: str | None,
    due_at: datetime | None,
    series_id: UUID | None,
    missed: int,
    assignee_id: UUID | None,
    position: float,
    location: str | None,
    created_via: str,
    version: int,
    created_at: datetime,
    updated_at: datetime,
    completed_at: datetime | None,
    recurrence: TodoRecurrence | list[Any] | None,
    reminders: list[Any] | None,
    voice: Spoken | list[Any] | None,
) -> Todo:
    due = None
    if due_on is not None:
        due = DueTime(due_on, None if due_time is None else clock_text(due_time), due_zone)
    return Todo(
        id,
        workspace_id,
        list_id,
        parent_id,
        title,
        description,
        status,
        priority,
        tags,
        due,
        due_at,
        TodoRecurrence.of_json(recurrence) if isinstance(recurrence, list) else recurrence,
        series_id,
        missed,
        _reminders(reminders) if reminders else [],
        assignee_id,
        position,
        location,
        created_via,
        Spoken.of_json(voice, workspace_id, id) if isinstance(voice, list) else voice,
        version,
        created_at,
        updated_at,
        completed_at,
    )


def _reminders(found: list[Any] | None) -> list[Reminder]:
    made = [r if isinstance(r, Reminder) else Reminder.of_json(r) for r in found or ()]
    return sorted(made, key=attrgetter("id")) if len(made) > 1 else made


def clock_text(at: time) -> str:
    """`HH:MM`, with seconds where there are any."""
    return at.isoformat("seconds" if at.second else "minutes")
