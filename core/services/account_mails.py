"""Mails about the account itself: written into the ledger, sent by a workflow, told to no stranger.

They go to verified addresses only: what happens to an account is nobody else's business.
"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from core import outbox
from core.db import Transaction
from core.models.deliveries import DeliveryKind, DeliveryStatus
from core.services.deliveries import workflow_id
from core.statements import Query, row

WORKFLOW: Final = "SendMail"

_WRITE: Final = Query(
    b"""
    INSERT INTO deliveries (workspace_id, id, kind, subject_id, user_id, channel, status, due_at)
    VALUES (%(user_id)s, %(id)s, %(kind)s, %(subject_id)s, %(user_id)s, 'email', 'pending', %(now)s)
    ON CONFLICT DO NOTHING
    RETURNING id
    """,
    row,
    {},
    writes=True,
)

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
    delivery_id = _id(user_id, kind, about)
    written = await tx.first(
        _WRITE, user_id=user_id, id=delivery_id, kind=kind, subject_id=subject_id, now=now
    )
    if written is None:
        return
    outbox.start(
        tx,
        WORKFLOW,
        workflow_id(delivery_id),
        subject_id=subject_id,
        tenant=user_id,
        workspace_id=user_id,
        delivery_id=delivery_id,
        queue="email",
    )


async def status(
    tx: Transaction, user_id: UUID, kind: DeliveryKind, *, about: str
) -> DeliveryStatus | None:
    """What became of one that was sent; null: there is none."""
    found = await tx.first(_STATUS, user_id=user_id, id=_id(user_id, kind, about))
    return DeliveryStatus(found[0]) if found else None


def _id(user_id: UUID, kind: DeliveryKind, about: str) -> UUID:
    return uuid5(user_id, f"{kind}|{about}")
