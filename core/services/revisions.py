"""Whether the database and this code belong together."""

from dataclasses import dataclass
from typing import Final

from psycopg.errors import UndefinedTable

from core import schema
from core.db import Database
from core.statements import Query, row

_READ: Final = Query(b"SELECT version_num FROM alembic_version", row, {}, writes=False)


@dataclass(frozen=True, slots=True)
class Gap:
    """What to do about it. `behind`: the database's is the older one, or there is none in it."""

    remedy: str
    behind: bool


async def gap(db: Database) -> Gap | None:
    """None: it has the revision that this code expects."""
    try:
        async with db.transaction(read_only=True) as tx:
            found = await tx.first(_READ)
    except UndefinedTable:
        found = None
    revision = None if found is None else str(found[0])
    if revision == schema.head():
        return None
    if revision is None or revision in schema.known():
        return Gap("the database is not migrated: run `voicetodo admin migrate`", behind=True)
    return Gap(schema.newer(revision), behind=False)
