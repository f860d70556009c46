"""Deliveries of which many failed at once: they wait in a table, and a tick tries them again.

A workflow for each would take Temporal's server minutes for what the vendor's return leaves to be
done in seconds, and show an operator ten thousand times what one circuit says. Whether, when and
for how long is the same as with a workflow: `attempts` decides both.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core import due
from core.db import Transaction
from core.due import SOURCES, Claimed
from core.messages import Kind
from core.services.deliveries import Send
from core.statements import Query, row

SOURCE: Final = SOURCES[Kind.PARKED]

_ADD: Final = Query(
    b"""
    INSERT INTO parked_deliveries AS p (workspace_id, id, provider, lane, next_at)
    SELECT x.workspace_id, x.id, x.provider, 0, x.next_at
    FROM jsonb_to_recordset(%(rows)s)
        AS x (workspace_id uuid, id uuid, provider text, next_at timestamptz)
    ON CONFLICT (workspace_id, id) DO UPDATE
    SET next_at = excluded.next_at, provider = excluded.provider
    """,
    row,
    {},
    writes=True,
)
_NAMED: Final = b"""
    FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(next_ats)s::timestamptz[])
        AS x (workspace_id, id, next_at)
    WHERE p.workspace_id = x.workspace_id AND p.id = x.id
"""
_MOVE: Final = Query(
    b"UPDATE parked_deliveries p SET next_at = x.next_at, arm_no = p.arm_no + 1" + _NAMED,
    row,
    {},
    writes=True,
)
_REMOVE: Final = Query(
    b"""
    DELETE FROM parked_deliveries
    WHERE workspace_id = ANY (%(workspaces)s::uuid[]) AND id = ANY (%(ids)s::uuid[])
    """,
    row,
    {},
    writes=True,
)
_PROVIDERS: Final = Query(
    b"""
    SELECT workspace_id, id, provider FROM parked_deliveries
    WHERE workspace_id = ANY (%(workspaces)s::uuid[]) AND id = ANY (%(ids)s::uuid[])
    """,
    row,
    {},
    writes=False,
)


def add(tx: Transaction, waiting: Iterable[tuple[Send, str, datetime]]) -> None:
    """Queue that each of these is tried again at that time; with who carries it."""
    rows = [
        {
            "workspace_id": str(send.workspace_id),
            "id": str(send.delivery_id),
            "provider": provider,
            "next_at": next_at.isoformat(),
        }
        for send, provider, next_at in waiting
    ]
    if rows:
        tx.run(_ADD, rows=Jsonb(rows))


async def providers(tx: Transaction, claimed: Sequence[Claimed]) -> dict[UUID, str]:
    """Who carries each of them."""
    tx.act_in(list({each.workspace_id for each in claimed}))
    found = await tx.all(_PROVIDERS, **_keys(claimed))
    return {key: provider for _, key, provider in found}


def rest(tx: Transaction, later: Sequence[tuple[Claimed, datetime]]) -> None:
    """Queue that these wait on, untried, until then; the leases are released."""
    if later:
        tx.run(_MOVE, **_keys([each for each, _ in later]), next_ats=[until for _, until in later])
        due.release(tx, SOURCE, [each for each, _ in later])


def remove(tx: Transaction, rows: Sequence[Claimed]) -> None:
    """Queue that none of these is tried again; the leases are released."""
    if rows:
        tx.run(_REMOVE, **_keys(rows))
        due.release(tx, SOURCE, rows)


def _keys(rows: Sequence[Claimed]) -> dict[str, Any]:
    return {
        "workspaces": [each.workspace_id for each in rows],
        "ids": [each.id for each in rows],
    }
