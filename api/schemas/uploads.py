from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from api.schemas.memos import MemoFields
from core.services.uploads import UploadRow


class UploadBody(MemoFields):
    """What a recording that comes in parts is. Its length is told by `Upload-Length`."""


@dataclass(frozen=True, slots=True)
class Upload:
    """`offset` bytes of `length` are durable. `memo_id`: all of them are, and it is this memo."""

    id: UUID
    capture_id: UUID
    length: int
    offset: int
    memo_id: UUID | None
    expires_at: datetime

    @classmethod
    def of(cls, upload: UploadRow) -> Self:
        return cls(
            upload.id,
            upload.capture_id,
            upload.length,
            upload.received,
            upload.memo_id,
            upload.expires_at,
        )
