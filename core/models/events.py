from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table


class Events(Table):
    """The one feed of a workspace: numbered without gaps, in the order of commits."""

    __tablename__ = "events"
    __table_args__ = (
        Index(None, "change_set_id"),
        Index(None, "at"),  # where something was written lately
        Index("ix_events_told", "at", postgresql_where=text("before <> '{}'::jsonb")),
    )

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    type: Mapped[str]
    subject_id: Mapped[UUID]
    actor_id: Mapped[UUID | None]
    change_set_id: Mapped[UUID]
    changed: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    before: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    at: Mapped[CreatedAt]
