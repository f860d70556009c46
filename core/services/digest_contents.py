"""What people's digests say, read when they are sent: two queries, however many people.

A todo is somebody's when it is assigned to them, or to nobody and stands in their own workspace or
was made by them. Days are the person's: of a floating or all-day todo the one that it names, of one
in a fixed zone the one that its instant is in. Todos of sandboxes and of muted lists are left out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core.db import Transaction
from core.rules import zones
from core.rules.digests import (
    DAYS_AHEAD,
    PER_SECTION,
    DigestContent,
    Frequency,
    Item,
    Part,
    Section,
    offsets,
)
from core.rules.reminders import Due
from core.statements import Query, row

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose digest, of which time. `workspaces`: those they are a member of."""

    user_id: UUID
    zone: str
    frequency: Frequency
    workspaces: Sequence[UUID]
    muted: Collection[UUID]
    since: datetime  # what was completed from here on is told
    now: datetime


_MINE: Final = """
    t.workspace_id = ANY (p.workspaces) AND t.deleted_at IS NULL
    AND (t.assignee_id = p.user_id OR t.assignee_id IS NULL
         AND (t.workspace_id = p.user_id OR t.created_by = p.user_id))
    AND (t.list_id IS NULL OR t.list_id <> ALL (p.muted))
"""
# A workspace's own clock makes it a sandbox. OFFSET 0: person by person, by the index.
_PEOPLE: Final = """
    SELECT x.user_id, x.muted, x.since, x.now, x.today, x.wall, x.last, x.tomorrow_at, x.ahead_at,
           x.offsets,
           (SELECT coalesce(array_agg(w.id), '{}') FROM workspaces w
            WHERE w.id = ANY (x.workspaces) AND w.kind <> 'sandbox') AS workspaces
    FROM jsonb_to_recordset(%(people)s)
        AS x (user_id uuid, workspaces uuid[], muted uuid[], since timestamptz, now timestamptz,
              today date, wall time, last date, tomorrow_at timestamptz, ahead_at timestamptz,
              offsets jsonb)
"""
_TODOS: Final = Query(
    f"""
    WITH p AS MATERIALIZED ({_PEOPLE})
    SELECT p.user_id, s.section, s.id, s.title, s.due_on, s.due_time, s.due_zone, s.total
    FROM p CROSS JOIN LATERAL (
        SELECT n.*, row_number() OVER (PARTITION BY n.section ORDER BY n.place, n.id) AS nth,
               count(*) OVER (PARTITION BY n.section)::int AS total
        FROM (
            SELECT t.id, t.title, t.due_on, t.due_time, t.due_zone,
                   extract(epoch FROM t.due_at) AS place,
                   CASE
                       WHEN t.due_zone IS NOT NULL THEN CASE
                           WHEN t.due_at < p.now THEN 'overdue'
                           WHEN t.due_at < p.tomorrow_at THEN 'today'
                           WHEN t.due_at < p.ahead_at THEN 'upcoming' END
                       WHEN t.due_on < p.today THEN 'overdue'
                       WHEN t.due_on = p.today AND t.due_time < p.wall THEN 'overdue'
                       WHEN t.due_on = p.today THEN 'today'
                       WHEN t.due_on <= p.last THEN 'upcoming' END AS section
            FROM todos t
            WHERE {_MINE} AND t.status = 'pending'
              -- a floating one of somebody else's may be a day's offset away
              AND t.due_at < p.ahead_at + interval '26 hours'
            UNION ALL
            SELECT t.id, t.title, t.due_on, t.due_time, t.due_zone,
                   -extract(epoch FROM t.completed_at), 'completed'
            FROM todos t
            WHERE {_MINE} AND t.completed_at >= p.since AND t.completed_at <= p.now
            OFFSET 0
        ) n
        WHERE n.section IS NOT NULL
    ) s
    WHERE s.nth <= %(per_section)s
    ORDER BY p.user_id, s.section, s.nth
    """.encode(),  # noqa: S608 - constants of this module
    row,
    {"per_section": PER_SECTION},
    writes=False,
)
_STREAKS: Final = Query(
    f"""
    WITH p AS MATERIALIZED ({_PEOPLE})
    SELECT p.user_id, s.streak
    FROM p CROSS JOIN LATERAL (
        SELECT count(*)::int AS streak
        FROM (
            SELECT d.day, max(d.day) OVER () AS latest,
                   row_number() OVER (ORDER BY d.day DESC)::int AS nth
            FROM (
                SELECT DISTINCT ((t.completed_at AT TIME ZONE 'UTC')
                                 + make_interval(secs => o.seconds))::date AS day
                FROM jsonb_to_recordset(p.offsets)
                    AS o (since timestamptz, until timestamptz, seconds int)
                JOIN todos t ON t.completed_at >= o.since AND t.completed_at < o.until
                WHERE {_MINE} AND t.completed_at <= p.now
            ) d
        ) r
        WHERE r.latest >= p.today - 1 AND r.day = r.latest - (r.nth - 1)
    ) s
    """.encode(),  # noqa: S608 - constants of this module
    row,
    {},
    writes=False,
)


async def read(tx: Transaction, readers: Sequence[Reader]) -> dict[UUID, DigestContent]:
    """By person; `tx` acts in all of their workspaces."""
    if not readers:
        return {}
    people = Jsonb([_parameters(each) for each in readers])
    parts: dict[UUID, dict[Section, tuple[list[Item], int]]] = {}
    for user_id, name, todo_id, title, on, at, zone, total in await tx.all(_TODOS, people=people):
        items, _ = parts.setdefault(user_id, {}).setdefault(Section(name), ([], total))
        items.append(Item(todo_id, title, None if on is None else Due(on, at, zone)))
    streaks = dict(await tx.all(_STREAKS, people=people))
    contents = {}
    for each in readers:
        found = parts.get(each.user_id, {})
        contents[each.user_id] = DigestContent(
            frequency=each.frequency,
            on=zones.today(each.now, each.zone),
            zone=each.zone,
            parts=tuple(
                Part(section, tuple(found[section][0]), found[section][1])
                for section in Section
                if section in found
            ),
            streak=streaks.get(each.user_id, 0),
        )
    return contents


def _parameters(reader: Reader) -> dict[str, Any]:
    today = zones.today(reader.now, reader.zone)
    last = today + DAYS_AHEAD * _DAY
    return {
        "user_id": reader.user_id,
        "workspaces": _array(reader.workspaces),
        "muted": _array(reader.muted),
        "since": reader.since,
        "now": reader.now,
        "today": today,
        "wall": zones.wall(reader.now, reader.zone).time(),
        "last": last,
        "tomorrow_at": zones.instant(today + _DAY, time(0), reader.zone),
        "ahead_at": zones.instant(last + _DAY, time(0), reader.zone),
        "offsets": [
            {"since": span.start, "until": span.end, "seconds": span.seconds}
            for span in offsets(reader.zone, today)
        ],
    }


def _array(ids: Collection[UUID]) -> list[str]:
    return [str(each) for each in ids]
