"""Todos as a sync compares them. A series has one event, and its newest todo speaks for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam

from core.db import Transaction
from core.models.series import Series, SeriesStatus
from core.models.todos import Status, Todos
from core.rules.calendar_snapshot import Standing, TodoView
from core.rules.reminders import Due
from core.services import series_writes
from core.services.calendar_syncs import SyncRow
from core.services.series_rows import SeriesRow, select_series
from core.services.todo_rows import TodoRow, select_rows
from core.statements import Query, query, row


@dataclass(frozen=True, slots=True)
class Subject:
    """A todo, locked, and its series if it recurs."""

    row: TodoRow
    series: SeriesRow | None
    view: TodoView

    @property
    def wants_event(self) -> bool:
        """Whether a todo without an event is to get one."""
        return self.view.due is not None and not self.view.done and not self.view.deleted


# A todo of a series that goes on under another todo stands for that one.
_SUBJECTS: Final = Query(
    b"""
    SELECT t.id, coalesce(s.todo_id, t.id) FROM todos t
    LEFT JOIN series s ON s.workspace_id = t.workspace_id AND s.id = t.series_id
    WHERE t.workspace_id = %(workspace_id)s AND t.id = ANY (%(ids)s::uuid[])
    UNION ALL
    SELECT s.id, s.todo_id FROM series s
    WHERE s.workspace_id = %(workspace_id)s AND s.id = ANY (%(ids)s::uuid[])
      AND s.todo_id IS NOT NULL
    """,
    row,
    {},
    writes=False,
)
_LOCK: Final = query(
    select_rows()
    .where(Todos.workspace_id == bindparam("workspace_id"), Todos.id == bindparam("ids").any_())
    .order_by(Todos.id)
    .with_for_update(of=Todos),
    TodoRow.of_row,
)
_SERIES: Final = query(
    select_series().where(
        Series.workspace_id == bindparam("workspace_id"),
        Series.id == bindparam("ids").any_(),
        Series.status != SeriesStatus.ENDED,
    ),
    SeriesRow.of_row,
)
# All that belongs in a calendar, in the order of ids: the first sync goes through it once.
_BELONGING: Final = Query(
    b"""
    SELECT t.id FROM todos t
    WHERE t.workspace_id = %(workspace_id)s AND t.id > %(after)s
      AND (t.deleted_at IS NULL AND t.due_on IS NOT NULL AND t.status = 'pending'
           OR EXISTS (SELECT FROM calendar_links l WHERE l.workspace_id = t.workspace_id
                      AND l.connection_id = %(connection_id)s AND l.todo_id = t.id
                      AND l.state = 'linked'))
    ORDER BY t.id LIMIT %(limit)s
    """,
    row,
    {},
    writes=False,
)
_HOW_MANY: Final = Query(
    b"""
    SELECT count(*) FROM todos
    WHERE workspace_id = %(workspace_id)s AND deleted_at IS NULL AND due_on IS NOT NULL
      AND status = 'pending'
    """,
    row,
    {},
    writes=False,
)
# The link of a series follows its newest todo.
_LINKED_BEFORE: Final = Query(
    b"""
    SELECT l.todo_id, s.todo_id FROM calendar_links l
    JOIN todos t ON t.workspace_id = l.workspace_id AND t.id = l.todo_id
    JOIN series s ON s.workspace_id = t.workspace_id AND s.id = t.series_id
    WHERE l.workspace_id = %(workspace_id)s AND l.connection_id = %(connection_id)s
      AND s.todo_id = ANY (%(ids)s::uuid[]) AND l.todo_id <> s.todo_id
    ORDER BY l.id
    """,
    row,
    {},
    writes=False,
)
_FOLLOW: Final = Query(
    b"""
    UPDATE calendar_links SET todo_id = %(to)s
    WHERE workspace_id = %(workspace_id)s AND connection_id = %(connection_id)s
      AND todo_id = %(was)s
      AND NOT EXISTS (SELECT FROM calendar_links l WHERE l.workspace_id = %(workspace_id)s
                      AND l.connection_id = %(connection_id)s AND l.todo_id = %(to)s)
    """,
    row,
    {},
    writes=True,
)
_NOBODY: Final = UUID(int=0)


async def subjects(tx: Transaction, sync: SyncRow, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Todo or series -> the todo that speaks for it. What is gone is left out."""
    asked = list(ids)
    if not asked:
        return {}
    return dict(await tx.all(_SUBJECTS, workspace_id=sync.workspace_id, ids=asked))


async def belonging(
    tx: Transaction, sync: SyncRow, *, after: UUID | None, limit: int
) -> list[UUID]:
    """The next todos that belong in the calendar, or are there."""
    found = await tx.all(
        _BELONGING,
        workspace_id=sync.workspace_id,
        connection_id=sync.id,
        after=after or _NOBODY,
        limit=limit,
    )
    return [todo_id for (todo_id,) in found]


async def how_many(tx: Transaction, sync: SyncRow) -> int:
    found = await tx.first(_HOW_MANY, workspace_id=sync.workspace_id)
    return found[0] if found else 0


async def lock(tx: Transaction, sync: SyncRow, ids: Sequence[UUID]) -> dict[UUID, Subject]:
    """Each todo as it stands, locked; their links are brought to where they stand.

    `tx` knows the person of the calendar (`act_for`), whose zone floating times are shown in.
    """
    if not ids:
        return {}
    of = {"workspace_id": sync.workspace_id, "connection_id": sync.id}
    for was, to in await tx.all(_LINKED_BEFORE, **of, ids=list(ids)):
        tx.run(_FOLLOW, **of, was=was, to=to)
    zone = (await tx.person()).timezone
    rows = await tx.all(_LOCK, workspace_id=sync.workspace_id, ids=list(ids), user_id=sync.user_id)
    wanted = [each.series_id for each in rows if each.series_id is not None]
    found = await tx.all(_SERIES, workspace_id=sync.workspace_id, ids=wanted) if wanted else []
    by_id = {each.id: each for each in found}
    return {
        each.id: _subject(sync, each, by_id.get(each.series_id) if each.series_id else None, zone)
        for each in rows
    }


def _subject(sync: SyncRow, todo: TodoRow, series: SeriesRow | None, zone: str) -> Subject:
    if series is not None and series.todo_id != todo.id:
        series = None
    return Subject(
        todo,
        series,
        TodoView(
            id=todo.id,
            version=todo.version,
            title=todo.title,
            notes=todo.description,
            due=_due(sync, todo),
            done=todo.status == Status.COMPLETED,
            deleted=todo.deleted_at is not None,
            updated=todo.updated_at,
            zone=zone,
            series=_standing(todo, series),
            ended=series is None and todo.series_id is not None and todo.completed_at is not None,
        ),
    )


def _due(sync: SyncRow, todo: TodoRow) -> Due | None:
    """What is somebody else's to do has no place in this person's calendar."""
    return todo.due if todo.assignee_id in (None, sync.user_id) else None


def _standing(todo: TodoRow, series: SeriesRow | None) -> Standing | None:
    if series is None:
        return None
    kept = series_writes.own_values(series.restores)
    return Standing(series.plan, series.planned, kept.get("title", todo.title))
