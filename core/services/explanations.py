"""Why a reminder came, did not come, or will come: the whole story of it, in order."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import and_, bindparam, select

from core.actor import Actor
from core.db import Transaction
from core.errors import NotFound
from core.models.deliveries import Deliveries, DeliveryStatus
from core.models.push import PushSubscriptions
from core.models.reminders import Reminders
from core.models.todos import Status, Todos
from core.models.users import Users
from core.rules.reminders import Due
from core.services import deliveries, reminder_series
from core.services.delivery_rows import COLUMNS, TO_BROWSER, ExplainedDelivery
from core.services.due_ledger import RECORDED
from core.services.reminder_series import INSTANT, Course
from core.services.workspaces import visible
from core.statements import query


@dataclass(frozen=True, slots=True)
class ExplainedReminder:
    id: UUID
    todo_id: UUID
    next_fire_at: datetime | None
    armed_zone: str | None
    armed_tzdata: str | None
    times_armed: int
    waits_for: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """`sentences` say in words what `reminder` and `deliveries` (oldest first) hold."""

    reminder: ExplainedReminder
    sentences: list[str]
    deliveries: list[ExplainedDelivery]


_REMINDER_ROW: Final = reminder_series.joined(
    select(
        Reminders.id,
        Reminders.todo_id,
        Reminders.next_at,
        Reminders.armed_zone,
        Reminders.armed_tzdata,
        Reminders.arm_no,
        Reminders.lane,
        Todos.status,
        Todos.due_on,
        Todos.due_time,
        Todos.due_zone,
        Reminders.before_s,
        Users.timezone,
        Users.all_day_time,
        *reminder_series.COLUMNS,
    )
    .join(Todos, and_(Todos.workspace_id == Reminders.workspace_id, Todos.id == Reminders.todo_id))
    .join(Users, Users.id == Reminders.user_id)
)
_DELIVERIES: Final = query(
    select(*COLUMNS)
    .outerjoin(PushSubscriptions, TO_BROWSER)
    .where(
        visible(Deliveries.workspace_id),
        Deliveries.subject_id == bindparam("id"),
        Deliveries.user_id == bindparam("user_id"),
    )
    .order_by(Deliveries.due_at, Deliveries.arm_no, Deliveries.channel, Deliveries.target_id),
    ExplainedDelivery.of_row,
)


@dataclass(frozen=True, slots=True)
class _Found:
    """A reminder with all that its sentence speaks of."""

    id: UUID
    todo_id: UUID
    next_at: datetime | None
    armed_zone: str | None
    armed_tzdata: str | None
    arm_no: int
    lane: int | None
    status: str
    due: Due | None
    before: timedelta | None
    zone: str
    all_day_time: time
    course: Course | None

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        *own, due_on, due_time, due_zone, before_s, zone, all_day_time = values[:14]
        due = None if due_on is None else Due(due_on, due_time, due_zone)
        before = None if before_s is None else timedelta(seconds=before_s)
        rest = (due, before, zone, all_day_time, Course.of_columns(*values[14:]))
        fields: tuple[Any, ...] = (*own, *rest)
        return cls(*fields)

    @property
    def occurrence(self) -> Due | None:
        """What it fires for next, by the rule."""
        if self.course is None or self.due is None or self.before is None:
            return None
        plan = self.course.plan
        if plan is None or self.next_at is None:
            return None
        fire = self.course.next_fire(
            plan,
            self.due,
            self.before,
            person_zone=self.zone,
            all_day_time=self.all_day_time,
            after=self.next_at - INSTANT,
        )
        return fire.due if fire else None


_REMINDER: Final = query(
    _REMINDER_ROW.where(
        visible(Reminders.workspace_id),
        Reminders.id == bindparam("id"),
        Reminders.user_id == bindparam("user_id"),
        Todos.deleted_at.is_(None),
    ),
    _Found.of_row,
)


async def why(tx: Transaction, actor: Actor, reminder_id: UUID, *, now: datetime) -> Explanation:
    """The story of one's own reminder. Raises `NotFound`."""
    found = await tx.first(_REMINDER, id=reminder_id, user_id=actor.user_id)
    if found is None:
        raise NotFound("there is no such reminder of yours")
    made = await tx.all(_DELIVERIES, id=reminder_id, user_id=actor.user_id)
    waits_for = _waits_for(found, made, now=now)
    reminder = ExplainedReminder(
        found.id,
        found.todo_id,
        found.next_at,
        found.armed_zone,
        found.armed_tzdata,
        found.arm_no,
        waits_for,
    )
    return Explanation(reminder, [waits_for, *(_sentence(each) for each in made)], made)


def _waits_for(found: _Found, made: list[ExplainedDelivery], *, now: datetime) -> str:
    next_at = found.next_at
    if next_at is None:
        return _rests(found, fired=bool(made))
    at = _utc(next_at)
    if found.armed_zone is None and any(each.status == DeliveryStatus.HELD for each in made):
        return f"Quiet hours hold what is left of it until {at}."
    times = f" It was armed {found.arm_no} times." if found.arm_no > 1 else ""
    if found.armed_zone is None:
        return f"It is snoozed until {at}.{times}"
    if found.lane is None:
        return f"It fires when this workspace's own clock reaches {at}.{_recurs(found)}"
    verb = "It fires at" if next_at > now else "It is being delivered since"
    return f"{verb} {at} (floating times are read in {found.zone}).{_recurs(found)}"


def _recurs(found: _Found) -> str:
    due = found.occurrence
    if due is None:
        return ""
    clock = "" if due.at is None else f" {due.at:%H:%M}"
    return f" That is for the occurrence of {due.on}{clock}; it goes on with each later one."


def _rests(found: _Found, *, fired: bool) -> str:
    if found.status == Status.COMPLETED:
        return "It waits for nothing: its todo is completed."
    if found.before is not None and found.due is None:
        return "It waits for its todo to get a due time."
    if found.before is not None and found.course is not None and found.course.paused:
        return "It waits for its todo's series to be resumed."
    if fired:
        return "It has fired."
    return "It waits for nothing: its moment had passed when it was set."


_NAMES = {"email": "E-mail", "in_app": "In the app", "sms": "SMS"}


def _sentence(each: ExplainedDelivery) -> str:
    name = _NAMES.get(each.channel, each.channel.capitalize())
    reason = deliveries.in_words(each.error, each.channel) if each.error else None
    twice = " It may have arrived twice." if each.ambiguous else ""
    on = f" to {each.device}" if each.device else ""
    told = f"{name}{on}: {_due(each)}"
    match each.status:
        case DeliveryStatus.SENT if each.log[-1].detail == RECORDED:
            return f"{told}, recorded: nothing leaves a sandbox workspace."
        case DeliveryStatus.SENT if each.sent_at is not None:
            late = (each.sent_at - each.due_at).total_seconds()
            tries = f" at attempt {each.attempts}" if each.attempts > 1 else ""
            folded = any(line.what == "folded" for line in each.log)
            among = ", in one message with others" if folded else ""
            return f"{told}, delivered {late:.1f} s later{tries}{among}.{twice}"
        case DeliveryStatus.HELD:
            return f"{told}."
        case DeliveryStatus.PENDING if each.next_attempt_at is not None:
            return f"{told}; {_next(each, reason)} {each.next_attempt_at:%H:%M:%S} UTC."
        case DeliveryStatus.SENDING:
            return f"{told}; attempt {each.attempts} is under way.{twice}"
        case _:
            because = f": {reason}" if reason else ""
            return f"{told}, {each.status}{because}.{twice}"


def _next(each: ExplainedDelivery, reason: str | None) -> str:
    """What it waits for, up to when it goes out."""
    if reason is not None:
        return f"attempt {each.attempts} failed: {reason}; next at"
    if each.log[0].what == "escalates":
        return "unless it is read or done before, it goes out at"
    return "in one message with others of that minute it goes out at"


def _due(each: ExplainedDelivery) -> str:
    """Since when it is due, and how long quiet hours held it: then it is due when they end."""
    held = [line for line in each.log if line.what == "held" and line.detail]
    if not held:
        return f"due {_utc(each.due_at)}"
    until = datetime.fromisoformat(held[-1].detail or "")
    since = min(each.due_at, held[0].at)
    return f"due {_utc(since)}, held until {_utc(until)} by your quiet hours"


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
