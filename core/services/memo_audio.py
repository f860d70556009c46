"""Audio and other blobs across all people, for the collector. Works as `vt_worker`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from core.db import Transaction
from core.statements import Query, row

MEMOS: Final = "memos"
UPLOADS: Final = "uploads"
FOLDERS: Final = (MEMOS, UPLOADS, "exports", "imports")

_NAMED: Final = Query(
    b"""
    SELECT blob FROM voice_memos WHERE blob = ANY (%(keys)s)
    UNION ALL
    SELECT part FROM voice_uploads, unnest(parts) part WHERE part = ANY (%(keys)s)
    UNION ALL
    SELECT blob FROM exports WHERE blob = ANY (%(keys)s)
    UNION ALL
    SELECT blob FROM imports WHERE blob = ANY (%(keys)s)
    """,
    row,
    {},
    writes=False,
)
# Bites: after a long pause one statement must not run into its timeout.
_FORGET: Final = Query(
    b"""
    UPDATE voice_memos SET blob = NULL, blob_key = NULL, audio_gone_at = %(now)s,
      updated_at = %(now)s
    WHERE (workspace_id, id) IN (
        SELECT workspace_id, id FROM voice_memos
        WHERE retain_until <= %(now)s AND blob IS NOT NULL
        ORDER BY retain_until LIMIT 10000 FOR UPDATE SKIP LOCKED
    )
    """,
    row,
    {},
    writes=True,
)
_EXPIRE: Final = Query(
    b"""
    DELETE FROM voice_uploads WHERE (workspace_id, id) IN (
        SELECT workspace_id, id FROM voice_uploads WHERE expires_at <= %(now)s
        ORDER BY expires_at LIMIT 10000
    )
    """,
    row,
    {},
    writes=True,
)
_ARCHIVES: Final = Query(
    b"""
    UPDATE exports SET blob = NULL, blob_key = NULL, token_hash = NULL, token_expires_at = NULL
    WHERE (workspace_id, id) IN (
        SELECT workspace_id, id FROM exports WHERE expires_at <= %(now)s AND blob IS NOT NULL
        ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
    """,
    row,
    {},
    writes=True,
)
# Few at a time: each goes with all of its rows.
_IMPORTS: Final = Query(
    b"""
    DELETE FROM imports WHERE (workspace_id, id) IN (
        SELECT workspace_id, id FROM imports WHERE expires_at <= %(now)s
        ORDER BY expires_at LIMIT 5 FOR UPDATE SKIP LOCKED
    )
    """,
    row,
    {},
    writes=True,
)


def forget_expired(tx: Transaction, *, now: datetime) -> None:
    """Queue forgetting audio, archives and imports whose time is over, and unfinished uploads."""
    tx.run(_FORGET, now=now)
    tx.run(_EXPIRE, now=now)
    tx.run(_ARCHIVES, now=now)
    tx.run(_IMPORTS, now=now)


async def named(tx: Transaction, keys: Sequence[str]) -> set[str]:
    """Those of these blobs that a row names."""
    return {key for (key,) in await tx.all(_NAMED, keys=list(keys))}
