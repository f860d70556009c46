"""What is floating follows its person: to another time zone, another all-day time.

Few rows move in the request that changes the person, many in batches of a job: what fires before
what is only shown, the soonest first, so that nothing becomes late by waiting for its batch.

A row is moved by computing it anew from what it says, in the zone its person has now. So moving
twice moves once, it does not matter how often the zone changed in between, and a change and its
reverse leave everything as it was. That includes a reminder whose moment has passed in the other
zone: it is not armed there, and is again where it is still to come, unless it fired. Series are
looked at by their tick, which arms them by the zone that it finds.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import bindparam, select

from core.db import Transaction
from core.messages import JobMessage, ZoneCursor
from core.models.jobs import JobKind, JobStatus
from core.models.workspaces import Memberships, Role
from core.services import floating, jobs, series
from core.services.floating import Floating, Mover
from core.statements import query

FEW: Final = 200  # moved within the request: some 20 ms
BATCH: Final = 200
# Every kind of floating row: what fires first, what is only shown last.
MOVERS: Final[tuple[Mover, ...]] = (floating.REMINDERS, floating.DUES)
START: Final = ZoneCursor(0, datetime(1, 1, 1, tzinfo=UTC), UUID(int=0), UUID(int=0))

_LOOKS_ONLY = query(
    select(Memberships.workspace_id)
    .where(Memberships.user_id == bindparam("user_id"), Memberships.role == Role.VIEWER)
    .limit(1)
)
_WORKSPACES = query(
    select(Memberships.workspace_id).where(Memberships.user_id == bindparam("user_id"))
)


async def follow(
    tx: Transaction, user_id: UUID, *, key: object, changed: dict[str, Any], now: datetime
) -> UUID | None:
    """After a person's row was written: move what is floating, or start the job that does.

    Returns that job's id, the same for the same `key` (the version they changed to); null: all is
    moved. `changed` becomes part of its `result`. An older change that is under way is superseded.
    """
    older = await jobs.supersede(tx, user_id, JobKind.ZONE_CHANGE, now=now)
    few = None if older else await _few(tx, user_id)
    if few is not None:
        series.rezone(tx, user_id, now=now)
        for each, rows in zip(MOVERS, few, strict=True):
            if rows:
                await each.move(tx, user_id, rows, now)
        return None
    job = jobs.create(
        tx,
        JobKind.ZONE_CHANGE,
        {**changed, "moved": 0},
        workspace_id=user_id,
        user_id=user_id,
        job_id=uuid5(NAMESPACE_OID, f"zone_change:{user_id}:{key}"),
        now=now,
    )
    return job.id


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a change of zones is. `after` is null when it is over."""

    after: ZoneCursor | None
    looked_at: int = 0
    of: int = 0
    moved: int = 0


async def step(
    tx: Transaction, message: JobMessage, after: ZoneCursor | None, *, now: datetime
) -> Progress:
    """Move one batch: the next rows after the cursor, or of the next kind.

    A row that moves to after the cursor is looked at once more, and found right.
    """
    tx.act_in([message.workspace_id], message.workspace_id)
    job = await jobs.lock(tx, message.workspace_id, message.job_id)
    if job is None:
        job = await jobs.last(tx, message.workspace_id, message.job_id)
        told = job.result if job else {}
        return Progress(None, *(told.get(name, 0) for name in ("looked_at", "total", "moved")))
    user_id = job.user_id
    tx.act_in([each for (each,) in await tx.all(_WORKSPACES, user_id=user_id)], user_id)
    if after is None:
        series.rezone(tx, user_id, now=now)
    total = job.result.get("total")
    if total is None:
        total = 0
        for each in MOVERS:
            total += (await tx.all(each.count, user_id=user_id))[0][0]
    cursor = after or START
    found = await _waiting(tx, MOVERS[cursor.mover], user_id, cursor, BATCH)
    moved = job.result["moved"]
    looked_at = min(job.result.get("looked_at", 0) + len(found), total)
    if found:
        moved += await MOVERS[cursor.mover].move(tx, user_id, found, now)
        last = found[-1]
        following = ZoneCursor(cursor.mover, last.at, last.id, last.workspace_id)
    elif cursor.mover + 1 < len(MOVERS):
        following = ZoneCursor(cursor.mover + 1, START.at, START.id, START.workspace_id)
    else:
        following = None
    result = {**job.result, "total": total, "looked_at": looked_at, "moved": moved}
    if following is None:
        jobs.finish(tx, job, JobStatus.SUCCEEDED, result, now=now)
    else:
        jobs.tell(tx, job, looked_at / total if total else 0.0, result, now=now)
    return Progress(following, looked_at, total, moved)


async def _few(tx: Transaction, user_id: UUID) -> list[list[Floating]] | None:
    """All floating rows, where they are few and the request may write them.

    Where a person only looks now, a reminder of theirs may still wait: it is the worker's.
    """
    if await tx.first(_LOOKS_ONLY, user_id=user_id) is not None:
        return None
    found: list[list[Floating]] = []
    left = FEW
    for each in MOVERS:
        rows = await _waiting(tx, each, user_id, START, left + 1)
        left -= len(rows)
        if left < 0:
            return None
        found.append(rows)
    return found


async def _waiting(
    tx: Transaction, each: Mover, user_id: UUID, after: ZoneCursor, limit: int
) -> list[Floating]:
    return await tx.all(
        each.waiting,
        user_id=user_id,
        at=after.at,
        id=after.id,
        workspace_id=after.workspace_id,
        limit=limit,
    )
