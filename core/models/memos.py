from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table, TenantTable, one_of, type_now


class MemoStatus(StrEnum):
    RECEIVED = "received"
    WAITING = "waiting"  # for a transcriber that is away, or not configured
    TRANSCRIBING = "transcribing"
    UNDERSTANDING = "understanding"
    DONE = "done"
    NO_SPEECH = "no_speech"
    NEEDS_CONFIRMATION = "needs_confirmation"
    FAILED = "failed"
    DELETED = "deleted"


class Quality(StrEnum):
    DEMO = "demo"  # everything understood from it is asked about first
    STANDARD = "standard"


class ConsentKind(StrEnum):
    THIRD_PARTY_TRANSCRIPTION = "third_party_transcription"
    THIRD_PARTY_UNDERSTANDING = "third_party_understanding"


class VoiceMemos(TenantTable):
    """A recording, and what became of it. Its audio is a blob, sealed with a key of its own.

    Without `blob_key` no copy of the audio can be opened, wherever one is left.
    """

    __tablename__ = "voice_memos"
    __table_args__ = (
        one_of("status", MemoStatus),
        one_of("quality", Quality),
        CheckConstraint("(blob IS NULL) = (blob_key IS NULL)", name="blob_has_its_key"),
        CheckConstraint("(blob IS NULL) = (audio_gone_at IS NOT NULL)", name="audio_or_its_end"),
        CheckConstraint(
            "(status = 'deleted') = (deleted_at IS NOT NULL)", name="deleted_has_an_instant"
        ),
        # A recording is one memo, however often its upload is repeated.
        UniqueConstraint("workspace_id", "user_id", "capture_id"),
        Index(None, "user_id", "workspace_id", "created_at", "id"),
        Index(None, "blob", unique=True),
        Index(None, "retain_until", postgresql_where=text("blob IS NOT NULL")),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    capture_id: Mapped[UUID]
    session_id: Mapped[UUID | None]
    job_id: Mapped[UUID]  # the newest: of the first processing, or of a repeated one
    status: Mapped[str] = mapped_column(server_default=MemoStatus.RECEIVED)
    stage: Mapped[str | None]  # what is being done now
    media_type: Mapped[str]
    size: Mapped[int]  # in bytes
    sha256: Mapped[bytes] = mapped_column(LargeBinary)  # of the audio as it was sent
    duration_s: Mapped[float | None] = mapped_column(Double)
    language: Mapped[str | None]  # asked for; found, once it is transcribed
    blob: Mapped[str | None]
    blob_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed
    transcript: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed
    words: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed JSON
    transcriber: Mapped[str | None]
    quality: Mapped[str | None]
    stt_confidence: Mapped[float | None] = mapped_column(Double)
    problem: Mapped[str | None]  # a sentence for its owner
    retain_until: Mapped[datetime | None]  # of the audio; null: not yet known, or for ever
    audio_gone_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class VoiceUploads(TenantTable):
    """A long recording that comes in parts, each a sealed blob. Kept until it expires."""

    __tablename__ = "voice_uploads"
    __table_args__ = (
        CheckConstraint("received BETWEEN 0 AND length", name="received_within_length"),
        UniqueConstraint("workspace_id", "user_id", "capture_id"),
        Index(None, "user_id"),
        Index(None, "expires_at"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    capture_id: Mapped[UUID]
    session_id: Mapped[UUID | None]
    language: Mapped[str | None]
    length: Mapped[int]
    received: Mapped[int] = mapped_column(server_default="0")
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)  # of the whole, as announced
    parts: Mapped[list[str]] = mapped_column(server_default="{}")  # blobs, in order
    parts_key: Mapped[bytes] = mapped_column(LargeBinary)  # sealed
    memo_id: Mapped[UUID | None]  # once it is complete
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]


class Consents(Table):
    """What a person has agreed to, and since when no more. Each change is in `consent_log`."""

    __tablename__ = "consents"
    __table_args__ = (one_of("kind", ConsentKind),)

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    granted_at: Mapped[datetime] = mapped_column(server_default=type_now)
    withdrawn_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(SmallInteger, server_default="1")  # of the text
