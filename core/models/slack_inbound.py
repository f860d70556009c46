from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, Table, one_of


class InboundKind(StrEnum):
    COMMAND = "command"
    ACTION = "action"  # a button was pressed
    SHORTCUT = "shortcut"
    EVENT = "event"


class SlackInbound(Table):
    """What Slack told us: the id is made of Slack's own, so that told again it is the same row.

    `body` is what was told, until it is done; `answer` is what is to be said to it, until that is
    said. Both are null after that: rows stay for a week, words do not.
    """

    __tablename__ = "slack_inbound"
    __table_args__ = (
        one_of("kind", InboundKind),
        Index(None, "received_at"),
        Index(None, "user_id", "done_at"),
        Index(
            "ix_slack_inbound_words",
            "received_at",
            postgresql_where=text("body IS NOT NULL OR answer IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    team_id: Mapped[str]
    slack_user_id: Mapped[str]
    body: Mapped[dict[str, Any] | None]
    answer: Mapped[dict[str, Any] | None]
    result: Mapped[str | None]  # in a word
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    change_set_id: Mapped[UUID | None]  # of what it changed: undo takes that back
    received_at: Mapped[CreatedAt]
    done_at: Mapped[datetime | None]
