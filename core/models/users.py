from datetime import datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table, Version, one_of


class UserStatus(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"
    MERGED = "merged"  # an anonymous account whose todos moved to an existing one
    ERASING = "erasing"  # its end has begun: nobody signs in, nothing is sent


class Suppression(StrEnum):
    """Why no mail goes to an address until it is verified anew."""

    BOUNCED = "bounced"  # there is no such mailbox
    DROPPED = "dropped"  # the mail service keeps mail from it
    COMPLAINED = "complained"  # its owner called our mail spam
    UNSUBSCRIBED = "unsubscribed"  # with the mail service, from all of it


class Users(Table):
    __tablename__ = "users"
    __table_args__ = (
        one_of("status", UserStatus),
        one_of("email_suppressed", Suppression),
        CheckConstraint(r"phone ~ '^\+[1-9][0-9]{6,14}$'", name="phone"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(unique=True)  # lower case; null while anonymous
    email_verified_at: Mapped[datetime | None]
    email_suppressed: Mapped[str | None]  # then it is not verified, either
    # The delivery whose link verifies the address; null once used. Earlier links end with it.
    verification_id: Mapped[UUID | None] = mapped_column(unique=True)
    verification_asked_at: Mapped[datetime | None]
    password_hash: Mapped[str | None]
    name: Mapped[str] = mapped_column(server_default="")
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    locale: Mapped[str] = mapped_column(server_default="en")
    all_day_time: Mapped[time] = mapped_column(server_default=text("'09:00'"))
    preferences: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    phone: Mapped[str | None]  # E.164
    phone_verified_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(server_default=UserStatus.ACTIVE)
    version: Mapped[Version]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class Sessions(Table):
    """A sign-in on one device; its refresh tokens are one family."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index(None, "user_id", "id"),
        Index("ix_sessions_ended", text("least(revoked_at, expires_at)")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    user_agent: Mapped[str] = mapped_column(server_default="")
    authenticated_at: Mapped[CreatedAt]  # the password was shown; step-up looks at it
    created_at: Mapped[CreatedAt]
    last_seen_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]  # 30 days after creation, however often refreshed
    revoked_at: Mapped[datetime | None]


class RefreshTokens(Table):
    """Hashes only. A rotated one stays, so that its reuse is noticed."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index(None, "session_id"),)

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    rotated_at: Mapped[datetime | None]


class RateLimits(Table):
    """Hits in the current window. Unlogged: a crash forgets a minute of counting, no more."""

    __tablename__ = "rate_limits"
    __table_args__ = (
        # Blocks of rows, so that counting stays a change in place.
        Index(None, "resets_at", postgresql_using="brin"),
        {"prefixes": ["UNLOGGED"]},
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    hits: Mapped[int]
    resets_at: Mapped[datetime]


class AuditLog(Table):
    """Append-only (the database refuses changes): opaque ids and field names, never contents."""

    __tablename__ = "audit_log"
    __table_args__ = (Index(None, "actor_id", "at"), Index(None, "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[CreatedAt]
    actor_id: Mapped[UUID | None]
    action: Mapped[str]
    subject_id: Mapped[UUID | None]
    fields: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))


class InboundEvents(Table):
    """What a provider told us and was taken in: told again, it changes nothing. Kept for a week."""

    __tablename__ = "inbound_events"
    __table_args__ = (Index(None, "received_at"),)

    provider: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[CreatedAt]


class IdempotencyKeys(Table):
    """What a request with this key was answered, sealed with a key only its sender can derive."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"), Index(None, "user_id"))

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int] = mapped_column(SmallInteger)
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[CreatedAt]
    # Whoever was known as the transaction's person; only so that it goes with them.
    user_id: Mapped[UUID | None] = mapped_column(server_default=text("vt_user()"))
