"""The rows of calendars that are kept in step: their runs, who may write for one, how they end.

1. The tick finds a row due and `begin`s a run: a workflow, whose slices each `open` it.
2. A slice raises the fence. Each transaction of it begins with `hold`, which raises `Lost` when
   somebody raised it since: another slice, a person who chose another calendar. So of two that work
   on one run, as happens when a worker is taken for dead, the older one writes nothing any more.
3. `finish`, `wait` or `pause` say when it is looked at again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from core import due, outbox
from core.db import Transaction
from core.due import SOURCES, Claimed
from core.ids import uuid7
from core.messages import CalendarMessage, Kind
from core.models.jobs import JobStatus
from core.services import executions, jobs
from core.services.workspaces import WRITERS
from core.statements import Query, row

SOURCE: Final = SOURCES[Kind.CALENDARS]
WORKFLOW: Final = "SyncCalendar"
EVERY: Final = timedelta(minutes=15)  # notifications are lost now and then
STOPPED: Final = "an operator stopped it"
LOST_AFTER: Final = timedelta(hours=1)  # without a sign of a run's workflow another one begins


class Lost(Exception):
    """Somebody else works on this sync by now."""


@dataclass(frozen=True, slots=True)
class SyncRow:
    """A sync as a slice works on it."""

    workspace_id: UUID
    id: UUID
    user_id: UUID
    calendar_id: str
    policy: str
    state: str
    run_no: int
    fence: int
    began_at: datetime
    change_set_id: UUID
    poked_at: datetime | None
    job_id: UUID | None
    job_run: int | None
    calendar_zone: str
    phase: str
    full_sync: bool
    full_list: bool
    sync_token: str | None
    page_token: str | None
    after_id: UUID | None
    seq: int
    feed_until: int | None
    progress_done: int
    progress_total: int
    listed_at: datetime | None
    failures: int
    channel_id: UUID | None
    channel_resource: str | None
    channel_token_hash: bytes | None
    channel_expires_at: datetime | None
    channel_renew_at: datetime | None

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        return cls(*values)


_NAMES: Final = tuple(each.name for each in fields(SyncRow))
_OURS: Final = _NAMES[_NAMES.index("calendar_zone") :]  # the rest is others' to write
_COLUMNS: Final = ", ".join(_NAMES).encode()
_THIS: Final = b" workspace_id = %(of_workspace_id)s AND id = %(of_id)s "

# What a person asked for, and what was said to be new, is looked up at the calendar; what changed
# here needs no listing. A page is of one listing, and a listing of one run.
_BEGIN: Final = Query(
    b"""
    UPDATE calendar_syncs s
    SET state = 'running', run_no = s.run_no + 1, arm_no = s.arm_no + 1, next_at = %(lost_at)s,
        began_at = %(now)s, change_set_id = x.change_set_id, page_token = NULL, feed_until = NULL,
        progress_done = 0, progress_total = 0, updated_at = %(now)s,
        phase = CASE WHEN s.full_list OR s.sync_token IS NULL OR s.job_id IS NOT NULL
                       OR s.poked_at >= s.listed_at OR s.listed_at <= %(list_since)s
                     THEN 'listing' WHEN s.full_sync THEN 'todos' ELSE 'feed' END
    FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(arm_nos)s::int[],
                %(change_sets)s::uuid[]) AS x (workspace_id, id, arm_no, change_set_id)
    WHERE s.workspace_id = x.workspace_id AND s.id = x.id AND s.arm_no = x.arm_no
      AND s.state <> 'paused' AND s.next_at <= %(now)s
    RETURNING s.workspace_id, s.id, s.run_no
    """,
    CalendarMessage,
    {},
    writes=True,
)
_OPEN: Final = Query(
    b"UPDATE calendar_syncs SET fence = fence + 1, next_at = %(lost_at)s, updated_at = %(now)s"
    b" WHERE" + _THIS + b"AND run_no = %(run_no)s AND state = 'running' RETURNING " + _COLUMNS,
    SyncRow.of_row,
    {},
    writes=True,
)
_HOLD: Final = Query(
    b"SELECT 1 FROM calendar_syncs WHERE"
    + _THIS
    + b"AND fence = %(fence)s AND state = 'running' FOR UPDATE",
    row,
    {},
    writes=False,
)
_WRITE: Final = Query(
    b"UPDATE calendar_syncs SET updated_at = %(now)s, "
    + ", ".join(f"{name} = %({name})s" for name in _OURS).encode()
    + b" WHERE"
    + _THIS
    + b"AND fence = %(fence)s",
    row,
    {},
    writes=True,
)
# What was said to be new since this run began may have come after its listing.
_FINISH: Final = Query(
    b"""
    UPDATE calendar_syncs
    SET state = 'idle', arm_no = arm_no + 1, last_synced_at = %(now)s, problem = NULL, failures = 0,
        next_at = CASE WHEN poked_at >= began_at THEN %(now)s ELSE %(next_at)s END,
        full_sync = false, after_id = NULL, feed_until = NULL, updated_at = %(now)s
    WHERE"""
    + _THIS
    + b"AND fence = %(fence)s",
    row,
    {},
    writes=True,
)
_WAIT: Final = Query(
    b"""
    UPDATE calendar_syncs
    SET failures = failures + 1, problem = %(problem)s, next_at = %(lost_at)s, updated_at = %(now)s
    WHERE"""
    + _THIS
    + b"AND fence = %(fence)s",
    row,
    {},
    writes=True,
)
_STOP: Final = Query(
    b"""
    UPDATE calendar_syncs
    SET state = 'idle', arm_no = arm_no + 1, next_at = %(next_at)s, fence = fence + 1,
        updated_at = %(now)s
    WHERE"""
    + _THIS
    + b"AND fence = %(fence)s",
    row,
    {},
    writes=True,
)
_PAUSE: Final = Query(
    b"""
    UPDATE calendar_syncs
    SET state = 'paused', next_at = NULL, arm_no = arm_no + 1, problem = %(problem)s,
        fence = fence + 1, updated_at = %(now)s
    WHERE"""
    + _THIS
    + b"RETURNING run_no, job_id",
    row,
    {},
    writes=True,
)
_FORGET_JOB: Final = Query(
    b"UPDATE calendar_syncs SET job_id = NULL WHERE" + _THIS + b"AND job_id = %(job_id)s",
    row,
    {},
    writes=True,
)


def workflow_id(connection_id: UUID, run_no: int) -> str:
    return f"calendar:{connection_id}:{run_no}"


async def begin(tx: Transaction, claimed: Sequence[Claimed], *, now: datetime) -> int:
    """Begin a run of each that is still due, and ask for its workflow; how many these are.

    The leases are released: by then the rows are armed anew, for when their run is lost.
    """
    tx.act_in(list({each.workspace_id for each in claimed}))
    begun = await tx.all(
        _BEGIN,
        workspaces=[each.workspace_id for each in claimed],
        ids=[each.id for each in claimed],
        arm_nos=[each.arm_no for each in claimed],
        change_sets=[uuid7() for _ in claimed],
        now=now,
        lost_at=now + LOST_AFTER,
        list_since=now - EVERY,
    )
    for run in begun:
        outbox.start(
            tx,
            WORKFLOW,
            workflow_id(run.connection_id, run.run_no),
            subject_id=run.connection_id,
            tenant=run.workspace_id,
            workspace_id=run.workspace_id,
            connection_id=run.connection_id,
            run_no=run.run_no,
        )
    due.release(tx, SOURCE, claimed)
    return len(begun)


async def open_slice(tx: Transaction, run: CalendarMessage, *, now: datetime) -> SyncRow | None:
    """Fence off whoever worked on it before. Null: this run is over, or another one took over."""
    tx.act_in([run.workspace_id])
    found = await tx.first(
        _OPEN, **_this(run), run_no=run.run_no, now=now, lost_at=now + LOST_AFTER
    )
    if found is None:
        executions.close(tx, workflow_id(run.connection_id, run.run_no), now=now)
    return found


async def may_write(tx: Transaction, sync: SyncRow) -> bool:
    """Whether its owner may still change todos there. `tx` acts for them."""
    membership = (await tx.person()).memberships.get(sync.workspace_id)
    return membership is not None and membership.role in WRITERS


async def hold(tx: Transaction, sync: SyncRow) -> None:
    """Lock it for this transaction, which counts as a part of the run. Raises `Lost`."""
    if await tx.first(_HOLD, **_named(sync), fence=sync.fence) is None:
        raise Lost
    tx.change_set_id = sync.change_set_id


def write(tx: Transaction, sync: SyncRow, *, now: datetime, **changes: Any) -> SyncRow:
    """Queue what changed of how far it is; the row as it is then. Held by this transaction."""
    after = replace(sync, **changes)
    values = {name: getattr(after, name) for name in _OURS}
    tx.run(_WRITE, **_named(sync), **values, fence=sync.fence, now=now)
    return after


async def tell(
    tx: Transaction, sync: SyncRow, *, status: JobStatus = JobStatus.RUNNING, now: datetime
) -> None:
    """Say in the job of whoever asked, if anybody did, how far this run is."""
    if not _is_asked(sync):
        return
    job = await jobs.lock(tx, sync.workspace_id, _job_of(sync))
    if job is not None:
        of = max(sync.progress_total, 1)
        jobs.tell(tx, job, sync.progress_done / of, _figures(sync), status=status, now=now)


async def finish(tx: Transaction, sync: SyncRow, *, now: datetime) -> None:
    """It is in step; looked at again when there is news, and in a quarter of an hour."""
    # A run that listed nothing does not put the next listing off.
    next_at = max(now, (sync.listed_at or now) + EVERY)
    tx.run(_FINISH, **_named(sync), fence=sync.fence, now=now, next_at=next_at)
    executions.close(tx, workflow_id(sync.id, sync.run_no), now=now)
    if _is_asked(sync):
        result = _figures(sync)
        await _end_job(tx, _named(sync), _job_of(sync), JobStatus.SUCCEEDED, result=result, now=now)


async def wait(
    tx: Transaction, sync: SyncRow, problem: str, wait: timedelta, *, now: datetime
) -> None:
    """The run stays, and goes on after this wait."""
    tx.run(
        _WAIT,
        **_named(sync),
        fence=sync.fence,
        problem=problem,
        now=now,
        lost_at=now + wait + LOST_AFTER,
    )
    await tell(tx, sync, status=JobStatus.WAITING, now=now)


async def stop(tx: Transaction, run: CalendarMessage, *, now: datetime) -> None:
    """An operator ended this run: the next one goes on where it was. Twice is once."""
    sync = await open_slice(tx, run, now=now)
    if sync is None:
        return
    tx.run(_STOP, **_this(run), fence=sync.fence, now=now, next_at=now + EVERY)
    executions.close(tx, workflow_id(run.connection_id, run.run_no), now=now)
    if _is_asked(sync):
        cancelled = JobStatus.CANCELLED
        await _end_job(tx, _this(run), _job_of(sync), cancelled, error=STOPPED, now=now)


async def pause(
    tx: Transaction, workspace_id: UUID, connection_id: UUID, problem: str | None, *, now: datetime
) -> None:
    """Nothing is done for it until it is begun again; a run under way writes nothing more."""
    this = {"of_workspace_id": workspace_id, "of_id": connection_id}
    found = await tx.first(_PAUSE, **this, problem=problem, now=now)
    if found is None:
        return
    run_no, job_id = found
    executions.close(tx, workflow_id(connection_id, run_no), now=now)
    if job_id is not None:
        await _end_job(tx, this, job_id, JobStatus.FAILED, error=problem, now=now)


async def _end_job(
    tx: Transaction,
    this: dict[str, UUID],
    job_id: UUID,
    status: JobStatus,
    *,
    result: dict[str, Any] | None = None,
    error: str | None = None,
    now: datetime,
) -> None:
    """Without a `result` it keeps what was told last. No later run is a part of it."""
    tx.run(_FORGET_JOB, **this, job_id=job_id)
    job = await jobs.lock(tx, this["of_workspace_id"], job_id)
    if job is not None:
        jobs.finish(tx, job, status, result or job.result, error=error, now=now)


def in_zone(sync: SyncRow, zone: str) -> SyncRow:
    """With the calendar's zone as a listing says it; stored with the next `write`."""
    return replace(sync, calendar_zone=zone)


def _is_asked(sync: SyncRow) -> bool:
    return sync.job_id is not None and (sync.job_run or 0) <= sync.run_no


def _job_of(sync: SyncRow) -> UUID:
    assert sync.job_id is not None  # noqa: S101 (the callers of this looked)
    return sync.job_id


def _figures(sync: SyncRow) -> dict[str, Any]:
    return {
        "connection_id": str(sync.id),
        "done": sync.progress_done,
        "total": sync.progress_total,
    }


def _named(sync: SyncRow) -> dict[str, UUID]:
    return {"of_workspace_id": sync.workspace_id, "of_id": sync.id}


def _this(run: CalendarMessage) -> dict[str, UUID]:
    return {"of_workspace_id": run.workspace_id, "of_id": run.connection_id}
