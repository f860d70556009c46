"""Deletions: many at once wait for a person, who has them carried over or taken back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.models.calendars import LinkState, Side
from core.models.connections import Direction
from core.rules import calendar_deletions
from core.services import (
    calendar_links,
    calendar_settings,
    calendar_writes,
    connection_activity,
    notification_rows,
)
from core.services.calendar_links import Link
from core.services.calendar_syncs import SyncRow
from core.statements import Query

KIND: Final = "calendar_quarantine"  # of notifications
MOST_AT_ONCE: Final = 1000
SHOWN: Final = 200
TOLD: Final = {
    Side.EVENT: "{count} events were deleted in your calendar. Shall their todos go as well?",
    Side.TODO: "{count} todos were deleted. Shall their events in your calendar go as well?",
}


class Decision(StrEnum):
    """`apply`: the other ones are deleted, too. `keep`: what was deleted comes back."""

    APPLY = "apply"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Waiting:
    """`deleted` is the side on which it was: the todo, or the event."""

    todo_id: UUID | None
    title: str | None
    event_id: str
    deleted: str


_SHOWN: Final = Query(
    b"""
    SELECT l.todo_id, t.title, l.event_id, l.quarantined FROM calendar_links l
    LEFT JOIN todos t ON t.workspace_id = l.workspace_id AND t.id = l.todo_id
    WHERE l.workspace_id = %(workspace_id)s AND l.connection_id = %(connection_id)s
      AND l.gone IS NOT NULL AND l.quarantined IS NOT NULL
    ORDER BY l.id LIMIT %(limit)s
    """,
    Waiting,
    {},
    writes=False,
)


async def sort(tx: Transaction, sync: SyncRow, *, now: datetime) -> dict[Side, int]:
    """Of the deletions that this run found: let few go, have many wait. Those that wait now."""
    found = await calendar_links.counts(tx, sync)
    waiting: dict[Side, int] = {}
    for side, count in ((Side.TODO, found.todos), (Side.EVENT, found.events)):
        if not count:
            continue
        if not calendar_deletions.held(count, found.linked):
            calendar_links.let_go(tx, sync, side, now=now)
            continue
        calendar_links.quarantine(tx, sync, side, now=now)
        waiting[side] = count
        connection_activity.record(
            tx,
            sync.workspace_id,
            sync.id,
            Direction.SKIPPED,
            "deletions.quarantined",
            reason=f"deleted on the side of the {side}s: a person decides",
            count=count,
            now=now,
        )
    told = [
        notification_rows.told(
            sync.workspace_id, sync.user_id, KIND, TOLD[side].format(count=count)
        )
        for side, count in waiting.items()
    ]
    notification_rows.add(tx, told)
    return waiting


async def waiting(tx: Transaction, workspace_id: UUID, connection_id: UUID) -> Sequence[Waiting]:
    """The first of what waits for a person."""
    return await tx.all(_SHOWN, workspace_id=workspace_id, connection_id=connection_id, limit=SHOWN)


async def decide(
    tx: Transaction,
    actor: Actor,
    workspace_id: UUID,
    connection_id: UUID,
    decision: Decision,
    *,
    now: datetime,
) -> int:
    """About what waits, a thousand at a time; how many these were. The next run carries it out."""
    links = await calendar_links.quarantined(tx, workspace_id, connection_id, limit=MOST_AT_ONCE)
    for link in links:
        if decision is Decision.APPLY:
            after = replace(link, quarantined=None, state=LinkState.LEAVING)
        else:
            after = await _kept(tx, actor, link, now=now)
        calendar_links.put(tx, workspace_id, connection_id, after, now=now)
    if links:
        calendar_settings.poke(tx, workspace_id, connection_id, now=now)
    return len(links)


async def _kept(tx: Transaction, actor: Actor, link: Link, *, now: datetime) -> Link:
    """A todo comes back as it was; an event is made anew, for its id is never free again."""
    kept = replace(link, gone=None, quarantined=None, dirty=True)
    if link.gone == Side.EVENT or link.todo_id is None:
        return replace(kept, state=LinkState.ENDED)
    restored = await calendar_writes.restore(tx, actor, link.todo_id, now=now)
    # Nothing to bring back: it has no due time any more, so the event goes its own way.
    return kept if restored else replace(kept, state=LinkState.ENDED, dirty=False)
