from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Date

from core.models.table import CreatedAt, Table, TenantTable, Version, one_of
from core.rules.recurrence import Anchor, PileUp, Shift
from core.rules.rrule import Skip

EMPTY_DATES = text("'{}'")


class SeriesStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class OccurrenceStatus(StrEnum):
    OPEN = "open"
    MOVED = "moved"  # open, at another time than the rule's
    COMPLETED = "completed"
    SKIPPED = "skipped"
    MISSED = "missed"


class Series(TenantTable):
    """A rule and where it stands. `next_at` is when an occurrence left undone makes way.

    `todo_id` is its newest todo: the open one, or the last one when no other follows.
    """

    __tablename__ = "series"
    __table_args__ = (
        # The two tables name one another: whoever comes second is known at the commit.
        ForeignKeyConstraint(
            ["workspace_id", "todo_id"],
            ["todos.workspace_id", "todos.id"],
            ondelete="SET NULL (todo_id)",
            name="fk_series_todo_id",
            deferrable=True,
            initially="DEFERRED",
            use_alter=True,
        ),
        one_of("status", SeriesStatus),
        one_of("anchor", Anchor),
        one_of("skip", Skip),
        one_of("pile_up", PileUp),
        one_of("shift", Shift),
        Index(None, "workspace_id", "todo_id"),
        Index("ix_series_left", "updated_at", postgresql_where=text("todo_id IS NULL")),
        Index(None, "created_by"),
        Index(None, "lane", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index(
            None,
            "workspace_id",
            "next_at",
            postgresql_where=text("lane IS NULL AND next_at IS NOT NULL"),
        ),
    )

    todo_id: Mapped[UUID | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    status: Mapped[str] = mapped_column(server_default=SeriesStatus.ACTIVE)
    rrule: Mapped[str]  # as it was given
    anchor: Mapped[str]
    skip: Mapped[str]
    pile_up: Mapped[str]
    exdates: Mapped[list[date]] = mapped_column(ARRAY(Date()), server_default=EMPTY_DATES)
    rdates: Mapped[list[date]] = mapped_column(ARRAY(Date()), server_default=EMPTY_DATES)
    holidays: Mapped[str | None]
    shift: Mapped[str]
    start_on: Mapped[date]  # the due time that the rule counts from
    start_time: Mapped[time | None]
    start_zone: Mapped[str | None]
    turn: Mapped[int]  # how often the rule was begun anew: by a completion, by another rule
    nth: Mapped[int]  # of the occurrence, since the rule was given: what COUNT counts
    recurrence_id: Mapped[str]  # the rule's own local time of the current occurrence
    planned_on: Mapped[date]  # and where it was due before anybody moved it
    planned_time: Mapped[time | None]
    left_out: Mapped[int] = mapped_column(server_default="0")  # not made after an outage
    restores: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # next one's own
    next_at: Mapped[datetime | None]
    arm_no: Mapped[int] = mapped_column(server_default="1")
    lane: Mapped[int | None] = mapped_column(SmallInteger)  # null: a clock of its own
    armed_zone: Mapped[str | None]
    armed_tzdata: Mapped[str | None]
    version: Mapped[Version]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class Occurrences(Table):
    """What became of each occurrence. The key is what no retry can write twice."""

    __tablename__ = "occurrences"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "series_id"],
            ["series.workspace_id", "series.id"],
            ondelete="CASCADE",
            name="fk_occurrences_series_id",
        ),
        one_of("status", OccurrenceStatus),
    )

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    series_id: Mapped[UUID] = mapped_column(primary_key=True)
    turn: Mapped[int] = mapped_column(primary_key=True)
    recurrence_id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(server_default=OccurrenceStatus.OPEN)
    todo_id: Mapped[UUID | None]  # no foreign key: the record outlives the todo
    planned_on: Mapped[date]
    planned_time: Mapped[time | None]
    due_at: Mapped[datetime]  # by the rule, as zones were then
    settled_at: Mapped[datetime | None]
