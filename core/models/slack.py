from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, TenantTable


class SlackHomes(TenantTable):
    """A person's App Home: looked at until when, and what it shows. Has its connection's id."""

    __tablename__ = "slack_homes"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "id"],
            ["connections.workspace_id", "connections.id"],
            ondelete="CASCADE",
            name="fk_slack_homes_id",
        ),
        Index(None, "lane", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index(None, "lane", "looked_at"),  # which ones the feed may wake
        Index(
            None,
            "workspace_id",
            "next_at",
            postgresql_where=text("lane IS NULL AND next_at IS NOT NULL"),
        ),
    )

    next_at: Mapped[datetime | None]  # when it is looked whether it shows what is
    arm_no: Mapped[int] = mapped_column(server_default="1")
    lane: Mapped[int | None] = mapped_column(SmallInteger)
    seq: Mapped[int] = mapped_column(BigInteger, server_default="0")  # of the feed: read up to
    looked_at: Mapped[datetime]  # by its person, the last time
    shows: Mapped[bytes | None] = mapped_column(LargeBinary)  # a digest of what was published
    published_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # in a row
    updated_at: Mapped[CreatedAt]
