"""The occurrence that a series stands at, and those it left behind, beside its recurring event."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from core.actor import Actor
from core.db import Transaction
from core.models.series import OccurrenceStatus
from core.rules import calendar_plans
from core.rules import calendar_snapshot as snapshots
from core.rules.calendar_events import Moment, RemoteEvent
from core.rules.calendar_snapshot import Snapshot, of_todo
from core.rules.calendar_turns import Became, Left, TurnPlan, TurnWrite, plan_turn
from core.services import todos
from core.services.calendar_links import Link
from core.services.calendar_syncs import SyncRow
from core.services.calendar_views import Subject
from core.services.series import Scope
from core.statements import Query, row

MOST_LEFT: Final = 50  # occurrences since the last look; who was away for longer left them undone
BECAME: Final = {
    OccurrenceStatus.COMPLETED: Became.DONE,
    OccurrenceStatus.SKIPPED: Became.SKIPPED,
}

_LEFT: Final = Query(
    b"""
    SELECT planned_on, planned_time, status FROM occurrences
    WHERE workspace_id = %(workspace_id)s AND series_id = %(series_id)s AND turn = %(turn)s
      AND planned_on >= %(since)s AND status IN ('completed', 'skipped')
    ORDER BY planned_on DESC, planned_time DESC LIMIT %(limit)s
    """,
    row,
    {},
    writes=False,
)


@dataclass(frozen=True, slots=True)
class Turned:
    """The link as agreed on, and what is still to be written at the calendar."""

    link: Link
    plan: TurnPlan


async def step(
    tx: Transaction,
    sync: SyncRow,
    link: Link,
    subject: Subject,
    instances: Sequence[RemoteEvent],
    *,
    now: datetime,
) -> Turned | None:
    """Plan it, and write its todo. Null for what does not recur there."""
    if link.base is None or subject.series is None:
        return None
    base = snapshots.from_json(link.base)
    known = calendar_plans.Link(
        sync.id, link.event_id, link.generation, link.origin, link.etag, base
    )
    left = await _left(tx, subject, base)
    plan = plan_turn(known, subject.view, instances, left=left)
    if plan.base is None:
        return None
    if plan.todo is not None:
        await _apply(tx, sync, subject, plan.todo, now=now)
    agreed = plan.agreed if plan.events else plan.base
    if left:  # nothing but the turn before names these, should they not be written now
        agreed = base.turn
    return Turned(with_turn(link, base, agreed), plan)


def heard(link: Link, plan: TurnPlan) -> Link:
    """Once the events of the plan are written."""
    if link.base is None:
        return link
    return with_turn(link, snapshots.from_json(link.base), plan.base)


def with_turn(link: Link, base: Snapshot, turn: Any) -> Link:
    return replace(link, base=snapshots.to_json(replace(base, turn=turn)))


async def _left(tx: Transaction, subject: Subject, base: Snapshot) -> list[Left]:
    """What became of those since the one that was last agreed on; it knows its own end itself."""
    series, here, was = subject.series, of_todo(subject.view).turn, base.turn
    if series is None or here is None or was is None or was.original == here.original:
        return []
    found = await tx.all(
        _LEFT,
        workspace_id=series.workspace_id,
        series_id=series.id,
        turn=series.turn,
        since=was.original.on,
        limit=MOST_LEFT,
    )
    left = []
    for planned_on, planned_time, status in found:
        became = BECAME[OccurrenceStatus(status)]
        same = (was.original.on, was.original.at) == (planned_on, planned_time)
        known = was.done if became is Became.DONE else was.due is None
        if not (same and known):
            left.append(Left(Moment(planned_on, planned_time, series.start_zone), became))
    return left


async def _apply(
    tx: Transaction, sync: SyncRow, subject: Subject, write: TurnWrite, *, now: datetime
) -> None:
    """To this occurrence alone."""
    actor, todo_id = Actor(sync.user_id, sync.id), subject.row.id
    if write.skips:
        await todos.skip(tx, actor, todo_id, now=now)
        return
    changes: dict[str, Any] = {}
    if write.title is not None:
        changes["title"] = write.title
    if write.due is not None:
        changes["due"] = write.due
    if changes:
        await todos.edit(tx, actor, todo_id, changes, scope=Scope.THIS, now=now)
    if write.done:
        await todos.complete(tx, actor, todo_id, now=now)
