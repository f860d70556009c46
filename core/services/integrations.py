"""A person's connections as they see them: looked at, changed, ended. Nobody else's are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from core import outbox
from core.actor import Actor
from core.db import Transaction
from core.errors import Forbidden, NotFound
from core.ids import uuid7
from core.messages import ConnectionMessage
from core.models.connections import Provider
from core.services import audits, calendar_settings, connections, executions
from core.services.calendar_settings import Shown
from core.services.workspaces import WRITERS
from core.statements import Query, row

WORKFLOW: Final = "Disconnect"


@dataclass(frozen=True, slots=True)
class CalendarSettings:
    """`events_become_todos`: all, tagged (those that say `#todo`), or none."""

    calendar_id: str
    calendar_name: str
    events_become_todos: str


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """`digest_channel`: Slack's id of a channel; null: digests go to the person."""

    digest_channel: str | None


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """Of a calendar. `progress`: 0 to 1 while it runs. `quarantined`: deletions that wait."""

    state: str
    progress: float | None
    last_synced_at: datetime | None
    problem: str | None
    quarantined: int


@dataclass(frozen=True, slots=True)
class Integration:
    """A connection to an outside service. `name`: by which its owner knows the account there."""

    id: UUID
    workspace_id: UUID
    provider: str
    name: str
    status: str
    scopes: list[str]
    settings: CalendarSettings | SlackSettings
    sync: SyncStatus | None
    problem: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    workspace_id: UUID
    provider: str
    name: str
    status: str
    scopes: list[str]
    problem: str | None
    digest_channel: str | None
    created_at: datetime
    updated_at: datetime


_COLUMNS: Final = b"""
    SELECT id, workspace_id, provider, name, status, scopes, problem, digest_channel, created_at,
           updated_at
    FROM connections WHERE user_id = %(user_id)s AND status <> 'disconnecting'
"""
_MINE: Final = Query(_COLUMNS + b" ORDER BY id LIMIT 100", _Row, {}, writes=False)
_GET: Final = Query(_COLUMNS + b" AND id = %(id)s", _Row, {}, writes=False)
_END: Final = Query(
    b"""
    WITH ended AS (
        UPDATE connections SET status = 'disconnecting', updated_at = %(now)s
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND user_id = %(user_id)s
          AND status <> 'disconnecting'
        RETURNING workspace_id, id
    ), nobodys AS (
        DELETE FROM slack_members m USING ended e
        WHERE m.workspace_id = e.workspace_id AND m.connection_id = e.id
    )
    SELECT id FROM ended
    """,
    row,
    {},
    writes=True,
)
_OF_PERSON: Final = Query(
    b"SELECT workspace_id, id, provider FROM connections WHERE user_id = %(user_id)s ORDER BY id",
    row,
    {},
    writes=False,
)
_OTHERS: Final = Query(
    b"""
    SELECT 1 FROM connections c
    WHERE c.provider = %(provider)s AND c.account_id = %(account_id)s AND c.id <> %(id)s
      AND c.status <> 'disconnecting' LIMIT 1
    """,
    row,
    {},
    writes=False,
)
_PROVIDER: Final = Query(
    b"""
    SELECT provider FROM connections
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND status = 'disconnecting'
    """,
    row,
    {},
    writes=False,
)
_CHANNEL: Final = Query(
    b"""
    SELECT channel_id::text, channel_resource FROM calendar_syncs
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
      AND channel_id IS NOT NULL AND channel_resource IS NOT NULL
    """,
    row,
    {},
    writes=False,
)
_REMOVE: Final = Query(
    b"""
    DELETE FROM connections
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND status = 'disconnecting'
    """,
    row,
    {},
    writes=True,
)


async def mine(tx: Transaction, actor: Actor) -> list[Integration]:
    """One's own, of all workspaces that one is still a member of; oldest first, at most 100."""
    return await _shown(tx, await tx.all(_MINE, user_id=actor.user_id))


async def get(tx: Transaction, actor: Actor, connection_id: UUID) -> Integration:
    """Raises `NotFound` unless it is one's own."""
    found = await tx.all(_GET, user_id=actor.user_id, id=connection_id)
    if not found:
        raise NotFound("there is no such connection of yours")
    return (await _shown(tx, found))[0]


async def writable(tx: Transaction, actor: Actor, connection_id: UUID) -> Integration:
    """As `get`, to be changed. Raises `Forbidden` for somebody who may only look by now."""
    found = await get(tx, actor, connection_id)
    membership = (await tx.person()).memberships.get(found.workspace_id)
    if membership is None or membership.role not in WRITERS:
        raise Forbidden
    return found


async def disconnect(tx: Transaction, actor: Actor, connection_id: UUID, *, now: datetime) -> None:
    """From now on nobody uses it; a workflow tells the provider and then forgets the access."""
    found = await writable(tx, actor, connection_id)
    message = ConnectionMessage(found.workspace_id, found.id)
    if not await end(tx, actor.user_id, message, Provider(found.provider), now=now):
        raise NotFound("there is no such connection of yours")
    outbox.start(
        tx,
        WORKFLOW,
        f"disconnect:{uuid7()}",  # the row may be connected, and ended, again
        subject_id=found.id,
        tenant=found.workspace_id,
        workspace_id=found.workspace_id,
        connection_id=found.id,
    )
    audits.record(tx, "connection.ended", actor_id=actor.user_id, subject_id=found.id)


async def end(
    tx: Transaction,
    user_id: UUID,
    message: ConnectionMessage,
    provider: Provider,
    *,
    now: datetime,
) -> bool:
    """Nobody uses it from now on; whoever calls this gives it back. Whether it was in use."""
    this: dict[str, Any] = {"workspace_id": message.workspace_id, "id": message.connection_id}
    if await tx.first(_END, **this, user_id=user_id, now=now) is None:
        return False
    if provider is Provider.GOOGLE_CALENDAR:
        await calendar_settings.forget(tx, message.workspace_id, message.connection_id, now=now)
    return True


async def ending(tx: Transaction, message: ConnectionMessage) -> Provider | None:
    """Whose access is to be given back; none if that is done, or it was connected again."""
    found = await tx.first(_PROVIDER, workspace_id=message.workspace_id, id=message.connection_id)
    return Provider(found[0]) if found else None


async def channel(tx: Transaction, message: ConnectionMessage) -> tuple[str, str] | None:
    """By which its calendar says that it has news: the channel's id, and what Google calls it."""
    found = await tx.first(_CHANNEL, workspace_id=message.workspace_id, id=message.connection_id)
    return (found[0], found[1]) if found else None


async def shared(tx: Transaction, provider: Provider, connection: connections.Connection) -> bool:
    """Whether others use the same account, in whichever workspace. `tx` works as `vt_worker`.

    Giving it back would end their connections too: at Google a grant is one for all its tokens, at
    Slack a bot is one for its whole team.
    """
    others = await tx.first(
        _OTHERS, provider=provider, account_id=connection.account_id, id=connection.id
    )
    return others is not None


def ended(tx: Transaction, message: ConnectionMessage, workflow_id: str, *, now: datetime) -> None:
    """Forget the access, unless it was connected again. Twice is once."""
    forget(tx, message)
    executions.close(tx, workflow_id, now=now)


async def of_person(tx: Transaction, user_id: UUID) -> list[tuple[ConnectionMessage, Provider]]:
    """All of theirs, in whichever workspace, those that are just being given back as well.

    `tx` works as `vt_eraser`.
    """
    found = await tx.all(_OF_PERSON, user_id=user_id)
    return [(ConnectionMessage(where, id_), Provider(name)) for where, id_, name in found]


def forget(tx: Transaction, message: ConnectionMessage) -> None:
    tx.run(_REMOVE, workspace_id=message.workspace_id, id=message.connection_id)


async def _shown(tx: Transaction, rows: Sequence[_Row]) -> list[Integration]:
    calendars = [each.id for each in rows if each.provider == Provider.GOOGLE_CALENDAR]
    syncs = await calendar_settings.shown(tx, calendars)
    return [_whole(each, syncs.get(each.id)) for each in rows]


def _whole(found: _Row, sync: Shown | None) -> Integration:
    settings: CalendarSettings | SlackSettings = SlackSettings(found.digest_channel)
    told = None
    if sync is not None:
        settings = CalendarSettings(sync.calendar_id, sync.calendar_name, sync.events_become_todos)
        told = SyncStatus(
            sync.state, sync.progress, sync.last_synced_at, sync.problem, sync.quarantined
        )
    return Integration(
        id=found.id,
        workspace_id=found.workspace_id,
        provider=found.provider,
        name=found.name,
        status=found.status,
        scopes=found.scopes,
        settings=settings,
        sync=told,
        problem=found.problem,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )
