"""Audio and other blobs across all people, for the collector. Works as `vt_worker`."""

from collections.abc import Sequence
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


async def named(tx: Transaction, keys: Sequence[str]) -> set[str]:
    """Those of these blobs that a row names."""
    return {key for (key,) in await tx.all(_NAMED, keys=list(keys))}
