from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, TenantTable, one_of


class JobKind(StrEnum):
    CLOCK = "clock"  # a sandbox's clock moves forward
    ZONE_CHANGE = "zone_change"  # what is floating follows its person
    VOICE_MEMO = "voice_memo"  # a recording becomes words, and the words become todos
    CALENDAR_SYNC = "calendar_sync"  # a calendar and the todos of its workspace agree
    IMPORT = "import"  # a file becomes todos
    IMPORT_UNDO = "import_undo"  # and they go again
    EXPORT = "export"  # an archive of what is kept of a person


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"  # for somebody outside
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Jobs(TenantTable):
    """Long work that somebody asked for, and how far it is. The work itself is a workflow's."""

    __tablename__ = "jobs"
    __table_args__ = (
        one_of("kind", JobKind),
        one_of("status", JobStatus),
        CheckConstraint("progress BETWEEN 0 AND 1", name="progress"),
        CheckConstraint(
            "(status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)",
            name="finished_has_an_instant",
        ),
        Index(None, "user_id", "created_at", "id"),
        # A clock cannot be moved twice at a time, nor can a person be in two zones. One archive of
        # what is kept of a person is made at a time.
        Index(
            "uq_jobs_one_open",
            "workspace_id",
            "kind",
            unique=True,
            postgresql_where=text(
                "finished_at IS NULL AND kind IN ('clock', 'zone_change', 'export')"
            ),
        ),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=JobStatus.QUEUED)
    progress: Mapped[float] = mapped_column(Double, server_default="0")
    result: Mapped[dict[str, Any] | None]  # grows with the work; complete when it has succeeded
    error: Mapped[str | None]  # a sentence for whoever asked
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]
