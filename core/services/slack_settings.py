"""Where a person's digest goes in Slack: to them, or to a channel that they chose.

What it says, when, and that a period is told once is the digest's own affair (`digest_ledger`); a
channel is only another place for its message.
"""

import re
from datetime import datetime
from typing import Final
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.errors import Invalid
from core.rules.digests import Frequency, Plan
from core.services import audits, notification_rows, users
from core.services.connections import PAUSED
from core.services.integrations import Integration
from core.statements import Query, row

POINTER: Final = "/digest_channel"
CHANNEL: Final = re.compile(r"[CG][A-Z0-9]{2,30}")  # as Slack names channels, not as people do
LOST: Final = (
    "Slack no longer takes your digest in the channel you chose: invite the app, or choose another"
)

_SET: Final = Query(
    b"""
    UPDATE connections SET digest_channel = %(channel)s, updated_at = %(now)s
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
      AND digest_channel IS DISTINCT FROM %(channel)s
    """,
    row,
    {},
    writes=True,
)
_LOSE: Final = Query(
    b"""
    UPDATE connections SET digest_channel = NULL, updated_at = %(now)s
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND digest_channel = %(channel)s
    RETURNING user_id
    """,
    row,
    {},
    writes=True,
)


async def change(
    tx: Transaction, actor: Actor, found: Integration, *, digest_channel: str | None, now: datetime
) -> None:
    """Send digests to this channel from now on; null: to the person again, if they want them there.

    Raises `Invalid` for what is no channel's id, for a connection of another workspace than one's
    own (digests are of all of them, and go out from that one), and where there is no digest.
    """
    if digest_channel is not None:
        if CHANNEL.fullmatch(digest_channel) is None:
            detail = "a channel's id, such as C0123ABCD: it stands at the end of its details"
            raise Invalid(detail, pointer=POINTER, code="format")
        if found.workspace_id != actor.user_id:
            detail = "digests go out from the connection of your personal workspace"
            raise Invalid(detail, pointer=POINTER, code="not_personal")
        person = await users.get(tx, actor.user_id)
        if Plan.of(person.preferences.get("digest")).frequency is Frequency.OFF:
            detail = "there is no digest: choose daily or weekly in your preferences first"
            raise Invalid(detail, pointer=POINTER, code="digest_off")
    this = {"workspace_id": found.workspace_id, "id": found.id}
    tx.run(_SET, **this, channel=digest_channel, now=now)
    audits.record(tx, "connection.changed", actor_id=actor.user_id, subject_id=found.id)


async def lose(
    tx: Transaction, workspace_id: UUID, connection_id: UUID, channel: str, *, now: datetime
) -> None:
    """The channel is gone, or closed to us: its owner is told, once. The connection goes on."""
    lost = await tx.all(
        _LOSE, workspace_id=workspace_id, id=connection_id, channel=channel, now=now
    )
    told = [notification_rows.told(workspace_id, user_id, PAUSED, LOST) for (user_id,) in lost]
    notification_rows.add(tx, told)
