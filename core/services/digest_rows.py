"""A due digest as it is found once more, with all that its messages need."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from core.models.deliveries import CHANNELS, Channel, DeliveryStatus
from core.rules.digests import Frequency
from core.rules.preferences import Preferences
from core.rules.push import Subscription
from core.services import connections, deliveries, push_rows
from core.services.deliveries import Person
from core.services.digest_contents import Reader
from core.statements import Query

DEFAULT_CHANNELS: Final = (Channel.EMAIL,)
LONGEST_SINCE: Final = timedelta(days=31)  # what was completed before that is no news


def wanted(preferences: Preferences, *, in_slack: bool) -> tuple[Channel, ...]:
    """The channels asked for; by e-mail, if nothing was said.

    `in_slack`: they have chosen a channel there, which says that they want it by Slack.
    """
    asked = preferences.channels.get("digest")
    found = [Channel(each) for each in asked or () if each in CHANNELS]
    if asked is None:
        found = list(DEFAULT_CHANNELS)
    return tuple(dict.fromkeys((*found, *((Channel.SLACK,) if in_slack else ()))))


def reader_of(
    person: Person,
    preferences: Preferences,
    workspaces: Sequence[UUID],
    since: datetime | None,
    *,
    now: datetime,
    frequency: Frequency | None = None,
) -> Reader:
    """For whom contents are read; `since` null: it is their first digest."""
    plan = preferences.digest
    frequency = frequency or plan.frequency
    every = timedelta(days=7) if frequency is Frequency.WEEKLY else timedelta(days=1)
    return Reader(
        user_id=person.id,
        zone=person.zone,
        frequency=frequency,
        workspaces=workspaces,
        muted=preferences.muted_lists,
        since=max(since, now - LONGEST_SINCE) if since else now - every,
        now=now,
    )


@dataclass(frozen=True, slots=True)
class Next:
    """What a digest waits for once it is settled."""

    at: datetime
    on: date
    period: str
    zone: str


@dataclass(frozen=True, slots=True)
class Found:
    """A claimed digest that is still what was claimed."""

    workspace_id: UUID
    next_at: datetime
    arm_no: int
    due_on: date
    period: str
    armed: tuple[str | None, str | None]  # zone, release of the zone rules
    preferences: Preferences
    decided: bool  # something became of this period already
    since: datetime | None  # when something became of another one, the last time
    existing: dict[str, tuple[str, int, int]]  # of this arming: status, attempts, failures
    subscriptions: tuple[Subscription, ...]
    in_slack: bool  # it goes to a channel there
    person: Person

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        workspace_id, next_at, arm_no, due_on, period, *rest = values
        zone, tzdata, stored, decided, since, existing, subscriptions, channel, *person = rest
        return cls(
            workspace_id=workspace_id,
            next_at=next_at,
            arm_no=arm_no,
            due_on=due_on,
            period=period,
            armed=(zone, tzdata),
            preferences=Preferences.of(stored),
            decided=decided,
            since=since,
            existing={name: (each[0], each[1], each[2]) for name, each in (existing or {}).items()},
            subscriptions=tuple(
                Subscription(UUID(name), *each) for name, *each in subscriptions or ()
            ),
            in_slack=channel is not None,
            person=Person(*person),
        )

    @property
    def is_open(self) -> bool:
        return any(status in OPEN for status, *_ in self.existing.values())

    @property
    def wanted(self) -> tuple[Channel, ...]:
        return wanted(self.preferences, in_slack=self.in_slack)

    def reader(self, workspaces: Sequence[UUID], now: datetime) -> Reader:
        return reader_of(self.person, self.preferences, workspaces, self.since, now=now)


OPEN: Final = frozenset({DeliveryStatus.PENDING, DeliveryStatus.SENDING})
# Locked with its lease, as reminders are: `due_rows` says why, and why leases are named twice.
FIND: Final = Query(
    b"""
    SELECT g.workspace_id, g.next_at, g.arm_no, g.due_on, g.period,
           g.armed_zone, g.armed_tzdata, u.preferences,
           EXISTS (SELECT FROM digest_periods p
                   WHERE p.workspace_id = g.workspace_id AND p.period = g.period),
           (SELECT max(p.decided_at) FROM digest_periods p
            WHERE p.workspace_id = g.workspace_id AND p.period <> g.period),
           (SELECT jsonb_object_agg(d.id, jsonb_build_array(d.status, d.attempts,
    """
    + deliveries.FAILURES
    + b"""))
            FROM deliveries d
            WHERE d.subject_id = g.id AND d.arm_no = g.arm_no AND d.kind = 'digest'),
           CASE WHEN u.preferences #> '{channels,digest}' ? 'push' THEN """
    + push_rows.ALL
    + b""" END,
    """
    + connections.digest_channel(b"g.workspace_id", b"u.id")
    + b""",
           u.id, u.email, u.email_verified_at IS NOT NULL, u.name, u.timezone, u.locale,
           u.status = 'active', true,
           """
    + connections.reach(b"g")
    + b"""
    FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(arm_nos)s::int[],
                %(next_ats)s::timestamptz[], %(tokens)s::uuid[])
        AS mine (workspace_id, id, arm_no, next_at, token)
    JOIN leases l ON l.kind = %(kind)s AND l.workspace_id = mine.workspace_id
        AND l.row_id = mine.id AND l.token = mine.token
    JOIN digests g ON g.workspace_id = mine.workspace_id AND g.id = mine.id
        AND g.arm_no = mine.arm_no AND g.next_at IS NOT DISTINCT FROM mine.next_at
    JOIN LATERAL (SELECT * FROM users WHERE id = g.id OFFSET 0) AS u ON true
    ORDER BY g.workspace_id
    FOR NO KEY UPDATE OF l, g
    """,
    Found.of_row,
    {},
    writes=False,
)
