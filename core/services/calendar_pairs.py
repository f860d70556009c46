"""Bringing pairs of a todo and an event into step: what a sync does in its transactions.

The order of the steps is that of `core/rules/calendar_plans.py`. `step` reads the todos, plans, and
writes todos and links; between transactions the events are written; `heard` keeps the answers. A
pair that is killed in between is planned anew, and finds by the event's tags what it had written.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from core import metrics
from core.db import Transaction
from core.models.calendars import LinkState, Side
from core.models.connections import Direction
from core.rules import calendar_merge, calendar_plans, calendar_policy, calendar_recurrence
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
from core.services.calendar_links import Link
from core.services.calendar_syncs import SyncRow
from core.services.calendar_turns import Turned
from core.services.calendar_views import Subject

LATELY: Final = timedelta(days=1)
OVER: Final = "event.over"
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


@dataclass(frozen=True, slots=True)
class Asked:
    """A pair to look at: by its event as it was read, or by its todo."""

    event: RemoteEvent | Missing
    todo_id: UUID | None = None
    event_id: str | None = None
    instances: tuple[RemoteEvent, ...] = ()  # exceptions of it that a listing named

    @property
    def adopted(self) -> UUID | None:
        """The todo that this event says it was made for."""
        return calendar_policy.adopts(self.event) if isinstance(self.event, RemoteEvent) else None

    @classmethod
    def of_event(cls, event: RemoteEvent) -> "Asked":
        return cls(event, event_id=event.id)

    @classmethod
    def of_todo(cls, todo_id: UUID) -> "Asked":
        return cls(Missing.UNREAD, todo_id=todo_id)


@dataclass(frozen=True, slots=True)
class Planned:
    """A pair whose event is to be written, or instances of it (`turn`)."""

    link: Link
    plan: Plan
    turn: TurnPlan | None = None
    recurs: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """A pair whose event was to be inserted, and nobody knows whether it was: it is read first."""

    todo_id: UUID | None
    event_id: str


@dataclass(frozen=True, slots=True)
class Line:
    """What is told of a pair in the connection's activity."""

    direction: Direction
    action: str
    todo_id: UUID | None
    event_id: str | None
    reason: str | None = None


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
        before = link
        open_before = link is not None and link.state != LinkState.ENDED
        link = _begun(sync, link, todos.get(todo_id or sync.id), each, by_todo, lines, now=now)
        if link is None or link.id in met:
            continue
        met.add(link.id)
        if open_before and link.base is None and each.event is Missing.UNREAD:
            unread.append(Unread(link.todo_id, link.event_id))
            continue
        subject = todos.get(todo_id or sync.id)
        found = await _pair(tx, sync, link, subject, each, lines, now=now)
        if before is not None:
            _retire(tx, sync, before, (found.link if found else link).event_id, now=now)
        if found is not None:
            planned.append(found)
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
            action = "occurrence.changed"
            lines.append(Line(Direction.WROTE, action, link.todo_id, link.event_id))
            continue
        if answer is not None:
            base = plan.heard(answer)
            link = replace(
                link,
                etag=answer.etag,
                base=snapshots.to_json(base) if base else None,
                seen_run=sync.run_no,
            )
        if plan.over:
            link = replace(link, state=LinkState.ENDED, gone=None, quarantined=None)
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
        link = replace(each.link, dirty=False)
        if link.state == LinkState.LEAVING:  # it stays there, and is not ours any more
            link = replace(link, state=LinkState.ENDED, gone=None, quarantined=None)
        calendar_links.put(tx, sync.workspace_id, sync.id, link, now=now)
        if each.plan.event is not None:
            action = EVENT_ACTIONS[each.plan.event.op]
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


def _begun(
    sync: SyncRow,
    link: Link | None,
    subject: Subject | None,
    asked: Asked,
    by_todo: Mapping[UUID, Link],
    lines: list[Line],
    *,
    now: datetime,
) -> Link | None:
    """The link to plan with; a new one where one may begin. Null: there is nothing to do."""
    if link is not None and link.state != LinkState.ENDED:
        return link
    if isinstance(asked.event, RemoteEvent):
        if link is not None:  # what was parted stays so
            return None
        unlinked = subject if subject is not None and subject.row.id not in by_todo else None
        return _of_event(sync, asked.event, unlinked, lines, now=now)
    if subject is None or not subject.wants_event:
        return None
    generation = link.generation + 1 if link else 0
    first = calendar_plans.Link.first(sync.id, subject.row.id, generation=generation)
    if link is None:
        return Link.new(subject.row.id, first.event_id, Side.TODO)
    return replace(
        link,
        event_id=first.event_id,
        generation=generation,
        origin=Side.TODO,
        etag="",
        base=None,
        state=LinkState.LINKED,
        gone=None,
        quarantined=None,
    )


def _of_event(
    sync: SyncRow,
    event: RemoteEvent,
    subject: Subject | None,
    lines: list[Line],
    *,
    now: datetime,
) -> Link | None:
    """An event that nobody here knows: of a todo that has no link (`subject`), or for a new one."""
    if subject is not None:
        return Link.new(subject.row.id, event.id, Side.TODO)
    why: str | None = calendar_policy.refused(event, calendar_policy.Policy(sync.policy), sync.id)
    if why is None and _is_over(event, now):
        why = OVER
    if why is None:
        return Link.new(None, event.id, Side.EVENT)
    lines.append(Line(Direction.SKIPPED, why, None, event.id))
    return None


def _is_over(event: RemoteEvent, now: datetime) -> bool:
    """Of a calendar's past nobody wants todos: years of it come with the first listing."""
    if event.recurrence or event.end is None:
        return False
    return calendar_recurrence.instant(event.end) < now - LATELY


async def _pair(
    tx: Transaction,
    sync: SyncRow,
    link: Link,
    subject: Subject | None,
    asked: Asked,
    lines: list[Line],
    *,
    now: datetime,
) -> Planned | None:
    event = asked.event
    base = snapshots.from_json(link.base) if link.base else None
    leaving = link.state == LinkState.LEAVING and link.gone == Side.TODO
    known = calendar_plans.Link(
        sync.id, link.event_id, link.generation, link.origin, link.etag, base, leaving
    )
    plan = calendar_merge.plan(known, subject.view if subject else None, event, now=now)
    if plan.stale:
        return None
    seen = replace(link, todo_id=subject.row.id) if subject else link
    seen = replace(seen, seen_run=sync.run_no) if isinstance(event, RemoteEvent) else seen
    if plan.deletes is not None and link.state != LinkState.LEAVING:
        gone = Side.EVENT if plan.deletes == "todo" else Side.TODO
        if seen.gone != gone:
            calendar_links.put(tx, sync.workspace_id, sync.id, replace(seen, gone=gone), now=now)
        return None
    lines += [_told(reason, link) for reason in plan.reasons]
    after = _after(seen, plan, event, subject)
    if plan.todo is not None:
        todo_id = await calendar_writes.apply(tx, sync, seen.todo_id, plan.todo, now=now)
        metrics.CALENDAR_WRITES.labels("todo", plan.todo.act).inc()
        after = replace(after, todo_id=todo_id)
        lines.append(Line(Direction.READ, TODO_ACTIONS[plan.todo.act], todo_id, after.event_id))
    if plan.event is None and plan.over:
        after = replace(after, state=LinkState.ENDED, gone=None, quarantined=None, dirty=False)
    elif plan.event is None:
        after = replace(after, dirty=False)
    recurs = subject is not None and subject.series is not None
    turned = None
    if subject is not None and recurs and plan.event is None and plan.todo is None:
        turned = await _turn(tx, sync, after, subject, asked, lines, now=now)
        after = turned.link if turned else after
    if after != link:
        calendar_links.put(tx, sync.workspace_id, sync.id, after, now=now)
    if turned is not None and turned.plan.events:
        return Planned(after, plan, turned.plan)
    return Planned(after, plan, recurs=recurs) if plan.event is not None else None


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


def _after(link: Link, plan: Plan, event: RemoteEvent | Missing, subject: Subject | None) -> Link:
    """As agreed on by what was read, before the event is written."""
    if plan.deletes is None:
        link = replace(link, gone=None, quarantined=None, state=LinkState.LINKED)
    if isinstance(event, RemoteEvent) and not event.cancelled:
        link = replace(link, etag=event.etag)
    if plan.agreed is not None:
        link = replace(link, base=snapshots.to_json(plan.agreed))
    if plan.event is not None and plan.event.op is Op.INSERT:
        link = replace(
            link,
            event_id=plan.event.event_id,
            generation=plan.event.generation,
            etag="",
            base=None,
        )
    return replace(link, todo_version=subject.row.version) if subject else link


def _told(reason: str, link: Link) -> Line:
    return Line(Direction.SKIPPED, str(reason), link.todo_id, link.event_id)
