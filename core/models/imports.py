from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.models.table import CreatedAt, TenantTable, one_of
from core.rules.importing.records import Format


class Outcome(StrEnum):
    CREATED = "created"
    EXISTED = "existed"  # it came with an earlier file, or was here all along
    REJECTED = "rejected"  # it cannot be a todo; `code` and `reason` say why
    SKIPPED = "skipped"  # nothing that becomes a todo, or one that was deleted here since


class Taken(StrEnum):
    """What the undoing did with a row's todo."""

    BACK = "back"
    KEPT = "kept"  # it was changed since


class Imports(TenantTable):
    """A file that somebody brought, and what became of it. Its id is that of its job.

    The file is a blob, sealed with a key of its own, until the job is over.
    """

    __tablename__ = "imports"
    __table_args__ = (
        one_of("format", Format),
        CheckConstraint("(blob IS NULL) = (blob_key IS NULL)", name="blob_has_its_key"),
        Index(None, "user_id", "workspace_id", "created_at", "id"),
        Index(None, "blob", unique=True),
        Index(None, "expires_at"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    format: Mapped[str | None]  # null until it was looked at
    dry_run: Mapped[bool]
    again: Mapped[bool] = mapped_column(server_default=text("false"))  # what was deleted since
    file_name: Mapped[str | None]
    size: Mapped[int]  # in bytes
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    blob: Mapped[str | None]
    blob_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed
    change_set_id: Mapped[UUID]  # of all that it makes
    done: Mapped[int] = mapped_column(server_default="0")  # rows of the file that were seen to
    report: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    list_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), server_default=text("'{}'"))
    undo_id: Mapped[UUID | None]  # the job that takes it back
    undone_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]  # then it is forgotten with its rows, and undone no more


class ImportRows(TenantTable):
    """What became of one row of a file; `n` counts them from 1, as they were read."""

    __tablename__ = "import_rows"
    __table_args__ = (
        one_of("outcome", Outcome),
        one_of("taken", Taken),
        ForeignKeyConstraint(
            ["workspace_id", "import_id"],
            ["imports.workspace_id", "imports.id"],
            ondelete="CASCADE",
            name="fk_import_rows_import_id",
        ),
        UniqueConstraint("workspace_id", "import_id", "n"),
    )

    import_id: Mapped[UUID]
    n: Mapped[int]
    line: Mapped[int]
    ref: Mapped[str | None]  # what the source calls it
    outcome: Mapped[str]
    todo_id: Mapped[UUID | None]
    code: Mapped[str | None]
    reason: Mapped[str | None]
    excerpt: Mapped[str]  # enough to know it again
    lost: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    taken: Mapped[str | None]


class ImportRefs(TenantTable):
    """What came once does not come again: the id is made of the person, the format and the ref.

    A row outlives its todo: what was imported and then deleted stays deleted. What an undoing took
    back (`taken_back`) was never brought, as long as nobody undoes the undoing.
    """

    __tablename__ = "import_refs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "todo_id"],
            ["todos.workspace_id", "todos.id"],
            ondelete="SET NULL (todo_id)",
            name="fk_import_refs_todo_id",
        ),
        Index(None, "workspace_id", "todo_id", postgresql_where=text("todo_id IS NOT NULL")),
        Index(None, "user_id"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    todo_id: Mapped[UUID | None]
    taken_back: Mapped[bool] = mapped_column(server_default=text("false"))
