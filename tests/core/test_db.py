"""Transactions that are cancelled."""

import asyncio
import gc
import time

import pytest

from core.db import Database
from core.statements import Query, row
from tests.patience import PATIENCE_S

ONE = Query(b"SELECT 1", row, {}, writes=False)
BUSY_S = 0.01  # longer than psycopg keeps the loop from others
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


@pytest.mark.parametrize("ticks", range(3))
async def test_a_commit_is_cancelled_quietly(database_url: str, ticks: int) -> None:
    database = Database(database_url, role="vt_app", size=1)
    await database.open()

    async def writing() -> None:
        async with database.transaction() as tx:
            await tx.first(ONE)
            time.sleep(BUSY_S)  # noqa: ASYNC251 (so that the commit lets others work first)
            begun.set()

    begun = asyncio.Event()
    committing = asyncio.create_task(writing())
    await begun.wait()
    for _ in range(ticks):
        await asyncio.sleep(0)
    committing.cancel()
    await asyncio.wait({committing}, timeout=PATIENCE_S)
    assert committing.done()
    del committing
    gc.collect()  # psycopg's steps, if any were left half done, would complain here
    async with database.transaction() as tx:
        assert await tx.first(ONE) == (1,)
    await database.close()
