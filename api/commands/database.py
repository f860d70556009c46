"""The database as commands for operators have it: theirs beside the API, one connection."""
# ruff: noqa: PLC0415 - imports inside functions: psycopg costs `--help` a quarter of a second

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from api.commands.options import load_settings

if TYPE_CHECKING:
    from core.db import Database, Transaction

T = TypeVar("T")


@asynccontextmanager
async def opened(role: str) -> "AsyncIterator[Database]":
    """That of the settings, worked in as `role`, until the block ends."""
    from core import embedded
    from core.db import Database

    database = Database(embedded.database_url(load_settings()), role=role, size=1)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def in_transaction(work: "Callable[[Transaction], Awaitable[T]]") -> T:
    """What `work` answers, on the rows of every tenant; all of it is done, or nothing."""

    async def run() -> T:
        async with opened("vt_worker") as database, database.transaction() as tx:
            return await work(tx)

    return asyncio.run(run())
