from datetime import datetime
from enum import StrEnum
from typing import Any
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
from core.rules.calendar_policy import Policy


class SyncState(StrEnum):
    IDLE = "idle"
    RUNNING = "running"  # a workflow works on it; `next_at` is when it is given up for lost
    PAUSED = "paused"  # the provider does not let us in, or it is being disconnected


class Phase(StrEnum):
    """What a run does now, in this order; each goes on where its row says that it is."""

    LISTING = "listing"  # what changed at the calendar
    TODOS = "todos"  # every todo that belongs there: the first time, and when asked to
    FEED = "feed"  # todos that changed since
    DELETIONS = "deletions"


class Side(StrEnum):
    TODO = "todo"
    EVENT = "event"


class LinkState(StrEnum):
    LINKED = "linked"
    LEAVING = "leaving"  # one of the two was deleted, and the other one is to follow
    ENDED = "ended"  # kept, so that neither of the two is taken for a new one


class CalendarSyncs(TenantTable):
    """How far a connection's calendar and the todos of its workspace agree.

    Has the id of the connection. `fence` rises with each slice of work: who holds an older number
    was given up for lost, and writes nothing.
    """

    __tablename__ = "calendar_syncs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "id"],
            ["connections.workspace_id", "connections.id"],
            ondelete="CASCADE",
            name="fk_calendar_syncs_id",
        ),
        one_of("policy", Policy),
        one_of("state", SyncState),
        one_of("phase", Phase),
        Index(None, "lane", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index(None, "user_id"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    calendar_id: Mapped[str]
    calendar_name: Mapped[str] = mapped_column(server_default="")
    calendar_zone: Mapped[str] = mapped_column(server_default="UTC")  # as its listings say
    policy: Mapped[str] = mapped_column(server_default=Policy.TAGGED)
    state: Mapped[str] = mapped_column(server_default=SyncState.IDLE)
    lane: Mapped[int] = mapped_column(SmallInteger)
    next_at: Mapped[datetime | None]
    arm_no: Mapped[int] = mapped_column(server_default="1")
    seq: Mapped[int] = mapped_column(BigInteger, server_default="0")  # of the feed, read up to
    run_no: Mapped[int] = mapped_column(server_default="0")
    fence: Mapped[int] = mapped_column(server_default="0")
    change_set_id: Mapped[UUID | None]  # of this run's changes
    began_at: Mapped[datetime | None]  # this run
    phase: Mapped[str] = mapped_column(server_default=Phase.LISTING)
    full_sync: Mapped[bool] = mapped_column(server_default=text("true"))  # and of all todos
    full_list: Mapped[bool] = mapped_column(server_default=text("true"))  # of all events
    sync_token: Mapped[str | None]  # where the next listing begins
    page_token: Mapped[str | None]  # of a listing under way
    after_id: Mapped[UUID | None]  # the last todo that was looked at, of all
    feed_until: Mapped[int | None] = mapped_column(BigInteger)  # what this run reads up to
    progress_done: Mapped[int] = mapped_column(server_default="0")
    progress_total: Mapped[int] = mapped_column(server_default="0")
    poked_at: Mapped[datetime | None]  # somebody said that there is news at the calendar
    listed_at: Mapped[datetime | None]
    last_synced_at: Mapped[datetime | None]
    problem: Mapped[str | None]  # a sentence
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # in a row
    job_id: Mapped[UUID | None]  # told how far it is, from the run `job_run` on
    job_run: Mapped[int | None]
    channel_id: Mapped[UUID | None]
    channel_resource: Mapped[str | None]
    channel_token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    channel_expires_at: Mapped[datetime | None]
    channel_renew_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class CalendarChannels(Table):
    """Which sync a notification is for; who sends one knows the token and nobody signed in."""

    __tablename__ = "calendar_channels"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "connection_id"],
            ["calendar_syncs.workspace_id", "calendar_syncs.id"],
            ondelete="CASCADE",
            name="fk_calendar_channels_connection_id",
        ),
        Index(None, "workspace_id", "connection_id"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    channel_id: Mapped[UUID]
    workspace_id: Mapped[UUID]
    connection_id: Mapped[UUID]


class CalendarLinks(TenantTable):
    """A todo and its event, and what they last agreed on."""

    __tablename__ = "calendar_links"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "connection_id"],
            ["calendar_syncs.workspace_id", "calendar_syncs.id"],
            ondelete="CASCADE",
            name="fk_calendar_links_connection_id",
        ),
        one_of("origin", Side),
        one_of("state", LinkState),
        one_of("gone", Side),
        one_of("quarantined", Side),
        UniqueConstraint("workspace_id", "connection_id", "event_id"),
        UniqueConstraint("workspace_id", "connection_id", "todo_id"),
        Index(
            "ix_calendar_links_to_look_at",
            "workspace_id",
            "connection_id",
            "id",
            postgresql_where=text("dirty OR gone IS NOT NULL"),
        ),
        Index(
            "ix_calendar_links_ended",
            "updated_at",
            postgresql_where=text("state = 'ended' AND base <> '{}'::jsonb"),
        ),
    )

    connection_id: Mapped[UUID]
    todo_id: Mapped[UUID | None]  # no foreign key: that the todo is gone is what it tells
    event_id: Mapped[str]
    generation: Mapped[int] = mapped_column(server_default="0")  # a deleted event keeps its id
    etag: Mapped[str] = mapped_column(server_default="")
    todo_version: Mapped[int] = mapped_column(server_default="0")
    base: Mapped[dict[str, Any] | None]
    origin: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=LinkState.LINKED)
    gone: Mapped[str | None]  # deleted on this side, as this run found
    quarantined: Mapped[str | None]  # as `gone`, and a person decides
    dirty: Mapped[bool] = mapped_column(server_default=text("false"))  # the event is to be written
    seen_run: Mapped[int] = mapped_column(server_default="0")  # the listing that named it last
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
