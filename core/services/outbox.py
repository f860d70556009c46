"""The reading side of the outbox: what the relay and an operator do with it (as `vt_worker`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Interval, bindparam, delete, func, null, select, update

from core.db import Transaction
from core.errors import NotFound
from core.ids import uuid7
from core.models.outbox import Outbox
from core.statements import Query, query

_LEASED = (Outbox.id == bindparam("row_id"), Outbox.lease_token == bindparam("token"))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row in the relay's hands until its lease ends. `done`: that workflow ended already."""

    id: UUID
    action: str
    workflow_type: str
    workflow_id: str
    arguments: dict[str, Any]
    subject_id: UUID
    priority: int
    fairness_key: str
    attempts: int
    lease_token: UUID
    created_at: datetime
    done: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as an operator sees it."""

    id: UUID
    action: str
    workflow_type: str
    workflow_id: str
    available_at: datetime
    attempts: int
    error: str | None
    dead_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Depth:
    waiting: int
    dead: int
    oldest_s: float  # 0 when nothing waits


# One statement: the lease, the ledger of executions and the rows. SKIP LOCKED lets any number of
# relays claim at a time. A workflow whose execution is closed has had its effect, and Temporal
# forgets closed ids after its retention: `done` is what keeps the same id from running twice.
_CLAIM = Query(
    b"""
    WITH due AS MATERIALIZED (
        SELECT id FROM outbox WHERE dead_at IS NULL AND available_at <= now()
        ORDER BY priority, available_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE outbox o SET lease_token = %(token)s, available_at = now() + %(lease)s::interval
        FROM due WHERE o.id = due.id RETURNING o.*
    ), recorded AS (
        INSERT INTO executions (workflow_id, type, subject_id, arguments, fairness_key)
        SELECT DISTINCT ON (workflow_id)
            workflow_id, workflow_type, subject_id, arguments, fairness_key
        FROM claimed WHERE action = 'start' ORDER BY workflow_id, id
        ON CONFLICT (workflow_id) DO NOTHING
    )
    SELECT c.id, c.action, c.workflow_type, c.workflow_id, c.arguments, c.subject_id, c.priority,
        c.fairness_key, c.attempts, c.lease_token, c.created_at, coalesce(NOT e.open, false)
    FROM claimed c LEFT JOIN executions e ON e.workflow_id = c.workflow_id
    ORDER BY c.priority, c.created_at, c.id
    """,
    Claimed,
    {},
    writes=True,
)
_SETTLE = query(delete(Outbox).where(*_LEASED))
# Back to its place: rows are taken in the order of their time.
_RELEASE = query(
    update(Outbox).where(*_LEASED).values(lease_token=null(), available_at=Outbox.created_at)
)
_FAIL = query(
    update(Outbox)
    .where(*_LEASED)
    .values(
        lease_token=null(),
        attempts=Outbox.attempts + 1,
        error=bindparam("reason"),
        available_at=func.now() + bindparam("wait", type_=Interval()),
    )
)
_DEAD_LETTER = query(
    update(Outbox)
    .where(*_LEASED)
    .values(
        lease_token=null(),
        attempts=Outbox.attempts + 1,
        error=bindparam("reason"),
        dead_at=func.now(),
    )
)
_STARTS_AFTER_ALL = query(
    select(Outbox.id)
    .where(
        Outbox.workflow_id == bindparam("workflow_id"),
        Outbox.created_at < bindparam("before"),
        Outbox.action == "start",
        Outbox.dead_at.is_(None),
    )
    .limit(1)
)
_REQUEUE = query(
    update(Outbox)
    .where(Outbox.id == bindparam("row_id"), Outbox.dead_at.is_not(None))
    .values(dead_at=null(), attempts=0, lease_token=null(), available_at=func.now())
    .returning(Outbox.workflow_id)
)
_DEPTH = query(
    select(
        func.count().filter(Outbox.dead_at.is_(None)),
        func.count().filter(Outbox.dead_at.is_not(None)),
        func.coalesce(
            func.extract(
                "epoch",
                func.now() - func.min(Outbox.created_at).filter(Outbox.dead_at.is_(None)),
            ),
            0,
        ),
    ),
    lambda waiting, dead, oldest: Depth(waiting, dead, float(oldest)),
)
_ENTRIES = (
    select(
        Outbox.id,
        Outbox.action,
        Outbox.workflow_type,
        Outbox.workflow_id,
        Outbox.available_at,
        Outbox.attempts,
        Outbox.error,
        Outbox.dead_at,
        Outbox.created_at,
    )
    .order_by(Outbox.dead_at.is_(None), Outbox.created_at, Outbox.id)
    .limit(100)
)
_LIST = query(_ENTRIES, Entry)
_LIST_DEAD = query(_ENTRIES.where(Outbox.dead_at.is_not(None)), Entry)


async def claim(tx: Transaction, *, limit: int, lease: timedelta) -> list[Claimed]:
    """Up to `limit` rows whose time has come, ours alone until the lease ends, first ones first."""
    return await tx.all(_CLAIM, limit=limit, lease=lease, token=uuid7())


def settle(tx: Transaction, rows: Sequence[Claimed]) -> None:
    """Done. A row whose lease somebody else took over is theirs and stays."""
    for claimed in rows:
        tx.run(_SETTLE, row_id=claimed.id, token=claimed.lease_token)


def release(tx: Transaction, rows: Sequence[Claimed]) -> None:
    """Not tried, or Temporal did not answer: back to its place, and no attempt is counted."""
    for claimed in rows:
        tx.run(_RELEASE, row_id=claimed.id, token=claimed.lease_token)


def fail(tx: Transaction, claimed: Claimed, *, reason: str, wait: timedelta) -> None:
    """Refused for a reason of its own; tried again after `wait`. `reason` names a kind of error."""
    tx.run(_FAIL, row_id=claimed.id, token=claimed.lease_token, reason=reason, wait=wait)


def dead_letter(tx: Transaction, claimed: Claimed, *, reason: str) -> None:
    """Given up until an operator calls `requeue`."""
    tx.run(_DEAD_LETTER, row_id=claimed.id, token=claimed.lease_token, reason=reason)


async def starts_after_all(tx: Transaction, claimed: Claimed) -> bool:
    """Whether an older row still asks for the start of the workflow this one wants to end."""
    found = await tx.first(
        _STARTS_AFTER_ALL, workflow_id=claimed.workflow_id, before=claimed.created_at
    )
    return found is not None


async def requeue(tx: Transaction, row_id: UUID) -> str:
    """Try a dead row again from the beginning; answers its workflow id. Raises `NotFound`."""
    found = await tx.first(_REQUEUE, row_id=row_id)
    if found is None:
        raise NotFound("there is no dead outbox row with this id")
    return str(found[0])


async def depth(tx: Transaction) -> Depth:
    found = await tx.first(_DEPTH)
    return found or Depth(0, 0, 0.0)


async def entries(tx: Transaction, *, dead_only: bool = False) -> list[Entry]:
    """For `voicetodo admin outbox`: a hundred, dead rows first, then what waits, oldest first."""
    return await tx.all(_LIST_DEAD if dead_only else _LIST)
