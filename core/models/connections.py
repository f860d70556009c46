from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table, TenantTable, one_of


class Provider(StrEnum):
    GOOGLE_CALENDAR = "google_calendar"
    SLACK = "slack"


class ConnectionStatus(StrEnum):
    ACTIVE = "active"
    NEEDS_REAUTH = "needs_reauth"  # the provider takes the token no longer
    NEEDS_ADDRESS = "needs_address"  # what was written to is gone, or closed to us
    DISCONNECTING = "disconnecting"  # kept only until the provider was told; nobody uses it


class Direction(StrEnum):
    READ = "read"
    WROTE = "wrote"
    SKIPPED = "skipped"
    FAILED = "failed"


class Connections(TenantTable):
    """A person's access to an outside service, for one workspace."""

    __tablename__ = "connections"
    __table_args__ = (
        one_of("provider", Provider),
        one_of("status", ConnectionStatus),
        UniqueConstraint("workspace_id", "user_id", "provider"),
        Index(None, "user_id"),
        Index(
            "ix_connections_disconnecting",
            "updated_at",
            postgresql_where=text("status = 'disconnecting'"),
        ),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    provider: Mapped[str]
    account_id: Mapped[str]  # at the provider: a team of Slack's
    address: Mapped[str]  # where messages go: a conversation or a person of that team; or ''
    name: Mapped[str] = mapped_column(server_default="")  # by which people know the account
    scopes: Mapped[list[str]] = mapped_column(server_default="{}")  # what it may do there
    secret: Mapped[bytes] = mapped_column(LargeBinary)  # sealed for this row
    secret_key: Mapped[str]  # which key it is sealed with
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)  # whether two have the same token
    status: Mapped[str]
    problem: Mapped[str | None]  # in a word, while it is not active
    digest_channel: Mapped[str | None]  # of Slack: the digest goes there, not to the person
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[datetime]


class OauthStates(Table):
    """A question to a provider that somebody is away to answer. Taken once, or too late.

    Asked before any workspace is known: whoever comes back shows the state and nothing else.
    """

    __tablename__ = "oauth_states"
    __table_args__ = (one_of("provider", Provider), Index(None, "expires_at"))

    state_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    provider: Mapped[str]
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    verifier_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # of PKCE
    expected: Mapped[str | None]  # who alone may answer: `team:user` where it began in Slack
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]


class SlackMembers(Table):
    """Whose somebody of a Slack team is. Asked before any workspace is known."""

    __tablename__ = "slack_members"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "connection_id"],
            ["connections.workspace_id", "connections.id"],
            ondelete="CASCADE",
        ),
        Index(None, "user_id"),
        Index(None, "workspace_id", "connection_id"),
    )

    team_id: Mapped[str] = mapped_column(primary_key=True)
    slack_user_id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    connection_id: Mapped[UUID]


class ConnectionActivity(TenantTable):
    """What a connection read, wrote, left alone and could not do. Words of ours, no titles."""

    __tablename__ = "connection_activity"
    __table_args__ = (
        one_of("direction", Direction),
        ForeignKeyConstraint(
            ["workspace_id", "connection_id"],
            ["connections.workspace_id", "connections.id"],
            ondelete="CASCADE",
        ),
        Index(None, "workspace_id", "connection_id", "id"),
        Index(None, "at"),
    )

    connection_id: Mapped[UUID]
    at: Mapped[datetime]
    direction: Mapped[str]
    action: Mapped[str]  # a constant word: `event.created`
    todo_id: Mapped[UUID | None]
    remote_id: Mapped[str | None]  # at the provider
    reason: Mapped[str | None]  # a constant sentence
    count: Mapped[int] = mapped_column(server_default="1")
