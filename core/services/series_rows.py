"""Series as they are stored, and the statements."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from dataclasses import replace as replaced
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Self
from uuid import UUID

from sqlalchemy import (
    ScalarSelect,
    Select,
    and_,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from core.models.reminders import Reminders
from core.models.series import Series, SeriesStatus
from core.models.todos import Todos
from core.models.users import Users
from core.models.workspaces import Workspaces
from core.rules import rrule
from core.rules.recurrence import Anchor, PileUp, Recurrence, Shift
from core.rules.reminders import Due
from core.rules.rrule import Rule, Skip
from core.rules.series import Plan
from core.services.todo_rows import TodoRecurrence, TodoRow, select_rows
from core.services.workspaces import visible
from core.statements import query

MOST_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class RecurrenceDraft:
    """A checked rule; `rrule` is its text as it was given."""

    rrule: str
    recurrence: Recurrence


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """The stored columns, in the order in which statements read them, and the owner's zone."""

    id: UUID
    workspace_id: UUID
    todo_id: UUID | None
    created_by: UUID | None
    status: str
    rrule: str
    anchor: str
    skip: str
    pile_up: str
    exdates: Sequence[date]
    rdates: Sequence[date]
    holidays: str | None
    shift: str
    start_on: date
    start_time: time | None
    start_zone: str | None
    turn: int
    nth: int
    recurrence_id: str
    planned_on: date
    planned_time: time | None
    left_out: int
    restores: dict[str, Any]
    next_at: datetime | None
    arm_no: int
    lane: int | None
    armed_zone: str | None
    armed_tzdata: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    zone: str | None  # the owner's
    all_day_time: time | None
    before_s: int | None  # the longest of its todo's reminders

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        return cls(*values)

    @property
    def active(self) -> bool:
        return self.status == SeriesStatus.ACTIVE

    @property
    def plan(self) -> Plan:
        return plan_of(
            *(getattr(self, name) for name in PLAN_COLUMNS),
            zone=self.zone,
        )

    @property
    def planned(self) -> Due:
        """What the current occurrence is due at by the rule."""
        return Due(self.planned_on, self.planned_time, self.start_zone)

    @property
    def before(self) -> timedelta | None:
        return None if self.before_s is None else timedelta(seconds=self.before_s)

    def told(self) -> TodoRecurrence:
        """As its todos show it."""
        return TodoRecurrence(
            self.rrule,
            self.anchor,
            self.skip,
            self.pile_up,
            list(self.exdates),
            list(self.rdates),
            self.holidays,
            self.shift,
        )

    def draft(self) -> RecurrenceDraft:
        return RecurrenceDraft(self.rrule, self.plan.recurrence)


PLAN_COLUMNS = (
    "rrule",
    "skip",
    "anchor",
    "pile_up",
    "exdates",
    "rdates",
    "holidays",
    "shift",
    "start_on",
    "start_time",
    "start_zone",
)
_BESIDE = {"zone", "all_day_time", "before_s"}
COLUMN_NAMES = tuple(f.name for f in fields(SeriesRow) if f.name not in _BESIDE)


def plan_of(
    text: str,
    skip: str,
    anchor: str,
    pile_up: str,
    exdates: Sequence[date],
    rdates: Sequence[date],
    holidays: str | None,
    shift: str,
    start_on: date,
    start_time: time | None,
    start_zone: str | None,
    *,
    zone: str | None,
) -> Plan:
    """The plan of a stored series, from its columns in the order of `PLAN_COLUMNS`.

    `zone` is its owner's; where nobody owns it any more, floating times are read in UTC.
    """
    recurrence = Recurrence(
        _rule(text, skip),
        Anchor(anchor),
        PileUp(pile_up),
        tuple(exdates),
        tuple(rdates),
        holidays,
        Shift(shift),
    )
    return Plan(recurrence, Due(start_on, start_time, start_zone), zone or "UTC")


@lru_cache(maxsize=4096)
def _rule(text: str, skip: str) -> Rule:
    return replaced(rrule.parse(text), skip=Skip(skip))


_BEFORE: ScalarSelect[Any] = (
    select(func.max(Reminders.before_s))
    .where(Reminders.workspace_id == Series.workspace_id, Reminders.todo_id == Series.todo_id)
    .correlate(Series)
    .scalar_subquery()
)


def select_series() -> Select[Any]:
    """Columns for `SeriesRow.of_row`."""
    columns = (getattr(Series, name) for name in COLUMN_NAMES)
    return select(*columns, Users.timezone, Users.all_day_time, _BEFORE).outerjoin(
        Users, Users.id == Series.created_by
    )


_OF_WORKSPACE = Series.workspace_id == bindparam("of_workspace_id")
_THIS = and_(_OF_WORKSPACE, Series.id == bindparam("of_id"))
_WRITTEN = tuple(
    name
    for name in COLUMN_NAMES
    if name not in {"id", "workspace_id", "created_by", "lane", "arm_no", "version", "created_at"}
    and name != "updated_at"
)

LOCK = query(select_series().where(_THIS).with_for_update(of=Series), SeriesRow.of_row)
ADD = query(insert(Series).values({name: bindparam(name) for name in COLUMN_NAMES}))
WRITE = query(
    update(Series)
    .where(_THIS)
    .values(
        **{name: bindparam(name) for name in _WRITTEN},
        arm_no=Series.arm_no + 1,
        version=Series.version + 1,
        updated_at=bindparam("now"),
    )
)
ALL_TODOS = query(
    select_rows()
    .where(
        Todos.workspace_id == bindparam("of_workspace_id"),
        Todos.series_id == bindparam("of_series_id"),
        Todos.deleted_at.is_(None),
    )
    .order_by(Todos.id.desc())
    .limit(MOST_AT_ONCE + 1)
    .with_for_update(of=Todos),
    TodoRow.of_row,
)
TODO = query(
    select_rows()
    .where(Todos.workspace_id == bindparam("of_workspace_id"), Todos.id == bindparam("of_todo_id"))
    .with_for_update(of=Todos),
    TodoRow.of_row,
)
LOCK_TODO = query(
    select(Todos.id)
    .where(Todos.workspace_id == bindparam("of_workspace_id"), Todos.id == bindparam("of_todo_id"))
    .with_for_update()
)
LOOK = query(
    select(Series.workspace_id, Series.todo_id).where(
        visible(Series.workspace_id), Series.id == bindparam("of_id")
    )
)
OWNER = query(
    select(
        Todos.created_by,
        Users.timezone,
        Users.all_day_time,
        select(func.max(Reminders.before_s))
        .where(Reminders.workspace_id == Todos.workspace_id, Reminders.todo_id == Todos.id)
        .correlate(Todos)
        .scalar_subquery(),
    )
    .outerjoin(Users, Users.id == Todos.created_by)
    .where(Todos.workspace_id == bindparam("of_workspace_id"), Todos.id == bindparam("of_todo_id"))
)
FLOATING_LOOK_AGAIN = query(
    update(Series)
    .where(
        Series.created_by == bindparam("of_user_id"),
        Series.start_zone.is_(None),
        Series.next_at.is_not(None),
    )
    .values(
        next_at=func.coalesce(
            select(Workspaces.clock_at)
            .where(Workspaces.id == Series.workspace_id)
            .correlate(Series)
            .scalar_subquery(),
            bindparam("now"),
        ),
        arm_no=Series.arm_no + 1,
    )
)
LOOK_AGAIN = query(
    update(Series)
    .where(
        Series.workspace_id == bindparam("of_workspace_id"),
        Series.todo_id == bindparam("of_todo_id"),
        Series.next_at.is_not(None),
    )
    .values(next_at=bindparam("now"), arm_no=Series.arm_no + 1)
)


def written(row: SeriesRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _WRITTEN}
