"""Why a reminder came, did not come, or will come: the whole story of it, in order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import and_, bindparam, select

from core.actor import Actor
from core.db import Transaction
from core.errors import NotFound
from core.models.deliveries import Deliveries, DeliveryStatus
from core.models.reminders import Reminders
from core.models.todos import Status, Todos
from core.models.users import Users
from core.rules.retries import IN_WORDS, Reason
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
class LogEntry:
    at: datetime
    what: str  # sending, sent, failed, retry, ambiguous, cancelled, missed
    detail: str | None


@dataclass(frozen=True, slots=True)
class ExplainedDelivery:
    id: UUID
    arm_no: int
    channel: str
    status: str
    ambiguous: bool
    attempts: int
    due_at: datetime
    sent_at: datetime | None
    next_attempt_at: datetime | None
    vendor_id: str | None
    error: str | None
    log: list[LogEntry]

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        *columns, log = values
        lines = [
            LogEntry(datetime.fromisoformat(each["at"]), each["what"], each.get("detail"))
            for each in log
        ]
        fields: tuple[Any, ...] = (*columns, lines)
        return cls(*fields)


@dataclass(frozen=True, slots=True)
class Explanation:
    """`sentences` say in words what `reminder` and `deliveries` (oldest first) hold."""

    reminder: ExplainedReminder
    sentences: list[str]
    deliveries: list[ExplainedDelivery]


_REMINDER: Final = query(
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
        Reminders.before_s,
        Users.timezone,
    )
    .join(Todos, and_(Todos.workspace_id == Reminders.workspace_id, Todos.id == Reminders.todo_id))
    .join(Users, Users.id == Reminders.user_id)
    .where(
        visible(Reminders.workspace_id),
        Reminders.id == bindparam("id"),
        Reminders.user_id == bindparam("user_id"),
        Todos.deleted_at.is_(None),
    )
)
_DELIVERIES: Final = query(
    select(
        Deliveries.id,
        Deliveries.arm_no,
        Deliveries.channel,
        Deliveries.status,
        Deliveries.ambiguous,
        Deliveries.attempts,
        Deliveries.due_at,
        Deliveries.sent_at,
        Deliveries.next_attempt_at,
        Deliveries.vendor_id,
        Deliveries.error,
        Deliveries.log,
    )
    .where(
        visible(Deliveries.workspace_id),
        Deliveries.subject_id == bindparam("id"),
        Deliveries.user_id == bindparam("user_id"),
    )
    .order_by(Deliveries.due_at, Deliveries.arm_no, Deliveries.channel),
    ExplainedDelivery.of_row,
)


async def why(tx: Transaction, actor: Actor, reminder_id: UUID, *, now: datetime) -> Explanation:
    """The story of one's own reminder. Raises `NotFound`."""
    found = await tx.first(_REMINDER, id=reminder_id, user_id=actor.user_id)
    if found is None:
        raise NotFound("there is no such reminder of yours")
    made = await tx.all(_DELIVERIES, id=reminder_id, user_id=actor.user_id)
    key, todo_id, next_at, armed_zone, armed_tzdata, arm_no, *rest = found
    waits_for = _waits_for(next_at, *rest, fired=bool(made), now=now)
    reminder = ExplainedReminder(key, todo_id, next_at, armed_zone, armed_tzdata, arm_no, waits_for)
    return Explanation(reminder, [waits_for, *(_sentence(each) for each in made)], made)


def _waits_for(
    next_at: datetime | None,
    lane: int | None,
    status: str,
    due_on: object,
    before_s: int | None,
    zone: str,
    *,
    fired: bool,
    now: datetime,
) -> str:
    if next_at is not None and lane is None:
        return f"It fires when this workspace's own clock reaches {next_at:%Y-%m-%d %H:%M:%S} UTC."
    if next_at is not None:
        verb = "It fires at" if next_at > now else "It is being delivered since"
        return f"{verb} {next_at:%Y-%m-%d %H:%M:%S} UTC (floating times are read in {zone})."
    if status == Status.COMPLETED:
        return "It waits for nothing: its todo is completed."
    if before_s is not None and due_on is None:
        return "It waits for its todo to get a due time."
    if fired:
        return "It has fired."
    return "It waits for nothing: its moment had passed when it was set."


def _sentence(each: ExplainedDelivery) -> str:
    name = {"email": "E-mail", "in_app": "In the app"}.get(each.channel, each.channel.capitalize())
    due = f"{each.due_at:%Y-%m-%d %H:%M:%S} UTC"
    reason = IN_WORDS.get(Reason(each.error)) if each.error else None
    twice = " It may have arrived twice." if each.ambiguous else ""
    match each.status:
        case DeliveryStatus.SENT if each.sent_at is not None:
            late = (each.sent_at - each.due_at).total_seconds()
            return f"{name}: due {due}, delivered {late:.1f} s later.{twice}"
        case DeliveryStatus.PENDING if each.next_attempt_at is not None:
            at = f"{each.next_attempt_at:%H:%M:%S} UTC"
            return f"{name}: due {due}; attempt {each.attempts} failed: {reason}; next at {at}."
        case DeliveryStatus.SENDING:
            return f"{name}: due {due}; attempt {each.attempts} is under way.{twice}"
        case _:
            because = f": {reason}" if reason else ""
            return f"{name}: due {due}, {each.status}{because}.{twice}"
