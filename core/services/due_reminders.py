"""Reminders that fall due: looked at once more, written into the ledger, finished or armed anew.

`begin` and `finish` are one transaction each for a whole batch, so that ten thousand reminders of
one second cost fifty transactions. A batch holds fewer than 250 workspaces (feeds are locked).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core import due, logs
from core.db import Transaction
from core.due import SOURCES, Claimed
from core.events import Event
from core.messages import Kind
from core.models.deliveries import Channel, DeliveryKind, DeliveryStatus
from core.rules import zones
from core.rules.reminders import ABANDONED_AFTER, Arming
from core.rules.retries import Reason, delivery_id
from core.services import deliveries
from core.services.deliveries import Outcome, Send, entry
from core.services.due_rows import FIND, Found
from core.statements import Query, row

log = logs.get(__name__)

SOURCE: Final = SOURCES[Kind.REMINDERS]


@dataclass(frozen=True, slots=True)
class Decided:
    """A message that needed no vendor: shown in the app, or not to be sent at all."""

    send: Send
    status: DeliveryStatus


@dataclass(frozen=True, slots=True)
class Begun:
    """A reminder whose messages are on their way; with nothing to send it is finished already."""

    claimed: Claimed
    sends: tuple[Send, ...]


_FINISH: Final = Query(
    b"""
    UPDATE reminders r SET next_at = NULL, version = r.version + 1
    FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(arm_nos)s::int[],
                %(next_ats)s::timestamptz[]) AS done (workspace_id, id, arm_no, next_at)
    WHERE r.workspace_id = done.workspace_id AND r.id = done.id
      AND r.arm_no = done.arm_no AND r.next_at = done.next_at
    """,
    row,
    {},
    writes=True,
)
_REARM: Final = Query(
    b"""
    UPDATE reminders SET next_at = %(at)s, armed_zone = %(zone)s, armed_tzdata = %(tzdata)s,
        arm_no = arm_no + 1, version = version + 1
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
    """,
    row,
    {},
    writes=True,
)


_RESCUE: Final = Query(
    b"""
    INSERT INTO outbox (id, workflow_type, workflow_id, arguments, subject_id, fairness_key)
    SELECT gen_random_uuid(), %(type)s, 'delivery:' || d.id,
           jsonb_build_object('workspace_id', d.workspace_id, 'delivery_id', d.id),
           d.subject_id, d.workspace_id::text
    FROM deliveries d
    WHERE d.status IN ('pending', 'sending') AND d.kind = 'reminder'
      AND d.updated_at < now() - interval '2 minutes'
      AND NOT EXISTS (SELECT FROM reminders r
                      WHERE r.workspace_id = d.workspace_id AND r.id = d.subject_id
                        AND r.arm_no = d.arm_no AND r.next_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM executions e WHERE e.workflow_id = 'delivery:' || d.id)
      AND NOT EXISTS (SELECT FROM outbox o WHERE o.workflow_id = 'delivery:' || d.id)
    ORDER BY d.updated_at
    LIMIT 500
    """,
    row,
    {},
    writes=True,
)


def rescue(tx: Transaction) -> None:
    """Queue a workflow for each open delivery that nobody looks after (as `vt_worker`).

    Such a one was put back, or its worker died, and then its reminder was changed: no tick takes
    it again. Its workflow finds out what is to become of it, and says so in the ledger.
    """
    tx.run(_RESCUE, type=deliveries.RETRY)


async def begin(
    tx: Transaction, claimed: Sequence[Claimed], *, now: datetime, dev: bool
) -> tuple[list[Begun], list[Decided]]:
    """Write the ledger for these due reminders; what is to be sent, and what is decided already.

    What changed since it was claimed is left alone; what is armed by other zone rules than today's
    is armed anew; a completed todo's is put to rest; more than a day late is `missed`. All of that
    is finished, lease included, when `tx` commits; only the sends remain to be done.
    """
    tx.act_in(list({each.workspace_id for each in claimed}))
    found = {
        each.id: each
        for each in await tx.all(FIND, kind=SOURCE.kind, **_columns(claimed, tokens=True))
    }
    ledger = _Ledger(tx, now=now, dev=dev)
    begun, over, finished = [], [], []
    for each in claimed:
        reminder = found.get(each.id)
        if reminder is None:
            over.append(each)
            continue
        sends = ledger.add_safely(reminder)
        if sends:
            begun.append(Begun(each, tuple(sends)))
        else:
            over.append(each)
            if reminder.id not in ledger.rearmed:
                finished.append(each)
    ledger.write()
    _finish(tx, finished)
    due.release(tx, SOURCE, over)
    return begun, ledger.decided


def _finish(tx: Transaction, claimed: Sequence[Claimed]) -> None:
    if claimed:
        tx.run(_FINISH, **_columns(claimed))


@dataclass(frozen=True, slots=True)
class Done:
    """A begun reminder and what came of each of its sends."""

    claimed: Claimed
    outcomes: tuple[Outcome, ...]


async def finish(tx: Transaction, done: Sequence[Done]) -> None:
    """Settle the deliveries, the reminders and the leases; a passing failure gets its workflow."""
    tx.act_in(list({each.claimed.workspace_id for each in done}))
    outcomes = [outcome for each in done for outcome in each.outcomes]
    settled = await deliveries.settle(tx, outcomes)
    ours = [
        each
        for each in done
        if all(outcome.send.delivery_id in settled for outcome in each.outcomes)
    ]
    deliveries.ask_for_retries(
        tx, (outcome for each in ours for outcome in each.outcomes if outcome.next_at)
    )
    _finish(tx, [each.claimed for each in ours])
    due.release(tx, SOURCE, [each.claimed for each in done])


async def put_back(tx: Transaction, done: Sequence[Done], *, wait: timedelta) -> None:
    """Settle the failures of a batch that failed as a whole; a tick takes them again after `wait`.

    Their reminders stay due, their deliveries pending, and no workflow is asked for.
    """
    tx.act_in(list({each.claimed.workspace_id for each in done}))
    await deliveries.settle(tx, [outcome for each in done for outcome in each.outcomes])
    due.rest(tx, SOURCE, [each.claimed for each in done], wait=wait)


class _Ledger:
    """Collects the rows of a batch, so that each table is written by one statement."""

    def __init__(self, tx: Transaction, *, now: datetime, dev: bool) -> None:
        self.rearmed: set[UUID] = set()
        self.decided: list[Decided] = []
        self._tx = tx
        self._now = now
        self._dev = dev
        self._deliveries: list[dict[str, Any]] = []
        self._notifications: list[dict[str, Any]] = []

    def add(self, reminder: Found) -> list[Send]:
        """Decide what becomes of this reminder; the sends that remain to be done."""
        if reminder.obstacle is not None:
            self._withdraw(reminder, reminder.obstacle)
            return []
        if (new := reminder.armed_anew) is not None:
            self._rearm(reminder, new)
            return []
        missed = self._now - reminder.next_at > ABANDONED_AFTER
        if not reminder.existing:
            kind = "reminder.missed" if missed else "reminder.due"
            self._tx.emit(Event(reminder.workspace_id, kind, reminder.id))
        if missed:
            self._miss(reminder)
            return []
        return [send for channel in reminder.wanted if (send := self._open(reminder, channel))]

    def add_safely(self, reminder: Found) -> list[Send]:
        """As `add`; a row that breaks our code ends as a visible failure and holds up nobody."""
        marks = len(self._deliveries), len(self._notifications), len(self.decided)
        try:
            return self.add(reminder)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other rows must go out
            log.error("reminder.quarantined", reminder_id=reminder.id, error=error)
            del self._deliveries[marks[0] :]
            del self._notifications[marks[1] :]
            del self.decided[marks[2] :]
            send = self._send(reminder, Channel.IN_APP)
            story = [entry(self._now, "failed", Reason.UNDELIVERABLE)]
            self._row(send, DeliveryStatus.FAILED, story, error=Reason.UNDELIVERABLE)
            self._notifications.append(deliveries.notification(send, "delivery_failed"))
            return []

    def write(self) -> None:
        if self._deliveries:
            self._tx.run(deliveries.WRITE, rows=Jsonb(self._deliveries))
        if self._notifications:
            self._tx.run(deliveries.NOTIFY, rows=Jsonb(self._notifications))

    def _open(self, reminder: Found, channel: Channel) -> Send | None:
        send = self._send(reminder, channel)
        before = _status(reminder, send)
        if before not in (None, DeliveryStatus.PENDING, DeliveryStatus.SENDING):
            return None
        reason = deliveries.unreachable(channel, reminder.person, dev=self._dev)
        if reason is not None:
            self._refuse(reminder, send, reason)
            return None
        if channel is Channel.IN_APP:
            story = [entry(self._now, "sent", "shown in the app")]
            self._row(send, DeliveryStatus.SENT, story, sent_at=self._now)
            self._notifications.append(deliveries.notification(send, "reminder"))
            return None
        story = []
        if before == DeliveryStatus.SENDING:
            story.append(entry(self._now, "ambiguous", "the worker that sent it did not finish"))
        story.append(entry(self._now, "sending", "late" if send.late else None))
        self._row(send, DeliveryStatus.SENDING, story, ambiguous=before == DeliveryStatus.SENDING)
        return send

    def _refuse(self, reminder: Found, send: Send, reason: Reason) -> None:
        """Say so in the ledger, and to whoever asked for this channel."""
        absent = reason is Reason.CHANNEL_UNAVAILABLE
        status = DeliveryStatus.CANCELLED if absent else DeliveryStatus.FAILED
        self._row(send, status, [entry(self._now, status, reason)], error=reason)
        if reminder.channels is not None:
            self._notifications.append(deliveries.notification(send, "delivery_failed"))

    def _miss(self, reminder: Found) -> None:
        for channel in dict.fromkeys((*reminder.wanted, Channel.IN_APP)):
            send = self._send(reminder, channel)
            story = [entry(self._now, "missed", Reason.TOO_LATE)]
            self._row(send, DeliveryStatus.MISSED, story, error=Reason.TOO_LATE)
            if channel is Channel.IN_APP:
                self._notifications.append(deliveries.notification(send, "reminder_missed"))

    def _withdraw(self, reminder: Found, reason: Reason) -> None:
        """Cancel what an earlier lease left open; one that was `sending` may have gone out."""
        for channel in reminder.wanted:
            send = self._send(reminder, channel)
            before = _status(reminder, send)
            if before in (DeliveryStatus.PENDING, DeliveryStatus.SENDING):
                story = [entry(self._now, "cancelled", reason)]
                ambiguous = before == DeliveryStatus.SENDING
                self._row(send, DeliveryStatus.CANCELLED, story, error=reason, ambiguous=ambiguous)

    def _rearm(self, reminder: Found, new: Arming) -> None:
        self.rearmed.add(reminder.id)
        self._tx.run(
            _REARM,
            workspace_id=reminder.workspace_id,
            id=reminder.id,
            at=new.at,
            zone=new.zone,
            tzdata=zones.tzdata_version(),
        )
        self._tx.emit(Event(reminder.workspace_id, "reminder.armed", reminder.id, ["next_at"]))

    def _send(self, reminder: Found, channel: Channel) -> Send:
        person = reminder.person
        key = delivery_id(reminder.id, reminder.arm_no, person.id, channel)
        _, attempts = reminder.existing.get(str(key), (None, 0))
        return Send(
            workspace_id=reminder.workspace_id,
            delivery_id=key,
            attempt=attempts + 1,
            kind=DeliveryKind.REMINDER,
            channel=channel,
            subject_id=reminder.id,
            todo_id=reminder.todo_id,
            title=reminder.title,
            due=reminder.due,
            due_at=reminder.next_at,
            arm_no=reminder.arm_no,
            began_at=self._now,
            person=person,
        )

    def _row(
        self,
        send: Send,
        status: DeliveryStatus,
        story: deliveries.Log,
        *,
        sent_at: datetime | None = None,
        error: str | None = None,
        ambiguous: bool = False,
    ) -> None:
        tried = status in (DeliveryStatus.SENDING, DeliveryStatus.SENT)
        if status is not DeliveryStatus.SENDING:
            self.decided.append(Decided(send, status))
        self._deliveries.append(
            {
                "workspace_id": send.workspace_id,
                "id": send.delivery_id,
                "kind": send.kind,
                "subject_id": send.subject_id,
                "todo_id": send.todo_id,
                "user_id": send.person.id,
                "arm_no": send.arm_no,
                "channel": send.channel,
                "status": status,
                "attempts": send.attempt if tried else send.attempt - 1,
                "due_at": send.due_at,
                "sent_at": sent_at,
                "error": error,
                "ambiguous": ambiguous,
                "log": story,
            }
        )


def _status(reminder: Found, send: Send) -> str | None:
    return reminder.existing.get(str(send.delivery_id), (None, 0))[0]


def _columns(claimed: Iterable[Claimed], *, tokens: bool = False) -> dict[str, Any]:
    rows = list(claimed)
    columns: dict[str, Any] = {
        "workspaces": [each.workspace_id for each in rows],
        "ids": [each.id for each in rows],
        "arm_nos": [each.arm_no for each in rows],
        "next_ats": [each.next_at for each in rows],
    }
    return columns | {"tokens": [each.token for each in rows]} if tokens else columns
