"""The only road to Temporal: a row written with the change that asks for the work.

The relay of the worker starts, signals or cancels what stands here; until then nothing is lost,
and while Temporal is down nothing waits. Ids are opaque and arguments are ids (architecture 7).
"""

from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import bindparam, insert

from core.db import Transaction
from core.ids import uuid7
from core.models.outbox import Outbox, OutboxAction
from core.statements import query

PRIORITY = 3  # Temporal's scale: 1 is first, 5 last

_ADD = query(
    insert(Outbox).values(
        id=bindparam("id"),
        action=bindparam("action"),
        workflow_type=bindparam("workflow_type"),
        workflow_id=bindparam("workflow_id"),
        signal=bindparam("signal"),
        arguments=bindparam("arguments"),
        subject_id=bindparam("subject_id"),
        priority=bindparam("priority"),
        fairness_key=bindparam("fairness_key"),
    )
)


def start(
    tx: Transaction,
    workflow_type: str,
    workflow_id: str,
    *,
    subject_id: UUID,
    tenant: UUID,
    priority: int = PRIORITY,
    **arguments: UUID | int | bool | str,
) -> None:
    """Ask for this workflow. The same id twice is one workflow, however often it is asked for.

    `arguments` become the fields of the workflow's one message; ids, numbers and enumerations only.
    `tenant` is the fairness key: one tenant's thousand does not stand before another's one.
    """
    _add(
        tx,
        action=OutboxAction.START,
        workflow_type=workflow_type,
        workflow_id=workflow_id,
        signal=None,
        arguments={name: _plain(value) for name, value in arguments.items()},
        subject_id=subject_id,
        priority=priority,
        fairness_key=str(tenant),
    )


def cancel(
    tx: Transaction, workflow_type: str, workflow_id: str, *, subject_id: UUID, tenant: UUID
) -> None:
    """Ask that this workflow be cancelled, if it still runs."""
    _add(
        tx,
        action=OutboxAction.CANCEL,
        workflow_type=workflow_type,
        workflow_id=workflow_id,
        signal=None,
        arguments={},
        subject_id=subject_id,
        priority=PRIORITY,
        fairness_key=str(tenant),
    )


def _plain(value: UUID | int | bool | str) -> int | bool | str:  # noqa: FBT001 (a value, not a switch)
    return str(value) if isinstance(value, UUID) else value


def _add(tx: Transaction, *, arguments: dict[str, Any], **values: Any) -> None:
    tx.run(_ADD, id=uuid7(), arguments=Jsonb(arguments), **values)
