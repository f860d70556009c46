"""Blobs that nobody needs are found and deleted: what F3 of the fault table asks for.

A blob is durable before a row names it, and a row forgets it before it is deleted. So whoever is
killed in between leaves a blob without a row, never a row without its blob; this is what mends it.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from core import logs, metrics
from core.db import Database
from core.services import memo_audio
from integrations.blobs import Blobs

log = logs.get(__name__)

EVERY: Final = timedelta(minutes=1)
# Twice what a row may take to name a blob (`memos.WRITTEN_DOWN_WITHIN`); with `EVERY`, an orphan
# is gone within 15 minutes.
YOUNG: Final = timedelta(minutes=10)
BATCH: Final = 500
# More than so many, and more than half of all there are: that is no accident of ours, but another
# database than the one these blobs belong to. Then nothing is deleted until somebody looked.
STRANGE: Final = 1000


class Orphans:
    """`db` works as `vt_worker`. What has a default is an argument for tests only."""

    def __init__(
        self,
        db: Database,
        blobs: Blobs,
        *,
        every: timedelta = EVERY,
        young: timedelta = YOUNG,
        strange: int = STRANGE,
    ) -> None:
        self._db = db
        self._blobs = blobs
        self._every = every
        self._young = young
        self._strange = strange

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
        count = await self._blobs.tidy(self._young)
        for folder in memo_audio.FOLDERS:
            old = [kept.key async for kept in self._blobs.keys(folder) if kept.age > self._young]
            orphans = await self._unnamed(old)
            if len(orphans) > max(self._strange, len(old) // 2):
                log.error("blobs.strange", count=len(orphans))
                continue
            for key in orphans:
                await self._blobs.delete(key)
            count += len(orphans)
        metrics.BLOBS_COLLECTED.inc(count)
        return count

    async def _unnamed(self, keys: Sequence[str]) -> list[str]:
        """A blob that no row names now gets no row any more: it is too old for that."""
        found: list[str] = []
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            async with self._db.transaction(read_only=True) as tx:
                named = await memo_audio.named(tx, batch)
            found += [key for key in batch if key not in named]
        return found
