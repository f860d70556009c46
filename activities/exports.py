"""An archive of what is kept of a person: written in one go, sealed, and only then named."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from temporalio import activity

from activities import errors
from activities.archives import Archiving, Pieces
from activities.heartbeats import beating
from core import clock, crypto, faults, logs, metrics
from core.crypto import Keyring
from core.db import Database
from core.errors import Error
from core.ids import uuid7
from core.messages import JobMessage
from core.services import exports, memo_secrets, subject_keys
from core.services.export_seals import Seals
from core.services.exports import Made
from core.services.memo_rows import MemoRow
from integrations.blobs import Blobs

log = logs.get(__name__)

TOLD_EVERY_S: Final = 1.0


class _Unwanted(Exception):
    """Its person removed it, or is gone."""


@dataclass(slots=True)
class _Watched:
    """What went by."""

    size: int = 0
    sha256: bytes = b""


class Exports:
    """`app_db` works as `vt_app`; `ring` is that of `exports.PURPOSE`."""

    def __init__(
        self,
        app_db: Database,
        blobs: Blobs,
        seals: Seals,
        ring: Keyring,
        *,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._db = app_db
        self._blobs = blobs
        self._seals = seals
        self._ring = ring
        self._now = now

    @activity.defn(name="write_export")
    async def write(self, message: JobMessage) -> bool:
        """Write the archive and tell its person. False: nobody wants it any more.

        Run twice, it begins again under another name and key: the row names one that is complete,
        and what an interrupted run left opens for nobody and is collected.
        """
        try:
            async with beating():
                return await self._write(message)
        except Error as error:
            metrics.DATA_WORK.labels("export", "retried").inc()
            raise errors.translate(error) from error

    @activity.defn(name="fail_export")
    async def give_up(self, message: JobMessage) -> None:
        """Tell its person that there is none. Twice is harmless: what is over stays as it is."""
        async with self._db.transaction() as tx:
            await exports.give_up(tx, message, now=self._now())
        metrics.DATA_WORK.labels("export", "failed").inc()

    async def _write(self, message: JobMessage) -> bool:
        async with self._db.transaction() as tx:
            work = await exports.begin(tx, message, now=self._now())
            if work is None:
                return False
            ring = await subject_keys.sealing(tx, self._ring, work.user_id)
        faults.point("export_begun")
        blob, key = f"{exports.FOLDER}/{uuid7()}", crypto.new_key()
        archiving = Archiving(self._db, self._seals, self._recording, work)
        watched = _Watched()
        plain = self._telling(message, archiving, watched)
        where = exports.place(work.user_id, work.export_id)
        try:
            await self._blobs.put(blob, crypto.seal_stream(key, plain, aad=where))
        except _Unwanted:
            return False
        faults.point("export_put")
        made = Made(
            blob,
            exports.seal_key(ring, work.user_id, work.export_id, key),
            watched.size,
            watched.sha256,
            archiving.progress.members,
            len(archiving.progress.missing),
        )
        return await self._named(message, made)

    async def _named(self, message: JobMessage, made: Made) -> bool:
        """One that cannot be named is left to the collector: whether its row names it is unknown
        when the commit was not answered.
        """
        async with self._db.transaction() as tx:
            wanted = await exports.finish(tx, message, made, now=self._now())
        faults.point("export_named")
        metrics.DATA_WORK.labels("export", "done" if wanted else "unwanted").inc()
        if not wanted:
            await self._blobs.delete(made.blob)
        return wanted

    async def _telling(
        self, message: JobMessage, archiving: Archiving, watched: _Watched
    ) -> Pieces:
        """What goes by is counted, and each second it is told how far it is."""
        hashed = hashlib.sha256()
        time = asyncio.get_running_loop().time
        tell_at = time() + TOLD_EVERY_S
        async with aclosing(archiving.pieces()) as pieces:  # type: ignore[type-var]  # a generator
            async for piece in pieces:
                hashed.update(piece)
                watched.size += len(piece)
                yield piece
                faults.point("export_writing")
                if time() >= tell_at:
                    async with self._db.transaction() as tx:
                        share = archiving.progress.share
                        if not await exports.tell(tx, message, share, now=self._now()):
                            raise _Unwanted
                    tell_at = time() + TOLD_EVERY_S
        watched.sha256 = hashed.digest()

    def _recording(self, seals: Seals, memo: MemoRow) -> AsyncIterator[bytes]:
        sealed = self._blobs.open(memo.blob or "")
        return memo_secrets.open_audio(seals.memos, memo, sealed)
