"""Calendars whose time has come: a run of each is begun, and a workflow works on it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from temporalio import activity

from activities.shift import Hand
from core import clock
from core.db import Database, Transaction
from core.due import Claimed
from core.messages import CalendarMessage
from core.services import calendar_syncs


class CalendarSyncs:
    """The handler of `Kind.CALENDARS`. `app_db` works as `vt_app`."""

    source: Final = calendar_syncs.SOURCE

    def __init__(self, app_db: Database, *, now: Callable[[], datetime] = clock.now) -> None:
        self._db = app_db
        self._now = now

    def tidy(self, tx: Transaction) -> None:
        """Nothing: a run that is lost falls due by itself."""

    async def work(self, batch: Sequence[Claimed], hand: Hand) -> None:  # noqa: ARG002 (the tick's; what is begun here takes no time)
        """Begin a run of each. Whoever else does so with an older lease finds them armed anew."""
        async with self._db.transaction() as tx:
            await calendar_syncs.begin(tx, batch, now=self._now())

    @activity.defn(name="stop_calendar_sync")
    async def stop(self, run: CalendarMessage) -> None:
        """Write that this run was stopped, for a workflow that was.

        Twice is harmless: a run that is over stays as it is.
        """
        async with self._db.transaction() as tx:
            await calendar_syncs.stop(tx, run, now=self._now())
