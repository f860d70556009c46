"""The steps of a calendar's run: a page of its listing, some todos, what changed, what is gone.

Each step ends by writing how far it is, in a transaction that the fence guards. Killed before that,
it is done again: every pair that it had brought into step is found so.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID, uuid4

from activities.calendar_pairs import Pairs
from core import logs, metrics
from core.db import Database
from core.errors import SyncTokenExpired, VendorError
from core.models.calendars import Phase, Side
from core.models.connections import Direction
from core.rules.calendar_events import RemoteEvent
from core.rules.calendar_plans import Missing
from core.services import (
    calendar_channels,
    calendar_links,
    calendar_quarantine,
    calendar_syncs,
    calendar_views,
    connection_activity,
    feeds,
)
from core.services.calendar_links import Link
from core.services.calendar_pairing import Asked
from core.services.calendar_syncs import SyncRow
from integrations.google_calendar import Access, EventPage, GoogleCalendar

log = logs.get(__name__)

AT_ONCE: Final = 50  # pairs; so much is planned and written between two looks at the clock
CHANGES: Final = 200  # of the feed
CHANNEL_LIVES: Final = timedelta(days=7)
RENEWED_AT: Final = 0.8  # of its life
WITHOUT_CHANNEL: Final = timedelta(hours=6)  # until another one is tried, if it was refused
UNHEARD: Final = timedelta(minutes=2)  # … and if only nothing was heard of it
OF_TODOS: Final = ("todo.", "recurrence.")

T = TypeVar("T")
Step = Callable[[], Awaitable[SyncRow | None]]


class Steps:
    """Of one run, for one slice. `sync` is where it stands."""

    def __init__(
        self,
        app_db: Database,
        google: GoogleCalendar,
        sync: SyncRow,
        access: Access,
        now: Callable[[], datetime],
    ) -> None:
        self.sync = sync
        self._google = google
        self._access = access
        self._now = now
        self._pairs = Pairs(app_db, google, access, now)
        self._left: set[tuple[UUID, str | None]] = set()  # pairs to part, looked at already
        self._steps: Mapping[str, Step] = {
            Phase.LISTING: self._list,
            Phase.TODOS: self._todos,
            Phase.FEED: self._feed,
            Phase.DELETIONS: self._deletions,
        }

    async def step(self) -> bool:
        """Do the next one; false when nothing is left to do. Raises as the calendar does."""
        after = await self._steps[self.sync.phase]()
        if after is None:
            return False
        self.sync = after
        return True

    async def watch(self, address: str | None) -> None:
        """Have news told to this address: from the first run on, and anew before that ends."""
        sync, now = self.sync, self._now()
        if address is None or (sync.channel_renew_at is not None and sync.channel_renew_at > now):
            return
        channel_id, token = uuid4(), secrets.token_urlsafe(32)
        async with self._pairs.held(sync) as tx:
            calendar_channels.expect(tx, sync, channel_id, token)
        try:
            channel = await self._google.watch(
                self._access, sync.calendar_id, str(channel_id), token, address, CHANNEL_LIVES
            )
        except VendorError as error:  # whatever it is: the listing, which follows, finds it out
            log.warning("calendar.not_watched", subject_id=sync.id, error=error)
            async with self._pairs.held(sync) as tx:
                again_at = now + (WITHOUT_CHANNEL if error.permanent else UNHEARD)
                self.sync = calendar_channels.refused(tx, sync, again_at=again_at, now=now)
            return
        async with self._pairs.held(sync) as tx:
            self.sync = calendar_channels.opened(
                tx,
                sync,
                channel_id,
                channel.resource_id,
                token,
                expires_at=channel.expires_at,
                renew_at=now + (channel.expires_at - now) * RENEWED_AT,
                now=now,
            )
        await self._stop(sync)

    async def _stop(self, before: SyncRow) -> None:
        """The earlier channel: nobody believes it any more, so that it goes on harms nobody."""
        if before.channel_id is None or before.channel_resource is None:
            return
        try:
            await self._google.stop(self._access, str(before.channel_id), before.channel_resource)
        except VendorError as error:
            log.info("calendar.channel_not_stopped", subject_id=before.id, error=error)

    async def _list(self) -> SyncRow:
        """A page of what changed there; of everything, where that cannot be told any more."""
        sync = self.sync
        if sync.full_list and sync.page_token is None:
            async with self._pairs.held(sync) as tx:
                calendar_links.begin_anew(tx, sync)
        try:
            page = await self._google.list_events(
                self._access,
                sync.calendar_id,
                sync_token=None if sync.full_list else sync.sync_token,
                page_token=sync.page_token,
            )
        except SyncTokenExpired:
            return await self._list_anew()
        sync = self.sync = calendar_syncs.in_zone(sync, page.zone)
        for part in _parts(_asked_of(page)):
            await self._pairs.agree(sync, part)
        async with self._pairs.held(sync) as tx:
            calendar_links.seen(tx, sync, [*(each.id for each in page.events), *page.unread])
            if page.next_page_token is not None:
                return calendar_syncs.write(
                    tx, sync, page_token=page.next_page_token, failures=0, now=self._now()
                )
            if sync.full_list:  # it is whole only now
                calendar_links.unseen_are_gone(tx, sync, now=self._now())
            return calendar_syncs.write(
                tx,
                sync,
                phase=Phase.TODOS if sync.full_sync else Phase.FEED,
                sync_token=page.next_sync_token,
                page_token=None,
                full_list=False,
                listed_at=sync.began_at,
                failures=0,
                now=self._now(),
            )

    async def _list_anew(self) -> SyncRow:
        sync = self.sync
        async with self._pairs.held(sync) as tx:
            connection_activity.record(
                tx,
                sync.workspace_id,
                sync.id,
                Direction.READ,
                "listing.begun_anew",
                now=self._now(),
            )
            return calendar_syncs.write(
                tx, sync, full_list=True, sync_token=None, page_token=None, now=self._now()
            )

    async def _todos(self) -> SyncRow:
        """Some of all todos that belong there. What changes meanwhile, the feed tells."""
        sync = self.sync
        async with self._pairs.held(sync) as tx:
            if sync.after_id is None:
                head = await feeds.head(tx, sync.workspace_id)
                total = await calendar_views.how_many(tx, sync)
                sync = calendar_syncs.write(
                    tx, sync, seq=head, progress_total=total, now=self._now()
                )
            ids = await calendar_views.belonging(tx, sync, after=sync.after_id, limit=AT_ONCE)
        await self._pairs.agree(sync, [Asked.of_todo(each) for each in ids])
        async with self._pairs.held(sync) as tx:
            if not ids:
                return calendar_syncs.write(
                    tx, sync, phase=Phase.FEED, full_sync=False, after_id=None, now=self._now()
                )
            done = sync.progress_done + len(ids)
            return calendar_syncs.write(
                tx, sync, after_id=ids[-1], progress_done=done, failures=0, now=self._now()
            )

    async def _feed(self) -> SyncRow:
        """Some of what changed here; first what waits for a reason of its own."""
        sync = self.sync
        async with self._pairs.held(sync) as tx:
            dirty: list[Link] = []
            if sync.feed_until is None:
                head = await feeds.head(tx, sync.workspace_id)
                dirty = await calendar_links.dirty(tx, sync, limit=CHANGES)
                sync = calendar_syncs.write(tx, sync, feed_until=head, now=self._now())
            changes = await feeds.after(tx, sync.workspace_id, sync.seq, limit=CHANGES)
            named = [each.subject_id for each in changes if each.type.startswith(OF_TODOS)]
            speaks = await calendar_views.subjects(tx, sync, named)
        ids = [*(each.todo_id for each in dirty if each.todo_id), *speaks.values()]
        for part in _parts(dict.fromkeys(ids)):
            await self._pairs.agree(sync, [Asked.of_todo(each) for each in part])
        async with self._pairs.held(sync) as tx:
            seq = changes[-1].seq if changes else sync.seq
            over = len(changes) < CHANGES or seq >= (sync.feed_until or 0)
            phase = Phase.DELETIONS if over else Phase.FEED
            return calendar_syncs.write(tx, sync, seq=seq, phase=phase, failures=0, now=self._now())

    async def _deletions(self) -> SyncRow | None:
        """Carry over those that nobody needs to be asked about. Null: it is in step."""
        sync = self.sync
        async with self._pairs.held(sync) as tx:
            waiting = await calendar_quarantine.sort(tx, sync, now=self._now())
            leaving = await calendar_links.gone(tx, sync, limit=AT_ONCE)
        for side, count in waiting.items():
            metrics.CALENDAR_QUARANTINED.labels(side).inc(count)
        tried = {each.id for each in leaving if (each.id, each.gone) in self._left}
        # Those that others write as fast as we are the next run's.
        leaving = [each for each in leaving if each.id not in tried or not each.dirty]
        left = [each.id for each in leaving if each.id in tried]
        if left:  # nothing can be done about these: they are parted as they are
            async with self._pairs.held(sync) as tx:
                calendar_links.part(tx, sync, left, now=self._now())
        self._left.update((each.id, each.gone) for each in leaving)
        if leaving:
            wanted = [each for each in leaving if each.id not in left]
            await self._pairs.agree(sync, [await self._asked(each) for each in wanted])
            return sync
        async with self._pairs.held(sync) as tx:
            await calendar_syncs.finish(tx, sync, now=self._now())
        return None

    async def _asked(self, link: Link) -> Asked:
        """Whether an event is gone is asked once more: a listing may have left it out."""
        if link.gone == Side.EVENT:
            return await self._pairs.read(self.sync, link)
        return Asked(Missing.UNREAD, link.todo_id, link.event_id)


def _asked_of(page: EventPage) -> list[Asked]:
    """Each event once, as the page has it last; exceptions beside what they are exceptions of."""
    latest = {each.id: each for each in page.events}
    instances: dict[str, list[RemoteEvent]] = {}
    for each in latest.values():
        if each.recurring_event_id is not None:
            instances.setdefault(each.recurring_event_id, []).append(each)
    asked = [
        Asked(each, event_id=each.id, instances=tuple(instances.pop(each.id, ())))
        for each in latest.values()
        if each.recurring_event_id is None
    ]
    return asked + [
        Asked(Missing.UNREAD, event_id=master, instances=tuple(found))
        for master, found in instances.items()
    ]


def _parts(items: Iterable[T]) -> Iterable[list[T]]:
    rows = list(items)
    return (rows[at : at + AT_ONCE] for at in range(0, len(rows), AT_ONCE))
