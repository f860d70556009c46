"""A sandbox's clock on its way: what is due at each instant goes to the handlers of the tick."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from temporalio import activity

from activities import errors
from activities.heartbeats import beating
from activities.jobs import SLICE_S
from activities.shift import Hand, Handler
from core import clock, due, logs
from core.db import Database
from core.due import Claimed
from core.errors import Error, Unavailable
from core.messages import JobMessage, Kind
from core.services import sandboxes
from core.services.sandboxes import MOST_INSTANTS, Stop

log = logs.get(__name__)

TRIES: Final = 3  # of one row at one instant
PATIENCE_S: Final = 60.0  # for leases that a dead worker left, which end after 15 s
LOOK_AGAIN_S: Final = 0.25

Handlers = Callable[[Callable[[], datetime]], Mapping[Kind, Handler]]


@dataclass(frozen=True, slots=True)
class Moved:
    """How far the clock is. `over`: nothing is left to do, whatever came of it."""

    over: bool
    permille: int
    instants: int
    handled: int


class Clocks:
    """`app_db` works as `vt_app`; `handlers` makes those of every kind, with `now` as their clock.

    The numbers are arguments for tests only.
    """

    def __init__(
        self,
        app_db: Database,
        handlers: Handlers,
        *,
        now: Callable[[], datetime] = clock.now,
        slice_s: float = SLICE_S,
        patience_s: float = PATIENCE_S,
        most: int = MOST_INSTANTS,
    ) -> None:
        self._db = app_db
        self._handlers = handlers
        self._now = now
        self._slice_s = slice_s
        self._patience_s = patience_s
        self._most = most

    @activity.defn(name="advance_clock")
    async def advance(self, message: JobMessage) -> Moved:
        """Move the clock for some seconds, or until it is where it shall be.

        Run twice, even at the same time: the clock goes on from where it stands, each row is worked
        on by whoever holds its lease, and what was finished is not due any more.
        """
        try:
            async with beating():
                return await self._advance(message)
        except Error as error:
            raise errors.translate(error) from error

    async def _advance(self, message: JobMessage) -> Moved:
        time = asyncio.get_running_loop().time
        standing = self._now()
        handlers = self._handlers(lambda: standing)
        sources = {kind: handler.source for kind, handler in handlers.items()}
        ends = time() + self._slice_s
        tried: Counter[tuple[Kind, UUID, int, datetime]] = Counter()
        waits_until: float | None = None
        while True:
            async with self._db.transaction() as tx:
                stop = await sandboxes.step(
                    tx, message, sources=sources, most=self._most, now=self._now()
                )
            if stop.at is not None and stop.at != standing:
                standing = stop.at
                tried.clear()
            rows = [(kind, each) for kind, claimed in stop.work for each in claimed]
            tried.update((kind, each.id, each.arm_no, each.next_at) for kind, each in rows)
            for kind, claimed in stop.work:
                if claimed:
                    await self._work(handlers[kind], claimed)
            if rows or stop.over:
                waits_until = None
            elif waits_until is None:
                waits_until = time() + self._patience_s
            out_of_patience = waits_until is not None and time() > waits_until
            if out_of_patience or max(tried.values(), default=0) >= TRIES:
                async with self._db.transaction() as tx:
                    await sandboxes.give_up(tx, message, now=self._now())
                return _told(stop, over=True)
            if stop.over or (time() >= ends and waits_until is None):
                return _told(stop, over=stop.over)
            if not rows:
                await asyncio.sleep(LOOK_AGAIN_S)

    async def _work(self, handler: Handler, claimed: Sequence[Claimed]) -> None:
        hand = Hand()
        asked_at = asyncio.get_running_loop().time()
        for each in claimed:
            hand.take(each, asked_at=asked_at)
        try:
            await handler.work(claimed, hand)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - tried again, and then the job says so
            log.error(
                "clock.batch_failed", kind=handler.source.kind, count=len(claimed), error=error
            )
            async with self._db.transaction() as tx:
                tx.act_in(list({each.workspace_id for each in claimed}))
                due.release(tx, handler.source, claimed)


def _told(stop: Stop, *, over: bool) -> Moved:
    return Moved(over, round(stop.progress * 1000), stop.instants, stop.handled)
