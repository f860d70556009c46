from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table, TenantTable


class PushSubscriptions(Table):
    """A browser that shows a person's messages. Its keys are of use only with our own VAPID key."""

    __tablename__ = "push_subscriptions"
    __table_args__ = (UniqueConstraint("user_id", "endpoint"), Index(None, "session_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    # Where it was made or last confirmed: who signs a lost phone out ends its messages as well.
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("sessions.id", ondelete="SET NULL"))
    endpoint: Mapped[str]
    p256dh: Mapped[str]
    auth: Mapped[str]
    name: Mapped[str]
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # since it last worked
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime | None]


class UsedActions(TenantTable):
    """What a link in a message did. Kept until the link expires: it does so once, whatever breaks.

    The id is made of the message and of what the link does, so another copy of it is the same.
    """

    __tablename__ = "used_actions"
    __table_args__ = (Index(None, "expires_at"), Index(None, "user_id"))

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    used_at: Mapped[datetime]
    until_at: Mapped[datetime | None]  # snoozed until
    expires_at: Mapped[datetime]
