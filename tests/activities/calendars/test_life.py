"""Seeds of a life with a calendar; `make chaos` has more."""

import pytest

from core.db import Database
from tests.calendar_life import Life
from tests.calendars import desk
from tests.connecting import World

SEEDS = 8


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_both_sides_come_to_say_the_same_and_nothing_is_lost_or_written_twice(
    world: World, app_db: Database, worker_db: Database, seed: int
) -> None:
    async with desk(world, app_db, worker_db) as at:
        found = await Life(at, str(seed)).live()
    assert found.problems == []
    assert found.most <= 1
