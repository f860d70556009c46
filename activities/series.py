"""The work on series that fall due: some at a time, and one that the database refuses by itself."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from activities.shift import Hand
from core import clock, faults, logs, metrics
from core.db import Database, Transaction
from core.due import Claimed
from core.errors import Unavailable
from core.services import due_series

log = logs.get(__name__)

AT_A_TIME: Final = 20  # todos and series that one transaction locks
TRANSACTIONS: Final = 2


class Series:
    """The handler of `Kind.SERIES`. `app_db` works as `vt_app`."""

    source: Final = due_series.SOURCE

    def __init__(self, app_db: Database, *, now: Callable[[], datetime] = clock.now) -> None:
        self._db = app_db
        self._now = now
        self._slots = asyncio.Semaphore(TRANSACTIONS)

    def tidy(self, tx: Transaction) -> None:
        """Nothing of a series is left behind: it is one transaction."""

    async def work(self, batch: Sequence[Claimed], hand: Hand) -> None:  # noqa: ARG002 - what it does ends with its transaction: no lease need be looked at
        some = [batch[at : at + AT_A_TIME] for at in range(0, len(batch), AT_A_TIME)]
        await asyncio.gather(*map(self._advance, some))

    async def _advance(self, some: Sequence[Claimed]) -> None:
        try:
            async with self._slots, self._db.transaction() as tx:
                moved = await due_series.advance(tx, some, now=self._now())
                faults.point("series_before_commit")
        except Unavailable as error:  # their leases run out, and another look takes them
            log.warning("tick.database_away", kind=self.source.kind, error=error)
        except Exception as error:  # noqa: BLE001 - one row that is refused must not stop the rest
            if len(some) > 1:
                await asyncio.gather(*(self._advance([each]) for each in some))
                return
            log.error("series.refused", series_id=some[0].id, error=error)
            async with self._db.transaction() as tx:
                due_series.put_aside(tx, some[0])
        else:
            metrics.OCCURRENCES.inc(moved)
