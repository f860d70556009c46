"""Seals anew, with the key of today, what earlier keys sealed; afterwards those may go.

Works beside everything else, as an administrator and in small bites: a value that changes meanwhile
is sealed with today's key anyway, and is left alone. Begun again, it goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg import Connection, connect
from psycopg.sql import SQL, Composable, Identifier, Literal

from core import crypto
from core.crypto import Keyring
from core.errors import Invalid
from core.services import (
    connections,
    exports,
    import_files,
    memo_secrets,
    voice_seals,
    webhook_secrets,
)

BATCH: Final = 500
_FIRST: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Kept:
    """A column of sealed values; `id` is what their place names beside the workspace.

    `named`: the column that tells by which key, where there is one.
    """

    table: str
    column: str
    purpose: str
    id: str = "id"
    named: str | None = None


# All that is sealed for longer than a few days. A test compares with the columns that there are.
KEPT: Final = (
    Kept("connections", "secret", connections.PURPOSE, named="secret_key"),
    Kept("imports", "blob_key", import_files.PURPOSE),
    Kept("exports", "blob_key", exports.PURPOSE),
    Kept("voice_memos", "blob_key", memo_secrets.PURPOSE),
    Kept("voice_memos", "transcript", memo_secrets.PURPOSE),
    Kept("voice_memos", "words", memo_secrets.PURPOSE),
    Kept("voice_uploads", "parts_key", memo_secrets.PURPOSE),
    Kept("voice_commands", "sealed", voice_seals.PURPOSE),
    Kept("todo_voice", "original_text", voice_seals.PURPOSE, id="todo_id"),
    Kept("webhook_endpoints", "secret", webhook_secrets.PURPOSE),
    Kept("webhook_endpoints", "secret_previous", webhook_secrets.PURPOSE),
    Kept("webhook_endpoints", "signing_key", webhook_secrets.PURPOSE),
)


@dataclass(frozen=True, slots=True)
class Resealed:
    """Of one column. `unopened`: no key of the ring opens them; they stay as they are."""

    table: str
    column: str
    resealed: int
    unopened: int


def run(url: str, keys: Keyring) -> Iterator[Resealed]:
    """One column after the other. `keys` is `Keys.ring`."""
    with connect(url, autocommit=True) as connection:
        for kept in KEPT:
            yield _column(connection, kept, keys.of(kept.purpose))


def _column(connection: Connection[Any], kept: Kept, ring: Keyring) -> Resealed:
    names = {
        "table": Identifier(kept.table),
        "column": Identifier(kept.column),
        "id": Identifier(kept.id),
    }
    older = SQL(
        "SELECT workspace_id, {id}, {column} FROM {table} WHERE {column} IS NOT NULL"
        " AND substring({column} for %(length)s) <> %(mark)s"
        " AND (workspace_id, {id}) > (%(workspace_id)s, %(after)s)"
        " ORDER BY workspace_id, {id} LIMIT %(limit)s"
    ).format(**names)
    named: Composable = SQL("")
    if kept.named is not None:
        named = SQL(", {} = {}").format(Identifier(kept.named), Literal(ring.key_id))
    replace = SQL(
        "UPDATE {table} SET {column} = %(new)s{named}"
        " WHERE workspace_id = %(workspace_id)s AND {id} = %(row_id)s AND {column} = %(old)s"
    ).format(**names, named=named)
    resealed = unopened = 0
    workspace_id = after = _FIRST
    while rows := connection.execute(
        older,
        {
            "mark": ring.mark,
            "length": len(ring.mark),
            "workspace_id": workspace_id,
            "after": after,
            "limit": BATCH,
        },
    ).fetchall():
        for workspace_id, after, old in rows:
            aad = crypto.place(kept.table, kept.column, after, workspace_id)
            try:
                new = ring.seal(ring.unseal(bytes(old), aad=aad), aad=aad)
            except Invalid:
                unopened += 1
                continue
            told = {"new": new, "old": old, "workspace_id": workspace_id, "row_id": after}
            resealed += connection.execute(replace, told).rowcount
    return Resealed(kept.table, kept.column, resealed, unopened)
