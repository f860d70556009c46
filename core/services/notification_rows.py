"""Notifications as they are written: of a delivery, or of something that a person should know."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core.db import Transaction
from core.ids import uuid7
from core.statements import Query, row

_ADD: Final = Query(
    b"""
    INSERT INTO notifications (workspace_id, id, user_id, kind, todo_id, title, due_at)
    SELECT * FROM jsonb_to_recordset(%(rows)s)
        AS x (workspace_id uuid, id uuid, user_id uuid, kind text, todo_id uuid, title text,
              due_at timestamptz)
    ON CONFLICT DO NOTHING
    """,
    row,
    {},
    writes=True,
)


def told(
    workspace_id: UUID, user_id: UUID, kind: str, title: str, *, key: UUID | None = None
) -> dict[str, Any]:
    """A row for `add`, of a sentence of ours. `key`: its id, where telling twice is to be once."""
    return {
        "workspace_id": workspace_id,
        "id": key or uuid7(),
        "user_id": user_id,
        "kind": kind,
        "todo_id": None,
        "title": title,
        "due_at": None,
    }


def add(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Queue these; one whose id is there already adds nothing."""
    if rows:
        tx.run(_ADD, rows=Jsonb(rows))
