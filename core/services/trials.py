"""Messages that somebody sends to themselves, to see whether a channel reaches them."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, insert

from core import outbox
from core.actor import Actor
from core.db import Transaction
from core.ids import uuid7
from core.models.deliveries import Channel, Deliveries, DeliveryKind, DeliveryStatus
from core.services import deliveries, throttles
from core.services.throttles import Throttle
from core.statements import query

A_MINUTE: Final = 10

_WRITE: Final = query(
    insert(Deliveries).values(
        workspace_id=bindparam("user_id"),
        id=bindparam("id"),
        kind=DeliveryKind.TEST,
        subject_id=bindparam("subject_id"),
        user_id=bindparam("user_id"),
        channel=bindparam("channel"),
        target_id=bindparam("target_id"),
        status=DeliveryStatus.PENDING,
        due_at=bindparam("now"),
        created_at=bindparam("now"),
    )
)


def send(
    tx: Transaction,
    actor: Actor,
    channel: Channel,
    *,
    target_id: UUID | None = None,
    now: datetime,
) -> UUID:
    """Queue one, the id of its delivery; it leaves after the commit. Ten a minute, all together."""
    throttles.hit(tx, Throttle(f"trials:{actor.user_id}", A_MINUTE, 60))
    delivery_id = uuid7()
    tx.run(
        _WRITE,
        user_id=actor.user_id,
        id=delivery_id,
        subject_id=target_id or actor.user_id,
        channel=channel,
        target_id=target_id,
        now=now,
    )
    outbox.start(
        tx,
        deliveries.RETRY,
        deliveries.workflow_id(delivery_id),
        subject_id=actor.user_id,
        tenant=actor.user_id,
        workspace_id=actor.user_id,
        delivery_id=delivery_id,
        queue=str(channel),
    )
    return delivery_id
