"""Blobs that nobody needs are found and deleted: what F3 of the fault table asks for.

A blob is durable before a row names it, and a row forgets it before it is deleted. So whoever is
killed in between leaves a blob without a row, never a row without its blob; this is what mends it.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from core import clock, logs, metrics
from core.db import Database
from core.services import memo_audio
from integrations.blobs import Blobs

log = logs.get(__name__)

EVERY: Final = timedelta(minutes=1)
# Twice what a row may take to name a blob (`memos.WRITTEN_DOWN_WITHIN`); with `EVERY`, an orphan
# is gone within 15 minutes.
YOUNG: Final = timedelta(minutes=10)
BATCH: Final = 500


class Orphans:
    """`db` works as `vt_worker`. `every` and `young` are arguments for tests only."""

    def __init__(
        self,
        db: Database,
        blobs: Blobs,
        *,
        every: timedelta = EVERY,
        young: timedelta = YOUNG,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._db = db
        self._blobs = blobs
        self._every = every
        self._young = young
        self._now = now

    async def run(self) -> None:
        """Until cancelled, whatever happens to PostgreSQL and the store meanwhile."""
        while True:
            try:
                collected = await self.once()
                if collected:
                    log.info("blobs.collected", count=collected)
            except Exception as error:  # noqa: BLE001 - the next round is the answer to any failure
                log.warning("blobs.not_collected", error=error)
            await asyncio.sleep(self._every.total_seconds())

    async def once(self) -> int:
        """How many blobs were deleted. Several workers may do this at a time."""
        async with self._db.transaction() as tx:
            memo_audio.forget_expired(tx, now=self._now())
        count = await self._blobs.tidy(self._young)
        for folder in memo_audio.FOLDERS:
            batch: list[str] = []
            async for kept in self._blobs.keys(folder):
                if kept.age > self._young:
                    batch.append(kept.key)
                if len(batch) == BATCH:
                    count += await self._collect(batch)
                    batch.clear()
            count += await self._collect(batch)
        metrics.BLOBS_COLLECTED.inc(count)
        return count

    async def _collect(self, keys: Sequence[str]) -> int:
        """A blob that no row names now gets no row any more: it is too old for that."""
        if not keys:
            return 0
        async with self._db.transaction(read_only=True) as tx:
            named = await memo_audio.named(tx, keys)
        orphans = [key for key in keys if key not in named]
        for key in orphans:
            await self._blobs.delete(key)
        return len(orphans)
