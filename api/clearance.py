"""Before anybody is served: no account that was erased has come back with a backup."""

import asyncio
from contextlib import suppress
from typing import Final

from fastapi import FastAPI
from psycopg import Error as PsycopgError

from core import logs
from core.errors import Error, Unavailable
from integrations import erasure_ledger
from integrations.blobs import Blobs

EVERY_S: Final = 1.0

log = logs.get(__name__)


def require(app: FastAPI) -> None:
    """Raises `Unavailable` until it is known that nobody came back."""
    if not app.state.cleared:
        raise Unavailable(
            "erased accounts have to be erased again first: `voicetodo admin erasures reapply`"
        )


async def look(app: FastAPI, blobs: Blobs) -> None:
    """Find out, once. Where PostgreSQL or the store does not answer, it stays unknown."""
    with suppress(Error, PsycopgError):
        found = await erasure_ledger.back(app.state.database, blobs)
        if found:
            log.error("erasures.came_back", count=found)
        app.state.cleared = found == 0


async def watch(app: FastAPI, blobs: Blobs) -> None:
    """Until it is cleared: afterwards a restore means a restart."""
    while not app.state.cleared:
        await asyncio.sleep(EVERY_S)
        await look(app, blobs)
