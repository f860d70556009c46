from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table, TenantTable, one_of

NONE = text("'{}'")


class Outcome(StrEnum):
    DONE = "done"
    ASKED = "asked"  # the question is open, or nobody answered it
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    NOTHING = "nothing"  # nothing in it was for us
    FAILED = "failed"  # understood, and not possible


class VoiceSessions(TenantTable):
    """A talk of one person on one device: what was spoken of last, and how well it went."""

    __tablename__ = "voice_sessions"
    __table_args__ = (
        Index(None, "workspace_id", "user_id", "last_at"),
        Index(None, "user_id"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    device: Mapped[dict[str, Any] | None]  # as the client describes it
    started_at: Mapped[CreatedAt]
    last_at: Mapped[CreatedAt]
    total_commands: Mapped[int] = mapped_column(server_default="0")
    successful_commands: Mapped[int] = mapped_column(server_default="0")
    failed_commands: Mapped[int] = mapped_column(server_default="0")
    asked_commands: Mapped[int] = mapped_column(server_default="0")
    confidence_sum: Mapped[float] = mapped_column(Double, server_default="0")
    confidence_count: Mapped[int] = mapped_column(server_default="0")
    mentioned: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), server_default=NONE)  # in order
    mentioned_at: Mapped[datetime | None]


class VoiceCommands(TenantTable):
    """One utterance and what was made of it. The words are sealed, and forgotten after a while."""

    __tablename__ = "voice_commands"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "session_id"],
            ["voice_sessions.workspace_id", "voice_sessions.id"],
            ondelete="SET NULL (session_id)",
            name="fk_voice_commands_session_id",
        ),
        one_of("outcome", Outcome),
        Index(None, "workspace_id", "user_id", "created_at", "id"),
        Index(None, "user_id"),
        Index(None, "workspace_id", "session_id", postgresql_where=text("session_id IS NOT NULL")),
        Index(None, "workspace_id", "memo_id", postgresql_where=text("memo_id IS NOT NULL")),
        Index(None, "created_at", postgresql_where=text("sealed IS NOT NULL")),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    session_id: Mapped[UUID | None]
    memo_id: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]
    language: Mapped[str]
    intent: Mapped[str | None]  # of its first command
    outcome: Mapped[str]
    confidence: Mapped[float | None] = mapped_column(Double)
    stt_confidence: Mapped[float | None] = mapped_column(Double)
    transcriber: Mapped[str | None]
    latency_ms: Mapped[float] = mapped_column(Double)
    # What it did and can be taken back; an answer to its question adds one, "undo" takes one away.
    change_sets: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), server_default=NONE)
    sealed: Mapped[bytes | None] = mapped_column(
        LargeBinary
    )  # with the key's id: transcript, commands, proposals
    expires_at: Mapped[datetime | None]  # of its question
    answered_at: Mapped[datetime | None]
    resolver_version: Mapped[int] = mapped_column(SmallInteger)


class VoiceApplied(Table):
    """Which commands of a recording were carried out. The key is what no retry does twice."""

    __tablename__ = "voice_applied"

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    memo_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    command_id: Mapped[UUID]
    todo_id: Mapped[UUID | None]  # no key to it: that it was deleted since must stay known
    change_set: Mapped[UUID]
    applied_at: Mapped[CreatedAt]


class TodoVoice(Table):
    """Where a spoken todo comes from: the utterance, and which words became which field."""

    __tablename__ = "todo_voice"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "todo_id"],
            ["todos.workspace_id", "todos.id"],
            ondelete="CASCADE",
            name="fk_todo_voice_todo_id",
        ),
        Index(None, "workspace_id", "command_id"),
        Index(None, "created_at", postgresql_where=text("original_text IS NOT NULL")),
    )

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    todo_id: Mapped[UUID] = mapped_column(primary_key=True)
    command_id: Mapped[UUID]
    memo_id: Mapped[UUID | None]
    confidence: Mapped[float] = mapped_column(Double)
    original_text: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed
    spans: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=NONE)  # field: [from, to)
    resolver_version: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[CreatedAt]
