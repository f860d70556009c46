"""Which link a todo and an event are planned with, and what it is from then on.

Nothing is read or written here: `calendar_pairs` does that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from core.models.calendars import LinkState, Side
from core.models.connections import Direction
from core.rules import calendar_merge, calendar_plans, calendar_policy, calendar_recurrence
from core.rules import calendar_snapshot as snapshots
from core.rules.calendar_events import RemoteEvent
from core.rules.calendar_plans import Missing, Op, Plan
from core.services.calendar_links import Link
from core.services.calendar_syncs import SyncRow
from core.services.calendar_views import Subject

LATELY: Final = timedelta(days=1)
OVER: Final = "event.over"


@dataclass(frozen=True, slots=True)
class Asked:
    """A pair to look at: by its event as it was read, or by its todo."""

    event: RemoteEvent | Missing
    todo_id: UUID | None = None
    event_id: str | None = None
    instances: tuple[RemoteEvent, ...] = ()  # exceptions of it that a listing named
    read: bool = False  # by its id, just now; listings can be old

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
class Line:
    """What is told of a pair in the connection's activity."""

    direction: Direction
    action: str
    todo_id: UUID | None
    event_id: str | None
    reason: str | None = None


def begun(
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
    if link is None and isinstance(asked.event, RemoteEvent):
        unlinked = subject if subject is not None and subject.row.id not in by_todo else None
        return _of_event(sync, asked.event, unlinked, lines, now=now)
    if link is not None and isinstance(asked.event, RemoteEvent):
        if _is_back(link, asked.event, asked):
            return link
        if not asked.read:
            return None
    return _anew(sync, link, subject)


def _anew(sync: SyncRow, link: Link | None, subject: Subject | None) -> Link | None:
    """For an event that is yet to be made."""
    if subject is None or not subject.wants_event:
        return None
    # An id that was never taken is kept: the insert before may still be under way.
    taken = link is not None and link.base is not None
    generation = link.generation + taken if link else 0
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


def _is_back(link: Link, event: RemoteEvent, asked: Asked) -> bool:
    """Whether an event is there whose link ended: an insert that came late, or people's doing.

    Listed as it was left, it is none of ours. Of one that its todo had before, only that is known.
    """
    news = asked.read or event.etag != link.etag
    return link.todo_id is not None and not event.cancelled and news


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


def is_doubtful(link: Link, asked: Asked) -> bool:
    """Whether its event is to be read before anything is made of it."""
    if isinstance(asked.event, RemoteEvent):
        gone = link.state == LinkState.ENDED or link.gone == Side.EVENT
        return gone and not asked.event.cancelled and not asked.read
    if asked.event is not Missing.UNREAD:
        return False
    if link.state == LinkState.ENDED:
        return link.base is not None  # its todo is back: the event may be, too
    return link.base is None or link.gone == Side.EVENT


def plan(
    sync: SyncRow,
    link: Link,
    subject: Subject | None,
    event: RemoteEvent | Missing,
    *,
    now: datetime,
) -> Plan:
    """By the rules. A link that ended is planned with when its event is there nevertheless."""
    known = calendar_plans.Link(
        sync.id,
        link.event_id,
        link.generation,
        link.origin,
        link.etag,
        snapshots.from_json(link.base) if link.base else None,
        leaving=link.state == LinkState.LEAVING and link.gone == Side.TODO,
        over=link.state == LinkState.ENDED,
    )
    return calendar_merge.plan(known, subject.view if subject else None, event, now=now)


def after(link: Link, plan: Plan, event: RemoteEvent | Missing, subject: Subject | None) -> Link:
    """As agreed on by what was read, before the event is written.

    What takes a deletion of ours back has to be heard of: until then that may still arrive.
    """
    unchanged = not isinstance(event, RemoteEvent) or event.etag == link.etag
    leaves = link.state == LinkState.LEAVING and link.gone == Side.TODO
    if plan.deletes is None and not (leaves and unchanged and plan.event is not None):
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
            origin=Side.TODO,
            etag="",
            base=None,
        )
    if plan.event is None:
        link = replace(link, dirty=False)
        if plan.over:
            link = replace(link, state=LinkState.ENDED, gone=None, quarantined=None)
    return replace(link, todo_version=subject.row.version) if subject else link
