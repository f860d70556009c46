"""The audit log's writing side: opaque ids and names of fields, never contents."""

from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, insert

from core.db import Transaction
from core.ids import uuid7
from core.models.users import AuditLog
from core.statements import query

_ADD: Final = query(
    insert(AuditLog).values(
        id=bindparam("id"),
        actor_id=bindparam("actor_id"),
        action=bindparam("action"),
        subject_id=bindparam("subject_id"),
    )
)


def record(tx: Transaction, action: str, *, actor_id: UUID | None, subject_id: UUID) -> None:
    """Queue an entry; it stands or falls with the change that it tells of."""
    tx.run(_ADD, id=uuid7(), actor_id=actor_id, action=action, subject_id=subject_id)
