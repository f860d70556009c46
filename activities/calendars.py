"""A slice of the work that brings a calendar and the todos of its workspace into step.

What a run does stands in the sync's row: `phase`, and how far each of them is. A slice works on for
some seconds, writes where it is with each step, and may be killed between any two of them.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from temporalio import activity

from activities import errors
from activities.calendar_steps import Steps
from activities.heartbeats import beating
from activities.jobs import SLICE_S
from core import clock, faults, metrics
from core.crypto import Keyring
from core.db import Database
from core.errors import Error, Gone, Revoked, Unauthenticated, VendorError
from core.messages import CalendarMessage
from core.models.calendars import Phase
from core.models.connections import ConnectionStatus, Direction, Provider
from core.rules import retries
from core.services import calendar_syncs, connection_activity, connections
from core.services.calendar_syncs import Lost, SyncRow
from core.services.connections import Connection
from integrations.google_calendar import Access, GoogleCalendar

NOT_THERE: Final = "this calendar is not there any more: choose another one"
REFUSED: Final = "Google refuses us this calendar: choose another one, or connect it again"
NOT_A_MEMBER: Final = "you may not change todos in this workspace any more"
NEEDS_REAUTH: Final = "Google no longer lets Voice Todo in: connect it again"


class State(StrEnum):
    """What a workflow does next. The last three are ends."""

    GOES_ON = "goes_on"
    WAITS = "waits"
    SYNCED = "synced"
    PAUSED = "paused"
    OVER = "over"


class Why(StrEnum):
    """What a run waits for."""

    THROTTLED = "the calendar asks us to wait"
    UNANSWERED = "the calendar does not answer"


@dataclass(frozen=True, slots=True)
class Sliced:
    """How far the run is."""

    state: State
    phase: Phase | None = None
    done: int = 0
    of: int = 0
    wait_ms: int = 0
    why: Why | None = None


class Calendars:
    """`app_db` works as `vt_app`, `ring` is that of connections.

    `address`: where calendars may tell of news; null where they cannot reach us. The length of a
    slice is an argument for tests only.
    """

    def __init__(
        self,
        app_db: Database,
        ring: Keyring,
        google: GoogleCalendar,
        *,
        address: str | None,
        now: Callable[[], datetime] = clock.now,
        slice_s: float = SLICE_S,
    ) -> None:
        self._db = app_db
        self._ring = ring
        self._google = google
        self._address = address
        self._now = now
        self._slice_s = slice_s

    @activity.defn(name="sync_calendar_slice")
    async def sync_slice(self, run: CalendarMessage) -> Sliced:
        """Bring them further into step for some seconds, or until they are.

        Run twice, even at the same time, the later one fences the earlier one off, whose writes
        here do nothing; and a write there that both make is made once.
        """
        try:
            async with beating():
                return await self._slice(run)
        except Error as error:
            raise errors.translate(error) from error

    async def _slice(self, run: CalendarMessage) -> Sliced:
        async with self._db.transaction() as tx:
            sync = await calendar_syncs.open_slice(tx, run, now=self._now())
            if sync is None:
                return Sliced(State.OVER)
            connection = await connections.by_id(tx, sync.workspace_id, sync.id, ring=self._ring)
        if connection is None:  # it is being disconnected, or was refused elsewhere
            return await self._pause(sync, NEEDS_REAUTH)
        steps = Steps(
            self._db, self._google, sync, Access(connection.id, connection.secret), self._now
        )
        try:
            return await self._work(steps)
        except Lost:
            return Sliced(State.GOES_ON)  # the next slice finds out why
        except Unauthenticated:  # the account is closed
            return await self._pause(steps.sync, NOT_A_MEMBER)
        except VendorError as error:
            return await self._failed(steps.sync, connection, error)

    async def _failed(self, sync: SyncRow, connection: Connection, error: VendorError) -> Sliced:
        if isinstance(error, Revoked):
            return await self._pause(sync, NEEDS_REAUTH, connection)
        if isinstance(error, Gone):
            return await self._pause(sync, NOT_THERE)
        if error.permanent:
            return await self._pause(sync, REFUSED)
        return await self._wait(sync, error)

    async def _work(self, steps: Steps) -> Sliced:
        time = asyncio.get_running_loop().time
        ends = time() + self._slice_s
        if not await self._may_write(steps.sync):
            return await self._pause(steps.sync, NOT_A_MEMBER)
        await steps.watch(self._address)
        while await steps.step():
            faults.point("calendar_step")
            if time() >= ends:
                return await self._told(steps.sync)
        metrics.CALENDAR_SYNCS.labels("synced").inc()
        metrics.CALENDAR_LAG.observe((self._now() - steps.sync.began_at).total_seconds())
        return Sliced(State.SYNCED)

    async def _may_write(self, sync: SyncRow) -> bool:
        async with self._db.transaction(read_only=True) as tx:
            tx.act_for(sync.user_id, limit_key=f"calendar:{sync.id}")
            return await calendar_syncs.may_write(tx, sync)

    async def _told(self, sync: SyncRow) -> Sliced:
        async with self._db.transaction() as tx:
            tx.act_in([sync.workspace_id])
            await calendar_syncs.tell(tx, sync, now=self._now())
        phase = Phase(sync.phase)
        return Sliced(State.GOES_ON, phase, sync.progress_done, sync.progress_total)

    async def _wait(self, sync: SyncRow, error: VendorError) -> Sliced:
        """As long as the calendar asks, or longer and longer: 5 s to a quarter of an hour."""
        throttled = error.retry_after is not None
        why = Why.THROTTLED if throttled else Why.UNANSWERED
        wait = retries.wait(sync.id, sync.failures + 1, error.retry_after)
        async with self._db.transaction() as tx:
            tx.act_in([sync.workspace_id])
            await calendar_syncs.wait(tx, sync, why, wait, now=self._now())
        metrics.CALENDAR_SYNCS.labels("throttled" if throttled else "unanswered").inc()
        return Sliced(
            State.WAITS,
            Phase(sync.phase),
            sync.progress_done,
            sync.progress_total,
            round(wait / timedelta(milliseconds=1)),
            why,
        )

    async def _pause(self, sync: SyncRow, why: str, revoked: Connection | None = None) -> Sliced:
        """Until it is connected anew, or another calendar is chosen. Its owner is told once."""
        async with self._db.transaction() as tx:
            tx.act_in([sync.workspace_id])
            try:
                await calendar_syncs.hold(tx, sync)
            except Lost:  # begun anew meanwhile, with what this knows nothing of
                return Sliced(State.GOES_ON)
            if revoked is not None:
                await connections.pause(
                    tx,
                    sync.workspace_id,
                    revoked,
                    Provider.GOOGLE_CALENDAR,
                    ConnectionStatus.NEEDS_REAUTH,
                    problem="revoked",
                    now=self._now(),
                )
            await calendar_syncs.pause(tx, sync.workspace_id, sync.id, why, now=self._now())
            connection_activity.record(
                tx,
                sync.workspace_id,
                sync.id,
                Direction.FAILED,
                "sync.paused",
                reason=why,
                now=self._now(),
            )
        metrics.CALENDAR_SYNCS.labels("paused").inc()
        return Sliced(State.PAUSED)
