"""A recording on its way in: looked at, hashed, sealed and made durable as it comes.

Never more of it than a few hundred KiB in memory, and nothing that is not sealed on a disk.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException

from core import clock, crypto
from core.crypto import Keyring
from core.db import Transaction
from core.errors import Invalid, Rejected, Unavailable
from core.ids import uuid7
from core.services import memo_audio, memo_secrets, subject_keys
from core.services.uploads import UploadRow
from integrations.audio.formats import SNIFFED, Format, sniff
from integrations.blobs import Blobs

MAX_BYTES: Final = 25 * 1024 * 1024
UPLOADS: Final = "voice_uploads"
# What we call each, whatever it was called when it was sent.
MEDIA_TYPES: Final = {
    Format.WEBM: "audio/webm",
    Format.MP4: "audio/mp4",
    Format.OGG: "audio/ogg",
    Format.WAV: "audio/wav",
    Format.MP3: "audio/mpeg",
    Format.FLAC: "audio/flac",
    Format.AAC: "audio/aac",
    Format.AIFF: "audio/aiff",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording that is durable, for memo `memo_id`."""

    memo_id: UUID
    blob: str
    blob_key: bytes
    media_type: str
    size: int
    sha256: bytes
    put_at: datetime


@dataclass(slots=True)
class _Seen:
    """What went by."""

    size: int = 0
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where recordings are kept, and what seals them: of a person, before anything is kept."""

    blobs: Blobs
    ring: Keyring

    async def of(self, tx: Transaction, user_id: UUID) -> "Shelf":
        """The same for what this person sends."""
        return replace(self, ring=await subject_keys.sealing(tx, self.ring, user_id))

    async def keep(self, workspace_id: UUID, audio: AsyncIterator[bytes]) -> Kept:
        """Raises 413, 415, `Invalid` for an empty one; then nothing of it is left."""
        memo_id, key = uuid7(), crypto.new_key()
        seen, hashed = _Seen(), hashlib.sha256()
        # Another name for each try: one that failed half-way cannot meet the next.
        blob = f"{memo_audio.MEMOS}/{uuid7()}"
        watched = _watched(audio, seen, hashed)
        first = await anext(watched)  # refused before anything is written
        sealed = memo_secrets.seal_audio(key, workspace_id, memo_id, _again(first, watched))
        await self.blobs.put(blob, sealed)
        return Kept(
            memo_id,
            blob,
            memo_secrets.seal_key(self.ring, workspace_id, memo_id, key),
            seen.media_type,
            seen.size,
            hashed.digest(),
            clock.now(),
        )

    def parts_key(self, workspace_id: UUID, upload_id: UUID) -> bytes:
        """A new key for the parts of an upload, sealed for its row."""
        aad = crypto.place(UPLOADS, "parts_key", upload_id, workspace_id)
        return self.ring.seal(crypto.new_key(), aad=aad)

    async def keep_part(self, upload: UploadRow, first: bytes, rest: AsyncIterator[bytes]) -> str:
        """The blob of the part that follows those that are there: it opens in that place only."""
        blob = f"{memo_audio.UPLOADS}/{uuid7()}"
        aad = _part(upload, len(upload.parts))
        sealed = crypto.seal_stream(self._opened(upload), _again(first, rest), aad=aad)
        await self.blobs.put(blob, sealed)
        return blob

    async def whole(self, upload: UploadRow) -> AsyncIterator[bytes]:
        """All parts, one after the other."""
        key = self._opened(upload)
        for number, part in enumerate(upload.parts):
            sealed = self.blobs.open(part)
            async for piece in crypto.unseal_stream(key, sealed, aad=_part(upload, number)):
                yield piece

    def _opened(self, upload: UploadRow) -> bytes:
        aad = crypto.place(UPLOADS, "parts_key", upload.id, upload.workspace_id)
        return self.ring.unseal(upload.parts_key, aad=aad)

    @asynccontextmanager
    async def unless_refused(self, blob: str) -> AsyncIterator[None]:
        """What is refused in this block leaves no blob.

        After any other failure the row may be there, or come to be: then the collector decides.
        """
        try:
            yield
        except (Rejected, HTTPException):
            await self.drop(blob)
            raise

    async def drop(self, blob: str) -> None:
        """Delete it, now if possible: no row names it, so the collector mends what is left."""
        with suppress(Unavailable):
            await asyncio.shield(self.blobs.delete(blob))


def _part(upload: UploadRow, number: int) -> bytes:
    return crypto.place(UPLOADS, f"parts {number}", upload.id, upload.workspace_id)


async def _watched(
    audio: AsyncIterator[bytes], seen: _Seen, hashed: "hashlib._Hash"
) -> AsyncIterator[bytes]:
    head = bytearray()
    async for piece in audio:
        seen.size += len(piece)
        if seen.size > MAX_BYTES:
            raise HTTPException(413, f"a recording has at most {MAX_BYTES} bytes")
        hashed.update(piece)
        if seen.media_type:
            yield piece
            continue
        head += piece
        if len(head) >= SNIFFED:
            seen.media_type = recognised(bytes(head))
            yield bytes(head)
    if not seen.media_type:
        seen.media_type = recognised(bytes(head))
        yield bytes(head)


def recognised(head: bytes) -> str:
    """Its media type, by its first bytes. Raises 415; `Invalid` where there are none."""
    if not head:
        raise Invalid("the recording is empty", pointer="/audio", code="empty")
    found = sniff(head)
    if found is None:
        known = ", ".join(Format)
        raise HTTPException(415, f"this is no recording of a kind that we know: {known}")
    return MEDIA_TYPES[found]


async def _again(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
