"""The delivery ledger: what went to whom, through which channel, and every step on the way.

A row is written before the vendor is called and settled after. `attempts` is the fence: only the
attempt that stands in the row may settle it, so a worker that was taken for dead changes nothing
any more. A row found `sending` by a later attempt is flagged `ambiguous` and sent again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core import outbox
from core.db import Transaction
from core.models.deliveries import Channel, DeliveryKind, DeliveryStatus
from core.rules import retries
from core.rules.digests import DigestContent
from core.rules.push import Subscription
from core.rules.reminders import Due
from core.rules.retries import LATE_AFTER, USEFUL_FOR, Reason, wait
from core.services import notification_rows, push_rows
from core.statements import Query, row

RETRY: Final = "RetryDelivery"
VENDORS: Final = frozenset({Channel.EMAIL, Channel.PUSH, Channel.SLACK})
Log = list[dict[str, str]]
UNFINISHED: Final = "the worker that sent it did not finish"


def workflow_id(delivery_id: UUID) -> str:
    return f"delivery:{delivery_id}"


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID
    email: str | None
    email_verified: bool
    name: str
    zone: str
    locale: str
    active: bool
    member: bool  # of the delivery's workspace
    slack: str | None = None  # the status of the connection there
    phone: str | None = None  # E.164
    phone_verified: bool = False
    suppressed: str | None = None  # why no mail goes to the address


@dataclass(frozen=True, slots=True)
class Send:
    """One attempt that has begun: everything its channel needs to carry it out."""

    workspace_id: UUID
    delivery_id: UUID
    attempt: int
    failures: int  # of earlier attempts, by the vendor: waits grow with these, not with attempts
    kind: DeliveryKind
    channel: Channel
    subject_id: UUID
    todo_id: UUID | None
    title: str
    due: Due | None
    due_at: datetime  # when the reminder was due to go out
    arm_no: int
    began_at: datetime
    person: Person
    urgent: bool = False
    target: Subscription | None = None  # of push: which of the person's browsers
    doubtful: bool = False  # an earlier attempt may have come through
    digest: DigestContent | None = None  # of a digest: what it says
    titles: tuple[str, ...] = ()  # of a summary: what it lists

    @property
    def late(self) -> bool:
        return self.began_at - self.due_at > LATE_AFTER


@dataclass(frozen=True, slots=True)
class Sent:
    vendor_id: str


@dataclass(frozen=True, slots=True)
class Failed:
    """`wait` is the vendor's wish; `ambiguous`: it may have been accepted all the same.

    `parked`: the carrier of which many failed, so that no workflow is to be made for this one.
    """

    reason: Reason
    permanent: bool
    ambiguous: bool = False
    wait: timedelta | None = None
    parked: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt. `next_at` is set when there will be another one."""

    send: Send
    result: Sent | Failed
    at: datetime

    @property
    def next_at(self) -> datetime | None:
        if isinstance(self.result, Sent) or self.result.permanent:
            return None
        waits_until = self.at + wait(
            self.send.delivery_id, self.send.failures + 1, self.result.wait
        )
        return min(waits_until, self.send.due_at + USEFUL_FOR)


def entry(at: datetime, what: str, detail: str | None = None) -> dict[str, str]:
    """One line of a delivery's log."""
    line = {"at": at.isoformat(), "what": what}
    return line | {"detail": detail} if detail else line


# Of a delivery `d`. A worker that died, or had no time left, is no failure of the vendor's; nor is
# what it was not asked for.
FAILURES: Final = b"""
    (SELECT count(*) FROM jsonb_array_elements(d.log) l
     WHERE l->>'what' = 'failed' AND l->>'detail' NOT IN ('lease_ran_short', 'vendor_resting'))
"""
_COLUMNS = b"""
    AS x (workspace_id uuid, id uuid, kind text, subject_id uuid, todo_id uuid, user_id uuid,
          arm_no int, channel text, status text, attempts smallint, due_at timestamptz,
          sent_at timestamptz, next_attempt_at timestamptz, error text, ambiguous boolean,
          log jsonb, target_id uuid, folded_into uuid)
"""
# On conflict: the next attempt of a row that an earlier lease left behind, or of a held one: it is
# due when the quiet hours end, its log says since when.
WRITE: Final = Query(
    b"""
    INSERT INTO deliveries AS d (workspace_id, id, kind, subject_id, todo_id, user_id, arm_no,
        channel, status, attempts, due_at, sent_at, next_attempt_at, error, ambiguous, log,
        target_id, folded_into)
    SELECT * FROM jsonb_to_recordset(%(rows)s) """
    + _COLUMNS
    + b"""
    ON CONFLICT (workspace_id, id) DO UPDATE SET
        status = excluded.status, attempts = excluded.attempts, due_at = excluded.due_at,
        sent_at = excluded.sent_at, next_attempt_at = excluded.next_attempt_at,
        error = excluded.error, ambiguous = d.ambiguous OR excluded.ambiguous,
        folded_into = excluded.folded_into, log = d.log || excluded.log, updated_at = now()
    WHERE d.status IN ('pending', 'held', 'sending')
    """,
    row,
    {},
    writes=True,
)
# The rows are named twice for the reason that `core/due.py` gives. What the vendor said of it
# meanwhile (`mail_events`) stands: its word is later, whatever came of the call.
_SETTLE: Final = Query(
    b"""
    UPDATE deliveries d SET
        status = CASE d.status WHEN 'sending' THEN x.status ELSE d.status END,
        vendor_id = x.vendor_id,
        error = CASE d.status WHEN 'sending' THEN x.error ELSE d.error END,
        sent_at = CASE d.status WHEN 'sending' THEN x.sent_at ELSE d.sent_at END,
        next_attempt_at = CASE d.status WHEN 'sending' THEN x.next_attempt_at END,
        ambiguous = d.ambiguous OR (x.ambiguous AND d.status = 'sending'),
        log = d.log || x.log, updated_at = now()
    FROM jsonb_to_recordset(%(rows)s)
        AS x (workspace_id uuid, id uuid, attempt int, status text, vendor_id text, error text,
              sent_at timestamptz, next_attempt_at timestamptz, ambiguous boolean, log jsonb)
    WHERE d.workspace_id = x.workspace_id AND d.id = x.id
      AND (d.status = 'sending'
           OR d.channel = 'email' AND d.vendor_id IS NULL AND (d.status = 'sent'
              OR d.status = 'failed' AND d.error IN ('bounced', 'dropped', 'turned_away')))
      AND d.attempts = x.attempt
    RETURNING d.id, d.status
    """,
    row,
    {},
    writes=True,
)


_SETTLE_FOLDED: Final = Query(
    b"""
    UPDATE deliveries SET status = %(status)s, error = %(error)s, sent_at = %(sent_at)s,
        attempts = attempts + 1, next_attempt_at = NULL, log = log || %(log)s, updated_at = now()
    WHERE workspace_id = %(workspace_id)s AND folded_into = %(id)s AND status = 'pending'
    """,
    row,
    {},
    writes=True,
)


def counted(send: Send, status: DeliveryStatus) -> int:
    """Its attempts: this one among them when the vendor is, or was, asked."""
    tried = status in (DeliveryStatus.SENDING, DeliveryStatus.SENT)
    return send.attempt if tried else send.attempt - 1


def written(
    send: Send,
    status: DeliveryStatus,
    log: Log,
    *,
    sent_at: datetime | None = None,
    next_at: datetime | None = None,
    error: str | None = None,
    ambiguous: bool = False,
    folded_into: UUID | None = None,
) -> dict[str, Any]:
    """A row for `WRITE`."""
    return {
        "workspace_id": send.workspace_id,
        "id": send.delivery_id,
        "kind": send.kind,
        "subject_id": send.subject_id,
        "todo_id": send.todo_id,
        "user_id": send.person.id,
        "arm_no": send.arm_no,
        "channel": send.channel,
        "status": status,
        "attempts": counted(send, status),
        "due_at": send.due_at,
        "sent_at": sent_at,
        "next_attempt_at": next_at,
        "error": error,
        "ambiguous": ambiguous,
        "log": log,
        "target_id": send.target and send.target.id,
        "folded_into": folded_into,
    }


def notification(send: Send, kind: str) -> dict[str, Any]:
    """A row of `notification_rows`; its id is the delivery's: a second attempt adds nothing."""
    return {
        "workspace_id": send.workspace_id,
        "id": send.delivery_id,
        "user_id": send.person.id,
        "kind": kind,
        "todo_id": send.todo_id,
        "title": send.title,
        "due_at": send.due_at,
    }


async def settle(tx: Transaction, outcomes: Sequence[Outcome]) -> set[UUID]:
    """Write what came of these attempts; the ids of those that were still theirs to settle.

    A permanent failure is also shown in the app. The caller decides who makes the next attempt.
    """
    if not outcomes:
        return set()
    rows = [_settled(outcome) for outcome in outcomes]
    written = await tx.all(_SETTLE, rows=Jsonb(rows))
    settled = {key for key, _ in written}
    given_up = {key for key, status in written if status == DeliveryStatus.FAILED}
    failed = [
        notification(outcome.send, "delivery_failed")
        for outcome in outcomes
        if outcome.send.delivery_id in given_up
        and isinstance(outcome.result, Failed)
        and outcome.result.permanent
        and outcome.send.kind is DeliveryKind.REMINDER
    ]
    notification_rows.add(tx, failed)
    for outcome in outcomes:
        send, result = outcome.send, outcome.result
        if send.kind is not DeliveryKind.SUMMARY or send.delivery_id not in settled:
            continue
        if isinstance(result, Sent):
            settle_folded(tx, send, DeliveryStatus.SENT, None, at=outcome.at)
        elif result.permanent:
            settle_folded(tx, send, DeliveryStatus.FAILED, result.reason, at=outcome.at)
    _note_targets(tx, [each for each in outcomes if each.send.delivery_id in settled])
    return settled


def _note_targets(tx: Transaction, outcomes: Iterable[Outcome]) -> None:
    """When browsers were last reached; those that have ended are forgotten."""
    uses, ended = [], []
    for outcome in outcomes:
        target, result = outcome.send.target, outcome.result
        if target is None:
            continue
        if isinstance(result, Sent):
            uses.append((target.id, outcome.at, True))
        elif result.reason is Reason.SUBSCRIPTION_ENDED:
            ended.append(target.id)
        elif result.permanent:
            uses.append((target.id, outcome.at, False))
    push_rows.used(tx, uses)
    push_rows.prune(tx, ended)


def ask_for_workflow(tx: Transaction, send: Send) -> None:
    """Queue the workflow of this delivery: it waits until its next attempt, and makes it."""
    outbox.start(
        tx,
        RETRY,
        workflow_id(send.delivery_id),
        subject_id=send.subject_id,
        tenant=send.workspace_id,
        workspace_id=send.workspace_id,
        delivery_id=send.delivery_id,
        queue=str(send.channel),
    )


def settle_folded(
    tx: Transaction, send: Send, status: DeliveryStatus, reason: Reason | None, *, at: datetime
) -> None:
    """Queue that what became of this summary became of all that it lists."""
    tx.run(
        _SETTLE_FOLDED,
        workspace_id=send.workspace_id,
        id=send.delivery_id,
        status=status,
        error=reason,
        sent_at=at if status is DeliveryStatus.SENT else None,
        log=Jsonb([entry(at, status, f"with the summary {send.delivery_id}")]),
    )


def _settled(outcome: Outcome) -> dict[str, Any]:
    send, result, next_at = outcome.send, outcome.result, outcome.next_at
    if isinstance(result, Sent):
        status, error, ambiguous = DeliveryStatus.SENT, None, False
        log = [entry(outcome.at, "sent", result.vendor_id)]
    else:
        status = DeliveryStatus.FAILED if result.permanent else DeliveryStatus.PENDING
        error, ambiguous = result.reason.value, result.ambiguous
        log = [entry(outcome.at, "failed", result.reason)]
        if ambiguous:
            log.append(entry(outcome.at, "ambiguous", "it may have been accepted all the same"))
        if next_at is not None:
            log.append(entry(outcome.at, "retry", next_at.isoformat()))
    return {
        "workspace_id": send.workspace_id,
        "id": send.delivery_id,
        "attempt": send.attempt,
        "status": status,
        "vendor_id": result.vendor_id if isinstance(result, Sent) else None,
        "error": error,
        "sent_at": outcome.at if isinstance(result, Sent) else None,
        "next_attempt_at": next_at,
        "ambiguous": ambiguous,
        "log": log,
    }


def in_words(reason: str | None, channel: str) -> str:
    """A stored reason as a sentence's end."""
    return retries.in_words(Reason(reason), channel) if reason else "no reason is known"
