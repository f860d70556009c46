"""A due reminder as it is found once more, at the second it is due, with all its messages need."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

from core.models.deliveries import CHANNELS, Channel, DeliveryStatus
from core.models.todos import Status
from core.rules import zones
from core.rules.preferences import Preferences
from core.rules.push import Subscription
from core.rules.reminders import ABANDONED_AFTER, Arming, Due, Wish, arming
from core.rules.retries import LATE_AFTER, Reason
from core.rules.series import Fire
from core.services import connections, deliveries, push_rows, reach, reminder_series
from core.services.deliveries import Person
from core.services.foldings import NOISY
from core.services.reminder_series import INSTANT, Course
from core.statements import Query

DEFAULT_CHANNELS: Final = (Channel.IN_APP, Channel.EMAIL)


class Before(NamedTuple):
    """What the ledger holds of a message of this arming."""

    status: str
    attempts: int
    failures: int
    channel: str
    target_id: str | None
    ambiguous: bool
    folded: bool  # into a summary, which settles it
    ours: bool  # of this firing: one that fired before quiet hours has a workflow by now

    @property
    def is_open(self) -> bool:
        """Ours to send, now or once more."""
        if self.status == DeliveryStatus.HELD:
            return True
        return (
            self.ours
            and not self.folded
            and self.status in (DeliveryStatus.PENDING, DeliveryStatus.SENDING)
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A claimed reminder that is still what was claimed, with all that its messages need."""

    workspace_id: UUID
    id: UUID
    todo_id: UUID
    arm_no: int
    next_at: datetime
    wish: Wish
    due: Due | None  # of the occurrence that it fires for
    todo_due: Due | None
    armed: tuple[str | None, str | None]  # zone, release of the zone rules
    channels: list[str] | None
    urgent: bool
    wishes: Preferences
    list_id: UUID | None
    recorded: bool  # its workspace has a clock of its own: nothing leaves it
    title: str
    obstacle: Reason | None
    all_day_time: time
    course: Course | None
    person: Person
    subscriptions: tuple[Subscription, ...]  # the person's browsers, where push may be wanted
    existing: dict[str, Before]  # by delivery id; of this arming

    @classmethod
    def of_row(
        cls,
        workspace_id: UUID,
        reminder_id: UUID,
        todo_id: UUID,
        arm_no: int,
        next_at: datetime,
        at_on: date | None,
        at_time: time | None,
        at_zone: str | None,
        before_s: int | None,
        armed_zone: str | None,
        armed_tzdata: str | None,
        channels: list[str] | None,
        urgent: bool,  # noqa: FBT001 - a column
        recorded: bool,  # noqa: FBT001 - a column
        preferences: object,
        list_id: UUID | None,
        title: str,
        status: str,
        deleted: bool,  # noqa: FBT001 - a column
        due_on: date | None,
        due_time: time | None,
        due_zone: str | None,
        all_day_time: time,
        existing: dict[str, list[Any]] | None,
        subscriptions: list[list[str]] | None,
        *rest: Any,
    ) -> Self:
        recipient = Person(*rest[:_OF_PERSON])
        obstacle = reach.obstacle(recipient)
        if deleted:
            obstacle = Reason.TODO_DELETED
        elif status == Status.COMPLETED:
            obstacle = Reason.TODO_COMPLETED
        before = None if before_s is None else timedelta(seconds=before_s)
        wishes = Preferences.of(preferences)
        wanted = channels if channels is not None else wishes.channels.get("reminder")
        due = None if due_on is None else Due(due_on, due_time, due_zone)
        return cls(
            workspace_id=workspace_id,
            id=reminder_id,
            todo_id=todo_id,
            arm_no=arm_no,
            next_at=next_at,
            wish=Wish(at_on, at_time, at_zone, before),
            due=due,
            todo_due=due,
            armed=(armed_zone, armed_tzdata),
            channels=wanted,
            urgent=urgent,
            wishes=wishes,
            list_id=list_id,
            recorded=recorded,
            title=title,
            obstacle=obstacle,
            all_day_time=all_day_time,
            course=None if before is None else Course.of_columns(*rest[_OF_PERSON:]),
            person=recipient,
            subscriptions=tuple(
                Subscription(UUID(key), *values) for key, *values in subscriptions or ()
            ),
            existing={key: Before(*each) for key, each in (existing or {}).items()},
        )

    @property
    def comes_back(self) -> bool:
        """It fired in quiet hours, and now they are over."""
        return any(not each.ours for each in self.existing.values())

    def at_its_occurrence(self) -> Self:
        """As it is, speaking of the occurrence it fires for: its todo may not be there yet."""
        zone = self.armed[0]
        if zone is None or self.course is None:  # an instant: by now its todo is there
            return self
        fire = self._fire(after=self.next_at - INSTANT, zone=zone)
        if fire is None or fire.at != self.next_at:  # by other zone rules than today's
            return self
        return replace(self, due=fire.due)

    @property
    def armed_anew(self) -> Arming | None:
        """When it really fires, if it was armed by other zones or zone rules than today's.

        Only a moment still to come counts: what is due is not taken back. A snooze is an instant
        (no zone), it stays as it is.
        """
        if self.armed[0] is None or self.existing:
            return None
        new = arming(
            self.wish, self.due, person_zone=self.person.zone, all_day_time=self.all_day_time
        )
        if new is None or self.armed == (new.zone, zones.tzdata_version()):
            return None
        return new if new.at > self.next_at else None

    def fires_next(self, now: datetime) -> Arming | None:
        """After this time, by the rule of its todo's series; null for what fires once.

        What passed meanwhile (an outage, a hold) is not told one by one: of late ones only those
        of the last two minutes are, and after one that is `missed` those still worth telling.
        """
        useful = ABANDONED_AFTER if self.is_missed(now) else LATE_AFTER
        # Held until an instant that is also the next one's: that one is still to come.
        after = self.next_at - INSTANT if self.comes_back else self.next_at
        fire = self._fire(after=max(after, now - useful), zone=self.person.zone)
        return Arming(fire.at, fire.zone) if fire else None

    def is_missed(self, now: datetime) -> bool:
        return now - self.next_at > ABANDONED_AFTER

    @property
    def wanted(self) -> tuple[Channel, ...]:
        """The channels asked for; whoever asked for none sees it in the app.

        Whoever never said is also told by the browsers that they let us show messages.
        """
        if self.channels is None:
            return (*DEFAULT_CHANNELS, Channel.PUSH) if self.subscriptions else DEFAULT_CHANNELS
        known = dict.fromkeys(Channel(each) for each in self.channels if each in CHANNELS)
        if self.escalates_by(known):  # reading it there is how one says that one saw it
            known[Channel.IN_APP] = None
        return tuple(known) or (Channel.IN_APP,)

    def escalates_by(self, channels: Collection[Channel]) -> bool:
        """Whether what goes out through these is to be followed by an e-mail, if it is not read."""
        if self.wishes.escalation is None or self.recorded:
            return False
        return Channel.EMAIL not in channels and bool(NOISY & set(channels))

    def _fire(self, *, after: datetime, zone: str) -> Fire | None:
        if self.course is None or self.todo_due is None or self.wish.before is None:
            return None
        plan = self.course.plan
        if plan is None:
            return None
        return self.course.next_fire(
            plan,
            self.todo_due,
            self.wish.before,
            person_zone=zone,
            all_day_time=self.all_day_time,
            after=after,
        )


# The lease is locked until the end: nobody takes it over while a batch begins. So is the reminder:
# a change of it comes before (and is seen: arm_no, next_at) or after. In one order everywhere.
# OFFSET 0: looked up row by row. Joined, a plan made while the tables were empty multiplied all of
# a workspace's todos with all of its reminders first, and took 4 s for 200.
# The instant is only compared (IS NOT DISTINCT FROM serves no index): found by it, whoever reminds
# at nine finds all that are due then, for each of them. Deliveries are found by their own index.
_OF_PERSON: Final = 12  # columns
FIND: Final = Query(
    b"""
    SELECT r.workspace_id, r.id, r.todo_id, r.arm_no, r.next_at,
           r.at_on, r.at_time, r.at_zone, r.before_s, r.armed_zone, r.armed_tzdata,
           r.channels, r.urgent, r.lane IS NULL,
           u.preferences, t.list_id, t.title, t.status, t.deleted_at IS NOT NULL,
           t.due_on, t.due_time, t.due_zone,
           u.all_day_time,
           (SELECT jsonb_object_agg(
                d.id, jsonb_build_array(d.status, d.attempts,
    """
    + deliveries.FAILURES
    + b""", d.channel, d.target_id, d.ambiguous,
                    d.folded_into IS NOT NULL, d.due_at >= r.next_at))
            FROM deliveries d
            WHERE d.subject_id = r.id AND d.arm_no = r.arm_no),
           CASE WHEN coalesce('push' = ANY (r.channels), true) THEN """
    + push_rows.ALL
    + b""" END,
           u.id, u.email, u.email_verified_at IS NOT NULL, u.name, u.timezone, u.locale,
           u.status = 'active',
           EXISTS (SELECT FROM memberships m
                   WHERE m.user_id = u.id AND m.workspace_id = r.workspace_id),
           """
    + connections.reach(b"r")
    + b""", course.*
    FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(arm_nos)s::int[],
                %(next_ats)s::timestamptz[], %(tokens)s::uuid[])
        AS mine (workspace_id, id, arm_no, next_at, token)
    JOIN leases l ON l.kind = %(kind)s AND l.workspace_id = mine.workspace_id
        AND l.row_id = mine.id AND l.token = mine.token
    JOIN reminders r ON r.workspace_id = mine.workspace_id AND r.id = mine.id
        AND r.arm_no = mine.arm_no AND r.next_at IS NOT DISTINCT FROM mine.next_at
    JOIN LATERAL (
        SELECT list_id, title, status, deleted_at, due_on, due_time, due_zone FROM todos
        WHERE workspace_id = r.workspace_id AND id = r.todo_id OFFSET 0) AS t ON true
    JOIN LATERAL (SELECT * FROM users WHERE id = r.user_id OFFSET 0) AS u ON true
    LEFT JOIN LATERAL (
        SELECT """
    + reminder_series.SQL
    + b"""
        FROM series s LEFT JOIN users owner ON owner.id = s.created_by
        WHERE s.workspace_id = r.workspace_id AND s.todo_id = r.todo_id
          AND r.before_s IS NOT NULL
        OFFSET 0) AS course ON true
    ORDER BY r.workspace_id, r.id
    FOR NO KEY UPDATE OF l, r
    """,
    Found.of_row,
    {},
    writes=False,
)
