"""Imports: files that people bring, and what becomes of them.

1. A file is received once its blob is durable: `receive` writes the import and its job in one
   transaction, so whoever was answered can rely on both.
2. The steps of the work `lock` it; null: it is over, or was cancelled, and so they do nothing.
3. What a step wrote and how far it is (`told`) are one transaction: a step that is repeated, by
   another worker as well, goes on after what was written.
4. All that it makes is one change set. `undo` takes that back, except for what was changed since.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core import outbox
from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Error, Invalid, NotFound
from core.ids import uuid7
from core.messages import JobMessage
from core.models.imports import Outcome
from core.models.jobs import JobKind, JobStatus
from core.rules.preferences import KEYS
from core.services import import_rows, jobs, notification_rows, users
from core.services.import_report import Report
from core.services.import_rows import ImportRow, Line, Seen
from core.services.jobs import Found
from core.services.workspaces import Access, place

KEPT: Final = timedelta(days=30)  # with its rows; so long it can be undone
MOST_NAMED: Final = 10
KIND: Final = "import"  # of notifications
WORKFLOW: Final = "ImportData"


@dataclass(frozen=True, slots=True)
class Draft:
    """A file whose blob is durable; `blob_key` is sealed for import `id`."""

    id: UUID
    format: str | None
    dry_run: bool
    again: bool
    file_name: str | None
    size: int
    sha256: bytes
    blob: str | None
    blob_key: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Work:
    """An import and its job, locked for a step."""

    job: Found
    row: ImportRow
    report: Report

    @property
    def actor(self) -> Actor:
        return Actor(self.row.user_id, self.row.id)


async def receive(
    tx: Transaction, actor: Actor, workspace_id: UUID, draft: Draft, *, now: datetime
) -> Seen:
    """Write down that a file came, and ask for its work."""
    await place(tx, actor, workspace_id, Access.WRITE, now=now)
    _add(tx, actor, workspace_id, draft, change_set=uuid7(), now=now)
    outbox.start(
        tx,
        WORKFLOW,
        jobs.workflow_id(draft.id),
        subject_id=draft.id,
        tenant=workspace_id,
        workspace_id=workspace_id,
        job_id=draft.id,
    )
    return await get(tx, actor, draft.id)


async def begin_here(
    tx: Transaction, actor: Actor, workspace_id: UUID, draft: Draft, *, now: datetime
) -> Work:
    """One that its caller carries out in this transaction: without a file, without a workflow."""
    await place(tx, actor, workspace_id, Access.WRITE, now=now)
    _add(tx, actor, workspace_id, draft, change_set=tx.change_set_id, now=now)
    work = await _locked(tx, workspace_id, draft.id)
    if work is None:
        raise Error
    return work


async def page(
    tx: Transaction,
    actor: Actor,
    workspace_id: UUID,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Seen]:
    """Up to `limit` + 1 of one's own in this workspace, newest first."""
    asked = {"user_id": actor.user_id, "workspace_id": workspace_id, "limit": limit + 1}
    if before is None:
        return await tx.all(import_rows.PAGE, **asked)
    at, before_id = before
    return await tx.all(import_rows.NEXT_PAGE, **asked, before=at, before_id=before_id)


async def get(tx: Transaction, actor: Actor, import_id: UUID) -> Seen:
    found = await tx.first(import_rows.GET, id=import_id, user_id=actor.user_id)
    return _found(found)


async def lines(
    tx: Transaction,
    actor: Actor,
    import_id: UUID,
    *,
    outcome: Outcome | None,
    after: int,
    limit: int,
) -> list[Line]:
    """Up to `limit` + 1 rows of the file after row `after`, in its order."""
    seen = await get(tx, actor, import_id)
    of = {"workspace_id": seen.row.workspace_id, "import_id": import_id, "after": after}
    if outcome is None:
        return await tx.all(import_rows.LINES, **of, limit=limit + 1)
    return await tx.all(import_rows.LINES_OF, **of, outcome=outcome, limit=limit + 1)


async def undo(
    tx: Transaction, actor: Actor, import_id: UUID, *, keep_changed: bool, now: datetime
) -> Seen:
    """Ask that what it made be taken back. Twice is once.

    Raises `Conflict` naming what was changed since, unless that is to be kept; and for an import
    that is under way, made nothing, or is older than 30 days.
    """
    found = await tx.first(import_rows.GET_LOCKED, id=import_id, user_id=actor.user_id)
    seen = _found(found)
    row = seen.row
    if row.undo_id is not None and seen.undo_status != JobStatus.FAILED:
        return seen
    await place(tx, actor, row.workspace_id, Access.WRITE, now=now)
    if seen.status not in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}:
        raise Conflict("this import is under way: wait for it, or cancel its job")
    if row.dry_run:
        raise Conflict("this was a trial: it made nothing")
    if row.created_at < now - KEPT:
        raise Conflict("imports can be undone for 30 days")
    if not keep_changed:
        await _refuse_if_changed(tx, row)
    job = jobs.create(
        tx,
        JobKind.IMPORT_UNDO,
        {"import_id": str(row.id)},
        workspace_id=row.workspace_id,
        user_id=actor.user_id,
        now=now,
    )
    tx.run(import_rows.SET_UNDO, **_of(row), new_undo_id=job.id, now=now)
    return await get(tx, actor, import_id)


async def changed(tx: Transaction, row: ImportRow) -> list[tuple[UUID, str]]:
    """What an undoing keeps, by id and title: changed by a person since, or above what was."""
    of = {"workspace_id": row.workspace_id, "import_id": row.id}
    found = await tx.all(import_rows.CHANGED, **of, change_set=row.change_set_id)
    return [(todo_id, title) for todo_id, title in found]


async def lock(tx: Transaction, message: JobMessage, *, acting: bool = True) -> Work | None:
    """Locked for a step. Null: nothing is left to do.

    `acting`: as its person, with what they may do by now; all of it is one change set.
    """
    tx.act_in([message.workspace_id])
    work = await _locked(tx, message.workspace_id, message.job_id)
    if work is not None and acting:
        tx.act_for(work.row.user_id, limit_key=f"imports:{work.row.user_id}")
        tx.change_set_id = work.row.change_set_id
    return work


def told(
    tx: Transaction,
    work: Work,
    *,
    done: int,
    lists: Mapping[UUID, str],
    progress: float,
    now: datetime,
) -> Work:
    """Queue saying how far it is: `done` items of the file were seen to."""
    row = replace(
        work.row,
        done=done,
        list_ids=[*work.row.list_ids, *lists],
        report=work.report.stored(),
    )
    tx.run(
        import_rows.GO_ON,
        **_of(row),
        new_format=row.format,
        new_done=done,
        new_report=Jsonb(row.report),
        new_list_ids=row.list_ids,
        now=now,
    )
    jobs.tell(tx, work.job, progress, _result(row, work.report), now=now)
    return replace(work, row=row)


def finish(tx: Transaction, work: Work, *, error: str | None = None, now: datetime) -> str | None:
    """Queue its end. The blob to delete once this is committed."""
    report = work.report
    if error is None and report.nothing_read:
        error = next(each["reason"] for each in report.rejected if each["line"] == 0)
    status = JobStatus.SUCCEEDED if error is None else JobStatus.FAILED
    result = _result(work.row, report)
    jobs.finish(tx, work.job, status, result, error=error, now=now)
    forget_file(tx, work.row, now=now)
    if not work.row.dry_run and work.row.blob is not None:
        _notify(tx, work, error)
    return work.row.blob


def forget_file(tx: Transaction, row: ImportRow, *, now: datetime) -> None:
    if row.blob is not None:
        tx.run(import_rows.FORGET_FILE, **_of(row), now=now)


async def left_over(tx: Transaction, message: JobMessage, *, now: datetime) -> str | None:
    """The blob of an import that was cancelled; forgotten, and to be deleted after the commit."""
    tx.act_in([message.workspace_id])
    of = {"of_workspace_id": message.workspace_id, "of_id": message.job_id}
    row = await tx.first(import_rows.LOCK, **of)
    if row is None:
        return None
    forget_file(tx, row, now=now)
    return row.blob


async def prefer(
    tx: Transaction, user_id: UUID, brought: Mapping[str, Any], *, now: datetime
) -> list[str]:
    """Take over what a client kept and this account says nothing of. What is lost, in words."""
    user = await users.get(tx, user_id)
    new = {
        name: value
        for name, value in brought.items()
        if name not in KEYS and name not in user.preferences and value is not None
    }
    if not new:
        return []
    try:
        await users.edit(tx, user_id, {"preferences": new}, now=now)
    except Invalid as error:
        return [f"its settings are not taken over: {error.detail}"]
    return []


async def _locked(tx: Transaction, workspace_id: UUID, import_id: UUID) -> Work | None:
    job = await jobs.lock(tx, workspace_id, import_id)
    if job is None:
        return None
    row = await tx.first(import_rows.LOCK, of_workspace_id=workspace_id, of_id=import_id)
    return Work(job, row, Report.of(row.report)) if row is not None else None


async def _refuse_if_changed(tx: Transaction, row: ImportRow) -> None:
    found = await changed(tx, row)
    if found:
        named = ", ".join(f"“{title}”" for _, title in found[:MOST_NAMED])
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        raise Conflict(f"changed since: {named}{more}; `keep_changed` takes the others back")


def _add(
    tx: Transaction,
    actor: Actor,
    workspace_id: UUID,
    draft: Draft,
    *,
    change_set: UUID,
    now: datetime,
) -> None:
    jobs.create(
        tx,
        JobKind.IMPORT,
        {"import_id": str(draft.id)},
        workspace_id=workspace_id,
        user_id=actor.user_id,
        job_id=draft.id,
        now=now,
    )
    tx.run(
        import_rows.ADD,
        workspace_id=workspace_id,
        user_id=actor.user_id,
        change_set_id=change_set,
        created_at=now,
        updated_at=now,
        expires_at=now + KEPT,
        **{name: getattr(draft, name) for name in Draft.__dataclass_fields__},
    )


def _notify(tx: Transaction, work: Work, error: str | None) -> None:
    made = work.report.counts[Outcome.CREATED]
    line = "1 todo was imported" if made == 1 else f"{made} todos were imported"
    title = line if error is None else f"A file could not be imported: {error}"
    row = work.row
    told = notification_rows.told(row.workspace_id, row.user_id, KIND, title, key=row.id)
    notification_rows.add(tx, [told])


def _result(row: ImportRow, report: Report) -> dict[str, Any]:
    return {"import_id": str(row.id), "format": row.format, **report.told()}


def _of(row: ImportRow) -> dict[str, UUID]:
    return {"of_workspace_id": row.workspace_id, "of_id": row.id}


def _found(seen: Seen | None) -> Seen:
    if seen is None:
        raise NotFound("there is no such import of yours")
    return seen
