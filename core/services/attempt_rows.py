"""A delivery as its later attempts find it: whether it is still wanted, and all that it needs."""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final, Self
from uuid import UUID

from core.models.deliveries import Channel, DeliveryKind, DeliveryStatus
from core.models.todos import Status
from core.rules.digests import Frequency
from core.rules.preferences import Preferences
from core.rules.push import Subscription
from core.rules.reminders import Due
from core.rules.retries import Reason
from core.services import connections, deliveries, push_rows, reach
from core.services.deliveries import Person
from core.services.digest_rows import wanted
from core.statements import Query


@dataclass(frozen=True, slots=True)
class Found:
    """A delivery to be tried, with all that says whether to, and what that needs."""

    kind: DeliveryKind
    subject_id: UUID
    todo_id: UUID | None
    arm_no: int
    channel: Channel
    status: DeliveryStatus
    ambiguous: bool
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
    list_id: UUID | None
    was_read: bool  # what it escalates
    in_slack: bool  # digests go to a channel there
    preferences: Preferences
    target: Subscription | None  # of push; null: it has ended
    person: Person

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        kind, subject_id, todo_id, arm_no, channel, status, ambiguous, *rest = values
        attempts, failures, due_at, next_at, error, since, title, todo_status, deleted, *rest = rest
        due_on: date | None
        due_time: time | None
        due_on, due_time, due_zone, urgent, list_id, was_read, channel_of, stored, *rest = rest
        subscription, person = rest[:_OF_SUBSCRIPTION], rest[_OF_SUBSCRIPTION:]
        return cls(
            kind=DeliveryKind(kind),
            subject_id=subject_id,
            todo_id=todo_id,
            arm_no=arm_no,
            channel=Channel(channel),
            status=DeliveryStatus(status),
            ambiguous=ambiguous,
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
            list_id=list_id,
            was_read=bool(was_read),
            in_slack=channel_of is not None,
            preferences=Preferences.of(stored),
            target=None if subscription[0] is None else Subscription(*subscription),
            person=Person(*person),
        )

    @property
    def reason(self) -> Reason | None:
        return Reason(self.error) if self.error else None

    def withdrawn(self, now: datetime) -> Reason | None:
        """Why it is no longer wanted."""
        reason = None
        match self.kind:
            case DeliveryKind.VERIFICATION if self._is_verified:
                reason = Reason.ALREADY_VERIFIED
            case DeliveryKind.REMINDER | DeliveryKind.ESCALATION:
                reason = self._withdrawn_reminder or self.preferences.silences(self.list_id, now)
            case DeliveryKind.DIGEST:
                reason = self._withdrawn_digest(now)
        return reason or reach.obstacle(self.person)

    @property
    def _is_verified(self) -> bool:
        by_phone = self.channel is Channel.SMS
        return self.person.phone_verified if by_phone else self.person.email_verified

    @property
    def _withdrawn_reminder(self) -> Reason | None:
        if self.todo_deleted:
            return Reason.TODO_DELETED
        if self.todo_status == Status.COMPLETED:
            return Reason.TODO_COMPLETED
        if self.since_arm_no is None or self.arm_no < self.since_arm_no:
            return Reason.REMINDER_CHANGED
        return Reason.READ if self.was_read else None

    @property
    def _is_unwanted(self) -> bool:
        return self.channel not in wanted(self.preferences, in_slack=self.in_slack)

    def _withdrawn_digest(self, now: datetime) -> Reason | None:
        plan = self.preferences.digest
        if plan.frequency is Frequency.OFF or self._is_unwanted:
            return Reason.DIGEST_OFF
        return Reason.PAUSED if self.preferences.is_paused(now) else None


_OF_SUBSCRIPTION: Final = 4  # columns
FIND: Final = Query(
    b"""
    SELECT d.kind, d.subject_id, d.todo_id, d.arm_no, d.channel, d.status, d.ambiguous,
           d.attempts,
    """
    + deliveries.FAILURES
    + b""", d.due_at, d.next_attempt_at, d.error,
           coalesce(r.since_arm_no, r.arm_no), coalesce(t.title, v.user_agent),
           t.status, t.deleted_at IS NOT NULL,
           t.due_on, t.due_time, t.due_zone, r.urgent, t.list_id,
           CASE WHEN d.kind = 'escalation' THEN EXISTS (
               SELECT FROM deliveries i
               JOIN notifications n ON n.workspace_id = i.workspace_id AND n.id = i.id
               WHERE i.subject_id = d.subject_id AND i.arm_no = d.arm_no
                 AND i.user_id = d.user_id AND n.read_at IS NOT NULL) END,
           CASE WHEN d.kind = 'digest' THEN """
    + connections.digest_channel(b"d.workspace_id", b"d.user_id")
    + b""" END,
           u.preferences, s.id, s.endpoint, s.p256dh, s.auth,
           u.id, u.email, u.email_verified_at IS NOT NULL, u.name, u.timezone, u.locale,
           -- Whose account ends hears of that, and of nothing else any more.
           u.status = 'active' OR u.status = 'erasing' AND d.kind = 'erasure_begun',
           EXISTS (SELECT FROM memberships m
                   WHERE m.user_id = u.id AND m.workspace_id = d.workspace_id),
           """
    + connections.reach(b"d")
    + b"""
    FROM deliveries d
    JOIN users u ON u.id = d.user_id
    LEFT JOIN reminders r ON r.workspace_id = d.workspace_id AND r.id = d.subject_id
    LEFT JOIN todos t ON t.workspace_id = d.workspace_id AND t.id = d.todo_id
    LEFT JOIN sessions v ON v.id = d.subject_id AND v.user_id = d.user_id
    LEFT JOIN push_subscriptions s ON s.id = d.target_id AND s.user_id = d.user_id AND """
    + push_rows.LIVE
    + b"""
    WHERE d.workspace_id = %(workspace_id)s AND d.id = %(id)s
    FOR NO KEY UPDATE OF d
    """,
    Found.of_row,
    {},
    writes=False,
)
