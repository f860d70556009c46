"""One person's digests in a lane of their own, and a worker that is told what time it is."""

import asyncio
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from activities.channels import Channels
from activities.digests import Digests
from activities.shift import Hand
from core import due
from core.db import Database
from core.errors import VendorError
from core.models.deliveries import Channel
from core.rules.digests import Plan
from core.services import due_digests
from core.services.deliveries import Send
from core.services.due_digests import SOURCE
from tests.people import Person, register
from tests.teams import sql

_lanes = count(9000)
ZONE = "Europe/Berlin"


@dataclass(slots=True)
class Letterbox:
    """A vendor that keeps what it is given; it fails as often as it is told to."""

    got: list[Send] = field(default_factory=list)
    failures: int = 0
    permanent: bool = False

    async def deliver(self, send: Send) -> str:
        if self.failures:
            self.failures -= 1
            raise VendorError("no", permanent=self.permanent)
        self.got.append(send)
        return "x"


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody in Berlin who wants a digest."""

    person: Person
    url: str
    app_db: Database
    worker_db: Database
    lane: int
    box: Letterbox

    @property
    def vendors(self) -> dict[Channel, Letterbox]:
        return {Channel.EMAIL: self.box, Channel.SLACK: self.box}

    async def wish(self, on: date, **digest: str) -> datetime:
        """Say what is wished, as if it were right before this day; when it is due."""
        wishes = {"frequency": "daily", **digest}
        answer = await self.person.patch("/me", json={"preferences": {"digest": wishes}})
        assert answer.status_code == 200, answer.text
        slot = Plan.of(wishes).slot(on, ZONE, self.person.id)
        await sql(
            self.url,
            "UPDATE digests SET lane = %s, next_at = %s, due_on = %s, period = %s,"
            " arm_no = arm_no + 1 WHERE id = %s",
            self.lane,
            slot.at,
            slot.on,
            slot.period,
            self.person.id,
        )
        return slot.at

    async def tick(self, at: datetime, *, patience: timedelta = timedelta(0)) -> int:
        """Work on what is due at this instant; how many rows that were."""
        channels = Channels(self.vendors, now=lambda: at, patience=patience)
        handler = Digests(self.app_db, self.worker_db, channels, dev=True, now=lambda: at)
        asked_at = asyncio.get_running_loop().time()
        async with self.worker_db.transaction() as tx:
            claimed = await due.claim(
                tx, SOURCE, self.lane, now=at, horizon=timedelta(0), limit=100
            )
        hand = Hand()
        for each in claimed:
            hand.take(each, asked_at=asked_at)
        await handler.work(claimed, hand)
        return len(claimed)

    async def begin(self, at: datetime) -> None:
        """As a worker that dies before it sends anything."""
        async with self.worker_db.transaction() as tx:
            claimed = await due.claim(
                tx, SOURCE, self.lane, now=at, horizon=timedelta(0), limit=100
            )
            found = await due_digests.workspaces_of(tx, [self.person.id])
        async with self.app_db.transaction() as tx:
            await due_digests.begin(tx, claimed, found, now=at, dev=True)

    async def row(self) -> dict[str, Any]:
        return await self._one("SELECT to_jsonb(g) FROM digests g WHERE id = %s")

    async def periods(self) -> list[tuple[Any, ...]]:
        return await sql(
            self.url,
            "SELECT period, status FROM digest_periods WHERE workspace_id = %s ORDER BY period",
            self.person.id,
        )

    async def deliveries(self) -> list[dict[str, Any]]:
        rows = await sql(
            self.url,
            "SELECT to_jsonb(d) FROM deliveries d WHERE user_id = %s AND kind = 'digest'"
            " ORDER BY due_at, channel",
            self.person.id,
        )
        return [each for (each,) in rows]

    async def complete(self, todo: dict[str, Any], at: datetime) -> None:
        await sql(
            self.url,
            "UPDATE todos SET status = 'completed', completed_at = %s WHERE id = %s",
            at,
            todo["id"],
        )

    async def _one(self, statement: str) -> dict[str, Any]:
        [(row,)] = await sql(self.url, statement, self.person.id)
        found: dict[str, Any] = row
        return found


@pytest.fixture
async def reading(http: Any, database_url: str, app_db: Database, worker_db: Database) -> Reading:
    alice = await register(http, timezone=ZONE)
    return Reading(alice, database_url, app_db, worker_db, next(_lanes), Letterbox())
