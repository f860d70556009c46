"""Channels by which a calendar says that it has news: opened before they are known there.

Who notifies us is told by a random token alone, of which only the hash is kept.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from core import crypto
from core.db import Transaction
from core.services import calendar_syncs
from core.services.calendar_syncs import SyncRow
from core.statements import Query, row

_ADD: Final = Query(
    b"""
    INSERT INTO calendar_channels (token_hash, channel_id, workspace_id, connection_id)
    VALUES (%(token_hash)s, %(channel_id)s, %(workspace_id)s, %(connection_id)s)
    """,
    row,
    {},
    writes=True,
)
_REMOVE_OTHERS: Final = Query(
    b"""
    DELETE FROM calendar_channels
    WHERE workspace_id = %(workspace_id)s AND connection_id = %(connection_id)s
      AND channel_id IS DISTINCT FROM %(channel_id)s
    """,
    row,
    {},
    writes=True,
)


def expect(tx: Transaction, sync: SyncRow, channel_id: UUID, token: str) -> None:
    """Queue that notifications with this token are believed; before anybody is told the token."""
    tx.run(
        _ADD,
        token_hash=crypto.digest(token),
        channel_id=channel_id,
        workspace_id=sync.workspace_id,
        connection_id=sync.id,
    )


def opened(
    tx: Transaction,
    sync: SyncRow,
    channel_id: UUID,
    resource: str,
    token: str,
    *,
    expires_at: datetime,
    renew_at: datetime,
    now: datetime,
) -> SyncRow:
    """Queue that this is the channel from now on; the earlier ones are believed no more."""
    _only(tx, sync, channel_id)
    return calendar_syncs.write(
        tx,
        sync,
        channel_id=channel_id,
        channel_resource=resource,
        channel_token_hash=crypto.digest(token),
        channel_expires_at=expires_at,
        channel_renew_at=renew_at,
        now=now,
    )


def refused(tx: Transaction, sync: SyncRow, *, again_at: datetime, now: datetime) -> SyncRow:
    """Queue that none came of it: the calendar is looked at every quarter of an hour anyway."""
    _only(tx, sync, sync.channel_id)
    return calendar_syncs.write(tx, sync, channel_renew_at=again_at, now=now)


def _only(tx: Transaction, sync: SyncRow, channel_id: UUID | None) -> None:
    of = {"workspace_id": sync.workspace_id, "connection_id": sync.id}
    tx.run(_REMOVE_OTHERS, **of, channel_id=channel_id)
