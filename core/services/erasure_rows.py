"""Which rows go with a person, told from the tables themselves. Works as `vt_eraser`.

1. A row that names its person (a foreign key to `users` that cascades) goes, wherever it is.
2. A row of a workspace that goes too (its last member leaves) goes.
3. What hangs on such a row by a cascading key goes with it.
4. The rest is named here, with how it goes or why it stays. A test fails for a table that is in
   none of these (`UNKNOWN`): nobody adds one and forgets the people in it.

What a team's members wrote together stays with the team; it names nobody any more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Table as SqlTable

from core.db import Transaction
from core.models import Table
from core.statements import Query, row

BITE: Final = 1000  # rows in one transaction: short enough for whoever waits for their locks

STAYS: Final = {
    "users": "goes last, when everything else has gone",
    "workspaces": "go with their last member, after their rows",
    "memberships": "go with the workspaces",
    "executions": "go with the histories that they name",
    "subject_keys": "go with the account, after all that they open",
    "key_epochs": "wrap everybody's keys",
    "data_requests": "random ids; proof that a request was answered in time",
    "audit_log": "proof of what was done; random ids, no contents",
    "erasures": "random ids and figures; says that the erasure was done",
    "erasure_ledger": "a random id; without it a restored backup would bring the account back",
    "erasure_receipts": "figures; leads to nobody",
    "retention_runs": "figures of what was forgotten when; leads to nobody",
    "inbound_events": "a service's own random ids; forgotten after a week",
}
_MINE_IN_SLACK: Final = "SELECT team_id, slack_user_id FROM slack_members WHERE user_id = %(user)s"
_SAID: Final = "SELECT id FROM voice_commands WHERE user_id = %(user)s"
# Beside what keys say: rows that lead to a person in another way.
ALSO: Final = {
    "digests": "id = %(user)s",
    "idempotency_keys": "user_id = %(user)s",
    "outbox": "fairness_key = %(user)s::text",
    "rate_limits": "key LIKE '%%:' || %(user)s::text"
    " OR key = 'phone-number:' || (SELECT phone FROM users WHERE id = %(user)s)",
    "slack_inbound": f"(team_id, slack_user_id) IN ({_MINE_IN_SLACK})",
    "todo_voice": f"command_id IN ({_SAID})",
    "voice_applied": f"command_id IN ({_SAID})",
}
# They must go while what leads to them is still there.
FIRST: Final = ("slack_inbound", "todo_voice", "voice_applied", "rate_limits")
BLOBS: Final = {
    "voice_memos": "blob",
    "voice_uploads": "unnest(parts)",
    "imports": "blob",
    "exports": "blob",
}


@dataclass(frozen=True, slots=True)
class Going:
    """Rows of one table that go for one reason."""

    table: str
    where: str
    take: Query[tuple[int]]


def _conditions(table: SqlTable) -> Iterator[str]:
    for key in table.foreign_keys:
        if key.target_fullname == "users.id" and key.ondelete == "CASCADE":
            yield f"{key.parent.name} = %(user)s"
    if "workspace_id" in table.columns:
        yield "workspace_id = ANY (%(workspaces)s)"
    if table.name in ALSO:
        yield ALSO[table.name]


def _take(table: str, where: str) -> Query[tuple[int]]:
    sql = f"""
    WITH gone AS (
        DELETE FROM {table} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table} WHERE {where} LIMIT {BITE}
        )) RETURNING 1
    ) SELECT count(*)::int FROM gone
    """  # noqa: S608 - both parts are constants of ours
    return Query(sql.encode(), row, {}, writes=True)


def _plan() -> tuple[tuple[Going, ...], frozenset[str]]:
    going: list[Going] = []
    reached: set[str] = set()
    unknown: set[str] = set()
    for table in Table.metadata.sorted_tables:  # those that others hang on come first
        if table.name in STAYS:
            continue
        wheres = list(_conditions(table))
        hangs = any(
            key.ondelete == "CASCADE" and key.column.table.name in reached
            for key in table.foreign_keys
        )
        if not wheres and not hangs:
            unknown.add(table.name)
        reached.add(table.name)
        going += (Going(table.name, where, _take(table.name, where)) for where in wheres)
    first = [each for name in FIRST for each in going if each.table == name]
    plan = (*first, *(each for each in reversed(going) if each.table not in FIRST))
    return plan, frozenset(unknown)


_PLANNED: Final = _plan()
PLAN: Final = _PLANNED[0]
UNKNOWN: Final = _PLANNED[1]
# A person's own; a team's or a sandbox that nobody else is in.
GONE: Final = Query(
    b"""
    SELECT m.workspace_id FROM memberships m
    WHERE m.user_id = %(user)s AND (m.workspace_id = %(user)s OR NOT EXISTS (
        SELECT FROM memberships o
        WHERE o.workspace_id = m.workspace_id AND o.user_id <> %(user)s))
    ORDER BY 1
    """,
    row,
    {},
    writes=False,
)
_PATIENT: Final = Query(
    b"SELECT set_config('statement_timeout', '120s', true)", row, {}, writes=False
)
# A workspace is never without an owner: the oldest of the highest rank follows.
_PASS_ON: Final = Query(
    b"""
    UPDATE memberships h SET role = 'owner' FROM (
        SELECT DISTINCT ON (o.workspace_id) o.workspace_id, o.user_id
        FROM memberships m JOIN memberships o
            ON o.workspace_id = m.workspace_id AND o.user_id <> m.user_id
        WHERE m.user_id = %(user)s AND m.role = 'owner' AND m.workspace_id <> %(user)s
          AND NOT EXISTS (SELECT FROM memberships a WHERE a.workspace_id = m.workspace_id
                          AND a.user_id <> %(user)s AND a.role = 'owner')
        ORDER BY o.workspace_id, array_position(ARRAY['admin', 'member', 'viewer'], o.role),
                 o.created_at, o.user_id
    ) heir
    WHERE h.workspace_id = heir.workspace_id AND h.user_id = heir.user_id
    RETURNING h.workspace_id
    """,
    row,
    {},
    writes=True,
)
_LEAVE: Final = Query(b"DELETE FROM memberships WHERE user_id = %(user)s", row, {}, writes=True)
_CLOSE_DOWN: Final = Query(
    b"DELETE FROM workspaces WHERE id = ANY (%(workspaces)s) RETURNING id", row, {}, writes=True
)
_REMOVE: Final = Query(b"DELETE FROM users WHERE id = %(user)s RETURNING id", row, {}, writes=True)
_EVERY_BLOB: Final = " UNION ALL ".join(
    f"SELECT {column} AS key FROM {table}"  # noqa: S608 - constants of this module
    " WHERE user_id = %(user)s OR workspace_id = ANY (%(workspaces)s)"
    for table, column in BLOBS.items()
)
_BLOBS: Final = Query(
    f"""
    SELECT key FROM ({_EVERY_BLOB}) b WHERE key > %(after)s ORDER BY key LIMIT {BITE}
    """.encode(),  # noqa: S608 - as above
    row,
    {},
    writes=False,
)


def patient(tx: Transaction) -> None:
    """What goes with a row is looked for in tables of any size."""
    tx.run(_PATIENT)


async def gone(tx: Transaction, user_id: UUID) -> list[UUID]:
    """The workspaces that go with this person."""
    return [found for (found,) in await tx.all(GONE, user=user_id)]


async def take(tx: Transaction, going: Going, user_id: UUID, workspaces: Sequence[UUID]) -> int:
    """Delete the next bite; how many rows that were. Fewer than `BITE`: there are no more."""
    patient(tx)
    found = await tx.first(going.take, user=user_id, workspaces=list(workspaces))
    return found[0] if found else 0


async def leave(tx: Transaction, user_id: UUID) -> tuple[list[UUID], int]:
    """Out of every workspace: which went to another owner, and how many ended."""
    patient(tx)
    workspaces = await gone(tx, user_id)
    passed = await tx.all(_PASS_ON, user=user_id)
    tx.run(_LEAVE, user=user_id)
    ended = await tx.all(_CLOSE_DOWN, workspaces=workspaces)
    return [found for (found,) in passed], len(ended)


async def remove(tx: Transaction, user_id: UUID) -> bool:
    """The account itself, and what still hangs on it. Whether it was there."""
    patient(tx)
    return await tx.first(_REMOVE, user=user_id) is not None


async def blobs(tx: Transaction, user_id: UUID, *, after: str) -> list[str]:
    """The next blobs that a row of theirs names, by their names."""
    workspaces = await gone(tx, user_id)
    found = await tx.all(_BLOBS, user=user_id, workspaces=workspaces, after=after)
    return [key for (key,) in found]
