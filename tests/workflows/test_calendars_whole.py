"""A calendar all the way: the API, the feed, the tick, real Temporal, Google's push channels."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from activities.calendar_syncs import CalendarSyncs
from activities.channels import Channels
from activities.shift import Shift
from api.main import create_app
from core import clock, keys
from core.db import Database
from core.rules.calendar_events import RemoteEvent
from core.settings import Settings
from integrations import calendars
from integrations.google_calendar import Access, GoogleCalendar
from integrations.sandbox.app import create_app as create_sandbox
from tests import plain
from tests.calendars import MAIN, by_hand, times
from tests.connecting import World, fresh_account, unconnected
from tests.memos import deaf
from tests.patience import PATIENCE_S
from tests.people import Person, register
from tests.ports import free_port
from tests.serving import serve
from tests.settings import unlimited
from tests.todos import make, read
from worker import new_vendor_workers, new_worker
from workflows import queues, registry
from workflows.relay import Relay

DUE = {"date": "2030-07-01", "time": "18:00", "timezone": "Europe/Berlin"}
SOON_S = 60.0  # who is told by nobody looks after minutes; idle it takes a second


@dataclass(frozen=True, slots=True)
class Place:
    world: World
    settings: Settings
    db: Database  # as `vt_worker`
    app_db: Database
    client: Client
    google: GoogleCalendar

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A worker's parts, and the tick."""
        async with AsyncExitStack() as stack:
            parts = registry.activities(
                self.app_db,
                self.db,
                Channels({}),
                deaf(),
                dev=True,
                lanes=1,
                ending=unconnected(self.app_db),
            )
            loaded = keys.load(self.settings)
            calendars = queues.calendars(self.settings, loaded, self.app_db, self.google)
            for each in (
                new_worker(self.client, parts),
                *new_vendor_workers(self.client, calendars),
            ):
                await stack.enter_async_context(each)
            shift = Shift(
                self.db, CalendarSyncs(self.app_db), 0, lanes=1, now=clock.now, life_s=120
            )
            tasks = [
                asyncio.create_task(Relay(self.db, self.client).run()),
                asyncio.create_task(shift.work()),
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def connected(self, name: str) -> tuple[Person, Access]:
        person = await register(self.world.http, name, timezone="Europe/Berlin")
        account = fresh_account()
        await self.world.connect(person, "google-calendar", account)
        return person, by_hand(self.world, account)

    async def events(self, hand: Access) -> dict[str, RemoteEvent]:
        page = await self.google.list_events(hand, MAIN)
        return {each.summary: each for each in page.events if not each.cancelled}


@pytest.fixture
async def place(
    relay_url: str, db: Database, temporal_client: Client, tmp_path: Path
) -> AsyncIterator[Place]:
    api_port, sandbox_port = free_port(), free_port()
    settings = unlimited(relay_url, tmp_path, api_port=api_port, sandbox_port=sandbox_port)
    app = create_app(settings)
    app_db = Database(relay_url, role="vt_app", size=6)
    await app_db.open()
    google = calendars.google(settings)
    assert google is not None
    with (
        serve(create_sandbox(settings), port=sandbox_port) as sandbox_url,
        serve(app, port=api_port) as api_url,
        plain.client(sandbox_url) as vendor,
    ):
        async with (
            plain.async_client(api_url) as http,
            google,
        ):
            world = World(app, http, vendor, relay_url)
            yield Place(world, settings, db, app_db, temporal_client, google)
    await app_db.close()


async def until(look: Callable[[], Awaitable[Any]]) -> float:
    """Seconds until it is so."""
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if await look():
                return time.monotonic() - began
            await asyncio.sleep(0.1)


async def test_what_is_done_here_and_there_is_seen_on_the_other_side(place: Place) -> None:
    async with place.working():
        ann, hand = await place.connected("ann")
        todo = await make(ann, "Water", due=DUE)

        async def there() -> bool:
            return "Water" in await place.events(hand)

        await until(there)
        event = (await place.events(hand))["Water"]
        await place.google.patch_event(hand, MAIN, event.id, times("2030-07-09T07:45"))

        async def here() -> bool:
            found = await read(ann, todo["id"])
            return bool(found["due"]["date"] == "2030-07-09")

        assert await until(here) < SOON_S, "its push channel told nobody"
        await ann.post(f"/todos/{todo['id']}/complete")

        async def ticked() -> bool:
            return "✓ Water" in await place.events(hand)

        assert await until(ticked) < SOON_S


async def test_a_calendar_that_asks_for_an_hour_holds_up_nobody_else(place: Place) -> None:
    ann, slow = await place.connected("ann")
    place.world.fault(
        "google_calendar", kind="events.list", status=429, headers={"Retry-After": "3600"}
    )
    async with place.working():
        integration = (await ann.get("/integrations")).json()["data"][0]["id"]

        async def waits() -> bool:
            found = (await ann.get(f"/integrations/{integration}")).json()
            return found["sync"]["problem"] is not None

        await until(waits)
        since = place.world.latest()
        await make(ann, "Held up", due=DUE)
        ben, hand = await place.connected("ben")
        await make(ben, "Water", due=DUE)

        async def there() -> bool:
            return "Water" in await place.events(hand)

        assert await until(there) < SOON_S
        assert await place.events(slow) == {}
        found = (await ann.get(f"/integrations/{integration}")).json()
        assert found["sync"]["state"] == "running"
    assert since > 0
