"""The later attempts of one delivery: is it still wanted, is it time, what came of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Self
from uuid import UUID

from psycopg.types.json import Jsonb

from core.db import Transaction
from core.models.deliveries import Channel, DeliveryKind, DeliveryStatus
from core.models.todos import Status
from core.rules.push import Subscription
from core.rules.reminders import Due
from core.rules.retries import USEFUL_FOR, Reason
from core.services import deliveries, executions, push_rows
from core.services.deliveries import Outcome, Person, Send, entry
from core.statements import Query, row

SOON: Final = timedelta(milliseconds=50)  # clocks differ by more; not worth another round
OPEN: Final = (DeliveryStatus.PENDING, DeliveryStatus.HELD, DeliveryStatus.SENDING)


@dataclass(frozen=True, slots=True)
class NotYet:
    """The next attempt is at `next_at`; `attempts` were made."""

    channel: Channel
    attempts: int
    reason: Reason | None
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing is left to do; `channel` is null when the delivery itself is gone."""

    status: DeliveryStatus
    channel: Channel | None
    attempts: int
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class _Found:
    kind: DeliveryKind
    subject_id: UUID
    todo_id: UUID | None
    arm_no: int
    channel: Channel
    status: DeliveryStatus
    attempts: int
    failures: int
    due_at: datetime
    next_at: datetime | None
    error: str | None
    since_arm_no: int | None  # of the first arming that is still meant; null without a reminder
    title: str
    todo_status: str | None
    todo_deleted: bool | None
    due: Due | None
    urgent: bool
    target: Subscription | None  # of push; null: it has ended
    person: Person

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        kind, subject_id, todo_id, arm_no, channel, status, *rest = values
        attempts, failures, due_at, next_at, error, since, title, todo_status, deleted, *rest = rest
        due_on: date | None
        due_time: time | None
        due_on, due_time, due_zone, urgent, *rest = rest
        subscription, person = rest[:_OF_SUBSCRIPTION], rest[_OF_SUBSCRIPTION:]
        return cls(
            kind=DeliveryKind(kind),
            subject_id=subject_id,
            todo_id=todo_id,
            arm_no=arm_no,
            channel=Channel(channel),
            status=DeliveryStatus(status),
            attempts=attempts,
            failures=failures,
            due_at=due_at,
            next_at=next_at,
            error=error,
            since_arm_no=since,
            title=title or "",
            todo_status=todo_status,
            todo_deleted=deleted,
            due=None if due_on is None else Due(due_on, due_time, due_zone),
            urgent=bool(urgent),
            target=None if subscription[0] is None else Subscription(*subscription),
            person=Person(*person),
        )

    @property
    def reason(self) -> Reason | None:
        return Reason(self.error) if self.error else None

    @property
    def withdrawn(self) -> Reason | None:
        """Why it is no longer wanted."""
        reason = None
        if self.kind is DeliveryKind.VERIFICATION:
            if self.person.email_verified:
                reason = Reason.ALREADY_VERIFIED
        elif self.kind is DeliveryKind.REMINDER:
            reason = self._withdrawn_reminder
        return reason or deliveries.obstacle(self.person)

    @property
    def _withdrawn_reminder(self) -> Reason | None:
        if self.todo_deleted:
            return Reason.TODO_DELETED
        if self.todo_status == Status.COMPLETED:
            return Reason.TODO_COMPLETED
        if self.since_arm_no is None or self.arm_no < self.since_arm_no:
            return Reason.REMINDER_CHANGED
        return None


_OF_SUBSCRIPTION: Final = 4  # columns
_FIND: Final = Query(
    b"""
    SELECT d.kind, d.subject_id, d.todo_id, d.arm_no, d.channel, d.status, d.attempts,
    """
    + deliveries.FAILURES
    + b""", d.due_at, d.next_attempt_at, d.error,
           coalesce(r.since_arm_no, r.arm_no), t.title, t.status, t.deleted_at IS NOT NULL,
           t.due_on, t.due_time, t.due_zone, r.urgent,
           s.id, s.endpoint, s.p256dh, s.auth,
           u.id, u.email, u.email_verified_at IS NOT NULL, u.name, u.timezone, u.locale,
           u.status = 'active',
           EXISTS (SELECT FROM memberships m
                   WHERE m.user_id = u.id AND m.workspace_id = d.workspace_id)
    FROM deliveries d
    JOIN users u ON u.id = d.user_id
    LEFT JOIN reminders r ON r.workspace_id = d.workspace_id AND r.id = d.subject_id
    LEFT JOIN todos t ON t.workspace_id = d.workspace_id AND t.id = d.todo_id
    LEFT JOIN push_subscriptions s ON s.id = d.target_id AND s.user_id = d.user_id AND """
    + push_rows.LIVE
    + b"""
    WHERE d.workspace_id = %(workspace_id)s AND d.id = %(id)s
    FOR NO KEY UPDATE OF d
    """,
    _Found.of_row,
    {},
    writes=False,
)
_STEP: Final = Query(
    b"""
    UPDATE deliveries SET status = %(status)s, attempts = %(attempts)s, error = %(error)s,
        ambiguous = ambiguous OR %(ambiguous)s, next_attempt_at = NULL,
        log = log || %(log)s, updated_at = now()
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
    """,
    row,
    {},
    writes=True,
)


async def begin(
    tx: Transaction,
    workspace_id: UUID,
    delivery_id: UUID,
    *,
    now: datetime,
    dev: bool,
    vendors: Collection[Channel] = deliveries.VENDORS,
) -> Send | NotYet | Over:
    """Write that another attempt begins, unless it is too early, too late or no longer wanted.

    Found `sending`, the earlier attempt did not come to its end: flagged, and sent again.
    """
    tx.act_in([workspace_id])
    found = await tx.first(_FIND, workspace_id=workspace_id, id=delivery_id)
    if found is None or found.status not in OPEN:
        executions.close(tx, deliveries.workflow_id(delivery_id), now=now)
        if found is None:
            return Over(DeliveryStatus.CANCELLED, None, 0, None)
        return Over(found.status, found.channel, found.attempts, found.reason)
    send = _send(found, workspace_id, delivery_id, now=now)
    if ending := _ending(found, now=now, dev=dev, vendors=vendors):
        return _end(tx, found, send, *ending, now=now)
    if found.next_at is not None and found.next_at > now + SOON:
        return NotYet(found.channel, found.attempts, found.reason, found.next_at)
    ambiguous = found.status is DeliveryStatus.SENDING
    log = [entry(now, "sending", "late" if send.late else None)]
    if ambiguous:
        log.insert(0, entry(now, "ambiguous", "the worker that sent it did not finish"))
    _step(tx, send, DeliveryStatus.SENDING, log, ambiguous=ambiguous)
    return send


def _ending(
    found: _Found, *, now: datetime, dev: bool, vendors: Collection[Channel]
) -> tuple[DeliveryStatus, Reason] | None:
    if reason := found.withdrawn:
        return DeliveryStatus.CANCELLED, reason
    if now - found.due_at >= USEFUL_FOR:
        return DeliveryStatus.MISSED, Reason.TOO_LATE
    # The mail that verifies an address is the one that may go to an unverified one.
    anyway = dev or found.kind is DeliveryKind.VERIFICATION
    reason = deliveries.unreachable(found.channel, found.person, dev=anyway, vendors=vendors)
    if reason is None and found.channel is Channel.PUSH and found.target is None:
        reason = Reason.SUBSCRIPTION_ENDED
    if reason is not None:
        return DeliveryStatus.FAILED, reason
    return None


async def finish(tx: Transaction, outcome: Outcome) -> bool:
    """Settle; the workflow's execution is closed with it when there will be no further attempt.

    False when a later attempt has taken the delivery over: this one's word no longer counts.
    """
    tx.act_in([outcome.send.workspace_id])
    settled = bool(await deliveries.settle(tx, [outcome]))
    if settled and outcome.next_at is None:
        workflow_id = deliveries.workflow_id(outcome.send.delivery_id)
        executions.close(tx, workflow_id, now=outcome.at)
    return settled


def _end(
    tx: Transaction,
    found: _Found,
    send: Send,
    status: DeliveryStatus,
    reason: Reason,
    *,
    now: datetime,
) -> Over:
    ambiguous = found.status is DeliveryStatus.SENDING
    _step(tx, send, status, [entry(now, status, reason)], error=reason, ambiguous=ambiguous)
    told = {
        DeliveryStatus.MISSED: "reminder_missed",
        DeliveryStatus.FAILED: "delivery_failed",
    }.get(status)
    if told and found.kind is DeliveryKind.REMINDER:
        tx.run(deliveries.NOTIFY, rows=Jsonb([deliveries.notification(send, told)]))
    executions.close(tx, deliveries.workflow_id(send.delivery_id), now=now)
    return Over(status, found.channel, found.attempts, reason)


def _step(
    tx: Transaction,
    send: Send,
    status: DeliveryStatus,
    log: deliveries.Log,
    *,
    error: Reason | None = None,
    ambiguous: bool,
) -> None:
    tx.run(
        _STEP,
        workspace_id=send.workspace_id,
        id=send.delivery_id,
        status=status,
        attempts=send.attempt if status is DeliveryStatus.SENDING else send.attempt - 1,
        error=error,
        ambiguous=ambiguous,
        log=Jsonb(log),
    )


def _send(found: _Found, workspace_id: UUID, delivery_id: UUID, *, now: datetime) -> Send:
    return Send(
        workspace_id=workspace_id,
        delivery_id=delivery_id,
        attempt=found.attempts + 1,
        failures=found.failures,
        kind=found.kind,
        channel=found.channel,
        subject_id=found.subject_id,
        todo_id=found.todo_id,
        title=found.title,
        due=found.due,
        due_at=found.due_at,
        arm_no=found.arm_no,
        began_at=now,
        person=found.person,
        urgent=found.urgent,
        target=found.target,
    )
