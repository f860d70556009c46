"""A recording out of its blob, opened and decoded."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from core.crypto import Keyring
from core.db import Database
from core.errors import Invalid
from core.services import memo_secrets, subject_keys
from core.services.memo_rows import MemoRow
from integrations.audio.recordings import Recordings
from integrations.audio.sound import Speech
from integrations.blobs import Blobs

AT_A_TIME: Final = 8  # recordings of up to 25 MiB each in memory, before they are decoded
MISSING: Final = "the recording is not there any more"


@dataclass(frozen=True, slots=True)
class Audio:
    """What belongs to the installation. `ring` is that of `memo_secrets.PURPOSE`."""

    blobs: Blobs
    ring: Keyring
    recordings: Recordings
    max_seconds: int
    retention: timedelta | None  # null: for ever


class Reader:
    """`db` works as `vt_app`."""

    def __init__(self, db: Database, audio: Audio) -> None:
        self._db = db
        self._audio = audio
        self._slots = asyncio.Semaphore(AT_A_TIME)

    async def speech(self, memo: MemoRow) -> Speech:
        """Raises `Invalid` for what never will be decoded, `NotFound` once it is kept no more."""
        if memo.blob is None:
            raise Invalid(MISSING, code="missing")
        async with self._slots:
            async with self._db.transaction(read_only=True) as tx:
                ring = await subject_keys.opening(tx, self._audio.ring, memo.user_id)
            sealed = self._audio.blobs.open(memo.blob)
            opened = memo_secrets.open_audio(ring, memo, sealed)
            data = b"".join([piece async for piece in opened])
            decoded = await self._audio.recordings.decode(data, max_seconds=self._audio.max_seconds)
        return decoded.speech
