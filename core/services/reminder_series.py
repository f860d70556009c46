"""The series of a reminder's todo, as far as it decides when the reminder fires."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Self

from sqlalchemy import Select, and_, bindparam, select
from sqlalchemy.orm import aliased

from core.db import Transaction
from core.models.reminders import Reminders
from core.models.series import Series, SeriesStatus
from core.models.users import Users
from core.rules import series as rule
from core.rules.reminders import Arming, Due, Wish, arming
from core.rules.series import Fire, Plan
from core.services.series_rows import PLAN_COLUMNS, SeriesRow, plan_of
from core.services.todo_rows import TodoRow
from core.statements import query

INSTANT: Final = timedelta(microseconds=1)  # the least that PostgreSQL tells apart
_NAMES: Final = ("status", *PLAN_COLUMNS, "planned_on", "planned_time")
_OWNER: Final = aliased(Users, name="owner")
COLUMNS: Final = (*(getattr(Series, name) for name in _NAMES), _OWNER.timezone)
SQL: Final = (", ".join(f"s.{name}" for name in _NAMES) + ", owner.timezone").encode()


@dataclass(frozen=True, slots=True)
class Course:
    """Stored columns only: a rule that breaks our code does so where one reminder is worked on."""

    status: str
    plan_columns: tuple[Any, ...]
    planned: Due
    zone: str | None

    @classmethod
    def of_columns(cls, *values: Any) -> Self | None:
        """From `COLUMNS`; null for a todo that does not recur."""
        status, *plan = values
        *plan, planned_on, planned_time, zone = plan
        if status is None:
            return None
        on: date = planned_on
        at: time | None = planned_time
        start_zone = plan[-1]
        return cls(status, tuple(plan), Due(on, at, start_zone), zone)

    @classmethod
    def of_series(cls, row: SeriesRow) -> Self:
        """Of one that was just begun."""
        columns = tuple(getattr(row, name) for name in PLAN_COLUMNS)
        return cls(row.status, columns, row.planned, row.zone)

    @property
    def paused(self) -> bool:
        """Nothing reminds of its todo before it goes on."""
        return self.status == SeriesStatus.PAUSED

    @property
    def plan(self) -> Plan | None:
        """Null when only the todo's own due time counts."""
        if self.status != SeriesStatus.ACTIVE:
            return None
        plan = plan_of(*self.plan_columns, zone=self.zone)
        return plan if plan.armed_by_rule else None

    def arming(
        self,
        wish: Wish,
        due: Due | None,
        *,
        person_zone: str,
        all_day_time: time,
        now: datetime,
        armed_at: datetime | None,
    ) -> Arming | None:
        """When it fires next; one that is due and not sent yet (since `armed_at`) stays due."""
        before = wish.before
        if before is not None and self.paused:
            return None
        plan = self.plan
        if before is None or due is None or plan is None:
            return arming(wish, due, person_zone=person_zone, all_day_time=all_day_time)

        def fire(after: datetime) -> Arming | None:
            found = self.next_fire(
                plan,
                due,
                before,
                person_zone=person_zone,
                all_day_time=all_day_time,
                after=after,
            )
            return Arming(found.at, found.zone) if found else None

        if armed_at is not None and armed_at <= now:
            waits = fire(armed_at - INSTANT)
            if waits is not None and waits.at == armed_at:
                return waits
        return fire(now)

    def next_fire(
        self,
        plan: Plan,
        current: Due,
        before: timedelta,
        *,
        person_zone: str,
        all_day_time: time,
        after: datetime,
    ) -> Fire | None:
        """The first fire after this instant; one moved by hand counts where it is, and once."""
        return rule.next_fire(
            plan,
            current,
            before,
            planned=self.planned,
            person_zone=person_zone,
            all_day_time=all_day_time,
            after=after,
        )


def joined(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """With the series whose newest todo this reminder is of; read `COLUMNS` there."""
    return statement.outerjoin(
        Series,
        and_(Series.workspace_id == Reminders.workspace_id, Series.todo_id == Reminders.todo_id),
    ).outerjoin(_OWNER, _OWNER.id == Series.created_by)


OF_TODO: Final = query(
    select(*COLUMNS)
    .outerjoin(_OWNER, _OWNER.id == Series.created_by)
    .where(
        Series.workspace_id == bindparam("workspace_id"), Series.todo_id == bindparam("todo_id")
    ),
    Course.of_columns,
)


async def of_todo(tx: Transaction, row: TodoRow) -> Course | None:
    """The series that this todo is the newest of."""
    if row.series_id is None:
        return None
    return await tx.first(OF_TODO, workspace_id=row.workspace_id, todo_id=row.id)
