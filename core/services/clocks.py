"""Every process goes by the clock of PostgreSQL, which it asks once a second."""

import asyncio
from contextlib import suppress
from typing import Final

from psycopg import Error as PsycopgError

from core.clock import CLOCK, Clock
from core.db import Database
from core.errors import Error
from core.statements import Query, row

EVERY_S: Final = 1.0  # a laptop that slept was not told by its steady clock

_READ: Final = Query(b"SELECT clock_timestamp()", row, {}, writes=False)


async def hear(db: Database, clock: Clock = CLOCK) -> None:
    asked_at = clock.steady()
    async with db.transaction(read_only=True) as tx:
        found = await tx.first(_READ)
    assert found is not None  # noqa: S101 (it is one row)
    clock.hear(found[0], asked_at=asked_at)


async def follow(db: Database) -> None:
    """Until cancelled. While PostgreSQL is away, time goes on from what was heard last."""
    while True:
        with suppress(Error, PsycopgError):  # whoever has work to do there says so
            await hear(db)
        await asyncio.sleep(EVERY_S)
