"""Seals anew, with the key of today, what earlier keys sealed; afterwards those may go.

What belongs to a person goes over to their own key, where it was sealed before there were any, and
stays with it: then the files of epochs alone are sealed anew, which open people's keys.

Works beside everything else, as an administrator and in small bites: a value that changes meanwhile
is sealed with today's key anyway, and is left alone. Begun again, it goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import Connection, connect
from psycopg.sql import SQL, Identifier

from core import crypto
from core.crypto import Keyring
from core.epochs import SubjectRing
from core.errors import Invalid, KeysMissing
from core.services import (
    connections,
    exports,
    import_files,
    memo_secrets,
    voice_seals,
    webhook_secrets,
)
from core.services.key_epochs import People

BATCH: Final = 500
_FIRST: Final = UUID(int=0)
# Of an account that was linked to another, the commands stayed behind: those words are the owner's.
_SAID_BY: Final = (
    "coalesce((SELECT c.user_id FROM voice_commands c"
    " WHERE c.workspace_id = todo_voice.workspace_id AND c.id = todo_voice.command_id),"
    " (SELECT u.id FROM users u WHERE u.id = todo_voice.workspace_id))"
)
# Sealed for somebody who has a key: begins with a byte and their id (`core.epochs`).
_SETTLED: Final = SQL(
    "CASE WHEN substring({column} FOR 1) = '\\x02' AND length({column}) > 17 THEN EXISTS"
    " (SELECT FROM subject_keys k WHERE k.user_id ="
    " encode(substring({column} FROM 2 FOR 16), 'hex')::uuid) ELSE false END"
)
_SEALED_TODAY: Final = SQL("substring({column} for %(length)s) = %(mark)s")
_SEALED_BY: Final = b"UPDATE key_epochs SET sealed_by = %(today)s WHERE sealed_by = ANY (%(known)s)"
FILES: Final = ("key_epochs", "files")


@dataclass(frozen=True, slots=True)
class Kept:
    """A column of sealed values; `id` is what their place names beside the workspace.

    `named`: the column that tells by which key, where there is one. `whose`: SQL, for whom it is
    sealed; null where it belongs to no one person.
    """

    table: str
    column: str
    purpose: str
    id: str = "id"
    named: str | None = None
    whose: LiteralString | None = "user_id"


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
    Kept("todo_voice", "original_text", voice_seals.PURPOSE, id="todo_id", whose=_SAID_BY),
    Kept("webhook_endpoints", "secret", webhook_secrets.PURPOSE, whose=None),
    Kept("webhook_endpoints", "secret_previous", webhook_secrets.PURPOSE, whose=None),
    Kept("webhook_endpoints", "signing_key", webhook_secrets.PURPOSE, whose=None),
)


@dataclass(frozen=True, slots=True)
class Resealed:
    """Of one column. `unopened`: no key of the ring opens them; they stay as they are."""

    table: str
    column: str
    resealed: int
    unopened: int


def run(url: str, keys: Keyring) -> Iterator[Resealed]:
    """One column after the other, then the files of epochs. `keys` is `Keys.ring`."""
    with connect(url, autocommit=True) as connection:
        for kept in KEPT:
            yield _column(connection, kept, keys.of(kept.purpose))
        if isinstance(keys, SubjectRing):
            told = Resealed(*FILES, *keys.epochs.reseal())
            if told.unopened == 0:
                known = {"today": keys.epochs.sealed_by, "known": keys.epochs.known_by}
                connection.execute(_SEALED_BY, known)
            yield told


def _column(connection: Connection[Any], kept: Kept, ring: Keyring) -> Resealed:
    names = {
        "table": Identifier(kept.table),
        "column": Identifier(kept.column),
        "id": Identifier(kept.id),
    }
    of_people = kept.whose is not None and isinstance(ring, SubjectRing)
    settled = _SETTLED if of_people else _SEALED_TODAY
    older = SQL(
        "SELECT workspace_id, {id}, {column}, {whose} FROM {table} WHERE {column} IS NOT NULL"
        " AND NOT {settled} AND (workspace_id, {id}) > (%(workspace_id)s, %(after)s)"
        " ORDER BY workspace_id, {id} LIMIT %(limit)s"
    ).format(
        settled=settled.format(column=names["column"]),
        whose=SQL(kept.whose if kept.whose and of_people else "NULL::uuid"),
        **names,
    )
    named = SQL("") if kept.named is None else SQL(", {} = %(key)s").format(Identifier(kept.named))
    replace = SQL(
        "UPDATE {table} SET {column} = %(new)s{named}"
        " WHERE workspace_id = %(workspace_id)s AND {id} = %(row_id)s AND {column} = %(old)s"
    ).format(**names, named=named)
    people = People(connection)
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
        for workspace_id, after, old, whose in rows:
            if whose is None and old[: len(ring.mark)] == ring.mark:
                continue
            aad = crypto.place(kept.table, kept.column, after, workspace_id)
            try:
                plain = ring.unseal(bytes(old), aad=aad)
                theirs = ring if whose is None else people.sealing(ring, whose)
            except (Invalid, KeysMissing):
                unopened += 1
                continue
            told = {"old": old, "workspace_id": workspace_id, "row_id": after}
            told |= {"new": theirs.seal(plain, aad=aad), "key": theirs.key_id}
            resealed += connection.execute(replace, told).rowcount
    return Resealed(kept.table, kept.column, resealed, unopened)
