"""Somebody with a connected calendar, whoever else writes in it, and the runs of its sync."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.calendar_syncs import CalendarSyncs
from activities.calendars import Calendars, Sliced, State
from activities.shift import Hand
from core import clock, due
from core.db import Database
from core.messages import CalendarMessage
from core.rules.calendar_events import RemoteEvent
from core.services import calendar_syncs
from integrations import calendars
from integrations.google_calendar import Access, GoogleCalendar
from tests.allowing import refresh_token
from tests.connecting import World, fresh_account
from tests.people import Person, register
from tests.teams import sql
from tests.todos import make

ENDS = {State.SYNCED, State.PAUSED, State.OVER}
MAIN = "primary"
DUE = {"date": "2030-07-01", "time": "18:00", "timezone": "Europe/Berlin"}
_lanes = count(10_000)


@dataclass(frozen=True, slots=True)
class Desk:
    """A person, their connection, and the same calendar as somebody else would open it."""

    world: World
    person: Person
    account: str
    id: UUID
    lane: int
    app_db: Database
    worker_db: Database
    google: GoogleCalendar
    hand: Access

    def activities(self, **options: Any) -> Calendars:
        options = {"address": None, **options}
        return Calendars(self.app_db, self.world.ring, self.google, **options)

    async def begin(self, *, now: datetime | None = None) -> CalendarMessage | None:
        """As the tick does; the run that begins, if the calendar is due."""
        at = now or clock.now()
        async with self.worker_db.transaction() as tx:
            due.wake(tx, calendar_syncs.SOURCE, self.lane, lanes=self.lane + 2, now=at)
            claimed = await due.claim(tx, calendar_syncs.SOURCE, self.lane, now=at, limit=10)
        if claimed:
            await CalendarSyncs(self.app_db, now=lambda: at).work(claimed, Hand())
        row = await self.row()
        if not claimed or row["state"] != "running":
            return None
        return CalendarMessage(self.person.id, self.id, row["run_no"])

    async def slice(self, run: CalendarMessage, **options: Any) -> Sliced:
        return await ActivityEnvironment().run(self.activities(**options).sync_slice, run)

    async def sync(self, *, now: datetime | None = None, **options: Any) -> Sliced:
        """A run to its end; one that waits is tried again at once, some times."""
        run = await self.begin(now=now)
        assert run is not None, "the calendar is not due"
        for _ in range(50):
            done = await self.slice(run, **options)
            if done.state in ENDS:
                return done
        raise AssertionError(done)

    async def poke(self) -> None:
        """As if the calendar had told of news."""
        await sql(
            self.world.database_url,
            "UPDATE calendar_syncs SET poked_at = %s, next_at = %s WHERE id = %s",
            clock.now(),
            clock.now(),
            self.id,
        )

    async def pull(self, **options: Any) -> Sliced:
        await self.poke()
        return await self.sync(**options)

    async def row(self) -> dict[str, Any]:
        names = [
            "state", "run_no", "fence", "phase", "sync_token", "page_token", "next_at", "problem",
            "failures", "seq", "full_list", "full_sync", "progress_done", "progress_total",
            "change_set_id", "last_synced_at",
        ]  # fmt: skip
        [found] = await sql(
            self.world.database_url,
            f"SELECT {', '.join(names)} FROM calendar_syncs WHERE id = %s",  # noqa: S608 - constants
            self.id,
        )
        return dict(zip(names, found, strict=True))

    async def events(self) -> dict[str, RemoteEvent]:
        """All that stand in the calendar, by title."""
        page = await self.google.list_events(self.hand, MAIN)
        return {each.summary: each for each in page.events if not each.cancelled}

    async def titles(self) -> list[str]:
        """Of all events, each as often as it stands there."""
        page = await self.google.list_events(self.hand, MAIN)
        return sorted(each.summary for each in page.events if not each.cancelled)

    async def todos(self) -> dict[str, dict[str, Any]]:
        answer = await self.person.get("/todos?limit=100")
        assert answer.status_code == 200, answer.text
        return {each["title"]: each for each in answer.json()["data"]}

    async def in_step(self, count: int) -> list[dict[str, Any]]:
        """So many todos, `Todo 0` and on, all of them in the calendar."""
        made = [await make(self.person, f"Todo {nth}", due=DUE) for nth in range(count)]
        await self.sync()
        assert len(await self.events()) == count
        return made

    async def put(self, title: str, at: str | None = None, **more: Any) -> RemoteEvent:
        """Somebody makes an event: `2030-07-01T18:00` of Berlin, or all day."""
        body = {"summary": title, **times(at or "2030-07-01T18:00"), **more}
        return await self.google.insert_event(self.hand, MAIN, f"hand{uuid4().hex}", body)

    async def move(self, event: RemoteEvent, at: str, **more: Any) -> RemoteEvent:
        return await self.google.patch_event(self.hand, MAIN, event.id, {**times(at), **more})

    async def change(self, event: RemoteEvent, **body: Any) -> RemoteEvent:
        return await self.google.patch_event(self.hand, MAIN, event.id, body)

    async def remove(self, event: RemoteEvent) -> None:
        await self.google.delete_event(self.hand, MAIN, event.id)

    def calls(self, since: int) -> list[str]:
        """What reached the vendor after the row `since`, by anybody."""
        return self.world.ledger("google_calendar", since)

    def writes(self, since: int) -> list[str]:
        ours = ("events.insert", "events.patch", "events.delete", "events.update")
        return [each for each in self.calls(since) if each in ours]

    async def rests(self) -> None:
        """Nothing is left to say on either side: no echo, no write."""
        since, before = self.world.latest(), await self._versions()
        for _ in range(2):
            assert (await self.pull()).state is State.SYNCED
        assert self.writes(since) == []
        assert await self._versions() == before

    async def _versions(self) -> dict[str, int]:
        return {title: todo["version"] for title, todo in (await self.todos()).items()}

    def fault(self, kind: str, **how: Any) -> None:
        """The next calls of this kind meet it, once where it does not say how often."""
        self.world.fault("google_calendar", kind=kind, **how)

    async def activity(self) -> list[tuple[str, str]]:
        answer = await self.person.get(f"/integrations/{self.id}/activity")
        assert answer.status_code == 200, answer.text
        return [(each["direction"], each["action"]) for each in answer.json()["data"]]

    async def settings(self, **body: Any) -> None:
        answer = await self.person.patch(f"/integrations/{self.id}", json=body)
        assert answer.status_code == 200, answer.text


def times(at: str, zone: str = "Europe/Berlin", *, lasts: timedelta = timedelta(hours=1)) -> Any:
    """Start and end of an event."""
    if "T" not in at:
        after = (datetime.fromisoformat(at) + timedelta(days=1)).date().isoformat()
        return {"start": {"date": at}, "end": {"date": after}}
    end = (datetime.fromisoformat(at) + lasts).isoformat()
    return {
        "start": {"dateTime": f"{at}:00", "timeZone": zone},
        "end": {"dateTime": end, "timeZone": zone},
    }


def by_hand(world: World, account: str) -> Access:
    """Access to the same account that is not ours: a person in their browser."""
    return Access(uuid4(), SecretStr(refresh_token(world.sandbox, account)))


@asynccontextmanager
async def desk(
    world: World, app_db: Database, worker_db: Database, **fields: Any
) -> AsyncIterator[Desk]:
    """A fresh person with a fresh account, connected and never synced."""
    fields = {"timezone": "Europe/Berlin", **fields}
    person = await register(world.http, "dora", **fields)
    account = fresh_account()
    made = await world.connect(person, "google-calendar", account)
    lane = next(_lanes)
    await sql(
        world.database_url, "UPDATE calendar_syncs SET lane = %s WHERE id = %s", lane, made["id"]
    )
    google = calendars.google(world.app.state.settings)
    assert google is not None
    async with google:
        yield Desk(
            world,
            person,
            account,
            UUID(made["id"]),
            lane,
            app_db,
            worker_db,
            google,
            by_hand(world, account),
        )
