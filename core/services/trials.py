"""Messages that somebody sends to themselves, to see whether a channel reaches them."""

from datetime import datetime
from typing import Final
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.ids import uuid7
from core.models.deliveries import Channel, DeliveryKind
from core.services import single_messages, throttles
from core.services.single_messages import Message
from core.services.throttles import Throttle

A_MINUTE: Final = 10


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
    message = Message(
        id=uuid7(),
        user_id=actor.user_id,
        kind=DeliveryKind.TEST,
        channel=channel,
        subject_id=target_id or actor.user_id,
        target_id=target_id,
    )
    single_messages.send(tx, message, now=now)
    return message.id
