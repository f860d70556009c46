"""Series and their occurrences as they are looked at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import bindparam, select, tuple_

from core.actor import Actor
from core.db import Transaction
from core.errors import NotFound
from core.models.series import Occurrences
from core.models.series import Series as Table
from core.services.series_rows import SeriesRow, select_series
from core.services.todo_rows import DueTime, TodoRecurrence, clock_text
from core.services.workspaces import visible
from core.statements import query


@dataclass(frozen=True, slots=True)
class Series:
    """A rule and where it stands.

    `recurrence_id` is the rule's own local time of the current occurrence (RFC 5545), which is due
    at `planned` unless its todo was moved. `next_at` is when it makes way for the next one if it is
    left undone. `left_out` counts what `pile_up: all` did not make after an outage.
    """

    id: UUID
    workspace_id: UUID
    todo_id: UUID | None
    status: str
    recurrence: TodoRecurrence
    start: DueTime
    recurrence_id: str
    planned: DueTime
    next_at: datetime | None
    left_out: int
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: SeriesRow) -> Self:
        zone = row.start_zone
        return cls(
            row.id,
            row.workspace_id,
            row.todo_id,
            row.status,
            row.told(),
            DueTime(row.start_on, clock_text(row.start_time) if row.start_time else None, zone),
            row.recurrence_id,
            DueTime(
                row.planned_on, clock_text(row.planned_time) if row.planned_time else None, zone
            ),
            row.next_at,
            row.left_out,
            row.version,
            row.created_at,
            row.updated_at,
        )


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What became of one occurrence; `due_at` is the rule's instant as zones were then."""

    recurrence_id: str
    turn: int  # how often the rule had been begun anew
    status: str  # open, moved, completed, skipped, missed
    todo_id: UUID | None
    due_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class OccurrencePage:
    data: list[Occurrence]
    next_cursor: str | None
    has_more: bool


_GET = query(
    select_series().where(visible(Table.workspace_id), Table.id == bindparam("id")),
    SeriesRow.of_row,
)
_PLACE = tuple_(Occurrences.turn, Occurrences.recurrence_id)
_ALL: Any = (
    select(
        Occurrences.recurrence_id,
        Occurrences.turn,
        Occurrences.status,
        Occurrences.todo_id,
        Occurrences.due_at,
        Occurrences.settled_at,
    )
    .where(
        Occurrences.workspace_id == bindparam("workspace_id"),
        Occurrences.series_id == bindparam("series_id"),
    )
    .order_by(Occurrences.turn.desc(), Occurrences.recurrence_id.desc())
    .limit(bindparam("limit"))
)
_FIRST = query(_ALL, Occurrence)
_BELOW = query(
    _ALL.where(tuple_(bindparam("turn"), bindparam("recurrence_id")) > _PLACE), Occurrence
)


async def get(tx: Transaction, actor: Actor, series_id: UUID) -> Series:
    return Series.of(await _get(tx, actor, series_id))


async def occurrences(
    tx: Transaction,
    actor: Actor,
    series_id: UUID,
    *,
    after: tuple[int, str] | None,
    limit: int,
) -> list[Occurrence]:
    """The newest first; one more than `limit` when there are more."""
    row = await _get(tx, actor, series_id)
    there = {"workspace_id": row.workspace_id, "series_id": row.id, "limit": limit + 1}
    if after is None:
        return await tx.all(_FIRST, **there)
    turn, recurrence_id = after
    return await tx.all(_BELOW, **there, turn=turn, recurrence_id=recurrence_id)


async def _get(tx: Transaction, actor: Actor, series_id: UUID) -> SeriesRow:
    found = await tx.first(_GET, id=series_id, user_id=actor.user_id)
    if found is None:
        raise NotFound("there is no such series that you can see")
    return found
