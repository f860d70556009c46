"""A memo as it stands in its table, and the statements of memos."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select, tuple_, update

from core.models.memos import MemoStatus, VoiceMemos
from core.services.workspaces import visible
from core.statements import Query, query, row

OVER: Final = frozenset(
    {
        MemoStatus.DONE,
        MemoStatus.NO_SPEECH,
        MemoStatus.NEEDS_CONFIRMATION,
        MemoStatus.FAILED,
        MemoStatus.DELETED,
    }
)


@dataclass(frozen=True, slots=True)
class MemoRow:
    """A memo as it stands in its table. What is sealed opens with `memo_secrets`."""

    workspace_id: UUID
    id: UUID
    user_id: UUID
    capture_id: UUID
    session_id: UUID | None
    job_id: UUID
    status: str
    stage: str | None
    media_type: str
    size: int
    sha256: bytes
    duration_s: float | None
    language: str | None
    blob: str | None
    blob_key: bytes | None = field(repr=False)
    transcript: bytes | None = field(repr=False)
    words: bytes | None = field(repr=False)
    transcriber: str | None
    quality: str | None
    stt_confidence: float | None
    problem: str | None
    retain_until: datetime | None
    audio_gone_at: datetime | None
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def over(self) -> bool:
        return self.status in OVER


_COLUMNS = tuple(
    getattr(VoiceMemos, name)
    for name in MemoRow.__dataclass_fields__  # the same names in the same order
)
_MINE = (visible(VoiceMemos.workspace_id), VoiceMemos.user_id == bindparam("user_id"))
_KEPT = VoiceMemos.deleted_at.is_(None)
_ORDER = (VoiceMemos.created_at.desc(), VoiceMemos.id.desc())
_THERE = VoiceMemos.workspace_id == bindparam("workspace_id")
PAGE = query(
    select(*_COLUMNS).where(*_MINE, _THERE, _KEPT).order_by(*_ORDER).limit(bindparam("limit")),
    MemoRow,
)
NEXT_PAGE = query(
    select(*_COLUMNS)
    .where(
        *_MINE,
        _THERE,
        _KEPT,
        tuple_(VoiceMemos.created_at, VoiceMemos.id)
        < tuple_(bindparam("before"), bindparam("before_id")),
    )
    .order_by(*_ORDER)
    .limit(bindparam("limit")),
    MemoRow,
)
GET = query(select(*_COLUMNS).where(*_MINE, VoiceMemos.id == bindparam("id")), MemoRow)
GET_LOCKED = query(
    select(*_COLUMNS)
    .where(*_MINE, VoiceMemos.id == bindparam("id"))
    .with_for_update(of=VoiceMemos),
    MemoRow,
)
OF_CAPTURE = query(
    select(*_COLUMNS).where(
        _THERE,
        VoiceMemos.user_id == bindparam("user_id"),
        VoiceMemos.capture_id == bindparam("capture_id"),
    ),
    MemoRow,
)
LOCK = query(
    select(*_COLUMNS).where(_THERE, VoiceMemos.id == bindparam("id"), _KEPT).with_for_update(),
    MemoRow,
)
# By the database's own clock, so that a process that slept over its upload writes nothing down:
# its blob may have been collected meanwhile.
ADD: Final = Query(
    b"""
    INSERT INTO voice_memos (workspace_id, id, user_id, capture_id, session_id, job_id, media_type,
        size, sha256, language, blob, blob_key, created_at, updated_at)
    SELECT %(workspace_id)s, %(id)s, %(user_id)s, %(capture_id)s, %(session_id)s, %(job_id)s,
        %(media_type)s, %(size)s, %(sha256)s, %(language)s, %(blob)s, %(blob_key)s, %(now)s, %(now)s
    WHERE clock_timestamp() < %(until)s
    ON CONFLICT (workspace_id, user_id, capture_id) DO NOTHING
    RETURNING id
    """,
    row,
    {},
    writes=True,
)
_OF = (VoiceMemos.workspace_id == bindparam("of_workspace_id"), VoiceMemos.id == bindparam("of_id"))
TELL = query(
    update(VoiceMemos)
    .where(*_OF)
    .values(
        status=bindparam("new_status"),
        stage=bindparam("new_stage"),
        problem=bindparam("new_problem"),
        updated_at=bindparam("now"),
    )
)
HEAR = query(
    update(VoiceMemos)
    .where(*_OF)
    .values(
        transcript=bindparam("new_transcript"),
        words=bindparam("new_words"),
        language=bindparam("new_language"),
        transcriber=bindparam("new_transcriber"),
        quality=bindparam("new_quality"),
        stt_confidence=bindparam("new_stt_confidence"),
        duration_s=bindparam("new_duration_s"),
        updated_at=bindparam("now"),
    )
)
FORGET = query(
    update(VoiceMemos)
    .where(*_OF, VoiceMemos.blob.is_not(None))
    .values(
        blob=None,
        blob_key=None,
        audio_gone_at=bindparam("now"),
        updated_at=bindparam("now"),
    )
)
REMOVE = query(
    update(VoiceMemos)
    .where(*_OF)
    .values(
        status=MemoStatus.DELETED,
        stage=None,
        problem=None,
        transcript=None,
        words=None,
        language=None,
        deleted_at=bindparam("now"),
        updated_at=bindparam("now"),
    )
)
SESSION: Final = Query(
    b"""
    SELECT 1 FROM voice_sessions
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND user_id = %(user_id)s
    """,
    row,
    {},
    writes=False,
)
# What was said stands, sealed, in two more places; they keep what was done, and when.
FORGET_RESULTS: Final = Query(
    b"""
    UPDATE voice_commands SET sealed = NULL
    WHERE workspace_id = %(workspace_id)s AND memo_id = %(id)s
    """,
    row,
    {},
    writes=True,
)
FORGET_WORDS: Final = Query(
    b"""
    UPDATE todo_voice SET original_text = NULL
    WHERE workspace_id = %(workspace_id)s AND memo_id = %(id)s
    """,
    row,
    {},
    writes=True,
)
SET_JOB = query(
    update(VoiceMemos)
    .where(*_OF)
    .values(
        job_id=bindparam("new_job_id"),
        status=MemoStatus.RECEIVED,
        problem=None,
        updated_at=bindparam("now"),
    )
)
ANSWER = query(
    update(VoiceMemos)
    .where(
        *_OF,
        VoiceMemos.job_id == bindparam("of_job_id"),
        VoiceMemos.status == MemoStatus.NEEDS_CONFIRMATION,
    )
    .values(status=MemoStatus.DONE, updated_at=bindparam("now"))
    .returning(VoiceMemos.id)
)
