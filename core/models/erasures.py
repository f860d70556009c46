from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table, one_of


class ErasureStatus(StrEnum):
    WAITING = "waiting"  # until its grace is over; the account works as ever
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class Erasures(Table):
    """An account's end, and how far it is. No foreign key: it outlives whom it is about."""

    __tablename__ = "erasures"
    __table_args__ = (
        one_of("status", ErasureStatus),
        Index(
            "uq_erasures_one_open",
            "user_id",
            unique=True,
            postgresql_where=text("status IN ('waiting', 'running')"),
        ),
        Index(None, "receipt_id", unique=True),
        Index(None, "user_id", "requested_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    receipt_id: Mapped[UUID]  # the address that its receipt gets
    status: Mapped[str] = mapped_column(server_default=ErasureStatus.WAITING)
    steps: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    restarts: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # after a restore
    requested_at: Mapped[CreatedAt]
    due_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ErasureLedger(Table):
    """Who was erased: opaque, and kept for good, so that no backup brings anybody back.

    The store of blobs holds the same, for a backup that is older than an entry.
    """

    __tablename__ = "erasure_ledger"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    erased_at: Mapped[CreatedAt]


class ErasureReceipts(Table):
    """What was erased, in numbers, signed. Nothing in it leads to a person."""

    __tablename__ = "erasure_receipts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    issued_at: Mapped[CreatedAt]
    counts: Mapped[dict[str, Any]]
    signature: Mapped[bytes] = mapped_column(LargeBinary)
