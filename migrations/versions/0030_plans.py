"""Row-level security that checks and does not search; an index for each order that is asked for.

`workspace_id = ANY ((SELECT …))` served as a condition of indexes. But PostgreSQL takes the array to
have ten elements, so that all indexes of a table that begin with the workspace seem to cost the same
for a key, and it takes any: with 100,000 todos in a workspace, each page of them read 10,000 rows of
`series` 50 times. And rows that a person's id finds seem a hundred times fewer than they are. A
hashed sub-select is no condition of an index, and counts for a half: what a statement searches by,
it says itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

RANK = "CASE priority WHEN 'high' THEN 0 WHEN 'medium' THEN 1 WHEN 'low' THEN 2 ELSE 3 END"
LIVE = "deleted_at IS NULL"
# name: table, columns, condition
NEW = {
    "ix_todos_workspace_id_priority": ("todos", f"workspace_id, ({RANK}), id", LIVE),
    "ix_todos_pending": ("todos", "workspace_id, due_at, id", f"{LIVE} AND status = 'pending'"),
    "ix_todos_assignee_id_workspace_id": (
        "todos",
        "assignee_id, workspace_id",
        "assignee_id IS NOT NULL",
    ),
    "ix_sessions_user_id_id": ("sessions", "user_id, id", None),
    "ix_notifications_unread": ("notifications", "user_id, workspace_id", "read_at IS NULL"),
    "ix_outbox_workflow_id": ("outbox", "workflow_id", None),
    "ix_erasures_user_id_requested_at": ("erasures", "user_id, requested_at", None),
    "ix_deliveries_user_id_workspace_id_due_at_id": (
        "deliveries",
        "user_id, workspace_id, due_at, id",
        None,
    ),
    **{
        f"ix_{table}_user_id_workspace_id_created_at_id": (
            table,
            "user_id, workspace_id, created_at, id",
            None,
        )
        for table in ("exports", "imports", "voice_memos")
    },
}
# They begin as one of the new ones does.
OLD = {
    "ix_sessions_user_id": ("sessions", "user_id", None),
    "ix_deliveries_user_id": ("deliveries", "user_id", None),
    **{
        f"ix_{table}_user_id_created_at_id": (table, "user_id, created_at, id", None)
        for table in ("exports", "imports", "voice_memos")
    },
}


def _any(column: str, which: str) -> str:
    return f"({column} = ANY (( SELECT {which}() AS {which})::uuid[]))"


def _hashed(column: str, which: str) -> str:
    return f"({column} IN ( SELECT unnest({which}()) AS unnest))"


QUALS = [
    (_any(column, which), _hashed(column, which))
    for column in ("workspace_id", "id")
    for which in ("vt_readable", "vt_writable")
]
SEARCHING = dict(QUALS)
CHECKING = {checking: searching for searching, checking in QUALS}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        _build(NEW)
        _drop(OLD)
        _reshape(SEARCHING)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        _reshape(CHECKING)
        _build(OLD)
        _drop(NEW)


def _build(indexes: dict[str, tuple[str, str, str | None]]) -> None:
    """Beside whoever writes; one that broke off is taken away and built anew."""
    for name, (table, columns, where) in indexes.items():
        condition = f" WHERE {where}" if where else ""
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} ({columns}){condition}")


def _drop(indexes: dict[str, tuple[str, str, str | None]]) -> None:
    for name in indexes:
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def _reshape(quals: dict[str, str]) -> None:
    """Policy by policy, each for an instant: both shapes say the same, so a half of them may wait.

    What a row must be to be written is looked at for that row alone, and stays as it is.
    """
    found = sa.text(
        "SELECT tablename, policyname, qual FROM pg_policies WHERE schemaname = 'public'"
    )
    for table, policy, qual in op.get_bind().execute(found).all():
        for old, new in quals.items():
            if qual is not None and old in qual:
                op.execute(f"ALTER POLICY {policy} ON {table} USING ({qual.replace(old, new)})")
