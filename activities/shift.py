"""What a tick does for its half minute: look, lease, wait for the second, hand over, renew.

Knows nothing of reminders: a kind brings a `Source` (its table) and a `Handler` (its work).
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Final, Protocol
from uuid import UUID

from core import due, logs
from core.db import Database, Transaction
from core.due import HORIZON, LEASE, Claimed, Source
from core.errors import Unavailable

log = logs.get(__name__)

LOOK_EVERY_S: Final = 1.0
RENEW_EVERY_S: Final = 5.0
LIFE_S: Final = 30.0
LONGEST_LIFE_S: Final = 45.0  # with sends under way, so that looking goes on while a vendor hangs
SAFE_TO_SEND_S: Final = 6.0
GATHER_S: Final = 0.02  # rows of nearly one instant go as one batch
CHECK_CLOCK_S: Final = 0.25  # the wall clock may be set while we wait for it
BATCH: Final = 200  # rows, so at most as many workspaces in a transaction
LOOK_FOR: Final = 1000
AT_MOST: Final = 4000  # rows in hand


class Hand:
    """The leases we hold, and until when, on a clock that nobody sets."""

    def __init__(self) -> None:
        self._until: dict[tuple[UUID, UUID], float] = {}
        self._rows: dict[tuple[UUID, UUID], Claimed] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> list[Claimed]:
        return list(self._rows.values())

    def take(self, claimed: Claimed, *, asked_at: float) -> None:
        """Counts from before the database was asked: never longer than it says."""
        key = claimed.workspace_id, claimed.id
        self._rows[key] = claimed
        self._until[key] = asked_at + LEASE.total_seconds()

    def extend(self, claimed: Claimed, *, asked_at: float) -> None:
        key = claimed.workspace_id, claimed.id
        if self._rows.get(key) is claimed:
            self._until[key] = asked_at + LEASE.total_seconds()

    def drop(self, claimed: Claimed) -> None:
        key = claimed.workspace_id, claimed.id
        if self._rows.get(key) is claimed:  # not the one of a later arming
            del self._rows[key], self._until[key]

    def is_safe(self, claimed: Claimed) -> bool:
        """There is time for a whole send before anybody else may take this row."""
        key = claimed.workspace_id, claimed.id
        left = self._until.get(key, 0.0) - asyncio.get_running_loop().time()
        return self._rows.get(key) is claimed and left >= SAFE_TO_SEND_S


class Handler(Protocol):
    @property
    def source(self) -> Source: ...

    def tidy(self, tx: Transaction) -> None:
        """Queue what this kind wants done now and then, once per tick, as `vt_worker`."""

    async def work(self, batch: Sequence[Claimed], hand: Hand) -> None:
        """Work on up to `BATCH` due rows and settle them."""


class Shift:
    """One tick's work on one lane. `stop()` ends the looking; what has begun is finished."""

    def __init__(
        self,
        worker_db: Database,
        handler: Handler,
        lane: int,
        *,
        lanes: int,
        now: Callable[[], datetime],
        life_s: float = LIFE_S,
    ) -> None:
        self.handled = 0
        self._db = worker_db
        self._handler = handler
        self._source = handler.source
        self._lane = lane
        self._lanes = lanes
        self._now = now
        self._life_s = life_s
        self._hand = Hand()
        self._waiting: list[tuple[datetime, UUID, Claimed]] = []  # a heap: the next due first
        self._batches: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self._stopped.set()

    async def work(self) -> None:
        """Until the half minute is over, and all that was begun in it."""
        renewing = asyncio.create_task(self._renew_for_ever())
        try:
            await self._tidy()
            await self._look_and_launch()
        finally:
            # Also when cancelled: what is on its way to a vendor is settled before we go.
            self.stop()
            await self._drain()
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _look_and_launch(self) -> None:
        clock = asyncio.get_running_loop().time
        ends = clock() + self._life_s
        ends_at_last = ends + LONGEST_LIFE_S - LIFE_S
        next_look = clock()
        while not self._stopped.is_set():
            at = clock()
            if at >= ends_at_last or (at >= ends and not self._batches):
                return
            if at >= next_look and len(self._hand) < AT_MOST:
                full = await self._look(timedelta(seconds=max(ends - at, 0)))
                next_look = at if full else at + LOOK_EVERY_S
            pause = min(self._launch(), max(next_look - clock(), GATHER_S), CHECK_CLOCK_S)
            try:
                async with asyncio.timeout(pause):
                    await self._stopped.wait()
            except TimeoutError:
                continue

    async def _look(self, left: timedelta) -> bool:
        """Lease what falls due; nothing that we would not live to see due."""
        asked_at = asyncio.get_running_loop().time()
        try:
            async with self._db.transaction() as tx:
                claimed = await due.claim(
                    tx,
                    self._source,
                    self._lane,
                    now=self._now(),
                    horizon=min(HORIZON, left),
                    limit=LOOK_FOR,
                )
        except Unavailable as error:
            log.warning("tick.database_away", kind=self._source.kind, error=error)
            return False
        for each in claimed:
            self._hand.take(each, asked_at=asked_at)
            heappush(self._waiting, (each.next_at, each.id, each))
        return len(claimed) == LOOK_FOR

    def _launch(self) -> float:
        """Begin every batch whose second has come, never earlier; seconds until the next one."""
        now = self._now()
        while self._waiting and self._waiting[0][0] <= now:
            batch: list[Claimed] = []
            while self._waiting and self._waiting[0][0] <= now and len(batch) < BATCH:
                batch.append(heappop(self._waiting)[2])
            task = asyncio.create_task(self._work(batch))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)
        if not self._waiting:
            return CHECK_CLOCK_S
        return (self._waiting[0][0] - now).total_seconds() + GATHER_S

    async def _work(self, batch: list[Claimed]) -> None:
        try:
            await self._handler.work(batch, self._hand)
            self.handled += len(batch)
        except Exception as error:  # noqa: BLE001 - their leases end, and they are taken again
            log.error("tick.batch_failed", kind=self._source.kind, count=len(batch), error=error)
        finally:
            for each in batch:
                self._hand.drop(each)

    async def _drain(self) -> None:
        """Give back what was not begun; wait for what was. No send takes longer than its lease."""
        unbegun = [each for _, _, each in self._waiting]
        self._waiting.clear()
        for each in unbegun:
            self._hand.drop(each)
        if unbegun:
            try:
                async with self._db.transaction() as tx:
                    due.release(tx, self._source, unbegun)
            except Unavailable as error:  # they end by themselves
                log.warning("tick.database_away", kind=self._source.kind, error=error)
        if self._batches:
            await asyncio.gather(*self._batches, return_exceptions=True)

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            rows = self._hand.rows
            if not rows:
                continue
            asked_at = asyncio.get_running_loop().time()
            try:
                async with self._db.transaction() as tx:
                    ours = await due.renew(tx, self._source, rows)
            except Unavailable as error:  # no send begins on a lease that runs out
                log.warning("tick.database_away", kind=self._source.kind, error=error)
                continue
            for each in rows:
                if (each.workspace_id, each.id) in ours:
                    self._hand.extend(each, asked_at=asked_at)
                else:
                    self._hand.drop(each)

    async def _tidy(self) -> None:
        try:
            if self._lane == 0:
                async with self._db.transaction() as tx:
                    due.adopt(tx, self._source, lanes=self._lanes)
                    due.sweep(tx)
                    self._handler.tidy(tx)
            async with self._db.transaction() as tx:  # of its own: it takes the longest
                due.wake(tx, self._source, self._lane, lanes=self._lanes, now=self._now())
        except Unavailable as error:
            log.warning("tick.database_away", kind=self._source.kind, error=error)
