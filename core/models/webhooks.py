from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table, TenantTable, one_of


class Payload(StrEnum):
    THIN = "thin"  # type, instant and id: nothing that anybody wrote
    FULL = "full"  # with the resource as the API shows it


class EndpointStatus(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    BY_HAND = "by_hand"
    FAILING = "failing"  # for five days
    GONE = "gone"  # it answered 410
    OWNER_LEFT = "owner_left"  # who sees nothing there any more sends nothing from there


class WebhookStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookEndpoints(TenantTable):
    """Where the events of a workspace are posted to. Falls due when the feed is ahead of `seq`.

    Always in a lane: receivers live in real time, also those of a workspace with its own clock.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        one_of("payload", Payload),
        one_of("status", EndpointStatus),
        one_of("disabled_reason", DisabledReason),
        Index(None, "lane", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index(None, "user_id"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    url: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    events: Mapped[list[str]]  # `*`, `todo.*` or names
    payload: Mapped[str] = mapped_column(server_default=Payload.FULL)
    status: Mapped[str] = mapped_column(server_default=EndpointStatus.ACTIVE)
    disabled_reason: Mapped[str | None]
    secret: Mapped[bytes] = mapped_column(LargeBinary)  # sealed for this row, as the next two are
    secret_previous: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_until: Mapped[datetime | None]
    signing_key: Mapped[bytes] = mapped_column(LargeBinary)  # the seed of v1a
    lane: Mapped[int] = mapped_column(SmallInteger)
    next_at: Mapped[datetime | None]
    arm_no: Mapped[int] = mapped_column(server_default="1")
    seq: Mapped[int] = mapped_column(BigInteger)  # the event up to which the feed was read
    hold_until: Mapped[datetime | None]  # nothing is sent before
    failures: Mapped[int] = mapped_column(server_default="0")  # of the receiver, one after another
    failing_since: Mapped[datetime | None]
    last_failure_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class WebhookDeliveries(TenantTable):
    """One message to one endpoint. A null `event_seq` is a test that somebody asked for."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        one_of("status", WebhookStatus),
        ForeignKeyConstraint(
            ["workspace_id", "endpoint_id"],
            ["webhook_endpoints.workspace_id", "webhook_endpoints.id"],
            ondelete="CASCADE",
            name="fk_webhook_deliveries_endpoint_id",
        ),
        UniqueConstraint("workspace_id", "endpoint_id", "event_seq"),
        Index(None, "workspace_id", "endpoint_id", "id"),
        Index(
            "ix_webhook_deliveries_pending",
            "workspace_id",
            "endpoint_id",
            "next_at",
            "event_seq",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(None, "created_at", postgresql_using="brin"),
        Index(
            "ix_webhook_deliveries_bodies",
            "created_at",
            postgresql_where=text("body IS NOT NULL"),
        ),
    )

    endpoint_id: Mapped[UUID]
    event_seq: Mapped[int | None] = mapped_column(BigInteger)
    event_type: Mapped[str]
    message_id: Mapped[str]  # the same for every attempt: receivers know a repetition by it
    body: Mapped[bytes | None] = mapped_column(LargeBinary)  # the bytes that are signed and sent
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default="0")
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # since it was last asked
    next_at: Mapped[datetime | None]
    status_code: Mapped[int | None]  # of the last attempt, as the next
    error: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    delivered_at: Mapped[datetime | None]


class WebhookAttempts(Table):
    """What one attempt met with."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "delivery_id"],
            ["webhook_deliveries.workspace_id", "webhook_deliveries.id"],
            ondelete="CASCADE",
            name="fk_webhook_attempts_delivery_id",
        ),
    )

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    nth: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    status_code: Mapped[int | None]
    error: Mapped[str | None]
    took_ms: Mapped[int]
    response_excerpt: Mapped[str | None]
