"""What is sealed of a memo, and where it stands.

Each recording has a key of its own, kept sealed in its row with the key of its person: so keys
change without a recording being written anew, and it is gone when its row forgets its key, or the
database that of its person.
"""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any
from uuid import UUID

import orjson

from core import crypto, epochs, logs
from core.crypto import Keyring
from core.errors import NotFound
from core.services.memo_rows import MemoRow

log = logs.get(__name__)

PURPOSE = "voice memos"  # the ring is what `subject_keys` makes of `Keys.ring.of(this)`
TABLE = "voice_memos"


def seal_key(ring: Keyring, workspace_id: UUID, memo_id: UUID, key: bytes) -> bytes:
    """For `blob_key`."""
    return ring.seal(key, aad=crypto.place(TABLE, "blob_key", memo_id, workspace_id))


def seal_audio(
    key: bytes, workspace_id: UUID, memo_id: UUID, audio: AsyncIterable[bytes]
) -> AsyncIterator[bytes]:
    """For the blob store."""
    return crypto.seal_stream(key, audio, aad=_audio(memo_id, workspace_id))


def open_audio(ring: Keyring, memo: MemoRow, sealed: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """What `Blobs.open(memo.blob)` gives, opened. Raises `NotFound` when it is kept no more."""
    if memo.blob_key is None:
        raise NotFound("the audio of this memo is kept no more")
    where = crypto.place(TABLE, "blob_key", memo.id, memo.workspace_id)
    key = ring.unseal(memo.blob_key, aad=where)
    return crypto.unseal_stream(key, sealed, aad=_audio(memo.id, memo.workspace_id))


def seal_transcript(ring: Keyring, memo: MemoRow, text: str) -> bytes:
    return ring.seal(text.encode(), aad=_column(memo, "transcript"))


def transcript(ring: Keyring, memo: MemoRow) -> str | None:
    """Null where there is none, and where its key was destroyed."""
    found = _opened(ring, memo, "transcript", memo.transcript)
    return None if found is None else found.decode()


def seal_words(ring: Keyring, memo: MemoRow, words: list[dict[str, Any]]) -> bytes:
    """`words` are `{text, start, end, confidence}` with seconds and a confidence or null."""
    return ring.seal(orjson.dumps(words), aad=_column(memo, "words"))


def words(ring: Keyring, memo: MemoRow) -> list[dict[str, Any]] | None:
    """Null as with `transcript`."""
    found = _opened(ring, memo, "words", memo.words)
    told: list[dict[str, Any]] | None = None if found is None else orjson.loads(found)
    return told


def _opened(ring: Keyring, memo: MemoRow, column: str, sealed: bytes | None) -> bytes | None:
    if sealed is None:
        return None
    found = epochs.opened(ring, sealed, aad=_column(memo, column))
    if found is None:  # a page of memos is told all the same
        log.error("memo.unreadable", subject_id=memo.id, kind=column)
    return found


def _column(memo: MemoRow, column: str) -> bytes:
    return crypto.place(TABLE, column, memo.id, memo.workspace_id)


def _audio(memo_id: UUID, workspace_id: UUID) -> bytes:
    return crypto.place(TABLE, "blob", memo_id, workspace_id)
