from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table, TenantTable, one_of


class DigestStatus(StrEnum):
    TOLD = "told"  # its messages are in the ledger
    SKIPPED = "skipped"  # there was nothing to tell
    PAUSED = "paused"
    MISSED = "missed"  # more than a day late


class Digests(TenantTable):
    """When a person's next digest goes out. Has the person's id, as their personal workspace has.

    What they wish stands in `users.preferences`; whoever changes that, or their zone, arms this.
    """

    __tablename__ = "digests"
    __table_args__ = (
        Index(None, "lane", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index(
            None,
            "workspace_id",
            "next_at",
            postgresql_where=text("lane IS NULL AND next_at IS NOT NULL"),
        ),
    )

    next_at: Mapped[datetime | None]
    due_on: Mapped[date | None]  # the person's day that it is for
    period: Mapped[str | None]
    arm_no: Mapped[int] = mapped_column(server_default="1")
    lane: Mapped[int | None] = mapped_column(SmallInteger)
    armed_zone: Mapped[str | None]
    armed_tzdata: Mapped[str | None]
    updated_at: Mapped[CreatedAt]


class DigestPeriods(Table):
    """What became of each period. The key is what no retry, and no change of plan, writes twice.

    Narrow, and kept as long as its person: what deliveries and digests forget stands here.
    """

    __tablename__ = "digest_periods"
    __table_args__ = (one_of("status", DigestStatus),)

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    period: Mapped[str] = mapped_column(primary_key=True)  # 2026-03-29 or 2026-W13
    status: Mapped[str]
    decided_at: Mapped[datetime]
