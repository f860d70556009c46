"""Rows that the feed of their workspace wakes."""

from datetime import timedelta

import pytest

from core import clock, due
from core.db import Database
from core.due import SOURCES
from core.ids import uuid7
from core.messages import Kind
from tests.reminding import Scene, scene
from tests.webhooking import happen

SOURCE = SOURCES[Kind.WEBHOOKS]
# Ahead, so that a machine that pauses between writing and looking makes nothing old.
LATELY = timedelta(hours=1)
LONG_AGO = timedelta(minutes=-1)


@pytest.fixture
def at(database_url: str) -> Scene:
    """A workspace with an endpoint that has read all of the feed."""
    made = scene(database_url, [])
    made.run(
        "INSERT INTO webhook_endpoints"
        " (workspace_id, id, user_id, url, events, secret, signing_key, lane, seq)"
        " VALUES (%s, %s, %s, 'https://a.example', '{*}', '', '', %s, 0)",
        made.user_id,
        uuid7(),
        made.user_id,
        made.lane,
    )
    return made


async def look(db: Database, at: Scene) -> int:
    async with db.transaction() as tx:
        return len(await due.claim(tx, SOURCE, at.lane, now=clock.now(), limit=9))


async def wake(db: Database, at: Scene, lane: int, *, lanes: int) -> int:
    async with db.transaction() as tx:
        due.wake(tx, SOURCE, lane, lanes=lanes, now=clock.now())
    return await look(db, at)


async def test_a_look_finds_whose_feed_was_written_lately(worker_db: Database, at: Scene) -> None:
    assert await look(worker_db, at) == 0
    happen(at, when=clock.now() + LATELY)
    assert await look(worker_db, at) == 1


async def test_what_was_written_long_before_it_was_seen_is_late_and_not_lost(
    worker_db: Database, at: Scene
) -> None:
    happen(at, when=clock.now() + LONG_AGO)
    assert await look(worker_db, at) == 0
    assert await wake(worker_db, at, at.lane, lanes=at.lane + 2) == 1


async def test_who_was_not_to_be_woken_is_woken_later(worker_db: Database, at: Scene) -> None:
    hold = "UPDATE webhook_endpoints SET hold_until = %s WHERE lane = %s"
    at.run(hold, clock.now() + timedelta(hours=1), at.lane)
    happen(at, when=clock.now() + LONG_AGO)
    assert await wake(worker_db, at, at.lane, lanes=at.lane + 2) == 0
    at.run(hold, None, at.lane)
    assert await wake(worker_db, at, at.lane, lanes=at.lane + 2) == 1


async def test_the_last_lane_wakes_rows_of_lanes_that_are_no_more(
    worker_db: Database, at: Scene
) -> None:
    happen(at, when=clock.now() + LONG_AGO)
    assert await wake(worker_db, at, at.lane - 2, lanes=at.lane) == 0
    assert await wake(worker_db, at, at.lane - 1, lanes=at.lane) == 1
