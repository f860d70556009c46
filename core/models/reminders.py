from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table, TenantTable, Version


class Reminders(TenantTable):
    """A person's wish to be told. `next_at` is when the tick takes it; null: nothing to come.

    Kept narrow (see `bench/RESULTS.md` for bytes per row): millions of these wait at a time.
    """

    __tablename__ = "reminders"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "todo_id"],
            ["todos.workspace_id", "todos.id"],
            ondelete="CASCADE",
            name="fk_reminders_todo_id",
        ),
        CheckConstraint(
            "(at_on IS NULL) = (at_time IS NULL) AND (at_on IS NULL) <> (before_s IS NULL)",
            name="at_or_before",
        ),
        CheckConstraint("at_zone IS NULL OR at_on IS NOT NULL", name="at_zone_has_a_time"),
        Index(None, "todo_id"),  # alone: see 0007
        Index(None, "user_id"),
        Index(None, "lane", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index(
            None,
            "workspace_id",
            "next_at",
            postgresql_where=text("lane IS NULL AND next_at IS NOT NULL"),
        ),
    )

    todo_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    next_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    at_time: Mapped[time | None]
    at_on: Mapped[date | None]
    before_s: Mapped[int | None]
    arm_no: Mapped[int] = mapped_column(server_default="0")
    # The first arming whose messages are still meant; null: only the current one. A rule that moves
    # a reminder on keeps what it already told; a person who changes it takes that back.
    since_arm_no: Mapped[int | None]
    version: Mapped[Version]
    lane: Mapped[int | None] = mapped_column(SmallInteger)  # null: a clock of its own
    urgent: Mapped[bool] = mapped_column(server_default=text("false"))
    at_zone: Mapped[str | None]
    armed_zone: Mapped[str | None]
    armed_tzdata: Mapped[str | None]
    channels: Mapped[list[str] | None]


class Leases(Table):
    """Who works on a due row, and until when. A dead worker's lease ends by itself."""

    __tablename__ = "leases"

    kind: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    row_id: Mapped[UUID] = mapped_column(primary_key=True)
    arm_no: Mapped[int]  # of the row when it was leased: another arming is another matter
    token: Mapped[UUID]
    until: Mapped[datetime]
