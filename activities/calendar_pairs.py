"""Pairs of todos and events brought into step: transactions of ours around calls of the vendor's.

No call is made inside a transaction. What makes a call harmless twice: an insert brings an id of
our choosing, which is refused the second time; a change and a deletion name the etag that was read.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from core import faults, logs, metrics
from core.db import Database, Transaction
from core.errors import (
    AlreadyThere,
    Changed,
    Gone,
    Rejected,
    Revoked,
    Unauthenticated,
    VendorError,
)
from core.models.connections import Direction
from core.rules.calendar_events import RemoteEvent
from core.rules.calendar_plans import EventWrite, Missing, Op
from core.rules.calendar_turns import TurnPlan
from core.services import calendar_links, calendar_pairs, calendar_syncs
from core.services.calendar_links import Link
from core.services.calendar_pairing import Asked, Line
from core.services.calendar_pairs import Planned, Unread
from core.services.calendar_syncs import SyncRow
from integrations.google_calendar import Access, GoogleCalendar

log = logs.get(__name__)

AT_A_TIME: Final = 4  # calls for one calendar; Google allows a person ten a second
ROUNDS: Final = 5  # of a pair that somebody writes at the same time
REFUSED: Final = "the calendar does not take it"
NOT_ALLOWED: Final = "the change is not possible here"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of writing one event: it was heard, or the pair is to be looked at again."""

    planned: Planned
    answer: RemoteEvent | None = None
    again: Asked | None = None
    failure: VendorError | None = None
    then: Asked | None = None  # heard, and to be looked at again


class Pairs:
    """One calendar's, for one slice of work. `app_db` works as `vt_app`."""

    def __init__(
        self, app_db: Database, google: GoogleCalendar, access: Access, now: Callable[[], datetime]
    ) -> None:
        self._db = app_db
        self._google = google
        self._access = access
        self._now = now

    @asynccontextmanager
    async def held(self, sync: SyncRow) -> AsyncIterator[Transaction]:
        """A transaction of this slice, as the owner. Raises `Lost`, and refuses who may no more."""
        async with self._db.transaction() as tx:
            tx.act_for(sync.user_id, limit_key=f"calendar:{sync.id}")
            await calendar_syncs.hold(tx, sync)
            yield tx

    async def agree(self, sync: SyncRow, asked: Sequence[Asked]) -> None:
        """Bring these into step. Raises a passing `VendorError` once what did succeed is kept."""
        waiting = list(asked)
        for _ in range(ROUNDS):
            if not waiting:
                return
            planned, unread = await self._stepped(sync, waiting)
            waiting = [await self.read(sync, each) for each in unread]
            results = await self._written(sync, planned)
            await self._keep(sync, results)
            waiting += [each.again for each in results if each.again is not None]
            waiting += [each.then for each in results if each.then is not None]
            passing = [each.failure for each in results if _is_passing(each.failure)]
            if passing and passing[0] is not None:
                raise passing[0]
        if waiting:
            await self._defer(sync, waiting)

    async def _defer(self, sync: SyncRow, waiting: Sequence[Asked]) -> None:
        """Somebody writes them as fast as we do."""
        log.warning("calendar.pairs_left", subject_id=sync.id, count=len(waiting))
        events = [each.event_id for each in waiting if each.event_id is not None]
        todos = [each.todo_id for each in waiting if each.todo_id is not None]
        async with self.held(sync) as tx:
            calendar_links.defer(tx, sync, events, todos, now=self._now())

    async def read(self, sync: SyncRow, link: Unread | Link) -> Asked:
        """The event as it is there now."""
        try:
            event = await self._google.get_event(
                self._access, sync.calendar_id, link.event_id, zone=sync.calendar_zone
            )
        except Gone:
            return Asked(Missing.GONE, link.todo_id, link.event_id, read=True)
        return Asked(event, link.todo_id, link.event_id, read=True)

    async def _stepped(
        self, sync: SyncRow, asked: Sequence[Asked]
    ) -> tuple[list[Planned], list[Unread]]:
        """All at once; one by one, where one of them is refused."""
        try:
            async with self.held(sync) as tx:
                return await calendar_pairs.step(tx, sync, asked, now=self._now())
        except Unauthenticated:
            raise
        except Rejected as error:
            if len(asked) == 1:
                await self._tell_refused(sync, asked[0], error)
                return [], []
        planned: list[Planned] = []
        unread: list[Unread] = []
        for each in asked:
            more = await self._stepped(sync, [each])
            planned += more[0]
            unread += more[1]
        return planned, unread

    async def _tell_refused(self, sync: SyncRow, asked: Asked, error: Rejected) -> None:
        log.warning("calendar.todo_refused", subject_id=sync.id, error=error)
        line = Line(
            Direction.FAILED, "todo.refused", asked.todo_id, asked.event_id, reason=NOT_ALLOWED
        )
        async with self.held(sync) as tx:
            calendar_pairs.tell(tx, sync, [line], now=self._now())

    async def _written(self, sync: SyncRow, planned: Sequence[Planned]) -> list[Result]:
        """Some at a time; after a failure that will pass no further call is begun."""
        turns = asyncio.Semaphore(AT_A_TIME)
        stopped = asyncio.Event()

        async def one(each: Planned) -> Result | None:
            async with turns:
                if stopped.is_set():
                    return None
                if each.turn is not None:
                    result = await self._write_turn(sync, each, each.turn)
                else:
                    result = await self._write(sync, each)
                if _is_passing(result.failure):
                    stopped.set()
                return result

        # The first goes alone: that an access has ended, one call finds out and not all at a time.
        found = [await one(each) for each in planned[:1]]
        found += await asyncio.gather(*(one(each) for each in planned[1:]))
        return [each for each in found if each is not None]

    async def _write(self, sync: SyncRow, planned: Planned) -> Result:
        write, link = planned.plan.event, planned.link
        # A series that agrees now is looked at once more: for the occurrence that it stands at.
        next_one = Asked(Missing.UNREAD, link.todo_id, link.event_id, planned.instances)
        then = next_one if planned.recurs else None
        if write is None:
            return Result(planned, then=then)
        try:
            answer = await self._call(sync, write)
        except (AlreadyThere, Changed) as refused:
            used = isinstance(refused, AlreadyThere)
            return await self._again(sync, planned, Missing.USED if used else Missing.GONE)
        except Gone:
            if write.op is Op.DELETE:
                return Result(planned)
            return Result(planned, again=Asked(Missing.GONE, link.todo_id, link.event_id))
        except VendorError as error:
            return Result(planned, failure=error)
        faults.point("calendar_after_write")
        metrics.CALENDAR_WRITES.labels("event", write.op).inc()
        return Result(planned, answer, then=then)

    async def _write_turn(self, sync: SyncRow, planned: Planned, turn: TurnPlan) -> Result:
        """Occurrences, one by one. One that the calendar does not have needs no change."""
        link = planned.link
        for write in turn.events:
            try:
                await self._call(sync, write)
            except Changed:
                return await self._turn_again(sync, link, write.event_id, planned)
            except Gone:
                continue
            except VendorError as error:
                return Result(planned, failure=error)
            metrics.CALENDAR_WRITES.labels("event", "instance").inc()
        return Result(planned)

    async def _turn_again(
        self, sync: SyncRow, link: Link, instance_id: str, planned: Planned
    ) -> Result:
        try:
            instance = await self._google.get_event(
                self._access, sync.calendar_id, instance_id, zone=sync.calendar_zone
            )
        except VendorError as error:
            return Result(planned, failure=error)
        asked = Asked(Missing.UNREAD, link.todo_id, link.event_id, (instance,))
        return Result(planned, again=asked)

    async def _again(self, sync: SyncRow, planned: Planned, gone: Missing) -> Result:
        """Somebody wrote it meanwhile: we, and did not hear of it, or somebody else.

        `gone`: what it means if it is not there.
        """
        try:
            asked = await self.read(sync, planned.link)
        except VendorError as error:
            return Result(planned, failure=error)
        again = replace(asked, event=gone) if asked.event is Missing.GONE else asked
        return Result(planned, again=replace(again, instances=planned.instances))

    async def _call(self, sync: SyncRow, write: EventWrite) -> RemoteEvent | None:
        google, access, calendar = self._google, self._access, sync.calendar_id
        if write.op is Op.DELETE:
            await google.delete_event(access, calendar, write.event_id, etag=write.etag)
            return None
        body, zone = write.body or {}, sync.calendar_zone
        if write.op is Op.INSERT:
            return await google.insert_event(access, calendar, write.event_id, body, zone=zone)
        return await google.patch_event(
            access, calendar, write.event_id, body, etag=write.etag, zone=zone
        )

    async def _keep(self, sync: SyncRow, results: Sequence[Result]) -> None:
        done = [
            (each.planned, each.answer)
            for each in results
            if each.again is None and each.failure is None
        ]
        refused = [each for each in results if each.failure is not None and each.failure.permanent]
        if not done and not refused:
            return
        async with self.held(sync) as tx:
            calendar_pairs.heard(tx, sync, done, now=self._now())
            calendar_pairs.given_up(
                tx, sync, [each.planned for each in refused], REFUSED, now=self._now()
            )


def _is_passing(failure: VendorError | None) -> bool:
    """Or it is about the whole connection: nothing more can be written for now."""
    return failure is not None and (not failure.permanent or isinstance(failure, Revoked))
