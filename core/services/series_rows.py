"""Series as they are stored, and the statements."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from dataclasses import replace as replaced
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, delete, func, insert, select, update

from core.models.series import Occurrences, OccurrenceStatus, Series, SeriesStatus
from core.models.users import Users
from core.rules import rrule
from core.rules.recurrence import Anchor, PileUp, Recurrence, Shift
from core.rules.reminders import Due
from core.rules.rrule import Rule, Skip
from core.rules.series import Plan
from core.services.workspaces import visible
from core.statements import query


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
COLUMN_NAMES = tuple(f.name for f in fields(SeriesRow) if f.name != "zone")


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


def select_series() -> Select[Any]:
    """Columns for `SeriesRow.of_row`."""
    return select(*(getattr(Series, name) for name in COLUMN_NAMES), Users.timezone).outerjoin(
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
LOCK_VISIBLE = query(
    select_series()
    .where(visible(Series.workspace_id), Series.id == bindparam("of_id"))
    .with_for_update(of=Series),
    SeriesRow.of_row,
)
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
_THESE = and_(
    Occurrences.workspace_id == bindparam("of_workspace_id"),
    Occurrences.series_id == bindparam("of_series_id"),
)
ADD_OCCURRENCE = query(
    insert(Occurrences).values(
        {
            name: bindparam(name)
            for name in (
                "workspace_id",
                "series_id",
                "turn",
                "recurrence_id",
                "status",
                "todo_id",
                "due_at",
                "settled_at",
            )
        }
    )
)
SETTLE_OCCURRENCE = query(
    update(Occurrences)
    .where(
        _THESE,
        Occurrences.turn == bindparam("of_turn"),
        Occurrences.recurrence_id == bindparam("of_recurrence_id"),
    )
    .values(status=bindparam("status"), settled_at=bindparam("settled_at"))
)
FORGET_OCCURRENCES = query(
    delete(Occurrences).where(
        _THESE,
        func.row(Occurrences.turn, Occurrences.recurrence_id)
        > func.row(bindparam("of_turn"), bindparam("of_recurrence_id")),
    )
)
STATUSES_LEFT_OPEN = (OccurrenceStatus.OPEN, OccurrenceStatus.MOVED)


def written(row: SeriesRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _WRITTEN}
