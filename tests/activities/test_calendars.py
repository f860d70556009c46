"""Calendars kept in step, over loopback: what is done here and there, and what must not happen."""

from collections.abc import AsyncIterator

import pytest

from activities.calendars import State
from core.db import Database
from tests.calendars import Desk, desk
from tests.connecting import World, connected_world
from tests.todos import make

DUE = {"date": "2030-07-01", "time": "18:00", "timezone": "Europe/Berlin"}


@pytest.fixture(scope="module")
async def world(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with connected_world(database_url, tmp_path_factory.mktemp("calendars")) as world:
        yield world


@pytest.fixture
async def at(world: World, app_db: Database, worker_db: Database) -> AsyncIterator[Desk]:
    async with desk(world, app_db, worker_db) as made:
        yield made
    world.sandbox.delete("/faults")


async def test_todos_that_are_due_become_events(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    await make(at.person, "Someday")
    assert (await at.sync()).state is State.SYNCED
    events = await at.events()
    assert set(events) == {"Water"}
    start = events["Water"].start
    assert start is not None
    assert (start.on.isoformat(), str(start.at), start.zone) == (
        "2030-07-01",
        "18:00:00",
        "Europe/Berlin",
    )
