"""Reminders as they are stored: what is read together, and the statements."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Uuid, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from core.models.deliveries import Deliveries, DeliveryStatus
from core.models.reminders import Reminders
from core.models.todos import Status, Todos
from core.models.users import Users
from core.rules import reminders as rule
from core.rules import zones
from core.rules.reminders import Due, Wish
from core.rules.retries import Reason
from core.services import reminder_series
from core.services.reminder_series import Course
from core.services.todo_rows import REMINDER_COLUMNS, Reminder, TodoRow
from core.services.workspaces import visible
from core.statements import query

GRACE = timedelta(minutes=1)  # clocks differ: "now" from a client is not yet the past


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stored reminder with all that its arming depends on."""

    id: UUID
    workspace_id: UUID
    todo_id: UUID
    user_id: UUID
    at_on: date | None
    at_time: time | None
    at_zone: str | None
    before_s: int | None
    channels: list[str] | None
    urgent: bool
    next_at: datetime | None
    arm_no: int
    version: int
    status: str
    due_on: date | None
    due_time: time | None
    due_zone: str | None
    deleted_at: datetime | None
    timezone: str
    all_day_time: time
    armed_zone: str | None
    lane: int | None
    course: Course | None

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        own = len(_OWN_COLUMNS)
        columns: tuple[Any, ...] = (*values[:own], Course.of_columns(*values[own:]))
        return cls(*columns)

    @property
    def wish(self) -> Wish:
        before = None if self.before_s is None else timedelta(seconds=self.before_s)
        return Wish(self.at_on, self.at_time, self.at_zone, before)

    @property
    def due(self) -> Due | None:
        return None if self.due_on is None else Due(self.due_on, self.due_time, self.due_zone)

    @property
    def is_instant(self) -> bool:
        """Snoozed, or waiting for the end of quiet hours: no change of zones moves it."""
        return self.next_at is not None and self.armed_zone is None

    @property
    def stands(self) -> bool:
        return self.status == Status.PENDING and self.deleted_at is None

    def answer(self, next_at: datetime | None) -> Reminder:
        return Reminder.of_row(
            self.id,
            self.todo_id,
            self.at_on,
            self.at_time,
            self.at_zone,
            self.before_s,
            self.channels,
            next_at,
            self.urgent,
        )


@dataclass(frozen=True, slots=True)
class Armed:
    """What arming writes; the zone and its rules are kept, so that a change of them is noticed."""

    next_at: datetime | None
    armed_zone: str | None
    armed_tzdata: str | None

    @classmethod
    def of(cls, found: rule.Arming | None, *, now: datetime, grace: timedelta = GRACE) -> Self:
        if found is None or found.at < now - grace:
            return cls(None, None, None)
        return cls(found.at, found.zone, zones.tzdata_version())


def armed(
    wish: Wish,
    due: Due | None,
    course: Course | None,
    *,
    person_zone: str,
    all_day_time: time,
    now: datetime,
    armed_at: datetime | None = None,
    grace: timedelta = GRACE,
) -> Armed:
    """`armed_at` is when it fires so far. Due and not sent yet (an outage), it stays due."""
    if course is None:
        arming = rule.arming(wish, due, person_zone=person_zone, all_day_time=all_day_time)
    else:
        arming = course.arming(
            wish,
            due,
            person_zone=person_zone,
            all_day_time=all_day_time,
            now=now,
            armed_at=armed_at,
        )
    unsent = arming is not None and arming.at == armed_at
    return Armed.of(arming, now=arming.at if arming and unsent else now, grace=grace)


_OWN_COLUMNS = (
    Reminders.id,
    Reminders.workspace_id,
    Reminders.todo_id,
    Reminders.user_id,
    Reminders.at_on,
    Reminders.at_time,
    Reminders.at_zone,
    Reminders.before_s,
    Reminders.channels,
    Reminders.urgent,
    Reminders.next_at,
    Reminders.arm_no,
    Reminders.version,
    Todos.status,
    Todos.due_on,
    Todos.due_time,
    Todos.due_zone,
    Todos.deleted_at,
    Users.timezone,
    Users.all_day_time,
    Reminders.armed_zone,
    Reminders.lane,
)
_WITH_ALL = reminder_series.joined(
    select(*_OWN_COLUMNS, *reminder_series.COLUMNS)
    .join(Todos, and_(Todos.workspace_id == Reminders.workspace_id, Todos.id == Reminders.todo_id))
    .join(Users, Users.id == Reminders.user_id)
)
MINE = query(
    _WITH_ALL.where(
        visible(Reminders.workspace_id),
        Reminders.id == bindparam("id"),
        Reminders.user_id == bindparam("user_id"),
        Todos.deleted_at.is_(None),
    ).with_for_update(of=Reminders),
    Waiting.of_row,
)
OF_TODO = query(
    _WITH_ALL.where(
        Reminders.workspace_id == bindparam("workspace_id"),
        Reminders.todo_id == bindparam("todo_id"),
    ).with_for_update(of=Reminders),
    Waiting.of_row,
)
# What a change of zones moves: armed in a zone (else it is an instant), or neither armed nor fired.
FLOATING = query(
    _WITH_ALL.where(
        # Not as pairs: a join with those is planned badly where much was just written.
        Reminders.workspace_id == bindparam("workspaces", type_=ARRAY(Uuid())).any_(),
        Reminders.id == bindparam("ids", type_=ARRAY(Uuid())).any_(),
        Reminders.user_id == bindparam("user_id"),
        Reminders.armed_zone.is_(None) == Reminders.next_at.is_(None),
        # Only what is read in the person's own zone moves with it.
        Reminders.at_zone.is_(None),
        (Reminders.at_on.is_not(None)) | (Todos.due_zone.is_(None)),
        Todos.status == Status.PENDING,
        Todos.deleted_at.is_(None),
    )
    .order_by(Reminders.workspace_id, Reminders.id)
    .with_for_update(of=Reminders, key_share=True),
    Waiting.of_row,
)
ADD = query(
    insert(Reminders).values(
        {
            column: bindparam(column)
            for column in (
                "workspace_id",
                "id",
                "todo_id",
                "user_id",
                "at_on",
                "at_time",
                "at_zone",
                "before_s",
                "channels",
                "urgent",
                "lane",
                "next_at",
                "armed_zone",
                "armed_tzdata",
                "arm_no",
                "created_at",
            )
        }
    )
)
ARM = query(
    update(Reminders)
    .where(
        Reminders.workspace_id == bindparam("of_workspace_id"), Reminders.id == bindparam("of_id")
    )
    .values(
        next_at=bindparam("next_at"),
        armed_zone=bindparam("armed_zone"),
        armed_tzdata=bindparam("armed_tzdata"),
        arm_no=Reminders.arm_no + 1,
        since_arm_no=None,
        version=Reminders.version + 1,
    )
)
# What quiet hours hold has nobody at it: it is taken back with the change that made it untrue.
CANCEL_HELD = query(
    update(Deliveries)
    .where(
        Deliveries.workspace_id == bindparam("of_workspace_id"),
        Deliveries.subject_id == bindparam("of_id"),
        Deliveries.status == DeliveryStatus.HELD,
    )
    .values(
        status=DeliveryStatus.CANCELLED,
        error=bindparam("error"),
        next_attempt_at=None,
        log=Deliveries.log.op("||")(bindparam("log", type_=JSONB)),
        updated_at=func.now(),
    )
)
EDIT = query(
    update(Reminders)
    .where(
        Reminders.workspace_id == bindparam("of_workspace_id"), Reminders.id == bindparam("of_id")
    )
    .values(
        {
            column: bindparam(column)
            for column in ("at_on", "at_time", "at_zone", "before_s", "channels", "urgent")
        }
    )
)
REMOVE = query(
    delete(Reminders).where(
        Reminders.workspace_id == bindparam("workspace_id"), Reminders.id == bindparam("id")
    )
)
READ = query(
    select(*REMINDER_COLUMNS)
    .join(Todos, and_(Todos.workspace_id == Reminders.workspace_id, Todos.id == Reminders.todo_id))
    .where(
        visible(Reminders.workspace_id),
        Reminders.todo_id == bindparam("todo_id"),
        Reminders.user_id == bindparam("user_id"),
        Todos.deleted_at.is_(None),
    )
    .order_by(Reminders.id),
    Reminder.of_row,
)
TODO_STANDS = query(
    select(Todos.id).where(
        visible(Todos.workspace_id), Todos.id == bindparam("id"), Todos.deleted_at.is_(None)
    )
)


def wish_columns(wish: Wish) -> dict[str, Any]:
    before = None if wish.before is None else int(wish.before.total_seconds())
    return {"at_on": wish.on, "at_time": wish.at, "at_zone": wish.zone, "before_s": before}


def reason(row: TodoRow) -> Reason:
    """Why a change of its todo takes back what waits."""
    if row.deleted_at is not None:
        return Reason.TODO_DELETED
    return Reason.TODO_COMPLETED if row.status == Status.COMPLETED else Reason.REMINDER_CHANGED
