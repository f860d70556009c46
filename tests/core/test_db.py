"""Transactions that are cancelled."""

import asyncio

import pytest

from core.db import Database
from core.statements import Query, row
from tests.patience import PATIENCE_S

ONE = Query(b"SELECT 1", row, {}, writes=False)
TICKS = 12  # of the loop, from a connection that comes back to whoever waits for it


@pytest.mark.parametrize("ticks", range(TICKS))
async def test_a_cancellation_is_not_lost_while_a_connection_is_handed_over(
    database_url: str, ticks: int
) -> None:
    database = Database(database_url, role="vt_app", size=1)
    await database.open()

    async def reading() -> None:
        async with database.transaction(read_only=True) as tx:
            await tx.first(ONE)
        await asyncio.Event().wait()

    async with database.transaction(read_only=True) as tx:
        await tx.first(ONE)
        waiting = asyncio.create_task(reading())
        await asyncio.sleep(0.05)
    for _ in range(ticks):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting}, timeout=PATIENCE_S)
    assert waiting.cancelled()
    async with database.transaction(read_only=True) as tx:
        assert await tx.first(ONE) == (1,)
    await database.close()
