from collections.abc import AsyncIterator

import pytest

from core.db import Database
from tests.calendars import Desk, desk
from tests.connecting import World


@pytest.fixture
async def at(world: World, app_db: Database, worker_db: Database) -> AsyncIterator[Desk]:
    async with desk(world, app_db, worker_db) as made:
        yield made
    world.sandbox.delete("/faults")
