"""What is floating follows its person, batch by batch."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

from activities import errors
from activities.heartbeats import beating
from activities.jobs import SLICE_S
from core import clock
from core.db import Database
from core.errors import Error
from core.messages import ZoneCursor, ZoneMessage
from core.services import rearming


@dataclass(frozen=True, slots=True)
class Rearmed:
    """How far it is. `after` is where the next slice goes on; null: nothing is left to do."""

    after: ZoneCursor | None
    looked_at: int
    of: int
    moved: int


class Zones:
    """`app_db` works as `vt_app`. The length of a slice is an argument for tests only."""

    def __init__(
        self,
        app_db: Database,
        *,
        now: Callable[[], datetime] = clock.now,
        slice_s: float = SLICE_S,
    ) -> None:
        self._db = app_db
        self._now = now
        self._slice_s = slice_s

    @activity.defn(name="change_zone")
    async def change(self, message: ZoneMessage) -> Rearmed:
        """Move rows for some seconds, or until all stand where they belong.

        Run twice, a row is computed to where it is already, and nothing is written.
        """
        try:
            async with beating():
                return await self._change(message)
        except Error as error:
            raise errors.translate(error) from error

    async def _change(self, message: ZoneMessage) -> Rearmed:
        time = asyncio.get_running_loop().time
        ends = time() + self._slice_s
        after = message.after
        while True:
            async with self._db.transaction() as tx:
                found = await rearming.step(tx, message.job, after, now=self._now())
            after = found.after
            if after is None or time() >= ends:
                return Rearmed(after, found.looked_at, found.of, found.moved)
