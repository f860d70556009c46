"""Who was erased, kept where a restored backup does not reach: the store of blobs.

Each entry is a blob named by the account's random id. When one of these accounts is there again,
and nobody is erasing it, an old backup was restored: it is erased anew before anybody is served.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from core.db import Transaction
from core.ids import uuid7
from core.services import erasures
from core.statements import Query, row

FOLDER: Final = "erasures"

_BACK: Final = Query(
    b"SELECT id FROM users WHERE id = ANY (%(ids)s) AND status <> 'erasing' ORDER BY id",
    row,
    {},
    writes=False,
)
_THERE: Final = Query(
    b"SELECT id FROM users WHERE id = ANY (%(ids)s) ORDER BY id", row, {}, writes=False
)
_SHUT: Final = Query(
    b"UPDATE users SET status = 'erasing' WHERE id = %(user)s", row, {}, writes=True
)
# One that the backup knows as cancelled or done is over; one that is open goes on from its start.
_AGAIN: Final = Query(
    b"""
    INSERT INTO erasures AS e (id, user_id, receipt_id, status, requested_at, due_at, restarts)
    VALUES (%(id)s, %(user)s, %(receipt_id)s, 'running', %(now)s, %(now)s, 1)
    ON CONFLICT (user_id) WHERE status IN ('waiting', 'running') DO UPDATE
        SET status = 'running', due_at = %(now)s, restarts = e.restarts + 1
    RETURNING id, restarts
    """,
    row,
    {},
    writes=True,
)


def key(user_id: UUID) -> str:
    return f"{FOLDER}/{user_id}"


def user_of(blob: str) -> UUID:
    return UUID(blob.partition("/")[2])


async def back(tx: Transaction, users: Sequence[UUID]) -> list[UUID]:
    """Those of these erased accounts that are there again, and that nobody is erasing."""
    return [found for (found,) in await tx.all(_BACK, ids=list(users))]


async def reapply(tx: Transaction, users: Sequence[UUID], *, now: datetime) -> int:
    """Ask that these accounts, as far as they are there, be erased anew, without a grace.

    How many that are. `tx` works as `vt_eraser`. Twice begins it twice, which erases once.
    """
    there = [found for (found,) in await tx.all(_THERE, ids=list(users))]
    for user_id in there:
        tx.run(_SHUT, user=user_id)
        again = await tx.first(_AGAIN, id=uuid7(), user=user_id, receipt_id=uuid4(), now=now)
        assert again is not None  # noqa: S101 (an upsert without a condition answers)
        erasure_id, restarts = again
        erasures.start(tx, erasure_id, f"{erasures.workflow_id(erasure_id)}:{restarts}")
    return len(there)
