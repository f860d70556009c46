"""The later attempts of one delivery: is it still wanted, is it time, what came of it."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core.db import Transaction
from core.models.deliveries import Channel, DeliveryKind, DeliveryStatus
from core.rules import digest_words, unsubscribing
from core.rules.retries import USEFUL_FOR, Reason
from core.services import (
    deliveries,
    due_digests,
    executions,
    foldings,
    notification_rows,
    reach,
)
from core.services.attempt_rows import FIND, Found
from core.services.deliveries import UNFINISHED, Outcome, Send, entry
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


_STEP: Final = Query(
    b"""
    UPDATE deliveries SET status = %(status)s, attempts = %(attempts)s, error = %(error)s,
        ambiguous = ambiguous OR %(ambiguous)s, next_attempt_at = %(next_at)s,
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
    patience: timedelta = timedelta(0),
) -> Send | NotYet | Over:
    """Write that another attempt begins, unless it is too early, too late or no longer wanted.

    Found `sending`, the earlier attempt did not come to its end: flagged, and sent again; an e-mail
    only when its vendor had `patience` to say that it has it.
    """
    tx.act_in([workspace_id])
    found = await tx.first(FIND, workspace_id=workspace_id, id=delivery_id)
    if found is None or found.status not in OPEN:
        executions.close(tx, deliveries.workflow_id(delivery_id), now=now)
        if found is None:
            return Over(DeliveryStatus.CANCELLED, None, 0, None)
        return Over(found.status, found.channel, found.attempts, found.reason)
    send = _send(found, workspace_id, delivery_id, now=now)
    if ending := _ending(found, now=now, dev=dev, vendors=vendors):
        return _end(tx, found, send, *ending, now=now)
    if (until := _waits_until(tx, found, send, now=now, patience=patience)) is not None:
        return NotYet(found.channel, found.attempts, found.reason, until)
    told = await _told(tx, found, send, now=now)
    if told is None:
        return _end(tx, found, send, DeliveryStatus.CANCELLED, Reason.NOTHING_LEFT, now=now)
    send = told
    ambiguous = found.status is DeliveryStatus.SENDING
    log = [entry(now, "sending", "late" if send.late else None)]
    if ambiguous:
        log.insert(0, entry(now, "ambiguous", UNFINISHED))
    _step(tx, send, DeliveryStatus.SENDING, log, ambiguous=ambiguous)
    return send


def _waits_until(
    tx: Transaction, found: Found, send: Send, *, now: datetime, patience: timedelta
) -> datetime | None:
    """The time of the next attempt, if that is not now; the vendor's word is waited for."""
    if found.next_at is not None and found.next_at > now + SOON:
        return found.next_at
    if found.status is not DeliveryStatus.SENDING or found.channel is not Channel.EMAIL:
        return None
    if not patience:
        return None
    until = now + patience
    log = [entry(now, "ambiguous", UNFINISHED), entry(now, "retry", until.isoformat())]
    _step(tx, send, DeliveryStatus.PENDING, log, ambiguous=True, next_at=until)
    return until


async def _told(tx: Transaction, found: Found, send: Send, *, now: datetime) -> Send | None:
    """With what it says, read anew where that may have changed; null when nothing is left of it."""
    if found.kind is DeliveryKind.DIGEST:
        content = await due_digests.read_one(
            tx, found.person, found.preferences, before=found.due_at, now=now
        )
        title = digest_words.headline(content, found.person.locale)
        return None if content.is_empty else replace(send, digest=content, title=title)
    if found.kind is DeliveryKind.SUMMARY:
        titles = await foldings.titles(tx, send, now=now)
        title = digest_words.summary(len(titles), found.person.locale)
        return replace(send, titles=titles, title=title) if titles else None
    return send


def _ending(
    found: Found, *, now: datetime, dev: bool, vendors: Collection[Channel]
) -> tuple[DeliveryStatus, Reason] | None:
    if reason := found.withdrawn(now):
        return DeliveryStatus.CANCELLED, reason
    if now - found.due_at >= USEFUL_FOR:
        return DeliveryStatus.MISSED, Reason.TOO_LATE
    kind = unsubscribing.KINDS.get(found.kind)
    if found.channel is Channel.EMAIL and kind and found.preferences.refuses_email(kind.stored):
        return DeliveryStatus.CANCELLED, Reason.UNSUBSCRIBED
    reason = reach.unreachable(
        found.channel,
        found.person,
        dev=dev,
        vendors=vendors,
        verifies=found.kind is DeliveryKind.VERIFICATION,
    )
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
    found: Found,
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
        notification_rows.add(tx, [deliveries.notification(send, told)])
    if found.kind is DeliveryKind.SUMMARY:
        deliveries.settle_folded(tx, send, status, reason, at=now)
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
    next_at: datetime | None = None,
) -> None:
    tx.run(
        _STEP,
        workspace_id=send.workspace_id,
        id=send.delivery_id,
        status=status,
        attempts=deliveries.counted(send, status),
        error=error,
        ambiguous=ambiguous,
        next_at=next_at,
        log=Jsonb(log),
    )


def _send(found: Found, workspace_id: UUID, delivery_id: UUID, *, now: datetime) -> Send:
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
        doubtful=found.ambiguous or found.status is DeliveryStatus.SENDING,
    )
