from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, TenantTable


class Exports(TenantTable):
    """A person's data in one archive: a sealed blob. Has the id of its job, which tells how far.

    Without `blob_key` no copy of the archive can be opened, wherever one is left.
    """

    __tablename__ = "exports"
    __table_args__ = (
        CheckConstraint("(blob IS NULL) = (blob_key IS NULL)", name="blob_has_its_key"),
        CheckConstraint("blob IS NULL OR ready_at IS NOT NULL", name="kept_once_ready"),
        CheckConstraint("(ready_at IS NULL) = (expires_at IS NULL)", name="ready_until_it_expires"),
        CheckConstraint("(token_hash IS NULL) = (token_expires_at IS NULL)", name="token_expires"),
        Index(None, "user_id", "workspace_id", "created_at", "id"),
        Index(None, "blob", unique=True),
        Index(None, "expires_at", postgresql_where=text("blob IS NOT NULL")),
        Index(None, "created_at"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    formats: Mapped[list[str]]
    blob: Mapped[str | None]
    blob_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed
    size: Mapped[int | None] = mapped_column(BigInteger)  # in bytes, of the archive
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)  # of the archive as it is downloaded
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)  # of the link that is open
    token_expires_at: Mapped[datetime | None]
    downloads: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[CreatedAt]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]  # by its person, before it expired
