"""The one activity of everything that falls due."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.heartbeats import beating
from activities.shift import LIFE_S, Handler, Shift
from core import clock, logs
from core.db import Database
from core.messages import Kind, TickMessage

log = logs.get(__name__)

AT_ONCE: Final = timedelta(milliseconds=10)


class Ticks:
    """`handlers` say what the kinds of this worker do; `worker_db` works as `vt_worker`."""

    def __init__(
        self,
        worker_db: Database,
        handlers: Mapping[Kind, Handler],
        *,
        lanes: int,
        now: Callable[[], datetime] = clock.now,
        life_s: float = LIFE_S,
    ) -> None:
        self._db = worker_db
        self._handlers = handlers
        self._lanes = lanes
        self._now = now
        self._life_s = life_s

    @activity.defn(name="tick")
    async def run(self, message: TickMessage) -> int:
        """Deliver what falls due in this lane for half a minute; how many rows that were.

        Run twice, even at the same time, each row is worked on by whoever holds its lease, and what
        one of them finished is not due any more.
        """
        shift = Shift(
            self._db,
            self._handlers[message.kind],
            message.lane,
            lanes=self._lanes,
            now=self._now,
            life_s=self._life_s,
        )
        leaving = asyncio.create_task(_leave_with_the_worker(shift))
        try:
            async with beating(lambda: shift.handled):
                await shift.work()
        finally:
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        if activity.is_worker_shutdown():
            # Not a normal end: that would leave the lane alone until the Schedule's next turn.
            raise ApplicationError(
                "This worker is leaving; another one goes on.",
                type="WorkerLeft",
                next_retry_delay=AT_ONCE,
                category=ApplicationErrorCategory.BENIGN,
            )
        return shift.handled


async def _leave_with_the_worker(shift: Shift) -> None:
    await activity.wait_for_worker_shutdown()
    shift.stop()
