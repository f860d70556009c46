"""One person's series in a lane of their own, and a worker that is told what time it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from activities.series import Series
from activities.shift import Hand
from core import due
from core.db import Database
from core.services.due_series import SOURCE
from tests.people import Person, register
from tests.teams import sql
from tests.todos import make

_lanes = count(5000)
NINE = {"date": "2030-09-02", "time": "09:00", "timezone": "Europe/Berlin"}


@dataclass(frozen=True, slots=True)
class Course:
    """One person's series in a lane of their own, and a worker that is told what time it is."""

    person: Person
    url: str
    app_db: Database
    worker_db: Database
    lane: int

    async def begin(self, **fields: Any) -> dict[str, Any]:
        todo = await make(self.person, due=fields.pop("due", NINE), **fields)
        await sql(
            self.url,
            "UPDATE series SET lane = %s WHERE workspace_id = %s",
            self.lane,
            self.person.id,
        )
        return todo

    async def tick(self, at: datetime) -> int:
        """Work on what is due at this instant; how many rows that were."""
        async with self.worker_db.transaction() as tx:
            claimed = await due.claim(
                tx, SOURCE, self.lane, now=at, horizon=timedelta(0), limit=100
            )
        await Series(self.app_db, now=lambda: at).work(claimed, Hand())
        return len(claimed)

    async def series(self) -> dict[str, Any]:
        [(row,)] = await sql(
            self.url, "SELECT to_jsonb(s) FROM series s WHERE workspace_id = %s", self.person.id
        )
        row["next_at"] = row["next_at"] and datetime.fromisoformat(row["next_at"])
        found: dict[str, Any] = row
        return found

    async def todos(self) -> list[dict[str, Any]]:
        page = (await self.person.get("/todos", params={"sort": "due"})).json()
        found: list[dict[str, Any]] = page["data"]
        return found

    async def occurrences(self) -> list[tuple[str, str]]:
        rows = await sql(
            self.url,
            "SELECT recurrence_id, status FROM occurrences WHERE workspace_id = %s"
            " ORDER BY turn, recurrence_id",
            self.person.id,
        )
        return [(recurrence_id[:10], status) for recurrence_id, status in rows]


@pytest.fixture
async def course(http: Any, database_url: str, app_db: Database, worker_db: Database) -> Course:
    alice = await register(http, timezone="Europe/Berlin")
    return Course(alice, database_url, app_db, worker_db, next(_lanes))
