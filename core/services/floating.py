"""What is floating, kind by kind: found, and computed anew for the zone its person has now."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from core.db import Transaction
from core.rules import reminders as rule
from core.rules.reminders import Due
from core.services import reminder_writes
from core.statements import Query, row

LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)  # where rows stand that are not armed


# Of a person: in this transaction, these rows, at this real time.
Move = Callable[[Transaction, UUID, Sequence["Floating"], datetime], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Floating:
    """A row that may have to move, and when it falls due as it is."""

    at: datetime
    id: UUID
    workspace_id: UUID


@dataclass(frozen=True, slots=True)
class Mover:
    """One kind of row. `waiting` finds a person's floating ones, `move` computes some anew.

    `move` is given rows of any workspaces of the person, whose new zone stands in `users`; it locks
    them, writes those that change, and answers how many that were.
    """

    waiting: Query[Floating]
    count: Query[tuple[Any, ...]]
    move: Move


def mover(floating: str, move: Move) -> Mover:
    """`floating` selects `(at, id, workspace_id)` of the rows of `%(user_id)s`."""
    waiting = f"""
    SELECT at, id, workspace_id FROM ({floating}) AS floating
    WHERE (at, id, workspace_id) > (%(at)s::timestamptz, %(id)s::uuid, %(workspace_id)s::uuid)
    ORDER BY at, id, workspace_id LIMIT %(limit)s
    """  # noqa: S608 - a constant of a module
    count = f"SELECT count(*) FROM ({floating}) AS floating"  # noqa: S608 - as above
    return Mover(
        Query(waiting.encode(), Floating, {}, writes=False),
        Query(count.encode(), row, {}, writes=False),
        move,
    )


# Snoozed until an instant (armed in no zone), it stays; one that fired (a delivery says so, or its
# arming does) is over. Neither armed nor fired: its moment had passed where its person was.
_FLOATING_REMINDER: Final = """
    r.user_id = %(user_id)s AND r.at_zone IS NULL
    AND (r.at_on IS NOT NULL OR t.due_on IS NOT NULL AND t.due_zone IS NULL)
    AND t.status = 'pending' AND t.deleted_at IS NULL
    AND (r.next_at IS NULL) = (r.armed_zone IS NULL)
    AND (r.next_at IS NOT NULL OR NOT EXISTS (
        SELECT FROM deliveries d
        WHERE d.workspace_id = r.workspace_id AND d.subject_id = r.id AND d.arm_no = r.arm_no))
"""
_REMINDERS_WAITING: Final = f"""
    SELECT coalesce(r.next_at, '{LAST.isoformat()}') AS at, r.id, r.workspace_id
    FROM reminders r JOIN todos t ON t.workspace_id = r.workspace_id AND t.id = r.todo_id
    WHERE {_FLOATING_REMINDER}
"""  # noqa: S608 - constants of this module
_CLOCKS: Final = Query(
    b"SELECT id, clock_at FROM workspaces WHERE id = ANY (%(workspaces)s) AND clock_at IS NOT NULL",
    row,
    {},
    writes=False,
)
_DUES_WAITING: Final = """
    SELECT due_at AS at, id, workspace_id FROM todos
    WHERE created_by = %(user_id)s AND due_on IS NOT NULL AND due_zone IS NULL
      AND due_at IS NOT NULL AND deleted_at IS NULL
"""
_READ_DUES: Final = Query(
    b"""
    SELECT t.workspace_id, t.id, t.due_on, t.due_time, t.due_at, u.timezone
    FROM todos t JOIN users u ON u.id = t.created_by
    WHERE t.workspace_id = ANY (%(workspaces)s) AND t.id = ANY (%(ids)s)
      AND t.created_by = %(user_id)s AND t.due_on IS NOT NULL AND t.due_zone IS NULL
    ORDER BY t.workspace_id, t.id
    FOR NO KEY UPDATE OF t
    """,
    row,
    {},
    writes=False,
)
_MOVE_DUES: Final = Query(
    b"""
    UPDATE todos t SET due_at = new.due_at, version = t.version + 1, updated_at = %(now)s
    FROM unnest(%(workspaces)s::uuid[], %(ids)s::uuid[], %(due_ats)s::timestamptz[])
        AS new (workspace_id, id, due_at)
    WHERE t.workspace_id = new.workspace_id AND t.id = new.id
    """,
    row,
    {},
    writes=True,
)


async def _move_reminders(
    tx: Transaction, user_id: UUID, rows: Sequence[Floating], now: datetime
) -> int:
    clocks = dict(await tx.all(_CLOCKS, workspaces=list({each.workspace_id for each in rows})))
    return await reminder_writes.follow(
        tx, user_id, **_keys(rows), now=lambda workspace_id: clocks.get(workspace_id, now)
    )


async def _move_dues(
    tx: Transaction, user_id: UUID, rows: Sequence[Floating], now: datetime
) -> int:
    moved = []
    found = await tx.all(_READ_DUES, **_keys(rows), user_id=user_id)
    for workspace_id, todo_id, on, at, due_at, zone in found:
        new = rule.due_instant(Due(on, at, None), zone)
        if new != due_at:
            moved.append((workspace_id, todo_id, new))
    if moved:
        workspaces, ids, due_ats = map(list, zip(*moved, strict=True))
        tx.run(_MOVE_DUES, workspaces=workspaces, ids=ids, due_ats=due_ats, now=now)
    return len(moved)


def _keys(rows: Sequence[Floating]) -> dict[str, list[UUID]]:
    return {"workspaces": [each.workspace_id for each in rows], "ids": [each.id for each in rows]}


REMINDERS: Final = mover(_REMINDERS_WAITING, _move_reminders)
DUES: Final = mover(_DUES_WAITING, _move_dues)
