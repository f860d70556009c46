"""The feed of a workspace as those read it who follow it: calendars and outgoing webhooks.

They keep the number up to which they have read in a row of their own, and are woken by whatever is
written after it (`core.due.Source.follows`).
"""

from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select

from core.db import Transaction
from core.models.events import Events
from core.models.workspaces import Feeds
from core.services.changes import COLUMNS, Change
from core.statements import query

_AFTER: Final = query(
    select(*COLUMNS)
    .where(Events.workspace_id == bindparam("workspace_id"), Events.seq > bindparam("after"))
    .order_by(Events.seq)
    .limit(bindparam("limit")),
    Change,
)
_HEAD: Final = query(select(Feeds.seq).where(Feeds.workspace_id == bindparam("workspace_id")))


async def after(tx: Transaction, workspace_id: UUID, seq: int, *, limit: int) -> list[Change]:
    """Events after number `seq`, in the order of their commits and without gaps.

    For who acts in the workspace already (`tx.act_in`); people ask `changes.since`.
    """
    return await tx.all(_AFTER, workspace_id=workspace_id, after=seq, limit=limit)


async def head(tx: Transaction, workspace_id: UUID) -> int:
    """The number of the newest event: who begins to follow now, begins after it."""
    found = await tx.first(_HEAD, workspace_id=workspace_id)
    return found[0] if found else 0
