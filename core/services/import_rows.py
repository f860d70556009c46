"""Imports as they stand in their tables, and the statements."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import and_, bindparam, insert, select, tuple_, update
from sqlalchemy.orm import aliased

from core.models.imports import ImportRows, Imports, Outcome
from core.models.jobs import Jobs
from core.services.workspaces import visible
from core.statements import Query, query, row


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A file that somebody brought. What is sealed opens with `import_files`."""

    workspace_id: UUID
    id: UUID
    user_id: UUID
    format: str | None
    dry_run: bool
    again: bool
    file_name: str | None
    size: int
    sha256: bytes
    blob: str | None
    blob_key: bytes | None = field(repr=False)
    change_set_id: UUID
    done: int
    report: dict[str, Any]
    list_ids: Sequence[UUID]
    undo_id: UUID | None
    undone_at: datetime | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """An import and how far its jobs are; those of the undoing are null until it was asked for."""

    row: ImportRow
    status: str
    progress: float
    error: str | None
    told_at: datetime
    undo_status: str | None
    undo_progress: float | None
    undo_error: str | None
    undo_told_at: datetime | None

    @classmethod
    def of_row(cls, *values: Any) -> "Seen":
        return cls(ImportRow(*values[: len(_NAMES)]), *values[len(_NAMES) :])


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one row of a file."""

    n: int
    line: int
    ref: str | None
    outcome: str
    todo_id: UUID | None
    code: str | None
    reason: str | None
    excerpt: str
    lost: list[str]
    taken: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What came before; of a todo that was deleted since, `todo_id` is null."""

    todo_id: UUID | None
    series_id: UUID | None = None
    parent_id: UUID | None = None

    @property
    def stands(self) -> bool:
        return self.todo_id is not None


_NAMES: Final = tuple(ImportRow.__dataclass_fields__)
_COLUMNS: Final = tuple(getattr(Imports, name) for name in _NAMES)
_LINE: Final = tuple(getattr(ImportRows, name) for name in Line.__dataclass_fields__)
_undo = aliased(Jobs)
_SEEN: Final = (
    select(
        *_COLUMNS,
        Jobs.status,
        Jobs.progress,
        Jobs.error,
        Jobs.updated_at,
        _undo.status,
        _undo.progress,
        _undo.error,
        _undo.updated_at,
    )
    .join(Jobs, and_(Jobs.workspace_id == Imports.workspace_id, Jobs.id == Imports.id))
    .outerjoin(_undo, and_(_undo.workspace_id == Imports.workspace_id, _undo.id == Imports.undo_id))
    .where(visible(Imports.workspace_id), Imports.user_id == bindparam("user_id"))
)
_ORDER: Final = (Imports.created_at.desc(), Imports.id.desc())
_THERE: Final = Imports.workspace_id == bindparam("workspace_id")
WRITTEN: Final = tuple(name for name in Line.__dataclass_fields__ if name != "taken")
PAGE = query(_SEEN.where(_THERE).order_by(*_ORDER).limit(bindparam("limit")), Seen.of_row)
NEXT_PAGE = query(
    _SEEN.where(
        _THERE,
        tuple_(Imports.created_at, Imports.id)
        < tuple_(bindparam("before"), bindparam("before_id")),
    )
    .order_by(*_ORDER)
    .limit(bindparam("limit")),
    Seen.of_row,
)
GET = query(_SEEN.where(Imports.id == bindparam("id")), Seen.of_row)
GET_LOCKED = query(
    _SEEN.where(Imports.id == bindparam("id")).with_for_update(of=Imports), Seen.of_row
)
_THIS: Final = (
    Imports.workspace_id == bindparam("of_workspace_id"),
    Imports.id == bindparam("of_id"),
)
LOCK = query(select(*_COLUMNS).where(*_THIS).with_for_update(), ImportRow)
OF_UNDO = query(
    select(*_COLUMNS)
    .where(
        Imports.workspace_id == bindparam("of_workspace_id"),
        Imports.undo_id == bindparam("of_undo_id"),
    )
    .with_for_update(),
    ImportRow,
)
ADD = query(
    insert(Imports).values(
        {
            name: bindparam(name)
            for name in (
                "workspace_id",
                "id",
                "user_id",
                "format",
                "dry_run",
                "again",
                "file_name",
                "size",
                "sha256",
                "blob",
                "blob_key",
                "change_set_id",
                "created_at",
                "updated_at",
                "expires_at",
            )
        }
    )
)
GO_ON = query(
    update(Imports)
    .where(*_THIS)
    .values(
        format=bindparam("new_format"),
        done=bindparam("new_done"),
        report=bindparam("new_report"),
        list_ids=bindparam("new_list_ids"),
        updated_at=bindparam("now"),
    )
)
FORGET_FILE = query(
    update(Imports).where(*_THIS).values(blob=None, blob_key=None, updated_at=bindparam("now"))
)
SET_UNDO = query(
    update(Imports)
    .where(*_THIS)
    .values(undo_id=bindparam("new_undo_id"), updated_at=bindparam("now"))
)
UNDONE = query(
    update(Imports)
    .where(*_THIS)
    .values(report=bindparam("new_report"), undone_at=bindparam("now"), updated_at=bindparam("now"))
)
_OF_IMPORT: Final = (
    ImportRows.workspace_id == bindparam("workspace_id"),
    ImportRows.import_id == bindparam("import_id"),
)
LINES = query(
    select(*_LINE)
    .where(*_OF_IMPORT, ImportRows.n > bindparam("after"))
    .order_by(ImportRows.n)
    .limit(bindparam("limit")),
    Line,
)
LINES_OF = query(
    select(*_LINE)
    .where(
        *_OF_IMPORT,
        ImportRows.n > bindparam("after"),
        ImportRows.outcome == bindparam("outcome"),
    )
    .order_by(ImportRows.n)
    .limit(bindparam("limit")),
    Line,
)
TO_TAKE_BACK = query(
    select(*_LINE)
    .where(
        *_OF_IMPORT,
        ImportRows.outcome == Outcome.CREATED,
        ImportRows.todo_id.is_not(None),
        ImportRows.taken.is_(None),
    )
    .order_by(ImportRows.n.desc())
    .limit(bindparam("limit")),
    Line,
)
TAKE = query(
    update(ImportRows)
    .where(*_OF_IMPORT, ImportRows.n == bindparam("ns").any_())
    .values(taken=bindparam("new_taken"))
)
ADD_LINES = Query(
    b"""
    INSERT INTO import_rows
        (workspace_id, import_id, id, n, line, ref, outcome, todo_id, code, reason, excerpt, lost)
    SELECT %(workspace_id)s, %(import_id)s, x.id, x.n, x.line, x.ref, x.outcome, x.todo_id, x.code,
        x.reason, x.excerpt, coalesce(x.lost, '{}')
    FROM jsonb_to_recordset(%(rows)s) AS x (id uuid, n int, line int, ref text, outcome text,
        todo_id uuid, code text, reason text, excerpt text, lost text[])
    """,
    row,
    {},
    writes=True,
)
ADD_REFS = Query(
    b"""
    INSERT INTO import_refs (workspace_id, user_id, id, todo_id)
    SELECT %(workspace_id)s, %(user_id)s, x.id, x.todo_id
    FROM jsonb_to_recordset(%(rows)s) AS x (id uuid, todo_id uuid)
    ON CONFLICT (workspace_id, id)
        DO UPDATE SET todo_id = excluded.todo_id, taken_back = false
    """,
    row,
    {},
    writes=True,
)
# Not deleted: whoever undoes the undoing has them back, and no file makes them a second time.
TAKE_REFS_BACK = Query(
    b"UPDATE import_refs SET taken_back = (todo_id = ANY (%(made)s))"
    b" WHERE workspace_id = %(workspace_id)s AND todo_id = ANY (%(todo_ids)s)",
    row,
    {},
    writes=True,
)
# Accounts that were moved into this one brought what they had imported, known by their own ids.
LINKED = Query(
    b"SELECT subject_id FROM audit_log WHERE actor_id = %(user_id)s AND action = 'account.linked'",
    row,
    {},
    writes=False,
)
REFS = Query(
    b"SELECT id, todo_id, taken_back FROM import_refs"
    b" WHERE workspace_id = %(workspace_id)s AND id = ANY (%(ids)s)",
    row,
    {},
    writes=False,
)
# Apart from their refs: a join with those is planned badly where much was just written.
STANDING = Query(
    b"SELECT id, series_id, parent_id FROM todos"
    b" WHERE workspace_id = %(workspace_id)s AND id = ANY (%(ids)s) AND deleted_at IS NULL",
    Known,
    {},
    writes=False,
)
# One import of a person at a time writes: what two files have in common comes once.
ONE_AT_A_TIME = Query(
    b"SELECT 1 FROM pg_advisory_xact_lock(hashtextextended('imports:' || %(user_id)s, 0))",
    row,
    {},
    writes=False,
)
# Changed by a person since, or with a subtask that this import did not bring; and all above those.
CHANGED = Query(
    b"""
    WITH RECURSIVE mine AS (
        SELECT todo_id FROM import_rows
        WHERE workspace_id = %(workspace_id)s AND import_id = %(import_id)s
          AND outcome = 'created' AND todo_id IS NOT NULL
    ), since AS (
        SELECT min(seq) AS seq FROM events
        WHERE workspace_id = %(workspace_id)s AND change_set_id = %(change_set)s
    ), touched AS (
        SELECT DISTINCT e.subject_id FROM events e
        WHERE e.workspace_id = %(workspace_id)s AND e.seq > (SELECT seq FROM since)
          AND e.change_set_id <> %(change_set)s AND e.actor_id IS NOT NULL AND e.type LIKE 'todo.%%'
    ), kept AS (
        SELECT t.id, t.parent_id FROM todos t
        WHERE t.workspace_id = %(workspace_id)s AND t.deleted_at IS NULL
          AND t.id IN (SELECT todo_id FROM mine)
          AND (t.id IN (SELECT subject_id FROM touched) OR EXISTS (
              SELECT FROM todos c WHERE c.workspace_id = t.workspace_id AND c.parent_id = t.id
                AND c.deleted_at IS NULL AND c.id NOT IN (SELECT todo_id FROM mine)
          ))
        UNION
        SELECT p.id, p.parent_id FROM kept k
        JOIN todos p ON p.workspace_id = %(workspace_id)s AND p.id = k.parent_id
            AND p.deleted_at IS NULL
    )
    SELECT k.id, t.title FROM kept k
    JOIN todos t ON t.workspace_id = %(workspace_id)s AND t.id = k.id
    WHERE k.id IN (SELECT todo_id FROM mine)
    ORDER BY k.id
    """,
    row,
    {},
    writes=False,
)


def key(user_id: UUID, format_name: str, ref: str) -> UUID:
    """What a row is known by, for this person, in whichever file of this format it comes."""
    return uuid5(user_id, f"{format_name}|{ref}")
