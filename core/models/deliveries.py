from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, TenantTable, one_of


class DeliveryKind(StrEnum):
    REMINDER = "reminder"
    VERIFICATION = "verification"
    TEST = "test"  # asked for by somebody who tries a device
    DIGEST = "digest"
    SUMMARY = "summary"  # of messages that would have been too many at a time
    ESCALATION = "escalation"  # of a reminder that was pushed and not read
    EXPORT_READY = "export_ready"
    NEW_SIGN_IN = "new_sign_in"  # from a device that was not known
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind of message
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a kind of message
    INVITATION = "invitation"
    WEBHOOK_DISABLED = "webhook_disabled"  # what answered nothing but failures
    ERASURE_ASKED = "erasure_asked"
    ERASURE_BEGUN = "erasure_begun"


class Channel(StrEnum):
    IN_APP = "in_app"
    EMAIL = "email"
    PUSH = "push"
    SLACK = "slack"
    SMS = "sms"


CHANNELS = frozenset(Channel)


class DeliveryStatus(StrEnum):
    PENDING = "pending"  # waits for its next attempt
    HELD = "held"  # quiet hours
    SENDING = "sending"  # a worker is at it, or died at it
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    MISSED = "missed"  # too late to be useful


class Deliveries(TenantTable):
    """One message to one person through one channel; written before the vendor is called."""

    __tablename__ = "deliveries"
    __table_args__ = (
        one_of("kind", DeliveryKind),
        one_of("channel", Channel),
        one_of("status", DeliveryStatus),
        Index(None, "subject_id", "arm_no"),
        Index(None, "user_id", "workspace_id", "due_at", "id"),
        Index(
            None, "status", "updated_at", postgresql_where=text("status IN ('pending', 'sending')")
        ),
        Index("ix_deliveries_held", "updated_at", postgresql_where=text("status = 'held'")),
        Index(
            "ix_deliveries_noisy",
            "user_id",
            "updated_at",
            postgresql_where=text("channel IN ('push', 'slack')"),
        ),
        Index(None, "folded_into", postgresql_where=text("folded_into IS NOT NULL")),
    )

    kind: Mapped[str]
    subject_id: Mapped[UUID]  # the reminder; the device for a test; else the user
    todo_id: Mapped[UUID | None]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    arm_no: Mapped[int] = mapped_column(server_default="0")
    channel: Mapped[str]
    target_id: Mapped[
        UUID | None
    ]  # one of several of a channel: the push subscription, gone or not
    folded_into: Mapped[UUID | None]  # the summary that lists it, and says what became of it
    status: Mapped[str]
    ambiguous: Mapped[bool] = mapped_column(server_default=text("false"))
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    due_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    vendor_id: Mapped[str | None]
    error: Mapped[str | None]
    log: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class ParkedDeliveries(TenantTable):
    """When a delivery of which many failed at once is tried again. Has the delivery's id."""

    __tablename__ = "parked_deliveries"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "id"],
            ["deliveries.workspace_id", "deliveries.id"],
            ondelete="CASCADE",
            name="fk_parked_deliveries_id",
        ),
        Index(None, "lane", "next_at"),
    )

    provider: Mapped[str]  # who carries it, as the circuits call them
    lane: Mapped[int] = mapped_column(SmallInteger)
    next_at: Mapped[datetime]
    arm_no: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[CreatedAt]


class Notifications(TenantTable):
    """What the app shows; has the id of its delivery, so that a second attempt adds nothing."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index(None, "user_id", "created_at", "id"),
        Index(None, "created_at", postgresql_using="brin"),
        Index(
            "ix_notifications_unread",
            "user_id",
            "workspace_id",
            postgresql_where=text("read_at IS NULL"),
        ),
        Index("ix_notifications_read", "created_at", postgresql_where=text("read_at IS NOT NULL")),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str]
    todo_id: Mapped[UUID | None]
    title: Mapped[str]
    due_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    read_at: Mapped[datetime | None]
