"""Jobs: long work that somebody asked for, done by a workflow and told by one resource.

1. `create` writes the job and asks for its workflow, in the transaction of whoever asked.
2. Each step of the work begins with `lock`. Null: it is over (done, cancelled, or gone with its
   workspace), and so the step does nothing.
3. `tell` and `finish` are written in the transaction of the step that they tell of, so that a step
   that is repeated counts once. `finish` also closes our record of the workflow.

What a job is to do stands in its `result` from the beginning: a workflow is told ids only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import ColumnElement, bindparam, insert, select, tuple_, update

from core import outbox
from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, NotFound
from core.events import Event
from core.ids import uuid7
from core.models.jobs import JobKind, Jobs, JobStatus
from core.rules.data_requests import RequestOutcome
from core.services import data_requests, executions
from core.services.workspaces import visible
from core.statements import Query, query

WORKFLOWS: Final[Mapping[JobKind, str]] = {
    JobKind.CLOCK: "AdvanceClock",
    JobKind.ZONE_CHANGE: "ChangeZone",
    JobKind.VOICE_MEMO: "ProcessVoiceMemo",
    JobKind.EXPORT: "ExportData",
    JobKind.IMPORT_UNDO: "UndoImport",
}
# Of the others half would be done; a newer one replaces them. Half an import can be undone.
CANCELLABLE: Final = frozenset({JobKind.CLOCK, JobKind.IMPORT, JobKind.EXPORT})


@dataclass(frozen=True, slots=True)
class Job:
    """`progress` is 0 to 1. `result` grows with the work; `error` is a sentence."""

    id: UUID
    workspace_id: UUID
    kind: str
    status: str
    progress: float
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def etag(self) -> str:
        return f'"{int(self.updated_at.timestamp() * 1_000_000)}"'

    @property
    def over(self) -> bool:
        return self.status in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


@dataclass(frozen=True, slots=True)
class Found:
    """A job as the work on it knows it."""

    workspace_id: UUID
    id: UUID
    user_id: UUID
    kind: str
    progress: float
    result: dict[str, Any]


_COLUMNS = (
    Jobs.id,
    Jobs.workspace_id,
    Jobs.kind,
    Jobs.status,
    Jobs.progress,
    Jobs.result,
    Jobs.error,
    Jobs.created_at,
    Jobs.updated_at,
)
_MINE = (visible(Jobs.workspace_id), Jobs.user_id == bindparam("user_id"))
_OWN = (visible(Jobs.workspace_id, leads=False), Jobs.user_id == bindparam("user_id"))
_ORDER = (Jobs.created_at.desc(), Jobs.id.desc())
_CONDITIONS: Final[dict[str, ColumnElement[bool]]] = {
    "status": Jobs.status == bindparam("status"),
    "kind": Jobs.kind == bindparam("kind"),
    "before": tuple_(Jobs.created_at, Jobs.id)
    < tuple_(bindparam("before"), bindparam("before_id")),
}


@cache
def _page(given: frozenset[str]) -> Query[Job]:
    """A statement for each shape: a condition that may be none hides how many rows there are."""
    conditions = (_CONDITIONS[name] for name in sorted(given))
    rows = select(*_COLUMNS).where(*_OWN, *conditions)
    return query(rows.order_by(*_ORDER).limit(bindparam("limit")), Job)


_ONE = select(*_COLUMNS).where(*_MINE, Jobs.id == bindparam("id"))
_GET = query(_ONE, Job)
_GET_LOCKED = query(_ONE.with_for_update(of=Jobs), Job)
_ADD = query(
    insert(Jobs).values(
        workspace_id=bindparam("workspace_id"),
        id=bindparam("id"),
        user_id=bindparam("user_id"),
        kind=bindparam("kind"),
        result=bindparam("result"),
        created_at=bindparam("now"),
        updated_at=bindparam("now"),
    )
)
_FOUND = select(Jobs.workspace_id, Jobs.id, Jobs.user_id, Jobs.kind, Jobs.progress, Jobs.result)
_OPEN = (
    Jobs.workspace_id == bindparam("of_workspace_id"),
    Jobs.id == bindparam("of_id"),
    Jobs.finished_at.is_(None),
)
_LOCK = query(_FOUND.where(*_OPEN).with_for_update(), Found)
_LAST = query(
    _FOUND.where(Jobs.workspace_id == bindparam("workspace_id"), Jobs.id == bindparam("id")), Found
)
_TELL = query(
    update(Jobs)
    .where(*_OPEN)
    .values(
        status=bindparam("new_status"),
        progress=bindparam("new_progress"),
        result=bindparam("new_result"),
        updated_at=bindparam("now"),
    )
)
_FINISH = query(
    update(Jobs)
    .where(*_OPEN)
    .values(
        status=bindparam("new_status"),
        progress=bindparam("new_progress"),
        result=bindparam("new_result"),
        error=bindparam("new_error"),
        updated_at=bindparam("now"),
        finished_at=bindparam("now"),
    )
)
_OPEN_OF_KIND = query(
    _FOUND.where(
        Jobs.workspace_id == bindparam("workspace_id"),
        Jobs.kind == bindparam("kind"),
        Jobs.finished_at.is_(None),
    ).with_for_update(),
    Found,
)


def workflow_id(job_id: UUID) -> str:
    return f"job:{job_id}"


def create(
    tx: Transaction,
    kind: JobKind,
    result: dict[str, Any],
    *,
    workspace_id: UUID,
    user_id: UUID,
    job_id: UUID | None = None,
    now: datetime,
) -> Job:
    """Queue the job and its workflow. `now` is the real time: jobs have no part in a sandbox's.

    A kind without a workflow of its own tells of work that its caller asks for. Where the kind
    allows one at a time, the transaction of a second one fails with `Conflict`.
    """
    made = Job(job_id or uuid7(), workspace_id, kind, JobStatus.QUEUED, 0.0, result, None, now, now)
    tx.run(
        _ADD,
        workspace_id=workspace_id,
        id=made.id,
        user_id=user_id,
        kind=kind,
        result=Jsonb(result),
        now=now,
    )
    if kind in WORKFLOWS:
        outbox.start(
            tx,
            WORKFLOWS[kind],
            workflow_id(made.id),
            subject_id=made.id,
            tenant=workspace_id,
            workspace_id=workspace_id,
            job_id=made.id,
        )
    tx.emit(Event(workspace_id, "job.created", made.id))
    return made


async def page(
    tx: Transaction,
    actor: Actor,
    *,
    status: JobStatus | None,
    kind: JobKind | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Job]:
    """Up to `limit` + 1 of one's own, newest first, of all workspaces."""
    named = {"status": status, "kind": kind, "before": before}
    given: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    statement = _page(frozenset(given))
    if before is not None:
        given["before"], given["before_id"] = before
    return await tx.all(statement, user_id=actor.user_id, limit=limit + 1, **given)


async def get(tx: Transaction, actor: Actor, job_id: UUID) -> Job:
    found = await tx.first(_GET, id=job_id, user_id=actor.user_id)
    return _found(found)


async def cancel(tx: Transaction, actor: Actor, job_id: UUID, *, now: datetime) -> Job:
    """What was done stays done; the next step finds it over. Cancelled twice is cancelled once.

    Raises `Conflict` for one that is over in another way, or that must run to its end.
    """
    found = await tx.first(_GET_LOCKED, id=job_id, user_id=actor.user_id)
    job = _found(found)
    if job.status == JobStatus.CANCELLED:
        return job
    if job.over:
        raise Conflict(f"this job is over: {job.status}")
    if job.kind not in CANCELLABLE:
        raise Conflict("a job of this kind runs to its end")
    held = await lock(tx, job.workspace_id, job.id)
    if held is not None:
        finish(tx, held, JobStatus.CANCELLED, held.result, now=now)
        if held.kind == JobKind.EXPORT:
            data_requests.close(tx, job_id, RequestOutcome.WITHDRAWN, now=now)
    return await get(tx, actor, job_id)


async def lock(tx: Transaction, workspace_id: UUID, job_id: UUID) -> Found | None:
    """Locked for this transaction. Null: it is over, and the record of its workflow is closed."""
    found = await tx.first(_LOCK, of_workspace_id=workspace_id, of_id=job_id)
    if found is None:
        executions.close(tx, workflow_id(job_id), now=tx.began_at)
    return found


async def last(tx: Transaction, workspace_id: UUID, job_id: UUID) -> Found | None:
    """As it was left, if it is over; null when it is gone."""
    return await tx.first(_LAST, workspace_id=workspace_id, id=job_id)


async def supersede(
    tx: Transaction, workspace_id: UUID, kind: JobKind, *, now: datetime
) -> list[Found]:
    """End what is open of this kind: something newer does its work. What that was."""
    found = await tx.all(_OPEN_OF_KIND, workspace_id=workspace_id, kind=kind)
    for job in found:
        error = "a newer change took its place"
        finish(tx, job, JobStatus.CANCELLED, job.result, error=error, now=now)
    return found


def tell(
    tx: Transaction,
    job: Found,
    progress: float,
    result: dict[str, Any],
    *,
    status: JobStatus = JobStatus.RUNNING,
    now: datetime,
) -> None:
    """Queue saying how far it is: it runs, or waits for somebody outside.

    Progress never goes back, and is 1 only when it succeeded.
    """
    tx.run(
        _TELL,
        of_workspace_id=job.workspace_id,
        of_id=job.id,
        new_status=status,
        new_progress=max(job.progress, min(progress, 0.99)),
        new_result=Jsonb(result),
        now=now,
    )


def finish(
    tx: Transaction,
    job: Found,
    status: JobStatus,
    result: dict[str, Any],
    *,
    error: str | None = None,
    now: datetime,
) -> None:
    """Queue its end, and that of its workflow's record."""
    tx.run(
        _FINISH,
        of_workspace_id=job.workspace_id,
        of_id=job.id,
        new_status=status,
        new_progress=1.0 if status is JobStatus.SUCCEEDED else job.progress,
        new_result=Jsonb(result),
        new_error=error,
        now=now,
    )
    executions.close(tx, workflow_id(job.id), now=now)
    tx.emit(Event(job.workspace_id, f"job.{status}", job.id))


def _found(job: Job | None) -> Job:
    if job is None:
        raise NotFound("there is no such job of yours")
    return job
