"""A todo as other programs understand it: what `spreadsheet` and `calendar` write down."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.rules.recurrence import Recurrence
from core.rules.reminders import Due, Wish


@dataclass(frozen=True, slots=True)
class Repeats:
    """Of the newest todo of a series that goes on. `planned` is its due time by the rule."""

    rrule: str
    recurrence: Recurrence
    planned: Due
    nth: int  # of the occurrence: what COUNT counts


@dataclass(frozen=True, slots=True)
class Reminder:
    """`at` is the instant that `wish` names by itself, if it does."""

    id: UUID
    wish: Wish
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Item:
    """Instants are aware. `completed_at` is null while it is to be done."""

    id: UUID
    workspace: str
    list_name: str | None
    parent_id: UUID | None
    series_id: UUID | None
    title: str
    description: str
    priority: str
    tags: tuple[str, ...]
    due: Due | None
    repeats: Repeats | None
    reminders: tuple[Reminder, ...]
    location: str | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
