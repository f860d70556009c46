from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table, one_of


class WorkspaceKind(StrEnum):
    PERSONAL = "personal"  # has the id of its user: whose it is needs no look-up
    TEAM = "team"
    SANDBOX = "sandbox"  # its time stands still until moved


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class Workspaces(Table):
    __tablename__ = "workspaces"
    __table_args__ = (
        one_of("kind", WorkspaceKind),
        CheckConstraint("(kind = 'sandbox') = (clock_at IS NOT NULL)", name="sandbox_has_a_clock"),
        Index("ix_workspaces_clocked", "id", postgresql_where=text("clock_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    clock_at: Mapped[datetime | None]  # null: time passes by itself
    created_at: Mapped[CreatedAt]


class Memberships(Table):
    __tablename__ = "memberships"
    __table_args__ = (one_of("role", Role), Index(None, "workspace_id"))

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str]
    created_at: Mapped[CreatedAt]


class Feeds(Table):
    """The last number given to an event of a workspace."""

    __tablename__ = "feeds"

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(BigInteger, server_default="0")
