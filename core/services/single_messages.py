"""Messages that no row falls due for: written into the ledger, and sent by a workflow of their own.

They are about the account, or somebody asked for them: to oneself, so in one's own workspace.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert

from core import outbox
from core.db import Transaction
from core.models.deliveries import Channel, Deliveries, DeliveryKind, DeliveryStatus
from core.services import deliveries
from core.statements import query


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`target_id`: the device of a push, else null."""

    id: UUID
    user_id: UUID
    kind: DeliveryKind
    channel: Channel
    subject_id: UUID
    target_id: UUID | None = None


_INSERT: Final = insert(Deliveries).values(
    workspace_id=bindparam("user_id"),
    id=bindparam("id"),
    kind=bindparam("kind"),
    subject_id=bindparam("subject_id"),
    user_id=bindparam("user_id"),
    channel=bindparam("channel"),
    target_id=bindparam("target_id"),
    status=DeliveryStatus.PENDING,
    due_at=bindparam("now"),
    created_at=bindparam("now"),
)
_WRITE: Final = query(_INSERT)
_WRITE_ONCE: Final = query(_INSERT.on_conflict_do_nothing().returning(Deliveries.id))


def send(
    tx: Transaction, message: Message, *, workflow: str = deliveries.RETRY, now: datetime
) -> None:
    """Queue it; it leaves after the commit."""
    tx.run(_WRITE, **asdict(message), now=now)
    _start(tx, message, workflow)


async def send_once(tx: Transaction, message: Message, *, workflow: str, now: datetime) -> None:
    """As `send`, or nothing where a message has this id already."""
    if await tx.first(_WRITE_ONCE, **asdict(message), now=now) is not None:
        _start(tx, message, workflow)


def _start(tx: Transaction, message: Message, workflow: str) -> None:
    outbox.start(
        tx,
        workflow,
        deliveries.workflow_id(message.id),
        subject_id=message.subject_id,
        tenant=message.user_id,
        workspace_id=message.user_id,
        delivery_id=message.id,
        queue=str(message.channel),
    )
