"""Pairs of a todo and an event, and what the two last agreed on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from psycopg.types.json import Jsonb

from core.db import Transaction
from core.ids import uuid7
from core.models.calendars import LinkState, Side
from core.services.calendar_syncs import SyncRow
from core.statements import Query, row


@dataclass(frozen=True, slots=True)
class Link:
    """`base` is null until the two agreed on something; `gone` says on which side one is deleted.

    A link stays when it has `ended`: else what is left of the two were taken for new.
    """

    id: UUID
    todo_id: UUID | None
    event_id: str
    origin: str
    generation: int = 0
    etag: str = ""
    todo_version: int = 0
    base: dict[str, Any] | None = None
    state: str = LinkState.LINKED
    gone: str | None = None
    quarantined: str | None = None
    dirty: bool = False
    seen_run: int = 0

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        return cls(*values)

    @classmethod
    def new(cls, todo_id: UUID | None, event_id: str, origin: Side, **values: Any) -> Self:
        return cls(uuid7(), todo_id, event_id, origin, **values)


_NAMES: Final = tuple(each.name for each in fields(Link))
_COLUMNS: Final = ", ".join(_NAMES).encode()
_FIND: Final = (
    b"SELECT "
    + _COLUMNS
    + b" FROM calendar_links WHERE workspace_id = %(workspace_id)s"
    + b" AND connection_id = %(connection_id)s AND "
)
_OF_EVENTS: Final = Query(
    _FIND + b"event_id = ANY (%(events)s) ORDER BY id FOR UPDATE", Link.of_row, {}, writes=False
)
_OF_TODOS: Final = Query(
    _FIND + b"todo_id = ANY (%(todos)s::uuid[]) ORDER BY id FOR UPDATE",
    Link.of_row,
    {},
    writes=False,
)
_DIRTY: Final = Query(
    _FIND + b"dirty AND gone IS NULL ORDER BY id LIMIT %(limit)s",
    Link.of_row,
    {},
    writes=False,
)
_GONE: Final = Query(
    _FIND
    + b"gone IS NOT NULL AND quarantined IS NULL AND state <> 'ended' ORDER BY id LIMIT %(limit)s",
    Link.of_row,
    {},
    writes=False,
)
_WAITING: Final = Query(
    _FIND + b"gone IS NOT NULL AND quarantined IS NOT NULL ORDER BY id LIMIT %(limit)s FOR UPDATE",
    Link.of_row,
    {},
    writes=False,
)
_PUT: Final = Query(
    b"INSERT INTO calendar_links AS l (workspace_id, connection_id, created_at, updated_at, "
    + _COLUMNS
    + b") VALUES (%(workspace_id)s, %(connection_id)s, %(now)s, %(now)s, "
    + ", ".join(f"%({name})s" for name in _NAMES).encode()
    + b") ON CONFLICT (workspace_id, id) DO UPDATE SET updated_at = %(now)s, "
    + ", ".join(f"{name} = excluded.{name}" for name in _NAMES if name != "id").encode(),
    row,
    {},
    writes=True,
)
_SEEN: Final = Query(
    b"""
    UPDATE calendar_links SET seen_run = %(run_no)s
    WHERE workspace_id = %(workspace_id)s AND connection_id = %(connection_id)s
      AND event_id = ANY (%(events)s) AND seen_run <> %(run_no)s
    """,
    row,
    {},
    writes=True,
)
_UNSEE: Final = Query(
    b"""
    UPDATE calendar_links SET seen_run = 0
    WHERE workspace_id = %(workspace_id)s AND connection_id = %(connection_id)s
      AND seen_run = %(run_no)s
    """,
    row,
    {},
    writes=True,
)
_UNSEEN: Final = Query(
    b"""
    UPDATE calendar_links SET gone = 'event', updated_at = %(now)s
    WHERE workspace_id = %(workspace_id)s AND connection_id = %(connection_id)s
      AND state = 'linked' AND gone IS NULL AND seen_run <> %(run_no)s
    """,
    row,
    {},
    writes=True,
)
_DEFER: Final = Query(
    b"""
    UPDATE calendar_links SET dirty = true, updated_at = %(now)s
    WHERE workspace_id = %(workspace_id)s AND connection_id = %(connection_id)s
      AND (event_id = ANY (%(events)s) OR todo_id = ANY (%(todos)s::uuid[]))
    """,
    row,
    {},
    writes=True,
)
_PART: Final = Query(
    b"""
    UPDATE calendar_links
    SET state = 'ended', gone = NULL, quarantined = NULL, dirty = false, updated_at = %(now)s
    WHERE workspace_id = %(workspace_id)s AND connection_id = %(connection_id)s
      AND id = ANY (%(ids)s::uuid[])
    """,
    row,
    {},
    writes=True,
)
# Those that a person let go already (`leaving`) are counted no more.
_COUNTS: Final = Query(
    b"""
    SELECT count(*) FILTER (WHERE gone = 'todo' AND quarantined IS NULL AND state = 'linked'),
           count(*) FILTER (WHERE gone = 'event' AND quarantined IS NULL AND state = 'linked'),
           count(*) FILTER (WHERE state = 'linked')
    FROM calendar_links
    WHERE workspace_id = %(workspace_id)s AND connection_id = %(connection_id)s
    """,
    row,
    {},
    writes=False,
)
_DECIDE: Final = Query(
    b"""
    UPDATE calendar_links
    SET quarantined = %(quarantined)s, state = coalesce(%(state)s, state), updated_at = %(now)s
    WHERE workspace_id = %(workspace_id)s AND connection_id = %(connection_id)s
      AND gone = %(side)s AND state = 'linked' AND quarantined IS NULL
    """,
    row,
    {},
    writes=True,
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Deletions that were found and not acted on, by the side they are on, and pairs in all."""

    todos: int
    events: int
    linked: int


async def of_events(tx: Transaction, sync: SyncRow, events: Iterable[str]) -> dict[str, Link]:
    """Event id -> its link, locked."""
    found = await tx.all(_OF_EVENTS, **_of(sync), events=list(events))
    return {each.event_id: each for each in found}


async def of_todos(tx: Transaction, sync: SyncRow, todos: Iterable[UUID]) -> dict[UUID, Link]:
    """Todo id -> its link, locked."""
    found = await tx.all(_OF_TODOS, **_of(sync), todos=list(todos))
    return {each.todo_id: each for each in found if each.todo_id is not None}


async def dirty(tx: Transaction, sync: SyncRow, *, limit: int) -> list[Link]:
    """Pairs whose event is to be looked at although no event of the feed says so."""
    return await tx.all(_DIRTY, **_of(sync), limit=limit)


async def gone(tx: Transaction, sync: SyncRow, *, limit: int) -> list[Link]:
    """Pairs that lost one of the two, and nobody needs to be asked about."""
    return await tx.all(_GONE, **_of(sync), limit=limit)


async def quarantined(
    tx: Transaction, workspace_id: UUID, connection_id: UUID, *, limit: int
) -> list[Link]:
    """Pairs that lost one of the two, and wait for a person."""
    return await tx.all(
        _WAITING, workspace_id=workspace_id, connection_id=connection_id, limit=limit
    )


def put(
    tx: Transaction, workspace_id: UUID, connection_id: UUID, link: Link, *, now: datetime
) -> None:
    """Queue writing it, as new or over what stands under its id."""
    values = {name: getattr(link, name) for name in _NAMES}
    values["base"] = None if link.base is None else Jsonb(link.base)
    tx.run(_PUT, workspace_id=workspace_id, connection_id=connection_id, now=now, **values)


def seen(tx: Transaction, sync: SyncRow, events: Sequence[str]) -> None:
    """Queue that this run's listing named these."""
    if events:
        tx.run(_SEEN, **_of(sync), run_no=sync.run_no, events=list(events))


def begin_anew(tx: Transaction, sync: SyncRow) -> None:
    """Queue that a whole listing begins: what an earlier one of this run named proves nothing."""
    tx.run(_UNSEE, **_of(sync), run_no=sync.run_no)


def unseen_are_gone(tx: Transaction, sync: SyncRow, *, now: datetime) -> None:
    """Queue that events are deleted which a whole listing of all events did not name."""
    tx.run(_UNSEEN, **_of(sync), run_no=sync.run_no, now=now)


def defer(
    tx: Transaction, sync: SyncRow, events: Sequence[str], todos: Sequence[UUID], *, now: datetime
) -> None:
    """Queue that the next run looks at these again, whatever it is woken by."""
    tx.run(_DEFER, **_of(sync), events=list(events), todos=list(todos), now=now)


def part(tx: Transaction, sync: SyncRow, ids: Sequence[UUID], *, now: datetime) -> None:
    """Queue that these have nothing to do with one another any more."""
    tx.run(_PART, **_of(sync), ids=list(ids), now=now)


async def counts(tx: Transaction, sync: SyncRow) -> Counts:
    found = await tx.first(_COUNTS, **_of(sync))
    return Counts(*(found or (0, 0, 0)))


def quarantine(tx: Transaction, sync: SyncRow, side: Side, *, now: datetime) -> None:
    """Queue that what is deleted on this side waits for a person."""
    tx.run(_DECIDE, **_of(sync), side=side, quarantined=side, state=None, now=now)


def let_go(tx: Transaction, sync: SyncRow, side: Side, *, now: datetime) -> None:
    """Queue that the other one of what is deleted on this side follows."""
    tx.run(_DECIDE, **_of(sync), side=side, quarantined=None, state=LinkState.LEAVING, now=now)


def _of(sync: SyncRow) -> dict[str, Any]:
    return {"workspace_id": sync.workspace_id, "connection_id": sync.id}
