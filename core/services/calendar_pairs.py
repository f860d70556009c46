"""Bringing pairs of a todo and an event into step: what a sync does in its transactions.

The order of the steps is that of `core/rules/calendar_plans.py`. `step` reads the todos, plans, and
writes todos and links; between transactions the events are written; `heard` keeps the answers. A
pair that is killed in between is planned anew, and finds by the event's tags what it had written.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from core import metrics
from core.db import Transaction
from core.models.calendars import LinkState, Side
from core.models.connections import Direction
from core.rules import calendar_snapshot as snapshots
from core.rules.calendar_events import RemoteEvent
from core.rules.calendar_plans import Act, Missing, Op, Plan
from core.rules.calendar_turns import TurnPlan
from core.services import (
    calendar_links,
    calendar_turns,
    calendar_views,
    calendar_writes,
    connection_activity,
)
from core.services import calendar_pairing as pairing
from core.services.calendar_links import Link
from core.services.calendar_pairing import Asked, Line
from core.services.calendar_syncs import SyncRow
from core.services.calendar_turns import Turned
from core.services.calendar_views import Subject

SEVERAL: Final = 10  # of a kind: then their activity is one line
TODO_ACTIONS: Final = {
    Act.CREATE: "todo.created",
    Act.EDIT: "todo.edited",
    Act.RESTORE: "todo.restored",
    Act.DELETE: "todo.deleted",
}
EVENT_ACTIONS: Final = {
    Op.INSERT: "event.created",
    Op.PATCH: "event.changed",
    Op.DELETE: "event.deleted",
}
OCCURRENCE: Final = "occurrence.changed"


@dataclass(frozen=True, slots=True)
class Planned:
    """A pair whose event is to be written, or instances of it (`turn`)."""

    link: Link
    plan: Plan
    turn: TurnPlan | None = None
    recurs: bool = False
    instances: tuple[RemoteEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A pair whose event is read by its id first.

    It was to be inserted, and nobody knows whether it was; or a listing, which may be old, shows
    one that is deleted, or the other way round.
    """

    todo_id: UUID | None
    event_id: str


async def step(
    tx: Transaction, sync: SyncRow, asked: Sequence[Asked], *, now: datetime
) -> tuple[list[Planned], list[Unread]]:
    """Plan these pairs, each once; write their todos and links.

    Those whose events are to follow, and those whose events have to be read first.

    `tx` acts for the owner and holds the sync.
    """
    events = [each.event_id for each in asked if each.event_id is not None]
    by_event = await calendar_links.of_events(tx, sync, events)
    named = [link.todo_id for link in by_event.values()]
    named += [each.todo_id or each.adopted for each in asked]
    speaks = await calendar_views.subjects(tx, sync, {each for each in named if each is not None})
    todos = await calendar_views.lock(tx, sync, sorted(set(speaks.values())))
    by_todo = await calendar_links.of_todos(tx, sync, todos)
    planned: list[Planned] = []
    unread: list[Unread] = []
    lines: list[Line] = []
    met: set[UUID] = set()
    for each in asked:
        todo_id = each.todo_id or each.adopted
        if each.event_id is not None:
            link = by_event.get(each.event_id)
            todo_id = link.todo_id if link else todo_id
        else:
            link = by_todo.get(speaks.get(todo_id or sync.id, sync.id))
        todo_id = speaks.get(todo_id) if todo_id else None
        before, subject = link, todos.get(todo_id or sync.id)
        link = pairing.begun(sync, link, subject, each, by_todo, lines, now=now)
        if link is None or link.id in met:
            continue
        met.add(link.id)
        if before is not None and pairing.is_doubtful(before, each):
            unread.append(Unread(link.todo_id, before.event_id))
            continue
        asks = each
        if before is not None and before.state != link.state:  # anew, not with the event it had
            asks = replace(each, event=Missing.GONE)
        found = await _pair(tx, sync, link, subject, asks, lines, before=before, now=now)
        if isinstance(found, Unread):
            unread.append(found)
        elif found is not None:
            planned.append(found)
            if before is not None:
                _retire(tx, sync, before, found.link.event_id, now=now)
    tell(tx, sync, lines, now=now)
    return planned, unread


def _retire(tx: Transaction, sync: SyncRow, before: Link, event_id: str, *, now: datetime) -> None:
    """Queue remembering the event that a todo had before: an old listing may still show it."""
    if before.event_id != event_id and before.origin == Side.EVENT:
        retired = Link.new(None, before.event_id, Side.EVENT, state=LinkState.ENDED)
        calendar_links.put(tx, sync.workspace_id, sync.id, retired, now=now)


def heard(
    tx: Transaction,
    sync: SyncRow,
    answers: Iterable[tuple[Planned, RemoteEvent | None]],
    *,
    now: datetime,
) -> None:
    """Queue keeping what events were made to say. Of a deleted one there is no answer."""
    lines = []
    for planned, answer in answers:
        plan, link = planned.plan, replace(planned.link, dirty=False)
        if planned.turn is not None:
            link = calendar_turns.heard(link, planned.turn)
            calendar_links.put(tx, sync.workspace_id, sync.id, link, now=now)
            lines.append(Line(Direction.WROTE, OCCURRENCE, link.todo_id, link.event_id))
            continue
        if answer is not None:
            base = plan.heard(answer)
            link = replace(
                link,
                etag=answer.etag,
                base=snapshots.to_json(base) if base else None,
                seen_run=sync.run_no,
            )
        state = LinkState.ENDED if plan.over else LinkState.LINKED
        link = replace(link, state=state, gone=None, quarantined=None)
        calendar_links.put(tx, sync.workspace_id, sync.id, link, now=now)
        if plan.event is not None:
            action = EVENT_ACTIONS[plan.event.op]
            lines.append(Line(Direction.WROTE, action, link.todo_id, link.event_id))
    tell(tx, sync, lines, now=now)


def given_up(
    tx: Transaction, sync: SyncRow, planned: Sequence[Planned], reason: str, *, now: datetime
) -> None:
    """Queue that the calendar refuses these for good: told, and tried again when they change."""
    lines = []
    for each in planned:
        # One that is not to be deleted stays there, and is not ours any more.
        state = LinkState.ENDED if each.plan.over else LinkState.LINKED
        link = replace(each.link, state=state, gone=None, quarantined=None, dirty=False)
        if each.turn is not None:
            link = calendar_turns.heard(link, each.turn)
        calendar_links.put(tx, sync.workspace_id, sync.id, link, now=now)
        if each.turn is not None or each.plan.event is not None:
            action = EVENT_ACTIONS[each.plan.event.op] if each.plan.event else OCCURRENCE
            lines.append(Line(Direction.FAILED, action, link.todo_id, link.event_id, reason))
    tell(tx, sync, lines, now=now)


def tell(tx: Transaction, sync: SyncRow, lines: Sequence[Line], *, now: datetime) -> None:
    """Queue the lines of activity; many of a kind as one with their number."""
    kinds = Counter((line.direction, line.action, line.reason) for line in lines)
    for (direction, action, reason), count in kinds.items():
        if count > SEVERAL:
            connection_activity.record(
                tx,
                sync.workspace_id,
                sync.id,
                direction,
                action,
                reason=reason,
                count=count,
                now=now,
            )
    for line in lines:
        if kinds[line.direction, line.action, line.reason] <= SEVERAL:
            connection_activity.record(
                tx,
                sync.workspace_id,
                sync.id,
                line.direction,
                line.action,
                todo_id=line.todo_id,
                remote_id=line.event_id,
                reason=line.reason,
                now=now,
            )


async def _pair(
    tx: Transaction,
    sync: SyncRow,
    link: Link,
    subject: Subject | None,
    asked: Asked,
    lines: list[Line],
    *,
    before: Link | None,
    now: datetime,
) -> Planned | Unread | None:
    """`before`: the link as it is stored."""
    event = asked.event
    plan = pairing.plan(sync, link, subject, event, now=now)
    if plan.stale:
        return None
    inserts = plan.event is not None and plan.event.op is Op.INSERT
    if inserts and isinstance(event, RemoteEvent) and not asked.read:
        return Unread(link.todo_id, link.event_id)  # what a listing says to be deleted
    if link.state == LinkState.ENDED:
        link = replace(link, state=LinkState.LINKED)
    seen = replace(link, todo_id=subject.row.id) if subject else link
    seen = replace(seen, seen_run=sync.run_no) if isinstance(event, RemoteEvent) else seen
    if plan.deletes is not None and link.state != LinkState.LEAVING:
        gone = Side.EVENT if plan.deletes == "todo" else Side.TODO
        if seen.gone != gone:
            calendar_links.put(tx, sync.workspace_id, sync.id, replace(seen, gone=gone), now=now)
        return None
    return await _carried(tx, sync, seen, plan, subject, asked, lines, before=before, now=now)


async def _carried(
    tx: Transaction,
    sync: SyncRow,
    link: Link,
    plan: Plan,
    subject: Subject | None,
    asked: Asked,
    lines: list[Line],
    *,
    before: Link | None,
    now: datetime,
) -> Planned | None:
    """The todo is written; whether its event is next."""
    lines += [_told(reason, link) for reason in plan.reasons]
    after = pairing.after(link, plan, asked.event, subject)
    if plan.todo is not None:
        todo_id = await calendar_writes.apply(tx, sync, link.todo_id, plan.todo, now=now)
        metrics.CALENDAR_WRITES.labels("todo", plan.todo.act).inc()
        after = replace(after, todo_id=todo_id)
        lines.append(Line(Direction.READ, TODO_ACTIONS[plan.todo.act], todo_id, after.event_id))
    recurs = subject is not None and subject.series is not None
    turned = None
    if subject is not None and recurs and plan.event is None and plan.todo is None:
        turned = await _turn(tx, sync, after, subject, asked, lines, now=now)
        after = turned.link if turned else after
    if after != before:
        calendar_links.put(tx, sync.workspace_id, sync.id, after, now=now)
    if turned is not None and turned.plan.events:
        return Planned(after, plan, turned.plan)
    # Of a series whose todo was written, the occurrence is looked at next.
    if plan.event is not None or (recurs and plan.todo is not None and not plan.over):
        return Planned(after, plan, recurs=recurs, instances=asked.instances)
    return None


async def _turn(
    tx: Transaction,
    sync: SyncRow,
    link: Link,
    subject: Subject,
    asked: Asked,
    lines: list[Line],
    *,
    now: datetime,
) -> Turned | None:
    """The occurrence that it stands at, once the series says the same on both sides."""
    if link.state == LinkState.ENDED:
        return None
    turned = await calendar_turns.step(tx, sync, link, subject, asked.instances, now=now)
    if turned is not None:
        lines += [_told(reason, link) for reason in turned.plan.reasons]
        if turned.plan.todo is not None:
            action = "occurrence.edited"
            lines.append(Line(Direction.READ, action, link.todo_id, link.event_id))
    return turned


def _told(reason: str, link: Link) -> Line:
    return Line(Direction.SKIPPED, str(reason), link.todo_id, link.event_id)
