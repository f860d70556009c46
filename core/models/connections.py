from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, TenantTable, one_of


class Provider(StrEnum):
    SLACK = "slack"


class ConnectionStatus(StrEnum):
    ACTIVE = "active"
    NEEDS_REAUTH = "needs_reauth"  # the provider takes the token no longer
    NEEDS_ADDRESS = "needs_address"  # what was written to is gone, or closed to us


class Connections(TenantTable):
    """A person's access to an outside service, for one workspace."""

    __tablename__ = "connections"
    __table_args__ = (
        one_of("provider", Provider),
        one_of("status", ConnectionStatus),
        UniqueConstraint("workspace_id", "user_id", "provider"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    provider: Mapped[str]
    account_id: Mapped[str]  # at the provider: a team of Slack's
    address: Mapped[str]  # where messages go: a conversation or a person of that team
    secret: Mapped[bytes] = mapped_column(LargeBinary)  # sealed for this row
    secret_key: Mapped[str]  # which key it is sealed with
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)  # whether two have the same token
    status: Mapped[str]
    problem: Mapped[str | None]  # in a word, while it is not active
    digest_channel: Mapped[str | None]  # of Slack: the digest goes there, not to the person
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[datetime]
