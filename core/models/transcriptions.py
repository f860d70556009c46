from uuid import UUID

from sqlalchemy import BigInteger, Double, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, TenantTable


class Transcriptions(TenantTable):
    """A recording that a provider transcribed, and what that was worth. Has the id of its job.

    So what was counted stands once, however often a step is repeated. No words are in it.
    """

    __tablename__ = "transcriptions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "memo_id"],
            ["voice_memos.workspace_id", "voice_memos.id"],
            ondelete="CASCADE",
            name="fk_transcriptions_memo_id",
        ),
        Index(None, "workspace_id", "memo_id"),
        Index(None, "created_at", postgresql_using="brin"),
    )

    memo_id: Mapped[UUID]
    transcriber: Mapped[str]
    model: Mapped[str]
    audio_s: Mapped[float] = mapped_column(Double)
    cost_microdollars: Mapped[int | None] = mapped_column(BigInteger)  # null: nobody says
    created_at: Mapped[CreatedAt]
