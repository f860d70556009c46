from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, TenantTable, Version, one_of


class Status(StrEnum):
    PENDING = "pending"
    COMPLETED = "completed"


class Priority(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


# The order of `Priority`; an index stands in it. In lines, as PostgreSQL tells it: alembic compares
# them. No function, for none is leak-proof: row-level security would keep it from the index.
PRIORITY_RANK = """
CASE priority
    WHEN 'high' THEN 0
    WHEN 'medium' THEN 1
    WHEN 'low' THEN 2
    ELSE 3
END"""


class CreatedVia(StrEnum):
    API = "api"
    QUICK = "quick"
    VOICE = "voice"
    IMPORT = "import"
    MIGRATION = "migration"
    CALENDAR = "calendar"
    SLACK = "slack"
    ASSISTANT = "assistant"


class Lists(TenantTable):
    __tablename__ = "lists"
    __table_args__ = (
        Index(
            "uq_lists_workspace_id_name",
            "workspace_id",
            text("lower(name)"),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(None, "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
    )

    name: Mapped[str]
    position: Mapped[float] = mapped_column(Double)
    version: Mapped[Version]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    deleted_at: Mapped[datetime | None]


class Todos(TenantTable):
    __tablename__ = "todos"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "list_id"],
            ["lists.workspace_id", "lists.id"],
            ondelete="RESTRICT",
            name="fk_todos_list_id",
        ),
        ForeignKeyConstraint(
            ["workspace_id", "parent_id"],
            ["todos.workspace_id", "todos.id"],
            ondelete="CASCADE",
            name="fk_todos_parent_id",
        ),
        ForeignKeyConstraint(
            ["assignee_id", "workspace_id"],
            ["memberships.user_id", "memberships.workspace_id"],
            ondelete="SET NULL (assignee_id)",
            name="fk_todos_assignee_id",
        ),
        ForeignKeyConstraint(
            ["workspace_id", "series_id"],
            ["series.workspace_id", "series.id"],
            ondelete="SET NULL (series_id)",
            name="fk_todos_series_id",
        ),
        one_of("status", Status),
        one_of("priority", Priority),
        one_of("created_via", CreatedVia),
        CheckConstraint("parent_id <> id", name="parent_is_another"),
        CheckConstraint("due_time IS NULL OR due_on IS NOT NULL", name="due_time_has_a_date"),
        CheckConstraint("due_zone IS NULL OR due_time IS NOT NULL", name="due_zone_has_a_time"),
        CheckConstraint(
            "(status = 'completed') = (completed_at IS NOT NULL)", name="completed_has_an_instant"
        ),
        # One index per way people look at a list; each ends in the id, so pages never overlap.
        # Order of creation needs none: ids are UUIDv7, the primary key is in that order.
        Index(None, "workspace_id", "position", "id", postgresql_where=text("deleted_at IS NULL")),
        Index(None, "workspace_id", "due_at", "id", postgresql_where=text("deleted_at IS NULL")),
        Index(
            "ix_todos_workspace_id_priority",
            "workspace_id",
            text(f"({PRIORITY_RANK})"),
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
        # What is open is a small part of what is there: whoever asks for that reads no more.
        Index(
            "ix_todos_pending",
            "workspace_id",
            "due_at",
            "id",
            postgresql_where=text("deleted_at IS NULL AND status = 'pending'"),
        ),
        Index(
            None, "assignee_id", "workspace_id", postgresql_where=text("assignee_id IS NOT NULL")
        ),
        Index(
            None, "workspace_id", "completed_at", postgresql_where=text("completed_at IS NOT NULL")
        ),
        Index(None, "workspace_id", "list_id", postgresql_where=text("list_id IS NOT NULL")),
        Index(None, "workspace_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index(None, "workspace_id", "series_id", postgresql_where=text("series_id IS NOT NULL")),
        Index(None, "created_by"),  # for whoever is erased
        Index(None, "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
    )

    list_id: Mapped[UUID | None]
    parent_id: Mapped[UUID | None]
    title: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(Text, server_default=Status.PENDING)
    priority: Mapped[str] = mapped_column(Text, server_default=Priority.NONE)
    tags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    due_on: Mapped[date | None]  # the wall's date …
    due_time: Mapped[time | None]  # … and time; null: all day
    due_zone: Mapped[str | None]  # null: floating
    due_at: Mapped[datetime | None]  # derived; all-day: that day's local midnight
    assignee_id: Mapped[UUID | None]
    position: Mapped[float] = mapped_column(Double)
    location: Mapped[str | None]
    created_via: Mapped[str] = mapped_column(server_default=CreatedVia.API)
    series_id: Mapped[UUID | None]
    missed: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    version: Mapped[Version]
    created_at: Mapped[CreatedAt]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    updated_at: Mapped[CreatedAt]
    completed_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
