"""Archives as they stand in their table, and the statements."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import and_, bindparam, func, insert, null, select, tuple_, update

from core.models.exports import Exports
from core.models.jobs import Jobs, JobStatus
from core.models.memos import VoiceMemos
from core.models.users import Users
from core.services.memo_rows import MemoRow
from core.statements import query


@dataclass(frozen=True, slots=True)
class Export:
    """A job, and the archive that it makes. `result` tells of the archive once it is ready.

    `available`: it can be downloaded, until `expires_at`.
    """

    id: UUID
    status: str
    progress: float
    formats: list[str]
    result: dict[str, Any] | None
    error: str | None
    available: bool
    downloads: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        return cls(*values)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is needed to send an archive."""

    user_id: UUID
    id: UUID
    blob: str
    blob_key: bytes = field(repr=False)
    size: int
    sha256: bytes
    created_at: datetime


_MINE = and_(
    Exports.user_id == bindparam("user_id"),
    Exports.workspace_id == bindparam("user_id"),
    Jobs.workspace_id == Exports.workspace_id,
    Jobs.id == Exports.id,
)
_COLUMNS = (
    Exports.id,
    Jobs.status,
    Jobs.progress,
    Exports.formats,
    Jobs.result,
    Jobs.error,
    Exports.blob.is_not(None) & (Exports.expires_at > bindparam("now")),
    Exports.downloads,
    Exports.created_at,
    Jobs.updated_at,
    Exports.expires_at,
)
_NEWEST_FIRST = (Exports.created_at.desc(), Exports.id.desc())
_SHOWN = select(*_COLUMNS).where(_MINE, Exports.removed_at.is_(None))
PAGE: Final = query(_SHOWN.order_by(*_NEWEST_FIRST).limit(bindparam("limit")), Export.of_row)
NEXT_PAGE: Final = query(
    _SHOWN.where(
        tuple_(Exports.created_at, Exports.id) < tuple_(bindparam("before"), bindparam("before_id"))
    )
    .order_by(*_NEWEST_FIRST)
    .limit(bindparam("limit")),
    Export.of_row,
)
GET: Final = query(_SHOWN.where(Exports.id == bindparam("id")), Export.of_row)
LATELY: Final = query(
    select(func.count(), func.min(Exports.created_at)).where(
        _MINE, Jobs.status != JobStatus.FAILED, Exports.created_at > bindparam("since")
    )
)
ADD: Final = query(
    insert(Exports).values(
        workspace_id=bindparam("user_id"),
        id=bindparam("id"),
        user_id=bindparam("user_id"),
        formats=bindparam("formats"),
        created_at=bindparam("now"),
    )
)
_THIS = (Exports.workspace_id == bindparam("of_user"), Exports.id == bindparam("of_id"))
OPEN: Final = query(select(Exports.formats, Exports.created_at).where(*_THIS))
READY: Final = query(
    update(Exports)
    .where(*_THIS)
    .values(
        blob=bindparam("new_blob"),
        blob_key=bindparam("new_key"),
        size=bindparam("new_size"),
        sha256=bindparam("new_sha256"),
        ready_at=bindparam("now"),
        expires_at=bindparam("until"),
    )
)
BLOB: Final = query(select(Exports.blob).where(*_THIS).with_for_update())
REMOVE: Final = query(
    update(Exports)
    .where(*_THIS)
    .values(
        blob=None,
        blob_key=None,
        token_hash=None,
        token_expires_at=None,
        removed_at=bindparam("now"),
    )
)
LINK: Final = query(
    update(Exports)
    .where(*_THIS)
    .values(token_hash=bindparam("new_hash"), token_expires_at=bindparam("until"))
)
FOLLOW: Final = query(
    update(Exports)
    .where(
        Exports.workspace_id == bindparam("of_user"),
        Exports.token_hash == bindparam("of_hash"),
        Exports.token_expires_at > bindparam("now"),
        Exports.expires_at > bindparam("now"),
        Exports.blob.is_not(None),
    )
    .values(token_hash=None, token_expires_at=None, downloads=Exports.downloads + 1)
    .returning(
        Exports.user_id,
        Exports.id,
        Exports.blob,
        Exports.blob_key,
        Exports.size,
        Exports.sha256,
        Exports.created_at,
    ),
    Kept,
)
_RECORDED = (VoiceMemos.user_id == bindparam("me"), VoiceMemos.blob.is_not(None))
_BY_KEY = (VoiceMemos.workspace_id, VoiceMemos.id)
# Their words are told with the rows.
RECORDINGS: Final = query(
    select(
        *(
            null() if name in {"transcript", "words"} else getattr(VoiceMemos, name)
            for name in MemoRow.__dataclass_fields__
        )
    )
    .where(*_RECORDED, tuple_(*_BY_KEY) > tuple_(bindparam("after_space"), bindparam("after_id")))
    .order_by(*_BY_KEY)
    .limit(100),
    MemoRow,
)
RECORDED: Final = query(select(func.coalesce(func.sum(VoiceMemos.size), 0)).where(*_RECORDED))
ZONE: Final = query(select(Users.timezone).where(Users.id == bindparam("me")))
