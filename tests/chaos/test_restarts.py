import asyncio
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.chaos.restarts import restart
from core import embedded
from core.db import Database
from core.errors import Unavailable
from core.statements import NOTHING


async def test_a_database_that_was_away_is_found_again_soon() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="vt-") as name,
        embedded.postgres(Path(name)) as url,
        ExitStack() as servers,
    ):
        database = Database(url, role="postgres", size=2)
        await database.open()
        restarting = asyncio.create_task(asyncio.to_thread(restart, Path(name), 3.2, servers))
        back: list[float] = []
        restarting.add_done_callback(lambda _: back.append(time.monotonic()))
        refused = 0
        while not restarting.done():
            refused += not await _answers(database)
            await asyncio.sleep(0.1)
        while not await _answers(database):  # noqa: ASYNC110 - a database sets no event
            await asyncio.sleep(0.05)
        assert time.monotonic() - back[0] < 2.2
        await database.close()
        await restarting
    assert refused > 0


async def _answers(database: Database) -> bool:
    try:
        async with database.transaction(read_only=True) as tx:
            await tx.all(NOTHING)
    except Unavailable:
        return False
    return True
