from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table, one_of


class OutboxAction(StrEnum):
    START = "start"
    SIGNAL = "signal"
    CANCEL = "cancel"


class Outbox(Table):
    """Work that a committed change asks of Temporal. A settled row is deleted; a dead one stays."""

    __tablename__ = "outbox"
    __table_args__ = (
        one_of("action", OutboxAction),
        Index(None, "priority", "available_at", postgresql_where=text("dead_at IS NULL")),
        Index(None, "workflow_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(server_default=OutboxAction.START)
    workflow_type: Mapped[str]
    workflow_id: Mapped[str]
    signal: Mapped[str | None]
    arguments: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    subject_id: Mapped[UUID]
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="3")
    fairness_key: Mapped[str]
    available_at: Mapped[CreatedAt]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    lease_token: Mapped[UUID | None]
    error: Mapped[str | None]
    dead_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


class Executions(Table):
    """Our own ledger of started workflows: Temporal is rebuilt from it when its data is lost."""

    __tablename__ = "executions"
    __table_args__ = (
        Index(None, "started_at", postgresql_where=text("open")),
        Index(None, "fairness_key"),
    )

    workflow_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    subject_id: Mapped[UUID]
    arguments: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    fairness_key: Mapped[str]
    open: Mapped[bool] = mapped_column(server_default=text("true"))
    started_at: Mapped[CreatedAt]
    closed_at: Mapped[datetime | None]
