"""A due reminder as it is found once more, at the second it is due, with all its messages need."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Self
from uuid import UUID

from core.models.deliveries import Channel
from core.models.todos import Status
from core.rules import zones
from core.rules.reminders import Arming, Due, Wish, arming
from core.rules.retries import Reason
from core.services import deliveries
from core.services.deliveries import Person
from core.statements import Query

DEFAULT_CHANNELS: Final = (Channel.IN_APP, Channel.EMAIL)


@dataclass(frozen=True, slots=True)
class Found:
    """A claimed reminder that is still what was claimed, with all that its messages need."""

    workspace_id: UUID
    id: UUID
    todo_id: UUID
    arm_no: int
    next_at: datetime
    wish: Wish
    due: Due | None
    armed: tuple[str | None, str | None]  # zone, release of the zone rules
    channels: list[str] | None
    title: str
    obstacle: Reason | None
    all_day_time: time
    person: Person
    existing: dict[str, tuple[str, int]]  # delivery id -> status, attempts; of this arming

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
        preferred: object,
        title: str,
        status: str,
        deleted: bool,  # noqa: FBT001 - a column
        due_on: date | None,
        due_time: time | None,
        due_zone: str | None,
        all_day_time: time,
        existing: dict[str, list[Any]] | None,
        *person: Any,
    ) -> Self:
        recipient = Person(*person)
        obstacle = deliveries.obstacle(recipient)
        if deleted:
            obstacle = Reason.TODO_DELETED
        elif status == Status.COMPLETED:
            obstacle = Reason.TODO_COMPLETED
        before = None if before_s is None else timedelta(seconds=before_s)
        wanted = channels if channels is not None else preferred
        return cls(
            workspace_id=workspace_id,
            id=reminder_id,
            todo_id=todo_id,
            arm_no=arm_no,
            next_at=next_at,
            wish=Wish(at_on, at_time, at_zone, before),
            due=None if due_on is None else Due(due_on, due_time, due_zone),
            armed=(armed_zone, armed_tzdata),
            channels=list(wanted) if isinstance(wanted, list) else None,
            title=title,
            obstacle=obstacle,
            all_day_time=all_day_time,
            person=recipient,
            existing={key: (each[0], each[1]) for key, each in (existing or {}).items()},
        )

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

    @property
    def wanted(self) -> tuple[Channel, ...]:
        """The channels asked for; whoever asked for none sees it in the app."""
        if self.channels is None:
            return DEFAULT_CHANNELS
        known = dict.fromkeys(Channel(each) for each in self.channels if each in set(Channel))
        return tuple(known) or (Channel.IN_APP,)


# The lease is locked until the end: nobody takes it over while a batch begins. So is the reminder:
# a change of it comes before (and is seen: arm_no, next_at) or after. In one order everywhere.
FIND: Final = Query(
    b"""
    SELECT r.workspace_id, r.id, r.todo_id, r.arm_no, r.next_at,
           r.at_on, r.at_time, r.at_zone, r.before_s, r.armed_zone, r.armed_tzdata,
           r.channels, u.preferences #> '{channels,reminder}',
           t.title, t.status, t.deleted_at IS NOT NULL, t.due_on, t.due_time, t.due_zone,
           u.all_day_time,
           (SELECT jsonb_object_agg(d.id, jsonb_build_array(d.status, d.attempts))
            FROM deliveries d
            WHERE d.workspace_id = r.workspace_id AND d.subject_id = r.id AND d.arm_no = r.arm_no),
           u.id, u.email, u.email_verified_at IS NOT NULL, u.name, u.timezone, u.locale,
           u.status = 'active',
           EXISTS (SELECT FROM memberships m
                   WHERE m.user_id = u.id AND m.workspace_id = r.workspace_id)
    FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(arm_nos)s::int[],
                %(next_ats)s::timestamptz[], %(tokens)s::uuid[])
        AS mine (workspace_id, id, arm_no, next_at, token)
    JOIN leases l ON l.kind = %(kind)s AND l.workspace_id = mine.workspace_id
        AND l.row_id = mine.id AND l.token = mine.token
    JOIN reminders r ON r.workspace_id = mine.workspace_id AND r.id = mine.id
        AND r.arm_no = mine.arm_no AND r.next_at = mine.next_at
    JOIN todos t ON t.workspace_id = r.workspace_id AND t.id = r.todo_id
    JOIN users u ON u.id = r.user_id
    ORDER BY r.workspace_id, r.id
    FOR NO KEY UPDATE OF l, r
    """,
    Found.of_row,
    {},
    writes=False,
)
