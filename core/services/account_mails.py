"""Mails about the account itself: written into the ledger, sent by a workflow, told to no stranger.

They go to verified addresses only: what happens to an account is nobody else's business.
"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from core.db import Transaction
from core.models.deliveries import Channel, DeliveryKind, DeliveryStatus
from core.services import single_messages
from core.services.single_messages import Message
from core.statements import Query, row

WORKFLOW: Final = "SendMail"

OVER: Final = frozenset(
    {
        DeliveryStatus.SENT,
        DeliveryStatus.FAILED,
        DeliveryStatus.CANCELLED,
        DeliveryStatus.MISSED,
    }
)
_STATUS: Final = Query(
    b"SELECT status FROM deliveries WHERE workspace_id = %(user_id)s AND id = %(id)s",
    row,
    {},
    writes=False,
)


async def send(
    tx: Transaction,
    user_id: UUID,
    kind: DeliveryKind,
    subject_id: UUID,
    *,
    about: str,
    now: datetime,
) -> None:
    """Queue one; it leaves after the commit. The same `about` of a kind again is the same mail.

    `tx` may write in the person's own workspace. A session as `subject_id` tells its device.
    """
    message = Message(
        id=_id(user_id, kind, about),
        user_id=user_id,
        kind=kind,
        channel=Channel.EMAIL,
        subject_id=subject_id,
    )
    await single_messages.send_once(tx, message, workflow=WORKFLOW, now=now)


async def status(
    tx: Transaction, user_id: UUID, kind: DeliveryKind, *, about: str
) -> DeliveryStatus | None:
    """What became of one that was sent; null: there is none."""
    found = await tx.first(_STATUS, user_id=user_id, id=_id(user_id, kind, about))
    return DeliveryStatus(found[0]) if found else None


def _id(user_id: UUID, kind: DeliveryKind, about: str) -> UUID:
    return uuid5(user_id, f"{kind}|{about}")
