from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table

TRUE = text("true")


class KeyEpochs(Table):
    """What wraps people's keys; its own key is a file beside the database (`core.epochs`).

    Of installations that share a database, each has its own: `sealed_by` tells them apart.
    """

    __tablename__ = "key_epochs"
    __table_args__ = (
        UniqueConstraint("epoch", "live"),
        CheckConstraint("live = (destroyed_at IS NULL)", name="live_until_destroyed"),
    )

    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_id: Mapped[str]  # names the key without giving it away
    sealed_by: Mapped[str]  # which encryption key sealed its file first
    created_at: Mapped[CreatedAt]
    live: Mapped[bool] = mapped_column(server_default=TRUE)
    destroyed_at: Mapped[datetime | None]


class SubjectKeys(Table):
    """A person's key: what is sealed for them opens with it alone. Without its row, with nothing.

    `live` is always true: so the key to `key_epochs` lets no epoch end that still wraps one.
    """

    __tablename__ = "subject_keys"
    __table_args__ = (
        ForeignKeyConstraint(
            ["epoch", "live"],
            ["key_epochs.epoch", "key_epochs.live"],
            name="fk_subject_keys_epoch",
            ondelete="RESTRICT",
        ),
        CheckConstraint("live", name="wrapped_by_a_live_epoch"),
        Index(None, "epoch", "user_id"),
    )

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    epoch: Mapped[int]
    live: Mapped[bool] = mapped_column(server_default=TRUE)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[CreatedAt]
