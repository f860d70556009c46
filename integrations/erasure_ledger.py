"""The ledger of erasures in the store of blobs, held against the accounts that there are.

A backup that was restored brings accounts back that had been erased. Nobody is served, and nothing
is sent, before these are being erased again.
"""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from core import clock
from core.db import Database
from core.services import erasure_ledger
from integrations.blobs import Blobs

_BATCH: Final = 1000


async def back(db: Database, blobs: Blobs) -> int:
    """How many erased accounts are there again that nobody is erasing yet. `db` in any role."""
    count = 0
    async for users in _entries(blobs):
        async with db.transaction(read_only=True) as tx:
            count += len(await erasure_ledger.back(tx, users))
    return count


async def reapply(db: Database, blobs: Blobs, *, everyone: bool = False) -> int:
    """Have them erased anew; how many. `db` works as `vt_eraser`.

    `everyone`: those as well that are being erased as the backup tells it, which Temporal may
    believe to be done. Twice is harmless.
    """
    count = 0
    async for users in _entries(blobs):
        async with db.transaction() as tx:
            again = users if everyone else await erasure_ledger.back(tx, users)
            count += await erasure_ledger.reapply(tx, again, now=clock.now())
    return count


async def _entries(blobs: Blobs) -> AsyncIterator[list[UUID]]:
    users: list[UUID] = []
    async for kept in blobs.keys(erasure_ledger.FOLDER):
        users.append(erasure_ledger.user_of(kept.key))
        if len(users) == _BATCH:
            yield users
            users = []
    if users:
        yield users
