"""Too many noisy messages at a time become one: a summary that lists them.

A stream is what one person gets in one workspace through one channel (in one browser). More than
`MOST` messages a minute of it are not sent one by one: they wait for the stream's summary, which is
a delivery with a workflow of its own. How many there were is counted in the ledger, under a lock of
the person that ends with the transaction: of two batches at a time the second counts the first.
Whatever is folded stays in the ledger, `pending`, and is settled with its summary.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from psycopg.types.json import Jsonb

from core.db import Transaction
from core.models.deliveries import Channel, DeliveryKind, DeliveryStatus
from core.rules.retries import Reason
from core.services import deliveries
from core.services.deliveries import Send, entry
from core.statements import Query, row

MOST: Final = 10  # messages a minute, one by one
WINDOW: Final = timedelta(minutes=1)
GATHER: Final = timedelta(seconds=5)  # what else comes now is listed, too
NOISY: Final = frozenset({Channel.PUSH, Channel.SLACK})

Stream = tuple[UUID, UUID, str, UUID | None]  # workspace, person, channel, target

# Of two numbers: another space of keys than that of one number, which requests use. In one order,
# so that two batches cannot wait for each other.
_LOCK: Final = Query(
    b"""
    SELECT pg_advisory_xact_lock(7, x.key)
    FROM (SELECT DISTINCT hashtext(u::text) AS key FROM unnest(%(users)s::uuid[]) u ORDER BY 1) x
    """,
    row,
    {},
    writes=False,
)
_COUNT: Final = Query(
    b"""
    SELECT d.workspace_id, d.user_id, d.channel, d.target_id, count(*)
    FROM deliveries d
    WHERE d.user_id = ANY (%(users)s::uuid[]) AND d.channel IN ('push', 'slack')
      AND d.updated_at > now() - %(window)s AND d.kind = 'reminder'
      AND d.folded_into IS NULL AND d.status IN ('sending', 'sent')
    GROUP BY d.workspace_id, d.user_id, d.channel, d.target_id
    """,
    row,
    {"window": WINDOW},
    writes=False,
)
# Locked: one that is about to be sent lists no more. After the lock its status is the newest.
_SUMMARIES: Final = Query(
    b"""
    SELECT d.workspace_id, d.user_id, d.channel, d.target_id, d.id, d.status, d.next_attempt_at,
           d.due_at
    FROM deliveries d
    WHERE d.user_id = ANY (%(users)s::uuid[]) AND d.channel IN ('push', 'slack')
      AND d.updated_at > now() - interval '1 day' AND d.kind = 'summary'
      AND (d.status = 'pending' OR d.updated_at > now() - %(window)s)
    ORDER BY d.due_at
    FOR NO KEY UPDATE
    """,
    row,
    {"window": WINDOW},
    writes=False,
)
_FOLDED: Final = Query(
    b"""
    SELECT d.id, t.title,
           CASE WHEN t.id IS NULL OR t.deleted_at IS NOT NULL THEN 'todo_deleted'
                WHEN t.status = 'completed' THEN 'todo_completed'
                WHEN r.id IS NULL OR d.arm_no < coalesce(r.since_arm_no, r.arm_no)
                    THEN 'reminder_changed' END
    FROM deliveries d
    LEFT JOIN todos t ON t.workspace_id = d.workspace_id AND t.id = d.todo_id
    LEFT JOIN reminders r ON r.workspace_id = d.workspace_id AND r.id = d.subject_id
    WHERE d.workspace_id = %(workspace_id)s AND d.folded_into = %(id)s AND d.status = 'pending'
    ORDER BY d.due_at, d.id
    """,
    row,
    {},
    writes=False,
)
_CANCEL: Final = Query(
    b"""
    UPDATE deliveries SET status = 'cancelled', error = %(error)s, next_attempt_at = NULL,
        log = log || %(log)s, updated_at = now()
    WHERE workspace_id = %(workspace_id)s AND id = ANY (%(ids)s::uuid[]) AND status = 'pending'
    """,
    row,
    {},
    writes=True,
)


@dataclass(frozen=True, slots=True)
class Summary:
    """Where a stream's messages are folded into, and when that goes out."""

    id: UUID
    at: datetime


class Foldings:
    """The streams of a batch: how much room each has, and what it is folded into beyond that."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []  # of new summaries, for `deliveries.WRITE`
        self._counts: dict[Stream, int] = {}
        self._open: dict[Stream, Summary] = {}
        self._last: dict[Stream, datetime] = {}
        self._new: list[Send] = []

    async def look(self, tx: Transaction, users: Collection[UUID]) -> None:
        """How many messages these people got within the minute; nobody else begins any until the
        transaction ends.
        """
        if not users:
            return
        people = {"users": list(users)}
        tx.run(_LOCK, **people)
        for *stream, count in await tx.all(_COUNT, **people):
            self._counts[_stream(*stream)] = count
        for *stream, key, status, next_at, due_at in await tx.all(_SUMMARIES, **people):
            self._last[_stream(*stream)] = due_at
            if status == DeliveryStatus.PENDING:
                self._open[_stream(*stream)] = Summary(key, next_at)

    def fold(self, send: Send) -> Summary | None:
        """What this message is folded into; null: there is room for it by itself."""
        target = send.target.id if send.target else None
        stream = _stream(send.workspace_id, send.person.id, send.channel, target)
        count = self._counts.get(stream, 0)
        if count < MOST and stream not in self._open:
            self._counts[stream] = count + 1
            return None
        if stream not in self._open:
            self._open[stream] = self._make(stream, send)
        return self._open[stream]

    def start(self, tx: Transaction) -> None:
        """Queue the workflows of new summaries."""
        for send in self._new:
            deliveries.ask_for_workflow(tx, send)

    def _make(self, stream: Stream, first: Send) -> Summary:
        at = first.began_at + GATHER
        if stream in self._last:
            at = max(at, self._last[stream] + WINDOW)
        send = replace(
            first,
            delivery_id=uuid5(first.delivery_id, "summary"),
            kind=DeliveryKind.SUMMARY,
            subject_id=first.person.id,
            todo_id=None,
            attempt=1,
            failures=0,
            due_at=at,
            arm_no=0,
        )
        story = [entry(first.began_at, "gathers", at.isoformat())]
        self.rows.append(deliveries.written(send, DeliveryStatus.PENDING, story, next_at=at))
        self._new.append(send)
        return Summary(send.delivery_id, at)


async def titles(tx: Transaction, send: Send, *, now: datetime) -> tuple[str, ...]:
    """What this summary lists now; what is no longer wanted of it is cancelled."""
    key = {"workspace_id": send.workspace_id}
    wanted = []
    unwanted: dict[str, list[UUID]] = {}
    for delivery_id, title, reason in await tx.all(_FOLDED, **key, id=send.delivery_id):
        if reason is None:
            wanted.append(title)
        else:
            unwanted.setdefault(reason, []).append(delivery_id)
    for reason, ids in unwanted.items():
        log = Jsonb([entry(now, "cancelled", Reason(reason))])
        tx.run(_CANCEL, **key, ids=ids, error=reason, log=log)
    return tuple(wanted)


def _stream(workspace_id: UUID, user_id: UUID, channel: str, target: UUID | None) -> Stream:
    return workspace_id, user_id, str(channel), target


def people(wanting: Iterable[tuple[UUID, Collection[Channel]]]) -> set[UUID]:
    """Of these persons and what they want, those who want something noisy."""
    return {user_id for user_id, channels in wanting if NOISY & set(channels)}
