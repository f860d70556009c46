"""Taking an import back, slice by slice: each is one transaction that can be done again."""

from datetime import datetime
from typing import Final

from psycopg.types.json import Jsonb
from sqlalchemy import bindparam, select

from core.actor import Actor
from core.db import Transaction
from core.messages import JobMessage
from core.models.imports import Taken
from core.models.jobs import JobStatus
from core.models.todos import Lists, Todos
from core.services import import_rows, imports, jobs, lists, series, todo_writes
from core.services.import_report import Report
from core.services.import_rows import ImportRow
from core.services.jobs import Found
from core.services.todo_rows import TodoRow, select_rows
from core.services.workspaces import Access, place
from core.statements import query

SLICE: Final = 200

_LOCK = query(
    select_rows()
    .where(
        Todos.workspace_id == bindparam("workspace_id"),
        Todos.id == bindparam("ids").any_(),
        Todos.deleted_at.is_(None),
    )
    .order_by(Todos.id.desc())
    .with_for_update(of=Todos),
    TodoRow.of_row,
)
# Untouched since, and nothing is left in them.
_EMPTY = query(
    select(Lists.id).where(
        Lists.workspace_id == bindparam("workspace_id"),
        Lists.id == bindparam("ids").any_(),
        Lists.version == 1,
        Lists.deleted_at.is_(None),
        ~select(Todos.id)
        .where(
            Todos.workspace_id == Lists.workspace_id,
            Todos.list_id == Lists.id,
            Todos.deleted_at.is_(None),
        )
        .exists(),
    )
)


async def step(tx: Transaction, message: JobMessage, *, now: datetime) -> bool:
    """Take the next rows back; whether that was the end. Also true when it was over before."""
    tx.act_in([message.workspace_id])
    job = await jobs.lock(tx, message.workspace_id, message.job_id)
    if job is None:
        return True
    of = {"of_workspace_id": message.workspace_id, "of_undo_id": message.job_id}
    row = await tx.first(import_rows.OF_UNDO, **of)
    if row is None:
        jobs.finish(tx, job, JobStatus.CANCELLED, job.result, now=now)
        return True
    tx.act_for(row.user_id, limit_key=f"imports:{row.user_id}")
    tx.change_set_id = job.id
    actor = Actor(row.user_id, job.id)
    spot = await place(tx, actor, row.workspace_id, Access.WRITE, now=now)
    report = Report.of(row.report)
    rows = {"workspace_id": row.workspace_id, "import_id": row.id}
    found = await tx.all(import_rows.TO_TAKE_BACK, **rows, limit=SLICE)
    if not found:
        await _finish(tx, actor, job, row, report, now=spot.now)
        return True
    kept = {todo_id for todo_id, _ in await imports.changed(tx, row)}
    back = [line for line in found if line.todo_id not in kept]
    ids = [line.todo_id for line in back]
    for todo in await tx.all(_LOCK, workspace_id=row.workspace_id, ids=ids, user_id=row.user_id):
        await _take_back(tx, todo, now=spot.now)
    there = {"workspace_id": row.workspace_id}
    tx.run(import_rows.TAKE_REFS_BACK, **there, todo_ids=ids, made=ids)
    for taken in Taken:
        ns = [line.n for line in found if (line.todo_id in kept) is (taken is Taken.KEPT)]
        tx.run(import_rows.TAKE, **rows, ns=ns, new_taken=taken)
    report.taken_back += len(back)
    report.kept += len(found) - len(back)
    tx.run(
        import_rows.GO_ON,
        of_workspace_id=row.workspace_id,
        of_id=row.id,
        new_format=row.format,
        new_done=row.done,
        new_report=Jsonb(report.stored()),
        new_list_ids=list(row.list_ids),
        now=now,
    )
    of_all = max(1, report.counts["created"])
    jobs.tell(tx, job, (report.taken_back + report.kept) / of_all, _result(row, report), now=now)
    return False


async def fail(tx: Transaction, message: JobMessage, error: str, *, now: datetime) -> None:
    """It can go on no more: what was taken back stays so, and it may be asked for again."""
    tx.act_in([message.workspace_id])
    job = await jobs.lock(tx, message.workspace_id, message.job_id)
    if job is not None:
        jobs.finish(tx, job, JobStatus.FAILED, job.result, error=error, now=now)


async def _take_back(tx: Transaction, todo: TodoRow, *, now: datetime) -> None:
    recurring = await series.of_todo(tx, todo)
    if recurring is not None and recurring.todo_id == todo.id:
        series.end(tx, recurring, now=now)
    await todo_writes.write(tx, todo, {"deleted": True}, now=now)


async def _finish(
    tx: Transaction, actor: Actor, job: Found, row: ImportRow, report: Report, *, now: datetime
) -> None:
    ids = list(row.list_ids)
    for (list_id,) in await tx.all(_EMPTY, workspace_id=row.workspace_id, ids=ids):
        lists.write(tx, await lists.lock(tx, actor, list_id), {"deleted": True}, now=now)
    tx.run(
        import_rows.UNDONE,
        of_workspace_id=row.workspace_id,
        of_id=row.id,
        new_report=Jsonb(report.stored()),
        now=tx.began_at,
    )
    jobs.finish(tx, job, JobStatus.SUCCEEDED, _result(row, report), now=tx.began_at)


def _result(row: ImportRow, report: Report) -> dict[str, object]:
    return {"import_id": str(row.id), "taken_back": report.taken_back, "kept": report.kept}
